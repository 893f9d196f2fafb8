//! Keys in base64, one level deep. What a run holds is put in its place on its line, as
//! somebody would have written it, and that line is searched for the same rules.
//!
//! What is found depends on the run, on the letters it stands together with and on at most
//! 512 bytes of its line on either side, and on nothing else: in a text that was made from
//! another one, what was copied with a byte more on both sides has the keys that it had.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::model::secret::Written;

use super::ranges::{Parts, Searched, has, joined, short};
use super::{Hit, Scanner, base64, is_allowed, judge, line_of};

/// A key in base64, as a pattern caught it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wrapped {
    /// What it depends on: its line, and the letters that stand together.
    window: (u32, u32),
    run: (u32, u32),
    pub(super) rule: u32,
    /// Where the key is in the line that holds what the run holds.
    key: (u32, u32),
}

/// A line that holds what a run on it holds.
struct Unwrapped {
    line: Zeroizing<Vec<u8>>,
    inside: Range<usize>,
}

/// What lies round a window and may change it: a sign that ends a line, or another letter.
const MARGIN: u32 = 1;

impl Scanner {
    /// Keys in all runs that touch a range and of whose window `is_asked`.
    pub(super) fn wrapped_in(
        &self,
        text: &[u8],
        range: Range<usize>,
        mut is_asked: impl FnMut(&Range<u32>) -> bool,
        mut counts: impl FnMut(u32) -> bool,
        found: &mut Vec<Wrapped>,
    ) {
        base64::each(text, range, |whole, run| {
            let Some(unwrapped) = unwrapped(text, &run) else { return };
            let around = line_of(text, &run);
            let window = short(around.start.min(whole.start))..short(around.end.max(whole.end));
            if !is_asked(&window) {
                return;
            }
            let line = unwrapped.line.as_slice();
            for caught in self.all_caught(line, &self.words_of_whole(line), &mut counts) {
                let (start, end) = (caught.start as usize, caught.end as usize);
                if unwrapped.inside.start <= start && end <= unwrapped.inside.end {
                    found.push(Wrapped {
                        window: (window.start, window.end),
                        run: (short(run.start), short(run.end)),
                        rule: caught.rule,
                        key: (caught.start, caught.end),
                    });
                }
            }
        });
    }

