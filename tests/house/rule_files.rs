//! The rule files: their names, cases, words, categories and index.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use parse_audit::rules::{Matcher, Rule, file, loader};
use regex::Regex;
use serde_json::Value;

use crate::source::begins_low;
use crate::{files, none};

/// CWEs that no list of OWASP names and that were looked up in MITRE's list, with its name.
const OTHER_CWES: [(u32, &str); 14] = [
    (93, "Improper Neutralization of CRLF Sequences ('CRLF Injection')"),
    (117, "Improper Output Neutralization for Logs"),
    (283, "Unverified Ownership"),
    (286, "Incorrect User Management"),
    (338, "Use of Cryptographically Weak Pseudo-Random Number Generator (PRNG)"),
    (470, "Use of Externally-Controlled Input to Select Classes or Code ('Unsafe Reflection')"),
    (488, "Exposure of Data Element to Wrong Session"),
    (602, "Client-Side Enforcement of Server-Side Security"),
    (694, "Use of Multiple Resources with Duplicate Identifier"),
    (704, "Incorrect Type Conversion or Cast"),
    (749, "Exposed Dangerous Method or Function"),
    (1059, "Insufficient Technical Documentation"),
    (1116, "Inaccurate Comments"),
    (1427, "Improper Neutralization of Input Used for LLM Prompting"),
];

/// What became of each category of 2021 in the list of 2025.
const EDITIONS: [(&str, &str); 10] = [
    ("A01:2021", "A01:2025"),
    ("A02:2021", "A04:2025"),
    ("A03:2021", "A05:2025"),
    ("A04:2021", "A06:2025"),
    ("A05:2021", "A02:2025"),
    ("A06:2021", "A03:2025"),
    ("A07:2021", "A07:2025"),
    ("A08:2021", "A08:2025"),
    ("A09:2021", "A09:2025"),
    ("A10:2021", "A01:2025"),
];

/// The index of the rules.
const INDEX: &str = "rules/README.md";

#[test]
fn a_rule_is_known_by_the_name_of_its_file() {
    let numbered = Regex::new(r"(?:^|-)[a-z]{0,2}\d+(?:-|$)").unwrap();
    let kebab = Regex::new(r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)+$").unwrap();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut wrong = Vec::new();
    for rule in rules() {
        let id = rule.id.as_str();
        if !rule.path.ends_with(&format!("/{id}.md")) {
            wrong.push(format!("{}: the id is `{id}`", rule.path));
        }
        if !kebab.is_match(id) || numbered.is_match(id) {
            wrong.push(format!("{}: an id is words with `-` between them and no number", rule.path));
        }
        if let Some(first) = seen.insert(id.to_owned(), rule.path.clone()) {
            wrong.push(format!("{}: `{id}` is also in {first}", rule.path));
        }
    }
    none(&wrong);
}

#[test]
fn every_rule_file_is_built_in() {
    let built_in: BTreeSet<String> = loader::built_in().expect("rules").into_iter().map(|rule| rule.path).collect();
    let on_disk: BTreeSet<String> = rules().into_iter().map(|rule| rule.path).collect();
    assert_eq!(on_disk, built_in);
}

#[test]
fn every_rule_has_a_case_that_fires_and_one_that_does_not() {
    let one_kind = |rule: &Rule| {
        let firing = rule.cases.iter().filter(|case| !case.findings.is_empty()).count();
        let silent = rule.cases.len() - firing;
        (firing == 0 || silent == 0).then(|| format!("{}: {firing} cases fire, {silent} are silent", rule.path))
    };
    none(&rules().iter().filter_map(one_kind).collect::<Vec<_>>());
}

#[test]
fn titles_are_facts_and_messages_are_parts_of_a_line() {
    let mut wrong = Vec::new();
    for rule in rules() {
        let is_capital = rule.title.starts_with(|first: char| first.is_uppercase() || first == '`');
        if !is_capital || rule.title.ends_with('.') {
            wrong.push(format!("{}: title: {}", rule.path, rule.title));
        }
        let message = match &rule.matcher {
            Matcher::Permission(matcher) => &matcher.message,
            Matcher::Facts(_, matcher) => &matcher.message,
            Matcher::Secret(matcher) => &matcher.message,
            Matcher::Flow(matcher) => &matcher.message,
            Matcher::Option(matcher) => &matcher.message,
        };
        for (key, text) in [("message", message), ("fix", &rule.fix)] {
            if !begins_low(text) || text.ends_with('.') {
                wrong.push(format!("{}: {key}: {text}", rule.path));
            }
        }
        if let Some(group) = rule.group.as_ref().filter(|group| !begins_low(group) || group.ends_with('.')) {
            wrong.push(format!("{}: group: {group}", rule.path));
        }
    }
    none(&wrong);
}

