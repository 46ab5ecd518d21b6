//! TLS on the main listener: one certificate, read again when the configuration is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::Tls;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that is not what it should be.
    #[error("server.tls: {path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not go together, or are of a kind that is not known.
    #[error("server.tls: the certificate and the key cannot be used: {0}")]
    Pair(#[from] rustls::Error),
}

/// The certificate that is shown now.
#[derive(Debug)]
pub(super) struct Shown(ArcSwap<CertifiedKey>);

impl Shown {
    /// Shows the certificate of the settings.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(super) fn new(tls: &Tls) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self(ArcSwap::from_pointee(load(tls)?))))
    }

    /// Shows another one from the next connection on.
    pub(super) fn replace(&self, certificate: CertifiedKey) {
        self.0.store(Arc::new(certificate));
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Reads certificate and key, and checks that they go together.
///
/// # Errors
/// [`TlsError`].
pub(super) fn load(tls: &Tls) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_file_iter(&tls.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| file(&tls.certificate, &error.to_string()))?;
    if chain.is_empty() {
        return Err(file(&tls.certificate, "there is no certificate in it (PEM)"));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key);
    let key = key.map_err(|error| file(&tls.key, &format!("there is no private key in it (PEM): {error}")))?;
    let pair = CertifiedKey::from_der(chain, key, &ring::default_provider())?;
    pair.keys_match()?;
    Ok(pair)
}

/// What the listener needs: TLS 1.2 and 1.3, no client certificates, HTTP/1.1.
///
/// # Errors
/// None in practice: the versions are those of the provider.
pub(super) fn listener(shown: Arc<Shown>) -> Result<ServerConfig, TlsError> {
    let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = versions.with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    Ok(config.with_no_client_auth().with_cert_resolver(shown))
}

fn file(path: &Path, reason: &str) -> TlsError {
    TlsError::File { path: path.to_owned(), reason: reason.to_owned() }
}
