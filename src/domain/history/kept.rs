//! What is kept of the history of all tenants: which buckets there are, and which of them go.
//!
//! Every tenant has buckets of its own, so whoever has more than its limit loses its own oldest entries and nobody
//! else's. The total is held in a second step, which only takes from those who have more than an even share of it.

use std::collections::BTreeMap;

use super::{Bucket, HistoryRules, Timestamp};
use crate::domain::hash::FastMap;
use crate::domain::{Rules, TenantId};

const DAY_HOURS: u32 = 24;
/// A bucket takes at most this part of all entries that a tenant may have, so that an hour with very many of them is not
/// lost as a whole.
const BUCKETS: u64 = 16;
/// Most entries of a bucket, whatever a tenant may have: whoever looks through the history has one bucket in memory.
const MOST_OF_BUCKET: u64 = 50_000;

/// Whose buckets are meant: a tenant's, or those of all tenants together (`None`) as an older release made them.
/// Nothing is added to these; they go before anything else, or when their days are over.
pub type Owner = Option<TenantId>;

/// The buckets of everybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::domain) struct Kept {
    tenants: FastMap<TenantId, Buckets>,
    /// Those that an older release made.
    common: Buckets,
    /// How many entries there are in all.
    total: u64,
}

impl Kept {
    /// Where an allocation of a tenant that ended at `until` is kept, and how many entries are there with it; `None` where
    /// that is no longer kept.
    pub(in crate::domain) fn place(
        &self,
        tenant: &TenantId,
        until: Timestamp,
        now: Timestamp,
        rules: &Rules,
    ) -> Option<(Bucket, u64)> {
        let most = most(tenant, rules);
        let mut first = Bucket::of(until);
        if most == 0 || first < oldest(now, &rules.history) {
            return None;
        }
        // No bucket of a tenant is where a common one is, so that one list has both.
        if let Some((common, _)) = self.common.latest(first.hour) {
            first.part = common.part.saturating_add(1);
        }
        match self.tenants.get(tenant) {
            Some(buckets) => buckets.place(first, most),
            None => Some((first, 1)),
        }
    }

    /// The oldest bucket of a tenant, if the tenant has more than it may have.
    pub(in crate::domain) fn surplus(&self, tenant: &TenantId, rules: &Rules) -> Option<Bucket> {
        let buckets = self.tenants.get(tenant)?;
        buckets.oldest().filter(|_| buckets.entries > most(tenant, rules))
    }

    /// Every tenant that has or had entries of its own, in their order.
    pub(in crate::domain) fn tenants(&self) -> Vec<TenantId> {
        let mut tenants: Vec<_> = self.tenants.keys().cloned().collect();
        tenants.sort_unstable();
        tenants
    }

    /// What goes next where there is more than the total: what is common; else the oldest of the tenant that has most
    /// beyond an even share. So nobody loses anything to others who has no more than that.
    pub(in crate::domain) fn beyond_total(&self, rules: &Rules) -> Option<(Owner, Bucket)> {
        if self.total <= rules.history.entries {
            return None;
        }
        if let Some(bucket) = self.common.oldest() {
            return Some((None, bucket));
        }
        let share = rules.history.entries / (rules.quotas.len().max(1) as u64);
        // Whoever is not in the configuration any more is due nothing.
        let due = |tenant: &TenantId| if rules.quotas.contains_key(tenant) { share } else { 0 };
        let beyond = |tenant: &TenantId, buckets: &Buckets| buckets.entries.saturating_sub(due(tenant));
        let most = self.tenants.iter().max_by(|(one, of_one), (other, of_other)| {
            (beyond(one, of_one), one).cmp(&(beyond(other, of_other), other))
        });
        let (tenant, buckets) = most?;
        Some((Some(tenant.clone()), buckets.oldest()?))
    }

    /// The buckets that are too old.
    pub(in crate::domain) fn outdated(&self, now: Timestamp, rules: &HistoryRules) -> Vec<(Owner, Bucket)> {
        let first = oldest(now, rules);
        let of = |(owner, buckets): (Owner, &Buckets)| {
            let outdated = buckets.counts.range(..first).map(|(bucket, _)| (owner.clone(), *bucket));
            outdated.collect::<Vec<_>>()
        };
        self.all().flat_map(of).collect()
    }

    /// Whoever has buckets, or had some: first what is common, then the tenants.
    fn all(&self) -> impl Iterator<Item = (Owner, &Buckets)> {
        let owned = self.tenants().into_iter().filter_map(|tenant| {
            let buckets = self.tenants.get(&tenant)?;
            Some((Some(tenant), buckets))
        });
        std::iter::once((None, &self.common)).chain(owned)
    }

    fn of(&self, owner: Option<&TenantId>) -> Option<&Buckets> {
        owner.map_or(Some(&self.common), |tenant| self.tenants.get(tenant))
    }

    fn of_mut(&mut self, owner: Option<&TenantId>) -> &mut Buckets {
        let Some(tenant) = owner else { return &mut self.common };
        self.tenants.entry(tenant.clone()).or_default()
    }

    /// A bucket has so many entries now.
    pub(in crate::domain) fn set(&mut self, owner: Option<&TenantId>, bucket: Bucket, count: u64) {
        let buckets = self.of_mut(owner);
        let before = buckets.counts.insert(bucket, count).unwrap_or_default();
        buckets.entries = buckets.entries - before + count;
        self.total = self.total - before + count;
    }

