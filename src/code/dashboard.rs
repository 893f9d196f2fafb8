//! What code says about the dashboards that it makes, as [`super::server`] tells of servers.
//!
//! A configuration is made of two arguments, and each option counts in one of them only. What
//! only development comes to is left out.
//!
//! Source: Parse Dashboard 1.1.0, 5.1.0 and 6.0.0, `Parse-Dashboard/app.js`: up to 1.1.0 the second
//! argument is `allowInsecureHTTP` itself.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::model::oddity::unescape;
use crate::model::{App, Place, Unit};

use super::guards::Flag;
use super::risk::around::{self, Around};
use super::run::Run;
use super::server::{Reader, Started};
use super::value::{Kind, Pos, Value};

/// Options that count in the second argument, and nowhere else.
pub const OF_SECOND: [&str; 5] =
    ["allowInsecureHTTP", "browserControl", "cookieSessionMaxAge", "cookieSessionSecret", "dev"];

/// The dashboards that a walk came to, in the order in which they are made.
pub fn made(app: &App, units: &[Unit], run: &Run<'_>) -> Vec<Started> {
    let loaded = BTreeSet::new();
    let around = Around { app, units, heap: &run.heap, events: &run.events, servers: &[], loaded: &loaded };
    let missing = Value::undefined();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for (event, args) in around::dashboards(&around).filter(|(event, _)| seen.insert(event.at)) {
        let (config, options) = (args.first().unwrap_or(&missing), args.get(1).unwrap_or(&missing));
        for config in outside_development(config) {
            for options in outside_development(options) {
                let mut made = Reader::new(run, units, event.at).started(&config);
                if made.places.get("").is_some_and(|at| is_for_development(at, &around)) {
                    continue;
                }
                keep(&mut made, |name| !OF_SECOND.contains(&name));
                let second = second(app, Reader::new(run, units, event.at), &options);
                made.options.extend(second.options);
                made.holes.extend(second.holes);
                made.fallbacks.extend(second.fallbacks);
                made.places.extend(second.places);
                leave_out_development(&mut made, &around);
                all.push(made);
            }
        }
    }
    all
}

/// What a value may be where not only development comes.
fn outside_development(value: &Value) -> Vec<Value> {
    let alternatives = value.alternatives().into_iter();
    alternatives.filter(|(_, guards)| !guards.has(Flag::Development)).map(|(value, _)| value).collect()
}

/// What the second argument says.
fn second(app: &App, mut reader: Reader<'_, '_>, options: &Value) -> Started {
    let is_plain =
        matches!(options.kind, Kind::Undefined | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_));
    let mut second = match options.as_object() {
        Some(_) => reader.started(options),
        None if takes_flag(app) => {
            let (name, pointer) = ("allowInsecureHTTP", "/allowInsecureHTTP");
            let flag = reader.value(options, pointer);
            let mut made = reader.done(flag.map(|flag| (name.to_owned(), flag)).into_iter().collect());
            let call = made.places.get("").cloned();
            made.places.extend(call.map(|at| (pointer.to_owned(), at)));
            made
        }
        // Such a value has no options.
        None if is_plain && options.test.is_none() => reader.started(&Value::undefined()),
        None => reader.started(options),
    };
    // What may set any option sets none that counts in the first argument.
    if second.holes.remove("") {
        let pointers = OF_SECOND.iter().map(|name| format!("/{name}"));
        let open: Vec<String> = pointers.filter(|pointer| !second.sets(pointer)).collect();
        second.holes.extend(open);
    }
    second.places.remove("");
    keep(&mut second, |name| OF_SECOND.contains(&name));
    second
}

/// Whether the version takes the flag itself as second argument.
fn takes_flag(app: &App) -> bool {
    let written = app.manifests.iter().filter_map(|manifest| manifest.version_of("parse-dashboard"));
    let fixed = |version: &str| semver::Version::parse(version.trim_start_matches(['~', '=', 'v'])).ok();
    written.filter_map(fixed).any(|version| version <= semver::Version::new(1, 1, 0))
}

/// Keeps of all options those with such names.
fn keep(made: &mut Started, is_kept: impl Fn(&str) -> bool) {
    // The empty pointer stands for the whole.
    let is_kept_at = |pointer: &String| pointer.split('/').nth(1).is_none_or(&is_kept);
    made.options.retain(|name, _| is_kept(name));
    made.holes.retain(is_kept_at);
    made.fallbacks.retain(|pointer, _| is_kept_at(pointer));
    made.places.retain(|pointer, _| is_kept_at(pointer));
}

/// Whether only development comes to a place. Files of JSON are read by themselves, whatever they
/// are called.
fn is_for_development(at: &Place, around: &Around<'_>) -> bool {
    let Place::Text { file, span } = at else { return false };
    let unit = around.units.iter().position(|unit| unit.file == *file && !unit.path.ends_with(".json"));
    unit.is_some_and(|unit| around.is_written_for_development(Pos { unit, span: *span }))
}

/// What stands where only development comes is not what the server has: it is not known.
fn leave_out_development(made: &mut Started, around: &Around<'_>) {
    let parts = made.places.iter().filter(|(pointer, at)| !pointer.is_empty() && is_for_development(at, around));
    let left_out: Vec<String> = parts.map(|(pointer, _)| pointer.clone()).collect();
    for pointer in left_out {
        take_out(made, &pointer);
        made.fallbacks.remove(&pointer);
        made.holes.insert(pointer);
    }
}

/// Takes out what is known of a part.
fn take_out(made: &mut Started, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let name = unescape(name);
    let Some(first) = parent.split('/').nth(1) else {
        made.options.remove(&name);
        return;
    };
    let below = parent.strip_prefix('/').and_then(|rest| rest.strip_prefix(first)).unwrap_or_default();
    match made.options.get_mut(&unescape(first)).and_then(|option| option.pointer_mut(below)) {
        Some(Json::Object(object)) => drop(object.remove(&name)),
        Some(Json::Array(list)) => {
            let item = name.parse::<usize>().ok().and_then(|number| list.get_mut(number));
            item.into_iter().for_each(|item| *item = Json::Null);
        }
        _ => {}
    }
}
