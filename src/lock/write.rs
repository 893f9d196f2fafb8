//! A lock as a text: one fact a line, each with its whole key and a digest of itself.
//!
//! GitHub tells alerts apart by a hash of the 100 characters from the beginning of a line,
//! so a line with that many has a hash that its neighbours have no part in. The digest fills
//! the line up to there, and tells when somebody changed a line by hand.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha512};

use super::{Key, Lock, Value};

/// Characters of a line that GitHub's hash of it covers.
const COVERED: usize = 100;

/// The digest has at least so many hex digits.
const DIGITS: usize = 16;

/// What stands above the facts.
const HEAD: &str = "# What the permissions of this app were agreed to be, one fact a line; `parse-audit snapshot` writes it.
# No keys, e-mail addresses, object ids or contents of rows. Numbers are bands. Do not edit or merge by hand: write it anew.
";

impl Lock {
    /// The text of the file. The same facts give the same bytes.
    pub fn write(&self) -> String {
        let mut text = HEAD.to_owned();
        let mut group = None;
        for (key, value) in &self.facts {
            let own = (key.part(0), if key.depth() > 2 { key.part(1) } else { "" });
            if group != Some(own) {
                text.push('\n');
                group = Some(own);
            }
            text.push_str(&line(key, value));
            text.push('\n');
        }
        text
    }
}

/// The line of a fact, without its end.
pub fn line(key: &Key, value: &Value) -> String {
    let content = content(key, value);
    let digest = digest(&content);
    format!("{content} # {digest}")
}

/// What a line says, without the digest.
pub fn content(key: &Key, value: &Value) -> String {
    format!("{key} = {value}")
}

/// Hex digits that fill a line up to what GitHub's hash covers.
pub fn digest(content: &str) -> String {
    let taken = content.encode_utf16().filter(|unit| *unit != u16::from(b' ') && *unit != u16::from(b'\t')).count();
    let digits = COVERED.saturating_sub(taken + 1).max(DIGITS);
    let mut hex = HEXLOWER.encode(&Sha512::digest(content.as_bytes()));
    hex.truncate(digits);
    hex
}

/// A text in quotes, as TOML writes it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // Nothing that a terminal or an editor takes for more than a character.
            character if character.is_control() || is_invisible(character) => {
                let _ = write!(out, "\\U{:08x}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push('"');
    out
}

/// Ends of lines beside the usual ones, and marks that turn the direction of a text.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_bare = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        for (number, part) in self.parts().enumerate() {
            if number > 0 {
                f.write_str(".")?;
            }
            if is_bare(part) { f.write_str(part)? } else { f.write_str(&quoted(part))? }
        }
        Ok(())
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::List(list) => {
                let elements: Vec<String> = list.iter().map(|element| quoted(element)).collect();
                write!(f, "[{}]", elements.join(", "))
            }
        }
    }
}
