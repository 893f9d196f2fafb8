//! Searches a text that was made from another one, as git keeps them: only what is new
//! and the seams are searched, what was found in the copied parts is carried over.
//!
//! The outcome is that of a search of the whole text, exactly. It rests on three facts:
//! a word is found wherever its bytes stand; a rule runs its pattern in windows round its
//! words, joined where they touch; and what it finds in one of them depends on nothing
//! but the window and a margin round it. So a window that was copied with its margin has
//! the keys that it had before, and every other one is searched again.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::rules::secret::Allow;

use super::{Hit, Known, Scanner, allowed};

/// Bytes round a key in which a comment may allow it, and one more for what a pattern asks of its neighbours.
const LINE: u32 = 513;

/// Of a text of which more is new, all is searched: in percent.
const MOSTLY_NEW: u64 = 70;

/// Bytes of a text that stand in the text it was made from as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Where they begin in the new text.
    pub at: u32,
    /// Where they begin in the text it was made from.
    pub from: u32,
    /// How many they are.
    pub length: u32,
}

/// The rules that are about files of a path, by number.
pub type Rules = Arc<[bool]>;

/// What is known of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// The rules that were asked.
    rules: Rules,
    /// Length of the text.
    length: u32,
    /// The words in it, in the order of their places.
    words: Vec<Word>,
    /// What patterns caught, in the order of rules and places.
    caught: Vec<Caught>,
}

/// A word of rules in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    at: u32,
    number: u16,
    length: u16,
}

/// A key as a pattern caught it, and the window it was caught in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Caught {
    rule: u32,
    start: u32,
    end: u32,
    window: (u32, u32),
}

/// The copied parts of a text, in order, those that follow each other in both texts joined.
struct Parts {
    parts: Vec<Copied>,
    length: u32,
    length_before: u32,
}

impl Searched {
    /// Whether no pattern caught anything.
    pub fn is_empty(&self) -> bool {
        self.caught.is_empty()
    }
}

impl Copied {
    fn end(&self) -> u32 {
        self.at.saturating_add(self.length)
    }

    fn source_end(&self) -> u32 {
        self.from.saturating_add(self.length)
    }
}

impl Scanner {
    /// The rules that are about files of a path. What they want beside a key is asked later.
    pub fn rules_for(&self, path: &str) -> Rules {
        // Rules of one file share their lists, which are asked once.
        let mut lists = BTreeMap::new();
        let mut passes_by = |list: &Arc<Allow>| {
            *lists.entry(Arc::as_ptr(list)).or_insert_with(|| allowed::passes_by(std::slice::from_ref(list), path))
        };
        let wanted = |rule: &Known| rule.is_about(path) && !rule.matcher.allowed.iter().any(&mut passes_by);
        self.rules.iter().map(wanted).collect()
    }

    /// The keys in a text, in the order of their places. Of several rules about the same
    /// characters the one that knows most speaks.
    pub fn in_text(&self, path: &str, text: &[u8]) -> Vec<Hit> {
        let mut about: Vec<Option<bool>> = vec![None; self.rules.len()];
        let caught = self.all_caught(text, &self.words_of_whole(text), |rule| {
            let Some(known) = about.get_mut(rule as usize) else { return false };
            *known.get_or_insert_with(|| self.rules.get(rule as usize).is_some_and(|rule| rule.wants_path(path)))
        });
        self.told(path, text, &caught)
    }

    /// Searches a whole text for some rules. Texts are shorter than 4 GiB.
    pub fn search(&self, text: &[u8], rules: &Rules) -> Searched {
        let words = self.words_of_whole(text);
        let caught = self.all_caught(text, &words, |rule| has(rules, rule));
        Searched { rules: Arc::clone(rules), length: short(text.len()), words, caught }
    }

    fn words_of_whole(&self, text: &[u8]) -> Vec<Word> {
        let mut words = Vec::new();
        self.words_in(text, 0..text.len(), |word| words.push(word));
        words
    }

    fn all_caught(&self, text: &[u8], words: &[Word], counts: impl FnMut(u32) -> bool) -> Vec<Caught> {
        let mut caught = Vec::new();
        for (rule, window) in self.joined(words, text, counts) {
            self.catch(text, rule, window, &mut caught);
        }
        caught.sort_unstable();
        caught
    }

