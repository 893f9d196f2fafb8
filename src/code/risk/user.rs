//! Accounts: passwords that are set for others (PA201), written in code (PA204) or drawn by
//! a weak generator (PA203), codes without a limit (PA208), webhooks (PA205).

use crate::code::event::{Does, Event, What};
use crate::code::guards::Flag;
use crate::code::shape::{Origin, Rights, Shape};
use crate::code::value::{Kind, Pos, Value};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for event in scene.events {
        match &event.what {
            What::Password { row, value } => password(scene, event, *row, value, found),
            What::Weak { name, at } => {
                let severity = if names::has_any(name, &["password"]) { Severity::High } else { Severity::Medium };
                let mut risk = scene.risk("weak-random", event).word("what", format!("`{name}`")).rated(severity);
                risk.at = *at;
                found.push(risk);
            }
            _ => {}
        }
    }
    for (event, rows) in scene.rows() {
        for (column, value, _) in &rows.written {
            let Some(column) = column.as_text() else { continue };
            if let (true, Some(at)) = (names::is_secret(column), weak(scene, value)) {
                let mut risk =
                    scene.risk("weak-random", event).word("what", format!("`{column}`")).rated(Severity::Medium);
                risk.related.push((event.at, "kept here".to_owned()));
                risk.at = at;
                found.push(risk);
            }
        }
        if scene.is_called_directly() && names::is_webhook(&scene.entry.kind.subject()) {
            found.extend(unsigned(scene, event, rows));
        }
    }
    found.extend(unlimited(scene));
}

fn password(
    scene: &Scene<'_, '_>,
    event: &Event,
    row: crate::code::heap::ObjectId,
    value: &Value,
    found: &mut Vec<Risk>,
) {
    if let Some(at) = weak(scene, value) {
        let mut risk = scene.risk("weak-random", event).word("what", "a password").rated(Severity::High);
        risk.at = at;
        found.push(risk);
    }
    if matches!(&value.kind, Kind::Text(text) if !text.is_empty()) {
        found.push(scene.risk("static-password", event).rated(Severity::High));
    }
    let Shape::Row(info) = &scene.run.heap.get(row).shape else { return };
    let taint = match &info.origin {
        Origin::Fetched(selection, _) if !selection.tied => selection.by.first().map(|(_, taint)| taint.clone()),
        Origin::ById(id) => id.taint.clone(),
        _ => None,
    };
    let strong = event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret]) || event.guards.owns(row);
    if let Some(taint) = taint.filter(|_| !strong && scene.is_called_directly()) {
        // The new password counts when the user is saved with the master key.
        let saved = scene.rows().any(|(_, rows)| rows.row == Some(row) && rows.rights == Rights::Master);
        if saved && !event.guards.ties(&taint.name) {
            let risk = scene.risk("account-takeover", event).about(Some("_User")).rated(Severity::Critical);
            found.push(risk.by(&taint, "selects the user whose password is set"));
        }
    }
}

/// Where a value that is too easy to guess was drawn.
fn weak(scene: &Scene<'_, '_>, value: &Value) -> Option<Pos> {
    let mut found = None;
    super::answer::walk(scene.run, value, 3, &mut |value| {
        if let Kind::WeakRandom(at) = &value.kind {
            found = found.or(Some(*at));
        }
    });
    found
}

fn unsigned(scene: &Scene<'_, '_>, event: &Event, rows: &crate::code::event::RowsEvent) -> Option<Risk> {
    if !scene.is_open(event) || !rows.does.writes() || event.guards.has(Flag::Secret) {
        return None;
    }
    let severity = if names::has_any(&scene.entry.kind.subject(), &["pay", "order", "charge"]) {
        Severity::Critical
    } else {
        Severity::High
    };
    Some(
        scene
            .risk("webhook-unsigned", event)
            .word("what", super::master::what(rows))
            .about(rows.class.name())
            .rated(severity),
    )
}

/// A short code that is compared without a count of attempts.
fn unlimited(scene: &Scene<'_, '_>) -> Option<Risk> {
    if !scene.is_called_directly() {
        return None;
    }
    let counts_attempts = scene.rows().any(|(_, rows)| {
        rows.written.iter().any(|(column, _, _)| {
            column
                .as_text()
                .is_some_and(|column| names::has_any(column, &["attempt", "tries", "retry", "failed", "lock"]))
        })
    });
    if counts_attempts
        || !names::has_any(&scene.entry.kind.subject(), &["verify", "confirm", "check", "login", "validate", "otp"])
    {
        return None;
    }
    scene.rows().find_map(|(event, rows)| {
        if event.guards.any(&[Flag::Limited, Flag::Role, Flag::Master]) || rows.does != Does::Read {
            return None;
        }
        let (_, taint) = rows.selection.by.iter().find(|(column, _)| names::is_one_time_code(column))?;
        Some(
            scene
                .risk("no-attempt-limit", event)
                .rated(Severity::Medium)
                .by(taint, "may be tried as often as one likes"),
        )
    })
}
