//! What a lock tells, and that it comes back from its text.

use proptest::prelude::*;

use super::write::line;
use super::*;
use crate::code::risk::Sinks;
use crate::permit::Engine;
use crate::read::{Input, Settings, Silent, read};
use crate::report::lines::fingerprints;

/// The lock of some files.
fn lock_of(files: &[(&str, &str)]) -> Lock {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let app = read(&Input::Memory(files), &Settings::default(), &Silent).snapshot.app;
    let analysis = crate::code::analysis::analyse(&app, &Sinks::default());
    let (words, salt) = (Words::new(Vec::new()).expect("words"), Salt::default());
    let subject = Subject {
        app: &app,
        analysis: &analysis,
        words: &words,
        salt: &salt,
        name: Some("shop"),
        environment: "production",
    };
    Lock::of(subject, None)
}

const SCHEMA: &str = r#"{ "className": "Order", "fields": { "cAddress": { "type": "String" }, "buyer": { "type": "Pointer", "targetClass": "_User" } },
  "classLevelPermissions": { "find": { "role:staff": true, "aB3dE5gH7j": true }, "get": { "requiresAuthentication": true },
  "update": { "pointerFields": ["buyer"] }, "create": null, "readUserFields": ["buyer"],
  "protectedFields": { "*": ["cAddress"], "authenticated": [], "userField:buyer": [] },
  "ACL": { "currentUser": { "read": true, "write": true }, "role:staff": { "read": true } } } }"#;

#[test]
fn a_lock_tells_permissions_and_no_id() {
    let lock = lock_of(&[("schema/Order.json", SCHEMA)]);
    let text = lock.write();
    let tells = |line: &str| assert!(text.contains(&format!("\n{line} # ")), "{line}\n{text}");
    tells("class.Order.allow.create = [\"public\"]");
    tells("class.Order.allow.get = [\"signed-in\"]");
    tells("class.Order.allow.update = [\"owner:buyer\"]");
    tells("class.Order.allow.delete = []");
    tells("class.Order.fields.cAddress = [\"String\", \"personal\"]");
    tells("class.Order.new-objects.read = [\"creator\", \"role:staff\"]");
    tells("class.Order.protected.\"owner:buyer\" = []");
    tells("not-read.class.Order.rows = \"not given\"");
    assert!(!text.contains("aB3dE5gH7j"), "{text}");
    assert!(!text.contains("objectId"), "built-in columns are not told: {text}");
}

#[test]
fn a_lock_is_decided_as_what_was_read() {
    let rows = r#"{ "results": [
      { "objectId": "r1", "createdAt": "2026-01-01T00:00:00Z", "ACL": { "role:staff": { "read": true } } },
      { "objectId": "r2", "createdAt": "2026-01-01T00:00:00Z" } ] }"#;
    let lock = lock_of(&[("schema/Order.json", SCHEMA), ("export/Order.json", rows)]);
    let again = lock.app();
    let engine = Engine::new(&again);
    let class = again.classes.get("Order").expect("the class");
    let role = crate::model::Principal::Role("staff".into());
    let cell = |op| engine.cell(&engine.caller(&role), class, op).known();
    assert_eq!(cell(crate::model::Operation::Find), Some(crate::permit::Reach::AllRows));
    let clp = class.clp.read().expect("permissions");
    assert!(clp.read_user_fields.opens && clp.grants(crate::model::Operation::Create).is_some_and(|one| one.anyone));
    assert_eq!(class.rows.read().map(|census| census.shapes.len()), Some(2));
}

#[test]
fn the_hash_of_a_line_does_not_depend_on_its_neighbours() {
    let before = lock_of(&[("schema/Order.json", SCHEMA)]);
    let other = SCHEMA.replace("\"className\": \"Order\"", "\"className\": \"Mail\"");
    let after = lock_of(&[("schema/Order.json", SCHEMA), ("schema/Mail.json", &other)]);
    let hashes = |text: &str| -> BTreeMap<String, String> {
        let hashes = fingerprints(text);
        text.lines().zip(hashes).filter(|(line, _)| line.contains(" # ")).map(|(l, h)| (l.to_owned(), h)).collect()
    };
    let (before, after) = (hashes(&before.write()), hashes(&after.write()));
    assert!(after.len() > before.len() + 10);
    for (line, hash) in &before {
        assert_eq!(after.get(line), Some(hash), "{line}");
    }
    let distinct: BTreeSet<&String> = after.values().collect();
    assert_eq!(distinct.len(), after.len(), "each line has a hash of its own");
}

#[test]
fn a_line_that_was_changed_by_hand_is_told_with_its_place() {
    let text = lock_of(&[("schema/Order.json", SCHEMA)]).write();
    let changed = text.replace("class.Order.allow.delete = []", "class.Order.allow.delete = [\"public\"]");
    let mistake = Lock::parse("production.lock.toml", &changed).expect_err("a mistake");
    assert!(mistake.message.contains("changed by hand"), "{mistake}");
    assert!(mistake.text.starts_with("class.Order.allow.delete"), "{mistake}");
    assert!(Lock::parse("x", "a = 1\n").expect_err("no digest").message.contains("without its digest"));
    assert!(Lock::parse("x", "<<<<<<< ours\n").is_err() && Lock::parse("x", "").is_err());
    let unknown = line(&Key::of(&["klass", "Order"]), &true.into());
    assert_eq!(Lock::parse("x", &unknown).expect_err("a mistake").message, "unknown key `klass`");
    let twice = format!("{text}{}\n", line(&Key::of(&["class", "Order", "allow", "delete"]), &BTreeSet::new().into()));
    assert!(Lock::parse("x", &twice).is_err());
}

#[test]
fn a_lock_of_another_version_is_told_whatever_else_is_in_it() {
    let fact = |key: &[&str], value: &str| format!("{}\n", line(&Key::of(key), &value.into()));
    let text = fact(&["clock", "zone"], "UTC") + &fact(&["lock", "format"], "2");
    assert_eq!(Lock::parse("x", &text).expect_err("a mistake").message, "format 2 of a lock is not known, expected 1");
    let by_hand = fact(&["lock", "format"], "1").replace("\"1\"", "\"2\"");
    assert!(Lock::parse("x", &by_hand).is_err());
    assert!(Lock::parse("x", "{ \"name\": 1 }").expect_err("JSON").message.starts_with("this is no lock"));
}

#[test]
fn the_text_is_toml_as_a_whole() {
    let text = lock_of(&[("schema/Order.json", SCHEMA)]).write();
    let table: toml::Table = toml::from_str(&text).expect("TOML");
    assert!(table.contains_key("class"));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        ".{0,20}".prop_map(Value::Text),
        any::<bool>().prop_map(Value::Flag),
        prop::collection::btree_set(".{0,12}", 0..4).prop_map(Value::List),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        facts in prop::collection::btree_map(prop::collection::vec("[a-zA-Z_ .\"\\\\#é-]{0,9}", 1..4), value(), 0..12)
    ) {
        let mut lock = Lock::default();
        lock.set(Key::of(&["lock", "format"]), Some(FORMAT.into()));
        for (parts, value) in facts {
            let key: Vec<String> = ["class".to_owned()].into_iter().chain(parts).collect();
            lock.set(Key::of(&key), Some(value));
        }
        let text = lock.write();
        prop_assert_eq!(Lock::parse("x", &text), Ok(lock));
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            prop_assert!(line.encode_utf16().filter(|unit| *unit != 32 && *unit != 9).count() >= 99);
        }
    }
}
