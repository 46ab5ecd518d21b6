//! Under which keys records lie, and what a key tells of its record.
//!
//! A key is a tag, the scope, and the name of the thing; the tags are ordered so that one scan from the first key on
//! rebuilds the tables.

use std::ops::Range;

use super::{USUAL_BYTES, Unreadable, damaged, tag};
use crate::domain::{Allocation, AuditId, AuditOwner, EnvironmentName, Scope, TenantId, ValueId};
use crate::store::engine::ImportId;

/// The key of the record that says which store this is.
pub(in crate::store::sled) const FORMAT_KEY: &[u8] = &[tag::FORMAT];
/// The key of the record that counts the commits.
pub(in crate::store::sled) const COMMIT_KEY: &[u8] = &[tag::COMMIT];
/// The key of the record that says up to which file the journal has been moved into the tree.
pub(in crate::store::sled) const JOURNAL_KEY: &[u8] = &[tag::JOURNAL];
/// The key of the record that says when the last commit was made, in milliseconds since 1970. Releases before it wrote none.
pub(in crate::store::sled) const TIME_KEY: &[u8] = &[tag::TIME];
/// The keys of everything that is staged for imports: from the first on, up to the second.
pub(in crate::store::sled) const STAGES: (&[u8], &[u8]) = (&[tag::STAGE], &[tag::STAGE + 1]);
/// Where the keys of large values end.
pub(in crate::store::sled) const END_OF_VALUES: &[u8] = &[tag::VALUE + 1];
/// Where the records are that the tables are rebuilt from, in the order of loading. The chunks of large values lie between
/// them and are not loaded.
pub(in crate::store::sled) const TABLES: [Range<&[u8]>; 2] = [&[]..&[tag::VALUE], &[tag::VALUE + 1]..&[tag::APART]];

/// Bytes of a large value in one record.
pub(in crate::store::sled) const CHUNK_BYTES: usize = 4000;

/// How many records a large value of this length takes.
pub(in crate::store::sled) fn chunks(length: u64) -> u64 {
    length.div_ceil(CHUNK_BYTES as u64)
}

/// The key of one chunk of a large value.
pub(in crate::store::sled) fn chunk_key(id: ValueId, chunk: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(17);
    key.push(tag::VALUE);
    key.extend_from_slice(&id.0.to_be_bytes());
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// A piece of a large value, as its key names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store::sled) struct Chunk {
    /// The value.
    pub(in crate::store::sled) value: ValueId,
    /// The piece, counted from zero.
    pub(in crate::store::sled) place: u64,
}

/// The piece of a large value that a record holds, if it holds one.
pub(in crate::store::sled) fn chunk(key: &[u8]) -> Option<Chunk> {
    let (&tag::VALUE, key) = key.split_first()? else { return None };
    let (value, place) = key.split_first_chunk()?;
    let place = u64::from_be_bytes(place.try_into().ok()?);
    Some(Chunk { value: ValueId(u64::from_be_bytes(*value)), place })
}

/// Whether a record holds a single number: how many commits the tree has, how much of the journal, or a time.
pub(in crate::store::sled) fn is_number(key: &[u8]) -> bool {
    key == COMMIT_KEY || key == JOURNAL_KEY || key == TIME_KEY
}

/// Whether a record tells of the directory itself and not of what is kept in it.
pub(in crate::store::sled) fn is_of_directory(key: &[u8]) -> bool {
    key == FORMAT_KEY || key == COMMIT_KEY || key == JOURNAL_KEY || is_stage(key)
}

/// Whether a record is a piece of what is staged for an import.
pub(in crate::store::sled) fn is_stage(key: &[u8]) -> bool {
    key.first() == Some(&tag::STAGE)
}

/// Whether records of a kind, which is the first byte of their keys, are as large as
/// [`MAX_RECORD_BYTES`](super::MAX_RECORD_BYTES) as a rule: what they hold was cut to size.
pub(in crate::store::sled) fn is_roomy(kind: u8) -> bool {
    matches!(kind, tag::VALUE | tag::STAGE | tag::HISTORY_BLOCK)
}

