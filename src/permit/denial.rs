//! How the server says no.

use std::fmt;

/// A refusal, as a client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Denial {
    /// Nobody granted it: `OPERATION_FORBIDDEN`.
    Forbidden,
    /// The object does not exist for this caller, or the class wants a session: `OBJECT_NOT_FOUND`.
    NotFound,
    /// A user object may not be touched without its session: `SESSION_MISSING`.
    SessionMissing,
    /// The class of sessions wants a session: `INVALID_SESSION_TOKEN`.
    InvalidSession,
    /// `ACL` may not be part of a query: `INVALID_QUERY`.
    InvalidQuery,
    /// The object id may not be chosen: `INVALID_KEY_NAME`.
    InvalidKey,
    /// The server fails: `INTERNAL_SERVER_ERROR`.
    Broken,
}

impl Denial {
    /// The HTTP status.
    ///
    /// Source: Parse Server 9.10.0, `middlewares.handleParseErrors`.
    pub fn status(self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::Broken => 500,
            Self::Forbidden | Self::SessionMissing | Self::InvalidSession | Self::InvalidQuery | Self::InvalidKey => {
                400
            }
        }
    }

    /// The Parse error code.
    pub fn code(self) -> u16 {
        match self {
            Self::Forbidden => 119,
            Self::NotFound => 101,
            Self::SessionMissing => 206,
            Self::InvalidSession => 209,
            Self::InvalidQuery => 102,
            Self::InvalidKey => 105,
            Self::Broken => 1,
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.status(), self.code())
    }
}
