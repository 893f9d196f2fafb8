//! The server around Parse: its dashboard, who may read its answers, what it asks others,
//! which folders it serves, whom it lets log in. One file for each family.
//!
//! What the walk went through is judged by its events; what stands in a file whichever way the
//! walk takes (headers, checks of certificates, adapters) by the file itself.

mod adapter;
mod any_app;
mod context;
mod dashboard;
mod folder;
mod headers;
mod limits;
mod origins;
mod plain_http;
mod playground;
mod proxy;
mod tls;

pub use dashboard::dashboards;

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::code::event::{Event, What};
use crate::code::guards::Flag;
use crate::code::heap::{Heap, Object, ObjectId};
use crate::code::server::prop_span;
use crate::code::value::{Kind, Pos, Value};
use crate::model::unit::{ExprKind, Name};
use crate::model::{App, Callers, Unit};

use super::Risk;
use context::Context;

/// What a walk went through outside of handlers.
pub struct Around<'a> {
    /// The app.
    pub app: &'a App,
    /// Its files.
    pub units: &'a [Unit],
    /// The objects that the walk made.
    pub heap: &'a Heap,
    /// What it did.
    pub events: &'a [Event],
    /// Options of the servers that it started, and where.
    pub servers: &'a [(Value, Pos)],
    /// The files that it loaded.
    pub loaded: &'a BTreeSet<usize>,
}

/// All that is risky in what a walk went through.
pub fn of_walk(around: &Around<'_>) -> Vec<Risk> {
    let mut found = of_requests(around);
    dashboard::judge(around, &mut found);
    origins::judge(around, &mut found);
    limits::judge(around, &mut found);
    playground::judge(around, &mut found);
    folder::judge(around, &mut found);
    proxy::judge(around, &mut found);
    any_app::of_options(around, &mut found);
    plain_http::of_options(around, &mut found);
    found.retain(|risk| !around.is_written_for_development(risk.at));
    found
}

/// What is risky in what a walk asks of other servers.
pub fn of_requests(around: &Around<'_>) -> Vec<Risk> {
    let mut found = Vec::new();
    plain_http::judge(around, &mut found);
    any_app::judge(around, &mut found);
    found
}

/// What is risky in a file that a server loads, whichever way it takes through it.
pub fn of_file(units: &[Unit], index: usize) -> Vec<Risk> {
    let mut found = Vec::new();
    let Some(unit) = units.get(index).filter(|unit| !context::is_development_file(&unit.path)) else { return found };
    let file = File { unit, index, context: OnceCell::new() };
    headers::judge(&file, &mut found);
    tls::judge(&file, &mut found);
    plain_http::of_file(&file, &mut found);
    adapter::judge(&file, &mut found);
    found
}

/// A file by itself.
struct File<'u> {
    unit: &'u Unit,
    index: usize,
    context: OnceCell<Context>,
}

impl File<'_> {
    /// What stands around its parts; few files are asked.
    fn context(&self) -> &Context {
        self.context.get_or_init(|| Context::of(self.unit))
    }

    fn at(&self, span: crate::model::Span) -> Pos {
        Pos { unit: self.index, span }
    }
}

impl<'a> Around<'a> {
    /// Calls of something outside the app.
    fn calls(&self) -> impl Iterator<Item = (&'a Event, &'a str, &'a [Value])> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Call { path, args, .. } => Some((event, &**path, args.as_slice())),
            _ => None,
        })
    }

    /// Whether a call stands where only development comes, by the tests around it. Asked of few:
    /// the whole file is gone through.
    fn is_in_development(&self, event: &Event) -> bool {
        event.guards.has(Flag::Development)
            || event.through.iter().chain([&event.at]).any(|at| self.is_written_for_development(*at))
    }

    /// Whether only development comes to a place, by the file and the tests around it.
    pub fn is_written_for_development(&self, at: Pos) -> bool {
        let unit = self.units.get(at.unit);
        unit.is_none_or(|unit| {
            context::is_development_file(&unit.path) || Context::of(unit).is_for_development(at.span)
        })
    }

    fn object(&self, value: &Value) -> Option<(ObjectId, &'a Object)> {
        let id = value.as_object()?;
        Some((id, self.heap.get(id)))
    }

    /// A property of an object that is known.
    fn property(&self, value: &Value, name: &str) -> Option<&'a Value> {
        self.object(value)?.1.props.get(name)
    }

    /// Where a property stands; the object if it is not written in its literal.
    fn place_of(&self, object: &Value, name: &str) -> Option<Pos> {
        let at = self.object(object)?.1.at?;
        let unit = self.units.get(at.unit)?;
        let literal = unit.expressions().find(|expr| expr.span == at.span && matches!(expr.kind, ExprKind::Object(_)));
        let span = literal.and_then(|literal| prop_span(literal, name).0);
        Some(Pos { span: span.unwrap_or(at.span), ..at })
    }

    /// Where a text stands that a value begins with, in the files that lead to a call.
    fn place_of_text(&self, text: &str, event: &Event) -> Option<Pos> {
        let units: Vec<usize> =
            [event.at.unit].into_iter().chain(event.through.iter().rev().map(|at| at.unit)).collect();
        units.into_iter().find_map(|index| {
            let unit = self.units.get(index)?;
            let written = unit.expressions().filter_map(|expr| match &expr.kind {
                ExprKind::Text(part) if part.len() > "http://".len() && text.starts_with(&**part) => {
                    Some((part.len(), expr.span))
                }
                _ => None,
            });
            let (_, span) = written.max_by_key(|(length, span)| (*length, std::cmp::Reverse(*span)))?;
            Some(Pos { unit: index, span })
        })
    }
}

/// A risk of a file; its path is the subject.
fn risk(kind: &'static str, at: Pos) -> Risk {
    Risk::of(kind, String::new(), Callers::Anyone, at)
}

/// The texts that a value may be.
fn texts(value: &Value) -> Vec<Name> {
    value.alternatives().iter().filter_map(|(value, _)| value.as_text().cloned()).collect()
}

/// Whether a value is this truth value, or it if the environment says nothing.
fn is_flag(value: &Value, wanted: bool) -> bool {
    let is = |flag: bool| {
        value
            .alternatives()
            .iter()
            .any(|(value, _)| value.test.is_none() && matches!(value.kind, Kind::Bool(is) if is == flag))
    };
    is(wanted) && !is(!wanted)
}
