//! Rows out of the text that `pg_dump` writes, as `COPY` blocks or `INSERT` statements.
//!
//! Statements that are neither are passed by. Memory stays flat: one statement or
//! one line at a time.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

/// A statement may be this long. A longer one ends the reading of its file.
const MAX_STATEMENT: usize = 64 << 20;

/// Why a dump ended early.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The file could not be read further.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Whoever wrote the file must look at it.
    #[error("a statement is longer than {} MiB", MAX_STATEMENT >> 20)]
    TooLong,
    /// Whoever wrote the file must look at it.
    #[error("the file ends inside a statement")]
    Truncated,
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlRow {
    /// The table's name without its schema.
    pub table: String,
    /// Values by the name of their column; `None` is NULL.
    pub values: HashMap<String, Option<Vec<u8>>>,
    /// Offset of the statement or line, and its length in bytes.
    pub at: (u64, u64),
}

/// The rows of a dump.
pub struct SqlRows<R> {
    from: BufReader<R>,
    /// Offset of the next byte.
    position: u64,
    /// Columns by table, from `CREATE TABLE`.
    columns: HashMap<String, Vec<String>>,
    /// The table and columns of the `COPY` block that is being read.
    copying: Option<(String, Vec<String>)>,
    line: Vec<u8>,
    /// Rows of a statement that has several.
    waiting: std::vec::IntoIter<SqlRow>,
}

impl<R: Read> SqlRows<R> {
    /// The rows of a dump.
    pub fn new(from: R) -> Self {
        Self {
            from: BufReader::with_capacity(256 << 10, from),
            position: 0,
            columns: HashMap::new(),
            copying: None,
            line: Vec::new(),
            waiting: Vec::new().into_iter(),
        }
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    ///
    /// See [`SqlError`]. After an error there are no more rows.
    pub fn next_row(&mut self) -> Result<Option<SqlRow>, SqlError> {
        loop {
            if let Some(row) = self.waiting.next() {
                return Ok(Some(row));
            }
            let start = self.position;
            self.line.clear();
            if !self.read_line()? {
                return if self.copying.is_some() { Err(SqlError::Truncated) } else { Ok(None) };
            }
            if let Some((table, columns)) = &self.copying {
                let line = self.line.trim_ascii_end();
                if line == b"\\." {
                    self.copying = None;
                    continue;
                }
                let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let values = line.split(|byte| *byte == b'\t').map(copied);
                let values = columns.iter().cloned().zip(values).collect();
                return Ok(Some(SqlRow { table: table.clone(), values, at: (start, self.position - start) }));
            }
            let statement = [b"CREATE TABLE ".as_slice(), b"INSERT INTO ", b"COPY "];
            let Some(kind) = statement.iter().position(|head| self.line.starts_with(head)) else { continue };
            self.read_statement()?;
            match kind {
                0 => self.create(),
                1 => self.insert(start),
                _ => self.copy(),
            }
        }
    }

    fn read_line(&mut self) -> Result<bool, SqlError> {
        let room = MAX_STATEMENT - self.line.len().min(MAX_STATEMENT);
        let read = self.from.by_ref().take(room as u64).read_until(b'\n', &mut self.line)?;
        self.position += read as u64;
        if self.line.len() >= MAX_STATEMENT { Err(SqlError::TooLong) } else { Ok(read > 0) }
    }

    /// Reads on to the semicolon that ends the statement.
    fn read_statement(&mut self) -> Result<(), SqlError> {
        let (mut checked, mut quotes) = (0, 0);
        loop {
            let new = self.line.get(checked..).unwrap_or_default();
            quotes += memchr::memchr_iter(b'\'', new).count();
            checked = self.line.len();
            if quotes % 2 == 0 && self.line.trim_ascii_end().ends_with(b";") {
                return Ok(());
            }
            if !self.read_line()? {
                return Err(SqlError::Truncated);
            }
        }
    }

    fn create(&mut self) {
        let mut lexer = Lexer { rest: self.line.get(13..).unwrap_or_default() };
        let Some(table) = lexer.name() else { return };
        let body = self.line.split(|byte| *byte == b'\n').skip(1);
        let names = body.filter_map(|line| Lexer { rest: line.trim_ascii_start() }.name());
        let names = names.filter(|name| !["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK"].contains(&name.as_str()));
        self.columns.insert(table, names.collect());
    }

    fn copy(&mut self) {
        let mut lexer = Lexer { rest: self.line.get(5..).unwrap_or_default() };
        let Some(table) = lexer.name() else { return };
        let columns = lexer.list_of_names().or_else(|| self.columns.get(&table).cloned());
        let from_here = memchr::memmem::find(&self.line, b"FROM stdin").is_some();
        self.copying = columns.filter(|_| from_here).map(|columns| (table, columns));
    }

    fn insert(&mut self, start: u64) {
        let length = self.position - start;
        let mut lexer = Lexer { rest: self.line.get(12..).unwrap_or_default() };
        let mut rows = Vec::new();
        if let Some(table) = lexer.name()
            && let Some(columns) = lexer.list_of_names().or_else(|| self.columns.get(&table).cloned())
            && lexer.word(b"VALUES")
        {
            while let Some(values) = lexer.list_of_values() {
                let values = columns.iter().cloned().zip(values).collect();
                rows.push(SqlRow { table: table.clone(), values, at: (start, length) });
                if !lexer.word(b",") {
                    break;
                }
            }
        }
        self.waiting = rows.into_iter();
    }
}

/// A field of a `COPY` line, with its escapes undone.
fn copied(field: &[u8]) -> Option<Vec<u8>> {
    if field == b"\\N" {
        return None;
    }
    let mut value = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(&byte) = bytes.next() {
        let byte = match byte {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'v') => 11,
                Some(other) => *other,
                None => b'\\',
            },
            byte => byte,
        };
        value.push(byte);
    }
    Some(value)
}

