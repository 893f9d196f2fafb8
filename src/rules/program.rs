//! All rules of a run, with what they share.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::RuleId;

use super::flow::FlowMatcher;
use super::words::Words;
use super::{Matcher, Rule};

/// The rules of a run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The rules by id.
    pub rules: BTreeMap<RuleId, Rule>,
    /// Rules that exist and were left out of this run.
    pub left_out: BTreeSet<RuleId>,
    /// What names of fields mean.
    pub words: Words,
}

impl Program {
    /// The rules with these words.
    pub fn new(rules: Vec<Rule>, words: Words) -> Self {
        let rules = rules.into_iter().map(|rule| (rule.id.clone(), rule)).collect();
        Self { rules, left_out: BTreeSet::new(), words }
    }

    /// Leaves out the rules that are not wanted.
    pub fn select(mut self, wanted: impl Fn(&Rule) -> bool) -> Self {
        let (rules, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.rules.into_iter().partition(|(_, rule)| wanted(rule));
        self.rules = rules;
        self.left_out.extend(others.into_keys());
        self
    }

    /// Whether all of the rules are about keys, so that nothing but the texts of files is needed.
    pub fn is_about_keys_alone(&self) -> bool {
        !self.rules.is_empty() && self.rules.values().all(|rule| matches!(rule.matcher, Matcher::Secret(_)))
    }

    /// The rule with an id.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.get(id)
    }

    /// The tables `[flow]` of all rules, in the order of their ids.
    pub fn flows(&self) -> impl Iterator<Item = (&RuleId, &FlowMatcher)> {
        self.rules.values().filter_map(|rule| match &rule.matcher {
            Matcher::Flow(matcher) => Some((&rule.id, &**matcher)),
            Matcher::Permission(_) | Matcher::Facts(..) | Matcher::Secret(_) | Matcher::Option(_) => None,
        })
    }
}
