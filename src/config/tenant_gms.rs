//! `[tenant.gms]`: a tenant's GMS options, with the names and the meaning they have in GMS.

use std::collections::BTreeMap;

use super::{Format, PasswordHash};
use crate::domain::{GroupName, Seconds};

/// Realm of the Basic challenge where none is configured, as GMS sends it.
pub const DEFAULT_REALM: &str = "Genesys Application Configuration Needed";

/// Section `tenant.gms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantGms {
    /// The answer's format where the request does not say; without it, `gms.default_format`.
    pub default_format: Option<Format>,
    /// The realm of the Basic challenge.
    pub realm: String,
    /// The pair that all sections share where they have none of their own.
    pub server: Credentials,
    /// The pair of the Storage API.
    pub storage: Credentials,
    /// The services by execution name; the three built-in ones are always among them.
    pub services: BTreeMap<String, Service>,
}

/// What Basic authentication asks for in one section; each half falls back to the `server` section by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub username: Option<String>,
    /// The hash of the password. Where there is none in the section nor in `server`, nothing is asked for.
    pub password_hash: Option<PasswordHash>,
}

/// A service: a built-in one under an execution name, with the values that requests may leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What the service does, `_service`.
    pub built_in: BuiltIn,
    /// `_resource_group`.
    pub resource_group: Option<GroupName>,
    /// `_provide_code`.
    pub provide_code: Option<bool>,
    /// `_access_code_length`, 1 to 16 digits.
    pub access_code_length: Option<u8>,
    /// `_booking_expiration_timeout`, 5 to 1800 s.
    pub booking_expiration_timeout: Option<Seconds>,
    /// `_ttl`.
    pub ttl: Option<Seconds>,
    /// The pair of this service.
    pub credentials: Credentials,
}

/// The services that GMS brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// Lends a number for an interaction.
    RequestAccess,
    /// Makes an interaction and lends a number for it.
    RequestInteraction,
    /// Recognises the interaction that a call belongs to.
    MatchInteraction,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RequestAccess, Self::RequestInteraction, Self::MatchInteraction];

    /// The name that GMS gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestAccess => "request-access",
            Self::RequestInteraction => "request-interaction",
            Self::MatchInteraction => "match-interaction",
        }
    }
}

impl Service {
    /// The service as it is without any option.
    pub fn new(built_in: BuiltIn) -> Self {
        Self {
            built_in,
            resource_group: None,
            provide_code: None,
            access_code_length: None,
            booking_expiration_timeout: None,
            ttl: None,
            credentials: Credentials::default(),
        }
    }
}

impl Default for TenantGms {
    fn default() -> Self {
        Self {
            default_format: None,
            realm: DEFAULT_REALM.to_owned(),
            server: Credentials::default(),
            storage: Credentials::default(),
            services: BuiltIn::ALL.into_iter().map(|it| (it.name().to_owned(), Service::new(it))).collect(),
        }
    }
}
