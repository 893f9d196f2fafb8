//! `drift`: what changed between two sides, by effect.

use std::collections::BTreeSet;
use std::io::{self, Write};

use anyhow::{Result, bail};

use crate::audit::{self, Outcome};
use crate::cli::{DriftArgs, Voice};
use crate::drift::facts::{Anchors, fact};
use crate::drift::{Change, Direction, Drift, drift, pending};
use crate::finding::Finding;
use crate::history::Origins;
use crate::lock::{Key, Lock};
use crate::model::place::is_of_running_app;
use crate::model::snapshot::{Gap, Snapshot};
use crate::problem::Problem;
use crate::report::text::wrap;
use crate::report::{Report, clean};
use crate::rules::program::Program;
use crate::severity::Severity;

use super::anchors::LOCK_FILE;
use super::check::{Format, Output, outputs, prefix, severity, write};
use super::heard::stdout;
use super::side::{Frame, Seen, Side};
use super::{CLEAN, FOUND, INCOMPLETE, anchors, environment, load, quoted, width};

/// So many commits are looked through for the one that brought some lines.
const MOST_COMMITS: usize = 10_000;

/// Runs the command.
pub fn run(args: &DriftArgs, voice: &Voice) -> Result<u8> {
    let (from, to) = (Side::parse(&args.from)?, Side::parse(&args.to)?);
    let outputs = outputs(&args.output)?;
    if args.input.sample.is_some() {
        bail!("`--sample` looks at some rows, and what changed is told of all of them");
    }
    if outputs.iter().any(|output| !matches!(output.format, Format::Text | Format::Json | Format::Sarif)) {
        bail!("drift is reported as text, json or sarif");
    }
    let fail_on = severity(args.fail_on.as_deref(), "--fail-on")?.unwrap_or(Severity::Info);
    let environment = environment::name(&args.input)?;
    if from.is_itself(&to, environment) {
        bail!("both sides are `{}`; compare it with another one, such as `drift lock code`", args.from);
    }
    let prepared = load::prepare(&args.path, &args.input, |program, _| Ok(program))?;
    let (settings, program) = (&prepared.config.settings, &prepared.program);
    let frame = Frame { path: &args.path, input: &args.input, settings, program, environment };
    let before = from.read(&frame, None)?;
    let now = to.read(&frame, Some(&before.lock))?;
    if before.committed.is_none() && outputs.iter().any(|output| output.format == Format::Sarif) {
        bail!("a report as SARIF points into a committed lock; compare from `lock` or `env:NAME`");
    }
    let is_ignored = |key: &Key| settings.drift.ignore.iter().any(|pattern| matches(pattern, &key.to_string()));
    let mut drift = drift(&before.lock, &now.lock, &is_ignored);
    if let Some(declared) = &now.declared {
        drift.changes.extend(pending(&now.lock, declared, &is_ignored));
    }
    let unused = unused(&settings.drift.ignore, (&before, &now));
    let problems: Vec<Problem> = before.problems.iter().chain(&now.problems).cloned().collect();
    let fails = drift.changes.iter().any(|change| change.severity >= fail_on);
    let exit_code = match () {
        () if !problems.is_empty() => INCOMPLETE,
        () if fails => FOUND,
        () => CLEAN,
    };
    let told = Told { drift, problems, unused };
    for output in &outputs {
        match (output.format, &output.file) {
            (Format::Text, None) => text(&mut stdout(), args, &told, (&before, &now), program)?,
            (Format::Text, Some(file)) => {
                super::check::to_file(file, |out| text(out, args, &told, (&before, &now), program))?
            }
            // What was not read whole would close alerts that are still true.
            (Format::Sarif, _) if exit_code == INCOMPLETE => {}
            _ => report(output, args, &told, &before, (program, exit_code, fail_on), voice)?,
        }
    }
    Ok(exit_code)
}

/// What is reported.
struct Told {
    drift: Drift,
    problems: Vec<Problem>,
    /// Patterns of `drift.ignore` that name nothing.
    unused: Vec<Gap>,
}

/// The patterns that no fact of a side is named by.
fn unused(patterns: &[String], (before, now): (&Seen, &Seen)) -> Vec<Gap> {
    if patterns.is_empty() {
        return Vec::new();
    }
    let locks = [Some(&before.lock), Some(&now.lock), now.declared.as_ref()].into_iter().flatten();
    let names: BTreeSet<String> = locks.flat_map(Lock::facts).map(|(key, _)| key.to_string()).collect();
    let unused = patterns.iter().filter(|pattern| !names.iter().any(|name| matches(pattern, name)));
    let gap = |pattern: &String| {
        Gap::new(format!("the pattern `{pattern}` of drift.ignore"), "no fact of either side has such a name")
    };
    unused.map(gap).collect()
}

