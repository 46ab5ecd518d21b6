//! The gate for passwords: is the source blocked, is it in the memory of verified ones, does it have the hash.

use std::net::IpAddr;
use std::time::Instant;

use secrecy::ExposeSecret;

use super::failed::Failed;
use super::headers::UserPassword;
use super::known::Credential;
use super::verify::{Trial, Verdict};
use super::{Access, Attempt, Cause};
use crate::config::PasswordHash;
use crate::domain::TenantId;

/// A password and what it is held against.
pub(super) struct Claim<'a> {
    pub(super) tenant: Option<&'a TenantId>,
    pub(super) user: &'a UserPassword,
    /// The hash of that very user, or why there is none. Either costs the same.
    pub(super) hash: Result<&'a PasswordHash, Cause>,
}

impl Access {
    /// Whether `source` is blocked, and has not used `credential` before.
    pub(super) fn stops(&self, source: IpAddr, credential: &Credential<'_>, now: Instant) -> bool {
        self.failures.blocked(source, now).is_some() && !self.known.knows(source, credential, now)
    }

    /// Holds a password against its hash, or finds it in the memory. An unknown user costs what a known one costs.
    pub(super) async fn verify(&self, attempt: Attempt<'_>, claim: &Claim<'_>) -> Result<(), Failed> {
        let Attempt { source, settings, .. } = attempt;
        let rules = &settings.access;
        let failed = |cause| Failed::at(claim.tenant, cause);
        let UserPassword { user, password } = claim.user;
        let credential = Credential::Password {
            tenant: claim.tenant.map_or("", TenantId::as_str),
            user,
            password: password.expose_secret(),
        };
        // The same hash may stand for several users, so only one who is asked for has a mark.
        let mark = claim.hash.ok().map(|hash| self.verified.mark(claim.tenant, user, password, hash));
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
}
