//! Everything a store holds at one point in its history, told one piece after another while the store goes on.

use std::collections::HashMap;
use std::fmt::Display;
use std::iter;
use std::sync::Arc;

use uuid::Uuid;

use super::loading::Values;
use super::{Error, Result};
use crate::domain::history::{Bucket, Past};
use crate::domain::tables::{Contents, Lendings};
use crate::domain::{Change, Scope, Timestamp, Value};

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
    /// How many things it has; there are more changes than that.
    pub things: usize,
    changes: Box<dyn Iterator<Item = Result<Change>> + Send>,
}

impl Snapshot {
    /// The snapshot of `contents`; what the tables do not have of it is read from `kept`.
    pub(super) fn new<K>(origin: Origin, contents: Contents, kept: K) -> Self
    where
        K: Values<Error: Display> + Ended + Send + Sync + 'static,
    {
        let things = contents.len();
        let (values, kept) = {
            let kept = Arc::new(kept);
            (Arc::clone(&kept), kept)
        };
        let history = contents.history().to_vec();
        let then = Then(contents.lent().map(|(scope, lent)| (Arc::clone(scope), lent)).collect());
        let changes = contents.into_changes().flat_map(move |change| {
            let value = kept_value(&change, &*values);
            iter::once(Ok(change)).chain(value)
        });
        let history = history.into_iter().flat_map(move |(bucket, count)| match then.ended(&*kept, bucket, count) {
            Ok(ended) => ended.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        let changes = changes.chain(history);
        Self { origin, things, changes: Box::new(changes) }
    }
}

impl Iterator for Snapshot {
    type Item = Result<Change>;

    fn next(&mut self) -> Option<Self::Item> {
        self.changes.next()
    }
}

/// Where the history is.
pub(super) trait Ended {
    /// Everything in a bucket, in any order; the counts in the entries tell nothing.
    fn ended(&self, bucket: Bucket) -> std::result::Result<Vec<(Arc<Scope>, Past)>, String>;
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
    fn ended(&self, kept: &impl Ended, bucket: Bucket, count: u64) -> Result<Vec<Change>> {
        let mut ended = kept.ended(bucket).map_err(|reason| Error::Unavailable(reason.into()))?;
        ended.retain(|(scope, past)| self.had_ended(scope, past));
        if ended.len() as u64 != count {
            let reason = format!("hour {} of the history has {} entries instead of {count}", bucket.hour, ended.len());
            return Err(Error::Unavailable(reason.into()));
        }
        ended
            .sort_unstable_by(|(one, past), (other, than)| (past.allocation.id, one).cmp(&(than.allocation.id, other)));
        let numbered = (1..).zip(ended);
        Ok(numbered.map(|(count, (scope, past))| Change::Ended(scope, Arc::new(Past { count, ..past }))).collect())
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
