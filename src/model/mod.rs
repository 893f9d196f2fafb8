//! Nouns: the app as plain, ordered data. No input, no rules, no decisions.
//!
//! Every input becomes the same [`App`], and meaning is fixed where data enters:
//! nothing later may ask where a fact came from to know what it means.

use std::collections::BTreeMap;

pub mod acl;
pub mod callers;
pub mod census;
pub mod class;
pub mod clp;
pub mod database;
pub mod deploy;
pub mod expressions;
pub mod graphql;
pub mod host;
pub mod known;
pub mod manifest;
pub mod names;
pub mod oddity;
pub mod operation;
pub mod options;
pub mod package;
pub mod place;
pub mod populations;
pub mod principal;
pub mod probe;
pub mod roles;
pub mod sample;
pub mod secret;
pub mod server;
pub mod snapshot;
pub mod spans;
pub mod unit;

pub use acl::{Acl, Grantee};
pub use callers::Callers;
pub use census::Census;
pub use class::{Class, Field, FieldKind, Origin};
pub use clp::{Clp, Group};
pub use known::{Known, Why};
pub use manifest::{Aliases, Manifest};
pub use names::{ClassName, FieldName, RoleName, RuleId, UserId};
pub use operation::{ByOperation, Operation};
pub use options::{Options, Tree};
pub use package::{Copied, Installed, Lock, Package};
pub use place::{FileId, Place, Span, Texts};
pub use principal::Principal;
pub use roles::Roles;
pub use secret::{Committed, SecretHit, Standing, Verified};
pub use server::Server;
pub use snapshot::Snapshot;
use unit::ExprKind;
pub use unit::Unit;

/// Everything that is known about one app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct App {
    /// Classes by name.
    pub classes: BTreeMap<ClassName, Class>,
    /// Further descriptions of classes that differ from the one in `classes`.
    pub other_descriptions: Vec<Class>,
    /// Classes that schema as code describes otherwise than they are deployed: what the next start of
    /// the server will make of them.
    pub declared: BTreeMap<ClassName, Class>,
    /// Roles, from rows of `_Role` and its join tables.
    pub roles: Known<Roles>,
    /// The server.
    pub server: Server,
    /// The database, if it was asked.
    pub database: Known<database::Database>,
    /// Configurations of dashboards.
    pub dashboards: Vec<Tree>,
    /// What files of deployment start.
    pub services: Vec<deploy::Service>,
    /// Parameters of `_GlobalConfig`, by name.
    pub config: Known<BTreeMap<String, ConfigParameter>>,
    /// Webhooks of `_Hooks`.
    pub webhooks: Known<Vec<Webhook>>,
    /// Names of jobs in `_JobSchedule`.
    pub scheduled_jobs: Known<BTreeMap<String, Place>>,
    /// Files of JavaScript and TypeScript, and JSON that they load, in the order of paths.
    pub code: Known<Vec<Unit>>,
    /// Manifests of npm, by folder.
    pub manifests: Vec<Manifest>,
    /// Lock files, in the order of paths.
    pub locks: Vec<Lock>,
    /// Libraries that were copied into the repository, in the order of paths.
    pub copies: Vec<Copied>,
    /// Installed packages that are committed.
    pub installed: Option<Installed>,
    /// Names of modules that TypeScript is told, by folder.
    pub aliases: Vec<Aliases>,
    /// Credentials that lie in exports of data.
    pub leaks: Vec<Leak>,
    /// Keys that stand in files, in the order of paths.
    pub hits: Known<Vec<SecretHit>>,
    /// What a server says of the keys, if it was asked.
    pub verified: Known<Verified>,
    /// What a server let anyone do, if it was tried.
    pub probe: Known<probe::Probe>,
}

/// One parameter of `_GlobalConfig`; its value is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigParameter {
    /// Whether only the master key may read it.
    pub master_key_only: bool,
    /// Whether the value has the form of a key, token or password.
    pub looks_secret: bool,
    /// Where it is.
    pub at: Place,
}

/// One webhook; of its address only scheme and host are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Webhook {
    /// `function calculate` or `beforeSave Order`.
    pub trigger: String,
    /// `https`, `http`, …
    pub scheme: String,
    /// The host, without user, port, path and query.
    pub host: String,
    /// Where it is.
    pub at: Place,
}

/// Credentials of one kind in one file of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leak {
    /// What they are.
    pub kind: LeakKind,
    /// How many rows have one.
    pub rows: u64,
    /// The file.
    pub at: Place,
}

/// A kind of credential that Parse Server stores in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeakKind {
    /// `_session_token` of `_Session`, in clear text.
    SessionToken,
    /// `_hashed_password` of `_User`.
    PasswordHash,
    /// `masterKey` of `_ExportProgress`, in clear text.
    MasterKey,
}

impl LeakKind {
    /// The name of the kind in rule files.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionToken => "session-token",
            Self::PasswordHash => "password-hash",
            Self::MasterKey => "master-key",
        }
    }
}

impl App {
    /// Every description of every class: the audited one first, then those that differ.
    pub fn descriptions(&self) -> impl Iterator<Item = &Class> {
        self.classes.values().chain(&self.other_descriptions)
    }

    /// Whether nothing was read that permissions could be worked out from.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
            && !self.roles.is_read()
            && !self.server.options.is_read()
            && self.dashboards.is_empty()
            && !self.config.is_read()
            && !self.webhooks.is_read()
            && !self.database.is_read()
            && !self.installs_parse()
            && self.leaks.is_empty()
            && self.hits.read().is_none_or(Vec::is_empty)
    }

    /// Whether a lock file names a package of Parse.
    pub fn installs_parse(&self) -> bool {
        let is_parse =
            |package: &Package| matches!(package.name.as_str(), "parse" | "parse-server" | "parse-dashboard");
        self.locks.iter().any(|lock| lock.packages.iter().any(is_parse))
    }

    /// Whether code names one of these, as a variable or a property.
    pub fn code_names(&self, words: &[&str]) -> bool {
        let units = self.code.read().map_or(&[][..], Vec::as_slice);
        units.iter().flat_map(Unit::expressions).any(|expr| match &expr.kind {
            ExprKind::Name(name) | ExprKind::Member(_, name) => words.contains(&&**name),
            _ => false,
        })
    }

    /// Every role that exists or is named in permissions or ACLs.
    pub fn role_names(&self) -> std::collections::BTreeSet<RoleName> {
        let declared = self.roles.read().into_iter().flat_map(|roles| roles.by_name.keys());
        let in_permissions = self.descriptions().filter_map(|class| class.clp.read()).flat_map(Clp::roles);
        let in_rows = self.classes.values().filter_map(|class| class.rows.read()).flat_map(Census::roles);
        declared.chain(in_permissions).chain(in_rows).cloned().collect()
    }
}
