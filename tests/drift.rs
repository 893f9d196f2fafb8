//! Drift as a team sees it: the month of an app as a chain of changes, told by the program.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod binary;

use binary::{Done, run};

fn write(folder: &Path, path: &str, text: &str) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, text).expect("written");
}

fn schema(class: &str, fields: &str, permissions: &str) -> String {
    format!(
        "{{ \"className\": \"{class}\", \"fields\": {{ {fields} }},\n  \"classLevelPermissions\": {{ {permissions} }} }}\n"
    )
}

/// Rows without an ACL, and rows for staff, with things in them that no lock may tell.
fn orders(open: usize, of_staff: usize) -> String {
    let rows = (0..open + of_staff).map(|number| {
        let acl = if number < open { "" } else { ", \"ACL\": { \"role:staff\": { \"read\": true, \"write\": true } }" };
        format!("{{ \"objectId\": \"cAnArY{number:04}\", \"createdAt\": \"2026-01-01T00:00:00Z\", \"cAddress\": \"canary lane {number}\"{acl} }}")
    });
    format!("{{ \"results\": [\n{}\n] }}\n", rows.collect::<Vec<_>>().join(",\n"))
}

const ORDER: &str = "\"find\": { \"role:staff\": true }, \"get\": { \"role:staff\": true }, \"count\": { \"role:staff\": true }, \"create\": { \"*\": true }";
const PRODUCT: &str = "\"find\": { \"*\": true }, \"update\": { \"role:catalog\": true, \"role:staff\": true }";
const USER: &str = "\"find\": { \"requiresAuthentication\": true }, \"protectedFields\": { \"*\": [\"email\"] }";
const ADDRESS: &str = "\"cAddress\": { \"type\": \"String\" }";
const LABEL: &str = "\"label\": { \"type\": \"String\" }";

fn joined(links: &[(&str, &str)]) -> String {
    let rows =
        links.iter().map(|(owner, child)| format!("{{ \"owningId\": \"{owner}00\", \"relatedId\": \"{child}00\" }}"));
    format!("{{ \"results\": [ {} ] }}\n", rows.collect::<Vec<_>>().join(", "))
}

/// The app as it was agreed to: exports, and schema as code that says the same of products.
fn app(folder: &Path) {
    write(folder, "schema/Order.json", &schema("Order", ADDRESS, ORDER));
    write(folder, "schema/Product.json", &schema("Product", LABEL, PRODUCT));
    write(folder, "schema/_User.json", &schema("_User", "\"nick\": { \"type\": \"String\" }", USER));
    let definition = schema("Product", LABEL, PRODUCT);
    write(
        folder,
        "config.json",
        &format!(
            "{{ \"appId\": \"shop\", \"databaseURI\": \"mongodb://db/shop\", \"schema\": {{ \"definitions\": [ {definition} ] }} }}"
        ),
    );
    write(folder, "export/Order.json", &orders(3, 97));
    let role = |name: &str| {
        format!(
            "{{ \"objectId\": \"{name}00\", \"name\": \"{name}\", \"createdAt\": \"2026-01-01T00:00:00Z\", \"ACL\": {{}} }}"
        )
    };
    let roles = ["admin", "catalog", "contractors", "staff", "support"].map(role).join(",\n");
    write(folder, "export/_Role.json", &format!("{{ \"results\": [ {roles} ] }}\n"));
    write(folder, "export/_Join:roles:_Role.json", &joined(&[("staff", "support")]));
}

fn month(folder: &Path) {
    write(folder, "export/Order.json", &orders(61, 39));
    write(folder, "schema/Order.json", &schema("Order", ADDRESS, &ORDER.replacen("\"role:staff\"", "\"*\"", 3)));
    write(folder, "export/_Join:roles:_Role.json", &joined(&[("staff", "support"), ("support", "contractors")]));
    let user = USER.replace("[\"email\"]", "[\"email\"], \"authenticated\": [\"nick\"]");
    write(folder, "schema/_User.json", &schema("_User", "\"nick\": { \"type\": \"String\" }", &user));
    write(folder, "schema/Product.json", &schema("Product", LABEL, &PRODUCT.replace(", \"role:staff\": true", "")));
}

fn agreed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    app(folder.path());
    ends(&run(folder.path(), &["snapshot"]), 0);
    folder
}

#[track_caller]
fn ends(done: &Done, code: i32) {
    assert_eq!(done.code, code, "{}", done.all());
}

