//! Lock files: which versions of which npm packages are installed, and where each version stands.
//!
//! What the registry does not hold (packages of the workspace, links, files, git, tarballs) is left
//! out: advisories are about what it holds. An alias counts as the package that it means.

mod bun;
mod npm;
mod pnpm;
pub mod range;
mod yaml;
mod yarn;

use std::fmt;
use std::ops::Range;

use semver::Version;

use crate::model::{Package, Span};

/// Who wrote a lock file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.
    Npm,
    /// `yarn.lock` of Yarn 1.
    YarnClassic,
    /// `yarn.lock` of Yarn 2 and later.
    YarnBerry,
    /// `pnpm-lock.yaml`, versions 5.3 to 9.
    Pnpm,
    /// `bun.lock`.
    Bun,
}

/// Why a lock file could not be read, and at which byte if that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong, without a full stop.
    pub message: String,
    /// Where.
    pub offset: Option<usize>,
}

impl Unreadable {
    /// An error at a byte.
    pub fn new(message: impl Into<String>, offset: Option<usize>) -> Self {
        Self { message: message.into(), offset }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The packages of a lock file, in the order of names and versions, each version once.
///
/// Linear in the text. What the text holds beside packages is not kept.
///
/// # Errors
///
/// The text is not what the manager writes.
pub fn read(manager: Manager, text: &str) -> Result<Vec<Package>, Unreadable> {
    let mut packages = match manager {
        Manager::Npm => npm::read(text)?,
        Manager::YarnClassic => yarn::read_classic(text)?,
        Manager::YarnBerry => yarn::read_berry(text)?,
        Manager::Pnpm => pnpm::read(text)?,
        Manager::Bun => bun::read(text)?,
    };
    packages.sort();
    packages.dedup_by(|next, first| next.name == first.name && next.version == first.version);
    Ok(packages)
}

/// A name and a version that are written as `@scope/name@1.2.3`; `None` if it is none of the registry.
fn name_at_version(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// A package whose version stands somewhere in a part of the text; `None` if it is no version.
fn package(text: &str, name: &str, version: &str, within: Range<usize>) -> Option<Package> {
    let parsed = Version::parse(version).ok()?;
    let start = within.start + text.get(within)?.find(version)?;
    Some(Package { name: name.to_owned(), version: parsed, at: Span::new(text, start, start + version.len()) })
}

#[cfg(test)]
mod tests;
