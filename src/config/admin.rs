//! `[admin]`: the listener for health and metrics, apart from the callers' one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use super::Tenant;
use super::secret::Secret;
use super::section::Section;
use super::server::address;
use super::sites::HostName;
use super::tls::Tls;
use super::user::{self, Users};
use crate::domain::TenantId;

/// Section `admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The address that health and metrics answer on; port 0 picks a free one. Default `127.0.0.1:9090`.
    pub listen: SocketAddr,
    /// What a request for a backup must carry. Without it, backups are given on loopback addresses only.
    pub token: Option<Secret>,
    /// Names that the listener is called by besides addresses and `localhost`. Requests for other hosts are refused.
    pub hosts: Vec<HostName>,
    /// Those who look after the gateway and so see all tenants, by name. No tenant has a user of the same name.
    pub users: Users,
    /// The certificate to show; without it, the listener speaks plain HTTP.
    pub tls: Option<Tls>,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            token: None,
            hosts: Vec::new(),
            users: Users::new(),
            tls: None,
        }
    }
}

impl Admin {
    /// Reads the section; `server` is the dialects' address, which must be another one, and `tenants` have users of their own.
    pub(super) fn read(section: &mut Section<'_>, server: SocketAddr, tenants: &BTreeMap<TenantId, Tenant>) -> Self {
        let listen = section.text("listen", address).unwrap_or(Self::default().listen);
        if listen == server && listen.port() != 0 {
            section.problem("listen", "must be another address than server.listen");
        }
        Self {
            listen,
            token: section.secret("token", token),
            hosts: section.texts("hosts", str::parse).unwrap_or_default(),
            users: user::read(section, "the gateway", |name| taken(name, tenants)),
            tls: section.section("tls", Tls::read),
        }
    }
}

/// What is wrong with the name of a user of all tenants that a tenant has given to somebody already.
fn taken(name: &str, tenants: &BTreeMap<TenantId, Tenant>) -> Option<String> {
    let tenant = tenants.values().find(|tenant| tenant.users.contains_key(name))?;
    Some(format!(
        "is the name of a user of tenant \"{}\" too; who sees all tenants needs a name that none of them has",
        tenant.id
    ))
}

fn token(text: &str) -> Result<Secret, &'static str> {
    if text.trim().is_empty() || text.bytes().any(|byte| !(b'!'..=b'~').contains(&byte)) {
        return Err("must be a text of printable ASCII characters without blanks");
    }
    Ok(Secret::new(text.to_owned()))
}
