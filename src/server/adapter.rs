//! Between the HTTP library and the dialects: everything around a call that is the same for all of them.
//!
//! The head is checked, the endpoint found, the caller let in, the body read within its limit, the call answered, and
//! whatever happens, panics included, is answered in the dialect's form, counted and, where asked for, logged.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_http::body::BoxBody;
use actix_http::{ConnectionType, HttpMessage as _, Request, RequestHead, Response};
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderName, HeaderValue, WARNING};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use futures_util::FutureExt;

use super::answer_body::Body;
use super::arriving::Arriving;
use super::connections::{Line, service};
use super::in_flight::{Held, SHORT};
use super::{Gateway, body, cors, origin, page, site};
use crate::config::{LogRequests, Settings, WebOrigin};
use crate::dialect::aicc::Aicc;
use crate::dialect::gms::Gms;
use crate::dialect::interact::Interact;
use crate::dialect::native::Native;
use crate::dialect::stream::Streamed;
use crate::dialect::{Answer, Call, Dialect, Head, HttpRefusal, Outcome, PublicAddress, bare};
use crate::domain::TenantId;
use crate::log::mask;
use crate::log::notes::{self, Notes};

/// Names a request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The label of operations and dialects for requests that reach none.
const UNKNOWN: &str = "unknown";
/// What a page is told that has had itself led here under another name.
const FOREIGN_HOST: &str = "This gateway is not called like that: use its address, or add the name to server.hosts.\n";

/// Answers any request to the main listener.
pub(super) async fn handle(request: Request, line: Rc<Line>, gateway: &Gateway) -> Response<Body> {
    let settings = request.extensions_mut().remove().unwrap_or_else(|| gateway.live.current());
    let (request, payload) = request.into_parts();
    let mut body = Arriving::new(payload, line, &request);
    let asked = Asked::new(gateway, &request, settings);
    let answered = asked.answer(Some(&mut body)).await.expect("whoever has sent the body is answered");
    body.drop_rest().await;
    asked.finish(answered)
}

/// Asked when a client waits for `100 Continue` before it sends its body: gives the request back where it is to be told
/// so, that is where neither the head nor the caller is a reason to refuse it.
///
/// # Errors
/// The answer, which is the connection's last: whether the body follows after all is up to the client.
pub(super) async fn expect(mut request: Request, gateway: Data<Gateway>) -> Result<Request, Response<BoxBody>> {
    let settings = gateway.live.current();
    // What it is told to send its body for holds when the body is there.
    request.extensions_mut().insert(Arc::clone(&settings));
    let asked = Asked::new(&gateway, request.head(), settings);
    let Some(answered) = asked.answer(None).await else { return Ok(request) };
    let answer = std::future::ready(asked.finish(answered));
    let (line, has_body) = (service::line(&request), service::has_body(&mut request));
    Err(service::attended(line, has_body, answer).await.map_body(|_, body| BoxBody::new(body)))
}

/// What is sent, and what it is called in metrics and logs.
struct Answered {
    took: Duration,
    dialect: &'static str,
    operation: &'static str,
    streamed: Streamed,
    held: Option<Held>,
    notes: Notes,
}

/// A text for people.
fn plain(status: StatusCode, outcome: Outcome, text: impl Into<bytes::Bytes>) -> Answer {
    Answer::new(status, outcome, "text/plain; charset=utf-8", text)
}

/// A request, and what holds from its beginning to its end.
struct Asked<'a> {
    gateway: &'a Gateway,
    request: &'a RequestHead,
    /// One configuration for all of it, however often another is put in force meanwhile.
    settings: Arc<Settings>,
    started: Instant,
}

impl<'a> Asked<'a> {
    fn new(gateway: &'a Gateway, request: &'a RequestHead, settings: Arc<Settings>) -> Self {
        Self { gateway, request, settings, started: Instant::now() }
    }

    fn origin(&self) -> PublicAddress {
        origin::origin(self.request, &self.gateway.door, &self.settings.server)
    }

