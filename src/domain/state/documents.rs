//! Documents: written, merged, dropped, and held to the total that the operator allows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Ending, State, Turn};
use crate::domain::document::{Entries, MAX_INLINE_BYTES};
use crate::domain::{
    Change, Deadline, Document, DocumentId, Entry, EntryKey, NewEntry, Refusal, Scope, Seconds, Timestamp, Value,
    ValueId,
};

/// What the entries of a document take of the operator's room, in bytes.
pub(super) fn size(entries: &Entries) -> u64 {
    entries.iter().map(|(key, entry)| entry.size(key)).sum()
}

impl Turn<'_> {
    /// Makes a document that belongs to no interaction and lives for `ttl`.
    ///
    /// # Errors
    /// [`Refusal::DocumentsFull`].
    pub fn create_document(
        &mut self,
        scope: &Scope,
        entries: Vec<NewEntry>,
        ttl: Seconds,
    ) -> Result<DocumentId, Refusal> {
        self.state.check_room(None, &entries)?;
        let scope = self.state.shared(scope);
        let id = DocumentId(self.fresh_uuid());
        let kept_until = self.now.after(ttl);
        let deadline = Deadline::At(kept_until);
        self.state
            .put_document(&scope, Document { id, interaction: None, kept_until, deadline, entries: Entries::new() });
        self.state.write_entries(&scope, id, entries);
        Ok(id)
    }

    /// Writes entries into a document, those with other keys stay; it then lives for `ttl` from now, or as long as
    /// its interaction, whichever is longer.
    ///
    /// # Errors
    /// [`Refusal::DocumentUnknown`], [`Refusal::DocumentsFull`].
    pub fn merge_document(
        &mut self,
        scope: &Scope,
        id: DocumentId,
        entries: Vec<NewEntry>,
        ttl: Seconds,
    ) -> Result<(), Refusal> {
        let document = self.state.tables.document(scope, id, self.now).cloned();
        let document = document.ok_or(Refusal::DocumentUnknown(id))?;
        self.state.check_room(Some(&document), &entries)?;
        let scope = self.state.shared(scope);
        self.state.keep_until(&scope, &document, self.now.after(ttl));
        self.state.write_entries(&scope, id, entries);
        Ok(())
    }

    /// Deletes a document. The document of a live interaction becomes empty instead, since an interaction always has
    /// one.
    ///
    /// # Errors
    /// [`Refusal::DocumentUnknown`].
    pub fn delete_document(&mut self, scope: &Scope, id: DocumentId) -> Result<(), Refusal> {
        let document = self.state.tables.document(scope, id, self.now).cloned();
        let document = document.ok_or(Refusal::DocumentUnknown(id))?;
        let scope = self.state.shared(scope);
        self.state.drop_document(&scope, id);
        if document.interaction.is_some() {
            self.state.put_document(&scope, Document { entries: Entries::new(), ..(*document).clone() });
        }
        Ok(())
    }
}

impl State {
    pub(super) fn document(&self, scope: &Scope, id: DocumentId) -> Option<Arc<Document>> {
        self.tables.scope(scope)?.documents.get(&id).cloned()
    }

    /// Refuses entries that would bring the documents above the operator's total.
    pub(super) fn check_room(&self, document: Option<&Document>, entries: &[NewEntry]) -> Result<(), Refusal> {
        // Of several entries with one key the last counts.
        let sizes: BTreeMap<_, _> = entries.iter().map(|entry| (&entry.key, entry.size())).collect();
        let added: u64 = sizes.values().sum();
        let replaced: u64 = document.map_or(0, |document| {
            let replaced = sizes.keys().filter_map(|key| document.entries.get_key_value(*key));
            replaced.map(|(key, entry)| entry.size(key)).sum()
        });
        let limit = self.rules.documents_total;
        // Whoever only makes a document smaller is let through, even where the operator has lowered the limit since.
        if added > replaced && self.document_bytes - replaced + added > limit {
            return Err(Refusal::DocumentsFull { limit });
        }
        Ok(())
    }

    /// Keeps a document for its own sake until `own`, and as long as its interaction if that lives longer.
    pub(super) fn keep_until(&mut self, scope: &Arc<Scope>, document: &Document, own: Timestamp) {
        let holder = document.interaction.as_ref().and_then(|id| self.tables.scope(scope)?.interactions.get(id));
        let deadline = holder.map_or(Deadline::At(own), |holder| holder.record.deadline.max(Deadline::At(own)));
        self.put_document(scope, Document { kept_until: own, deadline, ..document.clone() });
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
                Value::Inline(bytes)
            } else {
                let length = bytes.len() as u64;
                let id = ValueId(self.next_id(|counters| &mut counters.value));
                self.apply(Change::ValueKept(id, bytes));
                Value::Apart { id, length }
            };
            self.document_bytes += size;
            let entry = Entry { content, value };
            if let Some(replaced) = document.entries.insert(key.clone(), entry.clone()) {
                self.drop_value(&key, &replaced);
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
        self.forget_ending(document.deadline, Ending::Document(Arc::clone(scope), id));
        self.apply(Change::Document(Arc::clone(scope), id, None));
        for (key, entry) in &document.entries {
            self.apply(Change::Entry(Arc::clone(scope), id, key.clone(), None));
            self.drop_value(key, entry);
        }
    }

    fn drop_value(&mut self, key: &EntryKey, entry: &Entry) {
        self.document_bytes -= entry.size(key);
        if let Value::Apart { id, length } = entry.value {
            self.apply(Change::ValueDropped(id, length));
        }
    }

    /// Writes a document's record and plans its end.
    pub(super) fn put_document(&mut self, scope: &Arc<Scope>, document: Document) {
        let id = document.id;
        if let Some(before) = self.document(scope, id) {
            self.forget_ending(before.deadline, Ending::Document(Arc::clone(scope), id));
        }
        self.note_ending(document.deadline, Ending::Document(Arc::clone(scope), id));
        self.apply(Change::Document(Arc::clone(scope), id, Some(Arc::new(document))));
    }
}
