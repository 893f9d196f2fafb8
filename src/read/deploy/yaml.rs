//! YAML as a tree in which every value knows its bytes. Built from events, so that neither
//! depth nor aliases of aliases cost more than their share.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, Span as Marked};

use super::Source;

/// Values in a file, those counted that aliases stand for.
const MOST: usize = 20_000;

/// Maps and lists in each other.
const DEEPEST: usize = 32;

/// A value.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Its first byte, or that of its key.
    pub start: usize,
    /// The byte behind it, or behind its key if it runs over several lines.
    pub end: usize,
}

/// What a value is. Numbers and flags are texts here.
#[derive(Debug, Clone)]
pub enum Value {
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().rev().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The entries of a map.
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Text(_) | Value::List(_) => &[],
        }
    }

    /// The elements of a list.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Text(_) | Value::Map(_) => &[],
        }
    }

    /// The text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }
}

/// What is open while events come.
struct Open {
    node: Node,
    anchor: usize,
    /// The key whose value comes next, and its bytes.
    key: Option<(String, usize, usize)>,
}

/// Why a file could not be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line and column, from 1.
    pub at: (usize, usize),
    /// In words.
    pub message: &'static str,
}

/// The documents of a file.
///
/// # Errors
///
/// It is no YAML, or more than it seems.
pub fn documents(source: &Source<'_>) -> Result<Vec<Node>, Fault> {
    let text = source.text;
    // Markers count characters.
    let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let byte = |index: usize| offsets.get(index).copied().unwrap_or(text.len());
    let bytes = |span: Marked| (byte(span.start.index()), byte(span.end.index()));
    let mut builder = Builder { text, open: Vec::new(), anchors: HashMap::new(), roots: Vec::new(), nodes: 0 };
    for event in Parser::new_from_str(text) {
        let fault = |marker: Marker, message| Fault { at: (marker.line(), marker.col() + 1), message };
        let (event, span) = event.map_err(|error| fault(*error.marker(), "the file cannot be read as YAML"))?;
        let taken = builder.take(event, bytes(span));
        taken.map_err(|message| fault(span.start, message))?;
    }
    Ok(builder.roots)
}

/// What is too much or too strange.
type Refused = Result<(), &'static str>;

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    roots: Vec<Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, (start, end): (usize, usize)) -> Refused {
        match event {
            Event::Scalar(text, _, anchor, _) => self.scalar(text.into_owned(), anchor, start, end),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).ok_or("an alias stands for what it is a part of")?;
                self.nodes += count(node);
                let node = Node { start, end, ..node.clone() };
                self.add(node)
            }
            Event::SequenceStart(anchor, _) => self.begin(Value::List(Vec::new()), anchor, start),
            Event::MappingStart(anchor, _) => self.begin(Value::Map(Vec::new()), anchor, start),
            Event::SequenceEnd | Event::MappingEnd => self.finish(end),
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, text: String, anchor: usize, start: usize, end: usize) -> Refused {
        if let Some(Open { node: Node { value: Value::Map(_), .. }, key: key @ None, .. }) = self.open.last_mut() {
            *key = Some((text, start, end));
            return Ok(());
        }
        let node = Node { value: Value::Text(text), start, end };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    fn begin(&mut self, value: Value, anchor: usize, start: usize) -> Refused {
        let is_key = matches!(self.open.last(), Some(Open { node: Node { value: Value::Map(_), .. }, key: None, .. }));
        if is_key {
            return Err("a list or map is the key of something");
        }
        if self.open.len() >= DEEPEST {
            return Err("the file is nested too deep");
        }
        self.open.push(Open { node: Node { value, start, end: start }, anchor, key: None });
        Ok(())
    }

    fn finish(&mut self, end: usize) -> Refused {
        let Some(Open { mut node, anchor, .. }) = self.open.pop() else { return Ok(()) };
        node.end = end;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    fn add(&mut self, node: Node) -> Refused {
        self.nodes += 1;
        if self.nodes > MOST {
            return Err("the file has more than 20,000 values, those counted that aliases stand for");
        }
        let text = self.text;
        let Some(open) = self.open.last_mut() else {
            self.roots.push(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => {
                let Some((key, start, key_end)) = open.key.take() else { return Ok(()) };
                let is_merge = key == "<<";
                let merged = if is_merge { node.entries().to_vec() } else { Vec::new() };
                entries.splice(0..0, merged);
                if !is_merge {
                    let one_line = text.get(start..node.end).is_some_and(|entry| !entry.trim_end().contains('\n'));
                    let end = if one_line { node.end } else { key_end };
                    entries.push((key, Node { start, end, ..node }));
                }
            }
            Value::Text(_) => {}
        }
        Ok(())
    }
}

fn count(node: &Node) -> usize {
    let mut todo = vec![node];
    let mut found = 0;
    while let Some(node) = todo.pop() {
        found += 1;
        todo.extend(node.items());
        todo.extend(node.entries().iter().map(|(_, node)| node));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileId;

    fn read(text: &str) -> Result<Vec<Node>, Fault> {
        documents(&Source { file: FileId(0), path: "a.yml", text })
    }

    #[test]
    fn values_know_their_bytes() {
        let text = "é: 1\na: &x\n  b: [c, 'd']\n---\nf: { <<: { k: v }, g: h }\n";
        let documents = read(text).expect("documents");
        let shown = |node: &Node| text[node.start..node.end].trim_end().to_owned();
        let b = documents[0].get("a").and_then(|a| a.get("b")).expect("b");
        assert_eq!((shown(b), b.items()[1].text()), ("b: [c, 'd']".to_owned(), Some("d")));
        assert_eq!(shown(documents[0].get("a").expect("a")), "a");
        let f = documents[1].get("f").expect("f");
        assert_eq!((f.get("k").and_then(Node::text), f.get("g").and_then(Node::text)), (Some("v"), Some("h")));
    }

    #[test]
    fn what_grows_without_end_is_not_read() {
        let mut bomb = String::from("a0: &a0 [x, x]\n");
        for level in 1..40 {
            bomb.push_str(&format!("a{level}: &a{level} [*a{0}, *a{0}]\n", level - 1));
        }
        let refused = |text: &str| read(text).expect_err("a fault").message;
        assert!(refused(&bomb).starts_with("the file has more than 20,000 values"));
        assert_eq!(refused(&"[".repeat(100)), "the file is nested too deep");
        assert_eq!(refused("a: &a\n  b: *a\n"), "an alias stands for what it is a part of");
        let fault = read("a: 1\nb: c: [").expect_err("a fault");
        assert_eq!((fault.at.0, fault.message), (2, "the file cannot be read as YAML"));
    }
}
