//! Genesys Mobile Services (GMS), release 8.5: access numbers over REST.
//!
//! An application asks for a number on behalf of a service instance (request-access) or starts one at the same time
//! (request-interaction); the IVR that takes the call asks whose it is (match-interaction). What the application sends
//! along is kept as the instance's user data and can be read over the Storage API.
//!
//! An instance is what the rest of the gateway calls an interaction, and its data are the interaction's document.
//! Everything that is peculiar to GMS stays in this folder: its names, its formats and its errors.

mod access_information;
mod answer;
mod endpoint;
mod error;
mod format;
mod match_interaction;
mod parameters;
mod request_access;
mod request_interaction;
mod storage;
#[cfg(test)]
mod tests;
mod user_data;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use bytes::Bytes;

use super::{Answer, Call, Dialect, Head, HttpRefusal};
use crate::access::{self, Access, GmsSection};
use crate::config::{BuiltIn, Format, Live, Settings};
use crate::domain::state::Lend;
use crate::domain::{DocumentId, Scope};
use crate::store::{Store, WithData};
use crate::xml::writer::Unrepresentable;
use answer::{Form, Members, uncached};
pub use endpoint::{Endpoint, Storage};
use error::{Error, Fault};
use match_interaction::MatchRequest;
use parameters::{BodyType, Parameters};

/// The dialect.
pub struct Gms {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    live: Live,
}

/// A good answer, still without a format.
enum Reply {
    /// Named values.
    Members(Members),
    /// Named values, the caller's own data of this document among them.
    Data(Members, DocumentId),
    /// The bytes of one value, sent as they are.
    Value { media_type: String, bytes: Arc<[u8]> },
}

impl Gms {
    /// The dialect over a store, behind a gate, under the settings in force.
    pub fn new(store: Arc<dyn Store>, access: Arc<Access>, live: Live) -> Self {
        Self { store, access, live }
    }

    /// Whose call it is.
    async fn admit(&self, endpoint: &Endpoint, call: &Call<'_>) -> Result<Scope, Error> {
        let section = match endpoint {
            Endpoint::Service(name) => GmsSection::Service(name),
            Endpoint::Storage(_) => GmsSection::Storage,
        };
        match self.access.gms(call.head.headers, call.source, section).await {
            Ok(principal) => Ok(principal.scope),
            Err(denied) => Err(match denied.refusal {
                access::Refusal::Unauthorized { realm } => Error::Unauthorized { realm },
                access::Refusal::TooManyAttempts { retry_after } => Error::TooManyAttempts { retry_after },
            }),
        }
    }

    /// Creates an instance of a service, which for the built-in ones is their whole work.
    async fn create(
        &self,
        settings: &Settings,
        scope: &Scope,
        name: &str,
        call: &Call<'_>,
        format: Format,
    ) -> Result<Reply, Error> {
        let service = settings.tenants.get(&scope.tenant).and_then(|tenant| tenant.gms.services.get(name));
        let service = service.ok_or_else(|| Error::ServiceUnknown(name.to_owned()))?;
        let parameters = Parameters::gather(call).await?;
        let interaction_ttl = settings.gms.interaction_ttl;
        match service.built_in {
            BuiltIn::RequestAccess => {
                self.lend(scope, request_access::read(parameters, service, interaction_ttl)?).await
            }
            BuiltIn::RequestInteraction => {
                self.lend(scope, request_interaction::read(parameters, service, interaction_ttl)?).await
            }
            BuiltIn::MatchInteraction => self.recognise(scope, MatchRequest::read(&parameters)?, format).await,
        }
    }

    async fn lend(&self, scope: &Scope, lend: Lend) -> Result<Reply, Error> {
        let lent = self.store.lend(scope, lend).await?;
        Ok(Reply::Members(access_information::members(&lent)))
    }

    async fn recognise(&self, scope: &Scope, request: MatchRequest, format: Format) -> Result<Reply, Error> {
        if (format, request.data) == (Format::Xml, WithData::Yes) {
            self.check_xml(scope, &request).await?;
        }
        let criteria = request.criteria.clone();
        let matches = self.store.match_call(scope, criteria, request.which, request.after, request.data).await?;
        Ok(match request.members(&matches) {
            (members, Some(document)) => Reply::Data(members, document),
            (members, None) => Reply::Members(members),
        })
    }

    /// Refuses a match whose user data XML cannot carry before the number is given back, so that the call can still be
    /// recognised by asking again in JSON.
    async fn check_xml(&self, scope: &Scope, request: &MatchRequest) -> Result<(), Error> {
        let found = self.store.number(scope, request.criteria.number).await?;
        let allocation = found.and_then(|found| found.allocation).filter(|it| request.criteria.fit(it));
        let Some(allocation) = allocation else { return Ok(()) };
        let Some(interaction) = self.store.interaction(scope, &allocation.interaction).await? else { return Ok(()) };
        let Some(document) = self.store.document(scope, interaction.data.into()).await? else { return Ok(()) };
        let problem = user_data::members(&document).not_xml();
        problem.map_or(Ok(()), |character| Err(Error::NotXml { character, document: Some(document.id) }))
    }

