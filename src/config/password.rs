//! Hashes of passwords: argon2id in the PHC string format, checked when the configuration is read.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Params, Version};

/// Most memory that verifying one password may take, in KiB.
const MOST_MEMORY: u32 = 1024 * 1024;

/// The argon2id hash of a password, as `dnis-gateway hash-secret` prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Arc<phc::PasswordHash>);

/// Why a text is no hash that passwords can be held against; the message never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an argon2id hash as `dnis-gateway hash-secret` prints it ($argon2id$v=19$m=...,t=...,p=...$salt$hash)"
)]
pub struct InvalidHash;

impl PasswordHash {
    /// Parses a PHC string.
    ///
    /// # Errors
    /// Anything but a complete argon2id hash of version 19 with parameters that this machine can work with.
    pub fn new(text: &str) -> Result<Self, InvalidHash> {
        let hash = phc::PasswordHash::new(text.trim()).map_err(|_| InvalidHash)?;
        let params = Params::try_from(&hash).map_err(|_| InvalidHash)?;
        let complete = hash.salt.is_some() && hash.hash.is_some();
        let current = hash.version == Some(Version::V0x13.into());
        if hash.algorithm == ARGON2ID_IDENT && complete && current && params.m_cost() <= MOST_MEMORY {
            Ok(Self(Arc::new(hash)))
        } else {
            Err(InvalidHash)
        }
    }

    /// The parsed hash.
    pub fn as_phc(&self) -> &phc::PasswordHash {
        &self.0
    }
}

impl FromStr for PasswordHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        Self::new(text)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hash>")
    }
}
