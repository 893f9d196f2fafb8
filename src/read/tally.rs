//! Counts object ACLs by shape while rows stream past. No row is kept, and a
//! user id lives only as long as it takes to look it up.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use rustc_hash::FxSeededState;

use crate::model::census::{Census, Entries, Shape, Users};
use crate::model::{LeakKind, RoleName};

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
fn quick() -> FxSeededState {
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

    /// Adds all users of another set.
    pub fn extend(&mut self, other: Self) {
        if self.0.is_empty() { *self = other } else { self.0.extend(other.0) }
    }

    /// Whether there is such a user.
    pub fn contains(&self, id: &[u8]) -> bool {
        self.0.contains(&pack(id))
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
const DIGITS: [u8; 256] = {
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
    use std::hash::{BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one(id) | 1 << 63
}

/// One side of an ACL while its entries are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Flags(u32);

impl Flags {
    const PRESENT: u32 = 1;
    const ANYONE: u32 = 2;
    const ONE_USER: u32 = 4;
    const MANY_USERS: u32 = 8;
    const OWN: u32 = 16;
    const ORPHAN: u32 = 32;
}

/// Counts the rows of one class in one file.
#[derive(Debug)]
pub struct Tally<'u> {
    users: Option<&'u UserIds>,
    /// The ids of the rows, where these are the users.
    collected: Option<UserIds>,
    /// Whether a row names a user other than itself.
    names_others: bool,
    roles: Vec<RoleName>,
    role_numbers: HashMap<Box<[u8]>, u32, FxSeededState>,
    counts: HashMap<Box<[u32]>, u64, FxSeededState>,
    unreadable: u64,
    leaks: [u64; 3],
    ids: u64,
    row: Row,
}

/// What a tally found.
#[derive(Debug)]
pub struct Counts {
    /// The counts by shape.
    pub census: Census,
    /// How many rows hold each kind of credential.
    pub leaks: [(LeakKind, u64); 3],
    /// A digest of the ids, the same for the same rows in any order.
    pub ids: u64,
    /// The ids, if they were collected.
    pub collected: Option<UserIds>,
    /// Whether a row names a user other than itself.
    pub names_others: bool,
}

/// What is known of the row that is being read. Reused, so that rows cost no memory.
#[derive(Debug, Default)]
struct Row {
    id: Vec<u8>,
    read: (Flags, Vec<u32>),
    write: (Flags, Vec<u32>),
    /// The one user of each side, to see whether they are the same.
    read_user: Vec<u8>,
    write_user: Vec<u8>,
    legacy: bool,
    leaks: [u64; 3],
    /// What the row adds to the digest of ids.
    digest: u64,
    key: Vec<u32>,
}

/// A side of an ACL.
pub use crate::permit::object::Side;

impl<'u> Tally<'u> {
    /// A tally that looks users up in `users`, if they are known.
    pub fn new(users: Option<&'u UserIds>) -> Self {
        Self {
            users,
            collected: None,
            names_others: false,
            roles: Vec::new(),
            role_numbers: HashMap::with_hasher(quick()),
            counts: HashMap::with_hasher(quick()),
            unreadable: 0,
            leaks: [0; 3],
            ids: 0,
            row: Row::default(),
        }
    }

    /// A tally of the users themselves, which are collected.
    pub fn collecting() -> Self {
        Self { collected: Some(UserIds::default()), ..Self::new(None) }
    }

    /// Begins a row. What was said of an unfinished one is forgotten.
    pub fn begin(&mut self) {
        let row = &mut self.row;
        row.id.clear();
        row.read_user.clear();
        row.write_user.clear();
        for side in [&mut row.read, &mut row.write] {
            side.0 = Flags::default();
            side.1.clear();
        }
        row.legacy = false;
        row.leaks = [0; 3];
        row.digest = 0;
    }

    /// The row's object id.
    pub fn id(&mut self, id: &[u8]) {
        self.row.id.clear();
        self.row.id.extend_from_slice(id);
        // A sum does not depend on the order; the factor keeps sums of like ids apart.
        let packed = pack(id);
        if let Some(collected) = self.collected.as_mut().filter(|_| !id.is_empty()) {
            collected.0.insert(packed);
        }
        let digest = (packed ^ (packed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.row.digest = self.row.digest.wrapping_add(digest);
    }

    /// The row has this side of an ACL, with or without entries.
    pub fn side(&mut self, side: Side) {
        self.flags(side).0 |= Flags::PRESENT;
    }

    /// The row has the map `_acl` of old servers.
    pub fn legacy(&mut self) {
        self.row.legacy = true;
    }

    /// The row holds a credential of this kind.
    pub fn leak(&mut self, kind: LeakKind) {
        let [tokens, hashes, keys] = &mut self.row.leaks;
        *match kind {
            LeakKind::SessionToken => tokens,
            LeakKind::PasswordHash => hashes,
            LeakKind::MasterKey => keys,
        } += 1;
    }

    /// An entry of a side: `*`, `role:NAME` or a user id.
    pub fn entry(&mut self, side: Side, entry: &[u8]) {
        self.side(side);
        if entry == b"*" {
            self.flags(side).0 |= Flags::ANYONE;
        } else if let Some(role) = entry.strip_prefix(b"role:") {
            let number = self.role_number(role);
            let row = &mut self.row;
            let roles = match side {
                Side::Read => &mut row.read.1,
                Side::Write => &mut row.write.1,
            };
            if !roles.contains(&number) {
                roles.push(number);
            }
        } else {
            self.user(side, entry);
        }
    }

    fn user(&mut self, side: Side, id: &[u8]) {
        if id == self.row.id && !id.is_empty() {
            self.flags(side).0 |= Flags::OWN;
            return;
        }
        self.names_others = true;
        let orphan = self.is_orphan(side, id);
        let flags = self.flags(side);
        let second = flags.0 & Flags::ONE_USER != 0;
        flags.0 |= if second { Flags::MANY_USERS } else { Flags::ONE_USER };
        flags.0 |= if orphan { Flags::ORPHAN } else { 0 };
        let user = match side {
            Side::Read => &mut self.row.read_user,
            Side::Write => &mut self.row.write_user,
        };
        user.clear();
        user.extend_from_slice(id);
    }

    /// Whether a user is gone. Who reads a row is mostly who writes it, and is looked up once.
    fn is_orphan(&self, side: Side, id: &[u8]) -> bool {
        let read = self.row.read.0.0;
        if matches!(side, Side::Write) && read & Flags::MANY_USERS == 0 && !id.is_empty() && id == self.row.read_user {
            return read & Flags::ORPHAN != 0;
        }
        self.users.is_some_and(|users| !users.contains(id))
    }

    fn flags(&mut self, side: Side) -> &mut Flags {
        match side {
            Side::Read => &mut self.row.read.0,
            Side::Write => &mut self.row.write.0,
        }
    }

    fn role_number(&mut self, role: &[u8]) -> u32 {
        if let Some(number) = self.role_numbers.get(role) {
            return *number;
        }
        let number = u32::try_from(self.roles.len()).unwrap_or(u32::MAX);
        self.roles.push(String::from_utf8_lossy(role).as_ref().into());
        self.role_numbers.insert(role.into(), number);
        number
    }

    /// Ends a row and counts it.
    pub fn end(&mut self) {
        self.keep();
        let row = &mut self.row;
        let only_user = |side: &(Flags, Vec<u32>)| {
            side.0.0 & !Flags::ORPHAN == (Flags::PRESENT | Flags::ONE_USER) && side.1.is_empty()
        };
        let owner_only = only_user(&row.read) && only_user(&row.write) && row.read_user == row.write_user;
        let own_only = |side: &(Flags, Vec<u32>)| side.0.0 == (Flags::PRESENT | Flags::OWN) && side.1.is_empty();
        let owner_only = owner_only || (own_only(&row.read) && own_only(&row.write));
        let present = (row.read.0.0 | row.write.0.0) & Flags::PRESENT != 0;
        row.read.1.sort_unstable();
        row.write.1.sort_unstable();
        row.key.clear();
        row.key.push(u32::from(owner_only) | u32::from(row.legacy && !present) << 1);
        for (flags, roles) in [&row.read, &row.write] {
            row.key.extend([flags.0, u32::try_from(roles.len()).unwrap_or(u32::MAX)]);
            row.key.extend(roles);
        }
        match self.counts.get_mut(row.key.as_slice()) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(row.key.as_slice().into(), 1)),
        }
    }

    /// Counts a row that could not be read.
    pub fn unreadable(&mut self) {
        self.keep();
        self.unreadable += 1;
    }

    /// Keeps what is counted of every row, readable or not.
    fn keep(&mut self) {
        self.ids = self.ids.wrapping_add(self.row.digest);
        for (all, own) in self.leaks.iter_mut().zip(self.row.leaks) {
            *all += own;
        }
    }

    /// What was found.
    pub fn finish(self) -> Counts {
        let mut census = Census { unreadable: self.unreadable, users_known: self.users.is_some(), ..Census::default() };
        let shapes = self.counts.iter().filter_map(|(key, count)| Some((shape(key, &self.roles)?, *count)));
        let mut shapes: Vec<(Shape, u64)> = shapes.collect();
        shapes.sort_unstable();
        for (shape, count) in shapes {
            census.add(shape, count);
        }
        let [tokens, hashes, keys] = self.leaks;
        let leaks = [(LeakKind::SessionToken, tokens), (LeakKind::PasswordHash, hashes), (LeakKind::MasterKey, keys)];
        let (collected, names_others) = (self.collected, self.names_others);
        Counts { census, leaks, ids: self.ids, collected, names_others }
    }
}

/// The shape behind a key of the counts.
fn shape(key: &[u32], roles: &[RoleName]) -> Option<Shape> {
    let (head, rest) = key.split_first()?;
    let (read, rest) = side(rest, roles)?;
    let (write, _) = side(rest, roles)?;
    Some(Shape { read, write, owner_only: head & 1 != 0, legacy: head & 2 != 0 })
}

type SideAndRest<'k> = (Option<Entries>, &'k [u32]);

fn side<'k>(key: &'k [u32], roles: &[RoleName]) -> Option<SideAndRest<'k>> {
    let ([flags, count], rest) = key.split_first_chunk::<2>()?;
    let (numbers, rest) = rest.split_at_checked(usize::try_from(*count).ok()?)?;
    let has = |flag: u32| flags & flag != 0;
    let named = numbers.iter().filter_map(|number| roles.get(usize::try_from(*number).ok()?)).cloned();
    let entries = Entries {
        anyone: has(Flags::ANYONE),
        roles: named.collect(),
        users: match () {
            () if has(Flags::MANY_USERS) => Users::Many,
            () if has(Flags::ONE_USER) => Users::One,
            () => Users::None,
        },
        own: has(Flags::OWN),
        orphan: has(Flags::ORPHAN),
    };
    let present = has(Flags::PRESENT);
    Some((present.then_some(entries), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tally: &mut Tally<'_>, id: &str, read: &[&str], write: &[&str]) {
        tally.begin();
        tally.id(id.as_bytes());
        tally.side(Side::Read);
        tally.side(Side::Write);
        read.iter().for_each(|entry| tally.entry(Side::Read, entry.as_bytes()));
        write.iter().for_each(|entry| tally.entry(Side::Write, entry.as_bytes()));
        tally.end();
    }

    #[test]
    fn rows_of_one_shape_are_one_count() {
        let mut users = UserIds::default();
        users.insert(b"aaaaaaaaaa");
        users.insert(b"a custom id");
        let mut tally = Tally::new(Some(&users));
        row(&mut tally, "1", &["aaaaaaaaaa"], &["aaaaaaaaaa"]);
        row(&mut tally, "2", &["a custom id"], &["a custom id"]);
        row(&mut tally, "3", &["bbbbbbbbbb"], &["bbbbbbbbbb"]);
        row(&mut tally, "4", &["role:b", "*", "role:a"], &["role:a", "role:a"]);
        row(&mut tally, "5", &["role:a", "role:b", "*"], &["role:a"]);
        tally.begin();
        tally.legacy();
        tally.end();
        let census = tally.finish().census;
        assert_eq!(census.rows(), 6);
        assert_eq!(census.shapes.len(), 4);
        assert_eq!(census.count(|shape| shape.owner_only), 3);
        assert_eq!(census.count(|shape| shape.read.as_ref().is_some_and(|entries| entries.orphan)), 1);
        assert_eq!(census.count(|shape| shape.legacy && shape.is_missing()), 1);
        let roles: Vec<String> = census.roles().iter().map(ToString::to_string).collect();
        assert_eq!(roles, ["a", "b"]);
    }

    #[test]
    fn a_user_who_owns_its_own_row_is_told_from_others() {
        let mut tally = Tally::new(None);
        row(&mut tally, "me", &["me"], &["me"]);
        row(&mut tally, "me", &["me"], &["me", "you"]);
        let census = tally.finish().census;
        assert_eq!(census.count(|shape| shape.owner_only), 1);
        let others = |shape: &Shape| shape.write.as_ref().is_some_and(|entries| entries.users == Users::One);
        assert_eq!(census.count(others), 1);
    }

    #[test]
    fn packed_ids_differ_from_hashed_ones() {
        assert_ne!(pack(b"0000000000"), pack(b"0"));
        assert_ne!(pack(b"zzzzzzzzzz"), pack(b"zzzzzzzzzZ"));
        assert_eq!(pack(b"zzzzzzzzzz") >> 60, 0);
        assert_eq!(pack(b"not ten") >> 63, 1);
    }
}
