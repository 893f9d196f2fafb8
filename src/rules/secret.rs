//! The table `[secret]`: how a key of one kind is known in a file.
//!
//! A rule names words that must be near (cheap to search for, all rules at once),
//! a pattern that says which characters are the key, and what is not one. Patterns
//! run in linear time and on bytes; a rule cannot make a scan slow.

use std::sync::{Arc, OnceLock};

use globset::{Glob, GlobBuilder, GlobSet};
use regex::bytes::{Captures, Match, Regex, RegexBuilder, RegexSet};
use regex_syntax::ParserBuilder;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::Principal;

/// What messages of `[secret]` may mention in braces.
pub const SECRET_PLACEHOLDERS: &[&str] = &["key", "path"];

/// The table `[secret]`. Keys are joined by *and*, lists by *or*.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SecretMatcher {
    /// Words of which one stands near the key, in either case. Without a word a pattern never runs.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// A regular expression in which the group `secret` is the key; `^` and `$` are those of lines.
    pub pattern: Option<Pattern>,
    /// Bytes that the pattern may see after a word, and so how long a match can be.
    #[serde(default = "usual_window")]
    pub window: usize,
    /// Bytes before a word in which a match may begin.
    #[serde(default = "usual_before")]
    pub before: usize,
    /// A text in quotes that is assigned (`=`, `:`, `=>` or `,` before it) begins at most so many
    /// bytes behind the word. Asked before the pattern runs, for words that are everywhere.
    pub assigned_within: Option<usize>,
    /// The least entropy of the key in bits per character.
    #[serde(default)]
    pub min_entropy: f64,
    /// The key is none if it has one of these words in it, in either case.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// One of these words stands somewhere in the file or its path, in either case.
    #[serde(default)]
    pub beside: Vec<String>,
    /// Which keys count that are no more than a word or a sample.
    #[serde(default)]
    pub samples: Samples,
    /// Only files of these paths, in the syntax of `.gitignore`.
    #[serde(default)]
    pub paths: Paths,
    /// Not files of these paths.
    #[serde(default)]
    pub not_paths: Paths,
    /// Files that are a key as a whole, by path.
    #[serde(default)]
    pub files: Paths,
    /// What else must hold.
    pub check: Option<Check>,
    /// The principal of Parse Server that whoever holds the key is, such as `master-key`.
    pub opens: Option<Opens>,
    /// Whether everybody has the key, not only who can read the file.
    #[serde(default)]
    pub known_to_all: bool,
    /// Whether a finding of any other rule for the same characters goes before.
    #[serde(default)]
    pub generic: bool,
    /// What makes a key none, in the words of other scanners.
    #[serde(skip)]
    pub allowed: Vec<Arc<Allow>>,
    /// Characters that a key has, in the words of other scanners.
    #[serde(skip)]
    pub needs: Needs,
    /// The message.
    pub message: String,
}

fn usual_window() -> usize {
    400
}

fn usual_before() -> usize {
    256
}

/// Which keys count although everybody could guess them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Samples {
    /// None: words, samples and things to be filled in are no leaked keys.
    #[default]
    Ignored,
    /// Words and samples, as they are used when nobody replaces them; not what a tool fills in.
    Count,
    /// Only those.
    Only,
    /// All that the pattern catches, also what a tool fills in.
    All,
}

/// A key of Parse Server before which permissions do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Opens {
    /// `masterKey`.
    MasterKey,
    /// `readOnlyMasterKey`.
    ReadOnlyMasterKey,
    /// `maintenanceKey`.
    MaintenanceKey,
}

impl Opens {
    /// Who has the key.
    pub fn principal(self) -> Principal {
        match self {
            Self::MasterKey => Principal::Master,
            Self::ReadOnlyMasterKey => Principal::ReadOnlyMaster,
            Self::MaintenanceKey => Principal::Maintenance,
        }
    }

