//! Taking a call: what it was resolved to is told, and the number is free again.

use super::Turn;
use crate::domain::Scope;
use crate::domain::history::End;
use crate::domain::resolution::{Resolution, Resolve};

/// A call that was looked at in order to take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whose call it is, and where it goes.
    pub resolution: Resolution,
    /// Whether the number was freed. It is not where it cannot be told whose call it is: somebody who is still expected
    /// would lose it.
    pub freed: bool,
}

impl Turn<'_> {
    /// Looks whose call it is and where it goes and, if there is one candidate alone, ends its allocation.
    pub fn take_call(&mut self, scope: &Scope, call: &Resolve) -> Taken {
        let resolution = call.look(&self.state.tables, &self.state.rules, scope, self.now);
        let certain = resolution.certain().map(|candidate| (candidate.allocation.number, candidate.allocation.id));
        if let Some((number, id)) = certain {
            let scope = self.state.shared(scope);
            self.state.end_allocation(&scope, number, id, End::Matched, self.now);
        }
        Taken { resolution, freed: certain.is_some() }
    }
}
