//! Hashes of passwords: argon2id in the PHC string format, checked when the configuration is read.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Params, Version};

/// Most memory that verifying one password may take, in KiB.
const MOST_MEMORY: u32 = 1024 * 1024;

/// The argon2id hash of a password, as `dnis-gateway hash-secret` prints it.
#[derive(Clone)]
pub struct PasswordHash {
    phc: Arc<phc::PasswordHash>,
    text: Arc<str>,
    cost: HashCost,
}

/// What computing one hash takes; hashes of the same cost take the same time, whatever they are hashes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes that the memory is cut into.
    pub lanes: u32,
}

impl From<&Params> for HashCost {
    fn from(params: &Params) -> Self {
        Self { memory: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() }
    }
}

impl Default for HashCost {
    /// The cost of a new hash.
    fn default() -> Self {
        Self::from(&Params::default())
    }
}

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
        let text = text.trim();
        let hash = phc::PasswordHash::new(text).map_err(|_| InvalidHash)?;
        let params = Params::try_from(&hash).map_err(|_| InvalidHash)?;
        let complete = hash.salt.is_some() && hash.hash.is_some();
        let current = hash.version == Some(Version::V0x13.into());
        if hash.algorithm == ARGON2ID_IDENT && complete && current && params.m_cost() <= MOST_MEMORY {
            Ok(Self { phc: Arc::new(hash), text: text.into(), cost: HashCost::from(&params) })
        } else {
            Err(InvalidHash)
        }
    }

    /// The parsed hash.
    pub fn as_phc(&self) -> &phc::PasswordHash {
        &self.phc
    }

    /// What holding a password against it takes.
    pub fn cost(&self) -> HashCost {
        self.cost
    }

    /// What the function made of salt and password, in base64: no other password has the same. Not for logs.
    pub fn output(&self) -> &str {
        self.text.rsplit('$').next().unwrap_or_default()
    }
}

impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PasswordHash {}

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

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "muM/Ycl/N/yy9qB4rJKzSw";
    const HASH: &str = "F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";

    #[test]
    fn a_complete_argon2id_hash_is_taken_and_never_shown() {
        let hash = PasswordHash::new(&format!(" $argon2id$v=19$m=8,t=1,p=1${SALT}${HASH}\n")).unwrap();
        assert_eq!(hash.output(), HASH);
        assert_eq!(format!("{hash:?}"), "<hash>");
    }

    #[test]
    fn the_cost_is_the_one_of_its_parameters() {
        let hash = PasswordHash::new(&format!("$argon2id$v=19$m=64,t=3,p=2${SALT}${HASH}")).unwrap();
        assert_eq!(hash.cost(), HashCost { memory: 64, passes: 3, lanes: 2 });
        assert_eq!(HashCost::default(), HashCost { memory: 19_456, passes: 2, lanes: 1 });
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "password".to_owned(),
            String::new(),
            format!("$argon2i$v=19$m=8,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=16$m=8,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$m=8,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=8,t=1,p=1${SALT}"),
            "$argon2id$v=19$m=8,t=1,p=1".to_owned(),
            format!("$argon2id$v=19$m=1,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=4194304,t=1,p=1${SALT}${HASH}"),
            "$2b$12$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcde".to_owned(),
        ] {
            assert_eq!(PasswordHash::new(&text), Err(InvalidHash), "{text}");
        }
    }
}
