//! Reading a request's body: never more of it than allowed, before and after undoing a content coding.

use std::io::Read;
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;

use crate::dialect::HttpRefusal;

/// How long a sender may take for a whole body.
const PATIENCE: Duration = Duration::from_secs(30);

/// The body of a request with its content coding undone; at most `limit` bytes, on the wire and after.
pub(super) async fn read(headers: &HeaderMap, payload: Payload, limit: usize) -> Result<Bytes, HttpRefusal> {
    let coding = Coding::of(headers)?;
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(HttpRefusal::BodyTooLarge { limit });
    }
    let gathered = tokio::time::timeout(PATIENCE, gather(payload, limit)).await;
    let body = gathered.map_err(|_| HttpRefusal::BodyUnreadable)??;
    match coding {
        Coding::Identity => Ok(body),
        Coding::Gzip => inflate(&body, limit),
    }
}

async fn gather(mut payload: Payload, limit: usize) -> Result<Bytes, HttpRefusal> {
    // Nearly every body arrives in one piece, which then needs no copy.
    let first = match payload.next().await {
        None => return Ok(Bytes::new()),
        Some(chunk) => chunk.map_err(|_| HttpRefusal::BodyUnreadable)?,
    };
    if first.len() > limit {
        return Err(HttpRefusal::BodyTooLarge { limit });
    }
    let Some(second) = payload.next().await else { return Ok(first) };
    let mut body = BytesMut::from(&first[..]);
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk.map_err(|_| HttpRefusal::BodyUnreadable)?;
        if body.len() + chunk.len() > limit {
            return Err(HttpRefusal::BodyTooLarge { limit });
        }
        body.extend_from_slice(&chunk);
        next = payload.next().await;
    }
    Ok(body.freeze())
}

/// Undoes gzip, and stops as soon as the result is too long, whatever the archive promises.
fn inflate(body: &[u8], limit: usize) -> Result<Bytes, HttpRefusal> {
    let mut inflated = Vec::new();
    let mut decoder = MultiGzDecoder::new(body).take(limit as u64 + 1);
    decoder.read_to_end(&mut inflated).map_err(|_| HttpRefusal::BodyUnreadable)?;
    if inflated.len() > limit {
        return Err(HttpRefusal::BodyTooLarge { limit });
    }
    Ok(inflated.into())
}

/// The content codings that are understood.
enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    fn of(headers: &HeaderMap) -> Result<Self, HttpRefusal> {
        let Some(coding) = headers.get(CONTENT_ENCODING) else { return Ok(Self::Identity) };
        let coding = coding.to_str().map_err(|_| HttpRefusal::ContentCoding)?.trim();
        if coding.eq_ignore_ascii_case("identity") || coding.is_empty() {
            Ok(Self::Identity)
        } else if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            Ok(Self::Gzip)
        } else {
            Err(HttpRefusal::ContentCoding)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_compressed_body_is_held_to_the_limit_after_inflating() {
        assert_eq!(inflate(&gzip(b"hello"), 5).unwrap(), "hello");
        assert_eq!(inflate(&gzip(b"hello!"), 5), Err(HttpRefusal::BodyTooLarge { limit: 5 }));
        let bomb = gzip(&vec![b'a'; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(inflate(&bomb, 65_536), Err(HttpRefusal::BodyTooLarge { limit: 65_536 }));
    }

    #[test]
    fn a_broken_archive_is_unreadable() {
        let mut cut = gzip(b"hello hello hello");
        cut.truncate(12);
        assert_eq!(inflate(&cut, 100), Err(HttpRefusal::BodyUnreadable));
        assert_eq!(inflate(b"plain", 100), Err(HttpRefusal::BodyUnreadable));
    }

    #[test]
    fn only_identity_and_gzip_are_understood() {
        let of = |coding: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, coding.parse().unwrap());
            Coding::of(&headers)
        };
        assert!(matches!(of("identity"), Ok(Coding::Identity)));
        assert!(matches!(of("GZIP"), Ok(Coding::Gzip)));
        assert!(matches!(of("br"), Err(HttpRefusal::ContentCoding)));
        assert!(matches!(of("gzip, gzip"), Err(HttpRefusal::ContentCoding)));
    }
}
