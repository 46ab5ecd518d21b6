//! A run: one data directory, many lives, and a seed that says when each ends.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinHandle;

use crate::audit::{Audit, Depth};
use crate::disk::{Cut, Disk};
use crate::gateway::{Gateway, Home, seeded};
use crate::ledger::{Phone, now};
use crate::load::{Client, ROLES, SharedLedger, open};
use crate::wire::Wire;

/// How long the load may run before a kill, in milliseconds.
const LOAD: std::ops::Range<u64> = 40..500;
/// How long after SIGTERM the kill comes, in milliseconds.
const FAREWELL: std::ops::Range<u64> = 0..25;
/// How long Interact lends numbers, in seconds: usually longer than any run, sometimes until soon after the restart.
const LASTING: u64 = 36_000;
const SHORT: u64 = 3;

/// What came to pass.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Kills before the gateway said that it listens, under load, and after SIGTERM.
    pub(crate) starting: usize,
    pub(crate) working: usize,
    pub(crate) stopping: usize,
    /// It was faster than the kill: it listened already, or had stopped already.
    pub(crate) too_late: usize,
    /// Power cuts that had something to take, and crashes of a database.
    pub(crate) cuts: usize,
    pub(crate) acknowledged: usize,
    pub(crate) found_done: usize,
    pub(crate) found_undone: usize,
    pub(crate) lendings: usize,
    pub(crate) documents: usize,
    pub(crate) numbers: usize,
}

impl Tally {
    /// All kills that hit a gateway which was alive.
    pub(crate) fn kills(&self) -> usize {
        self.starting + self.working + self.stopping
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills: {} while starting, {} under load, {} while stopping ({} more came too late); \
             {} power cuts; {} operations acknowledged, {} without an answer found done, {} found not done; \
             {} lendings, {} documents, {} numbers",
            self.kills(),
            self.starting,
            self.working,
            self.stopping,
            self.too_late,
            self.cuts,
            self.acknowledged,
            self.found_done,
            self.found_undone,
            self.lendings,
            self.documents,
            self.numbers
        )
    }
}

/// How a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Starting,
    Working,
    Stopping,
}

/// A run.
pub(crate) struct Run<'a> {
    pub(crate) home: &'a Home,
    pub(crate) ledger: SharedLedger,
    clients: Vec<Client>,
    pub(crate) rng: StdRng,
    tally: Tally,
    /// How long the last whole start took.
    start: Duration,
    lasting: u64,
}

impl<'a> Run<'a> {
    /// A run over an empty home.
    pub(crate) fn new(home: &'a Home, seed: u64) -> Self {
        let ledger = SharedLedger::default();
        for (number, dnid, group) in seeded() {
            let phone = Phone { dnid, group: group.to_owned(), acknowledged: true };
            open(&ledger).phones.insert(number, phone);
        }
        let clients = (0..ROLES.len()).map(|index| Client::new(index, seed, &ledger)).collect();
        let rng = StdRng::seed_from_u64(seed);
        let start = Duration::from_millis(100);
        home.configure(LASTING);
        Self { home, ledger, clients, rng, tally: Tally::default(), start, lasting: LASTING }
    }

    /// What must not be.
    pub(crate) fn violations(&self) -> Vec<String> {
        open(&self.ledger).violations.clone()
    }

    /// What came to pass so far.
    pub(crate) fn tally(&self) -> Tally {
        let ledger = open(&self.ledger);
        Tally {
            acknowledged: ledger.acknowledged,
            found_done: ledger.found_done,
            found_undone: ledger.found_undone,
            lendings: ledger.lendings.len(),
            documents: ledger.documents.len(),
            numbers: ledger.phones.len(),
            ..self.tally
        }
    }

    /// Kills the very first starts, which make the data directory and its first numbers.
    pub(crate) async fn kill_while_it_makes_its_directory(&mut self, kills: usize) {
        for _ in 0..kills {
            self.kill_start();
        }
    }

    /// Lives and deaths until there were so many kills more, or something is wrong.
    pub(crate) async fn kill_under_load(&mut self, kills: usize) {
        let goal = self.tally.kills() + kills;
        // The order is random, but a run has each kind of kill.
        let mut due = vec![End::Stopping, End::Starting];
        while self.tally.kills() < goal && self.violations().is_empty() {
            let end = match self.rng.random_range(0..100) {
                _ if kills > due.len() && !due.is_empty() => due.remove(0),
                0..20 => End::Starting,
                20..40 => End::Stopping,
                _ => End::Working,
            };
            if end == End::Starting {
                self.kill_start();
                continue;
            }
            self.lasting = if self.rng.random_bool(0.2) { SHORT } else { LASTING };
            self.home.configure(self.lasting);
            let Some((gateway, wire)) = self.begin() else { return };
            self.audit(&wire, Depth::Sample).await;
            self.work_and_die(gateway, &wire, end).await;
        }
    }

    /// Ends the run: everything is looked at, every free number lent; after an orderly stop and one more start all of
    /// it is still there.
    pub(crate) async fn end_in_good_order(&mut self) {
        self.lasting = LASTING;
        self.home.configure(LASTING);
        let Some((gateway, wire)) = self.begin() else { return };
        self.audit(&wire, Depth::Everything).await;
        self.drain(&wire).await;
        self.stop(gateway);
        self.audit_once().await;
    }

