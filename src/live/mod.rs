//! The running app: what a Parse Server or its database tells, read only and gently.
//!
//! What it tells becomes documents as an export would have them, so that one reader
//! understands both: facts as texts, rows as streams.

pub mod kept;
pub mod mongo;
pub mod pace;
pub mod postgres;
mod rest;
pub mod sampling;

pub use rest::{Key, Server};

use std::io::{self, Read};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::model::Census;
use crate::model::snapshot::Gap;
use crate::problem::Problem;

use sampling::Chosen;

/// What a running app said.
#[derive(Debug, Default)]
pub struct Answers {
    /// The documents.
    pub documents: Vec<Document>,
    /// Rows that the source counted itself.
    pub counts: Vec<Counts>,
    /// What it was asked for and did not say.
    pub problems: Vec<Problem>,
    /// What it was not asked for.
    pub gaps: Vec<Gap>,
}

/// The rows of a class, counted where they are.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Where they were counted.
    pub url: String,
    /// The class.
    pub class: String,
    /// The counts.
    pub census: Census,
}

impl Answers {
    /// Adds what another source of the same app said.
    pub fn extend(&mut self, other: Self) {
        self.documents.extend(other.documents);
        self.counts.extend(other.counts);
        self.problems.extend(other.problems);
        self.gaps.extend(other.gaps);
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it came from, without user, password and options.
    pub url: String,
    /// What an export of it would be called.
    pub name: String,
    /// What it says.
    pub body: Body,
}

/// What an answer says.
#[derive(Clone)]
pub enum Body {
    /// JSON, a line for each value. Holds what the server stores, keys among it: it is
    /// wiped once it was read.
    Text(Arc<Zeroizing<Vec<u8>>>),
    /// Rows of a class, which are counted while they stream past.
    Rows(Arc<dyn Rows>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Rows(_) => "Rows",
        })
    }
}

/// Rows of one class that a database streams, all of them or a part: their ids and ACLs alone.
pub trait Rows: Send + Sync {
    /// The class.
    fn class(&self) -> &str;
    /// How the stream is written.
    fn form(&self) -> Form;
    /// About how many bytes there will be; 0 if that is not known.
    fn size(&self) -> u64;
    /// Which rows they are, in words that mean the same rows in another run; `None` if there are no such words.
    fn part(&self) -> Option<String>;
    /// Of what they were chosen, if not all rows of the class are looked at.
    fn chosen(&self) -> Option<Chosen> {
        None
    }
    /// Asks the database for them. The stream ends with an error where the database does.
    ///
    /// # Errors
    ///
    /// The database does not answer, or refuses.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

/// How a stream of rows is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Documents of BSON one behind the other, as `mongodump` writes them, with `_id`, `_rperm` and `_wperm`.
    Bson,
    /// Documents of BSON, each an ACL and how many rows have it:
    /// `{ _id: { _rperm, _wperm, _acl, _id }, n }`, the last `_id` where the ACL names the row itself.
    Grouped,
    /// `COPY (SELECT "objectId", _rperm, _wperm …) TO STDOUT (FORMAT binary)` of PostgreSQL.
    Copy,
}
