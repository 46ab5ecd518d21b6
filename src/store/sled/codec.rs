//! How changes become records of the tree, and records become tables again.
//!
//! A key is a tag, the scope, and the name of the thing; the tags are ordered so that one scan from the first key on
//! rebuilds the tables. A value is a version byte and the fields in postcard's wire format. No record is larger than
//! 4 KiB: sled moves large nodes into files of their own that it never syncs. Everything that can be larger is cut:
//! documents into entries, large values into chunks.

pub(super) mod history;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ops::ImportId;
use crate::domain::change::Counters;
use crate::domain::document::Entries;
use crate::domain::number::LastLending;
use crate::domain::routes::Numbering;
use crate::domain::{
    AccessCode, Allocation, AllocationId, Caller, Change, Content, Deadline, Destination, Document, DocumentId, Entry,
    EntryKey, EnvironmentName, Extension, GroupName, HotlineCode, Interaction, InteractionId, MediaType, NewSkill,
    Number, NumberId, NumberRecord, OnceKey, OnceRecord, Origin, Ownership, Route, RouteId, Scope, Sharing, SigningKey,
    Skill, SkillId, Tables, TenantId, Timestamp, Value, ValueId,
};

/// Largest record, key and value together, in bytes.
pub(super) const MAX_RECORD_BYTES: usize = 4096;
/// Bytes of a large value in one record.
pub(super) const CHUNK_BYTES: usize = 4000;
/// The version of every record written today; a record begins with the version it was written in.
const VERSION: u8 = 1;

/// The first byte of a key. The order is the order of loading: a thing comes after the things it speaks of.
mod tag {
    pub(super) const FORMAT: u8 = 1;
    pub(super) const COMMIT: u8 = 2;
    pub(super) const COUNTERS: u8 = 3;
    pub(super) const NUMBER: u8 = 4;
    pub(super) const INTERACTION: u8 = 5;
    pub(super) const ALLOCATION: u8 = 6;
    pub(super) const DOCUMENT: u8 = 7;
    pub(super) const VALUE: u8 = 8;
    /// A queue; without an id in its key, the numbers given out in the scope.
    pub(super) const SKILL: u8 = 9;
    pub(super) const ROUTE: u8 = 10;
    pub(super) const ONCE: u8 = 11;
    /// How many entries of the history a bucket has; without a bucket in its key, where the history begins.
    pub(super) const HISTORY_BUCKET: u8 = 12;
    pub(super) const SIGNING_KEY: u8 = 13;
    /// From here on, records that the tables are not rebuilt from.
    pub(super) const APART: u8 = 200;
    pub(super) const JOURNAL: u8 = 201;
    pub(super) const STAGE: u8 = 202;
    pub(super) const HISTORY: u8 = 203;
}

/// The key of the record that says which store this is.
pub(super) const FORMAT_KEY: &[u8] = &[tag::FORMAT];
/// The key of the record that counts the commits.
pub(super) const COMMIT_KEY: &[u8] = &[tag::COMMIT];
/// The key of the record that says up to which file the journal has been moved into the tree.
pub(super) const JOURNAL_KEY: &[u8] = &[tag::JOURNAL];
/// The keys of everything that is staged for imports: from the first on, up to the second.
pub(super) const STAGES: (&[u8], &[u8]) = (&[tag::STAGE], &[tag::STAGE + 1]);
/// Where the keys of large values end.
pub(super) const END_OF_VALUES: &[u8] = &[tag::VALUE + 1];
/// Where the records are that the tables are rebuilt from, in the order of loading. The chunks of large values lie between
/// them and are not loaded.
pub(super) const TABLES: [Range<&[u8]>; 2] = [&[]..&[tag::VALUE], &[tag::VALUE + 1]..&[tag::APART]];

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

#[derive(Serialize, Deserialize)]
struct StoredNumber {
    id: NumberId,
    dnid: Number,
    group: Option<GroupName>,
    enabled: bool,
    freed: Option<LastLending>,
}

