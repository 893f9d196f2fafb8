//! A month of a running app: what its team agreed to is locked, five things happen, and drift tells them.

use std::fs;

use crate::binary::{Done, run_with};
use crate::servers::{Mongo, Server};
use crate::valid::assert_valid;
use crate::{APP, MASTER, READ_ONLY, send};
use serde_json::{Value, json};

/// What the server stores that neither a lock nor a report may have.
const CANARIES: [&str; 6] = ["canary", "ana@example.com", "lantern", MASTER, READ_ONLY, "hooks.example.com/"];

/// A shop as its team agreed to it: orders are for staff, and nearly all have an ACL.
struct Shop {
    server: Server,
    repository: tempfile::TempDir,
    roles: Vec<(&'static str, String)>,
}

impl Shop {
    fn open(database: &'static str, start: impl FnOnce(&Value) -> Server) -> Self {
        let repository = tempfile::tempdir().unwrap();
        let options = json!({ "appId": APP, "masterKey": MASTER, "readOnlyMasterKey": READ_ONLY,
            "serverURL": "http://127.0.0.1:1/parse", "webhookKey": "w", "requestLog": repository.path().join("requests") });
        let mut shop = Self { server: start(&options), repository, roles: Vec::new() };
        let product = json!({ "find": { "*": true }, "update": { "role:catalog": true, "role:staff": true } });
        shop.class("POST", "Order", &json!({ "cAddress": { "type": "String" } }), &orders("role:staff"));
        shop.class("POST", "Product", &json!({ "label": { "type": "String" } }), &product);
        shop.class("PUT", "_User", &json!({ "nick": { "type": "String" } }), &users(&json!({ "*": ["email"] })));
        shop.send("POST", "users", &json!({ "username": "ana", "password": "p", "email": "ana@example.com" }));
        for name in ["admin", "catalog", "contractors", "staff", "support"] {
            let id = shop.send("POST", "roles", &json!({ "name": name, "ACL": {} }));
            shop.roles.push((name, id["objectId"].as_str().unwrap().to_owned()));
        }
        shop.nest("support", "staff");
        shop.orders(3, false);
        shop.orders(97, true);
        shop.send("PUT", "graphql-config", &json!({ "params": { "enabledForClasses": ["Product"] } }));
        shop.send("PUT", "config", &json!({ "params": { "greeting": "canary-parameter" } }));
        shop.send(
            "POST",
            "hooks/functions",
            &json!({ "functionName": "pay", "url": "https://hooks.example.com/canary" }),
        );
        // Products are declared in code as well, as they are.
        let definition = json!({ "className": "Product", "fields": { "label": { "type": "String" } },
            "classLevelPermissions": product });
        let config =
            json!({ "appId": APP, "databaseURI": "postgres://db/shop", "schema": { "definitions": [definition] } });
        fs::write(shop.repository.path().join("config.json"), config.to_string()).unwrap();
        let environments =
            format!("[env.database]\n{database} = \"env\"\n\n[env.rest]\nserver = \"{}\"\n", shop.server.url);
        fs::write(shop.repository.path().join("parse-audit.toml"), environments).unwrap();
        shop
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        send(&self.server.url, method, path, body)
    }

    fn class(&self, method: &str, name: &str, fields: &Value, permissions: &Value) {
        let body = json!({ "className": name, "fields": fields, "classLevelPermissions": permissions });
        self.send(method, &format!("schemas/{name}"), &body);
    }

    /// Whoever is in `inner` is in `outer` too.
    fn nest(&self, inner: &str, outer: &str) {
        let id = |name: &str| self.roles.iter().find(|(role, _)| *role == name).unwrap().1.clone();
        let pointer = json!({ "__type": "Pointer", "className": "_Role", "objectId": id(inner) });
        let roles = json!({ "roles": { "__op": "AddRelation", "objects": [pointer] } });
        self.send("PUT", &format!("roles/{}", id(outer)), &roles);
    }

    fn orders(&self, count: usize, with_acl: bool) {
        let mut row = json!({ "cAddress": "canary lane" });
        if with_acl {
            row["ACL"] = json!({ "role:staff": { "read": true, "write": true } });
        }
        let request = json!({ "method": "POST", "path": "/parse/classes/Order", "body": row });
        for _ in 0..count {
            self.send("POST", "classes/Order", &request["body"]);
        }
    }

