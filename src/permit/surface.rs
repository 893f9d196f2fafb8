//! The access surface: for each principal, class and operation, how far it reaches.
//!
//! Cells are ordered, so that "wider" and "narrower" are decidable. What ACLs make
//! of a class-level grant is counted where rows were read, and is otherwise an
//! upper bound that says so.

use std::collections::BTreeSet;

use crate::model::census::{Census, Rows, Shape};
use crate::model::clp::DefaultAcl;
use crate::model::{Class, Clp, FieldName, Group, Known, Operation, Principal, RoleName, UserId, Why};

use super::caller::{Caller, Client, User};
use super::decide::{Condition, Verdict};
use super::object::{Side, admits, shape_admits, shape_hides_users, shape_names_users};
use super::{Engine, fields};

/// How many rows of a class an operation reaches, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// None.
    None,
    /// The rows that name the caller, by a column or in their ACL.
    OwnRows,
    /// Some rows.
    SomeRows,
    /// All rows; for `create` and `addField`: allowed.
    AllRows,
}

impl Reach {
    /// A few words for reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OwnRows => "own rows",
            Self::SomeRows => "some rows",
            Self::AllRows => "all rows",
        }
    }
}

/// One cell of the access matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// How far the operation reaches; an upper bound while `rows` is unread.
    pub reach: Known<Reach>,
    /// Rows that the caller reaches whoever it is, where rows were read and matter.
    pub rows: Known<Rows>,
    /// The class grants it, and no row admits the caller: open on paper only.
    pub dormant: bool,
}

impl Cell {
    const NONE: Self = Self { reach: Known::Read(Reach::None), rows: Known::Unread(Why::NotAsked), dormant: false };

    /// A cell whose reach needs no rows.
    fn of(reach: Reach) -> Self {
        Self { reach: Known::Read(reach), ..Self::NONE }
    }

    /// The reach if it is known.
    pub fn known(&self) -> Option<Reach> {
        self.reach.read().copied()
    }

    /// Whether anything is within reach.
    pub fn is_open(&self) -> bool {
        self.known().is_some_and(|reach| reach > Reach::None)
    }
}

impl Engine<'_> {
    /// The cell of a principal's caller, a class and an operation.
    pub fn cell(&self, caller: &Caller, class: &Class, op: Operation) -> Cell {
        let conditions = match self.verdict(caller, class, op, &mut ()) {
            Verdict::Allow if !op.asks_rows() => return Cell::of(Reach::AllRows),
            Verdict::Allow => return every_row(class),
            Verdict::Deny(_) => return Cell::NONE,
            Verdict::Unknown(why) => return Cell { reach: Known::Unread(why), ..Cell::NONE },
            Verdict::If(conditions) => conditions,
        };
        let by_column = conditions.iter().any(|condition| !matches!(condition, Condition::Acl(_)));
        if by_column {
            return Cell::of(Reach::OwnRows);
        }
        let side = if op.is_read() { Side::Read } else { Side::Write };
        match &class.rows {
            Known::Read(census) => reach_of(census, caller, side),
            // A class that gives its objects an ACL has rows that this caller may not reach.
            Known::Unread(why) if !default_admits(class, caller, side) => {
                Cell { reach: Known::Unread(*why), ..Cell::NONE }
            }
            Known::Unread(_) => Cell::of(Reach::AllRows),
        }
    }

    /// The columns of a class that a caller gets when it reads rows that are not its own.
    ///
    /// Unread if the columns of the class are.
    pub fn visible<'c>(&self, caller: &Caller, class: &'c Class) -> Known<BTreeSet<&'c FieldName>> {
        let hidden = self.hidden(caller, class);
        let never = never(caller, class);
        class
            .fields
            .as_ref()
            .map(|fields| fields.keys().filter(|field| !hidden.contains(*field) && !never(field)).collect())
    }

    /// The columns of a class that the user in `column` gets of its own rows.
    pub fn visible_to_owner<'c>(
        &self,
        caller: &Caller,
        class: &'c Class,
        column: &FieldName,
    ) -> Known<BTreeSet<&'c FieldName>> {
        let before = self.hidden(caller, class);
        let hidden =
            fields::hidden_from_owner(&self.groups(class), &before, |own| own == column, &self.settings.behaviour);
        let never = never(caller, class);
        class
            .fields
            .as_ref()
            .map(|fields| fields.keys().filter(|field| !hidden.contains(*field) && !never(field)).collect())
    }

    /// Every role that decides anything about a class. Callers who are the same among
    /// these roles have the same access to it.
    pub fn deciding_roles(&self, class: &Class) -> BTreeSet<RoleName> {
        let groups = self.groups(class);
        let in_groups = groups.keys().filter_map(|group| match group {
            Group::Role(role) => Some(role),
            _ => None,
        });
        let in_permissions = class.clp.read().into_iter().flat_map(Clp::roles);
        let in_rows = class.rows.read().into_iter().flat_map(Census::roles);
        in_permissions.chain(in_groups).chain(in_rows).cloned().collect()
    }

    /// The columns of a class that a caller gets of the rows it is asked about: its own if it is
    /// the user in a column, and otherwise any.
    pub fn visible_in_reach<'c>(&self, caller: &Caller, class: &'c Class) -> Known<BTreeSet<&'c FieldName>> {
        match caller {
            Caller::Client(Client { user: User::OwnerBy(column), .. }) => self.visible_to_owner(caller, class, column),
            Caller::Client(_) | Caller::ReadOnlyMaster | Caller::Maintenance | Caller::Master => {
                self.visible(caller, class)
            }
        }
    }

    /// Every principal that permissions of the app can tell apart, clients before keys.
    pub fn principals(&self) -> Vec<Principal> {
        let mut principals = vec![Principal::Public];
        if self.settings.anonymous_users {
            principals.push(Principal::AnonymousUser);
        }
        principals.push(Principal::AnyUser);
        let mut columns: BTreeSet<FieldName> = BTreeSet::new();
        let mut users: BTreeSet<UserId> = BTreeSet::new();
        for clp in self.app.descriptions().filter_map(|class| class.clp.read()) {
            let lists = Operation::ALL.into_iter().filter_map(|op| clp.grants(op)).map(|grants| &grants.pointer_fields);
            let lists = lists.chain([&clp.read_user_fields, &clp.write_user_fields]);
            columns.extend(lists.flat_map(|list| list.fields.iter().cloned()));
            columns.extend(clp.protected_fields.iter().flatten().filter_map(|(group, _)| match group {
                Group::UserField(column) => Some(column.clone()),
                _ => None,
            }));
            users.extend(clp.users());
        }
        principals.extend(columns.into_iter().map(Principal::Owner));
        principals.extend(self.roles().keys().cloned().map(Principal::Role));
        principals.extend(users.into_iter().map(Principal::User));
        principals.extend([Principal::ReadOnlyMaster, Principal::Maintenance, Principal::Master]);
        principals
    }
}

