//! What is risky in what a handler does. One file for each family of the catalogue of
//! risks; each says which events, with what is known there, make the risk.
//!
//! A handler has one finding of a kind: at the worst place, the others beside it.

mod acl;
pub mod answer;
pub mod around;
mod code;
mod effect;
mod enumeration;
mod flow;
mod foreign;
mod identity;
mod jwt;
mod master;
mod money;
mod names;
mod refusal;
mod secrets;
mod setup;
mod state;
mod trigger;
mod unchecked;
mod user;

use std::collections::BTreeMap;

pub use flow::{FlowRule, Sinks, Source};
pub use setup::{callable_jobs, file_wide, open_permissions};

use crate::severity::Severity;

use super::analysis::Frozen;
use super::entry::{Entry, EntryKind, callers_past};
use super::event::{Event, RowsEvent, What};
use super::guards::{Flag, Guards};
use super::run::Run;
use super::taint::Taint;
use super::value::Pos;
use crate::model::Callers;

/// Something risky.
#[derive(Debug, Clone, PartialEq)]
pub struct Risk {
    /// The fact of the table `code`, or the id of a `[flow]` rule.
    pub kind: &'static str,
    /// The id of the `[flow]` rule, if it is one's.
    pub rule: Option<String>,
    /// The handler.
    pub subject: String,
    /// Who can make use of it.
    pub callers: Callers,
    /// Where.
    pub at: Pos,
    /// Further places of the same in this handler.
    pub related: Vec<(Pos, String)>,
    /// The way of a value, the source first.
    pub path: Vec<(Pos, String)>,
    /// What the placeholders of messages stand for.
    pub words: Vec<(&'static str, String)>,
    /// How bad, if it is not what the rule says.
    pub severity: Option<Severity>,
    /// Whether only staff comes here: a role, or a column of the caller's own row, was asked for.
    pub by_staff: bool,
    /// The class that is reached.
    pub class: Option<String>,
    /// The class whose objects run the trigger, if it is one.
    pub trigger: Option<String>,
    /// What is read, if that is the risk.
    pub reading: Option<Reading>,
    /// Columns that are written, for what depends on whether they are about people.
    pub columns: Vec<String>,
    /// How bad compared with others of its kind in the handler.
    weight: u8,
}

/// What is given away of rows that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The rows, or what is in some of them.
    Rows,
    /// Only something that is worked out of all rows of the class.
    Sum,
}

/// What the judges of risks see.
pub struct Scene<'s, 'w> {
    /// The walk.
    pub run: &'s Run<'w>,
    /// The handler.
    pub entry: &'s Entry,
    /// What it does.
    pub events: &'s [Event],
    /// Columns that users cannot write.
    pub frozen: &'s Frozen,
}

/// What was found in a handler.
pub struct Found {
    /// What is risky.
    pub risks: Vec<Risk>,
    /// The class to whose rows a trigger gives an ACL.
    pub protects: Option<String>,
}

/// All that is risky in a handler. `validators` tells whether the server knows those of
/// parameters.
pub fn of_handler(run: &mut Run<'_>, entry: &Entry, frozen: &Frozen, sinks: &Sinks<'_>, validators: bool) -> Found {
    let events = std::mem::take(&mut run.events);
    let scene = Scene { run, entry, events: &events, frozen };
    let mut found = Vec::new();
    master::judge(&scene, &mut found);
    foreign::judge(&scene, &mut found);
    identity::judge(&scene, &mut found);
    answer::judge(&scene, &mut found);
    effect::judge(&scene, &mut found);
    enumeration::judge(&scene, &mut found);
    money::judge(&scene, &mut found);
    acl::judge(&scene, &mut found);
    refusal::judge(&scene, &mut found);
    trigger::judge(&scene, &mut found);
    user::judge(&scene, &mut found);
    secrets::judge(&scene, &mut found);
    code::judge(&scene, &mut found);
    jwt::judge(&scene, &mut found);
    state::judge(&scene, &mut found);
    flow::judge(&scene, sinks, &mut found);
    if validators {
        unchecked::judge(&scene, &mut found);
    }
    let protects = acl::protects(&scene);
    found.extend(open_permissions(scene.events, &scene.run.heap));
    Found { protects, risks: one_of_a_kind(found) }
}

