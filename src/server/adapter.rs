//! Between the HTTP library and the dialects: everything around a call that is the same for all of them.
//!
//! The head is checked, the endpoint found, the caller let in, the body read within its limit, the call answered, and
//! whatever happens, panics included, is answered in the dialect's form, counted and, where asked for, logged.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;

use super::{Gateway, body, cors, origin, page, site};
use crate::config::{LogRequests, Settings, WebOrigin};
use crate::dialect::stream::{Incoming, Streamed};
use crate::dialect::{Answer, Call, Dialect, Head, HttpRefusal, Outcome, bare};
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
pub(super) async fn handle(request: HttpRequest, payload: Payload, gateway: Data<Gateway>) -> HttpResponse {
    let path = request.path();
    let started = Instant::now();
    let answered =
        |answer: Answer| finish(&gateway, &request, UNKNOWN, UNKNOWN, answer.into(), &Notes::default(), started);
    let settings = gateway.live.current();
    let hosts = &settings.server.hosts;
    if !hosts.is_empty() && !site::is_local_host(request.uri(), request.headers(), hosts) {
        return answered(plain(StatusCode::FORBIDDEN, "foreign_host", FOREIGN_HOST));
    }
    if gateway.aicc.owns(path) {
        serve(&gateway.aicc, &gateway, &request, payload).await
    } else if gateway.interact.owns(path) {
        serve(&gateway.interact, &gateway, &request, payload).await
    } else if gateway.gms.owns(path) {
        serve(&gateway.gms, &gateway, &request, payload).await
    } else if gateway.native.owns(path) {
        serve(&gateway.native, &gateway, &request, payload).await
    } else if path == "/" && matches!(*request.method(), Method::GET | Method::HEAD) {
        let origin = origin::origin(&request, &settings.server);
        answered(page::main(&settings, &origin, &gateway.wsdl_paths()))
    } else {
        let text = "There is nothing at this path. GMS is under /genesys/1/, Interact under its prefix (/interact), \
                    AICC under /apigovernance/ and /apiaccess/, \
                    the gateway's own API under /gateway/v1/.\n";
        answered(plain(StatusCode::NOT_FOUND, "not_found", text))
    }
}

/// A text for people.
fn plain(status: StatusCode, outcome: Outcome, text: &'static str) -> Answer {
    Answer::new(status, outcome, "text/plain; charset=utf-8", text)
}

/// Answers a request that belongs to one dialect.
async fn serve<D: Dialect>(dialect: &D, gateway: &Gateway, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let started = Instant::now();
    let settings = gateway.live.current();
    let origin = origin::origin(request, &settings.server);
    let head = Head {
        method: request.method(),
        path: bare(request.uri().path()),
        query: request.query_string(),
        headers: request.headers(),
        origin: &origin,
    };
    let pages = if D::FOR_PAGES { &settings.server.cors_origins[..] } else { &[] };
    if let Some(answer) = cors::preflight(&head, pages) {
        return finish(gateway, request, D::NAME, "preflight", answer.into(), &Notes::default(), started);
    }
    let (operation, mut answered, notes) = match dialect.endpoint(&head) {
        Err(answer) => (UNKNOWN, answer.into(), Notes::default()),
        Ok(endpoint) if is_foreign::<D>(&endpoint, request, &head, pages) => {
            let answer = dialect.refuse(Some(&endpoint), &head, HttpRefusal::ForeignPage);
            (D::operation(&endpoint), answer.into(), Notes::default())
        }
        Ok(endpoint) => {
            let operation = D::operation(&endpoint);
            let source = origin::source(request, &settings.server.trusted_proxies);
            let answering = answer(dialect, &endpoint, head, source, &settings, payload);
            // A panic is a bug of ours; it costs this one request an answer of 500 and nothing else.
            let (answered, notes) = notes::noting(AssertUnwindSafe(answering).catch_unwind()).await;
            let answered = answered.unwrap_or(Err(HttpRefusal::Panicked));
            let answered = answered.unwrap_or_else(|refusal| dialect.refuse(Some(&endpoint), &head, refusal).into());
            (answered.answer.operation.unwrap_or(operation), answered, notes)
        }
    };
    cors::share(&mut answered.answer, head.headers, pages);
    finish(gateway, request, D::NAME, operation, answered, &notes, started)
}

/// Whether a web page that may not do so wants to change something.
fn is_foreign<D: Dialect>(endpoint: &D::Endpoint, request: &HttpRequest, head: &Head<'_>, pages: &[WebOrigin]) -> bool {
    D::FOR_PAGES
        && D::changes(endpoint, head.method)
        && site::is_foreign_page(request.uri(), head.headers, &head.origin.authority, pages)
}

