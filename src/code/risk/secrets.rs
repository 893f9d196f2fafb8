//! Codes that an object passes for (PA302), tokens in cookies (PA209) and addresses
//! (PA210), secrets in logs (PA405).

use crate::code::event::{Event, What};
use crate::code::guards::Flag;
use crate::code::shape::{Filter, Shape};
use crate::code::taint::{Clean, From};
use crate::code::value::{Kind, Value};
use crate::severity::Severity;

use super::{Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    for (event, rows) in scene.rows() {
        let Some(query) = rows.query else { continue };
        let Shape::Query(info) = &scene.run.heap.get(query).shape else { continue };
        if scene.is_trigger() || event.guards.any(&[Flag::Master, Flag::Role]) {
            continue;
        }
        for filter in &info.filters {
            found.extend(operator(scene, event, filter));
        }
    }
    for event in scene.events {
        if let What::Method { path, args } = &event.what
            && &**path == "*.aggregate"
        {
            found.extend(stages(scene, event, args));
        }
        let What::Call { path, args, .. } = &event.what else { continue };
        match &**path {
            "response.cookie" => found.extend(cookie(scene, event, args)),
            "response.redirect" if args.iter().any(|arg| has_token(scene, arg)) => {
                found.push(token_in_url(scene, event));
            }
            _ if super::effect::CLIENTS.contains(&&**path)
                && args.first().is_some_and(|arg| has_token(scene, &address(scene, arg))) =>
            {
                found.push(token_in_url(scene, event));
            }
            _ if is_log(path) => found.extend(log(scene, event, args)),
            _ => {}
        }
    }
}

/// A secret or a column that is compared with something the client may make an object.
fn operator(scene: &Scene<'_, '_>, event: &Event, filter: &Filter) -> Option<Risk> {
    let column_taint = filter.column.taint.as_ref().filter(|taint| {
        filter.column.as_text().is_none() && !taint.clean.any(Clean::ALLOWED) && taint.from != From::OwnColumn
    });
    if let Some(taint) = column_taint {
        let what = "names the column that is compared";
        let mut risk = scene.risk("operator-from-client", event).word("what", what).rated(Severity::High);
        risk.at = filter.at;
        return Some(risk.by(taint, "names the column"));
    }
    if !matches!(&*filter.by, "equalTo" | "containedIn") {
        return None;
    }
    let column = filter.column.as_text()?;
    let decides =
        names::is_secret(column) || names::has_any(column, &["promo", "coupon", "invite", "voucher", "activation"]);
    if !decides {
        return None;
    }
    let taint = filter.value.taint.as_ref()?;
    let clean = event.clean(taint);
    if clean.any(Clean::TEXT.with(Clean::NUMBER).with(Clean::HASHED).with(Clean::ALLOWED))
        || taint.from == From::OwnColumn
    {
        return None;
    }
    // Parts of an address are texts.
    if taint.name.starts_with("params.") && matches!(taint.from, From::Body) || taint.name.starts_with("headers") {
        return None;
    }
    let severity =
        if names::is_one_time_code(column) || names::is_secret(column) { Severity::High } else { Severity::Medium };
    let mut risk = scene
        .risk("operator-from-client", event)
        .word("what", format!("may be a condition that passes for `{column}`"))
        .word("column", column.to_string())
        .rated(severity);
    risk.at = filter.at;
    Some(risk.by(taint, "may be an object such as a $ne condition, which passes for the secret"))
}

/// Stages of `aggregate` that the client sends: it always works with the master key.
fn stages(scene: &Scene<'_, '_>, event: &Event, args: &[Value]) -> Option<Risk> {
    let taint =
        args.first()?.taint.as_ref().filter(|_| args.first().is_some_and(|stages| stages.as_object().is_none()))?;
    let clean = event.clean(taint);
    if clean.any(Clean::ALLOWED) || taint.from == From::OwnColumn || event.guards.any(&[Flag::Master, Flag::Role]) {
        return None;
    }
    let what = "is run as the stages of `aggregate`";
    Some(scene.risk("operator-from-client", event).word("what", what).rated(Severity::High).by(taint, what))
}

