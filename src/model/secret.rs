//! A key that lies where it should not. The key itself is not here: what is kept
//! tells one key from another and says nothing about it.

use std::collections::BTreeMap;

use super::{Place, RuleId};

/// A key that was found in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretHit {
    /// The rule that knows keys of this kind.
    pub rule: RuleId,
    /// Where it stands; its bytes are blanked in the text that is kept.
    pub at: Place,
    /// Twelve hex digits of a keyed digest: the same for the same key wherever it stands.
    pub digest: String,
    /// Length in bytes.
    pub length: usize,
    /// At most its first and last two characters, `ab…yz`.
    pub ends: String,
    /// How it is written there.
    pub written: Written,
    /// What git has of it.
    pub standing: Standing,
}

/// What git has of a key where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Standing {
    /// Nothing that is told: it stands in a file of the app.
    #[default]
    Untold,
    /// It is staged.
    Staged,
    /// It stands in a file that is not committed.
    NotCommitted,
    /// It is in the history.
    Committed(Committed),
}

impl Standing {
    /// What is known of it in the history.
    pub fn committed(&self) -> Option<&Committed> {
        match self {
            Self::Committed(committed) => Some(committed),
            Self::Untold | Self::Staged | Self::NotCommitted => None,
        }
    }

    /// The word for a key that no commit has.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Self::Staged => Some("staged"),
            Self::NotCommitted => Some("not committed"),
            Self::Untold | Self::Committed(_) => None,
        }
    }
}

/// What a server says of the keys that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// The server.
    pub host: String,
    /// What it says of a key, by the key's digest.
    pub keys: BTreeMap<String, Acceptance>,
}

/// What a server says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// It takes the key.
    Accepted,
    /// It knows the key, and takes it from other addresses only.
    NotFromHere,
    /// It does not know the key.
    Refused,
}

/// How a key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Written {
    /// As it is.
    #[default]
    Plain,
    /// In base64, by itself or with more.
    Base64,
    /// Put together by code out of pieces, or decoded by it.
    InPieces,
}

impl Written {
    /// What a message adds to a key.
    pub fn words(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Base64 => ", in base64",
            Self::InPieces => ", in pieces",
        }
    }
}

/// A key in the history of the repository. Nothing in here tells who committed it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Committed {
    /// The first digits of the commit that brought it to its place; `None` if no commit has it.
    pub commit: Option<String>,
    /// The day on which the commit was written, `2019-03-02`.
    pub day: Option<String>,
    /// The first digits of the commit that brought the key to any place, and its day.
    pub first: (Option<String>, Option<String>),
    /// Whether the newest version has it, at this place or another one.
    pub in_head: bool,
    /// Who can see it, as the end of a sentence: `in 3 branches`.
    pub seen: String,
}
