//! Patterns of other scanners in our syntax: Go's is almost that of Rust, Kingfisher's is
//! that of Rust.
//!
//! A pattern keeps what it means there: `^` and `$` are the ends of the text.

use regex_syntax::ast::{self, Ast, GroupKind, parse::Parser};
use regex_syntax::hir::Hir;

use super::Tool;

/// Longer patterns are refused.
const LONGEST: usize = 64 << 10;

/// Which group of a pattern is the key, if one is named.
#[derive(Debug, Clone, Copy)]
pub enum Group<'t> {
    /// The one with this number, from 1.
    Number(usize),
    /// The one with this name, if there is one.
    Name(&'t str),
}

/// A pattern in our syntax.
#[derive(Debug, Clone)]
pub struct Read {
    /// The text.
    pub text: String,
    /// What it means.
    pub hir: Hir,
}

/// Reads a pattern, and names the group that is the key.
///
/// # Errors
///
/// What is wrong with it.
pub fn read(given: &str, tool: Tool, group: Option<Group<'_>>) -> Result<Read, String> {
    if given.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let translated = match tool {
        Tool::Gitleaks => from_go(given),
        Tool::Kingfisher => without_comments(given),
    };
    let named = match group {
        Some(group) => name(&translated, group)?,
        None => translated,
    };
    // Bytes first, as all our patterns; what speaks of letters beyond ASCII needs characters.
    let parse = |flags: &str| {
        let text = format!("{flags}{named}");
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build();
        parser.parse(&text).map(|hir| Read { hir, text }).map_err(Box::new)
    };
    parse("(?-m)").or_else(|error| parse("(?u-m)").map_err(|_| reason(&error)))
}

/// The last line of an error says what is wrong; those before draw the pattern.
fn reason(error: &regex_syntax::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Names a group `secret`, and no other one.
fn name(pattern: &str, group: Group<'_>) -> Result<String, String> {
    let parsed = Parser::new().parse(pattern).map_err(|error| error.kind().to_string())?;
    let Ok(groups) = ast::visit(&parsed, Groups(Vec::new()));
    let is_key = |found: &ast::Group| match (group, &found.kind) {
        (Group::Number(number), GroupKind::CaptureIndex(index)) => usize::try_from(*index) == Ok(number),
        (Group::Number(number), GroupKind::CaptureName { name, .. }) => usize::try_from(name.index) == Ok(number),
        (Group::Name(wanted), GroupKind::CaptureName { name, .. }) => name.name == wanted,
        (Group::Name(_), GroupKind::CaptureIndex(_)) | (_, GroupKind::NonCapturing(_)) => false,
    };
    let Some(key) = groups.iter().find(|found| is_key(found)) else {
        return match group {
            Group::Number(number) => Err(format!("it has no group {number}")),
            Group::Name(_) => Ok(pattern.to_owned()),
        };
    };
    // From the end, so that what comes before keeps its place.
    let mut text = pattern.to_owned();
    for found in groups.iter().rev() {
        match &found.kind {
            GroupKind::CaptureIndex(_) if found == key => text.insert_str(found.span.start.offset + 1, "?<secret>"),
            GroupKind::CaptureName { name, .. } if found == key || name.name == "secret" => {
                let span = name.span.start.offset..name.span.end.offset;
                text.replace_range(span, if found == key { "secret" } else { "other_secret" });
            }
            GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } | GroupKind::NonCapturing(_) => {}
        }
    }
    Ok(text)
}

/// Collects groups in the order of their beginnings.
struct Groups(Vec<ast::Group>);

impl ast::Visitor for Groups {
    type Output = Vec<ast::Group>;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<Self::Output, Self::Err> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        if let Ast::Group(group) = ast {
            self.0.push((**group).clone());
        }
        Ok(())
    }
}

/// Translates what Go writes in another way: quotes `\Q…\E`, `\<` and `\>`, braces and
/// brackets that stand for themselves.
pub fn from_go(given: &str) -> String {
    let mut out = String::with_capacity(given.len());
    let mut rest = given;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            '\\' => escaped(after, &mut out),
            '[' => class(after, &mut out),
            '{' if !repeats(after) => {
                out.push_str("\\{");
                after
            }
            _ => {
                out.push(first);
                after
            }
        };
    }
    out
}

/// Takes away comments `(?#…)`, which Rust does not have.
fn without_comments(given: &str) -> String {
    let mut out = String::with_capacity(given.len());
    let (mut rest, mut in_class) = (given, false);
    while let Some(first) = rest.chars().next() {
        if let Some((_, behind)) = rest.strip_prefix("(?#").filter(|_| !in_class).and_then(|rest| rest.split_once(')'))
        {
            rest = behind;
            continue;
        }
        in_class = if in_class { first != ']' } else { first == '[' };
        // A backslash goes with what follows it.
        let length = first.len_utf8() + if first == '\\' { rest.chars().nth(1).map_or(0, char::len_utf8) } else { 0 };
        let (taken, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        out.push_str(taken);
        rest = behind;
    }
    out
}

/// What follows a backslash. Hands back what is behind it.
fn escaped<'t>(after: &'t str, out: &mut String) -> &'t str {
    if let Some(quoted) = after.strip_prefix('Q') {
        let (text, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
        out.push_str(&regex_syntax::escape(text));
        return rest;
    }
    let Some(next) = after.chars().next() else {
        out.push('\\');
        return after;
    };
    // Beginnings and ends of words in Rust.
    if !matches!(next, '<' | '>') {
        out.push('\\');
    }
    out.push(next);
    after.get(next.len_utf8()..).unwrap_or_default()
}

