//! A change as it is written in a list of changes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fields::{
    StoredAllocation, StoredDeed, StoredDocument, StoredEntry, StoredInteraction, StoredNumber, StoredRoute,
};
use super::{Unreadable, damaged};
use crate::domain::change::{Counters, Ids};
use crate::domain::document::Entries;
use crate::domain::history::{Bucket, End, Owner, Past};
use crate::domain::tables::routes::Numbering;
use crate::domain::usage::{Figures, Group, Running, Span, UsageRecord};
use crate::domain::{
    Allocation, AllocationId, ApplicationName, AuditId, AuditOwner, Change, Document, DocumentId, Entry, EntryKey,
    GroupName, IdempotencyKey, IdempotencyRecord, Interaction, InteractionId, NewSkill, Number, Scope, SigningKey,
    Skill, SkillId, Timestamp, ValueId,
};

/// The place of a scope in the list of them.
type Place = u32;

/// One change. The order of the variants, and of what they hold, is the format.
#[derive(Serialize, Deserialize)]
pub(super) enum Written {
    Number(Place, Number, Option<StoredNumber>),
    Allocated(Place, Named),
    Released(Place, Named),
    Interaction(Place, InteractionId, Option<(StoredInteraction, Option<ApplicationName>)>),
    Document(Place, DocumentId, Option<WholeDocument>),
    Entry(Place, DocumentId, String, WrittenEntry),
    ValueKept(ValueId, Arc<[u8]>),
    ValueDropped(ValueId, u64),
    IdempotencyKey(Place, IdempotencyKey, Option<IdempotencyRecord>),
    Skill(Place, SkillId, Option<NewSkill>),
    Route(Place, u32, Option<StoredRoute>),
    Numbering(Place, Numbering),
    SigningKey(SigningKey),
    Ended(Place, Bucket, u64, Named, Timestamp, End, Option<GroupName>),
    HistoryDropped(Owner, Bucket),
    Ids(Place, Ids),
    Counters(Counters),
    Audited(AuditOwner, AuditId, Option<StoredDeed>),
    Usage(Place, Group, Option<Arc<Running>>),
    Used(Place, Group, Span, u32, u64, Figures),
    UsageDropped(Span, u32),
}

/// An allocation; `None` is the one that was named last.
type Named = Option<(AllocationId, StoredAllocation, Option<ApplicationName>)>;

/// A document with all of its entries, in the order of their keys.
#[derive(Serialize, Deserialize)]
pub(super) struct WholeDocument {
    document: StoredDocument,
    application: Option<ApplicationName>,
    entries: Vec<(String, StoredEntry)>,
}

/// What has become of an entry.
#[derive(Serialize, Deserialize)]
pub(super) enum WrittenEntry {
    Removed,
    /// It is as the document has it that was written last.
    AsInDocument,
    Other(StoredEntry),
}

/// What was written so far.
#[derive(Default)]
pub(super) struct Writing {
    scopes: Vec<Arc<Scope>>,
    named: Option<Arc<Allocation>>,
    document: Option<Arc<Document>>,
}

impl Writing {
    pub(super) fn into_scopes(self) -> Vec<Arc<Scope>> {
        self.scopes
    }

    pub(super) fn change(&mut self, change: &Change) -> Written {
        match change {
            Change::Number(scope, number, record) => {
                Written::Number(self.place(scope), *number, record.as_deref().map(Into::into))
            }
            Change::Allocated(scope, allocation) => Written::Allocated(self.place(scope), self.name(allocation)),
            Change::Released(scope, allocation) => Written::Released(self.place(scope), self.name(allocation)),
            Change::Interaction(scope, id, record) => {
                let stored = record.as_deref().map(|record| (record.into(), record.application.clone()));
                Written::Interaction(self.place(scope), id.clone(), stored)
            }
            Change::Document(scope, id, document) => {
                self.document.clone_from(document);
                Written::Document(self.place(scope), *id, document.as_deref().map(Into::into))
            }
            Change::Entry(scope, id, key, entry) => {
                let entry = self.entry(*id, key, entry.as_ref());
                Written::Entry(self.place(scope), *id, key.as_str().to_owned(), entry)
            }
            Change::ValueKept(id, bytes) => Written::ValueKept(*id, Arc::clone(bytes)),
            Change::ValueDropped(id, length) => Written::ValueDropped(*id, *length),
            Change::IdempotencyKey(scope, key, record) => {
                Written::IdempotencyKey(self.place(scope), key.clone(), record.as_deref().cloned())
            }
            Change::Skill(scope, id, skill) => {
                Written::Skill(self.place(scope), *id, skill.as_deref().map(|skill| skill.about.clone()))
            }
            Change::Route(scope, dnid, route) => {
                Written::Route(self.place(scope), *dnid, route.as_deref().map(Into::into))
            }
            Change::Numbering(scope, numbering) => Written::Numbering(self.place(scope), *numbering),
            Change::SigningKey(key) => Written::SigningKey(key.clone()),
            Change::Ended(scope, past) => {
                let Past { bucket, count, allocation, group, until, end } = &**past;
                let named = self.name(allocation);
                Written::Ended(self.place(scope), *bucket, *count, named, *until, *end, group.clone())
            }
            Change::HistoryDropped(owner, bucket) => Written::HistoryDropped(owner.clone(), *bucket),
            Change::Ids(scope, ids) => Written::Ids(self.place(scope), *ids),
            Change::Counters(counters) => Written::Counters(*counters),
            Change::Audited(owner, id, entry) => {
                Written::Audited(owner.clone(), *id, entry.as_deref().map(StoredDeed::from))
            }
            Change::Usage(scope, group, running) => Written::Usage(self.place(scope), group.clone(), running.clone()),
            Change::Used(scope, record) => {
                let UsageRecord { group, span, slot, count, figures } = &**record;
                Written::Used(self.place(scope), group.clone(), *span, *slot, *count, *figures)
            }
            Change::UsageDropped(span, day) => Written::UsageDropped(*span, *day),
        }
    }

