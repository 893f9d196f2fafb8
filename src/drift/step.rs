//! The changes between two locks, each as a person would have made it: a class that is new, one
//! list of grantees that takes the place of another, a role that inherits one more.

use std::collections::{BTreeMap, BTreeSet};

use crate::lock::{GRAPHQL, Key, Lock, NOT_READ, UNIQUE, Value};
use crate::model::Operation;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was changed.
    pub what: What,
    /// The facts that are different, in order.
    pub keys: Vec<Key>,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A class is new.
    ClassNew(String),
    /// A class is gone.
    ClassGone(String),
    /// The permissions of a class are gone, or were given to one that had none.
    Permissions(String),
    /// Who may do some operations on a class; the lists before and now tell changes of a class apart.
    Grants(String, String, String),
    /// Columns are hidden from others than before.
    Protection(String),
    /// A column of a class.
    Field(String, String),
    /// The rows of a class.
    Rows(String),
    /// The ACL of new objects of a class.
    DefaultAcl(String),
    /// Columns of a class that no two rows may have the same values in.
    Unique(String, String),
    /// What a role inherits and who may change it, or the role itself.
    Role(String),
    /// Who is in a role.
    Members(String),
    /// A handler of code: its kind and its name.
    Handler(String, String),
    /// A webhook.
    Webhook(String),
    /// A parameter of the configuration.
    Parameter(String),
    /// The version of the server.
    Version,
    /// Which classes GraphQL shows.
    GraphQl,
    /// An option of the server.
    Option(String),
    /// The option `protectedFields`, for a class.
    ProtectionOption(String),
    /// Something else.
    Other,
}

impl Step {
    /// The class that it is about alone.
    pub fn class(&self) -> Option<&str> {
        match &self.what {
            What::ClassNew(class)
            | What::ClassGone(class)
            | What::Permissions(class)
            | What::Grants(class, _, _)
            | What::Protection(class)
            | What::Field(class, _)
            | What::Rows(class)
            | What::DefaultAcl(class)
            | What::Unique(class, _)
            | What::ProtectionOption(class) => Some(class),
            What::Role(_)
            | What::Members(_)
            | What::Handler(..)
            | What::Webhook(_)
            | What::Parameter(_)
            | What::Version
            | What::GraphQl
            | What::Option(_)
            | What::Other => None,
        }
    }

    /// Whether `permit` may decide otherwise because of it.
    pub fn is_structural(&self) -> bool {
        !matches!(
            self.what,
            What::Handler(..) | What::Webhook(_) | What::Parameter(_) | What::Unique(..) | What::GraphQl | What::Other
        )
    }

    /// Whether all that it changes is told below a class.
    pub fn is_inside_class(&self) -> bool {
        self.class().is_some() && !matches!(self.what, What::ProtectionOption(_))
    }

    /// Whether it changes who holds which roles, and nothing else.
    pub fn is_of_roles(&self) -> bool {
        matches!(self.what, What::Role(_) | What::Members(_))
    }

    /// Whether it is about the permissions of a class, which schema as code sets.
    pub fn is_permission(&self) -> bool {
        matches!(self.what, What::Permissions(_) | What::Grants(..) | What::Protection(_) | What::DefaultAcl(_))
    }

    /// The operations whose grantees it changes.
    pub fn operations(&self) -> Vec<Operation> {
        Operation::ALL.into_iter().filter(|op| self.keys.iter().any(|key| key.part(3) == op.key())).collect()
    }

    /// Makes the change in a lock.
    pub fn apply(&self, lock: &mut Lock, to: &Lock) {
        for key in &self.keys {
            lock.set(key.clone(), to.at(key).cloned());
        }
    }
}

/// The changes that lead from one lock to another.
pub fn between(from: &Lock, to: &Lock) -> Vec<Step> {
    let keys: BTreeSet<&Key> = from.facts().chain(to.facts()).map(|(key, _)| key).collect();
    let mut steps: BTreeMap<What, Vec<Key>> = BTreeMap::new();
    for key in keys {
        let (old, new) = (from.at(key), to.at(key));
        if old != new {
            steps.entry(what(key, (from, old), (to, new))).or_default().push(key.clone());
        }
    }
    steps.into_iter().map(|(what, keys)| Step { what, keys }).collect()
}

fn what(key: &Key, (from, old): (&Lock, Option<&Value>), (to, new): (&Lock, Option<&Value>)) -> What {
    let name = key.part(1).to_owned();
    match key.part(0) {
        "class" => of_class(key, name, (from, old), (to, new)),
        NOT_READ if key.part(1) == "class" => {
            let class = key.part(2).to_owned();
            match (has_class(from, &class), has_class(to, &class)) {
                (false, true) => What::ClassNew(class),
                (true, false) => What::ClassGone(class),
                (true, true) | (false, false) => What::Other,
            }
        }
        "role" if matches!(key.part(2), "member" | "members") => What::Members(name),
        "role" => What::Role(name),
        room @ ("function" | "job" | "trigger" | "route") => What::Handler(room.to_owned(), name),
        "webhook" => What::Webhook(name),
        "config" => What::Parameter(name),
        "server" => match key.part(1) {
            "version" => What::Version,
            GRAPHQL => What::GraphQl,
            "option" => What::Option(key.part(2).to_owned()),
            "protected" => What::ProtectionOption(key.part(2).to_owned()),
            _ => What::Other,
        },
        _ => What::Other,
    }
}

fn of_class(
    key: &Key,
    class: String,
    (from, old): (&Lock, Option<&Value>),
    (to, new): (&Lock, Option<&Value>),
) -> What {
    match (has_class(from, &class), has_class(to, &class)) {
        (false, _) => return What::ClassNew(class),
        (_, false) => return What::ClassGone(class),
        (true, true) => {}
    }
    let given = |lock: &Lock| lock.text(&["class", &class, "permissions"]).map(str::to_owned);
    let part = key.part(2);
    let of_permissions = matches!(part, "allow" | "protected" | "new-objects" | "permissions");
    if of_permissions && given(from) != given(to) {
        return What::Permissions(class);
    }
    let list = |value: Option<&Value>| value.map(ToString::to_string).unwrap_or_default();
    match part {
        "allow" => What::Grants(class, list(old), list(new)),
        "protected" => What::Protection(class),
        "fields" => What::Field(class, key.part(3).to_owned()),
        "rows" => What::Rows(class),
        "new-objects" => What::DefaultAcl(class),
        UNIQUE => What::Unique(class, key.part(3).to_owned()),
        _ => What::Other,
    }
}

fn has_class(lock: &Lock, class: &str) -> bool {
    lock.below(&["class", class]).next().is_some() || lock.below(&[NOT_READ, "class", class]).next().is_some()
}
