//! How commands call a running gateway: its address, whose certificate they trust, and the HTTP client they share.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, TcpConnector};

use super::Failure;
use super::tls::{Secured, client};

/// Where most systems keep the certificates that they trust.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Whom an address that begins with `https://` is trusted by.
#[derive(Debug, Args)]
pub(super) struct Trust {
    /// Certificates (PEM) that an https address is trusted by: of authorities, or the gateway's own
    #[arg(long, value_name = "FILE", default_value = TRUSTED)]
    ca: PathBuf,
}

impl Trust {
    /// The client for the address `base`, which [`super::url::base`] has seen; `limits` sets how long it may take. What
    /// goes for every command is set here: a refusal is an answer, and the gateway is asked itself, since a proxy that the
    /// environment names is for the way to the outside.
    ///
    /// # Errors
    /// Usage, where the file of certificates cannot be used.
    pub(super) fn agent(
        &self,
        base: &str,
        limits: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
    ) -> Result<Agent, Failure> {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
        let config = limits(config).build();
        if !base.starts_with("https://") {
            return Ok(config.new_agent());
        }
        let secured = Secured::new(Arc::new(self.client()?));
        Ok(Agent::with_parts(config, TcpConnector::default().chain(secured), DefaultResolver::default()))
    }

    fn client(&self) -> Result<ClientConfig, Failure> {
        let name = self.ca.display();
        let unreadable = |error: io::Error| Failure::Usage(format!("--ca {name}: cannot be read: {error}"));
        let text = std::fs::read(&self.ca).map_err(unreadable)?;
        // What is in the file besides certificates, such as a key, is not looked at.
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text).filter_map(Result::ok).collect();
        if certificates.is_empty() {
            return Err(Failure::Usage(format!("--ca {name}: there is no certificate in it (PEM)")));
        }
        client(certificates, Arc::new(ring::default_provider()))
            .map_err(|error| Failure::Usage(format!("--ca {name}: cannot be used: {error}")))
    }
}