#[derive(Serialize, Deserialize)]
struct StoredInteraction {
    data: DocumentId,
    since: Timestamp,
    deadline: Deadline,
}

#[derive(Serialize, Deserialize)]
struct StoredAllocation {
    number: Number,
    interaction: InteractionId,
    code: Option<AccessCode>,
    caller: Option<Caller>,
    origin: Origin,
    sharing: Sharing,
    since: Timestamp,
    deadline: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct StoredDocument {
    interaction: Option<InteractionId>,
    kept_until: Timestamp,
    ownership: Ownership,
}

#[derive(Serialize, Deserialize)]
struct StoredEntry {
    content: Content,
    value: StoredValue,
}

#[derive(Serialize, Deserialize)]
enum StoredValue {
    Inline(Arc<[u8]>),
    Apart { id: ValueId, length: u64 },
}

#[derive(Serialize, Deserialize)]
struct StoredRoute {
    id: RouteId,
    hotline: HotlineCode,
    extension: Option<Extension>,
    media: MediaType,
    destination: Destination,
}

/// Writes a change as records.
pub(super) fn encode(change: &Change, sink: &mut impl Sink) {
    match change {
        Change::Number(scope, number, record) => {
            let key = key(tag::NUMBER, scope, number.to_string().as_bytes());
            let stored = record.as_deref().map(|record| StoredNumber {
                id: record.id,
                dnid: record.dnid,
                group: record.group.clone(),
                enabled: record.enabled,
                freed: record.freed,
            });
            store(sink, &key, stored.as_ref());
        }
        Change::Allocated(scope, allocation) => {
            let stored = StoredAllocation {
                number: allocation.number,
                interaction: allocation.interaction.clone(),
                code: allocation.code.clone(),
                caller: allocation.caller.clone(),
                origin: allocation.origin,
                sharing: allocation.sharing,
                since: allocation.since,
                deadline: allocation.deadline,
            };
            store(sink, &allocation_key(scope, allocation), Some(&stored));
        }
        Change::Released(scope, allocation) => sink.remove(&allocation_key(scope, allocation)),
        Change::Interaction(scope, id, record) => {
            let stored = record.as_deref().map(|record| StoredInteraction {
                data: record.data,
                since: record.since,
                deadline: record.deadline,
            });
            store(sink, &key(tag::INTERACTION, scope, id.as_str().as_bytes()), stored.as_ref());
        }
        Change::Document(scope, id, record) => {
            let stored = record.as_deref().map(|record| StoredDocument {
                interaction: record.interaction.clone(),
                kept_until: record.kept_until,
                ownership: record.ownership,
            });
            store(sink, &key(tag::DOCUMENT, scope, id.0.as_bytes()), stored.as_ref());
        }
        Change::Entry(scope, id, name, entry) => {
            let mut key = key(tag::DOCUMENT, scope, id.0.as_bytes());
            key.extend_from_slice(name.as_str().as_bytes());
            let stored = entry.as_ref().map(|entry| StoredEntry {
                content: entry.content.clone(),
                value: match &entry.value {
                    Value::Inline(bytes) => StoredValue::Inline(Arc::clone(bytes)),
                    Value::Apart { id, length } => StoredValue::Apart { id: *id, length: *length },
                },
            });
            store(sink, &key, stored.as_ref());
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
        Change::Once(scope, once, record) => {
            store(sink, &key(tag::ONCE, scope, once.as_str().as_bytes()), record.as_deref());
        }
        Change::Skill(scope, id, skill) => {
            let key = key(tag::SKILL, scope, &id.0.to_be_bytes());
            store(sink, &key, skill.as_deref().map(|skill| &skill.about));
        }
        Change::Route(scope, dnid, route) => {
            let stored = route.as_deref().map(|route| StoredRoute {
                id: route.id,
                hotline: route.hotline.clone(),
                extension: route.extension.clone(),
                media: route.media,
                destination: route.destination,
            });
            store(sink, &key(tag::ROUTE, scope, &dnid.to_be_bytes()), stored.as_ref());
        }
        Change::Numbering(scope, numbering) => store(sink, &key(tag::SKILL, scope, &[]), Some(numbering)),
        Change::SigningKey(signing_key) => store(sink, &[tag::SIGNING_KEY], Some(signing_key)),
        Change::Ended(scope, past) => {
            store(sink, &history::bucket_key(past.bucket), Some(&past.count));
            store(sink, &history::key(scope, past), Some(&history::StoredPast::from(&**past)));
        }
        Change::HistoryDropped(bucket) => {
            store(sink, &[tag::HISTORY_BUCKET], Some(&bucket.next()));
            sink.remove(&history::bucket_key(*bucket));
        }
        Change::Counters(counters) => store(sink, &[tag::COUNTERS], Some(counters)),
    }
}

/// How many records a large value of this length takes.
pub(super) fn chunks(length: u64) -> u64 {
    length.div_ceil(CHUNK_BYTES as u64)
}

/// The key of one chunk of a large value.
pub(super) fn chunk_key(id: ValueId, chunk: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(17);
    key.push(tag::VALUE);
    key.extend_from_slice(&id.0.to_be_bytes());
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// A piece of a large value, as its key names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The value.
    pub(super) value: ValueId,
    /// The piece, counted from zero.
    pub(super) place: u64,
}

/// The piece of a large value that a record holds, if it holds one.
pub(super) fn chunk(key: &[u8]) -> Option<Chunk> {
    let (&tag::VALUE, key) = key.split_first()? else { return None };
    let (value, place) = key.split_first_chunk()?;
    let place = u64::from_be_bytes(place.try_into().ok()?);
    Some(Chunk { value: ValueId(u64::from_be_bytes(*value)), place })
}

/// Whether a record holds a single number: how many commits the tree has, or how much of the journal.
pub(super) fn is_number(key: &[u8]) -> bool {
    key == COMMIT_KEY || key == JOURNAL_KEY
}

/// Whether a record tells of the directory itself and not of what is kept in it.
pub(super) fn is_of_directory(key: &[u8]) -> bool {
    key == FORMAT_KEY || is_number(key) || is_stage(key)
}

/// Whether a record is a piece of what is staged for an import.
pub(super) fn is_stage(key: &[u8]) -> bool {
    key.first() == Some(&tag::STAGE)
}

/// Whether records of the kind of this key may be as large as [`MAX_RECORD_BYTES`]; those of the others have a few names
/// and numbers in them.
pub(super) fn is_roomy(key: &[u8]) -> bool {
    matches!(key.first(), Some(&(tag::DOCUMENT | tag::VALUE | tag::SKILL | tag::STAGE)))
}

/// What a record tells of, in words for people.
pub(super) fn kind(key: &[u8]) -> &'static str {
    match key.first() {
        Some(&tag::FORMAT) => "identity",
        Some(&tag::COMMIT) => "commits",
        Some(&tag::COUNTERS) => "counters",
        Some(&tag::NUMBER) => "numbers",
        Some(&tag::INTERACTION) => "interactions",
        Some(&tag::ALLOCATION) => "allocations",
        Some(&tag::DOCUMENT) => "documents and their entries",
        Some(&tag::VALUE) => "chunks of large values",
        Some(&tag::SKILL) => "skill queues",
        Some(&tag::ROUTE) => "called routes",
        Some(&tag::SIGNING_KEY) => "signing key",
        Some(&tag::ONCE) => "keys of requests",
        Some(&tag::HISTORY_BUCKET) => "hours of the history",
        Some(&tag::HISTORY) => "ended allocations",
        Some(&tag::JOURNAL) => "journal",
        Some(&tag::STAGE) => "stages of imports",
        _ => "unknown",
    }
}

/// The key of one piece of what is staged for an import.
pub(super) fn stage_key(import: ImportId, piece: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(17);
    key.push(tag::STAGE);
    key.extend_from_slice(&import.0.to_be_bytes());
    key.extend_from_slice(&piece.to_be_bytes());
    key
}

/// The import that a piece belongs to, by its key.
pub(super) fn import_of(key: &[u8]) -> Option<ImportId> {
    let id = key.get(1..9)?.try_into().ok()?;
    Some(ImportId(u64::from_be_bytes(id)))
}

/// A record's value: the version byte and the fields.
pub(super) fn value(fields: &impl Serialize) -> Vec<u8> {
    let bytes = postcard::to_extend(fields, vec![VERSION]);
    bytes.expect("a record has only types that postcard can write, and a vector takes any length")
}

/// Reads a record's value back.
pub(super) fn fields<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, Unreadable> {
    match value.split_first() {
        Some((&VERSION, fields)) => match postcard::take_from_bytes(fields) {
            Ok((fields, [])) => Ok(fields),
            Ok(_) => Err(damaged(key, "it goes on after its end")),
            Err(error) => Err(damaged(key, &error.to_string())),
        },
        Some((&version, _)) if version > VERSION => Err(Unreadable::Newer(version)),
        _ => Err(damaged(key, "it has no version")),
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

fn damaged(key: &[u8], reason: &str) -> Unreadable {
    Unreadable::Damaged { tag: key.first().copied().unwrap_or_default(), reason: reason.to_owned() }
}

fn store(sink: &mut impl Sink, key: &[u8], stored: Option<&impl Serialize>) {
    match stored {
        Some(stored) => {
            let value = value(stored);
            debug_assert!(key.len() + value.len() <= MAX_RECORD_BYTES, "a record of {} bytes", value.len());
            sink.put(key, &value);
        }
        None => sink.remove(key),
    }
}

fn key(tag: u8, scope: &Scope, name: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(48);
    key.push(tag);
    push_name(&mut key, Some(scope.tenant.as_str()));
    push_name(&mut key, scope.environment.as_ref().map(EnvironmentName::as_str));
    key.extend_from_slice(name);
    key
}

fn allocation_key(scope: &Scope, allocation: &Allocation) -> Vec<u8> {
    key(tag::ALLOCATION, scope, &allocation.id.0.to_be_bytes())
}

/// The length that stands for a name that is not there; no name is that long.
const NO_NAME: u16 = u16::MAX;

fn push_name(key: &mut Vec<u8>, name: Option<&str>) {
    let length = name.map_or(NO_NAME, |name| u16::try_from(name.len()).unwrap_or(NO_NAME));
    key.extend_from_slice(&length.to_be_bytes());
    key.extend_from_slice(name.unwrap_or_default().as_bytes());
}

/// Rebuilds tables from records that come in the order of their keys.
#[derive(Default)]
pub(super) struct Loader {
    tables: Tables,
    scopes: HashMap<Vec<u8>, Arc<Scope>>,
    /// One shared name for each group, so that a million numbers of a group cost one name.
    groups: HashMap<GroupName, GroupName>,
    /// The document whose entries are coming in.
    document: Option<(Arc<Scope>, Document)>,
}

impl Loader {
    /// Takes the next record.
    pub(super) fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        match key.first() {
            Some(&tag::FORMAT | &tag::COMMIT) => Ok(()),
            Some(&tag::COUNTERS) => {
                let counters: Counters = fields(key, value)?;
                self.tables.apply(&Change::Counters(counters));
                Ok(())
            }
            Some(&tag::NUMBER) => self.take_number(key, value),
            Some(&tag::INTERACTION) => self.take_interaction(key, value),
            Some(&tag::ALLOCATION) => self.take_allocation(key, value),
            Some(&tag::DOCUMENT) => self.take_document(key, value),
            Some(&tag::ONCE) => self.take_once(key, value),
            Some(&tag::SKILL) => self.take_skill(key, value),
            Some(&tag::ROUTE) => self.take_route(key, value),
            Some(&tag::HISTORY_BUCKET) => self.take_history_bucket(key, value),
            Some(&tag::SIGNING_KEY) => {
                let signing_key: SigningKey = fields(key, value)?;
                self.tables.apply(&Change::SigningKey(signing_key));
                Ok(())
            }
            _ => Err(damaged(key, "there is no such kind")),
        }
    }

    /// The tables, when all records are in.
    pub(super) fn finish(mut self) -> Tables {
        self.finish_document();
        self.tables
    }

    fn take_number(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let number = std::str::from_utf8(name).ok().and_then(|name| Number::new(name).ok());
        let number = number.ok_or_else(|| damaged(key, "its key is no number"))?;
        let stored: StoredNumber = fields(key, value)?;
        let group = stored.group.map(|group| self.groups.entry(group.clone()).or_insert(group).clone());
        let StoredNumber { id, dnid, enabled, freed, .. } = stored;
        let record = NumberRecord { id, number, dnid, group, enabled, freed };
        self.tables.apply(&Change::Number(scope, number, Some(Arc::new(record))));
        Ok(())
    }

    fn take_interaction(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let id = std::str::from_utf8(name).ok().and_then(|name| InteractionId::new(name).ok());
        let id = id.ok_or_else(|| damaged(key, "its key is no interaction id"))?;
        let StoredInteraction { data, since, deadline } = fields(key, value)?;
        let record = Arc::new(Interaction { id: id.clone(), data, since, deadline });
        self.tables.apply(&Change::Interaction(scope, id, Some(record)));
        Ok(())
    }

    fn take_allocation(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let id = name.try_into().map_err(|_| damaged(key, "its key is no allocation id"))?;
        let id = AllocationId(u64::from_be_bytes(id));
        let StoredAllocation { number, interaction, code, caller, origin, sharing, since, deadline } =
            fields(key, value)?;
        if !self.tables.takes(&scope, number, sharing, code.as_ref()) {
            return Err(damaged(key, "its number is not there or lent twice"));
        }
        if !self.tables.has_interaction(&scope, &interaction) {
            return Err(damaged(key, "its interaction is not there"));
        }
        let allocation = Allocation { id, number, interaction, code, caller, origin, sharing, since, deadline };
        self.tables.apply(&Change::Allocated(scope, Arc::new(allocation)));
        Ok(())
    }

    fn take_document(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let (id, entry) = name.split_first_chunk::<16>().ok_or_else(|| damaged(key, "its key is too short"))?;
        let id = DocumentId(Uuid::from_bytes(*id));
        if entry.is_empty() {
            self.finish_document();
            let StoredDocument { interaction, kept_until, ownership } = fields(key, value)?;
            if interaction.as_ref().is_some_and(|id| !self.tables.has_interaction(&scope, id)) {
                return Err(damaged(key, "its interaction is not there"));
            }
            let document = Document { id, interaction, kept_until, ownership, entries: Entries::new() };
            self.document = Some((scope, document));
            return Ok(());
        }
        let name = std::str::from_utf8(entry).ok().and_then(|name| EntryKey::new(name).ok());
        let name = name.ok_or_else(|| damaged(key, "its key is no text"))?;
        let StoredEntry { content, value } = fields(key, value)?;
        let value = match value {
            StoredValue::Inline(bytes) => Value::Inline(bytes),
            StoredValue::Apart { id, length } => Value::Apart { id, length },
        };
        match &mut self.document {
            Some((of, document)) if *of == scope && document.id == id => {
                document.entries.insert(name, Entry { content, value });
                Ok(())
            }
            _ => Err(damaged(key, "it belongs to no document")),
        }
    }

    fn take_history_bucket(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        match &key[1..] {
            [] => self.tables.set_history_floor(fields(key, value)?),
            bucket => {
                let bucket = history::bucket(bucket).ok_or_else(|| damaged(key, "its key is no bucket"))?;
                self.tables.set_history(bucket, fields(key, value)?);
            }
        }
        Ok(())
    }

    fn take_once(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let once = std::str::from_utf8(name).ok().and_then(|name| OnceKey::new(name).ok());
        let once = once.ok_or_else(|| damaged(key, "its key is no key of a request"))?;
        let record: OnceRecord = fields(key, value)?;
        self.tables.apply(&Change::Once(scope, once, Some(Arc::new(record))));
        Ok(())
    }

    fn take_skill(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, id) = self.scope(key)?;
        if id.is_empty() {
            let numbering: Numbering = fields(key, value)?;
            self.tables.apply(&Change::Numbering(scope, numbering));
            return Ok(());
        }
        let id = id.try_into().map_err(|_| damaged(key, "its key is no id of a skill queue"))?;
        let id = SkillId(u32::from_be_bytes(id));
        let about: NewSkill = fields(key, value)?;
        self.tables.apply(&Change::Skill(scope, id, Some(Arc::new(Skill { id, about }))));
        Ok(())
    }

    fn take_route(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, dnid) = self.scope(key)?;
        let dnid = dnid.try_into().map_err(|_| damaged(key, "its key is no configuration number"))?;
        let dnid = u32::from_be_bytes(dnid);
        let StoredRoute { id, hotline, extension, media, destination } = fields(key, value)?;
        let route = Route { id, dnid, hotline, extension, media, destination };
        if !self.tables.takes_route(&scope, &route) {
            return Err(damaged(key, "its number or its id is another route's too"));
        }
        self.tables.apply(&Change::Route(scope, dnid, Some(Arc::new(route))));
        Ok(())
    }

