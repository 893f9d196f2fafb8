//! What a database tells of itself: its version, and what the user may do who asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::live::{Answers, Body, Document};
use crate::problem::Problem;

use super::Database;
use super::command::{Command, Oddity};
use super::driver::Connection;
use super::trouble::{NOT_UNDERSTOOD, Trouble, WANTS_USER};

/// What changes documents.
const WRITING: [&str; 5] = ["anyAction", "insert", "update", "remove", "dropCollection"];

/// What makes users, or changes the server.
const ADMINISTERING: [&str; 8] = [
    "anyAction",
    "createUser",
    "createRole",
    "grantRole",
    "changePassword",
    "shutdown",
    "replSetConfigure",
    "setParameter",
];

/// Databases of the server's own, which nearly every user may read parts of.
const OWN: [&str; 3] = ["admin", "config", "local"];

/// What the database tells of itself.
pub fn tell(of: &Database, connection: &Connection, prefix: &str, answers: &mut Answers) {
    let mut about = json!({
        "database": "MongoDB",
        "databaseVersion": "",
        "hosts": of.address.hosts(),
        "encrypted": of.address.tls,
    });
    let sessions = format!("{prefix}_Session");
    let users = format!("{prefix}_User");
    let of_users = |oddity| connection.count(&Command::Users(&users, oddity)).map(Value::from);
    let asked = [
        (
            "databaseVersion",
            "buildInfo",
            version(connection).map(Value::from),
            "whether the database gets fixes was not checked",
        ),
        (
            "rights",
            "connectionStatus",
            rights(connection, &of.address.database).map(|rights| json!(rights)),
            "what the user of the database may do was not checked",
        ),
        (
            "endlessSessions",
            sessions.as_str(),
            connection.count(&Command::Without(&sessions, "expiresAt")).map(Value::from),
            "whether sessions end was not checked",
        ),
        (
            "endlessResetTokens",
            &users,
            of_users(Oddity::EndlessResetToken),
            "whether tokens for a new password end was not checked",
        ),
        ("legacySessions", &users, of_users(Oddity::LegacySession), "whether users have old sessions was not checked"),
        ("otherPasswords", &users, of_users(Oddity::OtherPassword), "how passwords are kept was not checked"),
    ];
    if let Some(all) = is_open_to_all(of) {
        about.as_object_mut().and_then(|about| about.insert("openToAll".to_owned(), all.into()));
    }
    for (key, name, answer, without) in asked {
        match (answer, about.get_mut(key)) {
            (Ok(value), Some(slot)) => *slot = value,
            (Ok(value), None) => drop(about.as_object_mut().and_then(|about| about.insert(key.to_owned(), value))),
            (Err(trouble), _) => {
                answers.problems.push(Problem::new(of.url(name), trouble.words(), without));
            }
        }
    }
    let text = serde_json::to_vec_pretty(&about).unwrap_or_default();
    let body = Body::Text(Arc::new(Zeroizing::new(text)));
    answers.documents.push(Document { url: of.address.shown(), name: "database.json".to_owned(), body });
}

/// Whether the database lets those read who do not log in; `None` if that cannot be told.
///
/// A greeting is answered in any case, so it is asked for names of collections.
fn is_open_to_all(of: &Database) -> Option<bool> {
    if !of.address.logs_in {
        return Some(true);
    }
    let connection = Connection::open(&of.address.without_user(), of.patience, of.pace).ok()?;
    match super::names(&connection) {
        Ok(names) => Some(!names.is_empty()),
        Err(Trouble::Everything(words)) => (words == WANTS_USER).then_some(false),
        Err(Trouble::Refused(_) | Trouble::This(_)) => None,
    }
}

/// The version of the server.
fn version(connection: &Connection) -> Result<String, Trouble> {
    let answer = connection.ask(&Command::BuildInfo)?;
    let version = answer.get("version").and_then(Value::as_str).ok_or_else(unread)?;
    Ok(version.chars().take(40).collect())
}

