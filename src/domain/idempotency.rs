//! Doing a thing at most once: a key by which a client repeats a request without having it done twice.
//!
//! A key is remembered together with what its first call made, not with what was answered: as long as that lives, the
//! same call is told of it again; once it has ended the key is spent, since a number that the first call lent may belong
//! to somebody else by then. How a key travels is for those who read requests.

use std::fmt;
use std::sync::Arc;

use arcstr::ArcStr;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::names::written_as_text;
use super::{
    AllocationId, DocumentId, InteractionId, InvalidName, Number, NumberId, RouteId, Scope, Seconds, SkillId, Timestamp,
};

/// Longest key, in characters.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 255;
/// How long a key is kept after what it made has ended.
pub const KEPT_AFTER_END: Seconds = Seconds::new(24 * 60 * 60);
/// Most keys that one thing can be made under: a number that an interaction gets again and again under new keys is one
/// thing. Of more the oldest are forgotten.
pub const MAX_KEYS_OF_ONE: usize = 64;

/// A key that a client has chosen: visible ASCII, compared exactly.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(ArcStr);

impl IdempotencyKey {
    /// Parses a key; ends are trimmed.
    ///
    /// # Errors
    /// [`InvalidName::NotVisible`] or [`InvalidName::Empty`].
    pub fn new(value: &str) -> Result<Self, InvalidName> {
        let value = value.trim();
        if value.is_empty() {
            return Err(InvalidName::Empty);
        }
        if value.len() > MAX_IDEMPOTENCY_KEY_CHARS || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidName::NotVisible);
        }
        Ok(Self(value.into()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

written_as_text!(IdempotencyKey);

/// What a request was, in 32 bytes: a second request with the same key must have the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest that has these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of a request that is told in these parts. Where a part ends counts too.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(f, "{first:02x}{second:02x}..")
    }
}

/// A request that is to be carried out at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The client's key; it belongs to one scope.
    pub key: IdempotencyKey,
    /// What the request was.
    pub digest: Digest,
}

/// What the first call under a key made: enough to find it again, and to tell it from whatever takes its place later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Made {
    /// A number was lent, or the allocation that was there already was given again.
    Allocation(Number, AllocationId),
    /// A number was created.
    Number(Number, NumberId),
    /// An interaction began; its document is told, since an id that a caller chose can come back.
    Interaction(InteractionId, DocumentId),
    /// A document began.
    Document(DocumentId),
    /// A called route was created.
    Route(RouteId),
    /// A skill queue was made.
    Skill(SkillId),
}

/// What tells the things that can be made apart, whatever scope they are in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    Interaction(DocumentId),
    Document(DocumentId),
    /// The ids of these count up in each scope.
    Allocation(Arc<Scope>, AllocationId),
    Number(Arc<Scope>, NumberId),
    Route(Arc<Scope>, RouteId),
    Skill(Arc<Scope>, SkillId),
}

impl Made {
    pub(super) fn identity(&self, scope: &Arc<Scope>) -> Identity {
        match self {
            Self::Allocation(_, id) => Identity::Allocation(Arc::clone(scope), *id),
            Self::Number(_, id) => Identity::Number(Arc::clone(scope), *id),
            Self::Interaction(_, data) => Identity::Interaction(*data),
            Self::Document(id) => Identity::Document(*id),
            Self::Route(id) => Identity::Route(Arc::clone(scope), *id),
            Self::Skill(id) => Identity::Skill(Arc::clone(scope), *id),
        }
    }
}

/// What is remembered of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// What the first request was.
    pub digest: Digest,
    /// What it made.
    pub made: Made,
    /// When it came.
    pub since: Timestamp,
    /// When what it made ended; `None` while that lives.
    pub ended: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii_with_its_ends_trimmed() {
        assert_eq!(IdempotencyKey::new(" 8e03978e-40d5 ").unwrap().as_str(), "8e03978e-40d5");
        assert_eq!(IdempotencyKey::new(&"k".repeat(255)).unwrap().as_str().len(), 255);
        assert_eq!(IdempotencyKey::new(" "), Err(InvalidName::Empty));
        for wrong in ["a b", "a\tb", "a\u{7f}", "schl\u{fc}ssel", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::new(wrong), Err(InvalidName::NotVisible), "{wrong}");
        }
    }

    #[test]
    fn a_digest_tells_where_one_part_ends_and_the_next_begins() {
        let of = |parts: &[&str]| Digest::of(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(of(&["POST", "/a"]), of(&["POST", "/a"]));
        assert_ne!(of(&["POST", "/a"]), of(&["POST/", "a"]));
        assert_ne!(of(&["POST", "/a"]), of(&["POST", "/a", ""]));
    }
}
