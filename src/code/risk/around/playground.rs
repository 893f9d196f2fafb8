//! The GraphQL playground (PA507), which shows strangers the whole schema and lets them try it.

use crate::code::value::Pos;
use crate::model::unit::ExprKind;

use super::{Around, Risk, is_flag, risk};

/// Judges what a walk went through.
pub fn judge(around: &Around<'_>, found: &mut Vec<Risk>) {
    for (event, path, _) in around.calls() {
        if path.ends_with("ParseGraphQLServer.applyPlayground") && !around.is_in_development(event) {
            found.push(risk("graphql-playground", event.at));
        }
    }
    // Only who starts the server by `startApp` has it mounted.
    for (options, _) in around.servers.iter().filter(|(_, at)| !is_new(around, *at)) {
        for (options, _) in options.alternatives() {
            let is_on = around.property(&options, "mountPlayground").is_some_and(|flag| is_flag(flag, true));
            if is_on && let Some(at) = around.place_of(&options, "mountPlayground") {
                found.push(risk("graphql-playground", at));
            }
        }
    }
}

/// Whether `new` stands at a place.
fn is_new(around: &Around<'_>, at: Pos) -> bool {
    let unit = around.units.get(at.unit);
    unit.is_some_and(|unit| {
        unit.expressions().any(|expr| expr.span == at.span && matches!(expr.kind, ExprKind::New(..)))
    })
}
