//! What is known on a path through the code: which tests were passed on the way.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::unit::Name;

use super::heap::ObjectId;
use super::taint::Clean;

/// A set of what is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guards {
    flags: u16,
    /// What is known of single values; mostly nothing. Paths share it.
    about: Option<Arc<BTreeSet<About>>>,
}

/// What is known of a single value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The row belongs to the caller.
    Owned(ObjectId),
    /// A value of the request is the caller's, or was compared with something only the caller has.
    Tied(Name),
    /// Something was made sure of a value of the request.
    Clean(Name, Clean),
}

/// What is known of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// The caller is signed in.
    SignedIn = 1,
    /// The caller has the master key.
    Master = 1 << 1,
    /// The caller has a role.
    Role = 1 << 2,
    /// The caller showed a secret, or a signature was checked.
    Secret = 1 << 3,
    /// A column of the caller's own row has a value.
    OwnColumn = 1 << 4,
    /// A test passed that cannot be looked into.
    Opaque = 1 << 5,
    /// Only so many calls are let through.
    Limited = 1 << 6,
    /// The answer was given already, and it was a refusal.
    Refused = 1 << 7,
    /// The object is new, in a trigger.
    IsNew = 1 << 8,
    /// The object existed before, in a trigger.
    Existed = 1 << 9,
    /// Not the environment of production.
    Development = 1 << 10,
}

impl Guards {
    /// One thing that is known of the caller.
    pub fn flag(flag: Flag) -> Self {
        Self { flags: flag as u16, about: None }
    }

    /// The caller is signed in.
    pub fn signed_in() -> Self {
        Self::flag(Flag::SignedIn)
    }

    /// One thing that is known of a value.
    pub fn about(about: About) -> Self {
        Self { flags: 0, about: Some(Arc::new(BTreeSet::from([about]))) }
    }

    /// Both sets.
    pub fn and(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        let about = match (&self.about, &other.about) {
            (Some(mine), Some(theirs)) if theirs.is_subset(mine) => Some(Arc::clone(mine)),
            (Some(mine), Some(theirs)) => Some(Arc::new(mine.union(theirs).cloned().collect())),
            (mine, theirs) => mine.clone().or_else(|| theirs.clone()),
        };
        Self { flags: self.flags | other.flags, about }
    }

    /// What both know.
    pub fn common(&self, other: &Self) -> Self {
        let about = match (&self.about, &other.about) {
            (Some(mine), Some(theirs)) if mine == theirs => Some(Arc::clone(mine)),
            (Some(mine), Some(theirs)) => {
                let both: BTreeSet<About> = mine.intersection(theirs).cloned().collect();
                (!both.is_empty()).then(|| Arc::new(both))
            }
            _ => None,
        };
        Self { flags: self.common_flags(other), about }
    }

    /// What all of several ways know; `None` if there is no way.
    pub fn common_of<'g>(ways: impl IntoIterator<Item = &'g Self>) -> Option<Self> {
        let mut ways = ways.into_iter();
        let first = ways.next()?.clone();
        Some(ways.fold(first, |known, way| known.common(way)))
    }

    /// A role, the master key or a secret is more than being signed in; what two paths
    /// have in common is then at least that somebody was tested.
    fn common_flags(&self, other: &Self) -> u16 {
        let person = Flag::SignedIn as u16 | Flag::Master as u16 | Flag::Role as u16;
        let mut flags = self.flags & other.flags;
        let (mine, theirs) = (self.flags & person, other.flags & person);
        if mine != 0 && theirs != 0 {
            flags |= Flag::SignedIn as u16;
            let strong = Flag::Master as u16 | Flag::Role as u16;
            if mine & strong != 0 && theirs & strong != 0 {
                flags |= Flag::Role as u16;
            }
        }
        flags
    }

    /// Whether this is known.
    pub fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u16 != 0
    }

    /// Whether any of these is known.
    pub fn any(&self, flags: &[Flag]) -> bool {
        flags.iter().any(|flag| self.has(*flag))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.flags == 0 && self.about.is_none()
    }

    fn each_about(&self) -> impl Iterator<Item = &About> {
        self.about.iter().flat_map(|about| about.iter())
    }

    /// Whether a row is known to be the caller's.
    pub fn owns(&self, row: ObjectId) -> bool {
        self.about.as_ref().is_some_and(|about| about.contains(&About::Owned(row)))
    }

    /// Whether any row is known to be the caller's.
    pub fn owns_any(&self) -> bool {
        self.each_about().any(|about| matches!(about, About::Owned(_)))
    }

    /// Whether a value of the request, or what it is a part of, is tied to the caller.
    pub fn ties(&self, name: &str) -> bool {
        self.each_about().any(|about| match about {
            About::Tied(tied) => **tied == *name,
            About::Owned(_) | About::Clean(..) => false,
        })
    }

    /// What was made sure of a value of the request.
    pub fn clean(&self, name: &str) -> Clean {
        let mut clean = Clean::default();
        for about in self.each_about() {
            if let About::Clean(of, by) = about
                && **of == *name
            {
                clean = clean.with(*by);
            }
        }
        clean
    }
}
