//! What handlers give back: rows as a whole (PA107), session tokens (PA202), whether
//! somebody exists (PA206), raw errors (PA603).

use crate::code::entry::EntryKind;
use crate::code::event::What;
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
                let class = info.class.name();
                if class != Some("_User") && class != Some("_Session") && class != Some("_Installation") {
                    continue;
                }
                let what = format!("`{}`", class.unwrap_or("rows"));
                found.push(
                    scene.risk("rows-returned-whole", event).word("what", what).about(class).rated(Severity::High),
                );
            }
            for (row, column) in columns_in(scene.run, value) {
                if !column.starts_with("sessionToken") && !column.starts_with("_sessionToken") {
                    continue;
                }
                let Shape::Row(info) = &scene.run.heap.get(row).shape else { continue };
                let proven = match &info.origin {
                    Origin::Fetched(selection, rights) => selection.tied || *rights == Rights::Session,
                    Origin::New | Origin::Caller => true,
                    _ => false,
                };
                if !proven && !event.guards.owns(row) {
                    found.push(scene.risk("session-token-returned", event).rated(Severity::Critical));
                }
            }
        }
        let is_route = matches!(scene.entry.kind, EntryKind::Route(..));
        if is_route && is_raw_error(scene.run, value, 2) {
            found.push(scene.risk("error-detail", event).rated(Severity::Low));
        }
    }
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
        Kind::Column(row, column) if &**column == "*" => found.push(*row),
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
    let _ = names::last("");
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
        Kind::OneOf(values) => values.iter().for_each(|(inner, _)| walk(run, inner, depth - 1, visit)),
        Kind::Promise(settled) => walk(run, &settled.0, depth - 1, visit),
        Kind::Joined(parts) => parts.iter().for_each(|inner| walk(run, inner, depth - 1, visit)),
        _ => {}
    }
}
