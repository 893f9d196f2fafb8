//! JSON Web Tokens (PA207): signed with what is no secret, for whom the client names, or
//! believed without a check of the signature. Source: `jsonwebtoken` 9.

use std::sync::Arc;

use crate::code::event::{Event, What};
use crate::code::guards::Flag;
use crate::code::taint::{Clean, From, Taint};
use crate::code::value::{Kind, Value};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for event in scene.events {
        let What::Call { path, args, .. } = &event.what else { continue };
        match &**path {
            "jsonwebtoken.sign" => {
                found.extend(weak_secret(scene, event, args, "signs"));
                found.extend(for_others(scene, event, args));
            }
            "jsonwebtoken.verify" => {
                found.extend(weak_secret(scene, event, args, "checks"));
                found.extend(without_algorithm(scene, event, args));
            }
            "jsonwebtoken.decode" => found.extend(believed(scene, event, args)),
            _ => {}
        }
    }
}

/// A secret that is written in code, or that is the master key.
fn weak_secret(scene: &Scene<'_, '_>, event: &Event, args: &[Value], does: &str) -> Option<Risk> {
    let secret = args.get(1)?;
    let what = match &secret.kind {
        Kind::Text(text) if text.starts_with("-----BEGIN PUBLIC KEY") => return None,
        Kind::Text(_) => format!("{does} tokens with a secret that is written in code"),
        Kind::MasterKey => format!("{does} tokens with the master key as secret"),
        _ => return None,
    };
    Some(scene.risk("jwt-misuse", event).word("what", what).rated(Severity::High))
}

/// `algorithms: ['none']`.
fn without_algorithm(scene: &Scene<'_, '_>, event: &Event, args: &[Value]) -> Option<Risk> {
    let options = scene.run.heap.get(args.get(2)?.as_object()?);
    let (algorithms, _) = scene.run.elements_of(options.props.get("algorithms")?);
    let is_none = |value: &Value| value.as_text().is_some_and(|text| text.eq_ignore_ascii_case("none"));
    algorithms.iter().any(is_none).then(|| {
        let what = "accepts tokens without a signature";
        scene.risk("jwt-misuse", event).word("what", what).rated(Severity::Critical)
    })
}

/// A token for whom the client names, given to anyone.
fn for_others(scene: &Scene<'_, '_>, event: &Event, args: &[Value]) -> Option<Risk> {
    if !scene.is_called_directly() || !scene.is_open(event) || event.guards.owns_any() || event.guards.has(Flag::Opaque)
    {
        return None;
    }
    let claims = scene.run.heap.get(args.first()?.as_object()?);
    let is_subject = |name: &str| matches!(name, "sub" | "id" | "uid" | "objectId") || names::is_identity(name);
    let taint = claims.props.iter().filter(|(name, _)| is_subject(name)).find_map(|(_, value)| value.taint.clone())?;
    if taint.from == From::OwnColumn || event.guards.ties(&taint.name) || taint.clean.any(Clean::ALLOWED) {
        return None;
    }
    let what = format!("signs a token for whomever `{}` names", taint.name);
    Some(scene.risk("jwt-misuse", event).word("what", what).rated(Severity::Critical).by(&taint, "becomes the subject"))
}

/// A token of the client that is read, never verified, and decides which rows are meant.
fn believed(scene: &Scene<'_, '_>, event: &Event, args: &[Value]) -> Option<Risk> {
    let token: Arc<Taint> = args.first()?.taint.clone()?;
    let verified = scene.events.iter().any(|other| match &other.what {
        What::Call { path, args, .. } => {
            path.ends_with(".verify")
                && args.iter().any(|arg| arg.taint.as_ref().is_some_and(|it| it.name == token.name))
        }
        _ => false,
    });
    let decides = scene.rows().any(|(_, rows)| {
        rows.selection.by.iter().any(|(_, taint)| taint.name.starts_with(&*token.name) && taint.at == token.at)
    });
    if verified || !decides {
        return None;
    }
    let what = format!("believes what `{}` says, which is read without a check of its signature", token.name);
    Some(scene.risk("jwt-misuse", event).word("what", what).rated(Severity::High).by(&token, "is read and believed"))
}
