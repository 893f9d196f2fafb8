//! Installed packages that published advisories are about, and whether those apply to the app.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rayon::prelude::*;
use semver::Version;

use crate::advisories::exposure::{Exposure, Facts, exposure};
use crate::advisories::{Advisories, Advisory, FRESH, Remedy, age, remedy};
use crate::code::analysis::Analysis;
use crate::code::entry::EntryKind;
use crate::code::path::folder;
use crate::deps::range;
use crate::model::clp::Group;
use crate::model::oddity::escape;
use crate::model::options::Tree;
use crate::model::server::VersionFrom;
use crate::model::snapshot::Gap;
use crate::model::{App, Clp, FieldName, FileId, Known, Manifest, Operation, Place, Snapshot, Why};
use crate::severity::Severity;

use super::access::Access;
use super::fact::Fact;

/// The package of the server.
const SERVER: &str = "parse-server";

/// An installed package that advisories are about.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// Its name.
    pub name: String,
    /// Its version; of a range that no lock file makes certain the best that is known.
    pub version: Version,
    /// The range, as it is written.
    pub range: Option<String>,
    /// Where the version stands, in the order of paths.
    pub at: Vec<Place>,
    /// The advisories: those that apply first, and of those the worst first.
    pub advisories: Vec<Judged>,
    /// What helps against all of them.
    pub remedy: Remedy,
}

/// An advisory, and whether it applies.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The advisory.
    pub advisory: Advisory,
    /// Whether it applies to the app.
    pub exposure: Exposure,
}

impl Judged {
    /// What was decided, how bad it is and what it is about, in one line.
    pub fn in_words(&self) -> String {
        let Advisory { severity, summary, .. } = &self.advisory;
        let rated = severity.map_or("not rated", Severity::word);
        format!("{} ({rated}): {}", self.exposure, summary.trim_end_matches('.'))
    }
}

impl Audited {
    /// What findings about it are about.
    pub fn subject(&self) -> String {
        match &self.range {
            Some(range) => format!("{}@{range}", self.name),
            None => format!("{}@{}", self.name, self.version),
        }
    }

    /// Its version in a sentence.
    fn version_in_words(&self) -> String {
        match &self.range {
            Some(range) => format!("{range}, at best {},", self.version),
            None => self.version.to_string(),
        }
    }
}

/// What an app installs: name, version and the range it is the best of, with the places.
type Installed<'a> = BTreeMap<(&'a str, Version, Option<&'a str>), Vec<Place>>;

/// The installed packages that advisories are about, in the order of names and versions. What decides whether
/// those apply is asked for only if there are such packages.
pub fn audited(snapshot: &Snapshot, advisories: &Advisories, facts: impl FnOnce() -> Vec<Facts>) -> Vec<Audited> {
    let app = &snapshot.app;
    let mut installed = Installed::new();
    for lock in &app.locks {
        for package in lock.packages.iter().filter(|package| advisories.knows(&package.name)) {
            let at = Place::Text { file: lock.file, span: package.at };
            installed.entry((&package.name, package.version.clone(), None)).or_default().push(at);
        }
    }
    for copy in app.copies.iter().filter(|copy| advisories.knows(&copy.package)) {
        installed.entry((&copy.package, copy.version.clone(), None)).or_default().push(copy.at.clone());
    }
    // What is deployed, or who runs it, knows better than a range.
    let told = app.server.version.read().filter(|found| !matches!(found.from, VersionFrom::Range | VersionFrom::Lock));
    for (manifest, name, written) in unlocked(snapshot).filter(|(_, name, _)| advisories.knows(name)) {
        let Some((version, range)) = best(advisories, name, written) else { continue };
        if told.is_some() && name == SERVER && range.is_some() {
            continue;
        }
        installed.entry((name, version, range)).or_default().push(place(manifest, name));
    }
    if let Some(found) = told.filter(|found| found.at.is_some() || !installed.keys().any(|(name, ..)| *name == SERVER))
    {
        let options = app.server.options.read();
        let at = found.at.clone().or_else(|| options?.tree.whole.clone()).unwrap_or(Place::File { file: FileId(0) });
        installed.entry((SERVER, found.version.clone(), None)).or_default().push(at);
    }
    let facts = if installed.is_empty() { Vec::new() } else { facts() };
    let judged = |((name, version, range), at): ((&str, Version, Option<&str>), Vec<Place>)| {
        let about = advisories.about(name, &version);
        let mut judged: Vec<Judged> = about
            .map(|advisory| Judged { advisory: advisory.clone(), exposure: exposure(advisory, &facts, &version) })
            .collect();
        judged.sort_by_key(|judged| {
            let rank = ["applies", "unknown"].iter().position(|word| *word == judged.exposure.word()).unwrap_or(2);
            (rank, std::cmp::Reverse(severity(judged)), judged.advisory.id.clone())
        });
        let remedy = remedy(advisories, name, &version);
        let (name, range) = (name.to_owned(), range.map(str::to_owned));
        (!judged.is_empty()).then(|| Audited { name, version, range, at, advisories: judged, remedy })
    };
    let installed: Vec<_> = installed.into_iter().collect();
    installed.into_par_iter().filter_map(judged).collect()
}

