//! The running app: real servers and databases, what is told of them, and what is not.
//!
//! Needs Node.js, npm, PostgreSQL, openssl and what builds a MongoDB; `tests/run` installs them. It fails without them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and somebody has to write what is read"
)]

mod alerts;
mod answers;
#[path = "../binary/mod.rs"]
mod binary;
mod month;
mod resume;
#[path = "../servers/mod.rs"]
mod servers;
mod verdicts;
mod wire;
