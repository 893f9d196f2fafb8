//! How bad drift is: direction, then who gains, what data, which operation.

use std::collections::BTreeSet;

use crate::lock::{Lock, parse_field};
use crate::model::{Operation, Principal};
use crate::rules::words::Tag;
use crate::severity::Severity;

use super::level::{Atom, Who};

/// What a class holds, the most precious last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Data {
    /// Nothing that its names give away.
    Other,
    /// Data about people, secrets, what gives rights; users, sessions and roles.
    Precious,
}

/// One step less bad.
pub fn below(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Info => Severity::Info,
    }
}

/// How bad it is that somebody reaches more of a class.
///
/// | gains | people, secrets, rights, users, sessions, roles | other data |
/// |---|---|---|
/// | the public, any signed-in user | critical | high |
/// | any signed-in user, a column of rows that it reads anyway | high | high |
/// | a role, an owner, a user | high | medium, to update or delete high |
///
/// One step less for counting and for adding columns.
pub fn wider(atom: &Atom, data: Data) -> Severity {
    let Atom { who, op, field, .. } = atom;
    let anybody = matches!(who, Who::One(Principal::Public | Principal::AnyUser));
    let column_to_users = field.is_some() && *who == Who::One(Principal::AnyUser);
    let severity = match (anybody, data) {
        (true, Data::Precious) if !column_to_users => Severity::Critical,
        (true, _) | (false, Data::Precious) => Severity::High,
        (false, Data::Other) if matches!(op, Operation::Update | Operation::Delete) => Severity::High,
        (false, Data::Other) => Severity::Medium,
    };
    if matches!(op, Operation::Count | Operation::AddField) { below(severity) } else { severity }
}

/// What a class holds, or one column of it.
pub fn data(lock: &Lock, class: &str, field: Option<&str>) -> Data {
    let tags = |words: &BTreeSet<String>| parse_field(words).1;
    let in_class = |name: &str| lock.list(&["class", class, "fields", name]).map(tags).unwrap_or_default();
    let all: BTreeSet<Tag> = match field {
        Some(field) => in_class(field),
        None => lock.names(&["class", class, "fields"]).into_iter().flat_map(in_class).collect(),
    };
    let of_accounts = match field {
        None => matches!(class, "_User" | "_Session" | "_Role"),
        Some(field) => (class == "_User" && field == "email") || class == "_Session",
    };
    if of_accounts || !all.is_empty() { Data::Precious } else { Data::Other }
}
