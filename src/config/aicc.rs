//! `[aicc]`: the AICC dialect.

use sha2::{Digest, Sha256};

use super::section::Section;
use crate::domain::SigningKey;

/// Fewest characters of a key that cannot be guessed.
const LEAST_KEY_CHARS: usize = 32;

/// Section `aicc`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aicc {
    /// What tokens are signed with. Gateways with the same key take each other's tokens. Default: a key that the store
    /// makes once and keeps.
    pub signing_key: Option<SigningKey>,
}

impl Aicc {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self { signing_key: section.secret("signing_key", signing_key) }
    }
}

/// A key of any text that is long enough.
fn signing_key(text: &str) -> Result<SigningKey, String> {
    if text.chars().count() < LEAST_KEY_CHARS {
        return Err(format!("must have at least {LEAST_KEY_CHARS} characters, drawn at random"));
    }
    Ok(SigningKey::new(Sha256::digest(text).into()))
}
