//! Between the HTTP library and the dialects: everything around a call that is the same for all of them.
//!
//! The head is checked, the endpoint found, the body read within its limit, the call answered, and whatever happens,
//! panics included, is answered in the dialect's form, counted and, where asked for, logged.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;

use super::{Gateway, body, mask, origin};
use crate::config::{LogRequests, Settings};
use crate::dialect::{Answer, Call, Dialect, Head, HttpRefusal};

/// Names a request in answers and logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The label of operations and dialects for requests that reach none.
const UNKNOWN: &str = "unknown";

/// Answers any request to the main listener.
pub(super) async fn handle(request: HttpRequest, payload: Payload, gateway: Data<Gateway>) -> HttpResponse {
    let path = request.path();
    if gateway.aicc.owns(path) {
        serve(&gateway.aicc, &gateway, &request, payload).await
    } else if gateway.interact.owns(path) {
        serve(&gateway.interact, &gateway, &request, payload).await
    } else if gateway.gms.owns(path) {
        serve(&gateway.gms, &gateway, &request, payload).await
    } else if gateway.native.owns(path) {
        serve(&gateway.native, &gateway, &request, payload).await
    } else {
        let started = Instant::now();
        let text = "There is nothing at this path. GMS is under /genesys/1/, Interact under its prefix (/interact), \
                    AICC under /apigovernance/ and /apiaccess/, \
                    the gateway's own API under /gateway/v1/.\n";
        let answer = Answer::new(StatusCode::NOT_FOUND, "not_found", "text/plain; charset=utf-8", text);
        finish(&gateway, &request, UNKNOWN, UNKNOWN, answer, started)
    }
}

/// Answers a request that belongs to one dialect.
async fn serve<D: Dialect>(dialect: &D, gateway: &Gateway, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let started = Instant::now();
    let settings = gateway.live.current();
    let origin = origin::origin(request, &settings.server);
    let head = Head {
        method: request.method(),
        path: request.uri().path(),
        query: request.query_string(),
        headers: request.headers(),
        origin: &origin,
    };
    let (operation, answer) = match dialect.endpoint(&head) {
        Err(answer) => (UNKNOWN, answer),
        Ok(endpoint) => {
            let operation = D::operation(&endpoint);
            let body = read(dialect, &endpoint, &head, &settings, payload).await;
            let answer = match body {
                Err(refusal) => dialect.refuse(Some(&endpoint), &head, refusal),
                Ok(body) => {
                    let source = origin::source(request, &settings.server.trusted_proxies);
                    let call = Call { head, body: &body, source };
                    // A panic is a bug of ours; it costs this one request an answer of 500 and nothing else.
                    let answered = AssertUnwindSafe(dialect.answer(&endpoint, call)).catch_unwind().await;
                    answered.unwrap_or_else(|_| dialect.refuse(Some(&endpoint), &head, HttpRefusal::Panicked))
                }
            };
            (answer.operation.unwrap_or(operation), answer)
        }
    };
    finish(gateway, request, D::NAME, operation, answer, started)
}

async fn read<D: Dialect>(
    dialect: &D,
    endpoint: &D::Endpoint,
    head: &Head<'_>,
    settings: &Settings,
    payload: Payload,
) -> Result<bytes::Bytes, HttpRefusal> {
    let limit = settings.server.limits.head;
    if head_length(head) > limit {
        return Err(HttpRefusal::HeadTooLarge { limit });
    }
    body::read(head.headers, payload, dialect.body_limit(endpoint, head)).await
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
    answer: Answer,
    started: Instant,
) -> HttpResponse {
    let took = started.elapsed();
    gateway.metrics.answered(dialect, operation, answer.outcome, took);
    let id = request_id(gateway, request);
    let failed = answer.status.is_client_error() || answer.status.is_server_error();
    let wanted = match gateway.live.current().log.requests {
        LogRequests::All => true,
        LogRequests::Failed => failed,
        LogRequests::None => false,
    };
    if wanted {
        tracing::info!(
            request = id.to_str().unwrap_or_default(),
            method = %request.method(),
            path = mask::path(request.path()),
            dialect,
            operation,
            status = answer.status.as_u16(),
            outcome = answer.outcome,
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
    let mut response = HttpResponse::build(answer.status);
    for header in answer.headers {
        response.append_header(header);
    }
    response.insert_header((REQUEST_ID, id));
    // A request that offers to change the protocol, as Java's client does with HTTP/2, is answered in HTTP/1.1. The HTTP
    // library then ends the connection without a word, and a client that uses it again finds it gone; so it is said.
    if gateway.stopping.load(Ordering::Relaxed) || request.head().upgrade() {
        response.force_close();
    }
    response.body(answer.body)
}

/// The request's id: the one the client gave if it can be repeated safely, else a new one.
fn request_id(gateway: &Gateway, request: &HttpRequest) -> HeaderValue {
    let given = request.headers().get(REQUEST_ID);
    let usable = |id: &&HeaderValue| (1..=64).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic);
    given.filter(usable).cloned().unwrap_or_else(|| gateway.next_request_id())
}
