//! Every pair of apps in `fixtures/code`: the risk is found in `open`, and nothing in its
//! look-alike `safe`.
//!
//! `expected.txt` beside the two holds what must be found in `open`, a line each:
//! `PATH:LINE  RULE  SUBJECT`. `BLESS=1` writes it anew, and then somebody reads it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parse_audit::audit::audit;
use parse_audit::code::analysis::{Analysis, analyse};
use parse_audit::code::risk::Sinks;
use parse_audit::finding::Finding;
use parse_audit::model::Snapshot;
use parse_audit::model::place::Content;
use parse_audit::read::{Input, Reading, Settings, Silent, read};
use parse_audit::report::lines::Lines;
use parse_audit::rules::loader::built_in;
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;
use parse_audit::severity::Severity;

const ROOT: &str = "fixtures/code";

/// What every pair of apps shows.
const SHAPES: [&str; 7] = [
    "class-hooks",
    "cross-file-flow",
    "guard-in-another-file",
    "refusal-that-goes-on",
    "route-table",
    "trigger-confused-deputy",
    "wrapper",
];

fn app(shape: &str, twin: &str) -> PathBuf {
    Path::new(ROOT).join(shape).join(twin)
}

fn reading(shape: &str, twin: &str) -> Reading {
    let reading = read(&Input::Path(app(shape, twin)), &Settings::default(), &Silent);
    assert!(reading.problems.is_empty(), "{shape}/{twin}: {:?}", reading.problems);
    reading
}

fn analysed(shape: &str, twin: &str) -> Analysis {
    analyse(&reading(shape, twin).snapshot.app, &Sinks::default())
}

/// What the rules about cloud code find in an app, sorted.
fn found(program: &Program, shape: &str, twin: &str) -> Vec<String> {
    let snapshot = reading(shape, twin).snapshot;
    let outcome = audit(&snapshot, program, Vec::new(), jiff::civil::date(2026, 1, 1));
    assert!(outcome.suppressed.is_empty(), "{shape}/{twin}: nothing is ignored there");
    let of_code = outcome.findings.iter().filter(|finding| finding.rule.as_str().starts_with("cloud-"));
    let mut lines: Vec<String> = of_code.map(|finding| line(&snapshot, finding)).collect();
    lines.sort();
    lines
}

/// `PATH:LINE  RULE  SUBJECT`.
fn line(snapshot: &Snapshot, finding: &Finding) -> String {
    let path = snapshot.texts.path(&finding.at);
    let source = snapshot.texts.get(finding.at.file()).expect("the file of a finding");
    let Content::Text(text) = &source.content else { panic!("{path} is no text") };
    let span = snapshot.texts.span(&finding.at).expect("the place of a finding");
    format!("{path}:{}  {}  {}", Lines::new(&text.text).line(span.start()), finding.rule, finding.subject)
}

fn program() -> Program {
    Program::new(built_in().expect("the built-in rules"), Words::new(Vec::new()).expect("the built-in words"))
}

/// The files of an app by their paths in it.
fn files(shape: &str, twin: &str) -> BTreeMap<String, String> {
    let root = app(shape, twin);
    let entries = walkdir::WalkDir::new(&root).into_iter().map(|entry| entry.expect("an entry"));
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(&root).expect("a path in the app");
            (path.to_string_lossy().replace('\\', "/"), fs::read_to_string(entry.path()).expect("a text"))
        })
        .collect()
}

#[test]
fn every_folder_has_both_twins_and_is_described() {
    let entries = fs::read_dir(ROOT).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, SHAPES);
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("a README");
    for shape in SHAPES {
        assert!(readme.lines().any(|line| line.contains(&format!("`{shape}`"))), "the README leaves out `{shape}`");
        for twin in ["open", "safe"] {
            let files = files(shape, twin);
            for needed in ["package.json", "index.js"] {
                assert!(files.contains_key(needed), "{shape}/{twin} has no {needed}");
            }
            let cloud = |path: &&String| path.starts_with("cloud/main.");
            assert_eq!(files.keys().filter(cloud).count(), 1, "{shape}/{twin} has no cloud/main");
        }
    }
}

#[test]
fn twins_differ_in_one_file() {
    for shape in SHAPES {
        let (open, safe) = (files(shape, "open"), files(shape, "safe"));
        assert_eq!(open.keys().collect::<Vec<_>>(), safe.keys().collect::<Vec<_>>(), "{shape}");
        let differ: Vec<&String> =
            open.iter().filter(|(path, text)| safe.get(*path) != Some(*text)).map(|(path, _)| path).collect();
        assert_eq!(differ.len(), 1, "{shape} differs in {differ:?}");
    }
}

