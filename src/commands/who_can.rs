//! `who-can`: every principal that reaches an operation on a class or a field, and
//! the proof over combinations of roles.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::{Result, anyhow, bail};

use crate::audit::fact::in_words;
use crate::cli::WhoCanArgs;
use crate::model::{App, Class, FieldName, Known, Operation, Principal};
use crate::permit::witness::Combinations;
use crate::permit::{Cell, Engine, Reach, Request};
use crate::reach::{self, Way};
use crate::report::text::wrap;
use crate::report::{Report, clean};

use super::asked::Asked;
use super::explain::{check_field, class, operation, target_of};
use super::heard::stdout;
use super::{by_key, exit_code, through, words, write_gaps};

/// Runs the command.
pub fn run(args: &WhoCanArgs) -> Result<u8> {
    let op = operation(&args.operation)?;
    let (name, field) = target_of(&args.target);
    let imagine = |app: &mut App| imagine(app, &args.with, &args.without);
    let asked = Asked::load(&args.path, &args.input, args.no_history, imagine)?;
    let (app, analysis, report) = (asked.app(), &asked.analysis, asked.report());
    let class = class(&name, app)?;
    let field = field.map(FieldName::from);
    if let Some(field) = &field {
        check_field(class, field.as_str())?;
    }
    let engine = Engine::new(app);
    let rows = access(&engine, class, op, field.as_ref());
    let rows = with_holders(rows, app);
    let combinations = engine.combinations(class, op, field.as_ref().filter(|_| op.is_read()));
    let ways = reach::ways(&engine, analysis, class, op, field.as_ref());
    let ways: Vec<&Way<'_>> = ways.iter().filter(|way| way.is_master()).collect();
    let mut out = stdout();
    let question = match &field {
        Some(field) => format!("who can {op} {name}.{field}"),
        None => format!("who can {op} {name}"),
    };
    let changed =
        if args.with.is_empty() && args.without.is_empty() { "" } else { ", as if roles were changed as asked" };
    writeln!(out, "{}{changed}\n", clean::text(&question))?;
    table(&mut out, &rows)?;
    let opened = through(&mut out, &ways, app, &report)?;
    for key in by_key::lines(&engine, &asked.keys, &report, (class, op, field.as_ref())) {
        hanging(&mut out, "THRU ", &key)?;
    }
    writeln!(out)?;
    let mut proof = proof(&combinations);
    if opened {
        proof.push_str(&format!(" This is about permissions; code opens {} beside them.", class.name));
    }
    for line in wrap(&proof, super::width()) {
        writeln!(out, "{}", clean::text(&line))?;
    }
    write_gaps(&mut out, asked.reading.snapshot.gaps.iter().filter(|gap| matters(&gap.topic)))?;
    for unsure in through::unsure(&engine, analysis, &report, class, op) {
        for line in wrap(&format!("Not checked: {unsure}"), super::width()) {
            writeln!(out, "{}", clean::text(&line))?;
        }
    }
    Ok(exit_code(&asked.reading.problems))
}

