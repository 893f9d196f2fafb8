//! The seven operations of class-level permissions.

use std::fmt;

/// What a request does to a class, in the words of class-level permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// List objects by a query.
    Find,
    /// Read one object by its id; also what `include` is checked as.
    Get,
    /// Count objects by a query.
    Count,
    /// Save a new object.
    Create,
    /// Change an object.
    Update,
    /// Delete an object.
    Delete,
    /// Add a column by saving an object that has it.
    AddField,
}

impl Operation {
    /// All operations, in the order in which Parse Dashboard shows them.
    pub const ALL: [Self; 7] =
        [Self::Find, Self::Get, Self::Count, Self::Create, Self::Update, Self::Delete, Self::AddField];

    /// The key of the operation in class-level permissions.
    pub fn key(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Get => "get",
            Self::Count => "count",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::AddField => "addField",
        }
    }

    /// The operation with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.key() == key)
    }

    /// The place of the operation in [`Operation::ALL`].
    pub fn index(self) -> usize {
        match self {
            Self::Find => 0,
            Self::Get => 1,
            Self::Count => 2,
            Self::Create => 3,
            Self::Update => 4,
            Self::Delete => 5,
            Self::AddField => 6,
        }
    }

    /// Whether objects flow to the caller (a count tells about them).
    pub fn is_read(self) -> bool {
        matches!(self, Self::Find | Self::Get | Self::Count)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
