//! `can`: everything one principal reaches.

use std::io::Write;

use anyhow::Result;

use crate::audit::fact::in_words;
use crate::cli::CanArgs;
use crate::model::{Class, Known, Operation, Principal};
use crate::permit::{Caller, Cell, Engine, Reach};
use crate::report::clean;
use crate::report::text::wrap;
use crate::rules::program::Program;
use crate::rules::words::Tag;

use super::asked::Asked;
use super::explain::principal;
use super::heard::stdout;
use super::{by_key, exit_code, through, words, write_gaps};

/// Runs the command.
pub fn run(args: &CanArgs) -> Result<u8> {
    let asked = Asked::load(&args.path, &args.input, args.no_history, |_| Ok(()))?;
    let app = asked.app();
    let who = principal(&args.principal, app)?;
    let engine = Engine::new(app);
    let caller = engine.caller(&who);
    let mut out = stdout();
    writeln!(out, "what {} can do\n", clean::text(&who.to_string()))?;
    if let Principal::Role(role) = &who
        && let Some(populations) = app.roles.read().and_then(|roles| roles.populations())
        && let Some(population) = populations.get(role)
    {
        writeln!(out, "{}\n", words::holders(*population))?;
    }
    let classes: Vec<&Class> = app.classes.values().collect();
    let cells: Vec<(&Class, Vec<Cell>)> = classes
        .iter()
        .map(|class| (*class, Operation::ALL.iter().map(|op| engine.cell(&caller, class, *op)).collect()))
        .collect();
    let (open, closed): (Vec<_>, Vec<_>) = cells
        .into_iter()
        .partition(|(_, cells)| cells.iter().any(|cell| cell.known() != Some(Reach::None) || cell.dormant));
    table(&mut out, &open)?;
    if !closed.is_empty() {
        let names = closed.iter().map(|(class, _)| clean::text(class.name.as_str()).into_owned());
        for line in wrap(&format!("\nNothing on {}.", in_words(names)), super::width()) {
            writeln!(out, "{line}")?;
        }
    }
    personal(&mut out, &engine, &asked.program, &caller, &open)?;
    if who.is_client() {
        let report = asked.report();
        let ways = through::reached(&engine, &asked.analysis, &report, &who);
        listed(&mut out, "Through code, with the master key", &ways)?;
        let keys: Vec<String> = asked.keys.iter().map(|key| by_key::line(&engine, key, &report)).collect();
        listed(&mut out, "With keys that lie in files, past all permissions", &keys)?;
    }
    write_gaps(&mut out, &asked.reading.snapshot.gaps)?;
    Ok(exit_code(&asked.reading.problems))
}

fn table(out: &mut dyn Write, open: &[(&Class, Vec<Cell>)]) -> Result<()> {
    let names: Vec<String> = open.iter().map(|(class, _)| clean::text(class.name.as_str()).into_owned()).collect();
    let first = names.iter().map(String::len).max().unwrap_or(5).clamp(5, 30);
    write!(out, "{:<first$}", "class")?;
    for op in Operation::ALL {
        write!(out, "  {:<6}", op.key())?;
    }
    writeln!(out)?;
    for (name, (_, cells)) in names.iter().zip(open) {
        let mut line = format!("{name:<first$}");
        for (cell, op) in cells.iter().zip(Operation::ALL) {
            line.push_str(&format!("  {:<width$}", short(cell, op), width = op.key().len().max(6)));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    if open.iter().flat_map(|(_, cells)| cells).any(|cell| cell.dormant) {
        writeln!(out, "\npaper: the class grants it, and no row admits this principal")?;
    }
    if open.iter().flat_map(|(_, cells)| cells).any(|cell| cell.known().is_none()) {
        writeln!(out, "\n?: a fact is missing; see below")?;
    }
    Ok(())
}

/// A cell in at most six characters.
fn short(cell: &Cell, op: Operation) -> String {
    match (cell.reach, cell.rows) {
        (Known::Unread(_), _) => "?".to_owned(),
        (Known::Read(Reach::None), _) if cell.dormant => "paper".to_owned(),
        (Known::Read(Reach::None), _) => "-".to_owned(),
        (Known::Read(_), _) if !op.asks_rows() => "yes".to_owned(),
        (Known::Read(Reach::OwnRows), _) => "own".to_owned(),
        (Known::Read(Reach::SomeRows), Known::Read(rows)) => format!("{} %", rows.percent()),
        (Known::Read(Reach::SomeRows), Known::Unread(_)) => "some".to_owned(),
        (Known::Read(Reach::AllRows), Known::Read(_)) => "all".to_owned(),
        // The ACLs of the rows are not known and may take some away.
        (Known::Read(Reach::AllRows), Known::Unread(_)) => "<=all".to_owned(),
    }
}

/// Lines below a heading, if there are any.
fn listed(out: &mut dyn Write, heading: &str, lines: &[String]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "{heading}")?;
    for line in lines {
        for (number, line) in wrap(&clean::text(line), super::width() - 4).iter().enumerate() {
            writeln!(out, "{}{line}", if number == 0 { "  " } else { "    " })?;
        }
    }
    writeln!(out)?;
    Ok(())
}

fn personal(
    out: &mut dyn Write,
    engine: &Engine<'_>,
    program: &Program,
    caller: &Caller,
    open: &[(&Class, Vec<Cell>)],
) -> Result<()> {
    let mut lines = Vec::new();
    for (class, cells) in open {
        let reads = cells
            .iter()
            .zip(Operation::ALL)
            .any(|(cell, op)| matches!(op, Operation::Find | Operation::Get) && cell.is_open());
        let (true, Known::Read(visible)) = (reads, engine.visible(caller, class)) else { continue };
        let tagged = program.words.fields(class, &[Tag::Personal, Tag::Sensitive, Tag::Secret]);
        let seen: Vec<String> = tagged
            .iter()
            .filter(|field| visible.contains(*field))
            .map(|field| clean::text(field.as_str()).into_owned())
            .collect();
        if !seen.is_empty() {
            lines.push(format!("{}: {}", clean::text(class.name.as_str()), in_words(seen)));
        }
    }
    writeln!(out)?;
    if !lines.is_empty() {
        writeln!(out, "Fields it sees that are personal or secret by their names")?;
        for line in lines.iter().flat_map(|line| wrap(line, super::width() - 2)) {
            writeln!(out, "  {line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
