//! ACLs that let everyone write (PA109), or read rows of people (PA110).

use crate::code::event::What;
use crate::code::shape::Shape;
use crate::code::value::Kind;
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for event in scene.events {
        let What::OpenAcl { acl, write } = &event.what else { continue };
        // What the ACL says in the end: it may be closed again.
        let key = if *write { "public-write" } else { "public-read" };
        let is_open =
            matches!(scene.run.heap.get(*acl).props.get(key).map(|value| &value.kind), Some(Kind::Bool(true)));
        if !is_open {
            continue;
        }
        let rows = scene.rows().filter(|(_, rows)| {
            rows.row.is_some_and(|row| match &scene.run.heap.get(row).shape {
                Shape::Row(info) => info.acl.as_ref().and_then(|value| value.as_object()) == Some(*acl),
                _ => false,
            })
        });
        let class = rows.into_iter().find_map(|(_, rows)| rows.class.name().map(str::to_owned));
        if *write {
            let severity = if names::is_of_people(class.as_deref()) { Severity::Critical } else { Severity::High };
            found.push(scene.risk("public-write-acl", event).about(class.as_deref()).rated(severity));
        } else if matches!(class.as_deref(), Some("_Session")) {
            found.push(scene.risk("public-read-acl", event).about(class.as_deref()));
        }
    }
}
