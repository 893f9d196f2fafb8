//! Classes of the app: their instances, methods and what they inherit.

use std::sync::Arc;

use crate::code::heap::Object;
use crate::code::shape::Shape;
use crate::code::value::{ClassValue, Closure, Kind, Pos, Value};
use crate::model::unit::{ClassId, FunctionId, Name};

use super::Run;

impl<'a> Run<'a> {
    /// A class with its static parts.
    pub fn class_value(&mut self, id: ClassId) -> Value {
        let world = self.world;
        let (unit, scope) = match self.frames.last() {
            Some(frame) => (frame.unit, frame.scope),
            None => return Value::unknown(),
        };
        let Some(body) = world.units.get(unit).and_then(|unit| unit.class(id)) else { return Value::unknown() };
        let extends = body.extends.as_ref().map(|extends| self.expr(extends));
        let at = self.pos(body.span);
        let statics = self.object(Shape::Plain, at);
        let class = Arc::new(ClassValue { unit, class: id, scope, extends, statics });
        let value = Value::of(Kind::Class(Arc::clone(&class)));
        if let Some(name) = &body.name {
            self.heap.get_mut(statics).props.insert("name".into(), Value::of(Kind::Text(Arc::clone(name))));
        }
        for method in body.methods.iter().filter(|method| method.is_static) {
            let key = self.prop_key(&method.key);
            if let Some(name) = key.as_text() {
                let function = self.method(&class, method.function, Some(value.clone()), at);
                let function =
                    if method.is_getter { self.call_value(&function, &value, Vec::new(), at) } else { function };
                self.heap.get_mut(statics).props.insert(Arc::clone(name), function);
            }
        }
        for field in body.fields.iter().filter(|field| field.is_static) {
            let key = self.prop_key(&field.key);
            let value = field.value.as_ref().map_or_else(Value::undefined, |value| self.expr(value));
            if let Some(name) = key.as_text() {
                self.heap.get_mut(statics).props.insert(Arc::clone(name), value);
            }
        }
        self.block(&body.blocks);
        value
    }

    fn method(&mut self, class: &ClassValue, function: FunctionId, this: Option<Value>, at: Pos) -> Value {
        let statics = self.object(Shape::Plain, at);
        let (unit, scope) = (class.unit, class.scope);
        Value::of(Kind::Function(Arc::new(Closure { unit, function, scope, this, bound: Vec::new(), statics })))
    }

    /// The class whose instance or self a value is.
    pub fn class_of(&self, this: &Value) -> Option<Value> {
        match &this.kind {
            Kind::Object(id) => match &self.heap.get(*id).shape {
                Shape::Instance(class) => Some(Value::of(Kind::Class(Arc::clone(class)))),
                _ => None,
            },
            Kind::Class(_) => Some(this.clone()),
            _ => None,
        }
    }

    /// The method of an instance, its own or inherited. A getter gives its value.
    pub fn method_named(&mut self, class: &Arc<ClassValue>, name: &Name, this: &Value) -> Option<Value> {
        let world = self.world;
        let body = world.units.get(class.unit)?.class(class.class)?;
        let at = Pos { unit: class.unit, span: body.span };
        for method in body.methods.iter().filter(|method| !method.is_static) {
            let is_it = matches!(&method.key, crate::model::unit::PropKey::Name(key) if key == name);
            if is_it {
                let function = self.method(class, method.function, Some(this.clone()), at);
                if method.is_getter {
                    return Some(self.call_value(&function, this, Vec::new(), at));
                }
                return Some(function);
            }
        }
        match class.extends.as_ref().map(|extends| &extends.kind) {
            Some(Kind::Class(parent)) => self.method_named(&Arc::clone(parent), name, this),
            _ => None,
        }
    }

    /// `new Class(args)`.
    pub fn instance(&mut self, class: &Arc<ClassValue>, args: Vec<Value>, at: Pos) -> Value {
        let id = self.heap.add(Object { shape: Shape::Instance(Arc::clone(class)), at: Some(at), ..Object::default() });
        let this = Value::of(Kind::Object(id));
        self.initialise(class, &this, args, at);
        this
    }

    fn initialise(&mut self, class: &Arc<ClassValue>, this: &Value, args: Vec<Value>, at: Pos) {
        let world = self.world;
        let Some(body) = world.units.get(class.unit).and_then(|unit| unit.class(class.class)) else { return };
        if body.constructor.is_none()
            && let Some(Kind::Class(parent)) = class.extends.as_ref().map(|extends| &extends.kind)
        {
            self.initialise(&Arc::clone(parent), this, args.clone(), at);
        }
        for field in body.fields.iter().filter(|field| !field.is_static) {
            let Some(value) = &field.value else { continue };
            let frame = self.frame_of(class, this, at);
            self.frames.push(frame);
            let key = self.prop_key(&field.key);
            let value = self.expr(value);
            self.frames.pop();
            if let (Some(name), Some(id)) = (key.as_text(), this.as_object()) {
                self.heap.get_mut(id).props.insert(Arc::clone(name), value);
            }
        }
        let code = body.constructor.and_then(|id| Some((id, world.units.get(class.unit)?.function(id)?)));
        if let Some((id, function)) = code {
            let closure = Closure {
                unit: class.unit,
                function: id,
                scope: class.scope,
                this: None,
                bound: Vec::new(),
                statics: class.statics,
            };
            let of = Value::of(Kind::Class(Arc::clone(class)));
            if self.frames.len() < super::DEEPEST {
                self.activate(function, &closure, this.clone(), Some(of), args, at);
            }
        }
    }

    fn frame_of(&mut self, class: &Arc<ClassValue>, this: &Value, at: Pos) -> super::Frame {
        super::Frame {
            unit: class.unit,
            name: None,
            scope: class.scope,
            this: this.clone(),
            class: Some(Value::of(Kind::Class(Arc::clone(class)))),
            function: (class.unit, u32::MAX),
            called_at: at,
            returns: Vec::new(),
        }
    }

    /// `super`, for `super.method()`.
    pub fn super_value(&mut self) -> Value {
        let Some(frame) = self.frames.last() else { return Value::unknown() };
        let this = frame.this.clone();
        let parent = match frame.class.as_ref().map(|class| &class.kind) {
            Some(Kind::Class(class)) => class.extends.clone(),
            _ => None,
        };
        let Some(Kind::Class(parent)) = parent.as_ref().map(|parent| &parent.kind) else { return Value::unknown() };
        // The parent's view of the same object.
        let props = this.as_object().map(|id| self.heap.get(id).props.clone()).unwrap_or_default();
        let id = self.heap.add(Object { props, shape: Shape::Instance(Arc::clone(parent)), ..Object::default() });
        Value::of(Kind::Object(id))
    }

    /// `super(args)`.
    pub fn call_super(&mut self, args: Vec<Value>, at: Pos) -> Value {
        let Some(frame) = self.frames.last() else { return Value::unknown() };
        let this = frame.this.clone();
        let parent = match frame.class.as_ref().map(|class| &class.kind) {
            Some(Kind::Class(class)) => class.extends.clone(),
            _ => None,
        };
        match parent.as_ref().map(|parent| &parent.kind) {
            Some(Kind::Class(parent)) => self.initialise(&Arc::clone(parent), &this, args, at),
            Some(Kind::Path(path)) if &**path == "Parse.Object" => {
                if let (Some(id), Some(name)) = (this.as_object(), args.first()) {
                    self.become_row(id, crate::code::shape::ClassRef::of(name));
                }
            }
            _ => {}
        }
        Value::undefined()
    }
}
