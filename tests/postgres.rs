//! A running app, read from its database in a real PostgreSQL.
//!
//! Needs Node.js, npm, PostgreSQL and openssl; `tests/run` installs them. It fails without them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod binary;
#[path = "postgres/nonsense.rs"]
mod nonsense;
mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use parse_audit::live;
use parse_audit::live::postgres::Database;
use parse_audit::live::sampling::Sampling;
use parse_audit::model::census::Shape;
use parse_audit::model::{App, Census, ClassName};
use parse_audit::read::{Input, Reading, Settings, Silent, read};
use serde_json::{Value, json};
use servers::Server;

const APP: &str = "shop";
const MASTER: &str = "Tulip-lantern-7-seas";

/// What the server stores that no output may have.
const CANARIES: [&str; 5] = ["ana@example.com", "canary-parameter", "canary-path", "canary-title", "lantern"];

/// A shop with rows of all kinds.
fn shop() -> Server {
    let server = Server::start(
        &json!({ "appId": APP, "masterKey": MASTER, "serverURL": "http://127.0.0.1:1/parse", "webhookKey": "w" }),
    );
    let send = |method: &str, path: &str, body: &Value| {
        let (status, answer) = servers::ask(&server.url, APP, Some(MASTER), (method, path), Some(body));
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        answer["objectId"].as_str().unwrap_or_default().to_owned()
    };
    let open = json!({ "find": { "*": true }, "get": { "*": true }, "delete": { "role:staff": true } });
    let fields = json!({ "email": { "type": "String" }, "title": { "type": "String" } });
    send("POST", "schemas/Order", &json!({ "className": "Order", "fields": fields, "classLevelPermissions": open }));
    let ana = send("POST", "users", &json!({ "username": "ana", "password": "p", "email": "ana@example.com" }));
    // A user whom another one may read, and somebody who is gone.
    let named = json!({ ana.as_str(): { "read": true }, "goneGone34": { "read": true } });
    send("POST", "users", &json!({ "username": "ben", "password": "p", "ACL": named }));
    let users =
        json!({ "__op": "AddRelation", "objects": [{ "__type": "Pointer", "className": "_User", "objectId": ana }] });
    let inner = send("POST", "roles", &json!({ "name": "trainees", "ACL": {}, "users": users }));
    let roles =
        json!({ "__op": "AddRelation", "objects": [{ "__type": "Pointer", "className": "_Role", "objectId": inner }] });
    send("POST", "roles", &json!({ "name": "staff", "ACL": { "*": { "read": true } }, "roles": roles }));
    let all = json!({ "read": true, "write": true });
    for acl in [
        json!(null),
        json!({}),
        json!({ "*": { "read": true }, ana.as_str(): all }),
        json!({ ana.as_str(): all }),
        json!({ "role:staff": all, "goneGone12": { "write": true } }),
    ] {
        let mut row = json!({ "title": "canary-title" });
        if !acl.is_null() {
            row["ACL"] = acl;
        }
        send("POST", "classes/Order", &row);
    }
    send("PUT", "config", &json!({ "params": { "secretToken": "canary-parameter" } }));
    send(
        "PUT",
        "graphql-config",
        &json!({ "params": { "enabledForClasses": ["Order"], "disabledForClasses": ["_User"] } }),
    );
    send("POST", "hooks/functions", &json!({ "functionName": "pay", "url": "http://hooks.example.com/canary-path" }));
    server
}

/// Runs SQL as the owner of the database.
fn sql(server: &Server, statements: &str) {
    let bin =
        Command::new("psql").arg(&server.database.uri).args(["-qv", "ON_ERROR_STOP=1", "-c", statements]).output();
    let output = bin.expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The address of the database for a connection that is encrypted.
fn safe(server: &Server, uri: &str) -> String {
    format!("{uri}?sslmode=verify-full&sslrootcert={}", server.database.certificate.display())
}

fn read_database(uri: &str) -> Reading {
    let answers = Database::new(uri).unwrap().read();
    let settings = Settings { answers: answers.documents, ..Settings::default() };
    let mut reading = read(&Input::Memory(BTreeMap::new()), &settings, &Silent);
    reading.problems.extend(answers.problems);
    reading
}

/// What a class and the roles are, without their places.
fn facts(app: &App) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for class in app.classes.values().filter(|class| ["Order", "_User", "_Role"].contains(&class.name.as_str())) {
        let clp = class.clp.read().map(|clp| clp.filled());
        facts.insert(class.name.to_string(), format!("{:?} {clp:?} {:?}", class.fields, class.rows));
    }
    let roles = app.roles.read().expect("roles");
    for (name, role) in &roles.by_name {
        facts.insert(name.to_string(), format!("{:?} {:?} {:?}", role.acl, role.children, role.members));
    }
    facts
}

