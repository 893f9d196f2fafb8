//! Refuses texts whose tree would be too deep or too expensive, before they are parsed.
//!
//! Reads a text once, token by token, in linear time. For each open bracket it keeps how
//! long the longest chain of nested operators and statements was, and how high what was
//! closed inside it is; the sum bounds the height of the tree. Chains of one operator that
//! `lower` makes flat count apart. A guess too high is harmless within reason: hand-written
//! code stays below a tenth of every limit.

use super::parser::{Refusal, Syntax};
use crate::model::Span;

mod scan;
#[cfg(test)]
mod tests;

/// Longest text in bytes.
const LONGEST: usize = 2 << 20;
/// Most brackets that are open at once.
const BRACKETS: usize = 500;
/// Longest chain of operators and statements that nest.
const CHAIN: u32 = 2_000;
/// Longest chain of one operator that becomes flat, such as `+`.
const FLAT: u32 = 20_000;
/// Highest tree.
const HEIGHT: u32 = 3_000;
/// Sum of squares of `<` that are open at once. The parser tries each as the begin of type
/// arguments and, if it was not, all that follow again: 110 bytes for each of the sum.
const RETRIES: u64 = 2_000_000;

/// What encloses a part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The file.
    File,
    /// `if (…)`, `for (…)`: a statement follows.
    Head,
    /// `(…)`.
    Parens,
    /// `[…]`.
    Square,
    /// `{…}` with statements, or a body of a class.
    Block,
    /// `{…}` with properties.
    Object,
    /// `${…}`.
    Template,
    /// `<name …>` of JSX.
    Tag,
    /// What is between two tags of JSX.
    Children,
    /// `{…}` in JSX.
    Holder,
}

/// An open bracket, or the file.
#[derive(Debug)]
struct Frame {
    kind: Kind,
    /// Whether it may be a type, in which `;` ends no statement.
    may_be_type: bool,
    /// Nested statements without brackets: `if (a) for (;;) …`.
    statements: u32,
    /// Nested operators since the last comma.
    operators: u32,
    /// The longest chain so far.
    longest: u32,
    /// The highest of what was closed inside.
    highest: u32,
    /// Length of the chain of one flat operator, and which.
    flat: (u32, u8),
    /// Open `? :`.
    conditions: u32,
    /// Whether a statement ended, unless `else` follows.
    ended: bool,
}

impl Frame {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            may_be_type: false,
            statements: 0,
            operators: 0,
            longest: 0,
            highest: 0,
            flat: (0, 0),
            conditions: 0,
            ended: false,
        }
    }

    fn height(&self) -> u32 {
        self.longest + self.highest
    }

    fn end_expression(&mut self) {
        self.operators = 0;
        self.flat = (0, 0);
        self.conditions = 0;
    }

    fn end_statement(&mut self) {
        self.end_expression();
        self.statements = 0;
        self.ended = false;
    }
}

/// What is wrong with a text, and at which byte.
struct Wrong(String, usize);

/// Whether a text may be parsed with a syntax.
pub(super) fn check(text: &str, syntax: Syntax) -> Result<(), Refusal> {
    checked(text, syntax, Kind::File)
}

/// Whether a text may be parsed as an expression.
pub(super) fn check_expression(text: &str) -> Result<(), Refusal> {
    checked(text, Syntax::JavaScript, Kind::Parens)
}

fn checked(text: &str, syntax: Syntax, kind: Kind) -> Result<(), Refusal> {
    if text.len() > LONGEST {
        return Err(Refusal { reason: format!("longer than {} MiB", LONGEST >> 20), at: None });
    }
    scan::Scan::new(text, syntax, kind)
        .run()
        .map_err(|Wrong(reason, at)| Refusal { reason, at: Some(Span::new(text, at, at + 1)) })
}

/// The open brackets and what they add up to.
struct Nesting {
    open: Vec<Frame>,
    /// `<` that are open, and the most since the last that surely were closed.
    angles: (u32, u32),
    retries: u64,
    typed: bool,
}

impl Nesting {
    fn new(kind: Kind, typed: bool) -> Self {
        Self { open: vec![Frame::new(kind)], angles: (0, 0), retries: 0, typed }
    }

    fn top(&mut self) -> Option<&mut Frame> {
        self.open.last_mut()
    }

    fn kind(&self) -> Kind {
        self.open.last().map_or(Kind::File, |frame| frame.kind)
    }

    fn push(&mut self, kind: Kind, at: usize) -> Result<(), Wrong> {
        if self.open.len() > BRACKETS {
            return Err(Wrong(format!("brackets are nested more than {BRACKETS} deep"), at));
        }
        self.open.push(Frame::new(kind));
        Ok(())
    }

    /// Closes a bracket; `false` if another one or none is open.
    fn pop(&mut self, kinds: &[Kind], at: usize) -> Result<bool, Wrong> {
        if self.open.len() < 2 || !kinds.contains(&self.kind()) {
            return Ok(false);
        }
        let height = self.open.pop().map_or(0, |frame| frame.height());
        if let Some(frame) = self.top() {
            frame.highest = frame.highest.max(height + 1);
        }
        self.low(at).map(|()| true)
    }

    fn low(&self, at: usize) -> Result<(), Wrong> {
        if self.open.last().is_some_and(|frame| frame.height() > HEIGHT) {
            return Err(Wrong(format!("expressions are nested more than {HEIGHT} deep"), at));
        }
        Ok(())
    }

    /// An operator that nests.
    fn operator(&mut self, at: usize) -> Result<(), Wrong> {
        if let Some(frame) = self.top() {
            frame.operators += 1;
        }
        self.longer(at)
    }

    /// A statement that nests.
    fn statement(&mut self, at: usize) -> Result<(), Wrong> {
        if let Some(frame) = self.top() {
            frame.statements += 1;
        }
        self.longer(at)
    }

    fn longer(&mut self, at: usize) -> Result<(), Wrong> {
        let Some(frame) = self.top() else { return Ok(()) };
        let chain = frame.statements + frame.operators;
        frame.longest = frame.longest.max(chain);
        if chain > CHAIN {
            return Err(Wrong(format!("a chain of more than {CHAIN} operators"), at));
        }
        self.low(at)
    }

    /// An operator whose chains become flat; where two of them alternate, they nest.
    fn flat(&mut self, group: u8, at: usize) -> Result<(), Wrong> {
        let Some(frame) = self.top() else { return Ok(()) };
        let (count, last) = frame.flat;
        frame.flat = (count + 1, group);
        if count + 1 > FLAT {
            return Err(Wrong(format!("a chain of more than {FLAT} operators"), at));
        }
        if last == group { Ok(()) } else { self.operator(at) }
    }

    fn open_angle(&mut self, at: usize) -> Result<(), Wrong> {
        if self.typed {
            self.angles.0 += 1;
            self.angles.1 = self.angles.1.max(self.angles.0);
            let most = u64::from(self.angles.1);
            if self.retries + most * most > RETRIES {
                return Err(Wrong("too many `<` in one statement".to_owned(), at));
            }
        }
        Ok(())
    }

    fn close_angle(&mut self) {
        self.angles.0 = self.angles.0.saturating_sub(1);
    }

    /// From here on no `<` before can begin type arguments.
    fn no_angles(&mut self) {
        let most = u64::from(self.angles.1);
        self.retries += most * most;
        self.angles = (0, 0);
    }

    fn end_statement(&mut self) {
        let Some(frame) = self.top() else { return };
        let sure = !frame.may_be_type;
        frame.end_statement();
        if sure {
            self.no_angles();
        }
    }
}
