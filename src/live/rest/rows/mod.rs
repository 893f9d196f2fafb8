//! Who may read and write the rows of a class, by numbers alone: the server is asked how many rows
//! have an entry, never for a row.
//!
//! First what ACLs in other classes were like is tried: if so many rows have just these as there are rows, that is
//! all. Else each side is taken for itself: which entries it has, in how many rows, and in how many of them together,
//! largest sets first, so that what is left to a smaller set is what it has alone. Then which side goes with which:
//! rows that can be told by what is left over are not asked for. Users are too many to be asked for, so
//! which and how many an ACL names stays open.

mod habits;
mod kinds;
mod table;

pub use habits::Habits;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::model::RoleName;
use crate::model::census::Census;
use crate::permit::object::Side;

use kinds::{Entry, Kind, all, any_of, shape};

/// More rows are not counted over REST: each number may cost the database a look at all of them.
pub const MOST_ROWS: u64 = 200_000;

/// So many numbers tell what the ACLs of a class are like, or they are too many kinds.
const MOST_NUMBERS: usize = 500;

/// Bytes of an address in which entries are asked for at once; servers take some eight thousand.
const LONGEST: usize = 5000;

/// How many rows satisfy a query. The error is whatever whoever asks says.
pub trait Count {
    /// Why there is no answer.
    type Error;
    /// Asks.
    ///
    /// # Errors
    ///
    /// There is no answer.
    fn count(&mut self, filter: &Value) -> Result<u64, Self::Error>;
}

/// What counting came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Counted {
    /// The counts.
    Census(Census),
    /// There are too many rows, so many.
    TooMany(u64),
    /// The ACLs are of too many kinds, or rows changed all the while.
    Unclear,
}

/// The rows of a class by their ACL.
type Acls<'r> = BTreeMap<(Kind<'r>, Kind<'r>), u64>;

/// Why a search ended without numbers.
enum Stop<E> {
    /// The server did not answer.
    Unanswered(E),
    /// Rows that come and go while they are counted make numbers that do not fit each other.
    Misfit,
    /// There are too many kinds.
    TooMany,
}

/// Counts the rows of a class whose ACLs may name these roles.
///
/// # Errors
///
/// The server does not answer.
pub fn census<'r, C: Count>(
    server: &mut C,
    roles: &'r BTreeSet<RoleName>,
    habits: &Mutex<Habits<'r>>,
) -> Result<Counted, C::Error> {
    let mut rows = server.count(&all(Vec::new()))?;
    if rows == 0 {
        return Ok(Counted::Census(Census::default()));
    }
    if rows > MOST_ROWS {
        return Ok(Counted::TooMany(rows));
    }
    let habits = || habits.lock().unwrap_or_else(PoisonError::into_inner);
    let (guesses, likely) = {
        let habits = habits();
        (habits.guesses(), habits.entries())
    };
    if !guesses.is_empty() {
        let acls = guess(server, guesses, rows)?;
        habits().guessed(acls.is_some());
        if let Some(acls) = acls {
            habits().learn(&acls);
            return Ok(Counted::Census(counted(acls)));
        }
    }
    for _ in 0..2 {
        let mut search = Search { server, roles, likely: likely.clone(), known: BTreeMap::new(), asked: 0 };
        match search.acls(rows) {
            Ok(acls) => {
                habits().learn(&acls);
                return Ok(Counted::Census(counted(acls)));
            }
            Err(Stop::Unanswered(why)) => return Err(why),
            Err(Stop::TooMany) => break,
            Err(Stop::Misfit) => rows = server.count(&all(Vec::new()))?,
        }
    }
    Ok(Counted::Unclear)
}

fn counted(acls: Acls<'_>) -> Census {
    let mut census = Census::default();
    for ((read, write), rows) in acls {
        census.add(shape(&read, &write), rows);
    }
    census
}

/// The rows if all have one of these ACLs and nothing else.
fn guess<'r, C: Count>(
    server: &mut C,
    guesses: Vec<(Kind<'r>, Kind<'r>)>,
    rows: u64,
) -> Result<Option<Acls<'r>>, C::Error> {
    let mut acls = Acls::new();
    let mut left = rows;
    for (read, write) in guesses {
        let (Some(of_read), Some(of_write)) = (read.exactly(Side::Read), write.exactly(Side::Write)) else { continue };
        let number = server.count(&all(vec![of_read, of_write]))?;
        let Some(rest) = left.checked_sub(number) else { return Ok(None) };
        left = rest;
        if number > 0 {
            acls.insert((read, write), number);
        }
        if left == 0 {
            return Ok(Some(acls));
        }
    }
    Ok(None)
}

