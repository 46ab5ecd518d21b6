//! The history as records: of each tenant a bucket after the other, and in a bucket by environment, number and allocation,
//! so that all that a tenant no longer has goes as a whole and the entries of a number in a bucket lie side by side.
//!
//! Older releases had the buckets of all tenants together: a bucket after the other, and the tenant behind it. What they
//! kept is read and removed under keys of that form, and nothing is written under them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::{push_name, scope_of, take_name};
use super::{USUAL_BYTES, Unreadable, damaged, fields, tag};
use crate::domain::history::{Bucket, End, Held, Owner, Past};
use crate::domain::{
    AccessCode, Allocation, AllocationId, Caller, EnvironmentName, InteractionId, Number, Origin, Scope, Sharing,
    TenantId, Timestamp,
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

/// The key under which it is said where the history of an owner begins.
pub(super) fn floor_key(owner: Option<&TenantId>) -> Vec<u8> {
    begin([tag::HISTORY_BUCKET, tag::TENANT_HISTORY_BUCKET], owner)
}

/// The key under which the entries of a bucket are counted.
pub(super) fn bucket_key(owner: Option<&TenantId>, bucket: Bucket) -> Vec<u8> {
    let mut key = floor_key(owner);
    push_bucket(&mut key, bucket);
    key
}

/// Whose history a key of either of these kinds is about, and what follows.
pub(super) fn owner(key: &[u8]) -> Option<(Owner, &[u8])> {
    let (kind, rest) = key.split_first()?;
    match *kind {
        tag::HISTORY_BUCKET => Some((None, rest)),
        tag::TENANT_HISTORY_BUCKET => {
            let (tenant, rest) = take_name(rest)?;
            Some((Some(TenantId::new(tenant?).ok()?), rest))
        }
        _ => None,
    }
}

/// The bucket that the end of such a key names.
pub(super) fn bucket(bytes: &[u8]) -> Option<Bucket> {
    let (hour, part) = bytes.split_first_chunk()?;
    Some(Bucket { hour: u32::from_be_bytes(*hour), part: u16::from_be_bytes(part.try_into().ok()?) })
}

/// The key of an entry.
pub(super) fn key(scope: &Scope, past: &Past) -> Vec<u8> {
    entry_key(Some(&scope.tenant), past.bucket, scope, past.allocation.number, past.allocation.id)
}

/// Where the entries of a number in a bucket are, of allocations below `below`: from a key on, up to another.
pub(in crate::store::sled) fn of_number(
    owner: Option<&TenantId>,
    bucket: Bucket,
    scope: &Scope,
    number: Number,
    below: AllocationId,
) -> (Vec<u8>, Vec<u8>) {
    let key = |id| entry_key(owner, bucket, scope, number, id);
    (key(AllocationId(0)), key(below))
}

/// Where everything of an owner is that lies before a bucket: from a key on, up to another.
pub(in crate::store::sled) fn before(owner: Option<&TenantId>, floor: Bucket) -> (Vec<u8>, Vec<u8>) {
    (entries_of(owner), bucket_begin(owner, floor))
}

/// Where the entries of a bucket are: from a key on, up to another.
pub(in crate::store::sled) fn of_bucket(owner: Option<&TenantId>, bucket: Bucket) -> (Vec<u8>, Vec<u8>) {
    (bucket_begin(owner, bucket), bucket_begin(owner, bucket.next()))
}

/// Whether a record is an entry.
pub(in crate::store::sled) fn is_entry(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(tag::HISTORY | tag::TENANT_HISTORY)))
}

/// Where entries are that are forgotten.
pub(in crate::store::sled) struct Forgotten(BTreeMap<Vec<u8>, Vec<u8>>);

impl Forgotten {
    /// What lies before these floors.
    pub(in crate::store::sled) fn of(floors: &[(Owner, Bucket)]) -> Self {
        Self(floors.iter().map(|(owner, floor)| before(owner.as_ref(), *floor)).collect())
    }

    /// Whether the record is one of them.
    pub(in crate::store::sled) fn has(&self, key: &[u8]) -> bool {
        let range =
            is_entry(key).then(|| self.0.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back());
        range.flatten().is_some_and(|(_, to)| key < &to[..])
    }
}

/// An entry as it was read.
pub(in crate::store::sled) struct Entry {
    /// Among whose entries it is.
    pub(in crate::store::sled) owner: Owner,
    /// Whose it is.
    pub(in crate::store::sled) scope: Scope,
    /// What is remembered; that it is the first of its bucket is not said.
    pub(in crate::store::sled) past: Past,
}

/// Reads an entry back.
pub(in crate::store::sled) fn entry(key: &[u8], value: &[u8]) -> Result<Entry, Unreadable> {
    let short = || damaged(key, "its key is cut short");
    let is_common = key.first() == Some(&tag::HISTORY);
    let rest = key.get(1..).ok_or_else(short)?;
    let (place, tenant, rest) = if is_common {
        let (place, names) = rest.split_at_checked(PLACE_BYTES).ok_or_else(short)?;
        let (tenant, rest) = take_name(names).ok_or_else(short)?;
        (place, tenant, rest)
    } else {
        let (tenant, rest) = take_name(rest).ok_or_else(short)?;
        let (place, rest) = rest.split_at_checked(PLACE_BYTES).ok_or_else(short)?;
        (place, tenant, rest)
    };
    let bucket = bucket(place).ok_or_else(short)?;
    let (environment, rest) = take_name(rest).ok_or_else(short)?;
    let scope = scope_of(key, tenant, environment)?;
    let (number, id) = take_name(rest).ok_or_else(short)?;
    if id.len() != size_of::<u64>() {
        return Err(damaged(key, "its key ends in no allocation id"));
    }
    let number = number.and_then(|number| Number::new(number).ok());
    let number = number.ok_or_else(|| damaged(key, "its key names no number"))?;
    let (allocation, (until, end)) = read_past(number, key, value)?;
    let owner = (!is_common).then(|| scope.tenant.clone());
    Ok(Entry { owner, scope, past: Past { bucket, count: 1, allocation, until, end } })
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

fn entry_key(
    owner: Option<&TenantId>,
    bucket: Bucket,
    scope: &Scope,
    number: Number,
    allocation: AllocationId,
) -> Vec<u8> {
    let mut key = bucket_begin(owner, bucket);
    if owner.is_none() {
        push_name(&mut key, Some(scope.tenant.as_str()));
    }
    push_name(&mut key, scope.environment.as_ref().map(EnvironmentName::as_str));
    push_name(&mut key, Some(&number.to_string()));
    key.extend_from_slice(&allocation.0.to_be_bytes());
    key
}

fn bucket_begin(owner: Option<&TenantId>, bucket: Bucket) -> Vec<u8> {
    let mut key = entries_of(owner);
    push_bucket(&mut key, bucket);
    key
}

fn entries_of(owner: Option<&TenantId>) -> Vec<u8> {
    begin([tag::HISTORY, tag::TENANT_HISTORY], owner)
}

/// The beginning of a key: the first of the tags for what all tenants have together, else the second and the tenant.
fn begin([common, own]: [u8; 2], owner: Option<&TenantId>) -> Vec<u8> {
    let mut key = Vec::with_capacity(USUAL_BYTES);
    match owner {
        None => key.push(common),
        Some(tenant) => {
            key.push(own);
            push_name(&mut key, Some(tenant.as_str()));
        }
    }
    key
}

fn push_bucket(key: &mut Vec<u8>, bucket: Bucket) {
    key.extend_from_slice(&bucket.hour.to_be_bytes());
    key.extend_from_slice(&bucket.part.to_be_bytes());
}
