//! Properties and elements.

use std::sync::Arc;

use crate::code::guards::{Flag, Guards};
use crate::code::heap::ObjectId;
use crate::code::shape::{Origin, Shape};
use crate::code::taint::From;
use crate::code::value::{Kind, Pos, Value};
use crate::model::unit::Name;

use super::{LONGEST_PATH, Run};

impl<'a> Run<'a> {
    /// `object.name`.
    pub fn get(&mut self, object: &Value, name: &Name, at: Pos) -> Value {
        match &object.kind {
            Kind::Object(id) => self.get_of_object(object, *id, name, at),
            Kind::Path(path) => {
                let known = if &**path == "process.env" { self.world.environment.read(name) } else { None };
                known.unwrap_or_else(|| path_member(path, name))
            }
            Kind::Caller => {
                // Where nobody is signed in, reading a property throws.
                if object.test.is_none() {
                    self.learn(&Guards::signed_in());
                }
                match &**name {
                    "id" | "objectId" => Value::of(Kind::CallerId),
                    _ => self.column(self.caller, name, at),
                }
            }
            Kind::Column(row, column) => {
                let deeper: Name = format!("{column}.{name}").into();
                Value { kind: Kind::Column(*row, deeper), taint: property(object, name, at), test: None }
            }
            Kind::OneOf(values) => {
                let values = Arc::clone(values);
                // What is missing has no properties: reading one would have thrown.
                let there = values.iter().filter(|(value, _)| !matches!(value.kind, Kind::Undefined | Kind::Null));
                let parts: Vec<_> = there.map(|(value, guards)| (self.get(value, name, at), guards.clone())).collect();
                Value::one_of(parts).unwrap_or_else(Value::undefined).tainted(property(object, name, at))
            }
            Kind::Function(closure) => {
                let own = self.get_static(closure.statics, name);
                let world = self.world;
                let code = world.units.get(closure.unit).and_then(|unit| unit.function(closure.function));
                match (&own.kind, code.and_then(|code| code.name.as_ref())) {
                    (Kind::Undefined, Some(known)) if &**name == "name" => Value::of(Kind::Text(Arc::clone(known))),
                    _ => own,
                }
            }
            Kind::Class(class) => {
                let own = self.get_static(class.statics, name);
                match (&own.kind, &class.extends) {
                    (Kind::Undefined, Some(extends)) => self.get(&extends.clone(), name, at),
                    _ => own,
                }
            }
            Kind::Promise(settled) if !matches!(&**name, "then" | "catch" | "finally") => {
                // Not awaited: what is inside is not there yet.
                Value::unknown().tainted(settled.0.taint.clone())
            }
            Kind::Text(text) if &**name == "length" => Value::of(Kind::Number(text.chars().count() as f64)),
            Kind::Undefined | Kind::Null => {
                self.throw();
                Value::unknown()
            }
            _ if &**name == "length" => {
                let taint = object
                    .taint
                    .as_ref()
                    .map(|taint| taint.property(name, at).cleaned(crate::code::taint::Clean::NUMBER));
                Value { kind: Kind::Unknown, taint, test: object.test.clone() }
            }
            _ => Value::unknown().tainted(property(object, name, at)),
        }
    }

    /// `object[key]`.
    pub fn get_at(&mut self, object: &Value, key: &Value, at: Pos) -> Value {
        match &key.kind {
            Kind::Text(name) => self.get(object, &Arc::clone(name), at),
            Kind::Number(number) if *number >= 0.0 => self.element(object, *number as usize, at),
            Kind::OneOf(keys) if object.as_object().is_some() => {
                let keys = Arc::clone(keys);
                let parts: Vec<_> =
                    keys.iter().map(|(key, known)| (self.get_at(object, key, at), known.clone())).collect();
                Value::one_of(parts).unwrap_or_default()
            }
            _ => {
                let mut value = self.any_element(object, at);
                // A fixed table looked up by what the client says gives what is in the table.
                let is_own = key.taint.as_ref().is_some_and(|taint| taint.from == From::OwnColumn);
                if value.taint.is_none() && (is_own || object.as_object().is_none()) {
                    value = value.tainted(key.taint.clone());
                }
                value
            }
        }
    }

