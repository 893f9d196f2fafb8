//! One app, told by its server over REST, by its database in PostgreSQL and in MongoDB, and by exports of it: one model.
//!
//! Needs Node.js, npm, PostgreSQL, openssl and what builds a MongoDB; `tests/run` installs them. It fails without them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod servers;

use std::collections::BTreeMap;
use std::fs;

use parse_audit::live::{Answers, Key, Server as Parse, mongo, postgres};
use parse_audit::model::{App, Operation};
use parse_audit::permit::Engine;
use parse_audit::read::{Input, Settings, Silent, read};
use serde_json::{Value, json};
use servers::{Mongo, Server};

const APP: &str = "shop";
const MASTER: &str = "Tulip-lantern-7-seas";

fn options() -> Value {
    json!({ "appId": APP, "masterKey": MASTER, "serverURL": "http://127.0.0.1:1/parse", "webhookKey": "w" })
}

/// Makes the app on a server.
fn fill(url: &str) {
    let send = |method: &str, path: &str, body: &Value| {
        let (status, answer) = servers::ask(url, APP, Some(MASTER), (method, path), Some(body));
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        answer["objectId"].as_str().unwrap_or_default().to_owned()
    };
    let anyone = json!({ "*": true });
    for (class, permissions) in [
        (
            "Order",
            json!({ "find": { "role:staff": true, "requiresAuthentication": true }, "get": anyone, "count": { "role:staff": true },
            "create": anyone, "update": { "pointerFields": ["owner"] }, "delete": { "role:admins": true },
            "readUserFields": ["owner"], "protectedFields": { "*": ["total"], "role:staff": [] } }),
        ),
        (
            "Note",
            json!({ "find": anyone, "get": anyone, "create": {}, "update": { "role:staff": true }, "ACL": { "currentUser": { "read": true } } }),
        ),
    ] {
        let fields = json!({ "total": { "type": "Number", "required": true, "defaultValue": 1 }, "owner": { "type": "Pointer", "targetClass": "_User" },
        "email": { "type": "String" }, "place": { "type": "GeoPoint" } });
        send(
            "POST",
            &format!("schemas/{class}"),
            &json!({ "className": class, "fields": fields, "classLevelPermissions": permissions }),
        );
    }
    let users: Vec<String> = ["ana", "ben", "cleo"]
        .iter()
        .map(|name| {
            send("POST", "users", &json!({ "username": name, "password": "p", "email": format!("{name}@example.com") }))
        })
        .collect();
    let add = |class: &str, ids: &[&String]| {
        let pointers = ids.iter().map(|id| json!({ "__type": "Pointer", "className": class, "objectId": id }));
        json!({ "__op": "AddRelation", "objects": pointers.collect::<Vec<_>>() })
    };
    let staff = send(
        "POST",
        "roles",
        &json!({ "name": "staff", "ACL": { "role:admins": { "write": true } }, "users": add("_User", &[&users[0], &users[1]]) }),
    );
    send("POST", "roles", &json!({ "name": "admins", "ACL": {}, "users": add("_User", &[&users[2]]) }));
    let admins = send("POST", "roles", &json!({ "name": "owners", "ACL": {}, "roles": add("_Role", &[&staff]) }));
    assert!(!admins.is_empty());
    let both = json!({ "read": true, "write": true });
    for class in ["Order", "Note"] {
        for acl in [
            Value::Null,
            json!({}),
            json!({ "*": { "read": true }, "role:staff": both }),
            json!({ users[0].as_str(): both }),
            json!({ "role:owners": both, users[1].as_str(): { "read": true } }),
        ] {
            let mut row = json!({ "owner": { "__type": "Pointer", "className": "_User", "objectId": users[0] } });
            if !acl.is_null() {
                row["ACL"] = acl;
            }
            send("POST", &format!("classes/{class}"), &row);
        }
    }
    send("PUT", "config", &json!({ "params": { "open": 1, "closed": "x" }, "masterKeyOnly": { "closed": true } }));
    send("POST", "hooks/functions", &json!({ "functionName": "pay", "url": "http://hooks.example.com/path" }));
}

fn app(answers: Answers) -> App {
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    let settings = Settings { answers: answers.documents, counts: answers.counts, ..Settings::default() };
    let reading = read(&Input::Memory(BTreeMap::new()), &settings, &Silent);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    reading.snapshot.app
}

