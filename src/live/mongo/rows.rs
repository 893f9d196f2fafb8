//! Rows of a class: their ids and ACLs, as a whole or in parts that are read beside each other.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::live::sampling::{self, Chosen, Sampling};
use crate::live::{Form, Rows};

use super::command::{Command, Ids};
use super::driver::{Batches, Connection};
use super::trouble::Trouble;

/// A path below `_acl` that no row has: the map itself is answered, but empty. Whether it is there is enough.
pub const LEGACY: &str = "_acl.parse-audit";

/// What is asked of each row; its id comes by itself.
const COLUMNS: [&str; 3] = ["_rperm", "_wperm", LEGACY];

/// A class with more rows is read in parts, each of which costs the server a search for where it begins. Ids are random,
/// so that a range of them lies all over the disk, while the whole is read as it lies there.
pub const MOST: u64 = 5_000_000;

/// As many rows at most are put together at once: the server holds as many ACLs.
const MOST_GROUPED: u64 = 250_000;

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
    collection: Arc<str>,
    ids: Ids,
    /// About how many there are.
    rows: u64,
    chosen: Option<Chosen>,
    all: Arc<All>,
}

/// All rows of a class.
struct All {
    /// How many there should be.
    rows: u64,
    /// How many parts they are.
    parts: usize,
    /// Whether the servers put rows with the same ACL together.
    is_grouped: bool,
    /// How many of them were read to their end.
    read: AtomicUsize,
}

/// How the rows of all classes are read.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Of which classes some rows are enough.
    pub sampling: Option<Sampling>,
    /// How many rows a part has at most.
    pub most: u64,
    /// Whether rows with the same ACL are put together where they lie.
    pub is_grouped: bool,
}

/// The rows of a class, in one part or several.
///
/// # Errors
///
/// Its size is not told.
pub fn of_class(connection: &Arc<Connection>, class: &str, collection: &str, how: &How) -> Result<Vec<Part>, Trouble> {
    let rows = connection.count(&Command::Size(collection))?;
    let sampling = how.sampling.filter(|_| sampling::is_for(class, rows));
    let chosen = sampling.and_then(|sampling| chosen(rows, sampling));
    // Users are looked up, so their ids are wanted.
    let is_grouped = how.is_grouped && chosen.is_none() && class != "_User";
    let most = if is_grouped { how.most.min(MOST_GROUPED) } else { how.most };
    let (ids, chosen) = match chosen {
        Some((of, ids)) => (ids, Some(Chosen { of, rows: Some(rows) })),
        None => (parts(rows, most), None),
    };
    let share = rows / chosen.map_or(ids.len() as u64, |chosen| chosen.of).max(1);
    let collection = Arc::from(collection);
    let all = Arc::new(All { rows, parts: ids.len(), is_grouped, read: AtomicUsize::new(0) });
    let part = |ids| Part {
        connection: Arc::clone(connection),
        class: class.to_owned(),
        collection: Arc::clone(&collection),
        ids,
        rows: share,
        chosen,
        all: Arc::clone(&all),
    };
    Ok(ids.into_iter().map(part).collect())
}

/// Ranges of ids that together hold each id once, for about so many rows, with at most about so many in each.
fn parts(rows: u64, most: u64) -> Vec<Ids> {
    if rows <= most {
        return vec![Ids::All];
    }
    // A few rows more or less make the same parts.
    let count = rows.div_ceil(most.max(1)).min(MOST_PARTS / 2).next_power_of_two();
    (0..count).map(|number| part(number, count)).chain(std::iter::once(Ids::Others)).collect()
}

/// Of how many parts some were chosen, and those.
fn chosen(rows: u64, sampling: Sampling) -> Option<(u64, Vec<Ids>)> {
    let of = (rows / sampling::ROWS).min(MOST_PARTS);
    let numbers = sampling.choose(of)?;
    Some((of, numbers.into_iter().map(|number| part(number, of)).collect()))
}

/// One of `count` ranges of ids that are texts.
fn part(number: u64, count: u64) -> Ids {
    let start =
        |number: u64| (0 < number && number < count).then(|| two_letters(number * MOST_PARTS / count)).flatten();
    Ids::Between(start(number), start(number + 1))
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
        if self.all.is_grouped { Form::Grouped } else { Form::Bson }
    }

    fn size(&self) -> u64 {
        self.rows * ROW
    }

    fn chosen(&self) -> Option<Chosen> {
        self.chosen
    }

    fn part(&self) -> Option<String> {
        Some(match &self.ids {
            Ids::All => "all".to_owned(),
            Ids::Others => "others".to_owned(),
            Ids::Between(from, below) => {
                format!("{}-{}", from.as_deref().unwrap_or_default(), below.as_deref().unwrap_or_default())
            }
        })
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let command = match self.all.is_grouped {
            true => Command::Group(&self.collection, self.ids.clone()),
            false => Command::Find(&self.collection, &COLUMNS, self.ids.clone()),
        };
        let batches = self.connection.find(&command)?;
        // What grows while it is read ends some time; what never ends is no database.
        let most = (self.rows * 10 + 10_000_000).saturating_mul(ROW);
        Ok(Box::new(Stream {
            part: self,
            batches,
            batch: Vec::new(),
            at: 0,
            left: most,
            is_empty: true,
            has_ended: false,
        }))
    }
}

/// Rows as bytes, batch by batch.
struct Stream<'c> {
    part: &'c Part,
    batches: Batches<'c>,
    batch: Vec<u8>,
    at: usize,
    /// So many bytes more are believed.
    left: u64,
    is_empty: bool,
    has_ended: bool,
}

impl Stream<'_> {
    /// What is wrong although all came to its end: rows that are gone look like none.
    fn missing(&self) -> io::Result<()> {
        let Part { connection, collection, all, .. } = self.part;
        // Rows of users who name each other are read twice.
        let is_last = (all.read.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(all.parts);
        match () {
            () if all.rows == 0 || self.part.chosen.is_some() => Ok(()),
            () if self.is_empty && all.parts == 1 => {
                Err(io::Error::other(format!("it said that it has {} rows, and answers with none", all.rows)))
            }
            // Parts that were read before may have had rows.
            () if is_last && all.parts > 1 && connection.count(&Command::Size(collection))? == 0 => {
                Err(io::Error::other(format!("its {} rows were taken away while they were counted", all.rows)))
            }
            () => Ok(()),
        }
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.batch.len() && !into.is_empty() {
            self.at = 0;
            if self.batches.next(&mut self.batch)?.is_none() {
                self.batch.clear();
                return if std::mem::replace(&mut self.has_ended, true) { Ok(0) } else { self.missing().map(|()| 0) };
            }
            self.is_empty = false;
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
        assert_eq!(parts(MOST, MOST), [Ids::All]);
        for (rows, most) in [(2, 1), (100_001, 100_000), (1_234_567, 250_000), (u64::MAX, MOST), (9, 0)] {
            let mut parts = parts(rows, most);
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
        assert_eq!((parts(5_000_001, MOST).len(), parts(20_000_001, MOST).len()), (3, 9));
        let (of, ids) = chosen(5_000_000, Sampling::of(1.0)).unwrap();
        assert_eq!((of, ids.len()), (MOST_PARTS, 64));
        assert!(ids.iter().all(|ids| matches!(ids, Ids::Between(from, below) if from != below)));
    }
}
