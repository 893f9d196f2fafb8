//! Changes that nobody's reach of rows shows yet, judged by what they are: the ACL of new
//! objects, code, webhooks, options, members of roles.

use std::collections::BTreeSet;

use crate::audit::is_privileged;
use crate::lock::{Key, Lock, NEVER_GIVEN, NO_ACL, PUBLIC, UNIQUE, Value, bands};
use crate::model::class::Covered;
use crate::model::{ClassName, RoleName};
use crate::severity::Severity;

use super::severity::{Data, data};
use super::step::{Step, What};
use super::{Change, Direction, graphql, options, words};

/// An index that looks at every row.
const ALL_ROWS: &str = Covered::EveryRow.words();

/// What a change is, if it matters.
pub fn judge(step: &Step, from: &Lock, to: &Lock) -> Option<Change> {
    let judged = match &step.what {
        What::ClassNew(class) => Some(Judged::new("class-new", Severity::Info, class, "is new")),
        What::ClassGone(class) => Some(Judged::narrower(class, "is gone")),
        What::Permissions(class) => permissions(class, to),
        What::Grants(..) | What::Protection(_) | What::ProtectionOption(_) | What::Other => None,
        What::Field(..) => None,
        What::Version => options::version(from, to),
        What::Rows(class) => rows(class, step, from, to),
        What::Unique(class, columns) => unique(class, columns, from, to),
        What::DefaultAcl(class) => default_acl(class, step, from, to),
        What::Role(role) => of_role(role, step, from, to),
        What::Members(role) => members(role, step, from, to),
        What::Handler(room, name) => handler(room, name, from, to),
        What::Webhook(name) => webhook(name, from, to),
        What::Parameter(name) => parameter(name, to),
        What::GraphQl => graphql::judge(from, to),
        What::Option(name) => options::judge(name, from, to),
    }?;
    let part = words::part(step, from, to);
    let class = judged.class.or_else(|| step.class().map(ClassName::from));
    let effect = format!("{} {}", judged.subject, judged.effect);
    let Judged { kind, severity, subject, direction, .. } = judged;
    Some(Change { kind, class, subject, direction, severity, effect, parts: vec![part] })
}

/// What a change is.
pub struct Judged {
    /// The fact that it is in the table `drift` of rules.
    pub kind: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// Which way access goes.
    pub direction: Direction,
    /// What is so now, behind the subject.
    pub effect: String,
    /// The class, if it is about one.
    pub class: Option<ClassName>,
}

impl Judged {
    /// Something that lets more in.
    pub fn new(kind: &'static str, severity: Severity, subject: &str, effect: impl Into<String>) -> Self {
        let (subject, effect) = (subject.to_owned(), effect.into());
        Self { kind, severity, subject, direction: Direction::Wider, effect, class: None }
    }

    /// Something that lets less in.
    pub fn narrower(subject: &str, effect: impl Into<String>) -> Self {
        Self { direction: Direction::Narrower, ..Self::new("grant-narrowed", Severity::Info, subject, effect) }
    }
}

fn permissions(class: &str, to: &Lock) -> Option<Judged> {
    let is_gone = to.text(&["class", class, "permissions"]) == Some(NEVER_GIVEN);
    is_gone.then(|| Judged::new("permissions-lost", Severity::Critical, class, "has no permissions any more"))
}

/// Rows that are open whomever the class lets in, where it lets in nobody yet whom that helps.
fn rows(class: &str, step: &Step, from: &Lock, to: &Lock) -> Option<Judged> {
    let of_side = |lock: &Lock, side: &str| {
        let open = [NO_ACL, PUBLIC].into_iter().filter_map(|set| lock.text(&["class", class, "rows", side, set]));
        open.map(bands::middle).sum::<u64>()
    };
    let opened: Vec<&str> =
        ["read", "write"].into_iter().filter(|side| of_side(to, side) > of_side(from, side)).collect();
    if opened.is_empty() || step.keys.iter().all(|key| key.part(3) == "count") {
        return None;
    }
    let precious = data(to, class, None) == Data::Precious;
    let severity = if precious { Severity::Medium } else { Severity::Low };
    let effect = format!(
        "has more rows that everybody may {} whom the class lets in; it lets in nobody new yet",
        crate::audit::fact::in_words(opened)
    );
    Some(Judged::new("rows-opened", severity, class, effect))
}

