//! Functions without a validator whose parameters reach queries and rows as they are
//! (PA114). Only advice: it is given where nothing worse is known of the function.

use std::sync::Arc;

use crate::code::entry::EntryKind;
use crate::code::event::{Event, RowsEvent, What};
use crate::code::guards::Flag;
use crate::code::shape::Shape;
use crate::code::taint::{Clean, From, Taint};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// What says that a value is what it should be, whatever it is.
const CHECKED: Clean = Clean(Clean::TEXT.0 | Clean::NUMBER.0 | Clean::ALLOWED.0 | Clean::HASHED.0);

/// Judges a function for a server that has validators.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    let is_function = matches!(scene.entry.kind, EntryKind::Function(_));
    // Whether rows are about people, and these therefore hold, is not known yet.
    let worse = found.iter().any(|risk| risk.columns.is_empty());
    if !is_function || scene.entry.has_validator || worse || is_parsed(scene) {
        return;
    }
    let used = scene.rows().find_map(|(event, rows)| unchecked(scene, event, rows).map(|taint| (event, taint)));
    if let Some((event, taint)) = used {
        found.push(scene.risk("parameters-unchecked", event).rated(Severity::Info).by(&taint, "is used as it is"));
    }
}

/// A parameter that selects rows or is written, whatever its type.
fn unchecked(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Arc<Taint>> {
    // Staff may do as they like with rows anyway.
    if event.guards.any(&[Flag::Master, Flag::Opaque, Flag::Role, Flag::OwnColumn]) {
        return None;
    }
    let query = rows.query.map(|query| &scene.run.heap.get(query).shape);
    let filters = match query {
        Some(Shape::Query(info)) => info.filters.as_slice(),
        _ => &[],
    };
    let values = filters.iter().map(|filter| &filter.value).chain(rows.written.iter().map(|(_, value, _)| value));
    let is_unchecked = |taint: &&Arc<Taint>| taint.from == From::Parameters && !event.clean(taint).any(CHECKED);
    values.filter_map(|value| value.taint.as_ref()).find(is_unchecked).cloned()
}

/// Whether all parameters were handed to something that parses or checks them.
fn is_parsed(scene: &Scene<'_, '_>) -> bool {
    scene.events.iter().any(|event| match &event.what {
        What::Call { path, args, .. } => {
            names::has_any(names::last(path), &["parse", "valid", "assert", "check", "cast", "schema"])
                && args.iter().any(|arg| arg.taint.as_ref().is_some_and(|taint| *taint.name == *"params"))
        }
        _ => false,
    })
}
