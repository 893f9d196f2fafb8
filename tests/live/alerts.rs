//! What was found in a running app as alerts of code scanning: at the lines of its lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::binary::{Done, run_with};
use crate::servers::Server;
use crate::valid::assert_valid;
use crate::{APP, MASTER, send};
use serde_json::{Value, json};

/// The lock of the environment, from the folder that is audited.
const LOCK: &str = "parse-audit/production.lock.toml";

fn add_class(server: &Server, name: &str) {
    let open = json!({ "find": { "*": true }, "get": { "*": true }, "delete": { "*": true }, "protectedFields": {} });
    let fields = json!({ "email": { "type": "String" } });
    let class = json!({ "className": name, "fields": fields, "classLevelPermissions": open });
    send(&server.url, "POST", &format!("schemas/{name}"), &class);
}

/// A shop with an open class, a role that everybody may change, and a parameter that is a secret.
fn shop() -> Server {
    let server = Server::start(&json!({ "appId": APP, "masterKey": MASTER, "serverURL": "http://127.0.0.1:1/parse" }));
    add_class(&server, "Customer");
    send(&server.url, "POST", "classes/Customer", &json!({ "email": "ana@example.com" }));
    send(&server.url, "POST", "users", &json!({ "username": "ana", "password": "p", "email": "ana@example.com" }));
    let all = json!({ "*": { "read": true, "write": true } });
    send(&server.url, "POST", "roles", &json!({ "name": "staff", "ACL": all }));
    send(&server.url, "POST", "roles", &json!({ "name": "admin", "ACL": {} }));
    send(&server.url, "PUT", "config", &json!({ "params": { "secretToken": "canary-parameter" } }));
    server
}

/// Runs a command on the server and its database.
fn run(folder: &Path, server: &Server, args: &[&str]) -> Done {
    let live = ["--server", &server.url, "--postgres", "env"];
    let variables = [
        ("PARSE_SERVER_APPLICATION_ID", APP),
        ("PARSE_SERVER_MASTER_KEY", MASTER),
        ("PARSE_SERVER_DATABASE_URI", server.database.uri.as_str()),
    ];
    run_with(folder, &[args, &live].concat(), &variables)
}

/// The run of a log, after the validator found no fault in it.
fn valid(folder: &Path, log: &str) -> Value {
    assert_valid(folder, &[folder.join(log)]);
    let parsed: Value = serde_json::from_slice(&fs::read(folder.join(log)).unwrap()).unwrap();
    assert!(!parsed.to_string().contains("canary"), "{parsed}");
    parsed["runs"][0].clone()
}

