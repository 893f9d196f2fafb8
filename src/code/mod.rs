//! Code in JavaScript and TypeScript. Nothing of it is ever run.

pub mod entries;
pub mod path;
pub mod requires;
pub mod resolve;
