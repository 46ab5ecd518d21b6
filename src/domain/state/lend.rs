//! Lending and freeing numbers.

use std::sync::Arc;

use rand::CryptoRng;

use super::pools::Group;
use super::{State, Turn, endings};
use crate::domain::history::End;
use crate::domain::number::LastLending;
use crate::domain::once::Identity;
use crate::domain::slot::NumberSlot;
use crate::domain::{
    AccessCode, Allocation, AllocationId, Caller, Change, CodeShape, Deadline, GroupName, Interaction, InteractionId,
    Made, NewEntry, Number, NumberRecord, Origin, Refusal, Scope, Seconds, Sharing, Tables, Timestamp,
};

/// Who is to hold the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An interaction that must exist.
    Known(InteractionId),
    /// An interaction that is made if it does not exist.
    Any(InteractionId),
    /// A new interaction, named by the gateway.
    New,
}

/// Where the number may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// One group, and if it has no number to lend, the first of its fallbacks that has.
    Group {
        /// The group that was asked for; what is said of a refusal is said of this one.
        name: GroupName,
        /// Where to look next.
        fallbacks: Vec<GroupName>,
    },
    /// The first of these groups that has a free number.
    FirstOf(Vec<GroupName>),
    /// Any exclusive group, and the numbers without a group, which come first.
    Anywhere,
}

impl Source {
    /// One group alone.
    pub fn group(name: GroupName) -> Self {
        Self::Group { name, fallbacks: Vec::new() }
    }
}

/// What happens when the interaction holds a number of the same origin already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It keeps that number, whatever its group, with a new deadline.
    SameNumber,
    /// It keeps that number, with a new deadline, if it is of one of the groups that are asked for, fallbacks included.
    SameNumberOfGroup,
    /// It gets one more.
    AnotherNumber,
}

/// A request for a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lend {
    /// Who is to hold it.
    pub holder: Holder,
    /// Where it may come from.
    pub source: Source,
    /// Which dialect asks.
    pub origin: Origin,
    /// What happens on a second request.
    pub repeat: Repeat,
    /// How long the number is lent.
    pub lasting: Seconds,
    /// How long the interaction lives from now on, at least.
    pub interaction_ttl: Seconds,
    /// Whether an access code is wanted, and of which shape.
    pub code: Option<CodeShape>,
    /// The caller's own number, if told.
    pub caller: Option<Caller>,
    /// User data for the interaction's document.
    pub data: Vec<NewEntry>,
    /// How long the document is kept, should the interaction end sooner; `None` leaves that as it is.
    pub data_ttl: Option<Seconds>,
}

/// A number that has been lent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lent {
    /// The allocation.
    pub allocation: Arc<Allocation>,
    /// Who holds it.
    pub interaction: Arc<Interaction>,
    /// Whole seconds until the allocation ends.
    pub seconds_left: Seconds,
}

