//! `serve`: runs the gateway until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::watch::Watch;
use super::{Failure, Outcome, logging, output};
use crate::config::{self, Overrides, Problems, Settings};
use crate::server::{Server, StartError};

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway serve --config gateway.toml --data /var/lib/dnis-gateway
Example: dnis-gateway serve --demo

Stops on SIGTERM or Ctrl-C when the requests in flight are answered; reads its configuration anew on SIGHUP and when \
the file changes.")]
pub(super) struct Serve {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    config: Option<PathBuf>,
    /// Run with the demo's tenant, keys and numbers, on loopback addresses only
    #[arg(long)]
    demo: bool,
    /// Data directory [default: ./dnis-gateway-data]
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
        let settings = self.load().map_err(|problems| Failure::Usage(problems.to_string()))?;
        if self.demo {
            only_loopback(&settings)?;
        }
        logging::start(&settings.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Operation(format!("the runtime did not start: {error}")))?;
        // The HTTP library wants its own kind of system around the tasks that it spawns.
        runtime.block_on(self.serve(settings, watch))
    }

    fn load(&self) -> Result<Settings, Problems> {
        let overrides = Overrides { data: self.data.clone(), listen: self.listen, admin_listen: self.admin_listen };
        if self.demo {
            Settings::load_demo(config::environment(), &overrides)
        } else {
            Settings::load(self.config.as_deref(), config::environment(), &overrides)
        }
    }

    async fn serve(&self, settings: Settings, mut watch: Watch) -> Outcome {
        // Before anything else: a signal that comes while the gateway starts must not kill it half way.
        let mut signals = Signals::listen()?;
        let server = Server::start(settings).await.map_err(|error| start_failure(&error))?;
        if let Err(Failure::Operation(error) | Failure::Usage(error)) = announce(&server) {
            // Whoever listened to the start has gone; that is no reason not to serve.
            tracing::warn!(%error, "the addresses could not be announced");
        }
        loop {
            let told = tokio::select! {
                told = signals.next() => told,
                () = watch.changed() => Told::Reload,
            };
            match told {
                Told::Stop => break,
                Told::Reload => {
                    watch.about_to_read();
                    self.reload(&server).await;
                }
            }
        }
        tracing::info!("stopping: requests in flight are being answered");
        server.stop().await;
        tracing::info!("stopped");
        Ok(())
    }

    /// Puts the configuration in force as it is now, whole or not at all.
    async fn reload(&self, server: &Server) {
        let settings = match self.load() {
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

fn start_failure(error: &StartError) -> Failure {
    match error {
        StartError::SeedName(_) | StartError::Tls(_) => Failure::Usage(error.to_string()),
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

fn announce(server: &Server) -> Outcome {
    let base = format!("{}://{}", server.scheme(), server.listening());
    output::result(&format!("listening on {base}"))?;
    output::result(&format!("admin on http://{}", server.admin()))?;
    for path in server.wsdl_paths() {
        output::result(&format!("{base}{path}"))?;
    }
    Ok(())
}

/// What a signal, or a change of the file, asks for.
enum Told {
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

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }
}
