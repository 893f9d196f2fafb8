//! A running app, read from its database.
//!
//! Needs Rust, CMake and a C compiler to build a server that speaks the protocol of MongoDB, which takes some minutes
//! the first time; `tests/run` installs them. It fails without them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and somebody has to write what is read"
)]

mod binary;
#[path = "mongo/cluster.rs"]
mod cluster;
#[path = "mongo/indexes.rs"]
mod indexes;
#[path = "mongo/nonsense.rs"]
mod nonsense;
#[path = "mongo/replica_set.rs"]
mod replica_set;
#[path = "mongo/server.rs"]
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mongodb::bson::{DateTime, Document, RawDocumentBuf, doc, oid::ObjectId};
use parse_audit::audit::audit;
use parse_audit::live::Answers;
use parse_audit::live::mongo::Database;
use parse_audit::live::sampling::Sampling;
use parse_audit::model::census::Shape;
use parse_audit::model::database::Right;
use parse_audit::model::{App, ClassName, Known};
use parse_audit::read::{Input, Reading, Settings, Silent, read};
use parse_audit::report::csv::CsvReporter;
use parse_audit::report::github::GithubReporter;
use parse_audit::report::json::JsonReporter;
use parse_audit::report::sarif::SarifReporter;
use parse_audit::report::text::TextReporter;
use parse_audit::report::{Report, Reporter};
use parse_audit::rules::loader;
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;
use server::{Server, Wire, Writer};

/// What may go over the wire: what is asked here, and what the driver asks by itself.
const READING: [&str; 15] = [
    "buildInfo",
    "connectionStatus",
    "count",
    "endSessions",
    "find",
    "getMore",
    "hello",
    "isMaster",
    "isdbgrid",
    "killCursors",
    "listCollections",
    "listIndexes",
    "ping",
    "saslContinue",
    "saslStart",
];

fn dump() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/samples/mongodump")
}

fn read_live(uri: &str) -> Reading {
    read_answers(database(uri).read())
}

fn database(uri: &str) -> Database {
    Database::new(uri, None).expect("an address").with_patience(Duration::from_secs(3))
}

/// What `read` makes of answers; its problems are those of both.
fn read_answers(answers: Answers) -> Reading {
    let settings = Settings { answers: answers.documents, ..Settings::default() };
    let mut reading = read(&Input::Memory(BTreeMap::new()), &settings, &Silent);
    reading.problems.extend(answers.problems);
    reading
}

/// What problems say: the last part of the path, what happened, what was not checked.
fn told(reading: &Reading) -> Vec<String> {
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let told = reading.problems.iter();
    told.map(|problem| format!("{}: {}; {}", last(&problem.path), problem.message, problem.consequence)).collect()
}

/// Everything that both forms of an app tell, without places.
fn model(app: &App) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let described: BTreeSet<&ClassName> =
        app.classes.values().filter(|class| class.clp.is_read()).map(|class| &class.name).collect();
    for name in described {
        let class = &app.classes[name];
        told.insert(format!("class {name}"), format!("{:?} {:?}", class.fields, class.clp));
        // Rows of sessions are exported, but not asked of a database.
        if name != "_Session" {
            let rows = class.rows.read().filter(|census| census.rows() > 0);
            told.insert(format!("rows {name}"), format!("{rows:?}"));
        }
    }
    let Known::Read(roles) = &app.roles else { panic!("no roles") };
    told.insert("inheritance".to_owned(), format!("{:?}", roles.inheritance));
    for (name, role) in &roles.by_name {
        told.insert(format!("role {name}"), format!("{:?} {:?} {:?}", role.acl, role.children, role.members));
    }
    let config = app.config.read().expect("parameters").iter();
    let config: Vec<_> = config.map(|(name, one)| (name, one.master_key_only, one.looks_secret)).collect();
    told.insert("config".to_owned(), format!("{config:?}"));
    let hooks = app.webhooks.read().expect("webhooks").iter();
    let hooks: BTreeSet<_> = hooks.map(|hook| (&hook.trigger, &hook.scheme, &hook.host)).collect();
    told.insert("hooks".to_owned(), format!("{hooks:?}"));
    told
}

fn same(live: &App, exported: &App) {
    let (live, exported) = (model(live), model(exported));
    for (what, expected) in &exported {
        assert_eq!(live.get(what), Some(expected), "{what}");
    }
    assert_eq!(live.len(), exported.len());
}

