//! What each tenant has, counted step by step: every change is looked at before the tables take it over.

use super::{State, Turn};
use crate::domain::hash::FastMap;
use crate::domain::quotas::{Quota, Quotas, TenantUsage, Usage, cost};
use crate::domain::{Change, Refusal, Sharing, Tables, TenantId};

/// What tenants have of that which the tables have no index of.
#[derive(Debug, Default)]
pub(super) struct Usages {
    tenants: FastMap<TenantId, Usage>,
    /// What all documents together cost, in bytes.
    document_bytes: u64,
}

impl Usages {
    /// What tenants have by the tables.
    pub(super) fn of(tables: &Tables) -> Self {
        let mut usages = Self::default();
        for (scope, tables) in tables.scopes() {
            let lent = tables.lent.iter().filter_map(|(id, number)| tables.numbers.get(number)?.allocation(*id));
            let document_bytes = tables.documents.values().map(|document| cost(document)).sum::<u64>();
            let usage = usages.tenant(&scope.tenant);
            usage.documents += tables.documents.len() as u64;
            usage.document_bytes += document_bytes;
            usage.interactions += tables.interactions.len() as u64;
            usage.bookings += lent.filter(|allocation| allocation.sharing == Sharing::Shared).count() as u64;
            usages.document_bytes += document_bytes;
        }
        usages
    }

    /// Counts what a change will do to the tables.
    pub(super) fn follow(&mut self, tables: &Tables, change: &Change) {
        match change {
            Change::Document(scope, id, after) => {
                let before = tables.kept_document(scope, *id);
                let (came, went) = (after.as_deref().map_or(0, cost), before.map_or(0, |document| cost(document)));
                self.document_bytes = self.document_bytes + came - went;
                let usage = self.tenant(&scope.tenant);
                usage.document_bytes = usage.document_bytes + came - went;
                step(&mut usage.documents, before.is_some(), after.is_some());
            }
            Change::Interaction(scope, id, after) => {
                let before = tables.known_interaction(scope, id).is_some();
                step(&mut self.tenant(&scope.tenant).interactions, before, after.is_some());
            }
            Change::Allocated(scope, allocation) | Change::Released(scope, allocation)
                if allocation.sharing == Sharing::Shared =>
            {
                let before = tables.scope(scope).is_some_and(|tables| tables.lent.contains_key(&allocation.id));
                let after = matches!(change, Change::Allocated(..));
                step(&mut self.tenant(&scope.tenant).bookings, before, after);
            }
            _ => {}
        }
    }

    /// What is counted of a tenant.
    pub(super) fn counted(&self, tenant: &TenantId) -> Usage {
        self.tenants.get(tenant).copied().unwrap_or_default()
    }

    fn tenant(&mut self, tenant: &TenantId) -> &mut Usage {
        self.tenants.entry(tenant.clone()).or_default()
    }
}

/// Counts one thing that is there after a change, or was before.
fn step(count: &mut u64, before: bool, after: bool) {
    *count = *count + u64::from(after) - u64::from(before);
}

impl Turn<'_> {
    /// What each tenant has and may have that the rules name, in their order.
    pub fn usages(&self) -> Vec<TenantUsage> {
        let state = &*self.state;
        let of = |(tenant, quotas): (&TenantId, &Quotas)| TenantUsage {
            tenant: tenant.clone(),
            usage: state.usage(tenant),
            quotas: *quotas,
        };
        let mut usages: Vec<_> = state.rules.quotas.iter().map(of).collect();
        usages.sort_unstable_by(|one, other| one.tenant.cmp(&other.tenant));
        usages
    }
}

impl State {
    /// What a tenant may have.
    pub(super) fn quotas(&self, tenant: &TenantId) -> &Quotas {
        self.rules.quotas(tenant)
    }

    /// What a tenant has.
    pub(super) fn usage(&self, tenant: &TenantId) -> Usage {
        let history = self.tables.history().entries(tenant);
        Usage { keys: self.keys.count(tenant), history, ..self.usages.counted(tenant) }
    }

    /// Refuses one more of a kind of which the tenant has as many as it may have.
    pub(super) fn check_quota(&self, tenant: &TenantId, quota: Quota) -> Result<(), Refusal> {
        let counted = || self.usages.counted(tenant);
        let there = match quota {
            Quota::Documents => counted().documents,
            Quota::Interactions => counted().interactions,
            Quota::Bookings => counted().bookings,
            Quota::Keys => self.keys.living(tenant),
        };
        let limit = self.quotas(tenant).limit(quota);
        if there < limit { Ok(()) } else { Err(Refusal::QuotaFull { quota, limit }) }
    }

    /// Refuses documents of a tenant that would grow from `from` bytes by what they cost to `to`. Whoever only makes them
    /// smaller is let through, even where the operator has lowered a limit since.
    pub(super) fn check_growth(&self, tenant: &TenantId, from: u64, to: u64) -> Result<(), Refusal> {
        let there = self.usages.counted(tenant).document_bytes;
        let (own, total) = (self.quotas(tenant).document_bytes, self.rules.documents_total);
        for (there, limit) in [(there, own), (self.usages.document_bytes, total)] {
            if to > from && there - from + to > limit {
                return Err(Refusal::DocumentsFull { limit });
            }
        }
        Ok(())
    }
}
