//! Lists that are read in pages while things come and go.
//!
//! A page begins after a mark, the last thing of the page before it, and never counts from the beginning: what is
//! created or deleted meanwhile moves nothing, and the last page costs what the first one does.

use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;

use super::tables::slot::NumberSlot;
use super::tables::{FoundNumber, ScopeTables};
use super::{
    Allocation, AllocationId, GroupName, GroupRules, InteractionId, Number, Route, RouteFilter, Rules, Scope, Sharing,
    Tables, TenantId, Timestamp,
};

/// Most things that are looked at for one page. A filter that few things pass ends a page early rather than keep
/// everybody else waiting.
const LOOKED_AT: usize = 10_000;

/// What a number can be used for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberState {
    /// It can be lent.
    Free,
    /// It is lent.
    Allocated,
    /// It rests before it is lent again.
    Cooling,
    /// The configuration keeps it back.
    Reserved,
    /// It is not lent and not enabled.
    Disabled,
}

impl FoundNumber {
    /// The state of the number, in a group of these rules.
    pub fn state(&self, rules: &GroupRules, now: Timestamp) -> NumberState {
        let rests = |ended: Timestamp| rules.sharing == Sharing::Exclusive && now < ended.after(rules.cool_down);
        if self.allocation.is_some() {
            NumberState::Allocated
        } else if !self.record.enabled {
            NumberState::Disabled
        } else if rules.reserved.contains(&self.record.number) {
            NumberState::Reserved
        } else if self.ended.is_some_and(rests) {
            NumberState::Cooling
        } else {
            NumberState::Free
        }
    }
}

/// Which numbers a list shows; what is left out does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberFilter {
    /// Those of this group; `Some(None)`: those without a group.
    pub group: Option<Option<GroupName>>,
    /// Those that are enabled, or those that are not.
    pub enabled: Option<bool>,
    /// Those in this state.
    pub state: Option<NumberState>,
    /// Those that begin with these digits.
    pub prefix: Option<Number>,
}

impl NumberFilter {
    fn takes(&self, found: &FoundNumber, tenant: &TenantId, rules: &Rules, now: Timestamp) -> bool {
        let record = &found.record;
        self.group.as_ref().is_none_or(|group| *group == record.group)
            && self.enabled.is_none_or(|enabled| enabled == record.enabled)
            && self.state.is_none_or(|state| state == found.state(rules.group(tenant, record.group.as_ref()), now))
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<T, M> {
    /// What was asked for, in its order; perhaps nothing although there is more.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<M>,
}

impl<T, M> Part<T, M> {
    /// Nothing, and nothing after it.
    pub(super) fn end() -> Self {
        Self { items: Vec::new(), next: None }
    }

    /// Takes at most `limit` of what `take` makes of the candidates, each told with its mark, and looks at no more of
    /// them than is good for everybody else.
    pub(super) fn of<C>(
        candidates: impl Iterator<Item = C>,
        limit: usize,
        mark: impl Fn(&C) -> M,
        take: impl Fn(C) -> Option<T>,
    ) -> Self {
        let mut items = Vec::new();
        let mut last = None;
        for (looked_at, candidate) in candidates.enumerate() {
            if items.len() == limit || looked_at == LOOKED_AT {
                return Self { items, next: last };
            }
            last = Some(mark(&candidate));
            items.extend(take(candidate));
        }
        Self { items, next: None }
    }
}

impl Tables {
    /// Lists the numbers of a scope that pass the filter, in their order, from the first one after `after`.
    pub fn numbers_after(
        &self,
        scope: &Scope,
        filter: &NumberFilter,
        rules: &Rules,
        after: Option<Number>,
        limit: usize,
        now: Timestamp,
    ) -> Part<FoundNumber, Number> {
        let Some(tables) = self.scope(scope) else { return Part::end() };
        let slots = tables.slots_after(filter.group.as_ref(), filter.prefix, after);
        let found = slots.map(|slot| slot.found(now));
        Part::of(
            found,
            limit,
            |found| found.record.number,
            |found| filter.takes(&found, &scope.tenant, rules, now).then_some(found),
        )
    }
}

/// Which allocations a list shows; what is left out does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllocationFilter {
    /// Those of the numbers of this group.
    pub group: Option<GroupName>,
    /// Those of this interaction.
    pub interaction: Option<InteractionId>,
    /// Those of this number.
    pub number: Option<Number>,
}

impl Tables {
    /// A live allocation.
    pub fn allocation(&self, scope: &Scope, id: AllocationId, now: Timestamp) -> Option<&Arc<Allocation>> {
        let tables = self.scope(scope)?;
        let number = tables.lent.get(&id)?;
        tables.numbers.get(number)?.allocation(id).filter(|allocation| allocation.live(now))
    }

