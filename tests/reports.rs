//! What each report says of a finding that has a way through code and a severity of its own, and how many it tells.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use parse_audit::audit::{Outcome, audit};
use parse_audit::finding::Finding;
use parse_audit::model::{FileId, Place, Snapshot, Span};
use parse_audit::read::{Input, Settings, Silent, read};
use parse_audit::report::github::GithubReporter;
use parse_audit::report::json::JsonReporter;
use parse_audit::report::sarif::SarifReporter;
use parse_audit::report::text::TextReporter;
use parse_audit::report::{Report, Reporter};
use parse_audit::rules::loader;
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;
use parse_audit::severity::Severity;
use serde_json::{Value, json};

const TEXT: &str = "{\n  \"className\": \"Note\",\n  \"classLevelPermissions\": { \"delete\": {} }\n}\n";

fn program() -> Program {
    Program::new(loader::built_in().expect("the rules"), Words::new(Vec::new()).expect("the words"))
}

fn snapshot() -> Snapshot {
    let files = BTreeMap::from([("Note.json".to_owned(), TEXT.to_owned())]);
    read(&Input::Memory(files), &Settings::default(), &Silent).snapshot
}

fn place(marked: &str) -> Place {
    let start = TEXT.find(marked).expect("the mark");
    Place::Text { file: FileId(0), span: Span::new(TEXT, start, start + marked.len()) }
}

/// A finding of a rule of high severity, however bad this one is.
fn finding(subject: &str, severity: Severity) -> Finding {
    Finding {
        rule: "clp-public-delete".into(),
        class: None,
        subject: subject.to_owned(),
        message: "a value flows".to_owned(),
        at: place("\"delete\""),
        related: Vec::new(),
        path: vec![(place("\"Note\""), "the client sends it".to_owned()), (place("\"delete\""), "used".to_owned())],
        severity,
        rows: None,
        standing: Default::default(),
    }
}

fn written(reporter: &dyn Reporter, findings: Vec<Finding>) -> String {
    let (snapshot, program) = (snapshot(), program());
    let outcome = Outcome { findings, ..Outcome::default() };
    let mut out = Vec::new();
    reporter.write(&Report::new(&snapshot, &outcome, &program, &[]), &mut out).expect("written");
    String::from_utf8(out).expect("text")
}

fn parsed(reporter: &dyn Reporter, findings: Vec<Finding>) -> Value {
    serde_json::from_str(&written(reporter, findings)).expect("JSON")
}

fn text(all: bool, findings: Vec<Finding>) -> String {
    let reporter = TextReporter { color: false, unicode: false, width: 100, all, quiet: true, stop_word: None };
    written(&reporter, findings)
}

#[test]
fn the_text_tells_the_steps_when_it_is_verbose_and_else_their_number() {
    let low = || vec![finding("Note", Severity::Low)];
    let short = text(false, low());
    assert!(short.starts_with("LOW       a value flows\n") && short.contains("1 low"), "{short}");
    assert!(short.contains("          in 2 steps from Note.json:2:16 (all with --verbose)\n"), "{short}");
    assert!(!short.contains("the client sends it"), "{short}");
    let long = text(true, low());
    let steps = "          1. Note.json:2:16: the client sends it\n          2. Note.json:3:30: used\n          fix  ";
    assert!(long.contains(steps) && !long.contains("2 steps"), "{long}");
}

#[test]
fn findings_of_a_rule_that_are_not_equally_bad_are_not_told_as_one() {
    let of = |severity| move |number| finding(&format!("Note{number}"), severity);
    let mixed = (0..2).map(of(Severity::High)).chain((2..5).map(of(Severity::Low))).collect();
    assert_eq!(parsed(&JsonReporter, mixed)["groups"], json!([]));
    let report = parsed(&JsonReporter, (0..2).map(of(Severity::High)).chain((2..6).map(of(Severity::Low))).collect());
    assert_eq!((&report["groups"][0]["severity"], report["groups"].as_array().map(Vec::len)), (&json!("low"), Some(1)));
    assert_eq!(report["groups"][0]["findings"].as_array().map(Vec::len), Some(4));
}

