//! What all files say, put together into one app.
//!
//! Where two descriptions of a class differ, what is deployed outranks what is
//! declared. Of two that rank the same the first is audited, and the other is kept
//! to be audited beside it: neither is silently dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::code::path::folder;
use crate::live::{Counts, Document};
use crate::model::class::Class;
use crate::model::place::{Content, SourceFile, is_of_running_app};
use crate::model::roles::Role;
use crate::model::server::FoundVersion;
use crate::model::{App, Census, ClassName, Clp, FileId, Known, Leak, Origin, Place, RoleName, Roles, Texts, Why};

use super::count::Counted;
use super::parts::{Parts, RoleRow};
use super::source::{Bytes, Candidate};

/// Puts together what the files say, in the order of the files, and what a running app was asked for: of that
/// nothing is missing if there is none.
pub fn app(parts: &mut [(usize, Parts)], answered: &[Document]) -> App {
    let is_answered = |name: &str| answered.iter().any(|answer| answer.name == name);
    let mut app = App::default();
    let mut roles: Vec<RoleRow> = Vec::new();
    let (mut members, mut children) = (None, None);
    let mut indexes = Vec::new();
    for (_, parts) in parts.iter_mut() {
        for class in std::mem::take(&mut parts.classes) {
            describe(&mut app, class);
        }
        roles.append(&mut parts.roles);
        if let Some(pairs) = parts.members.take() {
            members.get_or_insert_with(Vec::new).extend(pairs);
        }
        if let Some(pairs) = parts.children.take() {
            children.get_or_insert_with(Vec::new).extend(pairs);
        }
        if let Some(config) = parts.config.take() {
            for (name, parameter) in config {
                app.config.read_mut().entry(name).or_insert(parameter);
            }
        }
        if let Some(hooks) = parts.webhooks.take() {
            app.webhooks.read_mut().extend(hooks);
        }
        if let Some(jobs) = parts.jobs.take() {
            app.scheduled_jobs.read_mut().extend(jobs);
        }
        if let Some(probe) = parts.probe.take() {
            app.probe = Known::Read(probe);
        }
        if let Some(graphql) = parts.graphql.take() {
            app.server.graphql = graphql;
        }
        app.server.failed_checks.append(&mut parts.failed_checks);
        if let Some(database) = parts.database.take() {
            app.database = Known::Read(database);
        }
        indexes.append(&mut parts.indexes);
        app.locks.extend(parts.lock.take());
        for found in std::mem::take(&mut parts.versions) {
            take_version(&mut app.server.version, found);
        }
        app.dashboards.append(&mut parts.dashboards);
        if let Some(options) = parts.options.take() {
            match &mut app.server.options {
                Known::Read(_) => app.server.other_options.push(options),
                unread => *unread = Known::Read(options),
            }
        }
    }
    // Of several dumps the last counts, and what runs stands behind them all.
    for (name, found) in indexes {
        if let Some(class) = app.classes.get_mut(&name) {
            class.indexes = Known::Read(found);
        }
    }
    for found in app.locks.iter().flat_map(super::version::of_lock) {
        take_version(&mut app.server.version, found);
    }
    if let Known::Read(hooks) = &mut app.webhooks {
        hooks.sort();
        hooks.dedup_by(|a, b| (&a.trigger, &a.scheme, &a.host) == (&b.trigger, &b.scheme, &b.host));
    }
    if is_answered("_Join:users:_Role.json") {
        members.get_or_insert_default();
    }
    if is_answered("_Join:roles:_Role.json") {
        children.get_or_insert_default();
    }
    if is_answered("_GlobalConfig.json") || is_answered("config.json") {
        app.config.read_mut();
    }
    if is_answered("_GraphQLConfig.json") && app.server.graphql == Known::Unread(Why::NotAsked) {
        app.server.graphql.read_mut();
    }
    if is_answered("_Hooks.json") {
        app.webhooks.read_mut();
    }
    if is_answered("_JobSchedule.json") {
        app.scheduled_jobs.read_mut();
    }
    let has_no_role = roles.is_empty() && is_answered("_Role.json");
    if let Some(class) = app.classes.get_mut("_Role").filter(|_| has_no_role) {
        class.rows = Known::Read(Census::default());
    }
    if !roles.is_empty() || has_no_role {
        app.roles = Known::Read(join(roles, members, children));
    }
    app
}

/// Adds a description of a class.
pub fn describe(app: &mut App, class: Class) {
    let Some(first) = app.classes.get_mut(&class.name) else {
        app.classes.insert(class.name.clone(), class);
        return;
    };
    if same(first, &class) {
        if class.source.origin > first.source.origin {
            first.source = class.source;
        }
        return;
    }
    let (kept, other) = match class.source.origin.cmp(&first.source.origin) {
        std::cmp::Ordering::Greater => (class.clone(), std::mem::replace(first, class)),
        std::cmp::Ordering::Less | std::cmp::Ordering::Equal => (first.clone(), class),
    };
    // What code declares and the server has otherwise is drift, not a second class.
    app.other_descriptions.retain(|known| known.name != kept.name || known.source.origin == kept.source.origin);
    if other.source.origin == Origin::Declared && kept.source.origin == Origin::Deployed {
        app.declared.entry(other.name.clone()).or_insert(other);
        return;
    }
    if other.source.origin == kept.source.origin && !app.other_descriptions.iter().any(|known| same(known, &other)) {
        app.other_descriptions.push(other);
    }
}

