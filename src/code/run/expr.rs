//! Expressions.

use std::sync::Arc;

use crate::code::guards::Guards;
use crate::code::shape::Shape;
use crate::code::taint::Clean;
use crate::code::value::{Kind, Value};
use crate::model::unit::{Arg, Binary, Expr, ExprKind, Prop, PropKey};

use super::Run;

/// Elements of an array that are kept apart.
const MOST_ITEMS: usize = 512;

impl<'a> Run<'a> {
    /// The value of an expression.
    pub fn expr(&mut self, expr: &'a Expr) -> Value {
        if !self.step() {
            return Value::unknown();
        }
        let at = self.pos(expr.span);
        match &expr.kind {
            ExprKind::Name(name) => self.variable(name),
            ExprKind::This => self.frames.last().map_or_else(Value::unknown, |frame| frame.this.clone()),
            ExprKind::Super => self.super_value(),
            ExprKind::Text(text) => Value::of(Kind::Text(Arc::clone(text))),
            ExprKind::Number(number) => Value::of(Kind::Number(*number)),
            ExprKind::Bool(is) => Value::bool(*is),
            ExprKind::Null => Value::of(Kind::Null),
            ExprKind::Undefined => Value::undefined(),
            ExprKind::Regex(pattern) => {
                let id = self.object(Shape::Plain, at);
                self.heap.get_mut(id).props.insert("source".into(), Value::of(Kind::Text(Arc::clone(pattern))));
                Value::of(Kind::Object(id))
            }
            ExprKind::Template(parts) | ExprKind::Sum(parts) => {
                let is_template = matches!(expr.kind, ExprKind::Template(_));
                let parts: Vec<Value> = parts.iter().map(|part| self.expr(part)).collect();
                join_texts(parts, is_template)
            }
            ExprKind::Member(object, name) => {
                let object = self.expr(object);
                self.get(&object, name, at)
            }
            ExprKind::Index(object, index) => {
                let object = self.expr(object);
                let index = self.expr(index);
                self.get_at(&object, &index, at)
            }
            ExprKind::Call(callee, args) => self.call_expr(callee, args, at),
            ExprKind::New(callee, args) => {
                let callee = self.expr(callee);
                let args = self.args(args);
                self.construct(&callee, args, at)
            }
            ExprKind::Import(path) => {
                let path = self.expr(path);
                self.require(&path, at)
            }
            ExprKind::Object(props) => self.object_literal(props, at),
            ExprKind::Array(items) => {
                let items = self.args(items);
                self.new_array(items.into_iter().take(MOST_ITEMS).collect(), at)
            }
            ExprKind::Function(id) => self.closure(*id),
            ExprKind::Class(id) => self.class_value(*id),
            ExprKind::Assign(target, value) => {
                let value = self.expr(value);
                self.bind_to(target, value.clone());
                value
            }
            ExprKind::Update(target, operator, value) => self.update(target, *operator, value),
            ExprKind::Not(value) => {
                let value = self.expr(value);
                let truth = self.truth(&value);
                match (&truth.yes, &truth.no) {
                    (Some(_), None) if truth.yes == Some(Guards::default()) => Value::bool(false),
                    (None, Some(_)) if truth.no == Some(Guards::default()) => Value::bool(true),
                    _ => Value::test(truth.no, truth.yes),
                }
            }
            ExprKind::Typeof(value) => {
                let value = self.expr(value);
                self.type_of(&value)
            }
            ExprKind::Numeric(value) => {
                let value = self.expr(value);
                match value.kind {
                    Kind::Number(number) => Value::of(Kind::Number(-number)),
                    _ => Value::unknown().tainted(value.taint.map(|taint| taint.cleaned(Clean::NUMBER))),
                }
            }
            ExprKind::Delete(value) => {
                if let ExprKind::Member(object, name) = &value.kind {
                    let object = self.expr(object);
                    self.delete(&object, name);
                }
                Value::bool(true)
            }
            ExprKind::Binary(operator, left, right) => {
                let a = self.expr(left);
                let b = self.expr(right);
                self.compare(*operator, &a, &b, expr)
            }
            ExprKind::And(left, right) => self.both(left, right),
            ExprKind::Or(left, right) => self.one_of(left, right),
            ExprKind::Coalesce(left, right) => {
                let a = self.expr(left);
                match a.kind {
                    Kind::Undefined | Kind::Null => self.expr(right),
                    Kind::Unknown | Kind::Path(_) | Kind::Column(..) | Kind::OneOf(_) | Kind::Caller => {
                        let mut b = Value::undefined();
                        self.branch([Some(Guards::default()), Some(Guards::default())], |run, way| {
                            if way == 1 {
                                b = run.expr(right);
                            }
                        });
                        Value::either((a, Guards::default()), (b, Guards::default()))
                    }
                    _ => a,
                }
            }
            ExprKind::Conditional(test, then, other) => {
                let value = self.expr(test);
                let truth = self.truth(&value);
                let mut found: Vec<(Value, Guards)> = Vec::new();
                let ways = [truth.yes, truth.no];
                let learnt = ways.clone();
                self.branch(ways, |run, way| {
                    let value = run.expr(if way == 0 { then } else { other });
                    let guards = learnt.get(way).cloned().flatten().unwrap_or_default();
                    if run.path.is_some() {
                        found.push((value, guards));
                    }
                });
                Value::one_of(found).unwrap_or_default()
            }
            ExprKind::Sequence(values) => {
                let mut last = Value::undefined();
                for value in values {
                    last = self.expr(value);
                }
                last
            }
            ExprKind::Await(value) => {
                let value = self.expr(value);
                self.wait_for(value)
            }
            ExprKind::Maybe(value) => {
                let value = self.expr(value);
                match value.kind {
                    Kind::Undefined | Kind::Null => Value::unknown(),
                    // Nothing is thrown where nobody is signed in, so nothing is learnt.
                    Kind::Caller if value.test.is_none() => {
                        let test = std::sync::Arc::new(value.truth());
                        Value { test: Some(test), ..value }
                    }
                    _ => value,
                }
            }
            ExprKind::Yield(value) => {
                let value = self.expr(value);
                self.wait_for(value)
            }
            ExprKind::Other(parts) => {
                let mut taint = None;
                for part in parts {
                    let value = self.expr(part);
                    taint = taint.or(value.taint);
                }
                Value::unknown().tainted(taint)
            }
        }
    }