/// The dependencies of manifests for which no lock file says what is installed: name, and what is written.
fn unlocked(snapshot: &Snapshot) -> impl Iterator<Item = (&Manifest, &str, &str)> {
    let locks = snapshot.app.locks.iter().map(|lock| folder(snapshot.texts.path(&Place::File { file: lock.file })));
    let locked: BTreeSet<&str> = locks.collect();
    let is_locked = move |of: &str| {
        let mut above = Some(of);
        while let Some(here) = above {
            if locked.contains(here) {
                return true;
            }
            above = (!here.is_empty()).then(|| folder(here));
        }
        false
    };
    let open = snapshot.app.manifests.iter().filter(move |manifest| !is_locked(&manifest.folder));
    open.flat_map(|manifest| manifest.dependencies.iter().map(move |(name, text)| (manifest, &**name, &**text)))
}

fn place(manifest: &Manifest, name: &str) -> Place {
    Place::Pointer { file: manifest.file, pointer: format!("/dependencies/{}", escape(name)) }
}

/// The version that is written, or the best one that is known of a range; `None` if a range allows one
/// without an advisory, or says nothing certain.
fn best<'a>(advisories: &Advisories, name: &str, written: &'a str) -> Option<(Version, Option<&'a str>)> {
    if let Some(version) = range::exact(written) {
        return Some((version, None));
    }
    let bounds = range::bounds(written)?;
    let known = || advisories.releases(name).into_iter().filter(|version| bounds.have(version));
    if known().any(|version| advisories.about(name, version).next().is_none()) {
        return None;
    }
    let best = known().next_back().cloned().unwrap_or_else(|| bounds.from.clone());
    Some((best, Some(written.trim())))
}

/// What is not known about the packages that are installed.
pub fn gaps(app: &App, advisories: &Advisories, today: Date) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let locked = app.locks.iter().flat_map(|lock| &lock.packages).map(|package| package.name.as_str());
    let names: BTreeSet<&str> = locked.chain(app.copies.iter().map(|copy| copy.package.as_str())).collect();
    if names.is_empty() {
        return gaps;
    }
    let days: Vec<Option<Date>> = names.iter().map(|name| advisories.collected(name)).collect();
    let unknown = days.iter().filter(|day| day.is_none()).count();
    if unknown > 0 {
        let topic = format!("advisories about {unknown} {}", if unknown == 1 { "package" } else { "packages" });
        let reason = "only those about packages of Parse come along; `parse-audit advisories import` takes in others";
        gaps.push(Gap::new(topic, reason));
    }
    if let Some(day) = days.into_iter().flatten().min()
        && let Some(age) = age(day, today).filter(|age| *age > FRESH)
    {
        let reason = format!("what is known is {age} days old; update parse-audit or import newer ones");
        gaps.push(Gap::new(format!("advisories published since {day}"), reason));
    }
    gaps
}

/// How bad an advisory is; nobody rated the newest yet.
fn severity(judged: &Judged) -> Severity {
    judged.advisory.severity.unwrap_or(Severity::Medium)
}

/// What rules may select: one fact for each package, and those that come from somewhere else.
pub fn facts(packages: &[Audited], snapshot: &Snapshot) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    for (package, fact) in packages.iter().filter_map(|package| Some((package, fact(package)?))) {
        match facts.last_mut().filter(|last| says_the_same(last, &fact)) {
            Some(last) => add_version(last, package, fact),
            None => facts.push(fact),
        }
    }
    facts.into_iter().chain(moving(snapshot)).collect()
}

