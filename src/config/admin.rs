//! `[admin]`: the listener for health and metrics, apart from the callers' one.

use std::net::{Ipv4Addr, SocketAddr};

use super::section::Section;
use super::server::address;

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

impl Admin {
    /// Reads the section; `server` is the dialects' address, which must be another one.
    pub(super) fn read(section: &mut Section<'_>, server: SocketAddr) -> Self {
        let listen = section.text("listen", address).unwrap_or(Self::default().listen);
        if listen == server && listen.port() != 0 {
            section.problem("listen", "must be another address than server.listen");
        }
        Self { listen }
    }
}
