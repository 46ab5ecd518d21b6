//! Documents: written, merged, dropped, and held to the total that the operator allows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{State, Turn};
use crate::domain::document::{Entries, MAX_INLINE_BYTES};
use crate::domain::idempotency::Identity;
use crate::domain::quotas::{DOCUMENT_COST, ENTRY_COST, FIRST_ENTRY_COST, Quota};
use crate::domain::{
    ApplicationName, Asker, Change, Document, DocumentId, DocumentRef, Entry, EntryValue, Made, NewEntry, Ownership,
    Refusal, Scope, Seconds, TenantId, Timestamp, ValueId,
};

/// Whether the end of a document's own time has to be planned: it is still to come, or it is all that the document has.
pub(super) fn ends_alone(document: &Document, now: Timestamp) -> bool {
    document.interaction.is_none() || now < document.kept_until
}

impl Turn<'_> {
    /// Makes a document that belongs to no interaction and lives for `ttl`, or as long as the tenant's may; it is the
    /// `application`'s own.
    ///
    /// # Errors
    /// [`Refusal::QuotaFull`], [`Refusal::DocumentsFull`], [`Refusal::TooManyEntries`], [`Refusal::ValueTooLarge`];
    /// [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    pub fn create_document(
        &mut self,
        scope: &Scope,
        entries: Vec<NewEntry>,
        ttl: Seconds,
        application: Option<ApplicationName>,
    ) -> Result<DocumentId, Refusal> {
        if let Some(id) = self.document_again(scope)? {
            return Ok(id);
        }
        self.state.check_new_document(scope, &entries)?;
        let scope = self.state.shared(scope);
        let id = DocumentId(self.fresh_uuid());
        self.begin_document(&scope, &id.into(), application, ttl);
        self.state.write_entries(&scope, id, entries);
        self.remember(&scope, || Made::Document(id));
        Ok(id)
    }

    /// Writes entries into a document, those with other keys stay. With a `ttl` it then lives for that long from now, or
    /// as long as its interaction, whichever is longer. With a `ttl` a document that its owner names is made if it does
    /// not exist.
    ///
    /// # Errors
    /// [`Refusal::DocumentUnknown`], [`Refusal::QuotaFull`], [`Refusal::DocumentsFull`], [`Refusal::TooManyEntries`],
    /// [`Refusal::ValueTooLarge`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    pub fn merge_document(
        &mut self,
        scope: &Scope,
        named: &DocumentRef,
        entries: Vec<NewEntry>,
        ttl: Option<Seconds>,
    ) -> Result<(), Refusal> {
        if self.document_again(scope)?.is_some() {
            return Ok(());
        }
        let document = self.state.tables.document(scope, named, self.now).cloned();
        // What another application keeps under the id is not written over.
        let made = ttl.filter(|_| named.ownership == Ownership::Owner && self.is_vacant(scope, named));
        match (&document, made) {
            (Some(document), _) => self.state.check_room(&scope.tenant, Some(document), &entries)?,
            (None, Some(_)) => self.state.check_new_document(scope, &entries)?,
            (None, None) => return Err(Refusal::DocumentUnknown(named.id)),
        }
        let shared = self.state.shared(scope);
        match (document, ttl) {
            (Some(document), Some(ttl)) => {
                let kept_until = self.now.after(self.state.bounded(&shared, ttl));
                self.state.keep_until(&shared, &document, kept_until);
            }
            (None, Some(ttl)) => self.begin_document(&shared, named, named.asker.application.clone(), ttl),
            (_, None) => {}
        }
        self.state.write_entries(&shared, named.id, entries);
        self.remember(&shared, || Made::Document(named.id));
        Ok(())
    }

    /// Deletes a document. The document of a live interaction becomes empty instead, since an interaction always has
    /// one.
    ///
    /// # Errors
    /// [`Refusal::DocumentUnknown`].
    pub fn delete_document(&mut self, scope: &Scope, named: &DocumentRef) -> Result<(), Refusal> {
        let document = self.state.tables.document(scope, named, self.now).cloned();
        let document = document.ok_or(Refusal::DocumentUnknown(named.id))?;
        let scope = self.state.shared(scope);
        self.state.drop_document(&scope, named.id);
        if document.interaction.is_some() {
            self.state.put_document(&scope, Document { entries: Entries::new(), ..(*document).clone() });
        }
        Ok(())
    }

    /// Deletes one entry of a document.
    ///
    /// # Errors
    /// [`Refusal::DocumentUnknown`], [`Refusal::EntryUnknown`].
    pub fn delete_entry(&mut self, scope: &Scope, named: &DocumentRef, key: &str) -> Result<(), Refusal> {
        let document = self.state.tables.document(scope, named, self.now).cloned();
        let mut document = (*document.ok_or(Refusal::DocumentUnknown(named.id))?).clone();
        let (key, entry) = document.entries.remove_entry(key).ok_or(Refusal::EntryUnknown(named.id))?;
        let scope = self.state.shared(scope);
        self.state.put_document(&scope, document);
        self.state.apply(Change::Entry(Arc::clone(&scope), named.id, key, None));
        self.state.drop_value(&entry);
        Ok(())
    }

    /// The document that the first call under the command's key made or wrote into.
    fn document_again(&self, scope: &Scope) -> Result<Option<DocumentId>, Refusal> {
        self.repeated(scope, |tables, made, _| match made {
            Made::Document(id) => tables.scope(scope)?.documents.get(id).map(|document| document.id),
            _ => None,
        })
    }

    /// Whether nobody at all has a document of this name.
    fn is_vacant(&self, scope: &Scope, named: &DocumentRef) -> bool {
        let anybody = named.clone().by(&Asker::default());
        self.state.tables.document(scope, &anybody, self.now).is_none()
    }

    fn begin_document(
        &mut self,
        scope: &Arc<Scope>,
        named: &DocumentRef,
        application: Option<ApplicationName>,
        ttl: Seconds,
    ) {
        let ttl = self.state.bounded(scope, ttl);
        self.state.put_document(
            scope,
            Document {
                id: named.id,
                interaction: None,
                kept_until: self.now.after(ttl),
                ownership: named.ownership,
                application,
                entries: Entries::new(),
            },
        );
    }
}

