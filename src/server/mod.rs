//! The running gateway: listeners, limits, health, metrics and an orderly end.
//!
//! A server is started, not run: starting binds the listeners and says where they are, so that port 0 works and tests
//! use the same way in as the command.

mod adapter;
mod admin;
mod backup;
mod body;
mod clock;
mod cors;
mod metrics;
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

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

use crate::access::Access;
use crate::config::{Live, Settings};
use crate::dialect::aicc::Aicc;
use crate::dialect::gms::Gms;
use crate::dialect::interact::Interact;
use crate::dialect::native::Native;
use crate::domain::InvalidName;
use crate::domain::state::Seeds;
use crate::store::sled::{OpenError, Options, SledStore};
use crate::store::{Error, Store, SystemClock};
use request_ids::RequestIds;

pub use tls::BadCertificate;

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
    /// Where the dialects answer.
    listening: SocketAddr,
    watch: watch::Watch,
    stopping: AtomicBool,
    requests: RequestIds,
}

impl Gateway {
    /// The paths of the WSDLs.
    fn wsdl_paths(&self) -> Vec<String> {
        let mut paths = self.interact.wsdl_paths();
        paths.push(self.native.wsdl_path().to_owned());
        paths
    }
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
    certificates: [Option<Arc<tls::Shown>>; 2],
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
        let Prepared { seeds, metrics, certificates, main: (listener, listening), admin: (admin_listener, admin) } =
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
            listening,
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
        let main = match &certificates[0] {
            Some(certificate) => main.listen_rustls_0_23(listener, tls::listener(Arc::clone(certificate))),
            None => main.listen(listener),
        };
        let main = main.map_err(listen_error(listening, "--listen"))?.run();
        let shared = gateway.clone();
        let side = HttpServer::new(move || App::new().app_data(shared.clone()).configure(admin::routes))
            .disable_signals()
            .workers(1)
            .shutdown_timeout(1);
        let side = match &certificates[1] {
            Some(certificate) => side.listen_rustls_0_23(admin_listener, tls::listener(Arc::clone(certificate))),
            None => side.listen(admin_listener),
        };
        let side = side.map_err(listen_error(admin, "--admin-listen"))?.run();
        let handles = [main.handle(), side.handle()];
        let sweeper = sweeper::run(gateway.clone());
        let tasks = vec![
            tokio::spawn(async move { report("the main listener", main.await) }),
            tokio::spawn(async move { report("the admin listener", side.await) }),
            tokio::spawn(sweeper),
        ];
        Ok(Self { gateway, certificates, listening, admin, handles, tasks })
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
        self.gateway.wsdl_paths()
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

fn report(what: &str, ended: io::Result<()>) {
    if let Err(error) = ended {
        tracing::error!(%error, "{what} ended");
    }
}

/// What is made before the store is touched: whoever cannot listen should leave the data alone.
struct Prepared {
    seeds: Seeds,
    metrics: Arc<metrics::Metrics>,
    certificates: [Option<Arc<tls::Shown>>; 2],
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
                tls::Shown::new("server", settings.server.tls.as_ref())?,
                tls::Shown::new("admin", settings.admin.tls.as_ref())?,
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
