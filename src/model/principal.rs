//! Principals: who may be asking.

use std::fmt;

use super::names::{FieldName, RoleName, UserId};

/// Whoever sends a request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// Anyone with the application id and no session.
    Public,
    /// A Parse anonymous user: a session that anybody gets without giving a name.
    AnonymousUser,
    /// Any signed-in user, of whom nothing else is known.
    AnyUser,
    /// The user that the column of the row in question refers to.
    Owner(FieldName),
    /// A user who holds the role, and with it the roles it inherits.
    Role(RoleName),
    /// One user.
    User(UserId),
    /// The holder of the read-only master key.
    ReadOnlyMaster,
    /// The holder of the maintenance key.
    Maintenance,
    /// The holder of the master key.
    Master,
}

impl Principal {
    /// Whether it is a client: class-level permissions and ACLs apply to it.
    pub fn is_client(&self) -> bool {
        !matches!(self, Self::ReadOnlyMaster | Self::Maintenance | Self::Master)
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::AnonymousUser => f.write_str("anonymous-user"),
            Self::AnyUser => f.write_str("any-user"),
            Self::Owner(column) => write!(f, "owner:{column}"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::User(user) => write!(f, "user:{}", user.alias()),
            Self::ReadOnlyMaster => f.write_str("read-only-master-key"),
            Self::Maintenance => f.write_str("maintenance-key"),
            Self::Master => f.write_str("master-key"),
        }
    }
}

/// A principal as a person writes it, with a user still unresolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// Any principal but a user.
    Principal(Principal),
    /// `user:TEXT`, an object id or an alias.
    User(String),
}

impl Written {
    /// Reads a principal as [`Principal`] prints it, with a few common other spellings.
    pub fn parse(text: &str) -> Option<Self> {
        let principal = match text {
            "public" | "anyone" | "*" => Principal::Public,
            "anonymous-user" | "anonymous" => Principal::AnonymousUser,
            "any-user" | "signed-in" | "authenticated" => Principal::AnyUser,
            "master-key" | "master" => Principal::Master,
            "read-only-master-key" | "read-only-master" => Principal::ReadOnlyMaster,
            "maintenance-key" | "maintenance" => Principal::Maintenance,
            _ => {
                let (kind, name) = text.split_once(':')?;
                if name.is_empty() {
                    return None;
                }
                match kind {
                    "role" => Principal::Role(name.into()),
                    "owner" => Principal::Owner(name.into()),
                    "user" => return Some(Self::User(name.trim_start_matches('#').to_owned())),
                    _ => return None,
                }
            }
        };
        Some(Self::Principal(principal))
    }
}
