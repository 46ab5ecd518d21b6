//! Multipart forms: texts and files.
//!
//! A part is a file if it has a file name or a media type other than plain text; every other part is a text.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use multer::Multipart;

use super::body_type::is_utf8;
use super::{Error, Field, MAX_FIELDS, MediaTypeProblem, Value, malformed};
use crate::domain::document::FileLabel;

/// The media type of a file that came without one.
const UNKNOWN: &str = "application/octet-stream";

/// Reads the parts of a body.
pub(super) async fn read(body: &Bytes, boundary: String) -> Result<Vec<Field>, Error> {
    let whole = body.clone();
    let mut parts = Multipart::new(stream::once(async move { Ok::<_, Infallible>(whole) }), boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|error| broken(&error))? {
        // One above the limit is enough to refuse them all.
        if fields.len() > MAX_FIELDS {
            break;
        }
        fields.push(read_part(part).await?);
    }
    Ok(fields)
}

async fn read_part(part: multer::Field<'_>) -> Result<Field, Error> {
    let name = part.name().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| malformed("multipart body", "has a part without a name"))?.to_owned();
    let file_name = part.file_name().map(str::to_owned);
    let media_type = part.content_type().cloned();
    let plain = media_type.as_ref().is_none_or(|media_type| media_type.essence_str() == mime::TEXT_PLAIN);
    let bytes = part.bytes().await.map_err(|error| broken(&error))?;
    if file_name.is_none() && plain {
        if !media_type.is_none_or(|media_type| is_utf8(&media_type)) {
            return Err(Error::MediaType(MediaTypeProblem::Charset));
        }
        let text = String::from_utf8(bytes.into());
        let text = text.map_err(|_| Error::parameter(&name, "must be a text in UTF-8, or a file with a file name"))?;
        return Ok(Field { name, value: Value::Text(text) });
    }
    let media_type = media_type.as_ref().map_or(UNKNOWN, AsRef::as_ref);
    let label = FileLabel::new(media_type, file_name.as_deref())
        .map_err(|invalid| Error::parameter(&name, format!("is a file whose name or media type {invalid}")))?;
    Ok(Field { name, value: Value::File(label, Arc::from(&*bytes)) })
}

/// What a part breaks, without what was sent.
fn broken(error: &multer::Error) -> Error {
    let problem = match error {
        multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => "ends before its last boundary",
        multer::Error::ReadHeaderFailed(_)
        | multer::Error::DecodeHeaderName { .. }
        | multer::Error::DecodeHeaderValue { .. }
        | multer::Error::DecodeContentType(_) => "has a part with broken headers",
        _ => "is broken",
    };
    malformed("multipart body", problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--XbX\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nfr\r\n\
        --XbX\r\nContent-Disposition: form-data; name=\"note\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\u{e4}\r\n\r\n\
        --XbX\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"me.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\
        \0\u{1}\r\n--\r\n\
        --XbX\r\nContent-Disposition: form-data; name=\"raw\"; filename=\"\"\r\n\r\n\r\n--XbX--\r\n";

    async fn fields(body: &[u8]) -> Result<Vec<Field>, Error> {
        read(&Bytes::copy_from_slice(body), "XbX".to_owned()).await
    }

    fn file(name: &str, media_type: &str, file_name: &str, bytes: &[u8]) -> Field {
        let label = FileLabel::new(media_type, Some(file_name)).unwrap();
        Field { name: name.to_owned(), value: Value::File(label, bytes.into()) }
    }

    fn text(name: &str, text: &str) -> Field {
        Field { name: name.to_owned(), value: Value::Text(text.to_owned()) }
    }

    #[actix_web::test]
    async fn parts_are_texts_or_files_byte_for_byte() {
        let expected = [
            text("language", "fr"),
            text("note", "ä\r\n"),
            file("picture", "image/jpeg", "me.jpg", b"\0\x01\r\n--"),
            file("raw", UNKNOWN, "", b""),
        ];
        assert_eq!(fields(BODY.as_bytes()).await.unwrap(), expected);
    }

    #[actix_web::test]
    async fn a_body_cut_anywhere_is_refused() {
        let end = BODY.len() - "--\r\n".len();
        for cut in 0..end {
            let result = fields(&BODY.as_bytes()[..cut]).await;
            assert!(matches!(result, Err(Error::Malformed { .. } | Error::Parameter { .. })), "{cut}: {result:?}");
        }
    }

    #[actix_web::test]
    async fn a_text_must_be_utf8_and_a_part_must_have_a_name() {
        let body = b"--XbX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--XbX--";
        assert!(matches!(fields(body).await, Err(Error::Parameter { .. })));
        let body = b"--XbX\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain; charset=latin1\r\n\r\na\r\n--XbX--";
        assert!(matches!(fields(body).await, Err(Error::MediaType(MediaTypeProblem::Charset))));
        let body = b"--XbX\r\nContent-Disposition: form-data\r\n\r\na\r\n--XbX--";
        assert!(matches!(fields(body).await, Err(Error::Malformed { .. })));
    }
}
