//! What is remembered of allocations that have ended, and when it is forgotten.

use std::sync::Arc;

use super::{State, Turn};
use crate::domain::history::{Bucket, End, Owner, Past};
use crate::domain::{Allocation, Change, GroupName, Scope, TenantId, Timestamp};

impl State {
    /// Remembers an allocation that ended at `until`.
    pub(super) fn remember_past(
        &mut self,
        scope: &Arc<Scope>,
        group: Option<GroupName>,
        allocation: Arc<Allocation>,
        until: Timestamp,
        end: End,
    ) {
        let place = self.tables.history().place(&scope.tenant, until, self.now, &self.rules);
        if let Some((bucket, count)) = place {
            let past = Past { bucket, count, allocation, group, until, end };
            self.apply(Change::Ended(Arc::clone(scope), Arc::new(past)));
            self.limit_history_of(&scope.tenant);
            self.limit_history_in_all();
        }
    }

    fn limit_history_of(&mut self, tenant: &TenantId) {
        while let Some(bucket) = self.tables.history().surplus(tenant, &self.rules) {
            self.drop_history(Some(tenant.clone()), bucket);
        }
    }

    fn limit_history_in_all(&mut self) {
        while let Some((owner, bucket)) = self.tables.history().beyond_total(&self.rules) {
            self.drop_history(owner, bucket);
        }
    }

    fn drop_history(&mut self, owner: Owner, bucket: Bucket) {
        self.apply(Change::HistoryDropped(owner, bucket));
    }
}

impl Turn<'_> {
    /// Forgets what is too old and, under rules that are new, what is too much. That takes a look at every tenant, and is
    /// due once an hour.
    pub(super) fn trim_history(&mut self) {
        let hour = Bucket::of(self.now).hour;
        let state = &mut *self.state;
        if state.trimmed == Some(hour) {
            return;
        }
        for (owner, bucket) in state.tables.history().outdated(self.now, &state.rules.history) {
            state.drop_history(owner, bucket);
        }
        for tenant in state.tables.history().tenants() {
            state.limit_history_of(&tenant);
        }
        state.limit_history_in_all();
        state.trimmed = Some(hour);
        self.trim_audit();
    }
}
