//! `[server.tls]` and `[admin.tls]`: the certificate that a listener shows.

use std::path::{Path, PathBuf};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::section::Section;

/// Section `server.tls` or `admin.tls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The file with the certificate and those that lead to its authority (PEM).
    pub certificate: PathBuf,
    /// The file with the certificate's private key (PEM).
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// What is wrong with the file of the certificate.
    #[error("the file {}: {reason}", file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What is wrong with the file of the key.
    #[error("the file {}: {reason}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Tls {
    /// Reads the section; without any of its keys the listener speaks plain HTTP.
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let certificate = section.file("certificate");
        let key = section.file("key");
        if section.has("certificate") || section.has("key") {
            section.require("certificate");
            section.require("key");
        }
        let tls = Self { certificate: certificate?, key: key? };
        match tls.load() {
            Ok(_) => section.warn_of_readers("key", &tls.key),
            Err(error @ TlsError::Certificate { .. }) => section.problem("certificate", error.to_string()),
            Err(error @ TlsError::Key { .. }) => section.problem("key", error.to_string()),
        }
        Some(tls)
    }

    /// Reads certificate and key as they are now, and checks that they go together.
    ///
    /// # Errors
    /// [`TlsError`]: which of the two files is at fault, and why.
    pub fn load(&self) -> Result<CertifiedKey, TlsError> {
        let certificate = |reason: String| TlsError::Certificate { file: self.certificate.clone(), reason };
        let key = |reason: String| TlsError::Key { file: self.key.clone(), reason };
        let chain = CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| certificate(format!("cannot be read as a certificate (PEM): {error}")))?;
        if chain.is_empty() {
            return Err(certificate("there is no certificate in it (PEM)".to_owned()));
        }
        if is_encrypted(&self.key) {
            return Err(key("the private key is encrypted, and there is nobody to ask for its password; write it \
                            without one: openssl pkey -in ENCRYPTED.pem -out KEY.pem"
                .to_owned()));
        }
        let private = PrivateKeyDer::from_pem_file(&self.key);
        let private = private.map_err(|error| key(format!("there is no private key in it (PEM): {error}")))?;
        let signing = ring::default_provider().key_provider.load_private_key(private);
        let signing = signing.map_err(|error| key(format!("is no private key of a known kind: {error}")))?;
        let pair = CertifiedKey::new(chain, signing);
        match pair.keys_match() {
            Ok(()) => Ok(pair),
            Err(rustls::Error::InconsistentKeys(_)) => {
                let name = self.certificate.display();
                Err(key(format!(
                    "is not the key of the first certificate in {name}; put the gateway's own certificate first there, \
                     or name the key that belongs to it"
                )))
            }
            Err(error) => Err(certificate(format!("cannot be used: {error}"))),
        }
    }
}

/// Whether the key is kept under a password, in either of the forms that tools write.
fn is_encrypted(key: &Path) -> bool {
    let text = std::fs::read(key).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED")
}