#[test]
fn every_rule_names_weaknesses_that_exist() {
    let mut known: BTreeSet<u32> = OTHER_CWES.iter().map(|(number, _)| *number).collect();
    let listed = owasp();
    let numbers = listed["cwe"].as_object().expect("CWEs").keys();
    known.extend(numbers.map(|key| key.trim_start_matches("CWE-").parse::<u32>().expect("a number")));
    let mut wrong = Vec::new();
    for rule in rules() {
        if rule.cwe.is_empty() {
            wrong.push(format!("{}: no CWE", rule.path));
        }
        let unknown = rule.cwe.iter().filter(|number| !known.contains(number));
        wrong.extend(unknown.map(|number| {
            format!("{}: CWE-{number} is in no list of ours; look up its name, then add it to `OTHER_CWES`", rule.path)
        }));
        if rule.cwe.iter().collect::<BTreeSet<_>>().len() != rule.cwe.len() {
            wrong.push(format!("{}: a CWE stands there twice", rule.path));
        }
    }
    none(&wrong);
}

#[test]
fn every_rule_names_categories_of_each_list_of_owasp() {
    let listed = owasp();
    let mut wrong = Vec::new();
    let lists = ["owasp_top10_2021", "owasp_top10_2025", "owasp_api_2023"].map(|list| {
        let entries = listed[list].as_array().expect("a list of categories");
        entries.iter().map(|entry| entry["id"].as_str().expect("an id").to_owned()).collect::<BTreeSet<_>>()
    });
    for rule in rules() {
        let unknown = rule.owasp.iter().filter(|id| !lists.iter().any(|list| list.contains(*id)));
        wrong.extend(unknown.map(|id| format!("{}: `{id}` is no category", rule.path)));
        for (list, name) in lists.iter().zip(["2021", "2025", "API 2023"]) {
            if !rule.owasp.iter().any(|id| list.contains(id)) {
                wrong.push(format!("{}: no category of {name}", rule.path));
            }
        }
        if rule.owasp.iter().collect::<BTreeSet<_>>().len() != rule.owasp.len() {
            wrong.push(format!("{}: a category stands there twice", rule.path));
        }
    }
    none(&wrong);
}

/// The number of `A04` means another thing in each edition, which is easily overlooked.
#[test]
fn the_categories_of_both_editions_say_the_same() {
    let mut wrong = Vec::new();
    for rule in rules() {
        let has = |id: &str| rule.owasp.iter().any(|own| own == id);
        for (old, new) in EDITIONS {
            if has(old) && !has(new) {
                wrong.push(format!("{}: `{old}` without `{new}`", rule.path));
            }
        }
        for (_, new) in EDITIONS {
            let olds: Vec<&str> = EDITIONS.iter().filter(|(_, to)| *to == new).map(|(old, _)| *old).collect();
            if has(new) && !olds.iter().any(|old| has(old)) {
                wrong.push(format!("{}: `{new}` without `{}`", rule.path, olds.join("` or `")));
            }
        }
    }
    wrong.dedup();
    none(&wrong);
}

#[test]
fn a_rule_covers_rules_that_exist() {
    let rules = rules();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    let mut wrong = Vec::new();
    for rule in &rules {
        let unknown = rule.covers.iter().filter(|id| !ids.contains(id.as_str()) || **id == rule.id);
        wrong.extend(unknown.map(|id| format!("{}: covers `{id}`", rule.path)));
    }
    none(&wrong);
}

#[test]
fn the_index_of_rules_is_up_to_date() {
    let mut folders: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for rule in rules() {
        let folder = rule.path.split('/').nth(1).expect("a folder").to_owned();
        folders.entry(folder).or_default().push(rule);
    }
    let mut index = String::from(
        "# The rules\n\nOne file each: what it looks for, why that matters, how to fix it, and the cases that prove it.\n\
         This index is written by `BLESS=1 cargo test --test house`.\n",
    );
    for (folder, mut rules) in folders {
        rules.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.id.cmp(&b.id)));
        write!(index, "\n## {folder}\n\n| Rule | Severity | What it finds |\n|---|---|---|\n").unwrap();
        for rule in rules {
            let (id, title) = (rule.id.as_str(), rule.title.replace('|', "\\|"));
            writeln!(index, "| [`{id}`]({folder}/{id}.md) | {} | {title} |", rule.severity).unwrap();
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(INDEX, &index).expect("the index is written");
    }
    let written = std::fs::read_to_string(INDEX).unwrap_or_default().replace("\r\n", "\n");
    assert!(written == index, "{INDEX} is out of date; `BLESS=1 cargo test --test house` rewrites it");
}

/// The rules in `rules/`, by path.
fn rules() -> Vec<Rule> {
    let is_rule = |path: &str| path.ends_with(".md") && path != INDEX;
    let texts = files(&["rules"]).into_iter().filter(|(path, _)| is_rule(path));
    // Cases are looked at here, so that all that lack one are told at once.
    let rules = texts.map(|(path, text)| file::parse_unproven(&path, &text).unwrap_or_else(|error| panic!("{error}")));
    let rules: Vec<Rule> = rules.collect();
    assert!(!rules.is_empty(), "no rules; tests run in the folder of the package");
    rules
}

/// The lists of OWASP, with the CWEs they name.
fn owasp() -> Value {
    serde_json::from_str(&std::fs::read_to_string("rules/data/owasp.json").expect("the lists")).expect("JSON")
}
