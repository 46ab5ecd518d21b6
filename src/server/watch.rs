//! The watch over the groups: says once when a group runs out of numbers, and once when it has enough again.
//!
//! What a level is and when it is crossed is the domain's; here it is remembered, logged and counted.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::state::PoolHealth;
use crate::domain::watermark::{Level, Thresholds};
use crate::domain::{EnvironmentName, GroupName, Scope, Sharing};

/// A group of a scope; `None` for the numbers without a group.
type Key = (Arc<Scope>, Option<GroupName>);

/// The level that each group has reached; a group that is not in it is at the lowest.
#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<HashMap<Key, Level>>);

impl Watch {
    /// Looks at all groups; `crossed` hears of every group that has risen to a level.
    pub(super) fn look(&self, pools: &[PoolHealth], thresholds: &Thresholds, crossed: impl Fn(&PoolHealth, Level)) {
        let mut levels = self.0.lock();
        let mut reached = HashMap::new();
        // A shared number serves as many as call: that all are in use says nothing.
        for pool in pools.iter().filter(|pool| pool.sharing == Sharing::Exclusive) {
            let key = (Arc::clone(&pool.scope), pool.group.clone());
            let before = levels.get(&key).copied().unwrap_or_default();
            let now = thresholds.level(before, pool.utilisation());
            if now > before {
                crossed(pool, now);
            }
            if now != before {
                tell(pool, before, now, thresholds);
            }
            if now != Level::Normal {
                reached.insert(key, now);
            }
        }
        *levels = reached;
    }

    /// The level that a group has reached.
    pub(super) fn level(&self, pool: &PoolHealth) -> Level {
        let key = (Arc::clone(&pool.scope), pool.group.clone());
        self.0.lock().get(&key).copied().unwrap_or_default()
    }
}

fn tell(pool: &PoolHealth, before: Level, now: Level, thresholds: &Thresholds) {
    let tenant = pool.scope.tenant.as_str();
    let environment = pool.scope.environment.as_ref().map_or("", EnvironmentName::as_str);
    let group = pool.group.as_ref().map_or("", GroupName::as_str);
    let (utilisation, free) = (pool.utilisation(), pool.free);
    let threshold = thresholds.of(now.max(before)).unwrap_or_default();
    if now > before {
        tracing::warn!(tenant, environment, group, utilisation, threshold, free, "a group is running out of numbers");
    } else {
        tracing::info!(tenant, environment, group, utilisation, threshold, free, "a group has numbers again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TenantId;

    fn pool(allocated: usize, sharing: Sharing) -> PoolHealth {
        PoolHealth {
            scope: Arc::new(Scope { tenant: TenantId::new("acme").unwrap(), environment: None }),
            group: Some(GroupName::new("g").unwrap()),
            sharing,
            free: 10 - allocated,
            allocated,
            cooling: 0,
            reserved: 5,
            disabled: 5,
            allocations: allocated,
            oldest: None,
            next_release: None,
        }
    }

    /// The levels that are told of while so many of ten numbers are lent, one look after the other.
    fn told(sharing: Sharing, lent: &[usize]) -> Vec<Level> {
        let (watch, told) = (Watch::default(), Mutex::new(Vec::new()));
        for allocated in lent {
            let pool = pool(*allocated, sharing);
            watch.look(&[pool], &Thresholds::default(), |_, level| told.lock().push(level));
        }
        told.into_inner()
    }

    #[test]
    fn a_crossing_is_told_once_and_again_only_after_the_group_had_numbers() {
        assert_eq!(told(Sharing::Exclusive, &[7, 8, 8, 7, 8]), [Level::Warning]);
        assert_eq!(told(Sharing::Exclusive, &[8, 6, 8]), [Level::Warning, Level::Warning]);
        assert_eq!(told(Sharing::Exclusive, &[8, 9, 10, 9]), [Level::Warning, Level::Critical]);
        assert_eq!(told(Sharing::Exclusive, &[10]), [Level::Critical]);
    }

    #[test]
    fn a_shared_group_is_not_watched() {
        assert_eq!(told(Sharing::Shared, &[10]), []);
    }

    #[test]
    fn a_group_that_is_gone_is_forgotten() {
        let watch = Watch::default();
        let full = pool(10, Sharing::Exclusive);
        watch.look(std::slice::from_ref(&full), &Thresholds::default(), |_, _| {});
        assert_eq!(watch.level(&full), Level::Critical);
        watch.look(&[], &Thresholds::default(), |_, _| {});
        assert_eq!(watch.level(&full), Level::Normal);
    }
}
