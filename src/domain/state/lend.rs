//! Lending: whether a second request gets the same number again, which group the next one comes from, and which number.

use std::sync::Arc;

use rand::CryptoRng;

use super::pools::Group;
use super::{State, Turn};
use crate::domain::quotas::Quota;
use crate::domain::tables::slot::NumberSlot;
use crate::domain::{
    AccessCode, Allocation, AllocationId, ApplicationName, Caller, CodeShape, Deadline, GroupName, Interaction,
    InteractionId, LentBy, Made, NewEntry, Number, Refusal, Scope, Seconds, Sharing, Tables, Timestamp,
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
    pub origin: LentBy,
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
    /// The application that asks; an interaction that is made for it is its own.
    pub application: Option<ApplicationName>,
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
    /// [`Refusal::QuotaFull`], and what keeps the user data from being written: [`Refusal::DocumentsFull`], [`Refusal::TooManyEntries`],
    /// [`Refusal::ValueTooLarge`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    pub fn lend(&mut self, scope: &Scope, lend: Lend) -> Result<Lent, Refusal> {
        let lent = self.try_lend(scope, lend);
        if let Err(refusal) = &lent {
            self.state.count_refusal(scope, refusal);
        }
        lent
    }

    fn try_lend(&mut self, scope: &Scope, lend: Lend) -> Result<Lent, Refusal> {
        if let Some(lent) = self.repeated(scope, |tables, made, now| lent_again(tables, scope, made, now))? {
            return Ok(lent);
        }
        let existing = self.holder(scope, &lend.holder)?;
        let scope = self.state.shared(scope);
        let document = existing.as_ref().and_then(|holder| self.state.document(&scope, holder.data));
        if existing.is_none() {
            self.state.check_new_interaction(&scope.tenant)?;
        }
        self.state.check_room(&scope.tenant, document.as_deref(), &lend.data)?;
        let running = existing.as_ref().and_then(|holder| self.state.running(&scope, holder, &lend, self.now));
        let choice = match running {
            Some(running) => Choice::Again(self.with_code(&scope, running, lend.code)?),
            None => {
                let group = self.state.choose_group(&scope, &lend, self.now)?;
                if self.state.pools(&scope).sharing(&group) == Sharing::Shared {
                    self.state.check_quota(&scope.tenant, Quota::Bookings)?;
                }
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
                    id: AllocationId(self.state.next_id(&scope, |ids| &mut ids.allocation)),
                    number,
                    interaction: interaction.id.clone(),
                    code,
                    caller: lend.caller,
                    origin: lend.origin,
                    application: lend.application,
                    sharing,
                    since: self.now,
                    deadline,
                };
                let allocation = self.state.put_allocation(&scope, allocation);
                let group = self.state.group_of(&scope, number);
                self.state.count_lend(&scope, &group);
                allocation
            }
        };
        self.remember(&scope, || Made::Allocation(allocation.number, allocation.id));
        Ok(Lent { seconds_left: allocation.deadline.seconds_left(self.now), allocation, interaction })
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
        let taken = pools.take(group, self.rng, |number, rng| match shape {
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
        let ttl = self.state.bounded(scope, lend.interaction_ttl);
        let lives_until = Deadline::At(deadline.max(self.now.after(ttl)));
        let interaction = match (existing, &lend.holder) {
            (Some(existing), _) => self.state.prolong(scope, &existing, lives_until),
            (None, Holder::Known(id) | Holder::Any(id)) => {
                self.begin_interaction(scope, id.clone(), lives_until, lend.application.clone())
            }
            (None, Holder::New) => {
                let id = self.fresh_interaction_id(scope);
                self.begin_interaction(scope, id, lives_until, lend.application.clone())
            }
        };
        if let (Some(ttl), Some(document)) = (lend.data_ttl, self.state.document(scope, interaction.data)) {
            let kept_until = self.now.after(self.state.bounded(scope, ttl));
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
        let tables = self.tables.scope(scope)?;
        let running = tables.held_by(&holder.id).filter_map(|(number, id)| {
            let slot = tables.numbers.get(&number)?;
            slot.allocation(id).filter(|_| within(&slot.record.group))
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
        let suits = |group: &Group| lend.origin != LentBy::Interact || pools.sharing(group) == Sharing::Exclusive;
        let able = |group: &Group| pools.can_lend(group) && suits(group);
        let named = |groups: &[GroupName]| groups.iter().cloned().map(Some).collect::<Vec<_>>();
        match &lend.source {
            Source::Anywhere => match pools.first_with_free() {
                Some(group) => Ok(group.clone()),
                None => {
                    let exclusive: Vec<_> = pools.exclusive_groups().into_iter().cloned().collect();
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
}
