//! The key that tokens are signed with: made once, kept with the state, shown to nobody.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signing key. Whoever has it can make tokens, so it never shows in logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SigningKey([u8; 32]);

impl SigningKey {
    /// A key of these bytes, which nobody may be able to guess.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes. Not for logs.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<signing key>")
    }
}
