//! Whether an app is exposed to an advisory: what it takes is asked of the app, key by key.
//!
//! An option counts as not in use only where a configuration of the server was read and does
//! not name it. What nobody can tell is unknown, and never safe.

use std::collections::BTreeSet;
use std::fmt;

use semver::Version;

use crate::model::setup::{Setting, Setup};
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
    pub options: Known<Setup>,
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
            "dashboard:agent" => Exposure::Unknown("whether the dashboard has an agent".to_owned()),
            "dashboard:masterKeyFunction" => {
                Exposure::Unknown("whether a function gives the dashboard its master key".to_owned())
            }
            other => Exposure::Unknown(format!("whether it has `{other}`")),
        }
    }

    /// Whether an option is set to anything but `false`.
    fn is_on(&self, name: &str) -> Known<bool> {
        match &self.options {
            Known::Unread(why) => Known::Unread(*why),
            Known::Read(setup) => match setup.get(name) {
                None => Known::Read(false),
                Some(Setting::Flag(flag)) => Known::Read(*flag),
                Some(Setting::Words(words)) => Known::Read(!words.is_empty()),
                Some(Setting::Set) => Known::Read(true),
                Some(Setting::Unknown) => Known::Unread(Why::Failed),
            },
        }
    }

    /// Whether an option is named, whatever its value.
    fn names(&self, name: &str) -> bool {
        self.options.read().is_some_and(|setup| setup.get(name).is_some())
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
        let classes = self.options.read().and_then(|setup| setup.get("liveQuery.classNames"));
        match (self.live_query(), classes) {
            (Known::Read(false), _) => Exposure::DoesNotApply("LiveQuery is not set up".to_owned()),
            (_, Some(Setting::Words(classes))) if classes.iter().any(|class| class == "_User") => Exposure::Applies,
            // A name may be a pattern.
            (_, Some(Setting::Words(classes))) if classes.iter().all(|class| is_plain(class)) => {
                Exposure::DoesNotApply("LiveQuery does not tell of `_User`".to_owned())
            }
            _ => Exposure::Unknown("whether LiveQuery tells of `_User`".to_owned()),
        }
    }

    /// Source: Parse Server 4.10 to 9.10, `Config.js` and `Options/Definitions.js`: the database is
    /// MongoDB unless the address or an adapter says something else.
    fn database(&self, wanted: Database, name: &str) -> Exposure {
        let unknown = Exposure::Unknown(format!("whether the database is {name}"));
        let Known::Read(setup) = &self.options else { return unknown };
        let adapter = setup.get("databaseAdapter");
        let named = |words: &[String], part: &str| words.iter().any(|word| word.to_lowercase().contains(part));
        let database = match (adapter, setup.get("databaseURI")) {
            (Some(Setting::Words(words)), _) | (None, Some(Setting::Words(words))) if named(words, "postgres") => {
                Database::Postgres
            }
            (Some(Setting::Words(words)), _) | (None, Some(Setting::Words(words))) if named(words, "mongo") => {
                Database::Mongo
            }
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
        let is_named = module
            .iter()
            .flatten()
            .any(|setting| matches!(setting, Setting::Words(words) if words.iter().any(|word| is_bucket(word))));
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
        let Known::Read(setup) = &self.options else {
            return unknown(if adapter == "*" { "an adapter" } else { adapter });
        };
        let is_open = setup.get("auth") == Some(&Setting::Unknown);
        let is_off = |name: &str| setup.get(&format!("auth.{name}.enabled")) == Some(&Setting::Flag(false));
        let named: BTreeSet<&str> = setup.parts("auth").into_iter().filter(|name| !is_off(name)).collect();
        let has = |name: &str| named.contains(name);
        let is_oauth = |name: &&str| setup.get(&format!("auth.{name}.oauth2")) == Some(&Setting::Flag(true));
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
