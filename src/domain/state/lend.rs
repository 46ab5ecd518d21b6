//! Lending and freeing numbers.

use std::sync::Arc;

use rand::{CryptoRng, RngExt};

use super::pools::Group;
use super::{Ending, State, Turn};
use crate::domain::number::LastLending;
use crate::domain::tables::Found;
use crate::domain::{
    AccessCode, Allocation, AllocationId, Caller, Change, Deadline, GroupName, Interaction, InteractionId, NewEntry,
    Number, NumberRecord, Origin, Refusal, Scope, Seconds, Timestamp,
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
    /// One group.
    Group(GroupName),
    /// The first of these groups that has a free number.
    FirstOf(Vec<GroupName>),
    /// Any group, and the numbers without a group, which come first.
    Anywhere,
}

/// What happens when the interaction holds a number of the same origin already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It keeps that number, with a new deadline.
    SameNumber,
    /// It gets one more.
    AnotherNumber,
}

/// The length of an access code, 1 to 16 decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeLength(u8);

impl CodeLength {
    /// The length GMS gives a code where nothing else is said.
    pub const DEFAULT: Self = Self(6);

    /// A length of `digits`, or `None` outside 1 to 16.
    pub fn new(digits: u64) -> Option<Self> {
        u8::try_from(digits).ok().filter(|digits| (1..=16).contains(digits)).map(Self)
    }

    /// Draws a code of this length, leading zeros included.
    fn draw(self, rng: &mut dyn CryptoRng) -> AccessCode {
        let digits = usize::from(self.0);
        let code = rng.random_range(0..10u64.pow(u32::from(self.0)));
        AccessCode::new(&format!("{code:0digits$}")).expect("1 to 16 digits are a valid code")
    }
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
    /// Whether an access code is wanted, and how long.
    pub code: Option<CodeLength>,
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
    /// Lends a number, exclusively and until a deadline. The interaction lives at least as long as the allocation.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`], [`Refusal::GroupUnknown`], [`Refusal::Exhausted`], [`Refusal::DocumentsFull`].
    pub fn lend(&mut self, scope: &Scope, lend: Lend) -> Result<Lent, Refusal> {
        let existing = self.holder(scope, &lend.holder)?;
        let scope = self.state.shared(scope);
        let running = match lend.repeat {
            Repeat::SameNumber => existing.as_ref().and_then(|holder| self.state.held(&scope, &holder.id, lend.origin)),
            Repeat::AnotherNumber => None,
        };
        let group = match running {
            Some(_) => None,
            None => Some(self.state.choose_group(&scope, &lend.source, self.now)?),
        };
        let document = existing.as_ref().and_then(|holder| self.state.document(&scope, holder.data));
        self.state.check_room(document.as_deref(), &lend.data)?;

        // Nothing refuses from here on, so nothing that follows is ever half done.
        let deadline = self.now.after(lend.lasting);
        let interaction = self.settle_holder(&scope, existing, &lend, deadline);
        let allocation = match (running, group) {
            (Some(running), _) => self.state.renew(&scope, &running, deadline),
            (None, Some(group)) => {
                let number = self.state.pools(&scope).take(&group, &mut *self.rng);
                let number = number.expect("the chosen group has a free number");
                self.allocate(&scope, number, &interaction.id, lend, deadline)
            }
            (None, None) => unreachable!("a group is chosen whenever nothing is renewed"),
        };
        Ok(Lent { seconds_left: allocation.deadline.seconds_left(self.now), allocation, interaction })
    }

    /// Ends the allocation of a number, given by its whole digits or its DNID. `None` if it was not allocated.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`].
    pub fn free(&mut self, scope: &Scope, dialled: Number) -> Result<Option<Arc<Allocation>>, Refusal> {
        let found = self.state.tables.dialled(scope, dialled, self.now).ok_or(Refusal::NumberUnknown(dialled))?;
        if let Some(allocation) = &found.allocation {
            let scope = self.state.shared(scope);
            self.state.end_allocation(&scope, allocation.number, self.now);
        }
        Ok(found.allocation)
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

    fn allocate(
        &mut self,
        scope: &Arc<Scope>,
        number: Number,
        interaction: &InteractionId,
        lend: Lend,
        deadline: Timestamp,
    ) -> Arc<Allocation> {
        // A number of an exclusive group carries one live allocation, so any code is unique on it.
        let code = lend.code.map(|length| length.draw(&mut *self.rng));
        let allocation = Arc::new(Allocation {
            id: AllocationId(self.state.next_id(|counters| &mut counters.allocation)),
            number,
            interaction: interaction.clone(),
            code,
            caller: lend.caller,
            origin: lend.origin,
            since: self.now,
            deadline,
        });
        self.state.put_allocation(scope, Arc::clone(&allocation));
        allocation
    }
}

impl State {
    /// The newest live allocation of one origin that an interaction holds.
    fn held(&self, scope: &Scope, holder: &InteractionId, origin: Origin) -> Option<Arc<Allocation>> {
        let tables = self.tables.scope(scope)?;
        let holds = &tables.interactions.get(holder)?.holds;
        let allocations = holds.iter().filter_map(|number| tables.numbers.get(number)?.allocation.as_ref());
        allocations.filter(|allocation| allocation.origin == origin).max_by_key(|allocation| allocation.id).cloned()
    }

