//! What the server knows of whoever is asking: a session, roles, a key.

use std::collections::BTreeSet;

use crate::model::roles::Parents;
use crate::model::{App, FieldName, Principal, RoleName, UserId};

use super::behaviour::Behaviour;

/// Whoever sends a request, as the server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A client: permissions apply.
    Client(Client),
    /// The read-only master key: reads everything, writes nothing.
    ReadOnlyMaster,
    /// The maintenance key.
    Maintenance,
    /// The master key: no check applies.
    Master,
}

/// A client with what it carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Client {
    /// The user of the session.
    pub user: User,
    /// The roles of the user, inherited ones included.
    pub roles: BTreeSet<RoleName>,
}

/// The user of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum User {
    /// No session.
    #[default]
    Nobody,
    /// A user of whom nothing else is known.
    Somebody,
    /// The user that this column of the row in question refers to.
    OwnerBy(FieldName),
    /// This user.
    Is(UserId),
}

impl Client {
    /// Whether the client has a session.
    pub fn is_signed_in(&self) -> bool {
        self.user != User::Nobody
    }

    /// Whether the client is exactly this user.
    pub fn is(&self, user: UserId) -> bool {
        self.user == User::Is(user)
    }
}

impl Caller {
    /// The caller behind a principal, where it is known which roles come with which.
    pub(super) fn behind(principal: &Principal, app: &App, parents: &Parents, behaviour: &Behaviour) -> Self {
        let listing = |user| app.roles.read().into_iter().flat_map(move |roles| roles.listing(user));
        let client = |user, roles| Self::Client(Client { user, roles });
        match principal {
            Principal::Public => Self::Client(Client::default()),
            Principal::AnyUser | Principal::AnonymousUser => client(User::Somebody, BTreeSet::new()),
            Principal::Owner(column) => client(User::OwnerBy(column.clone()), BTreeSet::new()),
            Principal::Role(role) => client(User::Somebody, parents.held_with([role])),
            Principal::User(user) => client(User::Is(*user), parents.held_with(listing(*user))),
            Principal::ReadOnlyMaster => Self::ReadOnlyMaster,
            Principal::Maintenance if !behaviour.has_maintenance_key => Self::Client(Client::default()),
            Principal::Maintenance => Self::Maintenance,
            Principal::Master => Self::Master,
        }
    }

    /// The caller with no other roles than these: all that matters where only they are named.
    pub fn among(&self, named: &BTreeSet<RoleName>) -> Self {
        match self {
            Self::Client(Client { user, roles }) => {
                Self::Client(Client { user: user.clone(), roles: roles.intersection(named).cloned().collect() })
            }
            Self::ReadOnlyMaster | Self::Maintenance | Self::Master => self.clone(),
        }
    }
}
