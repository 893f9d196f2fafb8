//! What handlers of code do, as facts.

use crate::code::analysis::{Analysis, place};
use crate::code::risk::{Reading, Risk};
use crate::code::value::Pos;
use crate::model::clp::DefaultAcl;
use crate::model::oddity::escape;
use crate::model::snapshot::Gap;
use crate::model::{App, ClassName, Field, FieldKind, Operation, Place, Texts, Unit};
use crate::rules::words::{Tag, Words};
use crate::rules::{Rule, Who};
use crate::severity::Severity;

use super::access::Access;
use super::fact::Fact;

/// The facts about code, those of `[flow]` rules left out.
pub fn facts(app: &App, analysis: &Analysis, words: &Words, access: &[Access<'_>], texts: &Texts) -> Vec<Fact> {
    let units = app.code.read().map_or(&[][..], Vec::as_slice);
    let runs =
        |risk: &&Risk| !trusts_client(risk) || risk.trigger.as_ref().is_none_or(|class| may_be_written(class, access));
    let of_code = analysis.risks.iter().filter(|risk| risk.rule.is_none()).filter(runs);
    let holds = |risk: &&Risk| match risk.kind {
        "public-read-acl" => risk.class.as_deref() == Some("_Session") || is_personal(risk, words, access),
        "row-without-acl" => is_open(risk, analysis, access) && is_personal(risk, words, access),
        _ => true,
    };
    let rated = |risk: &Risk| Some(Fact { severity: by_class(risk, access), ..fact(risk, risk.kind, units, texts)? });
    of_code.filter(holds).filter_map(rated).chain(scripts(app, texts)).collect()
}

/// Scripts that start the server without a check of certificates.
fn scripts(app: &App, texts: &Texts) -> Vec<Fact> {
    let mut found = Vec::new();
    for manifest in &app.manifests {
        let unchecked = |name: &str, command: &str| {
            let is_start = matches!(name.split(':').next(), Some("start" | "serve" | "server" | "prod" | "production"));
            let is_for_users = !["dev", "local", "test"].iter().any(|word| name.contains(word));
            is_start && is_for_users && command.split_whitespace().any(|word| word == "NODE_TLS_REJECT_UNAUTHORIZED=0")
        };
        for (name, _) in manifest.scripts.iter().filter(|(name, command)| unchecked(name, command)) {
            let at = Place::Pointer { file: manifest.file, pointer: format!("/scripts/{}", escape(name)) };
            let fact = Fact::new("code", "tls-unchecked", texts.path(&at).to_owned(), at);
            found.push(fact.word("what", "for every connection of the process"));
        }
    }
    found
}

/// Whether rows are about people: by the columns that code writes, and those of the class.
fn is_personal(risk: &Risk, words: &Words, access: &[Access<'_>]) -> bool {
    const KINDS: [FieldKind; 4] = [FieldKind::String, FieldKind::Number, FieldKind::Date, FieldKind::GeoPoint];
    const MEANT: [Tag; 2] = [Tag::Personal, Tag::Sensitive];
    let Some(class) = risk.class.as_deref().map(ClassName::from) else { return false };
    let mut described = access.iter().filter(|access| access.class.name == class);
    let of_column = |column: &String| {
        let tags = KINDS.map(|kind| words.tags(&class, &column.as_str().into(), &Field::of(kind)));
        tags.iter().any(|tags| MEANT.iter().any(|tag| tags.contains(tag)))
    };
    risk.columns.iter().any(of_column) || described.any(|access| access.holds(&MEANT))
}

/// Whether everybody reads the rows of a class that have no ACL, and nothing gives them one.
fn is_open(risk: &Risk, analysis: &Analysis, access: &[Access<'_>]) -> bool {
    let Some(class) = risk.class.as_deref() else { return false };
    !analysis.protected.contains(class)
        && access.iter().filter(|access| access.class.name.as_str() == class).any(|access| {
            let reads = [Operation::Get, Operation::Find].map(|op| access.admitted_by(op));
            let has_default = access.class.clp.read().is_none_or(|clp| clp.default_acl != DefaultAcl::None);
            !has_default && reads.contains(&Some(Who::Public))
        })
}

/// Whether a risk is about what clients write.
fn trusts_client(risk: &Risk) -> bool {
    matches!(risk.kind, "trigger-trusts-object" | "side-effect-for-anyone" | "operator-from-client")
}

/// Whether clients can make a trigger run: its class lets somebody write, or is not described.
fn may_be_written(class: &str, access: &[Access<'_>]) -> bool {
    let Some(class) = access.iter().find(|access| access.class.name == *class) else { return true };
    let Some(clp) = class.class.clp.read() else { return true };
    [Operation::Create, Operation::Update, Operation::Delete].into_iter().any(|op| {
        let named = clp.grants(op).is_some_and(|grants| !grants.roles.is_empty() || !grants.users.is_empty());
        class.admitted_by(op).is_some() || named || clp.grants(op).is_some_and(|grants| grants.pointer_fields.opens)
    })
}

/// Handlers and files that were not followed to the end.
pub fn gaps(analysis: &Analysis) -> Vec<Gap> {
    let gap = |handler: &String| Gap::new(handler.clone(), "too large to be followed to the end");
    analysis.cut.iter().map(gap).collect()
}

/// How bad it is to read these rows, by what is known of the class: worse where it holds data of
/// people, less where its permissions let everyone read it anyway.
fn by_class(risk: &Risk, access: &[Access<'_>]) -> Option<Severity> {
    let (severity, Some(reading), Some(name)) = (risk.severity?, risk.reading, &risk.class) else {
        return risk.severity;
    };
    let Some(class) = access.iter().find(|access| access.class.name.as_str() == name) else { return risk.severity };
    Some(if class.reached_by(Operation::Find) == Some(Who::Public) {
        // The class itself is reported; the function adds nothing.
        severity.min(Severity::Low)
    } else if reading == Reading::Rows && class.holds(&[Tag::Personal, Tag::Sensitive, Tag::Secret]) {
        severity.max(Severity::High)
    } else {
        // A sum over rows of people tells little about each of them.
        severity
    })
}

/// The facts that a `[flow]` rule found.
pub fn of_flow(app: &App, analysis: &Analysis, rule: &Rule, texts: &Texts) -> Vec<Fact> {
    let units = app.code.read().map_or(&[][..], Vec::as_slice);
    let of_rule = analysis.risks.iter().filter(|risk| risk.rule.as_deref() == Some(rule.id.as_str()));
    // Staff is trusted with more than what a search does to a server.
    let by_staff = match rule.severity {
        Severity::Critical | Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
        Severity::Info => Severity::Info,
    };
    let rated = |risk: &Risk| {
        let fact = fact(risk, "flow", units, texts)?;
        let severity = fact.severity.or(risk.by_staff.then_some(by_staff));
        Some(Fact { severity, ..fact })
    };
    of_rule.filter_map(rated).collect()
}

fn fact(risk: &Risk, kind: &'static str, units: &[Unit], texts: &Texts) -> Option<Fact> {
    let at = place(units, risk.at)?;
    let subject = if risk.subject.is_empty() { texts.path(&at).to_owned() } else { risk.subject.clone() };
    let placed = |list: &[(Pos, String)]| -> Vec<(Place, String)> {
        list.iter().filter_map(|(pos, what)| Some((place(units, *pos)?, what.clone()))).collect()
    };
    let mut fact = Fact::new("code", kind, subject.clone(), at).with_path(placed(&risk.path)).called_by(risk.callers);
    fact.related = placed(&risk.related);
    fact.class = risk.class.as_deref().map(ClassName::from);
    for (name, value) in &risk.words {
        fact = fact.word(name, value);
    }
    if !risk.words.iter().any(|(name, _)| *name == "handler") {
        fact = fact.word("handler", subject);
    }
    // What a message may name and this risk has no word for.
    for (name, word) in
        [("what", "works"), ("sink", "a call"), ("source", "the client"), ("class", "a class"), ("column", "a column")]
    {
        if !risk.words.iter().any(|(known, _)| *known == name) {
            fact = fact.word(name, word);
        }
    }
    fact.severity = risk.severity;
    Some(fact)
}
