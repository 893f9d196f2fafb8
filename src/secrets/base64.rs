//! Base64 in texts: where it stands, and what it holds if that is text.
//!
//! Only texts are of interest, and few other things look like them: sixteen letters of an
//! identifier, a hash or an image decode to sixteen printable characters once in a hundred
//! thousand times, so that the first ones decide nearly always.

use std::ops::Range;

use zeroize::Zeroizing;

/// Shorter runs, with the signs that fill them up, are not decoded.
const SHORTEST: usize = 20;

/// Longer runs are data and not decoded.
pub const LONGEST: usize = 16 << 10;

/// Bytes that are looked at together. A run of [`SHORTEST`] has so many in a row at a multiple of them.
const BLOCK: usize = 8;

/// Blocks of which it is seen at once whether they are part of a run.
const AT_ONCE: usize = 8 * BLOCK;

/// Letters of a run that are decoded to see whether it may hold text.
const FIRST: usize = 16;

/// Hands on what may be base64: the letters and signs that stand together, and the run in them.
/// All are that touch the range, each once, in order.
pub fn each(text: &[u8], range: Range<usize>, mut found: impl FnMut(Range<usize>, Range<usize>)) {
    let widened = SHORTEST + BLOCK;
    let mut at = range.start.saturating_sub(widened) / AT_ONCE * AT_ONCE;
    let last = range.end.saturating_add(widened).min(text.len());
    let mut next = 0;
    while at < last {
        let part = text.get(at..(at + AT_ONCE).min(text.len())).unwrap_or_default();
        let mut letters = [0u8; AT_ONCE];
        letters.iter_mut().zip(part).for_each(|(letter, byte)| *letter = u8::from(is_letter(*byte)));
        if letters != [0; AT_ONCE] {
            for (number, block) in letters.chunks_exact(BLOCK).enumerate() {
                let start = at + number * BLOCK;
                if block != [1; BLOCK] || start < next || !is_long(text, start) {
                    continue;
                }
                let whole = around(text, start);
                next = whole.end;
                if whole.len() <= LONGEST && whole.start < range.end && range.start < whole.end {
                    runs(text, &whole, |run| found(whole.clone(), run));
                }
            }
        }
        at += AT_ONCE;
        if next > at {
            at = next / AT_ONCE * AT_ONCE;
        }
    }
}

/// The text that a run holds.
pub fn text(run: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_text =
        |bytes: &[u8]| bytes.iter().all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r'));
    let first = decode(run.get(..FIRST)?)?;
    if !first.is_ascii() || !is_text(&first) {
        return None;
    }
    let has = |signs: [u8; 2]| run.iter().any(|byte| signs.contains(byte));
    if has([b'+', b'/']) && has([b'-', b'_']) {
        return None;
    }
    let whole = decode(run)?;
    (is_text(&whole) && std::str::from_utf8(&whole).is_ok()).then_some(whole)
}

/// Decodes either alphabet, with or without padding.
pub fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut held) = (0u32, 0);
    for byte in text.iter().filter(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// Letters of both alphabets and the padding. Without branches, so that many are asked at once.
fn is_letter(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26)
        | (byte.wrapping_sub(b'/') < 11)
        | (byte == b'+')
        | (byte == b'-')
        | (byte == b'_')
        | (byte == b'=')
}

/// Whether what stands round a block may be long enough: the next block is a part of it, or it
/// reaches out on both sides.
fn is_long(text: &[u8], start: usize) -> bool {
    let has = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|byte| is_letter(*byte));
    let next = text.get(start + BLOCK..start + 2 * BLOCK).is_some_and(|next| next.iter().all(|byte| is_letter(*byte)));
    next || (has(start.checked_sub(5)) && has(Some(start + BLOCK + 4)))
}

/// All letters that stand together with the one here; of more than are decoded only so many that it shows.
fn around(text: &[u8], at: usize) -> Range<usize> {
    let before = text.get(at.saturating_sub(LONGEST + 1)..at).unwrap_or_default();
    let start = at - before.iter().rev().take_while(|byte| is_letter(**byte)).count();
    let mut end = at;
    // Images are long: whole parts first.
    while text.get(end..end + AT_ONCE).is_some_and(|part| part.iter().fold(true, |all, byte| all & is_letter(*byte))) {
        end += AT_ONCE;
    }
    end += text.get(end..).unwrap_or_default().iter().take_while(|byte| is_letter(**byte)).count();
    start..end
}

/// Runs between signs of padding, each with its own.
fn runs(text: &[u8], whole: &Range<usize>, mut found: impl FnMut(Range<usize>)) {
    let mut start = whole.start;
    while start < whole.end {
        let rest = text.get(start..whole.end).unwrap_or_default();
        let letters = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        let signs = rest.iter().skip(letters).take_while(|byte| **byte == b'=').count();
        let padding = signs.min((4 - letters % 4) % 4);
        if letters + padding >= SHORTEST && letters % 4 != 1 {
            found(start..start + letters + padding);
        }
        start += letters + signs;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every run, the plain way.
    fn plainly(text: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
        let (mut found, mut start) = (Vec::new(), 0);
        for end in 0..=text.len() {
            if end < text.len() && is_letter(text[end]) {
                continue;
            }
            if end - start <= LONGEST {
                runs(text, &(start..end), |run| found.push((start..end, run)));
            }
            start = end + 1;
        }
        found
    }

    fn found(text: &[u8], range: Range<usize>) -> Vec<(Range<usize>, Range<usize>)> {
        let mut all = Vec::new();
        each(text, range, |whole, run| all.push((whole, run)));
        all
    }

    proptest! {
        #[test]
        fn every_run_that_touches_a_range_is_found(text in "([a-zA-Z0-9+/=_-]{1,40}|[ -~\n]{0,12}){0,12}", a: prop::sample::Index, b: prop::sample::Index) {
            let text = text.as_bytes();
            let (a, b) = (a.index(text.len() + 1), b.index(text.len() + 1));
            let range = a.min(b)..a.max(b);
            let touching = plainly(text).into_iter().filter(|(whole, _)| whole.start < range.end && range.start < whole.end);
            prop_assert_eq!(found(text, range.clone()), touching.collect::<Vec<_>>());
            prop_assert_eq!(found(text, 0..text.len()), plainly(text));
        }
    }

    #[test]
    fn long_runs_are_passed_by_and_those_behind_them_found() {
        for extra in [0, 1, 63, 200_000] {
            let text = format!("'{}' bWFzdGVyS2V5OiBhYmNkZWY=", "A".repeat(LONGEST + extra));
            let runs = found(text.as_bytes(), 0..text.len()).len();
            assert_eq!(runs, if extra == 0 { 2 } else { 1 }, "{extra}");
        }
    }

    #[test]
    fn base64_is_read_in_both_alphabets() {
        assert_eq!(decode(b"YTpi").as_deref().map(Vec::as_slice), Some(&b"a:b"[..]));
        assert_eq!(decode(b"-_8=").as_deref().map(Vec::as_slice), Some(&[0xfb, 0xff][..]));
        assert_eq!(decode(b"a b"), None);
    }

    #[test]
    fn only_what_holds_text_is_decoded() {
        assert_eq!(text(b"bWFzdGVyS2V5OiBhYmNkZWY=").as_deref().map(Vec::as_slice), Some(&b"masterKey: abcdef"[..]));
        for other in [
            "iVBORw0KGgoAAAANSUhEUgAA",
            "src/components/buttons/index",
            "d41d8cd98f00b204e9800998ecf8427e",
            "InternalServerErrorException",
        ] {
            assert_eq!(text(other.as_bytes()), None, "{other}");
        }
    }
}
