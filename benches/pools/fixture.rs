//! The store with many numbers in it.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dnis_gateway::domain::state::{Holder, Lend, Repeat, Source};
use dnis_gateway::domain::{GroupName, LentBy, NewNumber, Number, Rules, Scope, Seconds, TenantId};
use dnis_gateway::store::sled::{Options, SledStore};
use dnis_gateway::store::{Clock, Store, SystemClock};
use futures_util::StreamExt;
use parking_lot::Mutex;

/// Commands that wait at the same time while something is filled.
pub(crate) const AT_ONCE: usize = 512;

/// How many of everything.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) numbers: usize,
    pub(crate) groups: usize,
    pub(crate) lent: usize,
}

impl Size {
    /// A million numbers in a thousand groups, a fifth of them lent; `NUMBERS` makes it smaller or larger.
    pub(crate) fn from_environment() -> Self {
        let numbers = std::env::var("NUMBERS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
        Self { numbers, groups: (numbers / 1000).max(1), lent: numbers / 5 }
    }

    /// Creates the numbers and lends some. The longest that anybody waited for a number to be created.
    pub(crate) async fn fill(&self, store: &Arc<SledStore>) -> Duration {
        let groups = self.groups;
        let longest = Arc::new(Mutex::new(Duration::ZERO));
        many(self.numbers, |at| {
            let (store, longest) = (Arc::clone(store), Arc::clone(&longest));
            async move {
                let began = Instant::now();
                store.create_number(&scope(), new_number(at, at % groups), None).await.expect("the number is new");
                let mut longest = longest.lock();
                *longest = began.elapsed().max(*longest);
            }
        })
        .await;
        many(self.lent, |at| {
            let store = Arc::clone(store);
            async move {
                store.lend(&scope(), lend(at % groups, LONG), None).await.expect("the group has a number to lend");
            }
        })
        .await;
        *longest.lock()
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers in {} groups, {} of them lent", self.numbers, self.groups, self.lent)
    }
}

/// Longer than any measurement.
pub(crate) const LONG: Seconds = Seconds::new(24 * 3600);

/// Runs so many commands, several at once.
pub(crate) async fn many<F: Future<Output = ()> + Send + 'static>(count: usize, command: impl FnMut(usize) -> F) {
    futures_util::stream::iter((0..count).map(command)).buffer_unordered(AT_ONCE).for_each(|()| async {}).await;
}

pub(crate) fn scope() -> Scope {
    Scope { tenant: TenantId::new("acme").expect("a valid id"), environment: None }
}

pub(crate) fn new_number(at: usize, group: usize) -> NewNumber {
    let number = |text: String| Number::new(&text).expect("digits are a valid number");
    NewNumber {
        number: number(format!("4930{at:09}")),
        dnid: number(format!("{at:09}")),
        group: Some(group_name(group)),
        enabled: true,
    }
}

fn group_name(group: usize) -> GroupName {
    GroupName::new(&format!("group {group:04}")).expect("a valid name")
}

/// A request for a number of a group and a new interaction.
pub(crate) fn lend(group: usize, lasting: Seconds) -> Lend {
    Lend {
        holder: Holder::New,
        source: Source::group(group_name(group)),
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting,
        interaction_ttl: Seconds::new(0),
        code: None,
        caller: None,
        data: Vec::new(),
        data_ttl: None,
        application: None,
    }
}

/// Opens a data directory by the system's clock.
pub(crate) fn open(directory: &Path) -> Arc<SledStore> {
    open_by(directory, Arc::new(SystemClock::default()))
}

/// Opens a data directory by a clock.
pub(crate) fn open_by(directory: &Path, clock: Arc<dyn Clock>) -> Arc<SledStore> {
    let store = SledStore::open(Options::new(directory, Rules::default(), clock));
    Arc::new(store.unwrap_or_else(|error| panic!("{error}")))
}

/// Closes a store that nobody uses any more.
pub(crate) async fn close(store: Arc<SledStore>) {
    store.close().await;
}

/// Memory of this process that is resident now.
pub(crate) fn memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}
