//! The tokens of a text, as far as nesting depends on them.
//!
//! Where a slash begins a regular expression and where `<` begins a tag is told by what
//! stands before, as in every highlighter. Words of a file are compared only if a
//! statement or an operator may begin with them.

use super::{Kind, Nesting, Syntax, Wrong};

mod markup;
mod words;

/// What stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The begin, an operator, a comma or an open bracket: a value must follow.
    Open,
    /// A value that operators may follow.
    Value,
    /// `}` of a block: a statement or an operator may follow.
    Block,
    /// `;` or `)` of a head: a statement follows.
    Statement,
    /// `.`: a name follows.
    Dot,
    /// `=>`.
    Arrow,
    /// A word that a value follows: `return`.
    Word,
    /// A word before a block, a name or a value: `else`, `async`.
    Other,
}

/// Operators that become flat, by what they may be flat with.
const SUM: u8 = 1;
const ARITHMETIC: u8 = 2;
const AND: u8 = 3;
const OR: u8 = 4;
const COALESCE: u8 = 5;

/// Goes through a text.
pub(super) struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    syntax: Syntax,
    before: Before,
    /// Whether the bracket that follows is the head of a statement.
    head: bool,
    nesting: Nesting,
}

impl<'t> Scan<'t> {
    pub(super) fn new(text: &'t str, syntax: Syntax, kind: Kind) -> Self {
        let nesting = Nesting::new(kind, syntax != Syntax::JavaScript);
        let before = if kind == Kind::File { Before::Statement } else { Before::Open };
        Self { text, bytes: text.as_bytes(), at: 0, syntax, before, head: false, nesting }
    }