    /// The group that the next number comes from; it has a free number.
    fn choose_group(&mut self, scope: &Arc<Scope>, source: &Source, now: Timestamp) -> Result<Group, Refusal> {
        let exhausted = |group, next_release| Err(Refusal::Exhausted { group, next_release });
        match source {
            Source::Anywhere => match self.pools(scope).first_with_free() {
                Some(group) => Ok(group.clone()),
                None => exhausted(None, None),
            },
            Source::FirstOf(groups) => {
                let pools = self.pools(scope);
                match groups.iter().map(|group| Some(group.clone())).find(|group| pools.has_free(group)) {
                    Some(group) => Ok(group),
                    None => exhausted(None, None),
                }
            }
            Source::Group(name) => {
                let group = Some(name.clone());
                if self.pools(scope).has_free(&group) {
                    Ok(group)
                } else if self.rules.configures(&scope.tenant, name) || self.tables.has_group(scope, name) {
                    let next_release = self.pools(scope).next_release(&group).map(|at| at.seconds_to_wait(now));
                    exhausted(group, next_release)
                } else {
                    Err(Refusal::GroupUnknown(name.clone()))
                }
            }
        }
    }

    /// Gives a running allocation a new deadline.
    fn renew(&mut self, scope: &Arc<Scope>, running: &Arc<Allocation>, deadline: Timestamp) -> Arc<Allocation> {
        self.forget_allocation(scope, running);
        let renewed = Arc::new(Allocation { deadline, ..(**running).clone() });
        self.put_allocation(scope, Arc::clone(&renewed));
        renewed
    }

    /// Ends the allocation of a number at `at` and gives the number back to its pool.
    pub(super) fn end_allocation(&mut self, scope: &Arc<Scope>, number: Number, at: Timestamp) {
        let Some(Found { record, allocation: Some(allocation) }) = self.allocated(scope, number) else { return };
        self.forget_allocation(scope, &allocation);
        self.apply(Change::Released(Arc::clone(scope), Arc::clone(&allocation)));
        let freed = Some(LastLending { at, allocation: allocation.id });
        let record = Arc::new(NumberRecord { freed, ..(*record).clone() });
        if record.enabled {
            self.pools(scope).offer(&record);
        }
        self.apply(Change::Number(Arc::clone(scope), number, Some(record)));
    }

    fn put_allocation(&mut self, scope: &Arc<Scope>, allocation: Arc<Allocation>) {
        let ending = Ending::Allocation(Arc::clone(scope), allocation.number);
        self.note_ending(Deadline::At(allocation.deadline), ending);
        let group = self.group_of(scope, allocation.number);
        self.pools(scope).expect_release(&group, allocation.deadline, allocation.number);
        self.apply(Change::Allocated(Arc::clone(scope), allocation));
    }

    /// Takes an allocation out of what is planned, before it ends or gets another deadline.
    fn forget_allocation(&mut self, scope: &Arc<Scope>, allocation: &Allocation) {
        let ending = Ending::Allocation(Arc::clone(scope), allocation.number);
        self.forget_ending(Deadline::At(allocation.deadline), ending);
        let group = self.group_of(scope, allocation.number);
        self.pools(scope).forget_release(&group, allocation.deadline, allocation.number);
    }

    fn group_of(&self, scope: &Scope, number: Number) -> Group {
        self.tables.scope(scope)?.numbers.get(&number)?.record.group.clone()
    }

    /// A number with the allocation it carries in the tables, passed deadlines included.
    fn allocated(&self, scope: &Scope, number: Number) -> Option<Found> {
        let slot = self.tables.scope(scope)?.numbers.get(&number)?;
        Some(Found { record: Arc::clone(&slot.record), allocation: slot.allocation.clone() })
    }
}
