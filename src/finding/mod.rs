//! Findings: what is wrong, where, and by what name it is known from run to run.

pub mod suppress;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::model::census::Rows;
use crate::model::{ClassName, Place, RuleId, Standing};
use crate::severity::Severity;

/// Something a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: RuleId,
    /// The class it is about, if it is about one.
    pub class: Option<ClassName>,
    /// What it is about, by names that survive edits: `Order`, `Order.delete`, `role:admin`.
    pub subject: String,
    /// One sentence, lower case, without a full stop.
    pub message: String,
    /// Where it stands.
    pub at: Place,
    /// Further places and what is there.
    pub related: Vec<(Place, String)>,
    /// The way of a value through code, step by step, its source first; empty for most.
    pub path: Vec<(Place, String)>,
    /// How bad it is: mostly as its rule says.
    pub severity: Severity,
    /// Rows at stake, where they were counted.
    pub rows: Option<Rows>,
    /// For a key: what git has of it, if no commit has it.
    pub standing: Standing,
}

impl Finding {
    /// The name of the finding, `RULE:SUBJECT`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.rule, self.subject)
    }

    /// Sixteen hex digits that stay the same while the finding is about the same thing,
    /// whatever happens to lines and files.
    pub fn fingerprint(&self) -> String {
        let digest =
            Sha256::new().chain_update(b"parse-audit finding 1\0").chain_update(self.name().as_bytes()).finalize();
        HEXLOWER.encode(digest.get(..8).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FileId, Span};

    #[test]
    fn a_finding_is_known_by_what_it_is_about() {
        let finding = |file, start| Finding {
            rule: "clp-public-delete".into(),
            class: None,
            subject: "Order.delete".to_owned(),
            message: String::new(),
            at: Place::Text { file: FileId(file), span: Span::new("0123456789", start, 10) },
            related: Vec::new(),
            path: Vec::new(),
            severity: Severity::High,
            rows: None,
            standing: Standing::Untold,
        };
        assert_eq!(finding(0, 1).fingerprint(), finding(7, 5).fingerprint());
        // Written down, because a change here makes every known finding new.
        assert_eq!(finding(0, 1).fingerprint(), "ad70d45422becd11");
    }
}
