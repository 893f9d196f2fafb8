//! Objects that are kept as the difference from another one.
//!
//! Source: git's `Documentation/gitformat-pack.adoc`, *Deltified representation*.

use crate::secrets::ranges::Copied;

/// Lengths of the text before and of the one made from it.
pub fn lengths(delta: &[u8]) -> Option<(u64, u64)> {
    let mut rest = delta;
    Some((number(&mut rest)?, number(&mut rest)?))
}

/// Makes an object. `made` is to be empty with enough capacity; `copied` tells afterwards which
/// bytes come from where. `None` if the delta is broken, or not for this text.
pub fn apply(before: &[u8], delta: &[u8], made: &mut Vec<u8>, copied: &mut Vec<Copied>) -> Option<()> {
    let mut rest = delta;
    let (length_before, length) = (number(&mut rest)?, number(&mut rest)?);
    if length_before != before.len() as u64 {
        return None;
    }
    copied.clear();
    while let Some((&step, after)) = rest.split_first() {
        rest = after;
        if step & 0x80 == 0 {
            let new = rest.split_at_checked(usize::from(step)).filter(|_| step > 0)?;
            made.extend_from_slice(new.0);
            rest = new.1;
        } else {
            let (from, mut count) = (little(&mut rest, step, 4)?, little(&mut rest, step >> 4, 3)?);
            if count == 0 {
                count = 0x1_0000;
            }
            let bytes = before.get(from as usize..(from as usize).checked_add(count as usize)?)?;
            copied.push(Copied { at: u32::try_from(made.len()).ok()?, from, length: count });
            made.extend_from_slice(bytes);
        }
        if made.len() as u64 > length {
            return None;
        }
    }
    (made.len() as u64 == length).then_some(())
}

/// A number of which `present` says which bytes are written.
fn little(rest: &mut &[u8], present: u8, most: u32) -> Option<u32> {
    let mut value = 0;
    for place in (0..most).filter(|place| present >> place & 1 == 1) {
        let (byte, after) = rest.split_first()?;
        value |= u32::from(*byte) << (8 * place);
        *rest = after;
    }
    Some(value)
}

/// A number in groups of seven bits, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for place in 0..9 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_new_bytes_make_the_object() {
        let delta = [6, 9, 0x91, 3, 3, 3, b'-', b'-', b'-', 0x90, 3];
        let (mut made, mut copied) = (Vec::new(), Vec::new());
        assert_eq!(apply(b"abcdef", &delta, &mut made, &mut copied), Some(()));
        assert_eq!(made, b"def---abc");
        assert_eq!(copied, [Copied { at: 0, from: 3, length: 3 }, Copied { at: 6, from: 0, length: 3 }]);
        assert_eq!(lengths(&delta), Some((6, 9)));
    }

    #[test]
    fn a_broken_delta_makes_nothing() {
        let broken: [&[u8]; 7] = [&[], &[6], &[6, 3], &[6, 3, 0], &[6, 3, 0x91, 4, 3], &[6, 3, 5, 1], &[5, 1, 1, b'a']];
        for delta in broken {
            assert_eq!(apply(b"abcdef", delta, &mut Vec::new(), &mut Vec::new()), None, "{delta:?}");
        }
    }
}
