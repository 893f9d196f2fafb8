//! Promises and callbacks. What a promise will give is followed as if it were there
//! at once; what an asynchronous function makes sure of holds only after `await`.

use std::sync::Arc;

use crate::code::guards::Guards;
use crate::code::shape::Shape;
use crate::code::value::{Kind, Native, Pos, Value};

use super::Run;

impl<'a> Run<'a> {
    /// `await value`.
    pub fn wait_for(&mut self, value: Value) -> Value {
        match &value.kind {
            Kind::Promise(settled) => {
                let (inner, guards) = (settled.0.clone(), settled.1.clone());
                self.learn(&guards);
                self.wait_for(inner)
            }
            Kind::Rejected => {
                self.throw();
                Value::unknown()
            }
            Kind::OneOf(values) if value.test.is_none() && values.iter().any(|(one, _)| is_promise(one)) => {
                let values = Arc::clone(values);
                let settled = values.iter().map(|(one, guards)| match &one.kind {
                    Kind::Promise(settled) => (settled.0.clone(), guards.and(&settled.1)),
                    _ => (one.clone(), guards.clone()),
                });
                let settled: Vec<_> = settled.filter(|(one, _)| !matches!(one.kind, Kind::Rejected)).collect();
                match joined(settled) {
                    Some((value, known)) => {
                        self.learn(&known);
                        value
                    }
                    None => {
                        self.throw();
                        Value::unknown()
                    }
                }
            }
            Kind::Object(id) if matches!(self.heap.get(*id).shape, Shape::Deferred) => {
                let settled = self.heap.get(*id).props.get("value").cloned().unwrap_or_default();
                self.wait_for(settled)
            }
            _ => value,
        }
    }

    /// `promise.then(…)` and its like; `None` if the method is none of a promise.
    pub fn promise_method(&mut self, promise: &Value, name: &str, args: &[Value], at: Pos) -> Option<Value> {
        let takes = args.iter().any(|arg| arg.is_function() || matches!(arg.kind, Kind::Path(_)));
        match name {
            "then" | "done" | "tap" | "spread" | "catch" | "fail" | "always" if !takes => None,
            "then" | "done" | "continueWith" | "tap" | "spread" => {
                let mut found: Option<(Value, Guards)> = None;
                let before = self.path.clone();
                let value = self.wait_for(promise.clone());
                let settled = self.path.is_some();
                let given = match args.first() {
                    Some(then) if then.is_function() && settled => self.call_back(then, vec![value], at),
                    _ => value,
                };
                if self.path.is_some() {
                    found = Some((given, self.guards()));
                }
                if let Some(fail) = args.get(1).filter(|fail| fail.is_function()) {
                    self.path = before.clone();
                    self.failing += 1;
                    let given = self.call_back(fail, vec![Value::path("error")], at);
                    self.failing -= 1;
                    if self.path.is_some() && found.is_none() {
                        found = Some((given, self.guards()));
                    }
                }
                // A callback that ends the path by `return` ends only itself; one that throws refuses
                // the promise, and what comes after the chain goes on without it.
                self.path = before;
                Some(match found {
                    Some((value, guards)) => promise_of(value, guards),
                    None => Value::of(Kind::Rejected),
                })
            }
            "catch" | "fail" | "otherwise" => {
                let before = self.path.clone();
                if let Some(fail) = args.first() {
                    self.failing += 1;
                    self.call_back(fail, vec![Value::path("error")], at);
                    self.failing -= 1;
                }
                self.path = before;
                Some(promise.clone())
            }
            "finally" | "always" | "fin" => {
                let before = self.path.clone();
                if let Some(then) = args.first() {
                    self.call_back(then, Vec::new(), at);
                }
                self.path = before;
                Some(promise.clone())
            }
            _ => None,
        }
    }

    /// Calls a callback; what it gives is waited for.
    pub fn call_back(&mut self, callback: &Value, args: Vec<Value>, at: Pos) -> Value {
        let value = self.call_value(callback, &Value::undefined(), args, at);
        if self.path.is_none() {
            return Value::of(Kind::Rejected);
        }
        match &value.kind {
            Kind::Rejected => {
                self.path = None;
                value
            }
            Kind::OneOf(_) | Kind::Promise(_) => self.wait_for(value),
            _ => value,
        }
    }

    /// Calls a callback that may be called or not, and goes on with what is known either way.
    pub fn maybe_call_back(&mut self, callback: &Value, args: Vec<Value>, at: Pos) -> Value {
        let before = self.path.clone();
        let value = self.call_back(callback, args, at);
        if self.path.is_none() {
            self.path = before;
        }
        value
    }