/// Writes the ways through code; says whether one of them is open to clients.
fn through(out: &mut dyn Write, ways: &[&Way<'_>], app: &App, report: &Report<'_>) -> Result<bool> {
    let (open, closed): (Vec<&Way<'_>>, Vec<&Way<'_>>) = ways.iter().copied().partition(|way| way.is_open_to_clients());
    for way in &open {
        hanging(out, "THRU ", &through::line(way, app, report))?;
    }
    if !closed.is_empty() {
        let named = closed.iter().map(|way| way.handler.kind.words());
        hanging(out, "", &format!("not open to clients: {}", in_words(named)))?;
    }
    Ok(!open.is_empty())
}

/// Writes a text behind a head; further lines begin below the text.
fn hanging(out: &mut dyn Write, head: &str, text: &str) -> io::Result<()> {
    let margin = head.len();
    for (number, line) in wrap(&clean::text(text), super::width() - margin).iter().enumerate() {
        writeln!(out, "{:<margin$}{line}", if number == 0 { head } else { "" })?;
    }
    Ok(())
}

/// Gaps that could change the answer; triggers are named one by one.
fn matters(topic: &str) -> bool {
    [
        "row ACLs",
        "roles",
        "inheritance",
        "permissions",
        "the server's version",
        "server options",
        "cloud code",
        "git history",
    ]
    .iter()
    .any(|part| topic.starts_with(part))
}

/// Changes the inheritance of roles as asked.
fn imagine(app: &mut App, with: &[String], without: &[String]) -> Result<()> {
    let all = app.role_names();
    for (text, add) in with.iter().map(|text| (text, true)).chain(without.iter().map(|text| (text, false))) {
        let (child, parent) =
            text.split_once(':').ok_or_else(|| anyhow!("`{text}` is no pair of roles; write CHILD:PARENT"))?;
        for role in [child, parent] {
            if !all.iter().any(|known| *known == role) {
                bail!("no such role: `{}`; known are {}", clean::text(role), in_words(&all));
            }
        }
        let roles = app.roles.read_mut();
        if add {
            let entry = roles.by_name.entry(parent.into()).or_insert_with(imagined);
            entry.children.insert(child.into());
        } else if let Some(role) = roles.by_name.get_mut(parent) {
            role.children.remove(child);
        }
    }
    Ok(())
}

/// A role that is named somewhere but has no row.
fn imagined() -> crate::model::roles::Role {
    crate::model::roles::Role {
        acl: crate::model::Acl::default(),
        children: std::collections::BTreeSet::new(),
        members: Known::default(),
        at: crate::model::Place::File { file: crate::model::FileId(0) },
    }
}

/// A principal, how far it reaches, and why.
struct Access {
    who: Principal,
    reach: String,
    why: String,
    cell: Cell,
}

fn access(engine: &Engine<'_>, class: &Class, op: Operation, field: Option<&FieldName>) -> Vec<Access> {
    let mut rows = Vec::new();
    for who in engine.principals() {
        let caller = engine.caller(&who);
        let mut cell = engine.cell(&caller, class, op);
        let decision = engine.decide(&Request { who: &who, op, class: &class.name });
        let mut why = decision.because.first().map(|reason| words::reason(reason, &who, class)).unwrap_or_default();
        let visible = engine.visible_in_reach(&caller, class);
        let hidden =
            field.filter(|field| op.is_read() && visible.read().is_some_and(|visible| !visible.contains(field)));
        if let (Some(field), true) = (hidden, cell.is_open()) {
            why = format!("reads the rows, but `{field}` is hidden");
            cell = Cell { reach: Known::Read(Reach::None), ..cell };
        }
        rows.push(Access { reach: words::reach(&cell, op), who, why, cell });
    }
    rows
}

/// The same, with how many users hold each role.
fn with_holders(mut rows: Vec<Access>, app: &App) -> Vec<Access> {
    let Some(populations) = app.roles.read().and_then(|roles| roles.populations()) else { return rows };
    for row in &mut rows {
        let Principal::Role(role) = &row.who else { continue };
        if let Some(population) = populations.get(role) {
            row.why = format!("{}; {}", row.why, words::holders(*population));
        }
    }
    rows
}

fn table(out: &mut dyn Write, rows: &[Access]) -> Result<()> {
    let public = rows.iter().find(|row| row.who == Principal::Public);
    let any_user = rows.iter().find(|row| row.who == Principal::AnyUser);
    let mut shown: Vec<(String, String, String)> = Vec::new();
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let who = clean::text(&row.who.to_string()).into_owned();
        let weaker = match &row.who {
            Principal::AnonymousUser | Principal::AnyUser => public.map(|weaker| ("public", weaker)),
            Principal::Owner(_) | Principal::Role(_) | Principal::User(_) => {
                any_user.map(|weaker| ("any-user", weaker))
            }
            Principal::Public | Principal::ReadOnlyMaster | Principal::Maintenance | Principal::Master => None,
        };
        match weaker {
            // What every user reaches is said once, not for every role.
            Some((name, weaker)) if weaker.cell == row.cell && weaker.reach == row.reach => {
                let same = format!("as {name}");
                if row.who.is_client() && !matches!(row.who, Principal::AnyUser | Principal::AnonymousUser) {
                    others.entry(same).or_default().push(who);
                } else {
                    shown.push((who, row.reach.clone(), same));
                }
            }
            _ => shown.push((who, row.reach.clone(), row.why.clone())),
        }
    }
    let column = |lengths: Box<dyn Iterator<Item = usize> + '_>| lengths.max().unwrap_or(0).min(28);
    let (first, second) =
        (column(Box::new(shown.iter().map(|row| row.0.len()))), column(Box::new(shown.iter().map(|row| row.1.len()))));
    for (who, reach, why) in &shown {
        let margin = first + second + 4;
        for (number, line) in wrap(&clean::text(why), super::width().saturating_sub(margin)).iter().enumerate() {
            if number == 0 {
                writeln!(out, "{who:<first$}  {reach:<second$}  {line}")?;
            } else {
                writeln!(out, "{:margin$}{line}", "")?;
            }
        }
    }
    for (same, principals) in others {
        let text = format!("{same}: {}", in_words(principals));
        for line in wrap(&text, super::width()) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// The proof over sets of roles in a sentence.
fn proof(combinations: &Combinations) -> String {
    let Combinations { sets, more, covered } = combinations;
    if *covered == 0 {
        return "No role is known, so there are no sets of roles to check.".to_owned();
    }
    let head = "Sets of two or three roles that reach more than their parts";
    if sets.is_empty() && !more {
        let sets = if *covered == 1 { "set" } else { "sets" };
        return format!("{head}: none (this covers {covered} {sets} of up to three roles).");
    }
    let named: Vec<String> = sets
        .iter()
        .take(8)
        .map(|set| set.iter().map(|role| format!("role:{role}")).collect::<Vec<_>>().join(" + "))
        .collect();
    let rest = if sets.len() > named.len() || *more {
        format!(" and more, {} in all", at_least(sets.len(), *more))
    } else {
        String::new()
    };
    format!("{head}: {}{rest}.", named.join("; "))
}

fn at_least(count: usize, more: bool) -> String {
    if more { format!("at least {count}") } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Roles;

    #[test]
    fn only_roles_that_are_known_can_be_changed() {
        let mut app = App { roles: Known::Read(Roles::default()), ..App::default() };
        assert!(imagine(&mut app, &["a:b".to_owned()], &[]).is_err());
        assert!(imagine(&mut app, &["ab".to_owned()], &[]).is_err());
    }
}
