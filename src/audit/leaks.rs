//! Keys that lie in files, now or in the history: one fact for each, with all its places.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::model::secret::{Acceptance, Verified};
use crate::model::{Committed, Known, Place, SecretHit, Snapshot, Standing};
use crate::rules::program::Program;
use crate::rules::secret::Opens;
use crate::rules::{Matcher, Rule};

use super::fact::Fact;

/// The keys of a rule, and what the history adds to the message. The digest of a key is what a
/// fact is about, so that a key in ten files is one, and stays the same one when it moves.
pub fn facts(rule: &Rule, snapshot: &Snapshot) -> Vec<(Fact, String)> {
    let mut keys: BTreeMap<&str, Vec<&SecretHit>> = BTreeMap::new();
    for hit in snapshot.app.hits.read().into_iter().flatten().filter(|hit| hit.rule == rule.id) {
        keys.entry(&hit.digest).or_default().push(hit);
    }
    keys.into_values().filter_map(|hits| fact(&hits, snapshot)).collect()
}

fn fact(hits: &[&SecretHit], snapshot: &Snapshot) -> Option<(Fact, String)> {
    let (past, mut now): (Vec<&SecretHit>, Vec<&SecretHit>) =
        hits.iter().partition(|hit| hit.standing.committed().is_some());
    now.sort_by_key(|hit| hit.standing == Standing::NotCommitted);
    let first = now.first().or(past.first())?;
    let length = if first.length == 1 { "1 character".to_owned() } else { format!("{} characters", first.length) };
    let written = first.written.words();
    let key = if first.ends.is_empty() { length + written } else { format!("`{}`, {length}{written}", first.ends) };
    let mut fact = Fact::new("secret", "key", first.digest.clone(), first.at.clone())
        .word("key", key)
        .word("path", snapshot.texts.path(&first.at));
    let others = now.iter().skip(1).filter(|hit| hit.at != first.at);
    fact.related
        .extend(others.map(|hit| (hit.at.clone(), format!("also here{}{}", hit.written.words(), here(hit, ", ")))));
    let known: BTreeSet<&str> = now.iter().map(|hit| snapshot.texts.path(&hit.at)).collect();
    for hit in past.iter().filter(|hit| **hit != *first && !known.contains(snapshot.texts.path(&hit.at))) {
        let Some(committed) = hit.standing.committed() else { continue };
        let when = since(committed.commit.as_deref(), committed.day.as_deref());
        let when = when.map_or_else(|| "in the history".to_owned(), |since| format!("in the history, {since}"));
        fact.related.push((hit.at.clone(), when));
    }
    let known = past.first().and_then(|hit| hit.standing.committed());
    if known.is_none() {
        fact.standing = first.standing.clone();
    }
    let more = known.map(more).unwrap_or_default();
    Some((fact, format!("{more}{}{}", here(first, "; "), verified(&first.digest, snapshot))))
}

/// What git has of a key at a place, as the end of a sentence.
fn here(hit: &SecretHit, joint: &str) -> String {
    match hit.standing {
        Standing::Staged => format!("{joint}staged"),
        Standing::NotCommitted => format!("{joint}in a file that is not committed"),
        Standing::Untold | Standing::Committed(_) => String::new(),
    }
}

/// What the history says of a key: since when, whether it is gone, and who can see it all the same.
fn more(committed: &Committed) -> String {
    let (commit, day) = &committed.first;
    let since = since(commit.as_deref(), day.as_deref()).map(|since| format!("{since}, ")).unwrap_or_default();
    let head = if committed.in_head { "still in HEAD" } else { "not in HEAD" };
    format!("; {since}{head}, found {}", committed.seen)
}

/// What the server says of a key, if it was asked.
fn verified(digest: &str, snapshot: &Snapshot) -> String {
    let Known::Read(Verified { host, keys }) = &snapshot.app.verified else { return String::new() };
    match keys.get(digest) {
        None => String::new(),
        Some(Acceptance::Accepted) => format!("; {host} accepts it"),
        Some(Acceptance::NotFromHere) => format!("; {host} knows it, and takes it from other addresses only"),
        Some(Acceptance::Refused) => format!("; {host} does not know it"),
    }
}

fn since(commit: Option<&str>, day: Option<&str>) -> Option<String> {
    let day = day.map(|day| format!(" on {day}")).unwrap_or_default();
    Some(format!("committed in {}{day}", commit?))
}

/// Who has a key that lies in a file: those that are most come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// Everybody.
    Anyone,
    /// Whoever can read the repository.
    Repository,
    /// Whoever can read its history, which alone has the key.
    History,
    /// Whoever can read the file, which no commit has.
    File,
}

/// A key of the server that lies in a file.
#[derive(Debug, Clone)]
pub struct LostKey {
    /// Which key it is.
    pub opens: Opens,
    /// Who has it.
    pub holder: Holder,
    /// Where it lies, the first place first.
    pub places: Vec<Place>,
}

/// The findings that are about keys of the server, as one for each key; those that everybody has first.
pub fn lost(findings: Vec<Finding>, program: &Program, snapshot: &Snapshot) -> Vec<LostKey> {
    let mut keys: BTreeMap<(Opens, String), LostKey> = BTreeMap::new();
    for finding in findings {
        let Some(Matcher::Secret(matcher)) = program.rule(&finding.rule).map(|rule| &rule.matcher) else { continue };
        let Some(opens) = matcher.opens else { continue };
        let holder = if matcher.known_to_all { Holder::Anyone } else { holder(&finding.subject, snapshot) };
        let key = keys.entry((opens, finding.subject)).or_insert(LostKey { opens, holder, places: Vec::new() });
        key.holder = key.holder.min(holder);
        let places = [finding.at].into_iter().chain(finding.related.into_iter().map(|(place, _)| place));
        for place in places {
            if !key.places.contains(&place) {
                key.places.push(place);
            }
        }
    }
    let mut keys: Vec<LostKey> = keys.into_values().collect();
    keys.sort_by_key(|key| (key.holder, key.opens));
    keys
}

/// Who has a key, by what git has of it.
fn holder(digest: &str, snapshot: &Snapshot) -> Holder {
    let hits = snapshot.app.hits.read().into_iter().flatten().filter(|hit| hit.digest == digest);
    let holders = hits.map(|hit| match hit.standing {
        Standing::Untold | Standing::Staged => Holder::Repository,
        Standing::Committed(_) => Holder::History,
        Standing::NotCommitted => Holder::File,
    });
    holders.min().unwrap_or(Holder::Repository)
}
