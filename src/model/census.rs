//! Who may read and write the rows of a class: counts by the shape of the ACL.
//!
//! A shape says which roles an ACL names and whether it names users, never which
//! users. So memory grows with the number of shapes and roles, not with the rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::names::RoleName;
use super::sample::{Sample, Share};

/// More shapes of one class than this are counted together as [`Census::folded`].
pub const MAX_SHAPES: usize = 4096;

/// Statistics over the object ACLs of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Objects by the shape of their ACL.
    pub shapes: BTreeMap<Shape, u64>,
    /// Objects whose shape came after the first [`MAX_SHAPES`]: who reads and writes
    /// them is unknown.
    pub folded: u64,
    /// Objects that could not be read. They count as unknown, never as public.
    pub unreadable: u64,
    /// Whether user ids could be looked up in an export of `_User`; if not, no
    /// entry counts as orphaned.
    pub users_known: bool,
    /// Whether these are not all rows, and how the others may differ.
    pub sample: Option<Sample>,
}

/// What kinds of entries an object's ACL has.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shape {
    /// `_rperm`; `None` if missing, which is open.
    pub read: Option<Entries>,
    /// `_wperm`; `None` if missing, which is open.
    pub write: Option<Entries>,
    /// The object has the map `_acl` of old servers and neither column. It is public.
    pub legacy: bool,
    /// Both sides name exactly one user, the same, and nobody else.
    pub owner_only: bool,
}

/// The entries of one side of an ACL.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entries {
    /// `*`.
    pub anyone: bool,
    /// Roles by name.
    pub roles: BTreeSet<RoleName>,
    /// Users other than the object itself.
    pub users: Users,
    /// The object's own id: a row of `_User` that names its user.
    pub own: bool,
    /// At least one user who is not in the export of `_User`.
    pub orphan: bool,
}

/// How many users a side names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Users {
    /// None.
    #[default]
    None,
    /// One.
    One,
    /// Two or more.
    Many,
    /// At least one; how many was not asked.
    Some,
    /// Whether there are any was not asked.
    Untold,
}

/// A share of the rows of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rows {
    /// Rows within reach.
    pub reached: u64,
    /// All rows that were counted.
    pub total: u64,
    /// If those are a sample, the share of all rows.
    pub share: Option<Share>,
}

impl Rows {
    /// Some of all rows.
    pub fn new(reached: u64, total: u64) -> Self {
        Self { reached, total, share: None }
    }

    /// What they are some of: `240`, or `240 sampled`.
    pub fn of(self) -> String {
        let of = if self.share.is_some() { " sampled" } else { "" };
        format!("{}{of}", self.total)
    }

    /// The share in percent, rounded down, but 1 for a share that is not quite none.
    pub fn percent(self) -> u64 {
        if self.total == 0 {
            return 0;
        }
        let percent = u128::from(self.reached) * 100 / u128::from(self.total);
        u64::try_from(percent).unwrap_or(100).max(u64::from(self.reached > 0))
    }
}

impl Census {
    /// Counts `count` more objects of a shape.
    pub fn add(&mut self, shape: Shape, count: u64) {
        if self.shapes.len() >= MAX_SHAPES && !self.shapes.contains_key(&shape) {
            self.folded += count;
        } else {
            *self.shapes.entry(shape).or_default() += count;
        }
    }

    /// Adds the counts of another census of the same class.
    pub fn merge(&mut self, other: Self) {
        self.folded += other.folded;
        self.unreadable += other.unreadable;
        self.users_known |= other.users_known;
        if let Some(sample) = other.sample {
            let own = self.sample.get_or_insert_default();
            own.of = own.of.max(sample.of);
            own.parts.extend(sample.parts);
        }
        for (shape, count) in other.shapes {
            self.add(shape, count);
        }
    }

    /// All objects.
    pub fn rows(&self) -> u64 {
        self.shapes.values().sum::<u64>() + self.folded + self.unreadable
    }

    /// The objects whose shape satisfies `is`.
    pub fn count(&self, is: impl Fn(&Shape) -> bool) -> u64 {
        self.shapes.iter().filter(|(shape, _)| is(shape)).map(|(_, count)| count).sum()
    }

    /// The rows whose shape satisfies `is`.
    pub fn some(&self, is: impl Fn(&Shape) -> bool) -> Rows {
        let share = self.sample.as_ref().map(|sample| sample.share(&is));
        Rows { share, ..Rows::new(self.count(is), self.rows()) }
    }

    /// The same counts, as those of one part of so many.
    pub fn of_sample(mut self, of: u64) -> Self {
        self.sample = Some(Sample { parts: vec![self.shapes.clone()], of });
        self
    }

    /// Objects of which it is unknown who reads and writes them.
    pub fn unknown(&self) -> u64 {
        self.folded + self.unreadable
    }

    /// Every role named in an ACL.
    pub fn roles(&self) -> BTreeSet<&RoleName> {
        let sides = self.shapes.keys().flat_map(|shape| [&shape.read, &shape.write]);
        sides.flatten().flat_map(|entries| &entries.roles).collect()
    }
}

impl Shape {
    /// No ACL at all (or only one that the server never reads).
    pub fn is_missing(&self) -> bool {
        self.read.is_none() && self.write.is_none()
    }

    /// One side is missing and therefore open, although the ACL that REST shows suggests otherwise.
    pub fn is_half_stored(&self) -> bool {
        self.read.is_none() != self.write.is_none()
    }

    /// Nobody but the master key reads or writes.
    pub fn is_master_only(&self) -> bool {
        let closed = |side: &Option<Entries>| side.as_ref().is_some_and(|entries| *entries == Entries::default());
        closed(&self.read) && closed(&self.write)
    }

    /// Everybody whom the class lets in may read.
    pub fn is_public_read(&self) -> bool {
        self.read.as_ref().is_none_or(|entries| entries.anyone)
    }

    /// Everybody whom the class lets in may write.
    pub fn is_public_write(&self) -> bool {
        self.write.as_ref().is_none_or(|entries| entries.anyone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_beyond_the_limit_are_counted_as_unknown() {
        let mut census = Census::default();
        for number in 0..MAX_SHAPES + 10 {
            let roles = BTreeSet::from([RoleName::from(format!("friendOf_{number}"))]);
            let side = Some(Entries { roles, ..Entries::default() });
            census.add(Shape { read: side.clone(), write: side, ..Shape::default() }, 2);
        }
        assert_eq!(census.shapes.len(), MAX_SHAPES);
        assert_eq!((census.unknown(), census.rows()), (20, 2 * (MAX_SHAPES as u64 + 10)));
    }

    #[test]
    fn a_missing_side_is_open_and_an_empty_one_is_closed() {
        let half = Shape { read: None, write: Some(Entries::default()), ..Shape::default() };
        assert!(half.is_half_stored() && half.is_public_read() && !half.is_public_write());
        let closed = Shape { read: Some(Entries::default()), ..half };
        assert!(closed.is_master_only());
    }
}
