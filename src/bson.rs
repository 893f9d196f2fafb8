//! BSON, walked in place and never decoded: what a document holds, and where it ends.
//!
//! Source: bsonspec.org, version 1.1.

/// The elements of a document: type, name and the bytes of the value.
///
/// An element that cannot be walked ends the iteration with `Some(None)`.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'b> {
    rest: &'b [u8],
}

/// One element of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'b> {
    /// The type byte.
    pub kind: u8,
    /// The name, as bytes: it may be no UTF-8.
    pub name: &'b [u8],
    /// The value's bytes.
    pub value: &'b [u8],
}

/// The elements of a document with its length in front and its zero at the end.
pub fn elements(document: &[u8]) -> Option<Elements<'_>> {
    let length = usize::try_from(int32(document)?).ok()?;
    let (end, rest) = document.get(4..length)?.split_last()?;
    (*end == 0).then_some(between(rest))
}

/// The elements that a document or a list has between its length and its zero.
///
/// Whoever takes the length itself has cut them out; [`elements`] goes by it.
pub fn between(rest: &[u8]) -> Elements<'_> {
    Elements { rest }
}

impl<'b> Iterator for Elements<'b> {
    type Item = Option<Element<'b>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (&kind, rest) = self.rest.split_first()?;
        let element = element(kind, rest);
        self.rest = element.map_or(&[], |(_, rest)| rest);
        Some(element.map(|(element, _)| element))
    }
}

#[inline]
fn element(kind: u8, rest: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let end = zero(rest)?;
    let (name, rest) = (rest.get(..end)?, rest.get(end + 1..)?);
    let size = value_size(kind, rest)?;
    let (value, rest) = rest.split_at_checked(size)?;
    Some((Element { kind, name, value }, rest))
}

/// Where the first zero is. Most names are shorter than a word, and found before a search for their end would begin.
#[inline]
fn zero(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let word = bytes.first_chunk().map_or(u64::MAX, |word| u64::from_le_bytes(*word));
    // Leaves the highest bit of the lowest byte that is zero, and perhaps of higher ones.
    let zeros = word.wrapping_sub(ONES) & !word & (ONES << 7);
    if zeros == 0 { memchr::memchr(0, bytes) } else { usize::try_from(zeros.trailing_zeros() / 8).ok() }
}

#[inline]
fn value_size(kind: u8, bytes: &[u8]) -> Option<usize> {
    match kind {
        0x02 | 0x0d | 0x0e => prefixed(bytes, 4),
        0x03 | 0x04 | 0x0f => prefixed(bytes, 0).filter(|size| *size >= 5),
        _ => other_size(kind, bytes),
    }
}

/// The size that a value begins with, and so many bytes more.
#[inline]
fn prefixed(bytes: &[u8], more: usize) -> Option<usize> {
    usize::try_from(int32(bytes)?).ok()?.checked_add(more)
}

/// The size of a value that rows seldom have.
fn other_size(kind: u8, bytes: &[u8]) -> Option<usize> {
    match kind {
        0x01 | 0x09 | 0x11 | 0x12 => Some(8),
        0x05 => prefixed(bytes, 5),
        0x06 | 0x0a | 0x7f | 0xff => Some(0),
        0x07 => Some(12),
        0x08 => Some(1),
        0x0b => {
            let pattern = memchr::memchr(0, bytes)? + 1;
            Some(pattern + memchr::memchr(0, bytes.get(pattern..)?)? + 1)
        }
        0x0c => prefixed(bytes, 16),
        0x10 => Some(4),
        0x13 => Some(16),
        _ => None,
    }
}

/// Whether a document lies at most so many levels deep. What reads one mostly recurses as deep. One that is damaged, or
/// has code with a scope in it, which nests too, does not count as such.
pub fn is_flat(document: &[u8], most: usize) -> bool {
    let Some(outermost) = elements(document) else { return false };
    let mut open = vec![outermost];
    while let Some(elements) = open.last_mut() {
        match elements.next() {
            None => drop(open.pop()),
            Some(Some(element)) if element.is_nested() && open.len() < most => match element.elements() {
                Some(inner) => open.push(inner),
                None => return false,
            },
            Some(Some(element)) if !element.is_nested() && element.kind != 0x0f => {}
            Some(_) => return false,
        }
    }
    true
}

