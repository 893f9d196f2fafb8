//! JSX: tags, and what is between them.

use super::{Before, Scan, is_word};
use crate::code::guard::{Kind, Wrong};
use crate::code::parser::Syntax;

impl Scan<'_> {
    /// Whether `<` begins an element; `<T,>` and `<T extends …>` begin type parameters.
    pub(super) fn is_tag(&self) -> bool {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default().trim_ascii_start();
        let name = rest.iter().take_while(|byte| is_word(**byte)).count();
        let after = rest.get(name..).unwrap_or_default().trim_ascii_start();
        let is_types = self.syntax == Syntax::Tsx && (after.starts_with(b",") || after.starts_with(b"extends "));
        (name > 0 || rest.starts_with(b">")) && !is_types
    }

    pub(super) fn tag(&mut self, byte: u8) -> Result<(), Wrong> {
        match byte {
            b'/' if self.comment() => {}
            b'\'' | b'"' => {
                self.at += 1;
                self.skip_to(&[byte]);
            }
            b'{' => {
                self.nesting.push(Kind::Holder, self.at)?;
                self.go(1, Before::Open)?;
            }
            b'<' => {
                self.nesting.push(Kind::Tag, self.at)?;
                self.at += 1;
            }
            b'/' if self.peek(1) == Some(b'>') => {
                self.nesting.pop(&[Kind::Tag], self.at)?;
                self.go(2, Before::Value)?;
            }
            b'>' => {
                if let Some(frame) = self.nesting.top() {
                    frame.kind = Kind::Children;
                }
                self.at += 1;
            }
            // Names of members are chains as well.
            b'.' => {
                self.nesting.operator(self.at)?;
                self.at += 1;
            }
            _ => self.at += 1,
        }
        Ok(())
    }

    pub(super) fn children(&mut self, byte: u8) -> Result<(), Wrong> {
        match byte {
            b'{' => {
                self.nesting.push(Kind::Holder, self.at)?;
                self.go(1, Before::Open)
            }
            b'<' => {
                let rest = self.bytes.get(self.at + 1..).unwrap_or_default().trim_ascii_start();
                if rest.starts_with(b"/") {
                    self.skip_to(b">");
                    self.nesting.pop(&[Kind::Children], self.at)?;
                    self.before = Before::Value;
                } else {
                    self.nesting.push(Kind::Tag, self.at)?;
                    self.at += 1;
                }
                Ok(())
            }
            _ => {
                self.at += 1;
                Ok(())
            }
        }
    }
}
