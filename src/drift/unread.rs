//! What only one of two sides was read of. It is told as lost coverage, and then made the same on
//! both, so that nobody seems to gain or lose by it.

use std::collections::BTreeSet;

use crate::lock::{GRAPHQL, INDEXES, Key, Lock, NOT_READ, UNIQUE};
use crate::severity::Severity;

use super::{Change, Direction, Part, words};

/// Both sides with the same things read, and what was lost between them.
pub fn level_out(from: &Lock, to: &Lock) -> (Lock, Lock, Vec<Change>) {
    let (mut from, mut to) = (from.clone(), to.clone());
    let topics: BTreeSet<Key> =
        from.below(&[NOT_READ]).chain(to.below(&[NOT_READ])).map(|(key, _)| key.clone()).collect();
    let mut lost = Vec::new();
    for topic in topics {
        let (before, now) = (from.at(&topic).cloned(), to.at(&topic).cloned());
        match (&before, &now) {
            (None, Some(why)) => {
                if is_of_few(&topic) && !has_any(&from, &topic) {
                    to.set(topic, None);
                    continue;
                }
                let was_there = topic.part(1) != "class" || from.below(&["class", topic.part(2)]).next().is_some();
                if topic.part(1) == "handler" {
                    lost.push(undecided(&topic));
                    to.set(topic, None);
                    continue;
                }
                if was_there {
                    lost.push(change(&topic, why.text().unwrap_or_default()));
                    copy(&from, &mut to, &topic);
                    to.set(topic, None);
                }
            }
            (Some(_), None) => {
                // A class that is gone was not read either.
                if topic.part(1) != "class" || to.below(&["class", topic.part(2)]).next().is_some() {
                    copy(&to, &mut from, &topic);
                }
                from.set(topic, None);
            }
            // For another reason, or as before.
            (Some(_), Some(_)) | (None, None) => to.set(topic, before),
        }
    }
    // Where there were no rows yet, or are none any more, nothing can be said of shares.
    let classes: BTreeSet<String> = from.names(&["class"]).into_iter().map(str::to_owned).collect();
    for class in classes {
        let count = ["class", class.as_str(), "rows", "count"];
        let is_empty = |lock: &Lock| lock.text(&count) == Some("0");
        let rows = Key::of(&[NOT_READ, "class", &class, "rows"]);
        match (is_empty(&from), is_empty(&to)) {
            (true, false) => copy(&to, &mut from, &rows),
            (false, true) => copy(&from, &mut to, &rows),
            (true, true) | (false, false) => {}
        }
    }
    (from, to, lost)
}

/// Whether a topic is what only some sources tell: what is unique, of a class or of all, or what GraphQL shows.
fn is_of_few(topic: &Key) -> bool {
    matches!(topic.part(1), INDEXES | GRAPHQL) || topic.part(3) == UNIQUE
}

/// Whether anything was told that such a topic is about.
fn has_any(lock: &Lock, topic: &Key) -> bool {
    match topic.part(1) {
        GRAPHQL => lock.below(&["server", GRAPHQL]).next().is_some(),
        INDEXES => lock.below(&["class"]).any(|(key, _)| key.part(2) == UNIQUE),
        _ => lock.below(&["class", topic.part(2), UNIQUE]).next().is_some(),
    }
}

fn change(topic: &Key, why: &str) -> Change {
    let what = words::topic(topic);
    Change {
        kind: "coverage-lost",
        class: (topic.part(1) == "class").then(|| topic.part(2).into()),
        subject: words::subject_of_topic(topic),
        direction: Direction::Unknown,
        // A database is read less often than a server, which knows no indexes; what GraphQL shows REST leads to as well.
        severity: if is_of_few(topic) { Severity::Low } else { Severity::High },
        effect: format!("{what}: not read any more ({why})"),
        parts: vec![Part { key: topic.clone(), words: format!("{what}: read → {why}") }],
    }
}

fn undecided(topic: &Key) -> Change {
    let what = topic.part(2);
    Change {
        kind: "undecided",
        class: None,
        subject: what.to_owned(),
        direction: Direction::Unknown,
        severity: Severity::Medium,
        effect: format!("what {what} does cannot be told any more: it is too large"),
        parts: vec![Part { key: topic.clone(), words: format!("{what}: followed → too large") }],
    }
}

/// Makes what a topic is about in one lock what it is in another.
fn copy(source: &Lock, target: &mut Lock, topic: &Key) {
    let parts: Vec<&str> = topic.parts().skip(1).collect();
    let of_class = |class, parts: &[&'static str]| parts.iter().map(|part| vec!["class", class, *part]).collect();
    let rooms = |rooms: &[&'static str]| rooms.iter().map(|room| vec![*room]).collect();
    let above: Vec<Vec<&str>> = match parts.as_slice() {
        ["class", class, "allow"] => of_class(class, &["allow", "permissions", "protected", "new-objects"]),
        ["class", class, part] => vec![vec!["class", class, part]],
        ["classes"] | [INDEXES] => rooms(&["class"]),
        ["roles"] | ["role-inheritance"] | ["role-members"] => rooms(&["role"]),
        ["server-version"] => vec![vec!["server", "version"]],
        [GRAPHQL] => vec![vec!["server", GRAPHQL]],
        ["server-options"] => vec![vec!["server", "option"], vec!["server", "protected"]],
        ["webhooks"] => rooms(&["webhook"]),
        ["config"] => rooms(&["config"]),
        ["code"] => rooms(&["function", "job", "trigger", "route"]),
        _ => Vec::new(),
    };
    let about = |key: &Key| match parts.as_slice() {
        [INDEXES] => key.part(2) == UNIQUE,
        ["role-inheritance"] => key.part(2) == "inherits",
        ["role-members"] => matches!(key.part(2), "member" | "members"),
        _ => true,
    };
    let facts = above.iter().flat_map(|above| source.below(above).chain(target.below(above)));
    let keys: BTreeSet<Key> = facts.map(|(key, _)| key).filter(|key| about(key)).cloned().collect();
    for key in keys {
        let value = source.at(&key).cloned();
        target.set(key, value);
    }
}
