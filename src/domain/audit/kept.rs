//! The entries that are kept, those of each owner for itself, and which of them go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{AuditEntry, AuditId, AuditOwner, AuditQuery};
use crate::domain::{Part, Rules, Seconds, Timestamp};

const DAY_SECONDS: u64 = 86_400;
/// Ids of one millisecond.
const IDS_PER_MILLI: u64 = 1000;

/// The entries of everybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::domain) struct Kept(BTreeMap<AuditOwner, Entries>);

type Entries = BTreeMap<AuditId, Arc<AuditEntry>>;

impl Kept {
    /// Puts an entry in, or takes it away.
    pub(in crate::domain) fn set(&mut self, owner: &AuditOwner, id: AuditId, entry: Option<&Arc<AuditEntry>>) {
        match entry {
            Some(entry) => {
                self.0.entry(owner.clone()).or_default().insert(id, Arc::clone(entry));
            }
            None => {
                if let Some(entries) = self.0.get_mut(owner) {
                    entries.remove(&id);
                    if entries.is_empty() {
                        self.0.remove(owner);
                    }
                }
            }
        }
    }

    /// An entry, if it is kept.
    pub(in crate::domain) fn get(&self, owner: &AuditOwner, id: AuditId) -> Option<&Arc<AuditEntry>> {
        self.0.get(owner)?.get(&id)
    }

    /// The place of an entry that is made at `now`: after all others, whosever they are, so that one list can have those
    /// of several owners.
    pub(in crate::domain) fn next(&self, now: Timestamp) -> AuditId {
        let last = self.0.values().filter_map(|entries| entries.keys().next_back()).max();
        let first_of_now = now.as_millis().saturating_mul(IDS_PER_MILLI);
        AuditId(last.map_or(first_of_now, |last| first_of_now.max(last.0.saturating_add(1))))
    }

    /// The oldest entry of an owner, if the owner has more than the rules allow or it is older than they allow.
    pub(in crate::domain) fn surplus(&self, owner: &AuditOwner, now: Timestamp, rules: &Rules) -> Option<AuditId> {
        let entries = self.0.get(owner)?;
        let (id, oldest) = entries.first_key_value()?;
        let kept_for = Seconds::new(u64::from(rules.audit.days) * DAY_SECONDS);
        let too_many = entries.len() as u64 > share(rules);
        (too_many || oldest.at.after(kept_for) <= now).then_some(*id)
    }

    /// Who has any.
    pub(in crate::domain) fn owners(&self) -> Vec<AuditOwner> {
        self.0.keys().cloned().collect()
    }

    /// All entries, those of each owner in their order.
    pub(in crate::domain) fn entries(&self) -> impl Iterator<Item = &Arc<AuditEntry>> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// A part of the entries that a question is about, newest first.
    pub(in crate::domain) fn part(&self, query: &AuditQuery) -> Part<Arc<AuditEntry>, AuditId> {
        let before = query.after.unwrap_or(AuditId(u64::MAX));
        let mut lists: Vec<_> = query.owners.iter().filter_map(|owner| self.0.get(owner)).collect();
        lists.dedup_by(|one, other| std::ptr::eq(*one, *other));
        let mut lists: Vec<_> = lists.into_iter().map(|entries| entries.range(..before).rev().peekable()).collect();
        let newest_first = std::iter::from_fn(|| {
            let newest = lists.iter_mut().filter_map(|list| Some((*list.peek()?.0, list))).max_by_key(|(id, _)| *id);
            newest?.1.next().map(|(_, entry)| entry)
        });
        Part::of(
            newest_first,
            query.limit,
            |entry| entry.id,
            |entry| query.filter.takes(entry).then(|| Arc::clone(entry)),
        )
    }
}

/// How many entries an owner may have.
fn share(rules: &Rules) -> u64 {
    let tenants = rules.quotas.len().max(1) as u64;
    rules.audit.entries.div_ceil(tenants)
}
