//! Code in JavaScript and TypeScript. Nothing of it is ever run.
//!
//! [`lower`] makes a `model::Unit` of a text. The parser behind it is named in one file
//! only, `parser.rs`. It and everything that walks through a tree recurse, and a stack
//! that overflows cannot be caught; so `guard.rs` looks at the text first and refuses
//! what is nested too deep, and both are done on the threads of [`deep`].
//!
//! [`resolve`] finds the file that a module's name means. [`run`] walks through code with
//! what is known in place of values, [`sdk`] knows what Parse's SDK does, and [`risk`]
//! judges what a handler was seen to do. [`analysis`] puts it together. [`server`] gives the
//! options of the servers that are started, [`dashboard`] those of dashboards.

pub mod analysis;
pub mod dashboard;
pub mod deep;
pub mod entries;
pub mod entry;
pub mod environment;
pub mod event;
mod guard;
pub mod guards;
pub mod heap;
pub mod lower;
mod parser;
pub mod path;
pub mod requires;
pub mod resolve;
pub mod risk;
pub mod run;
pub mod sdk;
pub mod server;
pub mod shape;
pub mod taint;
pub mod uses;
pub mod value;
