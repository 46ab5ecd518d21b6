//! Connections: who is let in, who gives way, and how long each may take for what it does.
//!
//! One thread accepts for all listeners and looks at the clock; each listener has threads that serve. A connection is
//! known to the [`Connections`] of its listener from before its first byte until it is closed, so that what strangers open
//! never takes what honest callers, the store and the admin listener need. It refuses to know what a request is: that
//! begins with [`service`].

mod connection;
pub(super) mod descriptors;
mod line;
mod registry;
pub(super) mod service;
mod worker;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub(super) use line::Line;
pub(super) use registry::{Caps, Connections, Limit};
pub(super) use worker::{Threads, Workers};

/// How long the acceptor waits when the system has no descriptor for a new connection.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);
/// How often at most that is logged.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// What a listener is made of.
pub(super) struct Listener {
    /// Where it listens; it never blocks.
    pub(super) socket: TcpListener,
    /// Its connections.
    pub(super) registry: Arc<Connections>,
    /// Who serves them.
    pub(super) workers: Workers,
}

/// The thread that accepts.
pub(super) struct Acceptor {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Acceptor {
    /// Accepts for these listeners until it is stopped.
    ///
    /// # Errors
    /// What the system says when it has no room for one more thread.
    pub(super) fn start(listeners: Vec<Listener>) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("connections".to_owned());
        let thread = thread.spawn(move || {
            runtime.block_on(async {
                let registries: Vec<_> = listeners.iter().map(|one| Arc::clone(&one.registry)).collect();
                for listener in listeners {
                    tokio::spawn(accept(listener));
                }
                let mut stopped = stopped;
                tokio::select! {
                    // Whoever was to stop it is gone, or has.
                    _ = stopped.wait_for(|stop| *stop) => {}
                    () = tick(&registries) => {}
                }
            });
        })?;
        Ok(Self { stop, thread })
    }

    /// Closes the listeners. Connections that are open stay.
    pub(super) fn stop(self) {
        // Nobody hears it only where the thread has ended already.
        let _ = self.stop.send(true);
        if self.thread.join().is_err() {
            tracing::error!("the thread that accepts connections had panicked");
        }
    }
}

/// Looks at the time of all connections, again and again.
async fn tick(registries: &[Arc<Connections>]) {
    let mut tick = interval(Duration::from_millis(registry::TICK));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        registries.iter().for_each(|registry| registry.tick());
    }
}

async fn accept(listener: Listener) {
    let Listener { socket, registry, workers } = listener;
    let socket = match tokio::net::TcpListener::from_std(socket) {
        Ok(socket) => socket,
        Err(error) => return tracing::error!(%error, "a listener cannot be waited for"),
    };
    let mut told: Option<Instant> = None;
    loop {
        registry.has_room().await;
        match next(&socket).await {
            Ok((stream, peer)) => {
                if let Some(place) = registry.admit(peer) {
                    workers.serve(stream, place);
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
                    tracing::warn!(%error, open = registry.open(), "no connection can be accepted; trying again");
                    told = Some(Instant::now());
                }
                registry.make_room();
                sleep(OUT_OF_DESCRIPTORS).await;
            }
        }
    }
}

/// The next connection, for whichever thread is to serve it.
async fn next(socket: &tokio::net::TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (stream, peer) = socket.accept().await?;
    Ok((stream.into_std()?, peer))
}

/// Whether an error is that of a connection which was gone before it was accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Lets requests in flight finish: idle connections are closed, and the others when they have been answered.
pub(super) async fn shut_down(registry: &Connections, patience: Duration) {
    let begun = Instant::now();
    while registry.open() > 0 && begun.elapsed() < patience {
        registry.dismiss();
        // Looked at again soon: a connection that is answered meanwhile becomes idle.
        let _ = timeout(Duration::from_millis(20), registry.one_closed()).await;
    }
}

/// TLS as the workers speak it.
pub(super) type Tls = Option<Arc<ServerConfig>>;