    /// Starts the gateway, looks at everything, and stops it.
    pub(crate) async fn audit_once(&mut self) {
        let Some((gateway, wire)) = self.begin() else { return };
        self.audit(&wire, Depth::Everything).await;
        self.stop(gateway);
    }

    /// Whether the gateway starts; it is stopped again.
    ///
    /// # Errors
    /// It does not.
    pub(crate) fn starts(&mut self) -> Result<(), String> {
        let mut gateway = self.home.spawn();
        gateway.listening()?;
        self.stop(gateway);
        Ok(())
    }

    /// Starts the gateway and waits until it listens; where that fails, it is noted as a violation.
    pub(crate) fn begin(&mut self) -> Option<(Gateway, Wire)> {
        let mut gateway = self.home.spawn();
        match gateway.listening() {
            Ok((base, took)) => {
                self.start = took;
                Some((gateway, Wire::new(&base)))
            }
            Err(reason) => {
                open(&self.ledger).violation(format!("the gateway did not start: {reason}"));
                None
            }
        }
    }

    fn stop(&mut self, gateway: Gateway) {
        gateway.terminate();
        if let Err(reason) = gateway.stopped() {
            open(&self.ledger).violation(format!("the gateway did not stop: {reason}"));
        } else if self.home.has_disk()
            && let Err(reason) = self.home.with_disk(Disk::record_is_whole)
        {
            open(&self.ledger).violation(reason);
        }
        self.cut_power();
    }

    /// Where the power can fail, it mostly fails now: the gateway is gone, and with it goes what was not synced. Now and
    /// then only the gateway is gone, and the next one finds what the system has in its memory still. A database mostly
    /// lives on.
    fn cut_power(&mut self) {
        if let Some(server) = self.home.database() {
            if self.rng.random_bool(0.1) {
                server.crash();
                server.begin();
                self.tally.cuts += 1;
            }
            return;
        }
        if self.home.has_disk() && self.rng.random_bool(0.2) {
            self.home.with_disk(Disk::stays);
            return;
        }
        let cut = Cut::ALL[self.rng.random_range(0..Cut::ALL.len())];
        self.cut_power_so(cut);
    }

    /// The same, with this fate for what was not synced.
    pub(crate) fn cut_power_so(&mut self, cut: Cut) {
        if self.home.has_disk() {
            let took = self.home.with_disk(|disk| disk.cut(cut, &mut self.rng));
            self.tally.cuts += usize::from(took);
        }
    }

    fn kill_start(&mut self) {
        let gateway = self.home.spawn();
        let after = self.start.as_secs_f64() * self.rng.random_range(0.0..1.0);
        std::thread::sleep(Duration::from_secs_f64(after));
        let death = gateway.kill();
        self.cut_power();
        if death.ended {
            open(&self.ledger).violation("the gateway ended by itself while it started");
        } else if death.announced {
            self.tally.too_late += 1;
        } else {
            self.tally.starting += 1;
        }
    }

    /// Sends the clients to work.
    pub(crate) fn set_to_work(&mut self, wire: &Wire) -> Vec<JoinHandle<Client>> {
        let work = self.clients.drain(..).map(|client| tokio::spawn(client.work(wire.clone(), self.lasting)));
        work.collect()
    }

    /// Waits until every client has given up.
    pub(crate) async fn come_back(&mut self, work: Vec<JoinHandle<Client>>) {
        for client in work {
            self.clients.push(client.await.expect("no client panics"));
        }
    }

    async fn work_and_die(&mut self, gateway: Gateway, wire: &Wire, end: End) {
        let work = self.set_to_work(wire);
        tokio::time::sleep(Duration::from_millis(self.rng.random_range(LOAD))).await;
        let signalled = now();
        if end == End::Stopping {
            gateway.terminate();
            tokio::time::sleep(Duration::from_millis(self.rng.random_range(FAREWELL))).await;
        }
        let death = gateway.kill();
        let died = now();
        self.cut_power();
        match end {
            _ if death.ended => self.tally.too_late += 1,
            End::Starting => self.tally.starting += 1,
            End::Stopping => self.tally.stopping += 1,
            End::Working => self.tally.working += 1,
        }
        self.come_back(work).await;
        let mut ledger = open(&self.ledger);
        ledger.died(died);
        if death.ended && end == End::Working {
            ledger.violation("the gateway ended by itself under load");
        }
        for (when, how) in std::mem::take(&mut ledger.unclear) {
            if when < signalled {
                ledger.violation(format!("the gateway lived, but did not answer: {how}"));
            }
        }
    }

    async fn audit(&mut self, wire: &Wire, depth: Depth) {
        // Nobody else works now; the ledger is taken out so that it is not locked over the requests.
        let mut ledger = std::mem::take(&mut *open(&self.ledger));
        Audit { wire, ledger: &mut ledger, rng: &mut self.rng, depth }.run().await;
        *open(&self.ledger) = ledger;
    }

    async fn drain(&mut self, wire: &Wire) {
        let mut ledger = std::mem::take(&mut *open(&self.ledger));
        let mut audit = Audit { wire, ledger: &mut ledger, rng: &mut self.rng, depth: Depth::Everything };
        if let Err(failure) = audit.drain(LASTING).await {
            ledger.violation(format!("the free numbers were not lent as they must be: {failure:?}"));
        }
        *open(&self.ledger) = ledger;
    }
}
