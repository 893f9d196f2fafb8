//! The checks that Parse Server makes of its own security, as `/security` answers them.
//!
//! Source: Parse Server 9.10.0, `CheckRunner.js` (`_generateReport`). What it advises is not read: teams may add checks
//! of their own, whose advice says more about the server than a report should.

use serde_json::{Map, Value};

use crate::model::Place;
use crate::model::server::FailedCheck;

/// Longer texts are no titles.
const LONGEST: usize = 120;

/// Whether a document is such an answer.
pub fn is_one(document: &Map<String, Value>) -> bool {
    groups(document).any(|(_, group)| group.get("checks").is_some_and(Value::is_array))
}

/// Those that fail.
pub fn failed(document: &Map<String, Value>, at: &Place) -> Vec<FailedCheck> {
    let mut failed = Vec::new();
    for (number, group) in groups(document) {
        let checks = group.get("checks").and_then(Value::as_array).into_iter().flatten();
        for (check_number, check) in checks.enumerate() {
            let text = |of: &Value, key: &str| of.get(key)?.as_str().map(title);
            if check.get("state").and_then(Value::as_str) != Some("fail") {
                continue;
            }
            if let (Some(group), Some(title)) = (text(group, "name"), text(check, "title")) {
                let at = at.below(&format!("/report/groups/{number}/checks/{check_number}/title"));
                failed.push(FailedCheck { group, title, at });
            }
        }
    }
    failed
}

fn groups(document: &Map<String, Value>) -> impl Iterator<Item = (usize, &Value)> {
    let groups = document.get("report").and_then(|report| report.get("groups"));
    groups.and_then(Value::as_array).into_iter().flatten().enumerate()
}

fn title(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).take(LONGEST).collect()
}
