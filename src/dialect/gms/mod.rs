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
mod instance;
mod match_interaction;
mod parameters;
mod request_access;
mod request_interaction;
mod service;
mod storage;
#[cfg(test)]
mod tests;
mod user_data;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;

use super::{Answer, Call, Dialect, Head, HttpRefusal};
use crate::access::{Access, Effect, GmsSection, Identity, Principal};
use crate::config::{ApplicationKind, BuiltIn, Format, Settings, Tenant};
use crate::domain::{Asker, Reach, Scope};
use crate::store::Store;
use crate::xml::writer::Unrepresentable;
use answer::{Form, Members, uncached};
pub use endpoint::{DataName, Endpoint, InstanceAction, Storage};
use error::{Error, Fault};
use parameters::{BodyType, Declared};
use user_data::Address;

/// The dialect.
pub struct Gms {
    store: Arc<dyn Store>,
    access: Arc<Access>,
    /// Forms that declared no charset, were not UTF-8 and were read as windows-1252.
    guessed: AtomicU64,
}

/// What the head of a request asks for.
pub struct Asked {
    endpoint: Endpoint,
    declared: Declared,
}

/// A call whose head was read.
struct Request<'c> {
    call: &'c Call<'c>,
    /// What it says of its body.
    declared: &'c Declared,
    /// Counts forms whose charset had to be guessed.
    guessed: &'c AtomicU64,
}

/// A call that was let in.
pub struct Admitted<'a> {
    asked: &'a Asked,
    client: Client<'a>,
}

/// Who calls.
struct Client<'s> {
    /// Whose call it is.
    tenant: &'s Tenant,
    /// Whose data the call is about.
    scope: Scope,
    /// What is reached of them, and whose own is what the call makes.
    asker: Asker,
}

impl<'s> Client<'s> {
    /// A key that opens allocation alone reaches what its application made; everybody else reaches everything, as in GMS
    /// itself.
    fn of(principal: Principal<'s>) -> Self {
        let Principal { tenant, scope, identity, .. } = principal;
        let reach = match identity {
            Identity::Application { kind: ApplicationKind::Interaction, .. } => Reach::Own,
            _ => Reach::All,
        };
        Self { tenant, scope, asker: Asker { application: identity.application(), reach } }
    }
}

/// A good answer, still without a format.
enum Reply {
    /// Named values.
    Members(Members),
    /// Named values, the caller's own data among them, which are found at this address.
    Data(Members, Address),
    /// A state, told by the status too.
    Status { code: u16, state: &'static str },
    /// The bytes of one value, sent as they are.
    Value { media_type: String, bytes: Arc<[u8]> },
}

impl Gms {
    /// The dialect over a store, behind a gate.
    pub fn new(store: Arc<dyn Store>, access: Arc<Access>) -> Self {
        Self { store, access, guessed: AtomicU64::new(0) }
    }

    /// How many forms declared no charset, were not UTF-8 and were read as windows-1252.
    pub fn guessed_charsets(&self) -> u64 {
        self.guessed.load(Ordering::Relaxed)
    }

    /// Whose call it is.
    async fn caller<'a>(&self, asked: &Asked, head: &Head<'a>) -> Result<Principal<'a>, Error> {
        let section = match &asked.endpoint {
            Endpoint::Service(name) | Endpoint::ServiceOrInstance(name) => GmsSection::Service(name),
            // An instance does not tell which service started it: no service's own section, but `server` holds.
            Endpoint::Instance { id, .. } => GmsSection::Service(id),
            Endpoint::Storage(_) => GmsSection::Storage,
        };
        let effect = if Self::changes(asked, head.method) { Effect::Changes } else { Effect::Reads };
        self.access.gms(head.attempt(), section, effect).await.map_err(|denied| Error::Denied(denied.refusal))
    }

    async fn reply(
        &self,
        client: &Client<'_>,
        endpoint: &Endpoint,
        request: &Request<'_>,
        format: Format,
    ) -> Result<Reply, Error> {
        let store = &*self.store;
        match endpoint {
            Endpoint::Service(name) => self.call(client, name, request, format).await,
            Endpoint::ServiceOrInstance(word) => {
                // The operator's names come first; an id of the gateway's own making is never one of them.
                let is_instance = !client.tenant.gms.services.contains_key(word.as_str())
                    && instance::find(store, client, word).await?.is_some();
                if is_instance {
                    instance::answer(store, client, word, &InstanceAction::Query, request).await
                } else {
                    self.call(client, word, request, format).await
                }
            }
            Endpoint::Instance { id, action } => instance::answer(store, client, id, action, request).await,
            Endpoint::Storage(storage) => storage::answer(store, client, storage, request).await,
        }
    }

    /// An error that is known before the call is whole, and so before its tenant.
    fn refusal(head: &Head<'_>, declared: &Declared, error: &Error) -> Answer {
        form(head, declared, head.settings.gms.default_format).fault(error.into())
    }
}