    fn finish_document(&mut self) {
        if let Some((scope, document)) = self.document.take() {
            self.tables.apply(&Change::Document(scope, document.id, Some(Arc::new(document))));
        }
    }

    /// The scope in a key, and what follows it.
    fn scope<'k>(&mut self, key: &'k [u8]) -> Result<(Arc<Scope>, &'k [u8]), Unreadable> {
        let short = || damaged(key, "its key is cut short");
        let (tenant, rest) = take_name(&key[1..]).ok_or_else(short)?;
        let (environment, rest) = take_name(rest).ok_or_else(short)?;
        let bytes = &key[1..key.len() - rest.len()];
        if let Some(scope) = self.scopes.get(bytes) {
            return Ok((Arc::clone(scope), rest));
        }
        let scope = Arc::new(scope_of(key, tenant, environment)?);
        self.scopes.insert(bytes.to_vec(), Arc::clone(&scope));
        Ok((scope, rest))
    }
}

/// The scope that the names in a key make.
fn scope_of(key: &[u8], tenant: Option<&str>, environment: Option<&str>) -> Result<Scope, Unreadable> {
    let tenant = tenant.and_then(|tenant| TenantId::new(tenant).ok());
    let tenant = tenant.ok_or_else(|| damaged(key, "its key names no tenant"))?;
    let environment = environment.map(EnvironmentName::new).transpose();
    let environment = environment.map_err(|_| damaged(key, "its key names no environment"))?;
    Ok(Scope { tenant, environment })
}

/// A name at the beginning of `bytes`, and what follows it.
fn take_name(bytes: &[u8]) -> Option<(Option<&str>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    match u16::from_be_bytes(*length) {
        NO_NAME => Some((None, rest)),
        length => {
            let (name, rest) = rest.split_at_checked(usize::from(length))?;
            Some((Some(std::str::from_utf8(name).ok()?), rest))
        }
    }
}

#[cfg(test)]
mod tests;
