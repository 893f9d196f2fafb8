//! Rules: one Markdown file each, which is what to look for, why, and proof.
//!
//! A rule selects facts; it cannot compute. So the engine sees all rules as data, a
//! team's own rules run no code, and the file a user copies is the documentation.

pub mod catalogue;
pub mod file;
pub mod flow;
pub mod import;
pub mod loader;
pub mod option;
pub mod program;
pub mod secret;
pub mod vocabulary;
pub mod words;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::model::{Callers, Operation, RuleId};
use crate::severity::{Confidence, Severity};

use flow::FlowMatcher;
use option::OptionMatcher;
use secret::SecretMatcher;
use words::Tag;

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The id, which is the name of the file.
    pub id: RuleId,
    /// The finding as a fact: "Anyone can delete objects of a class".
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The version that first had the rule.
    pub since: String,
    /// Free words for filters.
    pub tags: Vec<String>,
    /// Numbers of the Common Weakness Enumeration.
    pub cwe: Vec<u32>,
    /// Categories of OWASP lists, `A01:2021`, `A01:2025`, `API1:2023`.
    pub owasp: Vec<String>,
    /// Ids of the catalogue of risks, `PA101`.
    pub risk: Vec<String>,
    /// One line: what to do.
    pub fix: String,
    /// Where Parse's own documentation speaks of it.
    pub see: String,
    /// The headline for several findings with one cause; `{n}` is their number.
    pub group: Option<String>,
    /// Rules that this one speaks for when it finds the same thing, or the whole or a part of it.
    pub covers: BTreeSet<RuleId>,
    /// What to look for.
    pub matcher: Matcher,
    /// The whole text below the front matter.
    pub body: String,
    /// The path it was read from.
    pub path: String,
    /// The cases that prove it.
    pub cases: Vec<Case>,
}

/// What a rule looks for.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Effective access of the public or of any signed-in user.
    Permission(Box<PermissionMatcher>),
    /// Facts of a noun, by its table.
    Facts(&'static str, FactMatcher),
    /// Keys that stand in files.
    Secret(Box<SecretMatcher>),
    /// Values that reach a call.
    Flow(Box<FlowMatcher>),
    /// What a server or dashboard is set to.
    Option(Box<OptionMatcher>),
}

/// The table `[permission]`. Keys are joined by *and*, lists by *or*.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PermissionMatcher {
    /// Who. What the public may do is not reported again for any signed-in user.
    pub who: Who,
    /// One of these operations reaches rows.
    #[serde(deserialize_with = "operations")]
    pub can: Vec<Operation>,
    /// None of these operations reaches rows.
    #[serde(default, deserialize_with = "operations")]
    pub cannot: Vec<Operation>,
    /// The class lets them try one of these operations, whatever the rows say then.
    #[serde(default, deserialize_with = "operations")]
    pub admits: Vec<Operation>,
    /// One of the fields the caller sees has one of these tags; for writes one of those that
    /// whom `admits` finds sees, or else of the class.
    #[serde(default)]
    pub data: Vec<Tag>,
    /// Only these classes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Not these classes.
    #[serde(default)]
    pub except: Vec<String>,
    /// Also system classes; they are left out unless `classes` names them.
    #[serde(default)]
    pub system: bool,
    /// Only classes that were (or were never) given permissions.
    pub clp: Option<Written>,
    /// Only classes whose new objects get no ACL unless the client sends one.
    #[serde(default)]
    pub default_acl: Option<Missing>,
    /// Only classes in which columns decide who owns a row.
    #[serde(default)]
    pub owner_columns: bool,
    /// Only where rows were counted and some are within reach.
    #[serde(default)]
    pub rows: Option<Counted>,
    /// Rows that name the caller count as reached as well.
    #[serde(default)]
    pub own_rows: bool,
    /// Grants that reach nothing because no row admits the caller.
    #[serde(default)]
    pub dormant: bool,
    /// The message.
    pub message: String,
}

/// A table of facts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FactMatcher {
    /// One of these facts.
    pub is: Vec<String>,
    /// About a field with one of these tags.
    #[serde(default)]
    pub data: Vec<Tag>,
    /// Only these classes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Not these classes.
    #[serde(default)]
    pub except: Vec<String>,
    /// Only what the public (or any signed-in user) can reach through the class.
    pub reached_by: Option<Who>,
    /// Only in handlers that one of these may call; in the table `[code]` only.
    #[serde(default)]
    pub callers: Vec<Callers>,
    /// The message.
    pub message: String,
}

/// Who, in rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Anyone with the application id.
    Public,
    /// Any signed-in user, and not the public.
    AnyUser,
    /// The public or any signed-in user.
    Anyone,
}

/// Whether permissions were ever written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// They were.
    Written,
    /// Never: the class is open.
    Missing,
}

/// The one value of keys that ask for an absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// It is not there.
    Missing,
}

/// The one value of keys that ask for a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// It was counted.
    Counted,
}

/// One case of a rule: files, and what must be found in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The heading.
    pub title: String,
    /// The line of the heading in the rule's file, from 1.
    pub line: usize,
    /// Files by path.
    pub files: std::collections::BTreeMap<String, String>,
    /// Lines `PATH[:LINE]  SUBJECT`, sorted; empty if nothing may be found.
    pub findings: Vec<String>,
}

impl Rule {
    /// The part of the body under a heading of the second level, without the heading.
    pub fn section(&self, heading: &str) -> &str {
        let marker = format!("## {heading}\n");
        let Some(start) = self.body.find(&marker).map(|at| at + marker.len()) else { return "" };
        let rest = self.body.get(start..).unwrap_or_default();
        let end = rest.find("\n## ").unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default().trim()
    }

    /// The documentation: everything but the cases.
    pub fn help(&self) -> String {
        let end = self.body.find("\n## Cases").unwrap_or(self.body.len());
        self.body.get(..end).unwrap_or_default().trim().to_owned()
    }
}

fn operations<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<Operation>, D::Error> {
    let keys = Vec::<String>::deserialize(from)?;
    let known = Operation::ALL.map(Operation::key).join("`, `");
    let operation = |key: &String| {
        Operation::from_key(key)
            .ok_or_else(|| serde::de::Error::custom(format!("no such operation: `{key}`, expected one of `{known}`")))
    };
    keys.iter().map(operation).collect()
}
