//! Where a fact stands: a file, and the bytes or the JSON pointer in it.
//!
//! Lines and columns exist only in reports; here everything is bytes and names.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::spans::{self, Pointers, Syntax};

/// The number of a file in [`Texts`]: those that may describe the app in the order of paths,
/// behind them those that were only searched for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// Bytes of a text, half-open, in order and on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    start: usize,
    end: usize,
}

impl Span {
    /// The span from `start` to `end` as far as `text` has it: swapped if reversed,
    /// cut to the length, widened to whole characters.
    pub fn new(text: &str, start: usize, end: usize) -> Self {
        let (start, end) = if start <= end { (start, end) } else { (end, start) };
        let mut start = start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = end.min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        Self { start, end }
    }

    /// The first byte.
    pub fn start(self) -> usize {
        self.start
    }

    /// The byte after the last.
    pub fn end(self) -> usize {
        self.end
    }
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Bytes of a text.
    Text {
        /// The file.
        file: FileId,
        /// The bytes.
        span: Span,
    },
    /// A value of a structured text, or the nearest value above it that is written there.
    Pointer {
        /// The file.
        file: FileId,
        /// JSON pointer (RFC 6901); see [`Syntax`] for files of several documents.
        pointer: String,
    },
    /// A file as a whole, such as an export of data, whose contents are never shown.
    File {
        /// The file.
        file: FileId,
    },
}

impl Place {
    /// The file of the place.
    pub fn file(&self) -> FileId {
        match self {
            Self::Text { file, .. } | Self::Pointer { file, .. } | Self::File { file } => *file,
        }
    }

    /// The place of a part, given by a JSON pointer below this one.
    pub fn below(&self, part: &str) -> Self {
        match self {
            Self::Pointer { file, pointer } => Self::Pointer { file: *file, pointer: format!("{pointer}{part}") },
            Self::Text { .. } | Self::File { .. } => self.clone(),
        }
    }
}

/// The files that places point into.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Texts {
    files: BTreeMap<FileId, SourceFile>,
}

/// One file that places point into.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceFile {
    /// Path from the audited folder, with `/`; for an entry of an archive the archive's path.
    pub path: String,
    /// What is kept of its contents.
    pub content: Content,
}

/// What is kept of a file's contents.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// The whole text.
    Text(Text),
    /// Only the beginning, some thousand bytes: an export of data, or a binary file.
    Head(Vec<u8>),
}

/// A text that findings point into.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// As it is in the file, without a byte order mark.
    pub text: String,
    /// Whether a byte order mark was cut off in front.
    pub had_bom: bool,
    /// How much of it a report may show.
    pub show: Show,
    /// How to find the place of a JSON pointer in it.
    pub syntax: Syntax,
    /// From pointer to span, made when first asked for.
    pointers: OnceLock<Pointers>,
}

/// How much of a text a report may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Show {
    /// Everything: a description of classes.
    Everything,
    /// A line of code, without texts in it that may be keys.
    Code,
    /// Only the value a finding points at: a configuration, in which keys may stand.
    NoValues,
    /// Nothing: rows of data.
    Nothing,
}

impl Text {
    /// A text as it was read; `bytes` that are no UTF-8 become U+FFFD.
    pub fn new(bytes: &[u8], show: Show, syntax: Syntax) -> Self {
        let without = bytes.strip_prefix("\u{feff}".as_bytes());
        Self {
            text: String::from_utf8_lossy(without.unwrap_or(bytes)).into_owned(),
            had_bom: without.is_some(),
            show,
            syntax,
            pointers: OnceLock::new(),
        }
    }

    /// Puts stars in place of some bytes and whole characters round them; ends of lines stay.
    pub fn blank(&mut self, spans: impl IntoIterator<Item = std::ops::Range<usize>>) {
        let spans: Vec<Span> = spans.into_iter().map(|span| Span::new(&self.text, span.start, span.end)).collect();
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        for span in spans {
            let part = bytes.get_mut(span.start()..span.end()).unwrap_or_default();
            part.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b'*');
        }
        // Only whole characters were replaced, by characters of one byte.
        self.text = String::from_utf8(bytes).unwrap_or_default();
        self.pointers = OnceLock::new();
    }

    /// The span of a pointer's value, or of the nearest value above it that is written there.
    pub fn span_of(&self, pointer: &str) -> Option<Span> {
        let pointers = self.pointers.get_or_init(|| spans::index(&self.text, self.syntax));
        let mut pointer = pointer;
        loop {
            if let Some(span) = pointers.get(pointer) {
                return Some(*span);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }
}

/// Whether a path is no file but an answer of a running app, whose paths are addresses.
pub fn is_of_running_app(path: &str) -> bool {
    path.contains("://")
}

impl Texts {
    /// Adds a file.
    pub fn insert(&mut self, id: FileId, file: SourceFile) {
        self.files.insert(id, file);
    }

    /// The file with this number.
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(&id)
    }

    /// The file with this number, to be changed.
    pub fn get_mut(&mut self, id: FileId) -> Option<&mut SourceFile> {
        self.files.get_mut(&id)
    }

    /// All files, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut SourceFile> {
        self.files.values_mut()
    }

    /// All files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().map(|(id, file)| (*id, file))
    }

    /// The path of a place's file; empty if the file is unknown.
    pub fn path(&self, place: &Place) -> &str {
        self.get(place.file()).map_or("", |file| &file.path)
    }

    /// The bytes a place means; `None` if it means a file as a whole.
    ///
    /// A pointer to something that is not written there gives the nearest value above it.
    pub fn span(&self, place: &Place) -> Option<Span> {
        match place {
            Place::File { .. } => None,
            Place::Text { span, .. } => Some(*span),
            Place::Pointer { file, pointer } => match &self.get(*file)?.content {
                Content::Text(text) => text.span_of(pointer),
                Content::Head(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_blanked_keeps_its_lines_and_length() {
        let mut text = Text::new("a: \"bé\nc\"".as_bytes(), Show::Everything, Syntax::Plain);
        text.blank([4..6, 8..9]);
        assert_eq!(text.text, "a: \"***\n*\"");
    }

    #[test]
    fn a_span_is_ordered_cut_and_on_whole_characters() {
        let span = Span::new("aé", 99, 2);
        assert_eq!((span.start(), span.end()), (1, 3));
        let empty = Span::new("", 5, 7);
        assert_eq!((empty.start(), empty.end()), (0, 0));
    }
}
