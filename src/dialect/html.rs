//! Pages for people: plain, readable in the light and in the dark, without scripts, and loading nothing.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

use super::Answer;

const STYLE: &str = include_str!("html.css");
/// Nothing but the style in the page itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";

/// A whole page. `title` and `body` are HTML.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// The same answer with the headers that keep a browser from doing anything with a page but show it.
pub fn secured(answer: Answer) -> Answer {
    answer
        .with(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))
        .with(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
        .with(REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
}
