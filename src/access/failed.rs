//! An attempt that failed: counted, told to the log with its cause, and refused in words that do not tell the cause.

use std::sync::atomic::Ordering;

use super::places::Held;
use super::{Access, Attempt, Cause, Denied, Principal, Refusal, basic};
use crate::domain::{Seconds, TenantId};
use crate::log::notes;

/// How long those are sent away who find no place to wait for a worker.
const BUSY_FOR: Seconds = Seconds::new(1);

/// Why an attempt failed, and at which configured tenant.
pub(super) struct Failed {
    pub(super) tenant: Option<TenantId>,
    pub(super) cause: Cause,
    /// The worker that found out; busy until the failure is counted, so that guesses in parallel see each other.
    pub(super) held: Option<Held>,
}

impl Failed {
    pub(super) fn at(tenant: Option<&TenantId>, cause: Cause) -> Self {
        Self { tenant: tenant.cloned(), cause, held: None }
    }
}

impl Access {
    /// Notes whose call it is, or refuses it.
    pub(super) fn admitted<'s>(
        &self,
        attempt: Attempt<'_>,
        result: Result<Principal<'s>, Failed>,
    ) -> Result<Principal<'s>, Denied> {
        let result = result.map_err(|failed| self.deny(attempt, failed));
        result.inspect(|principal| notes::tenant(&principal.scope.tenant))
    }

    /// Counts the failure, notes its cause for the log, and words the refusal.
    pub(super) fn deny(&self, attempt: Attempt<'_>, failed: Failed) -> Denied {
        let Attempt { source, settings, .. } = attempt;
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
