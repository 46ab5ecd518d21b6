//! Who is calling, and for whom.
//!
//! Takes the credentials out of a request's headers and gives back a [`Principal`], or a [`Denied`] that says the same
//! whatever was wrong. This floor refuses to know what a call wants beyond the right it needs, and how a dialect words
//! a refusal.
//!
//! An attempt goes through these gates: can the credentials be read, is the source blocked, is the key right, is the
//! environment known, is the password in the memory of verified ones, is there a worker to verify it. A block comes
//! before everything that depends on what is right, so a blocked guesser is told the same whatever it presents. Only
//! credentials that this very source has used before are judged all the same, so that guesses stop no caller beside them.

mod aicc;
mod basic;
mod guesses;
mod headers;
mod known;
mod limits;
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
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

pub use aicc::AiccDenied;
pub use guesses::{Guesses, Suspect};
pub use headers::{UserPassword, presents_none};
pub use principal::{Cause, Denied, GmsSection, Identity, Principal, Refusal, Right};
pub use token::Token;
pub use verify::hash_secret;

use crate::config::{Application, ApplicationKind, Live, PasswordHash, Settings, Tenant};
use crate::domain::{EnvironmentName, Scope, Seconds, TenantId};
use crate::log::notes;
use headers::HeaderSet;
use known::{Credential, Known};
use limits::Failures;
use places::Held;
use principal::Users;
use verified::Verified;
use verify::{Trial, Verdict, Verifier};

/// Where the time comes from; tests bring their own.
type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How long those are sent away who find no place to wait for a worker.
const BUSY_FOR: Seconds = Seconds::new(1);

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

/// What a header set must hold for a call.
struct Needs {
    keys: &'static [ApplicationKind],
    users: Users,
    /// The environment of a call that names none.
    environment: Option<EnvironmentName>,
    /// The user that the message names in the place of the user headers.
    named: Option<UserPassword>,
}

/// A password and what it is held against.
struct Claim<'a> {
    tenant: Option<&'a TenantId>,
    user: &'a UserPassword,
    /// The hash of that very user, or why there is none. Either costs the same.
    hash: Result<&'a PasswordHash, Cause>,
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

    async fn header_set(
        &self,
        settings: &Settings,
        headers: &HeaderMap,
        set: &HeaderSet<'_>,
        source: IpAddr,
        needs: &Needs,
    ) -> Result<Principal, Failed> {
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
        if let Some(user) = &user {
            // A guess at tenant or key that presents a password costs what a guess at a password costs. One who has a
            // right key of another kind knows that already, and is not to make the gateway work.
            let hash = match &opened {
                Ok((tenant, ..)) => tenant.users.get(&user.user).ok_or(Cause::WrongPassword),
                Err(cause) if cause.is_a_guess() => Err(*cause),
                Err(cause) => return Err(failed(*cause)),
            };
            let claim = Claim { tenant: tenant.map(|tenant| &tenant.id), user, hash };
            self.verify(settings, source, &claim).await?;
        }
        let (tenant, application, environment) = opened.map_err(failed)?;
        self.known.remember(source, &key, &settings.access, (self.clock)());
        let identity = Identity::Application { name: application.name.to_string(), user: user.map(|user| user.user) };
        Ok(Principal { scope: Scope { tenant: tenant.id.clone(), environment }, identity })
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

    /// Whether `source` is blocked, and has not used `credential` before.
    fn stops(&self, source: IpAddr, credential: &Credential<'_>, now: Instant) -> bool {
        self.failures.blocked(source, now).is_some() && !self.known.knows(source, credential, now)
    }

    /// Holds a password against its hash, or finds it in the memory. An unknown user costs what a known one costs.
    async fn verify(&self, settings: &Settings, source: IpAddr, claim: &Claim<'_>) -> Result<(), Failed> {
        let rules = &settings.access;
        let failed = |cause| Failed::at(claim.tenant, cause);
        let UserPassword { user, password } = claim.user;
        let credential = Credential::Password {
            tenant: claim.tenant.map_or("", TenantId::as_str),
            user,
            password: password.expose_secret(),
        };
        // The same hash may stand for several users, so only one who is asked for has a mark.
        let mark = claim.tenant.zip(claim.hash.ok());
        let mark = mark.map(|(tenant, hash)| self.verified.mark(tenant, user, password, hash));
        let known = || {
            let now = (self.clock)();
            if self.stops(source, &credential, now) {
                return Some(Err(failed(Cause::Blocked)));
            }
            mark.filter(|mark| self.verified.knows(mark, now, rules)).map(|_| Ok(()))
        };
        let trial = || {
            let hash = claim.hash.ok().cloned();
            Trial { password: password.clone(), hash, costs: settings.hash_costs() }
        };
        let verdict = match known() {
            Some(verdict) => Verdict::Meanwhile(verdict),
            None => self.verifier.verify(source, trial, known).await,
        };
        let now = (self.clock)();
        match (verdict, mark) {
            (Verdict::Meanwhile(Err(failed)), _) => return Err(failed),
            (Verdict::Meanwhile(Ok(())), _) => {}
            (Verdict::Busy, _) => return Err(failed(Cause::Busy)),
            (Verdict::Right(_held), Some(mark)) => self.verified.remember(mark, now, rules),
            (Verdict::Right(held) | Verdict::Wrong(held), _) => {
                if claim.hash.is_ok() {
                    self.known.forget(source, &credential, now);
                }
                let cause = claim.hash.err().unwrap_or(Cause::WrongPassword);
                return Err(Failed { held: Some(held), ..failed(cause) });
            }
        }
        self.known.remember(source, &credential, rules, now);
        Ok(())
    }

    /// Notes whose call it is, or refuses it.
    fn admitted(
        &self,
        settings: &Settings,
        source: IpAddr,
        result: Result<Principal, Failed>,
    ) -> Result<Principal, Denied> {
        let result = result.map_err(|failed| self.deny(settings, source, failed));
        result.inspect(|principal| notes::tenant(&principal.scope.tenant))
    }

    /// Counts the failure, notes its cause for the log, and words the refusal.
    fn deny(&self, settings: &Settings, source: IpAddr, failed: Failed) -> Denied {
        let now = (self.clock)();
        let blocked = self.failures.blocked(source, now);
        let cause = if failed.cause.is_a_guess() && blocked.is_some() { Cause::Blocked } else { failed.cause };
        let tenant = failed.tenant.as_ref().map_or("", TenantId::as_str);
        if cause.is_a_guess() && self.failures.count(source, now, &settings.access) {
            tracing::warn!(%source, tenant, "too many failed attempts, the source is blocked for a while");
        }
        drop(failed.held);
        self.denials[cause as usize].fetch_add(1, Ordering::Relaxed);
        notes::reason(cause.label());
        if let Some(tenant) = &failed.tenant {
            notes::tenant(tenant);
        }
        let refusal = match cause {
            Cause::Blocked => Refusal::TooManyAttempts { retry_after: blocked.unwrap_or(BUSY_FOR) },
            Cause::Busy => Refusal::TooManyAttempts { retry_after: BUSY_FOR },
            _ => Refusal::Unauthorized { realm: basic::realm(settings).to_owned() },
        };
        Denied { refusal, cause }
    }
}

/// Why an attempt failed, and at which configured tenant.
struct Failed {
    tenant: Option<TenantId>,
    cause: Cause,
    /// The worker that found out; busy until the failure is counted, so that guesses in parallel see each other.
    held: Option<Held>,
}

impl Failed {
    fn at(tenant: Option<&TenantId>, cause: Cause) -> Self {
        Self { tenant: tenant.cloned(), cause, held: None }
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
