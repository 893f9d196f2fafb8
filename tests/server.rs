//! The permission engine against recorded answers of real Parse Servers.
//!
//! `fixtures/server/*.ndjson` is replayed, and every `.ndjson` in the folder that
//! `PARSE_AUDIT_VECTORS` names. The format is described in `fixtures/server/README.md`.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "server/play.rs"]
mod play;
#[path = "server/query.rs"]
mod query;
#[path = "server/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use play::{Played, play};
use serde_json::Value;
use world::World;

fn recordings() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from("fixtures/server")];
    folders.extend(std::env::var_os("PARSE_AUDIT_VECTORS").map(PathBuf::from));
    let mut files = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(&folder).expect("the folder of recordings");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        files.extend(paths.filter(|path| path.extension().is_some_and(|extension| extension == "ndjson")));
    }
    files.sort();
    files
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a recording");
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The cases of one kind in all recordings.
fn cases(is: impl Fn(&str) -> bool) -> Vec<Value> {
    let all = recordings().into_iter().flat_map(|path| lines(&path));
    all.filter(|case| case["kind"].as_str().is_some_and(&is)).collect()
}

/// The names of the classes whose permissions the schemas API refused.
fn refused(errors: &Value) -> BTreeSet<String> {
    errors.as_object().into_iter().flatten().map(|(class, _)| class.clone()).collect()
}

/// Compares an answer with the recorded one, on the keys that say what was permitted.
fn differs(expected: &play::Answer, recorded: &Value) -> Option<String> {
    for key in
        ["status", "code", "results", "count", "fields", "includes", "storedACL", "columnAdded", "gone", "response"]
    {
        let wanted = match (&recorded[key], key) {
            (Value::Null, "storedACL") if !recorded.as_object().is_some_and(|answer| answer.contains_key(key)) => {
                continue;
            }
            (acl, "storedACL") => play::recorded_acl(acl),
            (Value::Null, "code") => Value::Null,
            (Value::Null, _) => continue,
            (value, _) => value.clone(),
        };
        let given = expected.get(key).cloned().unwrap_or(Value::Null);
        if key == "response" && !expected.contains_key(key) {
            continue;
        }
        if given != wanted {
            return Some(format!("{key}: engine {given}, server {wanted}"));
        }
    }
    None
}

#[derive(Default)]
struct Tally {
    equal: usize,
    out_of_scope: BTreeMap<String, usize>,
    failures: Vec<String>,
}

fn replay(case: &Value, version: &str, recorded: &dyn Fn(usize) -> Value, schema_errors: &Value, tally: &mut Tally) {
    let mut world = World::new(case, version, &refused(schema_errors));
    let keeps = case["kind"] == "edge";
    for step in case["setup"].as_array().into_iter().flatten() {
        let mut step = step.clone();
        step["op"] = "http".into();
        step["p"] = "master".into();
        play(&mut world, &step, true);
    }
    for (index, check) in case["checks"].as_array().expect("checks").iter().enumerate() {
        if let Some(reason) = storage_reason(case, version, index, check) {
            *tally.out_of_scope.entry(reason.to_owned()).or_default() += 1;
            continue;
        }
        match play(&mut world, check, keeps) {
            Played::OutOfScope(reason) => *tally.out_of_scope.entry(reason.to_owned()).or_default() += 1,
            Played::Answer(answer) => match differs(&answer, &recorded(index)) {
                None => tally.equal += 1,
                Some(difference) => {
                    tally.failures.push(format!("{} check {index} on {version}: {difference}", case["id"]))
                }
            },
        }
    }
}