impl State {
    pub(super) fn document(&self, scope: &Scope, id: DocumentId) -> Option<Arc<Document>> {
        self.tables.scope(scope)?.documents.get(&id).cloned()
    }

    /// How long something may live that is asked to live for `ttl`.
    pub(super) fn bounded(&self, scope: &Scope, ttl: Seconds) -> Seconds {
        ttl.min(self.quotas(&scope.tenant).ttl)
    }

    /// Refuses a document of its own with these entries, for which there is no room.
    fn check_new_document(&self, scope: &Scope, entries: &[NewEntry]) -> Result<(), Refusal> {
        self.check_quota(&scope.tenant, Quota::Documents)?;
        let cost = self.growth(None, entries)?.1;
        self.check_growth(&scope.tenant, 0, DOCUMENT_COST + cost)
    }

    /// Refuses entries that would bring a document, or those of the tenant or of all together, above a limit. `None` is
    /// that of an interaction that is about to begin: what an empty one costs is bounded by the number of interactions.
    pub(super) fn check_room(
        &self,
        tenant: &TenantId,
        document: Option<&Document>,
        entries: &[NewEntry],
    ) -> Result<(), Refusal> {
        let (from, to) = self.growth(document, entries)?;
        self.check_growth(tenant, from, to)
    }

