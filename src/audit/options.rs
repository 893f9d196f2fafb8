//! Which options are such as rules of the table `[option]` ask, and whose word that is:
//! the configuration's, or only a default's.
//!
//! Defaults that are weak are one finding for a configuration, not thirty, as long as a
//! rule asks for the fact `weak-defaults`. What is high or critical is told by itself.

use semver::Version;
use serde_json::Value;

use crate::model::options::{Tree, Written};
use crate::model::{App, FileId, Place, RuleId};
use crate::rules::catalogue::{Change, Default, Direction, Part, changes, default_of};
use crate::rules::option::{Condition, OptionMatcher, ValueTest};
use crate::rules::program::Program;
use crate::rules::{Matcher, Rule};
use crate::severity::Severity;

use super::fact::{Fact, in_words};

/// Whose word it is that an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Configuration,
    /// The configuration's, unless the environment says otherwise.
    Fallback,
    Default,
}

/// An option that is as a rule asks.
struct Hit {
    name: String,
    value: Written,
    by: By,
    /// Whether nothing that is written has a part in it.
    rests_on_defaults: bool,
    at: Place,
}

/// What a rule finds.
pub fn facts(app: &App, program: &Program, rule: &Rule, matcher: &OptionMatcher) -> Vec<Fact> {
    let version = version(app);
    let mut facts = Vec::new();
    for tree in trees(app, matcher.of) {
        let configuration = Configuration { app, part: matcher.of, tree, version };
        for hit in configuration.find(matcher) {
            if hit.rests_on_defaults && is_grouped(program, rule) {
                continue;
            }
            let version = version.map(ToString::to_string).unwrap_or_default();
            let fact = Fact::new("option", "option", &hit.name, hit.at.clone());
            facts
                .push(fact.word("option", &hit.name).word("value", words(&hit.value, hit.by)).word("version", version));
        }
    }
    facts
}

/// Defaults of the version that are weak, one fact for each configuration, and those that will change.
pub fn facts_about_defaults(app: &App, program: &Program) -> Vec<Fact> {
    let mut facts = Vec::new();
    let Some(version) = version(app) else { return facts };
    for tree in trees(app, Part::Server) {
        let configuration = Configuration { app, part: Part::Server, tree, version: Some(version) };
        let mut weak: Vec<(Severity, &RuleId, Hit)> = Vec::new();
        for rule in program.rules.values().filter(|rule| is_grouped(program, rule)) {
            if let Matcher::Option(matcher) = &rule.matcher
                && matcher.of == Part::Server
            {
                let hits = configuration.find(matcher).into_iter().filter(|hit| hit.rests_on_defaults);
                weak.extend(hits.map(|hit| (rule.severity, &rule.id, hit)));
            }
        }
        weak.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.name.cmp(&b.2.name)));
        weak.dedup_by(|a, b| a.2.name == b.2.name);
        let names: Vec<&str> = weak.iter().map(|(_, _, hit)| hit.name.as_str()).collect();
        if let Some((_, _, first)) = weak.first() {
            let fact = Fact::new("server", "weak-defaults", "defaults", first.at.clone());
            facts.push(fact.word("option", names.join(", ")).word("count", names.len()).word("version", version));
        }
        facts.extend(configuration.will_change(version));
    }
    facts
}

/// Whether a rule's findings that rest on defaults are told together with those of others.
fn is_grouped(program: &Program, rule: &Rule) -> bool {
    let groups = |rule: &Rule| match &rule.matcher {
        Matcher::Facts("server", matcher) => matcher.is.iter().any(|kind| kind == "weak-defaults"),
        _ => false,
    };
    rule.severity < Severity::High && program.rules.values().any(groups)
}

fn version(app: &App) -> Option<&Version> {
    app.server.version.read().map(|found| &found.version)
}

fn trees(app: &App, part: Part) -> Vec<&Tree> {
    match part {
        Part::Server => {
            let all = app.server.options.read().into_iter().chain(&app.server.other_options);
            all.map(|options| &options.tree).collect()
        }
        Part::Dashboard => app.dashboards.iter().collect(),
    }
}

struct Configuration<'a> {
    app: &'a App,
    part: Part,
    tree: &'a Tree,
    version: Option<&'a Version>,
}

