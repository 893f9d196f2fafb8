//! Every app of `fixtures/apps` through the binary, in every format.
//!
//! `tests/apps/APP/` holds what each format must say; `BLESS=1` writes it anew, and
//! then somebody reads the difference.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Formats and the files that hold them.
const FORMATS: [(&str, &str); 5] = [
    ("text", "report.txt"),
    ("json", "report.json"),
    ("github", "annotations.txt"),
    ("csv", "matrix.csv"),
    ("sarif", "results.sarif.json"),
];

fn apps() -> Vec<String> {
    let entries = fs::read_dir("fixtures/apps").unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Runs the binary with nothing of this machine's environment, on a fixed day, and as if every clone were the same.
fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parse-audit"))
        .args(arguments)
        .env_clear()
        .env("SOURCE_DATE_EPOCH", "1793491200")
        .env("PARSE_AUDIT_ID_KEY", "fixtures")
        .output()
        .expect("the binary runs")
}

fn report(app: &str, format: &str) -> (String, Option<i32>) {
    printed(run(&["check", &format!("fixtures/apps/{app}"), "--output", format, "--no-history"]), format)
}

fn printed(output: Output, format: &str) -> (String, Option<i32>) {
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let text = text.replace(env!("CARGO_PKG_VERSION"), "0.0.0");
    (if format == "sarif" { without_rules(&text) } else { text }, output.status.code())
}

/// A log without its rules: they are the rule files, and `tests/sarif.rs` checks them.
fn without_rules(log: &str) -> String {
    let mut log: Value = serde_json::from_str(log).expect("JSON");
    let driver = log["runs"][0]["tool"]["driver"].as_object_mut().expect("a driver");
    assert!(driver.remove("rules").is_some_and(|rules| !rules.as_array().unwrap().is_empty()));
    for result in log["runs"][0]["results"].as_array_mut().expect("results") {
        result.as_object_mut().unwrap().remove("ruleIndex");
    }
    serde_json::to_string_pretty(&log).unwrap() + "\n"
}

/// Says whether a text is the expected one; writes it instead if asked to.
fn compare(path: &Path, found: &str) -> Option<String> {
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, found).unwrap();
        return None;
    }
    let expected = fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    let line = expected.lines().zip(found.lines()).position(|(expected, found)| expected != found);
    let line = line.unwrap_or(expected.lines().count().min(found.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(the end)").to_owned();
    let (wanted, got) = (at(&expected), at(found));
    (expected != found).then(|| format!("{}:{}\n  expected: {wanted}\n  found:    {got}", path.display(), line + 1))
}

#[test]
fn every_app_is_reported_as_expected_in_every_format() {
    let mut differences = Vec::new();
    for app in apps() {
        for (format, file) in FORMATS {
            let (text, _) = report(&app, format);
            differences.extend(compare(&PathBuf::from("tests/apps").join(&app).join(file), &text));
        }
    }
    assert!(differences.is_empty(), "BLESS=1 writes them anew\n{}", differences.join("\n"));
}

#[test]
fn every_format_gives_the_same_exit_code() {
    for app in apps() {
        let codes = FORMATS.map(|(format, _)| report(&app, format).1);
        assert!(codes.iter().all(|code| *code == codes[0] && code.is_some()), "{app}: {codes:?}");
    }
}

#[test]
fn the_clean_app_has_no_finding_at_all() {
    let (json, code) = report("notes", "json");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!((&report["findings"], &report["problems"]), (&Value::Array(vec![]), &Value::Array(vec![])));
    assert!(report["app"]["classes"].as_u64().unwrap() > 3 && report["app"]["rows"].as_u64().unwrap() > 0);
}

#[test]
fn the_first_finding_of_the_shop_is_the_public_order() {
    let (json, code) = report("shop", "json");
    let report: Value = serde_json::from_str(&json).unwrap();
    let first = &report["findings"][0];
    assert_eq!(code, Some(1));
    assert_eq!(first["class"], "Order");
    assert_eq!(first["severity"], "critical");
    assert_eq!(first["rows"], serde_json::json!({ "reached": 300, "total": 320 }));
    for field in ["cAddress", "cFirstName", "cLastName"] {
        assert!(first["message"].as_str().unwrap().contains(field), "{first}");
    }
}

#[test]
fn the_picture_in_the_readme_is_what_the_shop_gives() {
    let readme = fs::read_to_string("README.md").unwrap();
    let picture = readme.split("<!-- shop begin -->").nth(1).and_then(|rest| rest.split("<!-- shop end -->").next());
    let picture = picture.expect("a picture between `shop begin` and `shop end`");
    let (text, _) = printed(run(&["check", "fixtures/apps/shop"]), "text");
    let text = text.replace("0.0.0", env!("CARGO_PKG_VERSION"));
    let wanted = format!("\n```text\n$ cargo run --release -- check fixtures/apps/shop\n{text}```\n");
    if std::env::var_os("BLESS").is_some() {
        fs::write("README.md", readme.replace(picture, &wanted)).unwrap();
    } else {
        assert_eq!(without_history(picture), without_history(&wanted), "BLESS=1 writes it anew");
    }
}

/// A report without what it says of the history, which depends on how the repository was cloned.
fn without_history(text: &str) -> Vec<&str> {
    let mut is_told = false;
    let mut others = text.lines().collect::<Vec<_>>();
    others.retain(|line| {
        is_told = line.starts_with("  ") && line.contains(" history") || is_told && line.starts_with("    ");
        !is_told
    });
    others
}

#[test]
fn several_reports_are_written_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (sarif, json) = (folder.path().join("a.sarif"), folder.path().join("a.json"));
    let (sarif_flag, json_flag) = (format!("sarif={}", sarif.display()), format!("json={}", json.display()));
    let output = run(&["fixtures/apps/shop", "-o", "text", "-o", &sarif_flag, "-o", &json_flag]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("anyone on the internet can read `Order`"));
    for file in [sarif, json] {
        serde_json::from_slice::<Value>(&fs::read(file).unwrap()).expect("JSON");
    }
}
