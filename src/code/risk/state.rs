//! State of a request that is kept for the next one (PA606): variables of a file that are
//! given the caller, a row of the caller's, or what the client sent.

use crate::code::event::What;
use crate::code::shape::{Origin, Shape};
use crate::code::value::{Kind, Value};
use crate::severity::Severity;

use super::{Risk, Scene};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    if !scene.is_called_directly() {
        return;
    }
    for event in scene.events {
        let What::Shared { name, value } = &event.what else { continue };
        let Some((what, severity)) = kept(scene, value) else { continue };
        let what = format!("{what} in `{name}`");
        found.push(scene.risk("shared-state", event).word("what", what).rated(severity));
    }
}

/// What of a request a value is, if it is somebody's.
fn kept(scene: &Scene<'_, '_>, value: &Value) -> Option<(&'static str, Severity)> {
    match &value.kind {
        Kind::Caller | Kind::CallerId => Some(("who calls", Severity::Medium)),
        Kind::CallerToken => Some(("the session token of who calls", Severity::High)),
        Kind::Object(id) => match &scene.run.heap.get(*id).shape {
            Shape::Row(row) => match &row.origin {
                Origin::Fetched(selection, _) if selection.tied => Some(("a row of who calls", Severity::Medium)),
                Origin::Fetched(selection, _) if !selection.by.is_empty() => {
                    Some(("a row that the client chose", Severity::Medium))
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
