//! JSON documents out of a stream, one after the other, with flat memory.
//!
//! Three ways of putting many documents into a file look the same from here: one a
//! line (or simply one after the other), the elements of an array, and the elements
//! of `{"results": […]}`. Only the borders of documents are looked for; whether a
//! document is well-formed is for its parser to say.

use std::io::{self, Read};

use memchr::memchr3;

/// A document may be this long. A longer one ends the reading of its file.
pub const MAX_DOCUMENT: usize = 64 << 20;

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;

/// How the documents of a stream are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// One after the other; a file with a single document is one of these.
    Bare,
    /// Elements of an array.
    Array,
    /// Elements of the array `results`.
    Results,
}

/// Why a stream ended early.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file could not be read further.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Whoever wrote the file must look at it.
    #[error("a document is longer than {} MiB", MAX_DOCUMENT >> 20)]
    TooLong,
    /// Whoever wrote the file must look at it.
    #[error("the file ends inside a document")]
    Truncated,
    /// Whoever wrote the file must look at it.
    #[error("expected a JSON document, found `{}`", .0.escape_ascii())]
    NotJson(u8),
}

/// The documents of a stream.
pub struct Documents<R> {
    from: R,
    buffer: Vec<u8>,
    /// The next byte of the buffer to look at.
    at: usize,
    /// Bytes of the stream before the buffer.
    before: u64,
    ended: bool,
    envelope: Option<Envelope>,
}

