//! TLS on the main listener: one certificate, read again when the configuration is.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::config::{Tls, TlsError};

/// The certificate that is shown now.
#[derive(Debug)]
pub(super) struct Shown(ArcSwap<CertifiedKey>);

impl Shown {
    /// Shows the certificate of the settings.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(super) fn new(tls: &Tls) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self(ArcSwap::from_pointee(tls.load()?))))
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

/// What the listener needs: TLS 1.2 and 1.3, no client certificates, HTTP/1.1.
pub(super) fn listener(shown: Arc<Shown>) -> ServerConfig {
    let versions = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = versions.with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12]);
    config.expect("the provider knows both versions").with_no_client_auth().with_cert_resolver(shown)
}
