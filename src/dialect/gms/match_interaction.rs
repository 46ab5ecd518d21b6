//! match-interaction: recognises the service that a call belongs to, and gives its number back to the pool.

use super::answer::{Members, Node};
use super::error::Error;
use super::parameters::Parameters;
use super::user_data::{self, Address};
use crate::config::Service;
use crate::domain::refusal::Miss;
use crate::domain::state::{AfterMatch, Criteria, LateCalls, Which};
use crate::domain::{Caller, Number, Refusal};
use crate::store::{Matched, WithData};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MatchRequest {
    /// What is known of the call.
    pub(super) criteria: Criteria,
    /// Whether one match or a list of them is wanted.
    pub(super) which: Which,
    /// What becomes of the services that match.
    pub(super) after: AfterMatch,
    /// Whether their user data are wanted.
    pub(super) data: WithData,
}

impl MatchRequest {
    /// Reads the parameters; the section of the service fills in what they leave out.
    ///
    /// # Errors
    /// [`Error::Missing`] without `_access_number`, [`Error::Parameter`] for a value that cannot be used; no match for
    /// a number that nobody can have dialled.
    pub(super) fn read(parameters: &Parameters, service: &Service) -> Result<Self, Error> {
        const MISSING: Error =
            Error::Missing { parameter: "_access_number", purpose: "it is the number that was dialled" };
        let flag = |name| Ok::<_, Error>(parameters.flag(name)?.unwrap_or(false));
        let dialled = parameters.text("_access_number")?.or(service.access_number.as_deref()).ok_or(MISSING)?;
        let code = parameters.text("_access_code")?.or(service.access_code.as_deref()).map(str::to_owned);
        let caller = parameters.parse("_phone_number", Caller::new)?.or_else(|| service.phone_number.clone());
        let which = if flag("_return_multiple_matches")? { Which::All } else { Which::Newest };
        let after = if flag("_delete_service")? { AfterMatch::Delete } else { AfterMatch::Keep };
        let data = if user_data::wanted(parameters)? { WithData::Yes } else { WithData::No };
        let late = if service.late_calls.unwrap_or(false) { LateCalls::Recognised } else { LateCalls::Ignored };
        let number = Number::new(dialled).map_err(|_| Error::from(Refusal::NoMatch(Miss::UnknownNumber)))?;
        Ok(Self { criteria: Criteria { number, code, caller, late }, which, after, data })
    }

    /// The members of the answer, and where the data of the first match are.
    pub(super) fn members(&self, matches: &[Matched]) -> (Members, Option<Address>) {
        let address = matches.first().map(|matched| matched.found.interaction.data.into());
        let members = match self.which {
            Which::Newest => matches.first().map(|matched| self.one(matched)).unwrap_or_default(),
            Which::All => {
                let mut members = Members::default();
                members.insert("matches", Node::List(matches.iter().map(|matched| self.one(matched)).collect()));
                members
            }
        };
        (members, address)
    }

    fn one(&self, matched: &Matched) -> Members {
        let interaction = &matched.found.interaction;
        let mut members = Members::default().with("_id", &interaction.id).with("_data_id", &interaction.data);
        if self.data == WithData::Yes {
            let address = interaction.data.into();
            let data = matched.data.as_ref().map(|data| user_data::members(data, &address)).unwrap_or_default();
            members.insert("user_data", Node::Members(data));
        }
        if matched.found.late {
            members = members.with("_late", "true");
        }
        members
    }
}
