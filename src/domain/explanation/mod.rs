//! Why a call is recognised or is not: every allocation that is or was near it, with what fits and what does not.
//!
//! What is lent comes from the tables and what has ended from the history; both are held against the time of the call, so
//! that a call of last night can be asked about. Nothing is changed, and nothing is decided by it. It judges by the rules of
//! a match ([`Criteria`]) as they are configured now.

mod judging;
mod sentences;

use std::sync::Arc;

use super::history::{Bucket, End, Held, HistoryQuery, Known, Owner};
use super::refusal::Miss;
use super::state::{Criteria, Fit, LateCalls};
use super::tables::FoundNumber;
use super::tables::slot::NumberSlot;
use super::{Allocation, AllocationId, Caller, Dialled, Number, NumberState, Rules, Scope, Seconds, Tables, Timestamp};

/// Most allocations that are told.
pub const MAX_NEAR: usize = 20;
/// Most numbers of one DNID that are looked at.
const MAX_NUMBERS: usize = 20;
/// Most ended allocations of one number that are looked at.
const MAX_PAST: usize = 200;
/// How long after the call the allocation of a number may have begun that has ended since.
const EARLY: Seconds = Seconds::new(60);
/// Most running allocations of other numbers that are looked at for the same caller or code, newest first.
const MAX_RUNNING: usize = 10_000;
/// How many hours around the call are looked through for ended allocations of other numbers.
const HOURS_AROUND: u32 = 24;
/// Most ended allocations of other numbers that are looked at.
pub const MAX_ENDED: usize = 100_000;

/// A call that is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explain {
    /// The number that was dialled: whole or as a DNID, perhaps a hotline with what was dialled behind it.
    pub dialled: Dialled,
    /// The code the caller gave, as it was given.
    pub code: Option<String>,
    /// The caller's own number.
    pub caller: Option<Caller>,
    /// When the call came; `None` for a call that comes now.
    pub at: Option<Timestamp>,
}

/// What the dialled digits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// The whole digits of a number.
    Number,
    /// The DNID of one number or more.
    Dnid,
    /// A called route whose hotline is a number or a DNID.
    Hotline,
    /// Nothing of the pools.
    Nothing,
}

/// What a match would have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// One allocation fits.
    Recognised,
    /// Several fit: a match takes the newest, resolving takes none.
    Ambiguous,
    /// Nothing that was lent fits, but the number rests after an allocation that does: it is recognised where late calls
    /// are.
    Late,
    /// Nothing fits.
    Missed(Miss),
}

/// How the time of the call fits an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timing {
    /// The number was lent to it then.
    Live,
    /// The call came after the deadline, while the number rested: late calls are still recognised. Of a call of the past it
    /// is not known whether the interaction lived on, and so it is taken to have.
    Late,
    /// The call came after the deadline, and nobody waits for it any more.
    Expired,
    /// The allocation had ended before its deadline.
    Ended,
    /// The allocation began only after the call.
    Early,
}

/// What became of the call at one allocation: the first thing that was in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It is recognised.
    Recognised,
    /// It fits, and others fit as well.
    OneOfSeveral,
    /// It is recognised where late calls are.
    RecognisedLate,
    /// The caller gave another code, or one where none was expected on a shared number.
    WrongCode,
    /// Somebody else was expected.
    WrongCaller,
    /// It came too late.
    TooLate,
    /// The allocation had ended.
    Ended,
    /// The number was lent only later.
    TooEarly,
    /// Another number was lent.
    OtherNumber,
}

/// An allocation near the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// The allocation, with its end if it has one.
    pub held: Held,
    /// Whether the dialled number was lent by it.
    pub number: bool,
    /// How the code fits.
    pub code: Fit,
    /// How the caller's number fits.
    pub caller: Fit,
    /// How the time fits.
    pub timing: Timing,
    /// Whole seconds between the call and the allocation: for how long it had ended, or had not begun. Zero while it ran.
    pub apart: Seconds,
    /// What became of the call here.
    pub verdict: Verdict,
    /// All of it, for people.
    pub sentence: String,
}

