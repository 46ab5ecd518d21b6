//! A gateway inside the test's process.

use std::net::SocketAddr;
use std::sync::Arc;

use dnis_gateway::config::{self, Settings};
use dnis_gateway::domain::Rules;
use dnis_gateway::server::Server;
use dnis_gateway::store::sled::{Options, SledStore};
use dnis_gateway::store::{Clock, Store};
use tempfile::TempDir;

use crate::callers::{Caller, Reply};

/// How a gateway is to be started: the demo's configuration, on free ports and in a directory of its own, unless
/// something else is said.
pub(crate) struct Builder {
    settings: Settings,
    data: TempDir,
    store: Option<Arc<dyn Store>>,
}

/// A gateway that answers.
pub(crate) struct Gateway {
    server: Server,
    data: TempDir,
    caller: Caller,
}

impl Builder {
    /// Changes the settings.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Uses the directory of a gateway that was stopped.
    pub(crate) fn on(mut self, data: TempDir) -> Self {
        self.data = data;
        self
    }

    /// Uses what is made of the sled engine, with a clock, instead of the engine that the server opens itself.
    pub(crate) fn over(mut self, clock: Arc<dyn Clock>, make: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let store = SledStore::open(Options::new(self.data.path(), Rules::default(), clock)).unwrap();
        self.store = Some(make(Arc::new(store)));
        self
    }

    /// Starts the gateway.
    pub(crate) async fn start(mut self) -> Gateway {
        self.settings.store.path = self.data.path().to_owned();
        let server = match self.store {
            Some(store) => Server::start_with(self.settings, store).await,
            None => Server::start(self.settings).await,
        };
        let server = server.unwrap();
        let caller = Caller::of(&format!("http://{}", server.listening()));
        Gateway { server, data: self.data, caller }
    }
}

impl Gateway {
    /// A gateway with the demo's configuration that lets a test fail as often as it likes.
    pub(crate) fn demo() -> Builder {
        let mut settings = config::demo();
        settings.server.listen.set_port(0);
        settings.admin.listen.set_port(0);
        settings.access.failures = 1000;
        Builder { settings, data: TempDir::new().unwrap(), store: None }
    }

    /// Somebody to call it.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Where the dialects answer.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.listening()
    }

    /// Where health and metrics answer.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.server.admin()
    }

    /// Asks the admin listener.
    pub(crate) async fn admin(&self, path: &str) -> Reply {
        Caller::of(&format!("http://{}", self.server.admin())).get(path).await
    }

    /// All that can be seen of the numbers: every one of them, and how many of each group are free.
    pub(crate) async fn state(&self) -> State {
        let list = self.caller.list().await;
        let metrics = self.admin("/metrics").await.text();
        let counts = metrics.lines().filter(|line| line.starts_with("dnis_gateway_numbers{"));
        State { list, counts: counts.map(str::to_owned).collect() }
    }

    /// Stops it and gives back its directory.
    pub(crate) async fn stop(self) -> TempDir {
        self.server.stop().await;
        self.data
    }
}

/// What can be seen of the state.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    list: serde_json::Value,
    counts: Vec<String>,
}
