//! What is written of each thing, whatever key or place it is written under: the fields in their order, once for the records
//! on disk and the records of logs. In postcard's format a struct inside a struct adds no bytes, so parts are shared.
//!
//! A change here changes every format that is written with them: they are only ever replaced by others of a new version.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::audit::{Action, Actor, Facts};
use crate::domain::document::Entries;
use crate::domain::history::{End, Past};
use crate::domain::number::LastLending;
use crate::domain::{
    AccessCode, Allocation, AllocationId, ApplicationName, AuditEntry, AuditId, AuditOwner, Caller, Content, Deadline,
    Destination, Document, DocumentId, Entry, EntryValue, EnvironmentName, Extension, GroupName, HotlineCode,
    Interaction, InteractionId, LentBy, MediaType, Number, NumberId, NumberRecord, Ownership, Route, RouteId, Sharing,
    Timestamp, ValueId,
};

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredNumber {
    id: NumberId,
    dnid: Number,
    pub(in crate::store) group: Option<GroupName>,
    enabled: bool,
    freed: Option<LastLending>,
}

impl From<&NumberRecord> for StoredNumber {
    fn from(record: &NumberRecord) -> Self {
        let NumberRecord { id, number: _, dnid, group, enabled, freed } = record.clone();
        Self { id, dnid, group, enabled, freed }
    }
}

impl StoredNumber {
    pub(in crate::store) fn record(self, number: Number) -> NumberRecord {
        let Self { id, dnid, group, enabled, freed } = self;
        NumberRecord { id, number, dnid, group, enabled, freed }
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredInteraction {
    data: DocumentId,
    since: Timestamp,
    deadline: Deadline,
}

impl From<&Interaction> for StoredInteraction {
    fn from(record: &Interaction) -> Self {
        Self { data: record.data, since: record.since, deadline: record.deadline }
    }
}

impl StoredInteraction {
    pub(in crate::store) fn interaction(self, id: InteractionId, application: Option<ApplicationName>) -> Interaction {
        let Self { data, since, deadline } = self;
        Interaction { id, data, since, deadline, application }
    }
}

/// Who has a number and until when, where it runs and where it has ended.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredLending {
    pub(in crate::store) interaction: InteractionId,
    code: Option<AccessCode>,
    caller: Option<Caller>,
    origin: LentBy,
    sharing: Sharing,
    since: Timestamp,
    deadline: Timestamp,
}

impl From<&Allocation> for StoredLending {
    fn from(allocation: &Allocation) -> Self {
        let Allocation {
            id: _,
            number: _,
            interaction,
            code,
            caller,
            origin,
            application: _,
            sharing,
            since,
            deadline,
        } = allocation.clone();
        Self { interaction, code, caller, origin, sharing, since, deadline }
    }
}

impl StoredLending {
    pub(in crate::store) fn allocation(
        self,
        id: AllocationId,
        number: Number,
        application: Option<ApplicationName>,
    ) -> Allocation {
        let Self { interaction, code, caller, origin, sharing, since, deadline } = self;
        Allocation { id, number, interaction, code, caller, origin, application, sharing, since, deadline }
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredAllocation {
    pub(in crate::store) number: Number,
    pub(in crate::store) lending: StoredLending,
}

impl From<&Allocation> for StoredAllocation {
    fn from(allocation: &Allocation) -> Self {
        Self { number: allocation.number, lending: allocation.into() }
    }
}

/// An entry of the history without what its key says.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredPast {
    pub(in crate::store) lending: StoredLending,
    pub(in crate::store) until: Timestamp,
    pub(in crate::store) end: End,
}

impl From<&Past> for StoredPast {
    fn from(past: &Past) -> Self {
        Self { lending: (&*past.allocation).into(), until: past.until, end: past.end }
    }
}

/// A document without its entries.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredDocument {
    pub(in crate::store) interaction: Option<InteractionId>,
    kept_until: Timestamp,
    ownership: Ownership,
}

impl From<&Document> for StoredDocument {
    fn from(document: &Document) -> Self {
        let Document { interaction, kept_until, ownership, .. } = document;
        Self { interaction: interaction.clone(), kept_until: *kept_until, ownership: *ownership }
    }
}

impl StoredDocument {
    pub(in crate::store) fn document(
        self,
        id: DocumentId,
        application: Option<ApplicationName>,
        entries: Entries,
    ) -> Document {
        let Self { interaction, kept_until, ownership } = self;
        Document { id, interaction, kept_until, ownership, application, entries }
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredEntry {
    content: Content,
    value: StoredValue,
}

#[derive(Serialize, Deserialize)]
enum StoredValue {
    Inline(Arc<[u8]>),
    OutOfLine { id: ValueId, length: u64 },
}

impl From<&Entry> for StoredEntry {
    fn from(entry: &Entry) -> Self {
        let value = match &entry.value {
            EntryValue::Inline(bytes) => StoredValue::Inline(Arc::clone(bytes)),
            EntryValue::OutOfLine { id, length } => StoredValue::OutOfLine { id: *id, length: *length },
        };
        Self { content: entry.content.clone(), value }
    }
}

impl From<StoredEntry> for Entry {
    fn from(StoredEntry { content, value }: StoredEntry) -> Self {
        let value = match value {
            StoredValue::Inline(bytes) => EntryValue::Inline(bytes),
            StoredValue::OutOfLine { id, length } => EntryValue::OutOfLine { id, length },
        };
        Self { content, value }
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredRoute {
    id: RouteId,
    hotline: HotlineCode,
    extension: Option<Extension>,
    media: MediaType,
    destination: Destination,
}

impl From<&Route> for StoredRoute {
    fn from(route: &Route) -> Self {
        let Route { id, dnid: _, hotline, extension, media, destination } = route.clone();
        Self { id, hotline, extension, media, destination }
    }
}

impl StoredRoute {
    pub(in crate::store) fn route(self, dnid: u32) -> Route {
        let Self { id, hotline, extension, media, destination } = self;
        Route { id, dnid, hotline, extension, media, destination }
    }
}

/// What was done, by whom and to what; whom it concerns and its place are told apart.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct StoredDeed {
    environment: Option<EnvironmentName>,
    at: Timestamp,
    actor: Actor,
    action: Action,
    thing: Arc<str>,
    before: Facts,
    after: Facts,
}

impl From<&AuditEntry> for StoredDeed {
    fn from(entry: &AuditEntry) -> Self {
        let AuditEntry { id: _, owner: _, environment, at, actor, action, thing, before, after } = entry.clone();
        Self { environment, at, actor, action, thing, before, after }
    }
}

impl StoredDeed {
    pub(in crate::store) fn entry(self, owner: AuditOwner, id: AuditId) -> AuditEntry {
        let Self { environment, at, actor, action, thing, before, after } = self;
        AuditEntry { id, owner, environment, at, actor, action, thing, before, after }
    }
}
