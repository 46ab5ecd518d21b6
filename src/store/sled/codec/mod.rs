//! How changes become records of the tree, and records become tables again.
//!
//! A value is a version byte and the fields in postcard's wire format. No record, key and value together, is larger than
//! 4 KiB: sled moves large nodes into files of their own that it never syncs. Everything that can be larger is cut:
//! documents into entries, large values into chunks.

pub(super) mod history;
mod keys;
mod loader;
mod tag;
pub(super) mod usage;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::{ApplicationName, Change, DocumentId, Interaction, InteractionId, Scope};
use crate::store::record::fields::{
    StoredAllocation, StoredDeed, StoredDocument, StoredEntry, StoredInteraction, StoredNumber, StoredRoute,
};
use keys::{allocation_key, audit_key, key};

pub(super) use keys::{
    CHUNK_BYTES, COMMIT_KEY, Chunk, END_OF_VALUES, FORMAT_KEY, JOURNAL_KEY, STAGES, TABLES, TIME_KEY, chunk, chunk_key,
    chunks, import_of, is_number, is_of_directory, is_roomy, is_stage, kind, stage_key,
};
pub(super) use loader::Loader;

/// Largest record, key and value together, in bytes.
pub(super) const MAX_RECORD_BYTES: usize = 4096;
/// What the key, or the value, of most records takes, in bytes: room that need not grow while they are written.
const USUAL_BYTES: usize = 128;
/// The version of every record written today; a record begins with the version it was written in.
const VERSION: u8 = 1;

/// The version of records of interactions, documents and allocations that an application made. Those that are nobody's are
/// written as ever, in [`VERSION`], which knew no makers.
const OWNED_VERSION: u8 = 2;

/// The version of records of interactions whose document, where it has no record, is as it was when the interaction began:
/// most stay like that, and every record costs the tree the same. Releases before it wrote both.
const BEGUN_VERSION: u8 = 3;
/// The same, of interactions that an application made.
const OWNED_BEGUN_VERSION: u8 = 4;

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// Written by a later release.
    #[error("a record has format {0}, which only a newer release can read")]
    Newer(u8),
    /// Not a record at all.
    #[error("a record of kind {tag} is damaged: {reason}")]
    Damaged {
        /// The key's first byte.
        tag: u8,
        /// What is wrong.
        reason: String,
    },
}

/// Something that takes records.
pub(super) trait Sink {
    /// Writes a record.
    fn put(&mut self, key: &[u8], value: &[u8]);
    /// Removes a record.
    fn remove(&mut self, key: &[u8]);
}

/// A record with the application that made what it tells of.
#[derive(Serialize, Deserialize)]
struct Owned<T> {
    record: T,
    application: ApplicationName,
}

