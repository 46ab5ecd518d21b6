//! The history as records: of each tenant a bucket after the other, and in a bucket by environment, number and allocation,
//! so that all that a tenant no longer has goes as a whole and the entries of a number in a bucket lie side by side.
//!
//! In the journal every entry is a record. In the tree many entries are one, a block: what one file of the journal adds to
//! a bucket, in the order of the keys. A block has the key of its first entry, with the last commit of that file before
//! what follows the bucket, so that it is written once, whatever the bucket gets later.
//!
//! Older releases wrote every entry into the tree as it is in the journal, and what they wrote is read and removed as well.
//! Still older ones had the buckets of all tenants together: a bucket after the other, and the tenant behind it; nothing is
//! written under keys of that form.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::{push_name, scope_of, take_name};
use super::{USUAL_BYTES, Unreadable, damaged, fields, tag, versioned, whole};
use crate::domain::history::{Bucket, Held, Owner, Past};
use crate::domain::{AllocationId, ApplicationName, EnvironmentName, GroupName, Number, Scope, TenantId};
use crate::store::record::fields::StoredPast;
use crate::store::sled::journal::CommitNumber;

/// The version of entries that say which application had the number lent and which group that was in. Releases before it
/// wrote neither.
const PLACED_VERSION: u8 = 2;

/// An entry with what older ones do not say.
#[derive(Serialize, Deserialize)]
struct Placed {
    past: StoredPast,
    application: Option<ApplicationName>,
    group: Option<GroupName>,
}

/// Bytes of a bucket in a key.
const PLACE_BYTES: usize = 6;

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

/// Where the blocks of a tenant are that lie before a bucket: from a key on, up to another.
pub(in crate::store::sled) fn blocks_before(tenant: &TenantId, floor: Bucket) -> (Vec<u8>, Vec<u8>) {
    let (mut from, mut to) = before(Some(tenant), floor);
    (from[0], to[0]) = (tag::HISTORY_BLOCK, tag::HISTORY_BLOCK);
    (from, to)
}

/// The place of a tenant's bucket, as it stands in the keys of its entries and blocks, and what of an entry's key follows
/// it; of entries that are in no bucket of one tenant, `None`.
pub(in crate::store::sled) fn place(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&tag::TENANT_HISTORY, rest) = key.split_first()? else { return None };
    let (_, bucket) = take_name(rest)?;
    rest.split_at_checked(rest.len() - bucket.len() + PLACE_BYTES)
}

/// The key of the entry of a place that goes on like this.
pub(in crate::store::sled) fn key_at(place: &[u8], rest: &[u8]) -> Vec<u8> {
    [&[tag::TENANT_HISTORY], place, rest].concat()
}

/// The key of the block that a file of the journal has added to a place, whose first entry goes on like this.
pub(in crate::store::sled) fn block_key(place: &[u8], commit: CommitNumber, rest: &[u8]) -> Vec<u8> {
    [&[tag::HISTORY_BLOCK], place, &commit.to_be_bytes(), rest].concat()
}

/// What the key of a block says.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::sled) struct Block<'k> {
    /// The bucket's place.
    pub(in crate::store::sled) place: &'k [u8],
    /// The last commit of the journal's file that it was made of.
    pub(in crate::store::sled) commit: CommitNumber,
    /// How the key of its first entry goes on after the place.
    pub(in crate::store::sled) first: &'k [u8],
}

/// Reads the key of a block; `None` if it is no block's.
pub(in crate::store::sled) fn block(key: &[u8]) -> Option<Block<'_>> {
    let (&tag::HISTORY_BLOCK, rest) = key.split_first()? else { return None };
    let (_, bucket) = take_name(rest)?;
    let (place, rest) = rest.split_at_checked(rest.len() - bucket.len() + PLACE_BYTES)?;
    let (commit, first) = rest.split_first_chunk()?;
    Some(Block { place, commit: CommitNumber::from_be_bytes(*commit), first })
}

/// Where entries are that are forgotten.
pub(in crate::store::sled) struct Forgotten(BTreeMap<Vec<u8>, Vec<u8>>);

impl Forgotten {
    /// What lies before these floors.
    pub(in crate::store::sled) fn of(floors: &[(Owner, Bucket)]) -> Self {
        Self(floors.iter().map(|(owner, floor)| before(owner.as_ref(), *floor)).collect())
    }

    /// Whether the record is one of them, or a block of them.
    pub(in crate::store::sled) fn has(&self, key: &[u8]) -> bool {
        let first = block(key).map(|block| key_at(block.place, block.first));
        let key = first.as_deref().unwrap_or(key);
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
    let owner = (!is_common).then(|| scope.tenant.clone());
    Ok(Entry { owner, scope, past: read_past(bucket, number, key, value)? })
}

/// The allocation that the key of an entry names.
pub(in crate::store::sled) fn allocation(key: &[u8]) -> Result<AllocationId, Unreadable> {
    let id = key.last_chunk().ok_or_else(|| damaged(key, "its key is too short"))?;
    Ok(AllocationId(u64::from_be_bytes(*id)))
}

/// Reads an entry of a number back.
pub(in crate::store::sled) fn read(number: Number, key: &[u8], value: &[u8]) -> Result<Held, Unreadable> {
    read_past(Bucket::default(), number, key, value).map(|past| Held::from(&past))
}

fn read_past(bucket: Bucket, number: Number, key: &[u8], value: &[u8]) -> Result<Past, Unreadable> {
    let id = allocation(key)?;
    let placed = match value.split_first() {
        Some((&PLACED_VERSION, stored)) => whole(key, stored)?,
        Some((&version, _)) if version > PLACED_VERSION => return Err(Unreadable::Newer(version)),
        _ => Placed { past: fields(key, value)?, application: None, group: None },
    };
    let Placed { past: StoredPast { lending, until, end }, application, group } = placed;
    let allocation = Arc::new(lending.allocation(id, number, application));
    Ok(Past { bucket, count: 1, allocation, group, until, end })
}

/// The value of an entry.
pub(super) fn value(past: &Past) -> Vec<u8> {
    let (application, group) = (past.allocation.application.clone(), past.group.clone());
    versioned(PLACED_VERSION, &Placed { past: past.into(), application, group })
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
