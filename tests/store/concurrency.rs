//! The engine on disk under many callers at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dnis_gateway::domain::{InteractionId, Number, Refusal, Rules};
use dnis_gateway::store::sled::{Options, SledStore};
use dnis_gateway::store::{Error, Observer, Store, SystemClock};
use parking_lot::Mutex;

use crate::words::*;

const CALLERS: usize = 64;
const ROUNDS: usize = 20;

/// Counts commits and the commands in them.
#[derive(Default)]
struct Commits {
    commits: AtomicU32,
    commands: AtomicU32,
}

impl Observer for Commits {
    fn committed(&self, commands: usize, _sync: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(u32::try_from(commands).unwrap(), Ordering::Relaxed);
    }
}

/// Who holds which number, as the callers see it; none may see a number that another holds.
type Holders = Arc<Mutex<HashMap<Number, InteractionId>>>;

async fn caller(store: Arc<SledStore>, holders: Holders, name: String) {
    for _ in 0..ROUNDS {
        let lent = loop {
            match store.lend(&scope(), lend_to(&name), None).await {
                Ok(lent) => break lent,
                Err(Error::Refused(Refusal::Exhausted { .. })) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        let number = lent.allocation.number;
        let before = holders.lock().insert(number, interaction(&name));
        assert_eq!(before, None, "{number} is lent to {name} while it is held");
        let seen = store.number(&scope(), number).await.unwrap().unwrap().allocation;
        assert_eq!(seen.as_ref(), Some(&lent.allocation), "what is acknowledged is seen");
        holders.lock().remove(&number);
        let freed = store.free(&scope(), number).await.unwrap();
        assert_eq!(freed, Some(lent.allocation), "nobody else has freed it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_never_hold_one_number_at_a_time_and_share_their_syncs() {
    let directory = tempfile::tempdir().unwrap();
    let commits = Arc::new(Commits::default());
    let mut options = Options::new(directory.path(), Rules::default(), Arc::new(SystemClock::default()));
    options.observer = Arc::clone(&commits) as Arc<dyn Observer>;
    let store = Arc::new(SledStore::open(options).unwrap());
    for last in 0..10 {
        store.create_number(&scope(), number(&format!("10{last}")), None).await.unwrap();
    }

    let holders = Holders::default();
    let callers: Vec<_> = (0..CALLERS)
        .map(|at| tokio::spawn(caller(Arc::clone(&store), Arc::clone(&holders), format!("caller {at}"))))
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }

    let counts = store.pools().await.unwrap();
    assert_eq!((counts[0].free, counts[0].allocated), (10, 0));
    let (commits, commands) = (commits.commits.load(Ordering::Relaxed), commits.commands.load(Ordering::Relaxed));
    assert!(commands >= commits * 2, "{commands} commands took {commits} commits");

    store.close().await;
    drop(store);
    let reopened = crate::engine::open(directory.path()).unwrap();
    let page = reopened.numbers(&scope(), None, 0, 20).await.unwrap();
    assert_eq!(page.total, 10);
    assert!(page.numbers.iter().all(|found| found.allocation.is_none() && found.record.freed.is_some()));
}

#[tokio::test]
async fn after_closing_every_write_is_refused_and_reads_of_the_index_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = crate::engine::open(directory.path()).unwrap();
    store.create_number(&scope(), number("11"), None).await.unwrap();
    store.close().await;
    store.close().await;
    assert!(matches!(store.create_number(&scope(), number("12"), None).await, Err(Error::Unavailable(_))));
    assert!(matches!(store.ready().await, Err(Error::Unavailable(_))));
    assert!(store.number(&scope(), num("11")).await.unwrap().is_some());
}

#[tokio::test]
async fn whoever_was_queued_before_the_close_is_still_served() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(crate::engine::open(directory.path()).unwrap());
    let writes: Vec<_> = (0..50)
        .map(|at| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.create_number(&scope(), number(&format!("{}", 100 + at)), None).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await;
    let mut acknowledged = 0;
    for write in writes {
        match write.await.unwrap() {
            Ok(_) => acknowledged += 1,
            Err(error) => assert!(matches!(error, Error::Unavailable(_))),
        }
    }
    drop(store);
    let reopened = crate::engine::open(directory.path()).unwrap();
    assert_eq!(reopened.numbers(&scope(), None, 0, 0).await.unwrap().total, acknowledged);
    assert_eq!(acknowledged, 50, "all of them were queued before the close");
}
