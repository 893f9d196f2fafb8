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

#[cfg(test)]
mod tests {
    use super::*;

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
