//! What the scanner promises, with rules of its own.

use super::*;
use crate::rules::file::parse_unproven;

const RULE: &str = r#"+++
id         = "ID"
title      = "T"
severity   = "high"
confidence = "likely"
since      = "0.1.0"
cwe        = [798]
owasp      = ["A07:2021"]
fix        = "f"
see        = "https://docs.parseplatform.org/"

[secret]
REST
message = "a key {key}"
+++

# T

## What it finds

## Why it matters

## How to fix it
"#;

fn rule(id: &str, rest: &str) -> Rule {
    let text = RULE.replace("ID", id).replace("REST", rest);
    parse_unproven(&format!("rules/{id}.md"), &text).unwrap_or_else(|mistake| panic!("{mistake}"))
}

fn found(rules: &[Rule], path: &str, text: &str) -> Vec<(String, String)> {
    let scanner = Scanner::new(rules, Salt::default()).expect("a scanner");
    let hits = scanner.in_text(path, text.as_bytes());
    hits.into_iter().map(|hit| (hit.rule.to_string(), text[hit.span].to_owned())).collect()
}

const QUOTED: &str = "keywords = ['masterKey']\npattern = '''(?i)masterKey: '(?<secret>[^']+)''''";

#[test]
fn the_group_says_which_characters_are_the_key() {
    let rules = [rule("secret-master", QUOTED)];
    let text = "a\nMASTERKEY: 'Cedar#77310', masterKey: 'Tundra#4417'\n";
    let keys: Vec<String> = found(&rules, "a.js", text).into_iter().map(|(_, key)| key).collect();
    assert_eq!(keys, ["Cedar#77310", "Tundra#4417"]);
}

#[test]
fn a_comment_of_another_scanner_counts() {
    let rules = [rule("secret-master", QUOTED)];
    let text = "masterKey: 'Cedar#77310' // gitleaks:allow\n";
    assert_eq!(found(&rules, "a.js", text), []);
}

#[test]
fn the_name_of_a_finding_is_no_key() {
    let rules = [rule(
        "secret-master",
        r"keywords = ['master-key']
pattern = 'master-key:(?<secret>\w+)'",
    )];
    let found = |text| found(&rules, "a.toml", text).len();
    assert_eq!(found("finding = 'secret-parse-master-key:500dbe3235b4'"), 0);
    assert_eq!(found("master-key:500dbe3235b4") + found("secret-master-key:500dbe3235b4a"), 2);
}

#[test]
fn of_two_rules_about_the_same_characters_the_one_that_knows_more_speaks() {
    let generic = "generic = true\nkeywords = ['key']\npattern = '''(?i)key: '(?<secret>[^']+)''''";
    let rules = [rule("a-generic", generic), rule("secret-master", QUOTED)];
    let one = found(&rules, "a.js", "masterKey: 'Cedar#77310'");
    assert_eq!(one, [("secret-master".to_owned(), "Cedar#77310".to_owned())]);
}

#[test]
fn a_rule_looks_only_at_its_paths() {
    let rules = [rule("secret-master", &format!("{QUOTED}\npaths = ['*.js']\nnot-paths = ['spec/']"))];
    let text = "masterKey: 'Cedar#77310'";
    assert_eq!(found(&rules, "cloud/a.js", text).len(), 1);
    assert_eq!(found(&rules, "a.ts", text).len() + found(&rules, "spec/a.js", text).len(), 0);
}

#[test]
fn nothing_that_is_printed_holds_the_key() {
    let scanner = Scanner::new(&[rule("secret-master", QUOTED)], Salt::default()).expect("a scanner");
    let hits = scanner.in_text("a.js", b"masterKey: 'Cedar#77310'");
    let printed = format!("{hits:?} {scanner:?}");
    assert!(!printed.contains("edar#7731") && hits.len() == 1, "{printed}");
}