impl Configuration<'_> {
    fn find(&self, matcher: &OptionMatcher) -> Vec<Hit> {
        // Versions are those of the server.
        let version = if self.part == Part::Server { self.version } else { None };
        let is_asked_for = matcher.from.is_empty() || matcher.from.contains(&self.tree.from);
        if !is_asked_for || !matcher.is_about(version) {
            return Vec::new();
        }
        let mut hits = Vec::new();
        for pattern in &matcher.name {
            for (name, star) in self.names(pattern) {
                hits.extend(self.hit(matcher, name, star.as_deref()));
            }
        }
        hits
    }

    fn hit(&self, matcher: &OptionMatcher, name: String, star: Option<&str>) -> Option<Hit> {
        let (value, by) = self.value(&name);
        if by == By::Default && !matcher.default && matcher.value.set != Some(false) {
            return None;
        }
        if !passes(&matcher.value, &value)? {
            return None;
        }
        let mut is_written = by != By::Default;
        let mut near = None;
        for condition in &matcher.with {
            let written = self.fulfils(condition, star)?;
            is_written |= written.is_some();
            near = near.or(written);
        }
        if matcher.without.iter().any(|condition| !self.is_ruled_out(condition, star)) {
            return None;
        }
        let value = match value {
            Written::Value(value) => Written::Value(matcher.value.part_of(&value)),
            other => other,
        };
        let at = if by == By::Default { self.place_of_default(&name, near.as_deref()) } else { self.place(&name) };
        Some(Hit { name, value, by, rests_on_defaults: !is_written, at })
    }

    /// What an option is, and whose word that is.
    fn value(&self, name: &str) -> (Written, By) {
        match self.tree.get(name) {
            Some(Written::Unknown { fallback: Some(fallback) }) => ((**fallback).clone(), By::Fallback),
            Some(written) => (written.clone(), By::Configuration),
            None => match default_of(self.part, name, self.version) {
                Default::Is(value) => (Written::Value(value.clone()), By::Default),
                Default::None | Default::Unknown => (Written::Unknown { fallback: None }, By::Default),
            },
        }
    }

    /// Whether another option is such: `None` if not, and else its name if that is written.
    fn fulfils(&self, condition: &Condition, star: Option<&str>) -> Option<Option<String>> {
        let names = self.names_for(&condition.name, star);
        names.into_iter().find_map(|name| {
            let (value, by) = self.value(&name);
            let holds = passes(&condition.value, &value) == Some(true);
            holds.then(|| (by != By::Default && !matches!(value, Written::Value(Value::Null))).then_some(name))
        })
    }

    /// Whether it is known that another option is not such.
    fn is_ruled_out(&self, condition: &Condition, star: Option<&str>) -> bool {
        self.names_for(&condition.name, star).into_iter().all(|name| match self.tree.get(&name) {
            Some(Written::Unknown { .. }) => false,
            Some(written) => passes(&condition.value, written) == Some(false),
            None => match default_of(self.part, &name, self.version) {
                Default::Is(value) => passes(&condition.value, &Written::Value(value.clone())) == Some(false),
                // A version without the option has nothing that it could rule out.
                Default::None => true,
                Default::Unknown => false,
            },
        })
    }

    fn names_for(&self, pattern: &str, star: Option<&str>) -> Vec<String> {
        match star {
            Some(star) => vec![pattern.replace('*', star)],
            None => self.names(pattern).into_iter().map(|(name, _)| name).collect(),
        }
    }

    /// The names that a pattern means here, each with what its first `*` stands for.
    fn names(&self, pattern: &str) -> Vec<(String, Option<String>)> {
        let mut names = vec![(String::new(), None)];
        for part in pattern.split('.') {
            let mut longer = Vec::new();
            for (name, star) in names {
                let join = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
                if part == "*" {
                    let parts = self.tree.parts(&name).into_iter();
                    longer.extend(parts.map(|part| (join(part), star.clone().or_else(|| Some(part.to_owned())))));
                } else {
                    longer.push((join(part), star));
                }
            }
            names = longer;
        }
        names
    }

    fn place(&self, name: &str) -> Place {
        let version = self.app.server.version.read().and_then(|found| found.at.clone());
        self.tree.place(name).cloned().or(version).unwrap_or(Place::File { file: FileId(0) })
    }

    /// Where something is told that is not written: at what it depends on, what it is a part of, or the app's id.
    fn place_of_default(&self, name: &str, near: Option<&str>) -> Place {
        let top = name.split('.').next().unwrap_or(name);
        let named = [near.unwrap_or_default(), top, "appId", "masterKey"];
        let at = named.into_iter().find_map(|name| self.tree.at.get(name));
        at.cloned().unwrap_or_else(|| self.place(""))
    }

    /// Defaults of this version that a later one changes and the configuration does not set.
    fn will_change(&self, version: &Version) -> Option<Fact> {
        let is_open = |change: &&Change| {
            self.tree.get(&change.0).is_none()
                && matches!(default_of(self.part, &change.0, self.version), Default::Is(value) if *value != change.1)
        };
        let changing: Vec<&Change> = changes(version.major).iter().filter(is_open).collect();
        let told = |Change(name, value, direction): &&Change| {
            let means = match direction {
                Direction::Safer => " (safer)",
                Direction::Looser => " (looser)",
                Direction::Other => "",
            };
            format!("{name} becomes {}{means}", words(&Written::Value(value.clone()), By::Configuration))
        };
        let first = changing.first()?;
        let fact = Fact::new("server", "changing-defaults", "changing defaults", self.place_of_default(&first.0, None));
        Some(
            fact.word("option", changing.iter().map(told).collect::<Vec<_>>().join(", "))
                .word("count", changing.len())
                .word("version", version),
        )
    }
}

/// Whether a value passes; without a test it must be set.
fn passes(test: &ValueTest, value: &Written) -> Option<bool> {
    if test.is_any() {
        return ValueTest { set: Some(true), ..ValueTest::default() }.holds(value);
    }
    test.holds(value)
}

/// A value in a message; keys and addresses are not shown.
fn words(value: &Written, by: By) -> String {
    let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let shown = match value {
        Written::Value(Value::Null) => return "not set".to_owned(),
        Written::Value(Value::Array(list)) if list.is_empty() => "empty".to_owned(),
        Written::Value(Value::Array(list)) => in_words(list.iter().map(one)),
        Written::Value(Value::Object(object)) if object.is_empty() => "empty".to_owned(),
        Written::Value(Value::String(text)) if text.is_empty() => "empty".to_owned(),
        Written::Value(value) => one(value),
        Written::Group => "set".to_owned(),
        Written::Hidden(_) => "not shown here".to_owned(),
        Written::Unknown { .. } => "not known".to_owned(),
    };
    match by {
        By::Configuration => shown,
        By::Fallback => format!("{shown} unless the environment says otherwise"),
        By::Default => format!("{shown} by default"),
    }
}
