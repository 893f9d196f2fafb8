//! What the changes of a month are told as.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::code::analysis::analyse;
use crate::code::risk::Sinks;
use crate::lock::Subject;
use crate::read::{Input, Settings, Silent, read};
use crate::rules::words::Words;
use crate::secrets::redact::Salt;

type Files = BTreeMap<String, String>;

fn lock_of(files: &Files) -> Lock {
    let app = read(&Input::Memory(files.clone()), &Settings::default(), &Silent).snapshot.app;
    let analysis = analyse(&app, &Sinks::default());
    let (words, salt) = (Words::new(Vec::new()).expect("words"), Salt::default());
    let subject = Subject { app: &app, analysis: &analysis, words: &words, salt: &salt, name: None, environment: "x" };
    Lock::of(subject, None)
}

fn schema(class: &str, fields: &str, permissions: &str) -> String {
    format!(r#"{{ "className": "{class}", "fields": {{ {fields} }}, "classLevelPermissions": {{ {permissions} }} }}"#)
}

const ADDRESS: &str = r#""cAddress": { "type": "String" }"#;

/// Orders whose ACL names staff, and so many without one.
fn orders(open: usize, of_staff: usize) -> String {
    let row = |number: usize, acl: &str| {
        format!(r#"{{ "objectId": "r{number}", "createdAt": "2026-01-01T00:00:00.000Z"{acl} }}"#)
    };
    let acl = r#", "ACL": { "role:staff": { "read": true, "write": true } }"#;
    let rows: Vec<String> = (0..open).map(|number| row(number, "")).collect();
    let more = (0..of_staff).map(|number| row(open + number, acl));
    format!(r#"{{ "results": [ {} ] }}"#, rows.into_iter().chain(more).collect::<Vec<_>>().join(", "))
}

fn roles(staff: &[&str], support: &[&str]) -> (String, String) {
    let names = ["admin", "contractors", "staff", "support"];
    let rows: Vec<String> = names
        .iter()
        .map(|name| {
            format!(
                r#"{{ "objectId": "{name}0", "name": "{name}", "createdAt": "2026-01-01T00:00:00.000Z", "ACL": {{}} }}"#
            )
        })
        .collect();
    let link = |owner: &str, child: &&str| format!(r#"{{ "owningId": "{owner}0", "relatedId": "{child}0" }}"#);
    let links: Vec<String> = staff
        .iter()
        .map(|child| link("staff", child))
        .chain(support.iter().map(|child| link("support", child)))
        .collect();
    (format!(r#"{{ "results": [ {} ] }}"#, rows.join(", ")), format!(r#"{{ "results": [ {} ] }}"#, links.join(", ")))
}

const ORDER: &str = r#""find": { "role:staff": true }, "get": { "role:staff": true }, "count": { "role:staff": true }, "create": { "*": true }, "update": { "role:staff": true }"#;
const PRODUCT: &str =
    r#""find": { "*": true }, "get": { "*": true }, "update": { "role:staff": true, "role:catalog": true }"#;
const USER: &str = r#""find": { "requiresAuthentication": true }, "get": { "requiresAuthentication": true }, "protectedFields": { "*": ["email"] }"#;

/// What was agreed to.
fn agreed() -> Files {
    let (rows, links) = roles(&["support"], &[]);
    let files = [
        ("schema/Order.json", schema("Order", ADDRESS, ORDER)),
        ("schema/Product.json", schema("Product", r#""label": { "type": "String" }"#, PRODUCT)),
        ("schema/_User.json", schema("_User", r#""nick": { "type": "String" }"#, USER)),
        ("export/Order.json", orders(3, 97)),
        ("export/_Role.json", rows),
        ("export/_Join:roles:_Role.json", links),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect()
}

fn with(mut files: Files, path: &str, text: String) -> Files {
    files.insert(path.to_owned(), text);
    files
}

fn told(from: &Files, to: &Files) -> Vec<(&'static str, String, Severity)> {
    let drift = drift(&lock_of(from), &lock_of(to), &|_| false);
    drift.changes.into_iter().map(|change| (change.kind, change.subject, change.severity)).collect()
}

fn rows_lost_their_acl(files: Files) -> Files {
    with(files, "export/Order.json", orders(61, 39))
}

fn orders_are_public(files: Files) -> Files {
    let public = ORDER.replacen("\"role:staff\"", "\"*\"", 3);
    with(files, "schema/Order.json", schema("Order", ADDRESS, &public))
}

fn contractors_support(files: Files) -> Files {
    let (_, links) = roles(&["support"], &["contractors"]);
    with(files, "export/_Join:roles:_Role.json", links)
}

fn one_more_line_of_protection(files: Files) -> Files {
    let user = USER.replace(r#"["email"]"#, r#"["email"], "authenticated": ["nick"]"#);
    with(files, "schema/_User.json", schema("_User", r#""nick": { "type": "String" }"#, &user))
}

fn narrowed_by_hand(files: Files) -> Files {
    let product = PRODUCT.replace(r#""role:staff": true, "#, "");
    with(files, "schema/Product.json", schema("Product", r#""label": { "type": "String" }"#, &product))
}

#[test]
fn nothing_changes_between_an_app_and_itself() {
    assert!(told(&agreed(), &agreed()).is_empty());
}

#[test]
fn each_change_of_the_month_is_one_finding() {
    let agreed = agreed();
    let one = |files: Files| told(&agreed, &files);
    assert_eq!(one(rows_lost_their_acl(agreed.clone())), [("rows-opened", "Order".to_owned(), Severity::Medium)]);
    assert_eq!(
        one(orders_are_public(agreed.clone())),
        [("grant-widened", "Order.find+get+count".to_owned(), Severity::Critical)]
    );
    assert_eq!(
        one(contractors_support(agreed.clone())),
        [("role-widened", "role:contractors".to_owned(), Severity::High)]
    );
    assert_eq!(
        one(one_more_line_of_protection(agreed.clone())),
        [("field-exposed", "_User.email".to_owned(), Severity::High)]
    );
    assert_eq!(
        one(narrowed_by_hand(agreed.clone())),
        [("grant-narrowed", "Product.update".to_owned(), Severity::Info)]
    );
}

#[test]
fn two_harmless_changes_that_make_a_leak_are_one_finding_that_names_both() {
    let month = narrowed_by_hand(one_more_line_of_protection(contractors_support(orders_are_public(
        rows_lost_their_acl(agreed()),
    ))));
    let drift = drift(&lock_of(&agreed()), &lock_of(&month), &|_| false);
    let told: Vec<_> = drift.changes.iter().map(|change| (change.kind, change.subject.as_str())).collect();
    assert_eq!(
        told,
        [
            ("composition", "Order:public"),
            ("field-exposed", "_User.email"),
            ("role-widened", "role:contractors"),
            ("grant-narrowed", "Product.update"),
        ]
    );
    let composed = drift.changes.first().expect("a change");
    let parts: Vec<&str> = composed.parts.iter().map(|part| part.words.as_str()).collect();
    assert_eq!(
        parts,
        [
            "Order.find, get, count: role:staff → public",
            "rows of Order without an ACL 1-5% → 50-80%; read by role:staff 80-99% → 20-50%",
        ]
    );
    assert_eq!(composed.effect, "public can find, get and count Order (50-80% of the rows)");
    assert_eq!(drift.harmless, 0);
}

#[test]
fn what_is_not_read_any_more_is_told_and_nothing_seems_gone() {
    let mut less = agreed();
    less.remove("export/Order.json");
    less.remove("export/_Join:roles:_Role.json");
    assert_eq!(
        told(&agreed(), &less),
        [
            ("coverage-lost", "Order:rows".to_owned(), Severity::High),
            ("coverage-lost", "role-inheritance".to_owned(), Severity::High),
        ]
    );
    assert!(told(&less, &agreed()).is_empty(), "what is read for the first time is no drift");
}

#[test]
fn the_next_start_opens_what_was_narrowed_by_hand() {
    let changes = pending(&lock_of(&narrowed_by_hand(agreed())), &lock_of(&agreed()), &|_| false);
    let told: Vec<_> = changes.iter().map(|change| (change.kind, change.subject.as_str(), change.severity)).collect();
    assert_eq!(told, [("pending-wider", "Product.update", Severity::Medium)]);
    let back = pending(&lock_of(&agreed()), &lock_of(&narrowed_by_hand(agreed())), &|_| false);
    assert_eq!(back.first().map(|change| change.kind), Some("pending-narrower"));
}

#[test]
fn facts_that_are_ignored_are_counted() {
    let drift =
        drift(&lock_of(&agreed()), &lock_of(&orders_are_public(agreed())), &|key| key.is_below(&["class", "Order"]));
    assert_eq!((drift.changes.len(), drift.ignored), (0, 3));
}

#[test]
fn a_role_set_that_reaches_more_than_its_parts_is_found() {
    let hidden = format!(r#"{ORDER}, "protectedFields": {{ "*": ["cAddress"], "role:staff": ["cAddress"] }}"#);
    let shown = hidden.replace(r#""role:staff": ["cAddress"]"#, r#""role:staff": ["cAddress"], "role:admin": []"#);
    let before = with(agreed(), "schema/Order.json", schema("Order", ADDRESS, &hidden));
    let after = with(agreed(), "schema/Order.json", schema("Order", ADDRESS, &shown));
    let drift = drift(&lock_of(&before), &lock_of(&after), &|_| false);
    let effects: Vec<&str> = drift.changes.iter().map(|change| change.effect.as_str()).collect();
    assert_eq!(effects, ["role:admin + role:staff sees Order.cAddress"]);
}

/// The indexes of a class as `mongodump` writes them.
fn indexes(files: Files, class: &str, unique: &[&str]) -> Files {
    let index = |column: &&str| format!(r#"{{ "key": {{ "{column}": 1 }}, "name": "{column}_1", "unique": true }}"#);
    let all: Vec<String> = unique.iter().map(index).collect();
    let text = format!(r#"{{ "options": {{}}, "indexes": [ {} ], "collectionName": "{class}" }}"#, all.join(", "));
    with(files, &format!("dump/{class}.metadata.json"), text)
}

#[test]
fn indexes_that_a_source_cannot_tell_are_not_dropped() {
    let of_users = |unique: &[&str]| indexes(agreed(), "_User", unique);
    let (known, dropped) = (of_users(&["email", "username"]), of_users(&["username"]));
    let medium = |kind| vec![(kind, "_User:email".to_owned(), Severity::Medium)];
    assert_eq!(told(&known, &dropped), medium("unique-index-dropped"));
    assert_eq!(told(&dropped, &known), [("unique-index-new", "_User:email".to_owned(), Severity::Info)]);
    // A server tells nothing of them, and neither does a schema.
    assert_eq!(told(&known, &agreed()), [("coverage-lost", "indexes".to_owned(), Severity::Low)]);
    assert_eq!(told(&agreed(), &known), []);
    // Of some classes alone.
    let both = indexes(known.clone(), "Order", &["cAddress"]);
    assert_eq!(told(&both, &known), [("coverage-lost", "Order:unique".to_owned(), Severity::Low)]);
    assert_eq!(told(&known, &both), []);
    assert_eq!(told(&indexes(agreed(), "Order", &[]), &agreed()), []);
}

#[test]
fn a_class_that_graphql_shows_now_is_told_where_both_sides_know() {
    let shows = |enabled: &str| {
        let text = format!(r#"{{ "objectId": "1", "config": {{ "enabledForClasses": {enabled} }} }}"#);
        with(agreed(), "_GraphQLConfig.json", text)
    };
    let (few, more, all) = (shows(r#"["Product"]"#), shows(r#"["Order", "Product"]"#), shows("null"));
    let exposed = |severity| vec![("class-exposed", "GraphQL".to_owned(), severity)];
    assert_eq!(told(&few, &more), exposed(Severity::Low));
    assert_eq!(told(&more, &all), exposed(Severity::Low));
    assert_eq!(told(&all, &few), [("grant-narrowed", "GraphQL".to_owned(), Severity::Info)]);
    assert_eq!(told(&shows(r#"["Product", "Order", "Draft"]"#), &more), []);
    // Files tell nothing of it, and neither did a lock of before.
    assert_eq!(told(&few, &agreed()), [("coverage-lost", "graphql".to_owned(), Severity::Low)]);
    assert_eq!(told(&agreed(), &few), []);
    let mut older = lock_of(&agreed());
    older.set(Key::of(&["not-read", "graphql"]), None);
    assert_eq!(drift(&older, &lock_of(&few), &|_| false).changes, []);
    assert_eq!(drift(&older, &lock_of(&agreed()), &|_| false).changes, []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn the_order_of_the_month_does_not_matter(order in Just(vec![0u8, 1, 2, 3, 4]).prop_shuffle(), taken in 0usize..6) {
        let apply = |files: Files, number: &u8| match number {
            0 => rows_lost_their_acl(files),
            1 => orders_are_public(files),
            2 => contractors_support(files),
            3 => one_more_line_of_protection(files),
            _ => narrowed_by_hand(files),
        };
        let some = &order[..taken.min(5)];
        let mut sorted = some.to_vec();
        sorted.sort_unstable();
        let (a, b) = (some.iter().fold(agreed(), apply), sorted.iter().fold(agreed(), apply));
        prop_assert_eq!(told(&agreed(), &a), told(&agreed(), &b));
        prop_assert!(told(&a, &b).is_empty());
    }
}
