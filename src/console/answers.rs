//! The console's answers: pages that do nothing but show, and ways from one to another.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use maud::Markup;

use crate::dialect::Answer;
use crate::dialect::html::HTML;

/// Everything that a page loads is the console's own; nothing stands in the page itself, and nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page.
pub(super) fn page(status: StatusCode, page: Markup) -> Answer {
    Answer::new(status, "ok", HTML, page.into_string())
}

/// Sends the browser to a page of the console, which it asks for anew.
pub(super) fn see_other(address: &str) -> Answer {
    let address = HeaderValue::try_from(address);
    let address = address.unwrap_or_else(|_| HeaderValue::from_static(super::PATH));
    Answer::empty(StatusCode::SEE_OTHER, "ok").with(LOCATION, address)
}

/// The same answer with the headers that keep a browser from doing anything with it but show it to whom it was given.
pub(super) fn secured(mut answer: Answer) -> Answer {
    if !answer.headers.iter().any(|(name, _)| *name == CACHE_CONTROL) {
        answer = answer.with(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let own = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // With no referrer at all a browser would not say where a form came from, and the listener would refuse it.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    own.into_iter().fold(answer, |answer, (name, value)| answer.with(name, HeaderValue::from_static(value)))
}
