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
#[path = "../sarif/valid.rs"]
mod valid;
mod verdicts;
mod wire;

use serde_json::Value;

/// The application id of every server here.
const APP: &str = "shop";

/// Its master key.
const MASTER: &str = "Tulip-lantern-7-seas";

/// Its key for whoever only reads.
const READ_ONLY: &str = "Harbour-pencil-2-hills";

/// What a server answers to its owner, whom it lets do it. `null` is no body.
fn send(url: &str, method: &str, path: &str, body: &Value) -> Value {
    let body = Some(body).filter(|body| !body.is_null());
    let (status, answer) = servers::ask(url, APP, Some(MASTER), (method, path), body);
    assert!((200..300).contains(&status), "{method} {path}: {answer}");
    answer
}
