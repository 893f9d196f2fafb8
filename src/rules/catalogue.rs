//! What is known of the options of Parse Server and its dashboard: names, names in the
//! environment, defaults by version, and defaults that will change.
//!
//! Source: `Options/Definitions.js` of releases from 2.6.4 to 9.10, `Parse-Dashboard/` of 9.2.0.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use semver::Version;
use serde::Deserialize;
use serde_json::Value;

/// The catalogue as it is written.
static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    // A test makes sure that it parses.
    serde_json::from_str(include_str!("../../rules/data/options.json")).unwrap_or_default()
});

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    options: BTreeMap<String, Entry>,
    dashboard: BTreeMap<String, Entry>,
    changes: BTreeMap<u64, Vec<Change>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    env: Option<String>,
    #[serde(default)]
    kind: Kind,
    /// Versions from which a default counts, in order.
    #[serde(default)]
    default: Vec<(Version, Value)>,
}

/// Whose option it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Parse Server's.
    #[default]
    Server,
    /// Parse Dashboard's.
    Dashboard,
}

/// What an option holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Anything that may be shown.
    #[default]
    Plain,
    /// Yes or no.
    Flag,
    /// A list, which the environment separates with commas.
    List,
    /// A key or password.
    Key,
    /// An address, which may hold a password.
    Address,
}

/// A default that a later version changes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Change(
    /// The option.
    pub String,
    /// The new default.
    pub Value,
    /// What it means.
    pub Direction,
);

/// Whether a new default is safer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The new default closes something: until then it is open.
    Safer,
    /// The new default opens something: what is closed now will not be.
    Looser,
    /// It does something else.
    Other,
}

/// The default of an option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// This.
    Is(&'static Value),
    /// The version has no such option.
    None,
    /// That depends on the version, which is not known.
    Unknown,
}

impl Part {
    fn entries(self) -> &'static BTreeMap<String, Entry> {
        match self {
            Self::Server => &CATALOGUE.options,
            Self::Dashboard => &CATALOGUE.dashboard,
        }
    }

    /// The option of a name, if there is one.
    pub fn option(self, name: &str) -> Option<&'static str> {
        self.entries().get_key_value(name).map(|(name, _)| name.as_str())
    }

    /// The option that a variable of the environment sets, as its command line reads it.
    pub fn of_environment(self, variable: &str) -> Option<&'static str> {
        let mut entries = self.entries().iter();
        entries.find(|(_, entry)| entry.env.as_deref() == Some(variable)).map(|(name, _)| name.as_str())
    }
}

/// What an option holds; `None` if nothing is known of it.
pub fn kind_of(part: Part, name: &str) -> Option<Kind> {
    entry(part, name).map(|entry| entry.kind)
}

/// The default of an option in a version; `None` is an unknown one.
pub fn default_of(part: Part, name: &str, version: Option<&Version>) -> Default {
    static NULL: Value = Value::Null;
    let Some(entry) = entry(part, name).filter(|entry| !entry.default.is_empty()) else { return Default::Is(&NULL) };
    let Some(version) = version else {
        let mut values = entry.default.iter().map(|(_, value)| value);
        let first = values.next();
        let is_one = values.all(|value| Some(value) == first);
        return first.filter(|_| is_one).map_or(Default::Unknown, Default::Is);
    };
    // What a pre-release has is that of its release.
    let release = Version::new(version.major, version.minor, version.patch);
    let of_major = |major: u64| entry.default.iter().filter(move |(from, _)| from.major == major);
    // A default that does not change at a new major is not listed again.
    let mut earlier = entry.default.iter().filter(|(from, _)| from.major < version.major);
    let found = match of_major(version.major).next() {
        Some(_) => {
            let mut steps = of_major(version.major);
            steps.rfind(|(from, _)| release >= Version::new(from.major, from.minor, from.patch))
        }
        None => earlier.next_back(),
    };
    found.map_or(Default::None, |(_, value)| Default::Is(value))
}

/// Defaults of a major version that a later one changes.
pub fn changes(major: u64) -> &'static [Change] {
    CATALOGUE.changes.get(&major).map_or(&[], Vec::as_slice)
}

fn entry(part: Part, name: &str) -> Option<&'static Entry> {
    let entries = part.entries();
    entries.get(name).or_else(|| {
        let mut patterns = entries.iter().filter(|(pattern, _)| pattern.contains('*'));
        patterns.find(|(pattern, _)| is(pattern, name)).map(|(_, entry)| entry)
    })
}

/// Whether a name is one that a pattern means; `*` is one part of it.
pub fn is(pattern: &str, name: &str) -> bool {
    let (mut parts, mut names) = (pattern.split('.'), name.split('.'));
    loop {
        match (parts.next(), names.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(part), Some(name)) if part == name => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn default(name: &str, version: &str) -> Option<Value> {
        match default_of(Part::Server, name, Version::parse(version).ok().as_ref()) {
            Default::Is(value) => Some(value.clone()),
            Default::None | Default::Unknown => None,
        }
    }

    #[test]
    fn defaults_are_those_of_the_version() {
        assert!(CATALOGUE.options.len() > 150);
        assert_eq!(default("allowClientClassCreation", "6.5.11"), Some(json!(true)));
        assert_eq!(default("allowClientClassCreation", "9.0.0"), Some(json!(false)));
        assert_eq!(default("databaseOptions.allowPublicExplain", "8.4.0"), None, "there is none yet");
        assert_eq!(default("databaseOptions.allowPublicExplain", "8.6.0"), Some(json!(true)));
        assert_eq!(default("requestComplexity.includeDepth", "8.6.20"), Some(json!(5)));
        assert_eq!(default("requestComplexity.includeDepth", "9.2.0"), None);
        assert_eq!(default("masterKeyIps", "11.0.0"), Some(json!(["127.0.0.1", "::1"])));
        assert_eq!(default_of(Part::Server, "masterKeyIps", None), Default::Unknown);
        assert_eq!(default_of(Part::Server, "accountLockout", None), Default::Is(&Value::Null));
    }

    #[test]
    fn the_environment_names_options() {
        assert_eq!(Part::Server.of_environment("PARSE_SERVER_ENABLE_ANON_USERS"), Some("enableAnonymousUsers"));
        assert_eq!(Part::Dashboard.of_environment("PARSE_DASHBOARD_USER_PASSWORD"), Some("users.*.pass"));
        assert_eq!(Part::Server.of_environment("PARSE_SERVER_FILE_UPLOAD_ENABLE_FOR_PUBLIC"), None);
        assert_eq!(kind_of(Part::Server, "auth.github.clientSecret"), Some(Kind::Key));
        assert_eq!(kind_of(Part::Server, "auth.github.other"), None);
    }

    #[test]
    fn every_default_that_will_change_is_a_default() {
        for (major, changes) in &CATALOGUE.changes {
            for Change(name, value, _) in changes {
                let now = default(name, &format!("{major}.10.0"));
                assert!(now.is_some() && now.as_ref() != Some(value), "{name} of {major}");
            }
        }
    }
}
