//! The media types that parameters can come in.

use actix_web::http::header::HeaderMap;

use super::MediaTypeProblem;
use crate::dialect::declared;
use crate::media::Charset;

/// How a body is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::gms) enum BodyType {
    /// `application/x-www-form-urlencoded`, in a charset if it declares one.
    Form(Option<Charset>),
    /// `multipart/form-data`.
    Multipart {
        /// What stands between the parts.
        boundary: String,
        /// What texts are in that declare nothing themselves.
        charset: Charset,
    },
    /// `application/json`.
    Json(Charset),
}

/// What a head declares of its body; it counts only where there is a body.
pub(in crate::dialect::gms) type Declared = Result<BodyType, MediaTypeProblem>;

impl BodyType {
    /// The type that the headers declare; a form where they declare none.
    pub(in crate::dialect::gms) fn of(headers: &HeaderMap) -> Declared {
        let Some(declared) = declared(headers).map_err(|_| MediaTypeProblem::Unsupported)? else {
            return Ok(Self::Form(None));
        };
        let charset = || declared.charset().map_err(MediaTypeProblem::Charset);
        if declared.is("application/x-www-form-urlencoded") {
            charset().map(Self::Form)
        } else if declared.is("application/json") {
            Ok(Self::Json(charset()?.unwrap_or(Charset::Utf8)))
        } else if declared.is("multipart/form-data") {
            let boundary = declared.parameter("boundary").filter(|boundary| !boundary.is_empty());
            let boundary = boundary.ok_or(MediaTypeProblem::NoBoundary)?.into_owned();
            Ok(Self::Multipart { boundary, charset: charset()?.unwrap_or(Charset::Utf8) })
        } else {
            Err(MediaTypeProblem::Unsupported)
        }
    }
}
