//! From files of code to what their handlers do: loads the files as the server would,
//! then walks through each handler by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::model::{App, Unit};

use super::deep;
use super::entry::{Entry, EntryKind};
use super::environment::Environment;
use super::guards::{Flag, Guards};
use super::resolve::Project;
use super::risk::around::{self, Around};
use super::risk::{self, Risk};
use super::run::{Run, World};
use super::sdk::fields_known;
use super::uses::{self, Handler};
use super::value::{Kind, Pos, Value};

/// What code does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Analysis {
    /// Handlers, in the order of their subjects.
    pub handlers: Vec<Handler>,
    /// What is risky in them.
    pub risks: Vec<Risk>,
    /// Handlers, and files that are loaded, that were too large to be followed to the end.
    pub cut: Vec<String>,
    /// Files that no server loads although they register handlers.
    pub unloaded: Vec<usize>,
    /// Classes to whose rows a trigger gives an ACL.
    pub protected: BTreeSet<String>,
}

/// Columns that the app keeps users from writing, by class.
pub type Frozen = BTreeMap<String, Vec<String>>;

/// What is known of the app as a whole.
struct Facts<'a> {
    app: &'a App,
    frozen: Frozen,
    /// Whether its server knows validators of parameters.
    validators: bool,
}

/// Looks into all code of an app.
pub fn analyse(app: &App, sinks: &risk::Sinks<'_>) -> Analysis {
    let units = app.code.read().map_or(&[][..], Vec::as_slice);
    if units.is_empty() {
        return Analysis::default();
    }
    deep::run(|| all_of(app, units, sinks))
        .unwrap_or_else(|_| Analysis { cut: vec!["all handlers".to_owned()], ..Analysis::default() })
}

fn all_of(app: &App, units: &[Unit], sinks: &risk::Sinks<'_>) -> Analysis {
    let project = Project::new(app);
    let legacy_master = !runs_on_parse_server(&project, units);
    let environment = Environment::default();
    let world = World { units, project: &project, legacy_master, environment: &environment };
    let mut loader = Run::new(&world);
    loader.load_app();
    let unloaded = load_others(&mut loader, units);
    let entries = std::mem::take(&mut loader.entries);
    let file_wide = std::mem::take(&mut loader.file_wide);
    let entries = told_apart(entries, units);
    let loaded = std::mem::take(&mut loader.events);
    let servers = std::mem::take(&mut loader.servers);
    let cut = cut_files(&loader);
    let modules = Arc::new(std::mem::take(&mut loader.modules));
    let heap = Arc::new(std::mem::take(&mut loader.heap));
    let on = |entry: &Entry| {
        let mut run = Run::on(&world, Arc::clone(&heap), Arc::clone(&modules));
        run.master = entry.master;
        run
    };
    let facts = Facts { app, frozen: frozen(&entries, &on), validators: has_validators(&project) };
    let walked: Vec<Walked> = entries.par_iter().map(|entry| walk(on(entry), entry, &facts, sinks)).collect();
    let mut analysis = Analysis { unloaded, cut, ..Analysis::default() };
    let in_use: BTreeSet<usize> =
        modules.keys().copied().chain(walked.iter().flat_map(|one| one.loaded.clone())).collect();
    let around = Around { app, units, heap: &heap, events: &loaded, servers: &servers, loaded: &in_use };
    analysis.risks.extend(around::of_walk(&around));
    analysis.risks.extend(of_other_servers(&around, Run::on(&world, Arc::clone(&heap), Arc::clone(&modules))));
    let pairs = entries.iter().zip(walked.iter().map(|one| &one.handler));
    analysis.risks.extend(risk::callable_jobs(pairs, &loaded));
    for (mut one, entry) in walked.into_iter().zip(&entries) {
        // What no file loads runs only if something outside the repository loads it.
        if analysis.unloaded.contains(&entry.at.unit) {
            one.risks.iter_mut().for_each(risk::Risk::of_unloaded);
        }
        analysis.handlers.push(one.handler);
        analysis.risks.extend(one.risks);
        analysis.cut.extend(one.cut);
        analysis.protected.extend(one.protects);
    }
    analysis.risks.extend(risk::file_wide(&file_wide));
    analysis.risks.extend(risk::open_permissions(&loaded, &heap));
    // A file may be loaded in several handlers.
    analysis.cut.sort();
    analysis.cut.dedup();
    analysis.handlers.sort_by(|a, b| a.kind.cmp(&b.kind).then(a.at.cmp(&b.at)));
    analysis.risks.sort_by(|a, b| (a.kind, &a.subject, a.at).cmp(&(b.kind, &b.subject, b.at)));
    analysis
}