/// Of several risks of a kind the worst, with the places of the others.
fn one_of_a_kind(found: Vec<Risk>) -> Vec<Risk> {
    /// The kind, the subject, the `[flow]` rule and the class.
    type Key = (&'static str, String, Option<String>, Option<String>);
    let mut kept: BTreeMap<Key, Risk> = BTreeMap::new();
    for risk in found {
        // Which of these stays is decided later, by class.
        let class = if risk.columns.is_empty() { None } else { risk.class.clone() };
        let key = (risk.kind, risk.subject.clone(), risk.rule.clone(), class);
        match kept.get_mut(&key) {
            None => drop(kept.insert(key, risk)),
            Some(first) => {
                let (mut best, other) =
                    if risk.weight > first.weight { (risk, first.clone()) } else { (first.clone(), risk) };
                const MOST: usize = 8;
                for (at, what) in other.related.into_iter().chain([(other.at, "also here".to_owned())]) {
                    if at != best.at && best.related.len() < MOST && !best.related.iter().any(|(known, _)| *known == at)
                    {
                        best.related.push((at, what));
                    }
                }
                *first = best;
            }
        }
    }
    kept.into_values().collect()
}

/// Who may get past these tests of a handler.
pub fn callers(entry: &Entry, guards: &Guards) -> Callers {
    match entry.kind {
        EntryKind::Job(_) => Callers::Server,
        _ if guards.has(Flag::Opaque) => callers_past(guards).max(Callers::SignedIn),
        EntryKind::Trigger(..) | EntryKind::Function(_) | EntryKind::Route(..) => callers_past(guards),
    }
}

impl<'s> Scene<'s, '_> {
    /// A risk at an event.
    pub fn risk(&self, kind: &'static str, event: &Event) -> Risk {
        let callers = callers(self.entry, &event.guards);
        let risk = Risk::of(kind, self.entry.subject(), callers, event.at);
        let trigger = self.entry.kind.class().map(str::to_owned);
        Risk { path: calls(event), trigger, ..risk }
            .word("handler", self.entry.kind.subject())
            .word("who", callers.words())
    }

    /// Rows that are read or written, with what is known there.
    pub fn rows(&self) -> impl Iterator<Item = (&'s Event, &'s RowsEvent)> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Rows(rows) => Some((event, rows)),
            _ => None,
        })
    }

    /// Whether the handler is a cloud function or a route, which clients call directly.
    pub fn is_called_directly(&self) -> bool {
        matches!(self.entry.kind, EntryKind::Function(_) | EntryKind::Route(..))
    }

    /// Whether it is a trigger.
    pub fn is_trigger(&self) -> bool {
        matches!(self.entry.kind, EntryKind::Trigger(..))
    }

    /// Whether nobody was asked who they are.
    pub fn is_open(&self, event: &Event) -> bool {
        callers(self.entry, &event.guards) == Callers::Anyone
    }

    /// Whether at most a sign-in was asked for.
    pub fn is_for_users(&self, event: &Event) -> bool {
        callers(self.entry, &event.guards) <= Callers::SignedIn && !event.guards.has(Flag::Opaque)
    }

    /// Whether a row was looked into, written or given back.
    pub fn is_used(&self, rows: &RowsEvent, event: &Event) -> bool {
        let made_at = event.at;
        self.run.touched.iter().any(|row| self.run.heap.get(*row).at == Some(made_at))
            || self.rows().any(|(later, other)| {
                other.row.is_some_and(|row| self.run.heap.get(row).at == Some(made_at)) && later.at != event.at
            })
            || rows.row.is_some()
    }
}

impl Risk {
    /// A risk that is not at an event of a handler.
    fn of(kind: &'static str, subject: String, callers: Callers, at: Pos) -> Self {
        Self {
            kind,
            rule: None,
            subject,
            callers,
            at,
            related: Vec::new(),
            path: Vec::new(),
            words: Vec::new(),
            severity: None,
            by_staff: false,
            class: None,
            reading: None,
            columns: Vec::new(),
            trigger: None,
            weight: 0,
        }
    }

    /// The same with a word for messages.
    pub fn word(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.words.push((name, value.into()));
        self
    }

    /// The same, this bad.
    pub fn rated(mut self, severity: Severity) -> Self {
        self.weight = severity as u8;
        self.severity = Some(severity);
        self
    }

    /// Lowers a risk in a file that no file of the repository loads.
    pub fn of_unloaded(&mut self) {
        self.severity = Some(self.severity.unwrap_or(Severity::Low).min(Severity::Low));
    }

    /// The same with the way of a value.
    pub fn by(mut self, taint: &Taint, end: &str) -> Self {
        let calls = std::mem::replace(&mut self.path, taint.way());
        for (at, what) in calls {
            if at != self.at && !self.path.iter().any(|(known, _)| *known == at) {
                self.path.push((at, what));
            }
        }
        self.path.push((self.at, end.to_owned()));
        if !self.words.iter().any(|(name, _)| *name == "source") {
            self.words.push(("source", taint.name.to_string()));
        }
        self
    }

    /// The same about a class.
    pub fn about(mut self, class: Option<&str>) -> Self {
        self.class = class.map(str::to_owned);
        self.words.push(("class", class.unwrap_or("a class").to_owned()));
        self
    }
}

/// The calls that lead from the handler to an event; nothing if it is in the handler itself.
fn calls(event: &Event) -> Vec<(Pos, String)> {
    let mut calls: Vec<(Pos, String)> = Vec::new();
    for (number, at) in event.through.iter().enumerate() {
        let name = event.within.get(event.within.len().saturating_sub(event.through.len() - number));
        let what = name.map_or_else(|| "leads on".to_owned(), |name| format!("calls `{name}`"));
        if *at != event.at && !calls.iter().any(|(known, _)| known == at) {
            calls.push((*at, what));
        }
    }
    if !calls.is_empty() {
        calls.push((event.at, "happens here".to_owned()));
    }
    calls
}
