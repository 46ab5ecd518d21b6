//! The bytes of one connection, and how many of them the HTTP library is given at a time.
//!
//! The library (actix-http 3.20) reads ahead without a limit that would help: whatever has arrived is read up to
//! 128 KiB, and from there on its read loop wakes itself at every poll (`read_available`), whether or not anything of
//! it can be worked off. A client that sends request after request and never reads the answers keeps a core busy that
//! way for as long as it likes. So what comes is withheld from it here: while a request is answered nothing is read, a
//! head is given to it a little at a time, and only a few requests at once. It closes a connection whose body nobody
//! read, too, but lets a body without a length go on for ever; here such a connection ends for it with the answer.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::connection::{Connection, End, Phase};

/// How much of a head, and of a body, the library is given with one poll.
const HEAD_AT_A_TIME: usize = 8 * 1024;
const BODY_AT_A_TIME: usize = 32 * 1024;
/// How many requests it is given with one poll, as far as the ends of heads tell: for each it makes room of more than a
/// kilobyte at once, be it as short as can be.
const REQUESTS_AT_A_TIME: usize = 8;
/// In so few bytes nobody looks for more requests than that.
const FEW_BYTES: usize = 1024;
/// How much longer than a head may be one is read, so that its refusal has the dialect's form.
const HEAD_BEYOND: usize = 16 * 1024;
/// How long a connection that is closed is still read from, so that its last answer arrives.
const LINGER: Duration = Duration::from_secs(1);

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What bytes travel by.
pub(super) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// One connection, for the worker that serves it.
pub(in crate::server) struct Line {
    pub(super) connection: Arc<Connection>,
    /// `None` once it is closed.
    io: RefCell<Option<Io>>,
    /// How long a head may be.
    head: usize,
    /// How much of a head has been read.
    head_read: Cell<usize>,
    /// How much may still be read with this poll.
    left: Cell<usize>,
    /// What has been read and is not given to the library yet.
    ahead: RefCell<BytesMut>,
    /// Whether reading was put off; nobody else then wakes the task.
    put_off: Cell<bool>,
    /// Whether all of the last answer is in the hands of the library.
    answered: Cell<bool>,
    /// Whether this answer is the last.
    last: Cell<bool>,
    /// Why the stream ended for the library.
    ended: Cell<Option<End>>,
}

/// A connection as the HTTP library sees it.
pub(in crate::server) struct Stream(pub(super) Rc<Line>);

impl Line {
    pub(super) fn new(connection: Arc<Connection>, io: Io, head: usize) -> Rc<Self> {
        Rc::new(Self {
            connection,
            io: RefCell::new(Some(io)),
            head,
            head_read: Cell::new(0),
            left: Cell::new(HEAD_AT_A_TIME),
            ahead: RefCell::default(),
            put_off: Cell::new(false),
            answered: Cell::new(false),
            last: Cell::new(false),
            ended: Cell::new(None),
        })
    }

    /// A new poll of the library begins.
    pub(super) fn polled(&self) {
        let body = self.connection.phase() == Phase::Body;
        self.left.set(if body { BODY_AT_A_TIME } else { HEAD_AT_A_TIME });
    }

    /// Why the stream ended for the library, if it was here that it ended.
    pub(super) fn ended(&self) -> Option<End> {
        self.ended.get()
    }

    /// Whether something of a head has come.
    pub(super) fn head_begun(&self) -> bool {
        self.head_read.get() > 0
    }

    /// A request is to be answered. `false` if the connection gives way: then it must not be.
    pub(super) fn begins(&self, has_body: bool) -> bool {
        self.head_read.set(0);
        self.answered.set(false);
        self.connection.enter(if has_body { Phase::Body } else { Phase::Handling })
    }

    /// The body of the request has been read to its end.
    pub(in crate::server) fn body_read(&self) {
        if self.connection.phase() == Phase::Body {
            self.connection.enter(Phase::Handling);
        }
    }

    /// Whether something of the request's body may still come.
    pub(super) fn body_left(&self) -> bool {
        self.connection.phase() == Phase::Body
    }

    /// The answer to the request is made.
    pub(super) fn answers(&self, last: bool) {
        self.last.set(last);
        self.connection.enter(Phase::Answering);
    }

    /// All of the answer is in the hands of the library.
    pub(super) fn answered(&self) {
        self.answered.set(true);
    }

    /// Nothing is left to be sent.
    fn sent(&self, context: &Context<'_>) {
        if !self.answered.take() {
            return;
        }
        self.connection.enter(if self.last.get() { Phase::Closing } else { Phase::Waiting });
        if self.last.get() || self.put_off.take() || !self.ahead.borrow().is_empty() {
            context.waker().wake_by_ref();
        }
    }

