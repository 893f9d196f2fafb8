//! Rows as PostgreSQL copies them out in its binary form: id, readers and writers.
//!
//! Source: "Binary Format" in the manual of `COPY`, and `array_send` of the server.

use std::io::{self, BufReader, Read};

use super::tally::{Side, Tally};

/// What every stream begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// PostgreSQL stores no longer value.
const LONGEST: usize = 1 << 30;

/// Bytes that are taken from the stream at once.
const CHUNK: usize = 256 << 10;

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

/// The columns of a row: id, readers and writers; `None` is null.
#[derive(Debug, Default)]
pub struct Row {
    columns: [Option<usize>; 3],
    bytes: [Vec<u8>; 3],
}

impl Row {
    fn column(&self, number: usize) -> Option<&[u8]> {
        let length = (*self.columns.get(number)?)?;
        self.bytes.get(number)?.get(..length)
    }

    /// The object's id.
    pub fn id(&self) -> Option<&[u8]> {
        self.column(0)
    }

    /// Counts the row. Columns that are null are a missing side.
    pub fn count(&self, tally: &mut Tally<'_>) {
        tally.begin();
        tally.id(self.id().unwrap_or_default());
        for (side, number) in [(Side::Read, 1), (Side::Write, 2)] {
            let Some(array) = self.column(number) else { continue };
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
    from: BufReader<R>,
    row: Row,
    begun: bool,
}

impl<R: Read> Rows<R> {
    /// The rows of a stream.
    pub fn new(from: R) -> Self {
        Self { from: BufReader::with_capacity(CHUNK, from), row: Row::default(), begun: false }
    }

    /// The next row; `None` at the end, which the stream itself says.
    ///
    /// # Errors
    ///
    /// See [`CopyError`].
    pub fn next_row(&mut self) -> Result<Option<&Row>, CopyError> {
        if !self.begun {
            self.begin()?;
        }
        match self.count()? {
            -1 => {
                // Nothing is left, but whoever sends it must have come to the end as well.
                io::copy(&mut self.from, &mut io::sink())?;
                return Ok(None);
            }
            3 => {}
            _ => return Err(CopyError::Form),
        }
        for number in 0..3 {
            let length = self.number()?;
            let Row { columns, bytes } = &mut self.row;
            let (Some(column), Some(bytes)) = (columns.get_mut(number), bytes.get_mut(number)) else { continue };
            *column = if length == -1 { None } else { Some(size(length)?) };
            let Some(length) = *column else { continue };
            bytes.clear();
            // What is not there is not made room for.
            if self.from.by_ref().take(length as u64).read_to_end(bytes)? < length {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
        Ok(Some(&self.row))
    }

    fn begin(&mut self) -> Result<(), CopyError> {
        self.begun = true;
        let mut signature = [0; SIGNATURE.len()];
        self.from.read_exact(&mut signature)?;
        self.number()?;
        let more = size(self.number()?)? as u64;
        let passed = io::copy(&mut self.from.by_ref().take(more), &mut io::sink())?;
        if &signature == SIGNATURE && passed == more { Ok(()) } else { Err(CopyError::Form) }
    }

    fn count(&mut self) -> Result<i16, io::Error> {
        let mut bytes = [0; 2];
        self.from.read_exact(&mut bytes)?;
        Ok(i16::from_be_bytes(bytes))
    }

    fn number(&mut self) -> Result<i32, io::Error> {
        let mut bytes = [0; 4];
        self.from.read_exact(&mut bytes)?;
        Ok(i32::from_be_bytes(bytes))
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
