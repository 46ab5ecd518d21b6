//! What becomes of an allocation: its end is planned, it is renewed or freed, and its number rests.

use std::sync::Arc;

use super::lend::Lent;
use super::pools::Group;
use super::{State, Turn, endings};
use crate::domain::history::End;
use crate::domain::number::LastLending;
use crate::domain::once::Identity;
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
        let group = self.group_of(scope, running.number);
        self.unplan(scope, &group, &running);
        let running = Arc::unwrap_or_clone(running);
        let caller = caller.or(running.caller);
        self.put_allocation(scope, Allocation { deadline, caller, ..running })
    }

    /// Writes a new allocation, or what has changed of one, and plans its end.
    pub(super) fn put_allocation(&mut self, scope: &Arc<Scope>, allocation: Allocation) -> Arc<Allocation> {
        let allocation = Arc::new(allocation);
        let group = self.group_of(scope, allocation.number);
        self.plan(scope, &group, &allocation);
        self.apply(Change::Allocated(Arc::clone(scope), Arc::clone(&allocation)));
        self.recount(scope, allocation.number);
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
        let record = Arc::clone(&slot.record);
        let ended = now.min(allocation.deadline);
        self.unplan(scope, &record.group, &allocation);
        self.apply(Change::Released(Arc::clone(scope), Arc::clone(&allocation)));
        self.finish(&Identity::Allocation(Arc::clone(scope), id), ended);
        let end = match end {
            End::Matched if !allocation.live(now) => End::MatchedLate,
            _ if !allocation.live(now) => End::Expired,
            end => end,
        };
        self.remember_past(scope, allocation, ended, end);
        let freed = Some(LastLending::after(record.freed, id, ended));
        let record = Arc::new(NumberRecord { freed, ..(*record).clone() });
        self.apply(Change::Number(Arc::clone(scope), number, Some(record)));
        self.offer(scope, number);
        self.recount(scope, number);
    }

    /// Plans the end of an allocation: at its deadline or, in a group whose numbers rest, when the rest after it is
    /// over. Until then readers see it as expired, and late calls find it.
    pub(super) fn plan(&mut self, scope: &Arc<Scope>, group: &Group, allocation: &Allocation) {
        let Some(record) = self.slot(scope, allocation.number).map(|slot| Arc::clone(&slot.record)) else { return };
        let now = self.now;
        let pools = self.pools(scope);
        pools.note(&record, allocation, now);
        let cool_down = pools.cool_down(group);
        self.endings.extend(endings(scope, allocation, cool_down, now));
    }

    /// The opposite of planning: before an allocation ends or gets another deadline or group.
    pub(super) fn unplan(&mut self, scope: &Arc<Scope>, group: &Group, allocation: &Allocation) {
        let now = self.now;
        let pools = self.pools(scope);
        pools.forget(group, allocation);
        let cool_down = pools.cool_down(group);
        for ending in endings(scope, allocation, cool_down, now) {
            self.endings.remove(&ending);
        }
    }
}
