//! Adapters of the app's own for signing in (PA514): those that never look at the id under which
//! the user is found, and those that take tokens made for other apps.
//!
//! Source: Parse Server 9.10.0, `Auth.js`: the user is looked up by `authData.<provider>.id`,
//! which the client sends; `validateAuthData` has to tie it to what it verified.

use crate::model::unit::{Binary, Expr, ExprKind, Function, Pattern, PropKey, StmtKind};
use crate::model::{Span, Unit};
use crate::severity::Severity;

use super::any_app::names_audience;
use super::context::{contains, statements};
use super::{File, Risk, risk};

/// Where providers tell what a token says, or keep the keys that sign them.
const ISSUERS: [&str; 5] = [
    "googleapis.com",
    "accounts.google.com",
    "appleid.apple.com",
    "login.microsoftonline.com",
    "securetoken@system.gserviceaccount.com",
];

/// Judges a file.
pub fn judge(file: &File<'_>, found: &mut Vec<Risk>) {
    if !is_adapter(file.unit) {
        return;
    }
    for function in named(file.unit, "validateAuthData") {
        if let Some(what) = unbound(file.unit, function) {
            let at = file.at(head(function));
            found.push(risk("adapter-ignores-id", at).word("what", what).rated(Severity::Critical));
        }
    }
    let mut texts = file.unit.expressions().filter_map(|expr| match &expr.kind {
        ExprKind::Text(text) if ISSUERS.iter().any(|issuer| text.contains(issuer)) => Some(expr.span),
        _ => None,
    });
    if let Some(first) = texts.next()
        && named(file.unit, "validateAuthData").next().is_some()
        && !names_audience(file.unit)
    {
        let at = file.at(texts.fold(first, Span::min));
        found.push(risk("token-of-any-app", at).word("what", "this adapter").rated(Severity::Medium));
    }
}

/// Whether a file is an adapter: it also tells which apps it takes, or says so by its class. What
/// has further steps (`validateLogin`) may do its work there.
fn is_adapter(unit: &Unit) -> bool {
    let extends_adapter =
        unit.classes.iter().filter_map(|class| class.extends.as_ref()).any(|class| match &class.kind {
            ExprKind::Name(name) | ExprKind::Member(_, name) => name.contains("AuthAdapter"),
            _ => false,
        });
    let has = |name| named(unit, name).next().is_some();
    let steps = ["validateSetUp", "validateLogin", "validateUpdate", "beforeFind", "challenge"];
    (extends_adapter || has("validateAppId")) && !steps.into_iter().any(has)
}

fn named<'u>(unit: &'u Unit, name: &'static str) -> impl Iterator<Item = &'u Function> {
    unit.functions.iter().filter(move |function| function.name.as_deref() == Some(name))
}

/// The place of a function by its first line.
fn head(function: &Function) -> Span {
    let of_param = function.params.iter().find_map(|param| match &param.pattern {
        Pattern::Name(_, span) => Some(*span),
        _ => None,
    });
    of_param.or_else(|| function.body.first().map(|stmt| stmt.span)).unwrap_or(function.span)
}

/// What is wrong with a validator that never looks at the id; `None` if it may do so.
fn unbound(unit: &Unit, function: &Function) -> Option<&'static str> {
    let data = match function.params.first().map(|param| &param.pattern) {
        None => None,
        Some(Pattern::Name(name, _)) => Some(&**name),
        Some(Pattern::Default(pattern, _)) => match &**pattern {
            Pattern::Name(name, _) => Some(&**name),
            other if takes_id(other) => return None,
            _ => None,
        },
        Some(other) if takes_id(other) => return None,
        Some(_) => None,
    };
    let inside: Vec<&Expr> = unit.expressions().filter(|expr| contains(function.span, expr.span)).collect();
    if refuses(function) || inside.iter().any(|expr| hands_on(expr)) {
        return None;
    }
    let logged: Vec<Span> = inside.iter().filter(|expr| is_logging(expr)).map(|expr| expr.span).collect();
    let is_logged = |span: Span| logged.iter().any(|log| contains(*log, span));
    let Some(data) = data else { return Some("takes whatever it is given") };
    let is_data = |expr: &Expr| matches!(&stripped(expr).kind, ExprKind::Name(name) if **name == *data);
    // Uses of the data that say nothing of its id.
    let mut harmless: Vec<Span> = Vec::new();
    let mut uses = false;
    for expr in &inside {
        match &expr.kind {
            ExprKind::Member(object, name) if is_data(object) => match &**name {
                "id" if !is_logged(expr.span) => return None,
                _ => harmless.push(object.span),
            },
            ExprKind::Index(object, name) if is_data(object) => match &name.kind {
                ExprKind::Text(text) if &**text != "id" => harmless.push(object.span),
                _ => return None,
            },
            ExprKind::Not(test) | ExprKind::Typeof(test) => harmless.push(test.span),
            ExprKind::And(test, _) => harmless.push(test.span),
            ExprKind::Binary(Binary::Equal | Binary::Unequal, a, b)
                if matches!(b.kind, ExprKind::Null | ExprKind::Undefined) =>
            {
                harmless.push(a.span);
            }
            _ => {}
        }
    }
    for stmt in statements(unit).filter(|stmt| contains(function.span, stmt.span)) {
        match &stmt.kind {
            StmtKind::If(test, ..) => harmless.push(test.span),
            StmtKind::Let(pattern @ Pattern::Object { .. }, Some(value)) if is_data(value) => {
                if takes_id(pattern) {
                    return None;
                }
                uses = true;
                harmless.push(value.span);
            }
            _ => {}
        }
    }
    for expr in inside {
        if !matches!(&expr.kind, ExprKind::Name(name) if **name == *data) || is_logged(expr.span) {
            continue;
        }
        if !harmless.iter().any(|span| contains(*span, expr.span)) {
            return None;
        }
        uses = true;
    }
    Some(if uses { "checks a token and never compares the id with it" } else { "takes whatever it is given" })
}

/// Whether a pattern binds the id, or all that is left.
fn takes_id(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Object { props, rest } => {
            rest.is_some() || props.iter().any(|(key, _)| !matches!(key, PropKey::Name(name) if &**name != "id"))
        }
        _ => true,
    }
}

/// Whether it lets nobody in.
fn refuses(function: &Function) -> bool {
    function.body.iter().any(|stmt| match &stmt.kind {
        StmtKind::Throw(_) => true,
        StmtKind::Return(Some(value)) => match &value.kind {
            ExprKind::Call(callee, _) => matches!(&callee.kind, ExprKind::Member(_, name) if &**name == "reject"),
            _ => false,
        },
        _ => false,
    })
}

/// Whether the work is done by something that is handed all that was given.
fn hands_on(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Super => true,
        ExprKind::Name(name) => &**name == "arguments",
        _ => false,
    }
}

fn is_logging(expr: &Expr) -> bool {
    let ExprKind::Call(callee, _) = &expr.kind else { return false };
    let ExprKind::Member(object, _) = &callee.kind else { return false };
    matches!(&object.kind, ExprKind::Name(name) if matches!(&**name, "console" | "logger" | "log"))
}

fn stripped(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Maybe(inner) => inner,
        _ => expr,
    }
}