/// Writes a change as records.
pub(super) fn encode(change: &Change, sink: &mut impl Sink) {
    match change {
        Change::Number(scope, number, record) => {
            let key = key(tag::NUMBER, scope, number.to_string().as_bytes());
            store(sink, &key, record.as_deref().map(StoredNumber::from).as_ref());
        }
        Change::Allocated(scope, allocation) => {
            let (key, stored) = (allocation_key(scope, allocation), StoredAllocation::from(&**allocation));
            let versions = [VERSION, OWNED_VERSION];
            store_owned(sink, &key, versions, Some(stored), allocation.application.as_ref());
        }
        Change::Released(scope, allocation) => sink.remove(&allocation_key(scope, allocation)),
        Change::Interaction(scope, id, record) => {
            encode_interaction(scope, id, record.as_deref(), [BEGUN_VERSION, OWNED_BEGUN_VERSION], sink);
        }
        Change::Document(scope, id, record) => {
            let stored = record.as_deref().map(StoredDocument::from);
            let application = record.as_deref().and_then(|record| record.application.as_ref());
            let versions = [VERSION, OWNED_VERSION];
            store_owned(sink, &key(tag::DOCUMENT, scope, id.0.as_bytes()), versions, stored, application);
        }
        Change::Entry(scope, id, name, entry) => {
            let mut key = key(tag::DOCUMENT, scope, id.0.as_bytes());
            key.extend_from_slice(name.as_str().as_bytes());
            store(sink, &key, entry.as_ref().map(StoredEntry::from).as_ref());
        }
        Change::ValueKept(id, bytes) => {
            for (chunk, bytes) in bytes.chunks(CHUNK_BYTES).enumerate() {
                sink.put(&chunk_key(*id, chunk as u64), bytes);
            }
        }
        Change::ValueDropped(id, length) => {
            for chunk in 0..chunks(*length) {
                sink.remove(&chunk_key(*id, chunk));
            }
        }
        Change::IdempotencyKey(scope, idempotency, record) => {
            store(sink, &key(tag::ONCE, scope, idempotency.as_str().as_bytes()), record.as_deref());
        }
        Change::Skill(scope, id, skill) => {
            let key = key(tag::SKILL, scope, &id.0.to_be_bytes());
            store(sink, &key, skill.as_deref().map(|skill| &skill.about));
        }
        Change::Route(scope, dnid, route) => {
            let key = key(tag::ROUTE, scope, &dnid.to_be_bytes());
            store(sink, &key, route.as_deref().map(StoredRoute::from).as_ref());
        }
        Change::Numbering(scope, numbering) => store(sink, &key(tag::SKILL, scope, &[]), Some(numbering)),
        Change::SigningKey(signing_key) => store(sink, &[tag::SIGNING_KEY], Some(signing_key)),
        Change::Ended(scope, past) => {
            store(sink, &history::bucket_key(Some(&scope.tenant), past.bucket), Some(&past.count));
            sink.put(&history::key(scope, past), &history::value(past));
        }
        Change::HistoryDropped(owner, bucket) => {
            store(sink, &history::floor_key(owner.as_ref()), Some(&bucket.next()));
            sink.remove(&history::bucket_key(owner.as_ref(), *bucket));
        }
        Change::Audited(owner, id, entry) => {
            store(sink, &audit_key(owner, *id), entry.as_deref().map(StoredDeed::from).as_ref());
        }
        Change::Usage(scope, group, running) => store(sink, &usage::running_key(scope, group), running.as_deref()),
        Change::Used(scope, record) => {
            store(sink, &usage::day_key(record.span, record.span.day(record.slot)), Some(&record.count));
            store(sink, &usage::key(scope, record), Some(&record.figures));
        }
        Change::UsageDropped(span, day) => {
            store(sink, &usage::floor_key(*span), Some(&day.saturating_add(1)));
            sink.remove(&usage::day_key(*span, *day));
        }
        Change::Ids(scope, ids) => store(sink, &key(tag::IDS, scope, &[]), Some(ids)),
        Change::Counters(counters) => store(sink, &[tag::COUNTERS], Some(counters)),
    }
}

/// As [`encode`], where the document of every interaction gets a record: it is then missed where there is none.
pub(super) fn encode_whole(change: &Change, sink: &mut impl Sink) {
    match change {
        Change::Interaction(scope, id, record) => {
            encode_interaction(scope, id, record.as_deref(), [VERSION, OWNED_VERSION], sink);
        }
        change => encode(change, sink),
    }
}

fn encode_interaction(
    scope: &Scope,
    id: &InteractionId,
    record: Option<&Interaction>,
    versions: [u8; 2],
    sink: &mut impl Sink,
) {
    let stored = record.map(StoredInteraction::from);
    let application = record.and_then(|record| record.application.as_ref());
    store_owned(sink, &key(tag::INTERACTION, scope, id.as_str().as_bytes()), versions, stored, application);
}

/// Says that a document is as it was when its interaction began: it has no record.
pub(super) fn encode_begun(scope: &Scope, id: DocumentId, sink: &mut impl Sink) {
    sink.remove(&key(tag::DOCUMENT, scope, id.0.as_bytes()));
}

/// A record's value: the version byte and the fields.
pub(super) fn value(fields: &impl Serialize) -> Vec<u8> {
    versioned(VERSION, fields)
}

