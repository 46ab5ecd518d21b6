//! The question that only the gateway can answer in one go: whose call is this, and where does it go?
//!
//! What was lent says whose it is, a called route where it goes; either may be missing. A look changes nothing, so the
//! question is put to the tables, by readers and by the state alike; only taking the call is a decision.

use std::cmp::Reverse;
use std::sync::Arc;

use super::refusal::Miss;
use super::state::{Criteria, LateCalls};
use super::tables::routes::Routed;
use super::tables::slot::NumberSlot;
use super::{
    AccessCode, Allocation, Caller, Dialled, Document, Interaction, Number, Rules, Scope, Seconds, Tables, Timestamp,
};

/// Most candidates that are told. A call that fits more of them is not recognised by looking at the list.
pub const MAX_CANDIDATES: usize = 100;

/// What is known of a call that is to be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The number that was dialled: whole or as a DNID, perhaps a hotline with what was dialled behind it.
    pub dialled: Dialled,
    /// The code the caller gave, as it was given. A criterion that is left out does not restrict.
    pub code: Option<String>,
    /// The caller's own number.
    pub caller: Option<Caller>,
}

/// What speaks for a candidate besides the dialled number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing.
    Number,
    /// The caller's number is the one that was told when the number was lent.
    Caller,
    /// The caller gave the code.
    Code,
    /// Both.
    CodeAndCaller,
}

/// Somebody the call may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What was lent.
    pub allocation: Arc<Allocation>,
    /// To whom.
    pub interaction: Arc<Interaction>,
    /// The interaction's document.
    pub document: Option<Arc<Document>>,
    /// What speaks for it.
    pub evidence: Evidence,
    /// Whether the allocation had expired before the call came, and its number rests.
    pub late: bool,
}

/// Whose call it is and where it goes, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The number of the pool, or the DNID, under which the candidates were looked for; `None` where what was dialled is
    /// neither, nor the hotline of its route.
    pub number: Option<Number>,
    /// Everybody the call may belong to, newest allocation first, at most [`MAX_CANDIDATES`]. Late ones are among them
    /// only where no other fits.
    pub candidates: Vec<Candidate>,
    /// Whether there are more candidates than are told.
    pub more: bool,
    /// How the call missed, where there is no candidate.
    pub miss: Option<Miss>,
    /// Where the call goes.
    pub route: Option<Routed>,
}

impl Resolution {
    /// The one candidate, if there is no other.
    pub fn certain(&self) -> Option<&Candidate> {
        match &self.candidates[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether anything was found.
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty() && self.route.is_none()
    }
}

impl Resolve {
    /// Looks whose call it is and where it goes.
    ///
    /// The candidates are those of the dialled number, by the rules of [`Criteria`]: whole digits count before a DNID,
    /// and of a DNID that several numbers have, the allocations of all of them. Where no number of the pool is called
    /// like that, they are those of the hotline to which the called route leads.
    pub fn look(&self, tables: &Tables, rules: &Rules, scope: &Scope, now: Timestamp) -> Resolution {
        let route = tables.routed(scope, &self.dialled, rules.call_center(&scope.tenant).overdial);
        let dialled = Number::new(self.dialled.as_str()).ok();
        let hotline = || route.as_ref().and_then(|routed| Number::new(routed.route.hotline.as_str()).ok());
        let known = |number: Number| {
            let slots = tables.answering(scope, number);
            (!slots.is_empty()).then_some((number, slots))
        };
        let Some((number, slots)) = dialled.and_then(known).or_else(|| hotline().and_then(known)) else {
            return Resolution {
                number: None,
                candidates: Vec::new(),
                more: false,
                miss: Some(Miss::UnknownNumber),
                route,
            };
        };
        let criteria = self.criteria(number);
        let rest = |slot: &NumberSlot| rules.group(&scope.tenant, slot.record.group.as_ref()).cool_down;
        let mut candidates: Vec<_> = fitting(&slots, &criteria, rest, now)
            .into_iter()
            .filter_map(|found| self.describe(tables, scope, found, now))
            .collect();
        let more = candidates.len() > MAX_CANDIDATES;
        candidates.truncate(MAX_CANDIDATES);
        let misses = slots.iter().map(|slot| criteria.miss(tables, scope, slot, now));
        let miss = if candidates.is_empty() { misses.max() } else { None };
        Resolution { number: Some(number), candidates, more, miss, route }
    }

    fn criteria(&self, number: Number) -> Criteria {
        Criteria { number, code: self.code.clone(), caller: self.caller.clone(), late: LateCalls::Recognised }
    }

    /// Whatever is lent ends with its interaction, so it is always described.
    fn describe(&self, tables: &Tables, scope: &Scope, found: &Arc<Allocation>, now: Timestamp) -> Option<Candidate> {
        let interaction = tables.interaction(scope, &found.interaction, now)?.clone();
        let document = tables.document(scope, &interaction.data.into(), now).cloned();
        let code = self.code.is_some() && self.code.as_deref() == found.code.as_ref().map(AccessCode::as_str);
        let caller = self.caller.is_some() && self.caller == found.caller;
        let evidence = match (code, caller) {
            (true, true) => Evidence::CodeAndCaller,
            (true, false) => Evidence::Code,
            (false, true) => Evidence::Caller,
            (false, false) => Evidence::Number,
        };
        Some(Candidate { allocation: Arc::clone(found), interaction, document, evidence, late: !found.live(now) })
    }
}

/// The allocations that the call fits, newest first and one more than is told at most: the live ones or, if there are
/// none, the newest of those that a late call still finds, because the number rests after it.
fn fitting<'t>(
    slots: &[&'t NumberSlot],
    criteria: &'t Criteria,
    rest: impl Fn(&NumberSlot) -> Seconds,
    now: Timestamp,
) -> Vec<&'t Arc<Allocation>> {
    let of = |slot: &'t NumberSlot| {
        let candidates = slot.candidates(criteria.code.as_deref(), criteria.caller.as_ref());
        candidates.filter(|allocation| criteria.fit(allocation))
    };
    let live = |slot| of(slot).filter(|allocation| allocation.live(now)).take(MAX_CANDIDATES + 1);
    let mut found: Vec<_> = slots.iter().flat_map(|slot| live(slot)).collect();
    if found.is_empty() {
        let late = |slot| {
            let rest = rest(slot);
            of(slot).filter(move |allocation| now < allocation.deadline.after(rest))
        };
        return slots.iter().flat_map(|slot| late(slot)).max_by_key(|allocation| allocation.id).into_iter().collect();
    }
    found.sort_by_key(|allocation| Reverse(allocation.id));
    found.truncate(MAX_CANDIDATES + 1);
    found
}
