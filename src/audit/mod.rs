//! From what was read and the rules to what was found. Pure: the same snapshot and
//! program give the same outcome, byte for byte.
//!
//! Facts are established once, whatever the number of rules; then each rule picks
//! the facts it is about. Findings about the same thing are one finding, and what a
//! broader finding already says is not said again.

pub mod access;
mod code;
mod database;
mod deploy;
pub mod fact;
mod grants;
mod leaks;
mod live;
mod options;
pub mod packages;
mod probe;
mod roles;
mod rows;
mod server;
mod stored;
mod vendored;

use std::collections::{BTreeMap, BTreeSet};

use crate::advisories::Advisories;
use crate::code::analysis::analyse;
use crate::code::risk::{FlowRule, Sinks};
use crate::finding::Finding;
use crate::finding::suppress::{self, Directive, KnownRules, Suppressed};
use crate::model::snapshot::Gap;
use crate::model::{ClassName, RuleId, Snapshot};
use crate::permit::Engine;
use crate::rules::program::Program;
use crate::rules::secret::SecretMatcher;
use crate::rules::{FactMatcher, Matcher, Rule, Who};

pub use leaks::{Holder, LostKey};
pub use roles::is_privileged;

use access::Access;
use fact::{Fact, fill};
use packages::Audited;

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// Findings that were ignored, with the reason.
    pub suppressed: Vec<Suppressed>,
    /// Findings of narrower rules that a broader finding speaks for.
    pub covered: Vec<Finding>,
    /// Installed packages that advisories are about, with those that do not apply.
    pub packages: Vec<Audited>,
    /// What was not checked, beside what the snapshot says: handlers that were too large.
    pub gaps: Vec<Gap>,
}

/// Audits a snapshot, with the advisories that this program brings along. `directives` are ignores
/// beside those in the texts themselves; `today` decides which have expired.
pub fn audit(snapshot: &Snapshot, program: &Program, directives: Vec<Directive>, today: jiff::civil::Date) -> Outcome {
    let advisories = Advisories::embedded().unwrap_or_default();
    audit_against(&advisories, snapshot, program, directives, today)
}

/// Audits a snapshot as [`audit`] does, with these advisories.
pub fn audit_against(
    advisories: &Advisories,
    snapshot: &Snapshot,
    program: &Program,
    directives: Vec<Directive>,
    today: jiff::civil::Date,
) -> Outcome {
    let engine = Engine::new(&snapshot.app);
    let access = access::all(&engine, &program.words);
    let flows = Sinks::new(program.flows().map(|(id, matcher)| FlowRule { id: id.as_str(), matcher }));
    let analysis = analyse(&snapshot.app, &flows);
    let mut facts = facts(snapshot, program, &engine, &access);
    facts.extend(code::facts(&snapshot.app, &analysis, &program.words, &access, &snapshot.texts));
    let exposing = || packages::exposing(&snapshot.app, &analysis, &access);
    let audited = packages::audited(snapshot, advisories, exposing);
    facts.extend(packages::facts(&audited, snapshot));
    facts.extend(vendored::facts(&snapshot.app));
    let mut found: BTreeMap<(RuleId, String), Finding> = BTreeMap::new();
    for rule in program.rules.values() {
        match &rule.matcher {
            Matcher::Permission(matcher) => {
                for fact in access.iter().filter_map(|access| access.matches(matcher)) {
                    add(&mut found, finding(rule, &matcher.message, fact));
                }
            }
            Matcher::Facts(table, matcher) => {
                for fact in
                    facts.iter().filter(|fact| fact.table == *table && selects(matcher, fact, program, snapshot))
                {
                    add(&mut found, finding(rule, &matcher.message, fact.clone()));
                }
            }
            // What follows values through code tells these, for `Program::flows`.
            Matcher::Flow(matcher) => {
                for fact in code::of_flow(&snapshot.app, &analysis, rule, &snapshot.texts) {
                    add(&mut found, finding(rule, &matcher.message, fact));
                }
            }
            Matcher::Secret(matcher) => add_keys(&mut found, rule, matcher, snapshot),
            Matcher::Option(matcher) => {
                for fact in options::facts(&snapshot.app, program, rule, matcher) {
                    add(&mut found, finding(rule, &matcher.message, fact));
                }
            }
        }
    }
    let mut outcome = without_ignored(found, snapshot, program, directives, today);
    outcome.gaps = code::gaps(&analysis);
    outcome.gaps.extend(packages::gaps(&snapshot.app, advisories, today));
    outcome.packages = audited;
    outcome
}

/// What rules say of facts that were established elsewhere, the worst first.
pub fn of_facts(facts: &[Fact], program: &Program, snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in program.rules.values() {
        if let Matcher::Facts(table, matcher) = &rule.matcher {
            let selected =
                facts.iter().filter(|fact| fact.table == *table && selects(matcher, fact, program, snapshot));
            findings.extend(selected.map(|fact| finding(rule, &matcher.message, fact.clone())));
        }
    }
    sort(&mut findings);
    findings
}

