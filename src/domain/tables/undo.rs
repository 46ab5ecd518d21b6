//! Going back: what undoes changes, by tables that do not know of them.

use std::sync::Arc;

use super::Tables;
use crate::domain::change::Change;

impl Tables {
    /// Undoes changes, the last ones made, of which `before` does not know.
    pub(in crate::domain) fn go_back(&mut self, changes: &[Change], before: &Self) {
        for change in changes.iter().rev().filter_map(|change| before.undoing(change)) {
            self.apply(&change);
        }
        // No change takes these back; they are small.
        self.history.clone_from(&before.history);
        self.signing_key.clone_from(&before.signing_key);
        self.usage.clone_from(&before.usage);
        self.scopes.retain(|scope, _| before.scopes.contains_key(scope));
    }

    /// The change that makes what another one speaks of as it is here.
    fn undoing(&self, change: &Change) -> Option<Change> {
        Some(match change {
            Change::Number(scope, number, _) => {
                let record = self.slot(scope, *number).map(|slot| Arc::clone(&slot.record));
                Change::Number(Arc::clone(scope), *number, record)
            }
            Change::Allocated(scope, allocation) | Change::Released(scope, allocation) => {
                match self.slot(scope, allocation.number).and_then(|slot| slot.allocation(allocation.id)) {
                    Some(allocation) => Change::Allocated(Arc::clone(scope), Arc::clone(allocation)),
                    None => Change::Released(Arc::clone(scope), Arc::clone(allocation)),
                }
            }
            Change::Interaction(scope, id, _) => {
                let slot = self.scope(scope).and_then(|tables| tables.interactions.get(id));
                Change::Interaction(Arc::clone(scope), id.clone(), slot.map(|slot| Arc::clone(&slot.record)))
            }
            Change::Document(scope, id, _) => {
                Change::Document(Arc::clone(scope), *id, self.kept_document(scope, *id).cloned())
            }
            Change::IdempotencyKey(scope, key, _) => {
                Change::IdempotencyKey(Arc::clone(scope), key.clone(), self.idempotency_record(scope, key).cloned())
            }
            Change::Skill(scope, id, _) => Change::Skill(Arc::clone(scope), *id, self.skill(scope, *id).cloned()),
            Change::Route(scope, dnid, _) => {
                let route = self.scope(scope).and_then(|tables| tables.calls.of_dnid(*dnid));
                Change::Route(Arc::clone(scope), *dnid, route.cloned())
            }
            Change::Numbering(scope, _) => {
                let numbering = self.scope(scope).map(|tables| tables.calls.numbering);
                Change::Numbering(Arc::clone(scope), numbering.unwrap_or_default())
            }
            Change::Usage(scope, group, _) => {
                Change::Usage(Arc::clone(scope), group.clone(), self.usage(scope, group).cloned())
            }
            Change::Ids(scope, _) => {
                Change::Ids(Arc::clone(scope), self.scope(scope).map(|tables| tables.ids).unwrap_or_default())
            }
            Change::Counters(_) => Change::Counters(self.counters),
            Change::Audited(owner, id, _) => Change::Audited(owner.clone(), *id, self.audit.get(owner, *id).cloned()),
            Change::SigningKey(_)
            | Change::Ended(..)
            | Change::HistoryDropped(..)
            | Change::Used(..)
            | Change::UsageDropped(..)
            | Change::Entry(..)
            | Change::ValueKept(..)
            | Change::ValueDropped(..) => return None,
        })
    }
}
