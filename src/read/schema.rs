//! The shapes in which a class is described, and the one [`Class`] they become.
//!
//! Four shapes are told apart by their keys: REST (`className`, `fields`), schema as
//! code (the same without the columns every class has), the collection `_SCHEMA`
//! of MongoDB, and the table `_SCHEMA` of PostgreSQL.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::class::{Source, built_in_fields};
use crate::model::{Class, ClassName, Clp, Field, FieldKind, FieldName, Origin, Place};

/// How a description of a class is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// `{"className", "fields", "classLevelPermissions"}` of a server.
    Rest,
    /// The same as an element of `schema.definitions`.
    Definition,
    /// `{"_id": "Order", "name": "string", "_metadata": {…}}`.
    Mongo,
    /// `{"className", "schema": {…}, "isParseClass"}`.
    Postgres,
}

/// Tells the shape of a document, or that it describes no class.
///
/// `in_list` is whether it is an element of a list: a list of classes whose fields
/// lack `objectId` is schema as code, a single one is the body of a request.
pub fn shape_of(document: &Map<String, Value>, in_list: bool) -> Option<Shape> {
    let is_text = |key: &str| document.get(key).is_some_and(Value::is_string);
    if is_text("className") && document.get("schema").is_some_and(Value::is_object) {
        return Some(Shape::Postgres);
    }
    let fields = document.get("fields").and_then(Value::as_object);
    if is_text("className") && (fields.is_some() || document.contains_key("classLevelPermissions")) {
        let built_in = fields.is_some_and(|fields| fields.contains_key("objectId") || fields.contains_key("createdAt"));
        return Some(if in_list && !built_in { Shape::Definition } else { Shape::Rest });
    }
    let has_types = ["objectId", "createdAt", "updatedAt"]
        .iter()
        .any(|key| document.get(*key).and_then(Value::as_str).is_some_and(|kind| kind == "string" || kind == "date"));
    let has_metadata = document.get("_metadata").is_some_and(|metadata| {
        metadata.get("class_permissions").is_some()
            || metadata.get("fields_options").is_some()
            || metadata.get("indexes").is_some()
    });
    (is_text("_id") && (has_types || has_metadata)).then_some(Shape::Mongo)
}

/// Reads a description. `None` if it has no name.
pub fn class(document: &Map<String, Value>, shape: Shape, at: Place) -> Option<Class> {
    match shape {
        Shape::Rest => from_rest(document, at, Origin::Deployed),
        Shape::Definition => from_rest(document, at, Origin::Declared),
        Shape::Mongo => from_mongo(document, at),
        Shape::Postgres => from_postgres(document, at),
    }
}

fn from_rest(document: &Map<String, Value>, at: Place, origin: Origin) -> Option<Class> {
    let name = ClassName::from(document.get("className")?.as_str()?);
    let fields = rest_fields(document.get("fields"), &name);
    let written = document.get("classLevelPermissions");
    let clp = match origin {
        Origin::Declared => Clp::from_definition(written),
        Origin::Deployed | Origin::Rows => Clp::from_stored(written),
    };
    let source =
        Source { origin, at, clp: "/classLevelPermissions".into(), fields: "/fields".into(), parts: BTreeMap::new() };
    Some(Class::described(name, fields, clp, source))
}

fn from_postgres(document: &Map<String, Value>, at: Place) -> Option<Class> {
    let name = ClassName::from(document.get("className")?.as_str()?);
    let schema = document.get("schema")?;
    let fields = rest_fields(schema.get("fields"), &name);
    let clp = Clp::from_stored(schema.get("classLevelPermissions"));
    let source = Source {
        origin: Origin::Deployed,
        at,
        clp: "/schema/classLevelPermissions".into(),
        fields: "/schema/fields".into(),
        parts: BTreeMap::new(),
    };
    Some(Class::described(name, fields, clp, source))
}