fn default_acl(class: &str, step: &Step, from: &Lock, to: &Lock) -> Option<Judged> {
    let none = BTreeSet::new();
    let list = |lock: &Lock, key: &Key| lock.at(key).and_then(Value::list).unwrap_or(&none).clone();
    let mut came: BTreeSet<String> = BTreeSet::new();
    for key in &step.keys {
        let (old, new) = (list(from, key), list(to, key));
        // Beside everybody nobody else matters.
        if !old.contains(PUBLIC) {
            came.extend(new.difference(&old).cloned());
        }
    }
    if came.is_empty() {
        return Some(Judged::narrower(class, "gives new objects to fewer"));
    }
    let effect = format!("gives new objects to {} as well", crate::audit::fact::in_words(&came));
    let only_roles = came.iter().all(|word| word != PUBLIC);
    let severity = if only_roles { Severity::Medium } else { Severity::High };
    Some(Judged::new("default-acl-widened", severity, class, effect))
}

/// Columns whose values the database keeps apart, or does not any more.
fn unique(class: &str, columns: &str, from: &Lock, to: &Lock) -> Option<Judged> {
    let covered = |lock: &Lock| lock.text(&["class", class, UNIQUE, columns]).map(|words| words == ALL_ROWS);
    let subject = format!("{class}:{columns}");
    let judged = match (covered(from), covered(to)) {
        (_, None) => {
            Judged::new("unique-index-dropped", Severity::Medium, &subject, "may have the same values in several rows")
        }
        (Some(true), Some(false)) => {
            Judged::new("unique-index-dropped", Severity::Medium, &subject, "is unique among some rows alone")
        }
        (None | Some(false), Some(_)) => Judged {
            kind: "unique-index-new",
            ..Judged::narrower(&subject, "may not have the same values in several rows any more")
        },
        (Some(true), Some(true)) => return None,
    };
    Some(Judged { class: Some(ClassName::from(class)), ..judged })
}

fn of_role(role: &str, step: &Step, from: &Lock, to: &Lock) -> Option<Judged> {
    let none = BTreeSet::new();
    let subject = format!("role:{role}");
    let added = |part: &str| -> bool {
        step.keys.iter().filter(|key| key.part(2) == part).any(|key| {
            let list = |lock: &Lock| lock.at(key).and_then(Value::list).unwrap_or(&none).clone();
            list(to).difference(&list(from)).next().is_some()
        })
    };
    if added("changed-by") {
        return Some(Judged::new("role-widened", Severity::High, &subject, "can be changed, and so joined, by more"));
    }
    if added("inherits") {
        return Some(Judged::new("role-widened", Severity::Low, &subject, "inherits more, which gives it nothing yet"));
    }
    if from.below(&["role", role]).next().is_none() {
        return Some(Judged::new("role-widened", Severity::Info, &subject, "is new, which gives it nothing yet"));
    }
    Some(Judged::narrower(&subject, "inherits less or is gone"))
}

fn members(role: &str, step: &Step, from: &Lock, to: &Lock) -> Option<Judged> {
    let subject = format!("role:{role}");
    let came = step.keys.iter().any(|key| key.part(2) == "member" && from.at(key).is_none() && to.at(key).is_some());
    if came {
        let severity = if is_privileged(&RoleName::from(role)) { Severity::High } else { Severity::Medium };
        return Some(Judged::new("role-widened", severity, &subject, "has another member"));
    }
    let left = step.keys.iter().any(|key| key.part(2) == "member");
    left.then(|| Judged::narrower(&subject, "has fewer members"))
}

