//! Sending a request to a dialect as the server does, short of limits and metrics; for the tests of the dialects.

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use super::{Answer, Call, Dialect, Head, PublicAddress, bare};
use crate::config::{Live, Settings};

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
    let (origin, settings) = (PublicAddress::http("gateway:8080"), live.current());
    let head = head((&method, bare(path), query), &map, &origin, &settings);
    assert!(dialect.owns(path, &settings));
    answer(dialect, head, &body.into()).await
}

/// A head of method, path and query that came from where the tests call from.
pub(super) fn head<'a>(
    (method, path, query): (&'a Method, &'a str, &'a str),
    headers: &'a HeaderMap,
    origin: &'a PublicAddress,
    settings: &'a Settings,
) -> Head<'a> {
    Head { method, path, query, headers, origin, source: [192, 0, 2, 1].into(), settings }
}

/// What a dialect answers to a head and a body.
pub(super) async fn answer<D: Dialect>(dialect: &D, head: Head<'_>, body: &Bytes) -> Answer {
    let endpoint = match dialect.endpoint(&head) {
        Ok(endpoint) => endpoint,
        Err(answer) => return answer,
    };
    match dialect.admit(&endpoint, &head).await {
        Ok(admitted) => dialect.answer(admitted, Call { head, body }).await,
        Err(answer) => answer,
    }
}