fn versioned(version: u8, fields: &impl Serialize) -> Vec<u8> {
    let mut value = Vec::with_capacity(USUAL_BYTES);
    value.push(version);
    let bytes = postcard::to_extend(fields, value);
    bytes.expect("a record has only types that postcard can write, and a vector takes any length")
}

/// Reads a record's value back.
pub(super) fn fields<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, Unreadable> {
    match value.split_first() {
        Some((&VERSION, fields)) => whole(key, fields),
        Some((&version, _)) if version > VERSION => Err(Unreadable::Newer(version)),
        _ => Err(damaged(key, "it has no version")),
    }
}

/// As [`fields`], for a record that may say which application made what it tells of.
pub(super) fn owned_fields<T: DeserializeOwned>(
    key: &[u8],
    value: &[u8],
) -> Result<(T, Option<ApplicationName>), Unreadable> {
    match value.split_first() {
        Some((&OWNED_VERSION, stored)) => {
            let Owned { record, application } = whole(key, stored)?;
            Ok((record, Some(application)))
        }
        _ => fields(key, value).map(|record| (record, None)),
    }
}

/// As [`owned_fields`], for an interaction; and whether its document, where it has no record, is as it began.
fn interaction_fields(
    key: &[u8],
    value: &[u8],
) -> Result<(StoredInteraction, Option<ApplicationName>, bool), Unreadable> {
    match value.split_first() {
        Some((&BEGUN_VERSION, stored)) => Ok((whole(key, stored)?, None, true)),
        Some((&OWNED_BEGUN_VERSION, stored)) => {
            let Owned { record, application } = whole(key, stored)?;
            Ok((record, Some(application), true))
        }
        _ => owned_fields(key, value).map(|(stored, application)| (stored, application, false)),
    }
}

/// Fields that end where the value does.
fn whole<T: DeserializeOwned>(key: &[u8], fields: &[u8]) -> Result<T, Unreadable> {
    match postcard::take_from_bytes(fields) {
        Ok((fields, [])) => Ok(fields),
        Ok(_) => Err(damaged(key, "it goes on after its end")),
        Err(error) => Err(damaged(key, &error.to_string())),
    }
}

/// A value of plain bytes: the version byte and the bytes.
pub(super) fn bytes_value(bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(bytes.len() + 1);
    value.push(VERSION);
    value.extend_from_slice(bytes);
    value
}

/// Reads a value of plain bytes back.
pub(super) fn bytes<'v>(key: &[u8], value: &'v [u8]) -> Result<&'v [u8], Unreadable> {
    match value.split_first() {
        Some((&VERSION, bytes)) => Ok(bytes),
        Some((&version, _)) if version > VERSION => Err(Unreadable::Newer(version)),
        _ => Err(damaged(key, "it has no version")),
    }
}

/// What is wrong with a record.
pub(super) fn damaged(key: &[u8], reason: &str) -> Unreadable {
    Unreadable::Damaged { tag: key.first().copied().unwrap_or_default(), reason: reason.to_owned() }
}

fn store(sink: &mut impl Sink, key: &[u8], stored: Option<&impl Serialize>) {
    put(sink, key, stored.map(value));
}

/// As [`store`], for what an application may have made, in the second version if one has.
fn store_owned<T: Serialize>(
    sink: &mut impl Sink,
    key: &[u8],
    [version, owned_version]: [u8; 2],
    stored: Option<T>,
    application: Option<&ApplicationName>,
) {
    let owned = |record| match application {
        Some(application) => versioned(owned_version, &Owned { record, application: application.clone() }),
        None => versioned(version, &record),
    };
    put(sink, key, stored.map(owned));
}

fn put(sink: &mut impl Sink, key: &[u8], value: Option<Vec<u8>>) {
    match value {
        Some(value) => {
            debug_assert!(key.len() + value.len() <= MAX_RECORD_BYTES, "a record of {} bytes", value.len());
            sink.put(key, &value);
        }
        None => sink.remove(key),
    }
}

#[cfg(test)]
mod tests;
