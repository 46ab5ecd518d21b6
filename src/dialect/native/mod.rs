//! The gateway's own API: JSON under `/gateway/v1`, for everything that no vendor's API covers.
//!
//! Where the vendor dialects tolerate, this one is strict: what is not described is refused, and a refusal names every
//! member that is wrong, as a problem of RFC 9457. The OpenAPI document is made from the types that read the requests
//! and write the answers.
//!
//! # Adding an operation
//!
//! One file is one resource; `numbers` shows all of it. In the file of the resource:
//!
//! 1. Declare what is read with `members!`: a struct for the parameters of the path, the query and the body. A type that
//!    is not there yet implements `value::Scalar` (or is declared with `choice!`).
//! 2. Declare what is written: a struct that derives `Serialize` and `JsonSchema`, with a name of its own.
//! 3. Declare a unit struct, and implement `operation::Operation` for it. `PROBLEMS` names the refusals of its own; a
//!    new kind of refusal is a line in `problem` and one in the table of `error`.
//! 4. Put it into the `OPERATIONS` of the file, and a new file's into `RESOURCES` of `endpoint`.
//!
//! Routing, `Allow`, the roles, the OpenAPI document and metrics follow from that; a POST that changes nothing says so by
//! `EFFECT`. `docs/openapi.json` is rewritten by
//! `DNIS_GATEWAY_BLESS=1 cargo test --lib native::tests::openapi`.

mod framework;
mod resources;
mod soap;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use actix_web::http::StatusCode;
use bytes::Bytes;

use super::stream::{Incoming, Streamed};
use super::{Answer, Call, Dialect, Head, HttpRefusal};
use crate::access::{Access, Effect, Principal};
use crate::config::Settings;
use crate::soap::tally::Tally;
use crate::soap::version::Version;
use crate::store::{Clock, Store};
use framework::endpoint::{self, Target};
use framework::error::Failure;
use framework::operation::{RequestContext, Served};
use framework::problem::Problem;
use framework::{address, body, openapi};
use resources::bulk::Importing;

pub use framework::endpoint::Endpoint;

/// The OpenAPI document, as it is served.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::text().into());

/// A call that was let in.
pub struct Admitted<'a>(Entry<'a>);

/// What a call that was let in is.
enum Entry<'a> {
    /// An operation with the parameters of its path, for a caller whose credentials were right.
    Operation(&'static dyn Served, &'a [String], RequestContext<'a>),
    /// An envelope; the user may stand in it.
    Soap,
    /// A description of the SOAP service, which is anybody's.
    Wsdl(Version),
    /// The page of the SOAP service, which is anybody's.
    Page,
    /// The OpenAPI document, which is anybody's.
    Document,
}

/// The dialect.
pub struct Native {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    clock: Arc<dyn Clock>,
    tally: Tally,
    /// Importing takes memory for every row, so a tenant does it one file at a time.
    importing: Importing,
}

impl Native {
    /// The dialect over a store, for whom `access` lets in. The clock is for what answers say of time; deadlines are
    /// judged by the store's.
    pub fn new(store: Arc<dyn Store>, access: Arc<Access>, clock: Arc<dyn Clock>) -> Self {
        Self { store, access, clock, tally: Tally::default(), importing: Importing::default() }
    }

    /// What the SOAP service refused and tolerated.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Where the description of the SOAP service is served.
    pub fn wsdl_path(&self) -> &'static str {
        soap::WSDL_PATH
    }

    /// What an operation works with, for a caller who was let in.
    fn context<'a>(&'a self, principal: Principal<'a>, head: &Head<'a>) -> RequestContext<'a> {
        let Head { source, settings, .. } = *head;
        let (store, importing, clock, guesses) = (&self.store, &self.importing, &*self.clock, self.access.guesses());
        RequestContext { store, importing, principal, source, settings, clock, guesses }
    }
}

fn document() -> Answer {
    Answer::new(StatusCode::OK, "ok", body::JSON, DOCUMENT.clone())
}

