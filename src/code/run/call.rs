//! Calls: of the app's own functions, which are walked through, and of others.

use std::sync::Arc;

use crate::code::event::What;
use crate::code::guards::Guards;
use crate::code::heap::Object;
use crate::code::shape::Shape;
use crate::code::value::{Closure, Kind, Pos, Value};
use crate::model::unit::{Arg, Expr, ExprKind, Function};

use super::promise::{joined, promise_of};
use super::{DEEPEST, Frame, Run};

impl<'a> Run<'a> {
    /// `callee(args)`.
    pub fn call_expr(&mut self, callee: &'a Expr, args: &'a [Arg], at: Pos) -> Value {
        match &callee.kind {
            ExprKind::Member(object, name) => {
                let object = self.expr(object);
                let args = self.args(args);
                if self.path.is_none() {
                    return Value::unknown();
                }
                self.call_method(&object, name, args, at)
            }
            ExprKind::Index(object, index) => {
                let object = self.expr(object);
                let index = self.expr(index);
                let args = self.args(args);
                match index.as_text() {
                    Some(name) => self.call_method(&object, &Arc::clone(name), args, at),
                    None => {
                        if index.taint.is_some() && matches!(object.kind, Kind::Object(_)) {
                            let what = What::DynamicProperty { key: index.clone(), called: true };
                            self.note(what, at, &Guards::default());
                        }
                        let callee = self.get_at(&object, &index, at);
                        self.call_value(&callee, &object, args, at)
                    }
                }
            }
            ExprKind::Super => {
                let args = self.args(args);
                self.call_super(args, at)
            }
            _ => {
                let callee = self.expr(callee);
                let args = self.args(args);
                if self.path.is_none() {
                    return Value::unknown();
                }
                let this = Value::undefined();
                self.call_value(&callee, &this, args, at)
            }
        }
    }

    /// `object.name(args)`.
    pub fn call_method(&mut self, object: &Value, name: &crate::model::unit::Name, args: Vec<Value>, at: Pos) -> Value {
        if let Kind::OneOf(values) = &object.kind {
            return self.call_method_of_each(&Arc::clone(values), name, &args, at);
        }
        if !self.is_own_method(object, name)
            && let Some(value) = self.promise_method(object, name, &args, at)
        {
            return value;
        }
        if let Some(value) = self.map_method(object, name, &args, at) {
            return value;
        }
        if let Some(value) = self.sdk_method(object, name, &args, at) {
            return value;
        }
        match &object.kind {
            Kind::Path(path) => {
                let path = format!("{path}.{name}");
                self.call_path(&path, args, at, false)
            }
            Kind::Function(closure) if matches!(&**name, "call" | "apply" | "bind") => {
                self.call_apply_bind(&Arc::clone(closure), name, args, at)
            }
            Kind::Object(_) | Kind::Class(_) | Kind::Function(_) | Kind::Native(_) => {
                if let Some(value) = self.list_method(object, name, &args, at) {
                    return value;
                }
                let callee = self.get(object, name, at);
                match &callee.kind {
                    Kind::Undefined | Kind::Unknown => self.unknown_method(object, args, at),
                    _ => self.call_value(&callee, object, args, at),
                }
            }
            Kind::Undefined | Kind::Null => {
                self.throw();
                Value::unknown()
            }
            _ => {
                if let Some(value) = self.list_method(object, name, &args, at) {
                    return value;
                }
                if let Some(value) = self.text_method(object, name, &args, at) {
                    return value;
                }
                self.unknown_method(object, args, at)
            }
        }
    }

    /// Whether an object of the app has this method itself.
    fn is_own_method(&self, object: &Value, name: &str) -> bool {
        object.as_object().is_some_and(|id| self.heap.get(id).props.get(name).is_some_and(Value::is_function))
    }

    fn call_method_of_each(
        &mut self,
        values: &[(Value, Guards)],
        name: &crate::model::unit::Name,
        args: &[Value],
        at: Pos,
    ) -> Value {
        let there = values.iter().filter(|(value, _)| !matches!(value.kind, Kind::Undefined | Kind::Null));
        let given = self.each_way(there, |run, value| run.call_method(value, name, args.to_vec(), at));
        given.unwrap_or_default()
    }