    /// `{ success: …, error: … }` of old SDKs, as the last argument.
    pub fn old_callbacks(&mut self, options: Option<&Value>, result: &Value, at: Pos) {
        let Some(options) = options else { return };
        let before = self.path.clone();
        for (name, args) in [("success", vec![result.clone()]), ("error", vec![Value::unknown(), Value::path("error")])]
        {
            let handler = options.as_object().and_then(|id| self.heap.get(id).props.get(name).cloned());
            if let Some(handler) = handler.filter(Value::is_function) {
                self.path = before.clone();
                let fails = u32::from(name == "error");
                self.failing += fails;
                self.call_back(&handler, args, at);
                self.failing -= fails;
            }
        }
        if options.is_function() {
            self.call_back(options, vec![result.clone()], at);
        }
        self.path = before;
    }

    /// `new Promise((resolve, reject) => …)`.
    pub fn new_promise(&mut self, executor: &Value, at: Pos) -> Value {
        let number = self.next_activation;
        self.next_activation += 1;
        let before = self.path.clone();
        let args =
            vec![Value::of(Kind::Native(Native::Resolve(number))), Value::of(Kind::Native(Native::Reject(number)))];
        self.call_value(executor, &Value::undefined(), args, at);
        self.path = before;
        self.settle(number)
    }

    /// What a promise was resolved with, in all calls of `resolve`.
    fn settle(&mut self, number: usize) -> Value {
        let Some(settled) = self.settled.remove(&number) else { return Value::unknown() };
        match joined(settled) {
            Some((value, known)) => promise_of(value, known),
            None => Value::of(Kind::Rejected),
        }
    }

    /// A call of `resolve`, `reject` or `next`.
    pub fn native(&mut self, native: Native, args: &[Value], at: Pos) -> Value {
        match native {
            Native::Resolve(number) => {
                let value = args.first().cloned().unwrap_or_else(Value::undefined);
                let guards = self.guards();
                if self.path.is_some() {
                    self.settled.entry(number).or_default().push((value, guards));
                }
                Value::undefined()
            }
            Native::Reject(number) => {
                self.settled.entry(number).or_default();
                Value::undefined()
            }
            Native::Next(number) => {
                // `next(error)` leads to the error handler, not on.
                let passes = args.first().is_none_or(|arg| {
                    matches!(arg.kind, Kind::Undefined | Kind::Null)
                        || arg.as_text().is_some_and(|text| &**text == "route")
                });
                let guards = self.guards();
                if passes && self.path.is_some() {
                    self.loose_at_next.clone_from(&self.loose);
                    self.settled.entry(number).or_default().push((Value::undefined(), guards));
                }
                Value::undefined()
            }
            Native::Require => match args.first() {
                Some(path) => self.require(&path.clone(), at),
                None => Value::unknown(),
            },
        }
    }

    /// Calls middleware; what is known where it calls `next`, or `None` if it never does.
    pub fn middleware(&mut self, handler: &Value, request: &Value, answer: &Value, at: Pos) -> Option<Guards> {
        let number = self.next_activation;
        self.next_activation += 1;
        let before = self.path.clone();
        let next = Value::of(Kind::Native(Native::Next(number)));
        self.loose_at_next = self.loose.clone();
        self.call_value(handler, &Value::undefined(), vec![request.clone(), answer.clone(), next], at);
        self.path = before;
        // Who refuses and does not call on stops there.
        self.loose = std::mem::take(&mut self.loose_at_next);
        let settled = self.settled.remove(&number)?;
        Guards::common_of(settled.iter().map(|(_, guards)| guards))
    }
}

/// One of several values and what is known whichever it is; `None` of none.
pub fn joined(values: Vec<(Value, Guards)>) -> Option<(Value, Guards)> {
    let known = Guards::common_of(values.iter().map(|(_, guards)| guards))?;
    Some((Value::one_of(values)?, known))
}

/// A promise of a value; plain if nothing is learnt from waiting for it.
pub fn promise_of(value: Value, guards: Guards) -> Value {
    if matches!(value.kind, Kind::Rejected) {
        return value;
    }
    let taint = value.taint.clone();
    Value { kind: Kind::Promise(Arc::new((value, guards))), taint, test: None }
}

fn is_promise(value: &Value) -> bool {
    matches!(value.kind, Kind::Promise(_) | Kind::Rejected)
}