    /// What entries replace in a document and what they cost, in bytes.
    fn growth(&self, document: Option<&Document>, entries: &[NewEntry]) -> Result<(u64, u64), Refusal> {
        // Of several entries with one key the last counts.
        let sizes: BTreeMap<_, _> = entries.iter().map(|entry| (&entry.key, ENTRY_COST + entry.size())).collect();
        let limit = self.rules.value_bytes;
        if entries.iter().any(|entry| entry.bytes.len() as u64 > limit) {
            return Err(Refusal::ValueTooLarge { limit });
        }
        let kept = document.map_or(0, |document| document.entries.len());
        let new = sizes.keys().filter(|key| document.is_none_or(|document| !document.entries.contains_key(**key)));
        let (new, limit) = (new.count(), self.rules.document_entries);
        if new > 0 && kept + new > limit {
            return Err(Refusal::TooManyEntries { limit });
        }
        let first = if kept == 0 && new > 0 { FIRST_ENTRY_COST } else { 0 };
        let replaced = document.map_or(0, |document| {
            let replaced = sizes.keys().filter_map(|key| document.entries.get_key_value(*key));
            replaced.map(|(key, entry)| ENTRY_COST + entry.size(key)).sum()
        });
        Ok((replaced, first + sizes.values().sum::<u64>()))
    }

    /// Keeps a document for its own sake until `own`.
    pub(super) fn keep_until(&mut self, scope: &Arc<Scope>, document: &Document, own: Timestamp) {
        self.put_document(scope, Document { kept_until: own, ..document.clone() });
    }

    /// The own time of a document is over; it lives on while its interaction does.
    pub(super) fn end_document(&mut self, scope: &Arc<Scope>, id: DocumentId) {
        if self.document(scope, id).is_some_and(|document| document.interaction.is_none()) {
            self.drop_document(scope, id);
        }
    }

    /// Writes entries into an existing document; the room must have been checked.
    pub(super) fn write_entries(&mut self, scope: &Arc<Scope>, id: DocumentId, entries: Vec<NewEntry>) {
        if entries.is_empty() {
            return;
        }
        let Some(document) = self.document(scope, id) else { return };
        let mut document = (*document).clone();
        let mut written = Entries::new();
        for entry in entries {
            let size = entry.size();
            let NewEntry { key, content, bytes } = entry;
            let value = if size <= MAX_INLINE_BYTES {
                EntryValue::Inline(bytes)
            } else {
                let length = bytes.len() as u64;
                let id = self.next_value();
                self.apply(Change::ValueKept(id, bytes));
                EntryValue::OutOfLine { id, length }
            };
            let entry = Entry { content, value };
            if let Some(replaced) = document.entries.insert(key.clone(), entry.clone()) {
                self.drop_value(&replaced);
            }
            written.insert(key, entry);
        }
        self.put_document(scope, document);
        for (key, entry) in written {
            self.apply(Change::Entry(Arc::clone(scope), id, key, Some(entry)));
        }
    }

    /// Removes a document with everything in it.
    pub(super) fn drop_document(&mut self, scope: &Arc<Scope>, id: DocumentId) {
        let Some(document) = self.document(scope, id) else { return };
        self.apply(Change::Document(Arc::clone(scope), id, None));
        self.finish(&Identity::Document(id), self.now.min(document.kept_until));
        for (key, entry) in &document.entries {
            self.apply(Change::Entry(Arc::clone(scope), id, key.clone(), None));
            self.drop_value(entry);
        }
    }

    /// Gives out an id of a large value; these are counted for all scopes together.
    fn next_value(&mut self) -> ValueId {
        let mut counters = self.tables.counters();
        counters.value += 1;
        self.apply(Change::Counters(counters));
        ValueId(counters.value)
    }

    fn drop_value(&mut self, entry: &Entry) {
        if let EntryValue::OutOfLine { id, length } = entry.value {
            self.apply(Change::ValueDropped(id, length));
        }
    }

    /// Writes a document's record.
    pub(super) fn put_document(&mut self, scope: &Arc<Scope>, document: Document) {
        self.apply(Change::Document(Arc::clone(scope), document.id, Some(Arc::new(document))));
    }
}