/// What the user may do beyond reading a database.
fn rights(connection: &Connection, database: &str) -> Result<BTreeSet<&'static str>, Trouble> {
    let answer = connection.ask(&Command::ConnectionStatus)?;
    let list = |key: &str| answer.pointer(key).and_then(Value::as_array).ok_or_else(unread);
    let privileges = list("/authInfo/authenticatedUserPrivileges")?;
    if !privileges.is_empty() {
        return Ok(privileges.iter().flat_map(|privilege| of_privilege(privilege, database)).collect());
    }
    // Some servers tell the names of roles alone.
    let roles = list("/authInfo/authenticatedUserRoles")?.iter().map(|role| of_role(role, database));
    let roles: Option<Vec<BTreeSet<_>>> = roles.collect();
    let untold = || Trouble::This("it does not tell what the roles of its user allow".to_owned());
    Ok(roles.ok_or_else(untold)?.into_iter().flatten().collect())
}

/// What a role allows; `None` if it is not one that every server has.
///
/// Source: MongoDB 8.0, "Built-In Roles".
fn of_role(role: &Value, database: &str) -> Option<BTreeSet<&'static str>> {
    let text = |key: &str| role.get(key).and_then(Value::as_str);
    let is_own = text("db") == Some(database);
    let rights: &[&str] = match (text("role")?, is_own) {
        ("read" | "dbAdmin", true) | ("clusterMonitor" | "enableSharding", _) => &[],
        ("readWrite", true) => &["write"],
        ("read" | "readWrite" | "dbAdmin" | "readAnyDatabase" | "dbAdminAnyDatabase" | "backup", _) => &["everywhere"],
        ("readWriteAnyDatabase" | "restore", _) => &["write", "everywhere"],
        ("userAdmin" | "userAdminAnyDatabase" | "clusterAdmin" | "clusterManager" | "hostManager", _) => {
            &["administer"]
        }
        ("dbOwner", true) => &["write", "administer"],
        ("dbOwner", false) => &["everywhere", "administer"],
        ("root" | "__system" | "atlasAdmin", _) => &["write", "everywhere", "administer"],
        _ => return None,
    };
    Some(rights.iter().copied().collect())
}

fn of_privilege(privilege: &Value, database: &str) -> BTreeSet<&'static str> {
    let actions = privilege.get("actions").and_then(Value::as_array).into_iter().flatten();
    let actions: Vec<&str> = actions.filter_map(Value::as_str).collect();
    let may = |some: &[&str]| actions.iter().any(|action| some.contains(action));
    let of = privilege.pointer("/resource/db").and_then(Value::as_str);
    let is_every = of == Some("") || privilege.pointer("/resource/anyResource").is_some();
    let is_foreign = is_every || of.is_some_and(|of| !OWN.contains(&of) && of != database);
    let rights = [
        ("write", may(&WRITING) && (is_every || of == Some(database))),
        ("everywhere", (may(&WRITING) || may(&["find"])) && is_foreign),
        ("administer", may(&ADMINISTERING)),
    ];
    rights.into_iter().filter(|(_, has)| *has).map(|(right, _)| right).collect()
}

fn unread() -> Trouble {
    Trouble::This(NOT_UNDERSTOOD.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_may_do_is_told_by_privileges() {
        let of = |privilege: Value| of_privilege(&privilege, "app").into_iter().collect::<Vec<_>>();
        let on = |db: &str, action: &str| json!({ "resource": { "db": db, "collection": "" }, "actions": [action] });
        assert_eq!(of(on("app", "find")), Vec::<&str>::new());
        assert_eq!(of(on("app", "insert")), ["write"]);
        assert_eq!(of(on("other", "find")), ["everywhere"]);
        assert_eq!(of(on("", "insert")), ["everywhere", "write"]);
        assert_eq!(of(on("admin", "find")), Vec::<&str>::new());
        assert_eq!(of(json!({ "resource": { "cluster": true }, "actions": ["shutdown"] })), ["administer"]);
        let all = json!({ "resource": { "anyResource": true }, "actions": ["anyAction"] });
        assert_eq!(of(all), ["administer", "everywhere", "write"]);
    }

    #[test]
    fn roles_count_where_privileges_are_not_told() {
        let of = |role: &str, db: &str| of_role(&json!({ "role": role, "db": db }), "app").map(|all| all.len());
        assert_eq!((of("read", "app"), of("readWrite", "app"), of("root", "admin")), (Some(0), Some(1), Some(3)));
        assert_eq!((of("read", "other"), of("ours", "app")), (Some(1), None));
    }
}