/// Writes a report through the room that reports findings.
fn report(
    output: &Output,
    args: &DriftArgs,
    Told { drift, problems, unused }: &Told,
    before: &Seen,
    (program, exit_code, fail_on): (&Program, u8, Severity),
    voice: &Voice,
) -> Result<()> {
    let (path, text) = before.committed.clone().unwrap_or_else(|| (args.from.clone(), before.lock.write()));
    let anchors = Anchors::new(LOCK_FILE, &text);
    let facts: Vec<_> = drift.changes.iter().map(|change| fact(change, &anchors)).collect();
    let is_unanchored = |change: &&Change| change.parts.first().is_none_or(|part| !anchors.has(&part.key));
    let unanchored: BTreeSet<&str> =
        drift.changes.iter().filter(is_unanchored).map(|change| change.subject.as_str()).collect();
    let mut snapshot = Snapshot::default();
    anchors::add_lock(&mut snapshot, path, &text);
    let findings = audit::of_facts(&facts, program, &snapshot);
    let outcome = Outcome { findings, gaps: unused.clone(), ..Outcome::default() };
    let mut report = Report::new(&snapshot, &outcome, program, problems);
    report.target = format!("{} → {}", args.from, args.to);
    report.prefix = prefix(&args.path);
    report.fail_on = fail_on;
    report.exit_code = exit_code;
    let findings = outcome.findings.iter().filter(|finding| unanchored.contains(finding.subject.as_str()));
    report.unanchored = findings.map(Finding::fingerprint).collect();
    report.category = format!("live/{}", environment::name(&args.input)?);
    write(output, &report, voice)
}

fn text(
    out: &mut dyn Write,
    args: &DriftArgs,
    Told { drift, problems, unused }: &Told,
    (before, now): (&Seen, &Seen),
    program: &Program,
) -> io::Result<()> {
    writeln!(out, "drift {} → {}\n", clean::text(&args.from), clean::text(&args.to))?;
    let locked = before.lock.write();
    let anchors = Anchors::new(LOCK_FILE, &locked);
    let outcome = Outcome::default();
    let report = now.reading.as_ref().map(|reading| Report::new(&reading.snapshot, &outcome, program, &[]));
    let mut past = now.root.as_deref().map(|root| Origins::new(root, MOST_COMMITS));
    for change in &drift.changes {
        let found = audit::of_facts(&[fact(change, &anchors)], program, &Snapshot::default());
        let rule = found.first().map_or_else(String::new, |finding| format!("{}:", finding.rule));
        let head =
            format!("{}  {}  {rule}{}", change.direction.words().to_uppercase(), change.severity, change.subject);
        writeln!(out, "{}", clean::text(&head))?;
        hanging(out, "  ", &change.effect)?;
        for part in &change.parts {
            let origin = report.as_ref().and_then(|report| origin(&part.key, change, &now.lock, report, past.as_mut()));
            let origin = origin.map(|at| format!(" ({at})")).unwrap_or_default();
            hanging(out, "    ", &format!("{}{origin}", part.words))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", sum(drift))?;
    for Gap { topic, reason } in unused {
        hanging(out, "", &format!("{topic}: {reason}"))?;
    }
    for problem in problems {
        hanging(out, "", &format!("Not read: {}", quoted::without_keys(&problem.to_string())))?;
    }
    Ok(())
}

fn hanging(out: &mut dyn Write, margin: &str, text: &str) -> io::Result<()> {
    for line in wrap(&clean::text(text), width().saturating_sub(margin.len())) {
        writeln!(out, "{margin}{line}")?;
    }
    Ok(())
}

/// How much drift there is, in a line.
fn sum(drift: &Drift) -> String {
    let count = |is: &[Direction]| drift.changes.iter().filter(|change| is.contains(&change.direction)).count();
    let counts = [
        (count(&[Direction::Wider]), "wider"),
        (count(&[Direction::WillWiden, Direction::WillNarrow]), "pending"),
        (count(&[Direction::Unknown]), "unknown"),
        (count(&[Direction::Narrower]), "narrower"),
        (drift.ignored, "ignored by drift.ignore"),
        (drift.harmless, "without effect"),
    ];
    let told: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if told.is_empty() { "no drift".to_owned() } else { told.join(" · ") }
}

/// Where what is so now is written, and the commit that brought those lines, if a file of the repository says it.
fn origin(key: &Key, change: &Change, lock: &Lock, report: &Report<'_>, past: Option<&mut Origins>) -> Option<String> {
    let (app, texts) = (&report.snapshot.app, &report.snapshot.texts);
    let is_pending = matches!(change.direction, Direction::WillWiden | Direction::WillNarrow);
    let described = |name: &str| app.declared.get(name).filter(|_| is_pending).or_else(|| app.classes.get(name));
    if matches!(key.part(0), "function" | "job" | "trigger" | "route") {
        let files = lock.list(&[key.part(0), key.part(1), "file"])?;
        return Some(files.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    let place = anchors::place(app, &described, key)?;
    let path = texts.path(&place);
    if is_of_running_app(path) {
        return Some("live only".to_owned());
    }
    let line = report.region(&place).map_or_else(|| path.to_owned(), |region| format!("{path}:{}", region.line));
    let bytes = texts.span(&place).map(|span| span.start()..span.end());
    Some(match past.and_then(|past| past.of(path, bytes)) {
        Some(commit) => format!("{line}, {commit}"),
        None => line,
    })
}

/// Whether a text is as a pattern says, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("class._Session.*", "class._Session.allow.find"));
        assert!(matches("class.*.rows.*", "class.Order.rows.read.\"no ACL\""));
        assert!(matches("server.version", "server.version"));
        for (pattern, text) in [("server", "server.version"), ("*.rows", "class.rows.count"), ("a*b*c", "a-c-b")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        let known: BTreeSet<bool> = ["*", "**", "x*"].into_iter().map(|pattern| matches(pattern, "x")).collect();
        assert_eq!(known, BTreeSet::from([true]));
    }
}
