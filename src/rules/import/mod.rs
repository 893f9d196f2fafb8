//! Rules about keys that a team has for another scanner: gitleaks' TOML, Kingfisher's YAML.
//!
//! Each becomes a rule as ours are. What a format can say and we cannot is named, with what
//! happens instead; nothing is left out without a word.

mod anchors;
mod gitleaks;
mod kingfisher;
mod node;
mod pattern;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::mistake::Mistake;
use crate::model::RuleId;
use crate::severity::{Confidence, Severity};

use super::secret::{Allow, MOST_BYTES, Needs, Paths, Pattern, Samples, SecretMatcher};
use super::{Matcher, Rule};
use node::{Source, Table};
use pattern::Group;

/// Bytes behind a word in which a match ends, if it may be of any length.
const WIDEST: usize = 16 << 10;

/// Bytes before a word in which a match begins.
const BEFORE: usize = 256;

/// A scanner whose rules are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// gitleaks: a file in TOML.
    Gitleaks,
    /// Kingfisher: a file in YAML.
    Kingfisher,
}

/// What a file of another scanner holds.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Its rules.
    pub rules: Vec<Rule>,
    /// What they say and we cannot.
    pub notes: Vec<Note>,
}

/// Something that files of another scanner say and we cannot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The files that say it.
    pub paths: Vec<String>,
    /// What they say.
    pub feature: String,
    /// What happens instead.
    pub instead: String,
    /// The rules that say it, as they are called there; none if it is the file as a whole.
    pub rules: Vec<String>,
}

impl Note {
    /// The file that says it, or how many do.
    pub fn file(&self) -> String {
        match self.paths.as_slice() {
            [path] => path.clone(),
            paths => format!("{} files", paths.len()),
        }
    }

    /// Puts notes that say the same together.
    pub fn add(self, to: &mut Vec<Self>) {
        match to.iter_mut().find(|note| (&note.feature, &note.instead) == (&self.feature, &self.instead)) {
            Some(note) => {
                note.rules.extend(self.rules);
                let last = note.paths.last().cloned();
                note.paths.extend(self.paths.into_iter().filter(|path| Some(path) != last.as_ref()));
            }
            None => to.push(self),
        }
    }

    /// The rules that are meant, in parentheses; empty if it is the file as a whole.
    pub fn whose(&self) -> String {
        const SHOWN: usize = 5;
        let named: Vec<String> = self.rules.iter().take(SHOWN).map(|rule| format!("`{rule}`")).collect();
        match self.rules.len().checked_sub(SHOWN) {
            _ if named.is_empty() => String::new(),
            None | Some(0) => format!(" ({})", named.join(", ")),
            Some(more) => format!(" ({} and {more} more)", named.join(", ")),
        }
    }
}

impl Tool {
    /// The scanner whose rules a file may hold, by its name.
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, ending) = path.rsplit_once('.')?;
        match ending {
            "toml" => Some(Self::Gitleaks),
            "yml" | "yaml" => Some(Self::Kingfisher),
            _ => None,
        }
    }

    /// Whether a text looks like rules of this scanner, and not like any other file of its kind.
    pub fn is_rules(self, text: &str) -> bool {
        let has =
            |starts: &[&str]| text.lines().any(|line| starts.iter().any(|start| line.trim_end().starts_with(start)));
        match self {
            Self::Gitleaks => has(&["[[rules", "[rules", "[allowlist", "[[allowlist", "[extend]"]),
            Self::Kingfisher => has(&["rules:"]) && text.contains(" pattern:") && !text.contains(" languages:"),
        }
    }

    /// Reads a file of this scanner.
    ///
    /// # Errors
    ///
    /// The first mistake.
    pub fn read(self, path: &str, text: &str) -> Result<Imported, Mistake> {
        let source = Source { path, text };
        let root = match self {
            Self::Gitleaks => source.toml()?,
            Self::Kingfisher => source.yaml()?,
        };
        let root = Table::of(source, &root)?;
        let mut import = Import { tool: self, source, ids: BTreeSet::new(), done: Imported::default() };
        match self {
            Self::Gitleaks => gitleaks::read(&mut import, root)?,
            Self::Kingfisher => kingfisher::read(&mut import, root)?,
        }
        Ok(import.done)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Gitleaks => "gitleaks",
            Self::Kingfisher => "kingfisher",
        }
    }
}

/// A file that is being read.
struct Import<'t> {
    tool: Tool,
    source: Source<'t>,
    ids: BTreeSet<String>,
    done: Imported,
}

