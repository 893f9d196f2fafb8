//! A running Parse Server, read over REST.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::servers::Server;
use crate::{APP, MASTER, READ_ONLY, send};
use parse_audit::live::{self, Counts};
use parse_audit::model::census::Shape;
use parse_audit::model::{App, Operation};
use parse_audit::permit::Engine;
use parse_audit::read::{Input, Settings, Silent, read};
use serde_json::{Value, json};

/// What the server stores that no output may have.
const CANARIES: [&str; 4] = ["ana@example.com", "canary-parameter", "canary-path", MASTER];

/// A shop with an open class, a closed one, nested roles, a parameter and a webhook.
fn shop() -> Server {
    let options = json!({ "appId": APP, "masterKey": MASTER, "readOnlyMasterKey": READ_ONLY,
        "serverURL": "http://127.0.0.1:1/parse", "webhookKey": "w", "security": { "enableCheck": true } });
    let server = Server::start(&options);
    let url = &server.url;
    let open = json!({ "find": { "*": true }, "get": { "*": true }, "delete": { "*": true } });
    let fields = json!({ "email": { "type": "String" } });
    send(
        url,
        "POST",
        "schemas/Customer",
        &json!({ "className": "Customer", "fields": fields, "classLevelPermissions": open }),
    );
    let closed = json!({ "find": { "role:staff": true }, "get": { "role:staff": true } });
    send(url, "POST", "schemas/Order", &json!({ "className": "Order", "classLevelPermissions": closed }));
    let user = send(url, "POST", "users", &json!({ "username": "ana", "password": "p", "email": "ana@example.com" }));
    let role = |name: &str, inner: Option<&str>, users: &[&str]| {
        let pointers = |class: &str, ids: &[&str]| -> Vec<Value> {
            ids.iter().map(|id| json!({ "__type": "Pointer", "className": class, "objectId": id })).collect()
        };
        let mut role = json!({ "name": name, "ACL": { "*": { "read": true } } });
        if let Some(inner) = inner {
            role["roles"] = json!({ "__op": "AddRelation", "objects": pointers("_Role", &[inner]) });
        }
        if !users.is_empty() {
            role["users"] = json!({ "__op": "AddRelation", "objects": pointers("_User", users) });
        }
        send(url, "POST", "roles", &role)["objectId"].as_str().unwrap().to_owned()
    };
    let trainees = role("trainees", None, &[user["objectId"].as_str().unwrap()]);
    role("staff", Some(&trainees), &[]);
    send(url, "PUT", "config", &json!({ "params": { "secretToken": "canary-parameter" } }));
    let hook = json!({ "functionName": "pay", "url": "http://hooks.example.com/canary-path" });
    send(url, "POST", "hooks/functions", &hook);
    server
}

fn check(folder: &Path, url: &str, key: &str) -> Output {
    let mut check = Command::new(env!("CARGO_BIN_EXE_parse-audit"));
    check.arg("check").arg(folder).args(["--server", url, "-o", "json"]);
    check.env("PARSE_SERVER_APPLICATION_ID", APP).env("PARSE_SERVER_READ_ONLY_MASTER_KEY", key);
    check.output().expect("the program runs")
}

/// Who reaches what, for every principal, class and operation.
fn matrix(app: &App) -> BTreeMap<String, String> {
    let engine = Engine::new(app);
    let mut cells = BTreeMap::new();
    for who in engine.principals() {
        for class in app.classes.values() {
            for op in Operation::ALL {
                let cell = engine.cell(&engine.caller(&who), class, op);
                cells.insert(format!("{who} {op} {}", class.name), format!("{cell:?}"));
            }
        }
    }
    cells
}

#[test]
fn a_running_app_is_audited_as_its_exports_are() {
    let server = shop();
    let folder = tempfile::tempdir().unwrap();

    let output = check(folder.path(), &server.url, READ_ONLY);
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let found: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in [
        "clp-public-delete:Customer.delete",
        "clp-public-read-personal-data:Customer.find",
        "config-secret-public:_GlobalConfig.secretToken",
        "server-own-check-failed:Secure database password",
    ] {
        assert!(found.contains(&name), "{name} is not among {found:?}");
    }
    assert!(!found.iter().any(|name| name.contains("Order")), "{found:?}");
    assert_eq!(report["problems"], json!([]));
    assert_eq!(
        report["app"]["server"]["version"].as_str().or(report["app"]["serverVersion"].as_str()),
        Some("9.10.0"),
        "{}",
        report["app"]
    );
    for canary in CANARIES.iter().chain(&[READ_ONLY]) {
        assert!(!text.contains(canary), "{canary} is shown");
    }

    let key = live::Key::ReadOnly(READ_ONLY.to_owned().into());
    let answers = live::Server::new(&server.url, APP, key).unwrap().read();
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    for (number, document) in answers.documents.iter().enumerate() {
        let at = folder.path().join(format!("{number}"));
        fs::create_dir(&at).unwrap();
        let live::Body::Text(text) = &document.body else { panic!("facts alone") };
        fs::write(at.join(&document.name), text.as_slice()).unwrap();
    }
    let of_answers = Settings { answers: answers.documents, ..Settings::default() };
    let of_server = read(&Input::Memory(BTreeMap::new()), &of_answers, &Silent).snapshot.app;
    let of_files = read(&Input::Path(folder.path().to_owned()), &Settings::default(), &Silent).snapshot.app;
    let (live, exported) = (matrix(&of_server), matrix(&of_files));
    assert!(live.len() > 100 && live == exported);
    assert_eq!(of_server.server.version(), of_files.server.version());
    let webhooks = of_server.webhooks.read().expect("webhooks");
    assert_eq!((webhooks.len(), webhooks[0].host.as_str()), (1, "hooks.example.com"));
    let staff = of_server.roles.read().expect("roles").held_with([&"trainees".into()]);
    assert!(staff.contains("staff"), "who is in trainees holds staff, as trainees lies in it");
}

