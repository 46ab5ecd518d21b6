//! HTTP Basic authentication, as GMS knows it: who a section asks for, and what a request presents.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::headers::{UserPassword, decode};
use super::principal::{Cause, GmsSection};
use crate::config::{BuiltIn, Credentials, DEFAULT_REALM, PasswordHash, Settings, Tenant};

/// What a section of a tenant asks for.
pub(super) struct Wanted<'a> {
    /// The user; `None` where any name will do.
    pub(super) user: Option<&'a str>,
    pub(super) password: &'a PasswordHash,
}

/// Reads the header `Authorization`; `None` where there is none, or one of another scheme.
///
/// # Errors
/// [`Cause::Malformed`] for two headers, or anything but Base64 of `user:password` in UTF-8.
pub(super) fn read(headers: &HeaderMap) -> Result<Option<UserPassword>, Cause> {
    let mut values = headers.get_all(AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Cause::Malformed);
    }
    let value = value.to_str().map_err(|_| Cause::Malformed)?.trim();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let pair = decode(token.trim())?;
    let (user, password) = pair.split_once(':').ok_or(Cause::Malformed)?;
    Ok(Some(UserPassword { user: user.to_owned(), password: password.to_owned().into() }))
}

/// What `section` of `tenant` asks for; `None` where no password is set for it, and so nothing is asked.
pub(super) fn wanted<'a>(tenant: &'a Tenant, section: GmsSection<'_>) -> Option<Wanted<'a>> {
    let (user, password) = tenant.gms.effective(credentials(tenant, section));
    password.map(|password| Wanted { user, password })
}

/// As [`wanted`], as far as the section has a password that is not the one of `server`.
pub(super) fn own<'a>(tenant: &'a Tenant, section: GmsSection<'_>) -> Option<Wanted<'a>> {
    let own = credentials(tenant, section);
    let of_server = std::ptr::eq(own, &tenant.gms.server);
    wanted(tenant, section).filter(|_| own.password_hash.is_some() && !of_server)
}

/// Whether `section` is a service that matches calls.
pub(super) fn matches_calls(tenant: &Tenant, section: GmsSection<'_>) -> bool {
    let service = match section {
        GmsSection::Service(name) => tenant.gms.services.get(name),
        GmsSection::Storage => None,
    };
    service.is_some_and(|service| service.built_in == BuiltIn::MatchInteraction)
}

/// The credentials of a section; those of `server` where there is no such section.
fn credentials<'a>(tenant: &'a Tenant, section: GmsSection<'_>) -> &'a Credentials {
    let gms = &tenant.gms;
    match section {
        GmsSection::Storage => &gms.storage,
        GmsSection::Service(name) => gms.services.get(name).map_or(&gms.server, |service| &service.credentials),
    }
}

/// The tenant that `user` tells, if it is a GMS user name of one.
pub(super) fn owner<'a>(settings: &'a Settings, user: &str) -> Option<&'a Tenant> {
    settings.tenants.values().find(|tenant| tenant.gms.usernames().any(|name| name == user))
}

/// The realm of a challenge: the one of the anonymous tenant, else of the only tenant that asks for a password.
///
/// It must not depend on what was presented, or it would tell which user names there are.
pub(super) fn realm(settings: &Settings) -> &str {
    let anonymous = settings.gms.anonymous_tenant.as_ref().and_then(|id| settings.tenants.get(id));
    let mut asking = settings.tenants.values().filter(|tenant| tenant.gms.asks_for_password());
    let tenant = anonymous.or_else(|| asking.next().filter(|_| asking.next().is_none()));
    tenant.map_or(DEFAULT_REALM, |tenant| &tenant.gms.realm)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use secrecy::ExposeSecret;

    use super::*;

    fn read_one(value: &str) -> Result<Option<(String, String)>, Cause> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::try_from(value).unwrap());
        read(&headers).map(|pair| pair.map(|pair| (pair.user, pair.password.expose_secret().to_owned())))
    }

    #[test]
    fn the_pair_is_cut_at_the_first_colon() {
        let pair = |user: &str, password: &str| Ok(Some((user.to_owned(), password.to_owned())));
        assert_eq!(read_one("Basic dXNlcjpwYXNz"), pair("user", "pass"));
        assert_eq!(read_one("bASIC   dXNlcjpwOmE="), pair("user", "p:a"));
        assert_eq!(read_one("Basic Og=="), pair("", ""));
    }

    #[test]
    fn another_scheme_is_no_basic_header_and_a_garbled_one_is_malformed() {
        assert_eq!(read_one("Bearer dXNlcjpwYXNz"), Ok(None));
        assert_eq!(read_one("Basically"), Ok(None));
        for garbled in ["Basic", "Basic ", "Basic dXNlcg==", "Basic user:pass", "Basic /zov", "Basic dXNlcjpwYXNz x"] {
            assert_eq!(read_one(garbled), Err(Cause::Malformed), "{garbled}");
        }
    }
}
