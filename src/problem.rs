//! Things that went wrong without stopping the run. They are data: every report
//! shows them, and they lead to exit code 3.

use std::fmt;

/// What could not be read, where, and what was therefore not checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path of the file or folder, as it was given or from the audited folder.
    pub path: String,
    /// Line and column, from 1, where they are known.
    pub line: Option<(usize, usize)>,
    /// What went wrong, without a full stop.
    pub message: String,
    /// What was not checked because of it.
    pub consequence: String,
}

impl Problem {
    /// A problem with a file as a whole.
    pub fn new(path: impl Into<String>, message: impl Into<String>, consequence: impl Into<String>) -> Self {
        Self { path: path.into(), line: None, message: message.into(), consequence: consequence.into() }
    }

    /// The same problem at a line and column, from 1.
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.line = Some((line, column));
        self
    }

    /// The same problem, with something more to know.
    pub fn and(mut self, more: &str) -> Self {
        self.consequence = format!("{}; {more}", self.consequence);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some((line, column)) = self.line {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}; {}", self.message, self.consequence)
    }
}