fn handler(room: &str, name: &str, from: &Lock, to: &Lock) -> Option<Judged> {
    let flag = |lock: &Lock, part| lock.get(&[room, name, part]) == Some(&Value::Flag(true));
    let callers = |lock: &Lock| lock.text(&[room, name, "callers"]).map_or(5, rank);
    let none = BTreeSet::new();
    let reaches = |lock: &Lock| lock.list(&[room, name, "reaches"]).unwrap_or(&none).clone();
    let subject = format!("{room} {name}");
    let came: BTreeSet<String> = reaches(to).difference(&reaches(from)).cloned().collect();
    if callers(to) == 5 {
        return Some(Judged::narrower(&subject, "is gone"));
    }
    let is_known = callers(from) < 5;
    let mut what = Vec::new();
    if callers(to) < callers(from) && is_known {
        what.push(format!("can be called by {}", to.text(&[room, name, "callers"]).unwrap_or_default()));
    }
    if flag(from, "validator") && !flag(to, "validator") {
        what.push("has no validator any more".to_owned());
    }
    if flag(to, "master-key") && !flag(from, "master-key") {
        what.push("uses the master key".to_owned());
    }
    if !came.is_empty() {
        what.push(format!("reaches {} with it", crate::audit::fact::in_words(&came)));
    }
    let unsure = came.iter().any(|reach| reach.starts_with('?') || reach.starts_with('*'));
    let class_of = |reach: &String| reach.split('.').next().map(str::to_owned);
    let classes: BTreeSet<String> = reaches(to).iter().filter_map(class_of).collect();
    let uses_master_key = flag(to, "master-key");
    if !uses_master_key && !is_known {
        return None;
    }
    if what.is_empty() || !uses_master_key {
        let lost = reaches(from).difference(&reaches(to)).next().is_some() || callers(to) > callers(from);
        return lost.then(|| Judged::narrower(&subject, "reaches less or can be called by fewer"));
    }
    let precious = classes.iter().any(|class| class == "*" || data(to, class, None) == Data::Precious);
    let severity = match (callers(to), precious) {
        (0 | 1, true) => Severity::Critical,
        (0 | 1, false) | (2, true) => Severity::High,
        (2, false) => Severity::Medium,
        _ => Severity::Low,
    };
    let effect = what.join(", ");
    if unsure && came.iter().all(|reach| reach.starts_with('?')) && is_known {
        let judged = Judged::new("undecided", Severity::Medium, &subject, effect);
        return Some(Judged { direction: Direction::Unknown, ..judged });
    }
    Some(Judged::new("code-widened", severity, &subject, effect))
}

/// Who may call a handler, the widest circle first.
fn rank(callers: &str) -> u8 {
    match callers {
        "anyone" => 0,
        "signed-in" => 1,
        "role" => 2,
        "master-key" => 3,
        _ => 4,
    }
}

fn webhook(name: &str, from: &Lock, to: &Lock) -> Option<Judged> {
    let Some(now) = to.text(&["webhook", name]) else { return Some(Judged::narrower(name, "is called no more")) };
    let class = name
        .split_once(' ')
        .map(|(_, class)| class)
        .filter(|class| to.text(&["class", class, "permissions"]).is_some());
    let precious = class.is_some_and(|class| data(to, class, None) == Data::Precious);
    let severity = if precious { Severity::High } else { Severity::Medium };
    let verb = if from.text(&["webhook", name]).is_some() { "is sent elsewhere:" } else { "is sent to" };
    let judged = Judged::new("webhook-changed", severity, name, format!("{verb} {now}"));
    Some(Judged { class: class.map(ClassName::from), ..judged })
}

fn parameter(name: &str, to: &Lock) -> Option<Judged> {
    match to.text(&["config", name])? {
        PUBLIC => Some(Judged::new("option-weakened", Severity::Low, name, "is a parameter that everybody reads")),
        _ => None,
    }
}
