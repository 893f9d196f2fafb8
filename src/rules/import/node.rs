//! TOML and YAML as one kind of tree, in which every value knows where it stands.
//!
//! Formats of others grow: a key that is not known is for the caller to name, not an error.

use std::ops::Range;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use toml::de::{DeTable, DeValue};

use crate::mistake::Mistake;

/// Tables and lists in each other are read to this depth; no rule goes so deep.
const DEPTH: usize = 16;

/// A file that is read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'t> {
    /// Its path.
    pub path: &'t str,
    /// Its text.
    pub text: &'t str,
}

/// A value.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// What it is.
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Vec<Entry>),
    /// Nothing, or nothing that rules have.
    Other,
}

/// An entry of a table.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The bytes of the key.
    pub at: Range<usize>,
    /// The value.
    pub node: Node,
}

/// A table of a file.
#[derive(Debug, Clone, Copy)]
pub struct Table<'n> {
    source: Source<'n>,
    entries: &'n [Entry],
    /// The first bytes of the table.
    start: usize,
}

impl Source<'_> {
    /// A mistake at some bytes of the file.
    pub fn mistake(&self, span: Range<usize>, message: impl Into<String>, expected: &str) -> Mistake {
        let expected = (!expected.is_empty()).then(|| expected.to_owned());
        Mistake::new(self.path, self.text, span, message, expected)
    }

    /// Reads the file as TOML.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn toml(&self) -> Result<Node, Mistake> {
        let table = DeTable::parse(self.text).map_err(|error| Mistake::of_toml(self.path, self.text, 0, &error))?;
        Ok(Node { span: table.span(), value: of_toml_table(table.get_ref(), DEPTH) })
    }

    /// Reads the first document of the file as YAML.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn yaml(&self) -> Result<Node, Mistake> {
        // Markers count characters; our spans are bytes.
        let offsets: Vec<usize> = self.text.char_indices().map(|(at, _)| at).chain([self.text.len()]).collect();
        let byte = |index: usize| offsets.get(index).copied().unwrap_or(self.text.len());
        let documents = MarkedYaml::load_from_str(self.text).map_err(|error| {
            let at = byte(error.marker().index());
            self.mistake(at..at, format!("no YAML: {}", error.info()), "")
        })?;
        Ok(documents.first().map_or(Node { span: 0..0, value: Value::Other }, |root| of_yaml(root, &byte, DEPTH)))
    }
}

fn of_toml_table(table: &DeTable<'_>, depth: usize) -> Value {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: key.span(),
            node: Node { span: value.span(), value: of_toml(value.get_ref(), depth - 1) },
        })
        .collect();
    entries.sort_by_key(|entry| entry.at.start);
    Value::Table(entries)
}

fn of_toml(value: &DeValue<'_>, depth: usize) -> Value {
    match value {
        _ if depth == 0 => Value::Other,
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => number.as_str().parse().map_or(Value::Other, Value::Number),
        DeValue::Float(number) => number.as_str().parse().map_or(Value::Other, Value::Number),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Other,
        DeValue::Array(list) => {
            let node = |value: &toml::Spanned<DeValue<'_>>| Node {
                span: value.span(),
                value: of_toml(value.get_ref(), depth - 1),
            };
            Value::List(list.iter().map(node).collect())
        }
        DeValue::Table(table) => of_toml_table(table, depth),
    }
}

fn of_yaml(node: &MarkedYaml<'_>, byte: &dyn Fn(usize) -> usize, depth: usize) -> Node {
    let span = byte(node.span.start.index())..byte(node.span.end.index());
    let value = match &node.data {
        _ if depth == 0 => Value::Other,
        YamlData::Value(Scalar::String(text)) => Value::Text(text.to_string()),
        #[expect(clippy::cast_precision_loss, reason = "numbers of rules are small")]
        YamlData::Value(Scalar::Integer(number)) => Value::Number(*number as f64),
        YamlData::Value(Scalar::FloatingPoint(number)) => Value::Number(**number),
        YamlData::Value(Scalar::Boolean(flag)) => Value::Flag(*flag),
        YamlData::Sequence(list) => Value::List(list.iter().map(|node| of_yaml(node, byte, depth - 1)).collect()),
        YamlData::Mapping(entries) => {
            let entry = |(key, value): (&MarkedYaml<'_>, &MarkedYaml<'_>)| {
                let at = byte(key.span.start.index())..byte(key.span.end.index());
                Some(Entry { key: key.data.as_str()?.to_owned(), at, node: of_yaml(value, byte, depth - 1) })
            };
            Value::Table(entries.iter().filter_map(entry).collect())
        }
        YamlData::Tagged(_, node) => of_yaml(node, byte, depth - 1).value,
        _ => Value::Other,
    };
    Node { span, value }
}

