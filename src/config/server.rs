//! `[server]`: the listener for the dialects.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;

use super::section::Section;
use super::sites::{HostName, WebOrigin};
use super::{Limits, Network, PublicUrl, Tls, TrustedProxies};

/// Section `server`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The address that the dialects answer on; port 0 picks a free one. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// The address that clients are told to use; without it, the one they came by.
    pub public_url: Option<PublicUrl>,
    /// The proxies whose `X-Forwarded-*` headers are believed. Default: none.
    pub trusted_proxies: TrustedProxies,
    /// Threads that serve requests; without it, one per processor.
    pub workers: Option<NonZeroUsize>,
    /// Largest sizes of a request.
    pub limits: Limits,
    /// The certificate to show; without it, the listener speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Whether requests come through a proxy that speaks TLS to the clients, so that plain HTTP here is meant.
    pub behind_tls_proxy: bool,
    /// Web pages of other sites that may call GMS and the gateway's own API from a browser. Default: none.
    pub cors_origins: Vec<WebOrigin>,
    /// Names that the listener answers to besides addresses and names without a dot; without any, all names. The demo
    /// answers to no others.
    pub hosts: Vec<HostName>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            trusted_proxies: TrustedProxies::default(),
            workers: None,
            limits: Limits::default(),
            tls: None,
            behind_tls_proxy: false,
            cors_origins: Vec::new(),
            hosts: Vec::new(),
        }
    }
}

impl Server {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let workers = section.whole("workers", 1u16..=1024).and_then(|workers| NonZeroUsize::new(workers.into()));
        Self {
            listen: section.text("listen", address).unwrap_or(default.listen),
            public_url: section.text("public_url", str::parse),
            trusted_proxies: section
                .texts("trusted_proxies", str::parse::<Network>)
                .map_or(default.trusted_proxies, TrustedProxies::from_iter),
            workers,
            limits: section.section("limits", Limits::read),
            tls: section.section("tls", Tls::read),
            behind_tls_proxy: section.flag("behind_tls_proxy").unwrap_or_default(),
            cors_origins: section.texts("cors_origins", str::parse).unwrap_or_default(),
            hosts: section.texts("hosts", str::parse).unwrap_or_default(),
        }
    }
}

/// The address of a listener.
pub(super) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.trim().parse().map_err(|_| "must be an IP address and a port such as \"127.0.0.1:8080\" or \"[::1]:8080\"")
}