#[test]
fn a_database_is_read_as_its_dump_is_and_nothing_but_reading_goes_over_the_wire() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    Writer::new(&server.uri, "app").restore(&dump(), "");
    Writer::new(&server.uri, "prefixed").restore(&dump(), "shop_");
    let wire = Wire::to(server.port());
    let exported = read(&Input::Path(dump()), &Settings::default(), &Silent).snapshot.app;
    for name in ["app", "prefixed"] {
        let live = read_live(&format!("{}/{name}?useNewUrlParser=true&retryWrites=true", wire.uri));
        assert_eq!(told(&live), Vec::<String>::new());
        same(&live.snapshot.app, &exported);
    }
    let asked = wire.asked();
    let reading: BTreeSet<String> = READING.iter().map(|name| (*name).to_owned()).collect();
    assert!(asked.is_subset(&reading), "{asked:?}");
    assert!(["find", "count", "listCollections"].iter().all(|name| asked.contains(*name)), "{asked:?}");

    Writer::new(&server.uri, "prefixed").restore(&dump(), "other_");
    let uri = format!("{}/prefixed", server.uri);
    let [problem] = &told(&read_live(&uri))[..] else { panic!("one problem") };
    assert!(problem.contains("several apps are in it; name the prefix of one: `other_`, `shop_`"), "{problem}");
    let one = read_answers(Database::new(&uri, Some("shop_")).unwrap().read());
    same(&one.snapshot.app, &exported);
    let [problem] = &told(&read_live(&format!("{}/nothing", server.uri)))[..] else { panic!("one problem") };
    assert!(problem.contains("no app of Parse is in it") && problem.contains("the running app was not checked"));
}

/// Rows of a class with every kind of id, and ACLs that differ.
fn rows(count: usize) -> Vec<RawDocumentBuf> {
    let letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let id = |mut number: usize| -> String {
        number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..10).map(|place| char::from(letters[(number >> (6 * place)) % 62])).collect()
    };
    let row = |number: usize| -> Document {
        let mut row = match number % 10_000 {
            1 => doc! { "_id": ObjectId::new() },
            2 => doc! { "_id": i64::try_from(number).unwrap() },
            3 => doc! { "_id": format!("ä{number}") },
            4 => doc! { "_id": format!("!{number}") },
            _ => doc! { "_id": format!("{}{number}", id(number)) },
        };
        match number % 4 {
            0 => {}
            1 => row.extend(doc! { "_rperm": ["*"], "_wperm": ["role:staff"], "_acl": { "*": { "r": true } } }),
            2 => row.extend(doc! { "_rperm": [], "_wperm": [] }),
            _ => row.extend(doc! { "_rperm": ["role:staff", "nobody0123"], "_wperm": ["nobody0123"] }),
        }
        row.extend(doc! { "secret": "canary-of-a-row", "_created_at": DateTime::now() });
        row
    };
    (0..count).map(|number| RawDocumentBuf::try_from(&row(number)).unwrap()).collect()
}

/// An app with one class of so many rows.
fn large(server: &Server, count: usize) {
    let writer = Writer::new(&server.uri, "app");
    let schema = doc! { "_id": "Big", "objectId": "string", "secret": "string",
    "_metadata": { "class_permissions": { "find": { "*": true } } } };
    writer.insert("_SCHEMA", &[RawDocumentBuf::try_from(&schema).unwrap()]);
    writer.insert("Big", &rows(count));
}

#[test]
fn rows_of_a_large_class_are_counted_once_each_in_parts() {
    const ROWS: usize = 120_000;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    large(&server, ROWS);
    let in_parts = |uri: &str| database(&format!("{uri}/app")).in_parts_of(30_000).read();
    let live = read_answers(in_parts(&server.uri));
    assert_eq!(told(&live), Vec::<String>::new());
    let exported = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = rows(ROWS).iter().flat_map(|row| row.as_bytes().to_vec()).collect();
    std::fs::write(exported.path().join("Big.bson"), bytes).unwrap();
    let exported = read(&Input::Path(exported.path().to_owned()), &Settings::default(), &Silent).snapshot.app;
    let roles = live.snapshot.app.roles.read().map(|roles| (roles.by_name.len(), roles.inheritance));
    assert_eq!(roles, Some((0, Known::Read(()))), "that there are no roles is known");
    let census = |app: &App| app.classes[&ClassName::from("Big")].rows.clone();
    assert_eq!(census(&live.snapshot.app).read().map(|census| census.rows()), Some(ROWS as u64));
    assert_eq!(census(&live.snapshot.app), census(&exported));
    let wire = Wire::to(server.port());
    wire.take_index_away();
    let live = read_answers(in_parts(&wire.uri));
    assert_eq!(told(&live), Vec::<String>::new());
    assert_eq!(census(&live.snapshot.app), census(&exported));

    // Some ranges of ids, and what they say of the others.
    let sampled = Database::new(&format!("{}/app", server.uri), None).unwrap().sampling(Sampling::of(60.0)).read();
    let sampled = read_answers(sampled);
    assert_eq!(told(&sampled), Vec::<String>::new());
    let some = sampled.snapshot.app.classes[&ClassName::from("Big")].rows.read().unwrap().some(Shape::is_missing);
    let share = some.share.expect("a sample");
    // The true share is between them nineteen times in twenty, and a little farther away at most.
    assert!(some.total < 100_000 && share.low < 2900 && share.high > 2100, "{some:?}");
    assert!((1..2000).contains(&(share.high - share.low)), "{some:?}");

    // No part of a class that is gone says that it is.
    let answers = in_parts(&server.uri);
    Writer::new(&server.uri, "app").run(doc! { "drop": "Big" });
    let gone = read_answers(answers);
    let message = format!("its {ROWS} rows were taken away while they were counted; rows of Big were not counted");
    assert_eq!(told(&gone), [format!("Big: {message}")]);
    assert_eq!(census(&gone.snapshot.app).read(), None);
}

