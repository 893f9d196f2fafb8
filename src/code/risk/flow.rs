//! Rules with a table `[flow]`: values that reach a call.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::code::event::{Event, What};
use crate::code::guards::Flag;
use crate::code::shape::Shape;
use crate::code::taint::{Clean, From, Taint};
use crate::code::value::{Kind, Value};
use crate::rules::flow::{Cleaner, FlowMatcher, Position, Sink};

use super::{Risk, Scene, names};

/// A `[flow]` rule.
#[derive(Debug, Clone, Copy)]
pub struct FlowRule<'r> {
    /// Its id.
    pub id: &'r str,
    /// What it asks for.
    pub matcher: &'r FlowMatcher,
}

pub use crate::rules::flow::Source;

/// The `[flow]` rules, by what is called.
#[derive(Debug, Default)]
pub struct Sinks<'r> {
    rules: Vec<FlowRule<'r>>,
    /// Number of the rule and its sink, by the last name of the call; `*` is any.
    by_last_name: FxHashMap<&'r str, Vec<(usize, &'r Sink)>>,
}

impl<'r> Sinks<'r> {
    /// All rules.
    pub fn new(rules: impl IntoIterator<Item = FlowRule<'r>>) -> Self {
        let rules: Vec<FlowRule<'r>> = rules.into_iter().collect();
        let mut by_last_name: FxHashMap<&str, Vec<(usize, &Sink)>> = FxHashMap::default();
        for (number, rule) in rules.iter().enumerate() {
            for sink in &rule.matcher.into {
                by_last_name.entry(sink.last_name()).or_default().push((number, sink));
            }
        }
        Self { rules, by_last_name }
    }

    /// The sinks that a call is, with their rules.
    fn called(&self, name: &str) -> impl Iterator<Item = (FlowRule<'r>, &'r Sink)> {
        let last = name.rsplit(['.', ' ']).next().unwrap_or(name);
        let named = [last, "*"].into_iter().filter_map(|last| self.by_last_name.get(last)).flatten();
        named
            .filter(move |(_, sink)| sink.is_called(name))
            .filter_map(|(number, sink)| Some((*self.rules.get(*number)?, *sink)))
    }
}

/// Judges a handler.
pub fn judge(scene: &Scene<'_, '_>, sinks: &Sinks<'_>, found: &mut Vec<Risk>) {
    for event in scene.events {
        let (name, args) = match &event.what {
            What::Call { path, args, is_new } => {
                (if *is_new && !path.starts_with("new ") { format!("new {path}") } else { path.to_string() }, args)
            }
            What::Method { path, args } => (path.replace("*.", "query."), args),
            _ => continue,
        };
        if event.guards.any(&[Flag::Master, Flag::Secret]) {
            continue;
        }
        for (rule, sink) in sinks.called(&name) {
            if let Some(taint) = reaching(scene, event, sink, args, rule.matcher) {
                let shown = name.replace("query.", "");
                let mut risk = scene.risk("", event).word("sink", shown.clone());
                risk.rule = Some(rule.id.to_owned());
                risk.by_staff = event.guards.any(&[Flag::Role, Flag::OwnColumn]);
                found.push(risk.by(&taint, &format!("reaches `{shown}`")));
            }
        }
    }
}

/// The value of the client that reaches a sink as the rule asks.
fn reaching(
    scene: &Scene<'_, '_>,
    event: &Event,
    sink: &Sink,
    args: &[Value],
    rule: &FlowMatcher,
) -> Option<Arc<Taint>> {
    let wanted: Vec<Value> = match sink.taken() {
        None => args.to_vec(),
        Some((number, names)) => parts(scene, args.get(number)?, &names),
    };
    let cleaners: Vec<Clean> = rule.cleared_by.iter().map(|cleaner| clean_of(*cleaner)).collect();
    let is_dirty = |taint: &Arc<Taint>| {
        let clean = event.clean(taint);
        // A link cannot choose the host that a browser names.
        let is_host = matches!(&*taint.name, "headers.host" | "hostname");
        !is_host
            && !is_of_upload(&taint.name)
            && rule.starts_at(source_of(taint))
            && !cleaners.iter().any(|cleaner| clean.any(*cleaner))
    };
    wanted.iter().find_map(|value| at_position(scene, value, sink.position, &is_dirty, 4))
}

