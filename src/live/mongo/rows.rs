//! Rows of a class: their ids and ACLs, in parts that are read beside each other.

use std::io::{self, Read};
use std::sync::Arc;

use crate::live::{Form, Rows};

use super::driver::{Batches, Command, Connection, Ids};
use super::trouble::Trouble;

/// A path below `_acl` that no row has: the map itself is answered, but empty. Whether it is there is enough.
pub const LEGACY: &str = "_acl.parse-audit";

/// What is asked of each row; its id comes by itself.
const COLUMNS: [&str; 3] = ["_rperm", "_wperm", LEGACY];

/// A class with fewer rows is read as a whole.
const SMALL: u64 = 100_000;

/// About how many rows a part has.
const PART: u64 = 50_000;

/// More parts are not made.
const MOST_PARTS: u64 = 3844;

/// About how many bytes a row has.
const ROW: u64 = 100;

/// Letters of the ids that Parse Server makes, in the order of their bytes.
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A part of the rows of a class.
pub struct Part {
    connection: Arc<Connection>,
    class: String,
    collection: String,
    ids: Ids,
    /// About how many there are.
    rows: u64,
}

/// The rows of a class, in one part or several.
///
/// # Errors
///
/// Its size is not told.
pub fn of_class(connection: &Arc<Connection>, class: &str, collection: &str) -> Result<Vec<Part>, Trouble> {
    let rows = connection.count(&Command::Size(collection))?;
    let ids = parts(rows);
    let share = rows / ids.len().max(1) as u64;
    let part = |ids| Part {
        connection: Arc::clone(connection),
        class: class.to_owned(),
        collection: collection.to_owned(),
        ids,
        rows: share,
    };
    Ok(ids.into_iter().map(part).collect())
}

/// Ranges of ids that together hold each id once, for about so many rows.
fn parts(rows: u64) -> Vec<Ids> {
    if rows < SMALL {
        return vec![Ids::All];
    }
    let count = rows.div_ceil(PART).clamp(2, MOST_PARTS);
    let ends: Vec<String> = (1..count).filter_map(|number| two_letters(number * MOST_PARTS / count)).collect();
    let starts = std::iter::once(None).chain(ends.iter().cloned().map(Some));
    let stops = ends.iter().cloned().map(Some).chain(std::iter::once(None));
    starts.zip(stops).map(|(from, below)| Ids::Between(from, below)).chain(std::iter::once(Ids::Others)).collect()
}

/// A number up to [`MOST_PARTS`] as the two letters an id begins with.
fn two_letters(number: u64) -> Option<String> {
    let letter = |digit: u64| LETTERS.get(usize::try_from(digit).ok()?).map(|letter| char::from(*letter));
    Some([letter(number / 62)?, letter(number % 62)?].into_iter().collect())
}

impl Rows for Part {
    fn class(&self) -> &str {
        &self.class
    }

    fn form(&self) -> Form {
        Form::Bson
    }

    fn size(&self) -> u64 {
        self.rows * ROW
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let batches = self.connection.find(&Command::Find(&self.collection, &COLUMNS, self.ids.clone()))?;
        // What grows while it is read ends some time; what never ends is no database.
        let most = (self.rows * 10 + 10_000_000).saturating_mul(ROW);
        let none = (self.ids == Ids::All && self.rows > 0).then_some(self.rows);
        Ok(Box::new(Stream { batches, batch: Vec::new(), at: 0, left: most, promised: none }))
    }
}

/// Rows as bytes, batch by batch.
struct Stream<'c> {
    batches: Batches<'c>,
    batch: Vec<u8>,
    at: usize,
    /// So many bytes more are believed.
    left: u64,
    /// How many rows there should be, while none has come.
    promised: Option<u64>,
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.batch.len() && !into.is_empty() {
            self.at = 0;
            if self.batches.next(&mut self.batch)?.is_none() {
                self.batch.clear();
                return match self.promised.take() {
                    Some(rows) => {
                        Err(io::Error::other(format!("it said that it has {rows} rows, and answers with none")))
                    }
                    None => Ok(0),
                };
            }
            self.promised = None;
            self.left = self
                .left
                .checked_sub(self.batch.len() as u64)
                .ok_or_else(|| io::Error::other("it answers with far more rows than it says it has"))?;
        }
        let mut rest = self.batch.get(self.at..).unwrap_or_default();
        let read = rest.read(into)?;
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_without_a_gap() {
        assert_eq!(parts(99_999), [Ids::All]);
        for rows in [100_000, 1_234_567, u64::MAX] {
            let mut parts = parts(rows);
            assert_eq!(parts.pop(), Some(Ids::Others));
            let mut end = None;
            for (number, part) in parts.iter().enumerate() {
                let Ids::Between(from, below) = part else { panic!("{part:?}") };
                assert_eq!((from.is_none(), from), (number == 0, &end));
                assert!(below.is_none() || below > from, "{part:?}");
                end = below.clone();
            }
            assert_eq!(end, None);
        }
        assert_eq!(parts(100_000).len(), 3);
    }
}
