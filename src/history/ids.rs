//! The ids of objects, each once; everywhere else an object is its number.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use rustc_hash::FxHashMap;

/// An object by its place among the ids.
pub type Object = u32;

/// No object.
pub const NONE: Object = Object::MAX;

/// The ids of all objects that are there.
#[derive(Debug, Default)]
pub struct Ids {
    /// Bytes of an id: 20, or 32 with SHA-256.
    length: usize,
    bytes: Vec<u8>,
    by_prefix: FxHashMap<u64, Object>,
    /// Objects whose first eight bytes are those of another one.
    twins: Vec<Object>,
}

impl Ids {
    /// No ids yet; each will have so many bytes.
    pub fn new(length: usize) -> Self {
        Self { length, ..Self::default() }
    }

    /// Bytes of an id.
    pub fn id_length(&self) -> usize {
        self.length
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.bytes.len().checked_div(self.length).unwrap_or(0)
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        self.bytes.reserve(more.saturating_mul(self.length));
        self.by_prefix.reserve(more);
    }

    /// The number of an id, which is a new one if it is not known yet; `None` if it is no id.
    pub fn add(&mut self, id: &[u8]) -> Option<Object> {
        if let Some(known) = self.number(id) {
            return Some(known);
        }
        let prefix = prefix(id).filter(|_| id.len() == self.length)?;
        let number = Object::try_from(self.count()).ok().filter(|number| *number != NONE)?;
        self.bytes.extend_from_slice(id);
        if *self.by_prefix.entry(prefix).or_insert(number) != number {
            self.twins.push(number);
        }
        Some(number)
    }

    /// The number of an id that is there.
    pub fn number(&self, id: &[u8]) -> Option<Object> {
        let first = *self.by_prefix.get(&prefix(id)?)?;
        if self.id(first) == id {
            return Some(first);
        }
        self.twins.iter().copied().find(|twin| self.id(*twin) == id)
    }

    /// The number of an id in hex digits.
    pub fn of_hex(&self, hex: &[u8]) -> Option<Object> {
        self.number(&from_hex(hex)?)
    }

    /// The id of a number; empty if there is none.
    pub fn id(&self, number: Object) -> &[u8] {
        let start = (number as usize).saturating_mul(self.length);
        self.bytes.get(start..start.saturating_add(self.length)).unwrap_or_default()
    }

    /// The first digits of an id, as git shows it.
    pub fn short(&self, number: Object) -> String {
        HEXLOWER.encode(self.id(number).get(..5).unwrap_or_default())
    }
}

/// The bytes that hex digits are.
pub fn from_hex(hex: &[u8]) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(hex).ok()
}

fn prefix(id: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(id.get(..8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_begin_alike_are_told_apart() {
        let mut ids = Ids::new(20);
        let (a, b) = ([7; 20], [[7; 10], [8; 10]].concat());
        assert_eq!((ids.add(&a), ids.add(&b), ids.add(&a), ids.add(&a[..19])), (Some(0), Some(1), Some(0), None));
        assert_eq!((ids.number(&b), ids.count(), ids.short(1)), (Some(1), 2, "0707070707".to_owned()));
        assert_eq!(from_hex(b"0aF"), None);
        assert_eq!(from_hex(b"0aFf"), Some(vec![10, 255]));
    }
}
