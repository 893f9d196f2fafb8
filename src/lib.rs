//! Audits the security and permissions of an app on the Parse Platform.

pub mod mistake;
pub mod problem;
pub mod severity;
pub mod settings;
pub mod model;
pub mod permit;
pub mod finding;
pub mod rules;
pub mod audit;
pub mod read;
