//! Rows: who their ACLs let in, as bands.
//!
//! Each side of an ACL has one set of entries, so the shares of a side add up to all rows,
//! and who reads how much can be worked out from them as from the rows themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Census;
use crate::model::census::{Entries, Users};

use super::{Key, Making, bands};

/// A side without an ACL: open.
pub const NO_ACL: &str = "no ACL";
/// A side that names nobody.
pub const NOBODY: &str = "nobody";
/// Rows of which it is not known whom they name.
pub const UNKNOWN: &str = "unknown";
/// One user.
pub const A_USER: &str = "a user";
/// More users than one.
pub const USERS: &str = "users";
/// Perhaps users: it was not asked.
pub const MAYBE_USERS: &str = "perhaps users";
/// The object itself, which is a user.
pub const SELF: &str = "self";
/// What stands between the entries of a set.
pub const AND: &str = " + ";

/// So many sets of entries of one side are told apart; what is rarer counts as unknown.
const MOST: usize = 60;

impl Making<'_> {
    pub(super) fn rows(&mut self, class: &str, census: &Census) {
        let total = census.rows();
        let before = self.previous.and_then(|lock| lock.text(&["class", class, "rows", "count"]));
        let count = bands::count(total, before);
        self.put(&["class", class, "rows", "count"], count);
        let read = census.shapes.iter().map(|(shape, count)| (shape.read.as_ref(), *count));
        let read = self.side(read, census.unknown());
        let write = census.shapes.iter().map(|(shape, count)| (shape.write.as_ref(), *count));
        let write = self.side(write, census.unknown());
        for (side, shares) in [("read", read), ("write", write)] {
            for (set, count) in shares {
                let key = ["class", class, "rows", side, &set];
                let before = self.previous.and_then(|lock| lock.facts.get(&Key::of(&key))?.text());
                self.put(&key, bands::share(count, total, before));
            }
        }
    }

    /// How many rows each set of entries has.
    fn side<'e>(
        &self,
        entries: impl Iterator<Item = (Option<&'e Entries>, u64)>,
        unknown: u64,
    ) -> BTreeMap<String, u64> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (entries, count) in entries {
            *counts.entry(self.set(entries)).or_default() += count;
        }
        if unknown > 0 {
            *counts.entry(UNKNOWN.to_owned()).or_default() += unknown;
        }
        let mut by_size: Vec<(&String, &u64)> = counts.iter().collect();
        by_size.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let rare: BTreeSet<String> = by_size.into_iter().skip(MOST).map(|(set, _)| set.clone()).collect();
        for set in rare {
            let count = counts.remove(&set).unwrap_or_default();
            *counts.entry(UNKNOWN.to_owned()).or_default() += count;
        }
        counts
    }

    fn set(&self, entries: Option<&Entries>) -> String {
        let Some(entries) = entries else { return NO_ACL.to_owned() };
        let mut words = BTreeSet::new();
        // Beside everybody nobody else matters.
        if entries.anyone {
            return super::classes::PUBLIC.to_owned();
        }
        words.extend(entries.roles.iter().map(|role| format!("role:{}", self.families.name(role))));
        words.extend(entries.own.then(|| SELF.to_owned()));
        match entries.users {
            Users::None => {}
            Users::One => drop(words.insert(A_USER.to_owned())),
            Users::Many | Users::Some => drop(words.insert(USERS.to_owned())),
            Users::Untold => drop(words.insert(MAYBE_USERS.to_owned())),
        }
        if words.is_empty() { NOBODY.to_owned() } else { words.into_iter().collect::<Vec<_>>().join(AND) }
    }
}

/// The entries of a set, and `None` for a side without an ACL.
pub fn parse_set(set: &str) -> Option<Entries> {
    if set == NO_ACL {
        return None;
    }
    let mut entries = Entries::default();
    for word in set.split(AND) {
        match (word, word.strip_prefix("role:")) {
            (_, Some(role)) => drop(entries.roles.insert(role.into())),
            (super::classes::PUBLIC, _) => entries.anyone = true,
            (SELF, _) => entries.own = true,
            (A_USER, _) => entries.users = Users::One,
            (USERS, _) => entries.users = Users::Many,
            (MAYBE_USERS, _) => entries.users = Users::Untold,
            _ => {}
        }
    }
    Some(entries)
}