    /// Arguments or elements, with what `...` stands for in its place.
    pub fn args(&mut self, args: &'a [Arg]) -> Vec<Value> {
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.expr(&arg.value);
            if !arg.spread {
                values.push(value);
                continue;
            }
            let (items, complete) = self.elements_of(&value);
            if complete {
                values.extend(items);
            } else {
                let at = self.pos(arg.value.span);
                values.push(self.any_element(&value, at));
            }
        }
        values
    }

    fn object_literal(&mut self, props: &'a [Prop], at: crate::code::value::Pos) -> Value {
        let id = self.object(Shape::Plain, at);
        let object = Value::of(Kind::Object(id));
        let mut taint = None;
        for prop in props {
            match prop {
                Prop::Value(key, value) => {
                    let key = self.prop_key(key);
                    let value = self.expr(value);
                    match key.as_text() {
                        Some(name) => drop(self.heap.get_mut(id).props.insert(Arc::clone(name), value)),
                        None => {
                            taint = taint.or_else(|| key.taint.clone());
                            let rest = &mut self.heap.get_mut(id).rest;
                            if rest.is_none() {
                                *rest = Some(value);
                            }
                        }
                    }
                }
                Prop::Spread(value) => {
                    let value = self.expr(value);
                    self.copy_into(id, &value);
                    taint = taint.or(value.taint);
                }
            }
        }
        Value { taint, ..object }
    }

    /// The key of a property as a value.
    pub fn prop_key(&mut self, key: &'a PropKey) -> Value {
        match key {
            PropKey::Name(name) => Value::of(Kind::Text(Arc::clone(name))),
            PropKey::Computed(key) => self.expr(key),
        }
    }

    fn update(&mut self, target: &'a Expr, operator: Binary, value: &'a Expr) -> Value {
        let old = self.expr(target);
        let new = self.expr(value);
        let result = match operator {
            Binary::Add => join_texts(vec![old, new], false),
            Binary::Either => {
                let always = Guards::default();
                Value::either((old, always.clone()), (new, always))
            }
            _ => super::compare::computed(&[&old, &new]),
        };
        self.bind_expr(target, result.clone());
        result
    }

    fn both(&mut self, left: &'a Expr, right: &'a Expr) -> Value {
        let a = self.expr(left);
        let truth_a = self.truth(&a);
        let (Some(yes), no) = (truth_a.yes, truth_a.no) else { return a };
        let Some(no) = no else { return self.expr(right) };
        let mut b = Value::unknown();
        let mut alive = false;
        let mut truth_b = None;
        self.branch([Some(yes.clone()), Some(no.clone())], |run, way| {
            if way == 0 {
                b = run.expr(right);
                alive = run.path.is_some();
                truth_b = Some(run.truth(&b));
            }
        });
        let truth_b = truth_b.unwrap_or_default();
        let both = truth_b.yes.as_ref().map(|b| yes.and(b));
        let neither = match (alive, &truth_b.no) {
            (true, Some(b)) => no.common(&yes.and(b)),
            _ => no.clone(),
        };
        let taint = b.taint.clone().or_else(|| a.taint.clone());
        let kind = match &b.kind {
            // `a && b` used as a value: mostly b is meant.
            Kind::Unknown if b.test.is_some() => Kind::Unknown,
            _ => Value::either((a, no), (b, yes)).kind,
        };
        Value { kind, taint, test: Some(Arc::new(crate::code::value::Test { yes: both, no: Some(neither) })) }
    }

    fn one_of(&mut self, left: &'a Expr, right: &'a Expr) -> Value {
        let a = self.expr(left);
        let truth_a = self.truth(&a);
        let Some(no) = truth_a.no else { return a };
        let Some(yes) = truth_a.yes else { return self.expr(right) };
        let mut b = Value::unknown();
        let mut alive = false;
        let mut truth_b = None;
        self.branch([Some(yes.clone()), Some(no.clone())], |run, way| {
            if way == 1 {
                b = run.expr(right);
                alive = run.path.is_some();
                truth_b = Some(run.truth(&b));
            }
        });
        let truth_b = truth_b.unwrap_or_default();
        let either = match (alive, &truth_b.yes) {
            (true, Some(b)) => yes.common(&no.and(b)),
            _ => yes.clone(),
        };
        let neither = truth_b.no.as_ref().filter(|_| alive).map(|b| no.and(b));
        let taint = a.taint.clone().or_else(|| b.taint.clone());
        let kind = if alive { Value::either((a, yes), (b, no)).kind } else { a.kind };
        Value { kind, taint, test: Some(Arc::new(crate::code::value::Test { yes: Some(either), no: neither })) }
    }

    /// The code of a function, with the variables around it.
    pub fn closure(&mut self, id: crate::model::unit::FunctionId) -> Value {
        let Some(frame) = self.frames.last() else { return Value::unknown() };
        let (unit, scope) = (frame.unit, frame.scope);
        let is_arrow = self.world.units.get(unit).and_then(|unit| unit.function(id)).is_some_and(|code| code.is_arrow);
        let this = is_arrow.then(|| frame.this.clone());
        let at = self.pos(Default::default());
        let statics = self.object(Shape::Plain, at);
        Value::of(Kind::Function(Arc::new(crate::code::value::Closure {
            unit,
            function: id,
            scope,
            this,
            bound: Vec::new(),
            statics,
        })))
    }
}

