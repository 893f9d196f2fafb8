//! Runs the cases of a rule through the real pipeline: files in memory are read,
//! audited by this rule alone, and what is found is compared.

use std::sync::Arc;

use jiff::civil::Date;

use crate::audit;
use crate::code::analysis::analyse;
use crate::code::risk::Sinks;
use crate::drift;
use crate::drift::facts::{Anchors, fact};
use crate::lock::{Lock, Subject};
use crate::model::place::Content;
use crate::model::{App, FileId, Snapshot};
use crate::read::{self, Input, Silent};
use crate::report::lines::Lines;
use crate::rules::program::Program;
use crate::rules::words::Words;
use crate::rules::{Case, Matcher, Rule};
use crate::secrets::Scanner;
use crate::secrets::redact::Salt;

use super::made_up::MadeUp;

/// The day on which cases happen.
const TODAY: Date = jiff::civil::date(2026, 1, 1);

/// A case that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The file of the rule and the line of the case.
    pub at: String,
    /// The title of the case.
    pub title: String,
    /// What the case says must be found.
    pub expected: Vec<String>,
    /// What was found.
    pub found: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |lines: &[String]| {
            if lines.is_empty() {
                "    nothing".to_owned()
            } else {
                lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
            }
        };
        write!(f, "{}: {}\n  expected\n{}\n  found\n{}", self.at, self.title, list(&self.expected), list(&self.found))
    }
}

/// Runs all cases of a rule. `all` are the rules of the program, for ignores.
pub fn failures(rule: &Rule, all: &[Rule], words: &Words) -> Vec<Failure> {
    let failure = |case: &Case| {
        let found = run(rule, case, all, words);
        let holds = found.len() == case.findings.len()
            && found.iter().zip(sorted(&case.findings, &found)).all(|(found, expected)| is(found, &expected));
        (!holds).then(|| Failure {
            at: format!("{}:{}", rule.path, case.line),
            title: case.title.clone(),
            expected: case.findings.clone(),
            found,
        })
    };
    rule.cases.iter().filter_map(failure).collect()
}

/// Expected lines in the order of the lines that were found.
fn sorted(expected: &[String], found: &[String]) -> Vec<String> {
    let mut left: Vec<String> = expected.to_vec();
    let mut ordered = Vec::new();
    for line in found {
        let at = left.iter().position(|expected| is(line, expected));
        ordered.push(at.map_or_else(String::new, |at| left.remove(at)));
    }
    ordered
}

/// Whether a finding is the expected one; the line may be left out.
fn is(found: &str, expected: &str) -> bool {
    let (place, subject) = found.split_once("  ").unwrap_or((found, ""));
    let (wanted, wanted_subject) = expected.split_once("  ").unwrap_or((expected, ""));
    let path = place.rsplit_once(':').map_or(place, |(path, _)| path);
    subject == wanted_subject && (place == wanted || path == wanted)
}

/// What a rule finds in a case: lines `PATH[:LINE]  SUBJECT`, sorted.
pub fn run(rule: &Rule, case: &Case, all: &[Rule], words: &Words) -> Vec<String> {
    if matches!(&rule.matcher, Matcher::Facts("drift", _)) {
        return run_drift(rule, case, words);
    }
    let made_up = MadeUp::new(&case.files, &Salt::default());
    let scanner = Scanner::new([rule], Salt::default()).ok().map(Arc::new);
    let settings = read::Settings { scanner, ..read::Settings::default() };
    let reading = read::read(&Input::Memory(made_up.files.clone()), &settings, &Silent);
    // An ignore is about other rules, and so are weak defaults; they must be there.
    let rules = match &rule.matcher {
        Matcher::Facts("ignore", _) => all.to_vec(),
        Matcher::Facts("server", matcher) if matcher.is.iter().any(|kind| kind == "weak-defaults") => all.to_vec(),
        _ => vec![rule.clone()],
    };
    let outcome = audit::audit(&reading.snapshot, &Program::new(rules, words.clone()), Vec::new(), TODAY);
    let mut found: Vec<String> = outcome
        .findings
        .iter()
        .filter(|finding| finding.rule == rule.id)
        .map(|finding| format!("{}  {}", place(&reading.snapshot, &finding.at), made_up.subject(&finding.subject)))
        .collect();
    found.extend(reading.problems.iter().map(|problem| format!("problem: {problem}")));
    found.sort();
    found
}

