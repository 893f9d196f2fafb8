//! What was read, and what was not.

use super::place::Texts;
use super::{App, Known, Why};

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

/// What an app leaves unchecked. `code` is what of its code is.
pub fn gaps(app: &App, code: Vec<Gap>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let undescribed: Vec<String> =
        app.classes.values().filter(|class| !class.clp.is_read()).map(|class| class.name.to_string()).collect();
    if app.classes.is_empty() {
        gaps.push(Gap::new("class-level permissions", "no schema was found"));
    } else if !undescribed.is_empty() {
        gaps.push(Gap::new(format!("permissions of {}", listed(&undescribed)), "only rows were found, no schema"));
    }
    let without_rows: Vec<String> =
        app.classes.values().filter(|class| needs_rows(class)).map(|class| class.name.to_string()).collect();
    if !without_rows.is_empty() {
        gaps.push(Gap::new(format!("row ACLs of {}", listed(&without_rows)), "no export of their rows was found"));
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
    if let Known::Unread(why) = app.server.options {
        let reason = match why {
            Why::NotAsked => "no JSON configuration was found; decided by the version's defaults",
            Why::NoAccess | Why::Failed => "the configuration could not be read; decided by the version's defaults",
        };
        gaps.push(Gap::new("server options", reason));
    }
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
            "they may refuse or change what permissions allow; permissions are worked out without them",
        )),
    }
    gaps.extend(code);
    gaps.push(Gap::new("git history, dependencies, the running app", "not part of this version"));
    gaps
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
fn needs_rows(class: &super::Class) -> bool {
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
