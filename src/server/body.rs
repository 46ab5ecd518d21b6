//! Reading a request's body: never more of it than allowed, before and after undoing a content coding.

use std::io::{Read, Write};
use std::time::Duration;

use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use flate2::write;
use futures_util::stream;

use super::arriving::{self, Arriving};
use super::in_flight::Held;
use crate::dialect::HttpRefusal;
use crate::dialect::stream::Incoming;

/// How long a sender may take for a whole body or, where a body is passed on piece by piece, for the next piece.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of an archive is unpacked at a time: it may become a thousand times as much.
const UNPACKED_AT_A_TIME: usize = 1024;
/// How much is inflated before it is asked whether there is room for it.
const INFLATED_AT_A_TIME: u64 = 64 * 1024;

/// The body of a request with its content coding undone; at most `limit` bytes, on the wire and after. What is long
/// is `held`.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &mut Arriving,
    limit: usize,
    held: &mut Held,
) -> Result<Bytes, HttpRefusal> {
    let coding = check(headers, limit)?;
    let gathered = tokio::time::timeout(BODY_TIMEOUT, gather(body, limit, held)).await;
    let body = gathered.map_err(|_| HttpRefusal::BodyUnreadable)??;
    match coding {
        Coding::Identity => Ok(body),
        Coding::Gzip => inflate(&body, limit, held),
    }
}

/// As [`read`], but piece by piece.
pub(super) fn pieces<'a>(
    headers: &HeaderMap,
    body: &'a mut Arriving,
    limit: usize,
) -> Result<Incoming<'a>, HttpRefusal> {
    let inflater = match check(headers, limit)? {
        Coding::Identity => None,
        Coding::Gzip => Some(Inflater::default()),
    };
    let reading = Pieces { body, inflater, packed: Bytes::new(), arrived: 0, given: 0, limit };
    Ok(Incoming::new(stream::unfold(Some(reading), async |reading| {
        let mut reading = reading?;
        match reading.next().await {
            Ok(Some(piece)) => Some((Ok(piece), Some(reading))),
            Ok(None) => None,
            Err(refusal) => Some((Err(refusal), None)),
        }
    })))
}

/// The content coding of a body that may be read at all.
pub(super) fn check(headers: &HeaderMap, limit: usize) -> Result<Coding, HttpRefusal> {
    let coding = Coding::of(headers)?;
    if arriving::announced(headers).is_some_and(|length| length > limit as u64) {
        return Err(HttpRefusal::BodyTooLarge { limit });
    }
    Ok(coding)
}

/// A body that is being passed on.
struct Pieces<'a> {
    body: &'a mut Arriving,
    inflater: Option<Inflater>,
    /// What has arrived and is still to be unpacked.
    packed: Bytes,
    /// Bytes so far, on the wire.
    arrived: usize,
    /// Bytes so far, unpacked.
    given: usize,
    limit: usize,
}

/// Undoes gzip as the archive arrives.
struct Inflater(write::MultiGzDecoder<Vec<u8>>);

impl Default for Inflater {
    fn default() -> Self {
        Self(write::MultiGzDecoder::new(Vec::new()))
    }
}

impl Inflater {
    fn push(&mut self, packed: &[u8]) -> Result<Bytes, HttpRefusal> {
        self.0.write_all(packed).map_err(|_| HttpRefusal::BodyUnreadable)?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }

    /// What is left when the archive has arrived; it must be whole.
    fn finish(self) -> Result<Bytes, HttpRefusal> {
        self.0.finish().map(Bytes::from).map_err(|_| HttpRefusal::BodyUnreadable)
    }
}

