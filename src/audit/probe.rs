//! Whether a running server does what its permissions say: its answers to anyone, beside the engine's.

use crate::model::census::Rows;
use crate::model::{App, ClassName, Known, Operation, Principal};
use crate::permit::{Engine, Reason, Request, Verdict};

use super::fact::Fact;

/// Rows come and go between two counts: so many more are no difference, and this share of all.
const FEW: u64 = 5;
const SHARE: u64 = 20;

/// The facts about what anyone was let do.
pub fn facts(app: &App, engine: &Engine<'_>) -> Vec<Fact> {
    let Some(probe) = app.probe.read() else { return Vec::new() };
    let fact = |kind: &'static str, subject: String| Fact::new("probe", kind, subject, probe.at.clone());
    let mut facts = Vec::new();
    for ((class, op), allows) in &probe.allows {
        let Some(says) = expected(engine, class, *op) else { continue };
        let kind = match (*allows, says) {
            (true, false) => "lets-more",
            (false, true) => "lets-less",
            _ => continue,
        };
        facts.push(fact(kind, format!("{class}.{op}")).about(class).word("operation", op));
    }
    for (class, counted) in &probe.counted {
        let Some(description) = app.classes.get(class) else { continue };
        let cell = engine.cell(&engine.caller(&Principal::Public), description, Operation::Find);
        let Known::Read(rows @ Rows { share: None, .. }) = cell.rows else { continue };
        let may = rows.reached.saturating_add(FEW).saturating_add(rows.total / SHARE);
        if *counted > may {
            facts.push(
                fact("counts-more", class.to_string())
                    .about(class)
                    .with_rows(Rows::new(*counted, rows.total.max(*counted))),
            );
        }
    }
    facts.extend(probe.exposed.iter().map(|exposure| fact(exposure.name(), exposure.name().to_owned())));
    facts
}

/// What the engine expects of a request without a session; `None` where columns decide, which
/// the server answers with nothing instead of a refusal, or a fact is missing.
fn expected(engine: &Engine<'_>, class: &ClassName, op: Operation) -> Option<bool> {
    let decision = engine.decide(&Request { who: &Principal::Public, op, class });
    let by_columns = |reason: &Reason| matches!(reason, Reason::UserColumns(..) | Reason::NoUser);
    if decision.because.iter().any(by_columns) {
        return None;
    }
    match decision.verdict {
        Verdict::Allow | Verdict::If(_) => Some(true),
        Verdict::Deny(_) => Some(false),
        Verdict::Unknown(_) => None,
    }
}
