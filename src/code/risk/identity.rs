//! Who the client says it is (PA106), and columns that users write themselves (PA119).

use crate::code::event::{Does, Event, RowsEvent, What};
use crate::code::guards::Flag;
use crate::code::taint::{Clean, From};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for (event, rows) in scene.rows() {
        if scene.is_called_directly() {
            found.extend(identity_from_client(scene, event, rows));
        }
        found.extend(own_column_selects(scene, event, rows));
    }
    found.extend(own_column_admits(scene));
    found.extend(own_column_pays(scene));
}

/// The account at a payment provider is what a column of the caller's own row says.
fn own_column_pays(scene: &Scene<'_, '_>) -> Option<Risk> {
    scene.events.iter().find_map(|event| {
        let What::Call { path, args, .. } = &event.what else { return None };
        if !names::has_any(
            path,
            &["customers", "paymentmethods", "paymentintents", "charges", "subscriptions", "payouts", "transfers"],
        ) {
            return None;
        }
        let options = args.iter().filter_map(|arg| Some(scene.run.heap.get(arg.as_object()?)));
        let named = options.flat_map(|options| {
            options.props.iter().filter(|(name, _)| matches!(&***name, "customer" | "destination" | "account"))
        });
        let given = args.first().into_iter().chain(named.map(|(_, value)| value));
        let taint = given.filter_map(|value| value.taint.as_ref()).find(|taint| {
            taint.from == From::OwnColumn && is_writable(scene, &taint.name) && !event.guards.ties(&taint.name)
        })?;
        let risk =
            scene.risk("own-column-decides", event).word("column", names::last(&taint.name)).rated(Severity::High);
        Some(risk.by(taint, &format!("names the account for `{path}`")))
    })
}

fn identity_from_client(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    if rows.does != Does::Create || event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret, Flag::Opaque]) {
        return None;
    }
    if matches!(rows.class.name(), Some("_User" | "_Role" | "_Session" | "_Installation")) {
        return None;
    }
    let (column, value, at) = rows.written.iter().find(|(column, value, _)| {
        let taint =
            value.taint.clone().or_else(|| scene.run.taint_inside(value, 2)).or_else(|| row_taint(scene, value));
        column.as_text().is_some_and(|column| names::is_identity(column))
            && taint.is_some_and(|taint| {
                taint.from != From::OwnColumn && !event.guards.ties(&taint.name) && !taint.clean.any(Clean::ALLOWED)
            })
    })?;
    let taint = value.taint.clone().or_else(|| scene.run.taint_inside(value, 2)).or_else(|| row_taint(scene, value))?;
    let column = column.as_text().map(|column| column.to_string()).unwrap_or_default();
    let severity = if rows.is_master() && scene.is_open(event) { Severity::High } else { Severity::Medium };
    let mut risk = scene
        .risk("identity-from-client", event)
        .about(rows.class.name())
        .word("column", column.clone())
        .word("what", format!("it becomes `{column}`"))
        .rated(severity);
    risk.related.push((*at, format!("`{column}` is written here")));
    Some(risk.by(&taint, "is taken for who acts"))
}

/// What of the client selected a row that is a value.
fn row_taint(
    scene: &Scene<'_, '_>,
    value: &crate::code::value::Value,
) -> Option<std::sync::Arc<crate::code::taint::Taint>> {
    let id = value.as_object()?;
    match &scene.run.heap.get(id).shape {
        crate::code::shape::Shape::Row(info) => {
            let selection = scene.run.selection_of(&info.origin, scene.entry.at);
            if selection.tied { None } else { selection.by.first().map(|(_, taint)| taint.clone()) }
        }
        _ => None,
    }
}

/// Whether users may write a column of their own row.
fn is_writable(scene: &Scene<'_, '_>, column: &str) -> bool {
    let column = names::last(column);
    !scene.frozen.get("_User").is_some_and(|frozen| frozen.iter().any(|name| name == column))
        && !matches!(
            column,
            "id" | "objectId" | "emailVerified" | "createdAt" | "updatedAt" | "username" | "email" | "*"
        )
}

fn own_column_selects(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    if !rows.is_master() || event.guards.any(&[Flag::Role, Flag::Master]) {
        return None;
    }
    let (_, taint) = rows.selection.by.iter().find(|(_, taint)| {
        taint.from == From::OwnColumn && is_writable(scene, &taint.name) && !event.guards.ties(&taint.name)
    })?;
    if rows.selection.tied && rows.does == Does::Read {
        return None;
    }
    let column = names::last(&taint.name).to_owned();
    Some(
        scene
            .risk("own-column-decides", event)
            .about(rows.class.name())
            .word("column", column)
            .word("what", super::master::what(rows))
            .rated(Severity::High)
            .by(taint, "decides which rows are meant"),
    )
}

/// A test of a column of the caller's own row is all that keeps others out.
fn own_column_admits(scene: &Scene<'_, '_>) -> Vec<Risk> {
    let mut found = Vec::new();
    for event in scene.events {
        let strong = event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret, Flag::Opaque]);
        if !event.guards.has(Flag::OwnColumn) || strong {
            continue;
        }
        let What::Rows(rows) = &event.what else { continue };
        let given_whole = || rows.does == Does::Read && super::master::gives_rows_whole(scene, event);
        let reaches_others = rows.is_master()
            && !rows.selection.tied
            && (rows.does.writes() && rows.does != Does::Create || given_whole());
        if !reaches_others || rows.row.is_some_and(|row| event.guards.owns(row)) {
            continue;
        }
        let column = scene.run.tested_columns.iter().find(|(column, _)| {
            is_writable(scene, column)
                && (names::is_privilege(names::last(column)) || names::has_any(column, &["admin", "role"]))
        });
        if let Some((column, _)) = column {
            found.push(
                scene
                    .risk("own-column-decides", event)
                    .about(rows.class.name())
                    .word("column", column.to_string())
                    .word("what", super::master::what(rows))
                    .rated(Severity::High),
            );
        }
    }
    found
}