/// Whether a brace begins a number of repetitions.
fn repeats(after: &str) -> bool {
    let Some((inside, _)) = after.split_once('}') else { return false };
    let (from, to) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !from.is_empty() && is_number(from) && is_number(to)
}

/// What follows an opening bracket. Hands back what is behind the closing one.
fn class<'t>(after: &'t str, out: &mut String) -> &'t str {
    out.push('[');
    let mut rest = after;
    if let Some(negated) = rest.strip_prefix('^') {
        out.push('^');
        rest = negated;
    }
    let mut first = true;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(']').filter(|_| !first) {
            out.push(']');
            return behind;
        }
        first = false;
        if let Some(named) = rest.strip_prefix("[:").and_then(|named| named.split_once(":]")) {
            out.push_str("[:");
            out.push_str(named.0);
            out.push_str(":]");
            rest = named.1;
            continue;
        }
        rest = member(rest, out);
        // A range, unless the hyphen is the last.
        if let Some(end) = rest.strip_prefix('-').filter(|end| !end.is_empty() && !end.starts_with(']')) {
            out.push('-');
            rest = member(end, out);
        }
    }
    rest
}

/// One character of a class.
fn member<'t>(rest: &'t str, out: &mut String) -> &'t str {
    let Some(character) = rest.chars().next() else { return rest };
    let after = rest.get(character.len_utf8()..).unwrap_or_default();
    match character {
        '\\' => return escaped(after, out),
        // In Rust these begin classes in classes and what is taken from them.
        '[' | ']' | '&' | '~' | '-' | '^' => out.extend(['\\', character]),
        _ => out.push(character),
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let read = read(pattern, Tool::Gitleaks, None).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let regex = regex::bytes::RegexBuilder::new(&read.text).unicode(false).multi_line(true).build();
        regex.expect("a pattern").is_match(text.as_bytes())
    }

    #[test]
    fn what_go_writes_in_another_way_means_the_same() {
        for (pattern, text) in [
            (r"^[[a]+\z", "[a["),
            (r"^[]x]+$", "]x"),
            (r"^[a&&b]+$", "a&b"),
            (r"^[+--]+$", ",-"),
            (r"^[\w.-]+$", "a.-b"),
            (r"^[[:alnum:]_-]+$", "a_-1"),
            (r"^{key}$", "{key}"),
            (r"^a{2}x{,3}$", "aax{,3}"),
            (r"^\Qa.b[\E+$", "a.b[["),
            (r"^\<key\>$", "<key>"),
            (r"^[\x60'\x22]$", "`"),
            (r"^a(?i)bc$", "aBC"),
            (r"^\pL+$", "é"),
        ] {
            assert!(matches(pattern, text), "{pattern}");
        }
        assert!(!matches(r"^a(?i)bc$", "ABC") && !matches(r"^\Qa.b\E$", "axb"));
    }

    #[test]
    fn ends_of_the_pattern_are_those_of_the_text() {
        assert!(!matches("^b", "a\nb") && matches("(?m)^b", "a\nb"));
    }

    #[test]
    fn the_group_that_is_the_key_gets_its_name() {
        let named = |pattern: &str, group| name(pattern, group).expect("a group");
        assert_eq!(named("(a)(?:b)(c)", Group::Number(2)), "(a)(?:b)(?<secret>c)");
        assert_eq!(named("(?P<x>a)(?<secret>b)", Group::Number(1)), "(?P<secret>a)(?<other_secret>b)");
        assert_eq!(named("(?x) ( a # one\n ) (?<TOKEN>b)", Group::Name("TOKEN")), "(?x) ( a # one\n ) (?<secret>b)");
        assert_eq!(named("(a)", Group::Name("TOKEN")), "(a)");
        assert_eq!(name("(a)", Group::Number(2)), Err("it has no group 2".to_owned()));
    }

    #[test]
    fn comments_in_parentheses_are_taken_away() {
        assert_eq!(without_comments(r"a(?# b )c\(?#[(?#]d)(?:e)"), r"ac\(?#[(?#]d)(?:e)");
    }

    #[test]
    fn what_is_wrong_is_said_in_a_few_words() {
        let wrong = |pattern: &str| read(pattern, Tool::Gitleaks, None).expect_err("no pattern");
        assert_eq!(wrong("a("), "unclosed group");
        assert_eq!(wrong(&"a".repeat(LONGEST + 1)), "it is longer than 65536 bytes");
    }
}
