//! What handlers give back: rows as a whole (PA107), session tokens (PA202), whether
//! somebody exists (PA206), raw errors (PA603).

use crate::code::entry::EntryKind;
use crate::code::event::{Event, What};
use crate::code::guards::Flag;
use crate::code::heap::ObjectId;
use crate::code::run::Run;
use crate::code::shape::{Origin, Rights, Shape};
use crate::code::value::{Kind, Value};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// How deep inside an answer is looked.
const DEEPEST: usize = 5;

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    if !scene.is_called_directly() {
        return;
    }
    for event in scene.events {
        let What::Answer { value, refuses } = &event.what else { continue };
        if !refuses && !event.guards.any(&[Flag::Development, Flag::Master, Flag::Role]) {
            for row in rows_in(scene.run, value) {
                let Shape::Row(info) = &scene.run.heap.get(row).shape else { continue };
                let Origin::Fetched(selection, rights) = &info.origin else { continue };
                if *rights != Rights::Master || selection.tied || event.guards.owns(row) || !scene.is_for_users(event) {
                    continue;
                }
                let Some(class @ ("_User" | "_Session" | "_Installation")) = info.class.name() else { continue };
                if selects_columns(scene, row) {
                    continue;
                }
                let kind = if class == "_Session" { "session-token-returned" } else { "rows-returned-whole" };
                let severity = if class == "_Session" { Severity::Critical } else { Severity::High };
                let mut risk = scene
                    .risk(kind, event)
                    .word("what", format!("rows of `{class}` whole that it read with the master key"))
                    .about(Some(class))
                    .rated(severity);
                // What a function returns has no place of its own.
                if let (true, Some(at)) = (event.at == scene.entry.at, scene.run.heap.get(row).at) {
                    risk.at = at;
                }
                found.push(risk);
            }
            for (row, column) in columns_in(scene.run, value) {
                if !column.starts_with("sessionToken") && !column.starts_with("_sessionToken") {
                    continue;
                }
                let Shape::Row(info) = &scene.run.heap.get(row).shape else { continue };
                let proven = match &info.origin {
                    Origin::Fetched(selection, _) => selection.tied,
                    Origin::New | Origin::Caller => true,
                    _ => false,
                };
                if !proven && !event.guards.owns(row) {
                    found.push(scene.risk("session-token-returned", event).rated(Severity::Critical));
                }
            }
        }
        if !refuses {
            found.extend(foreign_record(scene, event, value));
        }
        let is_route = matches!(scene.entry.kind, EntryKind::Route(..));
        if is_route && (calls_out(scene) || has_stack(scene.run, value)) && is_raw_error(scene.run, value, 2) {
            found.push(scene.risk("error-detail", event).word("what", "an error").rated(Severity::Low));
        }
    }
}

/// Whether a row was asked for with a choice of columns.
fn selects_columns(scene: &Scene<'_, '_>, row: ObjectId) -> bool {
    let made = scene.run.heap.get(row).at;
    scene.rows().filter(|(event, _)| Some(event.at) == made).any(|(_, rows)| {
        let query = rows.query.map(|query| &scene.run.heap.get(query).shape);
        matches!(query, Some(Shape::Query(info)) if info.selects)
    })
}

