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
mod people;
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
pub use guesses::{Guess, Guesses};
pub use headers::{UserPassword, presents_none};
pub use people::{Home, Person};
pub use principal::{Cause, Denied, Effect, Extent, GmsSection, Identity, Principal, Refusal, Right};
pub use token::Token;
pub use verify::hash_secret;

use crate::config::{self, ApplicationKind, Role, Settings, Tenant};
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

/// A call as the gate sees it: what its head shows, where it comes from, and the settings that hold for all of it.
#[derive(Clone, Copy)]
pub struct Attempt<'s> {
    /// The headers.
    pub headers: &'s HeaderMap,
    /// Who sent it: the peer, or the client that a trusted proxy names.
    pub source: IpAddr,
    /// The settings in force when it came.
    pub settings: &'s Settings,
}

/// The gate to the gateway; clones share its memory.
#[derive(Clone)]
pub struct Access {
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
    /// A gate with the workers and the waiting attempts of `rules`; everything else follows the settings of each call.
    pub fn new(rules: &config::Access) -> Self {
        Self::with_clock(rules, Arc::new(Instant::now))
    }

    fn with_clock(rules: &config::Access, clock: Clock) -> Self {
        Self {
            clock,
            failures: Arc::default(),
            known: Arc::default(),
            guesses: Arc::default(),
            verified: Arc::new(Verified::new()),
            verifier: Verifier::new(rules),
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

    /// Lets in an Interact call that needs `right`. `named` is the user that a message may name itself: tenant and key are
    /// in the headers all the same, and where the headers name a user too, it must be this one.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn interact<'s>(
        &self,
        attempt: Attempt<'s>,
        named: Option<UserPassword>,
        right: Right,
    ) -> Result<Principal<'s>, Denied> {
        let (keys, users, effect) = (right.keys(), right.users(), right.effect());
        let needs = Needs { keys, users, effect, environment: None, named };
        let result = match HeaderSet::read(attempt.headers) {
            Ok(Some(set)) => self.header_set(attempt, &set, &needs).await,
            Ok(None) => Err(Failed::at(None, Cause::Missing)),
            Err(cause) => Err(Failed::at(None, cause)),
        };
        self.admitted(attempt, result)
    }

