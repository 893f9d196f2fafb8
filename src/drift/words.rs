//! Changes in words.

use std::collections::BTreeSet;

use crate::audit::fact::in_words;
use crate::lock::{GRAPHQL, INDEXES, Key, Lock, UNIQUE, Value};
use crate::model::Operation;

use super::Part;
use super::step::{Step, What};

/// A few of several things are told.
const MOST: usize = 4;

/// What a step changed, with the fact that stands for it.
pub fn part(step: &Step, from: &Lock, to: &Lock) -> Part {
    let key = anchor(step, from).clone();
    Part { key, words: told(step, from, to) }
}

/// The fact that a step is told about: the first one that is in the older lock, or the first one.
fn anchor<'s>(step: &'s Step, from: &Lock) -> &'s Key {
    let of_shares = |key: &&Key| !(matches!(step.what, What::Rows(_)) && key.part(3) == "count");
    let known = |key: &&Key| from.at(key).is_some();
    let keys = || step.keys.iter().filter(of_shares);
    keys().find(known).or_else(|| keys().next()).or_else(|| step.keys.first()).unwrap_or(&EMPTY)
}

static EMPTY: std::sync::LazyLock<Key> = std::sync::LazyLock::new(Key::default);

fn told(step: &Step, from: &Lock, to: &Lock) -> String {
    let first = anchor(step, from);
    let change = |key: &Key| format!("{} → {}", value(from.at(key)), value(to.at(key)));
    match &step.what {
        What::ClassNew(class) => format!("{class} is new"),
        What::ClassGone(class) => format!("{class} is gone"),
        What::Permissions(class) => {
            let given = |lock: &Lock| lock.text(&["class", class, "permissions"]).unwrap_or("not there").to_owned();
            format!("permissions of {class}: {} → {}", given(from), given(to))
        }
        What::Grants(class, ..) => format!("{class}.{}: {}", operations(step), change(first)),
        What::Protection(class) => {
            let lines = step.keys.iter().map(|key| format!("{}: {}", key.part(3), change(key)));
            format!("protected fields of {class} for {}", some(lines))
        }
        What::ProtectionOption(class) => {
            let lines = step.keys.iter().map(|key| format!("{}: {}", key.part(3), change(key)));
            format!("the option protectedFields of {class} for {}", some(lines))
        }
        What::Field(class, field) => format!("{class}.{field}: {}", change(first)),
        What::Rows(class) => format!("rows of {class} {}", shares(step, from, to)),
        What::DefaultAcl(class) => {
            let lines = step.keys.iter().map(|key| format!("{}: {}", key.part(3), change(key)));
            format!("new objects of {class}, {}", some(lines))
        }
        What::Unique(class, columns) => format!("unique index on {columns} of {class}: {}", change(first)),
        What::Role(role) => of_role(role, step, from, to),
        What::Members(role) => of_members(role, step, from, to),
        What::Handler(room, name) => {
            let lines = step.keys.iter().map(|key| format!("{} {}", key.part(2), change(key)));
            format!("{room} {name}: {}", some(lines))
        }
        What::Webhook(name) => format!("webhook {name}: {}", change(first)),
        What::Parameter(name) => format!("parameter {name}: {}", change(first)),
        What::Version => format!("parse-server {}", change(first)),
        What::GraphQl => {
            let lines = step.keys.iter().map(|key| format!("{} {}", key.part(2), change(key)));
            format!("classes that GraphQL shows: {}", some(lines))
        }
        What::Option(name) => format!("option {name}: {}", change(first)),
        What::Other => format!("{first}: {}", change(first)),
    }
}

/// The operations of a step with `, ` between them.
pub fn operations(step: &Step) -> String {
    let named: Vec<&str> = step.operations().into_iter().map(Operation::key).collect();
    if named.is_empty() { step.keys.first().map_or("", |key| key.part(3)).to_owned() } else { named.join(", ") }
}

fn shares(step: &Step, from: &Lock, to: &Lock) -> String {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    let band = |lock: &Lock, key: &Key| lock.at(key).and_then(Value::text).unwrap_or("0%").to_owned();
    for key in step.keys.iter().filter(|key| key.depth() == 5) {
        let change = format!("{} → {}", band(from, key), band(to, key));
        let set = key.part(4);
        // Both sides of an ACL that is not there change at once.
        if !seen.insert((set, change.clone())) {
            continue;
        }
        lines.push(match (set, key.part(3)) {
            (crate::lock::NO_ACL, _) => format!("without an ACL {change}"),
            (set, "read") => format!("read by {set} {change}"),
            (set, _) => format!("written by {set} {change}"),
        });
    }
    if lines.is_empty() { "changed in number".to_owned() } else { some(lines) }
}

