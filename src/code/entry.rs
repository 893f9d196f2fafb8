//! Where requests come in: cloud functions, jobs, triggers and routes, and who may call them.

use crate::model::Callers;
use crate::model::unit::Name;

use super::guards::{Flag, Guards};
use super::value::{Pos, Value};

/// A handler.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Where it is registered.
    pub at: Pos,
    /// The path of its file, if files register several of its name.
    pub file: Option<String>,
    /// What is called, middleware first.
    pub handlers: Vec<Value>,
    /// What the validator makes sure of.
    pub guards: Guards,
    /// A validator that is a function.
    pub validator: Option<Value>,
    /// Parameters that the validator makes sure of, with what.
    pub fields: Vec<(Name, super::taint::Clean)>,
    /// Whether a validator was given.
    pub has_validator: bool,
    /// Columns that the validator keeps clients from writing.
    pub frozen: Vec<Name>,
    /// Whether the master key was switched on when it was registered.
    pub master: bool,
}

/// What a handler is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// `Parse.Cloud.define`.
    Function(String),
    /// `Parse.Cloud.job`.
    Job(String),
    /// `Parse.Cloud.beforeSave` and its like: which, and the class.
    Trigger(String, String),
    /// A route of Express: method and path.
    Route(String, String),
}

/// Who gets past these tests.
pub fn callers_past(guards: &Guards) -> Callers {
    if guards.any(&[Flag::Master, Flag::Secret]) {
        Callers::Master
    } else if guards.has(Flag::Role) {
        Callers::Role
    } else if guards.any(&[Flag::SignedIn, Flag::OwnColumn]) {
        Callers::SignedIn
    } else {
        Callers::Anyone
    }
}

impl Entry {
    /// The name in findings: that of its kind, with the file if there are several.
    pub fn subject(&self) -> String {
        match &self.file {
            Some(file) => format!("{} ({file})", self.kind.subject()),
            None => self.kind.subject(),
        }
    }
}

impl EntryKind {
    /// The name in findings: `exportOrders`, `beforeSave Order`, `POST /pay`.
    pub fn subject(&self) -> String {
        match self {
            Self::Function(name) | Self::Job(name) => name.clone(),
            Self::Trigger(trigger, class) if class.is_empty() => trigger.clone(),
            Self::Trigger(trigger, class) => format!("{trigger} {class}"),
            Self::Route(method, path) => format!("{method} {path}"),
        }
    }

    /// The class whose objects run it, if it is a trigger: code may say `User` for `_User`.
    pub fn class(&self) -> Option<&str> {
        match self {
            Self::Trigger(_, class) => Some(match class.as_str() {
                "User" => "_User",
                "Role" => "_Role",
                class => class,
            }),
            Self::Function(_) | Self::Job(_) | Self::Route(..) => None,
        }
    }

    /// With its kind: `function exportOrders`.
    pub fn words(&self) -> String {
        match self {
            Self::Function(name) => format!("function {name}"),
            Self::Job(name) => format!("job {name}"),
            Self::Trigger(..) => format!("trigger {}", self.subject()),
            Self::Route(..) => format!("route {}", self.subject()),
        }
    }
}
