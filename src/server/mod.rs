//! The running gateway: listeners, limits, health, metrics and an orderly end.
//!
//! A server is started, not run: starting binds the listeners and says where they are, so that port 0 works and tests
//! use the same way in as the command.

mod adapter;
mod admin;
mod backup;
mod body;
mod clock;
mod metrics;
mod origin;
mod request_ids;
mod setup;
mod sweeper;
mod tls;
mod watch;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

use crate::access::Access;
use crate::config::{Live, Settings, TlsError};
use crate::dialect::aicc::Aicc;
use crate::dialect::gms::Gms;
use crate::dialect::interact::Interact;
use crate::dialect::native::Native;
use crate::domain::InvalidName;
use crate::domain::state::Seeds;
use crate::store::sled::{OpenError, Options, SledStore};
use crate::store::{Error, Store, SystemClock};
use request_ids::RequestIds;

/// How long a connection may wait for its next request: longer than the pools of clients and proxies usually keep one,
/// so that it is they who close it, and no request meets a connection that is just being closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests in flight may take once the server is told to stop, in seconds.
const FAREWELL_SECONDS: u64 = 30;

/// What every request can reach.
struct Gateway {
    gms: Gms,
    interact: Interact,
    aicc: Aicc,
    native: Native,
    access: Arc<Access>,
    store: Arc<dyn Store>,
    live: Live,
    metrics: Arc<metrics::Metrics>,
    backup: backup::Guard,
    watch: watch::Watch,
    stopping: AtomicBool,
    requests: RequestIds,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be opened.
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
    /// The certificate cannot be used.
    #[error("server.tls: {0}")]
    Tls(#[from] TlsError),
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
    #[error("server.tls: {0}")]
    Tls(#[from] TlsError),
}

/// A server that answers requests.
pub struct Server {
    gateway: web::Data<Gateway>,
    certificate: Option<Arc<tls::Shown>>,
    listening: SocketAddr,
    admin: SocketAddr,
    handles: [ServerHandle; 2],
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// Opens the store, seeds it if it is empty and the settings say so, binds the listeners and begins to answer.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let prepared = Prepared::by(&settings)?;
        let mut options = Options::new(&settings.store.path, settings.rules(), Arc::new(SystemClock::default()));
        options.cache_bytes = settings.store.cache_capacity;
        options.compaction = setup::compaction(&settings);
        options.observer = prepared.metrics.clone();
        let store = tokio::task::spawn_blocking(move || SledStore::open(options)).await;
        let store = store.map_err(|error| Error::Unavailable(error.to_string().into()))??;
        Self::serve(settings, prepared, Arc::new(store)).await
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
        let Prepared { seeds, metrics, certificate, main: (listener, listening), admin: (admin_listener, admin) } =
            prepared;
        store.seed(seeds).await?;
        warn_of_plain_http(&settings);
        setup::tell(&settings, &*store, listening, admin).await;
        let workers = settings.server.workers;
        let clock = store.clock();
        let live = Live::new(settings);
        let access = Arc::new(Access::new(live.clone()));
        let gateway = web::Data::new(Gateway {
            gms: Gms::new(Arc::clone(&store), Arc::clone(&access), live.clone()),
            interact: Interact::new(Arc::clone(&store), Arc::clone(&access), live.clone(), Arc::clone(&clock)),
            aicc: Aicc::new(Arc::clone(&store), Arc::clone(&access), Arc::clone(&clock)),
            native: Native::new(Arc::clone(&store), Arc::clone(&access), live.clone(), clock),
            access,
            store,
            live,
            metrics,
            backup: backup::Guard::of(admin.ip()),
            watch: watch::Watch::default(),
            stopping: AtomicBool::new(false),
            requests: RequestIds::new(),
        });
        let shared = gateway.clone();
        let mut main =
            HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(adapter::handle)))
                .disable_signals()
                .keep_alive(KEEP_ALIVE)
                .shutdown_timeout(FAREWELL_SECONDS);
        if let Some(workers) = workers {
            main = main.workers(workers.get());
        }
        let main = match &certificate {
            Some(certificate) => main.listen_rustls_0_23(listener, tls::listener(Arc::clone(certificate))),
            None => main.listen(listener),
        };
        let main = main.map_err(listen_error(listening, "--listen"))?.run();
        let shared = gateway.clone();
        let side = HttpServer::new(move || App::new().app_data(shared.clone()).configure(admin::routes))
            .disable_signals()
            .workers(1)
            .shutdown_timeout(1)
            .listen(admin_listener)
            .map_err(listen_error(admin, "--admin-listen"))?
            .run();
        let handles = [main.handle(), side.handle()];
        let sweeper = sweeper::run(gateway.clone());
        let tasks = vec![
            tokio::spawn(async move { report("the main listener", main.await) }),
            tokio::spawn(async move { report("the admin listener", side.await) }),
            tokio::spawn(sweeper),
        ];
        Ok(Self { gateway, certificate, listening, admin, handles, tasks })
    }

    /// Where the dialects answer.
    pub fn listening(&self) -> SocketAddr {
        self.listening
    }

    /// The scheme that the dialects answer by: `https` where a certificate is configured, else `http`.
    pub fn scheme(&self) -> &'static str {
        if self.certificate.is_some() { "https" } else { "http" }
    }

    /// The address of the dialects as a URL, without a slash at its end.
    pub fn base(&self) -> String {
        format!("{}://{}", self.scheme(), self.listening)
    }

    /// Where health and metrics answer.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The paths of the WSDLs.
    pub fn wsdl_paths(&self) -> Vec<String> {
        let mut paths = self.gateway.interact.wsdl_paths();
        paths.push(self.gateway.native.wsdl_path().to_owned());
        paths
    }

    /// Puts new settings in force for every request from now on. What only a restart can change stays as it is; the
    /// names of such settings are given back.
    ///
    /// # Errors
    /// [`ReloadError`]; the old settings then stay in force.
    pub async fn reload(&self, settings: Settings) -> Result<Vec<&'static str>, ReloadError> {
        let certificate = match (&self.certificate, &settings.server.tls) {
            (Some(shown), Some(new)) => Some((shown, new.load()?)),
            _ => None,
        };
        self.gateway.store.set_rules(settings.rules()).await?;
        let waiting = self.gateway.live.current().waiting_for_restart(&settings);
        self.gateway.live.replace(settings);
        if let Some((shown, certificate)) = certificate {
            shown.replace(certificate);
        }
        Ok(waiting)
    }

    /// Stops accepting, lets requests in flight finish, and closes the store.
    pub async fn stop(self) {
        self.gateway.stopping.store(true, Ordering::Relaxed);
        let [main, side] = &self.handles;
        main.stop(true).await;
        side.stop(true).await;
        for task in self.tasks {
            task.abort();
            // A task that was aborted has nothing to say.
            let _ = task.await;
        }
        self.gateway.store.close().await;
    }
}

/// The vendors' clients send passwords with every call.
fn warn_of_plain_http(settings: &Settings) {
    let server = &settings.server;
    if server.tls.is_none() && !server.behind_tls_proxy && !server.listen.ip().is_loopback() {
        tracing::warn!(
            listen = %server.listen,
            "passwords travel in clear over this address: configure server.tls, or say server.behind_tls_proxy = true"
        );
    }
}

fn report(what: &str, ended: io::Result<()>) {
    if let Err(error) = ended {
        tracing::error!(%error, "{what} ended");
    }
}

/// What is made before the store is touched: whoever cannot listen should leave the data alone.
struct Prepared {
    seeds: Seeds,
    metrics: Arc<metrics::Metrics>,
    certificate: Option<Arc<tls::Shown>>,
    /// The bound sockets with the addresses that they really have.
    main: (TcpListener, SocketAddr),
    admin: (TcpListener, SocketAddr),
}

impl Prepared {
    fn by(settings: &Settings) -> Result<Self, StartError> {
        Ok(Self {
            seeds: setup::seeds(settings)?,
            metrics: Arc::new(metrics::Metrics::new()?),
            certificate: settings.server.tls.as_ref().map(tls::Shown::new).transpose()?,
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
