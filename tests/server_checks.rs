//! The checks that Parse Server runs on itself (`GET /security`), from files alone: each
//! configuration that fails one is found, and one that passes all is not.
//!
//! Source: Parse Server 9.10.0, `Security/CheckGroups/`; the words are its titles.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};

use parse_audit::audit;
use parse_audit::read::{self, Input, Silent};
use parse_audit::rules::loader;
use parse_audit::rules::program::Program;
use parse_audit::rules::words::Words;
use serde_json::{Value, json};

/// A check, a version that has it, what fails it, and the rule that says so.
fn checks() -> [(&'static str, &'static str, Value, &'static str); 14] {
    let read_only = json!({ "readOnlyMasterKey": "Lantern-77-Tulip-Sea", "readOnlyMasterKeyIps": ["0.0.0.0/0"] });
    let database = json!({ "databaseURI": "mongodb://shop:tulip@db/shop" });
    let live_query = json!({ "liveQuery": { "classNames": ["Message"], "regexTimeout": 0 } });
    let reset = json!({ "passwordPolicy": { "resetPasswordSuccessOnInvalidEmail": false } });
    [
        ("Secure master key", "5.6.0", json!({ "masterKey": "tulip" }), "server-master-key-weak"),
        ("Security log disabled", "5.6.0", json!({ "security": { "enableCheckLog": true } }), "server-check-logged"),
        (
            "Client class creation disabled",
            "9.10.0",
            json!({ "allowClientClassCreation": true }),
            "server-class-creation",
        ),
        (
            "Users are created without public access",
            "9.10.0",
            json!({ "enforcePrivateUsers": false }),
            "server-users-public",
        ),
        ("Secure database password", "5.6.0", database, "server-database-password-weak"),
        (
            "Insecure auth adapters disabled",
            "8.6.94",
            json!({ "enableInsecureAuthAdapters": true }),
            "server-insecure-auth-adapters",
        ),
        (
            "GraphQL public introspection disabled",
            "8.6.94",
            json!({ "graphQLPublicIntrospection": true }),
            "server-graphql-introspection",
        ),
        (
            "Public database explain disabled",
            "8.6.94",
            json!({ "databaseOptions": { "allowPublicExplain": true } }),
            "server-explain-public",
        ),
        (
            "Request complexity limits enabled",
            "9.10.0",
            json!({ "requestComplexity": { "includeDepth": -1 } }),
            "server-include-depth-unlimited",
        ),
        ("LiveQuery regex timeout enabled", "9.10.0", live_query, "server-live-query-regex-unlimited"),
        ("Password reset endpoint user enumeration mitigated", "9.10.0", reset, "server-reset-tells"),
        (
            "Email verification endpoint user enumeration mitigated",
            "9.10.0",
            json!({ "emailVerifySuccessOnInvalidEmail": false }),
            "server-verify-email-tells",
        ),
        ("GraphQL Playground disabled", "9.10.0", json!({ "mountPlayground": true }), "server-playground"),
        ("Read-only master key IP range restricted", "9.10.0", read_only, "server-read-only-key-from-anywhere"),
    ]
}

/// A configuration that passes all checks.
fn passing() -> Value {
    json!({
        "appId": "shop",
        "masterKey": "Harbour-Pencil-2-and-More",
        "databaseURI": "mongodb://shop:Cedar-77310-and-More@db/shop",
        "security": { "enableCheckLog": false },
        "allowClientClassCreation": false,
        "enforcePrivateUsers": true,
        "enableInsecureAuthAdapters": false,
        "graphQLPublicIntrospection": false,
        "databaseOptions": { "allowPublicExplain": false },
        "requestComplexity": {
            "includeDepth": 10, "includeCount": 100, "subqueryDepth": 10, "queryDepth": 10, "graphQLDepth": 20,
            "graphQLFields": 200, "batchRequestLimit": 100
        },
        "liveQuery": { "classNames": ["Message"], "regexTimeout": 100 },
        "passwordPolicy": { "resetPasswordSuccessOnInvalidEmail": true },
        "emailVerifySuccessOnInvalidEmail": true,
        "mountPlayground": false,
        "readOnlyMasterKey": "Lantern-77-Tulip-Sea",
        "readOnlyMasterKeyIps": ["127.0.0.1", "::1"]
    })
}

/// The rules that find something in a configuration.
fn found(options: &Value, version: &str) -> BTreeSet<String> {
    let package = json!({ "name": "shop", "dependencies": { "parse-server": version } });
    let files = BTreeMap::from([
        ("package.json".to_owned(), package.to_string()),
        ("parse.json".to_owned(), options.to_string()),
    ]);
    let reading = read::read(&Input::Memory(files), &read::Settings::default(), &Silent);
    let words = Words::new(Vec::new()).expect("the built-in words");
    let program = Program::new(loader::built_in().expect("rules"), words);
    let outcome = audit::audit(&reading.snapshot, &program, Vec::new(), jiff::civil::date(2026, 1, 1));
    outcome.findings.into_iter().map(|finding| finding.rule.to_string()).collect()
}

#[test]
fn what_fails_a_check_of_the_server_is_found() {
    for (title, version, failing, rule) in checks() {
        let mut options = passing();
        let all = options.as_object_mut().expect("options");
        all.extend(failing.as_object().expect("options").clone());
        let found = found(&options, version);
        assert!(found.contains(rule), "{title}: {found:?}");
    }
}

#[test]
fn what_passes_all_checks_of_the_server_is_not_found() {
    let found = found(&passing(), "9.10.0");
    for (title, _, _, rule) in checks() {
        assert!(!found.contains(rule), "{title}: {found:?}");
    }
}

#[test]
fn limits_that_the_version_leaves_off_are_among_its_weak_defaults() {
    let mut options = passing();
    options.as_object_mut().expect("options").remove("requestComplexity");
    assert!(found(&options, "9.10.0").contains("server-weak-defaults"));
}
