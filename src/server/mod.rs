//! The running gateway: listeners, limits, health, metrics and an orderly end.
//!
//! A server is started, not run: starting binds the listeners and says where they are, so that port 0 works and tests
//! use the same way in as the command.

mod adapter;
mod admin;
mod answer_body;
mod arriving;
mod backup;
mod body;
mod clock;
mod connections;
mod console;
mod cors;
mod in_flight;
mod labels;
mod listeners;
mod metrics;
mod number_watch;
mod origin;
mod page;
mod request_ids;
mod setup;
mod site;
mod sweeper;
mod tls;
mod watch;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::web;

use crate::access::Access;
use crate::config::{Live, Settings};
use crate::console::Console;
use crate::dialect::aicc::Aicc;
use crate::dialect::gms::Gms;
use crate::dialect::interact::Interact;
use crate::dialect::native::Native;
use crate::domain::InvalidName;
use crate::domain::state::Seeds;
use crate::store::{self, Error, OpenError, Store, SystemClock};
use connections::{Acceptor, Connections, Listener, Threads};
use request_ids::RequestIds;

pub use tls::BadCertificate;

/// How long requests in flight may take once the server is told to stop.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// The same for the admin listener.
const ADMIN_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// What every request can reach.
struct Gateway {
    gms: Gms,
    interact: Interact,
    aicc: Aicc,
    native: Native,
    console: Console,
    access: Arc<Access>,
    store: Arc<dyn Store>,
    live: Live,
    metrics: Arc<metrics::Metrics>,
    backup: backup::Guard,
    door: origin::Door,
    in_flight: Arc<in_flight::InFlight>,
    /// The connections of the main listener, and of the admin listener.
    connections: [Arc<Connections>; 2],
    watch: watch::Watch,
    number_watch: number_watch::NumberWatch,
    stopping: AtomicBool,
    requests: RequestIds,
}

impl Gateway {
    /// The paths of the WSDLs.
    fn wsdl_paths(&self, settings: &Settings) -> Vec<String> {
        let mut paths = Interact::wsdl_paths(settings);
        paths.push(self.native.wsdl_path().to_owned());
        paths
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory, or the database, cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The seeds could not be written.
    #[error("the first numbers could not be written: {0}")]
    Seeds(#[from] Error),
    /// A seed's id is no valid name.
    #[error("an interaction id of the configuration {0}")]
    SeedName(#[from] InvalidName),
    /// A listener cannot be bound.
    #[error("cannot listen on {address}: {error}; stop what uses it, or choose another address with {option}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
        /// The option that chooses the address.
        option: &'static str,
    },
    /// The system has no threads or descriptors for those who serve.
    #[error("the threads that serve requests did not start: {0}")]
    Threads(io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] BadCertificate),
    /// The metrics could not be set up.
    #[error("the metrics could not be set up: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Why new settings were not put in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The store takes no rules any more.
    #[error(transparent)]
    Store(#[from] Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] BadCertificate),
}

/// A server that answers requests.
pub struct Server {
    gateway: web::Data<Gateway>,
    /// What the main listener shows, and the admin listener.
    certificates: [Option<Arc<tls::ServedCertificate>>; 2],
    listening: SocketAddr,
    admin: SocketAddr,
    acceptor: Acceptor,
    threads: [Threads; 2],
    sweeper: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Opens the store, seeds it if it is empty and the settings say so, binds the listeners and begins to answer.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let prepared = Prepared::by(&settings)?;
        let (at, rules, observer) = (settings.store.clone(), settings.rules(), prepared.metrics.clone());
        let address = prepared.main.1;
        let store = move || store::open(&at, rules, Arc::new(SystemClock::default()), observer, address);
        let store = tokio::task::spawn_blocking(store).await;
        let store = store.map_err(|error| Error::Unavailable(error.to_string().into()))??;
        Self::serve(settings, prepared, store).await
    }

    /// As [`Server::start`], over a store that is open already: it takes over the rules of the settings, their section
    /// `store` is not looked at, and the metrics hear nothing of its commits.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start_with(settings: Settings, store: Arc<dyn Store>) -> Result<Self, StartError> {
        let prepared = Prepared::by(&settings)?;
        store.set_rules(settings.rules()).await?;
        Self::serve(settings, prepared, store).await
    }

