//! Nothing of people's data and no key gets into any output.
//!
//! Keys and personal values are made up while the test runs, planted wherever an app
//! stores such things, and looked for in everything the program says, plain and encoded.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod binary;
#[path = "redaction/kinds.rs"]
mod kinds;
#[path = "redaction/leaks.rs"]
mod leaks;
#[path = "redaction/panics.rs"]
mod panics;
#[path = "history/repository.rs"]
#[allow(dead_code, reason = "each test uses a part")]
mod repository;
#[path = "redaction/typed.rs"]
mod typed;

use std::fs;
use std::path::Path;

use binary::{Done, run, write};
use leaks::{Leaks, base64};
use serde_json::{Value, json};

/// Makes up values, the same in every run.
struct Planter {
    state: u64,
    planted: Vec<(String, String)>,
}

impl Planter {
    fn new() -> Self {
        Self { state: 0x2545_f491_4f6c_dd1d, planted: Vec::new() }
    }

    fn letter(&mut self) -> char {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        char::from(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"[(self.state >> 33) as usize % 57])
    }

    /// A value to plant: `{}` in the pattern becomes letters and digits.
    fn plant(&mut self, what: &str, pattern: &str, length: usize) -> String {
        let random: String = (0..length).map(|_| self.letter()).collect();
        assert!(!self.planted.iter().any(|(_, planted)| *planted == random));
        self.planted.push((what.to_owned(), random.clone()));
        pattern.replace("{}", &random)
    }

    fn key(&mut self, what: &str) -> String {
        self.plant(what, "{}", 40)
    }

    fn id(&mut self, what: &str) -> String {
        self.plant(what, "{}", 10)
    }
}

fn lines(rows: &[Value]) -> Vec<u8> {
    rows.iter().map(|row| format!("{row}\n")).collect::<String>().into_bytes()
}

/// A document of texts, lists of texts and documents as BSON.
fn bson(document: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    let entries: Vec<(String, &Value)> = match document {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(number, value)| (number.to_string(), value)).collect(),
        other => panic!("{other} is no document"),
    };
    for (name, value) in entries {
        let (kind, bytes) = match value {
            Value::String(text) => {
                let length = i32::try_from(text.len() + 1).unwrap();
                (2, [&length.to_le_bytes(), text.as_bytes(), b"\0"].concat())
            }
            Value::Array(_) => (4, bson(value)),
            _ => (3, bson(value)),
        };
        body.push(kind);
        body.extend(name.as_bytes());
        body.push(0);
        body.extend(bytes);
    }
    let length = i32::try_from(body.len() + 5).unwrap();
    [&length.to_le_bytes(), body.as_slice(), b"\0"].concat()
}

