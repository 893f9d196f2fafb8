//! Words and numbers: those that begin statements, and those that are operators.

use super::{Before, Scan};
use crate::code::guard::Wrong;

impl Scan<'_> {
    pub(super) fn word(&mut self) -> Result<(), Wrong> {
        let begin = self.at;
        self.skip_word();
        let word = self.bytes.get(begin..self.at).unwrap_or_default();
        if word.first().is_some_and(u8::is_ascii_digit) {
            self.fraction();
        }
        let head = std::mem::take(&mut self.head);
        if self.before == Before::Dot {
            self.before = Before::Value;
            return Ok(());
        }
        if word == b"else" {
            if let Some(frame) = self.nesting.top() {
                frame.ended = false;
                frame.end_expression();
            }
            self.before = Before::Statement;
            return self.nesting.statement(begin);
        }
        self.settle();
        let after_value = matches!(self.before, Before::Value | Before::Block);
        match word {
            b"in" | b"instanceof" => return self.after(Before::Word, begin),
            b"of" | b"as" | b"satisfies" | b"is" | b"extends" if after_value => return self.after(Before::Word, begin),
            _ if after_value => self.nesting.end_statement(),
            _ => {}
        }
        self.before = match word {
            b"if" | b"for" | b"while" | b"with" => {
                self.head = true;
                self.nesting.statement(begin)?;
                Before::Other
            }
            b"do" => {
                self.nesting.statement(begin)?;
                Before::Statement
            }
            b"switch" | b"catch" => {
                self.head = true;
                Before::Other
            }
            b"case" => {
                self.nesting.end_statement();
                Before::Word
            }
            b"default" => {
                self.nesting.end_statement();
                Before::Word
            }
            b"return" | b"throw" | b"export" | b"const" | b"var" | b"break" | b"continue" | b"try" | b"finally" => {
                if let Some(frame) = self.nesting.top() {
                    frame.end_expression();
                }
                match word {
                    b"try" | b"finally" => Before::Statement,
                    b"export" => Before::Other,
                    _ => Before::Word,
                }
            }
            b"typeof" | b"void" | b"delete" | b"new" | b"yield" | b"keyof" | b"readonly" | b"infer" | b"unique" => {
                return self.after(Before::Word, begin);
            }
            // `for await (…)`.
            b"await" => {
                self.head = head;
                return self.after(Before::Word, begin);
            }
            b"async" => return self.after(Before::Other, begin),
            b"function" | b"class" | b"import" | b"let" | b"static" | b"abstract" | b"get" | b"set" => Before::Other,
            _ => Before::Value,
        };
        Ok(())
    }

    fn after(&mut self, before: Before, at: usize) -> Result<(), Wrong> {
        self.before = before;
        self.nesting.operator(at)
    }

    /// What follows the whole part of a number.
    fn fraction(&mut self) {
        let digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'e' | b'E');
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            if self.peek(0).is_some_and(digit) {
                self.skip_word();
            }
        }
    }
}
