//! The whole dialect over the in-memory engine: what a client sends and what it gets.

mod answers;
mod basic;
mod bench;
mod cluster;
mod errors;
mod idempotency;
mod instances;
mod lending;
mod matching;
mod options;
mod stored_data;
mod volume;
