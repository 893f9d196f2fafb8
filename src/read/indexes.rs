//! What a database says of the indexes of a class, of which the unique ones count.
//!
//! As `mongodump` writes it beside the rows, and as the command `listIndexes` answers:
//! `{"collectionName": "_User", "indexes": [{"key": {"username": 1}, "name": "username_1", "unique": true}]}`.
//! What PostgreSQL tells has `columns` in place of `key`, and `partial`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::class::{Covered, Indexes};
use crate::model::{ClassName, Place};

/// Whether a document says this.
pub fn are_some(document: &Map<String, Value>) -> bool {
    let is_index = |index: &Value| {
        index.get("name").is_some_and(Value::is_string)
            && (index.get("key").is_some_and(Value::is_object) || index.get("columns").is_some_and(Value::is_array))
    };
    let of_collection = document.get("collectionName").is_some_and(Value::is_string)
        || document.get("options").is_some_and(Value::is_object);
    let indexes = document.get("indexes").and_then(Value::as_array);
    of_collection && indexes.is_some_and(|indexes| indexes.iter().all(is_index))
}

/// The unique indexes, and the class they are of: that of the file's name if the document names none.
pub fn read(document: &Map<String, Value>, class: &ClassName, at: Place) -> (ClassName, Indexes) {
    let named = document.get("collectionName").and_then(Value::as_str).map(ClassName::from);
    let mut unique: BTreeMap<BTreeSet<String>, Covered> = BTreeMap::new();
    for index in document.get("indexes").and_then(Value::as_array).into_iter().flatten() {
        if !index.get("unique").is_some_and(is_yes) {
            continue;
        }
        let covered = if is_partial(index) { Covered::SomeRows } else { Covered::EveryRow };
        let known = unique.entry(columns(index)).or_insert(covered);
        *known = covered.max(*known);
    }
    (named.unwrap_or_else(|| class.clone()), Indexes { unique, at })
}

/// Whether a flag is set; tools write numbers too.
fn is_yes(flag: &Value) -> bool {
    flag.as_bool().unwrap_or_else(|| flag.as_f64().is_some_and(|number| number != 0.0))
}

/// The columns of an index, as Parse names them.
fn columns(index: &Value) -> BTreeSet<String> {
    if let Some(key) = index.get("key").and_then(Value::as_object) {
        // From this strength on case matters.
        let strength = index.pointer("/collation/strength").and_then(Value::as_f64);
        let ignores_case = strength.is_some_and(|strength| strength < 3.0);
        let named = key.keys().map(|column| of_mongo(column));
        return named.map(|column| if ignores_case { format!("lower({column})") } else { column }).collect();
    }
    let name = index.get("name").and_then(Value::as_str).unwrap_or_default();
    let columns = index.get("columns").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    // What else is computed may hold values of rows.
    columns.map(|column| of_postgres(column).unwrap_or_else(|| format!("index {name}"))).collect()
}

/// Whether some rows do not count, beside those without a value.
fn is_partial(index: &Value) -> bool {
    if let Some(partial) = index.get("partial") {
        return partial != &Value::Bool(false);
    }
    let Some(filter) = index.get("partialFilterExpression").and_then(Value::as_object) else { return false };
    let keys = index.get("key").and_then(Value::as_object);
    let asks_for_a_value = |column: &String, condition: &Value| {
        let condition = condition.as_object().filter(|condition| condition.len() == 1);
        let has_value = condition.is_some_and(|condition| {
            condition.get("$exists") == Some(&Value::Bool(true)) || condition.contains_key("$type")
        });
        has_value && keys.is_some_and(|keys| keys.contains_key(column))
    };
    !filter.iter().all(|(column, condition)| asks_for_a_value(column, condition))
}

/// A column by its name in MongoDB.
///
/// Source: Parse Server 9.10.0, `MongoTransform.js` (`transformKey`).
fn of_mongo(column: &str) -> String {
    match column {
        "_id" => "objectId".to_owned(),
        "_created_at" => "createdAt".to_owned(),
        "_updated_at" => "updatedAt".to_owned(),
        "_session_token" => "sessionToken".to_owned(),
        _ => match (column.strip_prefix("_p_"), column.strip_prefix("_auth_data_")) {
            (Some(pointer), _) => pointer.to_owned(),
            (_, Some(provider)) => format!("authData.{provider}"),
            _ => column.to_owned(),
        },
    }
}

