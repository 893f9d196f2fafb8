//! Refusals that do not end the handler (PA115): what follows is done all the same.

use crate::code::event::What;
use crate::code::guards::{Flag, Guards};
use crate::severity::Severity;

use super::{Risk, Scene};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for event in scene.events {
        let Some((at, meant)) = event.loose.first() else { continue };
        // What is done of a failure is another way, and no going on.
        if event.failing {
            continue;
        }
        let (what, severity) = match &event.what {
            What::Rows(rows) if rows.is_master() && rows.does.writes() => (super::master::what(rows), Severity::High),
            What::Rows(rows) if rows.is_master() => (super::master::what(rows), Severity::Low),
            What::Rows(rows) if rows.does.writes() => (super::master::what(rows), Severity::Medium),
            What::Call { path, args, .. } if super::effect::effect_of(scene, event, path, args).is_some() => {
                (format!("calls `{path}`"), Severity::Medium)
            }
            _ => continue,
        };
        if is_known_anyway(&event.guards, meant) {
            continue;
        }
        let mut risk = scene.risk("guard-does-not-stop", event).word("what", what.clone()).rated(severity);
        risk.related.push((event.at, format!("{what} after the refusal")));
        risk.at = *at;
        found.push(risk);
    }
}

/// Whether what the refusal would make sure of is known from elsewhere.
fn is_known_anyway(known: &Guards, meant: &Guards) -> bool {
    !meant.is_empty() && known.and(meant) == *known || known.has(Flag::Refused)
}
