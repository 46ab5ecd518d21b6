//! Huawei AICC: called routes, and what they connect.
//!
//! An access code of AICC is a hotline of the gateway; a called route leads from it, perhaps with an extension, to a
//! skill queue or an IVR flow. The dialect decides nothing about them itself: it asks the store and the settings, and
//! it keeps no state. Answers spell names as the vendor does, which is not the same everywhere; requests may spell them in
//! any case.
//!
//! Where the vendor is silent: a member that nobody asks for is ignored, `null` and an empty `extCode` count as not
//! given, and an empty body of a query asks for everything.

mod endpoint;
mod error;
mod fields;
mod lists;
mod operations;
mod routes;
mod skills;
mod spelling;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;

use super::{Answer, Call, Dialect, Head, HttpRefusal};
use crate::access::Access;
use crate::config::Settings;
use crate::domain::SigningKey;
use crate::store::{Clock, Store};
use error::Failure;
use operations::Operations;

pub use endpoint::Endpoint;

/// The dialect.
pub struct Aicc {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    clock: Arc<dyn Clock>,
}

/// A call that was let in.
pub struct Admitted<'a>(Entry<'a>);

/// What a call that was let in is.
enum Entry<'a> {
    /// Somebody who wants a token; key and secret stand in the body.
    Stranger,
    /// The holder of a token, who wants something else.
    Holder(Endpoint, Operations<'a>),
}

impl Aicc {
    /// The dialect over a store, for whom `access` lets in. The clock is for the life of tokens, which is counted the
    /// same on every gateway.
    pub fn new(store: Arc<dyn Store>, access: Arc<Access>, clock: Arc<dyn Clock>) -> Self {
        Self { store, access, clock }
    }

    /// The key that tokens are signed with: the configured one, else the one that the store keeps.
    async fn signing_key(&self, settings: &Settings) -> Result<SigningKey, Failure> {
        match &settings.aicc.signing_key {
            Some(key) => Ok(key.clone()),
            None => Ok(self.store.signing_key().await?),
        }
    }

    /// Lets in the holder of a token.
    async fn enter<'a>(&'a self, head: &Head<'a>) -> Result<Operations<'a>, Failure> {
        let signing = self.signing_key(head.settings).await?;
        let principal = self.access.aicc(head.attempt(), &signing, self.clock.now())?;
        Ok(Operations { store: &*self.store, principal })
    }
}

async fn carry_out(endpoint: Endpoint, operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    match endpoint {
        Endpoint::TokenByAkSk => unreachable!("whoever wants a token is let in as a stranger"),
        Endpoint::CreateCalledRoute => routes::create(operations, call).await,
        Endpoint::QueryCalledRoute => routes::query(operations, call).await,
        Endpoint::ModifyCalledRoute => routes::modify(operations, call).await,
        Endpoint::DeleteCalledRoute => routes::delete(operations, call).await,
        Endpoint::QueryAccessCodeList => lists::access_codes(operations, call),
        Endpoint::QuerySkills => skills::query(operations, call).await,
        Endpoint::CreateSkill => skills::create(operations, call).await,
        Endpoint::ModifySkill => skills::modify(operations, call).await,
        Endpoint::DeleteSkill => skills::delete(operations, call).await,
        Endpoint::QueryIvrFlowList => lists::ivr_flows(operations, call),
    }
}

impl Dialect for Aicc {
    type Endpoint = Endpoint;
    type Admitted<'a> = Admitted<'a>;

    const NAME: &'static str = "aicc";

    fn whereabouts(_: &Settings) -> String {
        "AICC under /apigovernance/ and /apiaccess/".to_owned()
    }

    fn owns(&self, path: &str, _: &Settings) -> bool {
        endpoint::owns(path)
    }

    fn endpoint(&self, head: &Head<'_>) -> Result<Endpoint, Answer> {
        endpoint::find(head).map_err(|failure| failure.answer(None))
    }

    fn operation(endpoint: &Endpoint) -> &'static str {
        endpoint.operation()
    }

    async fn admit<'a>(&'a self, endpoint: &'a Endpoint, head: &Head<'a>) -> Result<Admitted<'a>, Answer> {
        if *endpoint == Endpoint::TokenByAkSk {
            return Ok(Admitted(Entry::Stranger));
        }
        let operations = self.enter(head).await;
        operations
            .map(|operations| Admitted(Entry::Holder(*endpoint, operations)))
            .map_err(|failure| failure.answer(Some(*endpoint)))
    }

    fn body_limit(_: &Endpoint, settings: &Settings) -> usize {
        settings.server.limits.body
    }

    async fn answer(&self, admitted: Self::Admitted<'_>, call: Call<'_>) -> Answer {
        let (endpoint, answer) = match admitted.0 {
            Entry::Stranger => (Endpoint::TokenByAkSk, token::grant(self, &call).await),
            Entry::Holder(endpoint, operations) => (endpoint, carry_out(endpoint, &operations, &call).await),
        };
        answer.unwrap_or_else(|failure| failure.answer(Some(endpoint)))
    }

    fn refuse(&self, endpoint: Option<&Endpoint>, _head: &Head<'_>, refusal: HttpRefusal) -> Answer {
        Failure::Http(refusal).answer(endpoint.copied())
    }
}
