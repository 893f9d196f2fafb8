//! Questions about what a key is made of: checksums, structure, the surroundings of a
//! password in an address. They make rules sure that a pattern alone leaves in doubt.

use regex::bytes::Captures;
use serde_json::Value;

use crate::rules::secret::Check;

use super::base64::decode;
use super::judge;

/// Whether it holds of a key that a pattern caught.
pub fn holds(check: Check, captures: &Captures<'_>, key: &[u8]) -> bool {
    match check {
        Check::TokenChecksum => has_checksum(key),
        Check::Jwt => is_jwt(key),
        Check::PrivateKey => is_private_key(key),
        Check::BasicAuth => is_basic_auth(key),
        Check::Pkcs12 => is_container(key),
        Check::DatabaseAddress => {
            let group = |name: &str| captures.name(name).map(|group| group.as_bytes()).unwrap_or_default();
            is_worth_telling(group("user"), key, group("host"))
        }
        Check::Mixed => {
            let has = |is: fn(&u8) -> bool| key.iter().any(is);
            has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
        }
        Check::Uncommon => is_uncommon(key),
    }
}

/// Whether it holds of a file that may be a key as a whole.
pub fn file(check: Check, bytes: &[u8]) -> bool {
    match check {
        Check::Pkcs12 => is_container(bytes),
        Check::PrivateKey => is_private_key(bytes),
        Check::TokenChecksum
        | Check::Jwt
        | Check::BasicAuth
        | Check::DatabaseAddress
        | Check::Mixed
        | Check::Uncommon => true,
    }
}

/// Source: GitHub's announcement of its token format (2021): the last six characters are
/// the CRC-32 of the random part in base 62, with zeros in front. npm does the same.
fn has_checksum(key: &[u8]) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let random = key.iter().position(|byte| *byte == b'_').map_or(0, |at| at + 1);
    let Some((body, sum)) = key.get(random..).and_then(|rest| rest.split_at_checked(rest.len().checked_sub(6)?)) else {
        return false;
    };
    let mut crc = flate2::Crc::new();
    crc.update(body);
    let digit = |byte: &u8| DIGITS.iter().position(|digit| digit == byte).map(|value| value as u64);
    let written = sum.iter().try_fold(0u64, |value, byte| Some(value * 62 + digit(byte)?));
    written == Some(u64::from(crc.sum()))
}

fn is_jwt(key: &[u8]) -> bool {
    let parts: Vec<&[u8]> = key.split(|byte| *byte == b'.').collect();
    let [header, claims, _] = parts.as_slice() else { return false };
    let object = |part: &[u8]| {
        let text = decode(part)?;
        serde_json::from_slice::<serde_json::Map<String, Value>>(&text).ok()
    };
    let (Some(header), Some(claims)) = (object(header), object(claims)) else { return false };
    // The token that every tutorial shows.
    let is_sample = claims.get("sub").is_some_and(|user| user == "1234567890");
    header.contains_key("alg") && !is_sample
}

/// The body of a PEM block, with lines as they are or written `\n`.
fn is_private_key(key: &[u8]) -> bool {
    let mut letters = 0;
    for line in key.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        // Headers such as `Proc-Type: 4,ENCRYPTED`, and the armour of a whole file.
        if line.contains(&b':') || line.starts_with(b"--") {
            continue;
        }
        let mut escaped = false;
        for byte in line {
            match byte {
                b'\\' => escaped = true,
                b'n' | b'r' if escaped => escaped = false,
                b'"' | b'\'' | b' ' | b'+' | b',' | b'/' | b'=' | b'>' | b'`' => escaped = false,
                byte if byte.is_ascii_alphanumeric() => {
                    escaped = false;
                    letters += 1;
                }
                _ => return false,
            }
        }
    }
    // An Ed25519 key has 64 letters.
    letters >= 56 && judge::entropy(key) > 3.5
}

fn is_basic_auth(key: &[u8]) -> bool {
    let Some(text) = decode(key) else { return false };
    let Some(colon) = text.iter().position(|byte| *byte == b':') else { return false };
    let (user, password) = text.split_at(colon);
    let password = password.get(1..).unwrap_or_default();
    !user.is_empty()
        && password.len() >= 6
        && text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        && !judge::is_sample(password)
        && !judge::is_filled_in(password)
}

/// A PKCS #12 container: a sequence whose first element is the version 3 (RFC 7292, 4).
fn is_container(bytes: &[u8]) -> bool {
    let head = bytes.get(..12).unwrap_or(bytes);
    bytes.len() >= 256 && head.first() == Some(&0x30) && memchr::memmem::find(head, &[0x02, 0x01, 0x03]).is_some()
}

/// Passwords that everybody has on their own machine are worth nothing there, and much elsewhere.
fn is_worth_telling(user: &[u8], password: &[u8], host: &[u8]) -> bool {
    let name = host.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_sample = judge::is_sample(password) || judge::is_filled_in(host) || judge::is_filled_in(user);
    let is_local = !name.contains(&b'.') || name.starts_with(b"127.");
    let same = user.eq_ignore_ascii_case(password) || password.is_empty();
    let documented = [&b"example.com"[..], b"example.org", b"host.com", b"hostname", b"<host>"];
    if documented.iter().any(|known| name.to_ascii_lowercase().ends_with(known)) {
        return false;
    }
    let is_address = name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    match (is_local, is_address && same) {
        (true, _) => !is_sample && !same && password.len() >= 6,
        (false, true) => true,
        (false, false) => !is_sample && !same,
    }
}

/// A letter beside a digit or a sign, and not only what paths and names are made of.
fn is_uncommon(key: &[u8]) -> bool {
    let has = |is: &dyn Fn(u8) -> bool| key.iter().any(|byte| is(*byte));
    let letter = has(&|byte| byte.is_ascii_alphabetic());
    let digit = has(&|byte| byte.is_ascii_digit());
    let sign = has(&|byte| byte.is_ascii_punctuation() && !b"_-./:,;()[]{}<> '\"".contains(&byte));
    letter && (digit || sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_every_machine_counts_only_elsewhere() {
        let tells = |user: &str, password: &str, host: &str| {
            is_worth_telling(user.as_bytes(), password.as_bytes(), host.as_bytes())
        };
        assert!(!tells("postgres", "postgres", "localhost:5432") && !tells("user", "password", "db.shop.net"));
        assert!(!tells("root", "example", "mongo:27017") && !tells("a", "k2j9flq0", "example.com"));
        assert!(tells("postgres", "postgres", "10.1.2.3:5432") && tells("a", "k2j9flq0", "db.shop.net"));
    }

    #[test]
    fn a_plain_word_is_common() {
        assert!(is_uncommon(b"Cedar#77310") && is_uncommon(b"abc1"));
        assert!(!is_uncommon(b"two-words") && !is_uncommon(b"12345"));
    }
}