/// What a rule about drift finds between the folders `before` and `after` of a case: lines `KEY  SUBJECT`
/// with the fact of the lock that changed first. What code in `after` declares is still to come.
fn run_drift(rule: &Rule, case: &Case, words: &Words) -> Vec<String> {
    let side = |folder: &str| {
        let of_side = case.files.iter().filter_map(|(path, text)| Some((path.strip_prefix(folder)?, text)));
        let files = of_side.map(|(path, text)| (path.to_owned(), text.clone())).collect();
        read::read(&Input::Memory(files), &read::Settings::default(), &Silent)
    };
    let (before, after) = (side("before/"), side("after/"));
    let lock = |app: &App, previous: Option<&Lock>| {
        let (analysis, salt) = (analyse(app, &Sinks::default()), Salt::default());
        let subject = Subject { app, analysis: &analysis, words, salt: &salt, name: None, environment: "case" };
        Lock::of(subject, previous)
    };
    let from = lock(&before.snapshot.app, None);
    let to = lock(&after.snapshot.app, Some(&from));
    let mut changes = drift::drift(&from, &to, &|_| false).changes;
    if let Some(declared) = drift::declared(&after.snapshot.app) {
        changes.extend(drift::pending(&to, &lock(&declared, Some(&to)), &|_| false));
    }
    let text = from.write();
    let anchors = Anchors::new(FileId(0), &text);
    let program = Program::new(vec![rule.clone()], words.clone());
    let mut found = Vec::new();
    for change in &changes {
        let facts = [fact(change, &anchors)];
        let key = change.parts.first().map(|part| part.key.to_string()).unwrap_or_default();
        let findings = audit::of_facts(&facts, &program, &after.snapshot);
        found.extend(findings.into_iter().map(|finding| format!("{key}  {}", finding.subject)));
    }
    let problems = before.problems.iter().chain(&after.problems);
    found.extend(problems.map(|problem| format!("problem: {problem}")));
    found.sort();
    found
}

fn place(snapshot: &Snapshot, place: &crate::model::Place) -> String {
    let path = snapshot.texts.path(place);
    let text = snapshot.texts.get(place.file()).map(|source| &source.content);
    match (text, snapshot.texts.span(place)) {
        (Some(Content::Text(text)), Some(span)) => format!("{path}:{}", Lines::new(&text.text).line(span.start())),
        _ => path.to_owned(),
    }
}

/// The text of a rule's file with the `findings` of each case as they were found.
pub fn blessed(rule: &Rule, text: &str, all: &[Rule], words: &Words) -> String {
    let mut cases = rule.cases.iter().peekable();
    let mut current: Option<Vec<String>> = None;
    let mut out = String::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let opens = cases.next_if(|case| case.line == number + 1);
        if let Some(case) = opens {
            append(&mut out, current.take());
            current = Some(run(rule, case, all, words));
        } else if line == "```findings" && current.is_some() {
            lines.by_ref().find(|(_, line)| line.trim_end() == "```");
            while out.ends_with("\n\n") {
                out.pop();
            }
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    append(&mut out, current);
    out
}

/// Writes the findings of a case behind its text.
fn append(out: &mut String, findings: Option<Vec<String>>) {
    let Some(findings) = findings.filter(|findings| !findings.is_empty()) else { return };
    while out.ends_with("\n\n") {
        out.pop();
    }
    out.push_str(&format!("\n```findings\n{}\n```\n\n", findings.join("\n")));
}
