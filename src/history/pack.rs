//! A pack as a forest: which object was made from which.
//!
//! Source: git's `Documentation/gitformat-pack.adoc`, *pack-\*.pack files*.

use std::fs;
use std::path::Path;

use super::git::PackBytes;
use super::ids::{Ids, NONE, Object};
use super::index;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// The contents of a file.
    Blob,
    /// A tag with a message.
    Tag,
    /// Not known, since what it was made from is missing.
    Unknown,
}

/// An object of a pack.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The object.
    pub object: Object,
    /// What it is.
    pub kind: Kind,
    /// The entry it was made from, or [`NONE`].
    pub base: u32,
    /// Whether it is kept as a difference.
    pub is_delta: bool,
    /// Bytes that are unpacked: the object, or its difference.
    pub size: u64,
    /// The first entry that was made from this one, or [`NONE`].
    pub child: u32,
    /// The next one that was made from the same, or [`NONE`].
    pub next: u32,
    begin: u64,
    end: u64,
}

/// A pack.
pub struct Pack {
    /// Its path, for messages.
    pub path: String,
    /// Whether it is one of the repository's own, and not one that it borrows from.
    pub is_own: bool,
    /// Its objects in the order of their places.
    pub entries: Vec<Entry>,
    bytes: PackBytes,
}

/// What a header says an object was made from.
enum Base {
    None,
    Before(u64),
    Id(Object),
}

impl Pack {
    /// Opens a pack and its index, and adds its objects to the ids.
    pub fn open(index_path: &Path, is_own: bool, ids: &mut Ids) -> Result<Self, String> {
        let index = fs::read(index_path).map_err(|error| error.to_string())?;
        let path = index_path.with_extension("pack");
        let bytes = PackBytes::open(&path, ids.id_length())?;
        ids.reserve(index.len() / (ids.id_length() + 8));
        let mut offsets: Vec<(u64, Object)> = Vec::new();
        let id_length = ids.id_length();
        index::each(&index, id_length, |id, offset| offsets.extend(ids.add(id).map(|object| (offset, object))))
            .ok_or("the index of the pack is broken")?;
        offsets.sort_unstable();
        offsets.dedup_by_key(|(offset, _)| *offset);
        let mut pack = Self { path: path.display().to_string(), is_own, entries: Vec::new(), bytes };
        pack.read_headers(&offsets, ids);
        Ok(pack)
    }

    /// The packed bytes of an entry.
    pub fn packed(&self, entry: &Entry) -> &[u8] {
        self.bytes.range(entry.begin, entry.end)
    }

    fn read_headers(&mut self, offsets: &[(u64, Object)], ids: &Ids) {
        let mut bases = Vec::with_capacity(offsets.len());
        self.entries.reserve(offsets.len());
        let ends = offsets.iter().skip(1).map(|(offset, _)| *offset).chain([self.bytes.end()]);
        for ((offset, object), end) in offsets.iter().copied().zip(ends) {
            let header = header(self.bytes.range(offset, end), offset, ids);
            let (kind, size, base, length) = header.unwrap_or((Kind::Unknown, 0, Base::None, 0));
            let is_delta = !matches!(base, Base::None);
            bases.push(base);
            let begin = offset.saturating_add(length);
            self.entries.push(Entry { object, kind, base: NONE, is_delta, size, child: NONE, next: NONE, begin, end });
        }
        let entry_at = |offset: u64| offsets.binary_search_by_key(&offset, |(offset, _)| *offset).ok();
        let has_ids = bases.iter().any(|base| matches!(base, Base::Id(_)));
        let by_object: rustc_hash::FxHashMap<Object, usize> = if has_ids {
            offsets.iter().enumerate().map(|(number, (_, object))| (*object, number)).collect()
        } else {
            Default::default()
        };
        // Backwards, so that children stand in the order of their places.
        for (number, base) in bases.iter().enumerate().rev() {
            let base = match base {
                Base::None => None,
                Base::Before(offset) => entry_at(*offset),
                Base::Id(object) => by_object.get(object).copied(),
            };
            let Some(base) = base.filter(|base| *base != number) else { continue };
            let Some(first) = self.entries.get_mut(base) else { continue };
            let next = std::mem::replace(&mut first.child, u32::try_from(number).unwrap_or(NONE));
            if let Some(entry) = self.entries.get_mut(number) {
                entry.next = next;
                entry.base = u32::try_from(base).unwrap_or(NONE);
            }
        }
        self.hand_down_kinds();
    }

    /// An object is of the kind of what it was made from.
    fn hand_down_kinds(&mut self) {
        let roots: Vec<usize> =
            self.entries.iter().enumerate().filter(|(_, entry)| !entry.is_delta).map(|(number, _)| number).collect();
        let mut open: Vec<u32> = Vec::new();
        for root in roots {
            let Some(&Entry { kind, child, .. }) = self.entries.get(root) else { continue };
            open.push(child);
            while let Some(number) = open.pop() {
                let Some(entry) = self.entries.get_mut(number as usize) else { continue };
                entry.kind = kind;
                open.push(entry.next);
                open.push(entry.child);
            }
        }
    }
}

fn header(bytes: &[u8], offset: u64, ids: &Ids) -> Option<(Kind, u64, Base, u64)> {
    let mut rest = bytes;
    let first = take(&mut rest)?;
    let mut size = u64::from(first & 0x0f);
    let (mut byte, mut place) = (first, 4);
    while byte & 0x80 != 0 {
        byte = take(&mut rest)?;
        size |= u64::from(byte & 0x7f).checked_shl(place)?;
        place += 7;
    }
    let (kind, base) = match first >> 4 & 7 {
        1 => (Kind::Commit, Base::None),
        2 => (Kind::Tree, Base::None),
        3 => (Kind::Blob, Base::None),
        4 => (Kind::Tag, Base::None),
        6 => (Kind::Unknown, Base::Before(offset.checked_sub(distance(&mut rest)?)?)),
        7 => {
            let (id, after) = rest.split_at_checked(ids.id_length())?;
            rest = after;
            (Kind::Unknown, Base::Id(ids.number(id).unwrap_or(NONE)))
        }
        _ => return None,
    };
    Some((kind, size, base, (bytes.len() - rest.len()) as u64))
}

fn distance(rest: &mut &[u8]) -> Option<u64> {
    let mut byte = take(rest)?;
    let mut value = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = take(rest)?;
        value = value.checked_add(1)?.checked_mul(128)? | u64::from(byte & 0x7f);
    }
    Some(value)
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}
