//! Random apps: written once as the JSON that a server stores, and from it what the engine
//! and the reference each work on.

use std::collections::BTreeSet;

use parse_audit::model::census::{Census, Entries, Shape, Users};
use parse_audit::model::clp::protected_fields;
use parse_audit::model::options::Options;
use parse_audit::model::roles::Role;
use parse_audit::model::{Acl, App, FieldName, FileId, Grantee, Known, Place, Principal, Roles, UserId};
use parse_audit::read::schema;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::server::{Auth, Database};

pub const CLASSES: [&str; 7] = ["Thing", "Note", "_User", "_Role", "_Session", "_Installation", "_Audience"];
pub const OPERATIONS: [&str; 7] = ["find", "get", "count", "create", "update", "delete", "addField"];
const USERS: [&str; 3] = ["u1", "u2", "u3"];
const ROLES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// A user who is in no ACL and no permission: stands for a principal that is "some user".
pub const STRANGER: &str = "stranger";
const USER_COLUMNS: [&str; 3] = ["owner", "team", "meta"];

/// The entries of one operation, as a person could have written or mangled them.
fn entries() -> impl Strategy<Value = Value> {
    let entry = prop_oneof![
        2 => Just(("*".to_owned(), json!(true))),
        1 => select(vec![json!("false"), json!(false)]).prop_map(|value| ("*".to_owned(), value)),
        3 => select(vec![true, true, false]).prop_map(|value| ("requiresAuthentication".to_owned(), json!(value))),
        5 => (select(ROLES.to_vec()), select(vec![json!(true), json!(true), json!(1)]))
            .prop_map(|(role, value)| (format!("role:{role}"), value)),
        1 => Just(("role:ghost".to_owned(), json!(true))),
        3 => select(USERS.to_vec()).prop_map(|user| (user.to_owned(), json!(true))),
        4 => user_fields().prop_map(|fields| ("pointerFields".to_owned(), fields)),
    ];
    prop::collection::vec(entry, 0..4).prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

/// Columns for pointer permissions; rarely one that cannot hold users.
fn user_fields() -> impl Strategy<Value = Value> {
    prop_oneof![
        9 => subsequence(USER_COLUMNS.to_vec(), 0..=2).prop_map(|columns| json!(columns)),
        1 => select(vec![json!(["secret"]), json!(["owner", "gone"])]),
    ]
}

fn groups(columns: Vec<&'static str>) -> impl Strategy<Value = Value> {
    let names = ["*", "authenticated", "role:a", "role:b", "role:c", "role:ghost", "u1", "u2"];
    let names = names.into_iter().chain(["userField:owner", "userField:team", "userField:meta"]);
    let group = (select(names.collect::<Vec<_>>()), subsequence(columns, 0..=2));
    prop::collection::vec(group, 0..6).prop_map(|groups| {
        Value::Object(groups.into_iter().map(|(group, columns)| (group.to_owned(), json!(columns))).collect())
    })
}

fn hideable(class: &str) -> Vec<&'static str> {
    let mut columns = vec!["owner", "team", "secret", "size"];
    if class == "_User" {
        columns.extend(["email", "username"]);
    }
    columns
}

/// Class-level permissions; `null` for a class that was never given any.
fn permissions(class: &'static str) -> impl Strategy<Value = Value> {
    let operation = prop_oneof![2 => Just(None), 1 => Just(Some(Value::Null)), 9 => entries().prop_map(Some)];
    let list = || prop::option::weighted(0.25, user_fields());
    let protected = prop::option::weighted(0.7, groups(hideable(class)));
    let written = (prop::collection::vec(operation, 7), list(), list(), protected);
    let written = written.prop_map(|(operations, read, write, protected)| {
        let keyed = OPERATIONS.into_iter().zip(operations);
        let extra = [("readUserFields", read), ("writeUserFields", write), ("protectedFields", protected)];
        let all = keyed.chain(extra).filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(all.collect())
    });
    prop_oneof![1 => Just(Value::Null), 8 => written]
}

