//! Who is calling, and for whom.
//!
//! Takes the credentials out of a request's headers and gives back a [`Principal`], or a [`Denied`] that says the same
//! whatever was wrong. This layer refuses to know what a call wants beyond the right it needs, and how a dialect words
//! a refusal.
//!
//! An attempt goes through these gates: can the credentials be read, is the source blocked, is the key right, is the
//! environment known, is the password in the memory of verified ones, is there a worker to verify it. A block comes
//! before everything that depends on what is right, so a blocked guesser is told the same whatever it presents. Only
//! credentials that this very source has used before are judged all the same, so that guesses stop no caller beside them.

mod aicc;
mod basic;
mod failed;
mod guesses;
mod header_set;
mod headers;
mod known;
mod limits;
mod passwords;
mod places;
mod principal;
mod rates;
mod table;
#[cfg(test)]
mod tests;
mod token;
mod verified;
mod verify;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::http::header::HeaderMap;
use subtle::ConstantTimeEq;

pub use aicc::AiccDenied;
pub use guesses::{Guesses, Suspect};
pub use headers::{UserPassword, presents_none};
pub use principal::{Cause, Denied, GmsSection, Identity, Principal, Refusal, Right};
pub use token::Token;
pub use verify::hash_secret;

use crate::config::{ApplicationKind, Live, Settings, Tenant};
use crate::domain::{EnvironmentName, Scope};
use failed::Failed;
use header_set::Needs;
use headers::HeaderSet;
use known::Known;
use limits::Failures;
use passwords::Claim;
use principal::Users;
use verified::Verified;
use verify::Verifier;

/// Where the time comes from; tests bring their own.
type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// The gate to the gateway; clones share its memory.
#[derive(Clone)]
pub struct Access {
    live: Live,
    clock: Clock,
    failures: Arc<Failures>,
    known: Arc<Known>,
    guesses: Arc<Guesses>,
    verified: Arc<Verified>,
    verifier: Verifier,
    /// How often each cause turned somebody away, in the order of [`Cause::ALL`].
    denials: Arc<[AtomicU64; Cause::ALL.len()]>,
}

impl Access {
    /// A gate that follows the settings of `live`. The numbers of workers and of waiting attempts are the ones of now.
    pub fn new(live: Live) -> Self {
        Self::with_clock(live, Arc::new(Instant::now))
    }

    fn with_clock(live: Live, clock: Clock) -> Self {
        let verifier = Verifier::new(&live.current().access);
        Self {
            live,
            clock,
            failures: Arc::default(),
            known: Arc::default(),
            guesses: Arc::default(),
            verified: Arc::new(Verified::new()),
            verifier,
            denials: Arc::default(),
        }
    }

    /// The wrong access codes of callers, which all dialects count together.
    pub fn guesses(&self) -> &Guesses {
        &self.guesses
    }

    /// Passwords that were held against a hash since the start; the memory of verified ones keeps this low.
    pub fn verifications(&self) -> u64 {
        self.verifier.done()
    }

    /// How often each cause has turned somebody away since the start.
    pub fn denials(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL.into_iter().map(|cause| (cause, self.denials[cause as usize].load(Ordering::Relaxed)))
    }

