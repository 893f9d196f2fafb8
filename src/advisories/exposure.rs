//! Whether an app is exposed to an advisory: what it takes is asked of the app, key by key.
//!
//! An option counts as not in use only where a configuration of the server was read and does
//! not name it. What nobody can tell is unknown, and never safe.

use std::collections::BTreeSet;
use std::fmt;

use semver::Version;
use serde_json::Value;

use crate::model::options::{Form, From, Tree, Written, as_flag};
use crate::model::{Known, Why};

use super::Advisory;

/// Whether an app is exposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// It has what it takes.
    Applies,
    /// It lacks something, in words: `LiveQuery is not set up`.
    DoesNotApply(String),
    /// It is not known, in words: `whether LiveQuery is set up`.
    Unknown(String),
}

impl Exposure {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applies => "applies",
            Self::DoesNotApply(_) => "does not apply",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why it does not apply, or what is not known.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Applies => None,
            Self::DoesNotApply(reason) | Self::Unknown(reason) => Some(reason),
        }
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applies => f.write_str("applies"),
            Self::DoesNotApply(reason) => write!(f, "does not apply, because {reason}"),
            Self::Unknown(what) => write!(f, "may apply; it is not known {what}"),
        }
    }
}

/// What of an app decides, for one configuration of its server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// What the configuration sets.
    pub options: Known<Tree>,
    /// Whether code starts a server of LiveQuery.
    pub starts_live_query: bool,
    /// Whether code starts a server of GraphQL.
    pub starts_graphql: bool,
    /// Whether there are cloud functions.
    pub functions: Known<bool>,
    /// Triggers that are registered: `beforeFind`; those of files as `beforeFind @File`.
    pub triggers: BTreeSet<String>,
    /// Whether these are all.
    pub knows_triggers: bool,
    /// Whether there are webhooks.
    pub webhooks: Known<bool>,
    /// Whether clients may add fields to a class.
    pub adds_fields: Known<bool>,
    /// Whether nobody but the user may get a row of `_User`.
    pub closes_users: Known<bool>,
    /// Whether columns decide who may do something with a row.
    pub has_owner_columns: Known<bool>,
    /// Whether fields are protected from some callers and not from others.
    pub protects_by_caller: Known<bool>,
    /// Whether fields of `_Session` are protected.
    pub protects_sessions: Known<bool>,
    /// Configurations of dashboards that were read.
    pub dashboards: Vec<Tree>,
    /// Packages that the app asks for.
    pub packages: BTreeSet<String>,
}

/// What keeps the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Database {
    Mongo,
    Postgres,
}

/// Adapters that keep files in S3 or Google Cloud Storage.
const BUCKETS: [&str; 4] =
    ["@parse/s3-files-adapter", "parse-server-s3-adapter", "@parse/gcs-files-adapter", "parse-server-gcs-adapter"];

/// Whether an app is exposed to an advisory about a version of a package. Of several configurations
/// the one that is exposed most counts.
pub fn exposure(advisory: &Advisory, app: &[Facts], version: &Version) -> Exposure {
    let decided = app.iter().map(|facts| exposure_of(advisory, facts, version));
    decided.min_by_key(certainty).unwrap_or_else(|| exposure_of(advisory, &Facts::default(), version))
}

/// The order in which one answer outranks another.
fn certainty(exposure: &Exposure) -> u8 {
    match exposure {
        Exposure::Applies => 0,
        Exposure::Unknown(_) => 1,
        Exposure::DoesNotApply(_) => 2,
    }
}

fn exposure_of(advisory: &Advisory, facts: &Facts, version: &Version) -> Exposure {
    let by_default = advisory.needs.iter().any(|need| need == "default");
    let mut unknown = None;
    for need in &advisory.needs {
        match facts.has_one_of(need, version) {
            None | Some(Exposure::Applies) => {}
            // What is on by default may have other ways in than the one that was closed.
            Some(Exposure::DoesNotApply(why)) if by_default => {
                unknown = unknown.or(Some(format!("whether it is enough that {why}")));
            }
            Some(Exposure::DoesNotApply(why)) => return Exposure::DoesNotApply(why),
            Some(Exposure::Unknown(what)) => unknown = unknown.or(Some(what)),
        }
    }
    unknown.map_or(Exposure::Applies, Exposure::Unknown)
}

impl Facts {
    /// One of several things that it may take.
    fn has_one_of(&self, needs: &str, version: &Version) -> Option<Exposure> {
        let found = needs.split('|').map(|one| self.has(one, version)).min_by_key(certainty)?;
        let adapters: Option<Vec<&str>> = needs.split('|').map(|one| one.strip_prefix("auth:")).collect();
        Some(match (found, adapters) {
            (Exposure::DoesNotApply(_), Some(adapters)) if adapters.len() > 1 => {
                Exposure::DoesNotApply(format!("`auth` names none of {}", adapters.join(", ")))
            }
            (found, _) => found,
        })
    }

