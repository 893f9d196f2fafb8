//! Finds keys in texts. A key exists only in here and in the buffer it was read to;
//! what leaves is a keyed digest, a length and at most four characters.
//!
//! One search over the bytes finds the words of all rules; only round a word the
//! pattern of its rule runs, then come the cheap questions about what it caught.
//! The cost of a run grows with the size of the texts, not with the number of rules.

mod allowed;
pub mod base64;
mod check;
pub mod encoding;
pub mod judge;
mod kept;
pub mod paths;
pub mod ranges;
pub mod redact;
mod words;
mod wrapped;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::model::RuleId;
use crate::model::secret::Written;
use crate::rules::secret::{Opens, Samples, SecretMatcher};
use crate::rules::{Matcher, Rule};
use crate::severity::Severity;

use kept::Kept;
use redact::{Salt, Secret};
use words::{TooMany, Words};

/// Comments by which other scanners are told that a line holds no key.
const ALLOWED: [&[u8]; 5] =
    [b"gitleaks:allow", b"betterleaks:allow", b"kingfisher:ignore", b"trufflehog:ignore", b"pragma: allowlist secret"];

/// Knows the keys of all rules.
pub struct Scanner {
    rules: Vec<Known>,
    words: Words,
    /// The rules of each word.
    of_word: Vec<Vec<usize>>,
    /// Of each rule what round its windows decides; see `ranges`.
    margins: Vec<u32>,
    salt: Salt,
    /// Keys of servers, if they are to be verified.
    kept: Option<Kept>,
}

/// A rule about keys.
struct Known {
    id: RuleId,
    matcher: SecretMatcher,
    covers: BTreeSet<RuleId>,
    severity: Severity,
}

/// A key that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The rule.
    pub rule: RuleId,
    /// The bytes of the key; empty if the file as a whole is the key.
    pub span: Range<usize>,
    /// Twelve hex digits of a keyed digest.
    pub digest: String,
    /// Length in bytes.
    pub length: usize,
    /// At most the first and last two characters.
    pub ends: String,
    /// How it is written there.
    pub written: Written,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scanner of {} rules", self.rules.len())
    }
}

impl Scanner {
    /// A scanner for those of the rules that are about keys.
    ///
    /// # Errors
    ///
    /// The rules have more words than can be searched for at once.
    pub fn new<'r>(rules: impl IntoIterator<Item = &'r Rule>, salt: Salt) -> Result<Self, TooMany> {
        let known: Vec<Known> = rules.into_iter().filter_map(Known::of).collect();
        let mut words: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, rule) in known.iter().enumerate() {
            for word in &rule.matcher.keywords {
                words.entry(word.to_ascii_lowercase()).or_default().push(number);
            }
        }
        let (words, of_word): (Vec<String>, Vec<Vec<usize>>) = words.into_iter().unzip();
        let words = Words::new(words)?;
        let margins = Self::margins(&known, words.longest());
        Ok(Self { rules: known, words, of_word, margins, salt, kept: None })
    }

    /// The same scanner, which keeps keys of servers to ask about them.
    pub fn keeping(self) -> Self {
        Self { kept: Some(Kept::default()), ..self }
    }

    /// The keys of servers that were kept, by their digests.
    pub fn kept(&self) -> Vec<(String, Zeroizing<String>)> {
        self.kept.as_ref().map(Kept::all).unwrap_or_default()
    }

    /// The key that a file is as a whole.
    pub fn in_file(&self, path: &str, bytes: &[u8]) -> Option<Hit> {
        let is_key = |rule: &Known| {
            rule.may_be_file(path)
                && !bytes.is_empty()
                && rule.matcher.check.is_none_or(|check| check::file(check, bytes))
        };
        let number = self.rules.iter().position(is_key)?;
        let mut hit = self.hit(number, bytes.trim_ascii_end(), 0..0)?;
        hit.ends.clear();
        Some(hit)
    }

    /// Of keys that share characters the one whose rule goes before.
    fn without_overlaps(&self, mut found: Vec<(usize, Range<usize>)>) -> Vec<(usize, Range<usize>)> {
        found.sort_by_key(|(number, key)| (key.start, key.end, *number));
        found.dedup();
        let mut kept: Vec<(usize, Range<usize>)> = Vec::new();
        for next in found {
            let mut stays = true;
            kept.retain(|known| {
                let apart = known.1.end <= next.1.start || next.1.end <= known.1.start;
                if apart {
                    return true;
                }
                let known_first = self.goes_before(known.0, next.0);
                stays &= !known_first;
                known_first
            });
            if stays {
                kept.push(next);
            }
        }
        kept
    }

    fn goes_before(&self, a: usize, b: usize) -> bool {
        let (Some(first), Some(second)) = (self.rules.get(a), self.rules.get(b)) else { return true };
        if first.covers.contains(&second.id) || second.covers.contains(&first.id) {
            return first.covers.contains(&second.id);
        }
        let rank = |rule: &Known| (!rule.matcher.generic, rule.severity);
        rank(first) >= rank(second)
    }

    fn hit(&self, number: usize, key: &[u8], span: Range<usize>) -> Option<Hit> {
        let rule = self.rules.get(number)?;
        let secret = Secret::new(key);
        let digest = redact::digest(&secret, &self.salt);
        if let (Some(kept), Some(Opens::MasterKey | Opens::ReadOnlyMasterKey)) = (&self.kept, rule.matcher.opens) {
            kept.add(&digest, key);
        }
        let (rule, ends) = (rule.id.clone(), redact::ends(&secret));
        Some(Hit { rule, span, digest, length: key.len(), ends, written: Written::Plain })
    }
}

