//! Bodies of several parts (`multipart/...`): what each part says of itself, and its bytes.
//!
//! The library only tells the parts from each other; what their heads say is read here, in one way for every such body.

use std::borrow::Cow;
use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use multer::Multipart;

use super::charset::Charset;
use super::transfer::{self, TransferProblem};

/// The parts of one body, from the first to the last.
pub struct Parts(Multipart<'static>);

/// One part.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// `Content-Disposition`, which has the name of a part of a form.
    pub disposition: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-ID` without its angle brackets, which other parts refer to.
    pub id: Option<String>,
    transfer: String,
    written: Bytes,
}

/// What a body of parts breaks, without what was sent. Displays as what follows the body's name in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenParts {
    /// It was cut.
    #[error("ends before its last boundary")]
    Cut,
    /// The head of a part cannot be read.
    #[error("has a part with broken headers")]
    Head,
    /// Everything else.
    #[error("is broken")]
    Broken,
}

impl Parts {
    /// The parts of a body between which `boundary` stands.
    pub fn of(body: &Bytes, boundary: impl Into<String>) -> Self {
        let whole = body.clone();
        Self(Multipart::new(stream::once(async move { Ok::<_, Infallible>(whole) }), boundary))
    }

    /// The next part; `None` behind the last.
    ///
    /// # Errors
    /// [`BrokenParts`].
    pub async fn next(&mut self) -> Result<Option<Part>, BrokenParts> {
        let Some(field) = self.0.next_field().await.map_err(|error| BrokenParts::of(&error))? else { return Ok(None) };
        let header = |name: &str| field.headers().get(name).map(|value| text_of(value.as_bytes()).into_owned());
        let part = Part {
            disposition: header("content-disposition"),
            content_type: header("content-type"),
            id: header("content-id").map(|id| bare_id(&id).to_owned()),
            transfer: header("content-transfer-encoding").unwrap_or_default(),
            written: Bytes::new(),
        };
        let written = field.bytes().await.map_err(|error| BrokenParts::of(&error))?;
        Ok(Some(Part { written, ..part }))
    }
}

impl Part {
    /// The bytes with their transfer encoding undone.
    ///
    /// # Errors
    /// [`TransferProblem`].
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, TransferProblem> {
        transfer::undo(&self.transfer, &self.written)
    }
}

impl BrokenParts {
    const fn of(error: &multer::Error) -> Self {
        match error {
            multer::Error::IncompleteStream
            | multer::Error::IncompleteFieldData { .. }
            | multer::Error::IncompleteHeaders => Self::Cut,
            multer::Error::ReadHeaderFailed(_)
            | multer::Error::DecodeHeaderName { .. }
            | multer::Error::DecodeHeaderValue { .. }
            | multer::Error::DecodeContentType(_) => Self::Head,
            _ => Self::Broken,
        }
    }
}

/// A `Content-ID` without blanks and angle brackets around it, as some clients write it.
pub fn bare_id(id: &str) -> &str {
    let id = id.trim_ascii();
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id).trim_ascii()
}

/// The text of a header of a part: in UTF-8, as browsers write it, or in windows-1252, as older clients do.
fn text_of(header: &[u8]) -> Cow<'_, str> {
    let read = Charset::Utf8.decode(header).or_else(|_| Charset::Windows1252.decode(header));
    read.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const BODY: &str = "a preamble\r\n--b+=1\r\ncontent-id: <root@x>\r\nCONTENT-TYPE: text/xml\r\n\r\n<a/>\r\n\
        --b+=1\r\nContent-ID: bare \r\nContent-Transfer-Encoding: base64\r\n\r\nTcO8\r\nbGxlcg==\r\n--b+=1--\r\nepilogue";

    /// The parts of a body that is here as a whole, so that nobody ever waits.
    fn all(body: &str) -> Result<Vec<Part>, BrokenParts> {
        let mut parts = Parts::of(&Bytes::copy_from_slice(body.as_bytes()), "b+=1");
        let mut all = Vec::new();
        while let Some(part) = parts.next().now_or_never().expect("nothing is waited for")? {
            all.push(part);
        }
        Ok(all)
    }

    #[test]
    fn parts_are_told_apart_with_what_they_say_of_themselves() {
        let parts = all(BODY).unwrap();
        let [root, other] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!((root.id.as_deref(), root.content_type.as_deref()), (Some("root@x"), Some("text/xml")));
        assert_eq!(&*root.bytes().unwrap(), b"<a/>");
        assert_eq!((other.id.as_deref(), other.content_type.as_deref()), (Some("bare"), None));
        assert_eq!(&*other.bytes().unwrap(), "Müller".as_bytes());
    }

    #[test]
    fn a_body_that_is_cut_or_has_a_broken_head_is_told_as_that() {
        let end = BODY.find("--\r\nepilogue").unwrap();
        for cut in 0..end {
            assert_eq!(all(&BODY[..cut]).unwrap_err(), BrokenParts::Cut, "{cut}");
        }
        assert_eq!(all("--b+=1\r\nno colon\r\n\r\nx\r\n--b+=1--").unwrap_err(), BrokenParts::Head);
    }
}