/// The keys of the server that lie in files, with what each opens: the ways that no permission closes.
pub fn lost_keys(
    snapshot: &Snapshot,
    program: &Program,
    directives: Vec<Directive>,
    today: jiff::civil::Date,
) -> Vec<LostKey> {
    let mut found = BTreeMap::new();
    for rule in program.rules.values() {
        if let Matcher::Secret(matcher) = &rule.matcher {
            add_keys(&mut found, rule, matcher, snapshot);
        }
    }
    leaks::lost(without_ignored(found, snapshot, program, directives, today).findings, program, snapshot)
}

/// What remains where broader findings speak for narrower ones, and ignores apply.
fn without_ignored(
    found: BTreeMap<(RuleId, String), Finding>,
    snapshot: &Snapshot,
    program: &Program,
    directives: Vec<Directive>,
    today: jiff::civil::Date,
) -> Outcome {
    let (findings, covered) = drop_covered(found.into_values().collect(), program);
    let mut all = suppress::directives(&snapshot.texts);
    all.extend(directives);
    let known = KnownRules { active: program.rules.keys().collect(), left_out: &program.left_out };
    let applied = suppress::apply(findings, all, &snapshot.texts, &known, today);
    let mut findings = applied.findings;
    findings.extend(about_directives(&applied.directives, program, snapshot));
    sort(&mut findings);
    Outcome { findings, suppressed: applied.suppressed, covered, ..Outcome::default() }
}

fn facts(snapshot: &Snapshot, program: &Program, engine: &Engine<'_>, access: &[Access<'_>]) -> Vec<Fact> {
    let app = &snapshot.app;
    let roles = grants::as_users(app.role_names());
    let mut facts: Vec<Fact> = access.iter().flat_map(|access| grants::facts(engine, access, &roles)).collect();
    facts.extend(grants::facts_of_option(engine));
    facts.extend(access.iter().flat_map(rows::facts));
    facts.extend(roles::facts(app, access));
    facts.extend(stored::facts(app, &program.words, &|place| snapshot.texts.path(place).to_owned()));
    facts.extend(server::facts(engine, access));
    facts.extend(live::facts(app, access));
    facts.extend(probe::facts(app, engine));
    facts.extend(database::facts(app));
    facts.extend(options::facts_about_defaults(app, program));
    facts.extend(deploy::facts(app, &|place| snapshot.texts.path(place).to_owned()));
    for class in &app.other_descriptions {
        let Some(first) = app.classes.get(&class.name) else { continue };
        let mut fact =
            Fact::new("schema", "sources-disagree", class.name.to_string(), class.name_place()).about(&class.name);
        fact.related.push((first.name_place(), "the other description".to_owned()));
        facts.push(fact.word("file", snapshot.texts.path(&first.name_place())));
    }
    facts
}

fn selects(matcher: &FactMatcher, fact: &Fact, program: &Program, snapshot: &Snapshot) -> bool {
    let named =
        |list: &[String]| fact.class.as_ref().is_some_and(|class| list.iter().any(|name| name == class.as_str()));
    let reached = match matcher.reached_by {
        None => true,
        Some(Who::Anyone) => fact.reached_by.is_some(),
        Some(who) => fact.reached_by == Some(who),
    };
    let tagged = || {
        let Some(class) = fact.class.as_ref().and_then(|name| snapshot.app.classes.get(name)) else { return false };
        let mut fields = fact.fields.iter().filter_map(|name| Some((name, class.field(name.as_str())?)));
        fields.any(|(name, field)| {
            matcher.data.iter().any(|tag| program.words.tags(&class.name, name, field).contains(tag))
        })
    };
    matcher.is.iter().any(|kind| kind == fact.kind)
        && (matcher.classes.is_empty() || named(&matcher.classes))
        && !named(&matcher.except)
        && reached
        && (matcher.callers.is_empty() || fact.callers.is_some_and(|callers| matcher.callers.contains(&callers)))
        && (matcher.data.is_empty() || tagged())
}

fn finding(rule: &Rule, message: &str, fact: Fact) -> Finding {
    Finding {
        rule: rule.id.clone(),
        class: fact.class,
        subject: fact.subject,
        message: fill(message, &fact.words),
        at: fact.at,
        related: fact.related,
        path: fact.path,
        severity: fact.severity.unwrap_or(rule.severity),
        rows: fact.rows,
        standing: fact.standing,
    }
}

/// Adds the keys that a rule knows.
fn add_keys(
    found: &mut BTreeMap<(RuleId, String), Finding>,
    rule: &Rule,
    matcher: &SecretMatcher,
    snapshot: &Snapshot,
) {
    for (fact, more) in leaks::facts(rule, snapshot) {
        add(found, finding(rule, &format!("{}{more}", matcher.message), fact));
    }
}