fn token_in_url(scene: &Scene<'_, '_>, event: &Event) -> Risk {
    scene.risk("token-in-url", event).word("what", "a session token").rated(Severity::Medium)
}

/// The address of a request: the argument, or what its options say; without headers and body.
fn address(scene: &Scene<'_, '_>, arg: &Value) -> Value {
    let Some(options) = arg.as_object() else { return arg.clone() };
    let options = scene.run.heap.get(options);
    ["url", "uri", "path"].iter().find_map(|name| options.props.get(*name)).cloned().unwrap_or_default()
}

fn has_token(scene: &Scene<'_, '_>, value: &Value) -> bool {
    let mut found = false;
    super::answer::walk(scene.run, value, 3, &mut |value| {
        found |= matches!(value.kind, Kind::CallerToken)
            || matches!(&value.kind, Kind::Column(_, column) if column.to_ascii_lowercase().contains("sessiontoken"));
    });
    found
}

fn cookie(scene: &Scene<'_, '_>, event: &Event, args: &[Value]) -> Option<Risk> {
    let value = args.get(1)?;
    let name = args.first().and_then(Value::as_text).map(|name| name.to_string()).unwrap_or_default();
    if !has_token(scene, value) && !names::has_any(&name, &["sessiontoken", "authtoken", "sessionid"]) {
        return None;
    }
    let is_protected = args.get(2).and_then(Value::as_object).is_some_and(|options| {
        let options = scene.run.heap.get(options);
        options.rest.is_some()
            || options.props.get("httpOnly").is_some_and(|is| is.truth().no.is_none())
                && options.props.get("secure").is_some_and(|is| is.truth().yes.is_some())
    });
    let risk = || scene.risk("insecure-cookie", event).word("what", format!("`{name}`"));
    (!is_protected).then(|| risk().word("sink", "httpOnly and secure").rated(Severity::Medium))
}

fn is_log(path: &str) -> bool {
    path.starts_with("console.")
        || path.starts_with("request.log")
        || path.starts_with("logger.")
        || path == "request.message"
}

fn log(scene: &Scene<'_, '_>, event: &Event, args: &[Value]) -> Option<Risk> {
    let draws_secrets =
        scene.events.iter().any(|event| matches!(event.what, What::Weak { .. } | What::Password { .. }));
    let enters = names::takes_password(&scene.entry.kind.subject());
    let mut what: Option<(String, Severity)> = None;
    for arg in args {
        super::answer::walk(scene.run, arg, 3, &mut |value| {
            let named = value.taint.as_ref().map(|taint| names::last(&taint.name).to_ascii_lowercase());
            let is_password = named.as_deref().is_some_and(|name| {
                matches!(name, "password" | "passwd" | "pwd" | "newpassword" | "otp" | "pin")
                    || name.contains("password")
            });
            let is_whole = value.taint.as_ref().is_some_and(|taint| matches!(&*taint.name, "body" | "params"));
            let is_token = matches!(value.kind, Kind::CallerToken)
                || matches!(&value.kind, Kind::Column(_, column) if column.to_ascii_lowercase().contains("sessiontoken"))
                || matches!(value.kind, Kind::MasterKey);
            let is_code = matches!(value.kind, Kind::WeakRandom(_));
            if is_password {
                what = Some((format!("`{}` of the client", named.unwrap_or_default()), Severity::High));
            } else if is_whole && enters {
                what = Some(("all that the client sends, passwords as well".to_owned(), Severity::High));
            } else if is_token {
                what = Some(("a token".to_owned(), Severity::High));
            } else if is_code && draws_secrets && what.is_none() {
                what = Some(("a code or password".to_owned(), Severity::High));
            } else if let Kind::Object(id) = &value.kind
                && let Shape::Row(info) = &scene.run.heap.get(*id).shape
                && let crate::code::shape::Origin::Fetched(_, crate::code::shape::Rights::Session) = info.origin
                && info.class.is("_User")
                && what.is_none()
            {
                what = Some(("a user with a fresh session".to_owned(), Severity::Medium));
            }
        });
    }
    let (what, severity) = what?;
    Some(scene.risk("log-of-secret", event).word("what", what).rated(severity))
}