    /// What happens until the next review.
    fn month(&self) {
        self.orders(157, false);
        self.class("PUT", "Order", &json!({}), &orders("*"));
        self.nest("contractors", "support");
        self.class("PUT", "_User", &json!({}), &users(&json!({ "*": ["email"], "authenticated": ["nick"] })));
        let narrowed = json!({ "find": { "*": true }, "update": { "role:catalog": true } });
        self.class("PUT", "Product", &json!({}), &narrowed);
        self.send("PUT", "graphql-config", &json!({ "params": { "enabledForClasses": ["Order", "Product"] } }));
    }

    #[track_caller]
    fn run(&self, args: &[&str], code: i32) -> Done {
        let variables = [
            ("PARSE_SERVER_DATABASE_URI", self.server.database.uri.as_str()),
            ("PARSE_SERVER_APPLICATION_ID", APP),
            ("PARSE_SERVER_READ_ONLY_MASTER_KEY", READ_ONLY),
        ];
        let done = run_with(self.repository.path(), args, &variables);
        assert_eq!(done.code, code, "{}", done.all());
        for canary in CANARIES {
            assert!(!done.all().contains(canary), "{canary}: {}", done.all());
        }
        done
    }

    fn lock(&self, environment: &str) -> String {
        fs::read_to_string(self.repository.path().join(format!("parse-audit/{environment}.lock.toml"))).unwrap()
    }
}

fn orders(who: &str) -> Value {
    json!({ "find": { who: true }, "get": { who: true }, "count": { who: true }, "create": { "*": true } })
}

fn users(protected: &Value) -> Value {
    json!({ "find": { "requiresAuthentication": true }, "protectedFields": protected })
}

#[test]
fn a_month_of_an_app_on_postgresql_is_told_as_what_it_means() {
    review(&Shop::open("postgres", Server::start));
}

#[test]
fn a_month_of_an_app_on_mongodb_is_told_as_what_it_means() {
    let folder = tempfile::tempdir().unwrap();
    let mongo = Mongo::start(&folder.path().join("data"));
    review(&Shop::open("mongodb", |options| Server::start_on(&mongo.uri, options)));
}

/// What is agreed to is locked, a month goes by, and drift is told from the database and over REST.
fn review(shop: &Shop) {
    for environment in ["database", "rest"] {
        shop.run(&["snapshot", "--env", environment], 0);
        let first = shop.lock(environment);
        shop.run(&["snapshot", "--env", environment, "--check"], 0);
        shop.run(&["snapshot", "--env", environment], 0);
        assert_eq!(shop.lock(environment), first);
        for canary in CANARIES {
            assert!(!first.contains(canary), "{canary}: {first}");
        }
        shop.run(&["drift", "--env", environment], 0);
    }
    shop.month();
    for environment in ["database", "rest"] {
        let done = shop.run(&["drift", "--env", environment, "-o", "json", "-o", "sarif=drift.sarif"], 1);
        let report: Value = serde_json::from_str(&done.text()).unwrap();
        let mut told: Vec<String> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                let word = |key: &str| finding[key].as_str().unwrap().to_owned();
                format!("{} {} {}", word("severity"), word("rule"), word("subject"))
            })
            .collect();
        told.sort();
        let expected = [
            "critical drift-composition Order:public",
            "high drift-field-exposed _User.email",
            "high drift-role-widened role:contractors",
            "info drift-grant-narrowed Product.update",
            "low drift-class-exposed GraphQL",
            "medium drift-pending-wider Product.update",
        ];
        assert_eq!(told, expected, "{environment}: {}", done.text());
        let text = shop.run(&["drift", "--env", environment], 1).text();
        for line in ["Order.find, get, count: role:staff → public", "rows of Order without an ACL", "live only"] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let log = shop.repository.path().join("drift.sarif");
        assert_valid(shop.repository.path(), std::slice::from_ref(&log));
        let log: Value = serde_json::from_str(&fs::read_to_string(log).unwrap()).unwrap();
        assert_eq!(log["runs"][0]["automationDetails"]["id"], format!("parse-audit/live/{environment}/"));
    }
    // Whatever was asked over REST, by every command, was asked by GET, and for no row of a class.
    shop.run(&["check", "--env", "rest", "--probe", "--exit-zero"], 0);
    shop.run(&["who-can", "find", "Order", "--env", "rest"], 0);
    let requests = fs::read_to_string(shop.repository.path().join("requests")).unwrap();
    assert!(requests.lines().count() > 100, "{requests}");
    for request in requests.lines() {
        assert!(request.starts_with("GET "), "{request}");
        let rows = request.contains("/classes/") && !request.contains("limit=0") && !request.contains("%22%2D%22");
        assert!(!rows, "{request}");
    }
}
