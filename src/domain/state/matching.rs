//! Recognising a call: dialled number, code and caller lead to the interaction, and the number is free again.

use std::sync::Arc;

use super::Turn;
use crate::domain::history::End;
use crate::domain::quotas::{MATCH_TEXT_BYTES, Quotas};
use crate::domain::refusal::Miss;
use crate::domain::tables::slot::NumberSlot;
use crate::domain::{
    AccessCode, Allocation, Caller, Document, Interaction, Number, Refusal, Scope, Sharing, Tables, Timestamp,
};

/// What is known of the call. A criterion that is left out does not restrict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// The number that was dialled, whole.
    pub number: Number,
    /// The code the caller gave, as it was given.
    pub code: Option<String>,
    /// The caller's own number.
    pub caller: Option<Caller>,
    /// Whether it may have come too late.
    pub late: LateCalls,
}

/// Whether a call that comes too late is still recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateCalls {
    /// It is a miss.
    Ignored,
    /// While the number rests after an allocation that expired, it finds that allocation, if no live one fits.
    Recognised,
}

/// How one criterion of a call fits an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fit {
    /// The call says what was told when the number was lent.
    Right,
    /// The call says something else.
    Wrong,
    /// The call says nothing.
    NotGiven,
    /// Nothing was told when the number was lent.
    NotTold,
}

impl Fit {
    /// A number of an exclusive group has one holder, so a criterion that the allocation has no value for does not
    /// restrict: an IVR always sends the caller's number, the application need not have. On a shared number the criteria
    /// are all that tells the holders apart, so what is given must be equal.
    fn of<T: PartialEq + ?Sized>(given: Option<&T>, own: Option<&T>, sharing: Sharing) -> Self {
        match (given, own) {
            (Some(given), Some(own)) if given == own => Self::Right,
            (Some(_), None) if sharing == Sharing::Exclusive => Self::NotTold,
            (Some(_), _) => Self::Wrong,
            (None, Some(_)) => Self::NotGiven,
            (None, None) => Self::NotTold,
        }
    }
}

impl Criteria {
    /// Whether the allocation fits: nothing that the call says is wrong.
    pub fn fit(&self, allocation: &Allocation) -> bool {
        self.code_of(allocation) != Fit::Wrong && self.caller_of(allocation) != Fit::Wrong
    }

    /// How the code that the caller gave fits the allocation.
    pub fn code_of(&self, allocation: &Allocation) -> Fit {
        let (given, own) = (self.code.as_deref(), allocation.code.as_ref().map(AccessCode::as_str));
        Fit::of(given, own, allocation.sharing)
    }

    /// How the caller's own number fits the allocation.
    pub fn caller_of(&self, allocation: &Allocation) -> Fit {
        Fit::of(self.caller.as_ref(), allocation.caller.as_ref(), allocation.sharing)
    }

    /// The allocations that the call fits, newest first and at most `most`: the live ones or, if there are none and late
    /// calls are recognised, the newest expired one. No more are looked at than it takes to find them.
    fn find(&self, slot: &NumberSlot, now: Timestamp, most: usize) -> Vec<Arc<Allocation>> {
        let fitting = || {
            let candidates = slot.candidates(self.code.as_deref(), self.caller.as_ref());
            candidates.filter(|allocation| self.fit(allocation))
        };
        let live: Vec<_> = fitting().filter(|allocation| allocation.live(now)).take(most).cloned().collect();
        match self.late {
            LateCalls::Recognised if live.is_empty() => fitting().take(1).cloned().collect(),
            _ => live,
        }
    }

