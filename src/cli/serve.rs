//! `serve`: runs the gateway until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::demo::{self, Fresh};
use super::watch::Watch;
use super::{Failure, NO_TENANT, Outcome, logging, output};
use crate::config::{self, Engine, Overrides, Problems, Settings, Store};
use crate::server::{Server, StartError};
use crate::store::OpenError;

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway serve --config gateway.toml --data /var/lib/dnis-gateway
Example: dnis-gateway serve --demo

Stops on SIGTERM or Ctrl-C when the requests in flight are answered; reads its configuration anew on SIGHUP and when \
    the file changes.")]
pub(super) struct Serve {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    config: Option<PathBuf>,
    /// Run with the demo's tenant, keys and numbers, on loopback addresses only, with new data at every start
    #[arg(long)]
    demo: bool,
    /// Data directory [default: ./dnis-gateway-data; for the demo, one that is removed at the end]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of the vendors' protocols; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Address of health and metrics [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR:PORT")]
    admin_listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) fn run(self) -> Outcome {
        let watch = Watch::of(self.config.as_deref());
        let mut settings = self.load().map_err(|problems| Failure::Usage(problems.to_string()))?;
        if self.demo {
            only_loopback(&settings)?;
        }
        // Goes last, so that it hears of everything.
        let _logging = logging::start(&settings.log)?;
        self.warn(&settings);
        // Lives until the gateway has stopped.
        let fresh = self.fresh(&mut settings)?;
        self.tell(&settings);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Operation(format!("the runtime did not start: {error}")))?;
        // The HTTP library wants its own kind of system around the tasks that it spawns.
        runtime.block_on(self.serve(settings, fresh.as_ref(), watch))
    }

    fn load(&self) -> Result<Settings, Problems> {
        let overrides = Overrides { data: self.data.clone(), listen: self.listen, admin_listen: self.admin_listen };
        if self.demo {
            let mut settings = Settings::load_demo(config::environment(), &overrides)?;
            if settings.server.hosts.is_empty() {
                // A page that leads its own name to this machine would find passwords that everybody knows.
                settings.server.hosts.extend("localhost".parse());
            }
            Ok(settings)
        } else {
            Settings::load(self.config.as_deref(), config::environment(), &overrides)
        }
    }

    /// Gives the demo a directory for this start alone, unless somebody has said where its data belongs.
    fn fresh(&self, settings: &mut Settings) -> Result<Option<Fresh>, Failure> {
        if !self.is_fresh(settings) {
            return Ok(None);
        }
        let fresh = Fresh::below(&std::env::temp_dir())?;
        settings.store.path = fresh.data();
        Ok(Some(fresh))
    }

    /// Whether the data is for this start alone.
    fn is_fresh(&self, settings: &Settings) -> bool {
        self.demo && self.data.is_none() && settings.store.path == Store::default().path
    }

    /// Tells of what can be used but is hardly meant so.
    fn warn(&self, settings: &Settings) {
        for warning in &settings.warnings {
            tracing::warn!(%warning, "the configuration can be used as it is");
        }
        if settings.tenants.is_empty() {
            match &self.config {
                Some(_) => tracing::warn!("{NO_TENANT}"),
                None => tracing::warn!(
                    "no configuration was given: {NO_TENANT}; start with --config FILE, or with --demo to look around"
                ),
            }
        }
    }

    /// Says what is about to start, and with what.
    fn tell(&self, settings: &Settings) {
        let configuration = match &self.config {
            Some(path) => path.display().to_string(),
            None if self.demo => "the demo's".to_owned(),
            None => "none".to_owned(),
        };
        let data = match settings.store.engine {
            Engine::Sled => settings.store.path.display().to_string(),
            Engine::Postgres => format!("the schema {} of a database", settings.store.postgres.schema),
        };
        tracing::info!(version = env!("CARGO_PKG_VERSION"), configuration, data, "starting");
    }

    async fn serve(&self, settings: Settings, fresh: Option<&Fresh>, mut watch: Watch) -> Outcome {
        // Before anything else: a signal that comes while the gateway starts must not kill it half way.
        let mut signals = Signals::listen()?;
        let data = settings.store.path.clone();
        let server = Server::start(settings).await.map_err(|error| start_failure(&error))?;
        let announced = announce(&server).and_then(|()| match (self.demo, fresh) {
            (false, _) => Ok(()),
            (true, Some(_)) => demo::introduce(&server, None),
            (true, None) => demo::introduce(&server, Some(&data)),
        });
        if let Err(Failure::Operation(error) | Failure::Usage(error)) = announced {
            // Whoever listened to the start has gone; that is no reason not to serve.
            tracing::warn!(%error, "the addresses could not be announced");
        }
        loop {
            let told = tokio::select! {
                told = signals.next() => told,
                () = watch.changed() => Signalled::Reload,
            };
            match told {
                Signalled::Stop => break,
                Signalled::Reload => {
                    watch.about_to_read();
                    self.reload(&server, &data).await;
                }
            }
        }
        tracing::info!("stopping: requests in flight are being answered");
        server.stop().await;
        tracing::info!("stopped");
        Ok(())
    }

    /// Puts the configuration in force as it is now, whole or not at all.
    async fn reload(&self, server: &Server, data: &Path) {
        let mut settings = match self.load() {
            Ok(settings) => settings,
            Err(problems) => {
                for problem in problems.iter() {
                    tracing::error!(%problem, "the new configuration is not valid");
                }
                tracing::error!("the running configuration stays in force");
                return;
            }
        };
        if self.demo && only_loopback(&settings).is_err() {
            tracing::error!("the demo answers on loopback addresses only; the running configuration stays in force");
            return;
        }
        self.warn(&settings);
        if self.is_fresh(&settings) {
            data.clone_into(&mut settings.store.path);
        }
        match server.reload(settings).await {
            Ok(waiting) if waiting.is_empty() => tracing::info!("the new configuration is in force"),
            Ok(waiting) => {
                let waiting = waiting.join(", ");
                tracing::warn!(%waiting, "the new configuration is in force, but for what only a restart changes");
            }
            Err(error) => tracing::error!(%error, "the running configuration stays in force"),
        }
    }
}

