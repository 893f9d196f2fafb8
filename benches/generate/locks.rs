//! Two locks of a large app, some changes apart.

use parse_audit::lock::{Key, Lock, NO_ACL, Value};
use parse_audit::model::Operation;

use super::Random;

/// A lock of an app with so many classes and roles, and the one that so many changes make of it.
pub fn pair(classes: u64, roles: u64, changes: u64) -> (Lock, Lock) {
    let mut random = Random::new(13);
    let mut from = Lock::default();
    put(&mut from, &["server", "version"], "8.2.0");
    for number in 0..roles {
        let name = format!("Role{number}");
        // A tree in which up to three roles inherit from one.
        let above = number.checked_sub(1).map(|number| format!("Role{}", number / 3));
        put(&mut from, &["role", &name, "inherits"], list(above));
        put(&mut from, &["role", &name, "changed-by"], list([]));
    }
    for number in 0..classes {
        class(&mut from, &class_name(number), roles, &mut random);
    }
    let mut to = from.clone();
    for number in 0..changes {
        change(&mut to, number, (classes, roles), &mut random);
    }
    (from, to)
}

fn class(lock: &mut Lock, class: &str, roles: u64, random: &mut Random) {
    put(lock, &["class", class, "permissions"], "given");
    for column in 0..12 {
        put(lock, &["class", class, "fields", &format!("column{column}")], list(["String".to_owned()]));
    }
    for op in Operation::ALL {
        let granted = match random.below(6) {
            0 => vec!["public".to_owned()],
            1 => vec!["signed-in".to_owned()],
            _ => (0..=random.below(4)).map(|_| role(roles, random)).collect(),
        };
        put(lock, &["class", class, "allow", op.key()], list(granted));
    }
    let hidden = || list(["column1".to_owned(), "column2".to_owned()]);
    put(lock, &["class", class, "protected", "public"], hidden());
    put(lock, &["class", class, "protected", &role(roles, random)], list(["column1".to_owned()]));
    put(lock, &["class", class, "rows", "count"], "1000-9999");
    for side in ["read", "write"] {
        put(lock, &["class", class, "rows", side, NO_ACL], "1-5%");
        for share in ["50-80%", "20-50%", "5-20%"] {
            put(lock, &["class", class, "rows", side, &role(roles, random)], share);
        }
    }
    for side in ["read", "write"] {
        put(lock, &["class", class, "new-objects", side], list(["public".to_owned()]));
    }
}

fn change(lock: &mut Lock, number: u64, (classes, roles): (u64, u64), random: &mut Random) {
    let class = class_name(random.below(classes));
    let (role, other) = (format!("Role{}", random.below(roles)), format!("Role{}", random.below(roles)));
    match number % 6 {
        0 => put(lock, &["class", &class, "allow", "update"], list([format!("role:{role}"), format!("role:{other}")])),
        1 => put(lock, &["class", &class, "allow", "find"], list(["public".to_owned()])),
        2 => put(lock, &["role", &role, "inherits"], list([other])),
        3 => put(lock, &["class", &class, "protected", &format!("role:{role}")], list([])),
        4 => put(lock, &["class", &class, "rows", "read", NO_ACL], "50-80%"),
        _ => put(lock, &["class", &class, "allow", "get"], list([])),
    }
}

fn class_name(number: u64) -> String {
    format!("Class{number}")
}

fn role(roles: u64, random: &mut Random) -> String {
    format!("role:Role{}", random.below(roles))
}

fn list(elements: impl IntoIterator<Item = String>) -> Value {
    Value::List(elements.into_iter().collect())
}

fn put(lock: &mut Lock, key: &[&str], value: impl Into<Value>) {
    lock.set(Key::of(key), Some(value.into()));
}
