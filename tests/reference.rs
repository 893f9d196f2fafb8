//! The permission engine against a slow re-telling of the server's own checks, on random apps.
//!
//! `tests/reference/server.rs` follows Parse Server 9.10.0 line by line on raw JSON; here every
//! principal, operation and row of an app is put to it and to the engine. The apps are the
//! same on every run; `PROPTEST_CASES` asks for more of them.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "reference/apps.rs"]
mod apps;
#[path = "reference/server.rs"]
mod server;

use std::collections::BTreeSet;

use parse_audit::model::census::Rows;
use parse_audit::model::{Class, FieldName, Known, Operation, Principal, UserId};
use parse_audit::permit::decide::Condition;
use parse_audit::permit::object::Side;
use parse_audit::permit::request::{Query, Row, RowFilter};
use parse_audit::permit::{Caller, Cell, Denial, Engine, Reach, Request, Verdict};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};
use serde_json::{Map, Value, json};
use server::{Asked, Auth, Database, matches, pointer};

fn config() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(4711),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

/// What happens to one row, or to a save that is about no row: refused with a code, or reached or not.
fn told(asked: &Result<Asked, u16>, row: Option<&Value>) -> Result<bool, u16> {
    match asked {
        Err(code) => Err(*code),
        Ok(Asked::Nobody) => Ok(false),
        Ok(Asked::Anything) => Ok(true),
        Ok(Asked::Rows(query)) => Ok(row.is_none_or(|row| matches(row, query))),
    }
}

/// The same, by the engine's verdict.
fn decided(verdict: &Verdict, auth: &Auth, row: Option<&Value>) -> Result<bool, u16> {
    let conditions = match verdict {
        Verdict::Allow => return Ok(true),
        Verdict::Deny(denial) => return Err(denial.code()),
        Verdict::If(conditions) => conditions,
        Verdict::Unknown(why) => panic!("everything was read, but the engine says: {why}"),
    };
    // What is asked of rows is not asked of a new object.
    let Some(row) = row else { return Ok(true) };
    let me = auth.user.as_deref().map(pointer);
    let refers = |value: &Value| match value {
        Value::Array(values) => values.iter().any(|value| Some(value) == me.as_ref()),
        value => Some(value) == me.as_ref(),
    };
    Ok(conditions.iter().all(|condition| match condition {
        Condition::PointsAtCaller(columns) => columns.iter().any(|column| refers(&row[column.as_str()])),
        Condition::OwnSession => refers(&row["user"]),
        Condition::Acl(Side::Read) => on_list(&row["_rperm"], &auth.acl_group()),
        Condition::Acl(Side::Write) => on_list(&row["_wperm"], &auth.acl_group()),
    }))
}

fn on_list(list: &Value, group: &[String]) -> bool {
    list.as_array().is_none_or(|list| list.iter().any(|entry| group.iter().any(|name| entry == name)))
}

/// Each operation with the rows to try it on; `None` is a save that is about no row.
fn tries<'d>(database: &'d Database, class: &str, op: &str) -> Vec<Option<&'d Value>> {
    match op {
        "create" | "addField" => vec![None],
        _ => database.rows[class].iter().map(Some).collect(),
    }
}

/// The cell of the access matrix that follows from the reference.
fn cell(database: &Database, auth: &Auth, class: &str, op: &str) -> Cell {
    let asked = database.request(auth, class, op);
    let plain = |reach| Cell { reach: Known::Read(reach), rows: Known::default(), dormant: false };
    let by_key = auth.is_master || (auth.is_maintenance && op != "count");
    let query = match asked {
        Err(_) | Ok(Asked::Nobody) => return plain(Reach::None),
        Ok(_) if by_key && !matches!(op, "create" | "addField") => {
            let total = database.rows[class].len() as u64;
            return Cell { rows: Known::Read(Rows::new(total, total)), ..plain(Reach::AllRows) };
        }
        Ok(Asked::Anything) => return plain(Reach::AllRows),
        Ok(Asked::Rows(query)) => query,
    };
    let side = if query.get("_rperm").is_some() { "_rperm" } else { "_wperm" };
    if query.as_object().is_some_and(|query| query.len() > 1) {
        return plain(Reach::OwnRows);
    }
    let rows = &database.rows[class];
    // Whoever the user is: its id counts for nothing.
    let group: Vec<String> = auth.acl_group().into_iter().filter(|name| Some(name) != auth.user.as_ref()).collect();
    let reached = rows.iter().filter(|row| on_list(&row[side], &group)).count();
    let names_user = |row: &Value| {
        let names = row[side].as_array().into_iter().flatten().filter_map(Value::as_str);
        auth.user.is_some() && names.into_iter().any(|name| name != "*" && !name.starts_with("role:"))
    };
    let reach = match (reached, rows.len()) {
        (reached, total) if reached == total => Reach::AllRows,
        (0, _) if rows.iter().any(names_user) => Reach::OwnRows,
        (0, _) => Reach::None,
        _ => Reach::SomeRows,
    };
    let rows = Known::Read(Rows::new(reached as u64, rows.len() as u64));
    Cell { reach: Known::Read(reach), rows, dormant: reach == Reach::None }
}

