//! A mistake in a text that a person wrote, shown with its line, a caret, and what
//! would have been right.

use std::fmt;
use std::ops::Range;

/// A mistake. Whoever wrote the text must act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub path: String,
    /// Line and column of the mistake, from 1.
    pub line: usize,
    /// See `line`.
    pub column: usize,
    /// How many characters are wrong.
    pub width: usize,
    /// The text of the line.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: Option<String>,
}

impl Mistake {
    /// A mistake at some bytes of a text.
    pub fn new(
        path: &str,
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        expected: Option<String>,
    ) -> Self {
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(line_start..).and_then(|rest| rest.split('\n').next()).unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let room = line.chars().count().saturating_sub(column - 1);
        let wrong = text.get(start..span.end.max(start)).and_then(|wrong| wrong.split('\n').next()).unwrap_or_default();
        Self {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column,
            width: wrong.chars().count().clamp(1, room.max(1)),
            text: line.trim_end().to_owned(),
            message: message.into(),
            expected,
        }
    }

    /// A mistake that the TOML parser found in `text`, of which it saw what begins at `offset`.
    pub fn of_toml(path: &str, text: &str, offset: usize, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let (message, expected) = match error.message().split_once(", expected ") {
            Some((message, expected)) => (message, Some(format!("expected {expected}"))),
            None => (error.message(), None),
        };
        let words =
            [("unknown field", "unknown key"), ("missing field", "missing key"), ("unknown variant", "unknown value")];
        let message = words.iter().fold(message.to_owned(), |message, (from, to)| message.replace(from, to));
        Self::new(path, text, span.start + offset..span.end + offset, message, expected)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let margin = " ".repeat(self.line.to_string().len());
        // A tab would put the caret in the wrong place, and an escape sequence something else into a terminal.
        let plain = |text: &str| {
            text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect::<String>()
        };
        writeln!(f, "{}:{}:{}: {}", plain(&self.path), self.line, self.column, plain(&self.message))?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{} | {}", self.line, plain(&self.text))?;
        write!(f, "{margin} | {}{}", " ".repeat(self.column.saturating_sub(1)), "^".repeat(self.width.max(1)))?;
        match &self.expected {
            Some(expected) => write!(f, "\n{margin} = {}", plain(expected)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Mistake {}
