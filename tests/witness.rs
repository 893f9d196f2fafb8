//! What combinations of roles reach, against every set of roles there is.
//!
//! `Engine::combinations` looks at sets of up to three roles only and claims that this is a
//! proof for sets of any size. Here the reference is asked for each of the 64 sets of six roles.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

#[path = "reference/apps.rs"]
#[expect(dead_code, reason = "the apps of this test are of its own kind")]
mod apps;
#[path = "reference/server.rs"]
#[expect(dead_code, reason = "only the questions of a reader are asked here")]
mod server;

use std::collections::BTreeSet;

use parse_audit::model::{FieldName, Operation, RoleName};
use parse_audit::permit::Engine;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{FileFailurePersistence, RngSeed};
use serde_json::{Map, Value, json};
use server::{Asked, Database, matches};

const ROLES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn config() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(4711),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    }
}

fn some_roles(most: usize) -> impl Strategy<Value = Vec<String>> {
    subsequence(ROLES.to_vec(), 0..=most)
        .prop_map(|roles| roles.into_iter().map(|role| format!("role:{role}")).collect::<Vec<_>>())
}

fn operation() -> impl Strategy<Value = Value> {
    let extra = select(vec![None, None, None, None, Some("requiresAuthentication"), Some("pointerFields"), Some("*")]);
    (some_roles(3), extra).prop_map(|(roles, extra)| {
        let mut entries: Map<String, Value> = roles.into_iter().map(|role| (role, json!(true))).collect();
        if let Some(key) = extra {
            entries.insert(key.to_owned(), if key == "pointerFields" { json!(["owner"]) } else { json!(true) });
        }
        Value::Object(entries)
    })
}

fn groups() -> impl Strategy<Value = Value> {
    let names = ROLES.map(|role| format!("role:{role}")).to_vec();
    let of_roles = prop::collection::btree_map(select(names), select(vec![true, false]), 0..4);
    (prop::option::weighted(0.8, Just(true)), prop::option::weighted(0.2, Just(true)), of_roles).prop_map(
        |(anyone, authenticated, of_roles)| {
            let everybody = [("*", anyone), ("authenticated", authenticated)];
            let everybody = everybody.into_iter().filter_map(|(group, hides)| Some((group.to_owned(), hides?)));
            let list = |hides: bool| if hides { json!(["secret"]) } else { json!(["size"]) };
            Value::Object(everybody.chain(of_roles).map(|(group, hides)| (group, list(hides))).collect())
        },
    )
}

fn databases() -> impl Strategy<Value = Database> {
    let side = || prop_oneof![1 => Just(Value::Null), 6 => some_roles(3).prop_map(|roles| json!(roles))];
    let rows = prop::collection::vec((side(), side()), 0..4);
    let edges = prop::collection::vec((select(ROLES.to_vec()), select(ROLES.to_vec())), 0..5);
    (prop::collection::vec(operation(), 7), groups(), rows, edges).prop_map(|(operations, groups, rows, edges)| {
        let mut permissions: Map<String, Value> =
            apps::OPERATIONS.into_iter().map(str::to_owned).zip(operations).collect();
        permissions.insert("protectedFields".to_owned(), groups);
        let described = json!({ "className": "Thing", "classLevelPermissions": permissions, "fields": {
            "owner": { "type": "Pointer", "targetClass": "_User" }, "secret": { "type": "String" } } });
        let row = |(number, (read, write)): (usize, (Value, Value))| {
            json!({ "objectId": format!("r{number}"), "secret": "s", "_rperm": read, "_wperm": write })
        };
        Database {
            schemas: [("Thing".to_owned(), described)].into(),
            rows: [("Thing".to_owned(), rows.into_iter().enumerate().map(row).collect())].into(),
            roles: ROLES.map(|role| (role.to_owned(), role.to_owned())).to_vec(),
            join_roles: edges.into_iter().map(|(role, child)| (role.to_owned(), child.to_owned())).collect(),
            protected_fields: json!({}),
            ..Database::default()
        }
    })
}

/// The roles whose bits are set.
fn set_of(bits: usize) -> impl Iterator<Item = &'static str> {
    ROLES.into_iter().enumerate().filter(move |(number, _)| bits & (1 << number) != 0).map(|(_, role)| role)
}

/// Whether a user in exactly these roles, of whom no row knows anything, reaches a row, or a field of it.
fn reaches(database: &Database, bits: usize, op: Operation, field: Option<&str>, row: &Value) -> bool {
    let mut database = database.clone();
    database.join_users = set_of(bits).map(|role| (role.to_owned(), apps::STRANGER.to_owned())).collect();
    let auth = database.session(apps::STRANGER);
    let shown = field.is_none_or(|field| !database.add_protected_fields(&auth, "Thing").iter().any(|one| one == field));
    shown
        && match database.request(&auth, "Thing", op.key()) {
            Err(_) | Ok(Asked::Nobody) => false,
            Ok(Asked::Anything) => true,
            Ok(Asked::Rows(query)) => matches(row, &query),
        }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn three_roles_reach_whatever_more_roles_do_and_the_sets_reported_are_the_smallest(
        database in databases(),
        op in select(Operation::ALL.to_vec()),
        field in select(vec![None, Some("secret")]),
    ) {
        let mut rows = database.rows["Thing"].clone();
        if rows.is_empty() {
            rows.push(json!({}));
        }
        let mut smallest: BTreeSet<BTreeSet<RoleName>> = BTreeSet::new();
        for row in &rows {
            let reach: Vec<bool> = (0..64).map(|bits| reaches(&database, bits, op, field, row)).collect();
            for bits in (0..64usize).filter(|bits| reach[*bits]) {
                let by_part = (0..bits).any(|part| part & bits == part && reach[part]);
                prop_assert!(by_part || bits.count_ones() <= 3, "{:?} reach more than three of them", set_of(bits).collect::<Vec<_>>());
                if !by_part && bits.count_ones() > 1 {
                    smallest.insert(set_of(bits).map(RoleName::from).collect());
                }
            }
        }
        let app = apps::app(&database);
        let class = &app.classes["Thing"];
        let found = Engine::new(&app).combinations(class, op, field.map(FieldName::from).as_ref());
        prop_assert!(!found.more);
        // Roles that nothing names are not looked at; they reach nothing by themselves.
        prop_assert_eq!(found.sets, smallest, "{} {:?}", op, field);
    }
}