    /// Where a scope stands. A commit speaks of few, and mostly of the one that it has just spoken of.
    fn place(&mut self, scope: &Arc<Scope>) -> Place {
        let place = self.scopes.iter().rposition(|known| known == scope).unwrap_or_else(|| {
            self.scopes.push(Arc::clone(scope));
            self.scopes.len() - 1
        });
        Place::try_from(place).expect("a commit has far fewer changes than that")
    }

    fn name(&mut self, allocation: &Arc<Allocation>) -> Named {
        if self.named.as_ref() == Some(allocation) {
            return None;
        }
        self.named = Some(Arc::clone(allocation));
        Some((allocation.id, (&**allocation).into(), allocation.application.clone()))
    }

    fn entry(&self, id: DocumentId, key: &EntryKey, entry: Option<&Entry>) -> WrittenEntry {
        let Some(entry) = entry else { return WrittenEntry::Removed };
        let document = self.document.as_ref().filter(|document| document.id == id);
        match document.and_then(|document| document.entries.get(key)) == Some(entry) {
            true => WrittenEntry::AsInDocument,
            false => WrittenEntry::Other(entry.into()),
        }
    }
}

impl From<&Document> for WholeDocument {
    fn from(document: &Document) -> Self {
        let entries = document.entries.iter().map(|(key, entry)| (key.as_str().to_owned(), entry.into()));
        Self { document: document.into(), application: document.application.clone(), entries: entries.collect() }
    }
}

/// What was read so far. Names that follow each other are one name in memory.
pub(super) struct Reading {
    scopes: Vec<Arc<Scope>>,
    named: Option<Arc<Allocation>>,
    document: Option<Arc<Document>>,
    interaction: Option<InteractionId>,
    group: Option<GroupName>,
    application: Option<ApplicationName>,
}

impl Reading {
    pub(super) fn new(scopes: Vec<Arc<Scope>>) -> Self {
        Self { scopes, named: None, document: None, interaction: None, group: None, application: None }
    }

