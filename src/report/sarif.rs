//! SARIF 2.1.0 as GitHub code scanning takes it. The only file that imports serde-sarif.
//!
//! Results are written one by one, so that memory does not grow with them. Ignored
//! findings are left out: GitHub would show them as open.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_sarif::sarif as s;

use crate::model::Place;
use crate::rules::Rule;
use crate::severity::{Confidence, Severity};

use super::{Found, Report, Reporter, clean, rows_in_words};

/// GitHub keeps so many results of a run, by severity.
const MAX_RESULTS: usize = 5000;

/// GitHub shows so many steps of a data flow.
const MAX_STEPS: usize = 1000;

/// GitHub takes descriptions of at most so many characters.
const MAX_DESCRIPTION: usize = 1024;

/// What stands as it is in the path of a URI.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The root that paths are relative to.
const ROOT: &str = "%SRCROOT%";

/// Writes SARIF.
#[derive(Debug, Clone, Copy)]
pub struct SarifReporter;

impl Reporter for SarifReporter {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        let log = Log { report };
        serde_json::to_writer(&mut *out, &log).map_err(io::Error::from)?;
        writeln!(out)
    }
}

/// The whole file.
struct Log<'a, 'r> {
    report: &'a Report<'r>,
}

impl Serialize for Log<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut log = to.serialize_map(Some(3))?;
        log.serialize_entry("$schema", "https://json.schemastore.org/sarif-2.1.0.json")?;
        log.serialize_entry("version", "2.1.0")?;
        log.serialize_entry("runs", &[Run { report: self.report }])?;
        log.end()
    }
}

struct Run<'a, 'r> {
    report: &'a Report<'r>,
}

impl Serialize for Run<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let rules: Vec<&Rule> = self.report.program.rules.values().collect();
        let total = self.report.found().count();
        let mut run = to.serialize_map(None)?;
        run.serialize_entry("tool", &json!({ "driver": driver(&rules) }))?;
        run.serialize_entry("automationDetails", &json!({ "id": format!("parse-audit/{}/", self.report.category) }))?;
        run.serialize_entry("invocations", &[invocation(self.report, total)])?;
        run.serialize_entry(
            "originalUriBaseIds",
            &json!({ ROOT: { "description": { "text": "The root of the repository." } } }),
        )?;
        run.serialize_entry("columnKind", "utf16CodeUnits")?;
        let kept = self.report.found().take(MAX_RESULTS);
        let mut seen = BTreeSet::new();
        let results = kept.filter_map(|found| result(self.report, &rules, &found, &mut seen));
        run.serialize_entry("properties", &json!({ "parse-audit/findings": total }))?;
        run.serialize_entry("results", &Streamed(RefCell::new(Some(results))))?;
        run.end()
    }
}

/// A list whose elements are made while it is written.
struct Streamed<I>(RefCell<Option<I>>);

impl<T: Serialize, I: Iterator<Item = T>> Serialize for Streamed<I> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        for element in self.0.borrow_mut().take().into_iter().flatten() {
            list.serialize_element(&element)?;
        }
        list.end()
    }
}

/// Builds one of the generated types from JSON, so that a wrong property is an error and not lost.
fn typed<T: for<'de> Deserialize<'de> + Serialize>(value: Value) -> Value {
    match serde_json::from_value::<T>(value.clone()) {
        Ok(typed) => serde_json::to_value(typed).unwrap_or(value),
        Err(_) => value,
    }
}

/// GitHub keeps and shows so many tags of a rule.
const MOST_TAGS: usize = 10;

fn driver(rules: &[&Rule]) -> Value {
    let descriptors: Vec<Value> = rules.iter().map(|rule| descriptor(rule)).collect();
    typed::<s::ToolComponent>(json!({
        "name": "parse-audit",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_HOMEPAGE"),
        "rules": descriptors,
    }))
}