    fn get_static(&self, statics: ObjectId, name: &Name) -> Value {
        self.heap.get(statics).props.get(name).cloned().unwrap_or_else(Value::undefined)
    }

    fn get_of_object(&mut self, object: &Value, id: ObjectId, name: &Name, at: Pos) -> Value {
        let found = self.heap.get(id);
        if let Some(value) = found.props.get(name) {
            return value.clone();
        }
        let rest = found.rest.clone();
        match &found.shape {
            Shape::Array if &**name == "length" => {
                let length = found.items.len();
                if rest.is_none() && object.taint.is_none() && object.test.is_none() {
                    return Value::of(Kind::Number(length as f64));
                }
                Value { kind: Kind::Unknown, taint: property(object, name, at), test: object.test.clone() }
            }
            Shape::Array => match name.parse::<usize>() {
                Ok(number) => self.element(object, number, at),
                Err(_) => Value::unknown(),
            },
            Shape::Row(row) => match &**name {
                "id" | "objectId" => match &row.origin {
                    Origin::ById(given) => given.clone(),
                    Origin::Caller => Value::of(Kind::CallerId),
                    _ => self.column(id, &"id".into(), at),
                },
                "attributes" => self.column(id, &"*".into(), at),
                "className" => match &row.class {
                    crate::code::shape::ClassRef::Known(name) => Value::of(Kind::Text(Arc::clone(name))),
                    _ => Value::unknown(),
                },
                _ => self.column(id, name, at),
            },
            Shape::Request(asked) => self.request_part(*asked, name, at),
            Shape::Instance(class) => {
                let class = Arc::clone(class);
                match self.method_named(&class, name, object) {
                    Some(method) => method,
                    None => rest.unwrap_or_else(Value::unknown),
                }
            }
            Shape::RowClass(_) => Value::path(format!("Parse.Object.{name}")),
            Shape::Plain => match rest {
                Some(rest) => rest,
                None => Value::undefined(),
            },
            _ => Value::unknown(),
        }
    }

    /// A column of a row.
    pub fn column(&mut self, row: ObjectId, name: &Name, at: Pos) -> Value {
        if !matches!(&**name, "id" | "objectId") {
            self.touched.insert(row);
        }
        let found = self.heap.get(row);
        let Shape::Row(info) = &found.shape else {
            return Value { kind: Kind::Column(row, Arc::clone(name)), taint: None, test: None };
        };
        // What the code itself wrote there.
        let written = info.written.iter().rev().find(|(column, _, _)| column.as_text() == Some(name));
        if let Some((_, value, _)) = written
            && !matches!(info.origin, Origin::Fetched(..))
            && !info.maybe.contains(name)
        {
            return value.clone();
        }
        if &**name == "user" && matches!(&info.origin, Origin::Fetched(selection, _) if selection.session) {
            return Value::of(Kind::Caller);
        }
        let from = match info.origin {
            Origin::Trigger => Some((From::TriggerObject, "object")),
            Origin::Caller => Some((From::OwnColumn, "user")),
            _ => None,
        };
        let is_meta = matches!(&**name, "id" | "createdAt" | "updatedAt" | "objectId");
        let taint = from
            .filter(|_| !is_meta && &**name != "authData")
            .map(|(from, of)| crate::code::taint::Taint::new(from, format!("{of}.{name}"), at));
        Value { kind: Kind::Column(row, Arc::clone(name)), taint, test: None }
    }

    /// `object[key] = value`.
    pub fn set(&mut self, object: &Value, key: &Value, value: Value, at: Pos) {
        match &object.kind {
            Kind::Object(id) => self.set_of_object(*id, key, value, at),
            Kind::Function(closure) => {
                if let Some(name) = key.as_text() {
                    self.heap.get_mut(closure.statics).props.insert(Arc::clone(name), value);
                }
            }
            Kind::Class(class) => {
                if let Some(name) = key.as_text() {
                    self.heap.get_mut(class.statics).props.insert(Arc::clone(name), value);
                }
            }
            Kind::Caller => self.set_of_object(self.caller, key, value, at),
            Kind::OneOf(values) => {
                let values = Arc::clone(values);
                for (one, _) in values.iter() {
                    self.set(one, key, value.clone(), at);
                }
            }
            Kind::Path(path) if matches!(&**path, "global" | "globalThis" | "window") => {
                if let Some(name) = key.as_text() {
                    self.set_in(self.globals, &Arc::clone(name), value);
                }
            }
            _ => {
                if key.taint.is_some() && !matches!(object.kind, Kind::Path(_)) {
                    self.note_dynamic(key, at);
                }
            }
        }
    }

