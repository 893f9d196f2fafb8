//! Ignores: comments in the files themselves, and entries of the configuration.
//!
//! `parse-audit-ignore-next-line RULE -- reason until=2026-12-31` hides the findings
//! of a rule on the next line. In JSON it stands in the value of a key `"//"`. An
//! ignore that hides nothing, or whose date has passed, is a finding itself.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::model::place::{Content, Show, Span, Texts};
use crate::model::{FileId, Place, RuleId};

use super::Finding;

/// The word that begins an ignore.
pub const MARKER: &str = "parse-audit-ignore-next-line";

/// An ignore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// What it hides.
    pub scope: Scope,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Option<Date>,
    /// Where it stands.
    pub at: Place,
    /// What is wrong with it, if anything is.
    pub fault: Option<&'static str>,
}

/// What an ignore hides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Findings of rules on one line, counted from 1, of a file.
    Line(FileId, usize, Vec<RuleId>),
    /// The finding of this name, `RULE:SUBJECT`.
    Finding(String),
}

/// A finding that was ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// The reason that was given.
    pub reason: String,
    /// The last day on which the ignore counts.
    pub until: Option<Date>,
}

/// Why an ignore is a finding itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It hides nothing.
    Unused,
    /// Its date has passed.
    Expired(Date),
    /// It is not written as an ignore is; in a few words.
    Malformed(&'static str),
}

impl Fault {
    /// The name of the fact.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Expired(_) => "expired",
            Self::Malformed(_) => "malformed",
        }
    }

    /// A few words for messages.
    pub fn reason(self) -> String {
        match self {
            Self::Unused => "nothing was found there".to_owned(),
            Self::Expired(date) => format!("it ended on {date}"),
            Self::Malformed(reason) => reason.to_owned(),
        }
    }
}

impl Directive {
    /// What it names, as it was written.
    pub fn written(&self) -> String {
        match &self.scope {
            Scope::Line(_, _, rules) => rules.iter().map(RuleId::as_str).collect::<Vec<_>>().join(", "),
            Scope::Finding(name) => name.clone(),
        }
    }

    /// The rules it names.
    fn rules(&self) -> Vec<RuleId> {
        match &self.scope {
            Scope::Line(_, _, rules) => rules.clone(),
            Scope::Finding(name) => vec![RuleId::from(name.split(':').next().unwrap_or_default())],
        }
    }
}

impl KnownRules<'_> {
    fn exists(&self, rule: &RuleId) -> bool {
        self.active.contains(rule) || self.left_out.contains(rule)
    }
}

/// The ignores in texts that may hold comments.
pub fn directives(texts: &Texts) -> Vec<Directive> {
    let mut found = Vec::new();
    for (file, source) in texts.iter() {
        let Content::Text(text) = &source.content else { continue };
        if text.show == Show::Nothing {
            continue;
        }
        for at in memchr::memmem::find_iter(text.text.as_bytes(), MARKER) {
            let line = memchr::memchr_iter(b'\n', text.text.get(..at).unwrap_or_default().as_bytes()).count() + 1;
            let rest = text.text.get(at + MARKER.len()..).unwrap_or_default();
            let written = rest.split(['\n', '\r']).next().unwrap_or_default();
            let span = Span::new(&text.text, at, at + MARKER.len() + written.trim_end().len());
            found.push(parse(written, file, line + 1, Place::Text { file, span }));
        }
    }
    found
}

/// Reads what follows the marker.
fn parse(written: &str, file: FileId, line: usize, at: Place) -> Directive {
    // The comment or the text of JSON ends before the line does.
    let written = written.split("*/").next().unwrap_or_default();
    let written = written.split("-->").next().unwrap_or_default();
    let written = written.split('"').next().unwrap_or_default();
    let (rules, reason) = written.split_once(" -- ").unwrap_or((written, ""));
    let rules: Vec<RuleId> = rules.split([',', ' ', '\t']).filter(|rule| !rule.is_empty()).map(RuleId::from).collect();
    let (reason, until) = split_until(reason);
    let fault = match (&rules, &until) {
        (rules, _) if rules.is_empty() => Some("it names no rule"),
        (_, Err(())) => Some("`until` is no date such as 2026-12-31"),
        _ if reason.is_empty() => Some("it gives no reason; write one after ` -- `"),
        _ => None,
    };
    Directive { scope: Scope::Line(file, line, rules), reason, until: until.unwrap_or(None), at, fault }
}

