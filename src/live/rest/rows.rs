//! Who may read and write the rows of a class, by numbers alone: the server is asked how many rows
//! have an entry, never for a row.
//!
//! An ACL is a set of entries on two sides. How many rows have a set of entries among theirs is
//! asked for ever larger sets, as long as there are any; from those numbers follows how many have
//! exactly these. Users are too many to be asked for, so which and how many an ACL names stays open.
//!
//! Source: Parse Server 9.10.0; `$in`, `$exists` and `$eq: []` on `_rperm` are what both databases
//! answer, `$all`, `$nin` and `$size` fail on PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::model::RoleName;
use crate::model::census::{Census, Entries, Shape, Users};
use crate::permit::object::Side;

/// More rows are not counted over REST: each number may cost the database a look at all of them.
pub const MOST_ROWS: u64 = 200_000;

/// So many numbers tell what the ACLs of a class are like, or they are too many kinds.
const MOST_NUMBERS: usize = 500;

/// Roles that are asked for at once.
const AT_ONCE: usize = 40;

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

/// Something that one side of an ACL may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Entry<'r> {
    Missing,
    Empty,
    Anyone,
    Role(&'r RoleName),
}

type Item<'r> = (Side, Entry<'r>);

/// Counts the rows of a class whose ACLs may name these roles.
///
/// # Errors
///
/// The server does not answer.
pub fn census<C: Count>(server: &mut C, roles: &BTreeSet<RoleName>) -> Result<Counted, C::Error> {
    let rows = server.count(&filter(&[]))?;
    if rows == 0 {
        return Ok(Counted::Census(Census::default()));
    }
    if rows > MOST_ROWS {
        return Ok(Counted::TooMany(rows));
    }
    // Rows that come and go while they are counted make numbers that do not fit each other.
    for _ in 0..2 {
        let mut search = Search { server, numbers: BTreeMap::new() };
        let mut items = Vec::new();
        for side in [Side::Read, Side::Write] {
            items.extend([Entry::Missing, Entry::Empty, Entry::Anyone].map(|entry| (side, entry)));
            let mut named = Vec::new();
            for some in roles.iter().collect::<Vec<_>>().chunks(AT_ONCE) {
                search.roles(side, some, &mut named)?;
            }
            items.extend(named.into_iter().map(|role| (side, Entry::Role(role))));
        }
        let rows = search.server.count(&filter(&[]))?;
        search.numbers.insert(Vec::new(), rows);
        if search.grow(&[], &items)?
            && let Some(census) = exact(&search.numbers)
        {
            return Ok(Counted::Census(census));
        }
    }
    Ok(Counted::Unclear)
}

struct Search<'s, 'r, C> {
    server: &'s mut C,
    /// How many rows have at least these, for sets that some row has.
    numbers: BTreeMap<Vec<Item<'r>>, u64>,
}

