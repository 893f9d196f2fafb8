//! Class-level permissions: may this caller try, and on which rows?
//!
//! Three steps of the server, told apart as it does: the direct grant, the gate
//! before the database is asked, and the constraint on rows that the gate leaves
//! for later. Grants only add up; the one thing that narrows is the constraint.
//!
//! Source: Parse Server 9.10.0, `SchemaController.testPermissions`,
//! `SchemaController.validatePermission`, `DatabaseController.addPointerPermissions`.

use crate::model::clp::{Clp, Permission, UserFields};
use crate::model::{Class, FieldName, Known, Operation, RoleName, UserId};

use super::behaviour::Behaviour;
use super::caller::{Client, User};
use super::denial::Denial;

/// What a save is about when it would add a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A new object.
    Create,
    /// An object that exists.
    Update,
}

/// What grants an operation without looking at rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Granted {
    /// The class was never given permissions.
    NeverWritten,
    /// The operation is `null`, or left out where an old server leaves it open.
    NotConfigured,
    /// `*`.
    Anyone,
    /// A role of the caller.
    Role(RoleName),
    /// The caller's user id.
    User(UserId),
}

/// How a caller got through the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passed {
    /// By a direct grant.
    Granted(Granted),
    /// By `requiresAuthentication`.
    SignedIn,
    /// By user columns that the rows are filtered by later.
    ByRow,
}

/// Which rows the gate lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constraint {
    /// All rows.
    None,
    /// No row: user columns decide, and the caller has no user.
    Nobody,
    /// Rows in which one of the columns refers to the caller.
    PointsAtCaller(Vec<FieldName>),
    /// None: the column cannot hold users, and the server fails on it.
    Broken(FieldName),
}

/// Whether the operation is granted to the caller directly.
pub fn test(clp: &Clp, client: &Client, op: Operation, behaviour: &Behaviour) -> Option<Granted> {
    if !clp.written {
        return Some(Granted::NeverWritten);
    }
    let grants = match clp.permission(op) {
        Permission::NotConfigured => return Some(Granted::NotConfigured),
        Permission::LeftOut if op == Operation::Count && behaviour.count_left_out_is_open => {
            return Some(Granted::NotConfigured);
        }
        Permission::LeftOut => return None,
        Permission::Granted(grants) => grants,
    };
    if grants.anyone {
        return Some(Granted::Anyone);
    }
    if let Some(role) = grants.roles.iter().find(|role| client.roles.contains(*role)) {
        return Some(Granted::Role(role.clone()));
    }
    match client.user {
        User::Is(user) if grants.users.contains(&user) => Some(Granted::User(user)),
        _ => None,
    }
}

/// The gate before the database is asked.
///
/// # Errors
///
/// The refusal that the client sees.
pub fn gate(
    clp: &Clp,
    client: &Client,
    op: Operation,
    action: Action,
    behaviour: &Behaviour,
) -> Result<Passed, Denial> {
    if let Some(granted) = test(clp, client, op, behaviour) {
        return Ok(Passed::Granted(granted));
    }
    let grants = clp.grants(op);
    if behaviour.has_requires_authentication && grants.is_some_and(|grants| grants.signed_in) {
        return if client.is_signed_in() { Ok(Passed::SignedIn) } else { Err(Denial::NotFound) };
    }
    // An object that does not exist yet has no owner.
    if op == Operation::Create {
        return Err(Denial::Forbidden);
    }
    if class_fields(clp, op, behaviour).is_some_and(|fields| fields.opens) {
        return Ok(Passed::ByRow);
    }
    let own_fields = grants.map(|grants| &grants.pointer_fields);
    let by_own_fields = behaviour.has_operation_pointer_fields && own_fields.is_some_and(|fields| fields.opens);
    if by_own_fields && (op != Operation::AddField || action == Action::Update) {
        return Ok(Passed::ByRow);
    }
    Err(Denial::Forbidden)
}

/// Which rows remain after the gate.
pub fn constraint(clp: &Clp, class: &Class, client: &Client, op: Operation, behaviour: &Behaviour) -> Constraint {
    if test(clp, client, op, behaviour).is_some() {
        return Constraint::None;
    }
    let mut fields: Vec<FieldName> = Vec::new();
    let own_fields = clp.grants(op).map(|grants| &grants.pointer_fields);
    if behaviour.has_operation_pointer_fields {
        fields.extend(own_fields.into_iter().flat_map(|list| list.fields.iter().cloned()));
    }
    for field in class_fields(clp, op, behaviour).into_iter().flat_map(|list| &list.fields) {
        if !fields.contains(field) {
            fields.push(field.clone());
        }
    }
    if fields.is_empty() {
        return Constraint::None;
    }
    if !client.is_signed_in() {
        return Constraint::Nobody;
    }
    if behaviour.breaks_on_other_types
        && let Known::Read(columns) = &class.fields
        && let Some(wrong) =
            fields.iter().find(|field| !columns.get(*field).is_some_and(|column| column.kind.can_hold_users()))
    {
        return Constraint::Broken(wrong.clone());
    }
    Constraint::PointsAtCaller(fields)
}

/// The class-wide list of user columns that applies to the operation.
fn class_fields<'c>(clp: &'c Clp, op: Operation, behaviour: &Behaviour) -> Option<&'c UserFields> {
    if !behaviour.has_class_user_fields {
        return None;
    }
    Some(match op {
        Operation::Count if behaviour.count_uses_write_fields => &clp.write_user_fields,
        _ => clp.class_user_fields(op),
    })
}
