//! Triggers that work with the master key on what the client wrote (PA116).

use std::sync::Arc;

use crate::code::event::{Does, Event, RowsEvent, What};
use crate::code::guards::Flag;
use crate::code::heap::ObjectId;
use crate::code::shape::{Origin, Shape};
use crate::code::taint::{Clean, From, Taint};
use crate::code::value::{Kind, Value};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    if !scene.is_trigger() {
        return;
    }
    for (event, rows) in scene.rows() {
        found.extend(trusted(scene, event, rows));
    }
    for event in scene.events {
        if event.guards.any(&[Flag::Master, Flag::Role]) {
            continue;
        }
        if let What::JoinRole { role, .. } = &event.what
            && let Some(taint) = source_of(scene, *role)
        {
            found.push(
                scene
                    .risk("trigger-trusts-object", event)
                    .word("what", "adds a user to a role")
                    .rated(Severity::Critical)
                    .by(&taint, "names the role"),
            );
        }
    }
}

fn trusted(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    if !rows.is_master() || event.guards.any(&[Flag::Master, Flag::Role, Flag::Opaque]) {
        return None;
    }
    if !rows.does.writes() || rows.does == Does::Create {
        return None;
    }
    let row = rows.row?;
    if event.guards.owns(row) || rows.selection.tied || row == scene.run.caller {
        return None;
    }
    let taint = source_of(scene, row)?;
    if is_frozen(scene, &taint) || only_counts(rows) {
        return None;
    }
    let class = rows.class.name();
    let severity = match (rows.does, class) {
        (Does::Delete, _) => Severity::High,
        (_, class) if names::is_of_people(class) => Severity::High,
        _ => Severity::Medium,
    };
    let sets_password = rows.written.iter().any(|(column, value, _)| {
        column.as_text().is_some_and(|column| &**column == "password") && value.taint.is_some()
    });
    let severity = if sets_password { Severity::Critical } else { severity };
    let what = super::master::what(rows);
    Some(
        scene
            .risk("trigger-trusts-object", event)
            .about(class)
            .word("what", what.clone())
            .rated(severity)
            .by(&taint, &format!("{what} with the master key")),
    )
}

/// The value of the object that selects a row.
fn source_of(scene: &Scene<'_, '_>, row: ObjectId) -> Option<Arc<Taint>> {
    let Shape::Row(info) = &scene.run.heap.get(row).shape else { return None };
    match &info.origin {
        Origin::Fetched(selection, _) if !selection.tied => {
            selection.by.iter().find(|(_, taint)| is_of_object(taint)).map(|(_, taint)| Arc::clone(taint))
        }
        Origin::ById(id) => id.taint.clone().filter(|taint| is_of_object(taint)),
        Origin::Pointed(of, column) => {
            let is_trigger = matches!(
                &scene.run.heap.get(*of).shape,
                Shape::Row(info) if matches!(info.origin, Origin::Trigger)
            );
            is_trigger.then(|| Taint::new(From::TriggerObject, format!("object.{column}"), scene.entry.at))
        }
        _ => None,
    }
}

fn is_of_object(taint: &Taint) -> bool {
    taint.from == From::TriggerObject && !taint.clean.any(Clean::ALLOWED) && names::last(&taint.name) != "id"
}

fn is_frozen(scene: &Scene<'_, '_>, taint: &Taint) -> bool {
    let column = taint.name.split('.').nth(1).unwrap_or_default();
    let frozen = scene.entry.kind.class().and_then(|class| scene.frozen.get(class));
    frozen.is_some_and(|frozen| frozen.iter().any(|name| name == column))
}

/// Whether a number of things goes up or down by one.
fn is_one_more(column: &str, value: &Value) -> bool {
    let is_one = matches!(value.kind, Kind::Number(number) if number.abs() == 1.0);
    is_one && !names::is_balance(column) && !names::is_privilege(column)
}

/// Whether only numbers are counted up or down.
fn only_counts(rows: &RowsEvent) -> bool {
    rows.does == Does::Update
        && !rows.written.is_empty()
        && rows.written.iter().all(|(column, value, _)| {
            value.taint.is_none()
                && column.as_text().is_some_and(|column| {
                    is_one_more(column, value)
                        || names::has_any(
                            column,
                            &["count", "total", "num", "likes", "views", "rating", "score", "last", "updated"],
                        )
                })
        })
}
