//! The whole dialect over the in-memory engine: what a client sends and what it gets.

mod answers;
mod bench;
mod errors;
mod lending;
mod matching;
mod stored_data;
