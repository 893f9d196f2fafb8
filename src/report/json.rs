//! The report for programs: own types that stay as they are; see `docs/json.md`.

use std::io::{self, Write};

use serde::Serialize;

use crate::audit::packages::{Audited, Judged};
use crate::finding::Finding;
use crate::finding::suppress::Suppressed;
use crate::model::Place;
use crate::severity::Severity;

use super::{Found, Report, Reporter, headline};

/// Raised when a field changes its meaning or goes away; new fields do not raise it.
const FORMAT: u32 = 1;

/// Writes JSON.
#[derive(Debug, Clone, Copy)]
pub struct JsonReporter;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    format: u32,
    tool: Tool,
    app: App,
    findings: Vec<JsonFinding>,
    packages: Vec<JsonPackage>,
    ignored: Vec<Ignored>,
    groups: Vec<JsonGroup>,
    do_first: Vec<String>,
    problems: Vec<JsonProblem>,
    not_checked: Vec<NotChecked>,
    summary: serde_json::Map<String, serde_json::Value>,
    fail_on: &'static str,
    exit_code: u8,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct App {
    name: Option<String>,
    target: String,
    files: usize,
    classes: usize,
    roles: Option<usize>,
    rows: u64,
    server_version: Option<String>,
    server_version_from: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonFinding {
    name: String,
    rule: String,
    title: String,
    severity: &'static str,
    confidence: &'static str,
    class: Option<String>,
    subject: String,
    message: String,
    fix: String,
    fingerprint: String,
    location: Location,
    related: Vec<Noted>,
    path: Vec<Noted>,
    rows: Option<JsonRows>,
    standing: Option<&'static str>,
    cwe: Vec<u32>,
    owasp: Vec<String>,
    risk: Vec<String>,
}

#[derive(Serialize)]
struct JsonRows {
    reached: u64,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<[f64; 2]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    path: String,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

#[derive(Serialize)]
struct Noted {
    location: Location,
    what: String,
}

#[derive(Serialize)]
struct JsonPackage {
    name: String,
    version: String,
    range: Option<String>,
    locations: Vec<Location>,
    remedy: String,
    advisories: Vec<JsonAdvisory>,
}

#[derive(Serialize)]
struct JsonAdvisory {
    id: String,
    aliases: Vec<String>,
    summary: String,
    severity: Option<&'static str>,
    cwe: Vec<u32>,
    decision: &'static str,
    reason: Option<String>,
    precondition: Option<String>,
    caveat: Option<String>,
}

#[derive(Serialize)]
struct Ignored {
    name: String,
    reason: String,
    until: Option<String>,
}

#[derive(Serialize)]
struct JsonGroup {
    rule: String,
    severity: &'static str,
    headline: String,
    findings: Vec<String>,
}

#[derive(Serialize)]
struct JsonProblem {
    path: String,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
    consequence: String,
}

#[derive(Serialize)]
struct NotChecked {
    topic: String,
    reason: String,
}

impl Reporter for JsonReporter {
    fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &document(report)).map_err(io::Error::from)?;
        writeln!(out)
    }
}

