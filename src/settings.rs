//! `parse-audit.toml`: what a team decides about its audit. Unknown keys are refused.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::mistake::Mistake;
use crate::severity::Severity;

/// The name of the file.
pub const FILE: &str = "parse-audit.toml";

/// Where the file may be, below the audited folder.
pub const PLACES: [&str; 2] = [FILE, ".github/parse-audit.toml"];

/// The configuration of an app.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Settings {
    /// Version of the format; 1.
    #[serde(default)]
    pub version: Option<Version>,
    /// The name of the app in reports.
    #[serde(default)]
    pub app: Option<String>,
    /// What is read.
    #[serde(default)]
    pub inputs: Inputs,
    /// What is reported, and what fails.
    #[serde(default)]
    pub check: Check,
    /// Facts about the server that no file tells.
    #[serde(default)]
    pub server: Server,
    /// What fields hold, where their names mislead.
    #[serde(default)]
    pub data: Data,
    /// A team's own rules.
    #[serde(default)]
    pub rules: Rules,
    /// Findings that are not reported.
    #[serde(default)]
    pub ignore: Vec<Ignore>,
    /// Where the app runs, by the names that `--env` takes.
    #[serde(default)]
    pub env: BTreeMap<String, Environment>,
    /// What is told of drift.
    #[serde(default)]
    pub drift: Drift,
}

/// Where an app runs. Keys come from the environment, never from this file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Environment {
    /// The address of its Parse Server, read by GET alone.
    #[serde(default)]
    pub server: Option<String>,
    /// Its MongoDB: `env:VARIABLE`, `file:PATH`, `env` for PARSE_SERVER_DATABASE_URI, or an address without a password.
    #[serde(default)]
    pub mongodb: Option<String>,
    /// Its PostgreSQL, named in the same ways.
    #[serde(default)]
    pub postgres: Option<String>,
}

/// What is told of drift.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Drift {
    /// Keys of the lock whose changes are no drift, `class._Session.*`; they are still audited.
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "u32"))]
pub struct Version;

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == 1 { Ok(Self) } else { Err(format!("version {version} of the format is not known, expected 1")) }
    }
}

/// What is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Inputs {
    /// Files that are passed by, in the syntax of `.gitignore`.
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// What is reported, and what fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    /// Exit code 1 from this severity on; `high` if not set.
    #[serde(default)]
    pub fail_on: Option<Severity>,
    /// Findings below it are not reported.
    #[serde(default)]
    pub min_severity: Option<Severity>,
    /// Only these rules.
    #[serde(default)]
    pub select: Vec<String>,
    /// Not these rules.
    #[serde(default)]
    pub ignore: Vec<String>,
}

/// Facts about the server that no file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Server {
    /// Version of Parse Server.
    #[serde(default)]
    pub version: Option<String>,
}

/// What fields hold, as `Class.field`, or `field` for every class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Data {
    /// Data about a person.
    #[serde(default)]
    pub personal: Vec<String>,
    /// Data whose loss hurts: health, belief, account numbers.
    #[serde(default)]
    pub sensitive: Vec<String>,
    /// What proves who one is.
    #[serde(default)]
    pub secret: Vec<String>,
    /// What gives rights or value.
    #[serde(default)]
    pub privilege: Vec<String>,
    /// Nothing of that, whatever the name says.
    #[serde(default)]
    pub ordinary: Vec<String>,
}

/// A team's own rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Rules {
    /// Folders with rule files, from the folder of this file.
    #[serde(default)]
    pub folders: Vec<String>,
}

/// A finding that is not reported.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ignore {
    /// The name of the finding, `RULE:SUBJECT`.
    pub finding: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts, `2026-12-31`.
    #[serde(default)]
    pub until: Option<String>,
}

impl Settings {
    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// The first mistake; whoever wrote the file must act.
    pub fn parse(path: &str, text: &str) -> Result<Self, Mistake> {
        toml::from_str(text).map_err(|error| Mistake::of_toml(path, text, 0, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_what_is_known() {
        let mistake =
            Settings::parse("parse-audit.toml", "version = 1\n[check]\nfailon = \"high\"\n").expect_err("a mistake");
        assert_eq!((mistake.line, mistake.column, mistake.width), (3, 1, 6));
        assert_eq!(mistake.message, "unknown key `failon`");
        assert_eq!(mistake.expected.as_deref(), Some("expected one of `fail_on`, `min_severity`, `select`, `ignore`"));
    }

    #[test]
    fn a_version_that_is_not_known_is_refused() {
        assert!(Settings::parse("x", "version = 2").is_err());
        assert!(Settings::parse("x", "version = 1").is_ok());
    }

    #[test]
    fn the_schema_for_editors_is_up_to_date() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Settings)).expect("a schema") + "\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/parse-audit.schema.json");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &schema).expect("written");
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), schema, "run BLESS=1 cargo test");
    }
}
