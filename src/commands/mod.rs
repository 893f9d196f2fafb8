//! From arguments to core types to a report. One file for each command, no logic.

mod advisories;
mod anchors;
mod asked;
mod by_key;
mod by_option;
mod cache;
mod can;
pub(crate) mod check;
mod drift;
mod environment;
mod explain;
mod explain_package;
mod heard;
mod load;
pub mod made_up;
mod osv;
pub mod panics;
mod quoted;
pub mod rule_cases;
mod rules;
mod running;
mod shell;
mod side;
mod snapshot;
mod staged;
mod through;
mod who_can;
pub mod words;

use std::io::{self, IsTerminal, Write};

use crate::cli::{Cli, ColorChoice, Command, Voice};
use crate::model::snapshot::Gap;
use crate::problem::Problem;
use crate::report::clean;
use crate::report::text::wrap;

/// Nothing at or over `--fail-on`.
pub const CLEAN: u8 = 0;
/// Findings.
pub const FOUND: u8 = 1;
/// Wrong use or configuration.
pub const WRONG_USE: u8 = 2;
/// Something could not be read.
pub const INCOMPLETE: u8 = 3;

/// Runs a command and gives the exit code. What is wrong with its use goes to standard error.
pub fn run(cli: &Cli) -> u8 {
    let done = match &cli.command {
        None => check::run(&cli.check, &cli.voice),
        Some(Command::Check(args)) => check::run(args, &cli.voice),
        Some(Command::WhoCan(args)) => who_can::run(args),
        Some(Command::Can(args)) => can::run(args),
        Some(Command::Snapshot(args)) => snapshot::run(args),
        Some(Command::Drift(args)) => drift::run(args, &cli.voice),
        Some(Command::Explain(args)) => explain::run(args),
        Some(Command::Rules(args)) => rules::run(args),
        Some(Command::Advisories { action }) => advisories::run(action.as_ref()),
        Some(Command::Completions { shell }) => shell::completions(*shell),
        Some(Command::Man) => shell::man(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            say_error(&format!("error: {error:#}"));
            WRONG_USE
        }
    }
}

/// Says what is wrong with arguments, or what they ask for (`--help`), and gives the exit code.
pub fn refuse(error: &clap::Error) -> u8 {
    let said = error.render().to_string();
    if error.use_stderr() && quoted::without_keys(&said) != said {
        say_error(&said);
    } else {
        let _ = error.print();
    }
    u8::try_from(error.exit_code()).unwrap_or(WRONG_USE)
}

/// What was typed or found is quoted, and may hold keys and escape sequences.
fn say_error(error: &str) {
    for line in quoted::without_keys(error).lines() {
        let _ = writeln!(io::stderr(), "{}", clean::text(line));
    }
}

/// The exit code of a command that only answers.
fn exit_code(problems: &[Problem]) -> u8 {
    if problems.is_empty() { CLEAN } else { INCOMPLETE }
}

/// Says what could have changed an answer and was not read.
fn write_gaps<'g>(out: &mut dyn Write, gaps: impl IntoIterator<Item = &'g Gap>) -> io::Result<()> {
    for gap in gaps {
        for line in wrap(&format!("Not checked: {}: {}", gap.topic, gap.reason), width()) {
            writeln!(out, "{}", clean::text(&line))?;
        }
    }
    Ok(())
}

/// Whether to use colours for what goes to standard output.
fn colors(voice: &Voice) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match voice.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR") => false,
        ColorChoice::Auto if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") => true,
        ColorChoice::Auto => io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// Whether the terminal can be expected to draw lines in Unicode.
fn unicode() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name));
    !locale.is_some_and(|locale| matches!(locale.as_str(), "C" | "POSIX"))
}

/// Columns of the terminal; 80 in a pipe.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    columns.filter(|columns| *columns >= 40).unwrap_or(80).min(100)
}