/// Whether two versions of a package have the same said of them.
fn says_the_same(a: &Fact, b: &Fact) -> bool {
    let others = |fact: &Fact| fact.words.iter().filter(|(name, _)| *name != "version").cloned().collect::<Vec<_>>();
    (a.kind, a.severity, others(a)) == (b.kind, b.severity, others(b))
}

/// Adds a version of which the same is said: `5.2.0 (and 5.3.0)`.
fn add_version(fact: &mut Fact, package: &Audited, other: Fact) {
    let version = package.version_in_words();
    if let Some((_, words)) = fact.words.iter_mut().find(|(name, _)| *name == "version") {
        *words = match words.strip_suffix(')') {
            Some(words) => format!("{words}, {version})"),
            None => format!("{words} (and {version})"),
        };
    }
    fact.related.push((other.at, format!("{version} is here")));
    fact.related.extend(other.related);
}

/// Dependencies that may be something else tomorrow.
fn moving(snapshot: &Snapshot) -> impl Iterator<Item = Fact> {
    let found = unlocked(snapshot).filter(|(_, _, written)| range::is_moving(written));
    found.map(|(manifest, name, written)| {
        // An address may hold a password.
        let source = if written.starts_with("http") { "an address" } else { "a repository" };
        let fact = Fact::new("package", "unpinned", name, place(manifest, name));
        fact.word("package", name).word("source", source)
    })
}

fn fact(package: &Audited) -> Option<Fact> {
    let count = |word: &str| package.advisories.iter().filter(|judged| judged.exposure.word() == word).count();
    let (apply, may, all) = (count("applies"), count("unknown"), package.advisories.len());
    let worst = package.advisories.first()?;
    let says_more = package.advisories.iter().any(|judged| !judged.advisory.needs.is_empty());
    let known = if all == 1 { "1 known advisory".to_owned() } else { format!("{all} known advisories") };
    let advisories = match (apply, may) {
        (0, 0) => return None,
        (apply, 0) if apply == all => known,
        _ if !says_more => known,
        (0, 1) if all == 1 => format!("{known}, which may apply to this app"),
        (0, may) => format!("{known}, of which {may} may apply to this app"),
        (apply, 0) => format!("{known}, of which {apply} {} to this app", applies(apply)),
        (apply, may) => format!("{known}, of which {apply} {} to this app and {may} may", applies(apply)),
    };
    let (kind, severity) = match &worst.exposure {
        Exposure::Applies => ("affected", severity(worst)),
        Exposure::Unknown(_) | Exposure::DoesNotApply(_) => ("may-be-affected", severity(worst).min(most(package))),
    };
    let (at, others) = package.at.split_first()?;
    let mut fact = Fact::new("package", kind, package.subject(), at.clone());
    fact.severity = Some(severity);
    fact.related = others.iter().map(|at| (at.clone(), "also here".to_owned())).collect();
    let fact = fact.word("package", &package.name).word("version", package.version_in_words());
    let worst = format!("{} ({})", worst.advisory.summary.trim_end_matches('.'), worst.advisory.id);
    let worst = if all == 1 { worst } else { format!("the worst: {worst}") };
    Some(fact.word("advisories", advisories).word("worst", worst).word("remedy", &package.remedy))
}

/// How bad it is at most where no advisory is known to apply: less if that depends on what only its code can tell.
fn most(package: &Audited) -> Severity {
    let is_of_code = |judged: &Judged| judged.advisory.needs.iter().all(|need| need.starts_with("sdk"));
    let mut open = package.advisories.iter().filter(|judged| matches!(judged.exposure, Exposure::Unknown(_)));
    if open.all(is_of_code) { Severity::Low } else { Severity::Medium }
}

fn applies(number: usize) -> &'static str {
    if number == 1 { "applies" } else { "apply" }
}

