//! What an expression may stand for, as far as it can be known without running it.

use std::sync::Arc;

use crate::model::{Span, unit::Name};

use super::guards::Guards;
use super::heap::{ObjectId, ScopeId};
use super::taint::Taint;

/// A place in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos {
    /// The index of the unit.
    pub unit: usize,
    /// The bytes.
    pub span: Span,
}

/// A value, where it came from, and what follows from its being true or false.
#[derive(Debug, Clone, Default)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Which part of a request it was made of.
    pub taint: Option<Arc<Taint>>,
    /// What is known if it is true, and if it is false.
    pub test: Option<Arc<Test>>,
}

/// What is known if a value is true or false; `None` if it cannot be.
#[derive(Debug, Clone, Default)]
pub struct Test {
    /// If it is true.
    pub yes: Option<Guards>,
    /// If it is false.
    pub no: Option<Guards>,
}

impl Test {
    /// Adds a way that the value may be: what both know is known then.
    pub fn or(&mut self, other: Test, chosen_where: &Guards) {
        let either = |old: Option<Guards>, new: Option<Guards>| match (old, new) {
            (Some(old), Some(new)) => Some(old.common(&new)),
            (old, new) => old.or(new),
        };
        self.yes = either(self.yes.take(), other.yes.map(|yes| yes.and(chosen_where)));
        self.no = either(self.no.take(), other.no.map(|no| no.and(chosen_where)));
    }
}

/// What a value is.
#[derive(Debug, Clone, Default)]
pub enum Kind {
    /// Anything.
    #[default]
    Unknown,
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(Name),
    /// A text made of parts.
    Joined(Arc<[Value]>),
    /// An object, array or instance.
    Object(ObjectId),
    /// A function with what it closes over.
    Function(Arc<Closure>),
    /// A class with what it closes over.
    Class(Arc<ClassValue>),
    /// A function of the language or of a framework whose meaning is built in.
    Native(Native),
    /// Something outside the app by its dotted name: `Parse.Cloud`, `axios.get`, `process.env.PORT`.
    /// What it gives when called has `()` behind it.
    Path(Name),
    /// One of several, each with what is known where it was chosen.
    OneOf(Arc<[(Value, Guards)]>),
    /// The user who calls.
    Caller,
    /// The id of the user who calls.
    CallerId,
    /// The session token of the user who calls.
    CallerToken,
    /// The master key.
    MasterKey,
    /// A column of a row; a dotted name for what is inside it.
    Column(ObjectId, Name),
    /// A number that was computed from a column of a row.
    Computed(ObjectId, Name),
    /// What an asynchronous function will give, and what is known then.
    Promise(Arc<(Value, Guards)>),
    /// A promise that is refused.
    Rejected,
    /// A digit or text from a predictable generator.
    WeakRandom(Pos),
}

/// A function with what it closes over.
#[derive(Debug, Clone)]
pub struct Closure {
    /// The unit.
    pub unit: usize,
    /// Its number there.
    pub function: crate::model::unit::FunctionId,
    /// What it closes over.
    pub scope: ScopeId,
    /// What `this` is, where it is fixed: arrow functions, `bind`, methods of classes.
    pub this: Option<Value>,
    /// Arguments that are given already: `bind`.
    pub bound: Vec<Value>,
    /// Its own properties, for functions that are used as objects.
    pub statics: ObjectId,
}

/// A class with what it closes over.
#[derive(Debug, Clone)]
pub struct ClassValue {
    /// The unit.
    pub unit: usize,
    /// Its number there.
    pub class: crate::model::unit::ClassId,
    /// What it closes over.
    pub scope: ScopeId,
    /// What it extends.
    pub extends: Option<Value>,
    /// Its static methods and fields.
    pub statics: ObjectId,
}

/// A built-in function that is handed to the app's own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Native {
    /// `resolve` of `new Promise`, for the activation with this number.
    Resolve(usize),
    /// `reject` of `new Promise`.
    Reject(usize),
    /// `next` of Express, for the activation with this number.
    Next(usize),
    /// `require`.
    Require,
}

impl Value {
    /// A value without a past.
    pub fn of(kind: Kind) -> Self {
        Self { kind, taint: None, test: None }
    }

    /// Anything.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// `undefined`.
    pub fn undefined() -> Self {
        Self::of(Kind::Undefined)
    }

    /// A truth value.
    pub fn bool(is: bool) -> Self {
        Self::of(Kind::Bool(is))
    }

    /// A text.
    pub fn text(text: impl Into<Name>) -> Self {
        Self::of(Kind::Text(text.into()))
    }

    /// Something outside the app.
    pub fn path(path: impl Into<Name>) -> Self {
        Self::of(Kind::Path(path.into()))
    }

    /// Anything that tells what is known if it is true or false.
    pub fn test(yes: Option<Guards>, no: Option<Guards>) -> Self {
        Self { kind: Kind::Unknown, taint: None, test: Some(Arc::new(Test { yes, no })) }
    }

    /// The same value with this past, unless it has one.
    pub fn tainted(mut self, taint: Option<Arc<Taint>>) -> Self {
        if self.taint.is_none() {
            self.taint = taint;
        }
        self
    }

    /// The text, if it is known.
    pub fn as_text(&self) -> Option<&Name> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<ObjectId> {
        match &self.kind {
            Kind::Object(id) => Some(*id),
            _ => None,
        }
    }

    /// The dotted name, if it is something outside the app.
    pub fn as_path(&self) -> Option<&Name> {
        match &self.kind {
            Kind::Path(path) => Some(path),
            _ => None,
        }
    }

