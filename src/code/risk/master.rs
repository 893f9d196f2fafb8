//! The master key for whoever calls (PA101), rows that the client names (PA102), classes
//! that the client chooses (PA103), work of administrators (PA112).

use crate::code::event::{Does, Event, RowsEvent, What};
use crate::code::guards::Flag;
use crate::code::heap::ObjectId;
use crate::code::run::Run;
use crate::code::shape::{ClassRef, Origin, Shape};
use crate::code::taint::{Clean, From};
use crate::code::value::Value;
use crate::model::Callers;
use crate::severity::Severity;

use super::answer::{columns_in, rows_in};
use super::{Reading, Risk, Scene, names};

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, found: &mut Vec<Risk>) {
    if !scene.is_called_directly() {
        return;
    }
    for (event, rows) in scene.rows() {
        if let Some(risk) = class_from_client(scene, event, rows) {
            found.push(risk);
        }
        if let Some(risk) = object_of_others(scene, event, rows) {
            found.push(risk);
        }
    }
    for (event, rows) in scene.rows() {
        if let Some(risk) = master_for_anyone(scene, event, rows) {
            found.push(risk);
        }
    }
    found.extend(scene.rows().filter_map(|(event, rows)| admin_work(scene, event, rows)));
}

/// What an event does, in words.
pub fn what(rows: &RowsEvent) -> String {
    match rows.class.name() {
        Some(class) => format!("{} `{class}`", rows.does.verb()),
        None => format!("{} rows", rows.does.verb()),
    }
}

fn master_for_anyone(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    if !rows.is_master() || !scene.is_open(event) || rows.selection.tied {
        return None;
    }
    if rows.row.is_some_and(|row| event.guards.owns(row)) || is_selected_by_secret(rows) {
        return None;
    }
    let class = rows.class.name();
    let handler = scene.entry.kind.subject();
    let is_entrance = names::is_entrance(&handler);
    // Its provider is no user; that nothing proves it to be the provider is reported.
    if rows.does.writes() && names::is_webhook(&handler) {
        return None;
    }
    let reads = !rows.does.writes();
    let whole = reads && gives_rows_whole(scene, event);
    let chosen = reads && gives_chosen_columns(scene, event);
    let is_every_row = rows.selection.by.is_empty() && rows.selection.fixed == 0;
    let severity = match rows.does {
        Does::Read | Does::Count => {
            // Rows that are not looked at tell at most whether they are there.
            if rows.does == Does::Read && !scene.is_used(rows, event) && !answers(scene) {
                return None;
            }
            if is_entrance || rows.class.is("_Role") {
                return None;
            }
            match (names::is_of_people(class), whole) {
                (true, true) => Severity::High,
                (true, false) if chosen && gives_contact(scene, event) => Severity::High,
                (true, false) if chosen || is_every_row => Severity::Medium,
                // What is told is whether they exist.
                (true, false) if signs_in(scene) || super::enumeration::by_address(scene, event, rows).is_some() => {
                    return None;
                }
                (true, false) => Severity::Low,
                (false, true) if class.is_some_and(names::is_made_public) => Severity::Low,
                (false, true) => Severity::High,
                (false, false) if chosen => return None,
                (false, false) if rows.does == Does::Count => Severity::Low,
                // Only some rows are looked at, and nothing of them is given back.
                (false, false) if !is_every_row => return None,
                (false, false) => Severity::Medium,
            }
        }
        Does::Create if class == Some("_User") || is_entrance => return None,
        Does::Create => Severity::Medium,
        Does::Update if is_counter(rows) => Severity::Low,
        Does::Update | Does::Delete if is_entrance && class == Some("_User") => return None,
        Does::Update if is_just_made(scene, rows) => return None,
        Does::Update if signs_in(scene) && rows.selection.by.is_empty() => Severity::Low,
        Does::Update | Does::Delete if names::is_of_people(class) => Severity::Critical,
        Does::Update | Does::Delete => Severity::High,
    };
    let aggregates = rows.does == Does::Read && is_every_row && !whole && !chosen;
    let (what, reading) = match class.filter(|_| aggregates && answers(scene)) {
        Some(class) => (format!("reads all rows of `{class}` to work out its answer"), Some(Reading::Sum)),
        None => (what(rows), reading(rows)),
    };
    let risk = scene.risk("master-key-for-anyone", event).word("what", what).about(class).rated(severity);
    Some(Risk { reading, ..risk })
}

