//! How far somebody reaches, in an order, and everybody whose reach is compared.

use std::collections::BTreeSet;
use std::fmt;

use crate::lock::bands;
use crate::model::{Class, ClassName, FieldName, Known, Operation, Principal, RoleName};
use crate::permit::{Caller, Engine, Reach};

/// Somebody whose reach is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// A principal.
    One(Principal),
    /// A user in all of these roles.
    Set(BTreeSet<RoleName>),
}

/// Something that somebody may reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom {
    /// Who.
    pub who: Who,
    /// The class.
    pub class: ClassName,
    /// By which operation.
    pub op: Operation,
    /// A column of the rows that are read; none for the rows themselves.
    pub field: Option<FieldName>,
}

/// How far, from nothing: own rows, a share of the rows, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// No row.
    None,
    /// The caller's own.
    Own,
    /// A share: the number of its band.
    Some(usize),
    /// All.
    All,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(principal) => principal.fmt(f),
            Self::Set(roles) => {
                let roles: Vec<String> = roles.iter().map(|role| format!("role:{role}")).collect();
                f.write_str(&roles.join(" + "))
            }
        }
    }
}

impl Who {
    /// Who asks.
    pub fn caller(&self, engine: &Engine<'_>) -> Caller {
        match self {
            Self::One(principal) => engine.caller(principal),
            Self::Set(roles) => engine.user_with(roles),
        }
    }

    /// Whether what this one reaches another one, who holds these roles, reaches too, whatever is granted.
    pub fn stands_for(&self, other: &Self, held: &BTreeSet<RoleName>) -> bool {
        match (self, other) {
            _ if self == other => false,
            (Self::One(Principal::Public), _) => true,
            (_, Self::One(Principal::Public)) => false,
            (Self::One(Principal::AnyUser), _) => true,
            (Self::One(Principal::Role(role)), Self::One(Principal::Role(_)) | Self::Set(_)) => held.contains(role),
            (Self::Set(roles), Self::Set(_)) => roles.is_subset(held),
            _ => false,
        }
    }
}

/// How far a caller reaches into the rows of a class.
pub fn of_rows(engine: &Engine<'_>, caller: &Caller, class: &Class, op: Operation) -> Option<Level> {
    let cell = engine.cell(caller, class, op);
    Some(match (cell.known()?, &cell.rows) {
        (Reach::None, _) => Level::None,
        (Reach::OwnRows, _) => Level::Own,
        (Reach::SomeRows, Known::Read(rows)) => Level::Some(bands::plain(rows.reached, rows.total)),
        (Reach::SomeRows, Known::Unread(_)) => Level::Some(bands::SHARES.len()),
        (Reach::AllRows, _) => Level::All,
    })
}

/// Everybody that permissions of one of two apps can tell apart.
pub fn everybody(engines: [&Engine<'_>; 2]) -> BTreeSet<Who> {
    let principals = engines.into_iter().flat_map(Engine::principals);
    let clients = principals.filter(|one| one.is_client() && *one != Principal::AnonymousUser);
    clients.map(Who::One).collect()
}

/// Sets of roles that reach an operation, or a column by it, only together.
pub fn sets(engine: &Engine<'_>, class: Option<&Class>, op: Operation, field: Option<&FieldName>) -> BTreeSet<Who> {
    let Some(class) = class else { return BTreeSet::new() };
    engine.combinations(class, op, field).sets.into_iter().map(Who::Set).collect()
}

impl Level {
    /// In words, for an operation.
    pub fn words(self, op: Operation) -> String {
        match self {
            Self::None => "nothing".to_owned(),
            Self::Own => "own rows".to_owned(),
            Self::Some(band) => format!("{} of the rows", bands::SHARES.get(band).copied().unwrap_or("some")),
            Self::All if op.asks_rows() => "all rows".to_owned(),
            Self::All => "yes".to_owned(),
        }
    }
}