    /// Lets in a GMS call at `section`: by the Interact header set if one is presented, else by Basic authentication where
    /// the section asks for a password, else as the anonymous tenant's. `effect` is what the call does, which a user whom
    /// the set names may not be allowed.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn gms<'s>(
        &self,
        attempt: Attempt<'s>,
        section: GmsSection<'_>,
        effect: Effect,
    ) -> Result<Principal<'s>, Denied> {
        let result = match HeaderSet::read(attempt.headers) {
            Ok(Some(set)) => self.gms_header_set(attempt, &set, section, effect).await,
            Ok(None) => self.basic(attempt, section).await,
            Err(cause) => Err(Failed::at(None, cause)),
        };
        self.admitted(attempt, result)
    }

    /// Lets in a GMS call by the header set. A password that the section has of its own is asked for as well; the one that
    /// all sections share is only for callers without the set. Matching frees numbers, so it takes the dnis key.
    async fn gms_header_set<'s>(
        &self,
        attempt: Attempt<'s>,
        set: &HeaderSet<'_>,
        section: GmsSection<'_>,
        effect: Effect,
    ) -> Result<Principal<'s>, Failed> {
        let Attempt { headers, settings, .. } = attempt;
        let tenant = settings.tenants.get(set.tenant);
        let matches = tenant.is_some_and(|tenant| basic::matches_calls(tenant, section));
        let needs = Needs {
            keys: if matches { Right::Get.keys() } else { Right::Allocate.keys() },
            users: Users::Optional,
            effect,
            environment: settings.gms.environment.clone(),
            named: None,
        };
        let principal = self.header_set(attempt, set, &needs).await?;
        if let Some((tenant, wanted)) = tenant.and_then(|tenant| Some((tenant, basic::own(tenant, section)?))) {
            let failed = |cause| Failed::at(Some(&tenant.id), cause);
            let user = basic::read(headers).map_err(failed)?.ok_or_else(|| failed(Cause::Missing))?;
            let hash = is_user(wanted.user, &user.user).then_some(wanted.password).ok_or(Cause::WrongPassword);
            self.verify(attempt, &Claim { tenant: Some(&tenant.id), user: &user, hash }).await?;
        }
        Ok(principal)
    }

    /// Lets in a call to the gateway's own API: by the Interact header set with the dnis key and a user, or by Basic. The
    /// user of a Basic header is one of a tenant's `users`; where more than one tenant knows the name, the header
    /// `Tenant-Id` says which one is meant, and so where the user sees all. `named` is the user that a message may name itself, in the place of the user
    /// headers or of Basic; where the headers name one too, it must be this one.
    ///
    /// # Errors
    /// Who is not let in, and what to answer.
    pub async fn native<'s>(&self, attempt: Attempt<'s>, named: Option<UserPassword>) -> Result<Principal<'s>, Denied> {
        let Attempt { headers, settings, .. } = attempt;
        let environment = settings.gms.environment.clone();
        let basic = basic::read(headers).and_then(|basic| headers::one_user(basic, named.as_ref()));
        let result = match basic {
            Ok(Some(user)) if !headers::has_key(headers) => self.named_user(attempt, user).await,
            Ok(_) => match HeaderSet::read(headers) {
                Ok(Some(set)) => {
                    // What a viewer may not do is told by the operation, and not as wrong credentials.
                    let (keys, users, effect) = (&[ApplicationKind::Dnis], Users::Required, Effect::Reads);
                    let needs = Needs { keys, users, effect, environment, named };
                    self.header_set(attempt, &set, &needs).await
                }
                Ok(None) => Err(Failed::at(None, Cause::Missing)),
                Err(cause) => Err(Failed::at(None, cause)),
            },
            Err(cause) => Err(Failed::at(None, cause)),
        };
        self.admitted(attempt, result)
    }

    /// Lets in a user by Basic, whose name tells the tenant; one who sees all tenants names one, unless there is no other.
    async fn named_user<'s>(&self, attempt: Attempt<'s>, user: UserPassword) -> Result<Principal<'s>, Failed> {
        let Attempt { headers, settings, .. } = attempt;
        let named = headers::tenant(headers).map_err(|cause| Failed::at(None, cause))?;
        let person = self.verified_person(attempt, user, named).await?;
        let mut seen = person.tenants(settings).filter(|tenant| named.is_none_or(|id| id == tenant.id.as_str()));
        let tenant = seen.next().filter(|_| seen.next().is_none()).ok_or_else(|| Failed::at(None, Cause::Missing))?;
        let failed = |cause| Failed::at(Some(&tenant.id), cause);
        let environment = environment(tenant, headers, settings.gms.environment.as_ref()).map_err(failed)?;
        person.principal(settings, tenant, environment).ok_or_else(|| failed(Cause::WrongPassword))
    }

    /// Lets in by Basic, or anonymously: the tenant is the one whose user is presented, if its section asks for a
    /// password at all, and otherwise the anonymous one. A Basic header is ignored only where no tenant asks: otherwise it
    /// would tell which user names there are.
    async fn basic<'s>(&self, attempt: Attempt<'s>, section: GmsSection<'_>) -> Result<Principal<'s>, Failed> {
        let Attempt { headers, settings, .. } = attempt;
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
            self.verify(attempt, &claim).await?;
            Identity::Basic(user.user)
        } else {
            Identity::Anonymous
        };
        let tenant = tenant.ok_or_else(|| failed(Cause::WrongPassword))?;
        let environment = environment(tenant, headers, settings.gms.environment.as_ref()).map_err(failed)?;
        let scope = Scope { tenant: tenant.id.clone(), environment };
        Ok(Principal { tenant, scope, identity, role: Role::default(), extent: Extent::Tenant })
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
