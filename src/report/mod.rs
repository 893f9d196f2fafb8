//! Reports: the same outcome for a terminal, for GitHub, for programs and for auditors.
//! Formats only; nothing here decides.

pub mod clean;
pub mod csv;
pub mod github;
pub mod json;
pub mod lines;
mod literals;
pub mod sarif;
pub mod snippet;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::OnceLock;

use crate::audit::Outcome;
use crate::audit::packages::Audited;
use crate::finding::Finding;
use crate::model::place::{Content, SourceFile, is_of_running_app};
use crate::model::snapshot::Gap;
use crate::model::{FileId, Place, Snapshot};
use crate::problem::Problem;
use crate::rules::Rule;
use crate::rules::program::Program;
use crate::severity::Severity;

use lines::{Lines, Region};

/// Everything a report may speak of.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// What was found.
    pub outcome: &'a Outcome,
    /// The rules.
    pub program: &'a Program,
    /// What could not be read.
    pub problems: &'a [Problem],
    /// How many files were looked into.
    pub files: usize,
    /// What was audited, as it was given.
    pub target: String,
    /// The name of the app, if its configuration gives one.
    pub app: Option<String>,
    /// What stands before the paths of files, `server/` or nothing.
    pub prefix: String,
    /// From this severity on the run fails.
    pub fail_on: Severity,
    /// The exit code of the run.
    pub exit_code: u8,
    /// What tells alerts of this kind of run from those of others: `static`, `live/production`.
    pub category: String,
    /// Fingerprints of findings that no line is about: they stand at a line near them, and GitHub knows them by these.
    pub unanchored: BTreeSet<String>,
    index: OnceLock<BTreeMap<FileId, OnceLock<FileIndex>>>,
}

/// Lines and fingerprints of a file, made once.
#[derive(Debug)]
struct FileIndex {
    lines: Lines,
    fingerprints: OnceLock<Vec<String>>,
}

/// A finding with its rule.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The rule.
    pub rule: &'a Rule,
}

/// Findings with one cause.
#[derive(Debug)]
pub struct Group<'a> {
    /// The rule they share.
    pub rule: &'a Rule,
    /// How bad they all are.
    pub severity: Severity,
    /// The findings, those with most rows first.
    pub findings: Vec<Found<'a>>,
}

/// So many findings of one rule that are equally bad are told as one.
const MANY: usize = 4;

/// So many things are named to do first.
const FIRST: usize = 3;

/// A format.
pub trait Reporter {
    /// Writes the whole report.
    ///
    /// # Errors
    ///
    /// Writing fails.
    fn write(&self, report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()>;
}

impl<'a> Report<'a> {
    /// What was not checked.
    pub fn gaps(&self) -> impl Iterator<Item = &'a Gap> {
        self.outcome.gaps.iter().chain(&self.snapshot.gaps)
    }

    /// A report over an audit.
    pub fn new(snapshot: &'a Snapshot, outcome: &'a Outcome, program: &'a Program, problems: &'a [Problem]) -> Self {
        Self {
            snapshot,
            outcome,
            program,
            problems,
            files: 0,
            target: String::new(),
            app: None,
            prefix: String::new(),
            fail_on: Severity::High,
            exit_code: 0,
            category: "static".to_owned(),
            unanchored: BTreeSet::new(),
            index: OnceLock::new(),
        }
    }

