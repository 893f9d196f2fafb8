//! Keys of the history, each once: what was found in many versions of many files is one
//! key with the places where it stood.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::RuleId;
use crate::model::secret::Written;
use crate::secrets::Hit;

use super::first::{Firsts, Place};
use super::graph::{Commit, Graph};
use super::ids::{Ids, Object};
use super::seen::{self, Tips};

/// A key that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastKey {
    /// The rule.
    pub rule: RuleId,
    /// Twelve hex digits of a keyed digest.
    pub digest: String,
    /// Length in bytes.
    pub length: usize,
    /// At most the first and last two characters.
    pub ends: String,
    /// How it was written.
    pub written: Written,
    /// Where the rule knows it, the oldest first; a path once.
    pub versions: Vec<Version>,
    /// Where it stood first, for whichever rule.
    pub first: Version,
    /// Whether it is in the newest version.
    pub in_head: bool,
    /// Who can see it, as the end of a sentence.
    pub seen: String,
}

/// A file in which a key stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its path in that commit; for contents that no folder has, their id.
    pub path: String,
    /// The first digits of the commit that brought it there; `None` if no commit has it.
    pub commit: Option<String>,
    /// The day on which its author wrote it, `2019-03-02`.
    pub day: Option<String>,
}

#[derive(Default)]
struct Gathered {
    length: usize,
    ends: String,
    /// Plainly, if it is anywhere.
    written: Option<Written>,
    objects: BTreeSet<Object>,
    /// By rule and path: when it came there, in the order of commits.
    rules: BTreeMap<RuleId, BTreeMap<String, u32>>,
}

/// Puts together what was found in objects. A key that several rules know came with the same commit for each.
pub fn keys(
    hits: Vec<(Object, Place, Vec<Hit>)>,
    graph: &Graph,
    ids: &Ids,
    firsts: &Firsts<'_>,
    tips: &Tips,
) -> Vec<PastKey> {
    let mut gathered: BTreeMap<String, Gathered> = BTreeMap::new();
    for (object, place, hits) in hits {
        let path = firsts.path(place.path).unwrap_or_else(|| named(object, ids, graph, tips));
        for hit in hits {
            let key = gathered.entry(hit.digest).or_default();
            (key.length, key.ends) = (hit.length, hit.ends);
            key.written = Some(key.written.map_or(hit.written, |known| known.min(hit.written)));
            key.objects.insert(object);
            let first = key.rules.entry(hit.rule).or_default().entry(path.clone()).or_insert(place.commit);
            *first = (*first).min(place.commit);
        }
    }
    let objects: Vec<Vec<Object>> =
        gathered.values_mut().map(|key| std::mem::take(&mut key.objects).into_iter().collect()).collect();
    let seen = seen::seen(graph, firsts, tips, ids.count(), &objects);
    let mut keys = Vec::new();
    for ((digest, key), seen) in gathered.into_iter().zip(seen) {
        let version = |(when, path): (u32, String)| version(path, firsts.commit(when), ids);
        let all = key.rules.values().flatten();
        let Some(first) = all.map(|(path, when)| (*when, path.clone())).min().map(version) else { continue };
        for (rule, paths) in key.rules {
            let mut versions: Vec<(u32, String)> = paths.into_iter().map(|(path, when)| (when, path)).collect();
            versions.sort_unstable();
            keys.push(PastKey {
                rule,
                digest: digest.clone(),
                length: key.length,
                ends: key.ends.clone(),
                written: key.written.unwrap_or_default(),
                versions: versions.into_iter().map(version).collect(),
                first: first.clone(),
                in_head: seen.in_head,
                seen: seen.words(),
            });
        }
    }
    keys.sort_by(|a, b| (&a.rule, &a.digest).cmp(&(&b.rule, &b.digest)));
    keys
}

fn version(path: String, commit: Option<&Commit>, ids: &Ids) -> Version {
    Version {
        path,
        commit: commit.map(|commit| ids.short(commit.object)),
        day: commit.and_then(|commit| day(commit.written)),
    }
}

/// What to call contents that no folder has: the ref that names them, or their id.
fn named(object: Object, ids: &Ids, graph: &Graph, tips: &Tips) -> String {
    let of_ref = tips.refs.iter().find(|(_, tip)| graph.peel(*tip) == object);
    of_ref.map_or_else(|| format!("object {}", ids.short(object)), |(name, _)| name.clone())
}

/// The day where the author was.
fn day((seconds, minutes): (i64, i32)) -> Option<String> {
    let when = jiff::Timestamp::from_second(seconds).ok()?;
    let zone = jiff::tz::Offset::from_seconds(minutes.checked_mul(60)?).ok()?;
    Some(when.to_zoned(zone.to_time_zone()).date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_author() {
        assert_eq!(day((1_551_484_800, 0)).as_deref(), Some("2019-03-02"));
        assert_eq!(day((1_551_484_800, -60)).as_deref(), Some("2019-03-01"));
        assert_eq!(day((i64::MAX, 0)), None);
    }
}
