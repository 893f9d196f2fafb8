//! What stands in `_SCHEMA` of a running app and describes no class, or not all of one. Everything there is meant
//! to, so it is told and not passed by, and the classes round it are read all the same.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::ClassName;
use crate::model::place::is_of_running_app;
use crate::problem::Problem;

use super::schema::Shape;
use super::source::Candidate;

/// So many classes are told by name, and so many columns of one.
const MOST: usize = 10;

/// Longer names are cut.
const LONGEST: usize = 60;

/// What was found to be odd.
#[derive(Debug, Default)]
pub struct Odd {
    told: Vec<(String, &'static str)>,
    more: usize,
}

/// Whether all that a candidate holds is meant to describe classes.
pub fn is_schema(candidate: &Candidate, class: &ClassName) -> bool {
    *class == "_SCHEMA" && is_of_running_app(&candidate.path)
}

/// In which shape a document describes a class, or why it does not.
///
/// Source: Parse Server 9.10.0, `MongoSchemaCollection.js` (`mongoSchemaToParseSchema`) and `PostgresStorageAdapter.js`
/// (`toParseSchema`): permissions that are no object are closed, and a name alone is a class.
pub fn shape(document: &Map<String, Value>) -> Result<Shape, &'static str> {
    let is_object = |key: &str, of: &Value| of.get(key).is_none_or(Value::is_object);
    match (document.get("className"), document.get("schema"), document.get("_id")) {
        (Some(Value::String(name)), Some(schema), _) if !name.is_empty() => match schema {
            Value::Object(_) if is_object("fields", schema) => Ok(Shape::Postgres),
            Value::Object(_) => Err("its `fields` are no object"),
            _ => Err("its `schema` is no object"),
        },
        (None, _, Some(Value::String(name))) if !name.is_empty() => Ok(Shape::Mongo),
        _ => Err("it has no name"),
    }
}

/// The columns that are said to be there, and not what they hold.
fn columns(document: &Map<String, Value>, shape: Shape) -> Vec<&str> {
    let is_own = |name: &String| !name.starts_with(['_', '/']);
    let (columns, is_typed): (_, fn(&Value) -> bool) = match shape {
        Shape::Mongo => (Some(document), Value::is_string),
        Shape::Rest | Shape::Definition | Shape::Postgres => {
            let fields = document.get("schema").and_then(|schema| schema.get("fields")).and_then(Value::as_object);
            (fields, |field| field.get("type").is_some_and(Value::is_string))
        }
    };
    let columns = columns.into_iter().flatten();
    columns.filter(|(name, column)| is_own(name) && !is_typed(column)).map(|(name, _)| name.as_str()).collect()
}

/// The name of the class that a document describes.
fn name(document: &Map<String, Value>) -> Option<&str> {
    document.get("className").or_else(|| document.get("_id"))?.as_str()
}

/// The name in a document that could not be read otherwise.
fn name_in(document: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "className", alias = "_id")]
        name: String,
    }
    serde_json::from_slice::<Named>(document).ok().map(|named| named.name)
}

impl Odd {
    /// Adds a document that could not be read at all.
    pub fn add_unread(&mut self, document: &[u8]) {
        self.add(name_in(document).as_deref(), "it is damaged or nested too deep", "the class was not checked");
    }

    /// Adds one that describes no class.
    pub fn add_none(&mut self, document: Option<&Map<String, Value>>, why: &str) {
        self.add(document.and_then(name), why, "the class was not checked");
    }

    /// Adds what is not known of the columns of a class.
    pub fn add_columns(&mut self, document: &Map<String, Value>, shape: Shape) {
        let columns = columns(document, shape);
        let named: Vec<String> = columns.iter().take(MOST).map(|column| quoted(column)).collect();
        let more = columns.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        if !columns.is_empty() {
            let why = format!("it has columns of no type: {}{more}", named.join(", "));
            self.add(name(document), &why, "what these columns hold was not checked");
        }
    }

    fn add(&mut self, name: Option<&str>, why: &str, consequence: &'static str) {
        if self.told.len() == MOST {
            self.more += 1;
            return;
        }
        let of = name.filter(|name| !name.is_empty()).map_or_else(|| "a class".to_owned(), quoted);
        self.told.push((format!("the description of {of} cannot be read: {why}"), consequence));
    }

    /// All of it, as problems of a path.
    pub fn problems(self, path: &str) -> Vec<Problem> {
        let more = match self.more {
            0 => None,
            more => Some((format!("{more} more descriptions of classes cannot be read"), "they were not checked")),
        };
        let all = self.told.into_iter().chain(more);
        all.map(|(message, consequence)| Problem::new(path, message, consequence)).collect()
    }
}

fn quoted(name: &str) -> String {
    let mut short: String = name.chars().take(LONGEST).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    format!("`{short}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn is(document: Value) -> Result<Shape, &'static str> {
        shape(document.as_object().expect("an object"))
    }

    #[test]
    fn a_class_has_a_name_and_what_parse_server_can_read() {
        for schema in [json!({}), json!({ "fields": {} }), json!({ "classLevelPermissions": [] })] {
            assert_eq!(is(json!({ "className": "Order", "schema": schema })), Ok(Shape::Postgres));
        }
        for schema in [json!(7), json!([]), json!("x"), json!(null)] {
            assert_eq!(is(json!({ "className": "Order", "schema": schema })), Err("its `schema` is no object"));
        }
        let fields = json!({ "className": "Order", "schema": { "fields": "all" } });
        assert_eq!(is(fields), Err("its `fields` are no object"));
        assert_eq!(is(json!({ "_id": "Order" })), Ok(Shape::Mongo));
        for id in [json!(7), json!(""), json!({ "$oid": "x" })] {
            assert_eq!(is(json!({ "_id": id })), Err("it has no name"));
        }
    }

    #[test]
    fn columns_of_no_type_are_named_and_what_is_too_deep_has_a_name() {
        let mut odd = Odd::default();
        let document = json!({ "_id": "Order", "title": "string", "price": 7, "_metadata": {} });
        odd.add_columns(document.as_object().expect("an object"), Shape::Mongo);
        let deep = format!(r#"{{"className":"Deep","schema":{}1{}}}"#, r#"{"a":"#.repeat(500), "}".repeat(500));
        odd.add_unread(deep.as_bytes());
        odd.add_unread(b"{");
        (0..20).for_each(|_| odd.add_none(None, "it is no object"));
        let told: Vec<String> = odd.problems("db").iter().map(ToString::to_string).collect();
        let of = |number: usize| told.get(number).map(String::as_str);
        let columns = "db: the description of `Order` cannot be read: it has columns of no type: `price`; what these columns hold was not checked";
        assert_eq!(of(0), Some(columns));
        let deep =
            "db: the description of `Deep` cannot be read: it is damaged or nested too deep; the class was not checked";
        assert_eq!(of(1), Some(deep));
        assert_eq!(
            (told.len(), of(10)),
            (11, Some("db: 13 more descriptions of classes cannot be read; they were not checked"))
        );
    }
}