impl<R: Read> Documents<R> {
    /// The documents of a stream.
    pub fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), at: 0, before: 0, ended: false, envelope: None }
    }

    /// How the documents are put together; known after the first.
    pub fn envelope(&self) -> Envelope {
        self.envelope.unwrap_or(Envelope::Bare)
    }

    /// Bytes of the stream that were looked at.
    pub fn position(&self) -> u64 {
        self.before + self.at as u64
    }

    /// The next document and the offset of its first byte; `None` at the end.
    ///
    /// # Errors
    ///
    /// See [`DocumentError`]. After an error there are no more documents.
    pub fn next_document(&mut self) -> Result<Option<(&[u8], u64)>, DocumentError> {
        let Some(start) = self.next_beginning()? else { return Ok(None) };
        let offset = self.before + start as u64;
        let end = self.find_end(start)?;
        self.at = end;
        Ok(self.buffer.get(start..end).map(|document| (document, offset)))
    }

    /// What was read of the stream from the beginning of the next document on; `None` at the end.
    ///
    /// Whoever can tell where the document ends steps behind it with [`Self::step`];
    /// whoever cannot takes it by [`Self::next_document`].
    ///
    /// # Errors
    ///
    /// See [`DocumentError`]. After an error there are no more documents.
    pub fn ahead(&mut self) -> Result<Option<&[u8]>, DocumentError> {
        let start = self.next_beginning()?;
        Ok(start.and_then(|start| self.buffer.get(start..)))
    }

    /// Steps over so many bytes of what was read.
    pub fn step(&mut self, bytes: usize) {
        self.at = self.buffer.len().min(self.at + bytes);
    }

    /// Where in the buffer the next document begins; `None` at the end.
    fn next_beginning(&mut self) -> Result<Option<usize>, DocumentError> {
        if self.envelope.is_none() {
            self.envelope = Some(self.open()?);
        }
        let Some(first) = self.next_start()? else { return Ok(None) };
        if self.envelope != Some(Envelope::Bare) && first == b']' {
            // What follows the array of `results` are counts.
            self.at = self.buffer.len();
            self.ended = true;
            return Ok(None);
        }
        Ok(Some(self.drop_read()))
    }

    /// Finds out how the documents are put together and steps inside.
    fn open(&mut self) -> Result<Envelope, DocumentError> {
        while self.buffer.len() < 3 && !self.ended {
            self.fill()?;
        }
        if self.buffer.starts_with("\u{feff}".as_bytes()) {
            self.at = 3;
        }
        match self.next_start()? {
            Some(b'[') => {
                self.at += 1;
                Ok(Envelope::Array)
            }
            Some(b'{') if self.steps_into_results()? => Ok(Envelope::Results),
            _ => Ok(Envelope::Bare),
        }
    }

    /// Steps behind `{"results": [` if the stream begins so.
    fn steps_into_results(&mut self) -> Result<bool, DocumentError> {
        while self.buffer.len() < self.at + 256 && !self.ended {
            self.fill()?;
        }
        let rest = self.buffer.get(self.at + 1..).unwrap_or_default();
        let mut tokens = rest;
        for token in [b"\"results\"".as_slice(), b":", b"["] {
            tokens = tokens.trim_ascii_start();
            let Some(after) = tokens.strip_prefix(token) else { return Ok(false) };
            tokens = after;
        }
        self.at = self.buffer.len() - tokens.len();
        Ok(true)
    }

    /// The first byte of the next document, skipping blanks and commas.
    fn next_start(&mut self) -> Result<Option<u8>, DocumentError> {
        let commas = self.envelope != Some(Envelope::Bare);
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let skipped = rest.iter().position(|byte| !(byte.is_ascii_whitespace() || commas && *byte == b','));
            match skipped {
                Some(skipped) => {
                    self.at += skipped;
                    return Ok(self.buffer.get(self.at).copied());
                }
                None if self.ended && commas => return Err(DocumentError::Truncated),
                None if self.ended => return Ok(None),
                None => {
                    self.at = self.buffer.len();
                    self.drop_read();
                    self.fill()?;
                }
            }
        }
    }

    /// Forgets what was read, when that is worth a move. Returns where the buffer now stands.
    fn drop_read(&mut self) -> usize {
        if self.at == self.buffer.len() || self.at > CHUNK {
            self.buffer.drain(..self.at);
            self.before += self.at as u64;
            self.at = 0;
        }
        self.at
    }

    /// The end of the document that begins at `start`.
    fn find_end(&mut self, start: usize) -> Result<usize, DocumentError> {
        let first = self.buffer.get(start).copied().unwrap_or_default();
        if first != b'{' && first != b'[' {
            return self.find_scalar_end(start, first);
        }
        let (mut at, mut depth, mut in_string) = (start, 0usize, false);
        loop {
            let Some(&byte) = self.buffer.get(at) else {
                self.more(start)?;
                continue;
            };
            if in_string {
                let rest = self.buffer.get(at..).unwrap_or_default();
                match memchr::memchr2(b'"', b'\\', rest) {
                    Some(skipped) if rest.get(skipped) == Some(&b'"') => {
                        at += skipped + 1;
                        in_string = false;
                    }
                    // A backslash and what it escapes, which the buffer may not have yet.
                    Some(skipped) => at += skipped + 2,
                    None => at = self.buffer.len(),
                }
                continue;
            }
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(at + 1);
                    }
                }
                _ => {
                    // Numbers, blanks and punctuation up to the next byte of structure.
                    let rest = self.buffer.get(at..).unwrap_or_default();
                    at += skip_plain(rest);
                    continue;
                }
            }
            at += 1;
        }
    }

    /// A document that is no object: only JSON's own words and numbers may stand there.
    fn find_scalar_end(&mut self, start: usize, first: u8) -> Result<usize, DocumentError> {
        if !first.is_ascii_digit() && !b"\"-tfn".contains(&first) {
            return Err(DocumentError::NotJson(first));
        }
        let mut at = start + 1;
        loop {
            match self.buffer.get(at) {
                None if self.ended => return Ok(at),
                None => self.more(start)?,
                Some(b',' | b']' | b'\n' | b' ' | b'\t' | b'\r') if first != b'"' => return Ok(at),
                Some(b'"') if first == b'"' => return Ok(at + 1),
                Some(b'\\') if first == b'"' => at += 2,
                Some(_) => at += 1,
            }
        }
    }

    /// Reads more of a document that is not complete.
    fn more(&mut self, start: usize) -> Result<(), DocumentError> {
        if self.ended {
            return Err(DocumentError::Truncated);
        }
        if self.buffer.len() - start > MAX_DOCUMENT {
            return Err(DocumentError::TooLong);
        }
        self.fill()
    }

    fn fill(&mut self) -> Result<(), DocumentError> {
        let length = self.buffer.len();
        self.buffer.resize(length + CHUNK, 0);
        let mut read = 0;
        while read == 0 {
            match self.from.read(self.buffer.get_mut(length..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(bytes) => read = bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(length);
                    self.ended = true;
                    return Err(error.into());
                }
            }
        }
        self.ended |= read == 0;
        self.buffer.truncate(length + read);
        Ok(())
    }
}

