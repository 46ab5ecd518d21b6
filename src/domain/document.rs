//! Documents: key/value user data with a time to live.
//!
//! Small values are kept with their entry. Large ones are only named here, by a [`ValueId`]; their bytes travel to the
//! store as a change of their own and are read from there, so that memory holds the index and not the pictures.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arcstr::ArcStr;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{ApplicationName, Asker, Interaction, InteractionId, InvalidName, Timestamp};

/// Largest entry that is kept whole, in bytes of key, label and value together; the value of a larger one is kept
/// apart.
pub const MAX_INLINE_BYTES: u64 = 1024;
/// Longest key of an entry, in characters.
pub const MAX_KEY_CHARS: usize = 255;
/// Longest media type and file name of a binary value, in characters.
pub const MAX_LABEL_CHARS: usize = 255;

/// The id of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentId(pub Uuid);

impl DocumentId {
    /// Two owners never meet in one document, whatever names they choose.
    fn of_owner(owner: &str, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update((owner.len() as u64).to_be_bytes());
        hash.update(owner.as_bytes());
        hash.update(name.as_bytes());
        let digest = hash.finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a large value; counts up, is never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValueId(pub u64);

/// The key of an entry: 1 to 255 characters, kept exactly as given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey(ArcStr);

impl EntryKey {
    /// Takes a key as it is.
    ///
    /// # Errors
    /// [`InvalidName::Empty`] or [`InvalidName::TooLong`].
    pub fn new(key: &str) -> Result<Self, InvalidName> {
        if key.is_empty() {
            return Err(InvalidName::Empty);
        }
        if key.chars().count() > MAX_KEY_CHARS {
            return Err(InvalidName::TooLong(MAX_KEY_CHARS));
        }
        Ok(Self(key.into()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for EntryKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What kind of thing a value is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Text in UTF-8.
    Text,
    /// Bytes that came as a file.
    File(FileLabel),
}

/// What the sender of a file said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLabel {
    media_type: Arc<str>,
    name: Option<Arc<str>>,
}

impl FileLabel {
    /// A label of a media type and, if the sender gave one, a file name; each of at most 255 characters.
    ///
    /// # Errors
    /// [`InvalidName::TooLong`].
    pub fn new(media_type: &str, name: Option<&str>) -> Result<Self, InvalidName> {
        if [Some(media_type), name].into_iter().flatten().any(|label| label.chars().count() > MAX_LABEL_CHARS) {
            return Err(InvalidName::TooLong(MAX_LABEL_CHARS));
        }
        Ok(Self { media_type: media_type.into(), name: name.map(Into::into) })
    }

    /// The media type.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// What the label takes, in bytes.
    fn size(&self) -> u64 {
        (self.media_type.len() + self.name().map_or(0, str::len)) as u64
    }

    /// The file name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// An entry as a caller hands it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Its key; of several entries with one key the last counts.
    pub key: EntryKey,
    /// Text or file.
    pub content: Content,
    /// The exact bytes.
    pub bytes: Arc<[u8]>,
}

impl NewEntry {
    /// What the entry takes of the operator's room, in bytes.
    pub fn size(&self) -> u64 {
        size(&self.key, &self.content, self.bytes.len() as u64)
    }
}

/// Keys and labels count as values do: they lie in memory just the same.
fn size(key: &EntryKey, content: &Content, length: u64) -> u64 {
    let label = match content {
        Content::Text => 0,
        Content::File(label) => label.size(),
    };
    key.as_str().len() as u64 + label + length
}

/// Where the bytes of a value are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryValue {
    /// Here.
    Inline(Arc<[u8]>),
    /// In the store, under this id.
    OutOfLine {
        /// The value's id.
        id: ValueId,
        /// Its length in bytes.
        length: u64,
    },
}

/// An entry of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Text or file.
    pub content: Content,
    /// The bytes, or where they are.
    pub value: EntryValue,
}

impl Entry {
    /// Length of the value, in bytes.
    pub fn length(&self) -> u64 {
        match &self.value {
            EntryValue::Inline(bytes) => bytes.len() as u64,
            EntryValue::OutOfLine { length, .. } => *length,
        }
    }

    /// What the entry takes of the operator's room under its `key`, in bytes.
    pub fn size(&self, key: &EntryKey) -> u64 {
        size(key, &self.content, self.length())
    }
}

/// A document's entries in the order of their keys.
pub type Entries = BTreeMap<EntryKey, Entry>;

/// User data with a time to live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The document's id.
    pub id: DocumentId,
    /// The interaction it belongs to, while that lives.
    pub interaction: Option<InteractionId>,
    /// Until when its own time to live keeps it. A document lives that long or as long as its interaction, whichever
    /// is longer.
    pub kept_until: Timestamp,
    /// Who may read it.
    pub ownership: Ownership,
    /// The application that made it; `None` where it is nobody's.
    pub application: Option<ApplicationName>,
    /// The data.
    pub entries: Entries,
}

impl Document {
    /// The document that an interaction begins with: empty, and kept for no time of its own.
    pub fn begun(interaction: &Interaction) -> Self {
        Self {
            id: interaction.data,
            interaction: Some(interaction.id.clone()),
            kept_until: interaction.since,
            ownership: Ownership::Anyone,
            application: interaction.application.clone(),
            entries: Entries::new(),
        }
    }

    /// How long its texts are together, in bytes: what an answer with the whole of it carries. Files are asked for one at
    /// a time.
    pub fn text_bytes(&self) -> u64 {
        let texts = self.entries.values().filter(|entry| entry.content == Content::Text);
        texts.map(Entry::length).sum()
    }
}

/// A document as a caller names it: the id, and by which right.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentRef {
    /// The document.
    pub id: DocumentId,
    /// What the caller knows of it; a document answers only to its own kind of name.
    pub ownership: Ownership,
    /// On whose behalf it is named; a document answers only to whoever reaches it.
    pub asker: Asker,
}

impl DocumentRef {
    /// The document that `owner` keeps under a name of its own choice.
    pub fn of_owner(owner: &str, name: &str) -> Self {
        Self { id: DocumentId::of_owner(owner, name), ownership: Ownership::Owner, asker: Asker::default() }
    }
}

impl DocumentRef {
    /// The same document, named on behalf of `asker`.
    #[must_use]
    pub fn by(self, asker: &Asker) -> Self {
        Self { asker: asker.clone(), ..self }
    }
}

impl From<DocumentId> for DocumentRef {
    fn from(id: DocumentId) -> Self {
        Self { id, ownership: Ownership::Anyone, asker: Asker::default() }
    }
}

/// Who may read a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ownership {
    /// Whoever knows its id.
    Anyone,
    /// Only its owner, by the id that the owner chose.
    Owner,
}

/// A document with the texts of all its entries, as it is given back to a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The document's id.
    pub id: DocumentId,
    /// Its entries in the order of their keys.
    pub entries: Vec<(EntryKey, LoadedValue)>,
}

/// A value as it is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadedValue {
    /// A text, whole.
    Text(Arc<str>),
    /// A file; its bytes are asked for one at a time.
    File {
        /// What the sender said of it.
        label: FileLabel,
        /// Its length in bytes.
        length: u64,
    },
}
