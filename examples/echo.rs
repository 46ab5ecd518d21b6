//! The least that an HTTP server on the same library can do: the measure for `benches/http/run`.
//!
//! A POST is answered with its own body, a GET with a short text. It reads no XML, checks nobody and keeps nothing, so
//! the ratio of the gateway's throughput to this one's says what the gateway itself costs, whatever machine it runs on.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpServer};
use clap::Parser;

/// Command line of the echo server.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Threads that serve requests; as many as the gateway it is compared with. Default: one for each processor.
    #[arg(long)]
    workers: Option<NonZeroUsize>,
}

#[allow(clippy::print_stdout, reason = "the address is this program's only result")]
#[actix_web::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mut server = HttpServer::new(|| {
        App::new().default_service(
            web::route()
                .to(|body: Bytes| async move { if body.is_empty() { Bytes::from_static(b"echo") } else { body } }),
        )
    });
    if let Some(workers) = arguments.workers {
        server = server.workers(workers.get());
    }
    let server = server.bind(arguments.listen)?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    server.run().await
}