    /// A bucket is dropped, and with it whatever of the same owner might come before it.
    pub(in crate::domain) fn drop(&mut self, owner: Option<&TenantId>, bucket: Bucket) {
        let buckets = self.of_mut(owner);
        let dropped = buckets.counts.remove(&bucket).unwrap_or_default();
        buckets.entries -= dropped;
        self.total -= dropped;
        self.raise_floor(owner, bucket.next());
    }

    /// Everything of an owner before this bucket is dropped.
    pub(in crate::domain) fn raise_floor(&mut self, owner: Option<&TenantId>, floor: Bucket) {
        let buckets = self.of_mut(owner);
        buckets.floor = buckets.floor.max(floor);
    }

    /// The bucket before which everything of an owner is dropped.
    pub(in crate::domain) fn floor(&self, owner: Option<&TenantId>) -> Bucket {
        self.of(owner).map(|buckets| buckets.floor).unwrap_or_default()
    }

    /// The layers of all of whom anything was dropped.
    pub(in crate::domain) fn floors(&self) -> Vec<(Owner, Bucket)> {
        let floors = self.all().map(|(owner, buckets)| (owner, buckets.floor));
        floors.filter(|(_, floor)| *floor > Bucket::default()).collect()
    }

    /// How many entries there are in all.
    pub(in crate::domain) fn total(&self) -> u64 {
        self.total
    }

    /// How many entries a tenant has of its own.
    pub(in crate::domain) fn entries(&self, tenant: &TenantId) -> u64 {
        self.tenants.get(tenant).map_or(0, |buckets| buckets.entries)
    }

    /// How many entries each bucket has, oldest first.
    pub(in crate::domain) fn counts(&self) -> Vec<(Owner, Bucket, u64)> {
        let of = |(owner, buckets): (Owner, &Buckets)| {
            let counts = buckets.counts.iter().map(|(bucket, count)| (owner.clone(), *bucket, *count));
            counts.collect::<Vec<_>>()
        };
        let mut counts: Vec<_> = self.all().flat_map(of).collect();
        counts.sort_by_key(|(_, bucket, _)| *bucket);
        counts
    }

    /// Those in which something of a tenant may be that ended after `from`, newest first.
    pub(in crate::domain) fn since(&self, tenant: &TenantId, from: Option<Timestamp>) -> Vec<(Owner, Bucket)> {
        self.counted_since(tenant, from).into_iter().map(|(owner, bucket, _)| (owner, bucket)).collect()
    }

    /// As [`Self::since`], with how many entries each has.
    pub(in crate::domain) fn counted_since(
        &self,
        tenant: &TenantId,
        from: Option<Timestamp>,
    ) -> Vec<(Owner, Bucket, u64)> {
        let first = from.map(Bucket::of).unwrap_or_default();
        let owned = self.of(Some(tenant)).into_iter().flat_map(|buckets| buckets.counts.range(first..));
        let owned = owned.map(|(bucket, count)| (Some(tenant.clone()), *bucket, *count));
        let common = self.common.counts.range(first..).map(|(bucket, count)| (None, *bucket, *count));
        let mut since: Vec<_> = common.chain(owned).collect();
        since.sort_by_key(|(_, bucket, _)| std::cmp::Reverse(*bucket));
        since
    }
}

/// The buckets of one owner.
#[derive(Clone, Debug, Default, PartialEq)]
struct Buckets {
    counts: BTreeMap<Bucket, u64>,
    entries: u64,
    /// Everything before this bucket is dropped, and nothing is put there any more.
    floor: Bucket,
}

impl Buckets {
    /// The bucket for one entry more in the hour of which `first` is the first bucket.
    fn place(&self, first: Bucket, most: u64) -> Option<(Bucket, u64)> {
        let (bucket, count) = self.latest(first.hour).unwrap_or((first, 0));
        let full = count >= (most / BUCKETS).clamp(1, MOST_OF_BUCKET) && bucket.part < u16::MAX;
        let (bucket, count) = if full { (bucket.next(), 0) } else { (bucket, count) };
        if bucket < self.floor {
            // A part of the hour is dropped already; what is left of it begins where that ended.
            return (self.floor.hour == bucket.hour).then_some((self.floor, 1));
        }
        Some((bucket, count + 1))
    }

    /// The latest bucket of an hour, and how many entries it has.
    fn latest(&self, hour: u32) -> Option<(Bucket, u64)> {
        let latest = self.counts.range(Bucket { hour, part: 0 }..=Bucket { hour, part: u16::MAX }).next_back();
        latest.map(|(bucket, count)| (*bucket, *count))
    }

    fn oldest(&self) -> Option<Bucket> {
        self.counts.first_key_value().map(|(bucket, _)| *bucket)
    }
}

/// Most entries of a tenant.
fn most(tenant: &TenantId, rules: &Rules) -> u64 {
    rules.quotas(tenant).history.min(rules.history.entries)
}

/// The oldest bucket that may be kept.
fn oldest(now: Timestamp, rules: &HistoryRules) -> Bucket {
    let kept = rules.days.saturating_mul(DAY_HOURS);
    Bucket { hour: Bucket::of(now).hour.saturating_sub(kept), part: 0 }
}
