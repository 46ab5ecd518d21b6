//! Secrets: kept in a type that no log line and no error can print.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// A secret text, such as an application's key.
#[derive(Clone)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// Takes `value` as a secret.
    pub fn new(value: String) -> Self {
        Self(Arc::new(SecretString::from(value)))
    }

    /// The text itself, for whoever has to present it.
    pub(crate) fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether `guess` is the secret, in a time that depends on nothing but the two lengths.
    pub fn is(&self, guess: &[u8]) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(guess).into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.0.expose_secret().as_bytes())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}
