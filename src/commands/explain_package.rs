//! `explain` of a package or an advisory: what is published, and what was decided for the app.

use std::io::Write;

use anyhow::{Result, bail};

use crate::advisories::{Advisories, Advisory};
use crate::audit;
use crate::audit::packages::Audited;
use crate::cli::ExplainArgs;
use crate::report::text::wrap;
use crate::report::{Report, clean};
use crate::severity::Severity;

use super::heard::stdout;
use super::load::{Loaded, load};
use super::{advisories, check, exit_code};

/// Explains a package that advisories are about, or an advisory; `None` if it is neither.
pub fn run(what: &str, args: &ExplainArgs) -> Result<Option<u8>> {
    let embedded = Advisories::embedded().unwrap_or_default();
    let is_advisory = is_id(what) || embedded.find(what).is_some();
    let name = what.rfind('@').filter(|at| *at > 0).and_then(|at| what.get(..at)).unwrap_or(what);
    if !is_advisory && !embedded.knows(name) && !advisories::are_about(name) {
        return Ok(None);
    }
    let Loaded { program, mut reading, directives, .. } = load(&args.path, &args.input, args.no_history)?;
    let app = &reading.snapshot.app;
    let (known, problem) = advisories::known(app)?;
    reading.problems.extend(problem);
    let outcome = audit::audit_against(&known, &reading.snapshot, &program, directives, check::today());
    let mut report = Report::new(&reading.snapshot, &outcome, &program, &reading.problems);
    report.prefix = check::prefix(&args.path);
    let mut lines = Vec::new();
    if is_advisory {
        let judged = || outcome.packages.iter().flat_map(|package| &package.advisories);
        let found = judged().map(|judged| &judged.advisory).find(|advisory| advisory.is_named(what));
        let Some(advisory) = found.or_else(|| embedded.find(what)) else {
            bail!("no advisory `{}` is known about what is installed here", clean::text(what));
        };
        lines.extend(record(advisory));
        lines.extend(decisions(&outcome.packages, advisory, &report));
    } else {
        let of_name = |package: &&Audited| package.name == name && (name == what || package.subject() == what);
        for package in outcome.packages.iter().filter(of_name) {
            lines.extend((!lines.is_empty()).then(String::new));
            lines.extend(listed(package, &report));
        }
        if lines.is_empty() {
            let why = match known.collected(name) {
                None => "nobody looked for any; see `parse-audit advisories`".to_owned(),
                Some(day) => format!("of what was published until {day}"),
            };
            lines.push(format!("no advisory is known about an installed version of {name}: {why}"));
        }
    }
    let mut out = stdout();
    for line in lines {
        for line in wrap(&clean::text(&line), super::width()) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(Some(exit_code(&reading.problems)))
}

fn is_id(what: &str) -> bool {
    ["GHSA-", "CVE-", "MAL-"]
        .iter()
        .any(|start| what.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)))
}

/// A package with everything that is published about it.
fn listed(package: &Audited, report: &Report<'_>) -> Vec<String> {
    let places: Vec<String> = package.at.iter().map(|at| report.where_is(at)).collect();
    let mut lines = vec![format!("{} ({})", package.subject(), places.join(", ")), package.remedy.to_string()];
    for judged in &package.advisories {
        lines.push(String::new());
        lines.push(format!("{}  {}", judged.advisory.id, judged.in_words()));
        lines.extend(judged.advisory.caveat.as_ref().map(|caveat| format!("  note: {caveat}")));
    }
    lines
}

/// What an advisory says.
fn record(advisory: &Advisory) -> Vec<String> {
    let aliases =
        if advisory.aliases.is_empty() { String::new() } else { format!(" ({})", advisory.aliases.join(", ")) };
    let mut lines = vec![format!("{}{aliases}", advisory.id), advisory.summary.clone(), String::new()];
    let cwe: Vec<String> = advisory.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    lines.push(format!("severity  {}", advisory.severity.map_or("not rated", Severity::word)));
    if !cwe.is_empty() {
        lines.push(format!("weakness  {}", cwe.join(", ")));
    }
    for (package, ranges) in &advisory.affected {
        let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        lines.push(format!("versions  {package} {}", ranges.join("; ")));
    }
    lines.extend(advisory.precondition.as_ref().map(|needs| format!("needs     {needs}")));
    lines.extend(advisory.caveat.as_ref().map(|caveat| format!("note      {caveat}")));
    lines
}

/// What was decided about an advisory for each installed version.
fn decisions(packages: &[Audited], advisory: &Advisory, report: &Report<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for package in packages {
        for judged in package.advisories.iter().filter(|judged| judged.advisory.id == advisory.id) {
            let place = package.at.first().map(|at| format!(" ({})", report.where_is(at))).unwrap_or_default();
            lines.push(format!("here      {}{place}: {}", package.subject(), judged.exposure));
        }
    }
    if lines.is_empty() {
        lines.push("here      no version that it is about is installed".to_owned());
    }
    lines
}
