//! Certificates that nobody checks (PA505): for all connections, or for one.

use crate::model::unit::{Expr, ExprKind, Pattern, Prop, PropKey};
use crate::severity::Severity;

use super::{File, Risk, risk};

/// The variable of the environment that Node.js reads at each connection.
const SWITCH: &str = "NODE_TLS_REJECT_UNAUTHORIZED";

/// Judges a file.
pub fn judge(file: &File<'_>, found: &mut Vec<Risk>) {
    for expr in file.unit.expressions() {
        let (span, what, severity) = match &expr.kind {
            ExprKind::Assign(target, value) if is_switch(target) && is_off(value) => {
                (expr.span, "for every connection of the process", Severity::High)
            }
            ExprKind::Object(props) => match unchecked(props) {
                Some(value) if !is_local(props) => (value.span, "for a connection", Severity::Medium),
                _ => continue,
            },
            _ => continue,
        };
        if !file.context().is_for_development(span) {
            found.push(risk("tls-unchecked", file.at(span)).word("what", what).rated(severity));
        }
    }
}

fn is_switch(target: &Pattern) -> bool {
    let Pattern::Member(member) = target else { return false };
    match &member.kind {
        ExprKind::Member(_, name) => &**name == SWITCH,
        ExprKind::Index(_, name) => matches!(&name.kind, ExprKind::Text(name) if &**name == SWITCH),
        _ => false,
    }
}

fn is_off(value: &Expr) -> bool {
    match &value.kind {
        ExprKind::Text(text) => &**text == "0",
        ExprKind::Number(number) => *number == 0.0,
        _ => false,
    }
}

/// The value that switches the check off.
fn unchecked(props: &[Prop]) -> Option<&Expr> {
    props.iter().find_map(|prop| match prop {
        Prop::Value(PropKey::Name(name), value) if matches!(&**name, "rejectUnauthorized" | "strictSSL") => {
            matches!(value.kind, ExprKind::Bool(false)).then_some(value)
        }
        _ => None,
    })
}

/// Whether the connection goes to the same machine.
fn is_local(props: &[Prop]) -> bool {
    props.iter().any(|prop| match prop {
        Prop::Value(_, value) => {
            matches!(&value.kind, ExprKind::Text(text) if text.contains("localhost") || text.contains("127.0.0.1"))
        }
        Prop::Spread(_) => false,
    })
}