fn columns<'f>(fields: impl IntoIterator<Item = &'f FieldName>) -> BTreeSet<String> {
    fields.into_iter().map(ToString::to_string).collect()
}

/// A row of the class with a value in every column, and with `more`.
fn full_row(class: &Class, more: Value) -> Value {
    let names = class.fields.read().expect("columns").keys();
    let mut row: Map<String, Value> = names.map(|name| (name.to_string(), json!("x"))).collect();
    row.extend(more.as_object().expect("columns").clone());
    Value::Object(row)
}

fn stored(row: &Value) -> (UserId, parse_audit::model::Acl, &Map<String, Value>) {
    let id = row["objectId"].as_str().expect("an id");
    (UserId::of(id), apps::acl(row), row.as_object().expect("a row"))
}

/// Compares what a filter gives of a row with what the reference does.
fn compare_read(
    read: &Result<RowFilter<'_>, Denial>,
    engine: &Engine<'_>,
    (database, auth): (&Database, &Auth),
    (class, op, row): (&str, &str, &Value),
) -> Result<(), TestCaseError> {
    let given = read.as_ref().map_err(|denial| denial.code()).map(|filter| {
        let (id, acl, columns) = stored(row);
        filter.admits(Row { id, acl: &acl, columns })
    });
    prop_assert_eq!(&given, &told(&database.request(auth, class, op), Some(row)), "{} {} {}", class, op, row);
    let Ok(filter) = read else { return Ok(()) };
    if op == "count" || given != Ok(true) {
        return Ok(());
    }
    let (id, acl, columns) = stored(row);
    let hidden = filter.hidden_in(Row { id, acl: &acl, columns }, &engine.settings.behaviour);
    let shown = columns.keys().filter(|key| !key.starts_with('_') && (class != "_User" || *key != "password"));
    let shown: BTreeSet<&String> = shown.filter(|key| !hidden.contains(key.as_str())).collect();
    let wanted = database.filter_sensitive_data(auth, class, row);
    prop_assert_eq!(shown, wanted.iter().collect(), "{} {} {}", class, op, row);
    Ok(())
}

