//! Giving a document back with the bytes that are kept apart from it.

use std::convert::Infallible;
use std::sync::Arc;

use crate::domain::document::{Loaded, LoadedValue};
use crate::domain::{Content, Document, Entry, Value, ValueId};

use super::LoadedEntry;

/// Where the bytes of large values are.
pub(super) trait Values {
    /// What can go wrong while reading.
    type Error;

    /// The bytes of a value; `None` if it is gone.
    fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, Self::Error>;
}

/// The document with the texts of its entries; `None` if a value is gone, and the document with it.
pub(super) fn document<V: Values>(document: &Document, values: &V) -> Result<Option<Loaded>, V::Error> {
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
    match self::document(document, &Nothing) {
        Ok(loaded) => loaded,
    }
}

/// Where no value is.
struct Nothing;

impl Values for Nothing {
    type Error = Infallible;

    fn value(&self, _: ValueId, _: u64) -> Result<Option<Arc<[u8]>>, Infallible> {
        Ok(None)
    }
}

/// One entry with its bytes; `None` if they are gone.
pub(super) fn entry<V: Values>(entry: &Entry, values: &V) -> Result<Option<LoadedEntry>, V::Error> {
    Ok(bytes(entry, values)?.map(|bytes| LoadedEntry { content: entry.content.clone(), bytes }))
}

fn bytes<V: Values>(entry: &Entry, values: &V) -> Result<Option<Arc<[u8]>>, V::Error> {
    match &entry.value {
        Value::Inline(bytes) => Ok(Some(Arc::clone(bytes))),
        Value::Apart { id, length } => values.value(*id, *length),
    }
}
