//! Counts object ACLs by shape while rows stream past. No row is kept, and a
//! user id lives only as long as it takes to look it up.

use std::collections::HashMap;

use rustc_hash::FxSeededState;

use crate::model::census::{Census, Entries, Shape, Users};
use crate::model::{LeakKind, RoleName};

use super::ids::{Id, UserIds, pack, quick};

/// A side that names more roles is not read: it would cost more than all other rows, and nobody is known by it.
const MOST_ROLES: usize = 1000;

/// So many rows, or users of one row, are looked up together: each is somewhere else in memory, which is waited for at
/// once instead of one by one.
const TOGETHER: usize = 64;

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
    /// How many bits these are.
    const BITS: u32 = 6;

    /// Those of a side where those of both stand side by side.
    const fn of(side: Side, flags: u32) -> u32 {
        match side {
            Side::Read => flags << Self::BITS,
            Side::Write => flags,
        }
    }
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
    /// The number of the role that was met last.
    last_role: u32,
    /// Rows with at most one role on each side.
    counts: HashMap<Key, u64, FxSeededState>,
    /// Those of them whose users were not looked up yet, and how many rows each stands for.
    waiting: Vec<(Key, u64)>,
    /// Which of these names which user.
    named: Vec<(usize, Named)>,
    /// Rows with more.
    of_many: HashMap<Box<[u32]>, u64, FxSeededState>,
    unreadable: u64,
    leaks: [u64; 3],
    ids: u64,
    row: Row,
}

/// What rows have in common that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    /// Two bits about the whole, and the flags of both sides.
    head: u32,
    /// The one role of each side.
    read: Option<u32>,
    write: Option<u32>,
}

/// A user who is named by a row, and not looked up yet.
#[derive(Debug, Clone, Copy)]
struct Named {
    packed: u64,
    /// What is true of the row if the user is gone: flags of both sides.
    if_gone: u32,
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
    id: Id,
    read: (Flags, Vec<u32>),
    write: (Flags, Vec<u32>),
    /// The one user of each side, to see whether they are the same.
    read_user: Id,
    write_user: Id,
    /// The users of both sides, the first of them that there are.
    named: Vec<Named>,
    legacy: bool,
    /// A side names more roles than are read.
    is_too_long: bool,
    leaks: [u64; 3],
    /// How many rows it stands for.
    times: u64,
    /// What the row adds to the digest of ids.
    digest: u64,
    key: Vec<u32>,
}

/// A side of an ACL.
pub use crate::permit::object::Side;

impl Row {
    /// The numbers of the roles of a side.
    fn roles(&mut self, side: Side) -> &mut Vec<u32> {
        match side {
            Side::Read => &mut self.read.1,
            Side::Write => &mut self.write.1,
        }
    }
}

