//! Base64 in texts: where it stands, and what it holds if that is text.
//!
//! Only texts are of interest, and few other things look like them: sixteen letters of an
//! identifier, a hash or an image decode to sixteen printable characters once in a hundred
//! thousand times, so that the first ones decide nearly always.

use std::ops::Range;

use zeroize::Zeroizing;

/// Letters; shorter runs are not decoded. They hold less than fourteen bytes.
const SHORTEST: usize = 19;

/// Longer runs are data and not decoded.
pub const LONGEST: usize = 16 << 10;

/// Letters are seen by fours. A run of [`SHORTEST`] has so many fours, wherever it begins.
const FOURS: usize = 4;

/// What a run that begins in the last byte of a part needs behind it.
const REACH: usize = 4 * FOURS;

/// Bytes of which it is seen at once where runs are. Each step is done for all of them before
/// the next one, so that what a step reads was not written just now.
const MANY: usize = 512;

/// Bytes of which it is asked at once whether a run is among them, and whether it may hold text.
const FEW: usize = 64;

/// Letters of a run that are decoded to see whether it may hold text.
const FIRST: usize = 16;

/// Hands on what may be base64: the letters and signs that stand together, and the run in them.
/// All are that hold text and touch the range, each once, in order, and some others.
pub fn each(text: &[u8], range: Range<usize>, mut found: impl FnMut(Range<usize>, Range<usize>)) {
    // From where the first letters begin that reach into the range to where the last ones end: whether
    // they hold text shows where they begin.
    let mut at = start_of(text, range.start.min(text.len()));
    let last = end_of(text, range.end.min(text.len()));
    let mut next = 0;
    let mut take = |whole: Range<usize>| {
        if whole.len() <= LONGEST && whole.start < range.end && range.start < whole.end {
            runs(text, &whole, |run| found(whole.clone(), run));
        }
    };
    while at < last {
        if last - at > MANY / 2 {
            let letters: [u32; MANY / 4] = held::<{ MANY + REACH }, _>(text, at, is_letter);
            for letters in letters.as_chunks().0 {
                in_few(text, at, letters, &mut next, &mut take);
                at += FEW;
            }
        } else {
            let letters: [u32; FEW / 4] = held::<{ FEW + REACH }, _>(text, at, is_letter);
            in_few(text, at, &letters, &mut next, &mut take);
            at += FEW;
        }
        at = at.max(next);
    }
}

/// Takes the runs that begin in these bytes of a text, of which `next` is not behind one that was taken.
fn in_few(text: &[u8], start: usize, letters: &[u32; FEW / 4], next: &mut usize, take: &mut impl FnMut(Range<usize>)) {
    if start + FEW <= *next || letters.iter().fold(0, |any, four| any | u32::from(*four == u32::MAX)) == 0 {
        return;
    }
    let first: [u32; FEW / 4] = held::<{ FEW + REACH }, _>(text, start, is_first);
    for (number, (letters, first)) in letters.iter().zip(first).enumerate() {
        let start = start + 4 * number;
        if *letters == u32::MAX && first != 0 && start >= *next {
            *next = end_of(text, start);
            take(start_of(text, start)..*next);
        }
    }
}

/// Of which bytes from one on it holds, and of those four, eight and twelve bytes on: by fours,
/// all bits of each byte.
// By itself it is vectorised, and as a part of its caller it is not.
#[inline(never)]
fn held<const SEEN: usize, const COUNT: usize>(text: &[u8], at: usize, holds: impl Fn(u8) -> bool) -> [u32; COUNT] {
    let rest = text.get(at..).unwrap_or_default();
    let held = |byte: &u8| if holds(*byte) { 0xff } else { 0 };
    let mut each = [0u8; SEEN];
    match rest.first_chunk::<SEEN>() {
        Some(bytes) => each.iter_mut().zip(bytes).for_each(|(each, byte)| *each = held(byte)),
        None => each.iter_mut().zip(rest).for_each(|(each, byte)| *each = held(byte)),
    }
    let mut fours = [0; COUNT];
    let later = |by: usize| each.as_chunks::<4>().0.iter().skip(by).map(|four| u32::from_ne_bytes(*four));
    let all = later(0).zip(later(1)).zip(later(2)).zip(later(3));
    fours.iter_mut().zip(all).for_each(|(four, (((a, b), c), d))| *four = a & b & c & d);
    fours
}

