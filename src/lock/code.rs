//! Code: handlers, who may call them, and what they do with the master key.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::entry::EntryKind;
use crate::code::event::Does;
use crate::code::shape::Rights;
use crate::code::uses::Use;
use crate::model::{App, Callers, Known};
use crate::reach;

use super::Making;

/// What stands for a class that is not known.
pub const SOME_CLASS: &str = "?";
/// What stands for any class that the client names.
pub const ANY_CLASS: &str = "*";

/// A handler as a lock tells it; of several with one name all together.
struct Told {
    callers: Callers,
    has_validator: bool,
    uses_master_key: bool,
    reaches: BTreeSet<String>,
    files: BTreeSet<String>,
}

impl Making<'_> {
    pub(super) fn code(&mut self) {
        let app = self.subject.app;
        let units = match &app.code {
            Known::Read(units) => units,
            Known::Unread(why) => return self.not_read(&["code"], why),
        };
        let mut all: BTreeMap<&EntryKind, Told> = BTreeMap::new();
        for handler in &self.subject.analysis.handlers {
            let by_master = || handler.uses.iter().filter(|used| used.rights == Rights::Master);
            // Of those who may call it, who gets to the rows.
            let callers = by_master().map(|used| used.callers.max(handler.callers)).min().unwrap_or(handler.callers);
            let told = all.entry(&handler.kind).or_insert(Told {
                callers,
                has_validator: handler.has_validator,
                uses_master_key: false,
                reaches: BTreeSet::new(),
                files: BTreeSet::new(),
            });
            told.callers = told.callers.min(callers);
            told.has_validator &= handler.has_validator;
            told.uses_master_key |= by_master().next().is_some();
            told.reaches.extend(by_master().map(|used| reached(app, used)));
            told.files.extend(units.get(handler.at.unit).map(|unit| unit.path.clone()));
        }
        for handler in &self.subject.analysis.cut {
            self.not_read(&["handler", handler], "too large to be followed to the end");
        }
        for (kind, told) in all {
            let room = match kind {
                EntryKind::Function(_) => "function",
                EntryKind::Job(_) => "job",
                EntryKind::Trigger(..) => "trigger",
                EntryKind::Route(..) => "route",
            };
            let name = kind.subject();
            self.put(&[room, &name, "callers"], callers_word(told.callers));
            self.put(&[room, &name, "validator"], told.has_validator);
            self.put(&[room, &name, "master-key"], told.uses_master_key);
            self.put(&[room, &name, "reaches"], told.reaches);
            self.put(&[room, &name, "file"], told.files);
        }
    }
}

/// What a use reaches: `Order.find`, and what of it the caller is told if that is nothing.
fn reached(app: &App, used: &Use) -> String {
    let op = match used.does {
        Does::Read => "find",
        Does::Count => "count",
        Does::Create => "create",
        Does::Update => "update",
        Does::Delete => "delete",
    };
    let class = match reach::class_of(app, used) {
        _ if used.any_class => ANY_CLASS,
        Some("User") => "_User",
        Some("Role") => "_Role",
        Some(class) => class,
        None => SOME_CLASS,
    };
    let own = if used.own_rows { " of the caller" } else { "" };
    let silent = if used.does == Does::Read && !used.gives_back() { " and tells nothing" } else { "" };
    format!("{class}.{op}{own}{silent}")
}

/// Who may call a handler, in a word.
pub fn callers_word(callers: Callers) -> &'static str {
    match callers {
        Callers::Anyone => "anyone",
        Callers::SignedIn => "signed-in",
        Callers::Role => "role",
        Callers::Master => "master-key",
        Callers::Server => "server",
    }
}
