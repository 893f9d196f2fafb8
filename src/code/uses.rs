//! What handlers do with the rows of which classes, and who gets there: the second
//! door beside class-level permissions.

use super::entry::{Callers, Entry, EntryKind};
use super::event::{Does, What};
use super::run::Run;
use super::shape::Rights;
use super::value::Pos;

/// A handler and what it does with rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Handler {
    /// What it is.
    pub kind: EntryKind,
    /// Where it is registered.
    pub at: Pos,
    /// Who may call it.
    pub callers: Callers,
    /// Whether it has a validator.
    pub has_validator: bool,
    /// What it does, in the order of the code.
    pub uses: Vec<Use>,
}

/// One thing that a handler does with rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What.
    pub does: Does,
    /// The class; `None` if it is not known or the client chooses it.
    pub class: Option<String>,
    /// Whether the client chooses the class.
    pub any_class: bool,
    /// With whose rights.
    pub rights: Rights,
    /// Who gets there.
    pub callers: Callers,
    /// Whether only rows of the caller are meant.
    pub own_rows: bool,
    /// Where.
    pub at: Pos,
    /// The calls that lead there, the outermost first.
    pub through: Vec<Pos>,
}

/// What a handler did in a walk.
pub fn of(run: &Run<'_>, entry: &Entry) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    for event in &run.events {
        let What::Rows(rows) = &event.what else { continue };
        let callers = match entry.kind {
            EntryKind::Job(_) => Callers::Server,
            EntryKind::Trigger(..) | EntryKind::Function(_) | EntryKind::Route(..) => {
                super::risk::callers(entry, &event.guards)
            }
        };
        let one = Use {
            does: rows.does,
            class: rows.class.name().map(str::to_owned),
            any_class: matches!(rows.class, super::shape::ClassRef::Client(_)),
            rights: rows.rights,
            callers,
            own_rows: rows.selection.tied || rows.row.is_some_and(|row| event.guards.owns(row)),
            at: event.at,
            through: event.through.to_vec(),
        };
        if !uses.contains(&one) {
            uses.push(one);
        }
    }
    uses
}
