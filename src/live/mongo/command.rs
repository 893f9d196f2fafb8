//! What a MongoDB may be asked. None of it writes.

/// What may be asked.
#[derive(Debug, Clone)]
pub enum Command<'c> {
    /// Whether somebody is there.
    Hello,
    /// The version of the server.
    BuildInfo,
    /// Who is logged in, and what that one may do.
    ConnectionStatus,
    /// The names of the collections that may be read.
    Collections,
    /// The indexes of a collection.
    Indexes(&'c str),
    /// About how many documents a collection has.
    Size(&'c str),
    /// How many documents have no value in a column.
    Without(&'c str, &'c str),
    /// How many users have something that they should not.
    Users(&'c str, Oddity),
    /// These columns of documents, all if none is named.
    Find(&'c str, &'c [&'c str], Ids),
    /// Each ACL of documents, and how many have it.
    Group(&'c str, Ids),
}

/// What a user should not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// A token that sets a new password, and that never ends.
    EndlessResetToken,
    /// A session from before sessions were rows.
    LegacySession,
    /// A password that is no hash of bcrypt whose work is at least 2¹⁰.
    OtherPassword,
}

/// Documents of a collection by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// All.
    All,
    /// Those whose id is a text, from the first one and before the second.
    Between(Option<String>, Option<String>),
    /// Those whose id is no text.
    Others,
}

/// All types of ids but texts.
pub const OTHER_TYPES: [&str; 13] = [
    "number",
    "object",
    "binData",
    "objectId",
    "bool",
    "date",
    "null",
    "timestamp",
    "javascript",
    "javascriptWithScope",
    "dbPointer",
    "minKey",
    "maxKey",
];
