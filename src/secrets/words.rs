//! Finds the words of all rules in one go over a text, in either case.
//!
//! Short words are looked for with vector instructions, long ones with a [`Sieve`]. Of words
//! that have a short one in them ("masterKey" has "key"), only that is looked for; whether
//! it is a longer one is seen where it stands.

use std::cell::RefCell;
use std::ops::Range;

use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, Input, Span};

use super::sieve::{SHORTEST, Sieve};

/// Bytes that are made lower case and searched at once: they stay in the cache of a core.
const BLOCK: usize = 32 << 10;

/// As many short words are found by one searcher.
const AT_ONCE: usize = 48;

/// Knows the words.
pub struct Words {
    /// In lower case.
    words: Vec<Vec<u8>>,
    short: Vec<Short>,
    long: Sieve,
    longest: usize,
}

/// Short words, none of which is part of another.
struct Short {
    searcher: Engine,
    /// For each of them the words that have it in them, and where.
    within: Vec<Vec<(usize, usize)>>,
    /// For each of them how many bytes of its end may be the beginning of one of them.
    overlap: Vec<usize>,
    lengths: Vec<usize>,
}

enum Engine {
    Vector(Searcher),
    /// Where the machine has no vector instructions.
    Table(AhoCorasick),
}

thread_local! {
    /// A block in lower case; wiped when it was searched.
    static LOWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Words {
    /// Words by their numbers, from 0: in lower case, none twice.
    ///
    /// # Errors
    ///
    /// There are more than can be searched for at once.
    pub fn new(words: Vec<String>) -> Result<Self, BuildError> {
        let words: Vec<Vec<u8>> = words.into_iter().map(String::into_bytes).collect();
        let mut by_length: Vec<&Vec<u8>> = words.iter().filter(|word| word.len() < SHORTEST).collect();
        by_length.sort_by_key(|word| word.len());
        let mut anchors: Vec<&[u8]> = Vec::new();
        for word in by_length {
            if !anchors.iter().any(|anchor| position(word, anchor).is_some()) {
                anchors.push(word);
            }
        }
        let mut within: Vec<Vec<(usize, usize)>> = vec![Vec::new(); anchors.len()];
        let mut long = Vec::new();
        for (number, word) in words.iter().enumerate() {
            let anchored = anchors.iter().zip(&mut within).find_map(|(anchor, of)| Some((position(word, anchor)?, of)));
            match anchored {
                Some((at, of_anchor)) => of_anchor.push((number, at)),
                None => long.push((number, word.as_slice())),
            }
        }
        let long = Sieve::new(long);
        let groups = anchors.chunks(AT_ONCE).zip(within.chunks(AT_ONCE));
        let short = groups.map(|(anchors, within)| Short::new(anchors, within)).collect::<Result<_, _>>()?;
        let longest = words.iter().map(Vec::len).max().unwrap_or_default();
        Ok(Self { words, short, long, longest })
    }

    /// Hands on the number and the bytes of every word in a text, in the order of their
    /// beginnings.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(usize, Range<usize>)) {
        let mut here: Vec<(usize, usize)> = Vec::new();
        let mut from = 0;
        // A word that begins in a block may end in the next.
        let reach = self.longest.saturating_sub(1);
        while from < text.len() {
            let end = from.saturating_add(BLOCK);
            let block = text.get(from..end.saturating_add(reach).min(text.len())).unwrap_or_default();
            self.in_block(block, &mut here);
            here.retain(|(start, _)| *start < BLOCK);
            here.sort_unstable();
            here.dedup();
            for (start, number) in here.drain(..) {
                let length = self.words.get(number).map_or(0, Vec::len);
                found(number, from + start..from + start + length);
            }
            from = end;
        }
    }

    /// Length of the longest word in bytes.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The words in a block: where they begin, and their numbers.
    fn in_block(&self, block: &[u8], here: &mut Vec<(usize, usize)>) {
        LOWER.with_borrow_mut(|lower| {
            lower.clear();
            lower.extend_from_slice(block);
            lower.make_ascii_lowercase();
            let mut compare = |number: usize, start: usize| {
                let is_here = self
                    .words
                    .get(number)
                    .zip(lower.get(start..))
                    .is_some_and(|(word, rest)| rest.starts_with(word.as_slice()));
                if is_here {
                    here.push((start, number));
                }
            };
            self.short.iter().for_each(|short| short.each(lower, &mut compare));
            self.long.each(lower, &mut compare);
            lower.fill(0);
            std::hint::black_box(lower.as_slice());
        });
    }
}

