//! What becomes of an allocation: it is renewed, handed over or freed, and its number rests.

use std::sync::Arc;

use super::lend::Lent;
use super::{State, Turn};
use crate::domain::audit::{Action, Deed, Facts};
use crate::domain::history::End;
use crate::domain::idempotency::Identity;
use crate::domain::number::LastLending;
use crate::domain::{
    Allocation, AllocationId, Caller, Change, Deadline, Number, NumberRecord, Refusal, Scope, Seconds, Sharing,
    Timestamp,
};

impl Turn<'_> {
    /// Ends the newest allocation of a number, given by its whole digits or its DNID. `None` if it was not allocated.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`].
    pub fn free(&mut self, scope: &Scope, dialled: Number) -> Result<Option<Arc<Allocation>>, Refusal> {
        let found = self.state.tables.dialled(scope, dialled, self.now).ok_or(Refusal::NumberUnknown(dialled))?;
        if let Some(allocation) = &found.allocation {
            let scope = self.state.shared(scope);
            self.state.end_allocation(&scope, allocation.number, allocation.id, End::Freed, self.now);
        }
        Ok(found.allocation)
    }

    /// Tells who holds a number, given whole or by its DNID, to somebody for whom its call has come: from now on it stays
    /// lent for `left` at most, and not at all where that is nothing. A number that many share stays as it is, since
    /// nothing tells whose call it was.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`].
    pub fn hand_over(
        &mut self,
        scope: &Scope,
        dialled: Number,
        left: Seconds,
    ) -> Result<Option<Arc<Allocation>>, Refusal> {
        let found = self.state.tables.dialled(scope, dialled, self.now).ok_or(Refusal::NumberUnknown(dialled))?;
        let holder = found.allocation.as_ref().filter(|allocation| allocation.sharing == Sharing::Exclusive);
        if let Some(allocation) = holder {
            let (scope, until) = (self.state.shared(scope), self.now.after(left));
            if left == Seconds::default() {
                self.state.end_allocation(&scope, allocation.number, allocation.id, End::Matched, self.now);
            } else if until < allocation.deadline {
                self.state.renew(&scope, Arc::clone(allocation), until, None);
            }
        }
        Ok(found.allocation)
    }

    /// Gives a live allocation a new deadline, `lasting` from now. The interaction lives at least as long.
    ///
    /// # Errors
    /// [`Refusal::AllocationUnknown`].
    pub fn renew_allocation(&mut self, scope: &Scope, id: AllocationId, lasting: Seconds) -> Result<Lent, Refusal> {
        let unknown = Refusal::AllocationUnknown(id);
        let tables = &self.state.tables;
        let running = tables.allocation(scope, id, self.now).cloned().ok_or(unknown.clone())?;
        let interaction = tables.interaction(scope, &running.interaction, self.now).cloned().ok_or(unknown)?;
        let scope = self.state.shared(scope);
        let deadline = self.now.after(lasting);
        let interaction = self.state.prolong(&scope, &interaction, Deadline::At(deadline));
        let allocation = self.state.renew(&scope, running, deadline, None);
        Ok(Lent { seconds_left: allocation.deadline.seconds_left(self.now), allocation, interaction })
    }

    /// Ends a live allocation.
    ///
    /// # Errors
    /// [`Refusal::AllocationUnknown`].
    pub fn free_allocation(&mut self, scope: &Scope, id: AllocationId) -> Result<Arc<Allocation>, Refusal> {
        let running = self.state.tables.allocation(scope, id, self.now).cloned();
        let running = running.ok_or(Refusal::AllocationUnknown(id))?;
        let scope = self.state.shared(scope);
        self.state.end_allocation(&scope, running.number, id, End::Freed, self.now);
        self.audit(&scope, || Deed::new(Action::AllocationFreed, &id.0).before(Facts::from(&*running)));
        Ok(running)
    }
}

impl State {
    /// Gives a running allocation a new deadline, and the caller's number as it was told last.
    pub(super) fn renew(
        &mut self,
        scope: &Arc<Scope>,
        running: Arc<Allocation>,
        deadline: Timestamp,
        caller: Option<Caller>,
    ) -> Arc<Allocation> {
        let running = Arc::unwrap_or_clone(running);
        let caller = caller.or(running.caller);
        self.put_allocation(scope, Allocation { deadline, caller, ..running })
    }

    /// Writes a new allocation, or what has changed of one.
    pub(super) fn put_allocation(&mut self, scope: &Arc<Scope>, allocation: Allocation) -> Arc<Allocation> {
        let allocation = Arc::new(allocation);
        self.apply(Change::Allocated(Arc::clone(scope), Arc::clone(&allocation)));
        allocation
    }

    /// Ends an allocation, by its deadline or by hand, and lets its number rest or be lent again. What comes after its
    /// deadline only finds that it has expired.
    pub(super) fn end_allocation(
        &mut self,
        scope: &Arc<Scope>,
        number: Number,
        id: AllocationId,
        end: End,
        now: Timestamp,
    ) {
        let Some(slot) = self.slot(scope, number) else { return };
        let Some(allocation) = slot.allocation(id).cloned() else { return };
        let (ended, group) = (now.min(allocation.deadline), slot.record.group.clone());
        let freed = Some(LastLending::after(slot.record.freed, id, ended));
        let record = Arc::new(NumberRecord { freed, ..(*slot.record).clone() });
        // The record first, since it says for how long the number rests when nothing holds it any more.
        self.apply(Change::Number(Arc::clone(scope), number, Some(record)));
        self.apply(Change::Released(Arc::clone(scope), Arc::clone(&allocation)));
        self.finish(&Identity::Allocation(Arc::clone(scope), id), ended);
        let end = match end {
            End::Matched if !allocation.live(now) => End::MatchedLate,
            _ if !allocation.live(now) => End::Expired,
            end => end,
        };
        self.count_end(scope, &group, allocation.since, ended, end);
        self.remember_past(scope, group, allocation, ended, end);
    }
}
