//! The server: its version and the options that decide access.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::clp::Group;
use super::known::Known;
use super::names::{ClassName, FieldName};
use super::place::Place;
use super::setup::Setup;

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
            Self::Lock => "lock file",
            Self::ServerInfo => "serverInfo",
            Self::Given => "given",
        }
    }
}

/// Options of Parse Server that decide who can do what. `None` means the option
/// is not set and the default of the version counts, unless it is `unknown`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `allowClientClassCreation`.
    pub allow_client_class_creation: Option<bool>,
    /// `enforcePrivateUsers`.
    pub enforce_private_users: Option<bool>,
    /// `enableAnonymousUsers`.
    pub enable_anonymous_users: Option<bool>,
    /// `allowCustomObjectId`.
    pub allow_custom_object_id: Option<bool>,
    /// `protectedFields`, by class and group.
    pub protected_fields: Option<ProtectedFields>,
    /// `protectedFieldsOwnerExempt`.
    pub protected_fields_owner_exempt: Option<bool>,
    /// `protectedFieldsSaveResponseExempt`.
    pub protected_fields_save_response_exempt: Option<bool>,
    /// `masterKeyIps`, as written.
    pub master_key_ips: Option<Vec<String>>,
    /// `readOnlyMasterKeyIps`, as written.
    pub read_only_master_key_ips: Option<Vec<String>>,
    /// Whether `readOnlyMasterKey` is set. The key itself is never kept.
    pub has_read_only_master_key: bool,
    /// Names of other keys whose value equals the master key's.
    pub same_as_master_key: BTreeSet<String>,
    /// `fileUpload.enableForPublic`.
    pub file_upload_public: Option<bool>,
    /// Whether `webhookKey` is set. The key itself is never kept.
    pub has_webhook_key: bool,
    /// Options that code sets to something that is not known: neither a value nor a default counts.
    pub unknown: BTreeSet<String>,
    /// Where each option that was read stands, by its name in the configuration.
    pub at: BTreeMap<String, Place>,
    /// What is set, by name, as far as advisories ask.
    pub setup: Setup,
}

/// The server option `protectedFields`.
pub type ProtectedFields = BTreeMap<ClassName, BTreeMap<Group, BTreeSet<FieldName>>>;

impl Server {
    /// The version to decide by: the one found, or the newest.
    pub fn version(&self) -> &Version {
        self.version.read().map_or(&NEWEST, |found| &found.version)
    }
}