    /// One thing that it takes. The keys are those of the embedded records.
    fn has(&self, need: &str, version: &Version) -> Exposure {
        if let Some(adapter) = need.strip_prefix("auth:") {
            return self.auth(adapter);
        }
        if let Some(option) = need.strip_prefix("option:") {
            return self.option(option, version);
        }
        match need {
            "default" | "protectedFields" | "pages" => Exposure::Applies,
            "liveQuery" => decided(self.live_query(), "LiveQuery is set up", "LiveQuery is not set up"),
            "liveQuery:_User" => self.live_query_of_users(),
            "graphql" => {
                let is_on = if self.starts_graphql { Known::Read(true) } else { self.is_on("mountGraphQL") };
                decided(is_on, "GraphQL is mounted", "GraphQL is not mounted")
            }
            "postgres" => self.database(Database::Postgres, "PostgreSQL"),
            "mongodb" => self.database(Database::Mongo, "MongoDB"),
            "push" => decided(self.is_on("push"), "push is set up", "push is not set up"),
            "emailAdapter" => {
                decided(self.is_on("emailAdapter"), "the server sends e-mail", "there is no `emailAdapter`")
            }
            "fileUpload" => decided(self.uploads(version), "clients may upload files", "nobody may upload files"),
            "filesAdapter:s3" | "filesAdapter:gcs" => self.bucket(),
            "webhooks" => decided(self.webhooks, "there are webhooks", "there are no webhooks"),
            "cloudCode" => decided(self.functions, "there are cloud functions", "there are no cloud functions"),
            "cloudCode:beforeFind" => self.trigger("beforeFind"),
            "cloudCode:afterLiveQueryEvent" => self.trigger("afterLiveQueryEvent"),
            "cloudCode:fileTriggers" => self.trigger("@File"),
            "clp:addField" => {
                decided(self.adds_fields, "clients may add fields to a class", "clients may add fields to no class")
            }
            "clp:_User.get" => decided(self.closes_users, "`get` of `_User` is closed", "`get` of `_User` is open"),
            "clp:pointerFields" => {
                decided(self.has_owner_columns, "permissions name user columns", "no permission names a user column")
            }
            "protectedFields:groups" => decided(
                self.protects_by_caller,
                "fields are protected from some callers only",
                "no field is protected from some callers only",
            ),
            "protectedFields:_Session" => decided(
                self.protects_sessions,
                "fields of `_Session` are protected",
                "no field of `_Session` is protected",
            ),
            "install:git" => Exposure::DoesNotApply("it comes from the registry".to_owned()),
            // A built-in adapter answers whether or not it is set up, unless it is switched off.
            "callable:instagram" => match self.is_on("auth.instagram.enabled") {
                Known::Read(false) if self.names("auth.instagram.enabled") => {
                    Exposure::DoesNotApply("`auth.instagram` is switched off".to_owned())
                }
                _ => match self.auth("instagram") {
                    Exposure::Applies => Exposure::Applies,
                    _ => Exposure::Unknown("whether clients reach the built-in adapter instagram".to_owned()),
                },
            },
            "sdk" => Exposure::Unknown("whether the app hands what others sent to the SDK".to_owned()),
            "sdk:browser" => Exposure::Unknown("whether a browser runs it".to_owned()),
            "dashboard:agent" => {
                let has = |dashboard: &Tree| known(dashboard.get("agent"), |written| !is_null(written));
                decided(self.any_dashboard(has), "the dashboard has an agent", "no dashboard has an agent")
            }
            // Only code can have one, and there it is not known.
            "dashboard:masterKeyFunction" => decided(
                self.any_dashboard(|dashboard| {
                    let keys = dashboard.parts("apps").into_iter().map(|app| format!("apps.{app}.masterKey"));
                    let mut all = keys.chain(["apps".to_owned()]).map(|name| match dashboard.get(&name) {
                        // Set by code, who knows how.
                        Some(Written::Hidden(forms)) if forms.is_empty() && dashboard.from == From::Code => {
                            Known::Unread(Why::Failed)
                        }
                        written => known(written, |_| false),
                    });
                    all.find(|key| !key.is_read()).unwrap_or(Known::Read(false))
                }),
                "a function gives the dashboard its master key",
                "no function gives the dashboard its master key",
            ),
            other => Exposure::Unknown(format!("whether it has `{other}`")),
        }
    }

    /// Whether a configuration of a dashboard is such; not known where none was read.
    fn any_dashboard(&self, is_such: impl Fn(&Tree) -> Known<bool>) -> Known<bool> {
        let all: Vec<Known<bool>> = self.dashboards.iter().map(is_such).collect();
        match all.iter().max_by_key(|known| (**known == Known::Read(true), !known.is_read())) {
            Some(found) => *found,
            None => Known::Unread(Why::NotAsked),
        }
    }