/// Adds a finding; of two about the same thing the worse one stays, of equally bad
/// ones the first, and names the other's place.
fn add(found: &mut BTreeMap<(RuleId, String), Finding>, mut finding: Finding) {
    let key = (finding.rule.clone(), finding.subject.clone());
    let Some(first) = found.get_mut(&key) else { return drop(found.insert(key, finding)) };
    if finding.severity > first.severity {
        std::mem::swap(first, &mut finding);
        first.related.append(&mut finding.related);
    }
    if first.at != finding.at && !first.related.iter().any(|(at, _)| *at == finding.at) {
        first.related.push((finding.at, "also here".to_owned()));
    }
}

/// Takes out findings that another one about the same thing, or about all of it, speaks for.
fn drop_covered(findings: Vec<Finding>, program: &Program) -> (Vec<Finding>, Vec<Finding>) {
    let mut speakers: BTreeMap<(&RuleId, Option<ClassName>), BTreeSet<String>> = BTreeMap::new();
    for finding in &findings {
        for covered in program.rule(&finding.rule).into_iter().flat_map(|rule| &rule.covers) {
            speakers.entry((covered, finding.class.clone())).or_default().insert(finding.subject.clone());
        }
    }
    findings.into_iter().partition(|finding| {
        let speakers = speakers.get(&(&finding.rule, finding.class.clone()));
        !speakers.into_iter().flatten().any(|speaker| are_one(speaker, &finding.subject))
    })
}

/// Whether one of two subjects is the other or a part of it: `Order` and `Order.delete`,
/// `Order.delete` and its entry `Order.delete:*`.
fn are_one(a: &str, b: &str) -> bool {
    let is_part = |part: &str, whole: &str| {
        part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
    };
    is_part(a, b) || is_part(b, a)
}

/// Findings about ignores themselves.
fn about_directives(
    directives: &[(Directive, suppress::Fault)],
    program: &Program,
    snapshot: &Snapshot,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (directive, fault) in directives {
        let mut subject = format!("{}@{}", directive.written(), snapshot.texts.path(&directive.at));
        let number = seen.entry(subject.clone()).and_modify(|number| *number += 1).or_insert(1);
        if *number > 1 {
            subject = format!("{subject}#{number}");
        }
        let fact = Fact::new("ignore", fault.name(), subject, directive.at.clone())
            .word("name", directive.written())
            .word("reason", fault.reason());
        for rule in program.rules.values() {
            if let Matcher::Facts("ignore", matcher) = &rule.matcher
                && matcher.is.iter().any(|kind| kind == fact.kind)
            {
                findings.push(finding(rule, &matcher.message, fact.clone()));
            }
        }
    }
    findings
}

/// The worst first; of equally bad ones those with more rows at stake first.
fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let rows = |finding: &Finding| finding.rows.map_or(0, |rows| rows.reached);
        b.severity
            .cmp(&a.severity)
            .then(rows(b).cmp(&rows(a)))
            .then(a.rule.cmp(&b.rule))
            .then(a.subject.cmp(&b.subject))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Callers;
    use crate::severity::Severity;

    #[test]
    fn a_rule_about_callers_selects_handlers_that_they_may_call() {
        let matcher = "is = ['shared-state']\ncallers = ['anyone', 'signed-in']\nmessage = ''";
        let matcher: FactMatcher = toml::from_str(matcher).expect("a table");
        let program = Program::new(Vec::new(), crate::rules::words::Words::new(Vec::new()).expect("words"));
        let at = crate::model::Place::File { file: crate::model::FileId(0) };
        let fact = Fact::new("code", "shared-state", "main", at);
        let selected = |fact| selects(&matcher, &fact, &program, &Snapshot::default());
        assert!(selected(fact.clone().called_by(Callers::SignedIn)));
        assert!(!selected(fact.clone().called_by(Callers::Master)) && !selected(fact));
    }

    #[test]
    fn of_two_findings_about_the_same_the_worse_one_stays_and_else_the_first() {
        let rule = crate::rules::loader::built_in().expect("rules").remove(0);
        let found = |number, severity| {
            let at = crate::model::Place::File { file: crate::model::FileId(number) };
            let fact = Fact::new("rows", "any", "Order", at);
            finding(&rule, "", Fact { severity: Some(severity), ..fact })
        };
        let files = |rated: [Severity; 2]| {
            let mut all = BTreeMap::new();
            for (number, severity) in (0..).zip(rated) {
                add(&mut all, found(number, severity));
            }
            let finding = all.into_values().next().expect("a finding");
            (finding.at.file().0, finding.related.iter().map(|(place, _)| place.file().0).collect::<Vec<_>>())
        };
        assert_eq!(files([Severity::Low, Severity::High]), (1, vec![0]));
        assert_eq!(files([Severity::High, Severity::High]), (0, vec![1]));
    }

    #[test]
    fn a_finding_speaks_for_its_subject_and_parts_of_it() {
        assert!(are_one("Order", "Order.delete") && are_one("Order.delete:*", "Order.delete"));
        assert!(!are_one("Order.delete", "Order.update") && !are_one("Order", "OrderLine"));
    }
}