impl<'r, C: Count> Search<'_, 'r, C> {
    /// Those of some roles that any row names, by halves.
    fn roles(&mut self, side: Side, some: &[&'r RoleName], named: &mut Vec<&'r RoleName>) -> Result<(), C::Error> {
        let entries: Vec<String> = some.iter().map(|role| format!("role:{role}")).collect();
        if some.is_empty() || self.server.count(&json!({ column(side): { "$in": entries } }))? == 0 {
            return Ok(());
        }
        if let [role] = some {
            named.push(*role);
            return Ok(());
        }
        let (left, right) = some.split_at(some.len() / 2);
        self.roles(side, left, named)?;
        self.roles(side, right, named)
    }

    /// Asks for all sets that are this one and some of `more`; whether that came to an end.
    fn grow(&mut self, set: &[Item<'r>], more: &[Item<'r>]) -> Result<bool, C::Error> {
        let mut there = Vec::new();
        for item in more {
            if self.numbers.len() > MOST_NUMBERS {
                return Ok(false);
            }
            let larger: Vec<Item<'r>> = set.iter().chain([item]).copied().collect();
            let number = self.server.count(&filter(&larger))?;
            if number > 0 {
                self.numbers.insert(larger, number);
                there.push(*item);
            }
        }
        for (number, item) in there.iter().enumerate() {
            let larger: Vec<Item<'r>> = set.iter().chain([item]).copied().collect();
            let later = there.iter().skip(number + 1).filter(|other| go_together(item, other)).copied();
            if !self.grow(&larger, &later.collect::<Vec<_>>())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A side that is missing or empty has no entries.
fn go_together((side, entry): &Item<'_>, (other_side, other): &Item<'_>) -> bool {
    let alone = |entry: &Entry<'_>| matches!(entry, Entry::Missing | Entry::Empty);
    side != other_side || !(alone(entry) || alone(other))
}

fn column(side: Side) -> &'static str {
    match side {
        Side::Read => "_rperm",
        Side::Write => "_wperm",
    }
}

/// The query for rows that have all of a set. It always has a condition: without one PostgreSQL guesses.
fn filter(set: &[Item<'_>]) -> Value {
    let conditions = set.iter().map(|(side, entry)| match entry {
        Entry::Missing => json!({ column(*side): { "$exists": false } }),
        Entry::Empty => json!({ column(*side): { "$eq": [] } }),
        Entry::Anyone => json!({ column(*side): { "$in": ["*"] } }),
        Entry::Role(role) => json!({ column(*side): { "$in": [format!("role:{role}")] } }),
    });
    let conditions: Vec<Value> = [json!({ "objectId": { "$exists": true } })].into_iter().chain(conditions).collect();
    match conditions.as_slice() {
        [one] => one.clone(),
        _ => json!({ "$and": conditions }),
    }
}

/// How many rows have exactly which entries; `None` if the numbers do not fit each other.
fn exact(numbers: &BTreeMap<Vec<Item<'_>>, u64>) -> Option<Census> {
    let mut census = Census::default();
    for set in numbers.keys() {
        let mut rows = 0i128;
        for (larger, number) in numbers {
            if set.iter().all(|item| larger.contains(item)) {
                let sign = if (larger.len() - set.len()).is_multiple_of(2) { 1 } else { -1 };
                rows += sign * i128::from(*number);
            }
        }
        match u64::try_from(rows).ok()? {
            0 => {}
            rows => census.add(shape(set), rows),
        }
    }
    Some(census)
}

fn shape(set: &[Item<'_>]) -> Shape {
    let side = |wanted: Side| {
        let mut entries = Entries::default();
        let mut is_missing = false;
        let of_side: Vec<&Entry<'_>> = set.iter().filter(|(side, _)| *side == wanted).map(|(_, entry)| entry).collect();
        // What is there and is none of these is a user.
        entries.users = if of_side.is_empty() { Users::Some } else { Users::Untold };
        for entry in of_side {
            match entry {
                Entry::Missing => is_missing = true,
                Entry::Empty => entries.users = Users::None,
                Entry::Anyone => entries.anyone = true,
                Entry::Role(role) => drop(entries.roles.insert((*role).clone())),
            }
        }
        (!is_missing).then_some(entries)
    };
    Shape { read: side(Side::Read), write: side(Side::Write), ..Shape::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as sets of entries of both sides; `None` is a missing side.
    struct Rows(Vec<[Option<Vec<&'static str>>; 2]>, usize);

    impl Count for Rows {
        type Error = std::convert::Infallible;

        fn count(&mut self, filter: &Value) -> Result<u64, Self::Error> {
            self.1 += 1;
            Ok(self.0.iter().filter(|row| holds(filter, row)).count() as u64)
        }
    }

    fn holds(filter: &Value, row: &[Option<Vec<&str>>; 2]) -> bool {
        filter.as_object().unwrap().iter().all(|(key, condition)| {
            let side = &row[usize::from(key == "_wperm")];
            match (key.as_str(), condition) {
                ("$and", all) => all.as_array().unwrap().iter().all(|filter| holds(filter, row)),
                ("objectId", _) => true,
                (_, condition) if condition.get("$exists").is_some() => side.is_none(),
                (_, condition) if condition.get("$eq").is_some() => side.as_ref().is_some_and(Vec::is_empty),
                (_, condition) => side.as_ref().is_some_and(|side| {
                    condition["$in"].as_array().unwrap().iter().any(|entry| side.contains(&entry.as_str().unwrap()))
                }),
            }
        })
    }

    fn roles(count: usize) -> BTreeSet<RoleName> {
        (0..count).map(|number| RoleName::from(format!("r{number:02}"))).collect()
    }

    #[test]
    fn exact_numbers_follow_from_numbers_of_at_least() {
        let rows = vec![
            [None, None],
            [None, None],
            [None, Some(vec![])],
            [Some(vec!["*", "role:r01"]), Some(vec!["role:r01", "role:r02"])],
            [Some(vec!["*", "u"]), Some(vec!["u"])],
            [Some(vec!["u"]), Some(vec!["u"])],
            [Some(vec![]), Some(vec![])],
        ];
        let mut server = Rows(rows, 0);
        let Counted::Census(census) = census(&mut server, &roles(60)).unwrap() else { panic!("counts") };
        assert_eq!((census.rows(), census.shapes.len()), (7, 6));
        assert_eq!(census.count(Shape::is_missing), 2);
        assert_eq!(census.count(Shape::is_half_stored), 1);
        assert_eq!(census.count(Shape::is_master_only), 1);
        assert_eq!(census.count(Shape::is_public_read), 5);
        let of_staff = |shape: &Shape| shape.write.as_ref().is_some_and(|write| write.roles.len() == 2);
        assert_eq!(census.count(of_staff), 1);
        let of_users = |shape: &Shape| shape.read.as_ref().is_some_and(|read| read.users == Users::Some);
        assert_eq!(census.count(of_users), 1);
        assert!(server.1 < 80, "{} questions", server.1);
    }

    #[test]
    fn an_empty_class_is_one_question_and_a_large_one_two() {
        let mut none = Rows(vec![], 0);
        assert_eq!(census(&mut none, &roles(60)).unwrap(), Counted::Census(Census::default()));
        assert_eq!(none.1, 1);
        struct Large;
        impl Count for Large {
            type Error = ();
            fn count(&mut self, _: &Value) -> Result<u64, ()> {
                Ok(MOST_ROWS + 1)
            }
        }
        assert_eq!(census(&mut Large, &roles(1)).unwrap(), Counted::TooMany(MOST_ROWS + 1));
    }

    #[test]
    fn rows_that_come_and_go_give_no_numbers() {
        struct Restless(u64);
        impl Count for Restless {
            type Error = ();
            fn count(&mut self, _: &Value) -> Result<u64, ()> {
                self.0 += 1;
                Ok(self.0 % 7 + 1)
            }
        }
        assert_eq!(census(&mut Restless(0), &roles(1)).unwrap(), Counted::Unclear);
    }
}
