//! Code in JavaScript and TypeScript. Nothing of it is ever run.

pub mod entries;
pub mod path;
pub mod requires;
pub mod resolve;

pub mod analysis;
pub mod entry;
pub mod event;
pub mod guards;
pub mod heap;
pub mod risk;
pub mod run;
pub mod sdk;
pub mod shape;
pub mod taint;
pub mod uses;
pub mod value;
