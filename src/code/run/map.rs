//! `Map`: values by key, as tables of routes are built.

use std::sync::Arc;

use crate::code::heap::ObjectId;
use crate::code::shape::Shape;
use crate::code::value::{Kind, Pos, Value};

use super::Run;

impl<'a> Run<'a> {
    /// Puts a value into a map.
    pub fn set_in_map(&mut self, map: ObjectId, key: &Value, value: Value) {
        let object = self.heap.get_mut(map);
        match key.as_text() {
            Some(key) => drop(object.props.insert(Arc::clone(key), value)),
            None => object.rest = Some(object.rest.take().unwrap_or(value)),
        }
    }

    /// A method of a map; `None` if the value is none, or the method is none.
    pub fn map_method(&mut self, map: &Value, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        let id = map.as_object()?;
        if !matches!(self.heap.get(id).shape, Shape::Map) {
            return None;
        }
        let first = args.first().cloned().unwrap_or_else(Value::undefined);
        match name {
            "set" => {
                self.set_in_map(id, &first, args.get(1).cloned().unwrap_or_default());
                Some(map.clone())
            }
            "get" => match first.as_text() {
                Some(key) => {
                    let object = self.heap.get(id);
                    let found = object.props.get(key).or(object.rest.as_ref()).cloned();
                    Some(found.unwrap_or_else(Value::undefined))
                }
                None => Some(self.any_element(map, at)),
            },
            "has" => Some(match (&first.taint, first.as_text()) {
                (Some(taint), _) => self.allowed(taint),
                (None, Some(key)) => Value::bool(self.heap.get(id).props.contains_key(key)),
                (None, None) => Value::unknown(),
            }),
            "forEach" => {
                for (key, value) in self.heap.get(id).props.clone() {
                    let key = Value::of(Kind::Text(key));
                    self.maybe_call_back(&first, vec![value, key, map.clone()], at);
                }
                Some(Value::undefined())
            }
            "keys" => {
                let keys: Vec<_> = self.heap.get(id).props.keys().cloned().collect();
                Some(self.new_array(keys.into_iter().map(|key| Value::of(Kind::Text(key))).collect(), at))
            }
            "values" => {
                let values: Vec<Value> = self.heap.get(id).props.values().cloned().collect();
                Some(self.new_array(values, at))
            }
            "entries" => Some(self.pairs_of_map(id, at)),
            "delete" | "clear" => Some(Value::bool(true)),
            _ => None,
        }
    }

    /// The pairs of key and value.
    pub fn pairs_of_map(&mut self, map: ObjectId, at: Pos) -> Value {
        let props = self.heap.get(map).props.clone();
        let mut pairs = Vec::new();
        for (key, value) in props {
            pairs.push(self.new_array(vec![Value::of(Kind::Text(key)), value], at));
        }
        self.new_array(pairs, at)
    }
}
