//! Whether something that stands where a key may stand is one: not a word, not a
//! sample out of documentation, not a gap that a tool or a reader fills in.

use zeroize::Zeroizing;

/// Whether a quote follows on what assigns or separates: `=`, `:`, `=>`, `,`, with blanks between.
pub fn assigns_text(after: &[u8]) -> bool {
    let mut assigned = false;
    for byte in after {
        match byte {
            b'"' | b'\'' | b'`' if assigned => return true,
            b'=' | b':' | b'>' | b',' => assigned = true,
            b' ' | b'\t' | b'\r' | b'\n' | b'@' => {}
            _ => assigned = false,
        }
    }
    false
}

/// Words that say that a value is to be replaced, or was never a key.
const REPLACED: [&str; 37] = [
    "your",
    "changeme",
    "change_me",
    "change-me",
    "changethis",
    "replace",
    "example",
    "placeholder",
    "xxxx",
    "insert",
    "redacted",
    "dummy",
    "sample",
    "todo",
    "fixme",
    "notreal",
    "fake",
    "mock",
    "put_",
    "enter_",
    "<",
    ">",
    "****",
    "...",
    "…",
    "goes_here",
    "goes-here",
    "gohere",
    "keyhere",
    "key_here",
    "key-here",
    "lorem",
    "undefined",
    "required",
    "change-in",
    "change_in",
    "at-least",
];

/// What a tool puts a value in place of, or what reads one.
const FILLED: [&str; 26] = [
    "${",
    "{{",
    "}}",
    "$(",
    "#{",
    "<%",
    "%>",
    "%(",
    "{0}",
    "process.env",
    "os.environ",
    "getenv",
    "import.meta",
    "enc[",
    "!vault",
    "ansible_vault",
    "' +",
    "\" +",
    "'+",
    "\"+",
    "[[",
    "@@",
    "secrets.",
    "vault:",
    "env.",
    "ssm:",
];

/// Words that names of keys are made of. A value that is made of nothing else is a name.
const WORDS: [&str; 122] = [
    "a",
    "access",
    "account",
    "admin",
    "administrator",
    "an",
    "android",
    "api",
    "app",
    "application",
    "auth",
    "aws",
    "back4app",
    "backend",
    "bar",
    "baz",
    "bearer",
    "bucket",
    "change",
    "changeit",
    "client",
    "cloud",
    "config",
    "cookie",
    "credential",
    "credentials",
    "dashboard",
    "data",
    "database",
    "db",
    "default",
    "demo",
    "deploy",
    "dev",
    "development",
    "docker",
    "dotnet",
    "email",
    "empty",
    "encryption",
    "env",
    "field",
    "file",
    "fill",
    "firebase",
    "foo",
    "google",
    "guest",
    "hello",
    "here",
    "heroku",
    "host",
    "hunter",
    "id",
    "input",
    "invalid",
    "ios",
    "is",
    "java",
    "javascript",
    "js",
    "key",
    "keys",
    "letmein",
    "local",
    "localhost",
    "login",
    "mail",
    "maintenance",
    "master",
    "me",
    "missing",
    "mongo",
    "mongodb",
    "my",
    "mysql",
    "name",
    "new",
    "no",
    "none",
    "null",
    "number",
    "of",
    "only",
    "optional",
    "parse",
    "parseserver",
    "pass",
    "passphrase",
    "passw0rd",
    "password",
    "passwd",
    "postgres",
    "private",
    "prod",
    "production",
    "public",
    "push",
    "qwerty",
    "read",
    "redis",
    "required",
    "rest",
    "root",
    "secret",
    "secure",
    "sendgrid",
    "server",
    "service",
    "session",
    "set",
    "some",
    "staging",
    "stripe",
    "string",
    "super",
    "test",
    "testing",
    "text",
    "the",
    "this",
    "token",
];

/// Further such words.
const MORE_WORDS: [&str; 12] =
    ["true", "false", "unused", "user", "username", "value", "webhook", "with", "world", "p@ssw0rd", "twilio", "url"];

/// Shannon entropy in bits per character; 0 for nothing.
pub fn entropy(key: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in key {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = key.len() as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length).map(|p| -p * p.log2()).sum()
}

/// Whether one of the words is in the text, in either case.
pub fn has_word(text: &[u8], words: &[String]) -> bool {
    words.iter().any(|word| find(text, word.as_bytes()))
}

/// Whether a word in lower or mixed case is in the text, in either case.
fn find(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return true };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, text)
        .any(|at| text.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word)))
}