/// Lets a caller in and answers the call, with its body whole or piece by piece.
async fn answer<D: Dialect>(
    dialect: &D,
    endpoint: &D::Endpoint,
    head: Head<'_>,
    source: IpAddr,
    settings: &Arc<Settings>,
    mut payload: Payload,
) -> Result<Streamed, HttpRefusal> {
    let most = settings.server.limits.head;
    if head_length(&head) > most {
        return Err(HttpRefusal::HeadTooLarge { limit: most });
    }
    // Before anything of the body: what a stranger sends is neither held nor unpacked, nor is more of it asked for.
    let admitted = match dialect.admit(endpoint, &head, source, Arc::clone(settings)).await {
        Ok(admitted) => admitted,
        Err(answer) => {
            return Ok(Streamed { close: !body::drop_rest(head.headers, &mut payload).await, ..answer.into() });
        }
    };
    let limit = dialect.body_limit(endpoint, &head, settings);
    if !D::in_pieces(endpoint) {
        let body = body::read(head.headers, payload, limit).await?;
        return Ok(dialect.answer(admitted, Call { head, body: &body, source }).await.into());
    }
    let mut pieces = body::pieces(head.headers, payload, limit)?;
    let mut streamed = dialect.answer_in_pieces(admitted, head, source, &mut pieces).await;
    // Whoever is refused before all was read may still be sending; a little more is let come, so that a small body does
    // not cost its sender the connection.
    streamed.close = !ends_soon(&mut pieces, most).await;
    Ok(streamed)
}

/// Whether a body ends within so many bytes.
async fn ends_soon(pieces: &mut Incoming<'_>, most: usize) -> bool {
    let mut rest = 0;
    while let Some(piece) = pieces.next().await {
        rest += piece.map_or(most, |piece| piece.len());
        if rest >= most {
            return false;
        }
    }
    true
}

/// The length of a request's line and headers as they travel, in bytes.
fn head_length(head: &Head<'_>) -> usize {
    let headers = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    head.method.as_str().len()
        + head.path.len()
        + head.query.len()
        + " ? HTTP/1.1\r\n\r\n".len()
        + headers.sum::<usize>()
}

/// Counts, logs and sends an answer.
fn finish(
    gateway: &Gateway,
    request: &HttpRequest,
    dialect: &'static str,
    operation: &'static str,
    answered: Streamed,
    notes: &Notes,
    started: Instant,
) -> HttpResponse {
    let Streamed { answer, body, close } = answered;
    let took = started.elapsed();
    gateway.metrics.answered(dialect, operation, answer.outcome, took);
    let (id, given) = request_id(gateway, request);
    // Over SOAP a vendor tells some refusals under 200.
    let refused = answer.status.is_client_error()
        || answer.status.is_server_error()
        || notes.reason.is_some() && answer.outcome != "ok";
    let settings = gateway.live.current();
    let wanted = match settings.log.requests {
        LogRequests::All => true,
        LogRequests::Failed => refused,
        LogRequests::None => false,
    };
    if wanted {
        let shown = id.to_str().unwrap_or_default();
        tracing::info!(
            request = if given { mask::text(shown) } else { shown.to_owned() },
            source = %origin::source(request, &settings.server.trusted_proxies),
            tenant = notes.tenant.as_ref().map_or("", TenantId::as_str),
            method = %request.method(),
            path = mask::path(request.path()),
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
    let mut response = HttpResponse::build(answer.status);
    for header in answer.headers {
        response.append_header(header);
    }
    response.insert_header((REQUEST_ID, id));
    // Who asks, for which tenant and in which format is said by headers; what is kept nowhere is given to nobody else.
    // Only what has a tag may be kept, and that says what it depends on.
    if !storable {
        response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    }
    // A request that offers to change the protocol, as Java's client does with HTTP/2, is answered in HTTP/1.1. The HTTP
    // library then ends the connection without a word, and a client that uses it again finds it gone; so it is said.
    if close || gateway.stopping.load(Ordering::Relaxed) || request.head().upgrade() {
        response.force_close();
    }
    match body {
        Some(pieces) => response.streaming(pieces),
        None => response.body(answer.body),
    }
}

/// The request's id and whether the client gave it: if it can be repeated safely, else it is a new one.
fn request_id(gateway: &Gateway, request: &HttpRequest) -> (HeaderValue, bool) {
    let given = request.headers().get(REQUEST_ID);
    let usable = |id: &&HeaderValue| (1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic);
    match given.filter(usable) {
        Some(given) => (given.clone(), true),
        None => (gateway.requests.next(), false),
    }
}
