//! Where rules come from: built in, and from folders of a team's own.

use std::collections::BTreeMap;

use crate::mistake::Mistake;
use crate::model::RuleId;

use super::Rule;
use super::file;

/// The built-in rules as text, by path; written by `build.rs` from the folder `rules`.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Something that kept rules from being loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The author of the rule must act.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"))]
    Rules(Vec<Mistake>),
    /// Whoever gave the folder must act.
    #[error("two rules have the id `{id}`: {first} and {second}")]
    Twice {
        /// The id.
        id: RuleId,
        /// The first file.
        first: String,
        /// The second file.
        second: String,
    },
}

/// The built-in rules, in the order of their ids.
///
/// # Errors
///
/// A built-in rule has a mistake; a test makes sure that none has.
pub fn built_in() -> Result<Vec<Rule>, LoadError> {
    parse_all(BUILT_IN.iter().copied())
}

/// Reads rules from texts by path, in the order of their ids.
///
/// # Errors
///
/// See [`LoadError`]. All mistakes are told, the first of each file.
pub fn parse_all<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result<Vec<Rule>, LoadError> {
    let mut rules: BTreeMap<RuleId, Rule> = BTreeMap::new();
    let mut errors = Vec::new();
    for (path, text) in texts {
        match file::parse(path, text) {
            Ok(rule) => {
                if let Some(first) = rules.get(&rule.id) {
                    return Err(LoadError::Twice { id: rule.id, first: first.path.clone(), second: rule.path });
                }
                rules.insert(rule.id.clone(), rule);
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(rules.into_values().collect()) } else { Err(LoadError::Rules(errors)) }
}

/// Puts a team's rules beside the built-in ones; one with the same id takes the place of ours.
pub fn with_own(built_in: Vec<Rule>, own: Vec<Rule>) -> Vec<Rule> {
    let mut rules: BTreeMap<RuleId, Rule> = built_in.into_iter().map(|rule| (rule.id.clone(), rule)).collect();
    rules.extend(own.into_iter().map(|rule| (rule.id.clone(), rule)));
    rules.into_values().collect()
}