#[test]
fn what_the_server_lets_anyone_do_is_what_permissions_say_or_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = folder.path().join("main.js");
    fs::write(
        &cloud,
        "Parse.Cloud.beforeFind('Note', asked => { if (!asked.master) throw new Parse.Error(119, 'no'); });",
    )
    .unwrap();
    let server = Server::start(&json!({ "appId": APP, "masterKey": MASTER, "readOnlyMasterKey": READ_ONLY,
        "serverURL": "http://127.0.0.1:1/parse", "cloud": cloud, "graphQLPath": "/graphql", "playgroundPath": "/playground" }));
    let all = json!({ "*": true });
    for (class, find) in [
        ("Note", &all),
        ("Order", &all),
        ("Secret", &json!({})),
        ("Member", &json!({ "requiresAuthentication": true })),
    ] {
        let clp = json!({ "find": find, "get": find, "count": find });
        send(
            &server.url,
            "POST",
            &format!("schemas/{class}"),
            &json!({ "className": class, "classLevelPermissions": clp }),
        );
        for acl in [json!({}), json!({ "*": { "read": true } })] {
            send(&server.url, "POST", &format!("classes/{class}"), &json!({ "ACL": acl }));
        }
    }
    // ACLs of the same kinds in many classes are guessed from the second class on.
    for class in (0..8).map(|number| format!("classes/Alike{number}")) {
        for acl in [json!({}), json!({ "ACL": {} }), json!({ "ACL": { "*": { "read": true } } })] {
            send(&server.url, "POST", &class, &acl);
        }
    }
    let empty = tempfile::tempdir().unwrap();
    let key = live::Key::ReadOnly(READ_ONLY.to_owned().into());
    let answers = live::Server::new(&server.url, APP, key).unwrap().probing().read();
    assert!(answers.problems.is_empty(), "{:?}", answers.problems);
    let alike = answers.counts.iter().filter(|counts| counts.class.starts_with("Alike"));
    let numbers: Vec<[u64; 4]> = alike
        .map(|Counts { census, .. }| {
            let closed = census.count(Shape::is_master_only);
            [census.rows(), census.count(Shape::is_missing), closed, census.count(Shape::is_public_read)]
        })
        .collect();
    assert_eq!(numbers, [[3, 1, 1, 2]; 8]);
    let settings = Settings { answers: answers.documents, counts: answers.counts, ..Settings::default() };
    let app = read(&Input::Memory(BTreeMap::new()), &settings, &Silent).snapshot.app;
    let probe = app.probe.read().expect("answers");
    let allows = |class: &str, op| probe.allows.get(&(class.into(), op)).copied();
    for op in [Operation::Find, Operation::Get, Operation::Count] {
        assert_eq!(allows("Order", op), Some(true), "{op}");
        assert_eq!(allows("Secret", op), Some(false), "{op}");
        assert_eq!(allows("Member", op), Some(false), "{op}");
    }
    assert_eq!(
        probe.counted.get(&parse_audit::model::ClassName::from("Order")),
        Some(&1),
        "one of two rows is for everyone"
    );

    let mut check = Command::new(env!("CARGO_BIN_EXE_parse-audit"));
    check.arg("check").arg(empty.path()).args(["--server", &server.url, "--probe", "-o", "json", "--select", "live"]);
    check.env("PARSE_SERVER_APPLICATION_ID", APP).env("PARSE_SERVER_READ_ONLY_MASTER_KEY", READ_ONLY);
    let output = check.output().expect("the program runs");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let gaps: Vec<&str> =
        report["notChecked"].as_array().unwrap().iter().map(|gap| gap["topic"].as_str().unwrap()).collect();
    assert!(!gaps.iter().any(|gap| gap.contains("role") || gap.contains("Role")), "there are none: {gaps:?}");
    let mut names: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    let expected = [
        "probe-graphql-introspection:open-introspection",
        "probe-graphql-playground:open-playground",
        "probe-lets-less:Note.count",
        "probe-lets-less:Note.find",
        "probe-lets-less:Note.get",
    ];
    assert_eq!(names, expected, "{report}");
}

#[test]
fn a_key_that_is_refused_is_told_and_nothing_is_found_to_be_well() {
    let server = shop();
    let folder = tempfile::tempdir().unwrap();
    let schema = json!({ "className": "Note", "fields": {}, "classLevelPermissions": { "find": {} } });
    fs::write(folder.path().join("Note.json"), schema.to_string()).unwrap();
    let output = check(folder.path(), &server.url, "wrong-key-of-nobody");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(
        text.contains("it refuses the application id, the key") && text.contains("the running app was not checked"),
        "{text}"
    );
    assert!(!text.contains("wrong-key-of-nobody"));
}