    /// Searches a text of which parts were copied from one that was searched before.
    /// `copied` is in the order of `at`, without overlaps.
    pub fn search_rest(&self, text: &[u8], rules: &Rules, before: &Searched, copied: &[Copied]) -> Searched {
        let length = short(text.len());
        let known: u64 = copied.iter().map(|part| u64::from(part.length)).sum();
        if (u64::from(length).saturating_sub(known)) * 100 > u64::from(length) * MOSTLY_NEW {
            return self.search(text, rules);
        }
        let parts = Parts::new(copied, length, before.length);
        let words = self.words_of(text, before, &parts);
        let mut caught = Vec::with_capacity(before.caught.len());
        for old in before.caught.iter().filter(|old| has(rules, old.rule)) {
            parts.carry(old, self.margin(old.rule), |new| caught.push(new));
        }
        // Of rules that were not asked before nothing is known.
        let touched = self.touched(&words, &parts, rules);
        let is_asked = |rule: u32| has(rules, rule) && (has(&touched, rule) || !has(&before.rules, rule));
        for (rule, window) in self.joined(&words, text, is_asked) {
            if !has(&before.rules, rule) || !parts.hold(&window, self.margin(rule)) {
                self.catch(text, rule, window, &mut caught);
            }
        }
        caught.sort_unstable();
        Searched { rules: Arc::clone(rules), length, words, caught }
    }

    /// The keys of a text that was searched for the rules about its path.
    pub fn hits(&self, path: &str, text: &[u8], searched: &Searched) -> Vec<Hit> {
        self.told(path, text, &searched.caught)
    }

    fn told(&self, path: &str, text: &[u8], caught: &[Caught]) -> Vec<Hit> {
        let mut found = Vec::new();
        for same_rule in caught.chunk_by(|a, b| a.rule == b.rule) {
            let Some(rule) = same_rule.first().and_then(|first| self.rules.get(first.rule as usize)) else { continue };
            if rule.wants_beside(path, text) {
                let keys = same_rule.iter().map(|key| (key.rule as usize, key.start as usize..key.end as usize));
                found.extend(keys.filter(|(_, key)| !rule.is_allowed_at(path, text, key)));
            }
        }
        self.without_overlaps(found)
            .into_iter()
            .filter_map(|(number, span)| self.hit(number, text.get(span.clone())?, span))
            .collect()
    }

    /// The words of a text: those of copied parts are known, others begin or end in what is new.
    fn words_of(&self, text: &[u8], before: &Searched, parts: &Parts) -> Vec<Word> {
        let mut words = Vec::with_capacity(before.words.len());
        for part in &parts.parts {
            let first = before.words.partition_point(|word| word.at < part.from);
            let inside = before.words.get(first..).unwrap_or_default().iter();
            let inside = inside.take_while(|word| word.at < part.source_end());
            words.extend(
                inside
                    .filter(|word| word.at + u32::from(word.length) <= part.source_end())
                    .map(|word| Word { at: word.at - part.from + part.at, ..*word }),
            );
        }
        let widest = short(self.words.longest().saturating_sub(1));
        for range in parts.new_ranges(widest) {
            self.words_in(text, range, |word| {
                if !parts.hold(&(word.at..word.at + u32::from(word.length)), 0) {
                    words.push(word);
                }
            });
        }
        words.sort_unstable();
        words
    }

    fn words_in(&self, text: &[u8], range: Range<usize>, mut found: impl FnMut(Word)) {
        let Some(part) = text.get(range.clone()) else { return };
        self.words.each(part, |number, at| {
            let (number, length) = (u16::try_from(number), u16::try_from(at.len()));
            let at = short(range.start + at.start);
            found(Word { at, number: number.unwrap_or(u16::MAX), length: length.unwrap_or(u16::MAX) });
        });
    }

    /// The windows of rules, joined where they touch.
    fn joined(&self, words: &[Word], text: &[u8], mut counts: impl FnMut(u32) -> bool) -> Vec<(u32, Range<u32>)> {
        let mut windows: Vec<(u32, u32, u32)> = Vec::new();
        for word in words {
            let end = word.at.saturating_add(u32::from(word.length));
            for number in self.of_word.get(usize::from(word.number)).into_iter().flatten() {
                let Some(rule) = self.rules.get(*number) else { continue };
                if counts(short(*number)) && rule.may_begin_at(text, end as usize) {
                    let start = word.at.saturating_sub(short(rule.matcher.before));
                    let end = end.saturating_add(short(rule.matcher.window)).min(short(text.len()));
                    windows.push((short(*number), start, end));
                }
            }
        }
        windows.sort_unstable();
        let mut joined: Vec<(u32, Range<u32>)> = Vec::new();
        for (rule, start, end) in windows {
            match joined.last_mut() {
                Some((last, window)) if *last == rule && start <= window.end => window.end = window.end.max(end),
                _ => joined.push((rule, start..end)),
            }
        }
        joined
    }