struct Search<'s, 'r, C> {
    server: &'s mut C,
    roles: &'r BTreeSet<RoleName>,
    /// Entries that are rather there than others.
    likely: BTreeSet<Entry<'r>>,
    /// How many rows have one of some entries.
    known: BTreeMap<(Side, Vec<Entry<'r>>), u64>,
    /// How many numbers of rows with several things were asked for.
    asked: usize,
}

impl<'r, C: Count> Search<'_, 'r, C> {
    fn acls(&mut self, rows: u64) -> Result<Acls<'r>, Stop<C::Error>> {
        let read = self.side(Side::Read, rows)?;
        let write = self.side(Side::Write, rows)?;
        table::fill(&read, &write, |of_read, of_write| {
            self.number_of([of_read.at_least(Side::Read), of_write.at_least(Side::Write)].concat())
        })
    }

    fn number(&mut self, conditions: Vec<Value>) -> Result<u64, Stop<C::Error>> {
        self.server.count(&all(conditions)).map_err(Stop::Unanswered)
    }

    /// The same for several things at once, which may be too many.
    fn number_of(&mut self, conditions: Vec<Value>) -> Result<u64, Stop<C::Error>> {
        self.asked += 1;
        if self.asked > MOST_NUMBERS { Err(Stop::TooMany) } else { self.number(conditions) }
    }

    /// How many rows have which kind of a side; together they are all rows.
    fn side(&mut self, side: Side, rows: u64) -> Result<Vec<(Kind<'r>, u64)>, Stop<C::Error>> {
        let missing = self.number(Kind::Missing.at_least(side))?;
        let stored = rows.checked_sub(missing).ok_or(Stop::Misfit)?;
        let mut kinds = vec![(Kind::Missing, missing)];
        if stored > 0 {
            let named = self.named(side)?;
            self.likely.extend(named.iter().map(|(entry, _)| *entry));
            let sets = self.sets(side, &named)?;
            let rest = stored.checked_sub(sets.values().sum()).ok_or(Stop::Misfit)?;
            kinds.extend(sets.into_iter().map(|(set, number)| (Kind::Entries(set), number)));
            if rest > 0 {
                let empty = self.number(Kind::Empty.at_least(side))?;
                let users = rest.checked_sub(empty).ok_or(Stop::Misfit)?;
                kinds.extend([(Kind::Empty, empty), (Kind::Entries(Vec::new()), users)]);
            }
        }
        kinds.retain(|(_, number)| *number > 0);
        Ok(kinds)
    }

    /// The entries that any row has, each with how many have it.
    fn named(&mut self, side: Side) -> Result<Vec<(Entry<'r>, u64)>, Stop<C::Error>> {
        let entries = [Entry::Anyone].into_iter().chain(self.roles.iter().map(Entry::Role));
        let (likely, others): (Vec<_>, Vec<_>) =
            entries.partition(|entry| *entry == Entry::Anyone || self.likely.contains(entry));
        let mut named = Vec::new();
        for some in at_once(&[others.as_slice(), likely.as_slice()].concat()) {
            let number = self.any(side, &some)?;
            let middle = some.iter().position(|entry| likely.contains(entry)).filter(|middle| *middle > 0);
            self.split(side, &some, number, middle, &mut named)?;
        }
        named.sort();
        Ok(named)
    }

    fn any(&mut self, side: Side, entries: &[Entry<'r>]) -> Result<u64, Stop<C::Error>> {
        let key = (side, entries.to_vec());
        if let Some(number) = self.known.get(&key) {
            return Ok(*number);
        }
        let number = self.number(vec![any_of(side, entries)])?;
        self.known.insert(key, number);
        Ok(number)
    }

    /// Those of some entries that any row has, by halves; so many rows have one of them.
    fn split(
        &mut self,
        side: Side,
        some: &[Entry<'r>],
        number: u64,
        middle: Option<usize>,
        named: &mut Vec<(Entry<'r>, u64)>,
    ) -> Result<(), Stop<C::Error>> {
        match some {
            [] => return Ok(()),
            _ if number == 0 => return Ok(()),
            [entry] => {
                named.push((*entry, number));
                return Ok(());
            }
            _ => {}
        }
        let (left, right) = some.split_at(middle.unwrap_or(some.len() / 2));
        let of_left = self.any(side, left)?;
        if of_left == 0 {
            self.known.insert((side, right.to_vec()), number);
        }
        let of_right = self.any(side, right)?;
        self.split(side, left, of_left, None, named)?;
        self.split(side, right, of_right, None, named)
    }

    /// How many rows have exactly which of these entries.
    fn sets(
        &mut self,
        side: Side,
        named: &[(Entry<'r>, u64)],
    ) -> Result<BTreeMap<Vec<Entry<'r>>, u64>, Stop<C::Error>> {
        let mut numbers: BTreeMap<Vec<Entry<'r>>, u64> =
            named.iter().map(|(entry, number)| (vec![*entry], *number)).collect();
        let entries: Vec<Entry<'r>> = named.iter().map(|(entry, _)| *entry).collect();
        let mut more: u64 = numbers.values().sum();
        let any = match entries.as_slice() {
            [] | [_] => return Ok(numbers),
            _ if at_once(&entries).len() == 1 => Some(self.any(side, &entries)?),
            _ => None,
        };
        if any == Some(more) {
            return Ok(numbers);
        }
        if let (Some(any), [_, _]) = (any, entries.as_slice()) {
            numbers.insert(entries, more.checked_sub(any).ok_or(Stop::Misfit)?);
            return exact(&numbers).ok_or(Stop::Misfit);
        }
        let mut sets: Vec<Vec<Entry<'r>>> = numbers.keys().cloned().collect();
        while !sets.is_empty() {
            let mut larger_sets = Vec::new();
            for set in &sets {
                for entry in entries.iter().filter(|entry| set.last().is_some_and(|last| last < *entry)) {
                    let larger = [set.as_slice(), &[*entry]].concat();
                    let is_possible = set.iter().all(|other| {
                        let without: Vec<_> = larger.iter().filter(|entry| *entry != other).copied().collect();
                        numbers.contains_key(&without)
                    });
                    if !is_possible {
                        continue;
                    }
                    let number = self.number_of(Kind::Entries(larger.clone()).at_least(side))?;
                    if number > 0 {
                        numbers.insert(larger.clone(), number);
                        larger_sets.push(larger);
                    }
                }
            }
            // Singles less pairs are the rows only if none has three entries.
            if sets.first().is_some_and(|set| set.len() == 1) {
                let pairs = larger_sets.iter().filter_map(|pair| numbers.get(pair)).sum();
                more = more.saturating_sub(pairs);
                if any == Some(more) {
                    break;
                }
            }
            sets = larger_sets;
        }
        exact(&numbers).ok_or(Stop::Misfit)
    }
}

/// How many rows have exactly which entries, of how many have at least these; `None` if the numbers do not fit.
fn exact<'r>(numbers: &BTreeMap<Vec<Entry<'r>>, u64>) -> Option<BTreeMap<Vec<Entry<'r>>, u64>> {
    let mut sets: Vec<(&Vec<Entry<'r>>, u64)> = numbers.iter().map(|(set, number)| (set, *number)).collect();
    sets.sort_by_key(|(set, _)| std::cmp::Reverse(set.len()));
    let mut exact: BTreeMap<Vec<Entry<'r>>, u64> = BTreeMap::new();
    for (set, number) in sets {
        let larger = exact.iter().filter(|(larger, _)| set.iter().all(|entry| larger.contains(entry)));
        let rest = number.checked_sub(larger.map(|(_, number)| number).sum())?;
        exact.insert(set.clone(), rest);
    }
    Some(exact)
}

/// The entries in parts that fit into an address.
fn at_once<'r>(entries: &[Entry<'r>]) -> Vec<Vec<Entry<'r>>> {
    let mut parts: Vec<Vec<Entry<'r>>> = Vec::new();
    let mut bytes = LONGEST;
    for entry in entries {
        let more = utf8_percent_encode(&entry.stored(), NON_ALPHANUMERIC).to_string().len() + "%22%22%2C".len();
        bytes += more;
        match parts.last_mut() {
            Some(part) if bytes <= LONGEST => part.push(*entry),
            _ => {
                parts.push(vec![*entry]);
                bytes = more;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests;
