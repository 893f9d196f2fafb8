//! Hides what in a line of code may be a key: the inside of texts that look like one
//! or are given to something that is named like one, and long mixed words outside.
//!
//! It knows one line only: where a text of several lines begins is not seen, so that
//! long words are judged wherever they stand.

use std::ops::Range;

use crate::rules::words;

/// A text this long is hidden if letters and digits are mixed in a word of it, in bytes.
const LONG: usize = 12;

/// The same for a word outside of texts: a line of a key in a template, or a comment.
const LONG_OUTSIDE: usize = 28;

/// What is given to such names is hidden.
const KEYS: [&str; 7] = ["key", "secret", "password", "passwd", "token", "credential", "pwd"];

/// What stands for what is hidden.
const HIDDEN: &str = "…";

/// A line without what may be a key, and a mark in it where it then stands.
pub fn hide(line: &str, mark: Range<usize>) -> (String, Range<usize>) {
    let mut shown = String::with_capacity(line.len());
    let mut moved = mark.clone();
    let mut from = 0;
    for hidden in hidden(line) {
        shown.push_str(line.get(from..hidden.start).unwrap_or_default());
        let at = shown.len();
        shown.push_str(HIDDEN);
        from = hidden.end;
        // An end inside of what is hidden goes to the edge of what stands for it.
        let shift = |old: usize, edge: usize| {
            (old >= hidden.start).then_some(if old >= hidden.end { shown.len() + old - hidden.end } else { edge })
        };
        moved.start = shift(mark.start, at).unwrap_or(moved.start);
        moved.end = shift(mark.end, shown.len()).unwrap_or(moved.end);
    }
    shown.push_str(line.get(from..).unwrap_or_default());
    (shown, moved)
}

/// What is to be hidden, in order.
fn hidden(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut last_text = "";
    while let Some(start) = line.get(at..).and_then(|rest| rest.find(['"', '\'', '`'])).map(|start| start + at) {
        let before = line.get(at..start).unwrap_or_default();
        found.extend(long_words(before).map(|word| word.start + at..word.end + at));
        let inside = inside(line, start);
        let text = line.get(inside.clone()).unwrap_or_default();
        if !text.is_empty() && (looks_secret(text) || is_given_to_key(before, last_text)) {
            found.push(inside.clone());
        }
        last_text = text;
        at = (inside.end + 1).min(line.len());
    }
    found.extend(long_words(line.get(at..).unwrap_or_default()).map(|word| word.start + at..word.end + at));
    found
}

/// The inside of a text that begins with a quote at `start`, to the end of the line if it does not end.
fn inside(line: &str, start: usize) -> Range<usize> {
    let quote = line.as_bytes().get(start).copied();
    let mut escaped = false;
    for (at, byte) in line.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            byte if Some(byte) == quote => return start + 1..at,
            _ => {}
        }
    }
    start + 1..line.len()
}

/// Whether a text has the form of a key or holds a password: a long word in which
/// letters and digits are mixed, or an address with a user or a password in it.
fn looks_secret(text: &str) -> bool {
    let has_user =
        text.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains('@')));
    let mut parts = text.split(|character: char| character.is_whitespace() || "/?&,;".contains(character));
    // `?password=…` of an address.
    let is_given = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or_default();
        // A place for a value holds none.
        !value.is_empty() && !value.starts_with(['$', '{', '<', '%', ':']) && is_key(name)
    };
    has_user || parts.any(|part| (part.len() >= LONG && is_mixed(part)) || is_given(part))
}