    /// The allocations in the tables that the call fits, newest first and at most `most`.
    ///
    /// # Errors
    /// How the call missed, if there is none.
    pub fn fitting(
        &self,
        tables: &Tables,
        scope: &Scope,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<Arc<Allocation>>, Miss> {
        let slot = tables.slot(scope, self.number).ok_or(Miss::UnknownNumber)?;
        let found = self.find(slot, now, most);
        if found.is_empty() { Err(self.miss(tables, scope, slot, now)) } else { Ok(found) }
    }

    /// How the call missed a number that nothing of fits.
    pub(in crate::domain) fn miss(&self, tables: &Tables, scope: &Scope, slot: &NumberSlot, now: Timestamp) -> Miss {
        let live = |allocation: &Arc<Allocation>| allocation.live(now);
        let coded = || slot.coded().any(live);
        if self.code.as_ref().is_some_and(|code| !slot.has_code(code)) && coded() {
            return Miss::WrongCode;
        }
        let mut fitting = slot.candidates(self.code.as_deref(), self.caller.as_ref()).filter(|it| self.fit(it));
        if fitting.any(|allocation| !live(allocation)) {
            return Miss::Expired;
        }
        if slot.allocations().any(live) {
            // Of a shared number, on which a code is of no use where nobody has one.
            return if self.caller.is_some() { Miss::WrongCaller } else { Miss::NotLent };
        }
        if tables.has_just_expired(scope, slot) { Miss::Expired } else { Miss::NotLent }
    }
}

/// Which of several matches count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest allocation only.
    Newest,
    /// All that the tenant may have answered at a time and whose user data fit into one answer, newest first.
    All,
}

impl Which {
    /// How many those are at most.
    pub fn most(self, quotas: &Quotas) -> usize {
        match self {
            Self::Newest => 1,
            Self::All => quotas.matches,
        }
    }
}

/// What becomes of a matched interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterMatch {
    /// It lives on.
    Keep,
    /// It ends.
    Delete,
}

/// A match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The allocation that fitted; it has ended with the match.
    pub allocation: Arc<Allocation>,
    /// The interaction that was recognised.
    pub interaction: Arc<Interaction>,
    /// Its document as it was at the match.
    pub document: Option<Arc<Document>>,
    /// Whether the allocation had expired before the call came.
    pub late: bool,
}

/// The first matches whose texts are together no longer than one answer may be, and the very first however long it is.
fn fitting_an_answer(matches: impl Iterator<Item = Match>) -> Vec<Match> {
    let mut left = MATCH_TEXT_BYTES;
    let mut fitting = Vec::new();
    for found in matches {
        let length = found.document.as_ref().map_or(0, |document| document.text_bytes());
        if length > left && !fitting.is_empty() {
            break;
        }
        left = left.saturating_sub(length);
        fitting.push(found);
    }
    fitting
}

impl Turn<'_> {
    /// Recognises a call and frees the numbers of all that is returned, newest first.
    ///
    /// # Errors
    /// [`Refusal::NoMatch`].
    pub fn match_call(
        &mut self,
        scope: &Scope,
        criteria: &Criteria,
        which: Which,
        after: AfterMatch,
    ) -> Result<Vec<Match>, Refusal> {
        let most = which.most(self.state.quotas(&scope.tenant));
        let fitting = criteria.fitting(&self.state.tables, scope, self.now, most);
        let allocations = fitting.map_err(Refusal::NoMatch)?;
        // Whatever is lent ends with its interaction, so all of them are described.
        let matches = allocations.into_iter().filter_map(|found| self.describe(scope, found));
        let matches = fitting_an_answer(matches);
        let scope = self.state.shared(scope);
        for found in &matches {
            self.state.end_allocation(&scope, found.allocation.number, found.allocation.id, End::Matched, self.now);
            if after == AfterMatch::Delete {
                self.state.end_interaction(&scope, &found.interaction.id, self.now);
            }
        }
        Ok(matches)
    }

    fn describe(&self, scope: &Scope, allocation: Arc<Allocation>) -> Option<Match> {
        let tables = &self.state.tables;
        let interaction = tables.interaction(scope, &allocation.interaction, self.now)?.clone();
        let document = tables.document(scope, &interaction.data.into(), self.now).cloned();
        let late = !allocation.live(self.now);
        Some(Match { allocation, interaction, document, late })
    }
}