/// What decides whether advisories apply, for each configuration of the server; the only place
/// that asks the app for it.
pub fn exposing(app: &App, analysis: &Analysis, access: &[Access<'_>]) -> Vec<Facts> {
    let trees: Vec<Known<_>> = match &app.server.options {
        Known::Unread(why) => vec![Known::Unread(*why)],
        Known::Read(options) => {
            let all = [options].into_iter().chain(&app.server.other_options);
            all.map(|options| Known::Read(options.tree.clone())).collect()
        }
    };
    let manifests = app.manifests.iter().flat_map(|manifest| manifest.dependencies.keys());
    let clps = || app.descriptions().map(|class| class.clp.as_ref());
    let any_class = |has: &dyn Fn(&Clp) -> bool| {
        let known = clps().filter_map(|clp| clp.read().copied()).any(has);
        let all = !app.classes.is_empty() && clps().all(|clp| clp.is_read());
        known_if(known, all)
    };
    let adds = access.iter().any(|access| access.admitted_by(Operation::AddField).is_some());
    let common = Facts {
        options: Known::default(),
        starts_live_query: app.code_names(&["createLiveQueryServer", "ParseLiveQueryServer"]),
        starts_graphql: app.code_names(&["ParseGraphQLServer"]),
        functions: Known::default(),
        triggers: BTreeSet::new(),
        knows_triggers: false,
        webhooks: app.webhooks.as_ref().map(|hooks| !hooks.is_empty()),
        adds_fields: known_if(adds, !app.classes.is_empty() && clps().all(|clp| clp.is_read())),
        closes_users: match access.iter().find(|access| access.class.name == "_User") {
            Some(users) if users.class.clp.is_read() => Known::Read(users.admitted_by(Operation::Get).is_none()),
            Some(_) | None => Known::Unread(Why::NotAsked),
        },
        has_owner_columns: any_class(&has_owner_columns),
        protects_by_caller: protects(app, |_, groups| {
            groups.iter().any(|(group, fields)| *group != Group::Anyone && !fields.is_empty())
        }),
        protects_sessions: protects(app, |class, groups| {
            class == "_Session" && groups.values().any(|fields| !fields.is_empty())
        }),
        dashboards: app.dashboards.clone(),
        packages: manifests.cloned().collect(),
    };
    let of_tree = |options: Known<Tree>| {
        let (has_functions, triggers, knows_triggers) = handlers(analysis, &options);
        let functions = known_if(has_functions, knows_triggers);
        Facts { options, functions, triggers, knows_triggers, ..common.clone() }
    };
    trees.into_iter().map(of_tree).collect()
}

/// Whether something is there, if all was read that could have it.
fn known_if(is_there: bool, all: bool) -> Known<bool> {
    if is_there || all { Known::Read(is_there) } else { Known::Unread(Why::NotAsked) }
}

/// Whether there are cloud functions; triggers; and whether these are all. Where none were found there
/// are none only if the server is told of no cloud code.
fn handlers(analysis: &Analysis, options: &Known<Tree>) -> (bool, BTreeSet<String>, bool) {
    let has_functions = analysis.handlers.iter().any(|handler| matches!(handler.kind, EntryKind::Function(_)));
    let named = |kind: &EntryKind| match kind {
        EntryKind::Trigger(trigger, class) if class == "File" || class == "@File" || trigger.ends_with("File") => {
            Some(format!("{trigger} @File"))
        }
        EntryKind::Trigger(trigger, _) => Some(trigger.clone()),
        EntryKind::Function(_) | EntryKind::Job(_) | EntryKind::Route(..) => None,
    };
    let triggers: BTreeSet<String> = analysis.handlers.iter().filter_map(|handler| named(&handler.kind)).collect();
    let needs_none = options.read().is_some_and(|tree| tree.get("cloud").is_none());
    let was_found = !analysis.handlers.is_empty();
    (has_functions, triggers, analysis.cut.is_empty() && (was_found || needs_none))
}

fn has_owner_columns(clp: &Clp) -> bool {
    let by_operation = Operation::ALL.iter().filter_map(|op| clp.grants(*op)).any(|grants| grants.pointer_fields.opens);
    by_operation || clp.read_user_fields.opens || clp.write_user_fields.opens
}

/// What fields are protected from whom.
type Groups = BTreeMap<Group, BTreeSet<FieldName>>;

/// Whether fields of a class are protected in some way, in permissions or options.
fn protects(app: &App, is_meant: impl Fn(&str, &Groups) -> bool) -> Known<bool> {
    let in_classes = app.descriptions().any(|class| {
        let groups = class.clp.read().and_then(|clp| clp.protected_fields.as_ref());
        groups.is_some_and(|groups| is_meant(class.name.as_str(), groups))
    });
    let all = || app.server.options.read().into_iter().chain(&app.server.other_options);
    let in_options = all()
        .filter_map(|options| options.protected_fields.as_ref())
        .flatten()
        .any(|(class, groups)| is_meant(class.as_str(), groups));
    let are_known = app.server.options.is_read()
        && all().all(|options| !options.unknown.contains("protectedFields"))
        && !app.classes.is_empty()
        && app.descriptions().all(|class| class.clp.is_read());
    known_if(in_classes || in_options, are_known)
}