    async fn reply(
        &self,
        settings: &Settings,
        scope: &Scope,
        endpoint: &Endpoint,
        call: &Call<'_>,
        format: Format,
    ) -> Result<Reply, Error> {
        match endpoint {
            Endpoint::Service(name) => self.create(settings, scope, name, call, format).await,
            Endpoint::Storage(storage) => storage::answer(&*self.store, scope, storage, call).await,
        }
    }

    /// An error that is known before the call is whole, and so before its tenant.
    fn refusal(&self, head: &Head<'_>, error: &Error) -> Answer {
        let format = format::choose(head.headers, self.live.current().gms.default_format);
        Form { format, origin: head.origin, path: head.path }.fault(error.into())
    }
}

impl Reply {
    /// Writes the answer.
    ///
    /// # Errors
    /// [`Error::NotXml`].
    fn write(self, form: Form<'_>) -> Result<Answer, Error> {
        match self {
            Self::Members(members) => form
                .response(&members)
                .map_err(|Unrepresentable(character)| Error::NotXml { character, document: None }),
            Self::Data(members, document) => form
                .response(&members)
                .map_err(|Unrepresentable(character)| Error::NotXml { character, document: Some(document) }),
            Self::Value { media_type, bytes } => Ok(value(&media_type, &bytes)),
        }
    }
}

/// A value as it was stored. It came from a stranger, so no browser may take it for more than it says or run it. A media
/// type that no header can hold is not passed on.
fn value(media_type: &str, bytes: &[u8]) -> Answer {
    let declared = HeaderValue::try_from(media_type);
    let declared = declared.unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let body = Bytes::copy_from_slice(bytes);
    let answer = Answer {
        status: StatusCode::OK,
        headers: vec![(CONTENT_TYPE, declared)],
        body,
        outcome: "ok",
        operation: None,
    };
    uncached(answer)
        .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"))
}

/// The configured format of a tenant's answers.
fn default_format(settings: &Settings, scope: &Scope) -> Format {
    let own = settings.tenants.get(&scope.tenant).and_then(|tenant| tenant.gms.default_format);
    own.unwrap_or(settings.gms.default_format)
}

impl Dialect for Gms {
    type Endpoint = Endpoint;

    const NAME: &'static str = "gms";

    fn owns(&self, path: &str) -> bool {
        endpoint::owns(path)
    }

    fn endpoint(&self, head: &Head<'_>) -> Result<Endpoint, Answer> {
        endpoint::find(head.method, head.path).map_err(|error| self.refusal(head, &error))
    }

    fn operation(endpoint: &Endpoint) -> &'static str {
        match endpoint {
            // Execution names are the operator's, and anybody can ask for one that does not exist.
            Endpoint::Service(name) => {
                BuiltIn::ALL.into_iter().find(|it| it.name() == name).map_or("service", BuiltIn::name)
            }
            Endpoint::Storage(Storage::Create { .. }) => "storage-create",
            Endpoint::Storage(Storage::Merge { .. }) => "storage-merge",
            Endpoint::Storage(Storage::Read { .. } | Storage::ReadKey { .. }) => "storage-read",
            Endpoint::Storage(Storage::Delete { .. }) => "storage-delete",
        }
    }

    fn body_limit(&self, _: &Endpoint, head: &Head<'_>) -> usize {
        let limits = self.live.current().server.limits;
        let declared = head.headers.get(CONTENT_TYPE).map(BodyType::parse);
        match declared {
            Some(Ok(BodyType::Multipart { .. })) => limits.multipart,
            _ => limits.body,
        }
    }

    async fn answer(&self, endpoint: &Endpoint, call: Call<'_>) -> Answer {
        let settings = self.live.current();
        let form = |default| Form {
            format: format::choose(call.head.headers, default),
            origin: call.head.origin,
            path: call.head.path,
        };
        let scope = match self.admit(endpoint, &call).await {
            Ok(scope) => scope,
            Err(error) => return form(settings.gms.default_format).fault(Fault::from(&error)),
        };
        let form = form(default_format(&settings, &scope));
        let reply = self.reply(&settings, &scope, endpoint, &call, form.format).await;
        reply.and_then(|reply| reply.write(form)).unwrap_or_else(|error| form.fault(Fault::from(&error)))
    }

    fn refuse(&self, _: Option<&Endpoint>, head: &Head<'_>, refusal: HttpRefusal) -> Answer {
        self.refusal(head, &Error::Http(refusal))
    }
}