    fn note_dynamic(&mut self, key: &Value, at: Pos) {
        let what = crate::code::event::What::DynamicProperty { key: key.clone(), called: false };
        self.note(what, at, &Guards::default());
    }

    fn set_of_object(&mut self, id: ObjectId, key: &Value, value: Value, at: Pos) {
        let older = self.is_older(id);
        let guards = self.guards();
        if let Shape::Row(_) = self.heap.get(id).shape {
            if key.as_text().is_some_and(|name| matches!(&**name, "id" | "objectId")) {
                if let Shape::Row(row) = &mut self.heap.get_mut(id).shape {
                    row.origin = Origin::ById(value);
                }
            } else {
                self.write_column(id, key.clone(), value, at);
            }
            return;
        }
        let Some(name) = key.as_text() else {
            // In an object of the handler's own, not even `__proto__` changes anything else.
            if key.taint.is_some() && older {
                self.note_dynamic(key, at);
            }
            let number = match key.kind {
                Kind::Number(number) if number >= 0.0 => Some(number as usize),
                _ => None,
            };
            let object = self.heap.get_mut(id);
            match number.and_then(|number| object.items.get_mut(number)) {
                Some(item) => *item = value,
                None if matches!(object.shape, Shape::Array) => object.items.push(value),
                None => object.rest = Some(object.rest.take().unwrap_or(value)),
            }
            return;
        };
        let props = &mut self.heap.get_mut(id).props;
        let new = match props.get(name) {
            Some(old) if older => Value::either((old.clone(), Guards::default()), (value, guards)),
            None if older && !guards.is_empty() => {
                Value::either((Value::undefined(), Guards::default()), (value, guards))
            }
            _ => value,
        };
        props.insert(Arc::clone(name), new);
    }

    /// `delete object.name`.
    pub fn delete(&mut self, object: &Value, name: &Name) {
        if let Some(id) = object.as_object() {
            let object = self.heap.get_mut(id);
            object.props.insert(Arc::clone(name), Value::undefined());
        }
    }

    /// `Object.assign(target, value)` and `{ ...value }`.
    pub fn copy_into(&mut self, target: ObjectId, value: &Value) {
        match &value.kind {
            Kind::Object(id) => {
                let from = self.heap.get(*id).clone();
                let to = self.heap.get_mut(target);
                to.props.extend(from.props);
                if let Some(rest) = from.rest {
                    to.rest = Some(rest);
                }
                if to.rest.is_none() && value.taint.is_some() {
                    to.rest = Some(Value::unknown().tainted(value.taint.clone()));
                }
            }
            Kind::OneOf(values) => {
                let values = Arc::clone(values);
                for (one, guards) in values.iter() {
                    if let Some(id) = one.as_object() {
                        let from = self.heap.get(id).clone();
                        let to = self.heap.get_mut(target);
                        for (name, new) in from.props {
                            let old = to.props.get(&name).cloned().unwrap_or_else(Value::undefined);
                            let new = Value::either((old, Guards::default()), (new, guards.clone()));
                            to.props.insert(name, new);
                        }
                    }
                }
            }
            Kind::Undefined | Kind::Null | Kind::Bool(_) => {}
            _ => {
                let rest = Value::unknown().tainted(value.taint.clone());
                self.heap.get_mut(target).rest = Some(rest);
            }
        }
    }

    /// The elements of a list, and whether these are all.
    pub fn elements_of(&self, list: &Value) -> (Vec<Value>, bool) {
        match &list.kind {
            Kind::OneOf(values) if values.len() == 1 => {
                values.first().map(|(value, _)| self.elements_of(value)).unwrap_or_default()
            }
            Kind::Object(id) => {
                let object = self.heap.get(*id);
                match object.shape {
                    Shape::Array | Shape::Fixed => (object.items.clone(), object.rest.is_none()),
                    _ => (Vec::new(), false),
                }
            }
            _ => (Vec::new(), false),
        }
    }

