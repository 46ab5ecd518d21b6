//! A list of changes as bytes that stand alone: what a log keeps of a commit, and others read.
//!
//! The bytes are a version and, in postcard's wire format, the scopes that the changes speak of and the changes one after
//! the other. Whoever reads them needs nothing else: a document comes with all of its entries, an allocation that ends with
//! all that was known of it. What a list says twice is written once: the entries of a document that was just written, and an
//! allocation that was just named.
//!
//! The sled engine keeps the same fields (`fields`) under keys instead, since its checkpointer moves single records.

pub(in crate::store) mod fields;
#[cfg(test)]
pub(in crate::store) mod samples;
mod written;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{Change, Scope};
use written::{Reading, Writing, Written};

/// The version that is written today. Others read what this release writes: a change of what is written here, or of the
/// fields, is another version.
const VERSION: u8 = 1;

/// Why bytes are no list of changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Written by a later release.
    #[error("a record of the log has format {0}, which only a newer release can read")]
    Newer(u8),
    /// Not a list of changes at all.
    #[error("a record of the log is damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize, Deserialize)]
struct Record {
    scopes: Vec<Arc<Scope>>,
    changes: Vec<Written>,
}

/// Writes changes, as they are decided: each speaks of the thing that it is about by the same name within and without.
pub fn encode(changes: &[Change]) -> Vec<u8> {
    let mut writing = Writing::default();
    let changes = changes.iter().map(|change| writing.change(change)).collect();
    let record = Record { scopes: writing.into_scopes(), changes };
    let bytes = postcard::to_extend(&record, vec![VERSION]);
    bytes.expect("a record has only types that postcard can write, and a vector takes any length")
}

/// Reads changes back.
///
/// # Errors
/// [`Unreadable`]; then nothing of them is known.
pub fn decode(bytes: &[u8]) -> Result<Vec<Change>, Unreadable> {
    let record: Record = match bytes.split_first() {
        Some((&VERSION, rest)) => match postcard::take_from_bytes(rest) {
            Ok((record, [])) => record,
            Ok(_) => return Err(damaged("it goes on after its end")),
            Err(error) => return Err(damaged(&error.to_string())),
        },
        Some((&version, _)) if version > VERSION => return Err(Unreadable::Newer(version)),
        _ => return Err(damaged("it has no version")),
    };
    let mut reading = Reading::new(record.scopes);
    record.changes.into_iter().map(|change| reading.change(change)).collect()
}

fn damaged(reason: &str) -> Unreadable {
    Unreadable::Damaged(reason.to_owned())
}

#[cfg(test)]
mod tests;
