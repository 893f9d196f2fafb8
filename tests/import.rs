//! Rules that a team has for gitleaks and Kingfisher find what they find there, and stay
//! silent where they do; what cannot be said is named.
//!
//! Keys are made up while the test runs.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod binary;

use std::path::Path;

use binary::{Done, run, write};
use serde_json::Value;

/// So many letters or digits, others for each seed.
fn made_up(seed: u64, letters: &[u8], length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("a number") % letters.len()
    };
    (0..length).map(|_| char::from(*letters.get(next()).expect("a letter"))).collect()
}

fn low(seed: u64, length: usize) -> String {
    made_up(seed, b"abcdefghjkmnpqrstuvwxyz23456789", length)
}

fn fixture(name: &str) -> String {
    format!("{}/fixtures/rules/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Every finding of imported rules: the rule, and the file and the line.
fn found(done: &Done) -> Vec<String> {
    let report: Value = serde_json::from_slice(&done.out).unwrap_or_else(|error| panic!("{error}\n{}", done.all()));
    let findings = report.get("findings").and_then(Value::as_array).expect("findings");
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut all: Vec<String> = findings
        .iter()
        .filter(|finding| finding.get("rule").and_then(Value::as_str).is_some_and(|rule| !rule.starts_with("secret-")))
        .map(|finding| format!("{} {}", text(finding.get("rule")), text(finding.pointer("/location/path"))))
        .collect();
    all.sort();
    all
}

fn check(folder: &Path, rules: &str) -> Done {
    run(folder, &["check", ".", "--rules", &fixture(rules), "--select", "secrets", "--output", "json"])
}

#[test]
fn rules_of_gitleaks_find_keys_and_leave_out_what_is_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = |seed: u64| format!("acme_{}", low(seed, 24));
    let signing = |seed: u64| made_up(seed, b"ABCDEFGHJKMNPQRSTUVWXYZ23456789", 20);
    let stub = |seed: u64| format!("acme_stub{}", low(seed, 20));
    let files = [
        ("a.env", format!("ACME_TOKEN={}\n", token(1))),
        ("documented.env", format!("ACME_TOKEN={} # documented\n", token(2))),
        ("spec/stub.env", format!("ACME_TOKEN={}\n", stub(3))),
        ("spec/live.env", format!("ACME_TOKEN={}\n", token(4))),
        ("stub.env", format!("ACME_TOKEN={}\n", stub(5))),
        ("dull.env", format!("ACME_TOKEN=acme_{}\n", "ab".repeat(12))),
        ("go/testdata/a.env", format!("ACME_TOKEN={}\n", token(6))),
        ("signing.yml", format!("a: b\nsigning-key: {}\nc: d\n", signing(7))),
        ("last.yml", format!("signing-key: {}", signing(8))),
        ("sample.yml", format!("signing-key: EXAMPLE{}\n", made_up(9, b"ABCDEF23456789", 13))),
        ("store.acme", format!("{}\n", low(10, 30))),
        ("testdata/store.acme", format!("{}\n", low(11, 30))),
    ];
    let bytes: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    write(folder.path(), &bytes);
    let done = check(folder.path(), "gitleaks.toml");
    assert_eq!(
        found(&done),
        [
            "gitleaks-acme-signing signing.yml",
            "gitleaks-acme-store store.acme",
            "gitleaks-acme-token a.env",
            "gitleaks-acme-token spec/live.env",
            "gitleaks-acme-token stub.env",
        ]
    );
    assert!(!done.all().contains(&token(1)) && !done.all().contains(&signing(7)));
}

#[test]
fn rules_of_kingfisher_find_keys_with_what_they_need() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = |seed: u64| format!("bk-7{}4", low(seed, 18));
    let files = [
        ("a.js", format!("acme.init(\n  '{}')\n", key(1))),
        ("demo.js", format!("acme.init('bk-demo77{}')\n", low(2, 14))),
        ("letters.js", format!("acme.init('bk-{}')\n", made_up(3, b"abcdefghjkmnpqrstuvwxyz", 20))),
        ("other.js", format!("init('{}')\n", key(4))),
    ];
    let bytes: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    write(folder.path(), &bytes);
    assert_eq!(found(&check(folder.path(), "kingfisher.yml")), ["kingfisher-team-acme-1 a.js"]);
}

#[test]
fn what_cannot_be_said_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &[("a.env", b"A=b\n")]);
    let listed = run(folder.path(), &["rules", "list", "--rules", &fixture("")]);
    assert_eq!(listed.code, 0, "{}", listed.all());
    for named in
        ["`extend.useDefault`", "`commits` of allow lists", "(`acme-signing`)", "`validation`", "(`team.acme.1`)"]
    {
        assert!(listed.err.contains(named), "{named}: {}", listed.err);
    }
    let report = check(folder.path(), "gitleaks.toml").text();
    assert!(report.contains("`commits` of allow lists"), "{report}");
}

#[test]
fn a_folder_of_the_configuration_may_hold_rules_of_other_scanners() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = std::fs::read(fixture("gitleaks.toml")).expect("rules");
    let text = format!("ACME_TOKEN=acme_{}\n", low(1, 24));
    write(
        folder.path(),
        &[
            ("parse-audit.toml", b"[rules]\nfolders = ['.security']\n"),
            (".security/.gitleaks.toml", &rules),
            (".security/other.yml", b"services:\n  - db\n"),
            ("a.env", text.as_bytes()),
        ],
    );
    let done = run(folder.path(), &["check", ".", "--select", "secrets", "--output", "json"]);
    assert_eq!(found(&done), ["gitleaks-acme-token a.env"]);
}

#[test]
fn a_mistake_in_rules_of_others_is_shown_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &[("team.toml", b"[[rules]]\nid = 'acme'\nregex = 'acme_(a{1000}){1000}'\n")]);
    let done = run(folder.path(), &["rules", "list", "--rules", "team.toml"]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("team.toml:3:9: the pattern of `acme` cannot be used: it is too large"), "{}", done.err);
}