    fn source(&self) -> IpAddr {
        origin::source(self.request, &self.settings.server.trusted_proxies)
    }

    /// What a dialect sees of it.
    fn head<'h>(&'h self, origin: &'h PublicAddress) -> Head<'h> {
        let request = self.request;
        Head {
            method: &request.method,
            path: bare(request.uri.path()),
            query: request.uri.query().unwrap_or_default(),
            headers: &request.headers,
            origin,
            source: self.source(),
            settings: &self.settings,
        }
    }

    /// A short answer, of which nothing was noted.
    fn answered(&self, dialect: &'static str, operation: &'static str, answer: Answer) -> Answered {
        let took = self.started.elapsed();
        Answered { took, dialect, operation, streamed: answer.into(), held: None, notes: Notes::default() }
    }

    /// The answer of the dialect that the path belongs to. `body` is `None` where the client waits to be told to send it;
    /// `None` comes back where it may.
    async fn answer(&self, body: Option<&mut Arriving>) -> Option<Answered> {
        let Self { gateway, request, settings, .. } = self;
        let path = request.uri.path();
        if let Some(answered) = self.of_foreign_host() {
            Some(answered)
        } else if gateway.gms.owns(path, settings) {
            self.by(&gateway.gms, body).await
        } else if gateway.interact.owns(path, settings) {
            self.by(&gateway.interact, body).await
        } else if gateway.aicc.owns(path, settings) {
            self.by(&gateway.aicc, body).await
        } else if gateway.native.owns(path, settings) {
            self.by(&gateway.native, body).await
        } else {
            Some(self.of_no_dialect())
        }
    }

    /// The answer to a request for a name that the gateway does not have.
    fn of_foreign_host(&self) -> Option<Answered> {
        let hosts = &self.settings.server.hosts;
        let foreign = !hosts.is_empty() && !site::is_local_host(&self.request.uri, &self.request.headers, hosts);
        foreign.then(|| {
            let answer = plain(StatusCode::FORBIDDEN, "foreign_host", FOREIGN_HOST);
            self.answered(UNKNOWN, UNKNOWN, answer)
        })
    }