fn rules(json: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(json).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    let mut found: Vec<String> = findings
        .iter()
        .map(|finding| {
            format!("{} {}", finding["rule"].as_str().expect("a rule"), finding["subject"].as_str().expect("a subject"))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn nothing_changed_is_no_drift() {
    let folder = agreed();
    let done = run(folder.path(), &["drift", "lock", "code"]);
    ends(&done, 0);
    assert!(done.text().ends_with("\nno drift\n"), "{}", done.text());
}

#[test]
fn a_month_is_told_as_what_it_means() {
    let folder = agreed();
    month(folder.path());
    let done = run(folder.path(), &["drift", "lock", "code", "-o", "json"]);
    ends(&done, 1);
    assert_eq!(
        rules(&done.text()),
        [
            "drift-composition Order:public",
            "drift-field-exposed _User.email",
            "drift-grant-narrowed Product.update",
            "drift-pending-wider Product.update",
            "drift-role-widened role:contractors",
        ]
    );
    let told = run(folder.path(), &["drift", "lock", "code"]).text();
    for line in [
        "WIDER  critical  drift-composition:Order:public",
        "public can find, get and count Order (50-80% of the rows)",
        "Order.find, get, count: role:staff → public (schema/Order.json:2)",
        "rows of Order without an ACL 1-5% → 50-80%",
        "role:contractors inherits role:support",
        "OPENS AT RESTART",
        "3 wider · 1 pending · 1 narrower",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    assert!(!told.contains("canary") && !told.contains("cAnArY"), "{told}");
}

#[test]
fn findings_stand_at_the_lines_of_the_lock() {
    let folder = agreed();
    month(folder.path());
    ends(&run(folder.path(), &["drift", "lock", "code", "-o", "sarif=drift.sarif"]), 1);
    let log: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("drift.sarif")).expect("a log")).expect("JSON");
    let run = &log["runs"][0];
    assert_eq!(run["automationDetails"]["id"], "parse-audit/live/production/");
    let lock = fs::read_to_string(folder.path().join("parse-audit/production.lock.toml")).expect("a lock");
    let lines: Vec<&str> = lock.lines().collect();
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 5);
    for result in results {
        let at = &result["locations"][0]["physicalLocation"];
        assert_eq!(at["artifactLocation"]["uri"], "parse-audit/production.lock.toml");
        let line = usize::try_from(at["region"]["startLine"].as_u64().expect("a line")).expect("a number");
        assert!(lines[line - 1].contains(" # "), "{result}");
        if result["ruleId"] == "drift-composition" {
            assert!(lines[line - 1].starts_with("class.Order.allow."), "{}", lines[line - 1]);
            let related = &result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"];
            let row = usize::try_from(related.as_u64().expect("a line")).expect("a number");
            assert!(lines[row - 1].starts_with("class.Order.rows."), "{}", lines[row - 1]);
        }
    }
    assert!(!log.to_string().contains("canary"));
}

#[test]
fn what_the_lock_does_not_know_has_a_fingerprint_of_its_own() {
    let folder = agreed();
    let fingerprints = |classes: &[&str]| {
        for class in classes {
            write(folder.path(), &format!("schema/{class}.json"), &schema(class, LABEL, "\"find\": { \"*\": true }"));
        }
        ends(&run(folder.path(), &["drift", "lock", "code", "-o", "sarif=drift.sarif"]), 1);
        let text = fs::read_to_string(folder.path().join("drift.sarif")).expect("a log");
        let log: Value = serde_json::from_str(&text).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results");
        let one = |result: &Value| {
            let subject = &result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"];
            (subject.to_string(), result["partialFingerprints"]["primaryLocationLineHash"].to_string())
        };
        results.iter().map(one).collect::<std::collections::BTreeMap<String, String>>()
    };
    let one = fingerprints(&["Visitor"]);
    let two = fingerprints(&["Guest"]);
    assert_eq!((one.len(), two.len()), (1, 2));
    assert_eq!(one["\"Visitor\""], two["\"Visitor\""], "a class that comes before changes no other");
    assert_ne!(two["\"Guest\""], two["\"Visitor\""]);
}

#[test]
fn what_could_not_be_read_writes_no_sarif() {
    let folder = agreed();
    write(folder.path(), "export/Order.json", "{ \"results\": [ { \"objectId\": \"r1\", ");
    ends(&run(folder.path(), &["drift", "lock", "code", "-o", "sarif=drift.sarif"]), 3);
    assert!(!folder.path().join("drift.sarif").exists());
    let told = run(folder.path(), &["drift", "lock", "code"]);
    ends(&told, 3);
    assert!(told.text().contains("Not read: export/Order.json"), "{}", told.text());
}

#[test]
fn what_is_ignored_is_counted_and_the_exit_code_is_a_choice() {
    let folder = agreed();
    month(folder.path());
    write(folder.path(), "parse-audit.toml", "[drift]\nignore = [\"class.*\", \"role.*\"]\n");
    let done = run(folder.path(), &["drift", "lock", "code"]);
    ends(&done, 0);
    assert!(done.text().contains("ignored by drift.ignore"), "{}", done.text());
    fs::remove_file(folder.path().join("parse-audit.toml")).expect("removed");
    app(folder.path());
    write(
        folder.path(),
        "schema/Product.json",
        &schema("Product", LABEL, &PRODUCT.replace(", \"role:staff\": true", "")),
    );
    ends(&run(folder.path(), &["drift", "lock", "code"]), 1);
    ends(&run(folder.path(), &["drift", "lock", "code", "--fail-on", "high"]), 0);
}

#[test]
fn every_side_can_be_compared() {
    let folder = agreed();
    let path = folder.path();
    let git = |args: &[&str]| {
        let set = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        let done = Command::new("git").args(set).args(args).current_dir(path).output().expect("git runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q", "-b", "main"]);
    let lock = path.join("parse-audit/production.lock.toml");
    fs::remove_file(&lock).expect("removed");
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "agreed"]);
    month(path);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "month"]);
    let of_revision = run(path, &["drift", "git:main~1", "code", "-o", "json"]);
    ends(&of_revision, 1);
    assert_eq!(rules(&of_revision.text()).len(), 5, "{}", of_revision.text());
    let told = run(path, &["drift", "git:main~1", "code"]).text();
    let id = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(path).output().expect("git runs").stdout;
    let commit = String::from_utf8_lossy(&id[..7]).into_owned();
    assert!(told.contains(&format!("(schema/Order.json:2, {commit})")), "{told}");
    ends(&run(path, &["drift", "git:HEAD", "git:main", "--fail-on", "high"]), 0);
    ends(&run(path, &["drift", "git:nowhere", "code"]), 2);
    ends(&run(path, &["snapshot"]), 0);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "lock"]);
    ends(&run(path, &["drift", "git:HEAD", "lock"]), 0);
    // A folder of exports, a lock by its name, and the lock of another environment.
    let before = agreed();
    let exports = before.path().to_string_lossy().into_owned();
    ends(&run(path, &["drift", &exports, "lock"]), 1);
    ends(&run(path, &["drift", &lock.to_string_lossy(), "lock"]), 0);
    fs::copy(&lock, path.join("parse-audit/staging.lock.toml")).expect("copied");
    ends(&run(path, &["drift", "env:staging", "lock"]), 0);
    let done = run(path, &["drift"]);
    ends(&done, 2);
    assert!(done.err.contains("--server, --mongodb or --postgres"), "{}", done.err);
    ends(&run(path, &["drift", "elsewhere", "lock"]), 2);
    ends(&run(path, &["drift", "code", "lock", "-o", "sarif"]), 2);
}

