//! The media types that parameters can come in.

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use mime::Mime;

use super::MediaTypeProblem;

/// How a body is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::gms) enum BodyType {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` with its boundary.
    Multipart {
        /// What stands between the parts.
        boundary: String,
    },
    /// `application/json`.
    Json,
}

impl BodyType {
    /// The type that the headers declare; a form where they declare none.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, MediaTypeProblem> {
        let mut declared = headers.get_all(CONTENT_TYPE);
        match (declared.next(), declared.next()) {
            (None, _) => Ok(Self::Form),
            (Some(value), None) => Self::parse(value),
            (Some(_), Some(_)) => Err(MediaTypeProblem::Unsupported),
        }
    }

    /// The type that a `Content-Type` declares.
    pub(in crate::dialect::gms) fn parse(value: &HeaderValue) -> Result<Self, MediaTypeProblem> {
        // Nearly everybody declares this and nothing more, and every request is asked several times.
        if value.as_bytes() == b"application/x-www-form-urlencoded" {
            return Ok(Self::Form);
        }
        let text = value.to_str().map_err(|_| MediaTypeProblem::Unsupported)?;
        let declared: Mime = text.parse().map_err(|_| MediaTypeProblem::Unsupported)?;
        if declared.essence_str() == "multipart/form-data" {
            let boundary = declared.get_param(mime::BOUNDARY).filter(|boundary| !boundary.as_str().is_empty());
            let boundary = boundary.ok_or(MediaTypeProblem::NoBoundary)?.as_str().to_owned();
            return Ok(Self::Multipart { boundary });
        }
        let body_type = match declared.essence_str() {
            "application/x-www-form-urlencoded" => Self::Form,
            "application/json" => Self::Json,
            _ => return Err(MediaTypeProblem::Unsupported),
        };
        if is_utf8(&declared) { Ok(body_type) } else { Err(MediaTypeProblem::Charset) }
    }
}

/// Whether the text of a type is UTF-8, which ASCII is too.
pub(super) fn is_utf8(declared: &Mime) -> bool {
    let charset = declared.get_param(mime::CHARSET).map(|charset| charset.as_str().to_ascii_lowercase());
    charset.is_none_or(|charset| matches!(charset.as_str(), "utf-8" | "utf8" | "us-ascii"))
}
