//! Who may read answers in a browser (PA504): `cors()` that lets every web site.
//!
//! Source: `cors` 2.8, `lib/index.js`: without options every origin, without cookies; `true`
//! gives back the origin that asks.

use crate::code::value::{Closure, Kind, Value};
use crate::model::unit::{ExprKind, Pattern, StmtKind};
use crate::severity::Severity;

use super::context::{Context, contains, statements};
use super::{Around, Risk, is_flag, risk};

/// Judges what a walk went through.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    for (event, path, args) in around.calls() {
        let missing = Value::undefined();
        let options = match path {
            "cors" | "cors.default" | "koa.cors" | "fastify.cors" => args.first().unwrap_or(&missing),
            // Without the option it lets none.
            "socket.io" | "socket.io.Server" | "socket.io.default" => {
                match args.iter().find_map(|arg| around.property(arg, "cors")) {
                    Some(options) => options,
                    None => continue,
                }
            }
            _ => continue,
        };
        let one_route = around.units.get(event.at.unit).map(Context::of);
        if one_route.is_some_and(|context| context.is_of_one_route(event.at.span)) || around.is_in_development(event) {
            continue;
        }
        let Some((opened, options)) = opened_all(around, options) else { continue };
        let has_credentials = around.property(&options, "credentials").is_some_and(|flag| is_flag(flag, true));
        let at = around.place_of(&options, "origin").filter(|at| at.unit == event.at.unit).unwrap_or(event.at);
        let (what, severity) = match (opened, has_credentials) {
            (Opened::Reflected, true) => ("every web site, with the cookies of its visitors", Severity::Medium),
            (Opened::Null, _) => ("pages without an origin, which any web site can make", Severity::Low),
            (Opened::Any | Opened::Reflected, _) => ("every web site", Severity::Low),
        };
        found.push(risk("any-origin", at).word("what", what).rated(severity));
    }
}

/// Which web sites are let whichever way is taken, and the options of the last one.
fn opened_all(around: &Around<'_>, options: &Value) -> Option<(Opened, Value)> {
    let mut last = None;
    for (options, _) in options.alternatives() {
        last = Some((opened(around, &options)?, options));
    }
    last
}

/// Which web sites are let.
enum Opened {
    /// All, without cookies.
    Any,
    /// All, with cookies if they are asked for.
    Reflected,
    /// Those without an origin: frames in a sandbox, files.
    Null,
}

fn opened(around: &Around<'_>, options: &Value) -> Option<Opened> {
    if matches!(options.kind, Kind::Undefined) {
        return Some(Opened::Any);
    }
    let (_, object) = around.object(options)?;
    if object.rest.is_some() {
        return None;
    }
    let Some(origin) = object.props.get("origin") else { return Some(Opened::Any) };
    match &origin.kind {
        Kind::Undefined => Some(Opened::Any),
        Kind::Text(text) if &**text == "*" => Some(Opened::Any),
        Kind::Text(text) if &**text == "null" => Some(Opened::Null),
        Kind::Bool(true) => Some(Opened::Reflected),
        Kind::Function(closure) if lets_all(around, closure) => Some(Opened::Reflected),
        Kind::Object(_) => {
            let (_, list) = around.object(origin)?;
            let is_null = |item: &Value| item.as_text().is_some_and(|text| &**text == "null");
            list.items.iter().any(is_null).then_some(Opened::Null)
        }
        _ => None,
    }
}

/// Whether a function lets every origin: it tests nothing, and calls back with `true`.
fn lets_all(around: &Around<'_>, closure: &Closure) -> bool {
    let Some(unit) = around.units.get(closure.unit) else { return false };
    let Some(function) = unit.function(closure.function) else { return false };
    let [_, callback] = function.params.as_slice() else { return false };
    let Pattern::Name(callback, _) = &callback.pattern else { return false };
    let tests = statements(unit)
        .filter(|stmt| contains(function.span, stmt.span))
        .any(|stmt| matches!(stmt.kind, StmtKind::If(..) | StmtKind::Switch(..) | StmtKind::Throw(_)));
    let mut calls = 0;
    for expr in unit.expressions().filter(|expr| contains(function.span, expr.span)) {
        match &expr.kind {
            ExprKind::Conditional(..) | ExprKind::And(..) | ExprKind::Or(..) => return false,
            ExprKind::Call(callee, args) if matches!(&callee.kind, ExprKind::Name(name) if name == callback) => {
                if !matches!(args.get(1).map(|arg| &arg.value.kind), Some(ExprKind::Bool(true))) {
                    return false;
                }
                calls += 1;
            }
            _ => {}
        }
    }
    calls > 0 && !tests
}
