//! The watch over numbers: says once of each that something seems to be wrong with it, and keeps count for the metrics.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::{EnvironmentName, GroupName, Number, NumberHealth, Scope, TenantId};

/// How many ticks of the sweeper pass between two looks.
pub(super) const EVERY: u32 = 60;

/// Numbers of which it was told, and how many there are now.
#[derive(Debug, Default)]
pub(super) struct NumberWatch(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    told: HashSet<(Arc<Scope>, Number, &'static str)>,
    counts: BTreeMap<(TenantId, &'static str), u64>,
}

impl NumberWatch {
    /// Looks at all numbers that something seems to be wrong with.
    pub(super) fn look(&self, healths: &[(Arc<Scope>, NumberHealth)]) {
        let mut seen = self.0.lock();
        let (mut told, mut counts) = (HashSet::new(), BTreeMap::new());
        for (scope, health) in healths {
            let mut is_new = |number: Number, kind| {
                let key = (Arc::clone(scope), number, kind);
                let before = seen.told.contains(&key);
                told.insert(key);
                !before
            };
            let tenant = scope.tenant.as_str();
            let environment = scope.environment.as_ref().map_or("", EnvironmentName::as_str);
            for suspect in &health.suspects {
                if is_new(suspect.number, "suspect") {
                    let group = suspect.group.as_ref().map_or("", GroupName::as_str);
                    let (number, expiries) = (suspect.number.to_string(), suspect.expiries);
                    tracing::warn!(
                        tenant,
                        environment,
                        group,
                        number,
                        expiries,
                        "a number is lent and never dialled although others of its group are"
                    );
                }
            }
            for stray in &health.strays {
                if is_new(stray.number, "stray") {
                    let (number, calls) = (stray.number.to_string(), stray.calls);
                    tracing::warn!(tenant, environment, number, calls, "a number is dialled that nobody holds");
                }
            }
            *counts.entry((scope.tenant.clone(), "suspect")).or_default() += health.suspects.len() as u64;
            *counts.entry((scope.tenant.clone(), "stray")).or_default() += health.strays.len() as u64;
        }
        seen.told = told;
        seen.counts = counts;
    }

    /// How many numbers of each tenant and kind there were at the last look.
    pub(super) fn counts(&self) -> Vec<(TenantId, &'static str, u64)> {
        self.0.lock().counts.iter().map(|((tenant, kind), count)| (tenant.clone(), *kind, *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::number_health::Stray;

    #[test]
    fn each_number_is_told_once_and_forgotten_when_nothing_is_wrong_any_more() {
        let watch = NumberWatch::default();
        let scope = Arc::new(Scope { tenant: TenantId::new("acme").unwrap(), environment: None });
        let at = Timestamp::from_millis(1);
        let stray = Stray { number: Number::new("7").unwrap(), known: false, calls: 5, since: at, last: at };
        let healths = [(Arc::clone(&scope), NumberHealth { strays: vec![stray], ..NumberHealth::default() })];
        watch.look(&healths);
        watch.look(&healths);
        let acme = &scope.tenant;
        assert_eq!(watch.counts(), [(acme.clone(), "stray", 1), (acme.clone(), "suspect", 0)]);
        assert_eq!(watch.0.lock().told.len(), 1);
        watch.look(&[]);
        assert_eq!((watch.counts(), watch.0.lock().told.len()), (Vec::new(), 0));
    }
}
