//! AICC callers: an application's key and secret get a token, and the token gets everything else.

use actix_web::http::header::{AUTHORIZATION, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use super::failed::Failed;
use super::known::Credential;
use super::{Access, Attempt, Cause, Denied, Extent, Identity, Principal, Refusal, Token, headers};
use crate::config::{AiccApplication, Role, Settings, Tenant};
use crate::domain::{Scope, Seconds, SigningKey, Timestamp};
use crate::log::notes;

/// The vendor's header for the key of the application; it may be left out.
static APP_KEY: HeaderName = HeaderName::from_static("x-app-key");
/// The scheme of the credentials and the one space after it.
const BEARER: &str = "bearer ";

/// What an AICC caller who is not let in is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AiccDenied {
    /// The credentials are missing or wrong, or the token is.
    Forbidden,
    /// They are right, but the tenant's account is suspended.
    Suspended,
    /// Too many attempts; the credentials were not looked at.
    TooManyAttempts {
        /// When to try again, at least one second.
        retry_after: Seconds,
    },
}

impl From<Denied> for AiccDenied {
    fn from(denied: Denied) -> Self {
        match (denied.refusal, denied.cause) {
            (Refusal::TooManyAttempts { retry_after }, _) => Self::TooManyAttempts { retry_after },
            (Refusal::Unauthorized { .. }, Cause::Suspended) => Self::Suspended,
            (Refusal::Unauthorized { .. }, _) => Self::Forbidden,
        }
    }
}

impl Access {
    /// Tells whose application it is that has this key and this secret.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub fn aicc_application(
        &self,
        attempt: Attempt<'_>,
        key: &str,
        secret: &SecretString,
    ) -> Result<Scope, AiccDenied> {
        let result = self.application_of_pair(attempt, key, secret);
        let scope = result.map_err(|failed| self.deny(attempt, failed))?;
        notes::tenant(&scope.tenant);
        Ok(scope)
    }

    /// Lets in the holder of a token that was signed with `signing` and is still good at `now`.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub fn aicc<'s>(
        &self,
        attempt: Attempt<'s>,
        signing: &SigningKey,
        now: Timestamp,
    ) -> Result<Principal<'s>, AiccDenied> {
        Ok(self.admitted(attempt, holder_of_token(attempt, signing, now))?)
    }

    fn application_of_pair(&self, attempt: Attempt<'_>, key: &str, secret: &SecretString) -> Result<Scope, Failed> {
        let Attempt { source, settings, .. } = attempt;
        let (owner, right) = find(settings, key, secret);
        let failed = |cause| Failed::at(owner.map(|(tenant, _)| &tenant.id), cause);
        let credential = Credential::Secret { key, secret: secret.expose_secret() };
        let now = (self.clock)();
        if self.stops(source, &credential, now) {
            return Err(failed(Cause::Blocked));
        }
        let (tenant, application) = owner.filter(|_| right).ok_or_else(|| failed(Cause::WrongPassword))?;
        self.known.remember(source, &credential, &settings.access, now);
        check_in_service(tenant)?;
        Ok(Scope { tenant: tenant.id.clone(), environment: application.environment.clone() })
    }
}

/// The application that has the key, and whether the secret is its own. All pairs are compared, both halves of each, so
/// that the time does not tell which one came close, nor whether the key is known.
fn find<'a>(
    settings: &'a Settings,
    key: &str,
    secret: &SecretString,
) -> (Option<(&'a Tenant, &'a AiccApplication)>, bool) {
    let (mut owner, mut right) = (None, Choice::from(0));
    for tenant in settings.tenants.values() {
        for application in &tenant.aicc.applications {
            let same_key = application.key.as_bytes().ct_eq(key.as_bytes());
            let same_secret = Choice::from(u8::from(application.secret.is(secret.expose_secret().as_bytes())));
            if same_key.into() {
                owner = Some((tenant, application));
            }
            right |= same_key & same_secret;
        }
    }
    (owner, right.into())
}

fn holder_of_token<'s>(attempt: Attempt<'s>, signing: &SigningKey, now: Timestamp) -> Result<Principal<'s>, Failed> {
    let Attempt { headers, settings, .. } = attempt;
    let nobody = |cause| Failed::at(None, cause);
    let authorization =
        headers::text(headers, &AUTHORIZATION).map_err(nobody)?.ok_or_else(|| nobody(Cause::Missing))?;
    let token = bearer(authorization).ok_or_else(|| nobody(Cause::Malformed))?;
    let token = Token::read(token, signing, now).map_err(nobody)?;
    // What was signed an hour ago may no longer be configured.
    let tenant = settings.tenants.get(&token.scope.tenant).ok_or_else(|| nobody(Cause::Token))?;
    let failed = |cause| Failed::at(Some(&tenant.id), cause);
    let mut applications = tenant.aicc.applications.iter();
    let same = |application: &&AiccApplication| {
        application.key == token.app_key && application.environment == token.scope.environment
    };
    let application = applications.find(same).ok_or_else(|| failed(Cause::Token))?;
    match headers::text(headers, &APP_KEY).map_err(failed)? {
        Some(key) if key != application.key => return Err(failed(Cause::KeyOfAnother)),
        _ => {}
    }
    check_in_service(tenant)?;
    let identity = Identity::AiccApplication(application.key.clone());
    Ok(Principal { tenant, scope: token.scope, identity, role: Role::default(), extent: Extent::Tenant })
}

fn check_in_service(tenant: &Tenant) -> Result<(), Failed> {
    if tenant.aicc.suspended { Err(Failed::at(Some(&tenant.id), Cause::Suspended)) } else { Ok(()) }
}

/// The token of an `Authorization` header: the scheme in any case, exactly one space as the vendor demands, and what
/// follows without any.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_at_checked(BEARER.len())?;
    (scheme.eq_ignore_ascii_case(BEARER) && !token.contains(char::is_whitespace)).then_some(token)
}

#[cfg(test)]
mod tests;
