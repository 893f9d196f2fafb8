//! Packages that an app is made of.

use semver::Version;

use super::{FileId, Span};

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name in the registry of npm, `@apollo/server`.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Where the version stands.
    pub at: Span,
}

/// A lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The file.
    pub file: FileId,
    /// What it installs from the registry, in the order of names and versions.
    pub packages: Vec<Package>,
}
