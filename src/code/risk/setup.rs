//! What code sets up for the server: permissions that it opens to everyone while the server
//! runs (PA111; those that a server is started with are read with the other classes), jobs whose work a function does as well (PA118), the master key for whole
//! files (PA113).

use crate::code::entry::{Entry, EntryKind};
use crate::code::event::{Event, What};
use crate::code::heap::Heap;
use crate::code::shape::Rights;
use crate::code::uses::Handler;
use crate::code::value::{Kind, Pos, Value};
use crate::model::Callers;
use crate::severity::Severity;

use super::Risk;

/// What runs a function again and again, by the end of its name.
const SCHEDULERS: [&str; 7] = [
    "scheduleJob",
    "cron.schedule",
    "CronJob",
    "cron.CronJob.from",
    "scheduleRecurringJob",
    "setInterval",
    "schedule.every",
];

/// Files that switch the master key on.
pub fn file_wide(places: &[Pos]) -> Vec<Risk> {
    places.iter().map(|at| Risk::of("file-wide-master-key", String::new(), Callers::Anyone, *at)).collect()
}

/// Permissions in code that let everyone write, among what a handler or a file does.
pub fn open_permissions(events: &[Event], heap: &Heap) -> Vec<Risk> {
    let mut found = Vec::new();
    for event in events {
        let What::Call { path, args, .. } = &event.what else { continue };
        let (Some(clp), Some(class)) = (args.first(), args.last().and_then(Value::as_text)) else { continue };
        if &**path == "Parse.Schema.setCLP" {
            found.extend(open_permission(heap, class, clp, event.at));
        }
    }
    found
}

fn open_permission(heap: &Heap, class: &str, clp: &Value, at: Pos) -> Option<Risk> {
    let clp = heap.get(clp.as_object()?);
    let is_open = |operation: &&str| {
        // Whoever signs up makes a user, and every device makes itself known.
        if *operation == "create" && matches!(class, "_User" | "_Installation") {
            return false;
        }
        let granted = clp.props.get(*operation).and_then(Value::as_object);
        let everyone = granted.and_then(|id| heap.get(id).props.get("*"));
        matches!(everyone.map(|value| &value.kind), Some(Kind::Bool(true)))
    };
    let open: Vec<&str> = ["create", "update", "delete", "addField"].into_iter().filter(is_open).collect();
    if open.is_empty() {
        return None;
    }
    let risk = Risk::of("open-clp-in-code", class.to_owned(), Callers::Anyone, at);
    Some(risk.word("what", open.join("`, `")).about(Some(class)))
}

/// Functions and routes that anybody may call and that are jobs as well.
pub fn callable_jobs<'e>(
    handlers: impl Iterator<Item = (&'e Entry, &'e Handler)> + Clone,
    loaded: &[Event],
) -> Vec<Risk> {
    let mut runs: Vec<((usize, u32), String)> = Vec::new();
    for (entry, _) in handlers.clone() {
        if let EntryKind::Job(name) = &entry.kind {
            runs.extend(
                entry.handlers.iter().filter_map(code_of).map(|code| (code, format!("is also the job `{name}`"))),
            );
        }
    }
    for event in loaded {
        let What::Call { path, args, .. } = &event.what else { continue };
        if SCHEDULERS.iter().any(|end| &**path == *end || path.ends_with(&format!(".{end}"))) {
            let what = format!("is also run by `{path}`");
            runs.extend(args.iter().filter_map(code_of).map(|code| (code, what.clone())));
        }
    }
    let mut found = Vec::new();
    for (entry, handler) in handlers {
        if !matches!(entry.kind, EntryKind::Function(_) | EntryKind::Route(..)) {
            continue;
        }
        let code = entry.handlers.last().and_then(code_of);
        let Some((_, what)) = runs.iter().find(|(job, _)| Some(*job) == code) else { continue };
        let works = handler.uses.iter().filter(|one| one.does.writes() && one.rights == Rights::Master);
        let Some(callers) = works.map(|one| one.callers).min().filter(|callers| *callers <= Callers::SignedIn) else {
            continue;
        };
        let risk = Risk::of("job-callable", entry.subject(), callers, entry.at);
        let risk = risk.word("handler", entry.kind.subject()).word("who", callers.words());
        found.push(risk.word("what", what.clone()).rated(Severity::Medium));
    }
    found
}

/// The code of a function.
fn code_of(value: &Value) -> Option<(usize, u32)> {
    match &value.kind {
        Kind::Function(closure) => Some((closure.unit, closure.function.0)),
        _ => None,
    }
}
