//! Reading the history, some of it at a time.

use std::sync::Arc;

use super::codec;
use super::pending::{Order, Records};
use crate::domain::history::{Bucket, Held, Past};
use crate::domain::{AllocationId, Number, Scope};

/// How many entries are read at a time.
const SLICE: usize = 200;

/// What a bucket has of a number, newest allocation first, only those below `below`.
pub(super) fn of_number<'a>(
    records: &'a Records,
    bucket: Bucket,
    scope: &'a Scope,
    number: Number,
    below: AllocationId,
) -> impl Iterator<Item = Result<Held, String>> + 'a {
    let slices = std::iter::successors(Some(slice(records, bucket, scope, number, below)), move |before| {
        let last = before.as_ref().ok().filter(|held| held.len() == SLICE)?.last()?;
        Some(slice(records, bucket, scope, number, last.allocation.id))
    });
    slices.flat_map(|slice| match slice {
        Ok(held) => held.into_iter().map(Ok).collect(),
        Err(reason) => vec![Err(reason)],
    })
}

/// Everything that a bucket has, in the order of the keys. The counts in the entries tell nothing.
pub(super) fn of_bucket(records: &Records, bucket: Bucket) -> Result<Vec<(Arc<Scope>, Past)>, String> {
    let (mut from, to) = codec::history::of_bucket(bucket);
    let mut entries: Vec<(Arc<Scope>, Past)> = Vec::new();
    loop {
        let slice = records.range(&from, &to, Order::Ascending, SLICE)?;
        for (key, value) in &slice {
            let (scope, past) = codec::history::entry(key, value).map_err(|error| error.to_string())?;
            // Entries of one scope lie side by side.
            let before = entries.last().filter(|(before, _)| **before == scope);
            let scope = before.map_or_else(|| Arc::new(scope), |(before, _)| Arc::clone(before));
            entries.push((scope, past));
        }
        match slice.last().filter(|_| slice.len() == SLICE) {
            // The smallest key that is greater.
            Some((last, _)) => from = [&last[..], &[0]].concat(),
            None => return Ok(entries),
        }
    }
}

fn slice(
    records: &Records,
    bucket: Bucket,
    scope: &Scope,
    number: Number,
    below: AllocationId,
) -> Result<Vec<Held>, String> {
    let (from, to) = codec::history::of_number(bucket, scope, number, below);
    let records = records.range(&from, &to, Order::Descending, SLICE)?;
    let read = |(key, value): &(bytes::Bytes, bytes::Bytes)| codec::history::read(number, key, value);
    records.iter().map(read).collect::<Result<_, _>>().map_err(|error| error.to_string())
}