    /// Lists the live allocations of a scope that pass the filter, oldest first, from the first one after `after`.
    pub fn allocations_after(
        &self,
        scope: &Scope,
        filter: &AllocationFilter,
        after: Option<AllocationId>,
        limit: usize,
        now: Timestamp,
    ) -> Part<Arc<Allocation>, AllocationId> {
        let Some(tables) = self.scope(scope) else { return Part::end() };
        let first = after.map_or(AllocationId(0), |AllocationId(id)| AllocationId(id.saturating_add(1)));
        let allocations = tables.allocations_from(first, filter).filter_map(|(number, id)| {
            let slot = tables.numbers.get(&number)?;
            Some((slot, slot.allocation(id)?))
        });
        Part::of(
            allocations,
            limit,
            |(_, allocation)| allocation.id,
            |(slot, allocation)| {
                let takes = filter.number.is_none_or(|number| number == allocation.number)
                    && filter.interaction.as_ref().is_none_or(|id| *id == allocation.interaction)
                    && (filter.group.is_none() || filter.group == slot.record.group);
                (takes && allocation.live(now)).then(|| Arc::clone(allocation))
            },
        )
    }
}

impl Tables {
    /// Lists the called routes of a scope that the filter shows, in the order of their configuration numbers, from the
    /// first one after `after`.
    pub fn routes_after(
        &self,
        scope: &Scope,
        filter: &RouteFilter,
        after: Option<u32>,
        limit: usize,
    ) -> Part<Arc<Route>, u32> {
        let Some(calls) = self.calls(scope) else { return Part::end() };
        let shown = |route: &Arc<Route>| filter.shows(route).then(|| Arc::clone(route));
        Part::of(calls.after(after), limit, |route| route.dnid, shown)
    }
}

impl ScopeTables {
    /// The allocations that may pass a filter, oldest first, by the index that leaves the fewest.
    fn allocations_from<'a>(
        &'a self,
        first: AllocationId,
        filter: &AllocationFilter,
    ) -> Box<dyn Iterator<Item = (Number, AllocationId)> + 'a> {
        match filter {
            AllocationFilter { interaction: Some(id), .. } => {
                Box::new(self.held_by(id).filter(move |(_, id)| *id >= first))
            }
            AllocationFilter { number: Some(number), .. } => {
                let number = *number;
                let slot = self.numbers.get(&number).into_iter();
                Box::new(slot.flat_map(move |slot| slot.allocations_from(first)).map(move |id| (number, id)))
            }
            _ => Box::new(self.lent.range(first..).map(|(id, number)| (*number, *id))),
        }
    }

    /// The slots of all numbers, or those of a group, that begin with `prefix`, from the first one after `after`.
    fn slots_after(
        &self,
        group: Option<&Option<GroupName>>,
        prefix: Option<Number>,
        after: Option<Number>,
    ) -> Box<dyn Iterator<Item = &NumberSlot> + '_> {
        let (first, last) = prefix.map_or((Number::MIN, Number::MAX), Number::beginning_with);
        let bounds = match after {
            Some(after) if after >= last => return Box::new(std::iter::empty()),
            Some(after) if after >= first => (Excluded(after), Included(last)),
            _ => (Included(first), Included(last)),
        };
        match group {
            None => Box::new(self.numbers.range(bounds).map(|(_, slot)| slot)),
            Some(group) => {
                let members = self.group(group).into_iter().flat_map(move |table| table.members_in(bounds));
                Box::new(members.filter_map(|number| self.numbers.get(&number)))
            }
        }
    }
}
