//! The server: its version, and its configurations.

use semver::Version;

use super::graphql::GraphQl;
use super::known::Known;
use super::options::Options;
use super::place::Place;

/// The newest version whose permissions this program was proven against; used
/// where the version of the app is unknown, which every report then says.
pub static NEWEST: Version = Version::new(9, 10, 0);

/// What is known about the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Server {
    /// Version of the npm package `parse-server`.
    pub version: Known<FoundVersion>,
    /// Options that decide access; unread if no configuration could be read.
    pub options: Known<Options>,
    /// Further configurations that were found beside the first.
    pub other_options: Vec<Options>,
    /// Checks of its own security that the running server says it fails, in the order in which it tells them.
    pub failed_checks: Vec<FailedCheck>,
    /// Which classes GraphQL shows, if it is mounted.
    pub graphql: Known<GraphQl>,
}

/// A check that Parse Server makes of itself, and fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCheck {
    /// What it is about, such as `Database`.
    pub group: String,
    /// What should be the case, such as `Secure master key`.
    pub title: String,
    /// Where it says so.
    pub at: Place,
}

/// A version and where it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundVersion {
    /// The version; a range such as `^6.2.0` gives its lowest version.
    pub version: Version,
    /// How sure it is.
    pub from: VersionFrom,
    /// Where it stands; `None` if it was given as a flag.
    pub at: Option<Place>,
}

/// Where a version was found. A later kind outranks an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum VersionFrom {
    /// A range in `package.json`: the lowest version it allows.
    Range,
    /// The tag of an image that is deployed.
    Image,
    /// A lock file: the version that is installed.
    Lock,
    /// The server's own answer (`serverInfo`).
    ServerInfo,
    /// A flag or the configuration of this program.
    Given,
}

impl VersionFrom {
    /// A few words for reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::Range => "lowest version that package.json allows",
            Self::Image => "tag of the image",
            Self::Lock => "lock file",
            Self::ServerInfo => "serverInfo",
            Self::Given => "given",
        }
    }
}

impl Server {
    /// The version to decide by: the one found, or the newest.
    pub fn version(&self) -> &Version {
        self.version.read().map_or(&NEWEST, |found| &found.version)
    }
}