impl Turn<'_> {
    /// Lends a number until a deadline. The interaction lives at least as long as the allocation.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`], [`Refusal::GroupUnknown`], [`Refusal::Exhausted`], [`Refusal::CodesUsedUp`],
    /// and what keeps the user data from being written: [`Refusal::DocumentsFull`], [`Refusal::TooManyEntries`],
    /// [`Refusal::ValueTooLarge`]; [`Refusal::KeyReused`], [`Refusal::KeySpent`].
    pub fn lend(&mut self, scope: &Scope, lend: Lend) -> Result<Lent, Refusal> {
        if let Some(lent) = self.repeated(scope, |tables, made, now| lent_again(tables, scope, made, now))? {
            return Ok(lent);
        }
        let existing = self.holder(scope, &lend.holder)?;
        let scope = self.state.shared(scope);
        let document = existing.as_ref().and_then(|holder| self.state.document(&scope, holder.data));
        self.state.check_room(document.as_deref(), &lend.data)?;
        let running = existing.as_ref().and_then(|holder| self.state.running(&scope, holder, &lend, self.now));
        let choice = match running {
            Some(running) => Choice::Again(self.with_code(&scope, running, lend.code)?),
            None => {
                let group = self.state.choose_group(&scope, &lend, self.now)?;
                self.choose_number(&scope, &group, lend.code)?
            }
        };

        // Nothing refuses from here on, so nothing that follows is ever half done.
        let deadline = self.now.after(lend.lasting);
        let interaction = self.settle_holder(&scope, existing, &lend, deadline);
        let allocation = match choice {
            Choice::Again(running) => self.state.renew(&scope, running, deadline, lend.caller),
            Choice::Number { number, sharing, code } => {
                let allocation = Allocation {
                    id: AllocationId(self.state.next_id(|counters| &mut counters.allocation)),
                    number,
                    interaction: interaction.id.clone(),
                    code,
                    caller: lend.caller,
                    origin: lend.origin,
                    sharing,
                    since: self.now,
                    deadline,
                };
                self.state.put_allocation(&scope, allocation)
            }
        };
        self.remember(&scope, || Made::Allocation(allocation.number, allocation.id));
        Ok(Lent { seconds_left: allocation.deadline.seconds_left(self.now), allocation, interaction })
    }

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

    /// Takes the number that is next in the group or, where a code is wanted, the next that has one left.
    fn choose_number(
        &mut self,
        scope: &Arc<Scope>,
        group: &Group,
        shape: Option<CodeShape>,
    ) -> Result<Choice, Refusal> {
        let State { tables, pools, .. } = &mut *self.state;
        let pools = pools.entry(Arc::clone(scope)).or_default();
        let sharing = pools.sharing(group);
        let taken = pools.take(group, self.now, self.rng, |number, rng| match shape {
            None => Some(None),
            Some(shape) => draw_code(tables.slot(scope, number)?, shape, rng).map(Some),
        });
        match (taken, shape) {
            (Some((number, code)), _) => Ok(Choice::Number { number, sharing, code }),
            // An exclusive number carries nothing yet; the shared ones may have given out every code.
            (None, Some(shape)) => Err(Refusal::CodesUsedUp { length: shape.length() }),
            (None, None) => Err(self.state.exhausted(scope, group.as_ref(), std::slice::from_ref(group), self.now)),
        }
    }

    /// A running allocation, with a code if one is wanted that it does not have.
    fn with_code(
        &mut self,
        scope: &Scope,
        running: Arc<Allocation>,
        shape: Option<CodeShape>,
    ) -> Result<Arc<Allocation>, Refusal> {
        match shape {
            Some(shape) if running.code.is_none() => {
                let slot = self.state.slot(scope, running.number);
                let code = slot.and_then(|slot| draw_code(slot, shape, self.rng));
                let code = code.ok_or(Refusal::CodesUsedUp { length: shape.length() })?;
                Ok(Arc::new(Allocation { code: Some(code), ..(*running).clone() }))
            }
            _ => Ok(running),
        }
    }

    /// The interaction that is to hold the number, if it exists already.
    fn holder(&self, scope: &Scope, holder: &Holder) -> Result<Option<Arc<Interaction>>, Refusal> {
        let find = |id| self.state.tables.interaction(scope, id, self.now).cloned();
        match holder {
            Holder::New => Ok(None),
            Holder::Any(id) => Ok(find(id)),
            Holder::Known(id) => match find(id) {
                Some(found) => Ok(Some(found)),
                None => Err(Refusal::InteractionUnknown(id.clone())),
            },
        }
    }

    /// Makes the interaction or lets it live on, and writes its user data.
    fn settle_holder(
        &mut self,
        scope: &Arc<Scope>,
        existing: Option<Arc<Interaction>>,
        lend: &Lend,
        deadline: Timestamp,
    ) -> Arc<Interaction> {
        let lives_until = Deadline::At(deadline.max(self.now.after(lend.interaction_ttl)));
        let interaction = match (existing, &lend.holder) {
            (Some(existing), _) => self.state.prolong(scope, &existing, lives_until),
            (None, Holder::Known(id) | Holder::Any(id)) => self.begin_interaction(scope, id.clone(), lives_until),
            (None, Holder::New) => {
                let id = self.fresh_interaction_id();
                self.begin_interaction(scope, id, lives_until)
            }
        };
        if let (Some(ttl), Some(document)) = (lend.data_ttl, self.state.document(scope, interaction.data)) {
            let kept_until = self.now.after(ttl);
            if kept_until > document.kept_until {
                self.state.keep_until(scope, &document, kept_until);
            }
        }
        self.state.write_entries(scope, interaction.data, lend.data.clone());
        interaction
    }
}

