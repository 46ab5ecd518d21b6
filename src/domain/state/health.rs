//! How the pools are: what an operator watches, and what a GMS client can ask for with its number.

use std::sync::Arc;

use super::pools::{Group, Pool};
use super::{State, Turn, may_be_lent};
use crate::domain::tables::GroupTable;
use crate::domain::{GroupName, Number, Scope, Seconds, Sharing, Timestamp};

/// The numbers of one group by what they do now; every number is in exactly one of the five states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolHealth {
    /// Whose group.
    pub scope: Arc<Scope>,
    /// The group; `None` for the numbers without one.
    pub group: Option<GroupName>,
    /// Numbers that nobody holds and that can be lent now.
    pub free: usize,
    /// Numbers that are lent, disabled ones among them.
    pub allocated: usize,
    /// Numbers that rest before they are lent again.
    pub cooling: usize,
    /// Numbers that are kept from being lent by the configuration.
    pub reserved: usize,
    /// Numbers that are kept from being lent because they are not enabled.
    pub disabled: usize,
    /// Live allocations: more than numbers where the group is shared.
    pub allocations: usize,
    /// How long the oldest allocation has lasted.
    pub oldest: Option<Seconds>,
    /// How long until the next number comes back by itself, rounded up.
    pub next_release: Option<Seconds>,
}

impl PoolHealth {
    /// All numbers of the group.
    pub fn total(&self) -> usize {
        self.free + self.allocated + self.cooling + self.reserved + self.disabled
    }

    /// The part of the numbers that may be lent which is lent or rests, in whole percent, rounded down.
    pub fn utilisation(&self) -> usize {
        let busy = self.allocated + self.cooling;
        (busy * 100).checked_div(busy + self.free).unwrap_or_default()
    }
}

impl Turn<'_> {
    /// How a group is now; `None` if no number is in it.
    pub fn pool(&self, scope: &Scope, group: &GroupName) -> Option<PoolHealth> {
        self.state.pool_health(scope, &Some(group.clone()), self.now)
    }

    /// How every group is that has any number.
    pub fn pools(&self) -> Vec<PoolHealth> {
        let groups = self.state.tables.scopes().flat_map(|(scope, tables)| tables.groups().map(move |g| (scope, g)));
        groups.filter_map(|(scope, group)| self.state.pool_health(scope, group, self.now)).collect()
    }
}

impl State {
    fn pool_health(&self, scope: &Scope, group: &Group, now: Timestamp) -> Option<PoolHealth> {
        let scope = self.scopes.get(scope)?;
        let table = self.tables.scope(scope)?.group(group)?;
        let pool = self.pools.get(scope)?.pool(group)?;
        let reserved = self.reserved(scope, table, pool);
        let expired = pool.expired(now);
        let (allocated, held) = match pool.rules().sharing {
            // Each expired allocation keeps one number from being lent.
            Sharing::Exclusive => (table.allocated.saturating_sub(expired), expired),
            Sharing::Shared => (table.allocated, 0),
        };
        let cooling = pool.resting() + held;
        let free = table.len() - table.disabled - reserved - allocated - cooling;
        Some(PoolHealth {
            scope: Arc::clone(scope),
            group: group.clone(),
            free,
            allocated,
            cooling,
            reserved,
            disabled: table.disabled,
            allocations: pool.allocations() - expired,
            oldest: pool.oldest().map(|since| now.seconds_left(since)),
            next_release: pool.next_release().map(|at| at.seconds_to_wait(now)),
        })
    }

    /// The reserved numbers of a group that would be free otherwise.
    fn reserved(&self, scope: &Scope, table: &GroupTable, pool: &Pool) -> usize {
        let idle = |number: &&Number| {
            table.has(**number) && self.slot(scope, **number).is_some_and(|slot| may_be_lent(slot, Sharing::Exclusive))
        };
        pool.rules().reserved.iter().filter(idle).count()
    }
}
