//! Words of which one stands in everything that a pattern matches, found in the pattern.
//!
//! A pattern runs only round its words. Those that another scanner gives need not be in
//! the match; these are, so that nothing is lost by looking for them first.

use std::cmp::Reverse;

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// As many bytes before a word a match may begin.
const BEFORE: usize = 256;

/// No more words for one pattern.
const MOST_WORDS: usize = 64;

/// Words are cut to this many bytes; they are rare enough then.
const LONGEST: usize = 32;

/// A class of more characters is not spelled out.
const MOST_MEMBERS: usize = 16;

/// Words in lower case, of which one stands in every match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchors {
    /// The words.
    pub words: Vec<String>,
    /// The fewest bytes of a match before a word.
    pub least: usize,
    /// The most bytes of a match before a word, if that is known.
    pub most: Option<usize>,
}

/// Finds the best words of at least so many bytes; none if there are none that a match may not
/// begin far before.
pub fn find(pattern: &Hir, shortest: usize) -> Option<Anchors> {
    part(pattern, shortest).best
}

/// What is known of a part of a pattern.
#[derive(Default)]
struct Part {
    /// All texts that it matches, in lower case, if they are few.
    exact: Option<Vec<Vec<u8>>>,
    best: Option<Anchors>,
}

fn part(hir: &Hir, shortest: usize) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Part { exact: Some(vec![Vec::new()]), best: None },
        HirKind::Literal(literal) => Part::exactly(vec![literal.0.to_ascii_lowercase()], shortest),
        HirKind::Class(class) => members(class).map_or_else(Part::default, |members| Part::exactly(members, shortest)),
        HirKind::Capture(capture) => part(&capture.sub, shortest),
        HirKind::Repetition(repetition) => repeated(repetition, shortest),
        HirKind::Concat(parts) => joined(parts, shortest),
        HirKind::Alternation(parts) => either(parts, shortest),
    }
}

impl Part {
    fn exactly(texts: Vec<Vec<u8>>, shortest: usize) -> Self {
        let best = anchors(&texts, shortest, 0, Some(0));
        Self { exact: Some(texts), best }
    }
}

/// The characters of a class in lower case, if they are few and ASCII.
fn members(class: &Class) -> Option<Vec<Vec<u8>>> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
        Class::Bytes(class) => class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect(),
    };
    let count: u64 = ranges.iter().map(|(start, end)| u64::from(end - start) + 1).sum();
    if count == 0 || count > 2 * MOST_MEMBERS as u64 {
        return None;
    }
    let mut members: Vec<Vec<u8>> = Vec::new();
    for code in ranges.into_iter().flat_map(|(start, end)| start..=end) {
        let byte = u8::try_from(code).ok().filter(u8::is_ascii)?;
        members.push(vec![byte.to_ascii_lowercase()]);
    }
    members.sort_unstable();
    members.dedup();
    (members.len() <= MOST_MEMBERS).then_some(members)
}

fn repeated(repetition: &Repetition, shortest: usize) -> Part {
    let sub = part(&repetition.sub, shortest);
    match (repetition.min, repetition.max) {
        (0, Some(1)) => {
            let with_nothing = |mut texts: Vec<Vec<u8>>| {
                texts.push(Vec::new());
                texts
            };
            Part { exact: sub.exact.map(with_nothing), best: None }
        }
        (0, _) => Part::default(),
        (least, most) => {
            let times = if most == Some(least) && least <= 8 { least } else { 1 };
            let all =
                sub.exact.as_ref().and_then(|texts| (1..times).try_fold(texts.clone(), |all, _| product(&all, texts)));
            match all {
                Some(texts) if most == Some(times) => Part::exactly(texts, shortest),
                _ => Part { exact: None, best: sub.best },
            }
        }
    }
}

fn either(parts: &[Hir], shortest: usize) -> Part {
    let parts: Vec<Part> = parts.iter().map(|hir| part(hir, shortest)).collect();
    let exact: Option<Vec<Vec<u8>>> =
        parts.iter().map(|part| part.exact.clone()).collect::<Option<Vec<_>>>().map(|all| all.concat());
    let exact = exact.filter(|texts| texts.len() <= MOST_WORDS);
    let all: Option<Vec<Anchors>> = parts.into_iter().map(|part| part.best).collect();
    let best = all.and_then(|all| {
        let mut words: Vec<String> = all.iter().flat_map(|anchors| anchors.words.clone()).collect();
        words.sort_unstable();
        words.dedup();
        let least = all.iter().map(|anchors| anchors.least).max()?;
        let most = all.iter().map(|anchors| anchors.most).try_fold(0, |most, next| Some(most.max(next?)));
        (words.len() <= MOST_WORDS).then_some(Anchors { words, least, most })
    });
    Part { exact, best }
}

