//! Facts that may be missing. "Nobody looked" is not "there is none".

use std::fmt;

/// A fact about the app, or why it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known<T> {
    /// The fact was read.
    Read(T),
    /// The fact was not read; a verdict that needs it is *unknown*.
    Unread(Why),
}

/// Why a fact is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// No input that holds the fact was given.
    NotAsked,
    /// The input exists but may not be opened.
    NoAccess,
    /// The input was opened and could not be understood.
    Failed,
}

impl<T> Known<T> {
    /// The fact by reference.
    pub fn as_ref(&self) -> Known<&T> {
        match self {
            Self::Read(value) => Known::Read(value),
            Self::Unread(why) => Known::Unread(*why),
        }
    }

    /// The fact if it was read. For places where a missing fact means "say nothing".
    pub fn read(&self) -> Option<&T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Unread(_) => None,
        }
    }

    /// The fact for writing; a missing one becomes `T::default()` first.
    pub fn read_mut(&mut self) -> &mut T
    where
        T: Default,
    {
        if let Self::Unread(_) = self {
            *self = Self::Read(T::default());
        }
        match self {
            Self::Read(value) => value,
            Self::Unread(_) => unreachable!("set on the lines above"),
        }
    }

    /// The fact changed, if there is one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Self::Read(value) => Known::Read(change(value)),
            Self::Unread(why) => Known::Unread(why),
        }
    }

    /// Whether the fact was read.
    pub fn is_read(&self) -> bool {
        matches!(self, Self::Read(_))
    }
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self::Unread(Why::NotAsked)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "not given",
            Self::NoAccess => "no permission to read it",
            Self::Failed => "could not be read",
        })
    }
}
