//! What one side of an ACL may be, and the queries for rows whose ACL is so.
//!
//! Source: Parse Server 7.5.4 and 9.10.0; `$in`, `$exists` and `$eq` on `_rperm` are what both databases answer,
//! `$all`, `$nin` and `$size` fail on PostgreSQL. `$eq` with a list wants its order too.

use serde_json::{Value, json};

use crate::model::RoleName;
use crate::model::census::{Entries, Shape, Users};
use crate::permit::object::Side;

/// An entry that is asked for. Users are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry<'r> {
    /// `*`.
    Anyone,
    /// A role.
    Role(&'r RoleName),
}

/// What one side of an ACL is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind<'r> {
    /// It is not stored.
    Missing,
    /// It has no entries.
    Empty,
    /// It has these entries that can be asked for, in order, and maybe users; only users if there are none.
    Entries(Vec<Entry<'r>>),
}

impl Entry<'_> {
    /// As it is stored.
    pub fn stored(self) -> String {
        match self {
            Self::Anyone => "*".to_owned(),
            Self::Role(role) => format!("role:{role}"),
        }
    }
}

impl Kind<'_> {
    /// How many things a query for it asks for.
    pub fn size(&self) -> usize {
        match self {
            Self::Missing | Self::Empty => 1,
            Self::Entries(entries) => entries.len(),
        }
    }

    /// Whether a side that is `other` has all that is asked for with this.
    pub fn is_part_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Entries(some), Self::Entries(all)) => some.iter().all(|entry| all.contains(entry)),
            _ => self == other,
        }
    }

    /// The conditions for sides that have all of it.
    pub fn at_least(&self, side: Side) -> Vec<Value> {
        match self {
            Self::Entries(entries) => entries.iter().map(|entry| any_of(side, &[*entry])).collect(),
            Self::Missing | Self::Empty => self.exactly(side).into_iter().collect(),
        }
    }

    /// The condition for sides that are so, users none and entries in this order; `None` if only users say what it is.
    pub fn exactly(&self, side: Side) -> Option<Value> {
        match self {
            Self::Missing => Some(json!({ column(side): { "$exists": false } })),
            Self::Empty => Some(json!({ column(side): { "$eq": [] } })),
            Self::Entries(entries) if entries.is_empty() => None,
            Self::Entries(entries) => {
                let stored: Vec<String> = entries.iter().map(|entry| entry.stored()).collect();
                Some(json!({ column(side): { "$eq": stored } }))
            }
        }
    }

    fn entries(&self) -> Option<Entries> {
        let mut all = Entries::default();
        match self {
            Self::Missing => return None,
            Self::Empty => {}
            Self::Entries(entries) => {
                // What is there and is none of these is a user.
                all.users = if entries.is_empty() { Users::Some } else { Users::Untold };
                for entry in entries {
                    match entry {
                        Entry::Anyone => all.anyone = true,
                        Entry::Role(role) => drop(all.roles.insert((*role).clone())),
                    }
                }
            }
        }
        Some(all)
    }
}

/// The shape of an ACL with these sides.
pub fn shape(read: &Kind<'_>, write: &Kind<'_>) -> Shape {
    Shape { read: read.entries(), write: write.entries(), ..Shape::default() }
}

/// The condition for sides that have one of these.
pub fn any_of(side: Side, entries: &[Entry<'_>]) -> Value {
    let stored: Vec<String> = entries.iter().map(|entry| entry.stored()).collect();
    json!({ column(side): { "$in": stored } })
}

/// The query for rows that satisfy all of these. It always has a condition: without one PostgreSQL guesses.
pub fn all(conditions: Vec<Value>) -> Value {
    let objects = json!({ "objectId": { "$exists": true } });
    if conditions.is_empty() {
        return objects;
    }
    let conditions: Vec<Value> = [objects].into_iter().chain(conditions).collect();
    json!({ "$and": conditions })
}

fn column(side: Side) -> &'static str {
    match side {
        Side::Read => "_rperm",
        Side::Write => "_wperm",
    }
}