#[test]
fn a_server_that_goes_away_or_falls_silent_is_told_once_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    large(&server, 30_000);
    // Answers before the rows are a few thousand bytes, and those to rows more than a million.
    for (is_cut, message) in [(true, "it closed the connection"), (false, "it does not answer within 3 s")] {
        let wire = Wire::to(server.port());
        let answers = Database::new(&format!("{}/app", wire.uri), None).unwrap();
        let answers = answers.with_patience(Duration::from_secs(3)).read();
        assert_eq!((answers.problems.len(), answers.documents.len()), (0, 11));
        if is_cut {
            wire.cut_after(1_600_000)
        } else {
            wire.silent_after(1_600_000)
        }
        let start = Instant::now();
        let reading = read_answers(answers);
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
        let expected = format!("Big: {message}; rows of Big were not counted");
        assert_eq!(told(&reading), [expected]);
        let counted = reading.snapshot.app.classes[&ClassName::from("Big")].rows.read().map(|census| census.rows());
        assert_eq!(counted, None, "some rows are not the rows");

        let wire = Wire::to(server.port());
        if is_cut {
            wire.cut_after(0)
        } else {
            wire.silent_after(0)
        }
        let start = Instant::now();
        let [problem] = &told(&read_live(&format!("{}/app", wire.uri)))[..] else { panic!("one problem") };
        assert!(problem.ends_with("the running app was not checked"), "{problem}");
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    }
    let answers = Database::new(&format!("{}/app", server.uri), None).unwrap().read();
    Writer::new(&server.uri, "app").run(doc! { "drop": "Big" });
    let message = "it said that it has 30000 rows, and answers with none; rows of Big were not counted";
    assert_eq!(told(&read_answers(answers)), [format!("Big: {message}")]);

    let start = Instant::now();
    for (uri, message) in [
        ("mongodb://127.0.0.1:9/app", "nobody listens there"),
        ("mongodb://nowhere.invalid/app", "its name is not known"),
        ("mongodb+srv://nowhere.invalid/app", "its name is not known"),
        ("mongodb://127.0.0.1:9/app?tlsCAFile=/none.pem", "the file that `tlsCAFile`"),
        (&format!("{}/app?tls=true", server.uri), "it may not speak TLS"),
        (&format!("{}/app?replicaSet=wrong", server.uri), "no server answers that `replicaSet`"),
    ] {
        let [problem] = &told(&read_live(uri))[..] else { panic!("one problem of {uri}") };
        assert!(problem.contains(message), "{uri}: {problem}");
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

/// A server's certificate for this machine and its key in one file and in two, and the authority's certificate.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let made = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().expect("openssl");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    std::fs::write(folder.join("server.ext"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Authority");
    std::fs::write(folder.join("reader.ext"), "extendedKeyUsage=clientAuth").unwrap();
    openssl("req -newkey rsa:2048 -nodes -keyout reader.key -out reader.csr -subj /CN=reader");
    openssl(
        "x509 -req -in reader.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile reader.ext -out reader.crt",
    );
    let both = ["reader.crt", "reader.key"].map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    std::fs::write(folder.join("reader.pem"), both.concat()).unwrap();
    openssl("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=127.0.0.1");
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem",
    );
}

