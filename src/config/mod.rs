//! The settings of a running gateway: typed, complete and validated before anything starts.
//!
//! Four layers make them, each above the one before: built-in defaults, the TOML file, environment variables
//! (`DNIS_GATEWAY__SECTION__KEY`) and the command line. There is one struct for each concern, in a file of its own. A
//! value of one of these types is always usable: nothing behind this layer checks a setting again.
//!
//! This layer refuses to know who uses the settings: it opens no socket, no data directory and no log.

mod access;
mod admin;
mod aicc;
mod code_prefix;
mod demo;
mod gms;
mod gms_service;
mod health;
mod history;
pub mod import;
mod interact;
mod limits;
mod live;
mod load;
mod log;
mod password;
mod postgres;
mod problem;
mod proxies;
mod public_url;
mod quotas;
mod rules;
mod secret;
mod section;
mod seeds;
mod server;
mod sites;
mod soap;
mod store;
mod tenant;
mod tenant_aicc;
mod tenant_gms;
#[cfg(test)]
mod tests;
mod tls;
mod tree;
mod usage;
mod user;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

pub use access::Access;
pub use admin::Admin;
pub use aicc::Aicc;
pub use code_prefix::AccessCodePrefix;
pub use demo::{DEMO_ACCESS, DemoAccess, demo};
pub use gms::{Format, Gms, GuessLimit};
pub use gms_service::{BuiltIn, Service};
pub use health::Health;
pub use history::{Audit, History};
pub use interact::{Interact, ReleaseOnGet};
pub use limits::Limits;
pub use live::Live;
pub use log::{Log, LogFormat, LogRequests};
pub use password::{HashCost, InvalidHash, PasswordHash};
pub use postgres::{DatabaseUrl, Postgres, certificates};
pub use problem::{Problem, Problems, SettingOrigin};
pub use proxies::{InvalidNetwork, Network, TrustedProxies};
pub use public_url::{InvalidUrl, PublicUrl};
pub use quotas::Quotas;
pub use secret::Secret;
pub use seeds::{SeedInteraction, SeedNumber, Seeds};
pub use server::Server;
pub use sites::{HostName, InvalidHostName, InvalidWebOrigin, WebOrigin, authority_of};
pub use soap::{FaultCodes, Soap, Validation};
pub use store::{Engine, Store};
pub use tenant::{Application, ApplicationKind, Group, Tenant};
pub use tenant_aicc::{AiccApplication, TenantAicc};
pub use tenant_gms::{Credentials, DEFAULT_REALM, TenantGms};
pub use tls::{Tls, TlsError};
pub use usage::Usage;
pub use user::{Role, User, Users};
pub use variables::{ADMIN_TOKEN, APPLICATION_KEY, PASSWORD, environment};

use crate::domain::TenantId;

/// Everything that can be configured, after all layers and all checks.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The listener for the dialects.
    pub server: Server,
    /// The listener for health and metrics.
    pub admin: Admin,
    /// Where the state is kept.
    pub store: Store,
    /// How much of everything a tenant may have that says nothing of its own.
    pub limits: Quotas,
    /// How long it is remembered who held a number.
    pub history: History,
    /// How long it is remembered what people did.
    pub audit: Audit,
    /// From when on something seems to be wrong with a number.
    pub health: Health,
    /// How long it is remembered what groups were used for.
    pub usage: Usage,
    /// Limits on failed attempts and the cost of verifying.
    pub access: Access,
    /// What is logged, and how.
    pub log: Log,
    /// How envelopes are read and faults are told.
    pub soap: Soap,
    /// The GMS dialect.
    pub gms: Gms,
    /// The Interact dialect.
    pub interact: Interact,
    /// The AICC dialect.
    pub aicc: Aicc,
    /// The tenants by their id.
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// Whether this is the demo, whose credentials are public knowledge.
    pub demo: bool,
    /// What can be used as it is but is hardly meant so, in the order of the file.
    pub warnings: Vec<Problem>,
}

/// What the command line says; it has the last word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The data directory, `store.path`.
    pub data: Option<PathBuf>,
    /// The dialects' listener, `server.listen`.
    pub listen: Option<SocketAddr>,
    /// The admin listener, `admin.listen`.
    pub admin_listen: Option<SocketAddr>,
}

impl Settings {
    /// The different costs of all hashes of passwords, whosever they are; the cost of a new hash where there is none.
    ///
    /// Whoever presents a wrong password pays each of them once, so that the time tells nothing of whose it might be.
    pub fn hash_costs(&self) -> BTreeSet<HashCost> {
        let hashes = self.tenants.values().flat_map(Tenant::password_hashes);
        let hashes = hashes.chain(self.admin.users.values().map(|user| &user.hash));
        let mut costs: BTreeSet<_> = hashes.map(PasswordHash::cost).collect();
        if costs.is_empty() {
            costs.insert(HashCost::default());
        }
        costs
    }

    /// The keys and sections that differ in `new` but hold from the next start only, because what they set up is built
    /// once.
    pub fn waiting_for_restart(&self, new: &Self) -> Vec<&'static str> {
        let changes = [
            ("server.listen", self.server.listen != new.server.listen),
            ("server.tls", self.server.tls.is_some() != new.server.tls.is_some()),
            ("server.workers", self.server.workers != new.server.workers),
            ("admin.listen", self.admin.listen != new.admin.listen),
            ("admin.tls", self.admin.tls.is_some() != new.admin.tls.is_some()),
            ("store.engine", self.store.engine != new.store.engine),
            ("store.path", self.store.path != new.store.path),
            ("store.cache_capacity", self.store.cache_capacity != new.store.cache_capacity),
            ("store.compact_at_start", self.store.compact_at_start != new.store.compact_at_start),
            ("store.postgres", self.store.postgres != new.store.postgres),
            ("access.verifications", self.access.verifications != new.access.verifications),
            ("access.waiting", self.access.waiting != new.access.waiting),
            ("log.level", self.log.level != new.log.level),
            ("log.format", self.log.format != new.log.format),
            ("log.lines_per_second", self.log.lines_per_second != new.log.lines_per_second),
        ];
        changes.into_iter().filter_map(|(key, changed)| changed.then_some(key)).collect()
    }
}
