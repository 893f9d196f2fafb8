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

use super::wrapped::Wrapped;
use super::{Hit, Known, Scanner, allowed, judge};

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

/// The rules of several paths.
pub fn all(rules: &[Rules]) -> Rules {
    match rules {
        [one] => Arc::clone(one),
        _ => {
            let count = rules.first().map_or(0, |first| first.len());
            (0..count).map(|number| rules.iter().any(|rules| rules.get(number) == Some(&true))).collect()
        }
    }
}

/// All that rules ask of a path. Whatever a text holds, it has the same keys at all paths of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Kind {
    rules: Rules,
    /// Of each rule whether a file of the path may be a key as a whole, whether the path has what is
    /// wanted beside a key, and which of the lists that ask for a text too are about it.
    answers: Vec<bool>,
}

/// What is known of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// The rules that were asked.
    pub(super) rules: Rules,
    /// Length of the text.
    length: u32,
    /// The words in it, in the order of their places.
    words: Vec<Word>,
    /// What patterns caught, in the order of rules and places.
    caught: Vec<Caught>,
    /// Keys in base64, in the order of places.
    pub(super) wrapped: Vec<Wrapped>,
}

/// A word of rules in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word {
    at: u32,
    number: u16,
    length: u16,
}

/// A key as a pattern caught it, and the window it was caught in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Caught {
    pub(super) rule: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    window: (u32, u32),
}

/// The copied parts of a text, in order, those that follow each other in both texts joined.
pub(super) struct Parts {
    parts: Vec<Copied>,
    length: u32,
    length_before: u32,
}

impl Searched {
    /// Whether no pattern caught anything.
    pub fn is_empty(&self) -> bool {
        self.caught.is_empty() && self.wrapped.is_empty()
    }

    /// What was found for some of the rules.
    pub fn only(&self, rules: &Rules) -> Self {
        let caught = self.caught.iter().filter(|caught| has(rules, caught.rule)).copied().collect();
        let wrapped = self.wrapped.iter().filter(|wrapped| has(rules, wrapped.rule)).copied().collect();
        Self { rules: Arc::clone(rules), length: self.length, words: Vec::new(), caught, wrapped }
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

    /// The kind of a path.
    pub fn kind_of(&self, path: &str) -> Kind {
        let answers = self.rules.iter().flat_map(|rule| {
            let beside = !rule.matcher.beside.is_empty() && judge::has_word(path.as_bytes(), &rule.matcher.beside);
            let lists = rule.matcher.allowed.iter().map(|list| allowed::asks_at_path(list, path));
            [rule.may_be_file(path), beside].into_iter().chain(lists)
        });
        Kind { rules: self.rules_for(path), answers: answers.collect() }
    }

    /// The keys in a text, in the order of their places. Of several rules about the same
    /// characters the one that knows most speaks.
    pub fn in_text(&self, path: &str, text: &[u8]) -> Vec<Hit> {
        let mut about: Vec<Option<bool>> = vec![None; self.rules.len()];
        let mut counts = |rule: u32| {
            let Some(known) = about.get_mut(rule as usize) else { return false };
            *known.get_or_insert_with(|| self.rules.get(rule as usize).is_some_and(|rule| rule.wants_path(path)))
        };
        let caught = self.all_caught(text, &self.words_of_whole(text), &mut counts);
        let mut wrapped = Vec::new();
        self.wrapped_in(text, 0..text.len(), |_| true, counts, &mut wrapped);
        self.told(path, text, &caught, &wrapped)
    }

    /// Searches a whole text for some rules. Texts are shorter than 4 GiB.
    pub fn search(&self, text: &[u8], rules: &Rules) -> Searched {
        let words = self.words_of_whole(text);
        let caught = self.all_caught(text, &words, |rule| has(rules, rule));
        let mut wrapped = Vec::new();
        self.wrapped_in(text, 0..text.len(), |_| true, |rule| has(rules, rule), &mut wrapped);
        wrapped.sort_unstable();
        Searched { rules: Arc::clone(rules), length: short(text.len()), words, caught, wrapped }
    }

    pub(super) fn words_of_whole(&self, text: &[u8]) -> Vec<Word> {
        let mut words = Vec::new();
        self.words_in(text, 0..text.len(), |word| words.push(word));
        words
    }

    pub(super) fn all_caught(&self, text: &[u8], words: &[Word], counts: impl FnMut(u32) -> bool) -> Vec<Caught> {
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
        let of_asked: Vec<bool> =
            self.of_word.iter().map(|rules| rules.iter().any(|rule| is_asked(short(*rule)))).collect();
        let asked = words.iter().filter(|word| has(&of_asked, word.number.into()));
        for (rule, window) in self.joined(asked, text, is_asked) {
            if !has(&before.rules, rule) || !parts.hold(&window, self.margin(rule)) {
                self.catch(text, rule, window, &mut caught);
            }
        }
        caught.sort_unstable();
        let wrapped = self.wrapped_rest(text, rules, before, &parts);
        Searched { rules: Arc::clone(rules), length, words, caught, wrapped }
    }

    /// The keys of a text that was searched for the rules about its path.
    pub fn hits(&self, path: &str, text: &[u8], searched: &Searched) -> Vec<Hit> {
        self.told(path, text, &searched.caught, &searched.wrapped)
    }

    fn told(&self, path: &str, text: &[u8], caught: &[Caught], wrapped: &[Wrapped]) -> Vec<Hit> {
        let mut found = Vec::new();
        for same_rule in caught.chunk_by(|a, b| a.rule == b.rule) {
            let Some(rule) = same_rule.first().and_then(|first| self.rules.get(first.rule as usize)) else { continue };
            if rule.wants_beside(path, text) {
                let keys = same_rule.iter().map(|key| (key.rule as usize, key.start as usize..key.end as usize));
                found.extend(keys.filter(|(_, key)| !rule.is_allowed_at(path, text, key)));
            }
        }
        let found = self.without_overlaps(found).into_iter();
        let mut hits = found.filter_map(|(number, span)| self.hit(number, text.get(span.clone())?, span)).collect();
        self.with_wrapped(path, text, wrapped, &mut hits);
        hits
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
        let known = words.len();
        for range in parts.new_ranges(widest) {
            self.words_in(text, range, |word| {
                if !parts.hold(&(word.at..word.at + u32::from(word.length)), 0) {
                    words.push(word);
                }
            });
        }
        if words.len() > known {
            // Both halves are in order: a stable sort puts them together in one go.
            words.sort();
        }
        words
    }

    fn words_in(&self, text: &[u8], range: Range<usize>, mut found: impl FnMut(Word)) {
        let Some(part) = text.get(range.clone()) else { return };
        self.words.each(part, |number, at| {
            let length = u16::try_from(at.len()).unwrap_or(u16::MAX);
            found(Word { at: short(range.start + at.start), number, length });
        });
    }

    /// The windows of rules, joined where they touch.
    fn joined<'w>(
        &self,
        words: impl IntoIterator<Item = &'w Word>,
        text: &[u8],
        mut counts: impl FnMut(u32) -> bool,
    ) -> Vec<(u32, Range<u32>)> {
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
        let farthest = self.margins.iter().max().map_or(0, |margin| margin.saturating_mul(2));
        let mut seams = parts.seams().peekable();
        let mut last: Option<u32> = None;
        for word in words {
            while let Some(seam) = seams.next_if(|seam| *seam <= word.at) {
                last = Some(seam);
            }
            let gap = [last, seams.peek().copied()].into_iter().flatten().map(|seam| seam.abs_diff(word.at)).min();
            let Some(gap) = gap else { break };
            if gap > farthest {
                continue;
            }
            for rule in self.of_word.get(usize::from(word.number)).into_iter().flatten() {
                if let Some(touched) = touched.get_mut(*rule).filter(|touched| !**touched && has(rules, short(*rule))) {
                    *touched = gap <= self.margin(short(*rule)).saturating_mul(2);
                }
            }
        }
        touched
    }

