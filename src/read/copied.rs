//! Rows as PostgreSQL copies them out in its binary form: id, readers and writers.
//!
//! Source: "Binary Format" in the manual of `COPY`, and `array_send` of the server.

use std::io::{self, Read};

use super::tally::{Side, Tally};
use super::window::Window;

/// What every stream begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// PostgreSQL stores no longer value.
const LONGEST: usize = 1 << 30;

/// Why a stream ended early.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The stream could not be read further.
    #[error("{}", super::file::words(.0))]
    Io(#[from] io::Error),
    /// It is no such stream, or is damaged.
    #[error("the stream is not what PostgreSQL copies out")]
    Form,
}

/// A row: the bytes of its columns, of which those that are null are missing.
#[derive(Debug, Clone, Copy)]
pub struct Row<'b> {
    /// The object's id.
    pub id: Option<&'b [u8]>,
    readers: Option<&'b [u8]>,
    writers: Option<&'b [u8]>,
}

impl Row<'_> {
    /// Counts the row. Columns that are null are a missing side.
    pub fn count(&self, tally: &mut Tally<'_>) {
        tally.begin();
        tally.id(self.id.unwrap_or_default());
        for (side, array) in [(Side::Read, self.readers), (Side::Write, self.writers)] {
            let Some(array) = array else { continue };
            tally.side(side);
            if entries(array, |entry| tally.entry(side, entry)).is_none() {
                return tally.unreadable();
            }
        }
        tally.end();
    }
}

/// The rows of a stream.
pub struct Rows<R> {
    window: Window<R>,
    begun: bool,
}

impl<R: Read> Rows<R> {
    /// The rows of a stream.
    pub fn new(from: R) -> Self {
        Self { window: Window::new(from), begun: false }
    }

    /// The next row; `None` at the end, which the stream itself says.
    ///
    /// # Errors
    ///
    /// See [`CopyError`].
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, CopyError> {
        if !self.begun {
            self.begin()?;
        }
        match self.number_at(0).map(i16::from_be_bytes)? {
            -1 => {
                // Nothing is left, but whoever sends it must have come to the end as well.
                while self.window.has(1)? {
                    self.window.step(usize::MAX);
                }
                return Ok(None);
            }
            3 => {}
            _ => return Err(CopyError::Form),
        }
        let mut end = 2;
        let mut columns = [None, None, None];
        for column in &mut columns {
            let length = self.number_at(end).map(i32::from_be_bytes)?;
            let start = end + 4;
            end = start;
            if length != -1 {
                end += size(length)?;
                *column = Some(start..end);
            }
        }
        self.needs(end)?;
        let bytes = self.window.step(end);
        let [id, readers, writers] = columns.map(|column| bytes.get(column?));
        Ok(Some(Row { id, readers, writers }))
    }

    fn begin(&mut self) -> Result<(), CopyError> {
        const HEAD: usize = SIGNATURE.len() + 4;
        self.begun = true;
        self.needs(SIGNATURE.len())?;
        if !self.window.ahead().starts_with(SIGNATURE) {
            return Err(CopyError::Form);
        }
        let more = size(self.number_at(HEAD).map(i32::from_be_bytes)?)?;
        self.needs(HEAD + 4 + more)?;
        self.window.step(HEAD + 4 + more);
        Ok(())
    }

    /// The bytes of a number that is so far ahead.
    #[inline]
    fn number_at<const N: usize>(&mut self, at: usize) -> Result<[u8; N], CopyError> {
        self.needs(at + N)?;
        self.window.ahead().get(at..).and_then(<[u8]>::first_chunk).copied().ok_or(CopyError::Form)
    }

