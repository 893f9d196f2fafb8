//! A lock from its text. A line that does not match its digest was changed by hand, and a
//! merge that went wrong shows in the same way.

use toml::Value as Toml;

use crate::mistake::Mistake;

use super::write::digest;
use super::{FORMAT, Key, Lock, NOT_READ, Value};

/// What keys may begin with.
const ROOMS: [&str; 11] =
    ["class", "config", "function", "job", "lock", NOT_READ, "role", "route", "server", "trigger", "webhook"];

/// What a lock looks like if it is none.
const EXPECTED: &str = "expected what `parse-audit snapshot` writes; write the file anew with it";

impl Lock {
    /// Reads the text of a lock.
    ///
    /// # Errors
    ///
    /// The first line that nobody but a person or a merge can have written.
    pub fn parse(path: &str, text: &str) -> Result<Self, Mistake> {
        let mut lock = Self::default();
        // What another version writes may look like mistakes of this one.
        if let Some(other) = other_format(text) {
            let message = format!("format {other} of a lock is not known, expected {FORMAT}");
            return Err(Mistake::new(path, text, 0..0, message, Some("use the version that wrote it".to_owned())));
        }
        let mut start = 0;
        for whole in text.split_inclusive('\n') {
            let at = start;
            start += whole.len();
            let line = whole.trim_end_matches(['\n', '\r']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |span: std::ops::Range<usize>, message: &str| {
                Mistake::new(path, text, at + span.start..at + span.end, message, Some(EXPECTED.to_owned()))
            };
            let Some((content, found)) = line.rsplit_once(" # ") else {
                let is_lock = text.lines().any(|line| signed(line).is_some());
                let what =
                    if is_lock { "a line without its digest" } else { "this is no lock: a line without its digest" };
                return Err(wrong(0..line.len(), what));
            };
            if digest(content) != found {
                let digest = line.len() - found.len()..line.len();
                return Err(wrong(digest, "this line was changed by hand: its digest is that of another line"));
            }
            let (key, value) = fact(content).ok_or_else(|| wrong(0..content.len(), "this line is no fact"))?;
            if !ROOMS.contains(&key.part(0)) {
                return Err(wrong(0..key.part(0).len(), &format!("unknown key `{}`", key.part(0))));
            }
            if lock.facts.insert(key, value).is_some() {
                return Err(wrong(0..content.len(), "a fact that stands there twice"));
            }
        }
        match lock.text(&["lock", "format"]) {
            Some(_) => Ok(lock),
            None => Err(Mistake::new(path, text, 0..0, "this is no lock", Some(EXPECTED.to_owned()))),
        }
    }
}

/// The content of a line that has its digest.
fn signed(line: &str) -> Option<&str> {
    let (content, found) = line.rsplit_once(" # ")?;
    (digest(content) == found).then_some(content)
}

/// The format that a text names, if it is another one.
fn other_format(text: &str) -> Option<String> {
    let named = text.lines().filter(|line| line.starts_with("lock.format ")).find_map(signed)?;
    match fact(named)?.1 {
        Value::Text(format) if format != FORMAT => Some(format),
        Value::Text(_) | Value::Flag(_) | Value::List(_) => None,
    }
}

/// The line of each fact of a text, in bytes.
pub fn lines(text: &str) -> std::collections::BTreeMap<Key, std::ops::Range<usize>> {
    let mut lines = std::collections::BTreeMap::new();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        if let Some((key, _)) = line.rsplit_once(" # ").and_then(|(content, _)| fact(content)) {
            lines.insert(key, start..start + line.len());
        }
        start += whole.len();
    }
    lines
}

fn fact(content: &str) -> Option<(Key, Value)> {
    let table: toml::Table = toml::from_str(content).ok()?;
    let mut key = Vec::new();
    let mut value = Toml::Table(table);
    while let Toml::Table(table) = value {
        let mut entries = table.into_iter();
        let (name, inner) = entries.next().filter(|_| entries.len() == 0)?;
        key.push(name);
        value = inner;
    }
    let value = match value {
        Toml::String(text) => Value::Text(text),
        Toml::Boolean(flag) => Value::Flag(flag),
        Toml::Array(list) => Value::List(
            list.into_iter()
                .map(|element| match element {
                    Toml::String(text) => Some(text),
                    _ => None,
                })
                .collect::<Option<_>>()?,
        ),
        Toml::Integer(_) | Toml::Float(_) | Toml::Datetime(_) | Toml::Table(_) => return None,
    };
    Some((Key(key), value))
}
