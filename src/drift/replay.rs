//! Replays changes on the older side, and finds for each gain and loss which of them it takes.

use std::collections::{BTreeMap, BTreeSet};

use crate::lock::Lock;
use crate::model::{ClassName, FieldName, Operation};
use crate::permit::Engine;
use crate::severity::Severity;

use super::level::{Atom, Level, Who};
use super::moved::{Moved, Sides};
use super::scene::{Frames, Scene};
use super::step::{Step, What};
use super::{Change, Direction, Part, severity, words};

/// What replaying told.
#[derive(Debug, Default)]
pub struct Told {
    /// What matters to somebody.
    pub changes: Vec<Change>,
    /// The steps that these tell of, by number.
    pub explained: BTreeSet<usize>,
}

/// Both sides, and what lies between them.
struct Replay<'a> {
    from: &'a Lock,
    to: &'a Lock,
    steps: &'a [Step],
}

/// More steps than this are not taken apart for one class; all of them are then told together.
const MOST_STEPS: usize = 40;

/// Finds who reaches more or less, and by which steps.
pub fn replay(from: &Lock, to: &Lock, steps: &[Step]) -> Told {
    let replay = Replay { from, to, steps };
    let (before, mut after) = (from.app(), from.clone());
    steps.iter().for_each(|step| step.apply(&mut after, to));
    let after = after.app();
    let (old, new) = (Engine::new(&before), Engine::new(&after));
    let names: BTreeSet<&ClassName> = before.classes.keys().chain(after.classes.keys()).collect();
    let (sides, mut frames) = (Sides::new(&old, &new), Frames::new(from, to, steps));
    let relevant = Relevant::of(steps);
    let mut causes: BTreeMap<(bool, BTreeSet<usize>), Vec<Moved>> = BTreeMap::new();
    for name in names {
        let relevant = relevant.to(name.as_str());
        if relevant.is_empty() {
            continue;
        }
        let (gains, losses) = sides.moved(name);
        if gains.is_empty() && losses.is_empty() {
            continue;
        }
        let who = gains.iter().chain(&losses).map(|one| &one.atom.who);
        let mut scene = Scene::new(&mut frames, &sides, name, who);
        let mattering: Vec<usize> = relevant.iter().copied().filter(|number| scene.may_matter(*number)).collect();
        let steps = (&relevant[..], &mattering[..]);
        for gain in &gains {
            for cause in causes_of(&mut scene, steps, &gain.atom, |is| is >= gain.is) {
                causes.entry((true, cause)).or_default().push(gain.clone());
            }
        }
        for loss in &losses {
            for cause in causes_of(&mut scene, steps, &loss.atom, |is| is <= loss.is) {
                // What it took several changes to lose is told of each.
                for step in cause {
                    causes.entry((false, BTreeSet::from([step]))).or_default().push(loss.clone());
                }
            }
        }
    }
    replay.tell(causes)
}

/// The steps that may matter for classes: for all of them, and for one.
struct Relevant<'a> {
    to_all: Vec<usize>,
    to_one: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Relevant<'a> {
    fn of(steps: &'a [Step]) -> Self {
        let mut relevant = Self { to_all: Vec::new(), to_one: BTreeMap::new() };
        for (number, step) in steps.iter().enumerate().filter(|(_, step)| step.is_structural()) {
            match step.class() {
                Some(class) => relevant.to_one.entry(class).or_default().push(number),
                None => relevant.to_all.push(number),
            }
        }
        relevant
    }

    /// Those for a class, in order.
    fn to(&self, class: &str) -> Vec<usize> {
        let own = self.to_one.get(class).into_iter().flatten();
        let mut numbers: Vec<usize> = self.to_all.iter().chain(own).copied().collect();
        numbers.sort_unstable();
        numbers
    }
}