/// The few tokens that dumps are made of.
struct Lexer<'s> {
    rest: &'s [u8],
}

impl Lexer<'_> {
    /// A table's or column's name, without the schema in front.
    fn name(&mut self) -> Option<String> {
        let mut name = self.identifier()?;
        while self.word(b".") {
            name = self.identifier()?;
        }
        Some(name)
    }

    fn identifier(&mut self) -> Option<String> {
        self.rest = self.rest.trim_ascii_start();
        if let Some(rest) = self.rest.strip_prefix(b"\"") {
            let mut name = Vec::new();
            let mut at = 0;
            loop {
                match (rest.get(at), rest.get(at + 1)) {
                    (Some(b'"'), Some(b'"')) => {
                        name.push(b'"');
                        at += 2;
                    }
                    (Some(b'"'), _) => break,
                    (Some(byte), _) => {
                        name.push(*byte);
                        at += 1;
                    }
                    (None, _) => return None,
                }
            }
            self.rest = rest.get(at + 1..)?;
            return String::from_utf8(name).ok();
        }
        let end =
            self.rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
        self.rest = rest;
        String::from_utf8(name.to_vec()).ok()
    }

    fn word(&mut self, word: &[u8]) -> bool {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn list_of_names(&mut self) -> Option<Vec<String>> {
        if !self.word(b"(") {
            return None;
        }
        let mut names = vec![self.name()?];
        while self.word(b",") {
            names.push(self.name()?);
        }
        self.word(b")").then_some(names)
    }

    fn list_of_values(&mut self) -> Option<Vec<Option<Vec<u8>>>> {
        if !self.word(b"(") {
            return None;
        }
        let mut values = vec![self.value()?];
        while self.word(b",") {
            values.push(self.value()?);
        }
        self.word(b")").then_some(values)
    }

    /// A literal. Numbers, booleans and the like keep their text; casts are dropped.
    fn value(&mut self) -> Option<Option<Vec<u8>>> {
        self.rest = self.rest.trim_ascii_start();
        let escapes = self.word(b"E'");
        if !escapes && !self.rest.starts_with(b"'") {
            let end = self.rest.iter().position(|byte| b",)".contains(byte))?;
            let (literal, rest) = self.rest.split_at_checked(end)?;
            self.rest = rest;
            let literal = literal.trim_ascii();
            return Some((literal != b"NULL").then(|| literal.to_vec()));
        }
        let text = if escapes { self.rest } else { self.rest.get(1..)? };
        let mut value = Vec::new();
        let mut at = 0;
        loop {
            match (text.get(at)?, text.get(at + 1)) {
                (b'\'', Some(b'\'')) => {
                    value.push(b'\'');
                    at += 2;
                }
                (b'\'', _) => break,
                (b'\\', Some(_)) if escapes => {
                    let field = text.get(at..at + 2)?;
                    value.extend(copied(field).unwrap_or_default());
                    at += 2;
                }
                (byte, _) => {
                    value.push(*byte);
                    at += 1;
                }
            }
        }
        self.rest = text.get(at + 1..)?;
        if self.word(b"::") {
            self.name()?;
            self.word(b"[]");
        }
        Some(Some(value))
    }
}

