//! Every case of every rule, through the real pipeline, and what authors of rules are
//! told about mistakes. `BLESS=1` writes what was found into the files; read it then.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use std::path::Path;

use parse_audit::commands::rule_cases::{blessed, failures};
use parse_audit::model::Callers;
use parse_audit::rules::flow::{Cleaner, Position, Source};
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;
use parse_audit::rules::{Matcher, Rule, file};

/// A rule without mistakes; the tests put one into it.
const RULE: &str = r##"+++
id         = "clp-example"
title      = "Anyone can delete"
severity   = "high"
confidence = "certain"
since      = "0.1.0"
cwe        = [862]
owasp      = ["A01:2021"]
fix        = "name who may delete"
see        = "https://docs.parseplatform.org/"

[permission]
who     = "public"
can     = ["delete"]
message = "anyone can delete objects of `{class}`"
+++

# Anyone can delete

## What it finds

## Why it matters

## How to fix it

## Cases

### Open

```json schema/Note.json
{ "className": "Note", "classLevelPermissions": { "delete": { "*": true } } }
```

```findings
schema/Note.json:1  Note.delete
```

### Closed

```json schema/Note.json
{ "className": "Note", "classLevelPermissions": { "delete": {} } }
```
"##;

#[test]
fn every_case_of_every_rule_holds() {
    let (texts, rules, words) = (texts(), rules(), words());
    let bless = std::env::var_os("BLESS").is_some();
    let mut failed = Vec::new();
    for (rule, (path, text)) in rules.iter().zip(&texts) {
        if bless {
            let blessed = blessed(rule, text, &rules, &words);
            if blessed != *text {
                std::fs::write(path, blessed).expect("the rule is written");
            }
        } else {
            failed.extend(failures(rule, &rules, &words).iter().map(ToString::to_string));
        }
    }
    assert!(
        failed.is_empty(),
        "{} cases do not hold\n\n{}\n\n`BLESS=1 cargo test --test rules` writes what was found\n",
        failed.len(),
        failed.join("\n\n")
    );
}

#[test]
fn a_case_that_does_not_hold_is_told_with_its_place_and_both_lists() {
    let rule = parse(&RULE.replace("Note.delete", "Note.update")).expect("a rule");
    let told: Vec<String> = failures(&rule, &[], &words()).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["rules/clp-example.md:28: Open\n  expected\n    schema/Note.json:1  Note.update\n  found\n    \
          schema/Note.json:1  Note.delete"]
    );
}

