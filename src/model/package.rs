//! Packages that an app is made of.

use semver::Version;

use super::{FileId, Place, Span};

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

/// A library that was copied into the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its name in the registry of npm.
    pub package: String,
    /// Its version.
    pub version: Version,
    /// Where it says so.
    pub at: Place,
    /// Whether the server runs it; else pages do, or nobody.
    pub is_run: bool,
    /// Whether its authors still mend versions of this age.
    pub is_maintained: bool,
}

/// Installed packages that are committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Their folder, `node_modules`, from the audited one; the first one of several.
    pub folder: String,
    /// How many they are, in all such folders.
    pub packages: usize,
    /// The manifest that asks for them.
    pub at: Place,
}

/// A lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The file.
    pub file: FileId,
    /// What it installs from the registry, in the order of names and versions.
    pub packages: Vec<Package>,
}
