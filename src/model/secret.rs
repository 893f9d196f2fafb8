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
}