    fn catch(&self, text: &[u8], number: u32, window: Range<u32>, caught: &mut Vec<Caught>) {
        let Some(rule) = self.rules.get(number as usize) else { return };
        rule.search(text, window.start as usize..window.end as usize, |key| {
            caught.push(Caught {
                rule: number,
                start: short(key.start),
                end: short(key.end),
                window: (window.start, window.end),
            });
        });
    }

    /// Which rules have a window that was not copied with its margin, or may have one.
    fn touched(&self, words: &[Word], parts: &Parts, rules: &Rules) -> Vec<bool> {
        let mut touched = vec![false; self.rules.len()];
        let mut seams = parts.seams().peekable();
        let mut last: Option<u32> = None;
        for word in words {
            while let Some(seam) = seams.next_if(|seam| *seam <= word.at) {
                last = Some(seam);
            }
            let gap = [last, seams.peek().copied()].into_iter().flatten().map(|seam| seam.abs_diff(word.at)).min();
            let Some(gap) = gap else { break };
            for rule in self.of_word.get(usize::from(word.number)).into_iter().flatten() {
                if let Some(touched) = touched.get_mut(*rule).filter(|touched| !**touched && has(rules, short(*rule))) {
                    *touched = gap <= self.margin(short(*rule)).saturating_mul(2);
                }
            }
        }
        touched
    }

    /// Bytes round a window of a rule on which it depends what is found in it: no word
    /// beyond them can make it longer, and no comment beyond them counts.
    fn margin(&self, rule: u32) -> u32 {
        let (before, window) =
            self.rules.get(rule as usize).map_or((0, 0), |rule| (rule.matcher.before, rule.matcher.window));
        short(before + window + self.words.longest() + 1).max(LINE)
    }
}

impl Parts {
    fn new(copied: &[Copied], length: u32, length_before: u32) -> Self {
        let mut parts: Vec<Copied> = Vec::with_capacity(copied.len());
        for part in copied.iter().filter(|part| part.length > 0) {
            match parts.last_mut() {
                Some(last) if last.end() == part.at && last.source_end() == part.from => last.length += part.length,
                _ => parts.push(*part),
            }
        }
        Self { parts, length, length_before }
    }

    /// Whether a range with its margin was copied in one piece. The ends of both texts need no margin.
    fn hold(&self, range: &Range<u32>, margin: u32) -> bool {
        let after = self.parts.partition_point(|part| part.at <= range.start);
        after
            .checked_sub(1)
            .and_then(|number| self.parts.get(number))
            .is_some_and(|part| self.is_inside(part, (range.start, range.end), (part.at, part.end()), margin))
    }

    /// Carries a key over to every place to which its window was copied with its margin.
    fn carry(&self, old: &Caught, margin: u32, mut carried: impl FnMut(Caught)) {
        for part in &self.parts {
            if self.is_inside(part, old.window, (part.from, part.source_end()), margin) {
                let moved = |at: u32| at - part.from + part.at;
                let window = (moved(old.window.0), moved(old.window.1));
                carried(Caught { start: moved(old.start), end: moved(old.end), window, ..*old });
            }
        }
    }

    /// Whether a window, with its margin, lies between two bounds, which are those of a part in either text.
    fn is_inside(&self, part: &Copied, window: (u32, u32), bounds: (u32, u32), margin: u32) -> bool {
        let both_begin = part.at == 0 && part.from == 0;
        let both_end = part.end() == self.length && part.source_end() == self.length_before;
        let begins = if both_begin { Some(0) } else { bounds.0.checked_add(margin) };
        let ends = if both_end { Some(bounds.1) } else { bounds.1.checked_sub(margin) };
        begins.is_some_and(|begin| begin <= window.0) && ends.is_some_and(|end| window.1 <= end)
    }

    /// Where copied parts begin and end, but at the ends of both texts.
    fn seams(&self) -> impl Iterator<Item = u32> {
        self.parts.iter().flat_map(|part| {
            let begins = (part.at != 0 || part.from != 0).then_some(part.at);
            let ends = (part.end() != self.length || part.source_end() != self.length_before).then_some(part.end());
            begins.into_iter().chain(ends)
        })
    }

    /// What is new and the seams, widened on both sides and joined where they touch.
    fn new_ranges(&self, by: u32) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let ends = self.parts.iter().map(Copied::end);
        let gaps = std::iter::once(0).chain(ends).zip(self.parts.iter().map(|part| part.at).chain([self.length]));
        for (start, end) in gaps {
            if start == end && (start == 0 || start == self.length) {
                continue;
            }
            let start = start.saturating_sub(by) as usize;
            let end = end.saturating_add(by).min(self.length) as usize;
            match ranges.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                _ => ranges.push(start..end),
            }
        }
        ranges
    }
}

