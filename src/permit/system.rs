//! Classes to which Parse Server gives rules of its own, before any permission is looked at.
//!
//! Source: Parse Server 9.10.0, `SharedRest.enforceRoleSecurity`, `RestQuery.js`
//! (constructor), `RestWrite.handleSession`, `SchemaController.systemClasses`.

use crate::model::{ClassName, Operation};

use super::behaviour::Behaviour;
use super::caller::Client;
use super::denial::Denial;

/// Classes that clients may not touch at all.
const MASTER_ONLY: [&str; 6] = ["_JobStatus", "_PushStatus", "_Hooks", "_GlobalConfig", "_JobSchedule", "_Idempotency"];

/// Classes that clients may not touch since 8.6.25.
const MASTER_ONLY_LATER: [&str; 2] = ["_GraphQLConfig", "_Audience"];

/// Classes that exist on every server, whether or not their schema was written.
const ALWAYS_THERE: [&str; 10] = [
    "_User",
    "_Installation",
    "_Role",
    "_Session",
    "_Product",
    "_PushStatus",
    "_JobStatus",
    "_JobSchedule",
    "_Audience",
    "_Idempotency",
];

/// What a system class asks of a client beyond permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// Nothing.
    Nothing,
    /// Only the caller's own sessions are seen and changed.
    OwnSessions,
}

/// The rule of a system class for an operation of a client.
///
/// # Errors
///
/// The refusal that the client sees.
pub fn enter(class: &ClassName, op: Operation, client: &Client, behaviour: &Behaviour) -> Result<Extra, Denial> {
    let name = class.as_str();
    let lists_or_deletes = matches!(op, Operation::Find | Operation::Count | Operation::Delete);
    if name == "_Installation" && lists_or_deletes {
        return Err(Denial::Forbidden);
    }
    if is_master_only(class, behaviour) || (class.is_join() && behaviour.closes_join_tables) {
        return Err(Denial::Forbidden);
    }
    if name == "_Session" {
        return if client.is_signed_in() { Ok(Extra::OwnSessions) } else { Err(Denial::InvalidSession) };
    }
    Ok(Extra::Nothing)
}

/// The rule of a system class for an operation with the maintenance key.
///
/// Source: Parse Server 9.10.0, `RestQuery.js` (constructor), `rest.js` (`del`), `RestWrite.handleSession`.
///
/// # Errors
///
/// Reading and deleting sessions asks for the user of a session or for the master key;
/// changing one fails on the id of a user that is not there.
pub fn enter_maintained(class: &ClassName, op: Operation) -> Result<(), Denial> {
    if *class != "_Session" {
        return Ok(());
    }
    match op {
        Operation::Find | Operation::Get | Operation::Count | Operation::Delete => Err(Denial::InvalidSession),
        Operation::Update | Operation::AddField => Err(Denial::Broken),
        Operation::Create => Ok(()),
    }
}

/// Whether only keys open the class.
pub fn is_master_only(class: &ClassName, behaviour: &Behaviour) -> bool {
    MASTER_ONLY.contains(&class.as_str()) || (behaviour.closes_audience && MASTER_ONLY_LATER.contains(&class.as_str()))
}

/// Whether the class has no stored schema: its permissions are `{}`, which configure no operation.
///
/// Source: Parse Server 4.10.20 to 9.10.0, `SchemaController.volatileClasses`.
pub fn is_volatile(class: &ClassName) -> bool {
    MASTER_ONLY.contains(&class.as_str()) || MASTER_ONLY_LATER.contains(&class.as_str())
}

/// Whether the class exists on every server.
pub fn always_exists(class: &ClassName) -> bool {
    ALWAYS_THERE.contains(&class.as_str()) || MASTER_ONLY_LATER.contains(&class.as_str())
}

/// Whether the server would accept the name for a new class.
///
/// Source: Parse Server 9.10.0, `SchemaController.classNameIsValid`.
pub fn is_valid_name(class: &ClassName) -> bool {
    let mut characters = class.as_str().chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}