fn rest_fields(fields: Option<&Value>, class: &ClassName) -> BTreeMap<FieldName, Field> {
    let mut all = built_in_fields(class);
    for (name, field) in fields.and_then(Value::as_object).into_iter().flatten() {
        let text = |key: &str| field.get(key).and_then(Value::as_str);
        // `_rperm`, `_wperm` and `_hashed_password` are the database's own columns.
        if !name.starts_with(['_', '/']) && !all.contains_key(name.as_str()) {
            let kind = FieldKind::from_rest(text("type").unwrap_or_default(), text("targetClass"));
            all.insert(name.as_str().into(), Field::of(kind).with_options(Some(field)));
        }
    }
    all
}

fn from_mongo(document: &Map<String, Value>, at: Place) -> Option<Class> {
    let name = ClassName::from(document.get("_id")?.as_str()?);
    let metadata = document.get("_metadata");
    let options = metadata.and_then(|metadata| metadata.get("fields_options"));
    let mut fields = built_in_fields(&name);
    for (key, kind) in document {
        if !key.starts_with(['_', '/']) && !fields.contains_key(key.as_str()) {
            let field = Field::of(FieldKind::from_mongo(kind.as_str().unwrap_or_default()));
            fields.insert(key.as_str().into(), field.with_options(options.and_then(|options| options.get(key))));
        }
    }
    let clp = Clp::from_stored(metadata.and_then(|metadata| metadata.get("class_permissions")));
    let source = Source {
        origin: Origin::Deployed,
        at,
        clp: "/_metadata/class_permissions".into(),
        fields: String::new(),
        parts: BTreeMap::new(),
    };
    Some(Class::described(name, fields, clp, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileId;
    use serde_json::json;

    fn shape(document: Value, in_list: bool) -> Option<Shape> {
        shape_of(document.as_object().expect("an object"), in_list)
    }

    #[test]
    fn shapes_are_told_apart_by_their_keys() {
        let rest = json!({ "className": "A", "fields": { "objectId": { "type": "String" } } });
        let code = json!({ "className": "A", "fields": { "name": { "type": "String" } } });
        assert_eq!(shape(rest.clone(), true), Some(Shape::Rest));
        assert_eq!(shape(code.clone(), true), Some(Shape::Definition));
        assert_eq!(shape(code, false), Some(Shape::Rest));
        assert_eq!(shape(json!({ "_id": "A", "objectId": "string" }), true), Some(Shape::Mongo));
        assert_eq!(shape(json!({ "className": "A", "schema": {}, "isParseClass": true }), true), Some(Shape::Postgres));
        assert_eq!(shape(json!({ "_id": "x", "name": "string", "_rperm": [] }), true), None);
        assert_eq!(shape(json!({ "className": "A", "objectId": "x" }), true), None);
    }

    #[test]
    fn the_same_class_in_four_shapes_is_one_class() {
        let clp = json!({ "find": { "*": true } });
        let at = Place::File { file: FileId(0) };
        let read = |document: Value, shape: Shape| {
            let class = class(document.as_object().expect("an object"), shape, at.clone()).expect("a class");
            (class.name, class.fields, class.clp)
        };
        let fields = json!({ "owner": { "type": "Pointer", "targetClass": "_User" }, "n": { "type": "Number", "required": true } });
        let rest = read(json!({ "className": "A", "fields": fields, "classLevelPermissions": clp }), Shape::Rest);
        let schema = json!({ "className": "A", "fields": fields, "classLevelPermissions": clp });
        assert_eq!(rest, read(json!({ "className": "A", "schema": schema, "isParseClass": true }), Shape::Postgres));
        let metadata = json!({ "class_permissions": clp, "fields_options": { "n": { "required": true } } });
        assert_eq!(
            rest,
            read(json!({ "_id": "A", "owner": "*_User", "n": "number", "_metadata": metadata }), Shape::Mongo)
        );
    }
}
