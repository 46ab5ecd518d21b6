//! The backup over the admin listener: everything the store holds at one point, streamed as a dump.
//!
//! The list of everything is taken at once; the bytes follow while the gateway goes on. What is sent has no end line if
//! anything fails on the way, so that nobody takes it for whole.

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{Semaphore, mpsc};

use super::Gateway;
use crate::config::Secret;
use crate::dump;

/// The media type of a dump.
const MEDIA_TYPE: &str = "application/x-ndjson";
/// How many bytes are sent at a time, and how many times that may wait for a slow reader.
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS: usize = 8;

/// What keeps the dump from strangers: it holds everything that callers have told.
pub(super) struct Guard {
    /// Whether nobody but this machine reaches the listener.
    loopback: bool,
    /// One backup at a time: each holds a list of everything in memory.
    running: Arc<Semaphore>,
}

/// Why a backup is not given.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// A token is configured, and the request has another one or none.
    Token,
    /// No token is configured, and others than this machine could ask.
    Stranger,
}

impl Guard {
    /// The guard of a listener at this address.
    pub(super) fn of(address: IpAddr) -> Self {
        Self { loopback: address.is_loopback(), running: Arc::new(Semaphore::new(1)) }
    }

    /// Whether a request may have everything. Without a token only this machine may; a name of another host in the
    /// request means that a web page asks through somebody's browser.
    fn admits(&self, token: Option<&Secret>, authorization: Option<&[u8]>, host: Option<&str>) -> Result<(), Refused> {
        match token {
            Some(token) => match authorization.and_then(|value| value.strip_prefix(b"Bearer ")) {
                Some(given) if token.is(given) => Ok(()),
                _ => Err(Refused::Token),
            },
            None if self.loopback && host.is_none_or(names_this_machine) => Ok(()),
            None => Err(Refused::Stranger),
        }
    }
}

/// Whether the host of a request, with or without a port, is a loopback address or its usual name.
fn names_this_machine(host: &str) -> bool {
    let bare = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(bare, _)| bare),
    };
    bare.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl Refused {
    fn answer(&self) -> HttpResponse {
        match self {
            Self::Token => HttpResponse::build(StatusCode::UNAUTHORIZED)
                .insert_header((WWW_AUTHENTICATE, "Bearer"))
                .body("the backup asks for the token of admin.token: Authorization: Bearer TOKEN\n"),
            Self::Stranger => HttpResponse::build(StatusCode::FORBIDDEN).body(
                "without admin.token the backup is only given on a loopback address, to a request that names one\n",
            ),
        }
    }
}

/// Answers with a dump of everything.
pub(super) async fn stream(request: HttpRequest, gateway: Data<Gateway>) -> HttpResponse {
    let text = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let host = text(HOST).and_then(|host| std::str::from_utf8(host).ok());
    let settings = gateway.live.current();
    if let Err(refused) = gateway.backup.admits(settings.admin.token.as_ref(), text(AUTHORIZATION), host) {
        tracing::warn!(?refused, peer = ?request.peer_addr(), "a backup was not given");
        return refused.answer();
    }
    let Ok(turn) = Arc::clone(&gateway.backup.running).try_acquire_owned() else {
        return HttpResponse::Conflict().body("another backup is being read; there is one at a time\n");
    };
    let snapshot = match gateway.store.snapshot().await {
        Ok(snapshot) => snapshot,
        Err(error) => return HttpResponse::ServiceUnavailable().body(format!("no backup now: {error}\n")),
    };
    let (sender, mut receiver) = mpsc::channel(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mut chunks = Chunks { sender: sender.clone(), chunk: Vec::with_capacity(CHUNK_BYTES) };
        match dump::write(snapshot, &mut chunks) {
            Ok(summary) => tracing::info!(commits = summary.header.commits, "a backup was given"),
            Err(error) => {
                tracing::error!(%error, "a backup ended before its end");
                // Cuts the answer, so that the other side sees it too; it may be gone.
                let _ = sender.blocking_send(Err(io::Error::other("the backup ended before its end")));
            }
        }
    });
    HttpResponse::Ok().content_type(MEDIA_TYPE).streaming(stream::poll_fn(move |context| receiver.poll_recv(context)))
}

/// Gathers what is written and sends it on a chunk at a time; waits where the reader is slow.
struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    chunk: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let full = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
        let sent = self.sender.blocking_send(Ok(full.into()));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the reader has gone away"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(address: &str) -> Guard {
        Guard::of(address.parse().unwrap())
    }

    #[test]
    fn without_a_token_only_this_machine_is_given_everything() {
        for host in [None, Some("127.0.0.1:9090"), Some("LOCALHOST"), Some("[::1]:9090"), Some("127.1.2.3")] {
            assert_eq!(guard("127.0.0.1").admits(None, None, host), Ok(()), "{host:?}");
            assert_eq!(guard("0.0.0.0").admits(None, None, host), Err(Refused::Stranger), "{host:?}");
        }
        for host in ["a-page.example", "a-page.example:9090", "127.0.0.1.a-page.example", "", "10.0.0.1:9090"] {
            assert_eq!(guard("::1").admits(None, None, Some(host)), Err(Refused::Stranger), "{host}");
        }
    }

    #[test]
    fn with_a_token_whoever_has_it_is_given_everything_and_nobody_else() {
        let token = Secret::new("open sesame".to_owned());
        for address in ["127.0.0.1", "10.0.0.1"] {
            let admits = |given: Option<&[u8]>| guard(address).admits(Some(&token), given, Some("gateway.example"));
            assert_eq!(admits(Some(b"Bearer open sesame")), Ok(()));
            for wrong in [None, Some(&b"Bearer "[..]), Some(b"Bearer open sesame "), Some(b"Basic open sesame")] {
                assert_eq!(admits(wrong), Err(Refused::Token), "{wrong:?}");
            }
        }
    }
}