fn is_mixed(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Long words of letters, digits and the signs of base 64 in which they are mixed.
fn long_words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || "+/=_-".contains(character);
    let mut found = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_word(character)) {
            (None, true) => start = Some(at),
            (Some(first), false) => {
                start = None;
                let word = text.get(first..at).unwrap_or_default();
                // A separator or a path is no key.
                if word.len() >= LONG_OUTSIDE && is_mixed(word) {
                    found.push(first..at);
                }
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    found.into_iter()
}

/// Whether something is a key or password, by its name.
fn is_key(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // `bypass` is no password.
    KEYS.iter().any(|key| lower.contains(key)) || words::split(name).last().is_some_and(|last| last == "pass")
}

/// Whether a text is the value of something that is named like a key. `before` is what
/// stands between the last text and this one.
fn is_given_to_key(before: &str, last_text: &str) -> bool {
    let before = before.trim_end();
    // `set('password', 'x')`, `{ 'password': 'x' }`, `headers['X-Key'] = 'x'`.
    let between = before.trim_start_matches(['"', '\'', '`', ']', ')']).trim();
    if matches!(between, "," | ":" | "=" | "||" | "??" | "===" | "==" | "!==" | "!=") && is_key(last_text) {
        return true;
    }
    let Some(name) = before.strip_suffix(['=', ':', '|', '?']) else { return false };
    let name = name.trim_end_matches(['=', ':', '|', '?', '!', ' ', '\t', ']', ')', '"', '\'', '`']);
    let is_name = |character: char| character.is_alphanumeric() || "_$.".contains(character);
    is_key(name.rsplit(|character: char| !is_name(character)).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden_in(line: &str) -> String {
        hide(line, 0..0).0
    }

    #[test]
    fn texts_that_look_like_keys_are_hidden() {
        for (line, shown) in [
            ("const a = 'abcdefgh12345';", "const a = '…';"),
            ("init(\"q1w2e3r4t5y6\", `zxcv-9876-bnm1`)", "init(\"…\", `…`)"),
            ("const masterKey = 'open';", "const masterKey = '…';"),
            ("masterKey: process.env.MASTER_KEY || 'open',", "masterKey: process.env.MASTER_KEY || '…',"),
            ("{ 'password': 'open', name: 'Ada' }", "{ 'password': '…', name: 'Ada' }"),
            ("user.set('password', 'open');", "user.set('password', '…');"),
            ("headers['X-Parse-REST-API-Key'] = \"open\"", "headers['X-Parse-REST-API-Key'] = \"…\""),
            ("if (request.params.secret === 'open')", "if (request.params.secret === '…')"),
            ("uri = 'mongodb://ada:open@db.example/app'", "uri = '…'"),
            ("{ \"user\": 'ada', \"pass\": 'open' }", "{ \"user\": 'ada', \"pass\": '…' }"),
            ("pass: process.env.DASH_PASS || 'open',", "pass: process.env.DASH_PASS || '…',"),
            ("get('http://sms.example/send?to=1&password=open')", "get('…')"),
            ("const a = 'abc\\'defgh12345", "const a = '…"),
            ("  MIIEpAIBAAKCAQEAplaceholder0placeholder0", "  …"),
            ("// was placeholder0placeholder0placeholder0", "// was …"),
        ] {
            assert_eq!(hidden_in(line), shown);
        }
    }

    #[test]
    fn other_code_is_shown() {
        for line in [
            "Parse.Cloud.define('calculateSales', async request => {",
            "const query = new Parse.Query('Order').equalTo('owner', request.user);",
            "app.use('/api/v1/users/list', require('../lib/mail2'));",
            "await query.find({ useMasterKey: true });",
            "throw new Parse.Error(101, 'The 2 notes were not found.');",
            "const keys = ['name', 'email'];",
            "bypass: 'never',",
            "get(`/send?token=${token}`);",
            "'''\"`\\",
            "",
        ] {
            assert_eq!(hidden_in(line), line);
        }
    }

    #[test]
    fn the_mark_stays_on_what_it_marks() {
        let line = "f('abcdefgh12345', mark, 'abcdefgh12345')";
        for (mark, shown) in [
            ("mark", "mark"),
            ("f(", "f("),
            ("'abcdefgh12345', mark", "'…', mark"),
            ("defg", "…"),
            (line, "f('…', mark, '…')"),
        ] {
            let start = line.find(mark).expect("the mark");
            let (hidden, moved) = hide(line, start..start + mark.len());
            assert_eq!(hidden.get(moved), Some(shown));
        }
    }
}
