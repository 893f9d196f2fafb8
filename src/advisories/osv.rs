//! Records of the OSV format.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
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

/// A text of a record, borrowed from it unless it has escapes.
#[derive(Default, Deserialize, Serialize)]
#[serde(transparent)]
struct Word<'r>(#[serde(borrow)] Cow<'r, str>);

impl Deref for Word<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize, Serialize)]
struct Record<'r> {
    #[serde(borrow)]
    id: Word<'r>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    modified: Option<Word<'r>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<Word<'r>>,
    #[serde(borrow, default, skip_serializing)]
    withdrawn: Option<Word<'r>>,
    #[serde(borrow, default)]
    summary: Word<'r>,
    #[serde(borrow, default, skip_serializing)]
    severity: Vec<Score<'r>>,
    #[serde(borrow, default)]
    affected: Vec<AffectedRecord<'r>>,
    #[serde(borrow, default)]
    database_specific: Details<'r>,
}

/// A vector of CVSS.
#[derive(Deserialize)]
struct Score<'r> {
    #[serde(borrow, default)]
    score: Word<'r>,
}

#[derive(Deserialize, Serialize)]
struct AffectedRecord<'r> {
    #[serde(borrow)]
    package: Option<PackageRecord<'r>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    ranges: Vec<RangeRecord<'r>>,
    /// Counts only where there are no ranges.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    versions: Vec<Word<'r>>,
}

#[derive(Deserialize, Serialize)]
struct PackageRecord<'r> {
    #[serde(borrow)]
    ecosystem: Word<'r>,
    #[serde(borrow)]
    name: Word<'r>,
}

#[derive(Deserialize, Serialize)]
struct RangeRecord<'r> {
    #[serde(borrow, rename = "type")]
    kind: Word<'r>,
    #[serde(borrow)]
    events: Vec<EventRecord<'r>>,
}

#[derive(Deserialize, Serialize)]
struct EventRecord<'r> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    introduced: Option<Word<'r>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    fixed: Option<Word<'r>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    last_affected: Option<Word<'r>>,
}

/// What GitHub adds to a record, and what we add.
#[derive(Default, Deserialize, Serialize)]
struct Details<'r> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    severity: Option<Word<'r>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    cwe_ids: Vec<Word<'r>>,
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
    let mut record: Record<'_> = serde_json::from_slice(bytes).map_err(|error| Malformed::new(&error))?;
    if record.withdrawn.is_some() || (!malicious && record.id.starts_with(MALICIOUS)) {
        return Ok(None);
    }
    record.affected.retain(|affected| affected.package.as_ref().is_some_and(|package| &*package.ecosystem == "npm"));
    let mut packages: Vec<String> =
        record.affected.iter().filter_map(|affected| Some(affected.package.as_ref()?.name.to_string())).collect();
    packages.retain(|name| !name.contains(['\t', '\n', '\r']));
    packages.sort();
    packages.dedup();
    if packages.is_empty() {
        return Ok(None);
    }
    for affected in &mut record.affected {
        affected.ranges.retain(|range| matches!(&*range.kind, "SEMVER" | "ECOSYSTEM"));
        if !affected.ranges.is_empty() {
            affected.versions = Vec::new();
        }
    }
    record.database_specific.severity = rated(&record).map(|severity| Word(severity.word().into()));
    let mut line = serde_json::to_vec(&record).map_err(|error| Malformed::new(&error))?;
    line.push(b'\n');
    let changed = record.modified.map(|day| day.0.into_owned());
    Ok(Some(Short { id: record.id.0.into_owned(), changed, packages, line }))
}

/// Reads a record; `None` if it is withdrawn or about no package of npm.
///
/// # Errors
///
/// It is no JSON, or lacks what every record has.
pub fn read(bytes: &[u8]) -> Result<Option<Advisory>, Malformed> {
    let record: Record<'_> = serde_json::from_slice(bytes).map_err(|error| Malformed::new(&error))?;
    if record.withdrawn.is_some() {
        return Ok(None);
    }
    let is_malicious = record.id.starts_with(MALICIOUS);
    let severity = rated(&record);
    let mut affected: BTreeMap<String, Vec<Affected>> = BTreeMap::new();
    for of_package in &record.affected {
        let Some(package) = of_package.of_npm() else { continue };
        affected.entry(package.to_owned()).or_default().extend(of_package.versions());
    }
    affected.retain(|_, ranges| !ranges.is_empty());
    if affected.is_empty() {
        return Ok(None);
    }
    let details = record.database_specific;
    Ok(Some(Advisory {
        id: record.id.0.into_owned(),
        aliases: record.aliases.into_iter().map(|alias| alias.0.into_owned()).collect(),
        summary: record.summary.0.into_owned(),
        severity: if is_malicious { Some(Severity::Critical) } else { severity },
        cwe: details.cwe_ids.iter().filter_map(|id| id.strip_prefix("CWE-")?.parse().ok()).collect(),
        needs: details.precondition_keys,
        precondition: details.precondition,
        caveat: details.fix_caveat,
        affected,
    }))
}

/// Whether a record is about one of these versions of a package. One that cannot be read is about none.
pub fn is_about(bytes: &[u8], package: &str, versions: &[&Version]) -> bool {
    let Ok(record) = serde_json::from_slice::<Record<'_>>(bytes) else { return false };
    let of_package = record.affected.iter().filter(|affected| affected.of_npm() == Some(package));
    let all = of_package.flat_map(AffectedRecord::versions);
    record.withdrawn.is_none() && all.into_iter().any(|some| versions.iter().any(|version| some.has(version)))
}

impl AffectedRecord<'_> {
    /// The name of the package, if it is one of npm.
    fn of_npm(&self) -> Option<&str> {
        self.package.as_ref().filter(|package| &*package.ecosystem == "npm").map(|package| &*package.name)
    }

    /// The versions: ranges, or where there are none the versions that are listed.
    fn versions(&self) -> Vec<Affected> {
        let ranges = self.ranges.iter().filter(|range| matches!(&*range.kind, "SEMVER" | "ECOSYSTEM"));
        let found: Vec<Affected> = ranges.flat_map(|range| intervals(&range.events)).collect();
        if !found.is_empty() {
            return found;
        }
        let exactly = |version: Version| Affected { from: version.clone(), until: Until::Last(version) };
        self.versions.iter().filter_map(|version| parsed(version)).map(exactly).collect()
    }
}

/// Events in the order of versions as intervals.
fn intervals(events: &[EventRecord<'_>]) -> Vec<Affected> {
    let mut intervals = Vec::new();
    let mut from: Option<Version> = None;
    for event in events {
        if let Some(introduced) = &event.introduced {
            from = if &**introduced == "0" {
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
fn rated(record: &Record<'_>) -> Option<Severity> {
    let of_word = |word: &str| match word {
        "MODERATE" => Some(Severity::Medium),
        word => Severity::from_word(&word.to_ascii_lowercase()),
    };
    let of_score = |score: &Score<'_>| match Cvss::from_str(&score.score).ok()?.severity() {
        cvss::Severity::None => None,
        cvss::Severity::Low => Some(Severity::Low),
        cvss::Severity::Medium => Some(Severity::Medium),
        cvss::Severity::High => Some(Severity::High),
        cvss::Severity::Critical => Some(Severity::Critical),
    };
    let word = record.database_specific.severity.as_deref().and_then(of_word);
    word.or_else(|| record.severity.iter().filter_map(of_score).max())
}
