//! `[server]`: the listener for the dialects.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;

use super::{Limits, PublicUrl, TrustedProxies};

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
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            trusted_proxies: TrustedProxies::default(),
            workers: None,
            limits: Limits::default(),
        }
    }
}