/// A class with an operation a line, and columns in lines of their own.
fn lines(columns: &[&str], find: &str, delete: &str) -> String {
    let columns: Vec<String> =
        columns.iter().map(|name| format!("    \"{name}\": {{ \"type\": \"String\" }}")).collect();
    format!(
        "{{\n  \"className\": \"Order\",\n  \"fields\": {{\n{}\n  }},\n  \"classLevelPermissions\": {{\n    \"find\": {{\n      \"{find}\": true\n    }},\n    \"delete\": {{ \"{delete}\": true }}\n  }}\n}}\n",
        columns.join(",\n")
    )
}

/// Runs git in a folder; gives what it printed.
fn git(folder: &Path, args: &[&str]) -> String {
    let set = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").args(set).args(args).current_dir(folder).output().expect("git runs");
    assert!(done.status.success(), "{args:?} {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// Commits all there is; gives the commit as drift tells it.
fn commit(folder: &Path) -> String {
    git(folder, &["add", "."]);
    git(folder, &["commit", "-q", "-m", "change"]);
    git(folder, &["rev-parse", "--short=7", "HEAD"])
}

/// Orders that staff finds and nobody deletes were agreed to; then the one is opened, and the other, each by a commit.
struct Opened {
    folder: tempfile::TempDir,
    find: String,
    delete: String,
}

const ORDER_FILE: &str = "schema/Order.json";

fn opened() -> Opened {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    git(path, &["init", "-q", "-b", "main"]);
    app(path);
    write(path, ORDER_FILE, &lines(&["cAddress"], "role:staff", "role:admin"));
    ends(&run(path, &["snapshot"]), 0);
    commit(path);
    write(path, ORDER_FILE, &lines(&["cAddress"], "*", "role:admin"));
    let find = commit(path);
    // A column above moves the lines, and the other operation is another line.
    write(path, ORDER_FILE, &lines(&["cAddress", "cNote"], "*", "*"));
    let delete = commit(path);
    Opened { folder, find, delete }
}

#[track_caller]
fn tells(folder: &Path, wanted: &[&str]) {
    let told = run(folder, &["drift", "lock", "code"]);
    ends(&told, 1);
    // Lines end where the terminal does.
    let words = told.text().split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in wanted {
        assert!(words.contains(wanted), "{wanted}\n{}", told.text());
    }
}

#[test]
fn a_change_is_of_the_commit_that_brought_its_lines_and_not_of_the_last_one_of_the_file() {
    let Opened { folder, find, delete } = opened();
    let path = folder.path();
    let (by_find, by_delete) = (format!("({ORDER_FILE}:8, {find})"), format!("({ORDER_FILE}:11, {delete})"));
    tells(path, &[&by_find, &by_delete]);
    // What is not committed elsewhere in the file changes nothing; a line that is not committed is told so.
    write(path, ORDER_FILE, &lines(&["cAddress", "cOther"], "*", "role:support"));
    tells(path, &[&by_find, &format!("({ORDER_FILE}:11, not committed)")]);
    write(path, "schema/New.json", &schema("New", LABEL, "\"find\": { \"*\": true }"));
    tells(path, &["(schema/New.json:2, not committed)"]);
}

#[test]
fn what_a_merge_brought_is_of_the_commit_on_its_branch() {
    let Opened { folder, find, .. } = opened();
    let path = folder.path();
    git(path, &["checkout", "-q", "-b", "branch"]);
    write(path, ORDER_FILE, &lines(&["cAddress", "cNote"], "*", "role:support"));
    let on_branch = commit(path);
    git(path, &["checkout", "-q", "main"]);
    write(path, ORDER_FILE, &lines(&["cOther", "cAddress", "cNote"], "*", "*"));
    commit(path);
    git(path, &["merge", "-q", "--no-edit", "branch"]);
    tells(path, &[&format!("({ORDER_FILE}:9, {find})"), &format!("({ORDER_FILE}:12, {on_branch})")]);
}

#[test]
fn what_a_repository_cannot_tell_is_not_told() {
    let Opened { folder, delete, .. } = opened();
    let path = folder.path();
    let clone = tempfile::tempdir().expect("a folder");
    let from = format!("file://{}", path.display());
    git(clone.path(), &["clone", "-q", "--depth", "1", &from, "shallow"]);
    let known_alone = [format!("({ORDER_FILE}:8)"), format!("({ORDER_FILE}:11)")];
    tells(&clone.path().join("shallow"), &known_alone.each_ref().map(String::as_str));
    // The commit before the one that opened finding is gone.
    let lost = git(path, &["rev-parse", "HEAD~2"]);
    fs::remove_file(path.join(".git/objects").join(&lost[..2]).join(&lost[2..])).expect("removed");
    tells(path, &[&format!("({ORDER_FILE}:8)"), &format!("({ORDER_FILE}:11, {delete})")]);
    fs::remove_file(path.join(".git/HEAD")).expect("removed");
    tells(path, &known_alone.each_ref().map(String::as_str));
}

#[test]
fn a_pattern_that_names_no_fact_is_told_and_changes_no_exit_code() {
    let folder = agreed();
    write(folder.path(), "parse-audit.toml", "[drift]\nignore = [\"class.Order.*\", \"class.Ordre.*\"]\n");
    let unused = "the pattern `class.Ordre.*` of drift.ignore";
    let told = run(folder.path(), &["drift", "lock", "code"]);
    ends(&told, 0);
    let words = told.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("{unused}: no fact of either side has such a name")), "{words}");
    assert!(!told.text().contains("class.Order.*"), "{}", told.text());
    let json = run(folder.path(), &["drift", "lock", "code", "-o", "json"]);
    ends(&json, 0);
    let report: Value = serde_json::from_str(&json.text()).expect("JSON");
    assert_eq!(report["notChecked"][0]["topic"], unused);
}
