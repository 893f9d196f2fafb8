//! What is the case, before any rule has an opinion about it.

use std::collections::BTreeSet;

use crate::model::Callers;
use crate::model::census::Rows;
use crate::model::{ClassName, FieldName, Place, Standing};
use crate::rules::Who;
use crate::severity::Severity;

/// Something that is the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The table of rules it belongs to.
    pub table: &'static str,
    /// Its name in that table; see `rules::vocabulary`.
    pub kind: &'static str,
    /// The class it is about.
    pub class: Option<ClassName>,
    /// What it is about, by names that survive edits.
    pub subject: String,
    /// Where it stands.
    pub at: Place,
    /// Further places.
    pub related: Vec<(Place, String)>,
    /// The way of a value through code, step by step, its source first.
    pub path: Vec<(Place, String)>,
    /// How bad it is, where it is worse or less bad than the rule that asks for it says.
    pub severity: Option<Severity>,
    /// The fields it is about.
    pub fields: BTreeSet<FieldName>,
    /// Who can make use of it, where that depends.
    pub reached_by: Option<Who>,
    /// Who may call the handler it is about.
    pub callers: Option<Callers>,
    /// What the placeholders of messages stand for.
    pub words: Vec<(&'static str, String)>,
    /// Rows it is about.
    pub rows: Option<Rows>,
    /// What git has of the key that it is about.
    pub standing: Standing,
}

impl Fact {
    /// A fact with nothing but its name, subject and place.
    pub fn new(table: &'static str, kind: &'static str, subject: impl Into<String>, at: Place) -> Self {
        Self {
            table,
            kind,
            class: None,
            subject: subject.into(),
            at,
            related: Vec::new(),
            path: Vec::new(),
            severity: None,
            fields: BTreeSet::new(),
            reached_by: None,
            callers: None,
            words: Vec::new(),
            rows: None,
            standing: Standing::Untold,
        }
    }

    /// The same fact about a class.
    pub fn about(mut self, class: &ClassName) -> Self {
        self.class = Some(class.clone());
        self.word("class", class)
    }

    /// The same fact with a word for messages.
    pub fn word(mut self, name: &'static str, value: impl ToString) -> Self {
        self.words.push((name, value.to_string()));
        self
    }

    /// The same fact about fields.
    pub fn with_fields<'f>(mut self, fields: impl IntoIterator<Item = &'f FieldName>) -> Self {
        self.fields.extend(fields.into_iter().cloned());
        self
    }

    /// The same fact about a handler that these may call.
    pub fn called_by(mut self, callers: Callers) -> Self {
        self.callers = Some(callers);
        self
    }

    /// The same fact with the way of a value through code, its source first.
    pub fn with_path(mut self, path: Vec<(Place, String)>) -> Self {
        self.path = path;
        self
    }

    /// The same fact about rows.
    pub fn with_rows(mut self, rows: Rows) -> Self {
        self.rows = Some(rows);
        self.word("count", rows.reached).word("total", rows.of())
    }
}

/// A list in a sentence: `a`, `a and b`, `a, b and c`, `a, b, c and 4 more`.
pub fn in_words<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 6;
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] if items.len() <= SHOWN => format!("{} and {last}", init.join(", ")),
        [..] => format!(
            "{} and {} more",
            items.iter().take(SHOWN - 1).cloned().collect::<Vec<_>>().join(", "),
            items.len() + 1 - SHOWN
        ),
    }
}

/// Replaces `{name}` in a message by its word.
pub fn fill(message: &str, words: &[(&'static str, String)]) -> String {
    let mut filled = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else { break };
        let word = words.iter().find(|(known, _)| *known == name);
        filled.push_str(word.map_or("", |(_, word)| word));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(in_words(["a"]), "a");
        assert_eq!(in_words(["a", "b"]), "a and b");
        assert_eq!(in_words(["a", "b", "c"]), "a, b and c");
        assert_eq!(in_words(1..=8), "1, 2, 3, 4, 5 and 3 more");
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(fill("`{class}` {x}", &[("class", "{x}".to_owned()), ("x", "y".to_owned())]), "`{x}` y");
    }
}
