//! The running app: what a Parse Server answers about itself, read only and gently.
//!
//! What it answers becomes documents as an export would have them, so that one reader
//! understands both.

mod rest;

pub use rest::{Key, Server};

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::problem::Problem;

/// What a server said.
#[derive(Debug, Default)]
pub struct Answers {
    /// The documents.
    pub documents: Vec<Document>,
    /// What it was asked for and did not say.
    pub problems: Vec<Problem>,
}

/// One answer. Holds what the server stores, keys among it: it is wiped once it was read.
#[derive(Clone)]
pub struct Document {
    /// Where it came from.
    pub url: String,
    /// What an export of it would be called.
    pub name: &'static str,
    /// JSON, a line for each value.
    pub text: Arc<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("name", &self.name).finish_non_exhaustive()
    }
}