#[test]
fn the_open_twin_has_the_expected_findings() {
    let program = program();
    let mut differences = Vec::new();
    for shape in SHAPES {
        let lines = found(&program, shape, "open");
        assert!(!lines.is_empty(), "nothing is found in {shape}/open");
        let text = lines.join("\n") + "\n";
        let path = Path::new(ROOT).join(shape).join("expected.txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, text).expect("a file to write");
            continue;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
        if expected != text {
            differences.push(format!("{shape}\n  expected\n{expected}  found\n{text}"));
        }
    }
    assert!(differences.is_empty(), "BLESS=1 writes them anew\n{}", differences.join("\n"));
}

#[test]
fn the_safe_twin_has_no_finding() {
    let program = program();
    let wrong: Vec<String> = SHAPES
        .into_iter()
        .flat_map(|shape| found(&program, shape, "safe").into_iter().map(move |line| format!("{shape}: {line}")))
        .collect();
    assert!(wrong.is_empty(), "found in safe twins\n{}", wrong.join("\n"));
}

/// Else silence would prove nothing.
#[test]
fn both_twins_register_the_same_handlers_from_files_the_server_loads() {
    for shape in SHAPES {
        let [open, safe] = ["open", "safe"].map(|twin| analysed(shape, twin));
        let kinds =
            |analysis: &Analysis| analysis.handlers.iter().map(|handler| handler.kind.words()).collect::<Vec<_>>();
        assert!(kinds(&open).len() > 1, "{shape}: {:?}", kinds(&open));
        assert_eq!(kinds(&open), kinds(&safe), "{shape}");
        for analysis in [open, safe] {
            assert_eq!((analysis.unloaded, analysis.cut), (Vec::new(), Vec::new()), "{shape}");
        }
    }
}

#[test]
fn every_route_of_a_long_table_becomes_a_handler() {
    for register in [
        "for (const [name, run] of routes) Parse.Cloud.define(name, run);",
        "routes.forEach(([name, run]) => Parse.Cloud.define(name, run));",
    ] {
        let rows: String = (0..300).map(|number| format!("  ['route{number}', async () => {number}],\n")).collect();
        let main = format!("const routes = [\n{rows}];\n{register}\n");
        let files = [("cloud/main.js".to_owned(), main)];
        let reading = read(&Input::Memory(files.into()), &Settings::default(), &Silent);
        assert_eq!(analyse(&reading.snapshot.app, &Sinks::default()).handlers.len(), 300, "{register}");
    }
}

#[test]
fn a_file_that_is_not_loaded_to_its_end_is_a_gap() {
    let main = format!("{}Parse.Cloud.define('last', async () => 1);\n", "console.log(1);\n".repeat(40_000));
    let files = [("cloud/main.js".to_owned(), main)];
    let snapshot = read(&Input::Memory(files.into()), &Settings::default(), &Silent).snapshot;
    assert_eq!(analyse(&snapshot.app, &Sinks::default()).cut, ["loading cloud/main.js"]);
}

#[test]
fn what_staff_may_search_for_is_less_bad() {
    let search = |asks: &str| {
        format!(
            "Parse.Cloud.define('search', async ({{ params, user }}) => {{\n{asks}\n\
             return new Parse.Query('Item').matches('name', params.text).find();\n}}, {{ requireUser: true }});"
        )
    };
    let role = "const role = await new Parse.Query(Parse.Role).equalTo('name', 'staff').equalTo('users', user)\n\
                .first({ useMasterKey: true });\nif (!role) throw new Error('no');";
    let severity = |asks: &str| {
        let package = r#"{ "name": "shop", "dependencies": { "parse-server": "9.10.0" } }"#;
        let files = [("cloud/main.js", search(asks)), ("package.json", package.to_owned())];
        let files = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
        let reading = read(&Input::Memory(files), &Settings::default(), &Silent);
        let outcome = audit(&reading.snapshot, &program(), Vec::new(), jiff::civil::date(2026, 1, 1));
        let found = outcome.findings.iter().find(|finding| finding.rule.as_str() == "cloud-regex-injection");
        found.map(|finding| finding.severity)
    };
    assert_eq!(severity(""), Some(Severity::Medium), "as bad as the rule says");
    assert_eq!(severity(role), Some(Severity::Low));
}
