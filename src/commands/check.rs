//! `check`: audit a repository.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;

use crate::audit;
use crate::cli::{CheckArgs, Voice};
use crate::code::requires;
use crate::problem::Problem;
use crate::read::Progress;
use crate::report::clean;
use crate::report::csv::CsvReporter;
use crate::report::github::GithubReporter;
use crate::report::json::JsonReporter;
use crate::report::sarif::SarifReporter;
use crate::report::text::TextReporter;
use crate::report::{Report, Reporter};
use crate::rules::Rule;
use crate::rules::program::Program;
use crate::severity::Severity;

use super::advisories;
use super::heard::{Heard, stdout};
use super::load::{Loaded, load_and_search};
use super::{CLEAN, FOUND, INCOMPLETE, anchors, colors, environment, quoted, unicode, width};

/// A report that was asked for.
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) file: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Sarif,
    Json,
    Github,
    Csv,
}

/// Runs the command.
pub fn run(args: &CheckArgs, voice: &Voice) -> Result<u8> {
    let outputs = outputs(&args.output)?;
    let names_lines = |output: &Output| matches!(output.format, Format::Sarif | Format::Github);
    // What a running app answers has no lines in the repository, but its lock has.
    let needs_lock = args.input.asks_a_running_app() && outputs.iter().any(names_lines);
    let lock = needs_lock.then(|| anchors::Lines::of(&args.path, &args.input)).transpose()?;
    let bar = Bar::default();
    let loaded = load_and_search(args, |program, settings| selected(program, args, &settings.check), &bar);
    bar.finish();
    let Loaded { settings, program, mut reading, directives, needs_app } = loaded?;
    let fail_on = severity(args.fail_on.as_deref(), "--fail-on")?.or(settings.check.fail_on).unwrap_or(Severity::High);
    let min = severity(args.min_severity.as_deref(), "--min-severity")?.or(settings.check.min_severity);
    let app = &reading.snapshot.app;
    let in_code = || app.code.read().is_some_and(|units| units.iter().any(requires::speaks_of_parse));
    let has_keys = app.hits.read().is_some_and(|hits| !hits.is_empty());
    if app.is_empty() && reading.problems.is_empty() && needs_app && !has_keys && !in_code() {
        bail!("{}", nothing_found(&args.path, reading.files, app));
    }
    let (advisories, problem) = advisories::known(&reading.snapshot.app)?;
    reading.problems.extend(problem);
    let mut outcome = audit::audit_against(&advisories, &reading.snapshot, &program, directives, today());
    let fails = outcome.findings.iter().any(|finding| finding.severity >= fail_on);
    if let Some(min) = min {
        outcome.findings.retain(|finding| finding.severity >= min);
    }
    let exit_code = match () {
        () if !reading.problems.is_empty() => INCOMPLETE,
        () if fails && !args.exit_zero => FOUND,
        () => CLEAN,
    };
    let anchored = lock.map(|lock| lock.anchor(&mut reading.snapshot, &outcome));
    let report_of = |outcome| {
        let mut report = Report::new(&reading.snapshot, outcome, &program, &reading.problems);
        report.files = reading.files;
        report.target = target(&args.path);
        report.app.clone_from(&settings.app);
        report.prefix = prefix(&args.path);
        report.fail_on = fail_on;
        report.exit_code = exit_code;
        report
    };
    for output in &outputs {
        let Some(anchored) = anchored.as_ref().filter(|_| names_lines(output)) else {
            write(output, &report_of(&outcome), voice)?;
            continue;
        };
        // What was not read whole would close alerts that are still true.
        if output.format == Format::Sarif && exit_code == INCOMPLETE {
            tell_unwritten(&reading.problems)?;
            continue;
        }
        let mut report = report_of(&anchored.outcome);
        report.unanchored.clone_from(&anchored.unanchored);
        report.category = format!("live/{}", environment::name(&args.input)?);
        write(output, &report, voice)?;
    }
    Ok(exit_code)
}

/// Says why there is no SARIF, which nothing else may say.
fn tell_unwritten(problems: &[Problem]) -> io::Result<()> {
    let mut out = io::stderr().lock();
    writeln!(out, "no SARIF was written, for it would close alerts that are still true")?;
    for problem in problems {
        writeln!(out, "{}", clean::text(&quoted::without_keys(&problem.to_string())))?;
    }
    Ok(())
}

/// What to say when there is nothing to audit.
fn nothing_found(path: &Path, files: usize, app: &crate::model::App) -> String {
    let looked = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    let path = path.display();
    let hint =
        "export the schema with the dashboard, with `GET /schemas` or with mongoexport, and put it into the repository";
    match app.server.version.read() {
        Some(found) => format!(
            "`{path}` is a Parse app (parse-server {}), but none of its {looked} describes a class; {hint}",
            found.version
        ),
        None => format!("no Parse app in `{path}`: none of its {looked} describes a class, a role or a server; {hint}"),
    }
}

pub(super) fn severity(word: Option<&str>, flag: &str) -> Result<Option<Severity>> {
    let Some(word) = word else { return Ok(None) };
    let known = Severity::ALL.map(Severity::word).join(", ");
    Severity::from_word(word)
        .map(Some)
        .ok_or_else(|| anyhow!("`{word}` is no severity for {flag}; expected one of {known}"))
}

