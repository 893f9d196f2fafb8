//! YAML as a tree in which every value knows its bytes. Built from events, so that neither
//! depth nor aliases of aliases cost more than their share.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, Span as Marked};

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

/// The documents of a file; `None` if it is no YAML, or more than it seems.
pub fn documents(source: &Source<'_>) -> Option<Vec<Node>> {
    let text = source.text;
    // Markers count characters.
    let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let byte = |index: usize| offsets.get(index).copied().unwrap_or(text.len());
    let bytes = |span: Marked| (byte(span.start.index()), byte(span.end.index()));
    let mut builder = Builder { text, open: Vec::new(), anchors: HashMap::new(), roots: Vec::new(), nodes: 0 };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.ok()?;
        let (start, end) = bytes(span);
        match event {
            Event::Scalar(text, _, anchor, _) => builder.scalar(text.into_owned(), anchor, start, end)?,
            Event::Alias(anchor) => {
                let node = builder.anchors.get(&anchor)?;
                builder.nodes += count(node);
                let node = Node { start, end, ..node.clone() };
                builder.add(node)?;
            }
            Event::SequenceStart(anchor, _) => builder.begin(Value::List(Vec::new()), anchor, start)?,
            Event::MappingStart(anchor, _) => builder.begin(Value::Map(Vec::new()), anchor, start)?,
            Event::SequenceEnd | Event::MappingEnd => builder.finish(end)?,
            _ => {}
        }
    }
    Some(builder.roots)
}

struct Builder<'t> {
    text: &'t str,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    roots: Vec<Node>,
    nodes: usize,
}

impl Builder<'_> {
    fn scalar(&mut self, text: String, anchor: usize, start: usize, end: usize) -> Option<()> {
        if let Some(Open { node: Node { value: Value::Map(_), .. }, key: key @ None, .. }) = self.open.last_mut() {
            *key = Some((text, start, end));
            return Some(());
        }
        let node = Node { value: Value::Text(text), start, end };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    fn begin(&mut self, value: Value, anchor: usize, start: usize) -> Option<()> {
        let is_key = matches!(self.open.last(), Some(Open { node: Node { value: Value::Map(_), .. }, key: None, .. }));
        // Maps as keys are nothing that we read.
        if is_key || self.open.len() >= DEEPEST {
            return None;
        }
        self.open.push(Open { node: Node { value, start, end: start }, anchor, key: None });
        Some(())
    }

    fn finish(&mut self, end: usize) -> Option<()> {
        let Open { mut node, anchor, .. } = self.open.pop()?;
        node.end = end;
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    fn add(&mut self, node: Node) -> Option<()> {
        self.nodes += 1;
        if self.nodes > MOST {
            return None;
        }
        let text = self.text;
        let Some(open) = self.open.last_mut() else {
            self.roots.push(node);
            return Some(());
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => {
                let (key, start, key_end) = open.key.take()?;
                let is_merge = key == "<<";
                let merged = if is_merge { node.entries().to_vec() } else { Vec::new() };
                entries.splice(0..0, merged);
                if !is_merge {
                    let one_line = text.get(start..node.end).is_some_and(|entry| !entry.trim_end().contains('\n'));
                    let end = if one_line { node.end } else { key_end };
                    entries.push((key, Node { start, end, ..node }));
                }
            }
            Value::Text(_) => return None,
        }
        Some(())
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

    fn read(text: &str) -> Option<Vec<Node>> {
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
        assert!(read(&bomb).is_none());
        assert!(read(&"[".repeat(100)).is_none() && read("a: b: c: [").is_none());
    }
}