/// A number that was dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialable {
    /// The number, as it is now.
    pub found: FoundNumber,
    /// What it can be used for now.
    pub state: NumberState,
    /// How long it rests after an allocation.
    rest: Seconds,
}

/// Why a call is recognised or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// When the call came.
    pub at: Timestamp,
    /// What the dialled digits are.
    pub called: Called,
    /// The numbers that they stand for, as they are now.
    pub numbers: Vec<Dialable>,
    /// What a match would have done.
    pub outcome: Outcome,
    /// That, for people.
    pub sentence: String,
    /// What is or was near, the nearest first, at most [`MAX_NEAR`].
    pub near: Vec<Near>,
    /// Whether there is more than that, or more than could be looked through.
    pub more: bool,
    /// Since when ended allocations are known, if any were dropped.
    pub history_from: Option<Timestamp>,
}

/// What the tables know of a call; the history is still to be read.
#[derive(Clone, Debug)]
pub struct Sighting {
    call: Explain,
    at: Timestamp,
    /// Whether that is now, or was before.
    is_now: bool,
    called: Called,
    number: Option<Number>,
    numbers: Vec<Dialable>,
    running: Vec<Held>,
    /// Which of those have expired and still wait for a late call.
    waiting: Vec<AllocationId>,
    more: bool,
    buckets: Vec<(Owner, Bucket)>,
    history_from: Option<Timestamp>,
}

impl Explain {
    /// Looks up in the tables what they know of the call.
    pub fn look(&self, tables: &Tables, rules: &Rules, scope: &Scope, now: Timestamp) -> Sighting {
        let at = self.at.unwrap_or(now).min(now);
        let (called, number, slots) = self.find(tables, rules, scope);
        let (running, more) = self.running(tables, scope, &slots, now);
        let expired = running.iter().filter(|held| held.ended.is_some()).map(|held| &held.allocation);
        let waiting =
            expired.filter(|it| tables.interaction(scope, &it.interaction, now).is_some()).map(|it| it.id).collect();
        let floor = tables.history_floor(&Some(scope.tenant.clone()));
        let describe = |slot: &&NumberSlot| {
            let (found, group) = (slot.found(now), rules.group(&scope.tenant, slot.record.group.as_ref()));
            Dialable { state: found.state(group, now), rest: group.cool_down, found }
        };
        Sighting {
            call: self.clone(),
            at,
            is_now: at == now,
            called,
            number,
            numbers: slots.iter().map(describe).collect(),
            running,
            waiting,
            more,
            buckets: tables.history().since(&scope.tenant, None),
            history_from: (floor > Bucket::default()).then(|| floor.begins()),
        }
    }