impl Short {
    fn new(anchors: &[&[u8]], within: &[Vec<(usize, usize)>]) -> Result<Self, BuildError> {
        let vector = Config::new().match_kind(MatchKind::LeftmostFirst).builder().extend(anchors).build();
        let searcher = match vector {
            Some(searcher) => Engine::Vector(searcher),
            None => Engine::Table(
                AhoCorasick::builder()
                    .match_kind(aho_corasick::MatchKind::LeftmostFirst)
                    .kind(Some(AhoCorasickKind::DFA))
                    .build(anchors)?,
            ),
        };
        let begins = |end: &[u8]| anchors.iter().any(|other| other.starts_with(end));
        let overlap = |anchor: &&[u8]| {
            (1..anchor.len())
                .rev()
                .find(|length| anchor.get(anchor.len() - length..).is_some_and(begins))
                .unwrap_or_default()
        };
        Ok(Self {
            searcher,
            within: within.to_vec(),
            overlap: anchors.iter().map(overlap).collect(),
            lengths: anchors.iter().map(|anchor| anchor.len()).collect(),
        })
    }

    /// Hands on words that may begin at a byte.
    fn each(&self, text: &[u8], found: &mut impl FnMut(usize, usize)) {
        let mut from = 0;
        while let Some((anchor, start)) = self.next(text, from) {
            for (number, at) in self.within.get(anchor).into_iter().flatten() {
                if let Some(start) = start.checked_sub(*at) {
                    found(*number, start);
                }
            }
            let length = self.lengths.get(anchor).copied().unwrap_or(1);
            from = start + length - self.overlap.get(anchor).copied().unwrap_or_default();
        }
    }

    fn next(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let span = Span::from(from..text.len());
        let hit = match &self.searcher {
            Engine::Vector(searcher) => searcher.find_in(text, span),
            Engine::Table(table) => table.find(Input::new(text).span(span)),
        }?;
        Some((hit.pattern().as_usize(), hit.start()))
    }
}

fn position(word: &[u8], part: &[u8]) -> Option<usize> {
    word.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every word at every byte, the plain way.
    fn plainly(words: &[String], text: &[u8]) -> Vec<(usize, usize)> {
        let lower = text.to_ascii_lowercase();
        let begins = |at: usize, word: &String| lower.get(at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        (0..text.len())
            .flat_map(|at| {
                words.iter().enumerate().filter(move |(_, word)| begins(at, word)).map(move |(number, _)| (at, number))
            })
            .collect()
    }

    fn found(words: &[String], text: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let known = Words::new(words.to_vec()).expect("few words");
        known.each(text, |number, at| all.push((at.start, number)));
        all
    }

    proptest! {
        #[test]
        fn every_word_is_found_at_every_place_in_either_case(
            words in proptest::collection::btree_set("[abk_]{2,9}", 1..90),
            text in "[abkAB_\n]{0,400}",
        ) {
            let words: Vec<String> = words.into_iter().collect();
            prop_assert_eq!(found(&words, text.as_bytes()), plainly(&words, text.as_bytes()));
        }
    }

    #[test]
    fn a_word_is_found_where_two_blocks_meet() {
        let words = ["key".to_owned(), "masterkey".to_owned(), "credential".to_owned()];
        for shift in 0..14 {
            let mut text = vec![b'.'; 2 * BLOCK];
            for (at, word) in [(BLOCK - shift, "masterKey"), (2 * BLOCK - 20, "Credential")] {
                text.splice(at..at + word.len(), word.bytes());
            }
            assert_eq!(found(&words, &text), plainly(&words, &text), "{shift}");
        }
    }
}