#[test]
fn who_logs_in_over_tls_reads_what_its_user_may_read() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let data = folder.path().join("data");
    let server = Server::start(&data, &[]);
    Writer::new(&server.uri, "app").restore(&dump(), "");
    let writer = Writer::new(&server.uri, "app");
    let find = |collection: &str| doc! { "resource": { "db": "app", "collection": collection }, "actions": ["find"] };
    writer.run(doc! { "createRole": "some", "roles": [], "privileges": [find("_SCHEMA"), find("Product")] });
    let users =
        [("reader", "read", "app"), ("writer", "readWrite", "app"), ("some", "some", "app"), ("root", "root", "admin")];
    for (user, role, db) in users {
        writer.run(doc! { "createUser": user, "pwd": "tulip/lantern", "roles": [{ "role": role, "db": db }] });
    }
    let host = server.uri.trim_start_matches("mongodb://");
    let unguarded = read_live(&format!("mongodb://reader:tulip%2Flantern@{host}/app"));
    assert_eq!(unguarded.snapshot.app.database.read().map(|one| &one.open_to_all), Some(&Known::Read(true)));
    drop((writer, server));

    let path = |name: &str| folder.path().join(name).display().to_string();
    let tls = ["--tls-cert-file", &path("server.pem"), "--tls-key-file", &path("server.key")];
    let server = Server::start(&data, &[&["--auth"], &tls[..]].concat());
    let host = server.uri.trim_start_matches("mongodb://");
    let of = |user: &str, options: &str| {
        read_live(&format!("mongodb://{user}{host}/app?authSource=app&{options}tls=true&tlsCAFile={}", path("ca.pem")))
    };
    let exported = read(&Input::Path(dump()), &Settings::default(), &Silent).snapshot.app;
    for mechanism in ["", "authMechanism=SCRAM-SHA-256&"] {
        let reader = of("reader:tulip%2Flantern@", mechanism);
        assert_eq!(told(&reader), Vec::<String>::new());
        same(&reader.snapshot.app, &exported);
    }
    for (user, rights) in [
        ("reader", vec![]),
        ("writer", vec![Right::Write]),
        ("root", vec![Right::Write, Right::Everywhere, Right::Administer]),
    ] {
        let app = of(&format!("{user}:tulip%2Flantern@"), "").snapshot.app;
        let database = app.database.read().expect("it tells of itself");
        assert_eq!((database.encrypted, database.kind.as_str()), (true, "MongoDB"));
        assert_eq!(database.open_to_all, Known::Read(false));
        assert_eq!(database.rights, Known::Read(rights.into_iter().collect()), "{user}");
        assert_eq!(database.endless_sessions, Known::Read(0));
    }
    let everything = "the running app was not checked";
    for (user, message) in [
        ("reader:tulip%2Flampion@", "it refuses the user or the password"),
        ("nobody:tulip%2Flantern@", "it refuses the user or the password"),
        ("", "it asks for a user and a password"),
    ] {
        assert_eq!(told(&of(user, "")), [format!("app: {message}; {everything}")]);
    }
    let start = Instant::now();
    for (uri, message) in [
        (format!("mongodb://{host}/app?tls=true"), "its certificate is of an authority that is not trusted"),
        (format!("mongodb://{host}/app"), "it closed the connection"),
    ] {
        let [problem] = &told(&read_live(&uri))[..] else { panic!("one problem of {uri}") };
        assert!(problem.contains(message) && problem.ends_with(everything), "{uri}: {problem}");
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());

    let some = of("some:tulip%2Flantern@", "");
    let told = told(&some).join("\n");
    let denied = "the user of the database may not read it";
    for (collection, without) in [
        ("_Role", "roles were not checked"),
        ("_GlobalConfig", "parameters"),
        ("_User", "rows of _User were not counted"),
    ] {
        assert!(told.contains(&format!("{collection}: {denied}; {without}")), "{told}");
    }
    let app = &some.snapshot.app;
    assert!(!app.roles.is_read() && !app.config.is_read() && !app.webhooks.is_read());
    assert!(app.classes[&ClassName::from("Product")].rows.is_read());
    assert!(!app.classes[&ClassName::from("_User")].rows.is_read());
}