    pub(super) fn run(mut self) -> Result<(), Wrong> {
        if self.bytes.starts_with(b"#!") {
            self.skip_line();
        }
        while let Some(byte) = self.peek(0) {
            match self.nesting.kind() {
                Kind::Tag => self.tag(byte)?,
                Kind::Children => self.children(byte)?,
                Kind::File
                | Kind::Head
                | Kind::Parens
                | Kind::Square
                | Kind::Block
                | Kind::Object
                | Kind::Template
                | Kind::Holder => self.token(byte)?,
            }
        }
        if self.nesting.open.len() > 1 {
            return Err(Wrong("a bracket is not closed".to_owned(), self.bytes.len()));
        }
        Ok(())
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn follows(&self, what: &[u8]) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(what))
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|byte| byte != b'\n' && byte != b'\r') {
            self.at += 1;
        }
    }

    /// Goes on behind `end`, or to the end of the text.
    fn skip_to(&mut self, end: &[u8]) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = memchr::memmem::find(rest, end).map_or(self.bytes.len(), |found| self.at + found + end.len());
    }

    fn token(&mut self, byte: u8) -> Result<(), Wrong> {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.at += 1;
                return Ok(());
            }
            b'/' if self.comment() => return Ok(()),
            b'<' if self.follows(b"<!--") => {
                self.skip_line();
                return Ok(());
            }
            _ if self.wide_blank() > 0 => {
                self.at += self.wide_blank();
                return Ok(());
            }
            _ if is_word(byte) => return self.word(),
            _ => {}
        }
        let head = std::mem::take(&mut self.head);
        if byte != b'}' && byte != b';' {
            self.settle();
        }
        match byte {
            b'\'' | b'"' => self.text(byte),
            b'`' => {
                if self.before == Before::Value {
                    self.nesting.operator(self.at)?;
                }
                self.at += 1;
                self.template()
            }
            b'(' | b'[' => self.open(byte, head),
            b'{' => self.brace(),
            b')' | b']' | b'}' => self.close(byte),
            b';' => {
                if let Some(frame) = self.nesting.top() {
                    frame.end_expression();
                    // The statement too, unless `else` follows; see `settle`.
                    frame.ended = true;
                }
                self.go(1, Before::Statement)
            }
            b',' => {
                if let Some(frame) = self.nesting.top() {
                    frame.end_expression();
                }
                self.go(1, Before::Open)
            }
            b'/' if !matches!(self.before, Before::Value | Before::Other) => self.regex(),
            b'.' if self.before != Before::Value && self.peek(1).is_some_and(|next| next.is_ascii_digit()) => {
                self.at += 1;
                self.word()
            }
            _ => self.operator(byte),
        }
    }

    /// A comment, if there is one.
    fn comment(&mut self) -> bool {
        match self.peek(1) {
            Some(b'/') => self.skip_line(),
            Some(b'*') => {
                self.at += 2;
                self.skip_to(b"*/");
            }
            Some(_) | None => return false,
        }
        true
    }

    /// The length of a blank or line end beyond ASCII; 0 if there is none.
    fn wide_blank(&self) -> usize {
        if self.peek(0).is_none_or(|byte| byte.is_ascii()) {
            return 0;
        }
        let letter = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        letter.filter(|letter| letter.is_whitespace() || *letter == '\u{feff}').map_or(0, char::len_utf8)
    }

    /// Goes behind the letters and digits that follow.
    fn skip_word(&mut self) {
        while self.peek(0).is_some_and(is_word) && self.wide_blank() == 0 {
            self.at += 1;
        }
    }

    fn go(&mut self, length: usize, before: Before) -> Result<(), Wrong> {
        self.at += length;
        self.before = before;
        Ok(())
    }

    /// Ends the statement that a semicolon closed: something else than `else` follows.
    fn settle(&mut self) {
        if self.nesting.top().is_some_and(|frame| std::mem::take(&mut frame.ended)) {
            self.nesting.end_statement();
        }
    }

    fn open(&mut self, byte: u8, head: bool) -> Result<(), Wrong> {
        if matches!(self.before, Before::Value | Before::Block) {
            self.nesting.operator(self.at)?;
        }
        let kind = match byte {
            b'[' => Kind::Square,
            _ if head => Kind::Head,
            _ => Kind::Parens,
        };
        self.nesting.push(kind, self.at)?;
        self.go(1, Before::Open)
    }

    fn brace(&mut self) -> Result<(), Wrong> {
        let closed = self.bytes.get(..self.at).and_then(|text| text.trim_ascii_end().last()).copied();
        // No type has `{` behind these.
        let no_type = matches!(closed, Some(b')' | b'>' | b']' | b'}' | b';')) && self.before != Before::Arrow;
        let no_type = no_type || self.before == Before::Value;
        let in_statements = matches!(self.nesting.kind(), Kind::File | Kind::Block);
        let is_object = match self.before {
            Before::Open => {
                let label = closed == Some(b':') && self.nesting.top().is_some_and(|frame| frame.conditions == 0);
                !(in_statements && label)
            }
            Before::Word | Before::Dot => true,
            Before::Value | Before::Block | Before::Statement | Before::Arrow | Before::Other => false,
        };
        if in_statements && self.before == Before::Block {
            self.nesting.end_statement();
        }
        if no_type {
            self.nesting.no_angles();
        }
        self.nesting.push(if is_object { Kind::Object } else { Kind::Block }, self.at)?;
        if let Some(frame) = self.nesting.top() {
            frame.may_be_type = !no_type;
        }
        self.go(1, if is_object { Before::Open } else { Before::Statement })
    }

    fn close(&mut self, byte: u8) -> Result<(), Wrong> {
        let kind = self.nesting.kind();
        let kinds: &[Kind] = match byte {
            b')' => &[Kind::Head, Kind::Parens],
            b']' => &[Kind::Square],
            _ => &[Kind::Block, Kind::Object, Kind::Template, Kind::Holder],
        };
        let popped = self.nesting.pop(kinds, self.at)?;
        self.at += 1;
        self.before = match kind {
            Kind::Template if popped => return self.template(),
            Kind::Head => Before::Statement,
            Kind::Block => Before::Block,
            _ => Before::Value,
        };
        Ok(())
    }

    fn text(&mut self, quote: u8) -> Result<(), Wrong> {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'\n' | b'\r' => break,
                _ if byte == quote => break,
                _ => {}
            }
        }
        self.value();
        Ok(())
    }

    fn value(&mut self) {
        if matches!(self.before, Before::Value | Before::Block) {
            self.nesting.end_statement();
        }
        self.before = Before::Value;
    }

    /// The text of a template to its end or to the next value in it.
    fn template(&mut self) -> Result<(), Wrong> {
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'`' => break,
                b'$' if self.peek(0) == Some(b'{') => {
                    self.nesting.push(Kind::Template, self.at)?;
                    return self.go(1, Before::Open);
                }
                _ => {}
            }
        }
        self.before = Before::Value;
        Ok(())
    }

    fn regex(&mut self) -> Result<(), Wrong> {
        let begin = self.at;
        let mut in_set = false;
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'[' => in_set = true,
                b']' => in_set = false,
                b'/' if !in_set => break,
                b'\n' | b'\r' => break,
                _ => {}
            }
        }
        // If it is a division after all, what is nested in it is unseen.
        let inside = self.bytes.get(begin..self.at).unwrap_or_default();
        if inside.iter().filter(|byte| matches!(byte, b'(' | b'[' | b'{')).count() > super::BRACKETS {
            return Err(Wrong("a regular expression with too many brackets".to_owned(), begin));
        }
        self.value();
        Ok(())
    }

    fn operator(&mut self, byte: u8) -> Result<(), Wrong> {
        let at = self.at;
        let after_value = matches!(self.before, Before::Value | Before::Block);
        match byte {
            b'+' | b'-' if self.peek(1) == Some(byte) => {
                self.at += 2;
                return Ok(());
            }
            b'<' => return self.angle(after_value),
            b'>' => {
                while self.peek(0) == Some(b'>') {
                    self.nesting.close_angle();
                    self.at += 1;
                }
                self.nesting.operator(at)?;
                return self.go(usize::from(self.peek(0) == Some(b'=')), Before::Open);
            }
            b'=' if self.peek(1) == Some(b'>') => {
                self.nesting.operator(at)?;
                return self.go(2, Before::Arrow);
            }
            b'?' if self.peek(1) == Some(b'.') && !self.peek(2).is_some_and(|next| next.is_ascii_digit()) => {
                self.nesting.operator(at)?;
                return self.go(2, Before::Dot);
            }
            b'.' if self.follows(b"...") => {
                self.nesting.operator(at)?;
                return self.go(3, Before::Open);
            }
            b'.' => {
                self.nesting.operator(at)?;
                return self.go(1, Before::Dot);
            }
            // `a!` of TypeScript; a second statement that begins with `!` looks the same.
            b'!' if after_value && self.peek(1) != Some(b'=') => {
                self.nesting.operator(at)?;
                self.at += 1;
                return Ok(());
            }
            b':' => {
                let named = self.before == Before::Value || self.before == Before::Other;
                let label = named && matches!(self.nesting.kind(), Kind::File | Kind::Block);
                if label && self.nesting.top().is_some_and(|frame| frame.conditions == 0) {
                    self.nesting.statement(at)?;
                }
                return self.go(1, Before::Open);
            }
            b'#' | b'@' | b'\\' => return self.go(1, Before::Open),
            b'=' | b'!' | b'~' | b'?' | b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' => {}
            // No token of the language.
            _ => {
                self.at += 1;
                return Ok(());
            }
        }
        // The longest run of operator signs that is one operator.
        let doubled = self.peek(1) == Some(byte) && matches!(byte, b'&' | b'|' | b'?' | b'*' | b'=');
        let mut length = 1 + usize::from(doubled);
        while self.peek(length) == Some(b'=') {
            length += 1;
        }
        let assigns = self.peek(length - 1) == Some(b'=');
        let group = match byte {
            _ if assigns || !after_value => None,
            b'+' => Some(SUM),
            b'&' if doubled => Some(AND),
            b'|' if doubled => Some(OR),
            b'?' if doubled => Some(COALESCE),
            b'*' if doubled => None,
            b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' => Some(ARITHMETIC),
            _ => None,
        };
        if byte == b'?'
            && !doubled
            && let Some(frame) = self.nesting.top()
        {
            frame.conditions += 1;
        }
        match group {
            Some(group) => self.nesting.flat(group, at)?,
            None => self.nesting.operator(at)?,
        }
        self.go(length, Before::Open)
    }

    fn angle(&mut self, after_value: bool) -> Result<(), Wrong> {
        if !after_value && self.syntax != Syntax::TypeScript && self.is_tag() {
            self.nesting.push(Kind::Tag, self.at)?;
            self.at += 1;
            return Ok(());
        }
        if self.follows(b"<<") && after_value {
            self.nesting.flat(ARITHMETIC, self.at)?;
            self.nesting.open_angle(self.at)?;
            return self.go(2, Before::Open);
        }
        self.nesting.operator(self.at)?;
        self.nesting.open_angle(self.at)?;
        self.go(1 + usize::from(self.peek(1) == Some(b'=')), Before::Open)
    }
}

/// Whether a byte is part of a name or number.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
