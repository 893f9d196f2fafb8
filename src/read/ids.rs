//! Ids of users and of rows, in eight bytes each, so that many of them are held and compared quickly.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use rustc_hash::FxSeededState;

/// The ids of all users, packed into eight bytes each.
///
/// Ten letters and digits, as Parse Server makes them, are packed without loss. Any
/// other id is kept as a hash; should two collide, an orphan is taken for a user.
#[derive(Debug, Clone)]
pub struct UserIds(HashSet<u64, FxSeededState>);

impl Default for UserIds {
    fn default() -> Self {
        Self(HashSet::with_hasher(quick()))
    }
}

/// Look-ups as quick as rows come, with a seed of their own: names and ids are whatever somebody chose.
pub(super) fn quick() -> FxSeededState {
    FxSeededState::with_seed(RandomState::new().hash_one(0) as usize)
}

impl UserIds {
    /// Adds a user.
    pub fn insert(&mut self, id: &[u8]) {
        self.0.insert(pack(id));
    }

    /// Adds a user, if the row has an id.
    pub fn insert_some(&mut self, id: Option<&[u8]>) {
        if let Some(id) = id {
            self.insert(id);
        }
    }

    /// Adds a user by what [`pack`] made of its id.
    pub(super) fn insert_packed(&mut self, packed: u64) {
        self.0.insert(packed);
    }

    /// Adds all users of another set.
    pub fn extend(&mut self, other: Self) {
        if self.0.is_empty() { *self = other } else { self.0.extend(other.0) }
    }

    /// Whether there is such a user.
    pub fn contains(&self, id: &[u8]) -> bool {
        self.0.contains(&pack(id))
    }

    /// Whether there is a user of whose id [`pack`] makes this.
    pub(super) fn contains_packed(&self, packed: u64) -> bool {
        self.0.contains(&packed)
    }

    /// How many users there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What letters and digits stand for, in the order of their bytes; [`NO_DIGIT`] for all others.
#[expect(clippy::indexing_slicing, reason = "it is worked out when this is compiled, or not at all")]
static DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut number = 0;
    let letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    while number < letters.len() {
        digits[letters[number] as usize] = number as u8;
        number += 1;
    }
    digits
};

const NO_DIGIT: u8 = 0x80;

/// Set in what is a hash.
const IS_HASH: u64 = 1 << 63;

/// An id in eight bytes: itself, or a hash of it.
#[inline]
pub(super) fn pack(id: &[u8]) -> u64 {
    if id.len() == 10 {
        let digit = |byte: &u8| DIGITS.get(usize::from(*byte)).copied().unwrap_or(NO_DIGIT);
        let (packed, all) = id
            .iter()
            .map(digit)
            .fold((0u64, 0), |(packed, all), digit| ((packed << 6) | u64::from(digit & !NO_DIGIT), all | digit));
        if all & NO_DIGIT == 0 {
            return packed;
        }
    }
    BuildHasherDefault::<DefaultHasher>::default().hash_one(id) | IS_HASH
}

/// An id to be compared with others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Id {
    packed: u64,
    /// Its bytes, if they do not follow from that.
    bytes: Vec<u8>,
}

impl Default for Id {
    fn default() -> Self {
        Self { packed: Self::NONE, bytes: Vec::new() }
    }
}

impl Id {
    /// No id has this, and no bytes.
    const NONE: u64 = u64::MAX;

    /// Forgets it.
    #[inline]
    pub fn clear(&mut self) {
        self.packed = Self::NONE;
        self.bytes.clear();
    }

    /// Takes on an id, of which [`pack`] made this.
    #[inline]
    pub fn set(&mut self, packed: u64, id: &[u8]) {
        self.packed = packed;
        self.bytes.clear();
        if packed & IS_HASH != 0 {
            self.bytes.extend_from_slice(id);
        }
    }

    /// Whether it is that id; none is an empty one.
    #[inline]
    pub fn is(&self, packed: u64, id: &[u8]) -> bool {
        self.packed == packed && (packed & IS_HASH == 0 || (self.bytes == id && !id.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_ids_differ_from_hashed_ones() {
        assert_ne!(pack(b"0000000000"), pack(b"0"));
        assert_ne!(pack(b"zzzzzzzzzz"), pack(b"zzzzzzzzzZ"));
        assert_eq!(pack(b"zzzzzzzzzz") >> 60, 0);
        assert_eq!(pack(b"not ten") >> 63, 1);
        let mut id = Id::default();
        assert!(!id.is(pack(b""), b"") && !id.is(pack(b"0000000000"), b"0000000000"));
        id.set(pack(b"not ten"), b"not ten");
        assert!(id.is(pack(b"not ten"), b"not ten") && !id.is(pack(b"not ten"), b"another of that hash"));
        id.set(pack(b""), b"");
        assert!(!id.is(pack(b""), b""));
    }
}
