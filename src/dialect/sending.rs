//! Sending a request to a dialect as the server does, short of limits and metrics; for the tests of the dialects.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::{Answer, Call, Dialect, Head, PublicAddress, bare};
use crate::config::Live;

/// What a dialect answers under these settings; `target` is path and query.
pub(super) async fn send<D: Dialect>(
    dialect: &D,
    live: &Live,
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
    let origin = PublicAddress::http("gateway:8080");
    let head = Head { method: &method, path: bare(path), query, headers: &map, origin: &origin };
    assert!(dialect.owns(path));
    answer(dialect, live, head, &body.into()).await
}

/// What a dialect answers to a head and a body under these settings.
pub(super) async fn answer<D: Dialect>(dialect: &D, live: &Live, head: Head<'_>, body: &Bytes) -> Answer {
    let endpoint = match dialect.endpoint(&head) {
        Ok(endpoint) => endpoint,
        Err(answer) => return answer,
    };
    let source = [192, 0, 2, 1].into();
    match dialect.admit(&endpoint, &head, source, live.current()).await {
        Ok(admitted) => dialect.answer(admitted, Call { head, body, source }).await,
        Err(answer) => answer,
    }
}
