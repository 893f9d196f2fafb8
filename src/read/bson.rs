//! BSON documents out of a stream, as `mongodump` writes them: plain concatenation.
//!
//! Rows are walked in place and never decoded; only small documents (schemas, roles)
//! become values. A length that cannot be true ends the file with an error, and a
//! row that cannot be walked counts as unreadable, never as public.
//!
//! Source: bsonspec.org, version 1.1.

use std::io::{self, Read};

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

use crate::bson::{Element, Elements, elements, int32};

use super::window::Window;

/// The largest document MongoDB stores, with the room it allows itself.
const MAX_DOCUMENT: usize = 16 * 1024 * 1024 + 16 * 1024;

/// Deeper documents are not turned into values; MongoDB's manual allows 100 levels.
const MAX_DEPTH: usize = 128;

/// Why a stream ended early.
#[derive(Debug, thiserror::Error)]
pub enum BsonError {
    /// The file could not be read further.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Whoever wrote the file must look at it.
    #[error("a document says it has {0} bytes")]
    Length(i32),
    /// Whoever wrote the file must look at it.
    #[error("the file ends inside a document")]
    Truncated,
    /// Rows that were put together, and nobody knows how many.
    #[error("a document does not say how many rows it stands for")]
    NoNumber,
}

/// The documents of a stream.
pub struct Documents<R>(Window<R>);

impl<R: Read> Documents<R> {
    /// The documents of a stream.
    pub fn new(from: R) -> Self {
        Self(Window::new(from))
    }

    /// Bytes of the stream that were looked at.
    pub fn position(&self) -> u64 {
        self.0.position()
    }

    /// The next document; `None` at the end.
    ///
    /// # Errors
    ///
    /// See [`BsonError`]. After an error there are no more documents.
    pub fn next_document(&mut self) -> Result<Option<&[u8]>, BsonError> {
        if !self.0.has(4)? {
            return if self.0.ahead().is_empty() { Ok(None) } else { Err(BsonError::Truncated) };
        }
        let length = int32(self.0.ahead()).unwrap_or_default();
        let size = usize::try_from(length).ok().filter(|size| (5..=MAX_DOCUMENT).contains(size));
        let size = size.ok_or(BsonError::Length(length))?;
        if !self.0.has(size)? {
            return Err(BsonError::Truncated);
        }
        Ok(Some(self.0.step(size)))
    }
}

/// A document as a JSON value, in the relaxed form of Extended JSON as far as
/// schemas, roles and configuration need it. `None` if it cannot be walked.
pub fn to_value(document: &[u8]) -> Option<Value> {
    object(elements(document)?, 0).map(Value::Object)
}

fn object(elements: Elements<'_>, depth: usize) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    for element in elements {
        let element = element?;
        let name = std::str::from_utf8(element.name).ok()?;
        object.insert(name.to_owned(), value(&element, depth + 1)?);
    }
    Some(object)
}

fn value(element: &Element<'_>, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let int64 = || Some(i64::from_le_bytes(element.value.try_into().ok()?));
    Some(match element.kind {
        0x01 => json!(f64::from_le_bytes(element.value.try_into().ok()?)),
        0x02 => json!(element.text()?),
        0x03 => Value::Object(object(element.elements()?, depth)?),
        0x04 => {
            let elements = element.elements()?;
            Value::Array(elements.map(|element| value(&element?, depth + 1)).collect::<Option<_>>()?)
        }
        0x06 | 0x0a => Value::Null,
        0x07 => json!({ "$oid": HEXLOWER.encode(element.value) }),
        0x08 => json!(element.value.first()? != &0),
        0x09 => json!({ "$date": int64()? }),
        0x10 => json!(int32(element.value)?),
        0x12 => json!(int64()?),
        kind => json!({ "$type": kind }),
    })
}

/// Whether bytes look like the beginning of a BSON document.
pub fn looks_like(head: &[u8]) -> bool {
    let plausible = int32(head).is_some_and(|length| length >= 5 && length.unsigned_abs() as usize <= MAX_DOCUMENT);
    let Some(rest) = head.get(4..).filter(|_| plausible) else { return false };
    match rest.split_first() {
        Some((0, _)) => int32(head) == Some(5),
        Some((kind, rest)) => {
            let known = matches!(kind, 0x01..=0x13 | 0x7f | 0xff);
            let name = memchr::memchr(0, rest.get(..rest.len().min(256)).unwrap_or_default());
            known
                && name
                    .and_then(|end| rest.get(..end))
                    .is_some_and(|name| std::str::from_utf8(name).is_ok_and(|name| !name.chars().any(char::is_control)))
        }
        None => false,
    }
}

