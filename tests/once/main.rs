//! Retries through a proxy that cuts connections between request and answer, against the real binary: whatever is cut,
//! no key ever gets two allocations, and no repetition names a number that somebody else holds.
//!
//! `ONCE_CALLS` sets how many allocations are asked for, `ONCE_SEED` repeats the draws of an earlier run (the machine's own
//! timing is not repeated). `cargo test --test once -- --nocapture` shows the tally.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

mod client;
mod gateway;
mod proxy;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dnis_gateway::domain::{HistoryQuery, Number, Rules, Scope, TenantId};
use dnis_gateway::store::sled::{Options, SledStore};
use dnis_gateway::store::{Store, SystemClock};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use client::{Client, Dialect, Outcome};
use gateway::Gateway;
use proxy::Proxy;

/// Allocations in a run where nothing else is said.
const CALLS: usize = 10_000;
/// Clients at a time; each has a number or two at a time, so that numbers go round quickly.
const CLIENTS: usize = 16;
/// Of so many requests one is cut, on average, and as often one is before it is sent.
const ONE_CUT_IN: u32 = 4;

/// What has happened.
#[derive(Debug, Default)]
struct Tally {
    /// Keys under which a number was told.
    lent: AtomicUsize,
    /// Keys whose number had ended before it was ever told.
    missed: AtomicUsize,
    repeated: AtomicUsize,
    spent: AtomicUsize,
    exhausted: AtomicUsize,
    unanswered: AtomicUsize,
}

fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is '{text}'; a whole number is allowed")))
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// One client: it asks for numbers under keys until each is answered, repeats requests that were answered, and frees what
/// it got, or lets it expire.
async fn play(client: Client, calls: usize, mut rng: StdRng, tally: Arc<Tally>) {
    for call in 0..calls {
        let dialect = Dialect::ALL[rng.random_range(0..Dialect::ALL.len())];
        let holder = client.name(call);
        let Some(number) = allocate(&client, dialect, &holder, &tally).await else { continue };
        // Whoever was answered may still ask again, because the answer was lost behind the client.
        for _ in 0..rng.random_range(0..3) {
            match client.allocate(dialect, &holder).await {
                Outcome::Lent(again) => {
                    count(&tally.repeated);
                    assert_eq!(again, number, "{holder} was lent two numbers under one key");
                    if client.holder_of(&number).await.is_some_and(|now| now != holder) {
                        // Its time was over just now, or it was never its own.
                        expect_spent(&client, dialect, &holder, &tally).await;
                    }
                }
                // The time of the allocation was over.
                Outcome::Spent => count(&tally.spent),
                Outcome::Unanswered => count(&tally.unanswered),
                Outcome::Exhausted => panic!("{holder} holds {number}, and a repetition lends nothing"),
            }
        }
        // The others run into their deadlines, a few seconds each, while everybody waits for numbers.
        if rng.random_ratio(49, 50) {
            end(&client, dialect, &holder, &number, &tally).await;
        }
    }
}

/// Asks until there is an answer. A refusal for want of numbers leaves the key as it was.
async fn allocate(client: &Client, dialect: Dialect, holder: &str, tally: &Tally) -> Option<String> {
    for _ in 0..1_000 {
        match client.allocate(dialect, holder).await {
            Outcome::Lent(number) => {
                count(&tally.lent);
                return Some(number);
            }
            Outcome::Spent => {
                count(&tally.missed);
                return None;
            }
            Outcome::Exhausted => {
                count(&tally.exhausted);
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Outcome::Unanswered => count(&tally.unanswered),
        }
    }
    panic!("{holder} gets no answer");
}

/// Frees the number if its holder still has it; from then on the key must be spent, whoever has the number.
async fn end(client: &Client, dialect: Dialect, holder: &str, number: &str, tally: &Tally) {
    if client.free_if_held(number, holder).await {
        expect_spent(client, dialect, holder, tally).await;
    }
}

/// What was lent under the key has ended, so nothing else may be told.
async fn expect_spent(client: &Client, dialect: Dialect, holder: &str, tally: &Tally) {
    loop {
        match client.allocate(dialect, holder).await {
            Outcome::Spent => return count(&tally.spent),
            Outcome::Unanswered => count(&tally.unanswered),
            other => panic!("what {holder} was lent has ended, and it was told {other:?} under the same key"),
        }
    }
}

/// How many allocations there ever were, and how many of them were not the first of their interaction, by the history that
/// the gateway has left behind.
async fn remembered(data: &Path) -> (usize, usize) {
    let store = SledStore::open(Options::new(data, Rules::default(), Arc::new(SystemClock::default()))).unwrap();
    let scope = Scope { tenant: TenantId::new(gateway::TENANT).unwrap(), environment: None };
    let (mut all, mut holders) = (0, HashSet::new());
    for number in gateway::numbers() {
        let number = Number::new(&number).unwrap();
        let mut query = HistoryQuery { number, from: None, to: None, after: None, limit: 1_000 };
        loop {
            let page = store.history(&scope, query).await.unwrap();
            all += page.entries.len();
            holders.extend(page.entries.into_iter().map(|held| held.allocation.interaction.clone()));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
    }
    store.close().await;
    (all, all - holders.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_retried_allocations_with_cut_connections_lend_no_second_number_and_name_nobody_elses() {
    let seed = from_environment("ONCE_SEED").unwrap_or_else(rand::random);
    let calls: usize = from_environment("ONCE_CALLS").unwrap_or(CALLS);
    println!("ONCE_SEED={seed} ONCE_CALLS={calls}");
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path());
    let proxy = Proxy::start(gateway.address(), ONE_CUT_IN, seed).await;
    let tally = Arc::new(Tally::default());
    let players = (0..CLIENTS).map(|at| {
        let client = Client::new(at, proxy.address(), gateway.address());
        let rng = StdRng::seed_from_u64(seed.wrapping_add(at as u64));
        tokio::spawn(play(client, calls.div_ceil(CLIENTS), rng, Arc::clone(&tally)))
    });
    for player in players.collect::<Vec<_>>() {
        if let Err(panicked) = player.await {
            panic!("ONCE_SEED={seed}: {panicked}");
        }
    }
    println!("{tally:?}, {} connections cut", proxy.cuts());
    let keys = tally.lent.load(Ordering::Relaxed) + tally.missed.load(Ordering::Relaxed);
    assert_eq!(keys, calls.div_ceil(CLIENTS) * CLIENTS, "{tally:?}");
    drop(gateway);
    assert_eq!(remembered(&directory.path().join("data")).await, (keys, 0), "ONCE_SEED={seed}: one allocation a key");
    assert!(proxy.cuts() >= calls / 8, "hardly anything was cut: {} times", proxy.cuts());
    assert!(tally.repeated.load(Ordering::Relaxed) >= calls / 8, "{tally:?}");
}
