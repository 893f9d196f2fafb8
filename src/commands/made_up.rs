//! Made-up keys for the cases of rules: `{{alnum:40}}` becomes forty letters and digits.
//!
//! So no rule file holds anything that looks like a leak, and a case proves which
//! characters were taken for the key: what is found must be the placeholder itself.
//! The same placeholder is the same key everywhere; `{{alnum:40:b}}` is another one, and
//! `{{shape:SG.(alnum:22).(alnum:43)}}` has parts that are always the same.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::secrets::redact::{self, Salt, Secret};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALNUM: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const DIGITS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE64: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Files whose placeholders were replaced, and from the digest of each key its placeholder.
pub struct MadeUp {
    /// The files by path.
    pub files: BTreeMap<String, String>,
    placeholders: BTreeMap<String, String>,
}

impl MadeUp {
    /// Replaces the placeholders in files.
    pub fn new(files: &BTreeMap<String, String>, salt: &Salt) -> Self {
        let mut placeholders = BTreeMap::new();
        let mut replace = |text: &String| {
            let mut out = String::with_capacity(text.len());
            let mut rest = text.as_str();
            while let Some(start) = rest.find("{{") {
                let (before, from) = rest.split_at(start);
                out.push_str(before);
                let found = from.find("}}").and_then(|end| from.split_at_checked(end + 2));
                match found.and_then(|(placeholder, after)| Some((placeholder, value(placeholder)?, after))) {
                    Some((placeholder, key, after)) => {
                        let digest = redact::digest(&Secret::new(key.as_bytes()), salt);
                        placeholders.insert(digest, placeholder.to_owned());
                        out.push_str(&key);
                        rest = after;
                    }
                    None => {
                        out.push_str("{{");
                        rest = from.get(2..).unwrap_or_default();
                    }
                }
            }
            out.push_str(rest);
            out
        };
        let files = files.iter().map(|(path, text)| (path.clone(), replace(text))).collect();
        Self { files, placeholders }
    }

    /// The placeholder of a key that was found, or the subject as it is.
    pub fn subject<'s>(&'s self, subject: &'s str) -> &'s str {
        self.placeholders.get(subject).map_or(subject, String::as_str)
    }
}

/// The key that a placeholder stands for; `None` if it is none of ours.
pub fn value(placeholder: &str) -> Option<String> {
    let inner = placeholder.strip_prefix("{{")?.strip_suffix("}}")?;
    let (kind, rest) = inner.split_once(':').unwrap_or((inner, ""));
    let argument = rest.split(':').next().unwrap_or_default();
    let length = argument.parse::<usize>().ok().filter(|length| *length <= 4096);
    let of = |letters: &str| length.map(|length| random(placeholder, letters, length));
    match kind {
        "alnum" => of(ALNUM),
        "lower" => of(LOWER),
        "upper" => of(UPPER),
        "letters" => of(LETTERS),
        "hex" => of("0123456789abcdef"),
        "base32" => of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        "base64" => of(BASE64),
        "base64url" => of(BASE64URL),
        "digits" => of("0123456789"),
        // What a person takes for a good password.
        "password" => Some(format!("Cedar#{}", random(placeholder, "0123456789", length?.checked_sub(6)?))),
        "uuid" => {
            let hex = random(placeholder, "0123456789abcdef", 32);
            let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
            Some(format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32)))
        }
        // The argument is the prefix, `ghp_`.
        "checksum" => {
            let body = random(placeholder, ALNUM, 30);
            Some(format!("{argument}{body}{}", sum(&body)))
        }
        "jwt" => {
            let claims = format!("{{\"sub\":\"{}\",\"iat\":1700000000}}", random(placeholder, "0123456789abcdef", 24));
            let parts = [r#"{"alg":"HS256","typ":"JWT"}"#, claims.as_str()].map(|part| base64url(part.as_bytes()));
            Some(format!("{}.{}", parts.join("."), random(placeholder, BASE64URL, 43)))
        }
        "basic" => Some(base64url(format!("deploy:{}", random(placeholder, ALNUM, 14)).as_bytes())),
        // A body of PEM: lines of 64.
        "lines" => {
            let body = random(placeholder, BASE64, length?);
            let lines: Vec<&str> =
                (0..body.len()).step_by(64).filter_map(|at| body.get(at..body.len().min(at + 64))).collect();
            Some(lines.join("\n"))
        }
        // A word that anybody would try.
        "word" => Some(rest.to_owned()),
        "shape" => shape(placeholder, rest),
        "pkcs12" => Some(format!("0\u{2}\u{1}\u{3}{}", random(placeholder, BASE64, 600))),
        _ => None,
    }
}

/// A text in which each pair of brackets stands for a value of its own.
fn shape(placeholder: &str, text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('(') {
        let (inner, after) = after.split_once(')')?;
        out.push_str(before);
        // The place in the text makes equal parts different.
        out.push_str(&value(&format!("{{{{{inner}:{placeholder}{}}}}}", after.len()))?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// Letters that depend on the placeholder alone; digits and letters are among them if they can be.
fn random(seed: &str, letters: &str, length: usize) -> String {
    let letters = letters.as_bytes();
    let mixed = letters.iter().any(u8::is_ascii_digit) && letters.iter().any(u8::is_ascii_alphabetic) && length > 3;
    let mut attempt = 0u32;
    loop {
        let mut text = String::with_capacity(length);
        let mut block = 0u32;
        while text.len() < length {
            let digest = Sha256::new()
                .chain_update(seed.as_bytes())
                .chain_update(attempt.to_be_bytes())
                .chain_update(block.to_be_bytes())
                .finalize();
            let picked = digest.iter().filter_map(|byte| letters.get(usize::from(*byte) % letters.len()));
            text.extend(picked.take(length - text.len()).copied().map(char::from));
            block += 1;
        }
        let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
        if !mixed || attempt > 100 || (has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)) {
            return text;
        }
        attempt += 1;
    }
}

/// CRC-32 in base 62, six characters.
fn sum(body: &str) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(body.as_bytes());
    let mut left = crc.sum();
    let mut text = Vec::new();
    for _ in 0..6 {
        text.extend(DIGITS.as_bytes().get((left % 62) as usize).copied().map(char::from));
        left /= 62;
    }
    text.iter().rev().collect()
}

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain([&0, &0]).take(3).fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        for place in 0..=chunk.len() {
            let value = word >> (18 - 6 * place) & 63;
            text.extend(BASE64URL.as_bytes().get(value as usize).copied().map(char::from));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_the_same_key_everywhere() {
        let files = [("a", "k={{alnum:12}} {{alnum:12}}"), ("b", "{{alnum:12:b}} {{ own }} {{x")];
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let made_up = MadeUp::new(&files, &Salt::default());
        let (first, second) = made_up.files["a"][2..].split_once(' ').expect("two");
        assert_eq!((first, first.len()), (second, 12));
        assert!(made_up.files["b"].ends_with(" {{ own }} {{x") && !made_up.files["b"].starts_with(first));
        let digest = redact::digest(&Secret::new(first.as_bytes()), &Salt::default());
        assert_eq!((made_up.subject(&digest), made_up.subject("x")), ("{{alnum:12}}", "x"));
    }

    #[test]
    fn the_letters_of_base64_are_those_of_the_bytes() {
        assert_eq!(
            (base64url(b"a:b"), base64url(b"ab"), base64url(&[0xfb])),
            ("YTpi".into(), "YWI".into(), "-w".into())
        );
    }
}
