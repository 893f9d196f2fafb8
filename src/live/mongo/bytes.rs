//! Documents of BSON as they come over the wire, told apart without being understood.
//!
//! Source: bsonspec.org, version 1.1.

use crate::bson;

/// The first of several documents of BSON, by the length that it begins with.
pub fn first(documents: &[u8]) -> Option<(&[u8], &[u8])> {
    documents.split_at_checked(usize::try_from(bson::int32(documents)?).ok()?)
}

/// Appends the documents of a list of BSON, one behind the other; `None` if it is not one of documents.
pub fn append(list: &[u8], into: &mut Vec<u8>) -> Option<()> {
    let (end, rest) = list.get(4..)?.split_last()?;
    for element in bson::between(rest) {
        let element = element.filter(|element| element.kind == 0x03)?;
        into.extend_from_slice(element.value);
    }
    (*end == 0).then_some(())
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