/// Every single step that makes something so, of those that matter alone; or else the smallest set of steps that does.
fn causes_of(
    scene: &mut Scene<'_, '_>,
    (relevant, mattering): (&[usize], &[usize]),
    atom: &Atom,
    is_so: impl Fn(Level) -> bool,
) -> Vec<BTreeSet<usize>> {
    let mut makes_so = |numbers: &BTreeSet<usize>| scene.level(numbers, atom).is_some_and(&is_so);
    let mut singles = Vec::new();
    for number in mattering {
        let single = BTreeSet::from([*number]);
        if makes_so(&single) {
            singles.push(single);
        }
    }
    if !singles.is_empty() {
        return singles;
    }
    let mut needed: BTreeSet<usize> = relevant.iter().copied().collect();
    if needed.len() > MOST_STEPS {
        return vec![needed];
    }
    for number in relevant {
        let mut fewer = needed.clone();
        fewer.remove(number);
        if makes_so(&fewer) {
            needed = fewer;
        }
    }
    if needed.is_empty() { Vec::new() } else { vec![needed] }
}

impl Replay<'_> {
    fn tell(&self, mut causes: BTreeMap<(bool, BTreeSet<usize>), Vec<Moved>>) -> Told {
        let composed: BTreeSet<usize> =
            causes.keys().filter(|(gains, set)| *gains && set.len() > 1).flat_map(|(_, set)| set.clone()).collect();
        // Rows that a composition tells of are not told of again for who reached some of them before.
        causes.retain(|(gains, set), moved| {
            let of_rows = set.iter().all(|number| {
                composed.contains(number) && self.steps.get(*number).is_some_and(|s| matches!(s.what, What::Rows(_)))
            });
            if set.len() == 1 && of_rows {
                moved.retain(|one| *gains && one.was == Level::None);
            }
            !moved.is_empty()
        });
        let mut told = Told::default();
        for ((gains, set), moved) in causes {
            let steps: Vec<&Step> = set.iter().filter_map(|number| self.steps.get(*number)).collect();
            told.explained.extend(&set);
            let change = if gains { self.widened(&steps, &moved) } else { self.narrowed(&steps, &moved) };
            told.changes.extend(change);
        }
        told
    }

    fn widened(&self, steps: &[&Step], moved: &[Moved]) -> Option<Change> {
        let parts: Vec<Part> = steps.iter().map(|step| words::part(step, self.from, self.to)).collect();
        let first = steps.first()?;
        let (kind, subject) = match steps {
            [step] => (kind(&step.what, moved), subject(step, moved)),
            _ => ("composition", composed_subject(moved)),
        };
        let severity = moved.iter().map(|one| self.severity(one)).max().unwrap_or(Severity::Low);
        // An app is the same to everybody who could be one of several classes.
        let class = class_of(moved).or_else(|| first.class().map(ClassName::from));
        Some(Change { kind, class, subject, direction: Direction::Wider, severity, effect: effect(moved), parts })
    }

    fn narrowed(&self, steps: &[&Step], moved: &[Moved]) -> Option<Change> {
        let parts: Vec<Part> = steps.iter().map(|step| words::part(step, self.from, self.to)).collect();
        let step = steps.first()?;
        Some(Change {
            kind: "grant-narrowed",
            class: step.class().map(ClassName::from),
            subject: subject(step, moved),
            direction: Direction::Narrower,
            severity: Severity::Info,
            effect: less(moved),
            parts,
        })
    }

    fn severity(&self, moved: &Moved) -> Severity {
        let (class, field) = (moved.atom.class.as_str(), moved.atom.field.as_ref().map(FieldName::as_str));
        let data = severity::data(self.to, class, field);
        severity::wider(&moved.atom, data)
    }
}

/// What a gain by one step is.
fn kind(what: &What, moved: &[Moved]) -> &'static str {
    match what {
        What::ClassNew(_) => "class-new",
        What::Permissions(_) => "permissions-lost",
        What::Protection(_) | What::ProtectionOption(_) => "field-exposed",
        What::Field(..) => "field-new",
        What::Rows(_) => "rows-opened",
        What::Role(_) | What::Members(_) => "role-widened",
        What::DefaultAcl(_) => "default-acl-widened",
        What::Version => "version-changed",
        What::Option(_) => "option-weakened",
        What::Grants(..) | What::ClassGone(_) if moved.iter().all(|one| one.atom.field.is_some()) => "field-exposed",
        What::Grants(..)
        | What::ClassGone(_)
        | What::Handler(..)
        | What::Webhook(_)
        | What::Parameter(_)
        | What::Unique(..)
        | What::GraphQl
        | What::Other => "grant-widened",
    }
}

