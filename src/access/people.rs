//! People: users whose password was verified, and what each of them may do in which tenant.

use super::failed::Failed;
use super::headers::UserPassword;
use super::passwords::Claim;
use super::principal::Extent;
use super::{Access, Attempt, Cause, Denied, Identity, Principal};
use crate::config::{PasswordHash, Settings, Tenant, User};
use crate::domain::{EnvironmentName, Scope, TenantId};

/// A user whose password was verified. What the user may do is asked of the settings in force each time, so that a reload
/// that takes rights away, or changes the password, counts at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: String,
    /// Where the user is configured.
    pub home: Home,
    /// What the password was held against.
    hash: PasswordHash,
}

/// Where a user is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// Among the users of a tenant.
    Tenant(TenantId),
    /// In `admin.users`: all tenants are seen.
    Gateway,
}

impl Person {
    /// What the settings say of the user; `None` where they know no such user any more, or another password.
    pub fn user<'s>(&self, settings: &'s Settings) -> Option<&'s User> {
        let users = match &self.home {
            Home::Tenant(tenant) => &settings.tenants.get(tenant)?.users,
            Home::Gateway => &settings.admin.users,
        };
        users.get(&self.name).filter(|user| user.hash == self.hash)
    }

    /// The tenants that the user sees, in their order.
    pub fn tenants<'s>(&self, settings: &'s Settings) -> impl Iterator<Item = &'s Tenant> {
        let known = self.user(settings).is_some();
        let seen = move |tenant: &&Tenant| match &self.home {
            Home::Tenant(own) => *own == tenant.id,
            Home::Gateway => true,
        };
        settings.tenants.values().filter(move |_| known).filter(seen)
    }

    /// The user as a caller in a tenant; `None` where the user is gone, sees no such tenant, or the tenant has no such
    /// environment. A tenant with environments needs one.
    pub fn in_scope<'s>(
        &self,
        settings: &'s Settings,
        tenant: &TenantId,
        environment: Option<&EnvironmentName>,
    ) -> Option<Principal<'s>> {
        let tenant = self.tenants(settings).find(|seen| seen.id == *tenant)?;
        let environment = match environment {
            Some(name) if tenant.environments.contains(name) => Some(name.clone()),
            None if tenant.environments.is_empty() => None,
            _ => return None,
        };
        self.principal(settings, tenant, environment)
    }

    /// Somebody of tenant `one` whose password nobody has asked for.
    #[cfg(test)]
    pub(crate) fn for_tests(name: &str) -> Self {
        const HASH: &str =
            "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";
        let tenant = TenantId::new("one").expect("it is a name");
        let hash = PasswordHash::new(HASH).expect("it is a hash");
        Self { name: name.to_owned(), home: Home::Tenant(tenant), hash }
    }

    /// The user as a caller in a tenant that the user sees.
    pub(super) fn principal<'s>(
        &self,
        settings: &Settings,
        tenant: &'s Tenant,
        environment: Option<EnvironmentName>,
    ) -> Option<Principal<'s>> {
        let role = self.user(settings)?.role;
        let extent = match self.home {
            Home::Tenant(_) => Extent::Tenant,
            Home::Gateway => Extent::Gateway,
        };
        let scope = Scope { tenant: tenant.id.clone(), environment };
        Some(Principal { tenant, scope, identity: Identity::Basic(self.name.clone()), role, extent })
    }
}

/// What the settings say of a user who calls for a tenant: one of its own, or one who sees all tenants.
pub(super) fn user_of<'s>(settings: &'s Settings, tenant: &'s Tenant, name: &str) -> Option<(&'s User, Extent)> {
    let own = tenant.users.get(name).map(|user| (user, Extent::Tenant));
    own.or_else(|| Some((settings.admin.users.get(name)?, Extent::Gateway)))
}

impl Access {
    /// Verifies a user by name and password, as every interface does: with the same memory of verified passwords, the same
    /// workers and the same limit on guesses. `tenant` says whose user is meant where several tenants have one of that name.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn person(
        &self,
        attempt: Attempt<'_>,
        user: UserPassword,
        tenant: Option<&str>,
    ) -> Result<Person, Denied> {
        let found = self.verified_person(attempt, user, tenant).await;
        found.map_err(|failed| self.deny(attempt, failed))
    }

    pub(super) async fn verified_person(
        &self,
        attempt: Attempt<'_>,
        user: UserPassword,
        tenant: Option<&str>,
    ) -> Result<Person, Failed> {
        let known = known(attempt.settings, &user.user, tenant);
        let home = known.as_ref().map(|(home, _)| home);
        let of = match home {
            Some(Home::Tenant(id)) => Some(id),
            Some(Home::Gateway) | None => None,
        };
        let hash = known.as_ref().map(|(_, known)| &known.hash).ok_or(Cause::WrongPassword);
        self.verify(attempt, &Claim { tenant: of, user: &user, hash }).await?;
        let (home, found) = known.ok_or_else(|| Failed::at(None, Cause::WrongPassword))?;
        Ok(Person { name: user.user, home, hash: found.hash.clone() })
    }
}

/// The user of a name: of the tenant that is named, else of the only one that has such a user, else one who sees all.
fn known<'s>(settings: &'s Settings, name: &str, tenant: Option<&str>) -> Option<(Home, &'s User)> {
    if let Some(user) = settings.admin.users.get(name) {
        // The name is nobody else's. A tenant that is named must exist, or its name would be taken for right.
        let exists = tenant.is_none_or(|id| settings.tenants.contains_key(id));
        return exists.then_some((Home::Gateway, user));
    }
    let tenants = settings.tenants.values().filter(|known| tenant.is_none_or(|id| id == known.id.as_str()));
    let mut knowing = tenants.filter_map(|tenant| Some((Home::Tenant(tenant.id.clone()), tenant.users.get(name)?)));
    // A name that several tenants know tells none of them.
    knowing.next().filter(|_| knowing.next().is_none())
}
