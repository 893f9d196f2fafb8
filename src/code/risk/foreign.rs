//! Columns that the client chooses (PA104), privileges that it gives itself (PA105).

use crate::code::event::{Does, Event, RowsEvent, What};
use crate::code::guards::Flag;
use crate::code::shape::{Rights, Shape};
use crate::code::taint::{Clean, From};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    if !scene.is_called_directly() {
        return;
    }
    for (event, rows) in scene.rows() {
        if rows.does.writes() && rows.does != Does::Delete {
            found.extend(columns_from_client(scene, event, rows));
            found.extend(privilege_column(scene, event, rows));
        }
    }
    for event in scene.events {
        let What::JoinRole { role, .. } = &event.what else { continue };
        if event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret, Flag::Opaque]) {
            continue;
        }
        // Joining counts when the role is saved, with the master key.
        let saved = scene.rows().any(|(_, rows)| rows.row == Some(*role) && rows.is_master());
        let Shape::Row(info) = &scene.run.heap.get(*role).shape else { continue };
        let chosen = match &info.origin {
            crate::code::shape::Origin::Fetched(selection, _) => selection.by.first().map(|(_, taint)| taint.clone()),
            _ => None,
        };
        let chosen = chosen.filter(|taint| !event.clean(taint).any(Clean::ALLOWED));
        if let Some(taint) = chosen {
            let severity = if saved { Severity::Critical } else { Severity::High };
            found.push(
                scene
                    .risk("privilege-from-client", event)
                    .word("what", "a role")
                    .rated(severity)
                    .by(&taint, "names the role"),
            );
        }
    }
}

fn columns_from_client(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    if event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret]) {
        return None;
    }
    let (column, _, at) = rows.written.iter().find(|(column, _, _)| {
        column.as_text().is_none()
            && column
                .taint
                .as_ref()
                .is_some_and(|taint| !event.clean(taint).any(Clean::ALLOWED) && taint.from != From::OwnColumn)
    })?;
    let taint = column.taint.as_ref()?;
    let class = rows.class.name();
    let severity = match (rows.rights, names::is_of_people(class)) {
        (Rights::Master, true) => Severity::Critical,
        (Rights::Master, false) => Severity::High,
        (Rights::Session | Rights::Public, _) => Severity::Low,
    };
    let what = class.map_or_else(|| "columns".to_owned(), |class| format!("columns of `{class}`"));
    let mut risk = scene.risk("columns-from-client", event).about(class).word("what", what).rated(severity);
    if *at != risk.at {
        risk.related.push((risk.at, "saved here".to_owned()));
        risk.at = *at;
    }
    Some(risk.by(taint, "chooses the column"))
}

fn privilege_column(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    let master = rows.is_master() || rows.class.is("_User") && rows.does == Does::Create;
    if !master || event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret, Flag::Opaque]) {
        return None;
    }
    let class = rows.class.name();
    if !matches!(class, Some("_User" | "_Role"))
        && !class.is_some_and(|class| names::has_any(class, &["user", "account", "member", "staff"]))
    {
        return None;
    }
    let (column, value, at) = rows.written.iter().find(|(column, value, _)| {
        column.as_text().is_some_and(|column| names::is_privilege(column))
            && value
                .taint
                .as_ref()
                .is_some_and(|taint| taint.from != From::OwnColumn && !event.clean(taint).any(Clean::ALLOWED))
    })?;
    let taint = value.taint.as_ref()?;
    let column = column.as_text().map(|column| column.to_string()).unwrap_or_default();
    let mut risk = scene
        .risk("privilege-from-client", event)
        .about(class)
        .word("what", format!("`{column}`"))
        .word("column", column)
        .rated(Severity::High);
    risk.at = *at;
    Some(risk.by(taint, "becomes the privilege"))
}
