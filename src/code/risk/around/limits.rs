//! Parsers of bodies that take more than a server can keep in its memory (CWE-770).
//!
//! Source: `body-parser` 1.20 and 2.2, `limit`: a number of bytes or a text such as `100kb`, which
//! is what counts without it; a body is kept whole before anybody asks who sent it.

use crate::code::event::Event;
use crate::code::value::{Kind, Value};
use crate::model::unit::{Expr, ExprKind};
use crate::rules::option::number_of_text;

use super::context::contains;
use super::{Around, Risk, risk};

/// Bytes; photos and exports of an app fit in.
const LARGE: f64 = 50.0 * 1024.0 * 1024.0;

/// Judges what a walk went through.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    for (event, path, args) in around.calls() {
        let is_parser =
            matches!(path.split_once('.'), Some(("express" | "body_parser", "json" | "urlencoded" | "raw" | "text")));
        let Some(options) = args.first().filter(|_| is_parser || path == "body_parser") else { continue };
        let Some(limit) = around.property(options, "limit") else { continue };
        if let Some(words) = large(limit)
            && is_for_all(around, event)
            && !around.is_in_development(event)
        {
            let at = around.place_of(options, "limit").filter(|at| at.unit == event.at.unit).unwrap_or(event.at);
            found.push(risk("body-limit-large", at).word("what", words));
        }
    }
}

/// A limit in words, if it is large whichever way is taken.
fn large(limit: &Value) -> Option<String> {
    let mut words = None;
    for (value, _) in limit.alternatives() {
        let (bytes, written) = match &value.kind {
            Kind::Number(bytes) => (*bytes, format!("{} MB", (bytes / (1 << 20) as f64).floor())),
            Kind::Text(text) => (number_of_text(text)?, text.to_string()),
            _ => return None,
        };
        if bytes <= LARGE {
            return None;
        }
        words = Some(written);
    }
    words
}

/// Whether it is given to all requests: to `use` of the app, and without a path.
fn is_for_all(around: &Around<'_>, event: &Event) -> bool {
    let Some(unit) = around.units.get(event.at.unit) else { return false };
    let takes = |expr: &Expr| {
        let ExprKind::Call(callee, args) = &expr.kind else { return false };
        let ExprKind::Member(object, method) = &callee.kind else { return false };
        let is_app = matches!(&object.kind, ExprKind::Name(name) if !name.to_ascii_lowercase().contains("router"));
        let is_everywhere = |first: &Expr| match &first.kind {
            ExprKind::Text(path) => matches!(&**path, "/" | "*"),
            ExprKind::Call(..) | ExprKind::Array(_) => true,
            _ => false,
        };
        &**method == "use"
            && is_app
            && args.iter().any(|arg| contains(arg.value.span, event.at.span))
            && args.first().is_some_and(|arg| is_everywhere(&arg.value))
    };
    unit.expressions().any(takes)
}
