//! Lending and freeing numbers.

use std::sync::Arc;

use super::pools::Group;
use super::{Ending, State, Turn, may_be_lent};
use crate::domain::number::LastLending;
use crate::domain::{
    AccessCode, Allocation, AllocationId, Caller, Change, CodeShape, Deadline, GroupName, Interaction, InteractionId,
    NewEntry, Number, NumberRecord, Origin, Refusal, Scope, Seconds, Sharing, Timestamp,
};

/// Most numbers of a shared group that are tried for a free access code.
const MAX_TRIES: usize = 64;

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
    /// It keeps that number, with a new deadline, if it is of the group that is asked for.
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
    /// [`Refusal::ValueTooLarge`].
    pub fn lend(&mut self, scope: &Scope, lend: Lend) -> Result<Lent, Refusal> {
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
            Choice::Again(running) => self.state.renew(&scope, running, deadline),
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
            self.state.end_allocation(&scope, allocation.number, allocation.id, self.now);
        }
        Ok(found.allocation)
    }

    /// Takes the number that is next in the group, with a code that nobody else has on it.
    fn choose_number(
        &mut self,
        scope: &Arc<Scope>,
        group: &Group,
        shape: Option<CodeShape>,
    ) -> Result<Choice, Refusal> {
        let sharing = self.state.pools(scope).sharing(group);
        // An exclusive number carries nothing yet, so the first one does; a shared one may have given out every code.
        for _ in 0..MAX_TRIES {
            let number = self.state.pools(scope).take(group, self.now, &mut *self.rng);
            let number = number.expect("the chosen group has a number to lend");
            let code = match shape {
                None => return Ok(Choice::Number { number, sharing, code: None }),
                Some(shape) => self.draw_code(scope, number, shape),
            };
            if code.is_some() {
                return Ok(Choice::Number { number, sharing, code });
            }
        }
        Err(Refusal::CodesUsedUp { length: shape.map(CodeShape::length).unwrap_or_default() })
    }

    fn draw_code(&mut self, scope: &Scope, number: Number, shape: CodeShape) -> Option<AccessCode> {
        let slot = self.state.slot(scope, number)?;
        shape.draw(slot.codes(), &mut *self.rng, |code| slot.has_code(code.as_str()))
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
                let code = self.draw_code(scope, running.number, shape);
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
        let group = match (lend.repeat, &lend.source) {
            (Repeat::AnotherNumber, _) => return None,
            (Repeat::SameNumberOfGroup, Source::Group { name, .. }) => Some(name),
            (Repeat::SameNumber | Repeat::SameNumberOfGroup, _) => None,
        };
        let holds = &self.tables.scope(scope)?.interactions.get(&holder.id)?.holds;
        let running = holds.iter().rev().filter_map(|(number, id)| {
            let slot = self.slot(scope, *number)?;
            slot.allocation(*id).filter(|_| group.is_none() || slot.record.group.as_ref() == group)
        });
        running
            .filter(|allocation| allocation.origin == lend.origin && allocation.live(now))
            .max_by_key(|a| a.id)
            .cloned()
    }

    /// The group that the next number comes from; it has one to lend.
    fn choose_group(&mut self, scope: &Arc<Scope>, lend: &Lend, now: Timestamp) -> Result<Group, Refusal> {
        let exhausted = |group, next_release| Err(Refusal::Exhausted { group, next_release });
        let pools = self.pools(scope);
        // Interact tells calls apart by the number alone, so it never lends a shared one.
        let able = |pools: &super::Pools, group: &Group| {
            pools.can_lend(group) && (lend.origin != Origin::Interact || pools.sharing(group) == Sharing::Exclusive)
        };
        match &lend.source {
            Source::Anywhere => match pools.first_with_free() {
                Some(group) => Ok(group.clone()),
                None => exhausted(None, None),
            },
            Source::FirstOf(groups) => {
                match groups.iter().map(|group| Some(group.clone())).find(|group| able(pools, group)) {
                    Some(group) => Ok(group),
                    None => exhausted(None, None),
                }
            }
            Source::Group { name, fallbacks } => {
                let asked = Some(name.clone());
                if able(pools, &asked) {
                    return Ok(asked);
                }
                let next_release = pools.pool(&asked).and_then(super::pools::Pool::next_release);
                let fallback = fallbacks.iter().map(|group| Some(group.clone())).find(|group| able(pools, group));
                if !self.rules.configures(&scope.tenant, name) && !self.tables.has_group(scope, name) {
                    Err(Refusal::GroupUnknown(name.clone()))
                } else if let Some(fallback) = fallback {
                    Ok(fallback)
                } else {
                    exhausted(asked, next_release.map(|at| at.seconds_to_wait(now)))
                }
            }
        }
    }

    /// Gives a running allocation a new deadline.
    fn renew(&mut self, scope: &Arc<Scope>, running: Arc<Allocation>, deadline: Timestamp) -> Arc<Allocation> {
        let group = self.group_of(scope, running.number);
        let before = self.slot(scope, running.number).and_then(|slot| slot.allocation(running.id)).cloned();
        if let Some(before) = before {
            self.unplan(scope, &group, &before);
        }
        self.put_allocation(scope, Allocation { deadline, ..(*running).clone() })
    }

    fn put_allocation(&mut self, scope: &Arc<Scope>, allocation: Allocation) -> Arc<Allocation> {
        let allocation = Arc::new(allocation);
        let group = self.group_of(scope, allocation.number);
        self.plan(scope, &group, &allocation);
        self.apply(Change::Allocated(Arc::clone(scope), Arc::clone(&allocation)));
        allocation
    }

    /// Ends an allocation, by its deadline or by hand, and lets its number rest or be lent again.
    pub(super) fn end_allocation(&mut self, scope: &Arc<Scope>, number: Number, id: AllocationId, now: Timestamp) {
        let Some(slot) = self.slot(scope, number) else { return };
        let Some(allocation) = slot.allocation(id).cloned() else { return };
        let record = Arc::clone(&slot.record);
        self.unplan(scope, &record.group, &allocation);
        self.apply(Change::Released(Arc::clone(scope), Arc::clone(&allocation)));
        if allocation.sharing == Sharing::Shared && self.pools(scope).sharing(&record.group) == Sharing::Shared {
            // A shared number was in its pool all the time.
            return;
        }
        let freed = Some(LastLending { at: now.min(allocation.deadline), allocation: id });
        let record = Arc::new(NumberRecord { freed, ..(*record).clone() });
        self.apply(Change::Number(Arc::clone(scope), number, Some(Arc::clone(&record))));
        let sharing = self.pools(scope).sharing(&record.group);
        if self.slot(scope, number).is_some_and(|slot| may_be_lent(slot, sharing)) {
            self.withdraw(scope, &record);
            self.offer(scope, &record, now);
        }
    }

    /// Plans the end of an allocation: at its deadline or, in a group whose numbers rest, when the rest after it is
    /// over. Until then readers see it as expired, and late calls find it.
    pub(super) fn plan(&mut self, scope: &Arc<Scope>, group: &Group, allocation: &Allocation) {
        let pools = self.pools(scope);
        pools.note(group, allocation);
        let ending = Ending::Allocation(Arc::clone(scope), allocation.number, allocation.id);
        let at = allocation.deadline.after(pools.cool_down(group));
        self.note_ending(Deadline::At(at), ending);
    }

    /// The opposite of planning: before an allocation ends or gets another deadline or group.
    pub(super) fn unplan(&mut self, scope: &Arc<Scope>, group: &Group, allocation: &Allocation) {
        let pools = self.pools(scope);
        pools.forget(group, allocation);
        let ending = Ending::Allocation(Arc::clone(scope), allocation.number, allocation.id);
        let at = allocation.deadline.after(pools.cool_down(group));
        self.forget_ending(Deadline::At(at), ending);
    }

    fn group_of(&self, scope: &Scope, number: Number) -> Group {
        self.slot(scope, number)?.record.group.clone()
    }
}
