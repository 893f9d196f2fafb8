//! What handlers of code do, as facts.

use crate::code::analysis::{Analysis, place};
use crate::code::entry::Callers;
use crate::code::risk::Risk;
use crate::code::value::Pos;
use crate::model::snapshot::Gap;
use crate::model::{App, ClassName, Operation, Place, Texts, Unit};
use crate::rules::words::Tag;
use crate::rules::{Caller, Who};
use crate::severity::Severity;

use super::access::Access;
use super::fact::Fact;

/// The facts about code, those of `[flow]` rules left out.
pub fn facts(app: &App, analysis: &Analysis, texts: &Texts, access: &[Access<'_>]) -> Vec<Fact> {
    let units = app.code.read().map_or(&[][..], Vec::as_slice);
    let of_code = analysis.risks.iter().filter(|risk| risk.rule.is_none());
    let facts = of_code.filter_map(|risk| fact(risk, risk.kind, units, texts));
    facts.map(|fact| by_class(fact, access)).collect()
}

/// Handlers that were not followed to the end.
pub fn gaps(analysis: &Analysis) -> Vec<Gap> {
    let gap = |handler: &String| Gap::new(handler.clone(), "too large to be followed to the end");
    analysis.cut.iter().map(gap).collect()
}

/// How bad it is, by what is known of the class: worse where it holds data of people, less
/// where its permissions let everyone read it anyway.
fn by_class(mut fact: Fact, access: &[Access<'_>]) -> Fact {
    let reads = matches!(fact.kind, "master-key-for-anyone" | "object-of-others" | "rows-returned-whole")
        && fact.words.iter().any(|(name, word)| *name == "what" && word.starts_with("reads"));
    let (true, Some(severity)) = (reads, fact.severity) else { return fact };
    let Some(class) = access.iter().find(|access| Some(&access.class.name) == fact.class.as_ref()) else { return fact };
    let is_personal = class.holds(&[Tag::Personal, Tag::Sensitive, Tag::Secret]);
    let is_open = class.reached_by(Operation::Find) == Some(Who::Public);
    fact.severity = Some(match (is_personal, is_open) {
        // The class itself is reported; the function adds nothing.
        (_, true) => severity.min(Severity::Low),
        (true, false) => severity.max(Severity::High),
        (false, false) => severity,
    });
    fact
}

/// The facts that a `[flow]` rule found.
pub fn of_flow(app: &App, analysis: &Analysis, rule: &str, texts: &Texts) -> Vec<Fact> {
    let units = app.code.read().map_or(&[][..], Vec::as_slice);
    let of_rule = analysis.risks.iter().filter(|risk| risk.rule.as_deref() == Some(rule));
    of_rule.filter_map(|risk| fact(risk, "flow", units, texts)).collect()
}

fn fact(risk: &Risk, kind: &'static str, units: &[Unit], texts: &Texts) -> Option<Fact> {
    let at = place(units, risk.at)?;
    let subject = if risk.subject.is_empty() { texts.path(&at).to_owned() } else { risk.subject.clone() };
    let placed = |list: &[(Pos, String)]| -> Vec<(Place, String)> {
        list.iter().filter_map(|(pos, what)| Some((place(units, *pos)?, what.clone()))).collect()
    };
    let mut fact =
        Fact::new("code", kind, subject.clone(), at).with_path(placed(&risk.path)).called_by(caller(risk.callers));
    fact.related = placed(&risk.related);
    fact.class = risk.class.as_deref().map(ClassName::from);
    for (name, value) in &risk.words {
        fact = fact.word(name, value);
    }
    if !risk.words.iter().any(|(name, _)| *name == "handler") {
        fact = fact.word("handler", subject);
    }
    Some(match risk.severity {
        Some(severity) => fact.rated(severity),
        None => fact,
    })
}

fn caller(callers: Callers) -> Caller {
    match callers {
        Callers::Anyone => Caller::Anyone,
        Callers::SignedIn => Caller::SignedIn,
        Callers::Role => Caller::Role,
        Callers::Master => Caller::Master,
        Callers::Server => Caller::Server,
    }
}
