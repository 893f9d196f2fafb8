//! Methods of lists, sets and maps.

use std::sync::Arc;

use crate::code::guards::Guards;
use crate::code::shape::Shape;
use crate::code::value::{Kind, Pos, Value};

use super::Run;

impl<'a> Run<'a> {
    /// A method of a list; `None` if it is none.
    pub fn list_method(&mut self, list: &Value, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        if self.is_plain(list) && !matches!(name, "hasOwnProperty" | "forEach" | "map") {
            return None;
        }
        match name {
            "forEach" | "each" | "map" | "flatMap" | "filter" | "some" | "every" | "find" | "findLast"
            | "findIndex" | "sort" | "reduce" | "reduceRight" => self.each(list, name, args, at),
            "includes" | "has" | "contains" if self.is_list(list) => Some(self.includes(list, args.first())),
            "indexOf" | "lastIndexOf" | "findIndexOf" if self.is_list(list) => Some(self.includes(list, args.first())),
            "push" | "unshift" | "add" if self.is_list(list) => {
                if let Some(id) = list.as_object() {
                    let known = self.guards();
                    let under = |value: &Value| {
                        if known.owns_any() && !matches!(value.kind, Kind::OneOf(_)) {
                            let alternatives = [(value.clone(), known.clone())];
                            return Value { kind: Kind::OneOf(alternatives.into()), ..value.clone() };
                        }
                        value.clone()
                    };
                    let object = self.heap.get_mut(id);
                    if object.items.len() < 512 {
                        object.items.extend(args.iter().map(under));
                    } else if object.rest.is_none() {
                        object.rest = args.first().cloned();
                    }
                }
                Some(list.clone())
            }
            "concat" if self.is_list(list) => {
                let (mut items, _) = self.elements_of(list);
                for arg in args {
                    match self.elements_of(arg) {
                        (more, true) => items.extend(more),
                        _ => items.push(self.any_element(arg, at)),
                    }
                }
                Some(self.new_array(items, at))
            }
            "slice" | "reverse" | "flat" | "values" | "splice" | "toArray" | "entries" if self.is_list(list) => {
                Some(list.clone())
            }
            "pop" | "shift" | "at" | "next" if self.is_list(list) => Some(self.element(list, 0, at)),
            "join" if self.is_list(list) => {
                let (items, complete) = self.elements_of(list);
                let glue = args.first().cloned().unwrap_or_else(|| Value::text(","));
                if !complete {
                    return Some(Value::unknown().tainted(list.taint.clone()));
                }
                let mut parts = Vec::new();
                for (number, item) in items.into_iter().enumerate() {
                    if number > 0 {
                        parts.push(glue.clone());
                    }
                    parts.push(item);
                }
                Some(super::expr::join_texts(parts, true))
            }
            "keys" if self.is_list(list) => Some(list.clone()),
            "hasOwnProperty" => args.first().and_then(|key| key.taint.as_ref()).map(|taint| self.allowed(taint)),
            _ => None,
        }
    }

    fn is_list(&self, value: &Value) -> bool {
        value.as_object().is_some_and(|id| matches!(self.heap.get(id).shape, Shape::Array | Shape::Fixed))
    }

    /// Whether it is an object of the app that is no list.
    fn is_plain(&self, value: &Value) -> bool {
        match &value.kind {
            Kind::Object(id) => !matches!(self.heap.get(*id).shape, Shape::Array | Shape::Fixed),
            Kind::Function(_) | Kind::Class(_) => true,
            _ => false,
        }
    }

