//! Finds long words in bytes by what is rarest in them: at every second byte four bytes
//! are looked up in a table of bits, and only what is there is compared. The cost does not
//! grow with the number of words.

use rustc_hash::FxHashMap;

/// Words shorter than this are not for a sieve: whatever byte they begin at, four bytes of
/// them must begin at an even one.
pub const SHORTEST: usize = 5;

/// Bytes that are looked up at once.
const GRAM: usize = 4;

/// The table has this many times 64 bits.
const CELLS: usize = 4096;

/// Finds words of at least [`SHORTEST`] bytes.
pub struct Sieve {
    /// Whether four bytes with this hash are part of a word.
    bits: Box<[u64; CELLS]>,
    /// The words that have these four bytes, with where in the word they are.
    words: FxHashMap<u32, Vec<(usize, usize)>>,
}

impl Sieve {
    /// A sieve for words by their numbers.
    pub fn new<'w>(words: impl IntoIterator<Item = (usize, &'w [u8])>) -> Self {
        let mut sieve = Self { bits: Box::new([0; CELLS]), words: FxHashMap::default() };
        for (number, word) in words {
            let at = rarest(word);
            for at in [at, at + 1] {
                let Some(gram) = word.get(at..at + GRAM).and_then(gram) else { continue };
                let (cell, bit) = place(gram);
                if let Some(cell) = sieve.bits.get_mut(cell) {
                    *cell |= bit;
                }
                sieve.words.entry(gram).or_default().push((number, at));
            }
        }
        sieve
    }

    /// Hands on words that may begin at a byte. Each that does is among them, once.
    pub fn each(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        if self.words.is_empty() {
            return;
        }
        for (half, bytes) in text.windows(GRAM).step_by(2).enumerate() {
            let Some(gram) = gram(bytes) else { continue };
            let (cell, bit) = place(gram);
            if self.bits.get(cell).is_some_and(|cell| cell & bit != 0) {
                for (number, within) in self.words.get(&gram).into_iter().flatten() {
                    if let Some(start) = (2 * half).checked_sub(*within) {
                        found(*number, start);
                    }
                }
            }
        }
    }
}

fn gram(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_le_bytes)
}

/// The cell of a hash and the bit in it.
fn place(gram: u32) -> (usize, u64) {
    let hash = gram.wrapping_mul(0x9e37_79b1) >> 14;
    ((hash >> 6) as usize % CELLS, 1 << (hash & 63))
}

/// Where in a word the five bytes begin that are rarest in texts.
fn rarest(word: &[u8]) -> usize {
    // Letters by how often they are in code and prose; what is not here is rare.
    const COMMON: &[u8] = b"etaoinsrlcdupmhfgb yv_kwx.-/=q1023456789zj";
    let rank = |byte: &u8| COMMON.iter().position(|common| common == byte).unwrap_or(COMMON.len());
    let rarity = |at: usize| word.iter().skip(at).take(SHORTEST).map(rank).sum::<usize>();
    (0..=word.len().saturating_sub(SHORTEST)).max_by_key(|at| rarity(*at)).unwrap_or_default()
}
