//! What changed between two locks, by effect: who reaches what they did not reach before, and
//! which changes made it so. Pure.
//!
//! Both sides are compared in the form of locks. The changes of a month are replayed one by one
//! on the older side: a reach that one change makes alone is a finding about that change, and
//! one that none makes alone is a single finding that names all it takes. What has no effect on
//! anybody's reach is judged by what it is; what is harmless either way is counted.

pub mod facts;
mod graphql;
mod level;
mod moved;
mod nature;
mod options;
mod reached;
mod replay;
mod scene;
mod severity;
mod step;
#[cfg(test)]
mod tests;
mod unread;
mod words;

use std::collections::BTreeSet;

use crate::lock::{Key, Lock};
use crate::model::{App, ClassName};
use crate::severity::Severity;

use step::Step;

/// Which way access goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Somebody reaches more.
    Wider,
    /// Somebody will reach more when the server starts again.
    WillWiden,
    /// It cannot be told.
    Unknown,
    /// Somebody reaches less.
    Narrower,
    /// Somebody will reach less when the server starts again.
    WillNarrow,
}

impl Direction {
    /// In a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::Wider => "wider",
            Self::WillWiden => "opens at restart",
            Self::Unknown => "unknown",
            Self::Narrower => "narrower",
            Self::WillNarrow => "closes at restart",
        }
    }
}

/// One thing that changed, with all its causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The fact that it is in the table `drift` of rules.
    pub kind: &'static str,
    /// The class, if it is about one.
    pub class: Option<ClassName>,
    /// What it is about, by names that survive edits.
    pub subject: String,
    /// Which way access goes.
    pub direction: Direction,
    /// How bad it is.
    pub severity: Severity,
    /// What is so now, in a line.
    pub effect: String,
    /// What was changed, in the order of the lock.
    pub parts: Vec<Part>,
}

/// Something that was changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The fact that changed, the first of several.
    pub key: Key,
    /// From what to what, in a line.
    pub words: String,
}

/// What changed between two locks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// What matters, the worst first.
    pub changes: Vec<Change>,
    /// Facts that changed and change nothing for anybody.
    pub harmless: usize,
    /// Facts that changed and that `drift.ignore` names.
    pub ignored: usize,
}

/// Compares two locks. Facts whose keys `is_ignored` names do not count.
pub fn drift(from: &Lock, to: &Lock, is_ignored: &dyn Fn(&Key) -> bool) -> Drift {
    let (from, to, ignored) = without_ignored(from, to, is_ignored);
    let (from, to, mut changes) = unread::level_out(&from, &to);
    let steps = step::between(&from, &to);
    let told = replay::replay(&from, &to, &steps);
    changes.extend(told.changes);
    let mut harmless = 0;
    for (number, step) in steps.iter().enumerate() {
        if told.explained.contains(&number) {
            continue;
        }
        match nature::judge(step, &from, &to) {
            Some(change) => changes.push(change),
            None => harmless += step.keys.len(),
        }
    }
    sort(&mut changes);
    Drift { changes, harmless, ignored }
}

/// What the next start of the server will change: `declared` is what it will make of `deployed`.
pub fn pending(deployed: &Lock, declared: &Lock, is_ignored: &dyn Fn(&Key) -> bool) -> Vec<Change> {
    let (from, to, _) = without_ignored(deployed, declared, is_ignored);
    let steps: Vec<Step> = step::between(&from, &to).into_iter().filter(Step::is_permission).collect();
    let mut changes = replay::replay(&from, &to, &steps).changes;
    for change in &mut changes {
        (change.kind, change.direction, change.severity) = match change.direction {
            Direction::Wider | Direction::WillWiden | Direction::Unknown => {
                ("pending-wider", Direction::WillWiden, severity::below(change.severity))
            }
            Direction::Narrower | Direction::WillNarrow => ("pending-narrower", Direction::WillNarrow, Severity::Low),
        };
    }
    sort(&mut changes);
    changes
}

/// The app as the next start of the server will make it, if schema as code says otherwise than what
/// is deployed: what `pending` compares.
pub fn declared(app: &App) -> Option<App> {
    let mut declared = app.clone();
    for class in app.declared.values().filter(|class| class.clp.is_read()) {
        if let Some(deployed) = declared.classes.get_mut(&class.name) {
            deployed.clp = class.clp.clone();
        }
    }
    (!app.declared.is_empty()).then_some(declared)
}

fn sort(changes: &mut [Change]) {
    changes.sort_by(|a, b| {
        (b.severity, a.direction, a.kind, &a.subject).cmp(&(a.severity, b.direction, b.kind, &b.subject))
    });
}

/// Both locks, in which facts that do not count are what they were.
fn without_ignored(from: &Lock, to: &Lock, is_ignored: &dyn Fn(&Key) -> bool) -> (Lock, Lock, usize) {
    let mut now = to.clone();
    let keys: BTreeSet<&Key> = from.facts().chain(to.facts()).map(|(key, _)| key).collect();
    let mut ignored = 0;
    for key in keys {
        let (old, new) = (from.at(key), to.at(key));
        // Names of the app and the environment may differ between two of them.
        let is_label = key.part(0) == "lock";
        if old != new && (is_label || is_ignored(key)) {
            ignored += usize::from(!is_label);
            now.set(key.clone(), old.cloned());
        }
    }
    (from.clone(), now, ignored)
}
