//! Records of the OSV format.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use cvss::Cvss;
use semver::Version;
use serde::{Deserialize, Serialize};

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

#[derive(Deserialize, Serialize)]
struct Record {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    #[serde(default, skip_serializing)]
    withdrawn: Option<String>,
    #[serde(default)]
    summary: String,
    #[serde(default, skip_serializing)]
    severity: Vec<Score>,
    #[serde(default)]
    affected: Vec<AffectedRecord>,
    #[serde(default)]
    database_specific: Details,
}

/// A vector of CVSS.
#[derive(Deserialize)]
struct Score {
    #[serde(default)]
    score: String,
}

#[derive(Deserialize, Serialize)]
struct AffectedRecord {
    package: Option<PackageRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<RangeRecord>,
    /// Counts only where there are no ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    versions: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct PackageRecord {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize, Serialize)]
struct RangeRecord {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<EventRecord>,
}

#[derive(Deserialize, Serialize)]
struct EventRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    introduced: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_affected: Option<String>,
}

/// What GitHub adds to a record, and what we add.
#[derive(Default, Deserialize, Serialize)]
struct Details {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cwe_ids: Vec<String>,
    #[serde(default, skip_serializing)]
    precondition: Option<String>,
    #[serde(default, skip_serializing)]
    precondition_keys: Vec<String>,
    #[serde(default, skip_serializing)]
    fix_caveat: Option<String>,
}

/// How ids of malicious packages begin.
const MALICIOUS: &str = "MAL-";

/// A record without what nobody asks for.
pub struct Short {
    /// Its id.
    pub id: String,
    /// When it was changed.
    pub changed: Option<String>,
    /// The packages of npm that it is about.
    pub packages: Vec<String>,
    /// The record, with the end of its line.
    pub line: Vec<u8>,
}

/// Shortens a record; `None` if it is withdrawn or about no package of npm, or about malicious ones and
/// these are not wanted.
///
/// # Errors
///
/// It is no JSON, or lacks what every record has.
pub fn shortened(bytes: &[u8], malicious: bool) -> Result<Option<Short>, Malformed> {
    let mut record: Record = serde_json::from_slice(bytes).map_err(|error| Malformed::new(&error))?;
    if record.withdrawn.is_some() || (!malicious && record.id.starts_with(MALICIOUS)) {
        return Ok(None);
    }
    record.affected.retain(|affected| affected.package.as_ref().is_some_and(|package| package.ecosystem == "npm"));
    let mut packages: Vec<String> =
        record.affected.iter().filter_map(|affected| Some(affected.package.as_ref()?.name.clone())).collect();
    packages.retain(|name| !name.contains(['\t', '\n', '\r']));
    packages.sort();
    packages.dedup();
    if packages.is_empty() {
        return Ok(None);
    }
    for affected in &mut record.affected {
        affected.ranges.retain(|range| matches!(range.kind.as_str(), "SEMVER" | "ECOSYSTEM"));
        if !affected.ranges.is_empty() {
            affected.versions = Vec::new();
        }
    }
    record.database_specific.severity = rated(&record).map(|severity| severity.word().to_owned());
    let mut line = serde_json::to_vec(&record).map_err(|error| Malformed::new(&error))?;
    line.push(b'\n');
    Ok(Some(Short { id: record.id, changed: record.modified, packages, line }))
}

/// Reads a record; `None` if it is withdrawn or about no package of npm.
///
/// # Errors
///
/// It is no JSON, or lacks what every record has.
pub fn read(bytes: &[u8]) -> Result<Option<Advisory>, Malformed> {
    let record: Record = serde_json::from_slice(bytes).map_err(|error| Malformed::new(&error))?;
    if record.withdrawn.is_some() {
        return Ok(None);
    }
    let is_malicious = record.id.starts_with(MALICIOUS);
    let severity = rated(&record);
    let mut affected: BTreeMap<String, Vec<Affected>> = BTreeMap::new();
    for AffectedRecord { package, ranges, versions } in record.affected {
        let Some(package) = package.filter(|package| package.ecosystem == "npm") else { continue };
        let known = affected.entry(package.name).or_default();
        let ranges = ranges.iter().filter(|range| matches!(range.kind.as_str(), "SEMVER" | "ECOSYSTEM"));
        let before = known.len();
        known.extend(ranges.flat_map(|range| intervals(&range.events)));
        if known.len() == before {
            let exactly = |version: Version| Affected { from: version.clone(), until: Until::Last(version) };
            known.extend(versions.iter().filter_map(|version| parsed(version)).map(exactly));
        }
    }
    affected.retain(|_, ranges| !ranges.is_empty());
    if affected.is_empty() {
        return Ok(None);
    }
    let details = record.database_specific;
    Ok(Some(Advisory {
        id: record.id,
        aliases: record.aliases,
        summary: record.summary,
        severity: if is_malicious { Some(Severity::Critical) } else { severity },
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

/// How bad it is, in the words of whoever published it, or else by its vector of CVSS.
fn rated(record: &Record) -> Option<Severity> {
    let of_word = |word: &str| match word {
        "MODERATE" => Some(Severity::Medium),
        word => Severity::from_word(&word.to_ascii_lowercase()),
    };
    let of_score = |score: &Score| match Cvss::from_str(&score.score).ok()?.severity() {
        cvss::Severity::None => None,
        cvss::Severity::Low => Some(Severity::Low),
        cvss::Severity::Medium => Some(Severity::Medium),
        cvss::Severity::High => Some(Severity::High),
        cvss::Severity::Critical => Some(Severity::Critical),
    };
    let word = record.database_specific.severity.as_deref().and_then(of_word);
    word.or_else(|| record.severity.iter().filter_map(of_score).max())
}
