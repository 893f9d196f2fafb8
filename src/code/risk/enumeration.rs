//! Whether somebody has an account, told to anyone (PA206): users are counted by an address
//! or a name that the client sends, and the number is answered.

use crate::code::event::{Does, What};
use crate::code::guards::Flag;
use crate::code::taint::From;
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    // Whether a name is free must be told to who signs up.
    let signs_up = names::has_any(&scene.entry.kind.subject(), &["signup", "register", "createuser", "username"]);
    let answers = scene.events.iter().any(|event| matches!(event.what, What::Answer { refuses: false, .. }));
    if !scene.is_called_directly() || signs_up || !answers {
        return;
    }
    for (event, rows) in scene.rows() {
        let counts = rows.does == Does::Count && rows.class.is("_User") && rows.is_master();
        if !counts || !scene.is_open(event) || rows.selection.tied || event.guards.any(&[Flag::Opaque, Flag::Limited]) {
            continue;
        }
        let by_address = rows.selection.by.iter().find(|(column, taint)| {
            names::has_any(column, &["mail", "phone", "mobile", "username"]) && taint.from != From::OwnColumn
        });
        if let Some((_, taint)) = by_address {
            let risk = scene.risk("user-enumeration", event).rated(Severity::Low);
            found.push(risk.by(taint, "selects the users that are counted"));
        }
    }
}
