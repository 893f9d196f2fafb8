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

#[path = "mongo/server.rs"]
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mongodb::bson::{Document, RawDocumentBuf, doc, oid::ObjectId};
use parse_audit::live::Answers;
use parse_audit::live::mongo::Database;
use parse_audit::model::{App, ClassName, Known};
use parse_audit::read::{Input, Reading, Settings, Silent, read};
use server::{Server, Wire, Writer};

/// What may go over the wire: what is asked here, and what the driver asks by itself.
const READING: [&str; 14] = [
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
    "ping",
    "saslContinue",
    "saslStart",
];

fn dump() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/samples/mongodump")
}

fn read_live(uri: &str) -> Reading {
    read_answers(Database::new(uri, None).expect("an address").with_patience(Duration::from_secs(3)).read())
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
