//! Bodies and answers that are too long to be held whole: they come and go piece by piece.
//!
//! Only the few endpoints that say so see them; everything else has the whole body and gives a whole answer.

use std::io;
use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::{Answer, HttpRefusal};

/// A request's body as it arrives, its content coding undone, within the limit of its endpoint.
pub struct Incoming<'a>(Pin<Box<dyn Stream<Item = Result<Bytes, HttpRefusal>> + 'a>>);

impl<'a> Incoming<'a> {
    /// A body of these pieces. It may be asked for more after its end.
    pub fn new(pieces: impl Stream<Item = Result<Bytes, HttpRefusal>> + 'a) -> Self {
        Self(Box::pin(pieces.fuse()))
    }

    /// A body that is here already.
    pub fn whole(body: Bytes) -> Self {
        Self::new(stream::iter([Ok(body)]))
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, HttpRefusal>> {
        self.0.next().await
    }

    /// All of it.
    ///
    /// # Errors
    /// What kept the server from handing it over.
    pub async fn gather(&mut self) -> Result<Bytes, HttpRefusal> {
        let mut body = BytesMut::new();
        while let Some(piece) = self.next().await {
            body.extend_from_slice(&piece?);
        }
        Ok(body.freeze())
    }
}

/// The rest of an answer, piece by piece. After an error the connection is closed, so that nobody takes half an answer
/// for a whole one.
pub type Outgoing = Pin<Box<dyn Stream<Item = io::Result<Bytes>>>>;

/// An answer whose body may be sent piece by piece.
pub struct Streamed {
    /// Status, headers and, where there is no `body`, the whole body.
    pub answer: Answer,
    /// The body, if it comes piece by piece.
    pub body: Option<Outgoing>,
    /// Whether the connection is to end with the answer.
    pub close: bool,
}

impl Streamed {
    /// The answer with all of its body.
    ///
    /// # Errors
    /// What broke the body off.
    pub async fn whole(self) -> io::Result<Answer> {
        let Some(pieces) = self.body else { return Ok(self.answer) };
        let pieces: Vec<Bytes> = pieces.try_collect().await?;
        Ok(Answer { body: pieces.concat().into(), ..self.answer })
    }
}

impl From<Answer> for Streamed {
    fn from(answer: Answer) -> Self {
        Self { answer, body: None, close: false }
    }
}
