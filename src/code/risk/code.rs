//! Names of properties that the client chooses (PA311).

use crate::code::event::What;
use crate::code::guards::Flag;
use crate::code::taint::{Clean, From};
use crate::severity::Severity;

use super::{Risk, Scene};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for event in scene.events {
        let What::DynamicProperty { key, called } = &event.what else { continue };
        let Some(taint) = &key.taint else { continue };
        let harmless = matches!(taint.from, From::OwnColumn | From::TriggerObject)
            || taint.clean.any(Clean::ALLOWED.with(Clean::NUMBER))
            || event.guards.clean(&taint.name).any(Clean::ALLOWED)
            || event.guards.any(&[Flag::Master, Flag::Role]);
        // A name of a key of what the client sent is written back under the same name.
        if harmless || taint.name.ends_with("*") || taint.name.ends_with("id") || taint.name.ends_with("Id") {
            continue;
        }
        let what = if *called { "calls" } else { "writes" };
        let risk = scene.risk("dynamic-property", event).word("what", what).rated(Severity::Medium);
        found.push(risk.by(taint, "names the property"));
    }
}
