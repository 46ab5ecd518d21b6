//! The store: one suite that every engine passes, one model test that holds the engines against each other, and what
//! is special about the engine on disk.

// Clippy knows tests by their attribute; the helpers beside them are tests all the same.
#![allow(clippy::unwrap_used)]

mod care;
mod concurrency;
mod conformance;
#[path = "../common/database.rs"]
mod database;
mod directory;
mod dump;
mod engine;
mod failing;
mod lookup;
mod model;
mod opening;
mod records;
mod refused;
mod several;
mod words;