fn document(report: &Report<'_>) -> Document {
    let app = &report.snapshot.app;
    let version = app.server.version.read();
    let groups = report.groups();
    let many = groups.iter().filter(|group| group.findings.len() > 1);
    let name = |group: &super::Group<'_>| group.findings.first().map(|found| found.finding.name());
    Document {
        format: FORMAT,
        tool: Tool { name: "parse-audit", version: env!("CARGO_PKG_VERSION") },
        app: App {
            name: report.app.clone(),
            target: report.target.clone(),
            files: report.files,
            classes: app.classes.len(),
            roles: app.roles.read().map(|roles| roles.by_name.len()),
            rows: app.classes.values().filter_map(|class| class.rows.read()).map(|census| census.rows()).sum(),
            server_version: version.map(|found| found.version.to_string()),
            server_version_from: version.map(|found| found.from.words()),
        },
        findings: report.found().map(|found| finding(report, &found)).collect(),
        packages: report.outcome.packages.iter().map(|package| self::package(report, package)).collect(),
        ignored: report.outcome.suppressed.iter().map(ignored).collect(),
        groups: many
            .map(|group| JsonGroup {
                rule: group.rule.id.to_string(),
                severity: group.severity.word(),
                headline: headline(group),
                findings: group.findings.iter().map(|found| found.finding.name()).collect(),
            })
            .collect(),
        do_first: report.do_first().iter().filter_map(name).collect(),
        problems: report
            .problems
            .iter()
            .map(|problem| JsonProblem {
                path: format!("{}{}", report.before(&problem.path), problem.path),
                line: problem.line.map(|(line, _)| line),
                column: problem.line.map(|(_, column)| column),
                message: problem.message.clone(),
                consequence: problem.consequence.clone(),
            })
            .collect(),
        not_checked: report
            .gaps()
            .map(|gap| NotChecked { topic: gap.topic.clone(), reason: gap.reason.clone() })
            .collect(),
        summary: report
            .counts()
            .into_iter()
            .map(|(severity, count)| (severity.word().to_owned(), count.into()))
            .collect(),
        fail_on: report.fail_on.word(),
        exit_code: report.exit_code,
    }
}

fn finding(report: &Report<'_>, found: &Found<'_>) -> JsonFinding {
    let Found { finding, rule } = found;
    let Finding { class, subject, message, at, related, path, rows, .. } = finding;
    let places = |places: &[(Place, String)]| {
        places.iter().map(|(place, what)| Noted { location: location(report, place), what: what.clone() }).collect()
    };
    JsonFinding {
        name: finding.name(),
        rule: rule.id.to_string(),
        title: rule.title.clone(),
        severity: finding.severity.word(),
        confidence: rule.confidence.word(),
        class: class.as_ref().map(ToString::to_string),
        subject: subject.clone(),
        message: message.clone(),
        fix: rule.fix.clone(),
        fingerprint: finding.fingerprint(),
        location: location(report, at),
        related: places(related),
        path: places(path),
        rows: rows.map(|rows| JsonRows {
            reached: rows.reached,
            total: rows.total,
            percent: rows.share.map(|share| [share.low, share.high].map(|end| f64::from(end) / 100.0)),
        }),
        standing: finding.standing.word(),
        cwe: rule.cwe.clone(),
        owasp: rule.owasp.clone(),
        risk: rule.risk.clone(),
    }
}

fn package(report: &Report<'_>, package: &Audited) -> JsonPackage {
    let advisory = |judged: &Judged| {
        let Judged { advisory, exposure } = judged;
        JsonAdvisory {
            id: advisory.id.clone(),
            aliases: advisory.aliases.clone(),
            summary: advisory.summary.clone(),
            severity: advisory.severity.map(Severity::word),
            cwe: advisory.cwe.clone(),
            decision: exposure.word(),
            reason: exposure.reason().map(str::to_owned),
            precondition: advisory.precondition.clone(),
            caveat: advisory.caveat.clone(),
        }
    };
    JsonPackage {
        name: package.name.clone(),
        version: package.version.to_string(),
        range: package.range.clone(),
        locations: package.at.iter().map(|at| location(report, at)).collect(),
        remedy: package.remedy.to_string(),
        advisories: package.advisories.iter().map(advisory).collect(),
    }
}

fn location(report: &Report<'_>, place: &Place) -> Location {
    let region = report.region(place);
    Location {
        path: report.path(place),
        line: region.map(|region| region.line),
        column: region.map(|region| region.column),
        end_line: region.map(|region| region.end_line),
        end_column: region.map(|region| region.end_column),
    }
}

fn ignored(suppressed: &Suppressed) -> Ignored {
    Ignored {
        name: suppressed.finding.name(),
        reason: suppressed.reason.clone(),
        until: suppressed.until.map(|until| until.to_string()),
    }
}
