//! Giving a document back with the bytes that are kept apart from it.

use std::sync::Arc;

use crate::domain::document::{Loaded, LoadedValue};
use crate::domain::{Content, Document, Entry, EntryValue, ValueId};
use crate::store::LoadedEntry;

/// Where the bytes of large values are.
pub trait Values {
    /// The bytes of a value; `None` if it is gone.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, String>;
}

/// The document with the texts of its entries; `None` if a value is gone, and the document with it.
pub(super) fn document(document: &Document, values: &(impl Values + ?Sized)) -> Result<Option<Loaded>, String> {
    let mut entries = Vec::with_capacity(document.entries.len());
    for (key, entry) in &document.entries {
        let value = match &entry.content {
            Content::File(label) => LoadedValue::File { label: label.clone(), length: entry.length() },
            Content::Text => match bytes(entry, values)? {
                // A text came in as UTF-8 and is kept byte for byte.
                Some(bytes) => LoadedValue::Text(String::from_utf8_lossy(&bytes).into()),
                None => return Ok(None),
            },
        };
        entries.push((key.clone(), value));
    }
    Ok(Some(Loaded { id: document.id, entries }))
}

/// The document with the texts of its entries, if none of them is kept apart from it.
pub(super) fn inline(document: &Document) -> Option<Loaded> {
    self::document(document, &Nothing).ok().flatten()
}

/// Where no value is.
struct Nothing;

impl Values for Nothing {
    fn value(&self, _: ValueId, _: u64) -> Result<Option<Arc<[u8]>>, String> {
        Ok(None)
    }
}

/// One entry with its bytes; `None` if they are gone.
pub(super) fn entry(entry: &Entry, values: &impl Values) -> Result<Option<LoadedEntry>, String> {
    Ok(bytes(entry, values)?.map(|bytes| LoadedEntry { content: entry.content.clone(), bytes }))
}

fn bytes(entry: &Entry, values: &(impl Values + ?Sized)) -> Result<Option<Arc<[u8]>>, String> {
    match &entry.value {
        EntryValue::Inline(bytes) => Ok(Some(Arc::clone(bytes))),
        EntryValue::OutOfLine { id, length } => values.value(*id, *length),
    }
}