/// The text that a run holds.
pub fn text(run: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_text =
        |bytes: &[u8]| bytes.iter().all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r'));
    // As many as are looked at to find it, wherever it begins.
    if !run.iter().step_by(4).take(FOURS + 1).all(|letter| is_first(*letter)) {
        return None;
    }
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

/// A text in base64.
#[cfg(test)]
pub fn encoded(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: usize| LETTERS.get(bits & 63).map_or('=', |letter| char::from(*letter));
    let of_group = |group: &[u8]| {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        let letters = [18, 12, 6, 0].map(|shift| letter(bits >> shift));
        letters.iter().enumerate().map(|(at, letter)| if at > group.len() { '=' } else { *letter }).collect::<String>()
    };
    text.as_bytes().chunks(3).map(of_group).collect()
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

/// Whether four letters that begin with it may hold text: it has six bits of their first byte.
fn is_first(letter: u8) -> bool {
    (letter.wrapping_sub(b'I') < 18) | (letter.wrapping_sub(b'a') < 6) | (letter.wrapping_sub(b'C') < 2)
}

/// The same as [`is_letter`] for a single byte, where branches are cheaper.
fn is_one(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'/'..=b'9' | b'+' | b'-' | b'_' | b'=')
}

/// Where the letters begin that stand together with what is here; of more than are decoded only so many that it shows.
fn start_of(text: &[u8], at: usize) -> usize {
    let mut start = at;
    while at - start <= LONGEST && start.checked_sub(FEW).and_then(|from| text.get(from..start)).is_some_and(is_whole) {
        start -= FEW;
    }
    let before = text.get(start.saturating_sub(FEW)..start).unwrap_or_default().iter().rev();
    start - before.take_while(|byte| is_one(**byte)).count()
}

/// Where they end, in the same way.
fn end_of(text: &[u8], at: usize) -> usize {
    let mut end = at;
    while end - at <= LONGEST && text.get(end..end + FEW).is_some_and(is_whole) {
        end += FEW;
    }
    end + text.get(end..).unwrap_or_default().iter().take(FEW).take_while(|byte| is_one(**byte)).count()
}

/// Whether all of a part are letters. Images are long.
fn is_whole(part: &[u8]) -> bool {
    part.iter().fold(true, |all, byte| all & is_letter(*byte))
}

/// Runs between signs of padding, each with its own.
fn runs(text: &[u8], whole: &Range<usize>, mut found: impl FnMut(Range<usize>)) {
    let mut start = whole.start;
    while start < whole.end {
        let rest = text.get(start..whole.end).unwrap_or_default();
        let letters = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        let signs = rest.iter().skip(letters).take_while(|byte| **byte == b'=').count();
        let padding = signs.min((4 - letters % 4) % 4);
        if letters >= SHORTEST && letters % 4 != 1 {
            found(start..start + letters + padding);
        }
        start += letters + signs;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every run that holds text, the plain way.
    fn plainly(bytes: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
        let (mut found, mut start) = (Vec::new(), 0);
        for end in 0..=bytes.len() {
            if end < bytes.len() && is_letter(bytes[end]) {
                continue;
            }
            if end - start <= LONGEST {
                runs(bytes, &(start..end), |run| found.push((start..end, run)));
            }
            start = end + 1;
        }
        found.retain(|(_, run)| text(&bytes[run.clone()]).is_some());
        found
    }

    fn found(bytes: &[u8], range: Range<usize>) -> Vec<(Range<usize>, Range<usize>)> {
        let mut all = Vec::new();
        each(bytes, range, |whole, run| all.push((whole, run)));
        all.retain(|(_, run)| text(&bytes[run.clone()]).is_some());
        all
    }

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9+/=_-]{1,40}",
            "[ -~\n]{0,12}",
            "[ -~\n]{12,30}".prop_map(|text| encoded(&text)),
            "[a-z]{11,13}é[a-z]{0,9}".prop_map(|text| encoded(&text)),
            "[ -~]{12,30}".prop_map(|text| encoded(&text) + " "),
        ]
    }

    proptest! {
        #[test]
        fn every_run_that_holds_text_and_touches_a_range_is_found(
            pieces in prop::collection::vec(piece(), 0..12),
            a: prop::sample::Index,
            b: prop::sample::Index,
        ) {
            let text = pieces.concat();
            let (a, b) = (a.index(text.len() + 1), b.index(text.len() + 1));
            let (text, range) = (text.as_bytes(), a.min(b)..a.max(b));
            let touches = |whole: &Range<usize>| whole.start < range.end && range.start < whole.end;
            let touching: Vec<_> = plainly(text).into_iter().filter(|(whole, _)| touches(whole)).collect();
            prop_assert_eq!(found(text, range.clone()), touching);
            prop_assert_eq!(found(text, 0..text.len()), plainly(text));
        }
    }

    #[test]
    fn runs_of_both_alphabets_are_found_as_the_plain_way_finds_them() {
        let text = b"A+aa_+__0AaaaAA/a/+0--AAA_+AA-";
        assert_eq!(found(text, 0..0), []);
        assert_eq!(found(text, 0..text.len()), plainly(text));
    }

    #[test]
    fn text_is_found_wherever_it_begins() {
        for blanks in 0..70 {
            for length in 14..30 {
                let text = format!("{}{} ", " ".repeat(blanks), encoded(&"Cedar#77310".repeat(3)[..length]));
                assert_eq!(found(text.as_bytes(), 0..text.len()).len(), 1, "{blanks} {length}");
            }
        }
    }

    #[test]
    fn long_runs_are_passed_by_and_those_behind_them_found() {
        for extra in [0, 1, 63, 200_000] {
            let long = "eHh4".repeat(LONGEST / 4) + &"e".repeat(extra);
            let text = format!("'{long}' bWFzdGVyS2V5OiBhYmNkZWY=");
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