/// A column, or what is computed of one, as PostgreSQL writes it; `None` if it is something else.
fn of_postgres(text: &str) -> Option<String> {
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'))
    };
    // Brackets and types change nothing of what is computed.
    let mut bare = text.replace(['(', ')', ' '], "");
    for kind in ["::text", "::charactervarying", "::jsonb", "::json"] {
        bare = bare.replace(kind, "");
    }
    let unquoted = |text: &str| text.trim_matches(['"', '\'']).to_owned();
    if text.starts_with("lower(") {
        let column = unquoted(bare.strip_prefix("lower")?);
        return is_name(&column).then(|| format!("lower({column})"));
    }
    let parts: Vec<String> = bare.replace("->>", "->").split("->").map(unquoted).collect();
    parts.iter().all(|part| is_name(part)).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileId;
    use serde_json::json;

    fn unique(index: &Value) -> Vec<(String, Covered)> {
        let document = json!({ "collectionName": "_User", "indexes": [index] });
        let document = document.as_object().unwrap();
        assert!(are_some(document));
        let (class, indexes) = read(document, &"x".into(), Place::File { file: FileId(0) });
        assert_eq!(class, ClassName::from("_User"));
        let joined = |columns: BTreeSet<String>| columns.into_iter().collect::<Vec<_>>().join("+");
        indexes.unique.into_iter().map(|(columns, covered)| (joined(columns), covered)).collect()
    }

    #[test]
    fn both_databases_say_the_same_of_the_indexes_of_the_server() {
        let name = "n";
        for (mongo, postgres, column) in [
            (json!({ "username": 1 }), "username", "username"),
            (json!({ "_p_owner": 1, "seat": -1 }), "", "owner+seat"),
            (
                json!({ "_auth_data_google.id": 1 }),
                r#"((("authData" -> 'google'::text) ->> 'id'::text))"#,
                "authData.google.id",
            ),
            (json!({ "seatNumber": 1 }), "\"seatNumber\"", "seatNumber"),
        ] {
            let expected = [(column.to_owned(), Covered::EveryRow)];
            assert_eq!(unique(&json!({ "name": name, "key": mongo, "unique": true, "sparse": true })), expected);
            let postgres = json!({ "name": name, "columns": [postgres], "partial": false, "unique": true });
            assert!(column.contains('+') || unique(&postgres) == expected, "{postgres}");
        }
        let folded = json!({ "name": name, "key": { "email": 1 }, "unique": true, "collation": { "strength": 2 } });
        let lower = json!({ "name": name, "columns": ["lower(email::text)"], "unique": true, "partial": false });
        let expected = [("lower(email)".to_owned(), Covered::EveryRow)];
        assert_eq!((unique(&folded), unique(&lower)), (expected.to_vec(), expected.to_vec()));
        assert_eq!(unique(&json!({ "name": name, "key": { "email": 1 } })), []);
    }

    #[test]
    fn an_index_over_some_rows_is_told_and_its_condition_is_not() {
        let partial = |filter: Value| {
            unique(&json!({ "name": "n", "key": { "email": 1 }, "unique": true, "partialFilterExpression": filter }))
        };
        assert_eq!(partial(json!({ "email": { "$exists": true } })), [("email".to_owned(), Covered::EveryRow)]);
        assert_eq!(partial(json!({ "email": { "$type": "string" } })), [("email".to_owned(), Covered::EveryRow)]);
        assert_eq!(partial(json!({ "team": { "$exists": true } })), [("email".to_owned(), Covered::SomeRows)]);
        assert_eq!(partial(json!({ "email": { "$gt": "m" } })), [("email".to_owned(), Covered::SomeRows)]);
        let computed = json!({ "name": "n", "columns": ["COALESCE(email, 'ana'::text)"], "unique": true });
        assert_eq!(unique(&computed), [("index n".to_owned(), Covered::EveryRow)]);
    }
}
