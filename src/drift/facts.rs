//! Changes as facts that rules select, each at the line of the lock that states what was agreed to.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::audit::fact::{Fact, in_words};
use crate::lock::{Key, parse};
use crate::model::{FileId, Place, Span};

use super::Change;

/// A text of a lock, to point into.
#[derive(Debug)]
pub struct Anchors<'t> {
    file: FileId,
    text: &'t str,
    lines: BTreeMap<Key, Range<usize>>,
}

impl<'t> Anchors<'t> {
    /// The lines of a lock.
    pub fn new(file: FileId, text: &'t str) -> Self {
        Self { file, text, lines: parse::lines(text) }
    }

    /// Whether a fact has a line of its own.
    pub fn has(&self, key: &Key) -> bool {
        self.lines.contains_key(key)
    }

    /// The line of a fact; of one that is not there the line of what it is nearest to: another fact of
    /// the same class or role, or the one that names the format.
    pub fn place(&self, key: &Key) -> Place {
        let parts: Vec<&str> = key.parts().collect();
        let near = (1..=parts.len()).rev().find_map(|depth| {
            let above = parts.get(..depth)?;
            let first = self.lines.range(Key::of(above)..).next();
            first.filter(|(line, _)| depth > 1 && line.is_below(above)).map(|(_, range)| range)
        });
        let range = near.or_else(|| self.lines.get(&Key::of(&["lock", "format"]))).cloned().unwrap_or_default();
        Place::Text { file: self.file, span: Span::new(self.text, range.start, range.end) }
    }
}

/// What rules of the table `drift` select.
pub fn fact(change: &Change, anchors: &Anchors<'_>) -> Fact {
    let mut places = change.parts.iter().map(|part| (anchors.place(&part.key), part.words.clone()));
    let at = places.next().map_or_else(|| anchors.place(&Key::default()), |(place, _)| place);
    let mut fact = Fact::new("drift", change.kind, change.subject.clone(), at)
        .word("effect", &change.effect)
        .word("subject", &change.subject)
        .word("parts", in_words(change.parts.iter().map(|part| &part.words)));
    if let Some(class) = &change.class {
        fact = fact.about(class);
    }
    fact.related = places.collect();
    fact.severity = Some(change.severity);
    fact
}
