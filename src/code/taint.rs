//! Where a value that a client wrote came from, the way it took and what was done to it.

use std::sync::Arc;

use crate::model::unit::Name;

use super::value::Pos;

/// The past of a value.
#[derive(Debug, Clone)]
pub struct Taint {
    /// What part of a request it is.
    pub from: From,
    /// Its name there: `params.userId`, `object.owner`.
    pub name: Name,
    /// Where it was read from the request.
    pub at: Pos,
    /// Where it was handed on, the newest first.
    pub steps: Option<Arc<Step>>,
    /// What was done to it.
    pub clean: Clean,
}

/// One step of a value on its way.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where.
    pub at: Pos,
    /// What happened: `passed to saveImage`.
    pub what: Name,
    /// The step before.
    pub before: Option<Arc<Step>>,
}

/// What part of a request a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum From {
    /// Parameters of a cloud function.
    Parameters,
    /// Body, query or path of an HTTP request.
    Body,
    /// Headers of an HTTP request.
    Headers,
    /// The object that a trigger is given.
    TriggerObject,
    /// A file, or the conditions of a query, that a trigger is given.
    TriggerInput,
    /// A column of the caller's own row, which the caller may write.
    OwnColumn,
}

/// What was done to a value, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Clean(pub u16);

impl Clean {
    /// A number.
    pub const NUMBER: Self = Self(1);
    /// Surely a text, not an object.
    pub const TEXT: Self = Self(1 << 1);
    /// Signs of regular expressions are escaped.
    pub const REGEX: Self = Self(1 << 2);
    /// Encoded for a part of an address.
    pub const URL: Self = Self(1 << 3);
    /// Encoded for HTML.
    pub const HTML: Self = Self(1 << 4);
    /// One of a fixed set.
    pub const ALLOWED: Self = Self(1 << 5);
    /// Only the last part of a path.
    pub const BASE_NAME: Self = Self(1 << 6);
    /// A digest.
    pub const HASHED: Self = Self(1 << 7);
    /// Never less than a bound.
    pub const NOT_LESS: Self = Self(1 << 8);
    /// Never more than a bound.
    pub const NOT_MORE: Self = Self(1 << 9);
    /// Computed together with a value of the server.
    pub const SCALED: Self = Self(1 << 10);

    /// Both sets.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` was done.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` was done.
    pub fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Taint {
    /// A value fresh from the request.
    pub fn new(from: From, name: impl Into<Name>, at: Pos) -> Arc<Self> {
        Arc::new(Self { from, name: name.into(), at, steps: None, clean: Clean::default() })
    }

    /// A property of the value.
    pub fn property(&self, name: &str, at: Pos) -> Arc<Self> {
        const LONGEST: usize = 80;
        let path = if self.name.len() > LONGEST { self.name.to_string() } else { format!("{}.{name}", self.name) };
        let at = if self.name.contains('.') { self.at } else { at };
        Arc::new(Self { name: path.into(), at, clean: Clean::default(), ..self.clone() })
    }

    /// The value after something was done to it.
    pub fn cleaned(self: &Arc<Self>, by: Clean) -> Arc<Self> {
        Arc::new(Self { clean: self.clean.with(by), ..(**self).clone() })
    }

    /// The value handed on.
    pub fn stepped(self: &Arc<Self>, at: Pos, what: &str) -> Arc<Self> {
        const MOST: usize = 12;
        let mut length = 0;
        let mut step = self.steps.as_ref();
        while let Some(before) = step {
            length += 1;
            step = before.before.as_ref();
        }
        if length >= MOST {
            return Arc::clone(self);
        }
        let step = Step { at, what: what.into(), before: self.steps.clone() };
        Arc::new(Self { steps: Some(Arc::new(step)), ..(**self).clone() })
    }

    /// The way of the value, the source first.
    pub fn way(&self) -> Vec<(Pos, String)> {
        let mut way = Vec::new();
        let mut step = self.steps.as_ref();
        while let Some(one) = step {
            way.push((one.at, one.what.to_string()));
            step = one.before.as_ref();
        }
        way.push((self.at, format!("`{}` is given by the client", self.name)));
        way.reverse();
        way
    }
}
