//! Accounts: passwords that are set for others (PA201), written in code (PA204) or drawn by
//! a weak generator (PA203), codes without a limit (PA208), webhooks (PA205).

use std::sync::Arc;

use crate::code::event::{Does, Event, RowsEvent, What};
use crate::code::guards::Flag;
use crate::code::shape::{Origin, Shape};
use crate::code::taint::{Clean, From, Taint};
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
                let mut risk = scene
                    .risk("weak-random", event)
                    .word("what", format!("`{name}`"))
                    .word("sink", "Math.random")
                    .rated(severity);
                risk.at = *at;
                found.push(risk);
            }
            _ => {}
        }
    }
    for (event, rows) in scene.rows() {
        if scene.is_called_directly() {
            found.extend(address(scene, event, rows));
        }
        for (column, value, _) in &rows.written {
            let Some(column) = column.as_text() else { continue };
            if let (true, Some(at)) = (names::is_secret(column), weak(scene, value)) {
                let mut risk =
                    scene.risk("weak-random", event).word("what", format!("`{column}`")).word("sink", "Math.random");
                risk = risk.rated(Severity::Medium);
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
        let mut risk = scene.risk("weak-random", event).word("what", "a password").word("sink", "Math.random");
        risk = risk.rated(Severity::High);
        risk.at = at;
        found.push(risk);
    }
    if matches!(&value.kind, Kind::Text(text) if !text.is_empty()) {
        found.push(scene.risk("static-password", event).word("what", "is written in code").rated(Severity::High));
    } else if let Some(taint) = made_of_public(value) {
        let what = format!("is made of `{}`, which others know as well", taint.name);
        let risk = scene.risk("static-password", event).word("what", what).rated(Severity::High);
        found.push(risk.by(&taint, "becomes the password"));
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
        let saved = scene.rows().any(|(_, rows)| rows.row == Some(row) && rows.is_master());
        if saved && !event.guards.ties(&taint.name) {
            let risk = scene.risk("account-takeover", event).about(Some("_User")).word("what", "the password");
            found.push(risk.rated(Severity::Critical).by(&taint, "selects the user whose password is set"));
        }
    }
}

/// Another e-mail address for a user whom the client names: it is where a new password is sent.
fn address(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    let is_user = rows.class.is("_User") && rows.does == Does::Update && rows.is_master();
    let strong = event.guards.any(&[Flag::Role, Flag::Master, Flag::Secret, Flag::Opaque]);
    if !is_user || strong || rows.selection.tied || event.guards.owns(rows.row?) {
        return None;
    }
    let (_, _, at) = rows.written.iter().find(|(column, value, _)| {
        column.as_text().is_some_and(|column| &**column == "email") && value.taint.is_some()
    })?;
    let trusted = |taint: &Taint| taint.from == From::OwnColumn || event.guards.ties(&taint.name);
    let (_, taint) = rows.selection.by.iter().find(|(_, taint)| !trusted(taint))?;
    let risk = scene.risk("account-takeover", event).about(Some("_User")).word("what", "the e-mail address");
    let risk = Risk { at: *at, ..risk.rated(Severity::Critical) };
    Some(risk.by(taint, "selects the user whose address is set"))
}

/// What a password is made of, if others know all of it: names, addresses and fixed texts.
fn made_of_public(value: &Value) -> Option<Arc<Taint>> {
    let is_public = |taint: &Taint| {
        let name = names::last(&taint.name);
        !taint.clean.any(Clean::HASHED)
            && !names::is_secret(name)
            && names::has_any(
                name,
                &["phone", "mobile", "email", "username", "facebook", "userid", "installation", "deviceid"],
            )
    };
    match &value.kind {
        Kind::Joined(parts) => {
            let is_known = |part: &Value| part.as_text().is_some() || part.taint.as_deref().is_some_and(is_public);
            if !parts.iter().all(is_known) {
                return None;
            }
            parts.iter().find_map(|part| part.taint.clone())
        }
        Kind::Unknown => value.taint.clone().filter(|taint| is_public(taint)),
        _ => None,
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
    if counts_attempts {
        return None;
    }
    let is_free = |event: &Event| !event.guards.any(&[Flag::Limited, Flag::Role, Flag::Master]);
    let compared = scene.events.iter().filter(|event| is_free(event)).find_map(|event| match &event.what {
        What::Compared { given, with } => match (&given.taint, &with.kind) {
            (Some(taint), Kind::Column(_, column)) if names::is_one_time_code(column) => {
                Some(unlimited_at(scene, event, column, taint))
            }
            _ => None,
        },
        _ => None,
    });
    if compared.is_some() {
        return compared;
    }
    if !names::has_any(&scene.entry.kind.subject(), &["verify", "confirm", "check", "login", "validate", "otp"]) {
        return None;
    }
    scene.rows().find_map(|(event, rows)| {
        if !is_free(event) || rows.does != Does::Read {
            return None;
        }
        let (column, taint) = rows.selection.by.iter().find(|(column, _)| names::is_one_time_code(column))?;
        Some(unlimited_at(scene, event, column, taint))
    })
}

fn unlimited_at(scene: &Scene<'_, '_>, event: &Event, column: &str, taint: &Taint) -> Risk {
    let risk = scene.risk("no-attempt-limit", event).word("what", format!("`{column}`")).rated(Severity::Medium);
    risk.by(taint, "may be tried as often as one likes")
}
