//! Multipart forms: texts and files.
//!
//! A part is a file if it has a file name or a media type other than plain text; every other part is a text, in the
//! charset that it declares, or else that of the whole body.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::{Error, Field, MAX_FIELDS, MediaTypeProblem, ParameterValue, malformed};
use crate::domain::document::FileLabel;
use crate::media::{BrokenParts, Charset, ContentType, Part, Parts};

/// The media type of a file that came without one.
const UNKNOWN: &str = "application/octet-stream";

/// Reads the parts of a body; `charset` is that of texts that declare none.
pub(super) async fn read(body: &Bytes, boundary: String, charset: Charset) -> Result<Vec<Field>, Error> {
    let mut parts = Parts::of(body, boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next().await.map_err(broken)? {
        // One above the limit is enough to refuse them all.
        if fields.len() > MAX_FIELDS {
            break;
        }
        fields.push(field(&part, charset)?);
    }
    Ok(fields)
}

/// A part as a parameter; `charset` is that of a text that declares none.
fn field(part: &Part, charset: Charset) -> Result<Field, Error> {
    let disposition = ContentType::parse(part.disposition.as_deref().unwrap_or_default());
    let name = disposition.parameter("name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| malformed("multipart body", "has a part without a name"))?.into_owned();
    let file_name = disposition.parameter("filename").map(Cow::into_owned);
    // What is no media type at all counts as none.
    let media_type = part.content_type.as_deref().map(str::trim);
    let media_type = media_type.filter(|declared| ContentType::parse(declared).essence().contains('/'));
    let bytes = part.bytes().map_err(|problem| Error::parameter(&name, problem.to_string()))?;
    let declared = media_type.map(ContentType::parse);
    if file_name.is_none() && declared.is_none_or(|declared| declared.is("text/plain")) {
        let own = declared.map_or(Ok(None), |declared| declared.charset());
        let charset = own.map_err(|unread| Error::MediaType(MediaTypeProblem::Charset(unread)))?.unwrap_or(charset);
        let wanted = "must be a text in UTF-8, or in the charset that the Content-Type of its part declares, or a file \
                      with a file name";
        let text = charset.decode(&bytes).map_err(|_| Error::parameter(&name, wanted))?.into_owned();
        return Ok(Field { name, value: ParameterValue::Text(text) });
    }
    let label = FileLabel::new(media_type.unwrap_or(UNKNOWN), file_name.as_deref())
        .map_err(|invalid| Error::parameter(&name, format!("is a file whose name or media type {invalid}")))?;
    Ok(Field { name, value: ParameterValue::File(label, Arc::from(&*bytes)) })
}

/// A body that cannot be read to its end.
fn broken(problem: BrokenParts) -> Error {
    malformed("multipart body", problem.to_string())
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
        read(&Bytes::copy_from_slice(body), "XbX".to_owned(), Charset::Utf8).await
    }

    fn file(name: &str, media_type: &str, file_name: &str, bytes: &[u8]) -> Field {
        let label = FileLabel::new(media_type, Some(file_name)).unwrap();
        Field { name: name.to_owned(), value: ParameterValue::File(label, bytes.into()) }
    }

    fn text(name: &str, text: &str) -> Field {
        Field { name: name.to_owned(), value: ParameterValue::Text(text.to_owned()) }
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

    /// One part, named `a` unless its head says otherwise.
    async fn part(head: &[u8], content: &[u8]) -> Result<Field, Error> {
        let body = [b"--XbX\r\n", head, b"\r\n\r\n", content, b"\r\n--XbX--"].concat();
        fields(&body).await.map(|mut fields| fields.remove(0))
    }

    const NAMED: &str = "Content-Disposition: form-data; name=\"a\"";

    async fn typed(content_type: &str, content: &[u8]) -> Result<Field, Error> {
        part(format!("{NAMED}\r\nContent-Type: {content_type}").as_bytes(), content).await
    }

    #[actix_web::test]
    async fn a_text_is_in_the_charset_that_its_part_declares() {
        for charset in ["ISO-8859-1", "iso8859-1", "'latin1'", "\"windows-1252\""] {
            let read = typed(&format!("text/plain ;; charset = {charset}"), b"M\xfcller").await;
            assert_eq!(read.unwrap(), text("a", "M\u{fc}ller"), "{charset}");
        }
        for charset in ["", "; charset=UTF_8", "; charset="] {
            let read = typed(&format!("Text/Plain{charset}"), "M\u{fc}ller".as_bytes()).await;
            assert_eq!(read.unwrap(), text("a", "M\u{fc}ller"), "{charset}");
            let wrong = typed(&format!("text/plain{charset}"), b"M\xfcller").await;
            assert!(matches!(wrong, Err(Error::Parameter { .. })), "{wrong:?}");
        }
        match typed("text/plain; charset=koi8-r", b"a").await {
            Err(Error::MediaType(MediaTypeProblem::Charset(unread))) => assert!(unread.to_string().contains("koi8-r")),
            other => panic!("{other:?}"),
        }
        let body = Bytes::from([b"--b\r\n", NAMED.as_bytes(), b"\r\n\r\nM\xfcller\r\n--b--"].concat());
        let read = read(&body, "b".to_owned(), Charset::Windows1252).await;
        assert_eq!(read.unwrap(), [text("a", "M\u{fc}ller")], "the charset of the whole body");
    }

    #[actix_web::test]
    async fn the_transfer_encoding_of_a_part_is_undone() {
        let encoded = |encoding: &str, more: &str| format!("{NAMED}{more}\r\nContent-Transfer-Encoding: {encoding}");
        let read = part(encoded("base64", "").as_bytes(), b"TcO8\r\nbGxlcg==").await;
        assert_eq!(read.unwrap(), text("a", "M\u{fc}ller"));
        let latin = encoded("Quoted-Printable", "\r\nContent-Type: text/plain; charset=ISO-8859-1");
        assert_eq!(part(latin.as_bytes(), b"M=FCl=\r\nler").await.unwrap(), text("a", "M\u{fc}ller"));
        let picture = encoded("base64", "; filename=p\r\nContent-Type: image/png");
        assert_eq!(part(picture.as_bytes(), b"AP8=").await.unwrap(), file("a", "image/png", "p", b"\0\xff"));
        for encoding in ["7bit", "8bit", "binary"] {
            assert_eq!(part(encoded(encoding, "").as_bytes(), b"a=3D").await.unwrap(), text("a", "a=3D"));
        }
        for (encoding, content) in [("base64", "?"), ("quoted-printable", "=?"), ("x-uuencode", "x")] {
            let told = part(encoded(encoding, "").as_bytes(), content.as_bytes()).await;
            assert!(matches!(&told, Err(Error::Parameter { parameter, .. }) if parameter == "a"), "{told:?}");
        }
    }

    #[actix_web::test]
    async fn heads_are_read_however_they_are_written_and_a_part_must_have_a_name() {
        for head in [
            "content-disposition: FORM-DATA ;Name=a",
            "Content-Disposition: form-data; filename*=x; NAME = \"a\" ;",
            "Content-Disposition: form-data; name=a\r\nContent-Type: nonsense",
        ] {
            assert_eq!(part(head.as_bytes(), b"x").await.unwrap(), text("a", "x"), "{head}");
        }
        let umlauts = [
            &b"Content-Disposition: form-data; name=\"\xfc\""[..],
            "Content-Disposition: form-data; name=\u{fc}".as_bytes(),
        ];
        for head in umlauts {
            assert_eq!(part(head, b"x").await.unwrap(), text("\u{fc}", "x"));
        }
        let escaped = "Content-Disposition: form-data; name=\"a\"; filename=\"C:\\dir\\say \\\"hi\\\".txt\"";
        assert_eq!(part(escaped.as_bytes(), b"").await.unwrap(), file("a", UNKNOWN, "C:\\dir\\say \"hi\".txt", b""));
        for nameless in ["Content-Disposition: form-data", "Content-Disposition: form-data; name=\"\"", "X: y"] {
            assert!(matches!(part(nameless.as_bytes(), b"a").await, Err(Error::Malformed { .. })), "{nameless}");
        }
    }
}