    /// Keys in base64 of a text of which parts were copied: those that it had, and those in what is new.
    pub(super) fn wrapped_rest(&self, text: &[u8], rules: &[bool], before: &Searched, parts: &Parts) -> Vec<Wrapped> {
        let mut found = Vec::new();
        let counts = |rule: u32| has(rules, rule);
        let is_new = |(rule, is_asked): (u32, &bool)| *is_asked && !has(&before.rules, rule);
        if (0u32..).zip(rules).any(is_new) {
            self.wrapped_in(text, 0..text.len(), |_| true, counts, &mut found);
        } else {
            for old in before.wrapped.iter().filter(|old| has(rules, old.rule)) {
                parts.moved(old.window, MARGIN, |moved| {
                    let run = (moved(old.run.0), moved(old.run.1));
                    found.push(Wrapped { window: (moved(old.window.0), moved(old.window.1)), run, ..*old });
                });
            }
            for lines in joined(parts.new_ranges(MARGIN).into_iter().map(|range| line_of(text, &range))) {
                self.wrapped_in(text, lines, |window| !parts.hold(window, MARGIN), counts, &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Puts keys in base64 to those that stand there plainly. Where both are about the same
    /// characters, what the base64 holds goes before, unless the other rule knows more.
    pub(super) fn with_wrapped(&self, path: &str, text: &[u8], wrapped: &[Wrapped], hits: &mut Vec<Hit>) {
        for of_run in wrapped.chunk_by(|a, b| a.run == b.run) {
            let Some(first) = of_run.first() else { continue };
            let run = first.run.0 as usize..first.run.1 as usize;
            let Some(unwrapped) = unwrapped(text, &run) else { continue };
            let line = unwrapped.line.as_slice();
            let mut found: Vec<(usize, Range<usize>)> = of_run
                .iter()
                .map(|key| (key.rule as usize, key.key.0 as usize..key.key.1 as usize))
                .filter(|(number, key)| {
                    let rule = self.rules.get(*number);
                    rule.is_some_and(|rule| {
                        (rule.wants_beside(path, text) || judge::has_word(line, &rule.matcher.beside))
                            && !rule.is_allowed_at(path, line, key)
                    })
                })
                .collect();
            hits.retain(|plain| {
                if plain.span.end <= run.start || run.end <= plain.span.start {
                    return true;
                }
                let number = self.rules.iter().position(|rule| rule.id == plain.rule).unwrap_or(usize::MAX);
                let is_inside = run.start <= plain.span.start && plain.span.end <= run.end;
                if is_inside && found.iter().any(|(wrapped, _)| self.goes_before(*wrapped, number)) {
                    return false;
                }
                found.clear();
                true
            });
            let found = self.without_overlaps(found).into_iter();
            hits.extend(found.filter_map(|(number, key)| {
                Some(Hit { written: Written::Base64, ..self.hit(number, line.get(key)?, run.clone())? })
            }));
        }
        hits.sort_by_key(|hit| (hit.span.start, hit.span.end));
    }
}

/// The line of a run, with what it holds in its place; `None` if that is no text, or nobody is to look.
fn unwrapped(text: &[u8], run: &Range<usize>) -> Option<Unwrapped> {
    let held = base64::text(text.get(run.clone())?)?;
    let around = line_of(text, run);
    let (before, after) = (text.get(around.start..run.start)?, text.get(run.end..around.end)?);
    if is_allowed(text.get(around.clone())?) {
        return None;
    }
    let mut line = Zeroizing::new(Vec::with_capacity(before.len() + held.len() + after.len()));
    [before, &held, after].into_iter().for_each(|part| line.extend_from_slice(part));
    Some(Unwrapped { line, inside: before.len()..before.len() + held.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::redact::Salt;

    const KEY: &str = "k2j9flq0zx7vb3nm8ts5";
    /// The key above, and `masterKey: 'k2j9flq0zx7vb3nm8ts5'` with a line before it.
    const ALONE: &str = "azJqOWZscTB6eDd2YjNubTh0czU=";
    const WITH_NAME: &str = "eDogMQptYXN0ZXJLZXk6ICdrMmo5ZmxxMHp4N3ZiM25tOHRzNScK";
    /// `your-master-key-here`.
    const SAMPLE: &str = "eW91ci1tYXN0ZXIta2V5LWhlcmU=";

    fn hits(text: &str) -> Vec<Hit> {
        let rules = crate::rules::loader::built_in().expect("rules");
        Scanner::new(&rules, Salt::default()).expect("a scanner").in_text("deploy/secret.yaml", text.as_bytes())
    }

    #[test]
    fn a_key_in_base64_is_the_same_key_at_the_place_of_the_base64() {
        let plain = hits(&format!("masterKey: '{KEY}'"));
        for text in [
            format!("data:\n  masterKey: '{ALONE}'\n"),
            format!("data:\n  config: {WITH_NAME}\n"),
            format!("echo {WITH_NAME} | base64 -d"),
        ] {
            let wrapped = hits(&text);
            assert_eq!(wrapped.len(), 1, "{text}");
            let place = text.get(wrapped[0].span.clone());
            assert!(place == Some(ALONE) || place == Some(WITH_NAME), "{place:?}");
            let expected = Hit { span: wrapped[0].span.clone(), written: Written::Base64, ..plain[0].clone() };
            assert_eq!(wrapped[0], expected);
        }
    }

    #[test]
    fn neither_samples_nor_what_is_allowed_are_keys() {
        assert_eq!(hits(&format!("config: {SAMPLE}")), []);
        assert_eq!(hits(&format!("config: {WITH_NAME} # gitleaks:allow")), []);
    }

    #[test]
    fn what_knows_more_of_the_base64_speaks() {
        // `admin:k2j9flq0zx7vb3nm8ts5`
        let hits = hits("Authorization: Basic YWRtaW46azJqOWZscTB6eDd2YjNubTh0czU=");
        let told: Vec<(&str, Written)> = hits.iter().map(|hit| (hit.rule.as_str(), hit.written)).collect();
        assert_eq!(told, [("secret-basic-authorization", Written::Plain)]);
    }
}