/// Writes documents for tests and benches. Reading is all the program does.
#[cfg(test)]
pub(crate) mod write {
    use serde_json::Value;

    /// A JSON object as a BSON document, with the types JSON has.
    pub(crate) fn document(value: &Value) -> Vec<u8> {
        let mut body = Vec::new();
        let entries: Vec<(String, &Value)> = match value {
            Value::Array(list) => list.iter().enumerate().map(|(number, value)| (number.to_string(), value)).collect(),
            Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
            _ => panic!("a document is an object or an array"),
        };
        for (key, value) in entries {
            let (kind, bytes) = match value {
                Value::Null => (0x0a, Vec::new()),
                Value::Bool(flag) => (0x08, vec![u8::from(*flag)]),
                Value::Number(number) => (0x01, number.as_f64().expect("a float").to_le_bytes().to_vec()),
                Value::String(text) => {
                    let length = i32::try_from(text.len() + 1).expect("short").to_le_bytes();
                    (0x02, [&length, text.as_bytes(), b"\0"].concat())
                }
                Value::Array(_) => (0x04, document(value)),
                Value::Object(_) => (0x03, document(value)),
            };
            body.extend([&[kind], key.as_bytes(), b"\0", &bytes].concat());
        }
        let length = i32::try_from(body.len() + 5).expect("short").to_le_bytes();
        [&length, body.as_slice(), b"\0"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_values_come_back() {
        let values = [json!({ "_id": "a", "_rperm": ["*", "b"], "n": { "x": null, "y": [true, 1.5] } }), json!({})];
        let file: Vec<u8> = values.iter().flat_map(write::document).collect();
        let mut documents = Documents::new(file.as_slice());
        for value in &values {
            let document = documents.next_document().expect("a document").expect("not the end");
            assert_eq!(to_value(document).as_ref(), Some(value));
        }
        assert!(documents.next_document().expect("the end").is_none());
    }

    #[test]
    fn impossible_lengths_and_cut_files_are_errors() {
        let file = write::document(&json!({ "a": "b" }));
        let cut = file.get(..file.len() - 1).expect("shorter");
        assert!(matches!(Documents::new(cut).next_document(), Err(BsonError::Truncated)));
        assert!(matches!(Documents::new([1u8, 0].as_slice()).next_document(), Err(BsonError::Truncated)));
        for length in [-1, 4, i32::MAX] {
            let head = length.to_le_bytes();
            assert!(matches!(Documents::new(head.as_slice()).next_document(), Err(BsonError::Length(_))));
        }
    }

    #[test]
    fn a_broken_element_ends_the_walk_and_is_said() {
        let mut file = write::document(&json!({ "a": "b", "c": "d" }));
        // The length of the first string says more than there is.
        file[7] = 200;
        let walked: Vec<bool> = elements(&file).expect("a document").map(|element| element.is_some()).collect();
        assert_eq!(walked, [false]);
        assert_eq!(to_value(&file), None);
    }

    #[test]
    fn deep_documents_do_not_overflow_the_stack() {
        let mut document = write::document(&json!({}));
        for _ in 0..100_000 {
            let length = i32::try_from(document.len() + 8).expect("fits").to_le_bytes();
            document = [&length, [0x03, b'a', 0].as_slice(), &document, &[0]].concat();
            if document.len() > 60_000 {
                break;
            }
        }
        assert_eq!(to_value(&document), None);
    }

    #[test]
    fn text_does_not_look_like_bson() {
        assert!(looks_like(&write::document(&json!({ "a": 1 }))));
        assert!(looks_like(&[5, 0, 0, 0, 0]));
        for text in [b"{\"a\":1}".as_slice(), b"", b"PK\x03\x04", b"hello world", b"\x7fELF\x02\x01\x01"] {
            assert!(!looks_like(text), "{}", text.escape_ascii());
        }
    }
}
