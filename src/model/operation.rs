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

    /// Whether objects flow to the caller (a count tells about them).
    pub fn is_read(self) -> bool {
        matches!(self, Self::Find | Self::Get | Self::Count)
    }

    /// Whether stored rows are asked, by their ACLs and columns; a new object and a new column have none.
    pub fn asks_rows(self) -> bool {
        !matches!(self, Self::Create | Self::AddField)
    }
}

/// A value for each operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByOperation<T>([T; 7]);

impl<T> ByOperation<T> {
    /// The values that a function gives for the operations.
    pub fn of(value: impl FnMut(Operation) -> T) -> Self {
        Self(Operation::ALL.map(value))
    }

    /// The value of an operation.
    pub fn get(&self, op: Operation) -> &T {
        let [find, get, count, create, update, delete, add_field] = &self.0;
        match op {
            Operation::Find => find,
            Operation::Get => get,
            Operation::Count => count,
            Operation::Create => create,
            Operation::Update => update,
            Operation::Delete => delete,
            Operation::AddField => add_field,
        }
    }

    /// Gives an operation a value.
    pub fn set(&mut self, op: Operation, value: T) {
        // Operations are declared in the order of `ALL`.
        if let Some(slot) = self.0.get_mut(op as usize) {
            *slot = value;
        }
    }

    /// The values, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_a_value_of_its_own() {
        let mut keys = ByOperation::of(Operation::key);
        assert!(Operation::ALL.iter().all(|op| *keys.get(*op) == op.key()));
        keys.set(Operation::AddField, "last");
        keys.set(Operation::Find, "first");
        let all: Vec<&str> = Operation::ALL.iter().map(|op| *keys.get(*op)).collect();
        assert_eq!(all, ["first", "get", "count", "create", "update", "delete", "last"]);
    }
}