/// `_rperm` or `_wperm`; `None` if the row lacks it.
fn side() -> impl Strategy<Value = Option<Value>> {
    let names = ["*", "role:a", "role:b", "role:c", "role:d", "role:ghost", "u1", "u2", "r0"].to_vec();
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Value::Null)),
        8 => subsequence(names, 0..=3).prop_map(|names| Some(json!(names))),
    ]
}

fn user_value() -> impl Strategy<Value = Value> {
    let user = select(vec!["u1", "u2", "u3", STRANGER]);
    (user, select(vec![0, 0, 0, 1, 2])).prop_map(|(user, form)| match form {
        0 => json!({ "__type": "Pointer", "className": "_User", "objectId": user }),
        1 => json!({ "__type": "Pointer", "className": "Other", "objectId": user }),
        _ => json!({ "objectId": user }),
    })
}

fn row() -> impl Strategy<Value = Value> {
    let one = || prop::option::weighted(0.7, user_value());
    let many = prop::option::weighted(0.7, prop::collection::vec(user_value(), 0..3).prop_map(|all| json!(all)));
    (side(), side(), one(), many, one(), one()).prop_map(|(read, write, owner, team, meta, user)| {
        let columns = [("owner", owner), ("team", team), ("meta", meta), ("user", user)];
        let sides = [("_rperm", read), ("_wperm", write)];
        let all = columns.into_iter().chain(sides).filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let mut row: Map<String, Value> = all.collect();
        row.extend([("secret".to_owned(), json!("s")), ("size".to_owned(), json!(1))]);
        Value::Object(row)
    })
}

fn class(name: &'static str) -> impl Strategy<Value = (Value, Vec<Value>)> {
    (permissions(name), prop::collection::vec(row(), 0..5)).prop_map(move |(permissions, mut rows)| {
        for (number, row) in rows.iter_mut().enumerate() {
            // Rows of `_User` are the users themselves, as far as there are any.
            let id = if name == "_User" { USERS.get(number).copied() } else { None };
            row["objectId"] = id.map_or_else(|| json!(format!("r{number}")), |id| json!(id));
            if name == "_User" {
                for column in ["username", "email", "password", "authData"] {
                    row[column] = json!("x");
                }
            }
        }
        let described = json!({ "className": name, "classLevelPermissions": permissions, "fields": {
            "owner": { "type": "Pointer", "targetClass": "_User" }, "team": { "type": "Array" },
            "meta": { "type": "Object" }, "secret": { "type": "String" }, "size": { "type": "Number" } } });
        (described, rows)
    })
}

/// An app with one to three classes and up to five roles, as the database holds it.
pub fn databases() -> impl Strategy<Value = Database> {
    let classes = prop_oneof![
        3 => subsequence(CLASSES[..2].to_vec(), 1..=2),
        2 => subsequence(CLASSES.to_vec(), 1..=3),
    ];
    let classes = classes.prop_flat_map(|names| names.into_iter().map(class).collect::<Vec<_>>());
    let pairs = |other: Vec<&'static str>| prop::collection::vec((select(ROLES.to_vec()), select(other)), 0..7);
    let option = prop::option::weighted(0.3, (select(CLASSES[..3].to_vec()), groups(vec!["secret", "size"])));
    (classes, 0..=5usize, pairs(USERS.to_vec()), pairs(ROLES.to_vec()), option).prop_map(
        |(classes, count, users, roles, option)| {
            let mut database = Database { protected_fields: json!({}), ..Database::default() };
            for (described, rows) in classes {
                let name = described["className"].as_str().expect("a name").to_owned();
                database.schemas.insert(name.clone(), described);
                database.rows.insert(name, rows);
            }
            if let Some((class, groups)) = option {
                database.protected_fields[class] = groups;
            }
            let exists = |role: &str| ROLES[..count].contains(&role);
            let id = |role: &str| format!("id of {role}");
            database.roles = ROLES[..count].iter().map(|role| (id(role), (*role).to_owned())).collect();
            // Join rows of roles that were deleted stay behind and lead nowhere.
            let users = users.into_iter().filter(|(role, _)| exists(role));
            database.join_users = users.map(|(role, user)| (id(role), user.to_owned())).collect();
            let roles = roles.into_iter().filter(|(role, child)| exists(role) && exists(child));
            database.join_roles = roles.map(|(role, child)| (id(role), id(child))).collect();
            database
        },
    )
}