/// The allocation that the first call under a key made, while it lives.
fn lent_again(tables: &Tables, scope: &Scope, made: &Made, now: Timestamp) -> Option<Lent> {
    let Made::Allocation(number, id) = made else { return None };
    let allocation = tables.slot(scope, *number)?.allocation(*id).filter(|allocation| allocation.live(now))?;
    let interaction = tables.interaction(scope, &allocation.interaction, now)?;
    Some(Lent {
        allocation: Arc::clone(allocation),
        interaction: Arc::clone(interaction),
        seconds_left: allocation.deadline.seconds_left(now),
    })
}

/// A code that nobody else has on the number.
fn draw_code(slot: &NumberSlot, shape: CodeShape, rng: &mut dyn CryptoRng) -> Option<AccessCode> {
    shape.draw(slot.codes(), rng, |code| slot.has_code(code.as_str()))
}

/// What is to be lent, when nothing can refuse any more.
enum Choice {
    /// What the interaction holds already.
    Again(Arc<Allocation>),
    /// A number that was taken out of its pool.
    Number { number: Number, sharing: Sharing, code: Option<AccessCode> },
}

impl State {
    /// The newest live allocation that a second request gives the interaction again.
    fn running(&self, scope: &Scope, holder: &Interaction, lend: &Lend, now: Timestamp) -> Option<Arc<Allocation>> {
        let within = |group: &Group| match (lend.repeat, &lend.source) {
            (Repeat::AnotherNumber, _) => false,
            (Repeat::SameNumber, _) | (_, Source::Anywhere) => true,
            (_, Source::FirstOf(groups)) => group.as_ref().is_some_and(|group| groups.contains(group)),
            (_, Source::Group { name, fallbacks }) => {
                group.as_ref().is_some_and(|group| group == name || fallbacks.contains(group))
            }
        };
        let holds = &self.tables.scope(scope)?.interactions.get(&holder.id)?.holds;
        let running = holds.iter().filter_map(|(number, id)| {
            let slot = self.slot(scope, *number)?;
            slot.allocation(*id).filter(|_| within(&slot.record.group))
        });
        running
            .filter(|allocation| allocation.origin == lend.origin && allocation.live(now))
            .max_by_key(|allocation| allocation.id)
            .cloned()
    }

    /// The group that the next number comes from; it has one to lend.
    fn choose_group(&mut self, scope: &Arc<Scope>, lend: &Lend, now: Timestamp) -> Result<Group, Refusal> {
        let pools = &*self.pools(scope);
        // Interact tells calls apart by the number alone, so it never lends a shared one.
        let suits = |group: &Group| lend.origin != Origin::Interact || pools.sharing(group) == Sharing::Exclusive;
        let able = |group: &Group| pools.can_lend(group) && suits(group);
        let named = |groups: &[GroupName]| groups.iter().cloned().map(Some).collect::<Vec<_>>();
        match &lend.source {
            Source::Anywhere => match pools.first_with_free() {
                Some(group) => Ok(group.clone()),
                None => {
                    let exclusive: Vec<_> = pools.exclusive_groups().cloned().collect();
                    Err(self.exhausted(scope, None, &exclusive, now))
                }
            },
            Source::FirstOf(groups) => {
                let groups: Vec<_> = named(groups).into_iter().filter(suits).collect();
                match groups.iter().find(|group| able(group)) {
                    Some(group) => Ok(group.clone()),
                    None => Err(self.exhausted(scope, None, &groups, now)),
                }
            }
            Source::Group { name, fallbacks } => {
                let asked = Some(name.clone());
                if able(&asked) {
                    return Ok(asked);
                }
                let (suits, fallback) = (suits(&asked), named(fallbacks).into_iter().find(able));
                if !self.rules.configures(&scope.tenant, name) && !self.tables.has_group(scope, name) {
                    Err(Refusal::GroupUnknown(name.clone()))
                } else if let Some(fallback) = fallback {
                    Ok(fallback)
                } else {
                    let groups = if suits { std::slice::from_ref(&asked) } else { &[] };
                    Err(self.exhausted(scope, Some(name), groups, now))
                }
            }
        }
    }

    /// Gives a running allocation a new deadline, and the caller's number as it was told last.
    fn renew(
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

    fn put_allocation(&mut self, scope: &Arc<Scope>, allocation: Allocation) -> Arc<Allocation> {
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
        self.finish(&Identity::Allocation(id), ended);
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