    /// The findings with their rules, the worst first.
    pub fn found(&self) -> impl Iterator<Item = Found<'a>> {
        let program = self.program;
        self.outcome.findings.iter().filter_map(|finding| {
            let rule = program.rule(&finding.rule)?;
            Some(Found { finding, rule })
        })
    }

    /// The package that a finding is about, with the advisories about it.
    pub fn package(&self, finding: &Finding) -> Option<&'a Audited> {
        self.outcome.packages.iter().find(|package| package.subject() == finding.subject)
    }

    /// The findings by cause, the worst cause first: many findings of one rule that are equally bad are
    /// one cause.
    pub fn groups(&self) -> Vec<Group<'a>> {
        let mut by_rule: BTreeMap<_, usize> = BTreeMap::new();
        for found in self.found() {
            *by_rule.entry((&found.rule.id, found.finding.severity)).or_default() += 1;
        }
        let mut groups: Vec<Group<'a>> = Vec::new();
        for found in self.found() {
            let key = (&found.rule.id, found.finding.severity);
            let many = by_rule.get(&key).is_some_and(|count| *count >= MANY);
            match groups.iter_mut().find(|group| many && (&group.rule.id, group.severity) == key) {
                Some(group) => group.findings.push(found),
                None => {
                    groups.push(Group { rule: found.rule, severity: found.finding.severity, findings: vec![found] })
                }
            }
        }
        groups
    }

    /// What to do first: the worst causes, at most three, none that is only worth knowing.
    pub fn do_first(&self) -> Vec<Group<'a>> {
        let urgent = |group: &Group<'_>| group.severity >= Severity::Medium;
        self.groups().into_iter().filter(urgent).take(FIRST).collect()
    }

    /// How many findings there are of each severity, the worst first.
    pub fn counts(&self) -> Vec<(Severity, usize)> {
        let count = |severity| self.found().filter(|found| found.finding.severity == severity).count();
        Severity::ALL.into_iter().map(|severity| (severity, count(severity))).collect()
    }

    /// The file of a place.
    pub fn source(&self, place: &Place) -> Option<&'a SourceFile> {
        self.snapshot.texts.get(place.file())
    }

    /// The path of a place, from where reports are read.
    pub fn path(&self, place: &Place) -> String {
        let path = self.snapshot.texts.path(place);
        format!("{}{path}", self.before(path))
    }

    /// What stands in front of a path, from where reports are read. What a running app answered lies in no folder.
    pub fn before(&self, path: &str) -> &str {
        if is_of_running_app(path) { "" } else { &self.prefix }
    }

    /// Lines and columns of a place; `None` if it means a file as a whole.
    pub fn region(&self, place: &Place) -> Option<Region> {
        let Content::Text(text) = &self.source(place)?.content else { return None };
        let span = self.snapshot.texts.span(place)?;
        let mut region = self.file_index(place)?.lines.region(span, &text.text);
        if text.had_bom && region.line == 1 {
            region.column += 1;
        }
        if text.had_bom && region.end_line == 1 {
            region.end_column += 1;
        }
        Some(region)
    }

    /// `path:line:column`, or the path alone.
    pub fn where_is(&self, place: &Place) -> String {
        let path = self.path(place);
        match self.region(place) {
            Some(region) => format!("{path}:{}:{}", region.line, region.column),
            None => path,
        }
    }

    /// GitHub's fingerprint of the line of a place.
    pub fn line_fingerprint(&self, place: &Place) -> Option<String> {
        let line = self.region(place).map_or(1, |region| region.line);
        let index = self.file_index(place)?;
        let fingerprints = index.fingerprints.get_or_init(|| match self.source(place).map(|source| &source.content) {
            Some(Content::Text(text)) if text.had_bom => lines::fingerprints(&format!("\u{feff}{}", text.text)),
            Some(Content::Text(text)) => lines::fingerprints(&text.text),
            Some(Content::Head(head)) => lines::fingerprints(&String::from_utf8_lossy(head)),
            None => Vec::new(),
        });
        fingerprints.get(line - 1).cloned()
    }

    /// The lines of a text.
    pub fn lines(&self, place: &Place) -> Option<&Lines> {
        self.file_index(place).map(|index| &index.lines)
    }

    fn file_index(&self, place: &Place) -> Option<&FileIndex> {
        let index =
            self.index.get_or_init(|| self.snapshot.texts.iter().map(|(file, _)| (file, OnceLock::new())).collect());
        let file = index.get(&place.file())?;
        Some(file.get_or_init(|| {
            let lines = match self.source(place).map(|source| &source.content) {
                Some(Content::Text(text)) => Lines::new(&text.text),
                Some(Content::Head(_)) | None => Lines::new(""),
            };
            FileIndex { lines, fingerprints: OnceLock::new() }
        }))
    }
}

/// Rows at stake, in words: `all 240 rows`, `12 of 240 rows`; none if the message says it.
pub fn rows_in_words(finding: &Finding) -> Option<String> {
    let rows = finding.rows?;
    if let Some(share) = rows.share {
        return Some(format!("{} of {} rows, {share}", rows.reached, rows.of()));
    }
    if finding.message.contains(&format!("{} of {} ", rows.reached, rows.total)) {
        return None;
    }
    Some(match (rows.reached, rows.total) {
        (_, 0) => "no rows yet".to_owned(),
        (1, 1) => "its only row".to_owned(),
        (reached, total) if reached == total => format!("all {total} rows"),
        (reached, total) => format!("{reached} of {total} rows"),
    })
}

/// The headline of several findings with one cause.
pub fn headline(group: &Group<'_>) -> String {
    let count = group.findings.len();
    match &group.rule.group {
        Some(headline) => headline.replace("{n}", &count.to_string()),
        None => format!("{count} times: {}", group.rule.title),
    }
}
