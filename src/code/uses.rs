//! What handlers do with the rows of which classes, and who gets there: the second
//! door beside class-level permissions.

use std::collections::BTreeSet;

use super::entry::{Entry, EntryKind};
use super::event::{Does, Event, RowsEvent, What};
use super::risk::answer::{columns_in, rows_in, walk};
use super::run::Run;
use super::shape::{Origin, Rights, Shape};
use super::value::{Kind, Pos, Value};
use crate::model::Callers;

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
    /// Where the class is not known: the class and column whose pointer leads to the rows.
    pub pointer: Option<(String, String)>,
    /// Whether the client chooses the class.
    pub any_class: bool,
    /// With whose rights.
    pub rights: Rights,
    /// Who gets there.
    pub callers: Callers,
    /// Whether only rows of the caller are meant.
    pub own_rows: bool,
    /// For a read the columns that the caller is told, for a write those that are written.
    pub columns: Columns,
    /// Where.
    pub at: Pos,
    /// The calls that lead there, the outermost first.
    pub through: Vec<Pos>,
}

/// Columns of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Columns {
    /// None of them.
    None,
    /// These.
    Named(BTreeSet<String>),
    /// All of them, or those that the client names.
    All,
    /// It cannot be told which.
    Unknown,
}

impl Use {
    /// Whether the caller may be told anything about the rows.
    pub fn gives_back(&self) -> bool {
        !self.does.writes() && self.columns != Columns::None
    }

    /// Whether a column may be among those that are told or written.
    pub fn may_concern(&self, column: &str) -> bool {
        match &self.columns {
            Columns::None => !self.does.writes(),
            Columns::Named(names) => names.contains(column),
            Columns::All | Columns::Unknown => true,
        }
    }
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
            pointer: if rows.class.name().is_none() { pointer(run, rows) } else { None },
            any_class: matches!(rows.class, super::shape::ClassRef::Client(_)),
            rights: rows.rights,
            callers,
            own_rows: rows.selection.tied || rows.row.is_some_and(|row| event.guards.owns(row)),
            columns: if rows.does.writes() { written(rows) } else { told(run, entry, event) },
            at: event.at,
            through: event.through.to_vec(),
        };
        if !uses.contains(&one) {
            uses.push(one);
        }
    }
    uses
}

/// The class and column of the pointer that leads to a row.
fn pointer(run: &Run<'_>, rows: &RowsEvent) -> Option<(String, String)> {
    let Shape::Row(row) = &run.heap.get(rows.row?).shape else { return None };
    let Origin::Pointed(from, column) = &row.origin else { return None };
    let Shape::Row(from) = &run.heap.get(*from).shape else { return None };
    Some((from.class.name()?.to_owned(), column.to_string()))
}

/// The columns that are written.
fn written(rows: &RowsEvent) -> Columns {
    if rows.does == Does::Delete {
        return Columns::All;
    }
    let mut names = BTreeSet::new();
    for (column, _, _) in &rows.written {
        match (column.as_text(), &column.taint) {
            (Some(name), _) => drop(names.insert(first(name))),
            (None, Some(_)) => return Columns::All,
            (None, None) => return Columns::Unknown,
        }
    }
    // A row that somebody else filled.
    if names.is_empty() { Columns::Unknown } else { Columns::Named(names) }
}

/// What of the rows that are read here the caller is told.
fn told(run: &Run<'_>, entry: &Entry, event: &Event) -> Columns {
    let answers = match &entry.kind {
        EntryKind::Job(_) => false,
        EntryKind::Trigger(trigger, _) => trigger == "afterFind",
        EntryKind::Function(_) | EntryKind::Route(..) => true,
    };
    if !answers {
        return Columns::None;
    }
    let read_here = |row: super::heap::ObjectId| run.heap.get(row).at == Some(event.at);
    let mut names = BTreeSet::new();
    let mut opaque = false;
    for other in &run.events {
        let What::Answer { value, refuses: false } = &other.what else { continue };
        if rows_in(run, value).into_iter().any(read_here) {
            return Columns::All;
        }
        let columns = columns_in(run, value).into_iter().filter(|(row, _)| read_here(*row));
        names.extend(columns.map(|(_, column)| first(&column)));
        opaque |= is_opaque(run, value);
    }
    match (names.is_empty(), opaque) {
        (_, true) => Columns::Unknown,
        (true, false) => Columns::None,
        (false, false) => Columns::Named(names),
    }
}

/// Whether anything may be inside an answer.
fn is_opaque(run: &Run<'_>, value: &Value) -> bool {
    let mut opaque = false;
    walk(run, value, 5, &mut |value| {
        opaque |= match &value.kind {
            // The outcome of a test says nothing of columns.
            Kind::Unknown => value.test.is_none(),
            Kind::Computed(..) => true,
            Kind::Path(path) => path.contains("()"),
            _ => false,
        };
    });
    opaque
}

/// The column of a path into it.
fn first(column: &str) -> String {
    column.split('.').next().unwrap_or(column).to_owned()
}
