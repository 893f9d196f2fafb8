//! What a source of a running app says of its database:
//!
//! `{"database": "MongoDB", "databaseVersion": "8.0.4", "hosts": ["db.example.com"], "encrypted": true,
//! "openToAll": false, "rights": ["write"], "endlessSessions": 0, "endlessResetTokens": 0, "legacySessions": 0,
//! "otherPasswords": 0}`; what is left out behind `encrypted` is not known.

use serde_json::{Map, Value};

use crate::model::database::{Database, Right};
use crate::model::{Known, Place};

/// Whether a document says this.
pub fn is_one(document: &Map<String, Value>) -> bool {
    let is = |key: &str, is: fn(&Value) -> bool| document.get(key).is_some_and(is);
    is("database", Value::is_string) && is("databaseVersion", Value::is_string) && is("encrypted", Value::is_boolean)
}

/// The database; `None` if the document says something else.
pub fn read(document: &Map<String, Value>, at: Place) -> Option<Database> {
    let text = |key: &str| document.get(key)?.as_str().map(str::to_owned);
    let yes = |key: &str| document.get(key)?.as_bool();
    let count = |key: &str| document.get(key).and_then(Value::as_u64).map_or_else(Known::default, Known::Read);
    let list = |key: &str| Some(document.get(key)?.as_array()?.iter().filter_map(Value::as_str));
    let known = |rights: Vec<&str>| Right::ALL.into_iter().filter(|right| rights.contains(&right.name())).collect();
    let rights = list("rights").map(|rights| known(rights.collect()));
    Some(Database {
        kind: text("database")?,
        version: text("databaseVersion")?,
        hosts: list("hosts").into_iter().flatten().map(str::to_owned).collect(),
        encrypted: yes("encrypted")?,
        open_to_all: yes("openToAll").map_or_else(Known::default, Known::Read),
        rights: rights.map_or_else(Known::default, Known::Read),
        endless_sessions: count("endlessSessions"),
        endless_reset_tokens: count("endlessResetTokens"),
        legacy_sessions: count("legacySessions"),
        other_passwords: count("otherPasswords"),
        at,
    })
}
