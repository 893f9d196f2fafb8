//! Documents of BSON as they come over the wire, told apart without being understood.
//!
//! Source: bsonspec.org, version 1.1.

/// The first of several documents of BSON, by the length that it begins with.
pub fn first(documents: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = documents.first_chunk().map(|head| i32::from_le_bytes(*head))?;
    documents.split_at_checked(usize::try_from(length).ok()?)
}

/// Appends the documents of a list of BSON, one behind the other; `None` if it is not one of documents.
pub fn append(list: &[u8], into: &mut Vec<u8>) -> Option<()> {
    let mut rest = list.get(4..)?;
    loop {
        let (kind, behind) = rest.split_first()?;
        match kind {
            0 => return behind.is_empty().then_some(()),
            3 => {
                // Its number, with a zero at its end.
                let behind = behind.get(behind.iter().position(|byte| *byte == 0)? + 1..)?;
                let length = usize::try_from(i32::from_le_bytes(*behind.first_chunk()?)).ok()?;
                let (document, behind) = behind.split_at_checked(length)?;
                into.extend_from_slice(document);
                rest = behind;
            }
            _ => return None,
        }
    }
}

/// Whether a document lies at most so many levels deep. What reads one recurses as deep, and a server may send anything.
/// Of one that is damaged it is said what was seen of it, or that it does not.
pub fn is_flat(document: &[u8], most: usize) -> bool {
    let (mut rest, mut depth) = (document.get(4..).unwrap_or_default(), 1usize);
    while depth > 0 && depth <= most {
        let Some((kind, behind)) = rest.split_first() else { return false };
        if *kind == 0 {
            depth -= 1;
            rest = behind;
            continue;
        }
        let value = behind.iter().position(|byte| *byte == 0).and_then(|end| behind.get(end + 1..));
        let Some(value) = value else { return false };
        let is_nested = matches!(kind, 0x03 | 0x04);
        let size = if is_nested { Some(4) } else { size(*kind, value) };
        let Some(behind) = size.and_then(|size| value.get(size..)) else { return false };
        depth += usize::from(is_nested);
        rest = behind;
    }
    depth == 0
}

/// How long the value of an element is; `None` for code with a scope, which nests too, and what is no type.
fn size(kind: u8, value: &[u8]) -> Option<usize> {
    let prefixed = |more: usize| usize::try_from(i32::from_le_bytes(*value.first_chunk()?)).ok()?.checked_add(more);
    match kind {
        0x01 | 0x09 | 0x11 | 0x12 => Some(8),
        0x02 | 0x0d | 0x0e => prefixed(4),
        0x05 => prefixed(5),
        0x06 | 0x0a | 0x7f | 0xff => Some(0),
        0x07 => Some(12),
        0x08 => Some(1),
        0x0b => {
            let mut ends = value.iter().enumerate().filter(|(_, byte)| **byte == 0);
            ends.nth(1).map(|(end, _)| end + 1)
        }
        0x0c => prefixed(16),
        0x10 => Some(4),
        0x13 => Some(16),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_too_deep_is_not_flat() {
        let within = |inner: &[u8]| {
            let length = i32::try_from(inner.len() + 8).unwrap().to_le_bytes();
            [&length, [0x03, b'a', 0].as_slice(), inner, &[0]].concat()
        };
        let mut all = vec![0, 0, 0, 0];
        all.extend(b"\x02a\0\x02\0\0\0x\0\x01b\0\0\0\0\0\0\0\0\0\x08c\0\x01\x07d\0abcdefghijkl\x0be\0x\0i\0\x10f\0\0\0\0\0\x0ag\0\0");
        assert!(is_flat(&all, 1) && is_flat(&within(&all), 2) && !is_flat(&within(&all), 1));
        let deep = (0..1000).fold(all.clone(), |inner, _| within(&inner));
        assert!(is_flat(&deep, 1001) && !is_flat(&deep, 1000));
        assert!((0..all.len()).all(|length| !is_flat(&all[..length], 9)), "it is cut off");
        assert!(!is_flat(b"\0\0\0\0\x0fa\0\0\0\0\0\0", 9) && !is_flat(b"\0\0\0\0\x02a\0\xff\xff\xff\xff\0", 9));
    }

    #[test]
    fn documents_of_a_list_follow_each_other() {
        let (empty, one) = ([5, 0, 0, 0, 0], [8, 0, 0, 0, 10, b'a', 0, 0]);
        let mut list = vec![0; 4];
        for (number, document) in [(b'0', empty.as_slice()), (b'1', &one)] {
            list.extend([3, number, 0]);
            list.extend(document);
        }
        list.push(0);
        let mut documents = Vec::new();
        assert_eq!(append(&list, &mut documents), Some(()));
        assert_eq!(documents, [empty.as_slice(), &one].concat());
        assert_eq!(first(&documents), Some((empty.as_slice(), one.as_slice())));
        for broken in
            [&list[..list.len() - 1], &[0; 4], &[0, 0, 0, 0, 2, b'0', 0], &[0, 0, 0, 0, 3, b'0', 0, 200, 0, 0, 0]]
        {
            assert_eq!(append(broken, &mut Vec::new()), None, "{broken:?}");
        }
    }
}