    /// The answer to a request for a path that belongs to no dialect.
    fn of_no_dialect(&self) -> Answered {
        let request = self.request;
        let most = self.settings.server.limits.head;
        let answer = if head_length(request) > most {
            let text =
                format!("The request line and the headers are too long; at most {most} bytes together are allowed\n");
            plain(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_large", text)
        } else if request.uri.path() == "/" && matches!(request.method, Method::GET | Method::HEAD) {
            page::main(&self.settings, &self.origin(), &self.gateway.wsdl_paths(&self.settings))
        } else {
            let all = [Gms::whereabouts, Interact::whereabouts, Aicc::whereabouts, Native::whereabouts];
            let all = all.map(|whereabouts| whereabouts(&self.settings)).join(", ");
            let text = format!("There is nothing at this path. {all}.\n");
            plain(StatusCode::NOT_FOUND, "not_found", text)
        };
        self.answered(UNKNOWN, UNKNOWN, answer)
    }

    /// Answers a request that belongs to one dialect, or looks only whether its head is refused.
    async fn by<D: Dialect>(&self, dialect: &D, body: Option<&mut Arriving>) -> Option<Answered> {
        let origin = self.origin();
        let head = self.head(&origin);
        let mut answered = match endpoint(dialect, self.request, &head) {
            Err((operation, answer)) => self.answered(D::NAME, operation, answer),
            Ok(endpoint) => match body {
                Some(body) => self.served(dialect, &endpoint, head, body).await,
                None => self.refused(dialect, &endpoint, &head).await?,
            },
        };
        cors::share(&mut answered.streamed.answer, head.headers, pages::<D>(head.settings));
        Some(answered)
    }

    /// Has a dialect answer a call whose body is on its way.
    async fn served<D: Dialect>(
        &self,
        dialect: &D,
        endpoint: &D::Endpoint,
        head: Head<'_>,
        body: &mut Arriving,
    ) -> Answered {
        let hold = || self.gateway.in_flight.hold(head.settings.server.limits.bodies_in_flight);
        // It stays where it is: a call's future is long, and would be copied at every step into another one.
        // What is held of the request goes with its body, before the answer is.
        let answering = pin!(answer(dialect, endpoint, head, body, hold()));
        // A panic is a bug of ours; it costs this one request an answer of 500 and nothing else.
        let (answered, notes) = notes::noting(AssertUnwindSafe(answering).catch_unwind()).await;
        let answered = answered.unwrap_or(Err(HttpRefusal::Panicked));
        let mut held = hold();
        let answered = answered.and_then(|streamed| {
            let length = streamed.answer.body.len();
            // What has changed something is not left without its answer.
            if D::changes(endpoint, head.method) {
                held.grow_anyway(length);
            } else {
                held.grow(length)?;
            }
            Ok(streamed)
        });
        let streamed = answered.unwrap_or_else(|refusal| dialect.refuse(Some(endpoint), &head, refusal).into());
        let operation = streamed.answer.operation.unwrap_or(D::operation(endpoint));
        let took = self.started.elapsed();
        Answered { took, dialect: D::NAME, operation, streamed, held: Some(held), notes }
    }

    /// The refusal of a call for what its head says, or for who is calling, if it is one.
    async fn refused<D: Dialect>(&self, dialect: &D, endpoint: &D::Endpoint, head: &Head<'_>) -> Option<Answered> {
        let admitting = dialect.admit(endpoint, head);
        let (admitted, notes) = notes::noting(AssertUnwindSafe(admitting).catch_unwind()).await;
        let answer = match admitted {
            Err(_) => dialect.refuse(Some(endpoint), head, HttpRefusal::Panicked),
            Ok(Err(answer)) => answer,
            Ok(Ok(_)) => {
                let refusal = body::check(head.headers, D::body_limit(endpoint, head.settings)).err()?;
                dialect.refuse(Some(endpoint), head, refusal)
            }
        };
        Some(Answered { notes, ..self.answered(D::NAME, D::operation(endpoint), answer) })
    }

    /// Counts, logs and sends an answer.
    fn finish(&self, answered: Answered) -> Response<Body> {
        let Self { gateway, request, settings, .. } = self;
        let Answered { took, dialect, operation, streamed, held, notes } = answered;
        let Streamed { answer, body: pieces, close } = streamed;
        gateway.metrics.answered(dialect, operation, answer.outcome, took);
        let (id, given) = request_id(gateway, request);
        // Over SOAP a vendor tells some refusals under 200.
        let refused = answer.status.is_client_error()
            || answer.status.is_server_error()
            || notes.reason.is_some() && answer.outcome != "ok";
        let wanted = match settings.log.requests {
            LogRequests::All => true,
            LogRequests::Failed => refused,
            LogRequests::None => false,
        };
        if wanted {
            let shown = id.to_str().unwrap_or_default();
            tracing::info!(
                request = if given { mask::text(shown) } else { shown.to_owned() },
                source = %self.source(),
                tenant = notes.tenant.as_ref().map_or("", TenantId::as_str),
                method = %request.method,
                path = mask::path(request.uri.path()),
                dialect,
                operation,
                status = answer.status.as_u16(),
                outcome = answer.outcome,
                reason = if refused { notes.reason.unwrap_or(answer.outcome) } else { "" },
                micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                "request"
            );
        }
        let storable = answer.headers.iter().any(|(name, _)| *name == CACHE_CONTROL || *name == ETAG);
        let body = match (pieces, held) {
            (Some(pieces), _) => Body::Pieces(pieces),
            (None, Some(held)) if answer.body.len() > SHORT => Body::Long { rest: answer.body, _held: held },
            (None, _) => Body::Short(answer.body),
        };
        let mut response = Response::with_body(answer.status, body);
        if notes.stale {
            response.headers_mut().append(WARNING, HeaderValue::from_static("110 - \"Response is Stale\""));
        }
        for (name, value) in answer.headers {
            response.headers_mut().append(name, value);
        }
        response.headers_mut().insert(REQUEST_ID, id);
        // Who asks, for which tenant and in which format is said by headers; what is kept nowhere is given to nobody else.
        // Only what has a tag may be kept, and that says what it depends on.
        if !storable {
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        // A request that offers to change the protocol, as Java's client does with HTTP/2, is answered in HTTP/1.1. The HTTP
        // library then ends the connection without a word, and a client that uses it again finds it gone; so it is said.
        let leaves = request.upgrade() || request.method == Method::CONNECT;
        if close || leaves || gateway.stopping.load(Ordering::Relaxed) {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

/// The pages of other sites that may call a dialect.
fn pages<D: Dialect>(settings: &Settings) -> &[WebOrigin] {
    if D::FOR_PAGES { &settings.server.cors_origins } else { &[] }
}

/// The endpoint that a head asks for, or the answer to what is none, with the name of the operation.
fn endpoint<D: Dialect>(
    dialect: &D,
    request: &RequestHead,
    head: &Head<'_>,
) -> Result<D::Endpoint, (&'static str, Answer)> {
    let most = head.settings.server.limits.head;
    if head_length(request) > most {
        // Where it would have led decides the form alone.
        let endpoint = dialect.endpoint(head).ok();
        return Err((UNKNOWN, dialect.refuse(endpoint.as_ref(), head, HttpRefusal::HeadTooLarge { limit: most })));
    }
    let pages = pages::<D>(head.settings);
    if let Some(answer) = cors::preflight(head, pages) {
        return Err(("preflight", answer));
    }
    let endpoint = dialect.endpoint(head).map_err(|answer| (UNKNOWN, answer))?;
    let foreign = D::FOR_PAGES
        && D::changes(&endpoint, head.method)
        && site::is_foreign_page(&request.uri, head.headers, &head.origin.authority, pages);
    if foreign {
        return Err((D::operation(&endpoint), dialect.refuse(Some(&endpoint), head, HttpRefusal::ForeignPage)));
    }
    Ok(endpoint)
}

/// Lets a caller in and answers the call, with its body whole or piece by piece.
async fn answer<D: Dialect>(
    dialect: &D,
    endpoint: &D::Endpoint,
    head: Head<'_>,
    body: &mut Arriving,
    mut held: Held,
) -> Result<Streamed, HttpRefusal> {
    // Before anything of the body: what a stranger sends is neither held nor unpacked, nor is more of it asked for.
    let admitted = match dialect.admit(endpoint, &head).await {
        Ok(admitted) => admitted,
        Err(answer) => return Ok(answer.into()),
    };
    let limit = D::body_limit(endpoint, head.settings);
    if D::in_pieces(endpoint) {
        let mut pieces = body::pieces(head.headers, body, limit)?;
        return Ok(dialect.answer_in_pieces(admitted, head, &mut pieces).await);
    }
    let body = body::read(head.headers, body, limit, &mut held).await?;
    Ok(dialect.answer(admitted, Call { head, body: &body }).await.into())
}

/// The length of a request's line and headers as they travel, in bytes.
fn head_length(head: &RequestHead) -> usize {
    let headers = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    head.method.as_str().len()
        + head.uri.path().len()
        + head.uri.query().map_or(0, str::len)
        + " ? HTTP/1.1\r\n\r\n".len()
        + headers.sum::<usize>()
}

/// The request's id and whether the client gave it: if it can be repeated safely, else it is a new one.
fn request_id(gateway: &Gateway, request: &RequestHead) -> (HeaderValue, bool) {
    let given = request.headers.get(REQUEST_ID);
    let usable = |id: &&HeaderValue| (1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic);
    match given.filter(usable) {
        Some(given) => (given.clone(), true),
        None => (gateway.requests.next(), false),
    }
}