/// Whether a tool puts something else in its place, or it is code that reads it from elsewhere.
pub fn is_filled_in(key: &[u8]) -> bool {
    let in_brackets = |open: u8, close: u8| key.first() == Some(&open) && key.last() == Some(&close);
    let is_name = |name: &[u8]| {
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    // A password may begin with `$` as well; it has digits beside small letters.
    let is_plain = |name: &[u8]| !name.iter().any(u8::is_ascii_digit) || !name.iter().any(u8::is_ascii_lowercase);
    let is_variable = match key {
        [b'$', name @ ..] => is_name(name) && is_plain(name),
        [b'%', name @ .., b'%'] => is_name(name),
        [b'%', b's'] | [b'%', b'd'] | [b'%', b'@'] => true,
        _ => false,
    };
    let called = key.last() == Some(&b')') && key.contains(&b'(');
    is_variable
        || called
        || in_brackets(b'{', b'}')
        || in_brackets(b'<', b'>')
        || in_brackets(b'[', b']')
        || FILLED.iter().any(|mark| find(key, mark.as_bytes()))
}

/// Whether everybody could have written it: a word, a name, a row of the keyboard, a sample.
pub fn is_sample(key: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(key) else { return false };
    let lower = Zeroizing::new(text.to_lowercase());
    REPLACED.iter().any(|word| lower.contains(word))
        || has_little_in_it(key)
        || is_dotted(text)
        || is_public_address(text)
        || is_shouted(text)
        || is_made_of_words(&lower)
}

/// Only digits, few different characters, or the alphabet or the digits in their order.
fn has_little_in_it(key: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in key {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let (mut run, mut longest) = (1, 1);
    for (before, after) in key.iter().zip(key.iter().skip(1)) {
        let follows = before.to_ascii_lowercase().wrapping_add(1) == after.to_ascii_lowercase();
        run = if follows { run + 1 } else { 1 };
        longest = longest.max(run);
    }
    distinct <= 2
        || (distinct <= 4 && key.len() >= 12)
        || key.iter().all(u8::is_ascii_digit)
        || longest >= 8
        || (longest >= 6 && longest + 3 >= key.len())
}

/// `config.master.key`: a path of names.
fn is_dotted(text: &str) -> bool {
    let is_name = |part: &str| {
        part.len() > 1
            && part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.contains('.') && digits <= 2 && text.split('.').all(is_name)
}

/// The address of a contract or account of Ethereum, which is public.
fn is_public_address(text: &str) -> bool {
    let hex = text.strip_prefix("0x").unwrap_or_default();
    hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `PARSE_MASTER_KEY`: the name of a constant.
fn is_shouted(text: &str) -> bool {
    text.contains('_')
        && text.split('_').all(|part| part.bytes().all(|byte| byte.is_ascii_uppercase()))
        && text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether nothing is left when usual words, signs between them and up to three digits behind are taken away.
fn is_made_of_words(lower: &str) -> bool {
    let without_number = lower.trim_end_matches(|character: char| character.is_ascii_digit() || character == '!');
    if lower.len() - without_number.len() > 4 {
        return false;
    }
    let letters: Vec<u8> =
        without_number.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b' ' | b'/' | b':')).collect();
    if letters.len() > 64 {
        return false;
    }
    // Whether the first so many letters are words.
    let mut reached = vec![false; letters.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for start in 0..letters.len() {
        if reached.get(start) != Some(&true) {
            continue;
        }
        let rest = letters.get(start..).unwrap_or_default();
        for word in WORDS.iter().chain(&MORE_WORDS).filter(|word| rest.starts_with(word.as_bytes())) {
            if let Some(end) = reached.get_mut(start + word.len()) {
                *end = true;
            }
        }
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_samples_are_no_keys() {
        for sample in [
            "myMasterKey",
            "master-key",
            "YOUR_MASTER_KEY",
            "setYourMasterKey",
            "password123",
            "p@ssw0rd",
            "xxxxxxxxxxxxxxxx",
            "********",
            "config.master.key",
            "upload.s3Key",
            "0xfe4f5145f6e09952a5ba9e956ed0c25e3fa4c7f1",
            "SOME_OTHER_NAME",
            "12345678",
            "abcdefghijk0",
            "00000000-0000-0000",
            "changeit",
            "",
        ] {
            assert!(is_sample(sample.as_bytes()), "{sample}");
        }
        for key in ["Cedar#77310", "k2j9flq0zx7vb3nm8ts5", "harbor-lagoon", "TundraFalcon"] {
            assert!(!is_sample(key.as_bytes()) && !is_filled_in(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn what_is_filled_in_later_is_no_key() {
        for gap in
            ["${KEY}", "{{ key }}", "$KEY", "%KEY%", "<key>", "process.env.KEY", "get('key')", "%s", "' + key + '"]
        {
            assert!(is_filled_in(gap.as_bytes()), "{gap}");
        }
        assert!(!is_filled_in(b"$2y$10$abcdef") && !is_filled_in(b"pa$$w0rd"));
        assert!(!is_filled_in(b"$Harbor18") && is_filled_in(b"$masterKey"));
    }

    #[test]
    fn entropy_is_in_bits_per_character() {
        assert_eq!((entropy(b""), entropy(b"aaaa"), entropy(b"abab"), entropy(b"abcd")), (0.0, 0.0, 1.0, 2.0));
    }
}
