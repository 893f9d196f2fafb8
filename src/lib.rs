//! Audits the security and permissions of an app on the Parse Platform.

pub mod model;
pub mod permit;