/// Whether the code runs on Parse Server, where `Parse.Cloud.useMasterKey()` does nothing.
fn runs_on_parse_server(project: &Project<'_>, units: &[Unit]) -> bool {
    project.manifests().any(|manifest| manifest.version_of("parse-server").is_some())
        || units.iter().any(|unit| super::requires::of(unit).iter().any(|name| &**name == "parse-server"))
}

/// Loads files that register handlers and that no file loaded in a way that was followed.
fn load_others(run: &mut Run<'_>, units: &[Unit]) -> Vec<usize> {
    let mut others = Vec::new();
    for index in 0..units.len() {
        if run.modules.contains_key(&index) {
            continue;
        }
        let registers = units.get(index).is_some_and(super::requires::registers);
        if registers {
            others.push(index);
            run.load(index);
        }
    }
    others
}

/// Judges files that start a server or a dashboard and that no known start leads to, and then
/// each file that is in use by itself.
fn of_other_servers(around: &Around<'_>, mut run: Run<'_>) -> Vec<Risk> {
    let starting = super::requires::starting(around.units, &["parse-server", "parse-dashboard"]);
    for index in starting.into_iter().filter(|index| !around.loaded.contains(index)) {
        run.load(index);
    }
    let loaded: BTreeSet<usize> = around.loaded.iter().chain(&run.loaded).copied().collect();
    let (events, servers) = (std::mem::take(&mut run.events), std::mem::take(&mut run.servers));
    let beside = Around { heap: &run.heap, events: &events, servers: &servers, loaded: &loaded, ..*around };
    let mut risks = around::of_walk(&beside);
    let files: Vec<usize> = loaded.iter().copied().collect();
    risks.extend(files.par_iter().flat_map_iter(|index| around::of_file(around.units, *index)).collect::<Vec<_>>());
    risks
}

/// Handlers of one name in several files get the file beside the name.
fn told_apart(mut entries: Vec<Entry>, units: &[Unit]) -> Vec<Entry> {
    let mut files: BTreeMap<EntryKind, BTreeSet<usize>> = BTreeMap::new();
    for entry in &entries {
        files.entry(entry.kind.clone()).or_default().insert(entry.at.unit);
    }
    for entry in &mut entries {
        if files.get(&entry.kind).is_some_and(|files| files.len() > 1) {
            entry.file = units.get(entry.at.unit).map(|unit| unit.path.clone());
        }
    }
    entries
}

/// Columns that triggers and validators keep users from writing.
fn frozen<'w>(entries: &[Entry], on: &impl Fn(&Entry) -> Run<'w>) -> Frozen {
    let mut frozen = Frozen::new();
    for entry in entries {
        if let (EntryKind::Trigger(trigger, _), Some(class)) = (&entry.kind, entry.kind.class())
            && trigger == "beforeSave"
        {
            // Who asks whether a column of a user was changed mostly refuses it.
            let mut asked = BTreeSet::new();
            if class == "_User" {
                let mut run = on(entry);
                start(&mut run, entry);
                asked = run.asked_dirty;
            }
            let names = entry.frozen.iter().chain(&asked).map(|name| name.to_string());
            frozen.entry(class.to_owned()).or_default().extend(names);
        }
    }
    frozen
}

/// Whether the server knows validators that tell the types of parameters: from 4.3 on.
fn has_validators(project: &Project<'_>) -> bool {
    let mut versions = project.manifests().filter_map(|manifest| manifest.version_of("parse-server"));
    let Some(version) = versions.next() else { return false };
    let mut numbers = version.split('.').map(|part| {
        let digits: String = part.chars().filter(char::is_ascii_digit).collect();
        digits.parse::<u32>().ok()
    });
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), minor) => (major, minor.unwrap_or(u32::MAX)) >= (4, 3),
        (None, _) => true,
    }
}

struct Walked {
    handler: Handler,
    risks: Vec<Risk>,
    protects: Option<String>,
    cut: Vec<String>,
    loaded: Vec<usize>,
}