impl<'b> Element<'b> {
    /// The text of a string element.
    pub fn text(&self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// The bytes of a string element that is a text.
    pub fn text_bytes(&self) -> Option<&'b [u8]> {
        let bytes = self.bytes()?;
        (bytes.is_ascii() || std::str::from_utf8(bytes).is_ok()).then_some(bytes)
    }

    /// The bytes of a string element, whatever they are.
    fn bytes(&self) -> Option<&'b [u8]> {
        if self.kind != 0x02 {
            return None;
        }
        let (end, text) = self.value.get(4..)?.split_last()?;
        (*end == 0).then_some(text)
    }

    /// The elements of an embedded document or array.
    pub fn elements(&self) -> Option<Elements<'b>> {
        if self.is_nested() { elements(self.value) } else { None }
    }

    /// Whether the value is a document or an array.
    fn is_nested(&self) -> bool {
        matches!(self.kind, 0x03 | 0x04)
    }

    /// A whole number that is not negative, however it is written.
    pub fn whole_number(&self) -> Option<u64> {
        let eight = || self.value.first_chunk();
        match self.kind {
            0x01 => {
                let number = f64::from_le_bytes(*eight()?);
                // Larger ones are not whole for sure.
                let is_whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
                is_whole.then_some(number as u64)
            }
            0x10 => u64::try_from(int32(self.value)?).ok(),
            0x12 => u64::try_from(i64::from_le_bytes(*eight()?)).ok(),
            _ => None,
        }
    }

    /// Whether the value is `null` or undefined.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, 0x06 | 0x0a)
    }
}

/// The number that bytes begin with.
#[inline]
pub fn int32(bytes: &[u8]) -> Option<i32> {
    bytes.first_chunk().map(|head| i32::from_le_bytes(*head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_zero_is_found_wherever_it_is() {
        for length in 0..20 {
            for at in 0..length {
                for other in [1, 0x7f, 0x80, 0xff] {
                    let mut bytes = vec![other; length];
                    bytes[at] = 0;
                    assert_eq!(zero(&bytes), Some(at), "{bytes:?}");
                    *bytes.last_mut().unwrap() = 0;
                    assert_eq!(zero(&bytes), Some(at), "{bytes:?}");
                }
            }
            assert_eq!(zero(&vec![1; length]), None);
        }
    }

    /// A document with these elements.
    fn whole(elements: &[u8]) -> Vec<u8> {
        let length = i32::try_from(elements.len() + 5).unwrap().to_le_bytes();
        [&length, elements, &[0]].concat()
    }

    #[test]
    fn whole_numbers_of_three_types() {
        let of = |kind, value: &[u8]| Element { kind, name: b"n", value }.whole_number();
        assert_eq!(of(0x10, &7_i32.to_le_bytes()), Some(7));
        assert_eq!(of(0x12, &i64::MAX.to_le_bytes()), Some(i64::MAX as u64));
        assert_eq!(of(0x01, &7_f64.to_le_bytes()), Some(7));
        for other in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e16] {
            assert_eq!(of(0x01, &other.to_le_bytes()), None, "{other}");
        }
        assert_eq!([of(0x10, &[0; 3]), of(0x12, &(-1_i64).to_le_bytes()), of(0x02, b"\x01\0\0\0\0")], [None; 3]);
    }

    #[test]
    fn what_is_nested_too_deep_is_not_flat() {
        let within = |inner: &[u8]| whole(&[[0x03, b'a', 0].as_slice(), inner].concat());
        let all = whole(b"\x02a\0\x02\0\0\0x\0\x01b\0\0\0\0\0\0\0\0\0\x08c\0\x01\x07d\0abcdefghijkl\x0be\0x\0i\0\x10f\0\0\0\0\0\x0ag\0");
        assert!(is_flat(&all, 1) && is_flat(&within(&all), 2) && !is_flat(&within(&all), 1));
        let deep = (0..1000).fold(all.clone(), |inner, _| within(&inner));
        assert!(is_flat(&deep, 1001) && !is_flat(&deep, 1000));
        assert!((0..all.len()).all(|length| !is_flat(&all[..length], 9)), "it is cut off");
        assert!(!is_flat(&whole(b"\x0fa\0\x05\0\0\0\0"), 9) && !is_flat(&whole(b"\x02a\0\xff\xff\xff\xff\0"), 9));
    }
}