    /// Whether an option is set to anything but `false`.
    fn is_on(&self, name: &str) -> Known<bool> {
        match &self.options {
            Known::Unread(why) => Known::Unread(*why),
            Known::Read(tree) => match tree.get(name) {
                None => Known::Read(false),
                Some(Written::Value(value)) => Known::Read(is_on(value)),
                Some(Written::Group | Written::Hidden(_)) => Known::Read(true),
                Some(Written::Unknown { .. }) => Known::Unread(Why::Failed),
            },
        }
    }

    /// Whether an option is named, whatever its value.
    fn names(&self, name: &str) -> bool {
        self.options.read().is_some_and(|tree| tree.get(name).is_some_and(|written| !is_null(written)))
    }

    /// A flag with the default it has in a version.
    fn flag(&self, name: &str, default: bool) -> Known<bool> {
        match self.is_on(name) {
            Known::Read(false) if !self.names(name) => Known::Read(default),
            known => known,
        }
    }

    fn live_query(&self) -> Known<bool> {
        if self.starts_live_query {
            return Known::Read(true);
        }
        let classes = match self.is_on("liveQuery") {
            Known::Read(true) if self.names("liveQuery.classNames") => self.is_on("liveQuery.classNames"),
            known => known,
        };
        either([classes, self.is_on("startLiveQueryServer")])
    }

    fn live_query_of_users(&self) -> Exposure {
        let classes = self.options.read().and_then(|tree| words(tree.get("liveQuery.classNames")?));
        match (self.live_query(), classes) {
            (Known::Read(false), _) => Exposure::DoesNotApply("LiveQuery is not set up".to_owned()),
            (_, Some(classes)) if classes.contains(&"_User") => Exposure::Applies,
            // A name may be a pattern.
            (_, Some(classes)) if classes.iter().all(|class| is_plain(class)) => {
                Exposure::DoesNotApply("LiveQuery does not tell of `_User`".to_owned())
            }
            _ => Exposure::Unknown("whether LiveQuery tells of `_User`".to_owned()),
        }
    }

    /// Source: Parse Server 4.10 to 9.10, `Config.js` and `Options/Definitions.js`: the database is
    /// MongoDB unless the address or an adapter says something else.
    fn database(&self, wanted: Database, name: &str) -> Exposure {
        let unknown = Exposure::Unknown(format!("whether the database is {name}"));
        let Known::Read(tree) = &self.options else { return unknown };
        let database = match (tree.get("databaseAdapter"), tree.get("databaseURI")) {
            (Some(Written::Value(adapter)), _) if names(adapter, "postgres") => Database::Postgres,
            (Some(Written::Value(adapter)), _) if names(adapter, "mongo") => Database::Mongo,
            (None, Some(Written::Hidden(forms))) if forms.contains(&Form::PostgreSql) => Database::Postgres,
            (None, Some(Written::Hidden(forms))) if forms.contains(&Form::MongoDb) => Database::Mongo,
            (None, None) => Database::Mongo,
            _ => return unknown,
        };
        if database == wanted {
            return Exposure::Applies;
        }
        Exposure::DoesNotApply(format!("the database is not {name}"))
    }

    /// Source: Parse Server 9.10.0, `Options/Definitions.js`; before 5.0 everybody might upload.
    fn uploads(&self, version: &Version) -> Known<bool> {
        let was_open = version.major < 5;
        either([
            self.flag("fileUpload.enableForAuthenticatedUser", true),
            self.flag("fileUpload.enableForAnonymousUser", was_open),
            self.flag("fileUpload.enableForPublic", was_open),
        ])
    }

    fn bucket(&self) -> Exposure {
        let is_bucket = |name: &str| BUCKETS.contains(&name) || name.to_lowercase().contains("s3");
        let module = ["filesAdapter.module", "filesAdapter"].map(|name| self.options.read()?.get(name));
        let is_named = module.iter().flatten().filter_map(|written| words(written)).flatten().any(is_bucket);
        match self.is_on("filesAdapter") {
            Known::Read(false) => Exposure::DoesNotApply("there is no `filesAdapter`".to_owned()),
            _ if is_named || self.packages.iter().any(|name| BUCKETS.contains(&name.as_str())) => Exposure::Applies,
            _ => Exposure::Unknown("whether files are kept in a bucket".to_owned()),
        }
    }

    fn trigger(&self, part: &str) -> Exposure {
        let (name, what) = match part {
            "@File" => ("a trigger of files", "no trigger of files".to_owned()),
            part => ("the trigger", format!("no trigger `{part}`")),
        };
        match self.triggers.iter().any(|trigger| trigger.contains(part)) {
            true => Exposure::Applies,
            false if self.knows_triggers => Exposure::DoesNotApply(format!("there is {what}")),
            false if part == "@File" => Exposure::Unknown(format!("whether there is {name}")),
            false => Exposure::Unknown(format!("whether there is {name} `{part}`")),
        }
    }

