//! What somebody edited by hand until it means nothing, and rows that are far too long: told, and the rest is checked.

use super::*;
use std::time::{Duration, Instant};

/// What `snapshot` says for a database, its exit code, and whether it wrote a lock.
fn snapshot(uri: &str) -> (i32, String, bool) {
    let folder = tempfile::tempdir().unwrap();
    let done =
        binary::run_with(folder.path(), &["snapshot", "--postgres", "env"], &[("PARSE_SERVER_DATABASE_URI", uri)]);
    (done.code, done.text(), folder.path().join("parse-audit").exists())
}

/// What is told of problems, without their paths.
fn told(reading: &Reading) -> Vec<String> {
    reading.problems.iter().map(|problem| format!("{}; {}", problem.message, problem.consequence)).collect()
}

#[test]
fn a_schema_that_means_nothing_is_told_class_by_class_and_sound_classes_are_checked() {
    let server = shop();
    let uri = &server.database.uri;
    let deep = format!("{}1{}", r#"{"a": "#.repeat(200), "}".repeat(200));
    let open = r#""classLevelPermissions": { "delete": { "*": true } }"#;
    let rows = [
        ("A1", "7".to_owned()),
        ("A2", "[]".to_owned()),
        ("A3", "null".to_owned()),
        ("A4", r#"{ "fields": "all" }"#.to_owned()),
        ("A5", format!(r#"{{ "fields": {{ "title": "String", "size": {{ "type": 7 }} }}, {open} }}"#)),
        ("A6", r#"{ "fields": {}, "classLevelPermissions": ["find"] }"#.to_owned()),
        ("A7", format!(r#"{{ "fields": {{ "deep": {deep} }}, {open} }}"#)),
        ("A8", deep.clone()),
        ("A9\u{1b}[31m\u{2}", format!(r#"{{ "fields": {{ "a\u001b[31mb": {{ "type": "String" }} }}, {open} }}"#)),
        ("", "{}".to_owned()),
    ];
    for (name, schema) in &rows {
        sql(&server, &format!(r#"INSERT INTO "_SCHEMA" VALUES ('{name}', '{schema}', true)"#));
    }
    let reading = read_database(uri);
    let of =
        |name: &str, why: &str| format!("the description of {name} cannot be read: {why}; the class was not checked");
    let expected = [
        of("`A1`", "its `schema` is no object"),
        of("`A2`", "its `schema` is no object"),
        of("`A3`", "its `schema` is no object"),
        of("`A4`", "its `fields` are no object"),
        "the description of `A5` cannot be read: it has columns of no type: `size`, `title`; what these columns hold was not checked".to_owned(),
        of("`A7`", "it is damaged or nested too deep"),
        of("`A8`", "it is damaged or nested too deep"),
        of("a class", "it has no name"),
    ];
    assert_eq!(told(&reading), expected);
    let app = &reading.snapshot.app;
    let is_known = |class: &str| app.classes.get(class).is_some_and(|class| class.clp.is_read());
    assert!(["A5", "A6", "A9\u{1b}[31m\u{2}", "Order", "_User"].into_iter().all(is_known));
    assert!(!["A1", "A2", "A3", "A4", "A7", "A8", ""].into_iter().any(is_known));
    assert!(app.classes["Order"].rows.is_read());

    let folder = tempfile::tempdir().unwrap();
    for format in ["text", "json"] {
        let (exit, text) = check(folder.path(), uri, &["-o", format]);
        assert_eq!(exit, Some(3), "{text}");
        let subjects = ["clp-public-delete", "A5", "A9", "clp-public-read-personal-data", "Order"];
        assert!(subjects.iter().all(|part| text.contains(part)), "{format}: {text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{2}'), "{format}: {text}");
    }
    let (exit, text, is_written) = snapshot(uri);
    assert!(exit == 3 && !is_written && text.contains("_SCHEMA: the description of `A1`"), "{exit:?} {text}");
}

#[test]
fn a_row_that_names_a_million_is_counted_or_told() {
    let server = shop();
    let uri = &server.database.uri;
    let long = |id: &str, prefix: &str| {
        let list = format!("array(SELECT '{prefix}' || n FROM generate_series(1, 1000000) n)");
        sql(&server, &format!(r#"INSERT INTO "Order" ("objectId", _rperm, _wperm) VALUES ('{id}', {list}, '{{}}')"#));
    };
    long("longUsers1", "u");
    let start = Instant::now();
    let reading = read_database(uri);
    assert_eq!(told(&reading), Vec::<String>::new());
    let census: &Census = reading.snapshot.app.classes["Order"].rows.read().expect("rows");
    assert_eq!((census.rows(), census.unreadable), (6, 0));

    // Roles are told apart by their names, and so many names nobody can tell.
    long("longRoles1", "role:r");
    let reading = read_database(uri);
    let message = "the ACL of 1 row is none, or names more roles than are read; \
                   who may read and write such rows of Order is not known";
    assert_eq!(told(&reading), [message]);
    let census: &Census = reading.snapshot.app.classes["Order"].rows.read().expect("rows");
    assert_eq!((census.rows(), census.unreadable, census.roles().len()), (7, 1, 1));
    let folder = tempfile::tempdir().unwrap();
    let (exit, text) = check(folder.path(), uri, &[]);
    assert!(exit == Some(3) && text.contains("clp-public-read-personal-data"), "{exit:?} {text}");
    let (exit, text, is_written) = snapshot(uri);
    assert!(exit == 3 && !is_written && text.contains("Order: the ACL of 1 row"), "{exit:?} {text}");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
