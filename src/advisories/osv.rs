//! Records of the OSV format.

use std::collections::BTreeMap;
use std::fmt;

use semver::Version;
use serde::Deserialize;

use super::{Advisory, Affected, Until, first};
use crate::severity::Severity;

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(String);

impl Malformed {
    pub(super) fn new(error: &serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is no advisory in the OSV format: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    withdrawn: Option<String>,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    affected: Vec<AffectedRecord>,
    #[serde(default)]
    database_specific: Details,
}

#[derive(Deserialize)]
struct AffectedRecord {
    package: Option<PackageRecord>,
    #[serde(default)]
    ranges: Vec<RangeRecord>,
}

#[derive(Deserialize)]
struct PackageRecord {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RangeRecord {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<EventRecord>,
}

#[derive(Deserialize)]
struct EventRecord {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
}

/// What GitHub adds to a record, and what we add.
#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    cwe_ids: Vec<String>,
    #[serde(default)]
    precondition: Option<String>,
    #[serde(default)]
    precondition_keys: Vec<String>,
    #[serde(default)]
    fix_caveat: Option<String>,
}

/// Reads a record; `None` if it is withdrawn, about malicious packages, or about none of npm.
///
/// # Errors
///
/// It is no JSON, or lacks what every record has.
pub fn read(bytes: &[u8]) -> Result<Option<Advisory>, Malformed> {
    let record: Record = serde_json::from_slice(bytes).map_err(|error| Malformed::new(&error))?;
    if record.withdrawn.is_some() || record.id.starts_with("MAL-") {
        return Ok(None);
    }
    let mut affected: BTreeMap<String, Vec<Affected>> = BTreeMap::new();
    for AffectedRecord { package, ranges } in record.affected {
        let Some(package) = package.filter(|package| package.ecosystem == "npm") else { continue };
        let ranges = ranges.iter().filter(|range| matches!(range.kind.as_str(), "SEMVER" | "ECOSYSTEM"));
        affected.entry(package.name).or_default().extend(ranges.flat_map(|range| intervals(&range.events)));
    }
    if affected.values().all(Vec::is_empty) {
        return Ok(None);
    }
    let details = record.database_specific;
    Ok(Some(Advisory {
        id: record.id,
        aliases: record.aliases,
        summary: record.summary,
        severity: details.severity.as_deref().and_then(severity),
        cwe: details.cwe_ids.iter().filter_map(|id| id.strip_prefix("CWE-")?.parse().ok()).collect(),
        needs: details.precondition_keys,
        precondition: details.precondition,
        caveat: details.fix_caveat,
        affected,
    }))
}

/// Events in the order of versions as intervals.
fn intervals(events: &[EventRecord]) -> Vec<Affected> {
    let mut intervals = Vec::new();
    let mut from: Option<Version> = None;
    for event in events {
        if let Some(introduced) = &event.introduced {
            from = if introduced == "0" {
                Some(first(&Version::new(0, 0, 0)))
            } else {
                parsed(introduced).as_ref().map(first)
            };
        }
        let until = match (&event.fixed, &event.last_affected) {
            (Some(fixed), _) => parsed(fixed).map(Until::Fixed),
            (None, Some(last)) => parsed(last).map(Until::Last),
            (None, None) => None,
        };
        if let Some(until) = until
            && let Some(from) = from.take()
        {
            intervals.push(Affected { from, until });
        }
    }
    intervals.extend(from.map(|from| Affected { from, until: Until::Never }));
    intervals
}

fn parsed(version: &str) -> Option<Version> {
    Version::parse(version.trim_start_matches('v')).ok()
}

fn severity(word: &str) -> Option<Severity> {
    match word {
        "MODERATE" => Some(Severity::Medium),
        word => Severity::from_word(&word.to_ascii_lowercase()),
    }
}