    /// Lets in an Interact call of `source` that needs `right`.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn interact(&self, headers: &HeaderMap, source: IpAddr, right: Right) -> Result<Principal, Denied> {
        self.interact_as(None, headers, source, right).await
    }

    /// As [`Self::interact`], for a message that may name a user itself. Tenant and key are in the headers all the same,
    /// and where the headers name a user too, it must be this one.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn interact_as(
        &self,
        named: Option<UserPassword>,
        headers: &HeaderMap,
        source: IpAddr,
        right: Right,
    ) -> Result<Principal, Denied> {
        let settings = self.live.current();
        let needs = Needs { keys: right.keys(), users: right.users(), environment: None, named };
        let result = match HeaderSet::read(headers) {
            Ok(Some(set)) => self.header_set(&settings, headers, &set, source, &needs).await,
            Ok(None) => Err(Failed::at(None, Cause::Missing)),
            Err(cause) => Err(Failed::at(None, cause)),
        };
        self.admitted(&settings, source, result)
    }

    /// Lets in a GMS call of `source` at `section`: by the Interact header set if one is presented, else by Basic
    /// authentication where the section asks for a password, else as the anonymous tenant's.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn gms(&self, headers: &HeaderMap, source: IpAddr, section: GmsSection<'_>) -> Result<Principal, Denied> {
        let settings = self.live.current();
        let result = match HeaderSet::read(headers) {
            Ok(Some(set)) => self.gms_header_set(&settings, headers, &set, source, section).await,
            Ok(None) => self.basic(&settings, headers, source, section).await,
            Err(cause) => Err(Failed::at(None, cause)),
        };
        self.admitted(&settings, source, result)
    }

    /// Lets in a GMS call by the header set. A password that the section has of its own is asked for as well; the one that
    /// all sections share is only for callers without the set. Matching frees numbers, so it takes the dnis key.
    async fn gms_header_set(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        set: &HeaderSet<'_>,
        source: IpAddr,
        section: GmsSection<'_>,
    ) -> Result<Principal, Failed> {
        let tenant = settings.tenants.get(set.tenant);
        let matches = tenant.is_some_and(|tenant| basic::matches_calls(tenant, section));
        let needs = Needs {
            keys: if matches { Right::Get.keys() } else { Right::Allocate.keys() },
            users: Users::Optional,
            environment: settings.gms.environment.clone(),
            named: None,
        };
        let principal = self.header_set(settings, headers, set, source, &needs).await?;
        if let Some((tenant, wanted)) = tenant.and_then(|tenant| Some((tenant, basic::own(tenant, section)?))) {
            let failed = |cause| Failed::at(Some(&tenant.id), cause);
            let user = basic::read(headers).map_err(failed)?.ok_or_else(|| failed(Cause::Missing))?;
            let hash = is_user(wanted.user, &user.user).then_some(wanted.password).ok_or(Cause::WrongPassword);
            self.verify(settings, source, &Claim { tenant: Some(&tenant.id), user: &user, hash }).await?;
        }
        Ok(principal)
    }

    /// Lets in a call of `source` to the gateway's own API: by the Interact header set with the dnis key and a user, or by
    /// Basic. The user of a Basic header is one of a tenant's `users`; where more than one tenant knows the name, the
    /// header `Tenant-Id` says which one is meant.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn native(&self, headers: &HeaderMap, source: IpAddr) -> Result<Principal, Denied> {
        self.native_as(None, headers, source).await
    }

    /// As [`Self::native`], for a message that may name a user itself, in the place of the user headers or of Basic. Where
    /// the headers name one too, it must be this one.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn native_as(
        &self,
        named: Option<UserPassword>,
        headers: &HeaderMap,
        source: IpAddr,
    ) -> Result<Principal, Denied> {
        let settings = self.live.current();
        let environment = settings.gms.environment.clone();
        let basic = basic::read(headers).and_then(|basic| headers::one_user(basic, named.as_ref()));
        let result = match basic {
            Ok(Some(user)) if !headers::has_key(headers) => self.named_user(&settings, headers, source, user).await,
            Ok(_) => match HeaderSet::read(headers) {
                Ok(Some(set)) => {
                    let needs = Needs { keys: &[ApplicationKind::Dnis], users: Users::Required, environment, named };
                    self.header_set(&settings, headers, &set, source, &needs).await
                }
                Ok(None) => Err(Failed::at(None, Cause::Missing)),
                Err(cause) => Err(Failed::at(None, cause)),
            },
            Err(cause) => Err(Failed::at(None, cause)),
        };
        self.admitted(&settings, source, result)
    }

    /// Lets in a user by Basic, whose name tells the tenant.
    async fn named_user(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        source: IpAddr,
        user: UserPassword,
    ) -> Result<Principal, Failed> {
        let named = headers::tenant(headers).map_err(|cause| Failed::at(None, cause))?;
        let mut knowing = settings.tenants.values().filter(|tenant| named.is_none_or(|id| id == tenant.id.as_str()));
        let mut knowing = knowing.by_ref().filter_map(|tenant| Some((tenant, tenant.users.get(&user.user)?)));
        // A name that several tenants know tells none of them.
        let known = knowing.next().filter(|_| knowing.next().is_none());
        let tenant = known.map(|(tenant, _)| tenant);
        let hash = known.map(|(_, hash)| hash).ok_or(Cause::WrongPassword);
        let claim = Claim { tenant: tenant.map(|tenant| &tenant.id), user: &user, hash };
        self.verify(settings, source, &claim).await?;
        let tenant = tenant.ok_or_else(|| Failed::at(None, Cause::WrongPassword))?;
        let environment = environment(tenant, headers, settings.gms.environment.as_ref())
            .map_err(|cause| Failed::at(Some(&tenant.id), cause))?;
        let scope = Scope { tenant: tenant.id.clone(), environment };
        Ok(Principal { scope, identity: Identity::Basic(user.user) })
    }

    /// Lets in by Basic, or anonymously: the tenant is the one whose user is presented, if its section asks for a
    /// password at all, and otherwise the anonymous one. A Basic header is ignored only where no tenant asks: otherwise it
    /// would tell which user names there are.
    async fn basic(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        source: IpAddr,
        section: GmsSection<'_>,
    ) -> Result<Principal, Failed> {
        let presented = basic::read(headers);
        let user = presented.as_ref().ok().and_then(Option::as_ref);
        let owner = user.and_then(|user| basic::owner(settings, &user.user));
        let owner = owner.filter(|tenant| basic::wanted(tenant, section).is_some());
        let anonymous = settings.gms.anonymous_tenant.as_ref().and_then(|id| settings.tenants.get(id));
        let tenant = owner.or(anonymous);
        let failed = |cause| Failed::at(tenant.map(|tenant| &tenant.id), cause);
        let wanted = tenant.and_then(|tenant| basic::wanted(tenant, section));
        let is_judged = || {
            let asks = |tenant| basic::wanted(tenant, section).is_some();
            !matches!(presented, Ok(None)) && settings.tenants.values().any(asks)
        };

        let identity = if tenant.is_none() || wanted.is_some() || is_judged() {
            let user = presented.map_err(failed)?.ok_or_else(|| failed(Cause::Missing))?;
            let hash = wanted.filter(|wanted| is_user(wanted.user, &user.user)).map(|wanted| wanted.password);
            let hash = hash.ok_or(Cause::WrongPassword);
            let claim = Claim { tenant: tenant.map(|tenant| &tenant.id), user: &user, hash };
            self.verify(settings, source, &claim).await?;
            Identity::Basic(user.user)
        } else {
            Identity::Anonymous
        };
        let tenant = tenant.ok_or_else(|| failed(Cause::WrongPassword))?;
        let environment = environment(tenant, headers, settings.gms.environment.as_ref()).map_err(failed)?;
        Ok(Principal { scope: Scope { tenant: tenant.id.clone(), environment }, identity })
    }
}

/// The environment of a call: the one it names, else `default`; none at all where the tenant has none.
fn environment(
    tenant: &Tenant,
    headers: &HeaderMap,
    default: Option<&EnvironmentName>,
) -> Result<Option<EnvironmentName>, Cause> {
    if tenant.environments.is_empty() {
        return Ok(None);
    }
    let name = match headers::environment(headers)? {
        Some(name) => EnvironmentName::new(name).map_err(|_| Cause::Environment)?,
        None => default.cloned().ok_or(Cause::Environment)?,
    };
    if tenant.environments.contains(&name) { Ok(Some(name)) } else { Err(Cause::Environment) }
}

/// Whether `name` is the user that is asked for, in a time that does not tell how close it came.
fn is_user(wanted: Option<&str>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted.as_bytes().ct_eq(name.as_bytes()).into())
}
