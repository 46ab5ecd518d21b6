//! An answer's body on its way out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::body::{BodySize, MessageBody};
use bytes::Bytes;

use super::in_flight::Held;
use crate::dialect::stream::Outgoing;

/// How much of a long answer is handed on at a time; the rest waits where it is, and is not copied.
const AT_A_TIME: usize = 64 * 1024;

/// The body of an answer.
pub(super) enum Body {
    /// All of it, at once.
    Short(Bytes),
    /// All of it, a part at a time, held as long as something of it is left.
    Long {
        rest: Bytes,
        /// Given back with the body.
        _held: Held,
    },
    /// Piece by piece, as it is made.
    Pieces(Outgoing),
}

impl MessageBody for Body {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        match self {
            Self::Short(bytes) | Self::Long { rest: bytes, .. } => BodySize::Sized(bytes.len() as u64),
            Self::Pieces(_) => BodySize::Stream,
        }
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let part = match &mut *self {
            Self::Short(bytes) => std::mem::take(bytes),
            Self::Long { rest, .. } => rest.split_to(rest.len().min(AT_A_TIME)),
            Self::Pieces(pieces) => return pieces.as_mut().poll_next(context),
        };
        Poll::Ready((!part.is_empty()).then_some(Ok(part)))
    }
}
