//! Jacada Interact: the DNIS operations over REST and SOAP, and number management as an extension.
//!
//! A phone of Interact is a number of the gateway, its Interaction an interaction. One reading of parameters
//! (`parameters`), one set of operations and one table of errors (`error`) serve both transports; what differs between
//! them is in `rest` and `soap`, and nothing else. The dialect decides nothing about numbers itself: it asks
//! the store, and it keeps no state.
//!
//! Where the vendor is silent: a member or element that nobody asks for is ignored, an empty group means none, `enabled`
//! is true unless it is given.

mod endpoint;
mod error;
mod json;
mod management;
mod operations;
mod page;
mod parameters;
mod rest;
mod soap;
#[cfg(test)]
mod tests;
mod wsdl;

use std::net::IpAddr;
use std::sync::Arc;

use super::{Answer, Call, Dialect, Head, HttpRefusal};
use crate::access::{Access, Principal, Right, UserPassword};
use crate::config::{Live, Settings};
use crate::soap::tally::Tally;
use crate::soap::version::Version;
use crate::store::{Clock, Store};
use error::Failure;
use operations::Operations;

pub use endpoint::{Endpoint, Phone, Rest, Service};

/// The dialect.
pub struct Interact {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    live: Live,
    clock: Arc<dyn Clock>,
    tally: Tally,
}

/// A call that was let in.
pub struct Admitted<'a>(Entry<'a>);

/// What a call that was let in is.
enum Entry<'a> {
    /// An operation over REST, for a caller whose credentials were right.
    Rest(&'a Rest, Operations<'a>),
    /// An envelope, whose operation decides what its caller must show.
    Soap(Service, Arc<Settings>),
    /// A description, which is anybody's.
    Wsdl(Service, Version, Arc<Settings>),
    /// The page of a service, which is anybody's.
    Page(Service, Arc<Settings>),
}

impl Interact {
    /// The dialect over a store, for whom `access` lets in. The clock is for what messages say of their own age and for
    /// whether a phone still rests; all other time is the store's.
    pub fn new(store: Arc<dyn Store>, access: Arc<Access>, live: Live, clock: Arc<dyn Clock>) -> Self {
        Self { store, access, live, clock, tally: Tally::default() }
    }

    /// What the SOAP services refused and tolerated.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Where the descriptions of the SOAP services are served.
    pub fn wsdl_paths(&self) -> Vec<String> {
        let prefix = &self.live.current().interact.prefix;
        Service::ALL.map(|service| format!("{prefix}{}", service.wsdl_path())).into()
    }

    /// Lets a caller in for what needs `right`. `named` is the user that a message names itself.
    async fn enter(
        &self,
        named: Option<UserPassword>,
        head: &Head<'_>,
        source: IpAddr,
        right: Right,
        settings: Arc<Settings>,
    ) -> Result<Operations<'_>, Failure> {
        let principal = self.access.interact_as(named, head.headers, source, right).await?;
        let Principal { scope, identity } = principal;
        Ok(Operations { store: &*self.store, scope, identity, settings, now: self.clock.now() })
    }
}

async fn answer_rest(rest: &Rest, operations: &Operations<'_>, call: &Call<'_>) -> Result<Answer, Failure> {
    match rest {
        Rest::Create => rest::create(operations, call).await,
        Rest::Allocate => rest::allocate(operations, call).await,
        Rest::Get(phone) => rest::get(operations, phone, call).await,
        Rest::Free(phone) => rest::free(operations, phone).await,
        Rest::List => management::list(operations, call).await,
        Rest::Read(phone) => management::read(operations, phone).await,
        Rest::Update(phone) => management::update(operations, phone, call).await,
        Rest::Delete(phone) => management::delete(operations, phone).await,
    }
}

impl Dialect for Interact {
    type Endpoint = Endpoint;
    type Admitted<'a> = Admitted<'a>;

    const NAME: &'static str = "interact";

    fn owns(&self, path: &str) -> bool {
        endpoint::owns(&self.live.current().interact.prefix, path)
    }

    fn endpoint(&self, head: &Head<'_>) -> Result<Endpoint, Answer> {
        endpoint::find(&self.live.current().interact.prefix, head).map_err(|failure| failure.answer())
    }

    fn operation(endpoint: &Endpoint) -> &'static str {
        endpoint.operation()
    }

    async fn admit<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        head: &Head<'_>,
        source: IpAddr,
        settings: Arc<Settings>,
    ) -> Result<Admitted<'a>, Answer> {
        Ok(Admitted(match endpoint {
            Endpoint::Rest(rest) => match self.enter(None, head, source, rest.right(), settings).await {
                Ok(operations) => Entry::Rest(rest, operations),
                Err(failure) => return Err(failure.answer()),
            },
            Endpoint::Soap(service) => Entry::Soap(*service, settings),
            Endpoint::Wsdl(service, version) => Entry::Wsdl(*service, *version, settings),
            Endpoint::Page(service) => Entry::Page(*service, settings),
        }))
    }

    fn body_limit(&self, _endpoint: &Endpoint, _head: &Head<'_>, settings: &Settings) -> usize {
        settings.server.limits.body
    }

    async fn answer(&self, admitted: Self::Admitted<'_>, call: Call<'_>) -> Answer {
        let answer = match admitted.0 {
            Entry::Rest(rest, operations) => answer_rest(rest, &operations, &call).await,
            Entry::Soap(service, settings) => return soap::answer(self, service, &call, settings).await,
            Entry::Wsdl(service, version, settings) => wsdl::answer(service, version, &settings.interact.prefix, &call),
            Entry::Page(service, settings) => page::answer(service, &settings.interact.prefix, &call),
        };
        answer.unwrap_or_else(|failure| failure.answer())
    }

    fn refuse(&self, endpoint: Option<&Endpoint>, head: &Head<'_>, refusal: HttpRefusal) -> Answer {
        let failure = Failure::Http(refusal);
        let found = endpoint.is_none().then(|| self.endpoint(head).ok()).flatten();
        match endpoint.or(found.as_ref()) {
            Some(Endpoint::Soap(_)) => soap::refuse(head.headers, &failure),
            _ => failure.answer(),
        }
    }
}
