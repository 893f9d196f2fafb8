//! Ways through code in words, for `who-can`, `can` and `explain`.

use std::collections::BTreeMap;

use crate::audit::fact::in_words;
use crate::code::analysis::Analysis;
use crate::code::entry::EntryKind;
use crate::code::uses::{Columns, Use};
use crate::model::{App, Callers, Class, Known, Operation, Place, Principal};
use crate::permit::Engine;
use crate::reach::{self, By, Way};
use crate::report::Report;

/// So many ways are explained, and so many columns are named.
const MOST: usize = 3;

/// A way in one line: `function exportOrders (anyone, master key, cloud/export.js:9)`.
pub fn line(way: &Way<'_>, app: &App, report: &Report<'_>) -> String {
    let mut parts = vec![who(&way.by)];
    if way.used.own_rows {
        parts.push("own rows only".to_owned());
    }
    if way.used.any_class {
        parts.push("of any class the caller names".to_owned());
    }
    parts.push("master key".to_owned());
    parts.extend(way.at(app).map(|place| in_short(report, &place)));
    let told = told(way.used).map(|told| format!("; {told}")).unwrap_or_default();
    format!("{} ({}){told}", way.handler.kind.words(), parts.join(", "))
}

/// Who sets off a handler.
pub fn who(by: &By) -> String {
    let (ops, class, clients, callers) = match by {
        By::Callers(callers) => return callers.words().to_owned(),
        By::Doers { callers, .. } if *callers >= Callers::Master => return callers.words().to_owned(),
        By::Doers { ops, class, clients, callers } => (ops, class, clients, callers),
    };
    let ops: Vec<&str> = ops.iter().map(|op| op.key()).collect();
    let may = format!("may {} {class}", ops.join(" or "));
    let all = match callers {
        Callers::Anyone => format!("whoever {may}"),
        Callers::SignedIn | Callers::Role | Callers::Master | Callers::Server => {
            format!("{} who {may}", callers.words())
        }
    };
    match clients {
        Known::Unread(_) => all,
        Known::Read(clients) if clients.is_empty() => format!("{all}: nobody without a key"),
        Known::Read(clients) => format!("{all}: {}", in_words(clients.iter().map(client))),
    }
}

fn client(who: &Principal) -> String {
    match who {
        Principal::Public => "anyone".to_owned(),
        Principal::AnyUser => "any signed-in user".to_owned(),
        who => who.to_string(),
    }
}

/// What the caller is told of rows that are read, where that is less than the rows.
fn told(used: &Use) -> Option<String> {
    match &used.columns {
        _ if used.does.writes() => None,
        Columns::None => Some("gives nothing of them back".to_owned()),
        Columns::Named(names) => {
            let named: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
            let more = names.len() - named.len();
            let more = if more > 0 { format!(" and {more} more columns") } else { String::new() };
            Some(format!("gives back {}{more}", if more.is_empty() { in_words(named) } else { named.join(", ") }))
        }
        Columns::All | Columns::Unknown => None,
    }
}

/// The file and line of a place.
pub fn in_short(report: &Report<'_>, place: &Place) -> String {
    match report.region(place) {
        Some(region) => format!("{}:{}", report.path(place), region.line),
        None => report.path(place),
    }
}

/// What code leaves open about an operation on a class: triggers that have a say in it, rows
/// of a class that is not known, handlers that were not followed to the end.
pub fn unsure(
    engine: &Engine<'_>,
    analysis: &Analysis,
    report: &Report<'_>,
    class: &Class,
    op: Operation,
) -> Vec<String> {
    let app = engine.app;
    let at = |pos| reach::located(app, pos).map(|place| format!(" ({})", in_short(report, &place))).unwrap_or_default();
    let mut lines: Vec<String> = deciding(analysis, class, op)
        .map(|(subject, pos)| format!("{subject}{}: it may refuse or change what permissions allow", at(pos)))
        .collect();
    for way in reach::with_master_key(engine, analysis) {
        if reach::class_of(app, way.used).is_none()
            && !way.used.any_class
            && way.is_open_to_clients()
            && reach::does(way.used, op)
        {
            let verb = way.used.does.verb();
            lines.push(format!(
                "{}{}: {verb} rows of a class that is not known here, with the master key",
                way.handler.kind.words(),
                at(way.used.at)
            ));
        }
    }
    lines.extend(analysis.cut.iter().map(|handler| format!("{handler}: too large to be followed to its end")));
    lines.dedup();
    lines
}