/// Walks through one handler.
fn walk(mut run: Run<'_>, entry: &Entry, app: &Facts<'_>, sinks: &risk::Sinks<'_>) -> Walked {
    run.frozen = app.frozen.get("_User").map(|names| names.as_slice().into()).unwrap_or_else(|| Arc::from([]));
    let guards = start(&mut run, entry);
    let handler = Handler {
        kind: entry.kind.clone(),
        at: entry.at,
        callers: risk::callers(entry, &guards),
        has_validator: entry.has_validator,
        uses: uses::of(&run, entry),
    };
    let around = Around {
        app: app.app,
        units: run.world.units,
        heap: &run.heap,
        events: &run.events,
        servers: &[],
        loaded: &BTreeSet::new(),
    };
    let asked = around::of_requests(&around);
    let mut found = risk::of_handler(&mut run, entry, &app.frozen, sinks, app.validators);
    found.risks.extend(asked);
    let mut cut = cut_files(&run);
    cut.extend(run.cut.then(|| entry.kind.words()));
    Walked { handler, risks: found.risks, protects: found.protects, cut, loaded: run.loaded }
}

/// The files that were not loaded to their end.
fn cut_files(run: &Run<'_>) -> Vec<String> {
    let paths = run.cut_files.iter().filter_map(|index| run.world.units.get(*index));
    paths.map(|unit| format!("loading {}", unit.path)).collect()
}

/// Calls the handler as the server would; gives what is known at its start.
fn start(run: &mut Run<'_>, entry: &Entry) -> Guards {
    let at = entry.at;
    let mut guards = entry.guards.and(&fields_known(&entry.fields));
    if matches!(entry.kind, EntryKind::Job(_)) {
        guards = guards.and(&Guards::flag(Flag::Master));
    }
    run.path = Some(guards.clone());
    let request = run.request_of(entry, at);
    let answer = run.new_answer(at);
    if let Some(validator) = &entry.validator {
        let given = run.call_value(validator, &Value::undefined(), vec![request.clone()], at);
        run.wait_for(given);
        guards = run.guards();
        run.path = Some(guards.clone());
    }
    if let EntryKind::Route(_, path) = &entry.kind {
        run.route = Some(path.clone());
    }
    let is_route = run.route.is_some();
    let last = entry.handlers.len().saturating_sub(1);
    for (number, handler) in entry.handlers.iter().enumerate() {
        run.path = Some(guards.clone());
        if is_route && number < last {
            if !handler.is_function() {
                // Middleware of a package: what it tests cannot be seen.
                if names_guard(handler) {
                    guards = guards.and(&Guards::flag(Flag::Opaque));
                }
                continue;
            }
            let before = run.events.len();
            let passed = run.middleware(handler, &request, &answer, at);
            // Looking somebody up is the test itself.
            let mut number = 0;
            run.events.retain(|event| {
                number += 1;
                number <= before || !matches!(&event.what, super::event::What::Rows(rows) if !rows.does.writes())
            });
            match passed {
                Some(known) => guards = guards.and(&known),
                // It never calls on by itself: it answers, or hands `next` to something unknown.
                None => guards = guards.and(&Guards::flag(Flag::Opaque)),
            }
            continue;
        }
        let third = Value::path("next");
        let given = run.call_value(handler, &Value::undefined(), vec![request.clone(), answer.clone(), third], at);
        if !is_route {
            let given = run.wait_for(given);
            if run.path.is_some() && !matches!(given.kind, Kind::Undefined) {
                run.note(super::event::What::Answer { value: given, refuses: false }, at, &Guards::default());
            }
        }
    }
    guards
}

/// Whether middleware of a package is a test of who calls, by its name.
fn names_guard(handler: &Value) -> bool {
    let Some(path) = handler.as_path() else { return false };
    let path = path.to_ascii_lowercase();
    ["passport", "jwt", "auth", "basicauth", "session_required", "ensurelogged", "protect", "keycloak", "clerk"]
        .iter()
        .any(|word| path.contains(word))
}

/// Somewhere in a unit as a place in its file.
pub fn place(units: &[Unit], pos: Pos) -> Option<crate::model::Place> {
    let unit = units.get(pos.unit)?;
    Some(crate::model::Place::Text { file: unit.file, span: pos.span })
}