    pub(super) fn change(&mut self, written: Written) -> Result<Change, Unreadable> {
        Ok(match written {
            Written::Number(place, number, stored) => {
                let record = stored.map(|mut stored| {
                    stored.group = stored.group.map(|group| shared(&mut self.group, group));
                    Arc::new(stored.record(number))
                });
                Change::Number(self.scope(place)?, number, record)
            }
            Written::Allocated(place, named) => Change::Allocated(self.scope(place)?, self.allocation(named)?),
            Written::Released(place, named) => Change::Released(self.scope(place)?, self.allocation(named)?),
            Written::Interaction(place, id, stored) => {
                let id = shared(&mut self.interaction, id);
                let record = stored.map(|(stored, application)| self.whole_interaction(&id, stored, application));
                Change::Interaction(self.scope(place)?, id, record)
            }
            Written::Document(place, id, whole) => {
                self.document = whole.map(|whole| self.whole_document(id, whole)).transpose()?;
                Change::Document(self.scope(place)?, id, self.document.clone())
            }
            Written::Entry(place, id, key, written) => {
                let (key, entry) = self.entry(id, &key, written)?;
                Change::Entry(self.scope(place)?, id, key, entry)
            }
            Written::ValueKept(id, bytes) => Change::ValueKept(id, bytes),
            Written::ValueDropped(id, length) => Change::ValueDropped(id, length),
            Written::IdempotencyKey(place, key, record) => {
                Change::IdempotencyKey(self.scope(place)?, key, record.map(Arc::new))
            }
            Written::Skill(place, id, about) => {
                Change::Skill(self.scope(place)?, id, about.map(|about| Arc::new(Skill { id, about })))
            }
            Written::Route(place, dnid, stored) => {
                Change::Route(self.scope(place)?, dnid, stored.map(|stored| Arc::new(stored.route(dnid))))
            }
            Written::Numbering(place, numbering) => Change::Numbering(self.scope(place)?, numbering),
            Written::SigningKey(key) => Change::SigningKey(key),
            Written::Ended(place, bucket, count, named, until, end, group) => {
                let group = group.map(|group| shared(&mut self.group, group));
                let past = Past { bucket, count, allocation: self.allocation(named)?, group, until, end };
                Change::Ended(self.scope(place)?, Arc::new(past))
            }
            Written::HistoryDropped(owner, bucket) => Change::HistoryDropped(owner, bucket),
            Written::Ids(place, ids) => Change::Ids(self.scope(place)?, ids),
            Written::Counters(counters) => Change::Counters(counters),
            Written::Audited(owner, id, stored) => {
                let entry = stored.map(|stored| Arc::new(stored.entry(owner.clone(), id)));
                Change::Audited(owner, id, entry)
            }
            Written::Usage(place, group, running) => {
                let group = group.map(|group| shared(&mut self.group, group));
                Change::Usage(self.scope(place)?, group, running)
            }
            Written::Used(place, group, span, slot, count, figures) => {
                let group = group.map(|group| shared(&mut self.group, group));
                Change::Used(self.scope(place)?, Arc::new(UsageRecord { group, span, slot, count, figures }))
            }
            Written::UsageDropped(span, day) => Change::UsageDropped(span, day),
        })
    }

    fn scope(&self, place: Place) -> Result<Arc<Scope>, Unreadable> {
        let scope = usize::try_from(place).ok().and_then(|place| self.scopes.get(place));
        scope.cloned().ok_or_else(|| damaged("a change is of a scope that the record does not name"))
    }

    fn allocation(&mut self, named: Named) -> Result<Arc<Allocation>, Unreadable> {
        if let Some((id, StoredAllocation { number, mut lending }, application)) = named {
            lending.interaction = shared(&mut self.interaction, lending.interaction);
            let application = application.map(|name| shared(&mut self.application, name));
            self.named = Some(Arc::new(lending.allocation(id, number, application)));
        }
        self.named.clone().ok_or_else(|| damaged("it speaks of the allocation before, and there is none"))
    }

    fn whole_interaction(
        &mut self,
        id: &InteractionId,
        stored: StoredInteraction,
        application: Option<ApplicationName>,
    ) -> Arc<Interaction> {
        let application = application.map(|name| shared(&mut self.application, name));
        Arc::new(stored.interaction(id.clone(), application))
    }

    fn whole_document(&mut self, id: DocumentId, whole: WholeDocument) -> Result<Arc<Document>, Unreadable> {
        let WholeDocument { mut document, application, entries: written } = whole;
        let application = application.map(|name| shared(&mut self.application, name));
        document.interaction = document.interaction.map(|id| shared(&mut self.interaction, id));
        let mut entries = Entries::new();
        for (key, entry) in written {
            let key = entry_key(&key)?;
            if entries.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(damaged("the entries of a document are not in order"));
            }
            entries.insert(key, entry.into());
        }
        Ok(Arc::new(document.document(id, application, entries)))
    }

    fn entry(&self, id: DocumentId, key: &str, written: WrittenEntry) -> Result<(EntryKey, Option<Entry>), Unreadable> {
        match written {
            WrittenEntry::Removed => Ok((entry_key(key)?, None)),
            WrittenEntry::Other(entry) => Ok((entry_key(key)?, Some(entry.into()))),
            WrittenEntry::AsInDocument => {
                let document = self.document.as_ref().filter(|document| document.id == id);
                let entry = document.and_then(|document| document.entries.get_key_value(key));
                let (key, entry) = entry.ok_or_else(|| damaged("an entry is not in the document before it"))?;
                Ok((key.clone(), Some(entry.clone())))
            }
        }
    }
}

fn entry_key(key: &str) -> Result<EntryKey, Unreadable> {
    EntryKey::new(key).map_err(|error| damaged(&format!("the key of an entry {error}")))
}

/// The name that was read before, if it is the same.
fn shared<T: Clone + PartialEq>(last: &mut Option<T>, name: T) -> T {
    match last {
        Some(last) if *last == name => last.clone(),
        _ => last.insert(name).clone(),
    }
}
