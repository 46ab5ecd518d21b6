//! `[gms]`: the GMS dialect.

use std::collections::BTreeMap;

use super::Tenant;
use super::section::Section;
use crate::domain::{EnvironmentName, Seconds, TenantId};

/// Longest life that can be configured, in seconds.
pub(super) const YEAR: u64 = 31_536_000;
/// Longest time that guesses are remembered, in seconds.
const DAY: u64 = 86_400;

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
    /// How often one caller may give a wrong access code at one number.
    pub guesses: GuessLimit,
}

/// A limit on wrong access codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessLimit {
    /// Wrong codes of one caller at one number that block the pair. Default 0: no limit.
    pub attempts: u32,
    /// The time in which those count, and how long the block lasts. Default 300 s.
    pub window: Seconds,
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
            guesses: GuessLimit::default(),
        }
    }
}

impl Default for GuessLimit {
    fn default() -> Self {
        Self { attempts: 0, window: Seconds::new(300) }
    }
}

impl Gms {
    /// Reads the section; `tenants` are the ones it may speak of.
    pub(super) fn read(section: &mut Section<'_>, tenants: &BTreeMap<TenantId, Tenant>) -> Self {
        let default = Self::default();
        let gms = Self {
            default_format: Format::read(section, "default_format").unwrap_or_default(),
            interaction_ttl: section.whole("interaction_ttl", 1..=YEAR).map_or(default.interaction_ttl, Seconds::new),
            anonymous_tenant: section.text("anonymous_tenant", TenantId::new),
            environment: section.text("environment", EnvironmentName::new),
            guesses: GuessLimit {
                attempts: section.whole("guess_limit", 0..=1000_u32).unwrap_or(default.guesses.attempts),
                window: section.whole("guess_window", 1..=DAY).map_or(default.guesses.window, Seconds::new),
            },
        };
        gms.check_anonymous(section, tenants);
        gms.check_environment(section, tenants);
        for tenant in tenants.values() {
            gms.check_reachable(section, tenant);
        }
        gms
    }

    fn check_anonymous(&self, section: &Section<'_>, tenants: &BTreeMap<TenantId, Tenant>) {
        let Some(id) = &self.anonymous_tenant else { return };
        match tenants.get(id) {
            None => {
                section.problem("anonymous_tenant", format!("must be the id of a tenant; there is no tenant \"{id}\""));
            }
            Some(tenant) if !tenant.environments.is_empty() && self.environment.is_none() => {
                section.problem("environment", format!("is missing: the anonymous tenant \"{id}\" has environments"));
            }
            Some(_) => {}
        }
    }

    /// The environment must exist wherever a request could need it: at every tenant with environments that can be
    /// called without the headers that name one.
    fn check_environment(&self, section: &Section<'_>, tenants: &BTreeMap<TenantId, Tenant>) {
        let Some(environment) = &self.environment else { return };
        if !tenants.values().any(|tenant| tenant.environments.contains(environment)) {
            section.problem("environment", format!("must be an environment of a tenant; none has \"{environment}\""));
            return;
        }
        for tenant in tenants.values().filter(|tenant| !tenant.environments.is_empty()) {
            let called = self.anonymous_tenant.as_ref() == Some(&tenant.id) || tenant.gms.usernames().next().is_some();
            if called && !tenant.environments.contains(environment) {
                section.problem("environment", format!("must be an environment of the tenant \"{}\" too", tenant.id));
            }
        }
    }

    /// A password without any user name tells no tenant, so only the anonymous tenant can do without one.
    fn check_reachable(&self, section: &Section<'_>, tenant: &Tenant) {
        if self.anonymous_tenant.as_ref() != Some(&tenant.id) && tenant.gms.has_password_without_username() {
            let text = format!(
                "must be \"{}\": that tenant has a GMS password without a username, by which nobody is known to be its",
                tenant.id
            );
            section.problem("anonymous_tenant", text);
        }
    }
}

impl Format {
    pub(super) fn read(section: &mut Section<'_>, key: &'static str) -> Option<Self> {
        section.choice(key, &[("xml", Self::Xml), ("json", Self::Json)])
    }
}
