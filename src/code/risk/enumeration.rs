//! Whether somebody has an account, told to anyone (PA206): users are counted or looked up by an
//! address or a name that the client sends, and nothing else comes of it.

use std::sync::Arc;

use crate::code::event::{Does, Event, RowsEvent, What};
use crate::code::guards::Flag;
use crate::code::taint::{From, Taint};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for (event, rows) in scene.rows() {
        if let Some(taint) = by_address(scene, event, rows) {
            let risk = scene.risk("user-enumeration", event).rated(Severity::Low);
            found.push(risk.by(&taint, "selects the users that are looked for"));
        }
    }
}

/// The address or name of the client, if all that is told is whether somebody has it.
pub fn by_address(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Arc<Taint>> {
    // Whether a name is free must be told to who signs up.
    let signs_up = names::has_any(&scene.entry.kind.subject(), &["signup", "register", "createuser", "username"]);
    let answers = scene.events.iter().any(|event| matches!(event.what, What::Answer { refuses: false, .. }));
    if !scene.is_called_directly() || signs_up || !answers || !rows.class.is("_User") || !rows.is_master() {
        return None;
    }
    if !scene.is_open(event) || rows.selection.tied || event.guards.any(&[Flag::Opaque, Flag::Limited]) {
        return None;
    }
    let only_looks = || {
        let is_look = |(_, rows): (&Event, &RowsEvent)| !rows.does.writes() && rows.class.is("_User");
        let sends = scene.events.iter().any(|event| match &event.what {
            What::Call { path, args, .. } => {
                &**path == "Parse.User.requestPasswordReset"
                    || super::effect::effect_of(scene, event, path, args).is_some()
            }
            _ => false,
        });
        let is_told =
            super::master::gives_rows_whole(scene, event) || super::master::gives_chosen_columns(scene, event);
        scene.rows().all(is_look) && !sends && !is_told
    };
    if rows.does != Does::Count && (rows.does != Does::Read || !only_looks()) {
        return None;
    }
    // Names stand in every profile.
    let told: &[&str] =
        if rows.does == Does::Count { &["mail", "phone", "mobile", "username"] } else { &["mail", "phone", "mobile"] };
    let by =
        rows.selection.by.iter().find(|(column, taint)| names::has_any(column, told) && taint.from != From::OwnColumn);
    by.map(|(_, taint)| Arc::clone(taint))
}
