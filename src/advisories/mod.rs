//! Advisories about npm packages: which versions each is about, and what it takes to be exposed.
//!
//! Versions are compared by the precedence of SemVer and not by ranges of npm, which pass over
//! pre-releases: nearly every fix of Parse Server 9 is one.

pub mod exposure;
pub mod index;
mod osv;
mod remedy;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
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
pub const EMBEDDED_ON: Date = jiff::civil::date(2026, 9, 30);

/// Advisories that are older than so many days are no longer taken for all there are.
pub const FRESH: i32 = 60;

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
    /// What must be in use for an app to be exposed, in words for programs: `liveQuery`, `auth:ldap|auth:mfa`.
    /// All of them, and of those with `|` between them one; none if nothing is said about it.
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

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A first release has its pre-releases with it, which nobody writes.
        let from = match self.from.pre.as_str() {
            "0" => Version::new(self.from.major, self.from.minor, self.from.patch),
            _ => self.from.clone(),
        };
        let is_first = (self.from.major, self.from.minor, self.from.patch) == (0, 0, 0);
        match (&self.until, is_first) {
            (Until::Fixed(fixed), true) => write!(f, "before {fixed}"),
            (Until::Fixed(fixed), false) => write!(f, "{from} and later, before {fixed}"),
            (Until::Last(last), true) => write!(f, "up to {last}"),
            (Until::Last(last), false) => write!(f, "{from} to {last}"),
            (Until::Never, true) => f.write_str("all"),
            (Until::Never, false) => write!(f, "{from} and later"),
        }
    }
}

impl Advisory {
    /// Whether this is one of its names.
    pub fn is_named(&self, id: &str) -> bool {
        self.id.eq_ignore_ascii_case(id) || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(id))
    }

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
    /// The packages that come with this program.
    embedded: BTreeSet<String>,
    /// Packages of which advisories were looked up in what was imported, and of which day that is.
    imported: BTreeMap<String, Date>,
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
        advisories.embedded = advisories.by_package.keys().cloned().collect();
        Ok(advisories)
    }

    /// Reads a record of the OSV format and adds it; embedded records come first and win.
    ///
    /// # Errors
    ///
    /// It is no such record.
    pub fn add_record(&mut self, record: &[u8]) -> Result<(), Malformed> {
        if let Some(advisory) = osv::read(record)? {
            self.add(advisory);
        }
        Ok(())
    }

    /// Adds one, unless it is known under one of its names.
    pub fn add(&mut self, advisory: Advisory) {
        fn names(advisory: &Advisory) -> impl Iterator<Item = &String> {
            [&advisory.id].into_iter().chain(&advisory.aliases)
        }
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

    /// The day on which what is known about a package was collected; `None` if nobody looked for any.
    pub fn collected(&self, package: &str) -> Option<Date> {
        let embedded = self.embedded.contains(package).then_some(EMBEDDED_ON);
        self.imported.get(package).copied().max(embedded)
    }

    /// Versions of a package that are known, in their order: those that fixed something, and some others.
    pub fn releases(&self, package: &str) -> Vec<&Version> {
        let ranges = self.about_package(package).filter_map(|advisory| advisory.affected.get(package)).flatten();
        let fixed = ranges.filter_map(|range| match &range.until {
            Until::Fixed(fixed) => Some(fixed),
            Until::Last(_) | Until::Never => None,
        });
        let releases = self.releases.get(package);
        let known = fixed.chain(releases.into_iter().flat_map(|releases| &releases.released));
        let is_there = |version: &&Version| !releases.is_some_and(|releases| releases.never.contains(version));
        let mut known: Vec<&Version> = known.filter(is_there).collect();
        known.sort();
        known.dedup();
        known
    }

    /// The one with an id or alias.
    pub fn find(&self, id: &str) -> Option<&Advisory> {
        self.all.iter().find(|advisory| advisory.is_named(id))
    }

    /// Whether any is about a package, of whatever version.
    pub fn knows(&self, package: &str) -> bool {
        self.by_package.contains_key(package)
    }

    /// How many packages they are about.
    pub fn packages(&self) -> usize {
        self.by_package.len()
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
    pub fn about<'a>(&'a self, package: &'a str, version: &'a Version) -> impl Iterator<Item = &'a Advisory> {
        self.about_package(package).filter(move |advisory| advisory.is_about(package, version))
    }
}

/// How many days ago something was collected; `None` if it was not yet.
pub fn age(collected: Date, today: Date) -> Option<i32> {
    today.since(collected).map(|span| span.get_days()).ok().filter(|days| *days >= 0)
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
