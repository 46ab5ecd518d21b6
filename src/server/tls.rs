//! TLS on a listener: one certificate, read again when the configuration is.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::{Tls, TlsError};

/// Why the certificate of a listener cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{section}.tls: {error}")]
pub struct BadCertificate {
    /// The section of the listener.
    section: &'static str,
    /// Why.
    error: TlsError,
}

/// The certificate that is shown now.
#[derive(Debug)]
pub(super) struct ServedCertificate {
    /// The section of the listener that shows it.
    section: &'static str,
    certificate: ArcSwap<CertifiedKey>,
}

impl ServedCertificate {
    /// Shows the certificate of the settings, if they have one for this listener.
    ///
    /// # Errors
    /// [`BadCertificate`].
    pub(super) fn new(section: &'static str, tls: Option<&Tls>) -> Result<Option<Arc<Self>>, BadCertificate> {
        let Some(tls) = tls else { return Ok(None) };
        let certificate = tls.load().map_err(|error| BadCertificate { section, error })?;
        Ok(Some(Arc::new(Self { section, certificate: ArcSwap::from_pointee(certificate) })))
    }

    /// Reads what is to be shown from a reload on.
    ///
    /// # Errors
    /// [`BadCertificate`].
    pub(super) fn read(&self, tls: &Tls) -> Result<CertifiedKey, BadCertificate> {
        tls.load().map_err(|error| BadCertificate { section: self.section, error })
    }

    /// Shows another one from the next connection on.
    pub(super) fn replace(&self, certificate: CertifiedKey) {
        self.certificate.store(Arc::new(certificate));
    }
}

impl ResolvesServerCert for ServedCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certificate.load_full())
    }
}

/// What the listener needs: TLS 1.2 and 1.3, no client certificates, HTTP/1.1.
pub(super) fn listener(shown: Arc<ServedCertificate>) -> ServerConfig {
    let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = versions.with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12]);
    config.expect("the provider knows both versions").with_no_client_auth().with_cert_resolver(shown)
}