impl Pieces<'_> {
    /// The next piece that is not empty.
    async fn next(&mut self) -> Result<Option<Bytes>, HttpRefusal> {
        loop {
            let piece = match self.unpacked()? {
                Some(piece) => piece,
                None => match self.arrive().await? {
                    Some(piece) => piece,
                    None => return Ok(None),
                },
            };
            self.given += piece.len();
            if self.given > self.limit {
                return Err(HttpRefusal::BodyTooLarge { limit: self.limit });
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// Something of what has arrived packed; `None` if nothing of it is left.
    fn unpacked(&mut self) -> Result<Option<Bytes>, HttpRefusal> {
        match &mut self.inflater {
            Some(inflater) if !self.packed.is_empty() => {
                let packed = self.packed.split_to(self.packed.len().min(UNPACKED_AT_A_TIME));
                inflater.push(&packed).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Waits for more; `None` at the end.
    async fn arrive(&mut self) -> Result<Option<Bytes>, HttpRefusal> {
        let waited = tokio::time::timeout(BODY_TIMEOUT, self.body.next()).await;
        match waited.map_err(|_| HttpRefusal::BodyUnreadable)? {
            None => self.inflater.take().map(Inflater::finish).transpose(),
            Some(Err(refusal)) => Err(refusal),
            Some(Ok(arrived)) => {
                self.arrived += arrived.len();
                if self.arrived > self.limit {
                    return Err(HttpRefusal::BodyTooLarge { limit: self.limit });
                }
                if self.inflater.is_none() {
                    return Ok(Some(arrived));
                }
                self.packed = arrived;
                Ok(Some(Bytes::new()))
            }
        }
    }
}

async fn gather(arriving: &mut Arriving, limit: usize, held: &mut Held) -> Result<Bytes, HttpRefusal> {
    // Nearly every body arrives in one piece, which then needs no copy.
    let first = match arriving.next().await {
        None => return Ok(Bytes::new()),
        Some(chunk) => chunk?,
    };
    if first.len() > limit {
        return Err(HttpRefusal::BodyTooLarge { limit });
    }
    let Some(second) = arriving.next().await else { return Ok(first) };
    let mut body = BytesMut::from(&first[..]);
    let mut next = Some(second);
    while let Some(chunk) = next {
        let chunk = chunk?;
        if body.len() + chunk.len() > limit {
            return Err(HttpRefusal::BodyTooLarge { limit });
        }
        body.extend_from_slice(&chunk);
        held.grow(body.capacity())?;
        next = arriving.next().await;
    }
    Ok(body.freeze())
}

/// Undoes gzip, and stops as soon as the result is too long, whatever the archive promises.
fn inflate(body: &[u8], limit: usize, held: &mut Held) -> Result<Bytes, HttpRefusal> {
    let mut inflated = Vec::new();
    let mut decoder = MultiGzDecoder::new(body).take(limit as u64 + 1);
    while decoder
        .by_ref()
        .take(INFLATED_AT_A_TIME)
        .read_to_end(&mut inflated)
        .map_err(|_| HttpRefusal::BodyUnreadable)?
        > 0
    {
        held.grow(body.len() + inflated.capacity())?;
    }
    if inflated.len() > limit {
        return Err(HttpRefusal::BodyTooLarge { limit });
    }
    Ok(inflated.into())
}

/// The content codings that are understood.
pub(super) enum Coding {
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
    use crate::server::in_flight::InFlight;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;
    use std::sync::Arc;

    fn inflate(body: &[u8], limit: usize) -> Result<Bytes, HttpRefusal> {
        super::inflate(body, limit, &mut Arc::new(InFlight::default()).hold(usize::MAX))
    }

    #[test]
    fn what_an_archive_becomes_is_held_within_what_all_may_hold() {
        let in_flight = Arc::new(InFlight::default());
        let mut held = in_flight.hold(1_000_000);
        let bomb = gzip(&vec![b'a'; 10_000_000]);
        assert_eq!(super::inflate(&bomb, 20_000_000, &mut held), Err(HttpRefusal::Crowded));
        assert!((100_000..=1_000_000).contains(&in_flight.bytes()));
        drop(held);
        assert_eq!(in_flight.bytes(), 0);
    }

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

    /// What comes out of an archive that arrives in parts of this size.
    fn in_parts(archive: &[u8], part: usize) -> Result<Vec<u8>, HttpRefusal> {
        let mut inflater = Inflater::default();
        let mut out = Vec::new();
        for packed in archive.chunks(part) {
            out.extend_from_slice(&inflater.push(packed)?);
        }
        out.extend_from_slice(&inflater.finish()?);
        Ok(out)
    }

    #[test]
    fn an_archive_is_unpacked_as_it_arrives_and_must_be_whole() {
        let text: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut archive = gzip(&text);
        for part in [1, 7, 1024, usize::MAX] {
            assert!(in_parts(&archive, part).unwrap() == text, "{part}");
        }
        let twice = [&archive[..], &archive[..]].concat();
        assert_eq!(in_parts(&twice, 1000).unwrap().len(), 2 * text.len(), "an archive may have several members");
        archive.truncate(archive.len() - 3);
        assert_eq!(in_parts(&archive, 1024), Err(HttpRefusal::BodyUnreadable));
        assert_eq!(in_parts(b"plain text", 3), Err(HttpRefusal::BodyUnreadable));
    }

    #[test]
    fn a_little_of_an_archive_becomes_a_bounded_piece() {
        let bomb = gzip(&vec![b'a'; 50_000_000]);
        let mut inflater = Inflater::default();
        for packed in bomb.chunks(UNPACKED_AT_A_TIME).take(20) {
            assert!(inflater.push(packed).unwrap().len() < 2_000_000);
        }
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
