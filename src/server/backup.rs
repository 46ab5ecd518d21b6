//! The backup over the admin listener: everything the store holds at one point, streamed as a dump.
//!
//! The list of everything is taken at once; the bytes follow while the gateway goes on. What is sent has no end line if
//! anything fails on the way, so that nobody takes it for whole.

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{Semaphore, mpsc};

use super::{Gateway, site};
use crate::config::{Secret, authority_of};
use crate::dump;

/// How a token is sent in `Authorization`; schemes are the same in any case.
const SCHEME: &[u8] = b"Bearer ";

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
    /// No token is configured, and a browser asks.
    Browser,
}

impl Guard {
    /// The guard of a listener at this address.
    pub(super) fn of(address: IpAddr) -> Self {
        Self { loopback: address.is_loopback(), running: Arc::new(Semaphore::new(1)) }
    }

    /// Whether a request with these headers may have everything. Without a token only this machine may, and no browser:
    /// a page could make it ask.
    fn admits(&self, token: Option<&Secret>, headers: &HeaderMap) -> Result<(), Refused> {
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        match token {
            Some(token) => match given.and_then(|value| value.split_at_checked(SCHEME.len())) {
                Some((scheme, given)) if scheme.eq_ignore_ascii_case(SCHEME) && token.is(given) => Ok(()),
                _ => Err(Refused::Token),
            },
            None if site::is_from_browser(headers) => Err(Refused::Browser),
            None if self.loopback && headers.get_all(HOST).all(names_this_machine) => Ok(()),
            None => Err(Refused::Stranger),
        }
    }
}

/// Whether the host of a request, with or without a port, is a loopback address or its usual name.
fn names_this_machine(host: &HeaderValue) -> bool {
    let host = host.to_str().ok().and_then(authority_of).map(|(host, _)| host);
    let loopback = |host: &str| host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    host.is_some_and(|host| host.eq_ignore_ascii_case("localhost") || loopback(host))
}

impl Refused {
    fn answer(&self) -> HttpResponse {
        match self {
            Self::Token => HttpResponse::build(StatusCode::UNAUTHORIZED)
                .insert_header((WWW_AUTHENTICATE, "Bearer"))
                .body("the backup asks for the token of admin.token: Authorization: Bearer TOKEN\n"),
            Self::Browser => HttpResponse::build(StatusCode::FORBIDDEN)
                .body("without admin.token no browser is given a backup; use dnis-gateway backup\n"),
            Self::Stranger => HttpResponse::build(StatusCode::FORBIDDEN).body(
                "without admin.token the backup is only given on a loopback address, to a request that names one\n",
            ),
        }
    }
}

/// Answers with a dump of everything.
pub(super) async fn stream(request: HttpRequest, gateway: Data<Gateway>) -> HttpResponse {
    let settings = gateway.live.current();
    if let Err(refused) = gateway.backup.admits(settings.admin.token.as_ref(), request.headers()) {
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

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        lines.iter().map(line).collect()
    }

    #[test]
    fn without_a_token_only_this_machine_is_given_everything() {
        let asked = |host: Option<&str>| headers(&host.map(|host| ("host", host)).into_iter().collect::<Vec<_>>());
        for host in [None, Some("127.0.0.1:9090"), Some("LOCALHOST"), Some("[::1]:9090"), Some("127.1.2.3")] {
            assert_eq!(guard("127.0.0.1").admits(None, &asked(host)), Ok(()), "{host:?}");
            assert_eq!(guard("0.0.0.0").admits(None, &asked(host)), Err(Refused::Stranger), "{host:?}");
        }
        for host in [
            "a-page.example",
            "a-page.example:9090",
            "127.0.0.1.a-page.example",
            "[::1].a.example",
            "",
            "10.0.0.1:9090",
        ] {
            assert_eq!(guard("::1").admits(None, &asked(Some(host))), Err(Refused::Stranger), "{host}");
        }
    }

    #[test]
    fn without_a_token_no_browser_is_given_anything() {
        for said in [
            ("origin", "http://localhost:9090"),
            ("referer", "http://localhost:9090/"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-user", "?1"),
        ] {
            let asked = headers(&[("host", "localhost"), said]);
            assert_eq!(guard("127.0.0.1").admits(None, &asked), Err(Refused::Browser), "{said:?}");
            let token = Secret::new("open sesame".to_owned());
            let asked = headers(&[("host", "localhost"), said, ("authorization", "Bearer open sesame")]);
            assert_eq!(guard("127.0.0.1").admits(Some(&token), &asked), Ok(()), "{said:?}");
        }
    }

    #[test]
    fn with_a_token_whoever_has_it_is_given_everything_and_nobody_else() {
        let token = Secret::new("open sesame".to_owned());
        for address in ["127.0.0.1", "10.0.0.1"] {
            let admits = |given: Option<&str>| {
                let asked = given.map(|given| ("authorization", given)).into_iter().chain([("host", "gw.example")]);
                guard(address).admits(Some(&token), &headers(&asked.collect::<Vec<_>>()))
            };
            assert_eq!(admits(Some("Bearer open sesame")), Ok(()));
            assert_eq!(admits(Some("bearer open sesame")), Ok(()));
            for wrong in [None, Some("Bearer "), Some("Bearer open sesame "), Some("Basic open sesame")] {
                assert_eq!(admits(wrong), Err(Refused::Token), "{wrong:?}");
            }
        }
    }
}