/// What another service keeps about customers or payments, given to anyone.
fn foreign_record(scene: &Scene<'_, '_>, event: &Event, value: &Value) -> Option<Risk> {
    const RECORDS: [&str; 9] =
        ["charge", "payment", "customer", "invoice", "subscription", "checkout", "transaction", "refund", "payout"];
    if !scene.is_open(event) {
        return None;
    }
    let path = value.as_path()?.replace("()", "");
    let method = names::last(&path).to_owned();
    let reads = ["list", "retrieve", "get", "find", "fetch", "read", "search"];
    if !names::has_any(&path, &RECORDS) || !names::has_any(&method, &reads) {
        return None;
    }
    // The call itself is where it happens.
    let call = scene
        .events
        .iter()
        .find(|other| matches!(&other.what, What::Call { path: called, .. } if **called == *path))?;
    let What::Call { args, .. } = &call.what else { return None };
    let chosen = args.iter().find_map(|arg| super::effect::deep_taint(scene, arg));
    let lists = names::has_any(&method, &["list", "search", "find"]);
    Some(match chosen.filter(|_| !lists) {
        Some(taint) => scene
            .risk("object-of-others", call)
            .word("what", format!("reads with `{path}` what `{}` names", taint.name))
            .about(None)
            .rated(Severity::Medium)
            .by(&taint, "selects the record"),
        None => scene.risk("rows-returned-whole", call).word("what", format!("all that `{path}` gives")).about(None),
    })
}

/// Whether the stack of an error is inside a value.
fn has_stack(run: &Run<'_>, value: &Value) -> bool {
    let mut found = false;
    walk(run, value, 2, &mut |value| found |= value.as_path().is_some_and(|path| path.ends_with(".stack")));
    found
}

/// Whether another service is called, whose errors tell how the server is built.
fn calls_out(scene: &Scene<'_, '_>) -> bool {
    scene.events.iter().any(|event| match &event.what {
        What::Call { path, .. } => {
            let root = path.split('.').next().unwrap_or(path);
            !matches!(
                root,
                "console" | "response" | "Parse" | "request" | "Date" | "JSON" | "Object" | "Math" | "path" | "new"
            ) || &**path == "Parse.Cloud.httpRequest"
        }
        _ => false,
    })
}

fn is_raw_error(run: &Run<'_>, value: &Value, depth: usize) -> bool {
    match &value.kind {
        Kind::Path(path) => &**path == "error" || &**path == "error.stack",
        Kind::Object(id) if depth > 0 => {
            run.heap.get(*id).props.values().any(|value| is_raw_error(run, value, depth - 1))
        }
        _ => false,
    }
}

/// The rows inside a value, as a whole.
pub fn rows_in(run: &Run<'_>, value: &Value) -> Vec<ObjectId> {
    let mut found = Vec::new();
    walk(run, value, DEEPEST, &mut |value| match &value.kind {
        Kind::Object(id) if matches!(run.heap.get(*id).shape, Shape::Row(_)) => found.push(*id),
        Kind::Column(row, column) if &**column == "*" || run.pointed.contains(&(*row, column.clone())) => {
            found.push(*row);
        }
        _ => {}
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// The columns inside a value, with their rows.
pub fn columns_in(run: &Run<'_>, value: &Value) -> Vec<(ObjectId, String)> {
    let mut found = Vec::new();
    walk(run, value, DEEPEST, &mut |value| {
        if let Kind::Column(row, column) = &value.kind {
            found.push((*row, column.to_string()));
        }
    });
    found
}

/// Visits a value and what is inside it.
pub fn walk(run: &Run<'_>, value: &Value, depth: usize, visit: &mut dyn FnMut(&Value)) {
    visit(value);
    if depth == 0 {
        return;
    }
    match &value.kind {
        Kind::Object(id) => {
            let object = run.heap.get(*id);
            if matches!(object.shape, Shape::Row(_) | Shape::Query(_) | Shape::Request(_)) {
                return;
            }
            for inner in object.props.values().chain(&object.items).chain(&object.rest).take(64) {
                walk(run, inner, depth - 1, visit);
            }
        }
        // What is put there only where it was tied to the caller is the caller's.
        Kind::OneOf(values) if values.len() == 1 && values.iter().any(|(_, guards)| guards.owns_any()) => {}
        Kind::OneOf(values) => values.iter().for_each(|(inner, _)| walk(run, inner, depth - 1, visit)),
        Kind::Promise(settled) => walk(run, &settled.0, depth - 1, visit),
        Kind::Joined(parts) => parts.iter().for_each(|inner| walk(run, inner, depth - 1, visit)),
        _ => {}
    }
}
