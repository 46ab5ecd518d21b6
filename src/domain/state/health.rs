//! How the pools are: what an operator watches, and what a GMS client can ask for with its number.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::pools::{Group, Pool};
use super::{State, Turn};
use crate::domain::slot::NumberSlot;
use crate::domain::tables::{GroupTable, ScopeTables};
use crate::domain::{GroupName, Number, Part, Scope, Seconds, Sharing, Timestamp};

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
    /// A group that no number is in.
    fn empty(scope: &Scope, group: Group) -> Self {
        Self {
            scope: Arc::new(scope.clone()),
            group,
            free: 0,
            allocated: 0,
            cooling: 0,
            reserved: 0,
            disabled: 0,
            allocations: 0,
            oldest: None,
            next_release: None,
        }
    }

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

    /// How a group is now that has a number or is configured; `None` for any other.
    pub fn group(&self, scope: &Scope, group: &GroupName) -> Option<PoolHealth> {
        let configured = || self.state.rules.configures(&scope.tenant, group);
        self.pool(scope, group).or_else(|| configured().then(|| PoolHealth::empty(scope, Some(group.clone()))))
    }

    /// Lists the groups of a scope that have a number or are configured, by their names, from the first one after
    /// `after`. The numbers without a group come first, if there are any.
    pub fn groups_after(&self, scope: &Scope, after: Option<&Group>, limit: usize) -> Part<PoolHealth, Group> {
        let configured = self.state.rules.groups.get(&scope.tenant).into_iter().flat_map(HashMap::keys);
        let carried = self.state.tables.scope(scope).into_iter().flat_map(ScopeTables::groups);
        let names: BTreeSet<Group> = configured.map(|name| Some(name.clone())).chain(carried.cloned()).collect();
        let names = names.into_iter().filter(|name| after.is_none_or(|after| name > after));
        let health = |group: Group| {
            let health = self.state.pool_health(scope, &group, self.now);
            Some(health.unwrap_or_else(|| PoolHealth::empty(scope, group)))
        };
        Part::of(names, limit, Clone::clone, health)
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