impl<'u> Tally<'u> {
    /// A tally that looks users up in `users`, if they are known.
    pub fn new(users: Option<&'u UserIds>) -> Self {
        Self {
            users,
            collected: None,
            names_others: false,
            roles: Vec::new(),
            role_numbers: HashMap::with_hasher(quick()),
            last_role: 0,
            counts: HashMap::with_hasher(quick()),
            waiting: Vec::new(),
            named: Vec::new(),
            of_many: HashMap::with_hasher(quick()),
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
        row.named.clear();
        for side in [&mut row.read, &mut row.write] {
            side.0 = Flags::default();
            side.1.clear();
        }
        row.legacy = false;
        row.is_too_long = false;
        row.leaks = [0; 3];
        row.times = 1;
        row.digest = 0;
    }

    /// The row's object id.
    pub fn id(&mut self, id: &[u8]) {
        let packed = pack(id);
        self.row.id.set(packed, id);
        // A sum does not depend on the order; the factor keeps sums of like ids apart.
        if let Some(collected) = self.collected.as_mut().filter(|_| !id.is_empty()) {
            collected.insert_packed(packed);
        }
        let digest = (packed ^ (packed >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.row.digest = self.row.digest.wrapping_add(digest);
    }

    /// The row stands for so many that are like it.
    pub fn times(&mut self, times: u64) {
        self.row.times = times;
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
            self.role(side, role);
        } else {
            self.user(side, entry);
        }
    }

    fn role(&mut self, side: Side, role: &[u8]) {
        if self.row.is_too_long {
            return;
        }
        // One more name than are read is not kept either.
        let is_full = self.row.roles(side).len() == MOST_ROLES;
        if is_full && !self.role_numbers.contains_key(role) {
            self.row.is_too_long = true;
            return;
        }
        let number = self.role_number(role);
        let roles = self.row.roles(side);
        match roles.contains(&number) {
            true => {}
            false if is_full => self.row.is_too_long = true,
            false => roles.push(number),
        }
    }

    fn user(&mut self, side: Side, id: &[u8]) {
        let packed = pack(id);
        if self.row.id.is(packed, id) {
            self.flags(side).0 |= Flags::OWN;
            return;
        }
        self.names_others = true;
        let flags = self.flags(side);
        let second = flags.0 & Flags::ONE_USER != 0;
        flags.0 |= if second { Flags::MANY_USERS } else { Flags::ONE_USER };
        let user = match side {
            Side::Read => &mut self.row.read_user,
            Side::Write => &mut self.row.write_user,
        };
        user.set(packed, id);
        if self.users.is_none() {
            return;
        }
        let if_gone = Flags::of(side, Flags::ORPHAN);
        let named = &mut self.row.named;
        let has_room = named.len() < TOGETHER;
        match named.first_mut() {
            // Who reads a row is mostly who writes it, and is looked up once.
            Some(first) if first.packed == packed => first.if_gone |= if_gone,
            _ if has_room => named.push(Named { packed, if_gone }),
            _ if is_gone(self.users, packed) => self.flags(side).0 |= Flags::ORPHAN,
            _ => {}
        }
    }

    fn flags(&mut self, side: Side) -> &mut Flags {
        match side {
            Side::Read => &mut self.row.read.0,
            Side::Write => &mut self.row.write.0,
        }
    }

    fn role_number(&mut self, role: &[u8]) -> u32 {
        // Which role reads a row mostly writes it.
        let last = self.roles.get(usize::try_from(self.last_role).unwrap_or(usize::MAX));
        if last.is_some_and(|last| last.as_str().as_bytes() == role) {
            return self.last_role;
        }
        if let Some(number) = self.role_numbers.get(role) {
            self.last_role = *number;
            return *number;
        }
        let number = u32::try_from(self.roles.len()).unwrap_or(u32::MAX);
        self.roles.push(String::from_utf8_lossy(role).as_ref().into());
        self.role_numbers.insert(role.into(), number);
        number
    }

    /// Ends a row and counts it.
    pub fn end(&mut self) {
        if self.row.is_too_long {
            return self.unreadable();
        }
        self.keep();
        let row = &mut self.row;
        let only_user = |side: &(Flags, Vec<u32>)| {
            side.0.0 & !Flags::ORPHAN == (Flags::PRESENT | Flags::ONE_USER) && side.1.is_empty()
        };
        let owner_only = only_user(&row.read) && only_user(&row.write) && row.read_user == row.write_user;
        let own_only = |side: &(Flags, Vec<u32>)| side.0.0 == (Flags::PRESENT | Flags::OWN) && side.1.is_empty();
        let owner_only = owner_only || (own_only(&row.read) && own_only(&row.write));
        let present = (row.read.0.0 | row.write.0.0) & Flags::PRESENT != 0;
        let head = u32::from(owner_only) | u32::from(row.legacy && !present) << 1;
        let sides = Flags::of(Side::Read, row.read.0.0) | Flags::of(Side::Write, row.write.0.0);
        let head = head << (2 * Flags::BITS) | sides;
        match (row.read.1.as_slice(), row.write.1.as_slice()) {
            (read @ ([] | [_]), write @ ([] | [_])) => {
                let key = Key { head, read: read.first().copied(), write: write.first().copied() };
                if row.named.is_empty() {
                    *self.counts.entry(key).or_default() += row.times;
                    return;
                }
                self.named.extend(row.named.drain(..).map(|named| (self.waiting.len(), named)));
                self.waiting.push((key, row.times));
                if self.waiting.len() == TOGETHER {
                    self.look_up();
                }
            }
            _ => {
                row.read.1.sort_unstable();
                row.write.1.sort_unstable();
                row.key.clear();
                let gone = row.named.iter().filter(|named| is_gone(self.users, named.packed));
                let head = gone.fold(head, |head, named| head | named.if_gone);
                row.key.extend([head, u32::try_from(row.read.1.len()).unwrap_or(u32::MAX)]);
                row.key.extend(row.read.1.iter().chain(&row.write.1));
                match self.of_many.get_mut(row.key.as_slice()) {
                    Some(count) => *count += row.times,
                    None => drop(self.of_many.insert(row.key.as_slice().into(), row.times)),
                }
            }
        }
    }

    /// Looks up the users of the rows that wait, and counts these.
    fn look_up(&mut self) {
        for (number, named) in self.named.drain(..) {
            if is_gone(self.users, named.packed)
                && let Some((key, _)) = self.waiting.get_mut(number)
            {
                key.head |= named.if_gone;
            }
        }
        for (key, times) in self.waiting.drain(..) {
            *self.counts.entry(key).or_default() += times;
        }
    }

    /// Counts a row that could not be read.
    pub fn unreadable(&mut self) {
        self.keep();
        self.unreadable += self.row.times;
    }

    /// Keeps what is counted of every row, readable or not.
    fn keep(&mut self) {
        self.ids = self.ids.wrapping_add(self.row.digest);
        for (all, own) in self.leaks.iter_mut().zip(self.row.leaks) {
            *all += own * self.row.times;
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Counts {
        self.look_up();
        let mut census = Census { unreadable: self.unreadable, users_known: self.users.is_some(), ..Census::default() };
        let roles = &self.roles;
        let of_few = self
            .counts
            .iter()
            .map(|(key, count)| (shape(key.head, key.read.as_slice(), key.write.as_slice(), roles), *count));
        let of_many = self.of_many.iter().filter_map(|(key, count)| {
            let ([head, readers], rest) = key.split_first_chunk()?;
            let (read, write) = rest.split_at_checked(usize::try_from(*readers).ok()?)?;
            Some((shape(*head, read, write, roles), *count))
        });
        let mut shapes: Vec<(Shape, u64)> = of_few.chain(of_many).collect();
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

/// Whether it is known that there is no such user.
fn is_gone(users: Option<&UserIds>, packed: u64) -> bool {
    users.is_some_and(|users| !users.contains_packed(packed))
}

/// The shape behind a head of the counts, and the numbers of the roles of both sides.
fn shape(head: u32, read: &[u32], write: &[u32], roles: &[RoleName]) -> Shape {
    let of_side = (1 << Flags::BITS) - 1;
    let bits = head >> (2 * Flags::BITS);
    Shape {
        read: side(head >> Flags::BITS & of_side, read, roles),
        write: side(head & of_side, write, roles),
        owner_only: bits & 1 != 0,
        legacy: bits & 2 != 0,
    }
}

fn side(flags: u32, numbers: &[u32], roles: &[RoleName]) -> Option<Entries> {
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
    has(Flags::PRESENT).then_some(entries)
}

#[cfg(test)]
mod tests;