    #[inline]
    fn needs(&mut self, bytes: usize) -> Result<(), CopyError> {
        match self.window.has(bytes)? {
            true => Ok(()),
            false => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    }
}

fn size(length: i32) -> Result<usize, CopyError> {
    usize::try_from(length).ok().filter(|length| *length <= LONGEST).ok_or(CopyError::Form)
}

/// The elements of an array of texts; those that are null are left out. `None` if it is damaged.
fn entries(array: &[u8], mut each: impl FnMut(&[u8])) -> Option<()> {
    let mut rest = array;
    let mut number = || {
        let (head, behind) = rest.split_first_chunk::<4>()?;
        rest = behind;
        Some(i32::from_be_bytes(*head))
    };
    let (dimensions, _has_nulls, _type) = (number()?, number()?, number()?);
    let mut count = i32::from(dimensions > 0);
    for _ in 0..dimensions {
        count = count.checked_mul(number()?)?;
        number()?;
    }
    for _ in 0..count {
        let (head, behind) = rest.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*head);
        rest = behind;
        if length == -1 {
            continue;
        }
        let (entry, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        each(entry);
        rest = behind;
    }
    rest.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(entries: &[&str]) -> Vec<u8> {
        let mut array = [0i32.to_be_bytes(), 0i32.to_be_bytes(), 25i32.to_be_bytes()].concat();
        if !entries.is_empty() {
            array[..4].copy_from_slice(&1i32.to_be_bytes());
            array.extend(i32::try_from(entries.len()).unwrap().to_be_bytes());
            array.extend(1i32.to_be_bytes());
        }
        for entry in entries {
            array.extend(i32::try_from(entry.len()).unwrap().to_be_bytes());
            array.extend(entry.as_bytes());
        }
        array
    }

    fn stream(rows: &[[Option<Vec<u8>>; 3]]) -> Vec<u8> {
        let mut stream = [SIGNATURE.as_slice(), &[0; 8]].concat();
        for row in rows {
            stream.extend(3i16.to_be_bytes());
            for column in row {
                let length = column.as_ref().map_or(-1, |column| i32::try_from(column.len()).unwrap());
                stream.extend(length.to_be_bytes());
                stream.extend(column.iter().flatten());
            }
        }
        stream.extend((-1i16).to_be_bytes());
        stream
    }

    fn count(stream: &[u8]) -> (Result<(), CopyError>, crate::model::Census) {
        let mut tally = Tally::new(None);
        let mut rows = Rows::new(stream);
        let outcome = loop {
            match rows.next_row() {
                Ok(Some(row)) => row.count(&mut tally),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        (outcome, tally.finish().census)
    }

    #[test]
    fn rows_are_counted_as_from_any_other_form() {
        let id = |id: &str| Some(id.as_bytes().to_vec());
        let rows = [
            [id("a"), Some(array(&["*", "u"])), Some(array(&["role:r"]))],
            [id("b"), None, None],
            [id("c"), None, Some(array(&[]))],
        ];
        let (outcome, found) = count(&stream(&rows));
        outcome.unwrap();
        let mut expected = Tally::new(None);
        for row in
            [r#"{"_id":"a","_rperm":["*","u"],"_wperm":["role:r"]}"#, r#"{"_id":"b"}"#, r#"{"_id":"c","_wperm":[]}"#]
        {
            crate::read::rows::count_json(row.as_bytes(), &mut expected);
        }
        assert_eq!(found, expected.finish().census);
    }

    #[test]
    fn what_is_cut_off_or_damaged_is_told_and_never_public() {
        let whole = stream(&[[Some(b"a".to_vec()), Some(array(&["u"])), Some(array(&["u"]))]]);
        for length in 0..whole.len() {
            assert!(count(&whole[..length]).0.is_err(), "{length}");
        }
        let mut broken = array(&["u"]);
        broken.pop();
        let (outcome, census) = count(&stream(&[[None, Some(broken), None]]));
        outcome.unwrap();
        assert_eq!((census.unreadable, census.shapes.len()), (1, 0));
        assert!(matches!(count(b"no such stream, but long enough").0, Err(CopyError::Form)));
    }
}