/// An app with a secret in every place that can hold one.
fn app(folder: &Path, planter: &mut Planter) {
    let user = planter.id("id of a user");
    let address = planter.plant("address", "{}@example.test", 12);
    let phone = planter.plant("phone", "+49 {}", 12);
    let hash = planter.plant("password hash", "$2y$10${}", 53);
    let provider = planter.key("token of a provider");
    let row = json!({ "_id": user, "username": planter.id("username"), "email": address, "phone": phone,
        "_hashed_password": hash, "_auth_data_facebook": { "id": planter.id("id at a provider"), "access_token": provider },
        "_perishable_token": planter.key("token to reset a password"), "_rperm": ["*"], "_wperm": [user] });
    let session = json!({ "_id": planter.id("id of a session"), "_session_token": planter.plant("session", "r:{}", 32),
        "_p_user": format!("_User${user}"), "createdWith": { "action": "login" }, "_created_at": {} });
    let orphan = planter.id("id in an ACL");
    let order = json!({ "objectId": planter.id("id of a row"), "createdAt": "2026-01-01T00:00:00.000Z",
        "address": planter.key("address of a buyer"), "ACL": { orphan: { "read": true, "write": true }, "*": { "read": true } } });
    let config = json!({ "params": { "paymentApiKey": planter.plant("payment key", "sk_live_{}", 30),
        "mailPassword": planter.key("mail password") }, "masterKeyOnly": {} });
    let hook = json!({ "functionName": "charge", "url": format!("http://{}:{}@hooks.example.test/{}?key={}",
        planter.id("hook user"), planter.key("hook password"), planter.key("hook path"), planter.key("hook query")) });
    let master = planter.key("master key");
    let server = json!({ "appId": "shop", "masterKey": master, "restAPIKey": master, "clientKey": planter.key("client key"),
        "readOnlyMasterKey": planter.key("read-only master key"), "webhookKey": planter.key("webhook key"),
        "databaseURI": format!("mongodb://app:{}@db.example.test/app", planter.key("database password")),
        "allowClientClassCreation": true, "enableAnonymousUsers": true,
        "push": { "ios": { "token": planter.key("push key") } }, "masterKeyIps": ["0.0.0.0/0"] });
    let in_clp = planter.id("id in permissions");
    let class = |name: &str, default: String, id: &str| {
        json!({ "className": name,
        "fields": { "objectId": { "type": "String" }, "apiKey": { "type": "String", "defaultValue": default }, "email": { "type": "String" } },
        "classLevelPermissions": { "find": { "*": true, id: true }, "get": { id: true }, "delete": { "*": true }, "addField": { "*": true },
            "create": { id: true }, "protectedFields": { "*": ["email"], id: [] }, "ACL": { id: { "read": true, "write": true } } } })
    };
    let pretty = class("Order", planter.key("default of a field"), &in_clp);
    // The default stands right before the permission that is pointed at.
    let minified = format!(
        r#"{{"className":"Cart","fields":{{"objectId":{{"type":"String"}},"email":{{"type":"String"}},"apiKey":{{"type":"Object","defaultValue":{{"a":["x",{{"{}":"{}"}}],"b":"{}"}}}}}},"classLevelPermissions":{{"delete":{{"*":true,"{in_clp}":true}},"addField":{{"*":true}}}}}}"#,
        planter.id("key in a default"),
        planter.id("nested default"),
        planter.id("second nested default"),
    );
    let csv_id = planter.id("id in a CSV cell");
    let csv = format!(
        "objectId,createdAt,ACL,iban\n{},x,\"{{\"\"{csv_id}\"\":{{\"\"read\"\":true}}}}\",{}\n",
        planter.id("id in CSV"),
        planter.key("cell of CSV")
    );
    let stored = json!({ "_id": planter.id("id in BSON"), "_hashed_password": planter.key("hash in BSON"),
        "_rperm": [planter.id("reader in BSON"), "*"], "_wperm": [], "email": planter.key("address in BSON") });
    let sql = format!(
        "-- PostgreSQL database dump\nCOPY public.\"Bill\" (\"objectId\", note, _rperm, _wperm) FROM stdin;\n{}\t{}\t{{*}}\t{{{}}}\n\\.\n",
        planter.id("id in SQL"),
        planter.key("cell of SQL"),
        planter.id("writer in SQL"),
    );
    let export = json!({ "_id": "1", "masterKey": planter.key("master key in an export"), "_created_at": {} });
    let code = format!(
        "const config = require('../server.json');\nParse.initialize('shop', '{}', '{}');\n",
        planter.key("key in code"),
        planter.key("master key in code")
    );
    write(
        folder,
        &[
            ("cloud/main.js", code.as_bytes()),
            ("data/_User.ndjson", &lines(&[row])),
            ("data/_Session.ndjson", &lines(&[session])),
            ("data/Order.json", json!({ "results": [order] }).to_string().as_bytes()),
            ("data/_GlobalConfig.json", &serde_json::to_vec_pretty(&config).unwrap()),
            ("data/_Hooks.ndjson", &lines(&[hook])),
            ("data/_ExportProgress.ndjson", &lines(&[export])),
            ("data/Cart.csv", csv.as_bytes()),
            ("dump/_User.bson", &bson(&stored)),
            ("dump/app.sql", sql.as_bytes()),
            ("server.json", &serde_json::to_vec_pretty(&server).unwrap()),
            ("schema/Order.json", &serde_json::to_vec_pretty(&pretty).unwrap()),
            ("schema/Cart.json", minified.as_bytes()),
        ],
    );
}

