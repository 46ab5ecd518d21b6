//! Which groups have series of their own in the metrics. Whoever may create a number can invent a group with it, and a
//! label for each would grow the metrics without end.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;

use crate::config::Settings;
use crate::domain::state::PoolHealth;
use crate::domain::{EnvironmentName, GroupName, TenantId};

/// So many groups of a tenant that are not configured have a label of their own.
const MOST_OTHERS: usize = 100;
/// The label of all further ones together.
pub(super) const OTHERS: &str = "(others)";

/// A group of a tenant.
type Name = (Option<EnvironmentName>, GroupName);

/// The groups that are not configured and have a label: the first ones that were seen, until the process ends, so that no
/// series changes its meaning.
#[derive(Debug, Default)]
pub(super) struct GroupLabels(Mutex<HashMap<TenantId, HashSet<Name>>>);

impl GroupLabels {
    /// Tenant, environment and group as they are told of a pool. The numbers without a group have an empty label.
    pub(super) fn of<'p>(&self, pool: &'p PoolHealth, settings: &Settings) -> [&'p str; 3] {
        let environment = pool.scope.environment.as_ref().map_or("", EnvironmentName::as_str);
        let group = match &pool.group {
            None => "",
            Some(group) if self.is_shown(pool, group, settings) => group.as_str(),
            Some(_) => OTHERS,
        };
        [pool.scope.tenant.as_str(), environment, group]
    }

    fn is_shown(&self, pool: &PoolHealth, group: &GroupName, settings: &Settings) -> bool {
        let tenant = &pool.scope.tenant;
        if settings.tenants.get(tenant).is_some_and(|tenant| tenant.group(group).is_some()) {
            return true;
        }
        let mut shown = self.0.lock();
        let shown = shown.entry(tenant.clone()).or_default();
        let name = (pool.scope.environment.clone(), group.clone());
        shown.contains(&name) || shown.len() < MOST_OTHERS && shown.insert(name)
    }
}