/// What a record tells of, in words for people.
pub(in crate::store::sled) fn kind(key: &[u8]) -> &'static str {
    match key.first() {
        Some(&(tag::FORMAT | tag::COMMIT | tag::COUNTERS | tag::IDS | tag::JOURNAL)) => "notes of the store's own",
        Some(&tag::NUMBER) => "numbers",
        Some(&tag::INTERACTION) => "interactions",
        Some(&tag::ALLOCATION) => "allocations",
        Some(&tag::DOCUMENT) => "documents and their entries",
        Some(&tag::VALUE) => "pieces of large values",
        Some(&tag::SKILL) => "skill queues",
        Some(&tag::ROUTE) => "called routes",
        Some(&tag::SIGNING_KEY) => "signing key",
        Some(&tag::ONCE) => "keys of retried requests",
        Some(&(tag::HISTORY_BUCKET | tag::TENANT_HISTORY_BUCKET)) => "hours of the history",
        Some(&(tag::HISTORY | tag::TENANT_HISTORY)) => "ended allocations",
        Some(&tag::HISTORY_BLOCK) => "blocks of ended allocations",
        Some(&tag::AUDIT) => "entries of the audit",
        Some(&(tag::USAGE | tag::USED)) => "use of groups by the hour",
        Some(&(tag::USAGE_DAY | tag::USAGE_FLOOR)) => "days of the use of groups",
        Some(&tag::TIME) => "time of the last commit",
        Some(&tag::STAGE) => "pieces of unfinished imports",
        _ => "unknown",
    }
}

/// The key of one piece of what is staged for an import.
pub(in crate::store::sled) fn stage_key(import: ImportId, piece: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(17);
    key.push(tag::STAGE);
    key.extend_from_slice(&import.0.to_be_bytes());
    key.extend_from_slice(&piece.to_be_bytes());
    key
}

/// The import that a piece belongs to, by its key.
pub(in crate::store::sled) fn import_of(key: &[u8]) -> Option<ImportId> {
    let id = key.get(1..9)?.try_into().ok()?;
    Some(ImportId(u64::from_be_bytes(id)))
}

pub(super) fn key(tag: u8, scope: &Scope, name: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(USUAL_BYTES);
    key.push(tag);
    push_name(&mut key, Some(scope.tenant.as_str()));
    push_name(&mut key, scope.environment.as_ref().map(EnvironmentName::as_str));
    key.extend_from_slice(name);
    key
}

pub(super) fn allocation_key(scope: &Scope, allocation: &Allocation) -> Vec<u8> {
    key(tag::ALLOCATION, scope, &allocation.id.0.to_be_bytes())
}

/// The key of an entry of the audit.
pub(super) fn audit_key(owner: &AuditOwner, id: AuditId) -> Vec<u8> {
    let mut key = vec![tag::AUDIT];
    push_name(&mut key, owner.as_ref().map(TenantId::as_str));
    key.extend_from_slice(&id.0.to_be_bytes());
    key
}

/// The length that stands for a name that is not there; no name is that long.
const NO_NAME: u16 = u16::MAX;

pub(super) fn push_name(key: &mut Vec<u8>, name: Option<&str>) {
    let length = name.map_or(NO_NAME, |name| u16::try_from(name.len()).unwrap_or(NO_NAME));
    key.extend_from_slice(&length.to_be_bytes());
    key.extend_from_slice(name.unwrap_or_default().as_bytes());
}

/// The scope that the names in a key make.
pub(super) fn scope_of(key: &[u8], tenant: Option<&str>, environment: Option<&str>) -> Result<Scope, Unreadable> {
    let tenant = tenant.and_then(|tenant| TenantId::new(tenant).ok());
    let tenant = tenant.ok_or_else(|| damaged(key, "its key names no tenant"))?;
    let environment = environment.map(EnvironmentName::new).transpose();
    let environment = environment.map_err(|_| damaged(key, "its key names no environment"))?;
    Ok(Scope { tenant, environment })
}

/// A name at the beginning of `bytes`, and what follows it.
pub(super) fn take_name(bytes: &[u8]) -> Option<(Option<&str>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    match u16::from_be_bytes(*length) {
        NO_NAME => Some((None, rest)),
        length => {
            let (name, rest) = rest.split_at_checked(usize::from(length))?;
            Some((Some(std::str::from_utf8(name).ok()?), rest))
        }
    }
}
