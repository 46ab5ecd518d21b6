//! The changes of the batch that is being gathered.

use std::collections::HashMap;
use std::sync::Arc;

use super::loading::Values;
use super::log::ImportId;
use crate::domain::{Change, ValueId};

/// A batch with more changes than this takes no further command.
const MAX_CHANGES: usize = 20_000;
/// A batch with more bytes of large values than this takes no further command.
const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;

/// What is committed together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    values: HashMap<ValueId, Arc<[u8]>>,
    value_bytes: usize,
    /// An import that comes after all that, with its changes.
    pub(super) import: Option<(ImportId, Vec<Change>)>,
}

impl Batch {
    /// Adds what a command has changed.
    pub(super) fn take(&mut self, changes: Vec<Change>) {
        for change in &changes {
            if let Change::ValueKept(id, bytes) = change {
                self.value_bytes += bytes.len();
                self.values.insert(*id, Arc::clone(bytes));
            }
        }
        self.changes.extend(changes);
    }

    /// Adds what a command has changed that includes an import: what was staged, and what was not.
    pub(super) fn include(&mut self, import: ImportId, changes: Vec<Change>) {
        let (unstaged, staged) =
            changes.into_iter().partition(|change| matches!(change, Change::Ids(..) | Change::Counters(_)));
        self.take(unstaged);
        self.import = Some((import, staged));
    }

    /// Whether it takes no further command.
    pub(super) fn is_full(&self) -> bool {
        self.import.is_some() || self.changes.len() >= MAX_CHANGES || self.value_bytes >= MAX_VALUE_BYTES
    }

    /// The large values of the batch and, behind them, those of the records.
    pub(super) fn values<'a>(&'a self, records: &'a dyn Values) -> BatchValues<'a> {
        BatchValues { new: &self.values, records }
    }
}

/// The large values that a command of the batch may read.
pub(super) struct BatchValues<'a> {
    new: &'a HashMap<ValueId, Arc<[u8]>>,
    records: &'a dyn Values,
}

impl Values for BatchValues<'_> {
    fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, String> {
        match self.new.get(&id) {
            Some(bytes) => Ok(Some(Arc::clone(bytes))),
            None => self.records.value(id, length),
        }
    }
}