/// What can be asked of a census without naming users.
fn alike(census: &Census) -> Vec<(String, u64)> {
    let of = |name: &str, is: fn(&Shape) -> bool| (name.to_owned(), census.count(is));
    let mut alike = vec![
        of("all", |_| true),
        of("missing", Shape::is_missing),
        of("half", Shape::is_half_stored),
        of("master", Shape::is_master_only),
        of("read", Shape::is_public_read),
        of("write", Shape::is_public_write),
    ];
    for role in census.roles() {
        let read = census.count(|shape| shape.read.as_ref().is_some_and(|side| side.roles.contains(role)));
        let write = census.count(|shape| shape.write.as_ref().is_some_and(|side| side.roles.contains(role)));
        alike.extend([(format!("{role} reads"), read), (format!("{role} writes"), write)]);
    }
    alike
}

#[test]
fn the_database_tells_what_exports_tell() {
    let server = shop();
    let reading = read_database(&safe(&server, &server.database.uri));
    assert_eq!(reading.problems, []);

    // The same as files: descriptions and rows over REST, and the tables that REST does not show.
    let folder = tempfile::tempdir().unwrap();
    let export = |path: &str, name: &str| {
        let (status, answer) = servers::ask(&server.url, APP, Some(MASTER), ("GET", path), None);
        assert_eq!(status, 200, "{path}: {answer}");
        fs::write(folder.path().join(name), answer.to_string()).unwrap();
    };
    export("schemas", "schemas.json");
    export("classes/Order?limit=1000", "Order.json");
    export("users?limit=1000", "_User.json");
    export("roles?limit=1000", "_Role.json");
    for table in ["_Join:users:_Role", "_Join:roles:_Role"] {
        let target = folder.path().join(format!("{table}.json"));
        let query = format!("\\copy (SELECT row_to_json(t) FROM \"{table}\" t) TO '{}'", target.display());
        sql(&server, &query);
    }
    let exported = read(&Input::Path(folder.path().to_owned()), &Settings::default(), &Silent);
    assert_eq!(exported.problems, []);
    let (live, files) = (facts(&reading.snapshot.app), facts(&exported.snapshot.app));
    for (name, fact) in &files {
        assert_eq!(live.get(name), Some(fact), "{name}");
    }
    let orders = reading.snapshot.app.classes["Order"].rows.read().expect("rows");
    assert_eq!((orders.rows(), orders.unreadable), (5, 0));
    let app = &reading.snapshot.app;
    assert_eq!(app.webhooks.read().map(|hooks| hooks[0].host.as_str()), Some("hooks.example.com"));
    let database = app.database.read().expect("the database tells of itself");
    assert!(database.encrypted && database.kind == "PostgreSQL" && database.hosts == ["127.0.0.1"]);
    assert_eq!(database.rights.read().map(|rights| rights.len()), Some(3), "the owner may do everything");
    assert_eq!(database.endless_sessions.read(), Some(&0));
    assert_eq!((database.endless_reset_tokens.read(), database.other_passwords.read()), (Some(&0), Some(&0)));

    // What the server itself keeps apart, whatever it calls the indexes; a schema knows nothing of it.
    let unique = |class: &str| -> Vec<String> {
        let indexes = app.classes[class].indexes.read().expect("indexes");
        let told = indexes.unique.iter();
        told.map(|(columns, covered)| format!("{columns:?} {}", covered.words())).collect()
    };
    assert_eq!(unique("_Role"), [r#"{"name"} every row"#]);
    let of_users = [r#"{"authData.anonymous.id"} every row"#, r#"{"email"} every row"#, r#"{"username"} every row"#];
    assert_eq!(unique("_User"), of_users);
    assert_eq!(unique("Order"), Vec::<String>::new());
    assert!(!exported.snapshot.app.classes["_User"].indexes.is_read());
    sql(
        &server,
        r#"DROP INDEX "_User_unique_email"; CREATE UNIQUE INDEX part ON "Order" (lower(email)) WHERE title > 'canary';
           CREATE UNIQUE INDEX pair ON "Order" (title, "createdAt");
           UPDATE "_User" SET _perishable_token = 'canary', _hashed_password = 'canary';"#,
    );
    let without = read_database(&safe(&server, &server.database.uri)).snapshot.app;
    let of_orders = without.classes["Order"].indexes.read().map(|indexes| format!("{:?}", indexes.unique));
    assert_eq!(of_orders.as_deref(), Some(r#"{{"createdAt", "title"}: EveryRow, {"lower(email)"}: SomeRows}"#));
    let database = without.database.read().expect("the database tells of itself");
    assert_eq!((database.endless_reset_tokens.read(), database.other_passwords.read()), (Some(&2), Some(&2)));
    assert!(without.classes["_User"].indexes.read().is_some_and(|indexes| !indexes.keep_apart("email")));
    assert!(app.config.read().is_some_and(|config| config.contains_key("secretToken")));

    // The server, asked for numbers alone, knows the same of the rows, but for users.
    let key = live::Key::Master(MASTER.to_owned().into());
    let counted = live::Server::new(&server.url, APP, key).unwrap().read();
    assert!(counted.problems.is_empty() && counted.gaps.is_empty(), "{:?}", counted.problems);
    for class in ["Order", "_User"] {
        let over_rest = &counted.counts.iter().find(|counts| counts.class == class).expect("counts").census;
        let streamed = reading.snapshot.app.classes[class].rows.read().expect("rows");
        assert_eq!(alike(over_rest), alike(streamed), "{class}");
    }

    let answered = Settings { answers: counted.documents, ..Settings::default() };
    let over_rest = read(&Input::Memory(BTreeMap::new()), &answered, &Silent).snapshot.app;
    for app in [app, &over_rest] {
        let shown = app.server.graphql.read().expect("what GraphQL shows");
        let names = |names: &BTreeSet<ClassName>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            (shown.enabled.as_ref().map(names), names(&shown.disabled)),
            (Some(vec!["Order".into()]), vec!["_User".into()])
        );
    }

    // Nothing was sent but reads.
    let log = fs::read_to_string(&server.database.log).unwrap();
    let sent: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("parse-audit: LOG:  ")).collect();
    let statements: Vec<&str> = sent
        .iter()
        .filter_map(|line| Some(line.split_once("statement: ").or(line.split_once("execute "))?.1))
        .collect();
    let allowed = [
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout",
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT",
        "SAVEPOINT one; SELECT ",
        "SELECT pg_export_snapshot()",
        "ROLLBACK TO SAVEPOINT one",
        "COPY (SELECT NULL::text, _rperm::text[], _wperm::text[] FROM ",
        "COPY (SELECT \"objectId\"::text, _rperm::text[], _wperm::text[] FROM \"_User\"",
    ];
    assert!(statements.len() > 10, "{log}");
    for statement in statements {
        assert!(allowed.iter().any(|allowed| statement.contains(allowed)), "{statement}");
    }
}

#[test]
fn long_tables_are_counted_in_parts() {
    let server = shop();
    let rows = "INSERT INTO \"Order\" (\"objectId\", _rperm, _wperm, title) SELECT 'r' || n,
        CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN ARRAY['*'] WHEN 2 THEN ARRAY['role:staff'] ELSE '{}'::text[] END,
        ARRAY['role:staff'], repeat('x', 200) FROM generate_series(1, 200000) n";
    sql(&server, rows);
    let uri = &server.database.uri;
    let answers = Database::new(uri).unwrap().read();
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    let parts = answers.documents.iter().filter(|part| part.name == "Order.copy").count();
    assert!(parts > 1, "{parts}");
    let reading = read_database(uri);
    let census: &Census = reading.snapshot.app.classes["Order"].rows.read().expect("rows");
    assert_eq!(census.rows(), 200_005);
    assert_eq!(census.count(|shape| shape.read.is_none() && shape.write.is_some()), 50_000);
    assert_eq!(census.count(|shape| shape.read.as_ref().is_some_and(|read| read.roles.len() == 1)), 50_001);

    // A sample looks at some pages, and tells between which shares the true one lies.
    sql(&server, "ANALYZE \"Order\"");
    let answers = Database::new(uri).unwrap().sampling(Sampling::of(10.0)).read();
    let settings = Settings { answers: answers.documents, ..Settings::default() };
    let reading = read(&Input::Memory(BTreeMap::new()), &settings, &Silent);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    let census: &Census = reading.snapshot.app.classes["Order"].rows.read().expect("rows");
    let half = census.some(|shape| shape.read.is_none() && shape.write.is_some());
    assert!((40_000..100_000).contains(&half.total), "{half:?}");
    let share = half.share.expect("a sample");
    assert!(share.low > 2400 && share.high < 2600, "{share}");
    assert!(reading.snapshot.gaps.iter().any(|gap| gap.topic == "most rows of Order"));
    let folder = tempfile::tempdir().unwrap();
    let (exit, text) = check(folder.path(), uri, &["--sample", "10%"]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(exit == Some(1) && text.contains("sampled rows, ") && text.contains(" % of all"), "{exit:?} {text}");
}

/// What a check of an empty folder and a database says, and its exit code.
fn check(folder: &Path, uri: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut check = Command::new(env!("CARGO_BIN_EXE_parse-audit"));
    check.arg("check").arg(folder).args(["--postgres", "env"]).args(more).env("PARSE_SERVER_DATABASE_URI", uri);
    let output = check.output().expect("the program runs");
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr))
}

#[test]
fn what_cannot_be_read_is_told_and_nothing_else_is_shown() {
    let server = shop();
    let folder = tempfile::tempdir().unwrap();
    let uri = &server.database.uri;
    sql(
        &server,
        "CREATE ROLE auditor LOGIN PASSWORD 'lantern'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO auditor;
         REVOKE SELECT ON \"Order\", \"_Role\" FROM auditor;",
    );
    sql(&server, "CREATE DATABASE other");
    let (exit, text) = check(folder.path(), uri, &["-o", "json"]);
    assert_eq!(exit, Some(1), "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> =
        report["findings"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.contains(&"clp-public-read-personal-data:Order.find"), "{names:?}");
    assert!(names.contains(&"config-secret-public:_GlobalConfig.secretToken"), "{names:?}");
    let shown = |text: &str| CANARIES.iter().find(|canary| text.contains(**canary)).copied();
    assert_eq!(shown(&text), None);

    // Whoever may read and no more is what an audit needs.
    let reader = uri.replace("postgres:lantern", "auditor:lantern");
    let rights = read_database(&reader).snapshot.app.database.read().expect("a database").rights.clone();
    assert_eq!(rights.read().map(|rights| rights.len()), Some(0));
    let columns = r#"REVOKE SELECT ON "_User" FROM auditor;
        GRANT SELECT ("objectId", _rperm, _wperm, _perishable_token) ON "_User" TO auditor"#;
    sql(&server, columns);
    let answers = Database::new(&reader).unwrap().read();
    assert_eq!(answers.gaps.iter().map(|gap| gap.topic.as_str()).collect::<Vec<_>>(), ["how passwords are kept"]);

    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("postgres://u:lantern@{}/x", hanging.local_addr().unwrap());
    let at = uri.split_once('@').unwrap().1;
    let of_host = at.split('/').next().unwrap();
    for (uri, message, consequence) in [
        (uri.replace("lantern", "lanterns"), "it refuses the user, the password", "the running app was not checked"),
        (
            format!("postgres://postgres:lantern@{of_host}/nowhere"),
            "it has no database of that name",
            "was not checked",
        ),
        (format!("postgres://postgres:lantern@{of_host}/other"), "is it the database of a Parse Server?", "classes"),
        (format!("{uri}?sslmode=require"), "its certificate is not trusted; name the file", "was not checked"),
        (format!("{uri}?ssl=true&rejectUnauthorized=false"), "but here it always is", "was not checked"),
        ("postgres://u:lantern@127.0.0.1:1/x".to_owned(), "nobody answers there", "was not checked"),
        ("postgres://u:lantern@db.invalid/x".to_owned(), "", "the running app was not checked"),
        (nobody, "nothing was heard of it for 10 seconds", "the running app was not checked"),
        (uri.replace("postgres:lantern", "auditor:lantern"), "the user may not read it", "rows of Order"),
        (uri.replace("postgres:lantern", "auditor:lantern"), "the user may not read it", "roles were not checked"),
    ] {
        let (exit, text) = check(folder.path(), &uri, &[]);
        assert_eq!(exit, Some(3), "{text}");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!text.contains(&format!("{}/postgres", folder.path().display())), "it lies in no folder: {text}");
        assert!(text.contains(message) && text.contains(consequence), "{message}, {consequence}: {text}");
        assert_eq!(shown(&text), None, "{text}");
    }
}