/// Whether a value was made a number.
fn is_number(value: &Value) -> bool {
    value.taint.as_ref().is_some_and(|taint| taint.clean.has(Clean::NUMBER))
}

/// A text, or a sum of numbers, of parts.
pub fn join_texts(parts: Vec<Value>, is_template: bool) -> Value {
    let taint = parts.iter().find_map(|part| part.taint.clone());
    let has_text = is_template || parts.iter().any(|part| matches!(part.kind, Kind::Text(_) | Kind::Joined(_)));
    if !has_text {
        let numbers: Option<f64> = parts
            .iter()
            .map(|part| match part.kind {
                Kind::Number(number) => Some(number),
                _ => None,
            })
            .sum();
        if let Some(sum) = numbers {
            return Value::of(Kind::Number(sum));
        }
        let is_numeric = |part: &Value| matches!(part.kind, Kind::Number(_) | Kind::Computed(..)) || is_number(part);
        if parts.iter().any(is_numeric) {
            return super::compare::computed(&parts.iter().collect::<Vec<_>>());
        }
        // Numbers or texts: the way of the first part is that of the sum.
        let weak = parts.iter().find(|part| matches!(part.kind, Kind::WeakRandom(_))).map(|part| part.kind.clone());
        let kind = weak.unwrap_or_else(|| Kind::Joined(parts.into()));
        return Value { kind, taint, test: None };
    }
    let mut joined: Vec<Value> = Vec::new();
    for part in parts {
        let pieces = match &part.kind {
            Kind::Joined(inner) => inner.to_vec(),
            Kind::Number(number) => vec![Value::text(number.to_string())],
            Kind::Bool(is) => vec![Value::text(is.to_string())],
            _ => vec![part],
        };
        for piece in pieces {
            match (joined.last_mut().map(|last| &mut last.kind), &piece.kind) {
                (Some(Kind::Text(before)), Kind::Text(text)) => *before = format!("{before}{text}").into(),
                _ => joined.push(piece),
            }
        }
    }
    match joined.as_slice() {
        [one] if matches!(one.kind, Kind::Text(_)) => one.clone(),
        [] => Value::text(""),
        _ => Value { kind: Kind::Joined(joined.into()), taint, test: None },
    }
}