    /// Begins to answer.
    async fn serve(settings: Settings, prepared: Prepared, store: Arc<dyn Store>) -> Result<Self, StartError> {
        let Prepared { seeds, metrics, certificates, main: (listener, listening), admin: (admin_listener, admin) } =
            prepared;
        store.seed(seeds).await?;
        warn_of_plain_http(&settings);
        setup::tell(&settings, &*store, listening, admin).await;
        let workers = listeners::threads(&settings);
        let clock = store.clock();
        let live = Live::new(settings);
        let connections = [listeners::main_limit(&live, workers), listeners::admin_limit(&live)].map(Connections::new);
        let access = Arc::new(Access::new(&live.current().access));
        let gateway = web::Data::new(Gateway {
            gms: Gms::new(Arc::clone(&store), Arc::clone(&access)),
            interact: Interact::new(Arc::clone(&store), Arc::clone(&access), Arc::clone(&clock)),
            aicc: Aicc::new(Arc::clone(&store), Arc::clone(&access), Arc::clone(&clock)),
            native: Native::new(Arc::clone(&store), Arc::clone(&access), clock),
            console: Console::new(Arc::clone(&store), Arc::clone(&access)),
            access,
            store,
            live,
            metrics,
            backup: backup::Guard::of(admin.ip()),
            door: origin::Door { secure: certificates[0].is_some(), address: listening },
            in_flight: Arc::default(),
            connections,
            watch: watch::Watch::default(),
            number_watch: number_watch::NumberWatch::default(),
            stopping: AtomicBool::new(false),
            requests: RequestIds::new(),
        });
        let tls = certificates.clone().map(|shown| shown.map(|shown| Arc::new(tls::listener(shown))));
        let (main, main_threads) = listeners::main_workers(&gateway, workers, &tls[0]).map_err(StartError::Threads)?;
        let (side, admin_threads) = listeners::admin_workers(&gateway, &tls[1]).map_err(StartError::Threads)?;
        let [registry, admin_registry] = gateway.connections.clone();
        let acceptor = Acceptor::start(vec![
            Listener { socket: listener, registry, workers: main },
            Listener { socket: admin_listener, registry: admin_registry, workers: side },
        ]);
        let acceptor = acceptor.map_err(StartError::Threads)?;
        let sweeper = tokio::spawn(sweeper::run(gateway.clone()));
        let threads = [main_threads, admin_threads];
        Ok(Self { gateway, certificates, listening, admin, acceptor, threads, sweeper })
    }

    /// Where the dialects answer.
    pub fn listening(&self) -> SocketAddr {
        self.listening
    }