fn of_role(role: &str, step: &Step, from: &Lock, to: &Lock) -> String {
    let none = BTreeSet::new();
    let mut lines = Vec::new();
    if from.below(&["role", role]).next().is_none() {
        lines.push("is new".to_owned());
    }
    if to.below(&["role", role]).next().is_none() {
        lines.push("is gone".to_owned());
    }
    for key in &step.keys {
        let list = |lock: &Lock| lock.at(key).and_then(Value::list).unwrap_or(&none).clone();
        let (old, new) = (list(from), list(to));
        let verb = if key.part(2) == "inherits" { "inherits" } else { "may be changed by" };
        lines.extend(new.difference(&old).map(|other| format!("{verb} {}", named(other, verb))));
        lines.extend(old.difference(&new).map(|other| format!("no longer {verb} {}", named(other, verb))));
    }
    format!("role:{role} {}", if lines.is_empty() { "changed".to_owned() } else { some(lines) })
}

fn named(other: &str, verb: &str) -> String {
    if verb == "inherits" { format!("role:{other}") } else { other.to_owned() }
}

fn of_members(role: &str, step: &Step, from: &Lock, to: &Lock) -> String {
    let is = |lock: &Lock, key: &&Key| lock.at(key).is_some();
    let (mut came, mut left) = (Vec::new(), Vec::new());
    for key in &step.keys {
        match (key.part(2), is(from, &key), is(to, &key)) {
            ("member", false, true) => came.push(format!("user #{}", key.part(3))),
            ("member", true, false) => left.push(format!("user #{}", key.part(3))),
            _ => {}
        }
    }
    match (came.is_empty(), left.is_empty()) {
        (false, true) => format!("role:{role} has {} as well", in_words(came)),
        (true, false) => format!("role:{role} lost {}", in_words(left)),
        (false, false) => format!("role:{role} has {} as well and lost {}", in_words(came), in_words(left)),
        (true, true) => {
            let key = step.keys.first().cloned().unwrap_or_default();
            format!("members of role:{role}: {} → {}", value(from.at(&key)), value(to.at(&key)))
        }
    }
}

/// A value in words.
pub fn value(value: Option<&Value>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Flag(flag)) => flag.to_string(),
        Some(Value::List(list)) if list.is_empty() => "nobody or nothing".to_owned(),
        Some(Value::List(list)) => {
            let shown: Vec<&str> = list.iter().take(MOST).map(String::as_str).collect();
            let more = list.len() - shown.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", shown.join(", "))
        }
    }
}

fn some(lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<String> = lines.into_iter().collect();
    let more = lines.len().saturating_sub(MOST);
    let shown = lines.into_iter().take(MOST).collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{shown}; {more} more") } else { shown }
}

/// What a line below `not-read` is about, in words.
pub fn topic(key: &Key) -> String {
    match (key.part(1), key.part(2), key.part(3)) {
        ("class", class, "allow") => format!("permissions of {class}"),
        ("class", class, "fields") => format!("columns of {class}"),
        ("class", class, UNIQUE) => format!("unique indexes of {class}"),
        (GRAPHQL, ..) => "classes that GraphQL shows".to_owned(),
        (INDEXES, ..) => "unique indexes".to_owned(),
        ("class", class, _) => format!("rows of {class}"),
        ("role-inheritance", ..) => "inheritance of roles".to_owned(),
        ("role-members", ..) => "members of roles".to_owned(),
        ("server-version", ..) => "the version of the server".to_owned(),
        ("server-options", ..) => "options of the server".to_owned(),
        ("config", ..) => "parameters of the configuration".to_owned(),
        ("code", ..) => "cloud code".to_owned(),
        (other, ..) => other.to_owned(),
    }
}

/// What a finding about such a line is about.
pub fn subject_of_topic(key: &Key) -> String {
    match key.part(1) {
        "class" => format!("{}:{}", key.part(2), key.part(3)),
        other => other.to_owned(),
    }
}