/// The answer to a failure of an operation, which must be one that its description names: a client made of the description
/// knows no other.
fn refused(operation: &dyn Served, failure: &Failure) -> Answer {
    let (problem, meta) = (failure.problem(), operation.meta());
    if !meta.problems().any(|named| named == problem) && !Problem::ALWAYS.contains(&problem) {
        let name = meta.name;
        debug_assert!(false, "{name} answers {problem:?}, which its PROBLEMS do not name");
        tracing::error!(operation = name, problem = problem.label(), "an answer is not among those that are described");
    }
    failure.answer()
}

impl Dialect for Native {
    type Endpoint = Endpoint;
    type Admitted<'a> = Admitted<'a>;

    const NAME: &'static str = "native";

    fn whereabouts(_: &Settings) -> String {
        "the gateway's own API under /gateway/v1/".to_owned()
    }

    fn owns(&self, path: &str, _: &Settings) -> bool {
        address::owns(path)
    }

    fn endpoint(&self, head: &Head<'_>) -> Result<Endpoint, Answer> {
        endpoint::find(head).map_err(|failure| failure.answer())
    }

    fn operation(endpoint: &Endpoint) -> &'static str {
        endpoint.name()
    }

    const FOR_PAGES: bool = true;

    async fn admit<'a>(&'a self, endpoint: &'a Endpoint, head: &Head<'a>) -> Result<Admitted<'a>, Answer> {
        Ok(Admitted(match &endpoint.0 {
            Target::Operation(operation, segments) => match self.access.native(head.attempt(), None).await {
                Ok(principal) => {
                    let context = self.context(principal, head);
                    if operation.meta().effect == Effect::Changes {
                        context.may_change().map_err(|failure| refused(*operation, &failure))?;
                    }
                    Entry::Operation(*operation, segments, context)
                }
                Err(denied) => return Err(refused(*operation, &denied.into())),
            },
            Target::Soap => Entry::Soap,
            Target::Wsdl(version) => Entry::Wsdl(*version),
            Target::Page => Entry::Page,
            Target::Document => Entry::Document,
        }))
    }

    fn body_limit(endpoint: &Endpoint, settings: &Settings) -> usize {
        let limits = &settings.server.limits;
        match &endpoint.0 {
            Target::Document | Target::Soap | Target::Wsdl(_) | Target::Page => limits.body,
            Target::Operation(operation, _) => operation.body_limit(limits),
        }
    }

    async fn answer(&self, admitted: Self::Admitted<'_>, call: Call<'_>) -> Answer {
        match admitted.0 {
            Entry::Soap => soap::answer(self, &call).await,
            Entry::Wsdl(version) => soap::describe(version, &call),
            Entry::Page => soap::page(&call),
            Entry::Document => document(),
            Entry::Operation(operation, segments, context) => {
                let answer = operation.answer(&context, segments, &call).await;
                answer.unwrap_or_else(|failure| refused(operation, &failure))
            }
        }
    }

    fn in_pieces(endpoint: &Endpoint) -> bool {
        matches!(&endpoint.0, Target::Operation(operation, _) if operation.meta().in_pieces)
    }

    async fn answer_in_pieces(
        &self,
        admitted: Self::Admitted<'_>,
        head: Head<'_>,
        body: &mut Incoming<'_>,
    ) -> Streamed {
        match admitted.0 {
            Entry::Operation(operation, segments, context) => {
                let answer = operation.stream(&context, segments, head, body).await;
                answer.unwrap_or_else(|failure| refused(operation, &failure).into())
            }
            _ => self.gathered(admitted, head, body).await,
        }
    }

    fn refuse(&self, endpoint: Option<&Endpoint>, head: &Head<'_>, refusal: HttpRefusal) -> Answer {
        let failure = Failure::Http(refusal);
        match endpoint {
            Some(Endpoint(Target::Soap)) => soap::refuse(self, head, &failure),
            _ => failure.answer(),
        }
    }
}
