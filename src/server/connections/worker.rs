//! The threads that serve the connections of a listener.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_http::error::{DispatchError, ParseError};
use actix_service::{Service, ServiceFactory};
use socket2::SockRef;
use tokio::runtime::LocalOptions;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use super::Tls;
use super::connection::{End, Farewell, Phase, UNTAKEN};
use super::line::{Io, Line, Stream};
use super::registry::Place;

/// What a worker gets from the acceptor.
type Arrival = (TcpStream, Place);

/// How long the system keeps what it has taken and the other side does not take: a little longer than the gateway waits
/// with what is left here, so that it is the gateway that tells why such a connection ended.
const TAKEN_BY_THE_SYSTEM: Duration = UNTAKEN.saturating_add(Duration::from_secs(5));
/// The threads of one listener; new connections go to them in turn.
pub(in crate::server) struct Workers {
    queues: Vec<UnboundedSender<Arrival>>,
    next: AtomicUsize,
}

/// The threads themselves, to be waited for.
pub(in crate::server) struct Threads(Vec<(UnboundedSender<Arrival>, JoinHandle<()>)>);

impl Workers {
    /// Starts so many threads, each with a service of its own that serves a connection.
    ///
    /// # Errors
    /// What the system says when it has no room for one more thread.
    pub(in crate::server) fn start<F, S>(name: &str, count: usize, tls: &Tls, make: F) -> io::Result<(Self, Threads)>
    where
        F: Fn() -> S + Send + Clone + 'static,
        S: ServiceFactory<
                (Stream, Option<SocketAddr>),
                Config = (),
                Response = (),
                Error = DispatchError,
                InitError = (),
            > + 'static,
    {
        let mut queues = Vec::with_capacity(count);
        let mut threads = Vec::with_capacity(count);
        for number in 0..count {
            let (queue, arrivals) = unbounded_channel();
            let (started, start) = std::sync::mpsc::channel();
            let (make, tls) = (make.clone(), tls.clone().map(TlsAcceptor::from));
            let thread = std::thread::Builder::new().name(format!("{name} {number}"));
            let thread = thread.spawn(move || {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                match builder.enable_all().build_local(LocalOptions::default()) {
                    Ok(runtime) => runtime.block_on(async {
                        let service = make().new_service(()).await;
                        // Whoever starts it waits for this word.
                        let _ = started.send(Ok(()));
                        if let Ok(service) = service {
                            work(arrivals, Rc::new(service), tls).await;
                        }
                    }),
                    Err(error) => {
                        let _ = started.send(Err(error));
                    }
                }
            })?;
            start.recv().map_err(|_| io::Error::other("a thread that serves connections did not start"))??;
            threads.push((queue.clone(), thread));
            queues.push(queue);
        }
        Ok((Self { queues, next: AtomicUsize::new(0) }, Threads(threads)))
    }

    /// Hands a connection to the next thread.
    pub(super) fn serve(&self, stream: TcpStream, place: Place) {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.queues.len();
        // A thread that is gone closes the connection.
        let _ = self.queues[next].send((stream, place));
    }
}

impl Threads {
    /// Ends the threads with whatever connections are left.
    pub(in crate::server) fn end(self) {
        for (queue, thread) in self.0 {
            drop(queue);
            if thread.join().is_err() {
                tracing::error!("a thread that serves connections had panicked");
            }
        }
    }
}

async fn work<S>(mut arrivals: UnboundedReceiver<Arrival>, service: Rc<S>, tls: Option<TlsAcceptor>)
where
    S: Service<(Stream, Option<SocketAddr>), Response = (), Error = DispatchError> + 'static,
{
    while let Some((stream, place)) = arrivals.recv().await {
        let (service, tls) = (Rc::clone(&service), tls.clone());
        tokio::task::spawn_local(async move {
            if let Some(end) = attend(stream, &place, tls, &*service).await {
                place.ended(end);
            }
        });
    }
}

/// Serves a connection to its end; gives the gateway's reason where it is the gateway that ends it.
async fn attend<S>(stream: TcpStream, place: &Place, tls: Option<TlsAcceptor>, service: &S) -> Option<End>
where
    S: Service<(Stream, Option<SocketAddr>), Response = (), Error = DispatchError>,
{
    let connection = &place.connection;
    poll_fn(|context| {
        connection.served_by(context.waker());
        Poll::Ready(())
    })
    .await;
    // One that is gone already needs nothing.
    let stream = prepare(stream).ok()?;
    let io = match tls {
        None => Io::Plain(stream),
        Some(tls) => {
            let mut shaking = pin!(tls.accept(stream));
            let shaken = poll_fn(|context| match connection.ending() {
                Some(end) => Poll::Ready(Err(Some(end))),
                None => shaking.as_mut().poll(context).map_err(|_| None),
            });
            match shaken.await {
                Ok(stream) => Io::Tls(Box::new(stream)),
                Err(end) => return end,
            }
        }
    };
    let line = Line::new(Arc::clone(connection), io, place.head);
    let end = match serve(&line, service).await {
        Ok(None) => {
            line.close(b"").await;
            return None;
        }
        Ok(Some(end)) => end,
        Err(broken) => {
            // The library has answered, and knows nothing but the status.
            let end = if matches!(broken, ParseError::TooLarge) { End::HeadTooLarge } else { End::NoHttp };
            tell(place, end, if end == End::NoHttp { 400 } else { 431 });
            line.close(b"").await;
            return Some(end);
        }
    };
    match Farewell::to(end, place.head).filter(|_| line.head_begun()) {
        Some(shut_down) => {
            tell(place, end, shut_down.status);
            line.close(shut_down.answer().as_bytes()).await;
        }
        None => line.cut(),
    }
    Some(end)
}

/// What no dialect was asked about leaves a line like that of a refused request.
fn tell(place: &Place, end: End, status: u16) {
    tracing::info!(
        source = %place.connection.peer.ip().to_canonical(),
        status,
        outcome = end.label(),
        "what came was no request"
    );
}

/// Lets the HTTP library serve until it, or the gateway, ends the connection; gives the gateway's reason, if it has one.
///
/// # Errors
/// What came that the library could not read, and has refused itself.
async fn serve<S>(line: &Rc<Line>, service: &S) -> Result<Option<End>, ParseError>
where
    S: Service<(Stream, Option<SocketAddr>), Response = (), Error = DispatchError>,
{
    let connection = &line.connection;
    let mut serving = pin!(service.call((Stream(Rc::clone(line)), Some(connection.peer))));
    poll_fn(|context| {
        if let Some(end) = connection.ending() {
            return Poll::Ready(Ok(Some(end)));
        }
        line.polled();
        match serving.as_mut().poll(context) {
            Poll::Ready(served) => Poll::Ready(match (line.ended(), served) {
                (None, Err(DispatchError::Parse(broken))) => Err(broken),
                (ended, _) => Ok(ended),
            }),
            Poll::Pending if connection.phase() == Phase::GivingWay => Poll::Ready(Ok(Some(End::GaveWay))),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn prepare(stream: TcpStream) -> io::Result<tokio::net::TcpStream> {
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_user_timeout(Some(TAKEN_BY_THE_SYSTEM))?;
    tokio::net::TcpStream::from_std(stream)
}
