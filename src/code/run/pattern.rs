//! Binding: variables, parameters, assignments.

use std::sync::Arc;

use crate::code::event::What;
use crate::code::guards::Guards;
use crate::code::shape::Shape;
use crate::code::value::{Kind, Pos, Value};
use crate::model::unit::{Expr, ExprKind, Name, Pattern};

use super::Run;

impl<'a> Run<'a> {
    /// Declares what a pattern names.
    pub fn bind(&mut self, pattern: &'a Pattern, value: Value) {
        self.bind_with(pattern, value, true);
    }

    /// Assigns to what a pattern names.
    pub fn bind_to(&mut self, pattern: &'a Pattern, value: Value) {
        self.bind_with(pattern, value, false);
    }

    fn bind_with(&mut self, pattern: &'a Pattern, value: Value, declares: bool) {
        match pattern {
            Pattern::Name(name, _) if declares => {
                if let Kind::WeakRandom(at) = &value.kind
                    && crate::code::run::is_secret_column(name)
                {
                    let what = What::Weak { name: Arc::clone(name), at: *at };
                    self.note(what, *at, &Guards::default());
                }
                self.declare(name, value);
            }
            Pattern::Name(name, span) => {
                let at = self.pos(*span);
                self.note_shared(name, &value, at);
                self.assign(name, value);
            }
            Pattern::Object { props, rest } => {
                let mut taken = Vec::new();
                for (key, pattern) in props {
                    let at = match pattern {
                        Pattern::Name(_, span) => self.pos(*span),
                        Pattern::Default(inner, _) => match inner.as_ref() {
                            Pattern::Name(_, span) => self.pos(*span),
                            _ => self.here(),
                        },
                        _ => self.here(),
                    };
                    let key = self.prop_key(key);
                    let part = self.get_at(&value, &key, at);
                    taken.extend(key.as_text().cloned());
                    self.bind_with(pattern, part, declares);
                }
                if let Some(rest) = rest {
                    let left = self.without(&value, &taken);
                    self.bind_with(rest, left, declares);
                }
            }
            Pattern::Array { items, rest } => {
                let at = self.here();
                for (number, pattern) in items.iter().enumerate() {
                    let Some(pattern) = pattern else { continue };
                    let part = self.element(&value, number, at);
                    self.bind_with(pattern, part, declares);
                }
                if let Some(rest) = rest {
                    let (elements, complete) = self.elements_of(&value);
                    let left = if complete {
                        self.new_array(elements.into_iter().skip(items.len()).collect(), at)
                    } else {
                        value
                    };
                    self.bind_with(rest, left, declares);
                }
            }
            Pattern::Default(pattern, default) => {
                let value = match value.kind {
                    Kind::Undefined => self.expr(default),
                    Kind::Unknown => {
                        let other = self.expr(default);
                        let taint = value.taint.clone();
                        Value::either((value, Guards::default()), (other, Guards::default())).tainted(taint)
                    }
                    _ => value,
                };
                self.bind_with(pattern, value, declares);
            }
            Pattern::Member(target) => self.bind_expr(target, value),
            Pattern::Nothing => {}
        }
    }

    /// Assigns to what an expression names.
    pub fn bind_expr(&mut self, target: &'a Expr, value: Value) {
        let at = self.pos(target.span);
        match &target.kind {
            ExprKind::Name(name) => {
                self.note_shared(name, &value, at);
                self.assign(name, value);
            }
            ExprKind::Member(object, name) => {
                let object = self.expr(object);
                self.set(&object, &Value::of(Kind::Text(Arc::clone(name))), value, at);
            }
            ExprKind::Index(object, index) => {
                let object = self.expr(object);
                let index = self.expr(index);
                self.set(&object, &index, value, at);
            }
            _ => {}
        }
    }

    /// Notes that a variable which all requests share is given something.
    fn note_shared(&mut self, name: &Name, value: &Value, at: Pos) {
        if self.is_shared(name) && !matches!(value.kind, Kind::Undefined | Kind::Null) {
            let what = What::Shared { name: Arc::clone(name), value: value.clone() };
            self.note(what, at, &Guards::default());
        }
    }

    /// Somewhere in the unit the walk is in, where no better place is known.
    pub fn here(&self) -> Pos {
        self.frames.last().map_or(Pos { unit: 0, span: Default::default() }, |frame| frame.called_at)
    }

    /// What is left of an object without some properties.
    fn without(&mut self, value: &Value, taken: &[crate::model::unit::Name]) -> Value {
        let Some(id) = value.as_object() else { return value.clone() };
        let mut object = self.heap.get(id).clone();
        if !matches!(object.shape, Shape::Plain) {
            return value.clone();
        }
        object.props.retain(|name, _| !taken.contains(name));
        let id = self.heap.add(object);
        Value { kind: Kind::Object(id), ..value.clone() }
    }
}
