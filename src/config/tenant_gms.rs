//! `[tenant.gms]`: a tenant's GMS options, with the names and the meaning they have in GMS.

use std::collections::BTreeMap;

use super::section::Section;
use super::tenant::{BasicUsers, KnownGroups, label};
use super::{AccessCodePrefix, BuiltIn, Format, PasswordHash, Service};
use crate::domain::TenantId;
use crate::domain::names::MAX_NAME_CHARS;

/// Realm of the Basic challenge where none is configured, as GMS sends it.
pub const DEFAULT_REALM: &str = "Genesys Application Configuration Needed";

/// Section `tenant.gms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantGms {
    /// The answer's format where the request does not say; without it, `gms.default_format`.
    pub default_format: Option<Format>,
    /// The realm of the Basic challenge.
    pub realm: String,
    /// What access codes begin with; without it, anything.
    pub access_code_prefix: Option<AccessCodePrefix>,
    /// The pair that all sections share where they have none of their own.
    pub server: Credentials,
    /// The pair of the Storage API.
    pub storage: Credentials,
    /// The services by execution name; the three that deal with numbers are always among them.
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

impl Default for TenantGms {
    fn default() -> Self {
        Self {
            default_format: None,
            realm: DEFAULT_REALM.to_owned(),
            access_code_prefix: None,
            server: Credentials::default(),
            storage: Credentials::default(),
            services: BuiltIn::OF_NUMBERS.into_iter().map(|it| (it.name().to_owned(), Service::new(it))).collect(),
        }
    }
}

impl TenantGms {
    /// The user names that tell the tenant, some perhaps more than once.
    pub fn usernames(&self) -> impl Iterator<Item = &str> {
        self.all_credentials().filter_map(|credentials| credentials.username.as_deref())
    }

    /// What one section asks for: each half its own, else the one of `server`.
    pub fn effective<'a>(&'a self, own: &'a Credentials) -> (Option<&'a str>, Option<&'a PasswordHash>) {
        let username = own.username.as_deref().or(self.server.username.as_deref());
        (username, own.password_hash.as_ref().or(self.server.password_hash.as_ref()))
    }

    /// Whether any section asks for a password.
    pub fn asks_for_password(&self) -> bool {
        self.all_credentials().any(|own| self.effective(own).1.is_some())
    }

    /// Whether a section asks for a password but for no particular user.
    pub(super) fn has_password_without_username(&self) -> bool {
        self.all_credentials().any(|own| matches!(self.effective(own), (None, Some(_))))
    }

    /// The hashes of all passwords that sections have of their own.
    pub(super) fn password_hashes(&self) -> impl Iterator<Item = &PasswordHash> {
        self.all_credentials().filter_map(|credentials| credentials.password_hash.as_ref())
    }

    fn all_credentials(&self) -> impl Iterator<Item = &Credentials> {
        let services = self.services.values().map(|service| &service.credentials);
        [&self.server, &self.storage].into_iter().chain(services)
    }

    /// Reads the section of `tenant`, whose user names no other tenant may have and whose groups are `groups`.
    pub(super) fn read(
        section: &mut Section<'_>,
        tenant: Option<&TenantId>,
        taken: &mut BasicUsers,
        groups: &KnownGroups,
    ) -> Self {
        let mut credentials = |section: &mut Section<'_>| Credentials::read(section, tenant, taken);
        let default_format = Format::read(section, "default_format");
        let (server, realm, access_code_prefix) = section.section("server", |section| {
            let realm = section.text("realm", realm).unwrap_or_else(|| DEFAULT_REALM.to_owned());
            (credentials(section), realm, section.text("access_code_prefix", AccessCodePrefix::new))
        });
        let storage = section.section("storage", &mut credentials);
        let mut gms = Self { default_format, realm, access_code_prefix, server, storage, ..Self::default() };
        let services = section.named_sections("service", |name, section| {
            let credentials = credentials(section);
            Some((name.to_owned(), Service::read(section, name, credentials, groups)?))
        });
        gms.services.extend(services.into_iter().flatten());
        gms
    }
}

impl Credentials {
    fn read(section: &mut Section<'_>, tenant: Option<&TenantId>, taken: &mut BasicUsers) -> Self {
        let username = section.text("username", username);
        if let (Some(name), Some(tenant)) = (&username, tenant)
            && !taken.take(name, tenant)
        {
            section.problem("username", "is a GMS user name of another tenant too; the name must tell the tenant");
        }
        Self { username, password_hash: section.secret("password_hash", PasswordHash::new) }
    }
}

/// A user name that Basic authentication can carry.
fn username(text: &str) -> Result<String, String> {
    if text.contains(':') {
        return Err("must not contain a colon, which ends the user name in Basic authentication".into());
    }
    label(text).map_err(|error| error.to_string())
}

/// A realm that a challenge can carry in quotes.
pub(super) fn realm(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && byte != b'"' && byte != b'\\';
    if !text.is_empty() && text.len() <= MAX_NAME_CHARS && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("must have 1 to 255 printable ASCII characters without quotes and backslashes")
    }
}
