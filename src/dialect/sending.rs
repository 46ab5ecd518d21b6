//! Sending a request to a dialect as the server does, short of limits and metrics; for the tests of the dialects.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::{Answer, Call, Dialect, Head, Origin, bare};

/// What a dialect answers; `target` is path and query.
pub(super) async fn send<D: Dialect>(
    dialect: &D,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    let origin = Origin::http("gateway:8080");
    let head = Head { method: &method, path: bare(path), query, headers: &map, origin: &origin };
    assert!(dialect.owns(path));
    let endpoint = match dialect.endpoint(&head) {
        Ok(endpoint) => endpoint,
        Err(answer) => return answer,
    };
    let body = body.into();
    dialect.answer(&endpoint, Call { head, body: &body, source: [192, 0, 2, 1].into() }).await
}