    fn poll_read(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let phase = self.connection.phase();
        match phase {
            Phase::Handling | Phase::Answering => {
                self.put_off(context);
                return Poll::Pending;
            }
            // For the library the stream ends here.
            Phase::Closing => return Poll::Ready(Ok(())),
            Phase::GivingWay => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            Phase::Opening | Phase::Waiting | Phase::Head | Phase::Body => {}
        }
        if self.left.get() == 0 {
            self.put_off.set(true);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = ready!(self.poll_some(context, buffer))?;
        if read == 0 {
            return Poll::Ready(Ok(()));
        }
        if phase == Phase::Waiting && !self.connection.enter(Phase::Head) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if phase != Phase::Body {
            let head_read = self.head_read.get() + read;
            self.head_read.set(head_read);
            if head_read > self.head + HEAD_BEYOND {
                self.ended.set(Some(End::HeadTooLarge));
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Asks to be woken by what comes, without reading it.
    fn put_off(&self, context: &mut Context<'_>) {
        let io = self.io.borrow();
        let stream = match io.as_ref() {
            Some(Io::Plain(stream)) => stream,
            Some(Io::Tls(stream)) => stream.get_ref().0,
            None => return,
        };
        if stream.poll_read_ready(context).is_ready() {
            self.put_off.set(true);
        }
    }

    /// Reads what has come, and gives a few requests of it.
    fn poll_some(&self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let mut ahead = self.ahead.borrow_mut();
        if !ahead.is_empty() {
            let give = few(&ahead).min(self.left.get()).min(buffer.remaining());
            buffer.put_slice(&ahead[..give]);
            ahead.advance(give);
            if ahead.is_empty() {
                // An idle connection keeps no room for what was long.
                *ahead = BytesMut::new();
            }
            self.left.set(0);
            return Poll::Ready(Ok(give));
        }
        let before = buffer.filled().len();
        let mut io = self.io.borrow_mut();
        let read = match io.as_mut() {
            Some(Io::Plain(stream)) => Pin::new(stream).poll_read(context, buffer),
            Some(Io::Tls(stream)) => Pin::new(&mut **stream).poll_read(context, buffer),
            None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        ready!(read)?;
        let came = &buffer.filled()[before..];
        let read = came.len();
        let give = few(came).min(self.left.get());
        if give < read {
            ahead.extend_from_slice(&came[give..]);
            buffer.set_filled(before + give);
            self.left.set(0);
        } else {
            self.left.set(self.left.get() - read);
        }
        Poll::Ready(Ok(give))
    }

    fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut io = self.io.borrow_mut();
        let written = match io.as_mut() {
            Some(Io::Plain(stream)) => Pin::new(stream).poll_write(context, bytes),
            Some(Io::Tls(stream)) => Pin::new(&mut **stream).poll_write(context, bytes),
            None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        self.connection.taken(written.is_ready());
        written
    }

    fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut io = self.io.borrow_mut();
        let flushed = match io.as_mut() {
            // There is nothing between here and the system.
            Some(Io::Plain(_)) => Poll::Ready(Ok(())),
            Some(Io::Tls(stream)) => Pin::new(&mut **stream).poll_flush(context),
            None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        };
        drop(io);
        if flushed.is_ready() {
            self.sent(context);
        } else {
            self.connection.taken(false);
        }
        flushed
    }

    /// Closes the connection so that what was sent arrives: the sending side first, and what still comes is read and
    /// dropped for a moment. Closed at once with something unread, the other side might lose the answer.
    pub(super) async fn close(&self, shut_down: &[u8]) {
        self.connection.enter(Phase::Closing);
        let Some(mut io) = self.io.take() else { return };
        let mut closing = pin!(timeout(LINGER, async {
            io.write_all(shut_down).await?;
            io.shutdown().await?;
            let mut dropped = [0; 4096];
            while io.read(&mut dropped).await? > 0 {}
            io::Result::Ok(())
        }));
        // Whoever has gone away, or takes longer, misses nothing; and it gives way like all that are idle.
        poll_fn(|context| match self.connection.phase() {
            Phase::GivingWay => Poll::Ready(()),
            _ => closing.as_mut().poll(context).map(drop),
        })
        .await;
    }

    /// Closes the connection at once.
    pub(super) fn cut(&self) {
        drop(self.io.take());
    }
}

/// How many of these bytes are given to the library at once: up to the end of so many heads.
fn few(bytes: &[u8]) -> usize {
    if bytes.len() <= FEW_BYTES {
        return bytes.len();
    }
    let ends = memmem::find_iter(bytes, END_OF_HEAD).nth(REQUESTS_AT_A_TIME - 1);
    ends.map_or(bytes.len(), |end| end + END_OF_HEAD.len())
}

impl Io {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        poll_fn(|context| match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, &mut buffer),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(context, &mut buffer),
        })
        .await?;
        Ok(buffer.filled().len())
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => stream.write_all(bytes).await,
        }
    }

    async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.shutdown().await,
            Self::Tls(stream) => stream.shutdown().await,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(context)
    }

    /// The line is closed when the library is done with it.
    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