/// The cell of whoever ACLs do not stop.
fn every_row(class: &Class) -> Cell {
    let rows = class.rows.as_ref().map(|census| Rows::new(census.rows(), census.rows()));
    Cell { rows, ..Cell::of(Reach::AllRows) }
}

/// The columns of `_User` that no reader gets of another user.
fn never(caller: &Caller, class: &Class) -> impl Fn(&FieldName) -> bool {
    let (of_users, client) = (class.name == "_User", matches!(caller, Caller::Client(_)));
    move |field| of_users && (*field == "password" || (client && *field == "authData"))
}

/// Whether objects that are saved without an ACL admit the caller.
fn default_admits(class: &Class, caller: &Caller, side: Side) -> bool {
    let Known::Read(clp) = &class.clp else { return true };
    let client = &asked_as(caller);
    match (&clp.default_acl, side) {
        (DefaultAcl::None, _) => true,
        (DefaultAcl::Given { read, .. }, Side::Read) => admits(Some(read), client),
        (DefaultAcl::Given { write, .. }, Side::Write) => admits(Some(write), client),
    }
}

/// The client whose rights count where ACLs do; a key whose ACL is asked for has been forgotten.
fn asked_as(caller: &Caller) -> Client {
    match caller {
        Caller::Client(client) => client.clone(),
        Caller::ReadOnlyMaster | Caller::Maintenance | Caller::Master => Client::default(),
    }
}

/// How far a caller whom the class lets in reaches into rows with these ACLs.
fn reach_of(census: &Census, caller: &Caller, side: Side) -> Cell {
    let client = &asked_as(caller);
    let total = census.rows();
    if total == 0 {
        return Cell { rows: Known::Read(Rows::new(0, 0)), ..Cell::of(Reach::AllRows) };
    }
    let admits = |shape: &Shape| shape_admits(shape, side, client);
    let rows = census.some(admits);
    let (reached, is_sample) = (rows.reached, rows.share.is_some());
    let names_caller = |shape: &Shape| client.is_signed_in() && shape_names_users(shape, side);
    let own = reached < total && census.shapes.keys().any(|shape| !admits(shape) && names_caller(shape));
    let hides_caller = |shape: &Shape| client.is_signed_in() && shape_hides_users(shape, side);
    let untold = census.shapes.keys().any(|shape| !admits(shape) && hides_caller(shape));
    let reach = match () {
        () if reached == total && !is_sample => Known::Read(Reach::AllRows),
        () if reached > 0 => Known::Read(Reach::SomeRows),
        () if census.unknown() > 0 => Known::Unread(Why::Failed),
        // Rows that were not looked at may be others.
        () if is_sample => Known::Unread(Why::NotAsked),
        () if own => Known::Read(Reach::OwnRows),
        () if untold => Known::Unread(Why::NotAsked),
        () => Known::Read(Reach::None),
    };
    let dormant = reach == Known::Read(Reach::None);
    Cell { reach, rows: Known::Read(rows), dormant }
}