/// For each result its name: the file, what its line states, and the fingerprint of the line.
fn places(folder: &Path, run: &Value) -> BTreeMap<String, (String, String, String)> {
    let mut places = BTreeMap::new();
    for result in run["results"].as_array().unwrap() {
        let place = &result["locations"][0];
        let subject = place["logicalLocations"][0]["fullyQualifiedName"].as_str().unwrap();
        let uri = place["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap().to_owned();
        let line = place["physicalLocation"]["region"]["startLine"].as_u64().unwrap();
        let text = fs::read_to_string(folder.join(&uri)).expect("the file is in the repository");
        let line = text.lines().nth(usize::try_from(line).unwrap() - 1).expect("the line is there");
        let fact = line.split(" = ").next().unwrap().to_owned();
        let hash = result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().to_owned();
        let name = format!("{}:{subject}", result["ruleId"].as_str().unwrap());
        assert!(places.insert(name, (uri, fact, hash)).is_none(), "{subject}");
    }
    places
}

#[test]
fn what_a_running_app_answers_is_shown_at_the_lines_of_its_lock() {
    let server = shop();
    let folder = tempfile::tempdir().unwrap();
    let local = json!({ "className": "Local", "fields": {}, "classLevelPermissions": { "delete": { "*": true } } });
    fs::write(folder.path().join("Local.json"), local.to_string()).unwrap();

    // Without a lock there is no line to point to.
    let refused = run(folder.path(), &server, &["check", "-o", "sarif=live.sarif"]);
    assert_eq!(refused.code, 2, "{}", refused.all());
    assert!(refused.err.contains(LOCK) && refused.err.contains("parse-audit snapshot"), "{}", refused.err);

    assert_eq!(run(folder.path(), &server, &["snapshot"]).code, 0);
    let alone = run(folder.path(), &server, &["check"]);
    let both = run(folder.path(), &server, &["check", "-o", "text", "-o", "sarif=live.sarif"]);
    assert_eq!((both.code, both.text()), (1, alone.text()), "the text is as it was");
    let log = valid(folder.path(), "live.sarif");
    assert_eq!(log["automationDetails"]["id"], json!("parse-audit/live/production/"));
    let before = places(folder.path(), &log);
    for (name, fact) in [
        ("clp-public-delete:Customer.delete", "class.Customer.allow.delete"),
        ("clp-public-read-personal-data:Customer.find", "class.Customer.allow.find"),
        ("config-secret-public:_GlobalConfig.secretToken", "config.secretToken"),
        ("database-user-of-more:database 127.0.0.1", "lock.format"),
        ("package-advisory:parse-server@9.10.0", "server.version"),
        ("role-creatable:_Role.create", "class._Role.allow.create"),
        ("role-row-writable:role:staff", "role.staff.changed-by"),
    ] {
        let (uri, line, _) = before.get(name).unwrap_or_else(|| panic!("{name} is not among {:?}", before.keys()));
        assert_eq!((uri.as_str(), line.as_str()), (LOCK, fact), "{name}");
    }
    assert_eq!(before["clp-public-delete:Local.delete"].0, "Local.json");
    let distinct: BTreeSet<_> =
        before.iter().map(|(name, (uri, _, hash))| (name.split(':').next(), uri, hash)).collect();
    assert_eq!(distinct.len(), before.len(), "no two findings are one alert");

    let annotated = run(folder.path(), &server, &["check", "-o", "github"]).text();
    let start = format!("::error file={LOCK},line=");
    let of_delete = |line: &str| line.starts_with(&start) && line.contains("[clp-public-delete]");
    assert!(annotated.lines().any(of_delete), "{annotated}");
    assert!(!annotated.contains("file=http"), "{annotated}");

    // Another class changes no other alert, and until the lock knows it it stands near.
    add_class(&server, "Batch");
    let unknown = run(folder.path(), &server, &["check", "-o", "sarif=live.sarif"]);
    assert_eq!(unknown.code, 1, "{}", unknown.all());
    let near = places(folder.path(), &valid(folder.path(), "live.sarif"));
    assert_eq!(near["clp-public-delete:Batch.delete"].1, "lock.format");
    assert_eq!(run(folder.path(), &server, &["snapshot"]).code, 0);
    run(folder.path(), &server, &["check", "-o", "sarif=live.sarif"]);
    let after = places(folder.path(), &valid(folder.path(), "live.sarif"));
    assert_eq!(after["clp-public-delete:Batch.delete"].1, "class.Batch.allow.delete");
    for (name, place) in &before {
        assert_eq!((near.get(name), after.get(name)), (Some(place), Some(place)), "{name}");
    }

    // What was not read whole would close alerts.
    fs::remove_file(folder.path().join("live.sarif")).unwrap();
    let variables = [("PARSE_SERVER_APPLICATION_ID", APP), ("PARSE_SERVER_MASTER_KEY", "wrong")];
    let args = ["check", "--server", &server.url, "-o", "sarif=live.sarif"];
    let incomplete = run_with(folder.path(), &args, &variables);
    assert_eq!(incomplete.code, 3, "{}", incomplete.all());
    assert!(incomplete.err.contains("no SARIF was written"), "{}", incomplete.all());
    assert!(!folder.path().join("live.sarif").exists());
}