/// The exports of an app, as its dashboard makes them.
fn exported(url: &str) -> App {
    let folder = tempfile::tempdir().unwrap();
    for (path, name) in [
        ("schemas", "schemas.json"),
        ("classes/Order?limit=1000", "Order.json"),
        ("classes/Note?limit=1000", "Note.json"),
        ("users?limit=1000", "_User.json"),
        ("roles?limit=1000", "_Role.json"),
        ("config", "config.json"),
        ("hooks/functions", "_Hooks.json"),
    ] {
        let (status, answer) = servers::ask(url, APP, Some(MASTER), ("GET", path), None);
        assert_eq!(status, 200, "{path}: {answer}");
        fs::write(folder.path().join(name), answer.to_string()).unwrap();
    }
    // Which role lies in which stands in a table of its own.
    let (_, roles) = servers::ask(url, APP, Some(MASTER), ("GET", "roles"), None);
    let id = |name: &str| {
        let mut all = roles["results"].as_array().unwrap().iter();
        all.find(|role| role["name"] == name).unwrap()["objectId"].clone()
    };
    let pairs = json!({ "results": [{ "owningId": id("owners"), "relatedId": id("staff") }] });
    fs::write(folder.path().join("_Join:roles:_Role.json"), pairs.to_string()).unwrap();
    let reading = read(&Input::Path(folder.path().to_owned()), &Settings::default(), &Silent);
    assert_eq!(reading.problems, []);
    reading.snapshot.app
}

/// All that does not name a user, whose ids differ from server to server: classes, roles, parameters, webhooks, rows,
/// and who reaches what.
fn model(app: &App) -> BTreeMap<String, String> {
    let engine = Engine::new(app);
    let mut model = BTreeMap::new();
    for class in app.classes.values() {
        if !["Order", "Note", "_User", "_Role"].contains(&class.name.as_str()) {
            continue;
        }
        let clp = class.clp.read().map(|clp| clp.filled());
        model.insert(format!("{} described", class.name), format!("{:?} {clp:?}", class.fields));
        if class.name != "_Role" {
            let rows = class.rows.read().map(|census| (census.rows(), census.unknown()));
            model.insert(format!("{} rows", class.name), format!("{rows:?}"));
        }
        for who in engine.principals() {
            let caller = engine.caller(&who);
            for op in Operation::ALL {
                let cell = engine.cell(&caller, class, op);
                model.insert(format!("{who} {op} {}", class.name), format!("{cell:?}"));
            }
            model.insert(format!("{who} sees of {}", class.name), format!("{:?}", engine.visible(&caller, class)));
        }
    }
    let roles = app.roles.read().expect("roles");
    for (name, role) in &roles.by_name {
        model.insert(name.to_string(), format!("{:?} {:?}", role.acl, role.children));
    }
    let parameters = app.config.read().expect("parameters").iter();
    let parameters: Vec<_> =
        parameters.map(|(name, one)| (name.clone(), one.master_key_only, one.looks_secret)).collect();
    model.insert("parameters".to_owned(), format!("{parameters:?}"));
    let hosts = app.webhooks.read().map(|hooks| hooks.iter().map(|hook| hook.host.as_str()).collect::<Vec<_>>());
    model.insert("webhooks".to_owned(), format!("{hosts:?}"));
    model
}

#[track_caller]
fn same(source: &str, told: &BTreeMap<String, String>, expected: &BTreeMap<String, String>) {
    for (name, fact) in expected {
        assert_eq!(told.get(name), Some(fact), "{name}, told by {source}");
    }
    assert_eq!(told.len(), expected.len(), "{source}");
}

#[test]
fn one_app_is_one_model_whoever_tells_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let on_postgres = Server::start(&options());
    let database = Mongo::start(folder.path());
    let on_mongo = Server::start_on(&database.uri, &options());
    let rest = |url: &str| app(Parse::new(url, APP, Key::Master(MASTER.to_owned().into())).unwrap().read());
    fill(&on_postgres.url);
    fill(&on_mongo.url);
    let expected = model(&exported(&on_postgres.url));
    assert!(expected.len() > 200, "{}", expected.len());
    same("exports, from MongoDB", &model(&exported(&on_mongo.url)), &expected);
    same("PostgreSQL", &model(&app(postgres::Database::new(&on_postgres.database.uri).unwrap().read())), &expected);
    same("MongoDB", &model(&app(mongo::Database::new(&database.uri, None).unwrap().read())), &expected);
    same("REST, on PostgreSQL", &model(&rest(&on_postgres.url)), &expected);
    same("REST, on MongoDB", &model(&rest(&on_mongo.url)), &expected);
}