#[test]
fn a_case_that_should_be_silent_and_is_not_does_not_hold() {
    let rule = parse(&RULE.replace(r#""delete": {} "#, r#""delete": { "*": true } "#)).expect("a rule");
    let found: Vec<_> =
        failures(&rule, &[], &words()).into_iter().map(|failure| (failure.title, failure.found)).collect();
    assert_eq!(found, [("Closed".to_owned(), vec!["schema/Note.json:1  Note.delete".to_owned()])]);
}

#[test]
fn blessing_writes_what_was_found_and_nothing_else() {
    let without = RULE.replace("```findings\nschema/Note.json:1  Note.delete\n```\n\n", "");
    let with_both = RULE.replace("{} } }\n```\n", "{} } }\n```\n\n```findings\nschema/Note.json  Note.delete\n```\n");
    for text in [RULE, &without, &RULE.replace("Note.delete", "Note.update"), &with_both] {
        let rule = file::parse_unproven("rules/clp-example.md", text).expect("a rule");
        assert_eq!(blessed(&rule, text, &[], &words()).trim_end(), RULE.trim_end());
    }
}

#[test]
fn an_unknown_key_is_told_with_the_keys_that_are_allowed() {
    told(
        &RULE.replace("who     =", "whom    ="),
        "rules/clp-example.md:13:1: unknown key `whom`\n   \
            |\n\
         13 | whom    = \"public\"\n   \
            | ^^^^\n   \
            = expected one of `who`, `can`, `cannot`, ",
    );
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_the_type() {
    told(
        &RULE.replace("[\"delete\"]", "\"delete\""),
        "rules/clp-example.md:14:11: invalid type: string \"delete\"\n   \
            |\n\
         14 | can     = \"delete\"\n   \
            |           ^^^^^^^^\n   \
            = expected a sequence",
    );
}

#[test]
fn an_unknown_value_is_told_with_the_values_that_are_allowed() {
    told(
        &RULE.replace("\"high\"", "\"hihg\""),
        "rules/clp-example.md:4:14: unknown value `hihg`\n  \
           |\n\
         4 | severity   = \"hihg\"\n  \
           |              ^^^^^^\n  \
           = expected one of `info`, `low`, `medium`, `high`, `critical`",
    );
}

#[test]
fn an_unknown_operation_is_told_with_the_operations() {
    told(
        &RULE.replace("[\"delete\"]", "[\"destroy\"]"),
        "rules/clp-example.md:14:11: no such operation: `destroy`\n   \
            |\n\
         14 | can     = [\"destroy\"]\n   \
            |           ^^^^^^^^^^^\n   \
            = expected one of `",
    );
}

#[test]
fn a_rule_without_a_matcher_is_told_with_the_tables() {
    told(
        &with_table(""),
        "rules/clp-example.md:1:1: no matcher table\n  \
           |\n\
         1 | +++\n  \
           | ^^^\n  \
           = expected exactly one of the tables [permission], [grant], ",
    );
}

#[test]
fn a_rule_without_a_silent_case_is_told_what_is_missing() {
    let (head, _) = RULE.split_once("\n### Closed").expect("the silent case");
    told(
        head,
        "rules/clp-example.md:36:1: no case that stays silent\n   \
            |\n\
         36 | ```\n   \
            | ^^^\n   \
            = expected a `###` heading with files, and a block `findings` in one of the cases but not in all",
    );
}

#[test]
fn a_placeholder_the_message_cannot_fill_is_told_with_those_it_can() {
    told(
        &RULE.replace("{class}", "{klass}"),
        "rules/clp-example.md:15:1: unknown placeholder `{klass}`\n   \
            |\n\
         15 | message = \"anyone can delete objects of `{klass}`\"\n   \
            | ^^^^^^^\n   \
            = expected one of `{class}`, `{operations}`, `{fields}`, `{who}`",
    );
}

#[test]
fn a_table_of_flows_is_read() {
    let rule = parse(&with_table(FLOW)).expect("a rule");
    let program = Program::new(vec![rule], words());
    let flows: Vec<_> = program.flows().collect();
    let [(id, flow)] = flows.as_slice() else { panic!("{flows:?}") };
    assert_eq!(
        (id.as_str(), &flow.from, &flow.cleared_by),
        ("clp-example", &vec![Source::Parameters, Source::OwnColumn], &vec![Cleaner::EncodedUrl, Cleaner::AllowList],)
    );
    let into: Vec<_> = flow.into.iter().map(|sink| (&*sink.call, &*sink.argument, sink.position)).collect();
    assert_eq!(into, [("axios.get", "0", Position::Start), ("new *.Request", "0.url", Position::Anywhere)]);
}

#[test]
fn a_source_that_does_not_exist_is_told_with_those_that_do() {
    told(
        &with_table(FLOW).replace("\"own-column\"", "\"cookies\""),
        "rules/clp-example.md:13:26: unknown value `cookies`\n   \
            |\n\
         13 | from    = [\"parameters\", \"cookies\"]\n   \
            |                          ^^^^^^^^^\n   \
            = expected one of `client`, `parameters`, `body`, `headers`, `trigger-object`, `file`, `own-column`",
    );
}

#[test]
fn a_call_that_is_none_is_told_with_examples() {
    for call in ["axios.", "*", "axios get", "*.*", "axios.get()", ""] {
        let told = parse(&with_table(FLOW).replace("axios.get", call)).expect_err("a mistake");
        assert_eq!((told.line, told.message.as_str()), (15, &*format!("not a call: `{call}`")));
        let expected = "expected names with dots between them such as `axios.get`, `*.matches` or `new RegExp`";
        assert_eq!(told.expected.as_deref(), Some(expected));
    }
}

#[test]
fn an_argument_that_is_none_is_told_with_examples() {
    for argument in ["first", "-1", "0.", "0.a b", "", "any.url"] {
        let told = parse(&with_table(FLOW).replace("0.url", argument)).expect_err("a mistake");
        assert_eq!((told.line, told.message.as_str()), (16, &*format!("not an argument: `{argument}`")));
        assert_eq!(told.expected.as_deref(), Some("expected `any`, or a number from 0 such as `0` or `0.url`"));
    }
}

#[test]
fn a_flow_from_or_into_nothing_is_told() {
    let sink = "{ call = \"fetch\", argument = \"0\" }";
    for (from, into, is) in [("", sink, "`from` is empty"), ("\"client\"", "", "`into` is empty")] {
        let table = format!("[flow]\nfrom = [{from}]\ninto = [{into}]\nmessage = \"any\"\n");
        let told = parse(&with_table(&table)).expect_err("a mistake");
        assert_eq!((told.line, told.message.as_str()), (12, is));
    }
}

#[test]
fn two_tables_are_one_too_many() {
    let two = with_table(FLOW).replace("[flow]", "[code]\nis = [\"shared-state\"]\nmessage = \"any\"\n\n[flow]");
    let told = parse(&two).expect_err("a mistake");
    assert_eq!(told.message, "more than one matcher table");
    assert!(told.expected.is_some_and(|tables| tables.contains("[code], [flow]")));
}

#[test]
fn callers_are_asked_for_in_code_and_nowhere_else() {
    let with = |table: &str, fact: &str, callers: &str| {
        parse(&with_table(&format!("[{table}]\nis = [\"{fact}\"]\ncallers = [{callers}]\nmessage = \"any\"\n")))
    };
    let rule = with("code", "shared-state", r#""anyone", "signed-in""#).expect("a rule");
    let Matcher::Facts("code", matcher) = rule.matcher else { panic!("{:?}", rule.matcher) };
    assert_eq!(matcher.callers, [Callers::Anyone, Callers::SignedIn]);
    let told = with("code", "shared-state", r#""admin""#).expect_err("a mistake");
    assert_eq!(told.expected.as_deref(), Some("expected one of `anyone`, `signed-in`, `role`, `master`, `server`"));
    let told = with("role", "cycle", r#""anyone""#).expect_err("a mistake");
    assert_eq!((told.line, told.message.as_str()), (14, "nobody calls what [role] is about"));
}

/// A table of flows without mistakes.
const FLOW: &str = r#"[flow]
from    = ["parameters", "own-column"]
into    = [
  { call = "axios.get", argument = "0", position = "start" },
  { call = "new *.Request", argument = "0.url" },
]
cleared-by = ["encoded-url", "allow-list"]
message = "`{source}` reaches `{sink}`"
"#;

/// The rule with another table.
fn with_table(table: &str) -> String {
    let (head, rest) = RULE.split_once("[permission]").expect("the table");
    let (_, tail) = rest.split_once("+++").expect("the end of the front matter");
    format!("{head}{table}+++{tail}")
}

/// The mistake in a rule is told in words that begin like this.
#[track_caller]
fn told(text: &str, expected: &str) {
    assert_ne!(text, RULE, "the text has no mistake");
    let told = parse(text).expect_err("a mistake").to_string();
    assert!(told.starts_with(expected), "expected\n{expected}\n\nfound\n{told}\n");
}

fn parse(text: &str) -> Result<Rule, parse_audit::mistake::Mistake> {
    file::parse("rules/clp-example.md", text)
}

fn words() -> Words {
    Words::new(Vec::new()).expect("the built-in words")
}

/// The rules in `rules/`, by path.
fn rules() -> Vec<Rule> {
    let read = |(path, text): &(String, String)| match file::parse_unproven(path, text) {
        Ok(rule) => rule,
        Err(mistake) => panic!("{mistake}"),
    };
    texts().iter().map(read).collect()
}

/// Their texts, by path.
fn texts() -> Vec<(String, String)> {
    let is_rule = |path: &Path| path.extension().is_some_and(|is| is == "md") && !path.ends_with("README.md");
    let entries = walkdir::WalkDir::new("rules").sort_by_file_name().into_iter().map(|entry| entry.expect("an entry"));
    let paths = entries.map(walkdir::DirEntry::into_path).filter(|path| is_rule(path));
    let read = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a rule").replace("\r\n", "\n");
        (path.to_string_lossy().replace('\\', "/"), text)
    };
    paths.map(read).collect()
}