    /// Whether a list has an element: a fixed list tells what the element may be.
    fn includes(&mut self, list: &Value, wanted: Option<&Value>) -> Value {
        let Some(wanted) = wanted else { return Value::unknown() };
        let (items, complete) = self.elements_of(list);
        let none = Some(Guards::default());
        if complete && list.taint.is_none() {
            let fixed = items.iter().all(|item| matches!(item.kind, Kind::Text(_) | Kind::Number(_)));
            if let (true, Some(text)) = (fixed, wanted.as_text()) {
                let is_in = items.iter().any(|item| item.as_text() == Some(text));
                return Value::bool(is_in);
            }
            let is_other = |item: &Value| item.as_text().is_some_and(|text| self.is_other_path(wanted, text, false));
            if !items.is_empty() && items.iter().all(is_other) {
                return Value::bool(false);
            }
            if let (true, Kind::OneOf(values)) = (fixed, &wanted.kind) {
                let each = self.each_test(values, |run, wanted| run.includes(list, Some(wanted)));
                return self.and_allowed(each, wanted);
            }
            if let Kind::Column(row, column) = &wanted.kind
                && *row == self.caller
            {
                return Value::test(Some(self.own_column(&Arc::clone(column))), none);
            }
            if let Kind::Column(row, _) = &wanted.kind
                && let Shape::Row(info) = &self.heap.get(*row).shape
                && info.class.is("_Role")
            {
                return Value::test(Some(Guards::flag(crate::code::guards::Flag::Role)), none);
            }
            if fixed && let Some(taint) = &wanted.taint {
                return self.allowed(taint);
            }
        }
        if wanted.is_caller() {
            return Value::test(Some(Guards::flag(crate::code::guards::Flag::Role)), none);
        }
        // A list of roles of the caller, or something else that was worked out before.
        match &list.test {
            Some(test) => Value::test(test.yes.clone(), test.no.clone()),
            None => Value::unknown(),
        }
    }

    fn each(&mut self, list: &Value, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        let callback = args.first()?;
        if !callback.is_function() && !matches!(callback.kind, Kind::Path(_)) {
            return (name == "sort").then(|| list.clone());
        }
        let (items, complete) = self.elements_of(list);
        if name.starts_with("reduce") {
            let start = args.get(1).cloned().unwrap_or_default();
            let element = self.any_element(list, at);
            let result = self.maybe_call_back(callback, vec![start, element], at);
            return Some(result);
        }
        if complete && items.len() <= self.most_rounds && self.is_list(list) {
            let mut results = Vec::new();
            for (number, item) in items.iter().enumerate() {
                let args = vec![item.clone(), Value::of(Kind::Number(number as f64)), list.clone()];
                let before = self.path.clone();
                let result = self.call_value(callback, &Value::undefined(), args, at);
                if self.path.is_none() {
                    self.path = before;
                }
                results.push(result);
            }
            return Some(self.of_results(list, name, results, items, at));
        }
        let element = self.any_element(list, at);
        let before = self.path.clone();
        let result =
            self.call_value(callback, &Value::undefined(), vec![element.clone(), Value::unknown(), list.clone()], at);
        self.path = before;
        Some(match name {
            "map" | "flatMap" => {
                let id = self.object(Shape::Array, at);
                let taint = result.taint.clone();
                self.heap.get_mut(id).rest = Some(result);
                Value { taint, ..Value::of(Kind::Object(id)) }
            }
            "filter" | "sort" => list.clone(),
            "some" | "find" | "findLast" | "findIndex" => {
                let truth = self.truth(&result);
                let test = crate::code::value::Test { yes: truth.yes, no: Some(Guards::default()) };
                let value = if name == "some" { Value::unknown() } else { element };
                Value { test: Some(Arc::new(test)), ..value }
            }
            "every" => result,
            _ => Value::undefined(),
        })
    }

    fn of_results(&mut self, list: &Value, name: &str, results: Vec<Value>, items: Vec<Value>, at: Pos) -> Value {
        match name {
            "map" | "flatMap" => self.new_array(results, at),
            "filter" => {
                let mut kept = Vec::new();
                for (item, result) in items.into_iter().zip(results) {
                    if self.truth(&result).yes.is_some() {
                        kept.push(item);
                    }
                }
                self.new_array(kept, at)
            }
            "some" | "find" | "findLast" | "findIndex" => {
                let mut yes: Option<Guards> = None;
                for result in &results {
                    if let Some(known) = self.truth(result).yes {
                        yes = Some(yes.map_or(known.clone(), |before| before.common(&known)));
                    }
                }
                let value = if name == "some" { Value::unknown() } else { self.any_element(list, at) };
                let test = crate::code::value::Test { yes, no: Some(Guards::default()) };
                Value { test: Some(Arc::new(test)), ..value }
            }
            "every" => {
                let mut yes = Guards::default();
                for result in &results {
                    yes = yes.and(&self.truth(result).yes.unwrap_or_default());
                }
                Value::test(Some(yes), Some(Guards::default()))
            }
            "sort" => list.clone(),
            _ => Value::undefined(),
        }
    }
}