    /// What the dialled digits are, and the numbers that they stand for: whole digits before a DNID, these before the
    /// hotline of a called route. What is lent comes first.
    fn find<'t>(
        &self,
        tables: &'t Tables,
        rules: &Rules,
        scope: &Scope,
    ) -> (Called, Option<Number>, Vec<&'t NumberSlot>) {
        let dialled = Number::new(self.dialled.as_str()).ok();
        let known = |number: Number| {
            let mut slots = tables.answering(scope, number);
            slots.truncate(MAX_NUMBERS);
            if slots.first().is_some_and(|slot| slot.record.number != number) {
                let others = tables.with_dnid(scope, number).take(MAX_NUMBERS);
                let listed: Vec<_> = slots.iter().map(|slot| slot.record.number).collect();
                slots.extend(others.filter(|slot| !listed.contains(&slot.record.number)));
                slots.truncate(MAX_NUMBERS);
            }
            slots
        };
        if let Some(number) = dialled {
            let slots = known(number);
            if let Some(first) = slots.first() {
                let called = if first.record.number == number { Called::Number } else { Called::Dnid };
                return (called, dialled, slots);
            }
        }
        let routed = tables.routed(scope, &self.dialled, rules.call_center(&scope.tenant).overdial);
        let hotline = routed.and_then(|routed| Number::new(routed.route.hotline.as_str()).ok());
        let slots = hotline.map(known).unwrap_or_default();
        match slots.is_empty() {
            false => (Called::Hotline, hotline, slots),
            true => (Called::Nothing, dialled, slots),
        }
    }

    /// What runs and may be near, and whether that is not all: of the dialled numbers what the call may be for and the
    /// newest, of all others what has the same caller or code.
    fn running(&self, tables: &Tables, scope: &Scope, slots: &[&NumberSlot], now: Timestamp) -> (Vec<Held>, bool) {
        let (code, caller) = (self.code.as_deref(), self.caller.as_ref());
        let of = |slot: &&NumberSlot| {
            let ways = [(code, caller), (code, None), (None, caller), (None, None)];
            let found = ways.into_iter().flat_map(|(code, caller)| slot.candidates(code, caller).take(MAX_NEAR + 1));
            found.cloned().collect::<Vec<_>>()
        };
        let mut found: Vec<Arc<Allocation>> = slots.iter().flat_map(of).collect();
        let mut more = false;
        if let (true, Some(tables)) = (self.tells_more_than_the_number(), tables.scope(scope)) {
            more = tables.lent.len() > MAX_RUNNING;
            let newest = tables.lent.iter().rev().take(MAX_RUNNING);
            let others = newest.filter_map(|(id, number)| tables.numbers.get(number)?.allocation(*id));
            found.extend(others.filter(|other| self.shares(other)).take(MAX_NEAR + 1).cloned());
        }
        found.sort_by_key(|allocation| allocation.id);
        found.dedup_by_key(|allocation| allocation.id);
        let group = |number| tables.slot(scope, number).and_then(|slot| slot.record.group.as_ref());
        let held = found.iter().map(|allocation| Held::running(allocation, group(allocation.number), now));
        (held.collect(), more)
    }

    fn tells_more_than_the_number(&self) -> bool {
        self.code.is_some() || self.caller.is_some()
    }

    /// Whether an allocation has the caller or the code of the call.
    fn shares(&self, allocation: &Allocation) -> bool {
        let code = allocation.code.as_ref().is_some_and(|code| Some(code.as_str()) == self.code.as_deref());
        code || (allocation.caller.is_some() && allocation.caller == self.caller)
    }

    /// The call as a match has it, to a number.
    fn criteria(&self, number: Number) -> Criteria {
        let (code, caller) = (self.code.clone(), self.caller.clone());
        Criteria { number, code, caller, late: LateCalls::Recognised }
    }
}

impl Sighting {
    /// What is to be read of the history of the dialled numbers.
    pub fn queries(&self) -> Vec<(HistoryQuery, Known)> {
        let mut numbers: Vec<Number> = self.numbers.iter().map(|number| number.found.record.number).collect();
        if numbers.is_empty() {
            // The number may have been deleted since.
            numbers.extend(self.number);
        }
        let to = Some(self.at.after(EARLY));
        let query = |number| HistoryQuery { number, from: None, to, after: None, limit: MAX_PAST };
        let known = || Known { running: Vec::new(), buckets: self.buckets.clone() };
        numbers.into_iter().map(|number| (query(number), known())).collect()
    }

    /// The buckets of the history in which something of other numbers may be near, the nearest first.
    pub fn buckets_around(&self) -> Vec<(Owner, Bucket)> {
        if !self.call.tells_more_than_the_number() {
            return Vec::new();
        }
        let distance = |bucket: &Bucket| bucket.hour.abs_diff(Bucket::of(self.at).hour);
        let around = self.buckets.iter().filter(|(_, bucket)| distance(bucket) <= HOURS_AROUND);
        let mut around: Vec<_> = around.cloned().collect();
        around.sort_by_key(|(_, bucket)| distance(bucket));
        around
    }

    /// Whether an ended allocation of another number may be near.
    pub fn concerns(&self, allocation: &Allocation) -> bool {
        self.call.shares(allocation)
    }
}