/// A rule of another scanner, as far as it is known.
struct Draft<'t> {
    /// Its id there, and where it stands.
    id: (&'t str, Range<usize>),
    title: &'t str,
    confidence: Confidence,
    pattern: Option<(&'t str, Range<usize>)>,
    group: Option<Group<'t>>,
    keywords: Vec<&'t str>,
    /// Its keys have more entropy than this.
    entropy: f64,
    paths: Option<RegexSet>,
    allowed: Vec<Arc<Allow>>,
    needs: Needs,
    ignore: Vec<String>,
    tags: Vec<&'t str>,
    see: Option<&'t str>,
}

impl<'t> Import<'t> {
    /// Names something that we cannot say. `rule` is empty if it is the file as a whole.
    fn note(&mut self, rule: &str, feature: &str, instead: &str) {
        let note = Note {
            paths: vec![self.source.path.to_owned()],
            feature: feature.to_owned(),
            instead: instead.to_owned(),
            rules: if rule.is_empty() { Vec::new() } else { vec![rule.to_owned()] },
        };
        note.add(&mut self.done.notes);
    }

    /// Expressions of which one must match, small enough to be compiled.
    fn set(&self, whose: &str, texts: &[(&str, Range<usize>)]) -> Result<Option<RegexSet>, Mistake> {
        let mut all = Vec::new();
        for (text, span) in texts {
            let wrong = |why: &str| {
                self.source.mistake(span.clone(), format!("{whose} has a pattern that cannot be used: {why}"), "")
            };
            let read = pattern::read(text, self.tool, None).map_err(|why| wrong(&why))?;
            compiled(&[read.text.as_str()]).ok_or_else(|| wrong("it is too large"))?;
            all.push(read.text);
        }
        let too_many = || {
            let span = texts.first().map_or(0..0, |(_, span)| span.clone());
            self.source.mistake(
                span,
                format!("{whose} has patterns that are too large together"),
                "expected fewer or shorter ones",
            )
        };
        if all.is_empty() { Ok(None) } else { compiled(&all).map(Some).ok_or_else(too_many) }
    }

    /// Makes a rule of what was read.
    fn take(&mut self, draft: Draft<'t>) -> Result<(), Mistake> {
        let (given, span) = draft.id.clone();
        let id = self.id(given, &span)?;
        let (mut matcher, source) = (self.matcher(&draft), self.source);
        match (&draft.pattern, &draft.paths) {
            (Some((text, at)), paths) => {
                let wrong = |why: String, expected: &str| {
                    source.mistake(at.clone(), format!("the pattern of `{given}` cannot be used: {why}"), expected)
                };
                let read = pattern::read(text, self.tool, draft.group).map_err(|why| wrong(why, ""))?;
                let Some(read) = self.anchored(&draft, read, &mut matcher) else { return Ok(()) };
                let pattern = Pattern::imported(read);
                if pattern.regex().is_none() {
                    return Err(wrong("it is too large".to_owned(), "expected fewer or shorter repetitions"));
                }
                matcher.pattern = Some(pattern);
                matcher.paths = paths.clone().map(Paths::matching).unwrap_or_default();
            }
            (None, Some(paths)) => matcher.files = Paths::matching(paths.clone()),
            (None, None) => return Ok(()),
        }
        let rule = self.rule(id, &draft, matcher);
        self.done.rules.push(rule);
        Ok(())
    }

    /// Finds the words round which a pattern runs. Hands back its text if there are some.
    fn anchored(&mut self, draft: &Draft<'t>, read: pattern::Read, matcher: &mut SecretMatcher) -> Option<String> {
        let keywords: Vec<String> = draft.keywords.iter().map(|word| word.to_lowercase()).collect();
        let usable: Vec<String> = keywords.iter().filter(|word| (2..=64).contains(&word.len())).cloned().collect();
        let two = || (!keywords.is_empty()).then(|| anchors::find(&read.hir, 2)).flatten();
        // What looks at the character behind a match sees a few bytes more.
        let length = read.hir.properties().maximum_len().map_or(WIDEST, |length| length.saturating_add(16).min(WIDEST));
        match anchors::find(&read.hir, 3).or_else(two) {
            Some(found) => {
                let is_in_match = found.words.iter().all(|word| keywords.iter().any(|keyword| word.contains(keyword)));
                if !is_in_match {
                    matcher.beside = keywords;
                }
                matcher.before = found.most.map_or(BEFORE, |most| most.min(BEFORE));
                matcher.window = length;
                matcher.keywords = found.words;
            }
            None if !usable.is_empty() && usable.len() == keywords.len() => {
                let instead =
                    "the key is looked for from 256 bytes before a keyword to 16384 behind it, not in the whole file";
                self.note(draft.id.0, "keywords that need not be part of what is found", instead);
                matcher.before = BEFORE;
                matcher.window = WIDEST;
                matcher.keywords = usable;
            }
            None => {
                let feature = "a pattern without a word of three characters that is in all it finds, nor keywords";
                self.note(draft.id.0, feature, "not imported, because it would be slow; give it `keywords`");
                return None;
            }
        }
        Some(read.text)
    }

    /// Our id of a rule.
    fn id(&mut self, given: &str, span: &Range<usize>) -> Result<RuleId, Mistake> {
        let mut id = self.tool.word().to_owned();
        let words: Vec<String> = given
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        for (number, word) in words.iter().enumerate() {
            if number > 0 || *word != id {
                id.push('-');
                id.push_str(word);
            }
        }
        if !id.contains('-') {
            return Err(self.source.mistake(span.clone(), "the id is not a name", "expected letters or digits"));
        }
        if !self.ids.insert(id.clone()) {
            return Err(self.source.mistake(
                span.clone(),
                format!("two rules have the id `{given}`"),
                "expected another id",
            ));
        }
        Ok(RuleId::from(id))
    }

    fn matcher(&self, draft: &Draft<'t>) -> SecretMatcher {
        SecretMatcher {
            keywords: Vec::new(),
            pattern: None,
            window: WIDEST,
            before: BEFORE,
            assigned_within: None,
            // There the entropy must be over the bound, here it may be the bound.
            min_entropy: if draft.entropy > 0.0 { draft.entropy.next_up() } else { 0.0 },
            ignore: draft.ignore.clone(),
            beside: Vec::new(),
            samples: Samples::All,
            paths: Paths::default(),
            not_paths: Paths::default(),
            files: Paths::default(),
            check: None,
            // Where a rule of ours knows the key as well, it says more about it.
            opens: None,
            known_to_all: false,
            generic: true,
            allowed: draft.allowed.clone(),
            needs: draft.needs.clone(),
            message: format!("the key ({{key}}) is readable by whoever has this file: {}", title(draft)),
        }
    }

    fn rule(&self, id: RuleId, draft: &Draft<'t>, matcher: SecretMatcher) -> Rule {
        let (title, fix) = (title(draft), "revoke it, and read the new one from the environment");
        let body = format!(
            "# {title}\n\n## What it finds\n\nWhat the rule `{}` of {} finds, imported from `{}`.\n\n\
             ## Why it matters\n\nWhoever can read the file, or its history, can use the key.\n\n\
             ## How to fix it\n\nRevoke the key where it was made, and read the new one from the environment.",
            draft.id.0,
            self.tool.word(),
            self.source.path,
        );
        let site = match self.tool {
            Tool::Gitleaks => "https://github.com/gitleaks/gitleaks",
            Tool::Kingfisher => "https://github.com/mongodb/kingfisher",
        };
        let mut tags = vec!["secrets".to_owned()];
        tags.extend(draft.tags.iter().filter(|tag| **tag != "secrets").map(|tag| plain(tag)));
        Rule {
            id,
            title,
            severity: Severity::High,
            confidence: draft.confidence,
            since: env!("CARGO_PKG_VERSION").to_owned(),
            tags,
            cwe: vec![798],
            owasp: ["A07:2021", "A07:2025", "API8:2023"].map(str::to_owned).to_vec(),
            risk: Vec::new(),
            fix: fix.to_owned(),
            see: draft.see.filter(|see| see.starts_with("https://")).unwrap_or(site).to_owned(),
            group: None,
            covers: BTreeSet::new(),
            matcher: Matcher::Secret(Box::new(matcher)),
            body,
            path: self.source.path.to_owned(),
            cases: Vec::new(),
        }
    }
}

/// A title in one line, without a full stop and without what messages would fill in.
fn title(draft: &Draft<'_>) -> String {
    let words = plain(if draft.title.trim().is_empty() { draft.id.0 } else { draft.title });
    words.trim_end_matches('.').replace('{', "(").replace('}', ")")
}

fn plain(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn compiled<T: AsRef<str>>(texts: &[T]) -> Option<RegexSet> {
    RegexSetBuilder::new(texts).unicode(false).multi_line(true).size_limit(MOST_BYTES).build().ok()
}

#[cfg(test)]
mod tests;
