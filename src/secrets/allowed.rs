//! Whether a list of another scanner says that a key is none, and whether a key has the
//! characters that such a scanner asks for.
//!
//! What is asked in a text depends on the text alone; lists that ask for the path as well
//! come last, so that what was found in a text holds for every path it lies at.

use std::sync::Arc;

use regex::bytes::RegexSet;

use crate::rules::secret::{About, Allow, Needs};

use super::judge;

/// Whether a list passes by all files of a path.
pub fn passes_by(lists: &[Arc<Allow>], path: &str) -> bool {
    lists.iter().any(|list| has_path(list, path) && !(list.together && asks_for_text(list)))
}

/// Whether a list that does not ask for a path as well says that a key is none.
pub fn in_text(lists: &[Arc<Allow>], key: &[u8], whole: &[u8], line: &[u8]) -> bool {
    lists.iter().filter(|list| !(list.together && list.paths.is_some())).any(|list| {
        let text = match list.about {
            About::Key => key,
            About::Match => whole,
            About::Line => line,
        };
        has_text(list, key, text)
    })
}

/// Whether a list that asks for path and text together says that a key is none. What the rule's
/// whole pattern matched is no longer known here.
pub fn at_path(lists: &[Arc<Allow>], path: &str, key: &[u8], line: &[u8]) -> bool {
    lists.iter().filter(|list| asks_at_path(list, path)).any(|list| {
        let text = if list.about == About::Line { line } else { key };
        has_text(list, key, text)
    })
}

/// Whether a list asks for path and text together, and the path is such a one.
pub fn asks_at_path(list: &Allow, path: &str) -> bool {
    list.together && asks_for_text(list) && list.about != About::Match && has_path(list, path)
}

/// Whether a key has the characters that it needs.
pub fn has_needs(needs: &Needs, key: &[u8]) -> bool {
    let has =
        |least: usize, is: &dyn Fn(&u8) -> bool| least == 0 || key.iter().filter(|byte| is(byte)).count() >= least;
    let is_sign = |byte: &u8| {
        if needs.which_signs.is_empty() {
            byte.is_ascii_punctuation()
        } else {
            needs.which_signs.as_bytes().contains(byte)
        }
    };
    has(needs.digits, &u8::is_ascii_digit)
        && has(needs.capitals, &u8::is_ascii_uppercase)
        && has(needs.small, &u8::is_ascii_lowercase)
        && has(needs.signs, &is_sign)
}

fn asks_for_text(list: &Allow) -> bool {
    list.patterns.is_some() || !list.words.is_empty()
}

fn has_path(list: &Allow, path: &str) -> bool {
    list.paths.as_ref().is_some_and(|paths| paths.is_match(path.as_bytes()))
}

fn has_text(list: &Allow, key: &[u8], text: &[u8]) -> bool {
    let matches = |patterns: &RegexSet| patterns.is_match(text);
    let has_word = || judge::has_word(key, &list.words);
    if list.together {
        asks_for_text(list) && list.patterns.as_ref().is_none_or(matches) && (list.words.is_empty() || has_word())
    } else {
        list.patterns.as_ref().is_some_and(matches) || has_word()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pattern: &str) -> Option<RegexSet> {
        Some(RegexSet::new([pattern]).expect("a pattern"))
    }

    #[test]
    fn a_list_joined_by_or_needs_one_of_it() {
        let lists = [Arc::new(Allow {
            paths: set("^docs/"),
            patterns: set("^ab"),
            words: vec!["Sample".into()],
            ..Allow::default()
        })];
        assert!(passes_by(&lists, "docs/a.md") && !passes_by(&lists, "src/docs/a.md"));
        assert!(in_text(&lists, b"abc", b"", b"") && in_text(&lists, b"mySAMPLEkey", b"", b""));
        assert!(!in_text(&lists, b"xyz", b"ab", b"ab") && !at_path(&lists, "docs/a.md", b"ab", b""));
    }

    #[test]
    fn a_list_joined_by_and_needs_all_of_it() {
        let list = Allow {
            together: true,
            paths: set("^docs/"),
            patterns: set("example"),
            about: About::Line,
            ..Allow::default()
        };
        let lists = [Arc::new(list)];
        assert!(!passes_by(&lists, "docs/a.md") && !in_text(&lists, b"k", b"", b"example"));
        assert!(at_path(&lists, "docs/a.md", b"k", b"an example: k"));
        assert!(!at_path(&lists, "src/a.md", b"k", b"an example: k") && !at_path(&lists, "docs/a.md", b"k", b"k"));
    }

    #[test]
    fn a_pattern_is_about_the_key_the_match_or_the_line() {
        for (about, key) in [(About::Key, "mark"), (About::Match, "key"), (About::Line, "key")] {
            let lists = [Arc::new(Allow { patterns: set("mark"), about, ..Allow::default() })];
            let (whole, line) = if about == About::Line { ("w", "mark") } else { ("mark", "l") };
            assert!(in_text(&lists, key.as_bytes(), whole.as_bytes(), line.as_bytes()), "{about:?}");
        }
    }

    #[test]
    fn needs_count_characters() {
        let needs = Needs { digits: 2, capitals: 1, signs: 1, which_signs: "!".into(), ..Needs::default() };
        assert!(has_needs(&needs, b"A12!") && !has_needs(&needs, b"A1!") && !has_needs(&needs, b"A12#"));
        assert!(has_needs(&Needs::default(), b""));
    }
}