fn selected(program: Program, args: &CheckArgs, check: &crate::settings::Check) -> Result<Program> {
    let list = |flags: &[String], settings: &[String]| -> BTreeSet<String> {
        let names = if flags.is_empty() { settings } else { flags };
        names.iter().flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).collect()
    };
    let (only, not) = (list(&args.select, &check.select), list(&args.ignore, &check.ignore));
    if let Some(unknown) = only.union(&not).find(|name| !program.rules.values().any(|rule| is_named(rule, name))) {
        bail!("no such rule: `{unknown}`; see `parse-audit rules list`");
    }
    let any = |names: &BTreeSet<String>, rule: &Rule| names.iter().any(|name| is_named(rule, name));
    Ok(program.select(|rule| (only.is_empty() || any(&only, rule)) && !any(&not, rule)))
}

/// Whether a rule is meant: by its id, the beginning of it before `*`, or one of its tags.
fn is_named(rule: &Rule, name: &str) -> bool {
    rule.id.as_str() == name
        || rule.tags.iter().any(|tag| tag == name)
        || name.strip_suffix('*').is_some_and(|start| rule.id.as_str().starts_with(start))
}

pub(super) fn outputs(given: &[String]) -> Result<Vec<Output>> {
    let mut outputs = Vec::new();
    for text in given {
        let (name, file) =
            text.split_once('=').map_or((text.as_str(), None), |(name, file)| (name, Some(PathBuf::from(file))));
        let format = match name {
            "text" => Format::Text,
            "sarif" => Format::Sarif,
            "json" => Format::Json,
            "github" => Format::Github,
            "csv" => Format::Csv,
            _ => bail!("`{name}` is no format for --output; expected one of text, sarif, json, github, csv"),
        };
        if file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
            bail!("`{text}` names no file; write `{name}=FILE`, or `{name}` for standard output");
        }
        outputs.push(Output { format, file });
    }
    if outputs.iter().filter(|output| output.file.is_none()).count() > 1 {
        bail!("only one report can go to standard output; give the others a file, such as `sarif=audit.sarif`");
    }
    if outputs.is_empty() {
        outputs.push(Output { format: Format::Text, file: None });
    }
    Ok(outputs)
}

pub(super) fn write(output: &Output, report: &Report<'_>, voice: &Voice) -> Result<()> {
    let to_terminal = output.file.is_none();
    let reporter: Box<dyn Reporter> = match output.format {
        Format::Text => Box::new(TextReporter {
            color: to_terminal && colors(voice),
            unicode: unicode(),
            width: width(),
            all: voice.verbose,
            quiet: voice.quiet,
            stop_word: (to_terminal && std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true"))
                .then(stop_word),
        }),
        Format::Sarif => Box::new(SarifReporter),
        Format::Json => Box::new(JsonReporter),
        Format::Github => Box::new(GithubReporter),
        Format::Csv => Box::new(CsvReporter),
    };
    let Some(file) = &output.file else {
        let mut out = BufWriter::new(stdout());
        reporter.write(report, &mut out)?;
        return Ok(out.flush()?);
    };
    // The name of the temporary file says nothing to anybody.
    to_file(file, |out| reporter.write(report, out))
        .map_err(|error| anyhow!("`{}` could not be written: {}", file.display(), crate::read::file::words(&error)))
}

/// Writes a file whole or not at all.
pub(super) fn to_file(file: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A device or pipe is written to, as is what a link leads to: replacing would take its place.
    if fs::symlink_metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        let mut out = BufWriter::new(Heard::new(fs::File::create(file)?));
        write(&mut out)?;
        return out.flush();
    }
    let mut out = BufWriter::new(tempfile::NamedTempFile::new_in(folder)?);
    write(&mut out)?;
    let temporary = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// A word that no source file can know.
fn stop_word() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("parse-audit-{:016x}", RandomState::new().hash_one(0))
}

fn target(path: &Path) -> String {
    path.display().to_string()
}

/// What stands before the paths of files: the audited folder, from where reports are read.
pub(super) fn prefix(path: &Path) -> String {
    let Ok(absolute) = path.canonicalize() else { return String::new() };
    let folder = if absolute.is_dir() { absolute.as_path() } else { absolute.parent().unwrap_or(&absolute) };
    let roots = [std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from), std::env::current_dir().ok()];
    let roots = roots.into_iter().flatten().filter_map(|root| root.canonicalize().ok());
    for root in roots {
        if let Ok(below) = folder.strip_prefix(&root) {
            let parts: Vec<String> =
                below.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            return if parts.is_empty() { String::new() } else { format!("{}/", parts.join("/")) };
        }
    }
    String::new()
}

/// The day on which ignores expire: today, or that of `SOURCE_DATE_EPOCH`.
pub(super) fn today() -> Date {
    let fixed = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse::<i64>().ok());
    let now = fixed.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()).unwrap_or_else(jiff::Timestamp::now);
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// A progress bar on a terminal, when there is much to read.
#[derive(Default)]
struct Bar(OnceLock<ProgressBar>);

/// Fewer bytes are read in the blink of an eye.
const MUCH: u64 = 64 << 20;

impl Progress for Bar {
    fn expect(&self, bytes: u64) {
        if bytes < MUCH || !io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new(bytes);
        if let Ok(style) =
            ProgressStyle::with_template("counting rows {bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left")
        {
            bar.set_style(style);
        }
        let _ = self.0.set(bar);
    }

    fn read(&self, bytes: u64) {
        if let Some(bar) = self.0.get() {
            bar.inc(bytes);
        }
    }
}

impl Bar {
    fn finish(&self) {
        if let Some(bar) = self.0.get() {
            bar.finish_and_clear();
        }
    }
}