impl Reply {
    /// Writes the answer.
    ///
    /// # Errors
    /// [`Error::NotXml`].
    fn write(self, form: Form<'_>) -> Result<Answer, Error> {
        let write = |members: &Members, data: Option<Address>| {
            form.response(members).map_err(|Unrepresentable(character)| Error::NotXml { character, data })
        };
        match self {
            Self::Members(members) => write(&members, None),
            Self::Data(members, address) => write(&members, Some(address)),
            Self::Status { code, state } => {
                let answer = write(&Members::default().with("state", state), None)?;
                let status = StatusCode::from_u16(code).expect("the settings let only statuses in");
                let bodiless = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
                let body = if bodiless.contains(&status) { Bytes::new() } else { answer.body };
                Ok(Answer { status, outcome: state, body, ..answer })
            }
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

/// How the request of this head is answered, where `default` is the configured format.
fn form<'h>(head: &Head<'h>, declared: &Declared, default: Format) -> Form<'h> {
    Form { format: format::choose(head.headers, declared, default), origin: head.origin, path: head.path }
}

impl Dialect for Gms {
    type Endpoint = Asked;
    type Admitted<'a> = Admitted<'a>;

    const NAME: &'static str = "gms";

    fn whereabouts(_: &Settings) -> String {
        "GMS is under /genesys/1/".to_owned()
    }

    fn owns(&self, path: &str, _: &Settings) -> bool {
        endpoint::owns(path)
    }

    fn endpoint(&self, head: &Head<'_>) -> Result<Asked, Answer> {
        let declared = BodyType::of(head.headers);
        match endpoint::find(head.method, head.path) {
            Ok(endpoint) => Ok(Asked { endpoint, declared }),
            Err(error) => Err(Self::refusal(head, &declared, &error)),
        }
    }

    fn operation(asked: &Asked) -> &'static str {
        match &asked.endpoint {
            // Execution names are the operator's, and anybody can ask for one that does not exist.
            Endpoint::Service(name) | Endpoint::ServiceOrInstance(name) => {
                BuiltIn::ALL.into_iter().find(|it| it.name() == name).map_or("service", BuiltIn::name)
            }
            Endpoint::Instance { action, .. } => match action {
                InstanceAction::Query => "instance-query",
                InstanceAction::Delete => "instance-delete",
                InstanceAction::Update => "instance-update",
                InstanceAction::ReadData | InstanceAction::ReadKey(_) => "instance-read",
                InstanceAction::WriteData => "instance-write",
                InstanceAction::DeleteKey(_) => "instance-delete-key",
            },
            Endpoint::Storage(Storage::Create { .. }) => "storage-create",
            Endpoint::Storage(Storage::Merge { .. }) => "storage-merge",
            Endpoint::Storage(Storage::Read(_) | Storage::ReadKey { .. }) => "storage-read",
            Endpoint::Storage(Storage::Delete(_)) => "storage-delete",
            Endpoint::Storage(Storage::DeleteKey { .. }) => "storage-delete-key",
        }
    }

    const FOR_PAGES: bool = true;

    /// A service is called with GET as well, whatever it does; what may be the name of one counts as one.
    fn changes(asked: &Asked, _: &Method) -> bool {
        let reads = matches!(
            &asked.endpoint,
            Endpoint::Storage(Storage::Read(_) | Storage::ReadKey { .. })
                | Endpoint::Instance {
                    action: InstanceAction::Query | InstanceAction::ReadData | InstanceAction::ReadKey(_),
                    ..
                }
        );
        !reads
    }

    async fn admit<'a>(&'a self, asked: &'a Asked, head: &Head<'a>) -> Result<Admitted<'a>, Answer> {
        match self.caller(asked, head).await {
            Ok(principal) => Ok(Admitted { asked, client: Client::of(principal) }),
            Err(error) => Err(Self::refusal(head, &asked.declared, &error)),
        }
    }

    fn body_limit(asked: &Asked, settings: &Settings) -> usize {
        let limits = &settings.server.limits;
        match asked.declared {
            Ok(BodyType::Multipart { .. }) => limits.multipart,
            _ => limits.body,
        }
    }

    async fn answer(&self, admitted: Self::Admitted<'_>, call: Call<'_>) -> Answer {
        let Admitted { asked: Asked { endpoint, declared }, client } = admitted;
        let format = client.tenant.gms.default_format.unwrap_or(call.head.settings.gms.default_format);
        let form = form(&call.head, declared, format);
        let request = Request { call: &call, declared, guessed: &self.guessed };
        let reply = self.reply(&client, endpoint, &request, form.format).await;
        reply.and_then(|reply| reply.write(form)).unwrap_or_else(|error| form.fault(Fault::from(&error)))
    }

    fn refuse(&self, asked: Option<&Asked>, head: &Head<'_>, refusal: HttpRefusal) -> Answer {
        let error = Error::Http(refusal);
        match asked {
            Some(asked) => Self::refusal(head, &asked.declared, &error),
            None => Self::refusal(head, &BodyType::of(head.headers), &error),
        }
    }
}