/// The elements of a `text[]`, `{a,"b c",NULL}`; `None` if it is none.
pub fn text_array(literal: &[u8]) -> Option<Vec<Vec<u8>>> {
    let inner = literal.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let mut elements = Vec::new();
    let mut at = 0;
    while at < inner.len() {
        let mut element = Vec::new();
        let quoted = inner.get(at) == Some(&b'"');
        at += usize::from(quoted);
        loop {
            match inner.get(at) {
                Some(b'"') if quoted => {
                    at += 1;
                    break;
                }
                Some(b',') if !quoted => break,
                Some(b'\\') => {
                    element.push(*inner.get(at + 1)?);
                    at += 2;
                }
                Some(byte) => {
                    element.push(*byte);
                    at += 1;
                }
                None if quoted => return None,
                None => break,
            }
        }
        if quoted || element != b"NULL" {
            elements.push(element);
        }
        match inner.get(at) {
            Some(b',') => at += 1,
            None => break,
            Some(_) => return None,
        }
    }
    Some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = r#"--
CREATE TABLE public."Order" (
    "objectId" text NOT NULL,
    note text,
    _rperm text[],
    CONSTRAINT x CHECK (true)
);
INSERT INTO public."Order" VALUES ('a', 'it''s; (not)
the end', '{*,"role:a b"}');
INSERT INTO "Order" ("objectId", _rperm) VALUES ('b', NULL), ('c', '{}'::text[]);
COPY public."_Join:users:_Role" ("relatedId", "owningId") FROM stdin;
u1	r1
u\t2	\N
\.
SELECT 1;
"#;

    fn value(row: &SqlRow, column: &str) -> Option<String> {
        row.values.get(column)?.as_ref().map(|value| String::from_utf8_lossy(value).into_owned())
    }

    #[test]
    fn inserts_and_copies_are_rows() {
        let mut rows = SqlRows::new(DUMP.as_bytes());
        let mut found = Vec::new();
        while let Some(row) = rows.next_row().expect("a good dump") {
            found.push(row);
        }
        assert_eq!(found.len(), 5);
        assert_eq!(value(&found[0], "note").as_deref(), Some("it's; (not)\nthe end"));
        assert_eq!(value(&found[0], "_rperm").as_deref(), Some("{*,\"role:a b\"}"));
        assert_eq!((value(&found[1], "objectId").as_deref(), value(&found[1], "_rperm")), (Some("b"), None));
        assert_eq!(value(&found[2], "_rperm").as_deref(), Some("{}"));
        assert_eq!(
            (found[3].table.as_str(), value(&found[3], "owningId").as_deref()),
            ("_Join:users:_Role", Some("r1"))
        );
        assert_eq!((value(&found[4], "relatedId").as_deref(), value(&found[4], "owningId")), (Some("u\t2"), None));
        let line = |at: u64| DUMP[..usize::try_from(at).expect("small")].matches('\n').count() + 1;
        assert_eq!(found.iter().map(|row| line(row.at.0)).collect::<Vec<_>>(), [8, 10, 10, 12, 13]);
    }

    #[test]
    fn a_dump_that_is_cut_off_is_an_error() {
        for text in ["INSERT INTO a VALUES ('x", "COPY a (b) FROM stdin;\nx\n"] {
            let mut rows = SqlRows::new(text.as_bytes());
            let error = loop {
                match rows.next_row() {
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(error) => break Some(error.to_string()),
                }
            };
            assert_eq!(error.as_deref(), Some("the file ends inside a statement"));
        }
    }

    #[test]
    fn arrays_have_quoted_elements() {
        let array = |text: &str| {
            text_array(text.as_bytes())
                .map(|list| list.iter().map(|item| String::from_utf8_lossy(item).into_owned()).collect::<Vec<_>>())
        };
        assert_eq!(array("{*,\"a,b\\\"\",NULL}"), Some(vec!["*".into(), "a,b\"".into()]));
        assert_eq!(array("{}"), Some(vec![]));
        assert_eq!(array("*"), None);
        assert_eq!(array("{\"a"), None);
    }
}