/// Keys in files that describe nothing, some twice on a line and some in other encodings.
fn code(folder: &Path, planter: &mut Planter) {
    let env = format!(
        "MASTER_KEY={}\nSMTP_PASSWORD='{}'\n",
        planter.key("master key in .env"),
        planter.key("password in .env")
    );
    let script = format!(
        "new ParseServer({{ masterKey: '{}', databaseURI: 'mongodb://a:{}@db.shop.net/b', fileKey: '{}' }});\n",
        planter.key("master key in code"),
        planter.key("database password in code"),
        planter.key("file key in code"),
    );
    let compose = format!("environment:\n  DB_PASSWORD: {}\n", planter.key("password in a compose file"));
    let body = planter.plant("private key", "{}", 200);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let alone = base64(planter.plant("master key in base64", "{}", 27).as_bytes());
    let more = format!("a: 1\nmasterKey: '{}'\n   ", planter.plant("master key in a file in base64", "{}", 24));
    let cluster = format!("kind: Secret\ndata:\n  masterKey: {alone}\n  all: {}\n", base64(&more.as_bytes()[..45]));
    let wide = format!("masterKey: '{}',", planter.key("master key in UTF-16"));
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(wide.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let narrow = format!("// \u{e9}\nmasterKey: '{}',", planter.key("master key in Latin-1"));
    let narrow: Vec<u8> = narrow.chars().map(|character| character as u8).collect();
    write(
        folder,
        &[
            (".env", env.as_bytes()),
            ("index.js", script.as_bytes()),
            ("copy/index.js", script.as_bytes()),
            ("docker-compose.yml", compose.as_bytes()),
            ("deploy/cluster.yaml", cluster.as_bytes()),
            ("certs/push.p8", pem.as_bytes()),
            ("wide.js", &wide),
            ("narrow.js", &narrow),
        ],
    );
}

/// Files of which the program has to say why it cannot read them.
fn broken(folder: &Path, planter: &mut Planter) {
    let mut secret = |what: &str| planter.key(what);
    let cut = format!(r#"{{ "className": "Cut", "classLevelPermissions": {{ "find": "{}"#, secret("cut JSON"));
    let bare = format!(r#"{{ "className": "Bare", "classLevelPermissions": {} }}"#, secret("bare word"));
    let escape = format!(r#"{{ "className": "E", "classLevelPermissions": "\q{}" }}"#, secret("bad escape"));
    let row = format!(
        "{{ \"objectId\": \"a\", \"createdAt\": \"\", \"ACL\": \"{}\" }}\n{}",
        secret("odd ACL"),
        secret("no JSON")
    );
    let config = format!(r#"{{ "masterKey": "{}", "appId": "a", "databaseURI": }}"#, secret("key in broken config"));
    let mut cut_bson = bson(&json!({ "_id": secret("cut BSON"), "_rperm": [], "email": secret("cut BSON text") }));
    cut_bson.truncate(cut_bson.len() - 9);
    let sql = format!("-- PostgreSQL database dump\nINSERT INTO public.\"A\" VALUES ('{}", secret("cut SQL"));
    let csv = format!("objectId,createdAt,ACL\n{},x,\"{{{}\n", secret("cut CSV"), secret("cut CSV cell"));
    let cut_code = format!("Parse.initialize('shop', '{}", secret("text in cut code"));
    let words = format!("const key = {} {};\n", secret("bare word in code"), secret("second word in code"));
    let page = format!("<p>{}</p><script>{}", secret("page"), secret("script of a page"));
    write(
        folder,
        &[
            ("cloud/cut.js", cut_code.as_bytes()),
            ("cloud/words.js", words.as_bytes()),
            ("cloud/page.ts", page.as_bytes()),
            ("broken/cut.json", cut.as_bytes()),
            ("broken/bare.json", bare.as_bytes()),
            ("broken/escape.json", escape.as_bytes()),
            ("broken/row.ndjson", row.as_bytes()),
            ("broken/server.json", config.as_bytes()),
            ("broken/_User.bson", &cut_bson),
            ("broken/a.sql", sql.as_bytes()),
            ("broken/b.csv", csv.as_bytes()),
        ],
    );
}

const REPORTS: [&[&str]; 10] = [
    &["check", ".", "--output", "text"],
    &["check", ".", "--output", "text", "--verbose", "--color", "always"],
    &["check", ".", "--output", "json"],
    &["check", ".", "--output", "sarif"],
    &["check", ".", "--output", "github"],
    &["check", ".", "--output", "csv"],
    &["check", ".", "--verbose", "--min-severity", "info"],
    &["check", "data"],
    &["check", "schema", "--verbose"],
    &["check", "server.json", "--verbose"],
];

const QUESTIONS: [&[&str]; 14] = [
    &["who-can", "find", "Order"],
    &["who-can", "get", "Order.email"],
    &["who-can", "create", "Cart"],
    &["who-can", "update", "_User"],
    &["who-can", "delete", "Order", "--verbose"],
    &["can", "public"],
    &["can", "any-user"],
    &["can", "anonymous-user"],
    &["can", "master-key"],
    &["can", "read-only-master-key"],
    &["explain", "find Order as public"],
    &["explain", "get Cart.email as any-user"],
    &["explain", "update _User as anonymous-user"],
    &["explain", "create Order as read-only-master-key"],
];

fn run_all(folder: &Path, planter: &Planter) -> Vec<Done> {
    let leaks = Leaks::new(&planter.planted);
    let mut found = Vec::new();
    let mut all = Vec::new();
    for args in REPORTS.into_iter().chain(QUESTIONS) {
        let done = run(folder, args);
        assert!(!done.out.is_empty(), "{args:?} said nothing: {}", done.err);
        found.extend(leaks.in_text(&format!("{args:?}"), &done.all()));
        all.push(done);
    }
    let files = ["text", "json", "sarif", "github", "csv"].map(|format| format!("{format}=out.{format}"));
    let args: Vec<&str> = ["check", "."].into_iter().chain(files.iter().flat_map(|file| ["-o", file])).collect();
    all.push(run(folder, &args));
    for file in files.iter().map(|file| file.split('=').next_back().unwrap()) {
        let said = fs::read_to_string(folder.join(file)).expect("a report");
        fs::remove_file(folder.join(file)).expect("a report");
        found.extend(leaks.in_text(file, &said));
    }
    assert!(found.is_empty(), "{} leaks\n{}", found.len(), found.join("\n"));
    all
}

#[test]
fn no_key_and_no_personal_value_is_in_any_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut planter = Planter::new();
    app(folder.path(), &mut planter);
    code(folder.path(), &mut planter);
    let done = run_all(folder.path(), &planter);
    for report in &done[..10] {
        assert_eq!((report.code <= 1, report.err.as_str()), (true, ""), "{}", report.text());
    }
    assert_eq!(done[0].code, 1);
    assert!(done[8].text().contains("\"defaultValue\""), "a default is in the shown line\n{}", done[8].text());
    for answer in &done[10..24] {
        assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{}", answer.text());
    }
    // The data was seen: every kind of credential and every open door is reported.
    let report: Value = serde_json::from_slice(&done[2].out).expect("JSON");
    let rules: Vec<&str> = report["findings"].as_array().unwrap().iter().filter_map(|f| f["rule"].as_str()).collect();
    for rule in [
        "config-secret-public",
        "export-master-key",
        "export-password-hashes",
        "export-session-tokens",
        "secret-compose-password",
        "secret-database-address",
        "secret-in-environment-file",
        "secret-parse-master-key",
        "secret-parse-master-key-in-configuration",
        "secret-private-key",
        "server-master-key-reused",
        "webhook-plain-http",
    ] {
        assert!(rules.contains(&rule), "{rule} is not among {rules:?}");
    }
    let matrix = done[5].text();
    for class in ["Order,", "Cart,", "Bill,", "_User,", "_Session,"] {
        assert!(matrix.contains(&format!("\n{class}")), "{class} is not in the matrix");
    }
}

#[test]
fn what_cannot_be_read_is_not_quoted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut planter = Planter::new();
    app(folder.path(), &mut planter);
    broken(folder.path(), &mut planter);
    let done = run_all(folder.path(), &planter);
    let report: Value = serde_json::from_slice(&done[2].out).expect("JSON");
    assert_eq!(done[2].code, 3);
    let text = done[0].text();
    for file in ["cut.js", "words.js", "page.ts"] {
        assert!(text.contains(&format!("cloud/{file}")), "{file} is not told\n{text}");
    }
    for file in ["cut.json", "bare.json", "escape.json", "_User.bson", "a.sql"] {
        assert!(text.contains(&format!("broken/{file}")), "{file} is not told\n{text}");
    }
    assert!(report["findings"].as_array().is_some_and(|findings| findings.len() > 5), "the rest is audited");
}
