//! What was read, and what was not.

use std::collections::BTreeSet;

use super::place::Texts;
use super::{App, Class, Known, Origin, Why};

/// Everything an audit works on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The app.
    pub app: App,
    /// The texts that places point into.
    pub texts: Texts,
    /// What was not checked, in the order of importance.
    pub gaps: Vec<Gap>,
}

/// Something that was not checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// What, as a noun.
    pub topic: String,
    /// Why, and what would change it.
    pub reason: String,
}

impl Gap {
    /// A gap.
    pub fn new(topic: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { topic: topic.into(), reason: reason.into() }
    }
}

/// What is not checked where only files were read.
pub const RUNNING_APP: &str = "the running app";

/// What an app leaves unchecked. `code` is what of its code is.
pub fn gaps(app: &App, code: Vec<Gap>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let (undescribed, in_code): (Vec<&Class>, Vec<&Class>) = app
        .classes
        .values()
        .filter(|class| !class.clp.is_read())
        .partition(|class| class.source.origin == Origin::Rows);
    if app.classes.is_empty() {
        gaps.push(Gap::new("class-level permissions", "no schema was found"));
    }
    for (classes, reason) in
        [(undescribed, "only rows were found, no schema"), (in_code, "set in code, but not known here")]
    {
        let names: Vec<String> = classes.iter().map(|class| class.name.to_string()).collect();
        if !names.is_empty() {
            gaps.push(Gap::new(format!("permissions of {}", listed(&names)), reason));
        }
    }
    let without_rows: Vec<String> =
        app.classes.values().filter(|class| needs_rows(class)).map(|class| class.name.to_string()).collect();
    if !without_rows.is_empty() {
        gaps.push(Gap::new(format!("row ACLs of {}", listed(&without_rows)), "no export of their rows was found"));
    }
    for class in app.classes.values() {
        if let Some(sample) = class.rows.read().and_then(|census| census.sample.as_ref()) {
            let reason = format!("{} of {} parts of the class were looked at", sample.parts.len(), sample.of);
            gaps.push(Gap::new(format!("most rows of {}", class.name), reason));
        }
    }
    roles(app, &mut gaps);
    match &app.server.version {
        Known::Read(_) => {}
        Known::Unread(_) => gaps.push(Gap::new(
            "the server's version",
            format!(
                "no package.json or lock file names parse-server; decided as {}, the newest known",
                app.server.version()
            ),
        )),
    }
    gaps.extend(
        options(app).map(|what| Gap::new("server options", format!("{what}; decided by the version's defaults"))),
    );
    if !app.config.is_read() {
        gaps.push(Gap::new("parameters of _GlobalConfig", "no export was found"));
    }
    if !app.webhooks.is_read() {
        gaps.push(Gap::new("webhooks", "no export of _Hooks was found"));
    }
    match &app.code {
        Known::Unread(_) => gaps.push(Gap::new("cloud code", "no file of JavaScript or TypeScript was found")),
        Known::Read(units) if units.is_empty() => {}
        Known::Read(_) => gaps.push(Gap::new(
            "triggers in cloud code",
            "they may still refuse or change what permissions allow; permissions are worked out without them",
        )),
    }
    gaps.extend(code);
    if app.locks.is_empty() {
        gaps.push(Gap::new("dependencies", "no lock file of npm, yarn, pnpm or bun was found"));
    }
    gaps.push(Gap::new(RUNNING_APP, "read with --server, --mongodb or --postgres alone"));
    gaps
}

/// What is not known of the server's options.
fn options(app: &App) -> Option<String> {
    let read = match &app.server.options {
        Known::Unread(Why::NotAsked) => {
            return Some("none were found, in JSON or in code that starts a server".to_owned());
        }
        Known::Unread(Why::NoAccess | Why::Failed) => return Some("set in code, but not known here".to_owned()),
        Known::Read(read) => read,
    };
    let all = [read].into_iter().chain(&app.server.other_options);
    let unknown: BTreeSet<&String> = all.flat_map(|options| &options.unknown).collect();
    let named: Vec<&str> = unknown.iter().take(4).map(|name| name.as_str()).collect();
    let more =
        if unknown.len() > named.len() { format!(" and {} more", unknown.len() - named.len()) } else { String::new() };
    (!named.is_empty()).then(|| format!("set in code, but not known here: {}{more}", named.join(", ")))
}

fn roles(app: &App, gaps: &mut Vec<Gap>) {
    match &app.roles {
        Known::Unread(_) => gaps.push(Gap::new("roles", "no export of _Role was found")),
        Known::Read(roles) => {
            if !roles.inheritance.is_read() {
                gaps.push(Gap::new("inheritance of roles", "no export of _Join:roles:_Role was found"));
            }
            if roles.by_name.values().any(|role| !role.members.is_read()) {
                gaps.push(Gap::new("members of roles", "no export of _Join:users:_Role was found"));
            }
        }
    }
}

/// Classes whose rows could tell more than their permissions do.
fn needs_rows(class: &Class) -> bool {
    let rowless = class.name.is_system() && class.name != "_User" && class.name != "_Role";
    !class.rows.is_read() && !rowless
}

/// A few names, and how many more.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names {
        few if few.len() <= SHOWN + 1 => few.join(", "),
        many => format!(
            "{} and {} more classes",
            many.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", "),
            many.len() - SHOWN
        ),
    }
}