/// Why an answer says nothing about permissions, but about the database it was recorded on.
///
/// Older versions were recorded on PostgreSQL.
fn storage_reason(case: &Value, version: &str, index: usize, check: &Value) -> Option<&'static str> {
    if version == case["server"]["version"] {
        return None;
    }
    let by_key = matches!(check["p"].as_str(), Some("master" | "readonly" | "maintenance"));
    if by_key && check["op"] == "count" && check["where"].is_null() {
        return Some("an unconditional count with a key: PostgreSQL answers its planner's estimate");
    }
    let name = case["name"].as_str().unwrap_or_default();
    let fails = match name {
        "master-only-classes" => check["path"] == "/classes/_GraphQLConfig",
        "join-table-write" => index == 1 && matches!(version, "4.10.20" | "5.6.0"),
        _ => false,
    };
    fails.then_some("let through, then a failure of the storage adapter")
}

fn report(tally: &Tally) -> String {
    let shown: Vec<&str> = tally.failures.iter().take(40).map(String::as_str).collect();
    format!(
        "{} differ, {} are equal\n{}\nout of scope: {:#?}",
        tally.failures.len(),
        tally.equal,
        shown.join("\n"),
        tally.out_of_scope
    )
}

#[test]
fn random_checks_are_all_equal() {
    let mut tally = Tally::default();
    for case in cases(|kind| kind.starts_with("random")) {
        let version = case["server"]["version"].as_str().expect("a version").to_owned();
        replay(&case, &version, &|index| case["checks"][index].clone(), &case["schemaErrors"], &mut tally);
    }
    assert!(tally.failures.is_empty(), "{}", report(&tally));
    assert!(tally.out_of_scope.is_empty(), "{}", report(&tally));
    assert!(tally.equal >= 21_583, "{}", report(&tally));
}

#[test]
fn edge_checks_are_equal_or_out_of_scope_for_a_named_reason() {
    let mut tally = Tally::default();
    for case in cases(|kind| kind == "edge") {
        let version = case["server"]["version"].as_str().expect("a version").to_owned();
        replay(&case, &version, &|index| case["checks"][index].clone(), &case["schemaErrors"], &mut tally);
    }
    assert!(tally.failures.is_empty(), "{}", report(&tally));
    assert!(tally.equal >= 620, "{}", report(&tally));
    println!("{}", report(&tally));
}

/// The recorded answer of an older version: the newest one's, with what differs put in.
fn answer_of_version(case: &Value, differences: &[Value], index: usize) -> Value {
    let mut answer = case["checks"][index].clone();
    for difference in differences.iter().filter(|difference| difference["index"] == index) {
        for (key, value) in difference["got"].as_object().expect("an answer") {
            answer[key] = value.clone();
        }
    }
    answer
}

#[test]
fn older_versions_differ_as_recorded_and_nowhere_else() {
    let mut differences: BTreeMap<String, BTreeMap<String, Vec<Value>>> = BTreeMap::new();
    for line in lines(Path::new("fixtures/server/edge-version-differences.ndjson")) {
        let text = |key: &str| line[key].as_str().expect("a text").to_owned();
        let of_case = differences.entry(text("version")).or_default().entry(text("id")).or_default();
        of_case.extend(line["differs"].as_array().expect("a list").iter().cloned());
    }
    let versions: Vec<&str> = differences.keys().map(String::as_str).collect();
    assert_eq!(versions, ["4.10.20", "5.6.0", "6.5.11", "7.5.4", "8.6.94"]);
    let edge = lines(Path::new("fixtures/server/edge.ndjson"));
    let mut tally = Tally::default();
    for (version, of_version) in &differences {
        for case in &edge {
            let none = Vec::new();
            let differs = of_version.get(case["id"].as_str().expect("an id")).unwrap_or(&none);
            let errors = differs.iter().find_map(|difference| difference["schemaErrors"]["got"].as_object());
            let errors = errors.map_or(case["schemaErrors"].clone(), |errors| Value::Object(errors.clone()));
            replay(case, version, &|index| answer_of_version(case, differs, index), &errors, &mut tally);
        }
    }
    println!("{}", report(&tally));
    assert!(tally.failures.is_empty(), "{}", report(&tally));
}