/// Whether it is something that the server says of an uploaded file: where it put it.
fn is_of_upload(name: &str) -> bool {
    let of_file = name.strip_prefix("files.").or_else(|| name.strip_prefix("file."));
    of_file.is_some_and(|part| matches!(names::last(part), "path" | "filename" | "filepath" | "destination" | "size"))
}

/// The parts of a value that a dotted name means; in a list those of each element.
fn parts(scene: &Scene<'_, '_>, value: &Value, names: &[&str]) -> Vec<Value> {
    let Some((name, deeper)) = names.split_first() else { return vec![value.clone()] };
    let Some(object) = value.as_object().map(|id| scene.run.heap.get(id)) else { return Vec::new() };
    if matches!(object.shape, Shape::Array) {
        return object.items.iter().chain(&object.rest).flat_map(|item| parts(scene, item, names)).collect();
    }
    let part = object.props.get(*name).or(object.rest.as_ref());
    part.map(|part| parts(scene, part, deeper)).unwrap_or_default()
}

fn at_position(
    scene: &Scene<'_, '_>,
    value: &Value,
    position: Position,
    is_dirty: &dyn Fn(&Arc<Taint>) -> bool,
    depth: usize,
) -> Option<Arc<Taint>> {
    if depth == 0 {
        return None;
    }
    let own = || value.taint.as_ref().filter(|taint| is_dirty(taint)).cloned();
    match &value.kind {
        // Each may have been chosen where more is known.
        Kind::OneOf(values) => values.iter().find_map(|(value, chosen)| {
            let is_dirty = |taint: &Arc<Taint>| is_dirty(&taint.cleaned(chosen.clean(&taint.name)));
            at_position(scene, value, position, &is_dirty, depth - 1)
        }),
        Kind::Promise(settled) => at_position(scene, &settled.0, position, is_dirty, depth - 1),
        Kind::Joined(parts) => {
            let inside = |part: &Value| at_position(scene, part, Position::Anywhere, is_dirty, depth - 1);
            match position {
                Position::Whole => None,
                Position::Anywhere => parts.iter().find_map(inside),
                Position::Start => {
                    // A scheme alone leaves the host open.
                    let mut rest =
                        parts.iter().skip_while(|part| part.as_text().is_some_and(|text| leaves_host_open(text)));
                    rest.next().and_then(inside)
                }
                Position::AfterStart => {
                    let first_is_fixed = parts.first().is_some_and(|first| match first.as_text() {
                        Some(text) => !leaves_host_open(text),
                        None => first.taint.is_none(),
                    });
                    if first_is_fixed { parts.iter().skip(1).find_map(inside) } else { None }
                }
            }
        }
        Kind::Object(id) => {
            let object = scene.run.heap.get(*id);
            match position {
                Position::Anywhere => {
                    let inside = object.props.values().chain(&object.items).chain(&object.rest);
                    inside
                        .take(64)
                        .find_map(|value| at_position(scene, value, position, is_dirty, depth - 1))
                        .or_else(own)
                }
                _ => own(),
            }
        }
        _ => match position {
            Position::AfterStart => None,
            _ => own(),
        },
    }
}

fn leaves_host_open(text: &str) -> bool {
    text.is_empty() || matches!(text, "http://" | "https://" | "http" | "https" | "://" | "//" | "ftp://" | "file://")
}

fn clean_of(cleaner: Cleaner) -> Clean {
    match cleaner {
        Cleaner::Number => Clean::NUMBER,
        Cleaner::Text => Clean::TEXT,
        Cleaner::EscapedRegex => Clean::REGEX,
        Cleaner::EncodedUrl => Clean::URL,
        Cleaner::EscapedHtml => Clean::HTML,
        Cleaner::AllowList => Clean::ALLOWED,
        Cleaner::BaseName => Clean::BASE_NAME,
        Cleaner::Hashed => Clean::HASHED,
    }
}

fn source_of(taint: &Taint) -> Source {
    match taint.from {
        From::Parameters => Source::Parameters,
        From::Body if taint.name.starts_with("params") => Source::Parameters,
        From::Body => Source::Body,
        From::Headers => Source::Headers,
        From::TriggerObject => Source::TriggerObject,
        From::TriggerInput => Source::File,
        From::OwnColumn => Source::OwnColumn,
    }
}
