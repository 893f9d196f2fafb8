//! `routeAllowList` as a running Parse Server enforces it and as the engine decides it.
//!
//! Needs Node.js, npm and PostgreSQL; `tests/run` installs them. It fails without them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod servers;

use std::collections::BTreeMap;

use parse_audit::model::{Operation, Principal};
use parse_audit::permit::{Engine, Request, Verdict};
use parse_audit::read::{Input, Settings, Silent, read};
use serde_json::{Value, json};
use servers::Server;

const APP: &str = "shop";
const MASTER: &str = "Tulip-lantern-7-seas";

/// Sends a request; the answer's status and body.
fn ask(url: &str, method: &str, path: &str, master: bool, body: Option<&Value>) -> (u16, Value) {
    servers::ask(url, APP, master.then_some(MASTER), (method, path), body)
}

/// What the server says of an operation without a session: whether its route is closed.
fn is_closed(url: &str, class: &str, id: &str, op: Operation) -> bool {
    let (all, one) = (format!("classes/{class}"), format!("classes/{class}/{id}"));
    let new = json!({ "a": 1 });
    let answers = match op {
        Operation::Find => vec![ask(url, "GET", &all, false, None)],
        Operation::Count => vec![ask(url, "GET", &format!("{all}?count=1&limit=0"), false, None)],
        Operation::Get => {
            let by_query = format!("{all}?where=%7B%22objectId%22%3A%22{id}%22%7D");
            vec![ask(url, "GET", &one, false, None), ask(url, "GET", &by_query, false, None)]
        }
        Operation::Create => vec![ask(url, "POST", &all, false, Some(&new))],
        Operation::Update => vec![ask(url, "PUT", &one, false, Some(&new))],
        Operation::Delete => vec![ask(url, "DELETE", &one, false, None)],
        Operation::AddField => vec![],
    };
    answers.iter().all(|(status, body)| (*status, body["code"].as_u64()) == (403, Some(119)) || body["code"] == 119)
}

#[test]
fn the_engine_closes_the_routes_that_the_server_closes() {
    let list = json!(["classes/Note", "classes/Chat.*", "users", "classes/Log/.*"]);
    let options = json!({ "appId": APP, "masterKey": MASTER, "serverURL": "http://127.0.0.1:1/parse",
        "routeAllowList": list, "allowClientClassCreation": true });
    let server = Server::start(&options);
    let classes = ["Note", "Chat", "Log", "Order"];
    let mut ids = BTreeMap::new();
    for class in classes {
        let (status, made) = ask(&server.url, "POST", &format!("classes/{class}"), true, Some(&json!({ "a": 0 })));
        assert_eq!(status, 201, "{made}: the master key has all routes");
        ids.insert(class, made["objectId"].as_str().expect("an id").to_owned());
    }
    let (_, schemas) = ask(&server.url, "GET", "schemas", true, None);
    let mut config = options.clone();
    config["databaseURI"] = json!("postgres://localhost/shop");
    let files = [
        ("schema.json", schemas.to_string()),
        ("parse.json", config.to_string()),
        ("package.json", json!({ "dependencies": { "parse-server": "9.10.0" } }).to_string()),
    ];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
    let app = read(&Input::Memory(files), &Settings::default(), &Silent).snapshot.app;
    let engine = Engine::new(&app);
    let mut closed = 0;
    for class in classes {
        // The object itself goes last.
        let ops = [
            Operation::Find,
            Operation::Count,
            Operation::Get,
            Operation::Create,
            Operation::Update,
            Operation::Delete,
        ];
        for op in ops {
            let verdict = engine.decide(&Request { who: &Principal::Public, op, class: &class.into() }).verdict;
            let is_denied = matches!(verdict, Verdict::Deny(_));
            assert_eq!(is_closed(&server.url, class, &ids[class], op), is_denied, "{op} {class}: {verdict:?}");
            closed += usize::from(is_denied);
        }
    }
    assert_eq!(closed, 6 + 3 + 2, "Order as a whole, of Log find, count and create, of Note update and delete");
}
