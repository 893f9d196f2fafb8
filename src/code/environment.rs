//! Variables that the app is started with, as far as files of deployment tell.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::model::Place;
use crate::model::unit::Name;

use super::value::{Kind, Value};

/// Variables by name. Holds keys as they are written: it is never kept or shown.
#[derive(Default)]
pub struct Environment {
    variables: BTreeMap<String, Variable>,
}

/// One variable.
struct Variable {
    value: Name,
    /// Whether nothing sets it to something else, as far as is known.
    is_certain: bool,
    at: Place,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Environment {
    /// Adds a variable. It is certain unless the environment may say otherwise.
    pub fn set(&mut self, name: &str, value: &str, is_certain: bool, at: Place) {
        self.variables.insert(name.to_owned(), Variable { value: value.into(), is_certain, at });
    }

    /// What `process.env.NAME` is: its value, or that or something that is not known.
    pub fn read(&self, name: &str) -> Option<Value> {
        let variable = self.variables.get(name)?;
        let value = Value::of(Kind::Text(Arc::clone(&variable.value)));
        if variable.is_certain {
            return Some(value);
        }
        let other = Value::path(format!("process.env.{name}"));
        Value::one_of([(other, Default::default()), (value, Default::default())])
    }

    /// Where a text stands that is the very value of a variable, and not one that equals it.
    pub fn place_of(&self, text: &Name) -> Option<&Place> {
        self.variables.values().find(|variable| Arc::ptr_eq(&variable.value, text)).map(|variable| &variable.at)
    }
}