    /// Goes on with each of several values by itself. Afterwards it may have been any that came
    /// to an end; `None`, and nowhere, if none did.
    fn each_way<'v>(
        &mut self,
        values: impl Iterator<Item = &'v (Value, Guards)>,
        mut call: impl FnMut(&mut Self, &Value) -> Value,
    ) -> Option<Value> {
        let before = self.path.clone();
        let mut given: Vec<(Value, Guards)> = Vec::new();
        let mut ends: Vec<Guards> = Vec::new();
        for (value, guards) in values {
            self.path = before.as_ref().map(|before| before.and(guards));
            let value = call(self, value);
            if let Some(end) = self.path.take() {
                ends.push(end);
                given.push((value, guards.clone()));
            }
        }
        self.path = Guards::common_of(&ends);
        Value::one_of(given)
    }

    fn call_apply_bind(&mut self, closure: &Arc<Closure>, name: &str, mut args: Vec<Value>, at: Pos) -> Value {
        let this = if args.is_empty() { Value::undefined() } else { args.remove(0) };
        let function = Value::of(Kind::Function(Arc::clone(closure)));
        match name {
            "bind" => {
                let mut bound = closure.bound.clone();
                bound.extend(args);
                let this = closure.this.clone().or(Some(this));
                Value::of(Kind::Function(Arc::new(Closure { this, bound, ..(**closure).clone() })))
            }
            "apply" => {
                let (items, _) = args.first().map(|list| self.elements_of(list)).unwrap_or_default();
                self.call_value(&function, &this, items, at)
            }
            _ => self.call_value(&function, &this, args, at),
        }
    }

    /// Calls a value.
    pub fn call_value(&mut self, callee: &Value, this: &Value, args: Vec<Value>, at: Pos) -> Value {
        if self.path.is_none() {
            return Value::unknown();
        }
        match &callee.kind {
            Kind::Function(closure) => self.call_closure(&Arc::clone(closure), this, args, at),
            Kind::Path(path) => {
                let path = path.to_string();
                self.call_path(&path, args, at, false)
            }
            Kind::Native(native) => self.native(*native, &args, at),
            Kind::OneOf(values) => {
                let values = Arc::clone(values);
                let before = self.path.clone();
                let callable =
                    values.iter().filter(|(value, _)| value.is_function() || matches!(value.kind, Kind::Path(_)));
                let given = self.each_way(callable, |run, value| run.call_value(value, this, args.clone(), at));
                if given.is_none() {
                    self.path = before;
                }
                given.unwrap_or_default()
            }
            Kind::Object(id) if matches!(self.heap.get(*id).shape, Shape::Router(_)) => {
                // A router used as middleware calls on.
                match args.get(2) {
                    Some(next) => self.call_value(&next.clone(), this, Vec::new(), at),
                    None => Value::undefined(),
                }
            }
            _ => self.call_unknown(callee, args, at),
        }
    }

    /// A function that is not known. It may call its callbacks, and may be a test of the caller.
    pub fn call_unknown(&mut self, callee: &Value, args: Vec<Value>, at: Pos) -> Value {
        let test = self.opaque_test(&args);
        let taint = args.iter().find_map(|arg| arg.taint.clone()).or_else(|| callee.taint.clone());
        for arg in &args {
            if arg.is_function() {
                self.maybe_call_back(arg, vec![Value::unknown(), Value::unknown()], at);
            }
        }
        Value { kind: Kind::Unknown, taint, test }
    }

    fn unknown_method(&mut self, object: &Value, args: Vec<Value>, at: Pos) -> Value {
        let taint = object.taint.clone();
        let value = self.call_unknown(&Value::unknown(), args, at);
        let taint = taint.or(value.taint);
        Value { kind: Kind::Unknown, taint, test: value.test }
    }

    /// A test of the caller that cannot be looked into.
    pub fn opaque_test(&self, args: &[Value]) -> Option<Arc<crate::code::value::Test>> {
        let about_caller = args.iter().any(|arg| match &arg.kind {
            Kind::Caller | Kind::CallerId | Kind::CallerToken => true,
            Kind::Object(id) => matches!(self.heap.get(*id).shape, Shape::Request(_)),
            _ => false,
        });
        let known = Some(Guards::flag(crate::code::guards::Flag::Opaque));
        about_caller.then(|| Arc::new(crate::code::value::Test { yes: known.clone(), no: known }))
    }

    /// Walks through a function of the app.
    pub fn call_closure(&mut self, closure: &Arc<Closure>, this: &Value, args: Vec<Value>, at: Pos) -> Value {
        let world = self.world;
        let Some(function) = world.units.get(closure.unit).and_then(|unit| unit.function(closure.function)) else {
            return Value::unknown();
        };
        let key = (closure.unit, closure.function.0);
        let circles = self.frames.iter().filter(|frame| frame.function == key).count();
        if circles >= 2 || self.frames.len() >= DEEPEST || !self.step() {
            let taint = args.iter().find_map(|arg| arg.taint.clone());
            return Value::unknown().tainted(taint);
        }
        let mut all = closure.bound.clone();
        all.extend(args);
        let this = closure.this.clone().unwrap_or_else(|| this.clone());
        self.activate(function, closure, this, None, all, at)
    }

    /// Walks through the body of a function.
    pub fn activate(
        &mut self,
        function: &'a Function,
        closure: &Closure,
        this: Value,
        class: Option<Value>,
        args: Vec<Value>,
        at: Pos,
    ) -> Value {
        let Some(before) = self.path.clone() else { return Value::unknown() };
        let scope = self.heap.add_scope(Some(closure.scope));
        let class = class.or_else(|| self.class_of(&this));
        self.frames.push(Frame {
            unit: closure.unit,
            name: function.name.clone(),
            scope,
            this,
            class,
            function: (closure.unit, closure.function.0),
            called_at: at,
            returns: Vec::new(),
        });
        let name = function.name.clone();
        let args: Vec<Value> = args.into_iter().map(|arg| stepped(arg, at, name.as_deref())).collect();
        self.bind_params(function, &args, at);
        self.block(&function.body);
        if self.path.is_some() {
            self.give(Value::undefined());
        }
        let Some(frame) = self.frames.pop() else { return Value::unknown() };
        let given = joined(frame.returns);
        if !function.is_async {
            let (value, known) = given.unzip();
            self.path = known;
            return value.unwrap_or_default();
        }
        self.path = Some(before);
        match given {
            Some((value, known)) => promise_of(value, known),
            None => Value::of(Kind::Rejected),
        }
    }

    fn bind_params(&mut self, function: &'a Function, args: &[Value], at: Pos) {
        if !function.is_arrow {
            let list = self.new_array(args.to_vec(), at);
            self.declare(&"arguments".into(), list);
        }
        for (number, param) in function.params.iter().enumerate() {
            let value = if param.rest {
                self.new_array(args.iter().skip(number).cloned().collect(), at)
            } else {
                args.get(number).cloned().unwrap_or_else(Value::undefined)
            };
            self.bind(&param.pattern, value);
        }
    }

    /// `new callee(args)`.
    pub fn construct(&mut self, callee: &Value, args: Vec<Value>, at: Pos) -> Value {
        if let Some(value) = self.sdk_construct(callee, &args, at) {
            return value;
        }
        match &callee.kind {
            Kind::Path(path) => {
                let path = path.to_string();
                self.construct_path(&path, args, at)
            }
            Kind::Class(class) => self.instance(&Arc::clone(class), args, at),
            Kind::Function(closure) => {
                let statics = closure.statics;
                let prototype = self.heap.get(statics).props.get("prototype").and_then(Value::as_object);
                let props = prototype.map(|id| self.heap.get(id).props.clone()).unwrap_or_default();
                let id = self.heap.add(Object { props, at: Some(at), ..Object::default() });
                let this = Value::of(Kind::Object(id));
                let closure = Arc::clone(closure);
                let given = self.call_closure(&closure, &this, args, at);
                if matches!(given.kind, Kind::Object(_)) { given } else { this }
            }
            Kind::OneOf(values) => match values.iter().find(|(value, _)| value.is_function()) {
                Some((value, _)) => self.construct(&value.clone(), args, at),
                None => self.call_unknown(callee, args, at),
            },
            _ => self.call_unknown(callee, args, at),
        }
    }
}

/// A value of the client that is handed to a function.
fn stepped(value: Value, at: Pos, name: Option<&str>) -> Value {
    match (&value.taint, name) {
        (Some(taint), Some(name)) => {
            let taint = taint.stepped(at, &format!("`{}` is passed to `{name}`", taint.name));
            Value { taint: Some(taint), ..value }
        }
        _ => value,
    }
}