fn has(rules: &[bool], rule: u32) -> bool {
    rules.get(rule as usize).is_some_and(|has| *has)
}

fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secrets::redact::Salt;

    fn scanner() -> Scanner {
        Scanner::new(&crate::rules::loader::built_in().expect("rules"), Salt::default()).expect("a scanner")
    }

    /// Pieces of texts: words, keys and parts of keys, comments, ends of lines, and much that is nothing.
    fn piece() -> impl Strategy<Value = String> {
        let pem = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", "MIIEow+8Zq1pTz/4Ljk".repeat(20));
        prop_oneof![
            "masterKey: '[a-zA-Z0-9]{6,24}',\n",
            "password[=:] ?\"?[a-zA-Z0-9!#]{4,12}\"?\n",
            "mongodb://admin:[a-z0-9]{3,9}@db\\.example\\.org/x\n",
            "[ -~]{0,30}",
            "[a-z ]{200,700}",
            Just("masterKey".to_owned()),
            Just(": 'Cedar#77310'".to_owned()),
            Just(" // gitleaks:allow".to_owned()),
            Just("sk_live_4eC39HqLyjWDarjtT1zdp7dc\n".to_owned()),
            Just("\n".to_owned()),
            Just("-----END RSA PRIVATE KEY-----\n".to_owned()),
            Just(pem),
        ]
    }

    /// A text, and one made from it: numbers of pieces to copy from where to where, or new text.
    fn edit() -> impl Strategy<Value = (String, Vec<(prop::sample::Index, prop::sample::Index, String)>)> {
        let step = (
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            prop_oneof![3 => Just(String::new()), 2 => piece()],
        );
        let text = prop::collection::vec(piece(), 0..30).prop_map(|pieces| pieces.concat());
        (text, prop::collection::vec(step, 0..6))
    }

    /// Paths of a text and of the one it was made from, about which different rules are.
    fn paths() -> impl Strategy<Value = (&'static str, &'static str)> {
        let path = || {
            prop::sample::select(vec!["src/config.js", "config/.env", "spec/a.spec.js", "README.md", "ios/App.swift"])
        };
        prop_oneof![path().prop_map(|path| (path, path)), (path(), path())]
    }

    fn made_from(
        text: &str,
        steps: &[(prop::sample::Index, prop::sample::Index, String)],
        in_order: bool,
    ) -> (String, Vec<Copied>) {
        let (mut made, mut copied, mut last) = (String::new(), Vec::new(), 0);
        for (from, to, new) in steps {
            let (a, b) = (from.index(text.len() + 1), to.index(text.len() + 1));
            let (start, end) = if in_order { (last, (last + a.min(b)).min(text.len())) } else { (a.min(b), a.max(b)) };
            last = end;
            copied.push(Copied { at: short(made.len()), from: short(start), length: short(end - start) });
            made.push_str(&text[start..end]);
            made.push_str(new);
        }
        (made, copied)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn what_is_carried_over_and_what_is_searched_again_make_the_whole((text, steps) in edit(), in_order: bool, paths in paths()) {
            let scanner = SCANNER.get_or_init(scanner);
            let (made, copied) = made_from(&text, &steps, in_order);
            let (old, new) = (scanner.rules_for(paths.0), scanner.rules_for(paths.1));
            let before = scanner.search(text.as_bytes(), &old);
            let rest = scanner.search_rest(made.as_bytes(), &new, &before, &copied);
            prop_assert_eq!(&rest, &scanner.search(made.as_bytes(), &new));
        }

        #[test]
        fn a_text_has_the_same_keys_either_way(pieces in prop::collection::vec(piece(), 0..30), paths in paths()) {
            let scanner = SCANNER.get_or_init(scanner);
            let text = pieces.concat();
            let searched = scanner.search(text.as_bytes(), &scanner.rules_for(paths.0));
            let hits = scanner.hits(paths.0, text.as_bytes(), &searched);
            prop_assert_eq!(hits, scanner.in_text(paths.0, text.as_bytes()));
        }
    }

    static SCANNER: std::sync::OnceLock<Scanner> = std::sync::OnceLock::new();

    #[test]
    fn a_key_whose_word_lies_in_another_part_is_found() {
        let scanner = scanner();
        let rules = scanner.rules_for("a.js");
        let before = scanner.search(b"masterKey: process.env.KEY\n", &rules);
        let text = b"masterKey: 'Cedar#77310'\n";
        let copied = [Copied { at: 0, from: 0, length: 11 }, Copied { at: 24, from: 26, length: 1 }];
        let rest = scanner.search_rest(text, &rules, &before, &copied);
        assert_eq!(scanner.hits("a.js", text, &rest).len(), 1);
    }
}
