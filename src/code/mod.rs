//! Code in JavaScript and TypeScript. Nothing of it is ever run.
//!
//! [`lower`] makes a `model::Unit` of a text. The parser behind it is named in one file
//! only, `parser.rs`. It and everything that walks through a tree recurse, and a stack
//! that overflows cannot be caught; so `guard.rs` looks at the text first and refuses
//! what is nested too deep, and parsing is done on threads with large stacks.
//!
//! [`resolve`] says which file a module's name means, [`entries`] where servers start.

pub mod entries;
mod guard;
pub mod lower;
mod parser;
pub mod path;
pub mod requires;
pub mod resolve;
