//! `[gms]`: the GMS dialect.

use crate::domain::{EnvironmentName, Seconds, TenantId};

/// Section `gms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gms {
    /// The answer's format where the request does not say. Default XML.
    pub default_format: Format,
    /// How long an interaction lives after its last use. Default 3600 s.
    pub interaction_ttl: Seconds,
    /// The tenant that requests without credentials belong to. Default: none, such requests are refused.
    pub anonymous_tenant: Option<TenantId>,
    /// The environment of requests that name none, for tenants with environments.
    pub environment: Option<EnvironmentName>,
}

/// The format of a GMS answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// XML.
    #[default]
    Xml,
    /// JSON.
    Json,
}

impl Default for Gms {
    fn default() -> Self {
        Self {
            default_format: Format::Xml,
            interaction_ttl: Seconds::new(3600),
            anonymous_tenant: None,
            environment: None,
        }
    }
}
