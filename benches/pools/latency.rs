//! How long one command takes: beside many numbers, and while many allocations end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dnis_gateway::domain::{Seconds, Timestamp};
use dnis_gateway::store::sled::SledStore;
use dnis_gateway::store::{Clock, ManualClock, Store};
use tempfile::TempDir;

use crate::fixture::{LONG, Size, close, lend, many, new_number, open, open_by, scope};
use crate::marks::Marks;

/// Lendings that are timed on each of two stores.
const TIMED: usize = 3000;
/// Allocations that end within one second.
const ENDING: usize = 100_000;

/// Lends from a big and from a small pool in turn, so that both meet the same disk.
pub(crate) async fn of_lending(big: &Path, size: &Size, marks: &mut Marks) {
    let directory = TempDir::new().expect("a directory for the data");
    let small = open(directory.path());
    let few = Size { numbers: 1000, groups: 1, lent: 200 };
    few.fill(&small).await;
    let big = open(big);
    let (mut of_big, mut of_small) = (Vec::new(), Vec::new());
    for at in 0..TIMED {
        of_big.push(timed_lending(&big, at % size.groups).await);
        of_small.push(timed_lending(&small, 0).await);
    }
    let (of_big, of_small) = (percentile(&mut of_big, 50.0), percentile(&mut of_small, 50.0));
    marks.note("lend and free, p50 of 1000 numbers, us", of_small);
    marks.note("lend and free, p50 of all numbers, us", of_big);
    marks.at_most("lend and free, p50 of all over that of 1000", of_big / of_small, 1.3);
    close(small).await;
    close(big).await;
}

/// Lends a number and frees it again; the microseconds of both.
async fn timed_lending(store: &SledStore, group: usize) -> f64 {
    let began = Instant::now();
    let lent = store.lend(&scope(), lend(group, LONG), None).await.expect("the group has a number to lend");
    store.free(&scope(), lent.allocation.number).await.expect("the number is lent");
    began.elapsed().as_secs_f64() * 1e6
}

/// A second in which many allocations end, one millisecond after another, and before it one in which none does; each
/// with the same others who lend and free.
pub(crate) async fn while_many_end(marks: &mut Marks) {
    let directory = TempDir::new().expect("a directory for the data");
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let store = open_by(directory.path(), Arc::clone(&clock) as Arc<dyn Clock>);
    let numbers = 2 * ENDING;
    many(numbers, |at| {
        let store = Arc::clone(&store);
        async move {
            store.create_number(&scope(), new_number(at, at % 100), None).await.expect("the number is new");
        }
    })
    .await;
    // A thousand milliseconds, so many lendings in each.
    for _ in 0..1000 {
        many(ENDING / 1000, |at| {
            let store = Arc::clone(&store);
            async move {
                store
                    .lend(&scope(), lend(at % 100, Seconds::new(10)), None)
                    .await
                    .expect("the group has a number to lend");
            }
        })
        .await;
        clock.advance_millis(1);
    }
    // What was just written is moved into the tree first, so that the usual second is one.
    close(store).await;
    let store = open_by(directory.path(), Arc::clone(&clock) as Arc<dyn Clock>);
    let mut quiet = others_for_a_second(&store, &clock).await;
    clock.advance_millis(10_000 - 2_000);
    let mut stormy = others_for_a_second(&store, &clock).await;
    let (p99_quiet, p99_stormy) = (percentile(&mut quiet, 99.0), percentile(&mut stormy, 99.0));
    marks.note("others' p99 in a usual second, us", p99_quiet);
    marks.note("others' p99 while 100 000 allocations end in a second, us", p99_stormy);
    marks.at_most("others' p99 while 100 000 end over the usual", p99_stormy / p99_quiet, 3.0);
    close(store).await;
}

/// Sixteen clients lend and free for a second, while the clock follows the time that passes. How long each took.
async fn others_for_a_second(store: &Arc<SledStore>, clock: &Arc<ManualClock>) -> Vec<f64> {
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..16)
        .map(|client| {
            let (store, over) = (Arc::clone(store), Arc::clone(&over));
            tokio::spawn(async move {
                let mut took = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    took.push(timed_lending(&store, client).await);
                }
                took
            })
        })
        .collect();
    let (began, mut shown) = (Instant::now(), 0);
    while shown < 1000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let passed = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).min(1000);
        clock.advance_millis(passed - shown);
        shown = passed;
    }
    over.store(true, Ordering::Relaxed);
    let mut took = Vec::new();
    for client in clients {
        took.extend(client.await.expect("a client ends"));
    }
    took
}

fn percentile(figures: &mut [f64], percent: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let at = ((figures.len() - 1) as f64 * percent / 100.0).round();
    figures[at as usize]
}