/// Takes `until=DATE` out of a reason.
fn split_until(reason: &str) -> (String, Result<Option<Date>, ()>) {
    let words: Vec<&str> = reason.split_whitespace().collect();
    let until = words.iter().find_map(|word| word.trim_matches(['[', ']']).strip_prefix("until="));
    let kept: Vec<&str> =
        words.iter().filter(|word| !word.trim_matches(['[', ']']).starts_with("until=")).copied().collect();
    let date = match until {
        None => Ok(None),
        Some(text) => text.parse::<Date>().map(Some).map_err(|_| ()),
    };
    (kept.join(" "), date)
}

/// What remains after ignores.
#[derive(Debug, Default)]
pub struct Applied {
    /// Findings that are not ignored.
    pub findings: Vec<Finding>,
    /// Findings that are.
    pub suppressed: Vec<Suppressed>,
    /// Ignores with a fault.
    pub directives: Vec<(Directive, Fault)>,
}

/// The rules of a run, as far as ignores care.
#[derive(Debug)]
pub struct KnownRules<'r> {
    /// Rules that took part.
    pub active: BTreeSet<&'r RuleId>,
    /// Rules that exist and were left out.
    pub left_out: &'r BTreeSet<RuleId>,
}

/// Applies ignores to findings.
pub fn apply(
    findings: Vec<Finding>,
    directives: Vec<Directive>,
    texts: &Texts,
    known: &KnownRules<'_>,
    today: Date,
) -> Applied {
    let mut applied = Applied::default();
    let mut used = vec![false; directives.len()];
    let lines = if directives.is_empty() {
        Vec::new()
    } else {
        findings.iter().map(|finding| line_of(finding, texts)).collect()
    };
    for (number, finding) in findings.into_iter().enumerate() {
        let place = lines.get(number).copied().flatten();
        let hidden = directives.iter().zip(&mut used).find(|(directive, _)| hides(directive, &finding, place));
        match hidden {
            Some((directive, used)) => {
                *used = true;
                // What has expired no longer hides.
                if directive.until.is_some_and(|until| until < today) {
                    applied.findings.push(finding);
                } else {
                    let Directive { reason, until, .. } = directive.clone();
                    applied.suppressed.push(Suppressed { finding, reason, until });
                }
            }
            None => applied.findings.push(finding),
        }
    }
    for (directive, used) in directives.into_iter().zip(used) {
        let fault = match (directive.fault, directive.until) {
            (Some(reason), _) => Some(Fault::Malformed(reason)),
            (None, _) if directive.rules().iter().any(|rule| !known.exists(rule)) => {
                Some(Fault::Malformed("it names a rule that does not exist"))
            }
            // What it would hide was not looked for.
            (None, _) if directive.rules().iter().any(|rule| known.left_out.contains(rule)) => None,
            (None, Some(until)) if until < today => Some(Fault::Expired(until)),
            (None, _) if !used => Some(Fault::Unused),
            (None, _) => None,
        };
        applied.directives.extend(fault.map(|fault| (directive, fault)));
    }
    applied
}

fn hides(directive: &Directive, finding: &Finding, place: Option<(FileId, usize)>) -> bool {
    if directive.fault.is_some() {
        return false;
    }
    match &directive.scope {
        Scope::Line(file, line, rules) => place == Some((*file, *line)) && rules.contains(&finding.rule),
        Scope::Finding(name) => *name == finding.name(),
    }
}

/// The file and line of a finding, from 1.
fn line_of(finding: &Finding, texts: &Texts) -> Option<(FileId, usize)> {
    let span = texts.span(&finding.at)?;
    let file = finding.at.file();
    let Content::Text(text) = &texts.get(file)?.content else { return None };
    let before = text.text.get(..span.start())?;
    Some((file, memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Directive {
        parse(text, FileId(0), 2, Place::File { file: FileId(0) })
    }

    #[test]
    fn a_reason_and_a_date_are_read() {
        let directive = parsed(" clp-public-create, clp-public-delete -- guests order [until=2026-12-31] */ x");
        assert_eq!(directive.written(), "clp-public-create, clp-public-delete");
        assert_eq!(directive.reason, "guests order");
        assert_eq!(directive.until, Some(jiff::civil::date(2026, 12, 31)));
        assert_eq!(directive.fault, None);
        assert_eq!(parsed(" a-b -- in JSON\", \"x\": \"y").reason, "in JSON");
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(parsed("").fault, Some("it names no rule"));
        assert_eq!(parsed(" a-b").fault, Some("it gives no reason; write one after ` -- `"));
        assert_eq!(parsed(" a-b -- x until=soon").fault, Some("`until` is no date such as 2026-12-31"));
    }
}
