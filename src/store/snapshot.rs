//! Everything a store holds at one point in its history, told one piece after another while the store goes on.

use std::fmt::Display;
use std::iter;

use uuid::Uuid;

use super::loading::Values;
use super::{Error, Result};
use crate::domain::tables::Contents;
use crate::domain::{Change, Timestamp, Value};

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The store.
    pub store: Uuid,
    /// How many commits the store had seen.
    pub commits: u64,
    /// When it was.
    pub taken: Timestamp,
}

/// Everything a store held at one point, as the changes that make it out of nothing: each after those that it speaks
/// of, the bytes of a large value after the entry that has them.
///
/// Reading on reads from the disk. What the store drops meanwhile is kept for the snapshot until that is dropped.
pub struct Snapshot {
    /// What it is of.
    pub origin: Origin,
    /// How many numbers, interactions, allocations and documents it has; there are more changes than that.
    pub things: usize,
    changes: Box<dyn Iterator<Item = Result<Change>> + Send>,
}

impl Snapshot {
    /// The snapshot of `contents`, whose large values are in `values`.
    pub(super) fn new<V>(origin: Origin, contents: Contents, values: V) -> Self
    where
        V: Values<Error: Display> + Send + 'static,
    {
        let things = contents.len();
        let changes = contents.into_changes().flat_map(move |change| {
            let value = kept_value(&change, &values);
            iter::once(Ok(change)).chain(value)
        });
        Self { origin, things, changes: Box::new(changes) }
    }
}

impl Iterator for Snapshot {
    type Item = Result<Change>;

    fn next(&mut self) -> Option<Self::Item> {
        self.changes.next()
    }
}

/// The bytes of the large value that an entry names, if it names one.
fn kept_value<V>(change: &Change, values: &V) -> Option<Result<Change>>
where
    V: Values<Error: Display>,
{
    let Change::Entry(_, document, _, Some(entry)) = change else { return None };
    let Value::Apart { id, length } = entry.value else { return None };
    Some(match values.value(id, length) {
        Ok(Some(bytes)) => Ok(Change::ValueKept(id, bytes)),
        Ok(None) => Err(Error::Unavailable(format!("a value of document {document} is missing from the store").into())),
        Err(error) => Err(Error::Unavailable(error.to_string().into())),
    })
}
