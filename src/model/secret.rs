//! A key that lies where it should not. The key itself is not here: what is kept
//! tells one key from another and says nothing about it.

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
    /// For one of the history: what is known of it there.
    pub committed: Option<Committed>,
}

/// A key in the history of the repository. Nothing in here tells who committed it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Committed {
    /// The first digits of the commit that brought it to its place; `None` if no commit has it.
    pub commit: Option<String>,
    /// The day on which the commit was written, `2019-03-02`.
    pub day: Option<String>,
    /// Whether the newest version has it, at this place or another one.
    pub in_head: bool,
    /// Who can see it, as the end of a sentence: `in 3 branches`.
    pub seen: String,
}
