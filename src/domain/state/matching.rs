//! Recognising a call: dialled number, code and caller lead to the interaction, and the number is free again.

use std::sync::Arc;

use super::Turn;
use crate::domain::{Allocation, Caller, Document, Interaction, Number, Refusal, Scope, Tables, Timestamp};

/// What is known of the call. A criterion that is left out does not restrict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// The number that was dialled, whole.
    pub number: Number,
    /// The code the caller gave, as it was given.
    pub code: Option<String>,
    /// The caller's own number.
    pub caller: Option<Caller>,
}

impl Criteria {
    /// Whether the allocation fits. A number of an exclusive group has one holder, so a criterion that the allocation
    /// has no value for does not restrict: an IVR always sends the caller's number, the application need not have.
    pub fn fit(&self, allocation: &Allocation) -> bool {
        let code = match (&self.code, &allocation.code) {
            (Some(given), Some(code)) => given == code.as_str(),
            _ => true,
        };
        let caller = match (&self.caller, &allocation.caller) {
            (Some(given), Some(caller)) => given == caller,
            _ => true,
        };
        code && caller
    }

    /// The live allocation that the call fits.
    pub fn find(&self, tables: &Tables, scope: &Scope, now: Timestamp) -> Option<Arc<Allocation>> {
        let found = tables.number(scope, self.number, now)?;
        found.allocation.filter(|allocation| self.fit(allocation))
    }
}

/// Which of several matches count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest allocation only.
    Newest,
    /// All, newest first.
    All,
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
        // A number has at most one live allocation, so the newest is all there is.
        let (Which::Newest | Which::All) = which;
        let allocation = criteria.find(&self.state.tables, scope, self.now).ok_or(Refusal::NoMatch)?;
        let interaction = self.state.tables.interaction(scope, &allocation.interaction, self.now).cloned();
        let interaction = interaction.ok_or(Refusal::NoMatch)?;
        let document = self.state.tables.document(scope, interaction.data, self.now).cloned();
        let scope = self.state.shared(scope);
        self.state.end_allocation(&scope, allocation.number, self.now);
        if after == AfterMatch::Delete {
            self.state.end_interaction(&scope, &interaction.id, self.now);
        }
        Ok(vec![Match { allocation, interaction, document }])
    }
}
