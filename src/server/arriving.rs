//! A request's body as it comes from the connection: where it ends, and what becomes of what nobody reads.

use std::rc::Rc;
use std::time::Duration;

use actix_http::{Payload, RequestHead};
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::connections::Line;
use crate::dialect::HttpRefusal;

/// How much of a body that nobody reads is read and dropped, and for how long, so that its sender keeps the connection.
const DROPPED_BYTES: usize = 64 * 1024;
const DROPPED_FOR: Duration = Duration::from_secs(1);

/// A body that is arriving.
pub(super) struct Arriving {
    payload: Payload,
    line: Rc<Line>,
    /// How much of it is left, as the head announces it.
    announced: Option<u64>,
    /// Whether the library takes everything that follows for this request's body, since it offers to speak another
    /// protocol (`Upgrade: websocket`, `CONNECT`). The gateway speaks none; what is announced is read, and no more.
    endless: bool,
    ended: bool,
}

impl Arriving {
    pub(super) fn new(payload: Payload, line: Rc<Line>, head: &RequestHead) -> Self {
        let ended = matches!(payload, Payload::None);
        let announced = announced(&head.headers);
        let endless = !ended && announced_as_endless(head);
        Self { payload, line, announced, endless, ended }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// What is no body: a broken framing, or an end before the end.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, HttpRefusal>> {
        if self.ended || self.endless && self.announced.unwrap_or(0) == 0 {
            return None;
        }
        match self.payload.next().await {
            None => {
                self.ended = true;
                self.line.body_read();
                None
            }
            Some(Err(_)) => {
                // Nothing that follows can be told from what is broken.
                self.ended = true;
                Some(Err(HttpRefusal::BodyUnreadable))
            }
            Some(Ok(mut piece)) => {
                if let Some(left) = &mut self.announced {
                    if self.endless && piece.len() as u64 > *left {
                        piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    }
                    *left = left.saturating_sub(piece.len() as u64);
                }
                Some(Ok(piece))
            }
        }
    }

    /// Reads and drops the rest, if it is short and comes soon: its sender then meets the answer and not a closed
    /// connection.
    pub(super) async fn drop_rest(&mut self) {
        if self.ended || self.endless || self.announced.is_some_and(|left| left > DROPPED_BYTES as u64) {
            return;
        }
        let dropping = async {
            let mut dropped = 0;
            while let Some(Ok(piece)) = self.next().await {
                dropped += piece.len();
                if dropped > DROPPED_BYTES {
                    break;
                }
            }
        };
        // Whoever takes longer loses the connection.
        let _ = timeout(DROPPED_FOR, dropping).await;
    }
}

/// The length that a head announces.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

fn announced_as_endless(head: &RequestHead) -> bool {
    let websocket = || {
        let mut offers = head.headers.get_all(UPGRADE).filter_map(|offer| offer.to_str().ok());
        offers.any(|offer| offer.trim().eq_ignore_ascii_case("websocket"))
    };
    (head.method == Method::CONNECT || websocket()) && !head.headers.contains_key(TRANSFER_ENCODING)
}
