//! Object ACLs: which rows a caller may read or write, and what a save stores.
//!
//! Source: Parse Server 9.10.0, `DatabaseController.js` (`addReadACL`, `addWriteACL`),
//! `RestWrite.js` (`setRequiredFieldsIfNeeded`, `runDatabaseOperation`).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::acl::truthy;
use crate::model::census::{Entries, Shape, Users};
use crate::model::clp::{Clp, DefaultAcl};
use crate::model::{Acl, ClassName, Grantee, UserId};

use super::behaviour::Behaviour;
use super::caller::{Client, User};

/// The side of an ACL that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// `_rperm`.
    Read,
    /// `_wperm`.
    Write,
}

/// Whether one side of a stored ACL admits the caller. A missing side admits everyone.
pub fn admits(side: Option<&BTreeSet<Grantee>>, client: &Client) -> bool {
    let Some(entries) = side else { return true };
    entries.contains(&Grantee::Anyone)
        || client.roles.iter().any(|role| entries.contains(&Grantee::Role(role.clone())))
        || matches!(client.user, User::Is(user) if entries.contains(&Grantee::User(user)))
}

/// Whether an ACL admits the caller to read or to write.
pub fn acl_admits(acl: &Acl, side: Side, client: &Client) -> bool {
    match side {
        Side::Read => admits(acl.read.as_ref(), client),
        Side::Write => admits(acl.write.as_ref(), client),
    }
}

/// Whether ACLs of a shape admit the caller whoever the users in it are.
pub fn shape_admits(shape: &Shape, side: Side, client: &Client) -> bool {
    let Some(entries) = side_of(shape, side) else { return true };
    entries.anyone || entries.roles.iter().any(|role| client.roles.contains(role))
}

/// Whether ACLs of a shape name some user, who may be the caller.
pub fn shape_names_users(shape: &Shape, side: Side) -> bool {
    side_of(shape, side)
        .is_some_and(|entries| entries.own || matches!(entries.users, Users::One | Users::Many | Users::Some))
}

/// Whether it was not asked which users ACLs of a shape name.
pub fn shape_hides_users(shape: &Shape, side: Side) -> bool {
    side_of(shape, side).is_some_and(|entries| entries.users == Users::Untold)
}

fn side_of(shape: &Shape, side: Side) -> Option<&Entries> {
    match side {
        Side::Read => shape.read.as_ref(),
        Side::Write => shape.write.as_ref(),
    }
}

/// The ACL that a new object is stored with.
///
/// `sent` is the `ACL` of the body; `new_user` is the new object's id if it is a user,
/// who always keeps both rights. The class default applies to the master key as well.
pub fn on_create(
    sent: Option<&Value>,
    class: &ClassName,
    clp: &Clp,
    creator: Option<UserId>,
    new_user: Option<UserId>,
    rules: &SaveRules<'_>,
) -> Acl {
    let mut acl = match (sent.filter(|acl| truthy(acl)), &clp.default_acl) {
        (Some(sent), _) => Acl::from_rest(Some(sent)),
        (None, DefaultAcl::Given { read, write, creator: (may_read, may_write) })
            if rules.behaviour.has_default_acl =>
        {
            let side = |named: &BTreeSet<Grantee>, may: bool| {
                let own = creator.filter(|_| may).map(Grantee::User);
                named.iter().cloned().chain(own).collect::<BTreeSet<_>>()
            };
            Acl { read: Some(side(read, *may_read)), write: Some(side(write, *may_write)) }
        }
        (None, _) if *class == "_User" => {
            let everyone = if rules.private_users { None } else { Some(Grantee::Anyone) };
            Acl { read: Some(everyone.into_iter().collect()), write: Some(BTreeSet::new()) }
        }
        (None, _) => Acl::MISSING,
    };
    if *class == "_User"
        && let Some(user) = new_user
    {
        acl.read.get_or_insert_default().insert(Grantee::User(user));
        acl.write.get_or_insert_default().insert(Grantee::User(user));
    }
    acl
}

/// What decides about the ACL of a saved object besides the class.
#[derive(Debug, Clone, Copy)]
pub struct SaveRules<'b> {
    /// The version.
    pub behaviour: &'b Behaviour,
    /// `enforcePrivateUsers`.
    pub private_users: bool,
}

/// The ACL that an update leaves on an object.
///
/// `null` leaves it as it was; an unset (`{"__op": "Delete"}`) stores an empty ACL.
/// A user who updates an object of `_User` (`keeps`) can never be locked out of it.
pub fn on_update(stored: &Acl, sent: Option<&Value>, keeps: Option<UserId>) -> Acl {
    let Some(sent) = sent.filter(|acl| truthy(acl)) else { return stored.clone() };
    let mut acl = Acl::from_rest(Some(sent));
    if let Some(user) = keeps {
        acl.read.get_or_insert_default().insert(Grantee::User(user));
        acl.write.get_or_insert_default().insert(Grantee::User(user));
    }
    acl
}