/// A write's outcome: a row that is not reached is not found, of `_User` a missing session.
fn as_write(class: &str, outcome: Result<bool, u16>) -> Result<(), u16> {
    match outcome {
        Ok(true) => Ok(()),
        Ok(false) | Err(101) if class == "_User" => Err(206),
        Ok(false) => Err(101),
        Err(code) => Err(code),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_user_holds_the_roles_that_repeated_joins_find(database in apps::databases()) {
        let app = apps::app(&database);
        for (principal, auth) in apps::principals(&database) {
            if let Caller::Client(client) = Engine::new(&app).caller(&principal) {
                let held: BTreeSet<String> = client.roles.iter().map(|role| format!("role:{role}")).collect();
                prop_assert_eq!(held, auth.user_roles.into_iter().collect(), "{}", principal);
            }
        }
    }

    #[test]
    fn every_decision_is_the_servers(database in apps::databases()) {
        let app = apps::app(&database);
        let engine = Engine::new(&app);
        for (principal, auth) in apps::principals(&database) {
            for (class, op) in app.classes.values().flat_map(|class| Operation::ALL.map(|op| (class, op))) {
                let decision = engine.decide(&Request { who: &principal, op, class: &class.name });
                let asked = database.request(&auth, class.name.as_str(), op.key());
                for row in tries(&database, class.name.as_str(), op.key()) {
                    // Where rows decide and the caller has no user, a list is empty; the engine calls it not found.
                    let wanted = if asked == Ok(Asked::Nobody) { Err(101) } else { told(&asked, row) };
                    let given = decided(&decision.verdict, &auth, row);
                    prop_assert_eq!(given, wanted, "{} {}.{} {:?} {:?}", principal, class.name, op, row, decision);
                }
            }
        }
    }

    #[test]
    fn every_cell_counts_the_rows_that_the_server_lets_through(database in apps::databases()) {
        let app = apps::app(&database);
        let engine = Engine::new(&app);
        for (principal, auth) in apps::principals(&database) {
            let caller = engine.caller(&principal);
            for (class, op) in app.classes.values().flat_map(|class| Operation::ALL.map(|op| (class, op))) {
                let wanted = cell(&database, &auth, class.name.as_str(), op.key());
                prop_assert_eq!(engine.cell(&caller, class, op), wanted, "{} {}.{}", principal, class.name, op);
            }
        }
    }

    #[test]
    fn a_reader_gets_the_columns_that_the_server_leaves(database in apps::databases()) {
        let app = apps::app(&database);
        let engine = Engine::new(&app);
        for (principal, auth) in apps::principals(&database) {
            let caller = engine.caller(&principal);
            for class in app.classes.values() {
                let name = class.name.as_str();
                let wanted = database.filter_sensitive_data(&auth, name, &full_row(class, json!({})));
                let Known::Read(given) = engine.visible(&caller, class) else { panic!("columns were read") };
                prop_assert_eq!(columns(given), wanted.into_iter().collect(), "{} {}", principal, name);
                if let Principal::Owner(column) = &principal {
                    let own = full_row(class, json!({ column.as_str(): pointer(apps::STRANGER) }));
                    let wanted = database.filter_sensitive_data(&auth, name, &own);
                    let given = engine.visible_to_owner(&caller, class, column);
                    let Known::Read(given) = given else { panic!("columns were read") };
                    prop_assert_eq!(columns(given), wanted.into_iter().collect(), "{} {}", principal, name);
                }
            }
        }
    }

    #[test]
    fn every_request_on_a_row_is_answered_as_by_the_server(database in apps::databases()) {
        let app = apps::app(&database);
        let engine = Engine::new(&app);
        for (principal, auth) in apps::principals(&database) {
            if matches!(principal, Principal::AnonymousUser | Principal::AnyUser | Principal::Owner(_) | Principal::Role(_)) {
                continue;
            }
            let caller = engine.caller(&principal);
            for class in app.classes.values() {
                let name = class.name.as_str();
                let told = |op: &str, row: Option<&Value>| as_write(name, told(&database.request(&auth, name, op), row));
                let code = |denial: Denial| denial.code();
                let created = engine.create(&caller, class, &Map::new()).and_then(|save| save.outcome);
                let wanted = database.request(&auth, name, "create").map(drop);
                prop_assert_eq!(created.map_err(code), wanted, "{} {}.create", principal, name);
                let rows = &database.rows[name];
                let both = (&database, &auth);
                let counted = engine.count(&caller, class, &Query::default());
                let found = engine.read(&caller, class, &Query::default()).map(|filter| filter.expect("rows"));
                for row in rows {
                    let (id, acl, columns) = stored(row);
                    let filter = json!({ "objectId": row["objectId"] }).as_object().expect("a query").clone();
                    let query = Query { filter, by_address: true, ..Query::default() };
                    let got = engine.read(&caller, class, &query).map(|filter| filter.expect("a row"));
                    compare_read(&found, &engine, both, (name, "find", row))?;
                    compare_read(&counted, &engine, both, (name, "count", row))?;
                    compare_read(&got, &engine, both, (name, "get", row))?;
                    let stored = Some(Row { id, acl: &acl, columns });
                    let updated = engine.update(&caller, class, stored, &Map::new()).and_then(|save| save.outcome);
                    prop_assert_eq!(updated.map_err(code), told("update", Some(row)), "{} {} {}", principal, name, row);
                    let deleted = engine.delete(&caller, class, stored);
                    prop_assert_eq!(deleted.map_err(code), told("delete", Some(row)), "{} {} {}", principal, name, row);
                    let body = json!({ "fresh": 1 }).as_object().expect("a body").clone();
                    let added = engine.update(&caller, class, stored, &body).is_ok_and(|save| save.adds_field);
                    prop_assert_eq!(added, told("addField", None).is_ok(), "{} {}.addField", principal, name);
                }
            }
        }
    }
}
