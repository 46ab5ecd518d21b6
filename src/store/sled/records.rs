//! Every durable record, wherever it lies now: what is read and staged beside the writer.

use std::sync::Arc;

use bytes::Bytes;
use memchr::memmem;

use super::merged::{Merged, Raw};
use super::pending::{Overlay, Pending};
use super::tree::Tree;
use super::{blocks, codec, stages};
use crate::domain::history::{Bucket, Held, HistoryFilter, HistorySearch, Newest, Owner, Past};
use crate::domain::usage::{Group, Span, UsageRecord};
use crate::domain::{AllocationId, ApplicationName, Caller, Change, GroupName, InteractionId, Number, Scope, ValueId};
use crate::store::engine::{Forget, Records, Stages, Values, Within};

/// Every durable record, wherever it lies now: those of the tree, and over them what is pending.
///
/// What an import has staged shows here only when it is in the tree. So this is for the kinds of records that no import
/// writes and that are read from disk instead of from the tables: the history.
pub struct DurableRecords {
    pub(super) tree: Tree,
    pub(super) pending: Pending,
}

impl DurableRecords {
    /// The entries of the history from one key on, up to another, both of one bucket, in the order of their keys; only those
    /// whose value is `worth` a look.
    fn entries(&self, from: &[u8], to: &[u8], worth: impl Fn(&[u8]) -> bool) -> Result<Vec<(Bytes, Bytes)>, String> {
        // What is pending is looked at first: what moves into the tree meanwhile is then passed over there, never missed.
        let (pending, moved) = self.pending.range(from, to);
        let mut found = Overlay::new();
        for record in self.tree.range(from, to) {
            let (key, value) = record?;
            if worth(&value) {
                found.insert(Bytes::copy_from_slice(&key), Some(Bytes::copy_from_slice(&value)));
            }
        }
        blocks::collect(&self.tree, (from, to), moved, &worth, &mut found)?;
        found.extend(pending.into_iter().filter(|(_, value)| value.as_deref().is_none_or(&worth)));
        Ok(found.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
    }

    /// The records of use from one key on, up to another.
    fn usage(&self, from: &[u8], to: &[u8]) -> Result<Vec<(Arc<Scope>, UsageRecord)>, String> {
        let (pending, _) = self.pending.range(from, to);
        let records = Merged::new(self.tree.range(from, to), pending.into_iter());
        let read = |record: Result<(Raw, Raw), String>| {
            let (key, value) = record?;
            codec::usage::record(&key, &value).map_err(|error| error.to_string())
        };
        records.map(read).collect()
    }

    /// The keys of some records of what is to be removed, at most `limit`.
    pub(super) fn forgotten(&self, forget: &Forget, limit: usize) -> Result<Vec<Bytes>, String> {
        match forget {
            Forget::History(owner, floor) => self.history_before(owner, *floor, limit),
            Forget::Usage(span, floor) => {
                let (from, to) = codec::usage::before(*span, *floor);
                let (pending, _) = self.pending.range(&from, &to);
                let records = Merged::new(self.tree.range(&from, &to), pending.into_iter());
                records.map(|record| record.map(|(key, _)| Bytes::copy_from_slice(&key))).take(limit).collect()
            }
        }
    }

    /// The keys of some records that an owner's history has before a bucket, at most `limit`.
    fn history_before(&self, owner: &Owner, floor: Bucket, limit: usize) -> Result<Vec<Bytes>, String> {
        let (from, to) = codec::history::before(owner.as_ref(), floor);
        let (pending, _) = self.pending.range(&from, &to);
        let entries = Merged::new(self.tree.range(&from, &to), pending.into_iter());
        let entries = entries.map(|record| record.map(|(key, _)| Bytes::copy_from_slice(&key)));
        let (from, to) = owner.as_ref().map(|tenant| codec::history::blocks_before(tenant, floor)).unwrap_or_default();
        let blocks = self.tree.range(&from, &to).map(|record| record.map(|(key, _)| Bytes::copy_from_slice(&key)));
        entries.chain(blocks).take(limit).collect()
    }
}

impl Values for DurableRecords {
    fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, String> {
        self.tree.value(id, length)
    }
}

impl Records for DurableRecords {
    fn of_number<'a>(
        &'a self,
        owner: Owner,
        bucket: Bucket,
        scope: &'a Scope,
        number: Number,
        below: AllocationId,
    ) -> impl Iterator<Item = Result<Held, String>> + 'a {
        let (from, to) = codec::history::of_number(owner.as_ref(), bucket, scope, number, below);
        let (entries, failed) = match self.entries(&from, &to, |_| true) {
            Ok(entries) => (entries, None),
            Err(reason) => (Vec::new(), Some(Err(reason))),
        };
        let read = move |(key, value): (Bytes, Bytes)| {
            codec::history::read(number, &key, &value).map_err(|error| error.to_string())
        };
        failed.into_iter().chain(entries.into_iter().rev().map(read))
    }

    fn of_bucket(&self, owner: &Owner, bucket: Bucket) -> Result<Vec<(Arc<Scope>, Past)>, String> {
        let (from, to) = codec::history::of_bucket(owner.as_ref(), bucket);
        let mut entries: Vec<(Arc<Scope>, Past)> = Vec::new();
        for (key, value) in self.entries(&from, &to, |_| true)? {
            let entry = codec::history::entry(&key, &value).map_err(|error| error.to_string())?;
            let codec::history::Entry { scope, past, .. } = entry;
            // Entries of one scope lie side by side.
            let before = entries.last().filter(|(before, _)| **before == scope);
            let scope = before.map_or_else(|| Arc::new(scope), |(before, _)| Arc::clone(before));
            entries.push((scope, past));
        }
        Ok(entries)
    }

    fn search(&self, within: Within<'_>, search: &HistorySearch, most: usize) -> Result<Vec<Held>, String> {
        let Within { owner, bucket, scope, below } = within;
        let (from, to) = match search.filter.number {
            Some(number) => codec::history::of_number(owner.as_ref(), bucket, scope, number, below),
            None => codec::history::of_bucket(owner.as_ref(), bucket),
        };
        // Texts are in the value as they are, so most entries need not be taken apart to know that they are others.
        let HistoryFilter { group, caller, interaction, application, .. } = &search.filter;
        let texts = [
            group.as_ref().map(GroupName::as_str),
            caller.as_ref().map(Caller::as_str),
            interaction.as_ref().map(InteractionId::as_str),
            application.as_ref().map(ApplicationName::as_str),
        ];
        let finders: Vec<_> = texts.into_iter().flatten().map(memmem::Finder::new).collect();
        let worth = |value: &[u8]| finders.iter().all(|finder| finder.find(value).is_some());
        let mut newest = Newest::new(most);
        for (key, value) in self.entries(&from, &to, worth)? {
            let id = codec::history::allocation(&key).map_err(|error| error.to_string())?;
            if id >= below || !newest.takes(id) {
                continue;
            }
            let entry = codec::history::entry(&key, &value).map_err(|error| error.to_string())?;
            let held = Held::from(&entry.past);
            if entry.scope == *scope && search.wants(&held) {
                newest.add(held);
            }
        }
        Ok(newest.into_entries())
    }

    fn used(&self, scope: &Scope, group: &Group, span: Span, day: u32) -> Result<Vec<UsageRecord>, String> {
        let (from, to) = codec::usage::of_group(scope, group, span, day);
        Ok(self.usage(&from, &to)?.into_iter().map(|(_, record)| record).collect())
    }

    fn used_by_all(&self, span: Span, day: u32) -> Result<Vec<(Arc<Scope>, UsageRecord)>, String> {
        let (from, to) = codec::usage::of_day(span, day);
        self.usage(&from, &to)
    }

    fn stage(&self, stages: &mut Stages, changes: &[Change]) -> Result<(), String> {
        stages::stage(stages, changes, &self.tree)
    }

    fn abandon(&self, stages: Stages) -> Result<(), String> {
        stages::remove(stages.import, &self.tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::End;
    use crate::domain::{Allocation, InteractionId, LentBy, Sharing, TenantId, Timestamp};
    use crate::store::sled::checkpointer::checkpoint;
    use crate::store::sled::ops::OpsWriter;

    fn scope() -> Arc<Scope> {
        Arc::new(Scope { tenant: TenantId::new("acme").unwrap(), environment: None })
    }

    fn number(text: &str) -> Number {
        Number::new(text).unwrap()
    }

    const BUCKET: Bucket = Bucket { hour: 471_000, part: 1 };

    /// The end of an allocation, as a commit writes it.
    fn ended(text: &str, id: u64) -> Bytes {
        let at = Timestamp::from_millis(id);
        let allocation = Arc::new(Allocation {
            id: AllocationId(id),
            number: number(text),
            interaction: InteractionId::new(&"i".repeat(200)).unwrap(),
            code: None,
            caller: None,
            origin: LentBy::Gms,
            application: None,
            sharing: Sharing::Exclusive,
            since: at,
            deadline: at,
        });
        let past = Past { bucket: BUCKET, count: id, allocation, group: None, until: at, end: End::Freed };
        let mut operations = Vec::new();
        codec::encode(&Change::Ended(scope(), Arc::new(past)), &mut OpsWriter(&mut operations));
        operations.into()
    }

    fn ids(records: &DurableRecords, text: &str, below: u64) -> Vec<u64> {
        let (scope, owner) = (scope(), Some(scope().tenant.clone()));
        let held = records.of_number(owner, BUCKET, &scope, number(text), AllocationId(below));
        held.map(|held| held.unwrap().allocation.id.0).collect()
    }

    #[test]
    fn entries_are_found_wherever_they_lie_and_forgotten_with_their_bucket() {
        let directory = tempfile::tempdir().unwrap();
        let tree = Tree::open(directory.path(), 1 << 20).unwrap();
        let records = DurableRecords { tree, pending: Pending::new([], 1, 0) };
        let look = |moved: &str| {
            let odd: Vec<u64> = (1..=300).rev().step_by(2).map(|id| id - 1).filter(|id| *id > 0).collect();
            assert_eq!(ids(&records, "+497", 301), odd, "{moved}");
            assert_eq!(ids(&records, "+497", 8), [7, 5, 3, 1], "{moved}");
            let owner = Some(scope().tenant.clone());
            assert_eq!(records.of_bucket(&owner, BUCKET).unwrap().len(), 300, "{moved}");
            assert_eq!(records.of_bucket(&owner, BUCKET.next()).unwrap().len(), 0, "{moved}");
        };
        for id in 1..=300 {
            records.pending.add(id, ended(if id % 2 == 1 { "+497" } else { "+498" }, id));
            if id % 100 == 0 {
                records.pending.freeze(id);
            }
        }
        look("in the journal");
        for layer in records.pending.frozen() {
            checkpoint(&layer, &records.tree).unwrap();
            look("in both");
            records.pending.forget(layer.generation);
            look("partly in the tree");
        }
        let owner = Some(scope().tenant.clone());
        assert!(records.history_before(&owner, BUCKET, 500).unwrap().is_empty());
        let blocks = records.history_before(&owner, BUCKET.next(), 500).unwrap();
        assert!((15..60).contains(&blocks.len()), "300 entries in {} records", blocks.len());
        let forgotten = codec::history::Forgotten::of(&[(owner.clone(), BUCKET.next())]);
        assert!(blocks.iter().all(|key| forgotten.has(key)));
        assert_eq!(records.history_before(&owner, BUCKET.next(), 3).unwrap().len(), 3);
    }
}
