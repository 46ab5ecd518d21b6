//! `[admin]`: the listener for health and metrics, apart from the callers' one.

use std::net::{Ipv4Addr, SocketAddr};

/// Section `admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The address that health and metrics answer on; port 0 picks a free one. Default `127.0.0.1:9090`.
    pub listen: SocketAddr,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)) }
    }
}