/// Says where the gateway answers.
fn announce(server: &Server) -> Outcome {
    let base = server.base();
    output::result(&format!("listening on {base}"))?;
    output::result(&format!("admin on {}", server.admin_base()))?;
    for path in server.wsdl_paths() {
        output::result(&format!("{base}{path}"))?;
    }
    Ok(())
}

fn start_failure(error: &StartError) -> Failure {
    match error {
        StartError::SeedName(_) | StartError::Tls(_) | StartError::Store(OpenError::Database(_)) => {
            Failure::Usage(error.to_string())
        }
        _ => Failure::Operation(error.to_string()),
    }
}

/// The demo's passwords are known to everybody.
fn only_loopback(settings: &Settings) -> Outcome {
    for (option, address) in [("--listen", settings.server.listen), ("--admin-listen", settings.admin.listen)] {
        if !address.ip().is_loopback() {
            return Err(Failure::Usage(format!(
                "{option} {address}: the demo answers on loopback addresses only, since its passwords are public; \
                 use 127.0.0.1 or [::1], or a configuration file of your own"
            )));
        }
    }
    Ok(())
}

/// What a signal, or a change of the file, asks for.
enum Signalled {
    Stop,
    Reload,
}

/// The signals that the gateway listens to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::Operation(format!("cannot catch signals: {error}")));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signalled {
        tokio::select! {
            _ = self.terminate.recv() => Signalled::Stop,
            _ = self.interrupt.recv() => Signalled::Stop,
            _ = self.hangup.recv() => Signalled::Reload,
        }
    }
}
