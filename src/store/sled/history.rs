//! Reading the history of a number, some of it at a time.

use super::codec;
use super::pending::{Order, Records};
use crate::domain::history::{Bucket, Held};
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