/// Whether two descriptions of a class mean the same.
fn same(a: &Class, b: &Class) -> bool {
    let filled = |class: &Class| class.clp.as_ref().map(Clp::filled);
    a.name == b.name && a.fields == b.fields && filled(a) == filled(b)
}

/// Keeps the version that is surest, and of two equally sure ones the lower.
fn take_version(known: &mut Known<FoundVersion>, found: FoundVersion) {
    let better = match known {
        Known::Unread(_) => true,
        Known::Read(first) => found.from > first.from || (found.from == first.from && found.version < first.version),
    };
    if better {
        *known = Known::Read(found);
    }
}

fn join(
    rows: Vec<RoleRow>,
    members: Option<Vec<(u64, crate::model::UserId)>>,
    children: Option<Vec<(u64, u64)>>,
) -> Roles {
    let names: HashMap<u64, RoleName> = rows.iter().map(|row| (row.id, row.name.clone())).collect();
    let mut by_name: BTreeMap<RoleName, Role> = BTreeMap::new();
    for row in rows {
        let members = if members.is_some() { Known::Read(BTreeSet::new()) } else { Known::default() };
        by_name.entry(row.name).or_insert(Role { acl: row.acl, children: BTreeSet::new(), members, at: row.at });
    }
    let inheritance = if children.is_some() { Known::Read(()) } else { Known::default() };
    // A pair whose role was deleted is left behind and means nothing.
    for (owner, child) in children.into_iter().flatten() {
        let listed = names.get(&child).cloned();
        if let (Some(role), Some(child)) = (names.get(&owner).and_then(|name| by_name.get_mut(name)), listed) {
            role.children.insert(child);
        }
    }
    for (owner, user) in members.into_iter().flatten() {
        if let Some(role) = names.get(&owner).and_then(|name| by_name.get_mut(name)) {
            role.members.read_mut().insert(user);
        }
    }
    Roles { by_name, inheritance }
}

/// Adds what a running app counted itself, which is newer than any export.
pub fn add_counts(app: &mut App, counts: &[Counts], texts: &mut Texts) {
    let next = texts.iter().map(|(id, _)| id.0 + 1).max().unwrap_or_default();
    for (counts, number) in counts.iter().zip(next..) {
        let at = Place::File { file: FileId(number) };
        let content = Content::Head(Vec::new());
        texts.insert(at.file(), SourceFile { path: counts.url.clone(), content });
        let class = ClassName::from(counts.class.as_str());
        let described = app.classes.entry(class.clone()).or_insert_with(|| Class::of_rows(class, at.clone()));
        described.rows = Known::Read(counts.census.clone());
        described.rows_at = Some(at);
    }
}

/// The files that hold rows of a class, by their folder.
type ByFolder<'c> = BTreeMap<&'c str, Vec<(&'c Candidate, Counted)>>;

/// Adds the counts of rows. Of several exports of a class the last folder counts, and a running app before any;
/// the same rows in two forms count once.
pub fn add_rows(app: &mut App, counted: Vec<(&Candidate, Counted)>) {
    let mut exports: BTreeMap<ClassName, ByFolder<'_>> = BTreeMap::new();
    for (candidate, counted) in counted {
        for (kind, rows) in counted.leaks.into_iter().filter(|(_, rows)| *rows > 0) {
            app.leaks.push(Leak { kind, rows, at: Place::File { file: candidate.file } });
        }
        let folder = folder(&candidate.path);
        exports.entry(counted.class.clone()).or_default().entry(folder).or_default().push((candidate, counted));
    }
    for (class, folders) in exports {
        // What a running app says outranks every file.
        let newest = folders.into_iter().max_by_key(|(folder, _)| (is_of_running_app(folder), *folder));
        let Some((_, files)) = newest else { continue };
        let mut seen = BTreeSet::new();
        let mut total: Option<Census> = None;
        let mut at = None;
        for (candidate, counted) in files {
            let Some(census) = counted.census else { continue };
            // Parts of a running table are never the same rows twice.
            if matches!(candidate.bytes, Bytes::Live(_)) || seen.insert((counted.ids, census.rows())) {
                total.get_or_insert_default().merge(census);
                at.get_or_insert(Place::File { file: candidate.file });
            }
        }
        if let (Some(total), Some(at)) = (total, at) {
            let described = app.classes.entry(class.clone()).or_insert_with(|| Class::of_rows(class, at.clone()));
            described.rows = Known::Read(total);
            described.rows_at = Some(at);
        }
    }
    app.leaks.sort();
    debug_assert!(app.classes.values().all(|class| class.source.origin != Origin::Rows || class.rows.is_read()));
}
