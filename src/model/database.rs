//! The database of a running app, beside what it stores.

use std::collections::BTreeSet;

use super::known::Known;
use super::place::Place;

/// How a database was reached, and what it told of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// `MongoDB` or `PostgreSQL`.
    pub kind: String,
    /// Its version, as it writes it.
    pub version: String,
    /// Hosts that the address names, without ports.
    pub hosts: Vec<String>,
    /// Whether what it sends is encrypted.
    pub encrypted: bool,
    /// Whether it lets those read who do not log in.
    pub open_to_all: Known<bool>,
    /// What the user that it was asked with may do beyond reading the app.
    pub rights: Known<BTreeSet<Right>>,
    /// How many sessions never end.
    pub endless_sessions: Known<u64>,
    /// How many users have a token for a new password that never ends.
    pub endless_reset_tokens: Known<u64>,
    /// How many users have a session from before sessions were rows.
    pub legacy_sessions: Known<u64>,
    /// How many passwords are no hashes of bcrypt whose work is at least 2¹⁰.
    pub other_passwords: Known<u64>,
    /// Where it says so.
    pub at: Place,
}

/// Something a user of a database may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Write into the database of the app.
    Write,
    /// Use databases of others as well.
    Everywhere,
    /// Make users, or change the server.
    Administer,
}

impl Right {
    /// All of them, from the least.
    pub const ALL: [Self; 3] = [Self::Write, Self::Everywhere, Self::Administer];

    /// The name in documents about a database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Everywhere => "everywhere",
            Self::Administer => "administer",
        }
    }

    /// A few words for messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Everywhere => "use other databases",
            Self::Administer => "make users or change the server",
        }
    }
}
