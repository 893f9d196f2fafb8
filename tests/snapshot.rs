//! The lock file as a team uses it: written twice it is the same, a change is told, and what
//! must not be in it is not.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

use std::fs;
use std::path::Path;

mod binary;

use binary::{Done, run};

/// A copy of a sample app in a folder of its own.
fn copy_of(app: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/apps").join(app);
    for entry in walkdir::WalkDir::new(&from).into_iter().map(|entry| entry.expect("an entry")) {
        let to = folder.path().join(entry.path().strip_prefix(&from).expect("below"));
        match entry.file_type().is_dir() {
            true => fs::create_dir_all(to).expect("a folder"),
            false => drop(fs::copy(entry.path(), to).expect("a file")),
        }
    }
    folder
}

fn lock(folder: &Path) -> String {
    fs::read_to_string(folder.join("parse-audit/production.lock.toml")).expect("a lock")
}

#[track_caller]
fn ends(done: &Done, code: i32, said: &str) {
    assert_eq!(done.code, code, "{}", done.all());
    assert!(done.all().contains(said), "{}", done.all());
}

#[test]
fn a_lock_that_is_written_twice_is_the_same() {
    for app in ["shop", "clinic", "events", "fleet", "forum", "legacy", "notes"] {
        let folder = copy_of(app);
        ends(&run(folder.path(), &["snapshot"]), 0, "wrote parse-audit/production.lock.toml");
        let first = lock(folder.path());
        ends(&run(folder.path(), &["snapshot"]), 0, "is up to date");
        ends(&run(folder.path(), &["snapshot", "--check"]), 0, "is up to date");
        assert_eq!(lock(folder.path()), first);
        assert!(first.contains("lock.format"));
        // The lock is no key for whoever looks for keys.
        let found = run(folder.path(), &["check", "--select", "secret-*", "--exit-zero", "-o", "json"]).text();
        assert!(!found.contains("lock.toml"), "{found}");
    }
}

#[test]
fn a_check_says_what_is_different_and_writes_nothing() {
    let folder = copy_of("shop");
    ends(&run(folder.path(), &["snapshot", "--check"]), 1, "there is no parse-audit/production.lock.toml");
    ends(&run(folder.path(), &["snapshot"]), 0, "wrote");
    let before = lock(folder.path());
    let schema = folder.path().join("schema/Product.json");
    let text = fs::read_to_string(&schema).expect("a schema");
    fs::write(&schema, text.replacen("\"role:admin\": true", "\"*\": true", 1)).expect("written");
    let done = run(folder.path(), &["snapshot", "--check"]);
    ends(&done, 1, "- class.Product.allow.create = [\"role:admin\"]");
    ends(&done, 1, "+ class.Product.allow.create = [\"public\"]");
    ends(&done, 1, "1 fact of parse-audit/production.lock.toml has changed");
    assert_eq!(lock(folder.path()), before);
}

#[test]
fn what_cannot_be_read_leaves_the_lock_as_it_is() {
    let folder = copy_of("shop");
    ends(&run(folder.path(), &["snapshot"]), 0, "wrote");
    let before = lock(folder.path());
    fs::write(folder.path().join("export/Order.json"), "{ \"results\": [ { \"objectId\": \"r1\", ").expect("written");
    ends(&run(folder.path(), &["snapshot"]), 3, "is left as it is");
    assert_eq!(lock(folder.path()), before);
}

#[test]
fn a_lock_that_was_changed_by_hand_is_written_anew_and_fails_a_check() {
    let folder = copy_of("notes");
    ends(&run(folder.path(), &["snapshot"]), 0, "wrote");
    let before = lock(folder.path());
    let file = folder.path().join("parse-audit/production.lock.toml");
    fs::write(&file, before.replacen("= [", "= [\"public\", ", 1)).expect("written");
    ends(&run(folder.path(), &["snapshot", "--check"]), 1, "changed by hand");
    ends(&run(folder.path(), &["snapshot"]), 0, "wrote");
    assert_eq!(lock(folder.path()), before);
}

#[test]
fn a_key_is_refused_whatever_name_it_hides_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("mongodb://shop:{}@db.shop.example:27017/shop", "Qm7tLx2vRw9s");
    let schema = format!(
        "{{ \"className\": \"Order\", \"fields\": {{ \"note\": {{ \"type\": \"String\" }} }}, \
         \"classLevelPermissions\": {{ \"find\": {{ \"role:{address}\": true }} }} }}"
    );
    fs::write(folder.path().join("A.json"), schema).expect("written");
    let done = run(folder.path(), &["snapshot"]);
    ends(&done, 2, "nothing was written");
    assert!(!done.all().contains("Qm7tLx2vRw9s") && !folder.path().join("parse-audit").exists(), "{}", done.all());
}

#[test]
fn columns_that_are_called_like_keys_are_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["apiKey", "clientKey", "masterKey", "password", "secretToken", "sessionToken", "token", "webhookKey"];
    let fields: Vec<String> = names.iter().map(|name| format!("\"{name}\": {{ \"type\": \"String\" }}")).collect();
    let schema = format!(
        "{{ \"className\": \"Order\", \"fields\": {{ {} }}, \"classLevelPermissions\": {{ \"find\": {{ \"role:a\": true }}, \
         \"protectedFields\": {{ \"*\": [\"masterKey\", \"password\"] }} }} }}",
        fields.join(", ")
    );
    fs::write(folder.path().join("A.json"), schema).expect("written");
    ends(&run(folder.path(), &["snapshot"]), 0, "wrote");
    let done = run(folder.path(), &["check", "--select", "secret-*", "--exit-zero", "-o", "json"]);
    assert!(!done.text().contains("lock.toml"), "{}", done.text());
}

#[test]
fn nothing_personal_and_no_id_is_in_a_lock() {
    let folder = copy_of("shop");
    ends(&run(folder.path(), &["snapshot"]), 0, "wrote");
    let written = lock(folder.path());
    for file in ["export/Order.json", "export/_User.json", "export/_Role.json"] {
        let text = fs::read_to_string(folder.path().join(file)).expect("an export");
        let rows: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let rows = rows.get("results").unwrap_or(&rows).as_array().expect("rows");
        for row in rows {
            for name in ["objectId", "email", "username", "cAddress", "cFirstName"] {
                if let Some(value) = row.get(name).and_then(|value| value.as_str()) {
                    assert!(!written.contains(&format!("\"{value}")), "{name} {value}");
                }
            }
        }
    }
}

#[test]
fn an_environment_is_named_in_the_configuration() {
    let folder = copy_of("notes");
    ends(&run(folder.path(), &["snapshot", "--env", "staging"]), 2, "no environment `staging`");
    fs::write(folder.path().join("parse-audit.toml"), "[env.staging]\n").expect("written");
    ends(&run(folder.path(), &["snapshot", "--env", "staging"]), 0, "wrote parse-audit/staging.lock.toml");
    ends(&run(folder.path(), &["snapshot", "--env", "../x"]), 2, "is no name for an environment");
    ends(&run(folder.path(), &["check", "--env", "other"]), 2, "no environment `other`");
}