    /// Whether it is the user who calls or that user's id.
    pub fn is_caller(&self) -> bool {
        matches!(self.kind, Kind::Caller | Kind::CallerId)
    }

    /// Whether it can be called.
    pub fn is_function(&self) -> bool {
        match &self.kind {
            Kind::Function(_) | Kind::Native(_) | Kind::Class(_) => true,
            Kind::OneOf(values) => values.iter().any(|(value, _)| value.is_function()),
            _ => false,
        }
    }

    /// The values it may be, each with what is known then.
    pub fn alternatives(&self) -> Vec<(Value, Guards)> {
        match &self.kind {
            Kind::OneOf(values) => values.to_vec(),
            _ => vec![(self.clone(), Guards::default())],
        }
    }

    /// What is known if it is true and if it is false.
    pub fn truth(&self) -> Test {
        if let Some(test) = &self.test {
            return (**test).clone();
        }
        let always = Some(Guards::default());
        match &self.kind {
            Kind::Undefined | Kind::Null | Kind::Bool(false) => Test { yes: None, no: always },
            Kind::Bool(true)
            | Kind::Object(_)
            | Kind::Function(_)
            | Kind::Class(_)
            | Kind::Native(_)
            | Kind::Promise(_)
            | Kind::Rejected => Test { yes: always, no: None },
            Kind::Number(number) if *number == 0.0 => Test { yes: None, no: always },
            Kind::Number(_) => Test { yes: always, no: None },
            Kind::Text(text) if text.is_empty() => Test { yes: None, no: always },
            Kind::Text(_) => Test { yes: always, no: None },
            Kind::Caller | Kind::CallerId | Kind::CallerToken => {
                Test { yes: Some(Guards::signed_in()), no: Some(Guards::default()) }
            }
            Kind::OneOf(values) => {
                let mut test = Test::default();
                for (value, guards) in values.iter() {
                    test.or(value.truth(), guards);
                }
                test
            }
            Kind::Unknown
            | Kind::Joined(_)
            | Kind::Path(_)
            | Kind::MasterKey
            | Kind::Column(..)
            | Kind::Computed(..)
            | Kind::WeakRandom(_) => Test { yes: always.clone(), no: always },
        }
    }

    /// One of several values, each chosen where this is known; `None` of none.
    pub fn one_of(values: impl IntoIterator<Item = (Value, Guards)>) -> Option<Value> {
        let join = |first, next| (Self::either(first, next), Guards::default());
        values.into_iter().reduce(join).map(|(value, _)| value)
    }

    /// Either of two values, chosen where this is known.
    pub fn either(a: (Value, Guards), b: (Value, Guards)) -> Value {
        const MOST: usize = 12;
        if same(&a.0, &b.0) {
            let taint = a.0.taint.clone().or_else(|| b.0.taint.clone());
            return Value { taint, ..a.0 };
        }
        let taint = a.0.taint.clone().or_else(|| b.0.taint.clone());
        let mut values: Vec<(Value, Guards)> = Vec::new();
        for (side, guards) in [a, b] {
            let is_test = side.test.is_some();
            let alternatives = if is_test { vec![(side, Guards::default())] } else { side.alternatives() };
            for (value, more) in alternatives {
                let known = guards.and(&more);
                match values.iter_mut().find(|(other, _)| same(other, &value)) {
                    Some((_, guards)) => *guards = guards.common(&known),
                    None => values.push((value, known)),
                }
            }
        }
        if values.len() > MOST {
            return Value { kind: Kind::Unknown, taint, test: None };
        }
        Value { kind: Kind::OneOf(values.into()), taint, test: None }
    }
}

/// Whether two values are surely the same.
pub fn same(a: &Value, b: &Value) -> bool {
    if a.test.is_some() || b.test.is_some() {
        return match (&a.test, &b.test) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
    }
    let kinds = match (&a.kind, &b.kind) {
        (Kind::Undefined, Kind::Undefined)
        | (Kind::Null, Kind::Null)
        | (Kind::Unknown, Kind::Unknown)
        | (Kind::Caller, Kind::Caller)
        | (Kind::CallerId, Kind::CallerId)
        | (Kind::CallerToken, Kind::CallerToken)
        | (Kind::MasterKey, Kind::MasterKey)
        | (Kind::Rejected, Kind::Rejected)
        | (Kind::WeakRandom(_), Kind::WeakRandom(_)) => true,
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Number(a), Kind::Number(b)) => a == b,
        (Kind::Text(a), Kind::Text(b)) | (Kind::Path(a), Kind::Path(b)) => a == b,
        (Kind::Object(a), Kind::Object(b)) => a == b,
        (Kind::Column(a, x), Kind::Column(b, y)) | (Kind::Computed(a, x), Kind::Computed(b, y)) => a == b && x == y,
        (Kind::Function(a), Kind::Function(b)) => Arc::ptr_eq(a, b),
        (Kind::Class(a), Kind::Class(b)) => Arc::ptr_eq(a, b),
        (Kind::Native(a), Kind::Native(b)) => a == b,
        (Kind::OneOf(a), Kind::OneOf(b)) => Arc::ptr_eq(a, b),
        (Kind::Joined(a), Kind::Joined(b)) => Arc::ptr_eq(a, b),
        (Kind::Promise(a), Kind::Promise(b)) => Arc::ptr_eq(a, b),
        _ => false,
    };
    let taints = match (&a.taint, &b.taint) {
        (None, None) => true,
        (Some(a), Some(b)) => a.name == b.name && a.clean == b.clean,
        _ => false,
    };
    kinds && taints
}
