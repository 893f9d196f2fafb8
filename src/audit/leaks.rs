//! Keys that lie in files, now or in the history: one fact for each, with all its places.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Committed, SecretHit, Snapshot};
use crate::rules::Rule;

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
    let (past, now): (Vec<&SecretHit>, Vec<&SecretHit>) = hits.iter().partition(|hit| hit.committed.is_some());
    let first = now.first().or(past.first())?;
    let length = if first.length == 1 { "1 character".to_owned() } else { format!("{} characters", first.length) };
    let key = if first.ends.is_empty() { length } else { format!("`{}`, {length}", first.ends) };
    let mut fact = Fact::new("secret", "key", first.digest.clone(), first.at.clone())
        .word("key", key)
        .word("path", snapshot.texts.path(&first.at));
    let others = now.iter().skip(1).filter(|hit| hit.at != first.at);
    fact.related.extend(others.map(|hit| (hit.at.clone(), "also here".to_owned())));
    let known: BTreeSet<&str> = now.iter().map(|hit| snapshot.texts.path(&hit.at)).collect();
    for hit in past.iter().filter(|hit| **hit != *first && !known.contains(snapshot.texts.path(&hit.at))) {
        let Some(committed) = &hit.committed else { continue };
        let when =
            since(committed).map_or_else(|| "in the history".to_owned(), |since| format!("in the history, {since}"));
        fact.related.push((hit.at.clone(), when));
    }
    let more = past.first().and_then(|hit| hit.committed.as_ref()).map(more).unwrap_or_default();
    Some((fact, more))
}

/// What the history says of a key: since when, whether it is gone, and who can see it all the same.
fn more(committed: &Committed) -> String {
    let since = since(committed).map(|since| format!("{since}, ")).unwrap_or_default();
    let head = if committed.in_head { "still in HEAD" } else { "not in HEAD" };
    format!("; {since}{head}, found {}", committed.seen)
}

fn since(committed: &Committed) -> Option<String> {
    let commit = committed.commit.as_ref()?;
    let day = committed.day.as_ref().map(|day| format!(" on {day}")).unwrap_or_default();
    Some(format!("committed in {commit}{day}"))
}