fn descriptor(rule: &Rule) -> Value {
    let description = plain(rule.section("What it finds"));
    let help = rule.help();
    let mut tags = vec!["security".to_owned()];
    tags.extend(rule.cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}")));
    tags.extend(rule.risk.iter().map(|risk| format!("risk/{risk}")));
    tags.extend(rule.owasp.iter().map(|category| format!("owasp/{category}")));
    tags.extend(rule.tags.iter().map(|tag| format!("parse/{tag}")));
    tags.truncate(MOST_TAGS);
    typed::<s::ReportingDescriptor>(json!({
        "id": rule.id.as_str(),
        "name": pascal(rule.id.as_str()),
        "shortDescription": { "text": cut(&format!("{}.", rule.title)) },
        "fullDescription": { "text": cut(&description) },
        "helpUri": rule.see,
        "help": { "text": plain(&help), "markdown": help },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": tags,
            "precision": precision(rule.confidence),
            "problem.severity": problem_severity(rule.severity),
            "security-severity": security_severity(rule.severity),
        },
    }))
}

fn invocation(report: &Report<'_>, total: usize) -> Value {
    let mut notes: Vec<Value> = Vec::new();
    if total > MAX_RESULTS {
        let text = format!(
            "{} findings are left out: code scanning keeps {MAX_RESULTS}. All are in the JSON report.",
            total - MAX_RESULTS
        );
        notes.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    for problem in report.problems {
        let text = clean::text(&format!("{}{problem}.", report.before(&problem.path))).into_owned();
        notes.push(json!({ "level": "warning", "message": { "text": text } }));
    }
    for gap in report.gaps() {
        let text = clean::text(&format!("Not checked: {}: {}.", gap.topic, gap.reason)).into_owned();
        notes.push(json!({ "level": "note", "message": { "text": text } }));
    }
    typed::<s::Invocation>(json!({ "executionSuccessful": true, "toolExecutionNotifications": notes }))
}

fn result(
    report: &Report<'_>,
    rules: &[&Rule],
    found: &Found<'_>,
    seen: &mut BTreeSet<(String, String, String)>,
) -> Option<Value> {
    let Found { finding, rule } = found;
    let index = rules.binary_search_by(|known| known.id.cmp(&rule.id)).ok()?;
    let related: Vec<Value> = finding
        .related
        .iter()
        .enumerate()
        .map(|(number, (place, what))| {
            let mut location = location(report, place, what);
            location.insert("id".to_owned(), (number + 1).into());
            location.into()
        })
        .collect();
    let mut text = sentence(&finding.message);
    if let Some(rows) = rows_in_words(finding) {
        text.push_str(&sentence(&rows));
    }
    for (number, (place, what)) in finding.related.iter().enumerate() {
        text.push_str(&format!(" See [{}]({}): {}.", escaped(&report.path(place)), number + 1, escaped(what)));
    }
    text.push_str(&format!(" {}", escaped(&rule.fix)));
    let physical = physical(report, &finding.at);
    let uri = uri(report, &finding.at);
    // Two findings of a rule on one line would be one alert; the second gets a fingerprint of its own.
    let own = format!("{}:1", finding.fingerprint());
    let of_line = report.line_fingerprint(&finding.at);
    let of_line = of_line.filter(|_| !report.unanchored.contains(&finding.fingerprint()));
    let mut line = of_line.unwrap_or_else(|| own.clone());
    if !seen.insert((rule.id.to_string(), uri.clone(), line.clone())) {
        line = own;
        seen.insert((rule.id.to_string(), uri, line.clone()));
    }
    Some(typed::<s::Result>(json!({
        "ruleId": rule.id.as_str(),
        "ruleIndex": index,
        "kind": "fail",
        "level": level(finding.severity),
        "message": { "text": text.trim() },
        "locations": [{
            "physicalLocation": physical,
            "logicalLocations": [{ "fullyQualifiedName": clean::text(&finding.subject), "kind": "resource" }],
        }],
        "relatedLocations": related,
        "partialFingerprints": { "primaryLocationLineHash": line, "parseAudit/v1": finding.fingerprint() },
        "codeFlows": code_flow(report, found).map(|flow| [flow]),
        "properties": properties(found),
    })))
}

/// The way of a value through code, if the finding has one.
fn code_flow(report: &Report<'_>, found: &Found<'_>) -> Option<Value> {
    let path = &found.finding.path;
    let step = |(place, what): &(Place, String)| json!({ "location": location(report, place, what) });
    let steps: Vec<Value> = path.iter().take(MAX_STEPS).map(step).collect();
    (!steps.is_empty()).then(|| json!({ "threadFlows": [{ "locations": steps }] }))
}

fn properties(found: &Found<'_>) -> Value {
    let mut properties = Map::new();
    if let Some(rows) = found.finding.rows {
        properties.insert("parse-audit/rows".to_owned(), rows.reached.into());
        properties.insert("parse-audit/totalRows".to_owned(), rows.total.into());
    }
    if let Some(standing) = found.finding.standing.word() {
        properties.insert("parse-audit/standing".to_owned(), standing.into());
    }
    // GitHub looks at the rule alone; other viewers may take what the result says.
    if found.finding.severity != found.rule.severity {
        properties.insert("security-severity".to_owned(), security_severity(found.finding.severity).into());
    }
    properties.into()
}

/// A place and what is there.
fn location(report: &Report<'_>, place: &Place, what: &str) -> Map<String, Value> {
    let message = json!({ "text": clean::text(what) });
    [("physicalLocation".to_owned(), physical(report, place)), ("message".to_owned(), message)].into_iter().collect()
}

fn physical(report: &Report<'_>, place: &Place) -> Value {
    let region = match report.region(place) {
        Some(region) => json!({
            "startLine": region.line,
            "startColumn": region.column,
            "endLine": region.end_line,
            // Only on one line the end stands behind the start.
            "endColumn": if region.line == region.end_line {
                region.end_column.max(region.column + 1)
            } else {
                region.end_column
            },
        }),
        // A file as a whole: its first line, of which nothing is said.
        None => json!({ "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1 }),
    };
    json!({ "artifactLocation": { "uri": uri(report, place), "uriBaseId": ROOT }, "region": region })
}

fn uri(report: &Report<'_>, place: &Place) -> String {
    utf8_percent_encode(&report.path(place), PATH).to_string()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn problem_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "recommendation",
    }
}

/// A text with a number in it: GitHub refuses a number, and a word.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.5",
    }
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "very-high",
        Confidence::Likely => "high",
        Confidence::Possible => "medium",
    }
}

/// A message as a sentence: a capital in front, a full stop behind, a blank before it.
fn sentence(message: &str) -> String {
    let message = escaped(message);
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!(" {first}{}.", characters.as_str())
}

/// Untrusted text in a message: brackets would be links.
fn escaped(text: &str) -> String {
    clean::text(text).replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

/// Markdown without its marks, for viewers that show none.
fn plain(markdown: &str) -> String {
    let kept = markdown.lines().filter(|line| !line.starts_with("```"));
    let lines: Vec<&str> = kept.map(|line| line.trim_start_matches('#').trim_start()).collect();
    lines.join("\n").trim().to_owned()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_DESCRIPTION {
        return text.to_owned();
    }
    text.chars().take(MAX_DESCRIPTION - 1).chain(['…']).collect()
}

/// `clp-public-delete` as `ClpPublicDelete`, which viewers want for a name.
fn pascal(id: &str) -> String {
    let capital = |word: &str| {
        let mut characters = word.chars();
        characters.next().map(|first| first.to_ascii_uppercase().to_string() + characters.as_str()).unwrap_or_default()
    };
    id.split('-').map(capital).collect()
}