    /// An adapter for logging in; `*` is any, `oauth2` any that is declared as such.
    fn auth(&self, adapter: &str) -> Exposure {
        let unknown = |what: &str| Exposure::Unknown(format!("whether `auth` names {what}"));
        let Known::Read(tree) = &self.options else {
            return unknown(if adapter == "*" { "an adapter" } else { adapter });
        };
        let is_open = matches!(tree.get("auth"), Some(Written::Unknown { .. }));
        let is = |name: &str, flag: bool| matches!(tree.get(name), Some(Written::Value(value)) if as_flag(value) == Some(flag));
        let is_off = |name: &str| is(&format!("auth.{name}.enabled"), false);
        let named: BTreeSet<&str> = tree.parts("auth").into_iter().filter(|name| !is_off(name)).collect();
        let has = |name: &str| named.contains(name);
        let is_oauth = |name: &&str| is(&format!("auth.{name}.oauth2"), true);
        let (found, what) = match adapter {
            "*" => (!named.is_empty(), "an adapter"),
            "oauth2" => (has("oauth2") || named.iter().any(is_oauth), "an adapter of oauth2"),
            adapter => (has(adapter), adapter),
        };
        match (found, is_open) {
            (true, _) => Exposure::Applies,
            (false, true) => unknown(what),
            (false, false) if adapter == "*" => Exposure::DoesNotApply("`auth` names no adapter".to_owned()),
            (false, false) if adapter == "oauth2" => {
                Exposure::DoesNotApply("`auth` names no adapter of oauth2".to_owned())
            }
            (false, false) => Exposure::DoesNotApply(format!("`auth` does not name {adapter}")),
        }
    }

    /// Options that must have, or must not have, a value.
    ///
    /// Source of the defaults: Parse Server 4.10 to 9.10, `Options/Definitions.js`.
    fn option(&self, option: &str, version: &Version) -> Exposure {
        let (name, default) = match option {
            // Limits are off by default, and 9.x has no other router of pages.
            "requestComplexity" => return Exposure::Applies,
            "pages.enableRouter=true" if version.major >= 9 => return Exposure::Applies,
            "enableAnonymousUsers" | "databaseOptions.allowPublicExplain" | "enableInsecureAuthAdapters" => {
                (option, true)
            }
            "allowExpiredAuthDataToken=true" => ("allowExpiredAuthDataToken", version.major <= 6),
            "masterKeyIps" => (option, version.major >= 6),
            other => (other.trim_end_matches("=true"), false),
        };
        match self.flag(name, default) {
            Known::Read(true) => Exposure::Applies,
            Known::Read(false) if default => Exposure::DoesNotApply(format!("`{name}` is switched off")),
            Known::Read(false) => Exposure::DoesNotApply(format!("`{name}` is not set")),
            Known::Unread(_) => Exposure::Unknown(format!("whether `{name}` is set")),
        }
    }
}

/// Whether what is set is such; not if nothing is.
fn known(written: Option<&Written>, is_such: impl Fn(&Written) -> bool) -> Known<bool> {
    match written {
        Some(Written::Unknown { .. }) => Known::Unread(Why::Failed),
        Some(written) => Known::Read(is_such(written)),
        None => Known::Read(false),
    }
}

/// Whether a value is anything but `false`, `null` or nothing.
fn is_on(value: &Value) -> bool {
    as_flag(value).unwrap_or(match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    })
}

fn is_null(written: &Written) -> bool {
    matches!(written, Written::Value(Value::Null))
}

/// The one text, or the texts of a list; `None` if it is neither.
fn words(written: &Written) -> Option<Vec<&str>> {
    match written {
        Written::Value(Value::String(text)) => Some(vec![text]),
        Written::Value(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Whether a text has a word in it.
fn names(value: &Value, word: &str) -> bool {
    value.as_str().is_some_and(|text| text.to_lowercase().contains(word))
}

/// Whether the name of a class is no pattern.
fn is_plain(class: &str) -> bool {
    class.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_')
}

/// Whether one of several holds.
fn either<const N: usize>(all: [Known<bool>; N]) -> Known<bool> {
    if all.contains(&Known::Read(true)) {
        return Known::Read(true);
    }
    all.into_iter().find(|known| !known.is_read()).unwrap_or(Known::Read(false))
}

fn decided(is_so: Known<bool>, so: &str, not_so: &str) -> Exposure {
    match is_so {
        Known::Read(true) => Exposure::Applies,
        Known::Read(false) => Exposure::DoesNotApply(not_so.to_owned()),
        Known::Unread(_) => Exposure::Unknown(format!("whether {so}")),
    }
}