fn reading(rows: &RowsEvent) -> Option<Reading> {
    (rows.does == Does::Read).then_some(Reading::Rows)
}

/// Whether somebody signs up or in there.
fn signs_in(scene: &Scene<'_, '_>) -> bool {
    scene.events.iter().any(|event| match &event.what {
        What::Call { path, .. } => &**path == "Parse.User.logIn",
        What::Rows(rows) => &*rows.method == "signUp",
        _ => false,
    })
}

/// Whether an answer has columns by which people are reached, of rows that were fetched here.
fn gives_contact(scene: &Scene<'_, '_>, event: &Event) -> bool {
    gives(scene, event, |run, value| {
        let columns = columns_in(run, value).into_iter();
        columns.filter(|(_, column)| names::is_contact(column)).map(|(row, _)| row).collect()
    })
}

/// Whether a row is changed that the handler itself made.
fn is_just_made(scene: &Scene<'_, '_>, rows: &RowsEvent) -> bool {
    rows.row.is_some_and(
        |row| matches!(&scene.run.heap.get(row).shape, Shape::Row(info) if matches!(info.origin, Origin::New)),
    )
}

/// Whether only numbers are counted up.
fn is_counter(rows: &RowsEvent) -> bool {
    let counts =
        |column: &str| names::has_any(column, &["count", "views", "hits", "visits", "likes", "clicks", "plays"]);
    !rows.written.is_empty()
        && rows
            .written
            .iter()
            .all(|(column, value, _)| value.taint.is_none() && column.as_text().is_some_and(|column| counts(column)))
}

/// Whether rows are found only by one who was told a secret of theirs.
fn is_selected_by_secret(rows: &RowsEvent) -> bool {
    rows.selection.by.iter().any(|(column, _)| names::is_secret(column) && !names::is_one_time_code(column))
}

fn answers(scene: &Scene<'_, '_>) -> bool {
    scene.events.iter().any(|event| matches!(&event.what, What::Answer { refuses: false, .. }))
}

/// Whether rows that were fetched here are given back as they are.
pub fn gives_rows_whole(scene: &Scene<'_, '_>, event: &Event) -> bool {
    gives(scene, event, rows_in)
}

/// Whether what is given back is made of single columns of the rows fetched here.
pub fn gives_chosen_columns(scene: &Scene<'_, '_>, event: &Event) -> bool {
    gives(scene, event, |run, value| columns_in(run, value).into_iter().map(|(row, _)| row).collect())
}

