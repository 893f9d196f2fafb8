//! Bytes of a file as text: UTF-8, UTF-16 with a byte order mark, or Latin-1.
//! Every copy is wiped when it is dropped.

use zeroize::Zeroizing;

/// Bytes of a file that are looked at to tell a text from something else.
const HEAD: usize = 8 << 10;

/// A text as it was read.
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: Zeroizing<String>,
    /// Whether a byte order mark of UTF-8 was cut off in front.
    pub had_bom: bool,
}

/// The text of a file; `None` if it is not a text.
pub fn decode(mut bytes: Zeroizing<Vec<u8>>) -> Option<Decoded> {
    let wide = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => Some(narrow(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some(narrow(rest, u16::from_be_bytes)),
        _ => None,
    };
    if let Some(text) = wide {
        return Some(Decoded { text, had_bom: false });
    }
    if !is_text(&bytes) {
        return None;
    }
    let had_bom = bytes.starts_with("\u{feff}".as_bytes());
    if had_bom {
        bytes.drain(..3);
    }
    let text = match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => {
            let bytes = Zeroizing::new(error.into_bytes());
            // Two bytes at most for each, so that the text never grows and leaves a copy behind.
            let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
            text.extend(bytes.iter().copied().map(char::from));
            text
        }
    };
    Some(Decoded { text, had_bom })
}

/// Whether the bytes begin like a text of one byte for each ASCII character.
pub fn is_text(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes.get(..HEAD).unwrap_or(bytes)).is_none()
}

fn narrow(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Zeroizing<String> {
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(unit(pair.try_into().ok()?)));
    // Three bytes at most for each unit.
    let mut text = Zeroizing::new(String::with_capacity(3 * bytes.len() / 2 + 3));
    text.extend(char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Option<(String, bool)> {
        decode(Zeroizing::new(bytes.to_vec())).map(|decoded| (decoded.text.to_string(), decoded.had_bom))
    }

    #[test]
    fn texts_of_every_encoding_read_the_same() {
        let read = |bytes: &[u8]| text(bytes).map(|(text, _)| text);
        assert_eq!(read("é=1".as_bytes()).as_deref(), Some("é=1"));
        assert_eq!(read(b"\xe9=1").as_deref(), Some("é=1"));
        assert_eq!(read(b"\xff\xfe\xe9\0=\x001\0").as_deref(), Some("é=1"));
        assert_eq!(read(b"\xfe\xff\0\xe9\0=\x001").as_deref(), Some("é=1"));
        assert_eq!(text("\u{feff}a".as_bytes()), Some(("a".to_owned(), true)));
    }

    #[test]
    fn what_is_not_text_is_passed_by() {
        assert_eq!(text(b"a\0b"), None);
    }
}
