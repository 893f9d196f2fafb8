//! What a running server lets somebody do who has nothing but the application id.

use std::collections::{BTreeMap, BTreeSet};

use super::{ClassName, Operation, Place};

/// What a server answered to whoever may be anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Whether it did what it was asked for, by class and operation that reads.
    pub allows: BTreeMap<(ClassName, Operation), bool>,
    /// How many rows it counted.
    pub counted: BTreeMap<ClassName, u64>,
    /// What else is open.
    pub exposed: BTreeSet<Exposure>,
    /// Where the answers are.
    pub at: Place,
}

/// Something beside the data that a server shows anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exposure {
    /// Any web page may send requests with the cookies of whoever looks at it.
    AnyOriginWithCookies,
    /// Parse Dashboard, without signing in.
    Dashboard,
    /// The schema of GraphQL.
    Introspection,
    /// The server answers without encryption.
    PlainHttp,
    /// The playground of GraphQL.
    Playground,
}

impl Exposure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::AnyOriginWithCookies, Self::Dashboard, Self::Introspection, Self::PlainHttp, Self::Playground];

    /// Its name, in answers that are kept and in rules.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnyOriginWithCookies => "any-origin-with-cookies",
            Self::Dashboard => "open-dashboard",
            Self::Introspection => "open-introspection",
            Self::PlainHttp => "plain-http",
            Self::Playground => "open-playground",
        }
    }
}