fn subject(step: &Step, moved: &[Moved]) -> String {
    let fields: BTreeSet<&str> =
        moved.iter().filter_map(|one| one.atom.field.as_ref()).map(FieldName::as_str).collect();
    let fields = fields.into_iter().collect::<Vec<_>>().join("+");
    match &step.what {
        What::Grants(class, ..) => format!("{class}.{}", words::operations(step).replace(", ", "+")),
        What::Protection(class) | What::ProtectionOption(class) if !fields.is_empty() => format!("{class}.{fields}"),
        What::Field(class, field) => format!("{class}.{field}"),
        What::Unique(class, columns) => format!("{class}:{columns}"),
        What::Role(role) | What::Members(role) => format!("role:{role}"),
        What::Version => "parse-server".to_owned(),
        What::GraphQl => "GraphQL".to_owned(),
        What::Option(name) | What::Webhook(name) | What::Parameter(name) | What::Handler(_, name) => name.clone(),
        What::ClassNew(class)
        | What::ClassGone(class)
        | What::Permissions(class)
        | What::Protection(class)
        | What::ProtectionOption(class)
        | What::Rows(class)
        | What::DefaultAcl(class) => class.clone(),
        What::Other => "other".to_owned(),
    }
}

fn composed_subject(moved: &[Moved]) -> String {
    let reached: BTreeSet<String> = moved
        .iter()
        .map(|one| match &one.atom.field {
            Some(field) => format!("{}.{field}", one.atom.class),
            None => one.atom.class.to_string(),
        })
        .collect();
    let who: BTreeSet<String> = moved.iter().map(|one| one.atom.who.to_string()).collect();
    let some = |all: BTreeSet<String>| all.into_iter().take(3).collect::<Vec<_>>().join("+");
    format!("{}:{}", some(reached), some(who))
}

/// The class that all of it is about.
fn class_of(moved: &[Moved]) -> Option<ClassName> {
    let classes: BTreeSet<&ClassName> = moved.iter().map(|one| &one.atom.class).collect();
    if classes.len() == 1 { classes.into_iter().next().cloned() } else { None }
}

/// Gains in a line: who, what, how far.
fn effect(moved: &[Moved]) -> String {
    let mut lines: BTreeMap<(&Who, &ClassName, String, bool), Vec<&Moved>> = BTreeMap::new();
    for one in moved {
        let far = one.is.words(one.atom.op);
        lines.entry((&one.atom.who, &one.atom.class, far, one.atom.field.is_some())).or_default().push(one);
    }
    let line = |((who, class, far, of_fields), all): (&(&Who, &ClassName, String, bool), &Vec<&Moved>)| {
        if *of_fields {
            let fields: BTreeSet<String> =
                all.iter().filter_map(|one| one.atom.field.as_ref()).map(|field| format!("{class}.{field}")).collect();
            return format!("{who} sees {}", crate::audit::fact::in_words(fields));
        }
        let mut ops: Vec<Operation> = all.iter().map(|one| one.atom.op).collect();
        ops.sort_unstable();
        let ops = crate::audit::fact::in_words(ops);
        let far = if far == "yes" { String::new() } else { format!(" ({far})") };
        format!("{who} can {ops} {class}{far}")
    };
    joined(lines.iter().map(line).collect())
}

/// Losses in a line.
fn less(moved: &[Moved]) -> String {
    let mut lines: BTreeMap<(&Who, &ClassName), BTreeSet<String>> = BTreeMap::new();
    for one in moved {
        let what = match (&one.atom.field, one.is) {
            (Some(field), _) => format!("see {field}"),
            (None, Level::None) => one.atom.op.to_string(),
            (None, is) => format!("{} more than {}", one.atom.op, is.words(one.atom.op)),
        };
        lines.entry((&one.atom.who, &one.atom.class)).or_default().insert(what);
    }
    let line = |((who, class), what): (&(&Who, &ClassName), &BTreeSet<String>)| {
        format!("{who} can no longer {} {class}", crate::audit::fact::in_words(what))
    };
    joined(lines.iter().map(line).collect())
}

fn joined(lines: Vec<String>) -> String {
    const MOST: usize = 4;
    let more = lines.len().saturating_sub(MOST);
    let shown = lines.into_iter().take(MOST).collect::<Vec<_>>().join("; ");
    if more > 0 { format!("{shown}; {more} more") } else { shown }
}