/// How many bytes have no part in the structure of a document.
fn skip_plain(bytes: &[u8]) -> usize {
    // A string is what comes next nearly always; brackets are looked for up to there.
    let to_string = memchr3(b'"', b'}', b']', bytes).unwrap_or(bytes.len());
    let plain = bytes.get(..to_string).unwrap_or_default();
    memchr::memchr2(b'{', b'[', plain).unwrap_or(to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives one byte at a time.
    struct Drip<'b>(&'b [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            into[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn all(text: &str) -> (Vec<(String, u64)>, Envelope, Option<String>) {
        let mut from_drip = Vec::new();
        let mut documents = Documents::new(Drip(text.as_bytes()));
        let error = loop {
            match documents.next_document() {
                Ok(Some((document, offset))) => {
                    from_drip.push((String::from_utf8_lossy(document).into_owned(), offset))
                }
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        (from_drip, documents.envelope(), error)
    }

    #[test]
    fn documents_one_after_the_other() {
        let (found, envelope, error) = all("\u{feff}{\"a\":\"}\\\"{\"}\n\n{\"b\":[1,{}]} {}\n");
        assert_eq!(found, [("{\"a\":\"}\\\"{\"}".into(), 3), ("{\"b\":[1,{}]}".into(), 17), ("{}".into(), 30)]);
        assert_eq!((envelope, error), (Envelope::Bare, None));
    }

    #[test]
    fn elements_of_an_array_and_of_results() {
        let (found, envelope, _) = all("[ {\"a\":1} , {\"b\":2}]");
        assert_eq!((found.len(), envelope), (2, Envelope::Array));
        let (found, envelope, _) = all("{ \"results\" : [{\"a\":1},\n{\"b\":2}\n], \"count\": 2 }");
        assert_eq!((found.len(), envelope), (2, Envelope::Results));
        let (found, envelope, error) = all("{\"results\":[]}");
        assert_eq!((found.len(), envelope, error), (0, Envelope::Results, None));
        let (found, envelope, _) = all("{\"resultsOf\":[1]}");
        assert_eq!((found.len(), envelope), (1, Envelope::Bare));
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        for text in ["{\"a\":1}\n{\"b\":", "[{\"a\":1},", "[{\"a\":1}", "{\"results\":[{}", "{\"a\":\"\\"] {
            let (_, _, error) = all(text);
            assert_eq!(error.as_deref(), Some("the file ends inside a document"), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_json_is_an_error() {
        assert_eq!(all("hello").2.as_deref(), Some("expected a JSON document, found `h`"));
        assert_eq!(all("{}\u{1b}").2.as_deref(), Some("expected a JSON document, found `\\x1b`"));
    }

    #[test]
    fn a_deep_document_is_found_whole() {
        let text = format!("{}{}", "[".repeat(100_001), "]".repeat(100_001));
        let mut documents = Documents::new(text.as_bytes());
        let length = documents.next_document().expect("found").map(|(document, _)| document.len());
        assert_eq!(length, Some(200_000));
    }
}
