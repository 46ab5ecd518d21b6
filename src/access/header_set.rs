//! The gate for callers who come with the headers of the Interact API: tenant, key, environment and, where it is asked for,
//! a user.

use actix_web::http::header::HeaderMap;

use super::failed::Failed;
use super::headers::{HeaderSet, UserPassword};
use super::known::Credential;
use super::passwords::Claim;
use super::people::user_of;
use super::principal::{Effect, Extent, Users};
use super::{Access, Attempt, Cause, Identity, Principal, environment};
use crate::config::{Application, ApplicationKind, Role, Tenant};
use crate::domain::{EnvironmentName, Scope};

/// What a header set must hold for a call.
pub(super) struct Needs {
    pub(super) keys: &'static [ApplicationKind],
    pub(super) users: Users,
    /// What the call does, which not every user may.
    pub(super) effect: Effect,
    /// The environment of a call that names none.
    pub(super) environment: Option<EnvironmentName>,
    /// The user that the message names in the place of the user headers.
    pub(super) named: Option<UserPassword>,
}

impl Access {
    /// Lets in whom a header set names.
    pub(super) async fn header_set<'s>(
        &self,
        attempt: Attempt<'s>,
        set: &HeaderSet<'_>,
        needs: &Needs,
    ) -> Result<Principal<'s>, Failed> {
        let Attempt { headers, source, settings } = attempt;
        let tenant = settings.tenants.get(set.tenant);
        let failed = |cause| Failed::at(tenant.map(|tenant| &tenant.id), cause);
        // What is missing or cannot be read is so whether the key is right or not.
        let user = || set.user_or(needs.named.as_ref());
        let user = match needs.users {
            Users::Ignored => None,
            Users::Optional => user().map_err(failed)?,
            Users::Required => Some(user().map_err(failed)?.ok_or_else(|| failed(Cause::Missing))?),
        };
        let key = Credential::Key { tenant: set.tenant, key: set.key };
        let now = (self.clock)();
        if self.stops(source, &key, now) {
            return Err(failed(Cause::Blocked));
        }
        let opened = tenant.ok_or(Cause::UnknownTenant).and_then(|tenant| open(tenant, headers, set, needs));
        let of_name = |user: &UserPassword| user_of(settings, tenant?, &user.user);
        let known = user.as_ref().and_then(of_name);
        if let Some(user) = &user {
            // A guess at tenant or key that presents a password costs what a guess at a password costs. One who has a
            // right key of another kind knows that already, and is not to make the gateway work.
            let hash = match &opened {
                Ok(_) => known.map(|(user, _)| &user.hash).ok_or(Cause::WrongPassword),
                Err(cause) if cause.is_a_guess() => Err(*cause),
                Err(cause) => return Err(failed(*cause)),
            };
            let claim = Claim { tenant: tenant.map(|tenant| &tenant.id), user, hash };
            self.verify(attempt, &claim).await?;
        }
        let (tenant, application, environment) = opened.map_err(failed)?;
        self.known.remember(source, &key, &settings.access, (self.clock)());
        let (role, extent) = known.map_or((Role::default(), Extent::Tenant), |(user, extent)| (user.role, extent));
        // Where the key alone opens the call, no user is verified; who says to be a viewer is taken at its word.
        let said = || set.user().ok().flatten().as_ref().and_then(of_name).map_or(role, |(user, _)| user.role);
        let changes = needs.effect == Effect::Changes;
        if changes && !(role.may_change() && (user.is_some() || said().may_change())) {
            return Err(failed(Cause::Role));
        }
        let Application { name, kind, .. } = application;
        let identity = Identity::Application { name: name.clone(), kind: *kind, user: user.map(|user| user.user) };
        Ok(Principal { tenant, scope: Scope { tenant: tenant.id.clone(), environment }, identity, role, extent })
    }
}

/// What the key of a header set opens.
fn open<'a>(
    tenant: &'a Tenant,
    headers: &HeaderMap,
    set: &HeaderSet<'_>,
    needs: &Needs,
) -> Result<(&'a Tenant, &'a Application, Option<EnvironmentName>), Cause> {
    let application = application(tenant, set.key).ok_or(Cause::WrongKey)?;
    if !needs.keys.contains(&application.kind) {
        return Err(Cause::WrongKindOfKey);
    }
    Ok((tenant, application, environment(tenant, headers, needs.environment.as_ref())?))
}

/// The application that has this key. All are compared, so that the time does not tell which one came close.
fn application<'a>(tenant: &'a Tenant, key: &[u8]) -> Option<&'a Application> {
    tenant
        .applications
        .iter()
        .fold(None, |found, application| if application.key.is(key) { Some(application) } else { found })
}