fn place() -> Place {
    Place::File { file: FileId(0) }
}

/// The app as the engine sees it.
pub fn app(database: &Database) -> App {
    let mut app = App::default();
    for (name, described) in &database.schemas {
        let document = described.as_object().expect("an object");
        let mut class = schema::class(document, schema::Shape::Rest, place()).expect("a class");
        class.rows = Known::Read(census(&database.rows[name]));
        app.classes.insert(class.name.clone(), class);
    }
    let name_of = |id: &str| database.roles.iter().find(|(role, _)| role == id).map(|(_, name)| name.as_str());
    let mut roles = Roles { inheritance: Known::Read(()), ..Roles::default() };
    for (id, name) in &database.roles {
        let children = database.join_roles.iter().filter(|(owner, _)| owner == id);
        let members = database.join_users.iter().filter(|(owner, _)| owner == id);
        let role = Role {
            acl: Acl::MISSING,
            children: children.filter_map(|(_, child)| name_of(child)).map(Into::into).collect(),
            members: Known::Read(members.map(|(_, user)| UserId::of(user)).collect()),
            at: place(),
        };
        roles.by_name.insert(name.as_str().into(), role);
    }
    app.roles = Known::Read(roles);
    let option = database.protected_fields.as_object().into_iter().flatten();
    let option = option.map(|(class, groups)| (class.as_str().into(), protected_fields(groups).unwrap_or_default()));
    app.server.options = Known::Read(Options { protected_fields: Some(option.collect()), ..Options::default() });
    app
}

/// The ACL of a row.
pub fn acl(row: &Value) -> Acl {
    Acl::from_columns(row.get("_rperm"), row.get("_wperm"))
}

fn census(rows: &[Value]) -> Census {
    let mut census = Census::default();
    for row in rows {
        let own = UserId::of(row["objectId"].as_str().expect("an id"));
        let entries = |side: Option<BTreeSet<Grantee>>| {
            let mut entries = Entries::default();
            let mut users = 0;
            for grantee in side? {
                match grantee {
                    Grantee::Anyone => entries.anyone = true,
                    Grantee::Role(role) => drop(entries.roles.insert(role)),
                    Grantee::User(user) if user == own => entries.own = true,
                    Grantee::User(_) => users += 1,
                }
            }
            entries.users = [Users::None, Users::One, Users::Many][users.min(2)];
            Some(entries)
        };
        let Acl { read, write } = acl(row);
        census.add(Shape { read: entries(read), write: entries(write), ..Shape::default() }, 1);
    }
    census
}

/// Every kind of principal, with the session or key that the server sees.
pub fn principals(database: &Database) -> Vec<(Principal, Auth)> {
    let some_user = Auth { user: Some(STRANGER.to_owned()), ..Auth::default() };
    let mut all = vec![
        (Principal::Public, Auth::default()),
        (Principal::AnonymousUser, some_user.clone()),
        (Principal::AnyUser, some_user.clone()),
        (Principal::ReadOnlyMaster, Auth { is_master: true, is_read_only: true, ..Auth::default() }),
        (Principal::Maintenance, Auth { is_maintenance: true, ..Auth::default() }),
        (Principal::Master, Auth { is_master: true, ..Auth::default() }),
    ];
    all.extend(USER_COLUMNS.map(|column| (Principal::Owner(FieldName::from(column)), some_user.clone())));
    all.extend(USERS.map(|user| (Principal::User(UserId::of(user)), database.session(user))));
    for role in ROLES.into_iter().chain(["ghost"]) {
        // A user who was put into the role, which is created if need be.
        let mut with_member = database.clone();
        let found = with_member.roles.iter().find(|(_, name)| name == role).map(|(id, _)| id.clone());
        let id = found.unwrap_or_else(|| {
            with_member.roles.push((role.to_owned(), role.to_owned()));
            role.to_owned()
        });
        with_member.join_users.push((id, STRANGER.to_owned()));
        all.push((Principal::Role(role.into()), with_member.session(STRANGER)));
    }
    all
}