    /// The key in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::MasterKey => "the master key",
            Self::ReadOnlyMasterKey => "the read-only master key",
            Self::MaintenanceKey => "the maintenance key",
        }
    }

    /// The option that says from where the server takes the key.
    pub fn addresses(self) -> &'static str {
        match self {
            Self::MasterKey => "masterKeyIps",
            Self::ReadOnlyMasterKey => "readOnlyMasterKeyIps",
            Self::MaintenanceKey => "maintenanceKeyIps",
        }
    }
}

/// A list of what makes keys none, as other scanners have it.
#[derive(Debug, Clone, Default)]
pub struct Allow {
    /// Whether all that is given must hold, or one of it.
    pub together: bool,
    /// Patterns of paths.
    pub paths: Option<RegexSet>,
    /// Patterns of texts.
    pub patterns: Option<RegexSet>,
    /// Which text the patterns are about.
    pub about: About,
    /// Words in the key, in either case.
    pub words: Vec<String>,
}

/// Which text the patterns of a list are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum About {
    /// The key.
    #[default]
    Key,
    /// All that the rule's pattern matched.
    Match,
    /// The line of the key.
    Line,
}

/// How many characters of a kind a key has at least.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Digits.
    pub digits: usize,
    /// Capital letters.
    pub capitals: usize,
    /// Small letters.
    pub small: usize,
    /// Signs.
    pub signs: usize,
    /// What counts as a sign; empty for all of ASCII.
    pub which_signs: String,
}

/// What a key is made of, beyond what a pattern can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The last six characters are the CRC-32 of those before, as in tokens of GitHub and npm.
    TokenChecksum,
    /// Three parts in base64url, of which the first two are JSON and the first names an algorithm.
    Jwt,
    /// The body of a PEM block is base64 of a length that a private key has.
    PrivateKey,
    /// Base64 of `user:password`.
    BasicAuth,
    /// A PKCS #12 container.
    Pkcs12,
    /// The password in an address of a database is none that every local set-up has.
    DatabaseAddress,
    /// Upper and lower case letters, and digits.
    Mixed,
    /// A letter or a sign, and a digit or a sign: no plain word and no plain number.
    Uncommon,
}

/// A pattern, compiled when it is first needed: most are never.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    /// Whether a group of it is named `secret`, which is the key.
    is_named: bool,
    regex: Arc<OnceLock<Option<Regex>>>,
}

/// Bytes that a compiled pattern may take.
pub const MOST_BYTES: usize = 1 << 20;

impl Pattern {
    /// A pattern of another scanner. Without a group `secret` the key is the first group that
    /// caught something, or the whole match.
    pub fn imported(text: String) -> Self {
        let is_named = names_key(&text);
        Self { text, is_named, regex: Arc::default() }
    }

    /// What a match caught as the key.
    pub fn key<'t>(&self, captures: &Captures<'t>) -> Option<Match<'t>> {
        if self.is_named {
            return captures.name("secret");
        }
        captures.iter().skip(1).flatten().find(|group| !group.is_empty()).or_else(|| captures.get(0))
    }

    /// The expression; `None` if it is too large to be compiled.
    pub fn regex(&self) -> Option<&Regex> {
        let compile = || RegexBuilder::new(&self.text).unicode(false).multi_line(true).size_limit(MOST_BYTES).build();
        self.regex.get_or_init(|| compile().ok()).as_ref()
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let mut parser = ParserBuilder::new().unicode(false).utf8(false).multi_line(true).build();
        parser.parse(&text).map_err(|error| {
            D::Error::custom(format!("no pattern: {}", error.to_string().lines().last().unwrap_or_default()))
        })?;
        if !names_key(&text) {
            return Err(D::Error::custom("the pattern has no group `(?<secret>…)`"));
        }
        Ok(Self { text, is_named: true, regex: Arc::default() })
    }
}

fn names_key(text: &str) -> bool {
    ["(?<secret>", "(?P<secret>"].iter().any(|group| text.contains(group))
}

