//! From a JSON pointer to the bytes of a text, for JSON, TOML and YAML.
//!
//! An entry of an object is shown with its key. An entry that runs over several
//! lines is shown by its key alone, an element of a list by its first character,
//! so that no finding marks half a file.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, MarkedYaml, YamlData};

use super::oddity::escape;
use super::place::Span;

/// From JSON pointer (RFC 6901) to span.
pub type Pointers = BTreeMap<String, Span>;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Syntax {
    /// JSON. If documents follow one after the other, pointers into the second
    /// begin with `/1`, into the third with `/2`; those into the first have no number.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
    /// None that pointers can be found in.
    Plain,
}

/// Pointers longer than this many parts are not listed; findings never go that deep.
const MAX_DEPTH: usize = 12;

/// The span of every value, to a depth of twelve. Empty if the text does not parse.
///
/// Time and memory grow linearly with the text; nothing here recurses for JSON.
pub fn index(text: &str, syntax: Syntax) -> Pointers {
    match syntax {
        Syntax::Json => json(text),
        Syntax::Toml => toml(text),
        Syntax::Yaml => yaml(text),
        Syntax::Plain => Pointers::new(),
    }
}

/// A container that is open while the text is scanned.
struct Open {
    /// Pointer of the container.
    pointer: String,
    /// The next element's number; `None` in an object.
    next: Option<usize>,
    /// Where the entry's key begins, and where it ends; for elements the first character.
    head: (usize, usize),
}

fn json(text: &str) -> Pointers {
    let bytes = text.as_bytes();
    let mut pointers = Pointers::new();
    let mut open: Vec<Open> = Vec::new();
    let mut key: Option<(String, usize, usize)> = None;
    let mut document = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => at += 1,
            b'}' | b']' => {
                at += 1;
                let Some(closed) = open.pop() else { break };
                if open.len() < MAX_DEPTH {
                    let (start, key_end) = closed.head;
                    let one_line = text.get(start..at).is_some_and(|entry| !entry.contains('\n'));
                    let end = if one_line { at } else { key_end };
                    pointers.insert(closed.pointer, Span::new(text, start, end));
                }
            }
            _ => {
                let in_object = open.last().is_some_and(|container| container.next.is_none());
                if in_object && key.is_none() {
                    let end = string_end(bytes, at);
                    let name = text.get(at..end).unwrap_or_default();
                    let name =
                        serde_json::from_str::<String>(name).unwrap_or_else(|_| name.trim_matches('"').to_owned());
                    key = Some((name, at, end));
                    at = end.max(at + 1);
                    continue;
                }
                let depth = open.len();
                let (pointer, head) = match (open.last_mut(), key.take()) {
                    (None, _) => {
                        document += 1;
                        let pointer = if document > 1 { format!("/{}", document - 1) } else { String::new() };
                        (pointer, (at, at + 1))
                    }
                    (Some(container), Some((name, start, end))) => {
                        (child(&container.pointer, &escape(&name), depth), (start, end))
                    }
                    (Some(container), None) => {
                        let number = container.next.unwrap_or_default();
                        container.next = Some(number + 1);
                        (child(&container.pointer, &number.to_string(), depth), (at, at + 1))
                    }
                };
                match byte {
                    b'{' | b'[' => {
                        let next = (byte == b'[').then_some(0);
                        open.push(Open { pointer, next, head });
                        at += 1;
                    }
                    _ => {
                        let end = scalar_end(bytes, at);
                        if open.len() <= MAX_DEPTH {
                            pointers.insert(pointer, Span::new(text, head.0, end));
                        }
                        at = end.max(at + 1);
                    }
                }
            }
        }
    }
    pointers
}

/// The pointer of a child; below the depth that is listed it no longer grows.
fn child(parent: &str, part: &str, depth: usize) -> String {
    if depth > MAX_DEPTH { String::new() } else { format!("{parent}/{part}") }
}

/// Where a text in double quotes that begins at `start` ends: behind its quote, or with all bytes if it has none.
pub fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn scalar_end(bytes: &[u8], start: usize) -> usize {
    if bytes.get(start) == Some(&b'"') {
        return string_end(bytes, start);
    }
    let rest = bytes.get(start..).unwrap_or_default();
    let length = rest.iter().position(|byte| b" \t\r\n,:]}".contains(byte));
    length.map_or(bytes.len(), |length| start + length)
}

