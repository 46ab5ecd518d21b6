//! How the pools are: what an operator watches, and what a GMS client can ask for with its number.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::pools::{Group, Pool};
use super::{State, Turn};
use crate::domain::slot::NumberSlot;
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
    /// Numbers that rest before they are lent again; none in a shared group.
    pub cooling: usize,
    /// Numbers that are not lent because the configuration keeps them back.
    pub reserved: usize,
    /// Numbers that are not lent and not enabled.
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
        let lapsed = self.lapsed(scope, pool, now);
        let mut health = PoolHealth {
            scope: Arc::clone(scope),
            group: group.clone(),
            free: 0,
            allocated: table.allocated - lapsed.len(),
            cooling: pool.resting(),
            reserved: self.reserved(scope, table, pool),
            disabled: table.disabled,
            allocations: pool.allocations() - pool.expired(now).count(),
            oldest: pool.oldest(now).map(|since| now.seconds_since(since)),
            next_release: pool.next_release(now).map(|at| at.seconds_to_wait(now)),
        };
        for slot in lapsed {
            match pool.rules().sharing {
                _ if !slot.record.enabled => health.disabled += 1,
                _ if pool.rules().reserved.contains(&slot.record.number) => health.reserved += 1,
                Sharing::Exclusive => health.cooling += 1,
                // A shared number may be lent whatever it carries.
                Sharing::Shared => {}
            }
        }
        health.free = table.len() - health.total();
        Some(health)
    }

    /// The numbers of a pool that carry allocations of which none is live.
    fn lapsed(&self, scope: &Scope, pool: &Pool, now: Timestamp) -> Vec<&NumberSlot> {
        let expired: BTreeSet<_> = pool.expired(now).collect();
        let slots = expired.into_iter().filter_map(|number| self.slot(scope, number));
        slots.filter(|slot| slot.found(now).allocation.is_none()).collect()
    }

    /// The reserved numbers of a group that carry nothing and are enabled.
    fn reserved(&self, scope: &Scope, table: &GroupTable, pool: &Pool) -> usize {
        let idle = |number: &&Number| {
            let slot = self.slot(scope, **number).filter(|_| table.has(**number));
            slot.is_some_and(|slot| slot.record.enabled && !slot.is_allocated())
        };
        pool.rules().reserved.iter().filter(idle).count()
    }
}
