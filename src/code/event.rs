//! What a handler does that matters, with what is known where it does it.

use std::sync::Arc;

use crate::model::unit::Name;

use super::guards::Guards;
use super::heap::ObjectId;
use super::shape::{ClassRef, Rights, Selection};
use super::taint::{Clean, Taint};
use super::value::{Pos, Value};

/// One thing that a handler does.
#[derive(Debug, Clone)]
pub struct Event {
    /// What.
    pub what: What,
    /// Where.
    pub at: Pos,
    /// The calls that lead there from the handler, the outermost first.
    pub through: Arc<[Pos]>,
    /// The names of the functions it is in, the outermost first.
    pub within: Arc<[Name]>,
    /// Whether it is done only where something failed.
    pub failing: bool,
    /// What is known there.
    pub guards: Guards,
    /// Refusals on the way that do not end the handler: what they would make sure of.
    pub loose: Vec<(Pos, Guards)>,
}

/// What is done.
#[derive(Debug, Clone)]
pub enum What {
    /// Rows are read or written.
    Rows(RowsEvent),
    /// Something outside the app is called.
    Call {
        /// Its dotted name, with `()` left out.
        path: Name,
        /// With what.
        args: Vec<Value>,
        /// Whether `new` stands in front.
        is_new: bool,
    },
    /// The handler answers.
    Answer {
        /// With what.
        value: Value,
        /// Whether it refuses.
        refuses: bool,
    },
    /// A method of a text, query or row is called that rules may name: `matches`.
    Method {
        /// Its name with a star in front: `*.matches`.
        path: Name,
        /// With what.
        args: Vec<Value>,
    },
    /// An ACL is opened to everyone.
    OpenAcl {
        /// The ACL.
        acl: ObjectId,
        /// Whether for writing.
        write: bool,
    },
    /// A property whose name the client chooses is written or called.
    DynamicProperty {
        /// The name.
        key: Value,
        /// Whether it is called.
        called: bool,
    },
    /// A variable that all requests share is given something.
    Shared {
        /// The name of the variable.
        name: Name,
        /// What it is given.
        value: Value,
    },
    /// A column of the caller's own row decides.
    OwnColumn {
        /// The column.
        column: Name,
    },
    /// A user joins a role.
    JoinRole {
        /// The role's row.
        role: ObjectId,
        /// Who joins.
        who: Value,
    },
    /// A password is set.
    Password {
        /// The row of the user.
        row: ObjectId,
        /// The password.
        value: Value,
    },
    /// Something that should be secret is drawn by a predictable generator.
    Weak {
        /// The name of the variable.
        name: Name,
        /// Where it is drawn.
        at: Pos,
    },
    /// A value is compared with another one: for codes and passwords.
    Compared {
        /// A value of the client.
        given: Value,
        /// The other side.
        with: Value,
    },
}

/// Rows are read or written.
#[derive(Debug, Clone)]
pub struct RowsEvent {
    /// How.
    pub does: Does,
    /// Of which class.
    pub class: ClassRef,
    /// With whose rights.
    pub rights: Rights,
    /// How the rows were selected.
    pub selection: Selection,
    /// The row, if it is one that the code has.
    pub row: Option<ObjectId>,
    /// The query, if it is one.
    pub query: Option<ObjectId>,
    /// Columns that are written.
    pub written: Vec<(Value, Value, Pos)>,
    /// The name of the method: `find`.
    pub method: Name,
}

/// What is done with rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Does {
    /// They are read.
    Read,
    /// They are counted.
    Count,
    /// They are made.
    Create,
    /// They are changed.
    Update,
    /// They are deleted.
    Delete,
}

impl Event {
    /// What was done to a value of the client, and what is known of it here.
    pub fn clean(&self, taint: &Taint) -> Clean {
        taint.clean.with(self.guards.clean(&taint.name))
    }
}

impl RowsEvent {
    /// Whether the master key is used.
    pub fn is_master(&self) -> bool {
        self.rights == Rights::Master
    }
}

impl Does {
    /// As a verb in a sentence.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Read => "reads",
            Self::Count => "counts",
            Self::Create => "creates",
            Self::Update => "changes",
            Self::Delete => "deletes",
        }
    }

    /// As a verb behind `can` or `make`.
    pub fn infinitive(self) -> &'static str {
        self.verb().trim_end_matches('s')
    }

    /// Whether rows are different afterwards.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete)
    }
}
