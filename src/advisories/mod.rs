//! Advisories about npm packages: which versions each is about, and what it takes to be exposed.
//!
//! Versions are compared by the precedence of SemVer and not by ranges of npm, which pass over
//! pre-releases: nearly every fix of Parse Server 9 is one.

mod osv;
mod remedy;

use std::collections::BTreeMap;

use semver::{BuildMetadata, Prerelease, Version};
use serde::Deserialize;

use crate::severity::Severity;

pub use osv::Malformed;
pub use remedy::{Remedy, remedy};

/// The advisories about packages of Parse, a record of the OSV format on each line.
const EMBEDDED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/advisories/parse.ndjson"));

/// Releases that are known beside those that fixed something, and fixes that were never released.
const RELEASES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/advisories/releases.json"));

/// The day on which the embedded advisories were collected.
pub const EMBEDDED_ON: &str = "2026-09-30";

/// A published weakness of a package.
#[derive(Debug, Clone, PartialEq)]
pub struct Advisory {
    /// Its id: of GitHub (`GHSA-…`) where it has one.
    pub id: String,
    /// Other ids, such as that of the CVE list.
    pub aliases: Vec<String>,
    /// One sentence.
    pub summary: String,
    /// How bad it is; `None` if nobody said so.
    pub severity: Option<Severity>,
    /// Numbers of its weaknesses in the CWE list.
    pub cwe: Vec<u32>,
    /// What must be in use for an app to be exposed, in words for programs: `liveQuery`, `auth:ldap`. All of them.
    pub needs: Vec<String>,
    /// The same in words for people.
    pub precondition: Option<String>,
    /// What an update alone does not mend.
    pub caveat: Option<String>,
    /// The versions it is about, by package.
    pub affected: BTreeMap<String, Vec<Affected>>,
}

/// Versions from one on, up to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The first version.
    pub from: Version,
    /// Where it ends.
    pub until: Until,
}

/// Where affected versions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// Before this one, which has the fix.
    Fixed(Version),
    /// With this one.
    Last(Version),
    /// Not yet.
    Never,
}

impl Affected {
    /// Whether a version is one of them.
    pub fn has(&self, version: &Version) -> bool {
        let is_under = match &self.until {
            Until::Fixed(fixed) => version.cmp_precedence(fixed).is_lt(),
            Until::Last(last) => version.cmp_precedence(last).is_le(),
            Until::Never => true,
        };
        is_under && version.cmp_precedence(&self.from).is_ge()
    }
}

impl Advisory {
    /// Whether it is about a version of a package.
    pub fn is_about(&self, package: &str, version: &Version) -> bool {
        self.affected.get(package).is_some_and(|ranges| ranges.iter().any(|range| range.has(version)))
    }
}

/// What is known of the releases of a package.
#[derive(Debug, Clone, Default, Deserialize)]
struct Releases {
    /// Releases.
    released: Vec<Version>,
    /// Versions that advisories name and that cannot be installed.
    never: Vec<Version>,
}

/// Advisories by package.
#[derive(Debug, Clone, Default)]
pub struct Advisories {
    all: Vec<Advisory>,
    releases: BTreeMap<String, Releases>,
    /// The numbers of those about a package.
    by_package: BTreeMap<String, Vec<usize>>,
}

impl Advisories {
    /// The ones about Parse that this program brings along.
    ///
    /// # Errors
    ///
    /// One of them is malformed, which a test rules out.
    pub fn embedded() -> Result<Self, Malformed> {
        let releases = serde_json::from_str(RELEASES).map_err(|error| Malformed::new(&error))?;
        let mut advisories = Self { releases, ..Self::default() };
        for line in EMBEDDED.lines() {
            if let Some(advisory) = osv::read(line.as_bytes())? {
                advisories.add(advisory);
            }
        }
        Ok(advisories)
    }

    /// Adds one, unless it is known under one of its names.
    pub fn add(&mut self, advisory: Advisory) {
        let names = |advisory: &Advisory| [advisory.id.clone()].into_iter().chain(advisory.aliases.clone());
        let same = |known: &Advisory| names(known).any(|name| names(&advisory).any(|other| name == other));
        let known = advisory.affected.keys().flat_map(|package| self.about_package(package)).any(same);
        if known {
            return;
        }
        for package in advisory.affected.keys() {
            self.by_package.entry(package.clone()).or_default().push(self.all.len());
        }
        self.all.push(advisory);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Those about a package, of whatever version.
    pub fn about_package(&self, package: &str) -> impl Iterator<Item = &Advisory> {
        self.by_package.get(package).into_iter().flatten().filter_map(|number| self.all.get(*number))
    }

    /// Those about a version of a package.
    pub fn about(&self, package: &str, version: &Version) -> impl Iterator<Item = &Advisory> {
        let (name, version) = (package.to_owned(), version.clone());
        self.about_package(package).filter(move |advisory| advisory.is_about(&name, &version))
    }
}

/// The lowest version that counts where one is said to be the first: a major version begins with its
/// pre-releases, although they come before it.
fn first(introduced: &Version) -> Version {
    let mut first = introduced.clone();
    first.build = BuildMetadata::EMPTY;
    if (first.minor, first.patch) == (0, 0) && first.pre.is_empty() {
        first.pre = Prerelease::new("0").unwrap_or_default();
    }
    first
}

#[cfg(test)]
mod tests;