/// Patterns of paths, compiled when they are first needed.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    globs: Vec<Glob>,
    /// Expressions of other scanners, of which one matches somewhere in the path.
    expressions: Option<RegexSet>,
    set: Arc<OnceLock<Option<GlobSet>>>,
}

impl Paths {
    /// Paths in which one of some expressions matches.
    pub fn matching(expressions: RegexSet) -> Self {
        Self { expressions: Some(expressions), ..Self::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.globs.is_empty() && self.expressions.is_none()
    }

    /// Whether one of them is that of a path.
    pub fn has(&self, path: &str) -> bool {
        (!self.globs.is_empty() && self.compiled().is_some_and(|set| set.is_match(path)))
            || self.expressions.as_ref().is_some_and(|expressions| expressions.is_match(path.as_bytes()))
    }

    fn compiled(&self) -> Option<&GlobSet> {
        self.set.get_or_init(|| GlobSet::new(&self.globs).ok()).as_ref()
    }
}

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut globs = Vec::new();
        for pattern in Vec::<String>::deserialize(from)? {
            // As in `.gitignore`: without a slash at any depth, with one at the end a folder.
            let anywhere = if pattern.trim_end_matches('/').contains('/') { "" } else { "**/" };
            let whole = if pattern.ends_with('/') { "**" } else { "" };
            let glob = GlobBuilder::new(&format!("{anywhere}{pattern}{whole}"))
                .literal_separator(true)
                .case_insensitive(true)
                .build();
            globs.push(glob.map_err(|error| D::Error::custom(format!("no pattern of paths: {error}")))?);
        }
        Ok(Self { globs, ..Self::default() })
    }
}

impl SecretMatcher {
    /// Whether its patterns are small enough to be compiled. Compiles them: for rules of one's own.
    pub fn compiles(&self) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.regex().is_some())
            && [&self.paths, &self.not_paths, &self.files].iter().all(|paths| paths.compiled().is_some())
    }

    /// What is wrong with the table as a whole: the key it is about, and what was expected.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        match &self.pattern {
            Some(_) if self.keywords.is_empty() => {
                Some(("no keywords", "expected `keywords` with words that stand near every key of this kind"))
            }
            Some(_) if self.keywords.iter().any(|word| word.len() < 2) => {
                Some(("keywords", "expected words of at least two characters"))
            }
            None if self.files.is_empty() => Some(("no pattern", "expected `keywords` and `pattern`, or `files`")),
            _ if self.before > 256 => Some(("before", "expected at most 256 bytes")),
            _ if self.assigned_within.is_some_and(|within| within > self.window) => {
                Some(("assigned-within", "expected no more bytes than the window has"))
            }
            _ if self.window > 16 << 10 => Some(("window", "expected at most 16384 bytes")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(patterns: &[&str]) -> Paths {
        Paths::deserialize(serde_json::json!(patterns)).expect("patterns")
    }

    #[test]
    fn paths_are_those_of_gitignore() {
        let paths = paths(&["*.env", "test/", "config/global.json"]);
        for path in ["a/b.env", ".env", "B.ENV", "test/a.js", "a/test/b/c.js", "config/global.json"] {
            assert!(paths.has(path), "{path}");
        }
        for path in ["env", "tests/a.js", "a/config/global.json"] {
            assert!(!paths.has(path), "{path}");
        }
    }

    #[test]
    fn a_pattern_says_which_characters_are_the_key() {
        let pattern = |text: &str| Pattern::deserialize(serde_json::json!(text)).map_err(|error| error.to_string());
        assert!(pattern("key=(?<secret>[a-z]+)").is_ok());
        assert_eq!(pattern("key=([a-z]+)").expect_err("no group"), "the pattern has no group `(?<secret>…)`");
        assert!(pattern("key=(").expect_err("no pattern").starts_with("no pattern: error: unclosed group"));
    }
}
