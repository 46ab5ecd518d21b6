//! CORS: what tells a browser that a page of another site may read an answer. Only pages of `server.cors_origins` are
//! told so, and by default there are none.

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use actix_web::http::{Method, StatusCode};

use crate::config::WebOrigin;
use crate::dialect::{Answer, Head};

/// How long a browser may remember what it was told of a path, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// The headers of answers that pages read besides those that they always may.
const EXPOSED: HeaderValue = HeaderValue::from_static("Location, Retry-After, WWW-Authenticate, X-Request-Id");
const VARIES: HeaderValue = HeaderValue::from_static("Origin");

/// The answer to a browser that asks on behalf of an allowed page whether it may call, before it is shared with that page;
/// `None` for other requests.
///
/// Any header may be sent: the page is trusted with calls, and there is nothing that a header alone could do.
pub(super) fn preflight(head: &Head<'_>, allowed: &[WebOrigin]) -> Option<Answer> {
    let asks = *head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks || allowed_origin(head.headers, allowed).is_none() {
        return None;
    }
    let answer = Answer::empty(StatusCode::NO_CONTENT, "ok")
        .with(ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .with(ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    Some(match head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        Some(asked) => answer.with(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone()),
        None => answer,
    })
}

/// Lets an allowed page read an answer. Where there are allowed pages, every answer says that it may depend on them.
pub(super) fn share(answer: &mut Answer, headers: &HeaderMap, allowed: &[WebOrigin]) {
    if allowed.is_empty() {
        return;
    }
    answer.headers.push((VARY, VARIES));
    if let Some(origin) = allowed_origin(headers, allowed) {
        answer.headers.push((ACCESS_CONTROL_ALLOW_ORIGIN, origin));
        answer.headers.push((ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED));
    }
}

fn allowed_origin(headers: &HeaderMap, allowed: &[WebOrigin]) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    allowed.iter().any(|allowed| allowed.is(origin.as_bytes())).then(|| origin.clone())
}