#[test]
fn a_server_may_want_a_certificate_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let data = folder.path().join("data");
    let server = Server::start(&data, &[]);
    Writer::new(&server.uri, "app").restore(&dump(), "");
    let outside = Writer::new(&server.uri, "$external");
    outside.run(doc! { "createUser": "CN=reader", "roles": [{ "role": "read", "db": "app" }] });
    drop((outside, server));
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key, authority) = (path("server.pem"), path("server.key"), path("ca.pem"));
    let tls = ["--auth", "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-file", &authority];
    let server = Server::start(&data, &[&tls[..], &["--tls-require-client-cert"]].concat());
    let of = |options: &str| read_live(&format!("{}/app?tlsCAFile={authority}{options}", server.uri));
    let x509 = format!("&tlsCertificateKeyFile={}&authMechanism=MONGODB-X509&authSource=$external", path("reader.pem"));
    let reading = of(&x509);
    assert_eq!(told(&reading), Vec::<String>::new());
    same(&reading.snapshot.app, &read(&Input::Path(dump()), &Settings::default(), &Silent).snapshot.app);
    let [problem] = &told(&of(""))[..] else { panic!("one problem") };
    assert!(problem.contains("it wants a certificate of ours"), "{problem}");
}

/// A database whose every secret is a word that no output may have.
fn with_canaries(server: &Server) -> String {
    let writer = Writer::new(&server.uri, "app");
    writer.restore(&dump(), "");
    let insert = |collection: &str, document: Document| {
        writer.insert(collection, &[RawDocumentBuf::try_from(&document).unwrap()]);
    };
    insert(
        "_SCHEMA",
        doc! { "_id": "Secret", "objectId": "string", "email": "string",
        "_metadata": { "class_permissions": { "find": { "*": true }, "update": { "*": true }, "delete": { "*": true } } } },
    );
    insert(
        "Secret",
        doc! { "_id": "canaryrow1", "email": "canary@example.com", "_rperm": ["*", "canaryuser"], "_wperm": ["*"] },
    );
    insert("_User", doc! { "_id": "canaryuser", "email": "canary@example.com", "_hashed_password": "canary-hash" });
    insert("_User", doc! { "_id": "canaryolder", "_perishable_token": "canary", "_session_token": "canary" });
    let hash = format!("$2b$10${}", "canary".repeat(9));
    insert(
        "_User",
        doc! { "_id": "canarynewer", "_hashed_password": hash, "_perishable_token": "canary",
        "_perishable_token_expires_at": DateTime::now(), "username": "canary" },
    );
    insert("_Session", doc! { "_id": "canarysess", "_session_token": "r:canary-token" });
    insert(
        "_Hooks",
        doc! { "_id": ObjectId::new(), "functionName": "pay", "url": "http://canary:canary@hooks.example.com/canary" },
    );
    writer.run(doc! { "drop": "_GlobalConfig" });
    insert(
        "_GlobalConfig",
        doc! { "_id": "1", "params": { "apiSecret": "canary-parameter-0123456789" }, "masterKeyOnly": {} },
    );
    format!("{}/app", server.uri)
}

#[test]
fn nothing_that_is_stored_is_in_any_report_and_what_is_open_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let uri = with_canaries(&server);
    let reading = read_live(&uri);
    assert_eq!(told(&reading), Vec::<String>::new());
    let program = Program::new(loader::built_in().unwrap(), Words::new(Vec::new()).unwrap());
    let outcome = audit(&reading.snapshot, &program, Vec::new(), jiff::civil::date(2026, 11, 22));
    let found: BTreeSet<String> =
        outcome.findings.iter().map(|found| format!("{}:{}", found.rule, found.subject)).collect();
    for name in [
        "clp-public-delete:Secret.delete",
        "clp-public-read-personal-data:Secret.find",
        "config-secret-public:_GlobalConfig.apiSecret",
        "database-endless-reset-tokens:database 127.0.0.1",
        "database-endless-sessions:database 127.0.0.1",
        "database-legacy-sessions:database 127.0.0.1",
        "database-weak-password-hashes:database 127.0.0.1",
        "database-without-password:database 127.0.0.1",
        "rows-missing-acl:_User",
        "webhook-plain-http:_Hooks:function pay",
    ] {
        assert!(found.contains(name), "{name} is not among {found:?}");
    }
    let database = reading.snapshot.app.database.read().expect("it tells of itself");
    let counts = [&database.endless_reset_tokens, &database.legacy_sessions, &database.other_passwords];
    assert_eq!(counts, [&Known::Read(1); 3]);
    let text = TextReporter { color: false, unicode: true, width: 100, all: true, quiet: false, stop_word: None };
    let reporters: [&dyn Reporter; 5] = [&text, &JsonReporter, &SarifReporter, &GithubReporter, &CsvReporter];
    for (number, reporter) in reporters.into_iter().enumerate() {
        let mut out = Vec::new();
        reporter.write(&Report::new(&reading.snapshot, &outcome, &program, &[]), &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("Secret"), "report {number} says nothing");
        assert!(!out.contains("canary"), "report {number}: {out}");
    }
    assert!(!format!("{:?}", reading.snapshot.app).contains("canary"));
}
