//! What may be told of a key. The only file that looks at one to say something about it.

use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key. It cannot be printed, compared or written; its bytes stay where they were read.
pub struct Secret<'t>(&'t [u8]);

/// What digests are keyed with, so that a list of usual passwords has to be tried against
/// this program's digests and cannot be looked up in a table.
pub struct Salt(LazyLock<Vec<u8>, MakeSalt>);

type MakeSalt = Box<dyn FnOnce() -> Vec<u8> + Send>;

/// What digests are keyed with where nothing else is known.
const DEFAULT: &str = "parse-audit keys 1";

impl<'t> Secret<'t> {
    /// The key that these bytes are.
    pub fn new(bytes: &'t [u8]) -> Self {
        Self(bytes)
    }
}

impl Default for Salt {
    fn default() -> Self {
        Self::new(DEFAULT)
    }
}

impl Salt {
    /// A salt from a text.
    pub fn new(text: &str) -> Self {
        let text = text.to_owned();
        Self::later(move || Some(text))
    }

    /// A salt from a text that is asked for when the first key is found, and not before; the
    /// default one if there is none.
    pub fn later(text: impl FnOnce() -> Option<String> + Send + 'static) -> Self {
        let make = move || text().map_or_else(|| DEFAULT.into(), String::into_bytes);
        Self(LazyLock::new(Box::new(make)))
    }
}

/// Hex digits of a digest.
pub const DIGITS: usize = 12;

/// Twelve hex digits: the same for the same key under the same salt.
pub fn digest(secret: &Secret<'_>, salt: &Salt) -> String {
    let Ok(mut keyed) = Hmac::<Sha256>::new_from_slice(&salt.0) else { return String::new() };
    keyed.update(secret.0);
    HEXLOWER.encode(keyed.finalize().into_bytes().get(..DIGITS / 2).unwrap_or_default())
}

/// The first and last characters of a key: two of sixteen or more, one of eight or more, else none.
pub fn ends(secret: &Secret<'_>) -> String {
    let shown = match secret.0.len() {
        0..8 => return String::new(),
        8..16 => 1,
        16.. => 2,
    };
    let character = |byte: &u8| if byte.is_ascii_graphic() && *byte != b'`' { char::from(*byte) } else { '·' };
    let first: String = secret.0.iter().take(shown).map(character).collect();
    let last: String = secret.0.iter().skip(secret.0.len() - shown).map(character).collect();
    format!("{first}…{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_four_characters_are_told() {
        let ends = |text: &str| ends(&Secret::new(text.as_bytes()));
        assert_eq!(ends("abcdefghijklmnop"), "ab…op");
        assert_eq!(ends("abcdefgh"), "a…h");
        assert_eq!(ends("abcdefg"), "");
        assert_eq!(ends("\n`cdefghijklmnäp"), "··…·p");
    }

    #[test]
    fn a_digest_depends_on_the_key_and_the_salt() {
        let digest = |text: &str, salt: &Salt| digest(&Secret::new(text.as_bytes()), salt);
        let (ours, other) = (Salt::default(), Salt::new("shop"));
        assert_eq!(digest("a", &ours), digest("a", &ours));
        assert_ne!(digest("a", &ours), digest("b", &ours));
        assert_ne!(digest("a", &ours), digest("a", &other));
        assert_eq!(digest("a", &ours).len(), DIGITS);
        assert_eq!(digest("a", &Salt::later(|| Some("shop".to_owned()))), digest("a", &other));
        assert_eq!(digest("a", &Salt::later(|| None)), digest("a", &ours));
    }
}