#[test]
fn json_has_the_path_and_the_severity_of_the_finding() {
    let report = parsed(&JsonReporter, vec![finding("Note", Severity::Critical)]);
    let found = &report["findings"][0];
    assert_eq!((&found["severity"], &report["summary"]["critical"]), (&json!("critical"), &json!(1)));
    let location = json!({ "path": "Note.json", "line": 2, "column": 16, "endLine": 2, "endColumn": 22 });
    assert_eq!(found["path"][0], json!({ "location": location, "what": "the client sends it" }));
    assert_eq!(found["path"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_annotation_says_where_the_value_comes_from() {
    let said = written(&GithubReporter, vec![finding("Note", Severity::Medium)]);
    assert!(said.starts_with("::warning file=Note.json,line=3,"), "{said}");
    assert!(said.contains("(medium)::a value flows; from Note.json:2:16. "), "{said}");
}

#[test]
fn sarif_has_a_code_flow_and_the_level_of_the_result() {
    let log = parsed(&SarifReporter, vec![finding("Note", Severity::Medium), finding("Other", Severity::High)]);
    let [rated, other] = [0, 1].map(|number| &log["runs"][0]["results"][number]);
    assert_eq!((&rated["level"], &rated["properties"]["security-severity"]), (&json!("warning"), &json!("5.5")));
    assert_eq!((&other["level"], &other["properties"]), (&json!("error"), &json!({})));
    let steps = rated["codeFlows"][0]["threadFlows"][0]["locations"].as_array().expect("steps");
    let told = |step: &Value| {
        let location = &step["location"];
        (location["physicalLocation"]["region"]["startLine"].clone(), location["message"]["text"].clone())
    };
    let told: Vec<_> = steps.iter().map(told).collect();
    assert_eq!(told, [(json!(2), json!("the client sends it")), (json!(3), json!("used"))]);
}

#[test]
fn sarif_tags_every_rule_with_its_risks() {
    let log = parsed(&SarifReporter, Vec::new());
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("the rules");
    let program = program();
    assert_eq!(rules.len(), program.rules.len());
    for rule in rules {
        let id = rule["id"].as_str().expect("an id");
        let tags = rule["properties"]["tags"].as_array().expect("tags");
        for risk in &program.rule(&id.into()).expect("the rule").risk {
            assert!(tags.contains(&json!(format!("risk/{risk}"))), "{id}: {tags:?}");
        }
    }
}

/// Replacing `/dev/stdout` or `/dev/null`, as an administrator may, would break the machine.
#[cfg(unix)]
#[test]
fn of_sixty_apps_three_things_are_said_to_be_done_first() {
    let options = |number: usize| {
        json!({
            "appId": format!("app{number}"), "masterKey": "myMasterKey", "masterKeyIps": ["0.0.0.0/0"],
            "databaseURI": format!("mongodb://db.example.com/app{number}"), "allowClientClassCreation": true,
            "serverURL": format!("http://api{number}.example.com/parse"), "enforcePrivateUsers": false,
            "fileUpload": { "enableForPublic": true, "fileExtensions": [".*"] }, "sessionLength": 0,
        })
    };
    let package = json!({ "name": "app", "dependencies": { "parse-server": "5.6.0" } }).to_string();
    let files = (0..60).flat_map(|number| {
        let path = |name: &str| format!("app{number}/{name}");
        [(path("parse-server.json"), options(number).to_string()), (path("package.json"), package.clone())]
    });
    let snapshot = read(&Input::Memory(files.collect()), &Settings::default(), &Silent).snapshot;
    let program = program();
    let outcome = audit(&snapshot, &program, Vec::new(), jiff::civil::date(2026, 1, 1));
    let report = Report::new(&snapshot, &outcome, &program, &[]);
    let mut text = Vec::new();
    let reporter = TextReporter { color: false, unicode: false, width: 80, all: false, quiet: false, stop_word: None };
    reporter.write(&report, &mut text).expect("written");
    let text = String::from_utf8(text).expect("text");
    let first = text.split("\nDo first\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("what to do first");
    let is_numbered = |line: &&str| line.strip_prefix("  ").is_some_and(|line| line.starts_with(['1', '2', '3', '4']));
    assert_eq!(first.lines().filter(is_numbered).count(), 3, "{first}");
    assert!((10..40).contains(&outcome.findings.len()), "{} findings", outcome.findings.len());
}

#[test]
fn a_report_goes_where_a_link_leads() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("Note.json"), TEXT).expect("written");
    let (link, behind) = (folder.path().join("report"), folder.path().join("behind.txt"));
    std::os::unix::fs::symlink(&behind, &link).expect("a link");
    for before in [None, Some("old")] {
        if let Some(before) = before {
            std::fs::write(&behind, before).expect("written");
        }
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_parse-audit"));
        check.current_dir(folder.path()).args(["check", "--quiet", "--exit-zero", "--output", "json=report"]);
        assert!(check.output().expect("the program is ours").status.success());
        assert!(link.is_symlink());
        let report: Value = serde_json::from_slice(&std::fs::read(&behind).expect("a report")).expect("JSON");
        assert!(report["findings"].is_array());
    }
}
