//! Calling a service by its execution name, which is how GMS creates an instance of it and, for the built-in ones, has
//! their whole work done.

use super::access_information::{self, LendRequest, Terms};
use super::answer::Node;
use super::error::Error;
use super::match_interaction::MatchRequest;
use super::parameters::Parameters;
use super::user_data::{self, Address};
use super::{Client, Gms, Reply, Request, request_access, request_interaction};
use crate::config::{BuiltIn, Format, GuessLimit};
use crate::domain::state::{Criteria, Lent};
use crate::domain::{IdempotentRequest, Scope};
use crate::store::{self, WithData};

/// The member that tells how a group is.
const POOL_HEALTH: &str = "_pool_health";

impl Gms {
    /// Does what the service called `name` does.
    ///
    /// # Errors
    /// [`Error::ServiceUnknown`], and whatever the service refuses.
    pub(super) async fn call(
        &self,
        client: &Client<'_>,
        name: &str,
        request: &Request<'_>,
        format: Format,
    ) -> Result<Reply, Error> {
        let Client { tenant, scope, .. } = client;
        let settings = request.call.head.settings;
        let service = tenant.gms.services.get(name).ok_or_else(|| Error::ServiceUnknown(name.to_owned()))?;
        let terms = Terms { client, service, settings };
        let parameters = Parameters::gather(request).await?;
        match service.built_in {
            BuiltIn::RequestAccess => {
                let wanted = request_access::read(parameters, terms)?;
                self.lend(scope, wanted, request.call.idempotency()?).await
            }
            BuiltIn::RequestInteraction => {
                let wanted = request_interaction::read(parameters, terms)?;
                self.lend(scope, wanted, request.call.idempotency()?).await
            }
            BuiltIn::MatchInteraction => {
                let wanted = MatchRequest::read(&parameters, service)?;
                self.recognise(scope, wanted, settings.gms.guesses, format).await
            }
            BuiltIn::Get => Ok(match self.store.ready().await {
                Ok(()) => Reply::Status { code: service.online_code, state: "online" },
                Err(_) => Reply::Status { code: service.offline_code, state: "offline" },
            }),
        }
    }

    async fn lend(
        &self,
        scope: &Scope,
        request: LendRequest,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Reply, Error> {
        let lent = self.store.lend(scope, request.lend, idempotency).await?;
        let mut members = access_information::members(&lent);
        if request.pool_health {
            members.insert(POOL_HEALTH, self.pool_health(scope, &lent).await?);
        }
        Ok(Reply::Members(members))
    }

    /// How the group is that the number was taken from, perhaps as a fallback of the one that was asked for.
    async fn pool_health(&self, scope: &Scope, lent: &Lent) -> Result<Node, Error> {
        let number = self.store.number(scope, lent.allocation.number).await?;
        let group = number.and_then(|found| found.record.group.clone());
        let pool = match group {
            Some(group) => self.store.pool(scope, &group).await?,
            None => None,
        };
        Ok(Node::Members(pool.as_ref().map(access_information::health).unwrap_or_default()))
    }

    async fn recognise(
        &self,
        scope: &Scope,
        request: MatchRequest,
        limit: GuessLimit,
        format: Format,
    ) -> Result<Reply, Error> {
        let Criteria { number, code, caller, .. } = &request.criteria;
        let guess = self.access.guesses().begin(scope, *number, code.as_deref(), caller.as_ref(), limit);
        let guess = guess.map_err(|retry_after| Error::TooManyGuesses { retry_after })?;
        if (format, request.data) == (Format::Xml, WithData::Yes) {
            self.check_xml(scope, &request).await?;
        }
        let criteria = request.criteria.clone();
        let matched = self.store.match_call(scope, criteria, request.which, request.after, request.data).await;
        guess.matched(&matched);
        Ok(match request.members(&matched?) {
            (members, Some(address)) => Reply::Data(members, address),
            (members, None) => Reply::Members(members),
        })
    }

    /// Refuses a match whose user data XML cannot carry before the numbers are given back, so that the call can still be
    /// recognised by asking again in JSON. Data that come between this look and the match are refused after it, with the
    /// address where they can be read.
    async fn check_xml(&self, scope: &Scope, request: &MatchRequest) -> Result<(), Error> {
        let fitting = match self.store.would_match(scope, &request.criteria, request.which).await {
            // Whoever matches it is told so.
            Err(store::Error::Refused(_)) => return Ok(()),
            fitting => fitting?,
        };
        for allocation in fitting {
            let Some(interaction) = self.store.interaction(scope, &allocation.interaction).await? else { continue };
            let Some(document) = self.store.document(scope, interaction.data.into()).await? else { continue };
            let address = Address::from(document.id);
            if let Some(character) = user_data::members(&document, &address).not_xml() {
                return Err(Error::NotXml { character, data: Some(address) });
            }
        }
        Ok(())
    }
}