    /// The scheme that the dialects answer by: `https` where a certificate is configured, else `http`.
    pub fn scheme(&self) -> &'static str {
        scheme(self.certificates[0].is_some())
    }

    /// The address of the dialects as a URL, without a slash at its end.
    pub fn base(&self) -> String {
        format!("{}://{}", self.scheme(), self.listening)
    }

    /// The address of health and metrics as a URL, without a slash at its end.
    pub fn admin_base(&self) -> String {
        format!("{}://{}", scheme(self.certificates[1].is_some()), self.admin)
    }

    /// Where health and metrics answer.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The paths of the WSDLs.
    pub fn wsdl_paths(&self) -> Vec<String> {
        self.gateway.wsdl_paths(&self.gateway.live.current())
    }

    /// Puts new settings in force for every request from now on. What only a restart can change stays as it is; the
    /// names of such settings are given back.
    ///
    /// # Errors
    /// [`ReloadError`]; the old settings then stay in force.
    pub async fn reload(&self, settings: Settings) -> Result<Vec<&'static str>, ReloadError> {
        let mut renewed = Vec::new();
        for (shown, new) in self.certificates.iter().zip([&settings.server.tls, &settings.admin.tls]) {
            if let (Some(shown), Some(new)) = (shown, new) {
                renewed.push((shown, shown.read(new)?));
            }
        }
        self.gateway.store.set_rules(settings.rules()).await?;
        let waiting = self.gateway.live.current().waiting_for_restart(&settings);
        self.gateway.live.replace(settings);
        for (shown, certificate) in renewed {
            shown.replace(certificate);
        }
        Ok(waiting)
    }

    /// Stops accepting, lets requests in flight finish, and closes the store.
    pub async fn stop(self) {
        self.gateway.stopping.store(true, Ordering::Relaxed);
        let Self { gateway, acceptor, threads, sweeper, .. } = self;
        waited_for(move || acceptor.stop()).await;
        // Whoever follows what happens would be waited for without end.
        gateway.store.events().close();
        let [main, side] = &gateway.connections;
        tokio::join!(
            connections::shut_down(main, SHUTDOWN_TIMEOUT),
            connections::shut_down(side, ADMIN_SHUTDOWN_TIMEOUT)
        );
        waited_for(move || threads.into_iter().for_each(Threads::end)).await;
        sweeper.abort();
        // A task that was aborted has nothing to say.
        let _ = sweeper.await;
        gateway.store.close().await;
    }
}

/// Waits for what blocks.
async fn waited_for(blocks: impl FnOnce() + Send + 'static) {
    if let Err(error) = tokio::task::spawn_blocking(blocks).await {
        tracing::error!(%error, "the end was not orderly");
    }
}

fn scheme(secure: bool) -> &'static str {
    if secure { "https" } else { "http" }
}

/// The vendors' clients send passwords with every call, and operators theirs.
fn warn_of_plain_http(settings: &Settings) {
    let server = &settings.server;
    if server.tls.is_none() && !server.behind_tls_proxy && !server.listen.ip().is_loopback() {
        tracing::warn!(
            listen = %server.listen,
            "passwords travel in clear over this address: configure server.tls, or say server.behind_tls_proxy = true"
        );
    }
    let admin = &settings.admin;
    if admin.tls.is_none() && !admin.listen.ip().is_loopback() {
        tracing::warn!(
            listen = %admin.listen,
            "the admin listener is plain HTTP on an address that is not loopback, so whoever sees its traffic sees what is \
             shown there, backups and their token included: configure admin.tls"
        );
    }
}

/// What is made before the store is touched: whoever cannot listen should leave the data alone.
struct Prepared {
    seeds: Seeds,
    metrics: Arc<metrics::Metrics>,
    certificates: [Option<Arc<tls::ServedCertificate>>; 2],
    /// The bound sockets with the addresses that they really have.
    main: (TcpListener, SocketAddr),
    admin: (TcpListener, SocketAddr),
}

impl Prepared {
    fn by(settings: &Settings) -> Result<Self, StartError> {
        Ok(Self {
            seeds: setup::seeds(settings)?,
            metrics: Arc::new(metrics::Metrics::new()?),
            certificates: [
                tls::ServedCertificate::new("server", settings.server.tls.as_ref())?,
                tls::ServedCertificate::new("admin", settings.admin.tls.as_ref())?,
            ],
            main: bind(settings.server.listen, "--listen")?,
            admin: bind(settings.admin.listen, "--admin-listen")?,
        })
    }
}

fn bind(address: SocketAddr, option: &'static str) -> Result<(TcpListener, SocketAddr), StartError> {
    // The HTTP library's own binding sets the address free for reuse at once, which a restart needs.
    let bound = (|| {
        let socket = match address {
            SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
            SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(1024)?.into_std()?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    })();
    bound.map_err(listen_error(address, option))
}

fn listen_error(address: SocketAddr, option: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |error| StartError::Listen { address, error, option }
}

/// The time between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