fn toml(text: &str) -> Pointers {
    let mut pointers = Pointers::new();
    let Ok(table) = toml::de::DeTable::parse(text) else { return pointers };
    let mut todo: Vec<(String, &toml::de::DeTable<'_>)> = vec![(String::new(), table.get_ref())];
    let mut lists: Vec<(String, &toml::de::DeArray<'_>)> = Vec::new();
    pointers.insert(String::new(), Span::new(text, 0, 0));
    loop {
        let mut found = Vec::new();
        if let Some((pointer, table)) = todo.pop() {
            for (key, value) in table.iter() {
                let name = format!("{pointer}/{}", escape(key.get_ref()));
                found.push((name, key.span().start, key.span().end, value));
            }
        } else if let Some((pointer, list)) = lists.pop() {
            for (number, value) in list.iter().enumerate() {
                found.push((format!("{pointer}/{number}"), value.span().start, value.span().start, value));
            }
        } else {
            return pointers;
        }
        for (pointer, start, key_end, value) in found {
            let end = value.span().end;
            let one_line = text.get(start..end).is_some_and(|entry| !entry.contains('\n'));
            let end = if one_line { end } else { key_end.max(start + 1) };
            pointers.insert(pointer.clone(), Span::new(text, start, end));
            match value.get_ref() {
                toml::de::DeValue::Table(table) => todo.push((pointer, table)),
                toml::de::DeValue::Array(list) => lists.push((pointer, list)),
                _ => {}
            }
        }
    }
}

fn yaml(text: &str) -> Pointers {
    let mut pointers = Pointers::new();
    let Ok(documents) = MarkedYaml::load_from_str(text) else { return pointers };
    let Some(root) = documents.first() else { return pointers };
    // Markers count characters; our spans are bytes.
    let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let byte = |index: usize| offsets.get(index).copied().unwrap_or(text.len());
    let mut todo = vec![(String::new(), root, 0)];
    while let Some((pointer, node, depth)) = todo.pop() {
        if depth > MAX_DEPTH {
            continue;
        }
        match &node.data {
            YamlData::Mapping(entries) => {
                for (key, value) in entries {
                    let Some(name) = key.data.as_str() else { continue };
                    let pointer = format!("{pointer}/{}", escape(name));
                    let (start, key_end) = (byte(key.span.start.index()), byte(key.span.end.index()));
                    let end = byte(value.span.end.index());
                    let one_line = text.get(start..end).is_some_and(|entry| !entry.contains('\n'));
                    pointers.insert(pointer.clone(), Span::new(text, start, if one_line { end } else { key_end }));
                    todo.push((pointer, value, depth + 1));
                }
            }
            YamlData::Sequence(values) => {
                for (number, value) in values.iter().enumerate() {
                    let pointer = format!("{pointer}/{number}");
                    let start = byte(value.span.start.index());
                    pointers.insert(pointer.clone(), Span::new(text, start, start + 1));
                    todo.push((pointer, value, depth + 1));
                }
            }
            _ => {}
        }
    }
    pointers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'t>(text: &'t str, syntax: Syntax, pointer: &str) -> &'t str {
        let pointers = index(text, syntax);
        let span = pointers.get(pointer).expect("the pointer is there");
        &text[span.start()..span.end()]
    }

    const JSON: &str = "[ { \"a\": { \"b\": [1, \"x,y\"] },\n \"c\\u0064/e\": true,\n \"f\": {\n } } ]";

    #[test]
    fn an_entry_on_one_line_is_shown_with_its_key() {
        assert_eq!(shown(JSON, Syntax::Json, "/0/a/b"), "\"b\": [1, \"x,y\"]");
        assert_eq!(shown(JSON, Syntax::Json, "/0/a/b/1"), "\"x,y\"");
        assert_eq!(shown(JSON, Syntax::Json, "/0/cd~1e"), "\"c\\u0064/e\": true");
    }

    #[test]
    fn an_entry_over_several_lines_is_shown_by_its_key() {
        assert_eq!(shown(JSON, Syntax::Json, "/0/f"), "\"f\"");
        assert_eq!(shown(JSON, Syntax::Json, "/0"), "{");
    }

    #[test]
    fn documents_after_the_first_are_numbered() {
        let text = "{\"a\":1}\n{\"a\":2}\n";
        assert_eq!(shown(text, Syntax::Json, "/a"), "\"a\":1");
        assert_eq!(shown(text, Syntax::Json, "/1/a"), "\"a\":2");
    }

    #[test]
    fn deep_and_broken_texts_end() {
        let deep = "[".repeat(200_000);
        assert!(index(&deep, Syntax::Json).is_empty());
        for broken in ["{", "}", "{\"a", "[1,", "{\"a\":\"\\", "\u{feff}{}"] {
            index(broken, Syntax::Json);
        }
    }

    #[test]
    fn toml_and_yaml_have_pointers_too() {
        let text = "top = 1\n[a.b]\nc = \"x\"\n[[d]]\ne = 2\n";
        assert_eq!(shown(text, Syntax::Toml, "/a/b/c"), "c = \"x\"");
        assert_eq!(shown(text, Syntax::Toml, "/d/0/e"), "e = 2");
        let text = "é: 1\na:\n  b:\n    - c: x\n";
        assert_eq!(shown(text, Syntax::Yaml, "/a/b/0/c"), "c: x");
    }
}