    fn margin(&self, rule: u32) -> u32 {
        self.margins.get(rule as usize).copied().unwrap_or(LINE)
    }

    /// For each rule the bytes round a window of it on which it depends what is found in it: no word
    /// beyond them can make it longer, and no comment beyond them counts.
    pub(super) fn margins(rules: &[Known], longest_word: usize) -> Vec<u32> {
        let margin = |rule: &Known| short(rule.matcher.before + rule.matcher.window + longest_word + 1).max(LINE);
        rules.iter().map(margin).collect()
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
    pub(super) fn hold(&self, range: &Range<u32>, margin: u32) -> bool {
        let after = self.parts.partition_point(|part| part.at <= range.start);
        after
            .checked_sub(1)
            .and_then(|number| self.parts.get(number))
            .is_some_and(|part| self.is_inside(part, (range.start, range.end), (part.at, part.end()), margin))
    }

    /// Carries a key over to every place to which its window was copied with its margin.
    fn carry(&self, old: &Caught, margin: u32, mut carried: impl FnMut(Caught)) {
        self.moved(old.window, margin, |moved| {
            let window = (moved(old.window.0), moved(old.window.1));
            carried(Caught { start: moved(old.start), end: moved(old.end), window, ..*old });
        });
    }

    /// Tells of every place to which a window was copied with its margin where its bytes are now.
    pub(super) fn moved(&self, window: (u32, u32), margin: u32, mut carried: impl FnMut(&dyn Fn(u32) -> u32)) {
        for part in &self.parts {
            if self.is_inside(part, window, (part.from, part.source_end()), margin) {
                carried(&|at| at - part.from + part.at);
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
    pub(super) fn new_ranges(&self, by: u32) -> Vec<Range<usize>> {
        let ends = self.parts.iter().map(Copied::end);
        let gaps = std::iter::once(0).chain(ends).zip(self.parts.iter().map(|part| part.at).chain([self.length]));
        let widened = |(start, end): (u32, u32)| {
            start.saturating_sub(by) as usize..end.saturating_add(by).min(self.length) as usize
        };
        joined(gaps.map(widened))
    }
}

/// Ranges in the order of their beginnings, those that touch as one.
pub(super) fn joined(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

pub(super) fn has(rules: &[bool], rule: u32) -> bool {
    rules.get(rule as usize).is_some_and(|has| *has)
}

pub(super) fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
