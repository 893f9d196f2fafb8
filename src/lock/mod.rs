//! What a team agreed to, as facts of one line each: `parse-audit/<env>.lock.toml`. Pure:
//! from an app to facts, from facts to a text and back, and from facts to an app that
//! `permit` can decide about.
//!
//! Never in a lock: keys, e-mail addresses, object ids, contents and numbers of rows.
//! Numbers are bands, and bands move only when a number is well past their edge, so
//! that a lock that is written every day changes when something changed. What was not
//! read is a fact of its own, and never left out.

mod app;
pub mod bands;
mod classes;
mod code;
mod facts;
mod families;
mod options;
pub mod parse;
mod roles;
mod rows;
#[cfg(test)]
mod tests;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

use crate::code::analysis::Analysis;
use crate::model::{App, UserId};
use crate::rules::words::Words;
use crate::secrets::redact::{Salt, Secret, digest};

pub use classes::{NEVER_GIVEN, PUBLIC, SIGNED_IN, UNIQUE, parse_field};
use families::Families;
pub use options::TOLD;
pub use rows::NO_ACL;

/// The version of the format.
pub const FORMAT: &str = "1";

/// What the indexes of all classes are called where none of them were read.
pub const INDEXES: &str = "indexes";

/// What the classes that GraphQL shows are called where they were not read, and below `server` where they were.
pub const GRAPHQL: &str = "graphql";

/// No classes but these are shown by GraphQL.
pub const ENABLED: &str = "enabled-for";

/// None of these classes is shown by GraphQL.
pub const DISABLED: &str = "disabled-for";

/// The words of a fact that stands for something that was not read.
pub const NOT_READ: &str = "not-read";

/// The facts of an app at some time and place, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    facts: BTreeMap<Key, Value>,
}

/// What a fact is about, from the whole to the part: `class`, `Order`, `allow`, `find`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<String>);

/// What is the case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A word, or a few.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// Several, in order.
    List(BTreeSet<String>),
}

/// An app with what is needed to make a lock of it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The app.
    pub app: &'a App,
    /// What its code does.
    pub analysis: &'a Analysis,
    /// What names of fields mean.
    pub words: &'a Words,
    /// What users are told from each other with.
    pub salt: &'a Salt,
    /// The name of the app, if it has one.
    pub name: Option<&'a str>,
    /// The name of the environment.
    pub environment: &'a str,
}

/// What facts are made with.
struct Making<'a> {
    subject: Subject<'a>,
    families: Families,
    previous: Option<&'a Lock>,
    lock: Lock,
}

impl Key {
    /// A key of these parts.
    pub fn of<P: AsRef<str>>(parts: &[P]) -> Self {
        Self(parts.iter().map(|part| part.as_ref().to_owned()).collect())
    }

    /// The parts, the whole first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// One part, from 0; empty if there are not so many.
    pub fn part(&self, number: usize) -> &str {
        self.0.get(number).map_or("", String::as_str)
    }

    /// How many parts there are.
    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// Whether it begins with these parts.
    pub fn is_below(&self, parts: &[&str]) -> bool {
        self.0.len() >= parts.len() && self.parts().zip(parts).all(|(own, part)| own == *part)
    }
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Flag(_) | Self::List(_) => None,
        }
    }

    /// The elements, if it is a list.
    pub fn list(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::List(list) => Some(list),
            Self::Text(_) | Self::Flag(_) => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<BTreeSet<String>> for Value {
    fn from(list: BTreeSet<String>) -> Self {
        Self::List(list)
    }
}

impl Lock {
    /// The facts of an app. Bands stay what they are in `previous` as long as they nearly hold.
    pub fn of(subject: Subject<'_>, previous: Option<&Self>) -> Self {
        let families = Families::of(subject.app);
        let mut making = Making { subject, families, previous, lock: Self::default() };
        making.all();
        making.lock
    }

    /// Every fact, in the order of keys.
    pub fn facts(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.facts.iter()
    }

    /// The fact with this key.
    pub fn get(&self, key: &[&str]) -> Option<&Value> {
        self.facts.get(&Key::of(key))
    }

    /// The fact with this key.
    pub fn at(&self, key: &Key) -> Option<&Value> {
        self.facts.get(key)
    }

    /// The text of a fact.
    pub fn text(&self, key: &[&str]) -> Option<&str> {
        self.get(key).and_then(Value::text)
    }

    /// The elements of a fact.
    pub fn list(&self, key: &[&str]) -> Option<&BTreeSet<String>> {
        self.get(key).and_then(Value::list)
    }

    /// The facts whose keys begin with these parts.
    pub fn below<'l>(&'l self, parts: &'l [&'l str]) -> impl Iterator<Item = (&'l Key, &'l Value)> {
        self.facts.range(Key::of(parts)..).take_while(|(key, _)| key.is_below(parts))
    }

    /// The names one part deeper, in order: of the classes below `class`.
    pub fn names<'l>(&'l self, parts: &'l [&'l str]) -> BTreeSet<&'l str> {
        let deeper = self.below(parts).filter(|(key, _)| key.depth() > parts.len());
        deeper.map(|(key, _)| key.part(parts.len())).collect()
    }

    /// The facts about a class alone.
    pub fn of_class(&self, name: &str) -> Self {
        let keys = [&["class", name][..], &[NOT_READ, "class", name]];
        let facts = keys.iter().flat_map(|key| self.below(key)).map(|(key, value)| (key.clone(), value.clone()));
        Self { facts: facts.collect() }
    }

    /// The facts that are about no class.
    pub fn without_classes(&self) -> Self {
        let is_other = |key: &Key| !key.is_below(&["class"]) && !key.is_below(&[NOT_READ, "class"]);
        let facts = self.facts().filter(|(key, _)| is_other(key)).map(|(key, value)| (key.clone(), value.clone()));
        Self { facts: facts.collect() }
    }

    /// Sets a fact, or takes it out.
    pub fn set(&mut self, key: Key, value: Option<Value>) {
        match value {
            Some(value) => drop(self.facts.insert(key, value)),
            None => drop(self.facts.remove(&key)),
        }
    }
}

impl Making<'_> {
    /// Adds a fact.
    fn put(&mut self, key: &[&str], value: impl Into<Value>) {
        self.lock.set(Key::of(key), Some(value.into()));
    }

    /// Adds that something was not read.
    fn not_read(&mut self, what: &[&str], why: impl ToString) {
        let key: Vec<&str> = [NOT_READ].into_iter().chain(what.iter().copied()).collect();
        self.put(&key, why.to_string());
    }

    /// A user in a lock: six hex digits of a keyed digest.
    fn user(&self, user: UserId) -> String {
        let mut digits = digest(&Secret::new(&user.to_bytes()), self.subject.salt);
        digits.truncate(6);
        digits
    }
}
