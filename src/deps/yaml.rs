//! YAML as lock files use it, event by event: nothing is built, and nothing is expanded.

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScanError};

use super::Unreadable;

/// A key of a mapping or a value, and where it is.
#[derive(Debug)]
pub struct Item<'t> {
    /// Whether it is a key.
    pub is_key: bool,
    /// The text without quotes.
    pub text: Cow<'t, str>,
    /// Its bytes, quotes included.
    pub at: Range<usize>,
}

/// A mapping or list that is open.
struct Open {
    is_mapping: bool,
    /// Whether a key comes next.
    wants_key: bool,
    /// How many elements came before.
    count: usize,
}

/// Nothing a package manager writes is nested as deep.
const DEEPEST: usize = 64;

/// Hands on every key and every plain value with the keys that lead to it; elements of lists count as
/// keys by their number.
///
/// # Errors
///
/// It is no YAML, or has what no package manager writes: anchors, or nesting without end.
pub fn walk<'t>(text: &'t str, mut found: impl FnMut(&[Cow<'t, str>], Item<'t>)) -> Result<(), Unreadable> {
    let mut bytes = Bytes::new(text);
    let mut path: Vec<Cow<'t, str>> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| unreadable(&error, &mut bytes))?;
        match event {
            Event::Alias(_) => {
                let at = bytes.at(span.start.index());
                return Err(Unreadable::new("it refers to another part of itself, as no lock file does", Some(at)));
            }
            Event::Scalar(value, ..) => {
                let at = bytes.at(span.start.index())..bytes.at(span.end.index());
                let is_key = open.last().is_some_and(|open| open.is_mapping && open.wants_key);
                if is_key {
                    found(&path, Item { is_key, text: value.clone(), at });
                    path.push(value);
                    if let Some(open) = open.last_mut() {
                        open.wants_key = false;
                    }
                } else {
                    enter(&mut path, open.last());
                    found(&path, Item { is_key, text: value, at });
                    leave(&mut path, open.last_mut());
                }
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if open.len() == DEEPEST {
                    return Err(Unreadable::new("it is nested too deeply", Some(bytes.at(span.start.index()))));
                }
                // A key may be a mapping itself; nothing then leads to what is in it.
                if open.last().is_some_and(|open| open.is_mapping && open.wants_key) {
                    return Err(Unreadable::new("a key is no text", Some(bytes.at(span.start.index()))));
                }
                enter(&mut path, open.last());
                let is_mapping = matches!(event, Event::MappingStart(..));
                open.push(Open { is_mapping, wants_key: is_mapping, count: 0 });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                leave(&mut path, open.last_mut());
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }
    Ok(())
}

/// Steps to an element of a list; a value of a mapping is there already, by its key.
fn enter(path: &mut Vec<Cow<'_, str>>, open: Option<&Open>) {
    if let Some(Open { is_mapping: false, count, .. }) = open {
        path.push(count.to_string().into());
    }
}

fn leave(path: &mut Vec<Cow<'_, str>>, open: Option<&mut Open>) {
    if let Some(open) = open {
        path.pop();
        open.wants_key = open.is_mapping;
        open.count += 1;
    }
}

fn unreadable(error: &ScanError, bytes: &mut Bytes<'_>) -> Unreadable {
    Unreadable::new(format!("it is no YAML: {}", error.info()), Some(bytes.at(error.marker().index())))
}

/// From characters, which the parser counts, to bytes.
struct Bytes<'t> {
    text: &'t str,
    is_ascii: bool,
    /// The last place that was asked for: character and byte.
    last: (usize, usize),
}

impl<'t> Bytes<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, is_ascii: text.is_ascii(), last: (0, 0) }
    }

    /// The byte at which a character begins. Cheap where places are asked for in their order.
    fn at(&mut self, character: usize) -> usize {
        if self.is_ascii {
            return character.min(self.text.len());
        }
        let (known, byte) = if self.last.0 <= character { self.last } else { (0, 0) };
        let rest = self.text.get(byte..).unwrap_or_default();
        let steps = rest.char_indices().nth(character - known).map_or(rest.len(), |(at, _)| at);
        self.last = (character, byte + steps);
        byte + steps
    }
}
