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

use std::sync::Arc;

use super::{Answer, Call, Dialect, Head, HttpRefusal};
use crate::access::{Access, Right, UserPassword};
use crate::config::Settings;
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
    Soap(Service),
    /// A description, which is anybody's.
    Wsdl(Service, Version),
    /// The page of a service, which is anybody's.
    Page(Service),
}

impl Interact {
    /// The dialect over a store, for whom `access` lets in. The clock is for what messages say of their own age and for
    /// whether a phone still rests; all other time is the store's.
    pub fn new(store: Arc<dyn Store>, access: Arc<Access>, clock: Arc<dyn Clock>) -> Self {
        Self { store, access, clock, tally: Tally::default() }
    }

    /// What the SOAP services refused and tolerated.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Where the descriptions of the SOAP services are served under these settings.
    pub fn wsdl_paths(settings: &Settings) -> Vec<String> {
        let prefix = &settings.interact.prefix;
        Service::ALL.map(|service| format!("{prefix}{}", service.wsdl_path())).into()
    }

    /// Lets a caller in for what needs `right`. `named` is the user that a message names itself.
    async fn enter<'a>(
        &'a self,
        named: Option<UserPassword>,
        head: &Head<'a>,
        right: Right,
    ) -> Result<Operations<'a>, Failure> {
        let principal = self.access.interact(head.attempt(), named, right).await?;
        let (source, settings, now) = (head.source, head.settings, self.clock.now());
        Ok(Operations { store: &self.store, principal, source, settings, now })
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

    fn whereabouts(settings: &Settings) -> String {
        format!("Interact under its prefix ({})", settings.interact.prefix)
    }

    fn owns(&self, path: &str, settings: &Settings) -> bool {
        endpoint::owns(&settings.interact.prefix, path)
    }

    fn endpoint(&self, head: &Head<'_>) -> Result<Endpoint, Answer> {
        endpoint::find(&head.settings.interact.prefix, head.method, head.path, head.query)
            .map_err(|failure| failure.answer())
    }

    fn operation(endpoint: &Endpoint) -> &'static str {
        endpoint.operation()
    }

    async fn admit<'a>(&'a self, endpoint: &'a Endpoint, head: &Head<'a>) -> Result<Admitted<'a>, Answer> {
        Ok(Admitted(match endpoint {
            Endpoint::Rest(rest) => match self.enter(None, head, rest.right()).await {
                Ok(operations) => Entry::Rest(rest, operations),
                Err(failure) => return Err(failure.answer()),
            },
            Endpoint::Soap(service) => Entry::Soap(*service),
            Endpoint::Wsdl(service, version) => Entry::Wsdl(*service, *version),
            Endpoint::Page(service) => Entry::Page(*service),
        }))
    }

    fn body_limit(_: &Endpoint, settings: &Settings) -> usize {
        settings.server.limits.body
    }

    async fn answer(&self, admitted: Self::Admitted<'_>, call: Call<'_>) -> Answer {
        let answer = match admitted.0 {
            Entry::Rest(rest, operations) => answer_rest(rest, &operations, &call).await,
            Entry::Soap(service) => return soap::answer(self, service, &call).await,
            Entry::Wsdl(service, version) => wsdl::answer(service, version, &call),
            Entry::Page(service) => page::answer(service, &call),
        };
        answer.unwrap_or_else(|failure| failure.answer())
    }

    fn refuse(&self, endpoint: Option<&Endpoint>, head: &Head<'_>, refusal: HttpRefusal) -> Answer {
        let failure = Failure::Http(refusal);
        let found = endpoint.is_none().then(|| self.endpoint(head).ok()).flatten();
        match endpoint.or(found.as_ref()) {
            Some(Endpoint::Soap(_)) => soap::refuse(self, head, &failure),
            _ => failure.answer(),
        }
    }
}
