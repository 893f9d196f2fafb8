//! Headers that are set by hand and let every web site read answers (PA504).

use crate::model::unit::{Expr, ExprKind};
use crate::severity::Severity;

use super::{File, Risk, risk};

/// Methods that set a header of an answer.
const SETTERS: [&str; 4] = ["header", "setHeader", "set", "append"];

/// Judges a file.
pub fn judge(file: &File<'_>, found: &mut Vec<Risk>) {
    let set: Vec<(&Expr, String, &Expr)> = file.unit.expressions().filter_map(header).collect();
    let has_credentials = set.iter().any(|(_, name, value)| {
        name == "access-control-allow-credentials"
            && match &value.kind {
                ExprKind::Text(text) => &**text == "true",
                ExprKind::Bool(is) => *is,
                _ => false,
            }
    });
    for (call, name, value) in set {
        if name != "access-control-allow-origin"
            || file.context().is_for_development(call.span)
            || file.context().is_of_one_route(call.span)
            // What depends on the request is for some routes, or after a list of origins.
            || file.context().is_tested(call.span)
        {
            continue;
        }
        let (what, severity) = match &value.kind {
            ExprKind::Text(text) if &**text == "*" => ("every web site", Severity::Low),
            _ if is_origin(value) => match has_credentials {
                true => ("every web site, with the cookies of its visitors", Severity::Medium),
                false => ("every web site", Severity::Low),
            },
            _ => continue,
        };
        found.push(risk("any-origin", file.at(call.span)).word("what", what).rated(severity));
    }
}

/// A call that sets a header of an answer: its name in lower case, and the value.
fn header(expr: &Expr) -> Option<(&Expr, String, &Expr)> {
    let ExprKind::Call(callee, args) = &expr.kind else { return None };
    let ExprKind::Member(object, method) = &callee.kind else { return None };
    if !SETTERS.contains(&&**method) || !is_answer(object) {
        return None;
    }
    let [name, value, ..] = args.as_slice() else { return None };
    let ExprKind::Text(name) = &name.value.kind else { return None };
    Some((expr, name.to_ascii_lowercase(), &value.value))
}

fn is_answer(object: &Expr) -> bool {
    match &object.kind {
        ExprKind::Name(name) | ExprKind::Member(_, name) => {
            matches!(&**name, "res" | "response" | "resp" | "reply" | "answer" | "ctx" | "rsp")
        }
        // `res.status(200).header(…)`.
        ExprKind::Call(callee, _) => matches!(&callee.kind, ExprKind::Member(object, _) if is_answer(object)),
        _ => false,
    }
}

/// Whether a value is the origin that asks: `req.headers.origin`, `req.get('Origin')`.
fn is_origin(value: &Expr) -> bool {
    let names_origin = |text: &str| text.eq_ignore_ascii_case("origin");
    match &value.kind {
        ExprKind::Member(object, name) => names_origin(name) && is_headers(object),
        ExprKind::Index(object, name) => {
            matches!(&name.kind, ExprKind::Text(name) if names_origin(name)) && is_headers(object)
        }
        ExprKind::Call(callee, args) => {
            let is_getter = matches!(&callee.kind, ExprKind::Member(_, name) if matches!(&**name, "get" | "header"));
            let asks = |text: &Expr| matches!(&text.kind, ExprKind::Text(name) if names_origin(name));
            is_getter && args.first().is_some_and(|arg| asks(&arg.value))
        }
        // `origin || '*'`.
        ExprKind::Or(first, _) | ExprKind::Coalesce(first, _) => is_origin(first),
        _ => false,
    }
}

fn is_headers(object: &Expr) -> bool {
    matches!(&object.kind, ExprKind::Member(_, name) | ExprKind::Name(name) if &**name == "headers")
}
