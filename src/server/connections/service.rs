//! Between a connection and what answers its requests: where one request begins and its answer ends.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::error::DispatchError;
use actix_http::{ConnectionType, HttpService, KeepAlive, Payload, Request, Response};
use actix_service::ServiceFactory;
use bytes::Bytes;

use super::line::{Line, Stream};

/// An answer's body that says when all of it is in the hands of the HTTP library.
pub(in crate::server) struct Sent<B> {
    body: B,
    line: Rc<Line>,
}

impl<B: MessageBody + Unpin> MessageBody for Sent<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

impl<B> Drop for Sent<B> {
    fn drop(&mut self) {
        self.line.answered();
    }
}

/// The connection that a request came by.
pub(in crate::server) fn line(request: &Request) -> Rc<Line> {
    let line = request.conn_data::<Rc<Line>>();
    Rc::clone(line.expect("the library passes on what it was given with the connection"))
}

/// Whether something may follow a request's head.
pub(in crate::server) fn has_body(request: &mut Request) -> bool {
    !matches!(request.payload(), Payload::None)
}

/// Has a request of a connection answered. If something of its body is left unread after that, the answer is the
/// connection's last.
pub(in crate::server) async fn attended<B: MessageBody>(
    line: Rc<Line>,
    has_body: bool,
    answering: impl Future<Output = Response<B>>,
) -> Response<Sent<B>> {
    if !line.begins(has_body) {
        // The connection ends with this very poll.
        return std::future::pending().await;
    }
    let mut response = answering.await;
    let last = line.body_left();
    if last {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    line.answers(last);
    response.map_body(|_, body| Sent { body, line })
}

/// Serves HTTP/1.1 on connections: `answer` answers, `expect` is asked before a client that waits for it is told to
/// send its body. All time limits are those of the connections, none is the library's.
pub(in crate::server) fn http<S, B, X>(
    answer: S,
    expect: X,
) -> impl ServiceFactory<(Stream, Option<SocketAddr>), Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    S: ServiceFactory<Request, Config = ()> + 'static,
    S::Future: 'static,
    S::Error: Into<Response<BoxBody>>,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
    <S::Service as actix_service::Service<Request>>::Future: 'static,
    X: ServiceFactory<Request, Config = (), Response = Request> + 'static,
    X::Future: 'static,
    X::Error: Into<Response<BoxBody>>,
    X::InitError: std::fmt::Debug,
{
    HttpService::build()
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(std::time::Duration::ZERO)
        .client_disconnect_timeout(std::time::Duration::ZERO)
        .expect(expect)
        .on_connect_ext(|stream: &Stream, data| {
            data.insert(Rc::clone(&stream.0));
        })
        .h1(answer)
}