    /// The keys of an object, and whether these are all.
    pub fn keys_of(&self, object: &Value) -> (Vec<Value>, bool) {
        match &object.kind {
            Kind::Object(id) => {
                let object = self.heap.get(*id);
                let complete = object.rest.is_none() && matches!(object.shape, Shape::Plain);
                (object.props.keys().map(|key| Value::of(Kind::Text(Arc::clone(key)))).collect(), complete)
            }
            _ => (Vec::new(), false),
        }
    }

    /// Any key of an object.
    pub fn any_key(&self, object: &Value, at: Pos) -> Value {
        let taint = object.taint.as_ref().map(|taint| taint.property("*", at));
        let from_client = object.as_object().is_none();
        Value::unknown().tainted(taint.filter(|_| from_client))
    }

    /// Any element of a list, or any property of an object.
    pub fn any_element(&mut self, list: &Value, at: Pos) -> Value {
        match &list.kind {
            Kind::Object(id) => {
                let object = self.heap.get(*id).clone();
                let values = object.items.into_iter().chain(object.props.into_values()).chain(object.rest);
                let found = Value::one_of(values.take(12).map(|value| (value, Guards::default())));
                found.unwrap_or_default().tainted(property(list, "*", at))
            }
            Kind::Column(..) | Kind::Path(_) => self.get(list, &"*".into(), at),
            Kind::OneOf(values) => {
                let values = Arc::clone(values);
                let there = values.iter().filter(|(value, _)| !matches!(value.kind, Kind::Undefined | Kind::Null));
                let parts: Vec<_> = there.map(|(value, _)| (self.any_element(value, at), Guards::default())).collect();
                Value::one_of(parts).unwrap_or_default()
            }
            _ => Value::unknown().tainted(property(list, "*", at)),
        }
    }

    /// The element with a number.
    pub fn element(&mut self, list: &Value, number: usize, at: Pos) -> Value {
        if let Kind::Object(id) = list.kind {
            let object = self.heap.get(id);
            if let Some(item) = object.items.get(number) {
                let item = item.clone();
                return match &list.test {
                    Some(test) if item.test.is_none() => Value { test: Some(Arc::clone(test)), ..item },
                    _ => item,
                };
            }
            if matches!(object.shape, Shape::Array) && object.rest.is_none() && list.taint.is_none() {
                return Value::undefined();
            }
        }
        self.any_element(list, at)
    }

    /// What is known where a column of the caller's own row has a value.
    pub fn own_column(&mut self, column: &Name) -> Guards {
        let name = column.split('.').next().unwrap_or(column);
        if matches!(name, "id" | "objectId" | "createdAt" | "updatedAt" | "sessionToken" | "authData") {
            return Guards::signed_in();
        }
        if self.frozen.iter().any(|frozen| frozen == name) {
            // Only the server gives it its value.
            return Guards::signed_in().and(&Guards::flag(Flag::Role));
        }
        let lower = name.to_ascii_lowercase();
        let is_privilege = ["role", "admin", "type", "perm", "level", "staff", "moderator", "super", "access", "group"]
            .iter()
            .any(|word| lower.contains(word));
        if !is_privilege {
            return Guards::signed_in();
        }
        self.tested_columns.insert((Arc::clone(column), self.unit()));
        Guards::signed_in().and(&Guards::flag(Flag::OwnColumn))
    }
}

/// What a property of a value of the client is.
fn property(object: &Value, name: &str, at: Pos) -> Option<Arc<crate::code::taint::Taint>> {
    object.taint.as_ref().map(|taint| taint.property(name, at))
}

fn path_member(path: &Name, name: &Name) -> Value {
    let names_master_key = |text: &str| {
        let text: String = text.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
        text.contains("masterkey") && !text.contains("ips") && !text.contains("readonly")
    };
    let is_environment = &**path == "process.env" || path.ends_with("config") || path.ends_with("Config");
    if (&**path == "Parse" && &**name == "masterKey") || (is_environment && names_master_key(name)) {
        return Value::of(Kind::MasterKey);
    }
    if path.len() > LONGEST_PATH {
        return Value::of(Kind::Path(Arc::clone(path)));
    }
    Value::path(format!("{path}.{name}"))
}