/// Whether an answer to users has rows that were fetched here among those that `inside` finds.
fn gives(scene: &Scene<'_, '_>, event: &Event, inside: impl Fn(&Run<'_>, &Value) -> Vec<ObjectId>) -> bool {
    scene.events.iter().any(|other| match &other.what {
        What::Answer { value, refuses: false } if scene.is_for_users(other) => inside(scene.run, value)
            .into_iter()
            .any(|row| scene.run.heap.get(row).at == Some(event.at) && !other.guards.owns(row)),
        _ => false,
    })
}

fn object_of_others(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    if !rows.is_master() || rows.selection.tied || !scene.is_for_users(event) || event.guards.has(Flag::OwnColumn) {
        return None;
    }
    if rows.does == Does::Create || rows.does == Does::Count {
        return None;
    }
    if rows.row.is_some_and(|row| event.guards.owns(row)) || is_selected_by_secret(rows) {
        return None;
    }
    let by = rows.selection.by.iter().find(|(column, taint)| {
        let narrows = event.clean(taint).any(Clean::ALLOWED);
        let trusted = taint.from == From::OwnColumn || event.guards.ties(&taint.name);
        !narrows
            && !trusted
            && selects_one(column)
            && (rows.does.writes() || names_one(column) || names_one(&taint.name))
    })?;
    let class = rows.class.name();
    if rows.class.is("_Role") || (rows.does == Does::Read && class == Some("_Installation")) {
        return None;
    }
    if names::is_entrance(&scene.entry.kind.subject()) && rows.does == Does::Read {
        return None;
    }
    let severity = match rows.does {
        Does::Read => {
            // A look-up of somebody whose row is changed below is reported there.
            let chosen = || scene.is_used(rows, event) && gives_chosen_columns(scene, event);
            if !(gives_rows_whole(scene, event) || chosen()) {
                return None;
            }
            if names::is_of_people(class) { Severity::High } else { Severity::Medium }
        }
        Does::Update if is_counter(rows) => return None,
        Does::Update | Does::Delete if names::is_of_people(class) => Severity::Critical,
        _ => Severity::High,
    };
    let callers = super::callers(scene.entry, &event.guards);
    let severity =
        if callers == Callers::SignedIn && severity == Severity::Critical { Severity::High } else { severity };
    let what = what(rows);
    let end = format!("{what} with the master key");
    let said = format!("{what} with the master key, chosen by `{}`", by.1.name);
    let mut risk =
        scene.risk("object-of-others", event).word("what", said).about(class).rated(severity).by(&by.1, &end);
    if let Some(at) = rows.selection.at.filter(|at| *at != risk.at) {
        risk.related.push((at, "selected here".to_owned()));
    }
    risk.reading = reading(rows);
    Some(risk)
}

/// Whether a column mostly selects single rows: ids, pointers, names, addresses.
fn selects_one(column: &str) -> bool {
    let free = [
        "status",
        "state",
        "type",
        "category",
        "createdat",
        "updatedat",
        "date",
        "lang",
        "language",
        "country",
        "city",
    ];
    !free.contains(&column.to_ascii_lowercase().as_str())
}

/// Whether a name is of something that only one row has: an id, a person, an address.
fn names_one(name: &str) -> bool {
    let last = names::last(name);
    let lower = last.to_ascii_lowercase();
    last == "id"
        || last.ends_with("Id")
        || last.ends_with("ID")
        || lower.ends_with("_id")
        || lower == "objectid"
        || names::is_identity(last)
        || ["uuid", "username", "email", "phone", "mobile", "account", "customer", "token", "serial", "user", "owner"]
            .iter()
            .any(|word| lower.contains(word))
}

fn class_from_client(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    let ClassRef::Client(taint) = &rows.class else { return None };
    if !rows.is_master() || !scene.is_for_users(event) {
        return None;
    }
    if event.guards.clean(&taint.name).any(Clean::ALLOWED)
        || event.guards.any(&[Flag::Role, Flag::Master, Flag::OwnColumn])
    {
        return None;
    }
    let what = format!("{} rows", rows.does.verb());
    Some(scene.risk("class-from-client", event).word("what", what).rated(Severity::High).by(taint, "names the class"))
}

/// What only administrators should do, by the name of the handler, and who is signed in may do.
fn admin_work(scene: &Scene<'_, '_>, event: &Event, rows: &RowsEvent) -> Option<Risk> {
    let asks_no_role = scene.is_for_users(event) && !event.guards.any(&[Flag::OwnColumn, Flag::Development]);
    if !rows.is_master() || !rows.does.writes() || !asks_no_role || !names::is_admin_work(&scene.entry.kind.subject()) {
        return None;
    }
    if rows.selection.tied || is_just_made(scene, rows) || rows.row.is_some_and(|row| event.guards.owns(row)) {
        return None;
    }
    let class = rows.class.name();
    let what = match class {
        Some(class) => format!("{} `{class}`", rows.does.infinitive()),
        None => format!("{} rows", rows.does.infinitive()),
    };
    let severity = if names::is_of_people(class) { Severity::High } else { Severity::Medium };
    Some(scene.risk("admin-work-without-role", event).word("what", what).about(class).rated(severity))
}
