//! Finds the words of all rules in one go over a text, in either case.
//!
//! Of each word the three bytes that are rarest in texts are looked up at every byte, and only
//! where they are the word is compared. The cost does not grow with the number of words.

use std::ops::Range;

use rustc_hash::FxHashMap;

/// Bytes that are looked up.
const GRAM: usize = 3;

/// Bytes that are read at once, and at how many of them a gram begins.
const READ: usize = 8;
const BEGIN: usize = READ + 1 - GRAM;

/// The bit in which letters of either case differ, in all bytes. Other signs become alike too; they are compared.
const CASE: u64 = 0x2020_2020_2020_2020;

/// Bits of a hash.
const BITS: u32 = 14;

/// Knows the words.
pub struct Words {
    /// In lower case.
    words: Vec<Vec<u8>>,
    /// Whether a gram with this hash is part of a word.
    flags: Box<[u8; 1 << BITS]>,
    /// The words that have a gram, with where in the word it is.
    of_gram: FxHashMap<u32, Vec<(u16, u16)>>,
    /// Words that are shorter than a gram.
    tiny: Vec<u16>,
    longest: usize,
}

/// There are more words than can be told apart.
#[derive(Debug, thiserror::Error)]
#[error("there are more than {} words", u16::MAX)]
pub struct TooMany;

impl Words {
    /// Words by their numbers, from 0: in lower case, none twice.
    ///
    /// # Errors
    ///
    /// There are more than can be told apart, or one is as long.
    pub fn new(words: Vec<String>) -> Result<Self, TooMany> {
        let words: Vec<Vec<u8>> = words.into_iter().map(String::into_bytes).collect();
        let mut flags = Box::new([0; 1 << BITS]);
        let mut of_gram: FxHashMap<u32, Vec<(u16, u16)>> = FxHashMap::default();
        let mut tiny = Vec::new();
        for (number, word) in words.iter().enumerate() {
            let number = u16::try_from(number).map_err(|_| TooMany)?;
            u16::try_from(word.len()).map_err(|_| TooMany)?;
            let Some((at, gram)) = rarest(word) else {
                tiny.push(number);
                continue;
            };
            if let Some(flag) = flags.get_mut(hash(gram)) {
                *flag = 1;
            }
            of_gram.entry(gram).or_default().push((number, at));
        }
        let longest = words.iter().map(Vec::len).max().unwrap_or_default();
        Ok(Self { words, flags, of_gram, tiny, longest })
    }

    /// Hands on the number and the bytes of every word in a text, in the order of their
    /// beginnings.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(u16, Range<usize>)) {
        let mut here: Vec<(usize, u16)> = Vec::new();
        let mut at = 0;
        while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk::<READ>()) {
            self.at_once(*bytes, text, at, &mut here);
            at += BEGIN;
        }
        let mut last = [0; READ];
        last.iter_mut().zip(text.get(at..).unwrap_or_default()).for_each(|(last, byte)| *last = *byte);
        self.at_once(last, text, at, &mut here);
        self.tiny(text, &mut here);
        here.sort_unstable();
        for (start, number) in here {
            let length = self.words.get(usize::from(number)).map_or(0, Vec::len);
            found(number, start..start + length);
        }
    }

    /// Length of the longest word in bytes.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The words that have their gram in these bytes of a text.
    #[inline]
    fn at_once(&self, bytes: [u8; READ], text: &[u8], at: usize, here: &mut Vec<(usize, u16)>) {
        let bytes = u64::from_le_bytes(bytes) | CASE;
        let gram = |begin: usize| (bytes >> (8 * begin)) as u32 & 0xff_ffff;
        let flag = |begin: usize| self.flags.get(hash(gram(begin))).copied().unwrap_or_default();
        if (0..BEGIN).fold(0, |any, begin| any | flag(begin)) == 0 {
            return;
        }
        for begin in (0..BEGIN).filter(|begin| flag(*begin) != 0) {
            for (number, within) in self.of_gram.get(&gram(begin)).into_iter().flatten() {
                if let Some(start) = (at + begin).checked_sub(usize::from(*within))
                    && self.is_at(*number, text, start)
                {
                    here.push((start, *number));
                }
            }
        }
    }

    /// Words that are shorter than a gram, which only rules of others have.
    fn tiny(&self, text: &[u8], here: &mut Vec<(usize, u16)>) {
        for number in &self.tiny {
            let Some(first) = self.words.get(usize::from(*number)).and_then(|word| word.first()) else { continue };
            let begins = memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text);
            here.extend(begins.filter(|start| self.is_at(*number, text, *start)).map(|start| (start, *number)));
        }
    }

    fn is_at(&self, number: u16, text: &[u8], start: usize) -> bool {
        self.words.get(usize::from(number)).is_some_and(|word| {
            text.get(start..start.saturating_add(word.len())).is_some_and(|bytes| bytes.eq_ignore_ascii_case(word))
        })
    }
}

fn hash(gram: u32) -> usize {
    (gram.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS)) as usize
}

/// The gram of a word that is rarest in texts, and where in the word it is.
fn rarest(word: &[u8]) -> Option<(u16, u32)> {
    // Letters by how often they are in code and prose; what is not here is rare.
    const COMMON: &[u8] = b"etaoinsrlcdupmhfgb yv_kwx.-/=q1023456789zj";
    let rank = |byte: &u8| COMMON.iter().position(|common| common == byte).unwrap_or(COMMON.len());
    let rarity = |at: usize| word.iter().skip(at).take(GRAM).map(rank).sum::<usize>();
    let at = (0..(word.len() + 1).checked_sub(GRAM)?).max_by_key(|at| rarity(*at))?;
    let gram = word.get(at..)?.iter().take(GRAM).rev().fold(0, |gram, byte| gram << 8 | u32::from(*byte));
    Some((u16::try_from(at).ok()?, gram | (CASE as u32 & 0xff_ffff)))
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
        known.each(text, |number, at| all.push((at.start, usize::from(number))));
        all
    }

    proptest! {
        #[test]
        fn every_word_is_found_at_every_place_in_either_case(
            words in proptest::collection::btree_set("[abk_]{1,9}", 1..90),
            text in "[abkAB_\n]{0,400}",
        ) {
            let words: Vec<String> = words.into_iter().collect();
            prop_assert_eq!(found(&words, text.as_bytes()), plainly(&words, text.as_bytes()));
        }
    }

    #[test]
    fn words_end_where_the_text_does() {
        let words = ["key".to_owned(), "masterkey".to_owned(), "r:".to_owned(), "@[`{\u{e9}".to_owned()];
        for blanks in 0..20 {
            for word in ["masterKey", "R:", "KEY", "@[`{\u{e9}", "`{@[\u{c9}", "ma"] {
                let text = ".".repeat(blanks) + word;
                assert_eq!(found(&words, text.as_bytes()), plainly(&words, text.as_bytes()), "{blanks} {word}");
            }
        }
    }
}
