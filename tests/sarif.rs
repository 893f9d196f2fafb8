//! SARIF logs through Microsoft's validator and GitHub's demands, by `tests/sarif/validate`.
//!
//! Needs Node.js and npm; `tests/run` installs them. It fails without them.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "sarif/valid.rs"]
mod valid;

use std::fs;
use std::path::Path;
use std::process::Command;

use parse_audit::audit::Outcome;
use parse_audit::finding::Finding;
use parse_audit::model::Place;
use parse_audit::read::{self, Input, Silent};
use parse_audit::report::sarif::SarifReporter;
use parse_audit::report::{Report, Reporter};
use parse_audit::rules::loader;
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;
use parse_audit::severity::Severity;
use serde_json::{Value, json};
use valid::{assert_valid, validate};

fn sarif(folder: &Path, path: &str, to: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_parse-audit"))
        .args(["check", path, "--output", &format!("sarif={}", to.display()), "--exit-zero"])
        .current_dir(folder)
        .env_clear()
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_log_of_every_app_is_valid() {
    let logs = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("fixtures/apps")).unwrap().map(|entry| entry.unwrap()) {
        if entry.path().is_dir() {
            let name = entry.file_name().into_string().unwrap();
            let log = logs.path().join(format!("{name}.sarif"));
            sarif(root, &format!("fixtures/apps/{name}"), &log);
            files.push(log);
        }
    }
    assert!(files.len() >= 5);
    assert_valid(root, &files);
}

#[test]
fn the_log_of_an_app_with_thirty_thousand_findings_is_valid_and_says_what_it_leaves_out() {
    let folder = tempfile::tempdir().unwrap();
    let class = |number: usize| {
        json!({
            "className": format!("Class{number:05}"),
            "fields": { "objectId": { "type": "String" }, "createdAt": { "type": "Date" } },
            "classLevelPermissions": {
                "find": {}, "get": {}, "count": { "*": true }, "create": { "*": true }, "update": { "*": true },
                "delete": { "*": true }, "addField": { "*": true }, "protectedFields": { "*": ["nothing"] },
            },
        })
    };
    let classes: Vec<Value> = (0..6_000).map(class).collect();
    let schemas = serde_json::to_string_pretty(&json!({ "results": classes })).unwrap();
    fs::write(folder.path().join("schemas.json"), schemas).unwrap();
    let log = folder.path().join("out.sarif");
    sarif(folder.path(), ".", &log);
    let parsed: Value = serde_json::from_slice(&fs::read(&log).unwrap()).unwrap();
    let total = parsed["runs"][0]["properties"]["parse-audit/findings"].as_u64();
    assert!(total.is_some_and(|total| total >= 30_000), "{total:?}");
    assert_eq!(parsed["runs"][0]["results"].as_array().unwrap().len(), 5_000);
    assert_valid(folder.path(), &[log]);
}

#[test]
fn a_log_with_a_code_flow_and_a_severity_of_the_result_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let schema = r#"{ "className": "Note", "fields": {}, "classLevelPermissions": {} }"#;
    fs::write(folder.path().join("Note.json"), schema).unwrap();
    let files = [("Note.json".to_owned(), schema.to_owned())].into();
    let snapshot = read::read(&Input::Memory(files), &read::Settings::default(), &Silent).snapshot;
    let (file, _) = snapshot.texts.iter().next().expect("the file");
    let step = |marked: &str| {
        let start = schema.find(marked).expect("the mark");
        let span = parse_audit::model::Span::new(schema, start, start + marked.len());
        (Place::Text { file, span }, format!("{marked} is read"))
    };
    let finding = Finding {
        rule: "clp-public-delete".into(),
        class: None,
        subject: "Note".to_owned(),
        message: "a value flows".to_owned(),
        at: step("fields").0,
        related: vec![step("Note")],
        path: vec![step("className"), (Place::File { file }, "the file [as](1) a whole".to_owned()), step("fields")],
        severity: Severity::Low,
        rows: None,
        standing: Default::default(),
    };
    let outcome = Outcome { findings: vec![finding], ..Outcome::default() };
    let program = Program::new(loader::built_in().expect("rules"), Words::new(Vec::new()).expect("words"));
    let log = folder.path().join("out.sarif");
    let mut out = fs::File::create(&log).unwrap();
    SarifReporter.write(&Report::new(&snapshot, &outcome, &program, &[]), &mut out).unwrap();
    let parsed: Value = serde_json::from_slice(&fs::read(&log).unwrap()).unwrap();
    let flow = &parsed["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"];
    assert_eq!(flow.as_array().map(Vec::len), Some(3));
    assert_valid(folder.path(), &[log]);
}

#[test]
fn a_log_with_a_fault_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("out.sarif");
    sarif(Path::new(env!("CARGO_MANIFEST_DIR")), "fixtures/apps/shop", &log);
    let mut parsed: Value = serde_json::from_slice(&fs::read(&log).unwrap()).unwrap();
    parsed["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = json!("/etc/x");
    fs::write(&log, parsed.to_string()).unwrap();
    assert_eq!(validate([&log]).status.code(), Some(1));
}