impl<'n> Table<'n> {
    /// The table that a value is.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn of(source: Source<'n>, node: &'n Node) -> Result<Self, Mistake> {
        match &node.value {
            Value::Table(entries) => Ok(Self { source, entries, start: node.span.start }),
            _ => Err(source.mistake(node.span.clone(), "not a table", "expected a table with keys")),
        }
    }

    /// Where the table begins.
    pub fn place(&self) -> Range<usize> {
        self.entries.first().map_or(self.start..self.start, |entry| entry.at.clone())
    }

    /// The entry of a key, in either case.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key))
    }

    /// Keys that are none of those.
    pub fn others(&self, known: &[&str]) -> impl Iterator<Item = &'n str> {
        self.entries
            .iter()
            .map(|entry| entry.key.as_str())
            .filter(|key| !known.iter().any(|known| known.eq_ignore_ascii_case(key)))
    }

    /// A text, if there is one that is not empty, and where it stands.
    ///
    /// # Errors
    ///
    /// It is no text.
    pub fn text(&self, key: &str) -> Result<Option<(&'n str, Range<usize>)>, Mistake> {
        match self.entry(key).map(|entry| &entry.node) {
            None => Ok(None),
            Some(Node { value: Value::Text(text), span }) => {
                Ok((!text.is_empty()).then(|| (text.as_str(), span.clone())))
            }
            Some(node) => Err(self.wrong(key, node, "a text")),
        }
    }

    /// A number that is not negative.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn number(&self, key: &str) -> Result<Option<f64>, Mistake> {
        match self.entry(key).map(|entry| &entry.node) {
            None => Ok(None),
            Some(Node { value: Value::Number(number), .. }) if *number >= 0.0 && number.is_finite() => {
                Ok(Some(*number))
            }
            Some(node) => Err(self.wrong(key, node, "a number that is not negative")),
        }
    }

    /// A number of things.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn count(&self, key: &str) -> Result<usize, Mistake> {
        let number = self.number(key)?.unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is not negative, and cut off")]
        Ok(number.min(65_535.0) as usize)
    }

    /// Yes or no.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, Mistake> {
        match self.entry(key).map(|entry| &entry.node) {
            None => Ok(None),
            Some(Node { value: Value::Flag(flag), .. }) => Ok(Some(*flag)),
            Some(node) => Err(self.wrong(key, node, "true or false")),
        }
    }

    /// A list of texts, and where each stands; empty if there is none.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn texts(&self, key: &str) -> Result<Vec<(&'n str, Range<usize>)>, Mistake> {
        let text = |node: &'n Node| match &node.value {
            Value::Text(text) => Ok((text.as_str(), node.span.clone())),
            _ => Err(self.wrong(key, node, "a text")),
        };
        match self.entry(key).map(|entry| &entry.node) {
            None | Some(Node { value: Value::Other, .. }) => Ok(Vec::new()),
            Some(Node { value: Value::List(list), .. }) => list.iter().map(text).collect(),
            Some(node) => Err(self.wrong(key, node, "a list of texts")),
        }
    }

    /// The table of a key, or all tables of the list it has.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn tables(&self, key: &str) -> Result<Vec<Table<'n>>, Mistake> {
        let table = |node: &'n Node| Table::of(self.source, node);
        match self.entry(key).map(|entry| &entry.node) {
            None | Some(Node { value: Value::Other, .. }) => Ok(Vec::new()),
            Some(Node { value: Value::List(list), .. }) => list.iter().map(table).collect(),
            Some(node) => Ok(vec![table(node)?]),
        }
    }

    fn wrong(&self, key: &str, node: &Node, expected: &str) -> Mistake {
        self.source.mistake(node.span.clone(), format!("`{key}` is of the wrong kind"), &format!("expected {expected}"))
    }
}