fn joined(parts: &[Hir], shortest: usize) -> Part {
    let mut best: Option<Anchors> = None;
    // Texts that the last parts match together, and how far into the match they begin.
    let mut run: Vec<Vec<u8>> = vec![Vec::new()];
    let (mut run_least, mut run_most) = (0, Some(0));
    let (mut least, mut most) = (0_usize, Some(0_usize));
    let mut is_whole = true;
    for hir in parts {
        let part = part(hir, shortest);
        let longer = part.exact.as_ref().and_then(|texts| product(&run, texts));
        match longer {
            Some(texts) => run = texts,
            None => {
                is_whole = false;
                best = better(best, anchors(&run, shortest, run_least, run_most));
                let inner = part.best.map(|inner| Anchors {
                    least: inner.least.saturating_add(least),
                    most: inner.most.zip(most).map(|(inner, most)| inner.saturating_add(most)),
                    ..inner
                });
                best = better(best, inner);
                match part.exact {
                    Some(texts) => (run, run_least, run_most) = (texts, least, most),
                    None => run = Vec::new(),
                }
            }
        }
        let lengths = hir.properties();
        least = least.saturating_add(lengths.minimum_len().unwrap_or_default());
        most = most.zip(lengths.maximum_len()).map(|(most, more)| most.saturating_add(more));
        if run.is_empty() {
            run = vec![Vec::new()];
            (run_least, run_most) = (least, most);
        }
    }
    best = better(best, anchors(&run, shortest, run_least, run_most));
    Part { exact: is_whole.then_some(run), best }
}

/// Every text of one list with every one of another behind it, if that is not too much.
fn product(first: &[Vec<u8>], second: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if first.len().saturating_mul(second.len()) > MOST_WORDS {
        return None;
    }
    let all: Vec<Vec<u8>> =
        first.iter().flat_map(|start| second.iter().map(|end| [start.as_slice(), end].concat())).collect();
    (all.iter().map(Vec::len).sum::<usize>() <= 4096).then_some(all)
}

fn anchors(texts: &[Vec<u8>], shortest: usize, least: usize, most: Option<usize>) -> Option<Anchors> {
    if texts.is_empty() || texts.iter().any(|text| text.len() < shortest) || least > BEFORE {
        return None;
    }
    let word = |text: &Vec<u8>| {
        let text = str::from_utf8(text).ok()?;
        let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end))?;
        text.get(..end).map(str::to_owned)
    };
    let mut words: Vec<String> = texts.iter().map(word).collect::<Option<_>>()?;
    words.sort_unstable();
    words.dedup();
    words.iter().all(|word| word.len() >= shortest).then_some(Anchors { words, least, most })
}

/// The better of two: a match begins near its words, they are long, and they are few.
fn better(first: Option<Anchors>, second: Option<Anchors>) -> Option<Anchors> {
    let worth = |anchors: &Anchors| {
        let is_near = anchors.most.is_some_and(|most| most <= BEFORE);
        let length = anchors.words.iter().map(String::len).min().unwrap_or_default();
        (is_near, length.min(8), Reverse(anchors.words.len()))
    };
    let second = second.filter(|anchors| anchors.least <= BEFORE);
    match (first, second) {
        (Some(first), Some(second)) => Some(if worth(&second) > worth(&first) { second } else { first }),
        (first, second) => first.or(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pattern: &str) -> Option<Vec<String>> {
        let hir =
            regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).expect("a pattern");
        find(&hir, 3).map(|anchors| anchors.words)
    }

    #[test]
    fn one_of_the_words_is_in_every_match() {
        for (pattern, expected) in [
            ("acme_[a-z]{20}", vec!["acme_"]),
            (r"(?i)[\w.-]{0,50}?(?:Acme)(?:[ \t]{0,20})=([a-f0-9]{32})", vec!["acme"]),
            ("gh[po]_[0-9A-Za-z]{36}", vec!["gho_", "ghp_"]),
            ("(?:sk|pk)_(?:live|test)_[a-z]+", vec!["pk_live_", "pk_test_", "sk_live_", "sk_test_"]),
            (r"(?:alpha|beta)[0-9]{3}", vec!["alpha", "beta"]),
            ("(?:key[0-9]+|token)=x", vec!["key", "token"]),
            ("[a-z]{10}(?:abc)?-end", vec!["-end", "abc-end"]),
            ("(?:ab){2}", vec!["abab"]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(words(pattern), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn there_may_be_none() {
        for pattern in ["[a-z]{32}", "(?:abcd|[0-9]{9})", "(?:abc)*[0-9]", "ab", "[0-9]{300}abcd"] {
            assert_eq!(words(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn how_far_before_a_word_a_match_begins_is_known() {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse("[0-9]{2,5}abcd[a-z]")
            .expect("a pattern");
        assert_eq!(find(&hir, 3), Some(Anchors { words: vec!["abcd".into()], least: 2, most: Some(5) }));
    }
}