impl Known {
    fn of(rule: &Rule) -> Option<Self> {
        let Matcher::Secret(matcher) = &rule.matcher else { return None };
        Some(Self {
            id: rule.id.clone(),
            matcher: (**matcher).clone(),
            covers: rule.covers.clone(),
            severity: rule.severity,
        })
    }

    /// Whether the rule is about files of this path, and no list passes them by.
    fn wants_path(&self, path: &str) -> bool {
        self.is_about(path) && !allowed::passes_by(&self.matcher.allowed, path)
    }

    /// Whether a file of this path may be a key as a whole.
    fn may_be_file(&self, path: &str) -> bool {
        let matcher = &self.matcher;
        matcher.files.has(path) && !matcher.not_paths.has(path) && !allowed::passes_by(&matcher.allowed, path)
    }

    fn is_about(&self, path: &str) -> bool {
        let matcher = &self.matcher;
        (matcher.paths.is_empty() || matcher.paths.has(path)) && !matcher.not_paths.has(path)
    }

    /// Whether a list that asks for path and text together says that a key is none.
    fn is_allowed_at(&self, path: &str, text: &[u8], key: &Range<usize>) -> bool {
        let lists = &self.matcher.allowed;
        !lists.is_empty()
            && text.get(key.clone()).is_some_and(|bytes| allowed::at_path(lists, path, bytes, line(text, key)))
    }

    /// Whether what the rule wants beside a key is there.
    fn wants_beside(&self, path: &str, text: &[u8]) -> bool {
        let beside = &self.matcher.beside;
        beside.is_empty() || judge::has_word(path.as_bytes(), beside) || judge::has_word(text, beside)
    }

    /// Whether the pattern may find something round a word that ends here.
    fn may_begin_at(&self, text: &[u8], end: usize) -> bool {
        self.matcher.assigned_within.is_none_or(|within| {
            text.get(end..).is_some_and(|after| judge::assigns_text(after.get(..within).unwrap_or(after)))
        })
    }

    /// Hands on every key that the pattern finds in a window of the text.
    fn search(&self, text: &[u8], window: Range<usize>, mut found: impl FnMut(Range<usize>)) {
        let (Some(pattern), Some(seen)) = (&self.matcher.pattern, text.get(..window.end)) else { return };
        let Some(regex) = pattern.regex() else { return };
        let mut at = window.start;
        while let Some(captures) = regex.captures_at(seen, at) {
            let Some(whole) = captures.get(0) else { return };
            if let Some(key) = pattern.key(&captures)
                && self.is_key(key.as_bytes())
                && self.matcher.check.is_none_or(|check| check::holds(check, &captures, key.as_bytes()))
            {
                let line = line(text, &key.range());
                let allowed = &self.matcher.allowed;
                if !is_allowed(line)
                    && !names_finding(text, &key.range())
                    && !allowed::in_text(allowed, key.as_bytes(), whole.as_bytes(), line)
                {
                    found(key.range());
                }
            }
            at = whole.end().max(whole.start() + 1);
            if at > window.end {
                return;
            }
        }
    }

    fn is_key(&self, key: &[u8]) -> bool {
        let matcher = &self.matcher;
        let counts = match matcher.samples {
            Samples::Ignored => !judge::is_filled_in(key) && !judge::is_sample(key),
            Samples::Count => !judge::is_filled_in(key),
            Samples::Only => !judge::is_filled_in(key) && judge::is_sample(key),
            Samples::All => !key.is_empty(),
        };
        counts
            && allowed::has_needs(&matcher.needs, key)
            && judge::entropy(key) >= matcher.min_entropy
            && !judge::has_word(key, &matcher.ignore)
    }
}

/// Whether a comment on the line of a key says that it is none.
fn is_allowed(line: &[u8]) -> bool {
    ALLOWED.iter().any(|comment| memchr::memmem::find(line, comment).is_some())
}

/// Whether this is the end of a finding's name, `secret-parse-master-key:0123456789ab`, as ignores and reports have it.
fn names_finding(text: &[u8], key: &Range<usize>) -> bool {
    const LONGEST: usize = 64;
    let before = text.get(key.start.saturating_sub(LONGEST)..key.start).and_then(|before| before.strip_suffix(b":"));
    let is_digest = |key: &[u8]| key.len() == redact::DIGITS && key.iter().all(u8::is_ascii_hexdigit);
    text.get(key.clone()).is_some_and(is_digest)
        && before.is_some_and(|before| {
            let is_apart = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'-';
            before.rsplit(is_apart).next().is_some_and(|id| id.starts_with(b"secret-"))
        })
}

/// The line of a key: at most 512 bytes before it and behind it, so that nothing beyond counts.
fn line<'t>(text: &'t [u8], key: &Range<usize>) -> &'t [u8] {
    text.get(line_of(text, key)).unwrap_or_default()
}

fn line_of(text: &[u8], key: &Range<usize>) -> Range<usize> {
    const MOST: usize = 512;
    let near = text.get(..key.end.saturating_add(MOST)).unwrap_or(text);
    let first = key.start.saturating_sub(MOST);
    let before = near.get(first..key.start).unwrap_or_default();
    let after = near.get(key.end..).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(first, |at| first + at + 1);
    let end = memchr::memchr(b'\n', after).unwrap_or(after.len());
    start..key.end + end
}

#[cfg(test)]
mod tests;
