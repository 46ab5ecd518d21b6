//! Lists that are read in pages while things come and go.
//!
//! A page begins after a mark, the last thing of the page before it, and never counts from the beginning: what is
//! created or deleted meanwhile moves nothing, and the last page costs what the first one does.

use serde::Serialize;

use super::tables::{Found, ScopeTables};
use super::{GroupName, GroupRules, Number, Rules, Scope, Sharing, Tables, TenantId, Timestamp};

/// Most things that are looked at for one page. A filter that few things pass ends a page early rather than keep
/// everybody else waiting.
const LOOKED_AT: usize = 10_000;

/// What a number can be used for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
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

impl Found {
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
    fn takes(&self, found: &Found, tenant: &TenantId, rules: &Rules, now: Timestamp) -> bool {
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
    fn end() -> Self {
        Self { items: Vec::new(), next: None }
    }

    /// Takes at most `limit` of what `take` makes of the candidates, each told with its mark, and looks at no more of
    /// them than is good for everybody else.
    fn of<C>(
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
    ) -> Part<Found, Number> {
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

impl ScopeTables {
    /// The slots of all numbers, or those of a group, that begin with `prefix`, from the first one after `after`.
    fn slots_after(
        &self,
        group: Option<&Option<GroupName>>,
        prefix: Option<Number>,
        after: Option<Number>,
    ) -> Box<dyn Iterator<Item = &super::slot::NumberSlot> + '_> {
        use std::ops::Bound::{Excluded, Included};
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
