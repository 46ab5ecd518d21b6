//! The history as records: a bucket after the other, and in a bucket by scope, number and allocation, so that a bucket
//! goes as a whole and the entries of a number in it lie side by side.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::{push_name, scope_of, take_name};
use super::{USUAL_BYTES, Unreadable, damaged, fields, tag};
use crate::domain::history::{Bucket, End, Held, Past};
use crate::domain::{
    AccessCode, Allocation, AllocationId, Caller, EnvironmentName, InteractionId, Number, Origin, Scope, Sharing,
    Timestamp,
};

/// Bytes of a bucket in a key.
const PLACE_BYTES: usize = 6;

/// What a record says beyond its key.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredPast {
    interaction: InteractionId,
    code: Option<AccessCode>,
    caller: Option<Caller>,
    origin: Origin,
    sharing: Sharing,
    since: Timestamp,
    deadline: Timestamp,
    until: Timestamp,
    end: End,
}

impl From<&Past> for StoredPast {
    fn from(past: &Past) -> Self {
        let allocation = &*past.allocation;
        Self {
            interaction: allocation.interaction.clone(),
            code: allocation.code.clone(),
            caller: allocation.caller.clone(),
            origin: allocation.origin,
            sharing: allocation.sharing,
            since: allocation.since,
            deadline: allocation.deadline,
            until: past.until,
            end: past.end,
        }
    }
}

/// The key under which the entries of a bucket are counted.
pub(super) fn bucket_key(bucket: Bucket) -> Vec<u8> {
    begin(tag::HISTORY_BUCKET, bucket)
}

/// The bucket that the end of such a key names.
pub(super) fn bucket(bytes: &[u8]) -> Option<Bucket> {
    let (hour, part) = bytes.split_first_chunk()?;
    Some(Bucket { hour: u32::from_be_bytes(*hour), part: u16::from_be_bytes(part.try_into().ok()?) })
}

/// The key of an entry.
pub(super) fn key(scope: &Scope, past: &Past) -> Vec<u8> {
    entry_key(past.bucket, scope, past.allocation.number, past.allocation.id)
}

/// Where the entries of a number in a bucket are, of allocations below `below`: from a key on, up to another.
pub(in crate::store::sled) fn of_number(
    bucket: Bucket,
    scope: &Scope,
    number: Number,
    below: AllocationId,
) -> (Vec<u8>, Vec<u8>) {
    (entry_key(bucket, scope, number, AllocationId(0)), entry_key(bucket, scope, number, below))
}

/// Where everything is that lies before a bucket: from a key on, up to another.
pub(in crate::store::sled) fn before(floor: Bucket) -> (Vec<u8>, Vec<u8>) {
    (vec![tag::HISTORY], begin(tag::HISTORY, floor))
}

/// Where the entries of a bucket are: from a key on, up to another.
pub(in crate::store::sled) fn of_bucket(bucket: Bucket) -> (Vec<u8>, Vec<u8>) {
    (begin(tag::HISTORY, bucket), begin(tag::HISTORY, bucket.next()))
}

/// Whether a record is an entry.
pub(in crate::store::sled) fn is_entry(key: &[u8]) -> bool {
    key.first() == Some(&tag::HISTORY)
}

/// Whether a record is an entry that is forgotten, where everything before `floor` is.
pub(in crate::store::sled) fn is_forgotten(key: &[u8], floor: Bucket) -> bool {
    is_entry(key) && key < &begin(tag::HISTORY, floor)[..]
}

/// Reads an entry back, and whose it is; that it is the first of its bucket is not said.
pub(in crate::store::sled) fn entry(key: &[u8], value: &[u8]) -> Result<(Scope, Past), Unreadable> {
    let short = || damaged(key, "its key is cut short");
    let (place, names) = key.get(1..).and_then(|rest| rest.split_at_checked(PLACE_BYTES)).ok_or_else(short)?;
    let bucket = bucket(place).ok_or_else(short)?;
    let (tenant, rest) = take_name(names).ok_or_else(short)?;
    let (environment, rest) = take_name(rest).ok_or_else(short)?;
    let scope = scope_of(key, tenant, environment)?;
    let (number, id) = take_name(rest).ok_or_else(short)?;
    if id.len() != size_of::<u64>() {
        return Err(damaged(key, "its key ends in no allocation id"));
    }
    let number = number.and_then(|number| Number::new(number).ok());
    let number = number.ok_or_else(|| damaged(key, "its key names no number"))?;
    let (allocation, (until, end)) = read_past(number, key, value)?;
    Ok((scope, Past { bucket, count: 1, allocation, until, end }))
}

/// Reads an entry of a number back.
pub(in crate::store::sled) fn read(number: Number, key: &[u8], value: &[u8]) -> Result<Held, Unreadable> {
    let (allocation, ended) = read_past(number, key, value)?;
    Ok(Held { allocation, ended: Some(ended) })
}

fn read_past(number: Number, key: &[u8], value: &[u8]) -> Result<(Arc<Allocation>, (Timestamp, End)), Unreadable> {
    let id = key.last_chunk().ok_or_else(|| damaged(key, "its key is too short"))?;
    let StoredPast { interaction, code, caller, origin, sharing, since, deadline, until, end } = fields(key, value)?;
    let id = AllocationId(u64::from_be_bytes(*id));
    let allocation = Allocation { id, number, interaction, code, caller, origin, sharing, since, deadline };
    Ok((Arc::new(allocation), (until, end)))
}

fn entry_key(bucket: Bucket, scope: &Scope, number: Number, allocation: AllocationId) -> Vec<u8> {
    let mut key = begin(tag::HISTORY, bucket);
    push_name(&mut key, Some(scope.tenant.as_str()));
    push_name(&mut key, scope.environment.as_ref().map(EnvironmentName::as_str));
    push_name(&mut key, Some(&number.to_string()));
    key.extend_from_slice(&allocation.0.to_be_bytes());
    key
}

fn begin(tag: u8, bucket: Bucket) -> Vec<u8> {
    let mut key = Vec::with_capacity(USUAL_BYTES);
    key.push(tag);
    key.extend_from_slice(&bucket.hour.to_be_bytes());
    key.extend_from_slice(&bucket.part.to_be_bytes());
    key
}
