//! How the pools are: what an operator watches, and what a GMS client can ask for with its number.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::number_counts::NumberState;
use super::pools::Group;
use super::{State, Turn};
use crate::domain::tables::ScopeTables;
use crate::domain::{Allocation, GroupName, Part, Refusal, Scope, Seconds, Sharing, Timestamp};

/// The numbers of one group by what they do now; every number is in exactly one of the five states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolHealth {
    /// Whose group.
    pub scope: Arc<Scope>,
    /// The group; `None` for the numbers without one.
    pub group: Option<GroupName>,
    /// Whether a number of the group serves one interaction at a time or many.
    pub sharing: Sharing,
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
    /// The oldest live allocation.
    pub oldest: Option<Oldest>,
    /// How long until the next number may be lent again by itself, rounded up. What is disabled or kept back does not
    /// come back.
    pub next_release: Option<Seconds>,
}

/// The oldest allocation of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// The allocation; it tells since when, and whose it is.
    pub allocation: Arc<Allocation>,
    /// How long it has lasted.
    pub lasted: Seconds,
}

impl PoolHealth {
    /// A group that no number is in.
    fn empty(scope: &Scope, group: Group, sharing: Sharing) -> Self {
        Self {
            scope: Arc::new(scope.clone()),
            group,
            sharing,
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
        self.pool(scope, group).or_else(|| configured().then(|| self.empty_group(scope, Some(group.clone()))))
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
            Some(health.unwrap_or_else(|| self.empty_group(scope, group)))
        };
        Part::of(names, limit, Clone::clone, health)
    }

    fn empty_group(&self, scope: &Scope, group: Group) -> PoolHealth {
        let sharing = self.state.rules.group(&scope.tenant, group.as_ref()).sharing;
        PoolHealth::empty(scope, group, sharing)
    }

    /// How every group is that has any number.
    pub fn pools(&self) -> Vec<PoolHealth> {
        let groups = self.state.tables.scopes().flat_map(|(scope, tables)| tables.groups().map(move |g| (scope, g)));
        groups.filter_map(|(scope, group)| self.state.pool_health(scope, group, self.now)).collect()
    }
}

/// Most groups of which a refusal tells.
const MOST_TOLD: usize = 20;

impl State {
    fn pool_health(&self, scope: &Scope, group: &Group, now: Timestamp) -> Option<PoolHealth> {
        let scope = self.tables.shared(scope)?;
        let table = self.tables.scope(scope)?.group(group)?;
        let pool = self.pools.get(scope)?.pool(group)?;
        let oldest = pool.oldest().and_then(|(id, number)| self.slot(scope, number)?.allocation(id));
        let mut health = PoolHealth {
            scope: Arc::clone(scope),
            group: group.clone(),
            sharing: pool.rules().sharing,
            free: 0,
            allocated: pool.count(NumberState::Allocated),
            cooling: pool.count(NumberState::Cooling),
            reserved: pool.count(NumberState::Reserved),
            disabled: pool.count(NumberState::Disabled),
            allocations: pool.allocations(),
            oldest: oldest.map(|allocation| Oldest {
                allocation: Arc::clone(allocation),
                lasted: now.seconds_since(allocation.since),
            }),
            next_release: self.next_release(scope, group, now).map(|at| at.seconds_to_wait(now)),
        };
        health.free = table.len() - health.total();
        Some(health)
    }

    /// When the next number of a group may be lent again by itself.
    fn next_release(&self, scope: &Scope, group: &Group, now: Timestamp) -> Option<Timestamp> {
        let pool = self.pools.get(scope)?.pool(group)?;
        pool.next_release(now, |number| self.slot(scope, number)?.allocations().map(|held| held.deadline).max())
    }

    /// The refusal of a request for a number of `asked`, or of any of `groups` where none was named.
    pub(super) fn exhausted(
        &self,
        scope: &Scope,
        asked: Option<&GroupName>,
        groups: &[Group],
        now: Timestamp,
    ) -> Refusal {
        let releases = groups.iter().filter_map(|group| self.next_release(scope, group, now));
        let next_release = releases.min().map(|at| at.seconds_to_wait(now));
        let pools = groups.iter().filter_map(|group| self.pool_health(scope, group, now)).take(MOST_TOLD).collect();
        Refusal::Exhausted { group: asked.cloned(), next_release, pools }
    }
}
