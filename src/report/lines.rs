//! From bytes to lines and columns, as GitHub and SARIF count them, and to the
//! fingerprints of lines.

use std::collections::HashMap;

use crate::model::Span;

/// The beginnings of the lines of a text. Lines end with LF, CRLF or CR.
#[derive(Debug)]
pub struct Lines {
    starts: Vec<usize>,
}

/// A stretch of a text in lines and columns, from 1; the end column is behind the last character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First line.
    pub line: usize,
    /// First column, in UTF-16 units.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// Column behind the end, in UTF-16 units.
    pub end_column: usize,
}

impl Lines {
    /// Finds the lines of a text.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
        starts.extend(
            ends.filter(|at| bytes.get(*at) == Some(&b'\n') || bytes.get(at + 1) != Some(&b'\n')).map(|at| at + 1),
        );
        Self { starts }
    }

    /// The line of a byte, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// The bytes of a line, from 1, without its end.
    pub fn bytes(&self, line: usize, text: &str) -> std::ops::Range<usize> {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(text.len());
        let next = self.starts.get(line).copied().unwrap_or(text.len());
        let end = text.get(start..next).map_or(start, |line| start + line.trim_end_matches(['\n', '\r']).len());
        start..end
    }

    /// A span in lines and columns.
    pub fn region(&self, span: Span, text: &str) -> Region {
        let (line, end_line) = (self.line(span.start()), self.line(span.end().max(span.start())));
        Region {
            line,
            column: self.column(line, span.start(), text),
            end_line,
            end_column: self.column(end_line, span.end(), text),
        }
    }

    fn column(&self, line: usize, at: usize, text: &str) -> usize {
        let range = self.bytes(line, text);
        let before = text.get(range.start..at.min(range.end)).unwrap_or_default();
        before.encode_utf16().count() + 1
    }
}

/// How many units of text the fingerprint of a line covers.
const WINDOW: usize = 100;

/// The fingerprint that GitHub gives each line, the first line first: a hash of the
/// line and what follows it, and how many times that hash came before.
///
/// Source: github/codeql-action, `fingerprints.ts`, read in July 2026.
pub fn fingerprints(text: &str) -> Vec<String> {
    const FACTOR: i64 = 37;
    let leaving = (0..WINDOW).fold(1i64, |power, _| power.wrapping_mul(FACTOR));
    let mut window = Window { units: [0; WINDOW], starts: [false; WINDOW], at: 0, hash: 0 };
    let mut seen: HashMap<i64, u32> = HashMap::new();
    let mut found = Vec::new();
    let mut push = |window: &mut Window, unit: Option<(u16, bool)>| {
        let (Some(old), Some(start)) = (window.units.get_mut(window.at), window.starts.get_mut(window.at)) else {
            return;
        };
        if std::mem::take(start) {
            let times = seen.entry(window.hash).or_insert(0);
            *times += 1;
            found.push(format!("{:x}:{times}", window.hash));
        }
        let (unit, is_start) = unit.unwrap_or((0, false));
        *start = is_start;
        window.hash = FACTOR
            .wrapping_mul(window.hash)
            .wrapping_add(i64::from(unit))
            .wrapping_sub(leaving.wrapping_mul(i64::from(*old)));
        *old = unit;
        window.at = (window.at + 1) % WINDOW;
    };
    let (mut line_start, mut after_return) = (true, false);
    for unit in text.encode_utf16().chain([u16::MAX]) {
        let skipped = unit == u16::from(b' ') || unit == u16::from(b'\t') || (after_return && unit == u16::from(b'\n'));
        if skipped {
            after_return = false;
            continue;
        }
        after_return = unit == u16::from(b'\r');
        let unit = if after_return { u16::from(b'\n') } else { unit };
        push(&mut window, Some((unit, line_start)));
        line_start = unit == u16::from(b'\n');
    }
    for _ in 0..WINDOW {
        push(&mut window, None);
    }
    found
}

struct Window {
    units: [u16; WINDOW],
    starts: [bool; WINDOW],
    at: usize,
    hash: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_git_and_github_say() {
        let text = "a\r\nb\rc\nd\u{2028}e\u{c}f";
        let lines = Lines::new(text);
        let all: Vec<&str> = (1..=4).map(|line| &text[lines.bytes(line, text)]).collect();
        assert_eq!(all, ["a", "b", "c", "d\u{2028}e\u{c}f"]);
        assert_eq!(lines.line(text.len()), 4);
    }

    #[test]
    fn columns_count_utf16_units() {
        let text = "é🦀x\n";
        let start = text.find('x').expect("there");
        let region = Lines::new(text).region(Span::new(text, start, start + 1), text);
        assert_eq!(region, Region { line: 1, column: 4, end_line: 1, end_column: 5 });
    }

    #[test]
    fn fingerprints_are_those_of_github() {
        // Made with the algorithm of codeql-action in JavaScript.
        assert_eq!(fingerprints(""), ["c129715d7a2bc9a3:1"]);
        let expected = ["48c9e1cf0e8f5be2:1", "87eb679314fe4ac0:1", "32dce9ccfdbc9d3e:1", "c129715d7a2bc9a3:1"];
        assert_eq!(fingerprints("function f() {\n  return 1;\r\n}\n"), expected);
        let expected = ["93f4473c7d7f2f7b:1", "e56eda0ea18674e8:1", "9de9ffd14c68b8cd:1", "7ccfa04147831bc6:1"];
        assert_eq!(fingerprints(&format!("x\rx\n\u{1f980}é\n{}", "ab ".repeat(80))), expected);
        let many = fingerprints(&"x\nx\n".repeat(60));
        assert_eq!(
            many.last_chunk(),
            Some(&["8c072f39cc89b447:1", "828973aa50c68d6d:1", "c129715d7a2bc9a3:1"].map(str::to_owned))
        );
    }
}
