//! Everything a store holds at one point in its history, given one piece after another while the store goes on.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

use parking_lot::RwLock;
use uuid::Uuid;

use super::log::Records;
use super::snapshot_guards::Guard;
use super::{OpenRecords, closed};
use crate::domain::history::{Bucket, Owner, Past};
use crate::domain::tables::{Contents, Lendings};
use crate::domain::usage::{Span, UsageRecord};
use crate::domain::{Change, EntryValue, Scope, Timestamp};
use crate::store::{Error, Result};

/// What a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotOrigin {
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
    pub origin: SnapshotOrigin,
    /// How many things it has; there are more changes than that.
    pub things: usize,
    changes: Box<dyn Iterator<Item = Result<Change>> + Send>,
}

impl Snapshot {
    /// The snapshot of `contents`; what the tables do not have of it is read from the records.
    pub(super) fn new<R: Records>(origin: SnapshotOrigin, contents: Contents, guarded: Guarded<R>) -> Self {
        let things = contents.len();
        let history = contents.history().to_vec();
        let usage = contents.usage().to_vec();
        // Records that are written later tell of this quarter, or of later ones.
        let quarter = contents.running_quarter().unwrap_or_else(|| Span::Quarter.slot(origin.taken));
        let then = Then(contents.lent().map(|(scope, lent)| (Arc::clone(scope), lent)).collect());
        let guarded = Arc::new(guarded);
        let (values, uses) = (Arc::clone(&guarded), Arc::clone(&guarded));
        let changes = contents.into_changes().flat_map(move |change| {
            let value = values.value_of(&change);
            iter::once(Ok(change)).chain(value)
        });
        let history = history.into_iter().flat_map(move |(owner, bucket, count)| {
            match guarded.records().and_then(|records| then.ended(&*records, &owner, bucket, count)) {
                Ok(ended) => ended.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        });
        let usage = usage.into_iter().flat_map(move |(span, day, count)| {
            match uses.records().and_then(|records| used(&*records, (span, day), quarter, count)) {
                Ok(used) => used.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            }
        });
        Self { origin, things, changes: Box::new(changes.chain(history).chain(usage)) }
    }
}

impl Iterator for Snapshot {
    type Item = Result<Change>;

    fn next(&mut self) -> Option<Self::Item> {
        self.changes.next()
    }
}

/// The records as long as the store is open, those that were there when the guard was made.
pub(super) struct Guarded<R> {
    pub(super) records: OpenRecords<R>,
    pub(super) _guard: Guard,
}

impl<R: Records> Guarded<R> {
    /// Records of one point, which are there for as long as they are held.
    pub(super) fn of(records: Arc<R>) -> Self {
        Self { records: Arc::new(RwLock::new(Some(records))), _guard: Guard::default() }
    }

    fn records(&self) -> Result<Arc<R>> {
        self.records.read().clone().ok_or_else(closed)
    }

    /// The bytes of the large value that an entry names, if it names one.
    fn value_of(&self, change: &Change) -> Option<Result<Change>> {
        let Change::Entry(_, document, _, Some(entry)) = change else { return None };
        let EntryValue::OutOfLine { id, length } = entry.value else { return None };
        let value = self.records().and_then(|records| match records.value(id, length) {
            Ok(Some(bytes)) => Ok(Change::ValueKept(id, bytes)),
            Ok(None) => Err(unavailable(format!("a value of document {document} is missing from the store"))),
            Err(reason) => Err(unavailable(reason)),
        });
        Some(value)
    }
}

fn unavailable(reason: String) -> Error {
    Error::Unavailable(reason.into())
}

/// The records of use that a day had before a quarter began, which are so many, in the order of time.
fn used(records: &impl Records, (span, day): (Span, u32), quarter: u32, count: u64) -> Result<Vec<Change>> {
    let mut used = records.used_by_all(span, day).map_err(unavailable)?;
    let before = span.slot(Span::Quarter.begins(quarter));
    used.retain(|(_, record)| record.slot < before);
    if used.len() as u64 != count {
        let seconds = span.seconds();
        let reason = format!(
            "day {day} of the use of groups has {} records of {seconds} seconds instead of {count}",
            used.len()
        );
        return Err(unavailable(reason));
    }
    used.sort_unstable_by(|(one, record), (other, than)| {
        (record.slot, one, &record.group).cmp(&(than.slot, other, &than.group))
    });
    let numbered = (1..).zip(used);
    Ok(numbered
        .map(|(count, (scope, record))| Change::Used(scope, Arc::new(UsageRecord { count, ..record })))
        .collect())
}

/// How it was with the allocations when the snapshot was taken.
struct Then(HashMap<Arc<Scope>, Lendings>);

impl Then {
    /// Whether an entry of the history was one then already.
    fn had_ended(&self, scope: &Scope, past: &Past) -> bool {
        let id = past.allocation.id;
        self.0.get(scope).is_some_and(|lent| id <= lent.last && !lent.running.contains(&id))
    }

    /// The entries that a bucket had then, which are so many, in the order of lending.
    fn ended(&self, records: &impl Records, owner: &Owner, bucket: Bucket, count: u64) -> Result<Vec<Change>> {
        let mut ended = records.of_bucket(owner, bucket).map_err(unavailable)?;
        ended.retain(|(scope, past)| self.had_ended(scope, past));
        if ended.len() as u64 != count {
            let reason = format!("hour {} of the history has {} entries instead of {count}", bucket.hour, ended.len());
            return Err(unavailable(reason));
        }
        ended
            .sort_unstable_by(|(one, past), (other, than)| (past.allocation.id, one).cmp(&(than.allocation.id, other)));
        let numbered = (1..).zip(ended);
        Ok(numbered.map(|(count, (scope, past))| Change::Ended(scope, Arc::new(Past { count, ..past }))).collect())
    }
}
