//! What objects are beyond their properties: queries, rows, ACLs, requests.

use std::sync::Arc;

use crate::model::unit::Name;

use super::taint::Taint;
use super::value::{ClassValue, Pos, Value};

/// What an object is.
#[derive(Debug, Clone, Default)]
pub enum Shape {
    /// An object literal.
    #[default]
    Plain,
    /// An array.
    Array,
    /// An instance of a class of the app.
    Instance(Arc<ClassValue>),
    /// The request that a handler is given.
    Request(Asked),
    /// What a handler answers with: `response` of old cloud code, `res` of Express.
    Answer,
    /// `Parse.Query`.
    Query(Box<Query>),
    /// `Parse.Object` and its subclasses.
    Row(Box<Row>),
    /// A subclass made by `Parse.Object.extend`.
    RowClass(ClassRef),
    /// `Parse.Schema` of a class.
    Schema(ClassRef),
    /// `Parse.ACL`.
    Acl,
    /// A relation of a row: the row and the column.
    Relation(super::heap::ObjectId, Name),
    /// An application or router of Express: its middleware so far.
    Router(Vec<Layer>),
    /// A set of fixed values.
    Fixed,
    /// A `Map`: values by key.
    Map,
    /// `Parse.Promise` of old SDKs and deferreds: what it was resolved with is the property `value`.
    Deferred,
}

/// Which kind of request a handler is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A cloud function or job.
    Function,
    /// A trigger.
    Trigger,
    /// An HTTP request.
    Http,
}

/// One step of a router.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The path it is mounted at.
    pub path: String,
    /// What is called.
    pub handler: Value,
}

/// A class of rows in code.
#[derive(Debug, Clone, Default)]
pub enum ClassRef {
    /// Its name is known.
    Known(Name),
    /// The client chooses it.
    Client(Arc<Taint>),
    /// It is not known.
    #[default]
    Unknown,
}

impl ClassRef {
    /// The class that a value names.
    pub fn of(value: &Value) -> Self {
        match (value.as_text(), &value.taint) {
            (Some(name), _) => Self::Known(Arc::clone(name)),
            (None, Some(taint)) if !taint.clean.has(super::taint::Clean::ALLOWED) => Self::Client(Arc::clone(taint)),
            (None, _) => Self::Unknown,
        }
    }

    /// The name, if it is known.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Known(name) => Some(name),
            Self::Client(_) | Self::Unknown => None,
        }
    }

    /// Whether it is this class.
    pub fn is(&self, name: &str) -> bool {
        self.name() == Some(name)
    }
}

/// A query that is being built.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// The class.
    pub class: ClassRef,
    /// Its conditions.
    pub filters: Vec<Filter>,
    /// The limit, if one was set.
    pub limit: Option<Value>,
    /// Whether only some columns are asked for.
    pub selects: bool,
    /// Whether it is an alternative of several queries.
    pub is_or: bool,
}

/// A condition of a query.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The method: `equalTo`.
    pub by: Name,
    /// The column.
    pub column: Value,
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub at: Pos,
}

/// A row.
#[derive(Debug, Clone)]
pub struct Row {
    /// The class.
    pub class: ClassRef,
    /// How the code came by it.
    pub origin: Origin,
    /// Its ACL, if the code set one.
    pub acl: Option<Value>,
    /// Columns that the code wrote on some ways only.
    pub maybe: std::collections::BTreeSet<Name>,
    /// Columns that the code wrote, in order; a column that is not known has no name.
    pub written: Vec<(Value, Value, Pos)>,
}

impl Row {
    /// A row of a class that the code wrote nothing to.
    pub fn shape(class: impl Into<ClassRef>, origin: Origin) -> Shape {
        let (acl, maybe, written) = (None, std::collections::BTreeSet::new(), Vec::new());
        Shape::Row(Box::new(Self { class: class.into(), origin, acl, maybe, written }))
    }
}

impl From<&str> for ClassRef {
    fn from(name: &str) -> Self {
        Self::Known(name.into())
    }
}

/// How the code came by a row.
#[derive(Debug, Clone)]
pub enum Origin {
    /// It made it.
    New,
    /// It made a pointer with this id.
    ById(Value),
    /// It asked for it.
    Fetched(Selection, Rights),
    /// It is the object of a trigger.
    Trigger,
    /// It is the object of a trigger as it was before.
    Original,
    /// It is the user who calls.
    Caller,
    /// A pointer out of a column of another row.
    Pointed(super::heap::ObjectId, Name),
}

/// How rows were selected.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Whether a condition ties them to the caller.
    pub tied: bool,
    /// Whether they are the session whose token the client showed.
    pub session: bool,
    /// Values of the client that choose them, by column.
    pub by: Vec<(Name, Arc<Taint>)>,
    /// How many conditions have values of the server.
    pub fixed: usize,
    /// Where the query was asked.
    pub at: Option<Pos>,
}

/// With whose rights something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rights {
    /// Nobody's: those of the public.
    Public,
    /// Those of the session that calls.
    Session,
    /// Those of the master key.
    Master,
}