/// The triggers that may refuse an operation on a class or change what it gives.
fn deciding(
    analysis: &Analysis,
    class: &Class,
    op: Operation,
) -> impl Iterator<Item = (String, crate::code::value::Pos)> {
    reach::triggers(analysis, class, op).into_iter().filter_map(|handler| match &handler.kind {
        EntryKind::Trigger(trigger, _) if trigger.starts_with("before") || trigger == "afterFind" => {
            Some((handler.kind.subject(), handler.at))
        }
        EntryKind::Trigger(..) | EntryKind::Function(_) | EntryKind::Job(_) | EntryKind::Route(..) => None,
    })
}

/// What a handler does, with the places.
struct Done {
    name: String,
    what: Vec<(String, String)>,
}

/// What a principal reaches through handlers: one line for each.
pub fn reached(engine: &Engine<'_>, analysis: &Analysis, report: &Report<'_>, who: &Principal) -> Vec<String> {
    let app = engine.app;
    let mut handlers: BTreeMap<&EntryKind, Done> = BTreeMap::new();
    for way in reach::with_master_key(engine, analysis).iter().filter(|way| way.is_open_to(who)) {
        let named = || {
            let asks = match &way.by {
                By::Callers(Callers::Role) => " (for users with a role)".to_owned(),
                By::Callers(_) => String::new(),
                By::Doers { .. } => format!(" (set off by {})", self::who(&way.by)),
            };
            Done { name: format!("{}{asks}", way.handler.kind.words()), what: Vec::new() }
        };
        let Done { what: done, .. } = handlers.entry(&way.handler.kind).or_insert_with(named);
        let class = match reach::class_of(app, way.used) {
            Some(class) => class.to_owned(),
            None if way.used.any_class => "any class the caller names".to_owned(),
            None => "a class that is not known here".to_owned(),
        };
        let own = if way.used.own_rows { ", own rows only" } else { "" };
        let told = told(way.used).map(|told| format!(", {told}")).unwrap_or_default();
        let what = format!("{} {class}{own}{told}", way.used.does.verb());
        let at = way.at(app).map(|place| format!(" ({})", in_short(report, &place))).unwrap_or_default();
        if !done.iter().any(|(known, _)| *known == what) {
            done.push((what, at));
        }
    }
    let words = |Done { name, what }: Done| {
        let done: Vec<String> = what.into_iter().map(|(what, at)| format!("{what}{at}")).collect();
        format!("{name}: {}", done.join("; "))
    };
    handlers.into_values().map(words).collect()
}

/// The ways of a principal step by step, and the triggers that have a say.
pub fn explained(
    engine: &Engine<'_>,
    analysis: &Analysis,
    report: &Report<'_>,
    class: &Class,
    (op, field, asking): (Operation, Option<&str>, &Principal),
) -> Vec<(String, String)> {
    let app = engine.app;
    let field = field.map(Into::into);
    let all = reach::ways(engine, analysis, class, op, field.as_ref());
    let open: Vec<&Way<'_>> =
        all.iter().filter(|way| way.is_master() && asking.is_client() && way.is_open_to(asking)).collect();
    let mut lines = Vec::new();
    for way in open.iter().take(MOST) {
        lines.push(("thru".to_owned(), line(way, app, report)));
        let mut hops: Vec<String> = way.hops(app).iter().map(|place| report.where_is(place)).collect();
        let calls = if hops.len() > 1 { hops.split_off(1) } else { Vec::new() };
        let calls = if calls.is_empty() { String::new() } else { format!(", calls at {}", calls.join(", then ")) };
        let at = way.at(app).map(|place| report.where_is(&place)).unwrap_or_default();
        let verb = way.used.does.verb();
        lines.push((
            String::new(),
            format!("registered at {}{calls}, {verb} rows with the master key at {at}", hops.join("")),
        ));
        lines.push((String::new(), guard(way)));
    }
    if open.len() > MOST {
        let more = open.len() - MOST;
        lines.push(("thru".to_owned(), format!("and {more} more; ask `who-can {op} {}`", class.name)));
    }
    for (subject, pos) in deciding(analysis, class, op) {
        let at = reach::located(app, pos).map(|place| format!(" ({})", report.where_is(&place))).unwrap_or_default();
        lines.push(("code".to_owned(), format!("{subject} runs as well, and may refuse or change it{at}")));
    }
    lines
}

/// The test that was passed on the way.
fn guard(way: &Way<'_>) -> String {
    let callers = match &way.by {
        By::Callers(callers) | By::Doers { callers, .. } => *callers,
    };
    let asked = match callers {
        Callers::Anyone => return "nothing on the way asks who is calling".to_owned(),
        Callers::SignedIn => "that somebody is signed in",
        Callers::Role => "that the caller has a role; which one is not told apart here",
        Callers::Master | Callers::Server => "for the master key or a secret",
    };
    let by = if way.handler.has_validator && way.handler.callers == callers {
        "the validator"
    } else {
        "a test in the code"
    };
    format!("{by} asks {asked}")
}
