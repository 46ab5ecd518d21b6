//! Many callers at several gateways at once, over a log that fails now and then. What each of them heard, and when, is
//! written down; afterwards the whole must be a history that one gateway alone could have had.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;

use rand::RngExt;

use super::several::{Cluster, is_unavailable, lend, run_on_threads};
use super::shared_log::Fault;
use super::*;
use crate::domain::state::Source;
use crate::domain::{AllocationFilter, AllocationId};

const GATEWAYS: usize = 3;
const CALLERS: usize = 9;
const CALLS: usize = 40;
const NUMBERS: [&str; 4] = ["1", "2", "3", "4"];

/// A moment in the order of everything that callers saw.
type Moment = u64;

/// What somebody knows of an allocation that was made for him.
#[derive(Clone, Debug)]
struct Lending {
    number: Number,
    /// Not lent before it was asked for, and lent when that was answered.
    asked: Moment,
    lent: Moment,
    /// Lent until somebody asked to free it, and free when that was answered, if it was.
    freeing: Option<Moment>,
    freed: Option<Moment>,
}

/// What somebody read of a number.
#[derive(Clone, Debug)]
struct Reading {
    number: Number,
    holder: Option<AllocationId>,
    began: Moment,
    ended: Moment,
}

/// Everything that callers heard.
#[derive(Default)]
struct History {
    clock: AtomicU64,
    lendings: Mutex<HashMap<AllocationId, Lending>>,
    readings: Mutex<Vec<Reading>>,
    unavailable: AtomicU64,
}

impl History {
    fn now(&self) -> Moment {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Asks for a number; what it is, where that is known.
    async fn lend(&self, cluster: &Cluster, at: [usize; 2], holder: &str) -> Option<AllocationId> {
        let asked = self.now();
        let outcome = cluster.at(at[0]).lend(&scope(), lend(holder, Source::Anywhere), None).await;
        let allocation = match outcome {
            Ok(lent) => lent.allocation,
            Err(Error::Refused(Refusal::Exhausted { .. })) => return None,
            Err(error) => {
                // Whether it was lent shows wherever one looks.
                assert!(is_unavailable::<()>(&Err(error)));
                self.unavailable.fetch_add(1, Ordering::Relaxed);
                let id = InteractionId::new(holder).unwrap();
                let filter = AllocationFilter { interaction: Some(id), ..AllocationFilter::default() };
                let held = cluster.at(at[1]).allocations_after(&scope(), &filter, None, 2).await.unwrap();
                assert!(held.items.len() <= 1, "an undone request leaves nothing");
                held.items.into_iter().next()?
            }
        };
        let lending = Lending { number: allocation.number, asked, lent: self.now(), freeing: None, freed: None };
        assert!(self.lendings.lock().insert(allocation.id, lending).is_none(), "an id is given once");
        Some(allocation.id)
    }

    /// Frees what is lent, and asks again at the next gateway where nobody knows whether it was freed.
    async fn free(&self, cluster: &Cluster, mut at: usize, id: AllocationId) {
        let freeing = Some(self.now());
        self.lendings.lock().get_mut(&id).unwrap().freeing = freeing;
        let mut unknown = false;
        loop {
            let outcome = cluster.at(at).free_allocation(&scope(), id).await;
            if outcome.is_ok() || unknown && outcome == Err(Refusal::AllocationUnknown(id).into()) {
                break;
            }
            assert!(is_unavailable(&outcome), "what was lent is there to be freed: {outcome:?}");
            self.unavailable.fetch_add(1, Ordering::Relaxed);
            unknown = true;
            at = (at + 1) % GATEWAYS;
        }
        let freed = Some(self.now());
        self.lendings.lock().get_mut(&id).unwrap().freed = freed;
    }

    async fn read(&self, cluster: &Cluster, at: usize, number: Number) {
        let began = self.now();
        let found = cluster.at(at).number(&scope(), number).await.unwrap().unwrap();
        let ended = self.now();
        let holder = found.allocation.map(|allocation| allocation.id);
        self.readings.lock().push(Reading { number, holder, began, ended });
    }

    /// One caller's calls, at whatever gateway.
    async fn call(&self, cluster: &Cluster, caller: usize, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed * 1000 + caller as u64);
        let mut held = Vec::new();
        for call in 0..CALLS {
            let at = [rng.random_range(0..GATEWAYS), rng.random_range(0..GATEWAYS)];
            match rng.random_range(0..10) {
                0..4 if held.is_empty() => held.extend(self.lend(cluster, at, &format!("{caller}-{call}")).await),
                0..5 if !held.is_empty() => self.free(cluster, at[0], held.remove(0)).await,
                9 => {
                    let faults = [Fault::NotBegun, Fault::Undone, Fault::Lost, Fault::Unknown];
                    cluster.fail(at[0], [faults[rng.random_range(0..faults.len())]]);
                }
                _ => {
                    let number = NUMBERS[rng.random_range(0..NUMBERS.len())];
                    self.read(cluster, at[0], Number::new(number).unwrap()).await;
                }
            }
        }
    }

    /// Whether one gateway alone could have said all of this.
    fn check(&self, tables: &Tables, now: Timestamp) {
        let lendings = self.lendings.lock();
        let mut of_number = BTreeMap::<Number, Vec<(&AllocationId, &Lending)>>::new();
        for (id, lending) in lendings.iter() {
            of_number.entry(lending.number).or_default().push((id, lending));
        }
        for (number, lendings) in &of_number {
            for (one, first) in lendings {
                for (other, second) in lendings.iter().filter(|(other, _)| other > one) {
                    let apart = first.freeing.is_some_and(|freeing| freeing < second.lent);
                    assert!(apart, "{number} was held twice: {one:?} {first:?} and {other:?} {second:?}");
                }
            }
            let holder = tables.number(&scope(), *number, now).unwrap().allocation.map(|allocation| allocation.id);
            for (id, lending) in lendings {
                match (lending.freeing, lending.freed) {
                    (None, _) => assert_eq!(holder, Some(**id), "what was acknowledged is there: {lending:?}"),
                    (_, Some(_)) => assert_ne!(holder, Some(**id), "what was freed is not: {lending:?}"),
                    _ => {}
                }
            }
        }
        for reading in self.readings.lock().iter() {
            let lendings = of_number.get(&reading.number).into_iter().flatten();
            for (id, lending) in lendings {
                let surely_held =
                    lending.lent < reading.began && lending.freeing.is_none_or(|freeing| reading.ended < freeing);
                let surely_not =
                    reading.ended < lending.asked || lending.freed.is_some_and(|freed| freed < reading.began);
                let read = reading.holder == Some(**id);
                assert!(read || !surely_held, "{reading:?} is older than {id:?} {lending:?}");
                assert!(!read || !surely_not, "{reading:?} is older, or newer, than {id:?} {lending:?}");
            }
        }
    }
}

#[test]
fn what_many_callers_hear_of_several_gateways_one_alone_could_have_said() {
    for seed in 0..8 {
        run_on_threads(async move {
            let (cluster, history) = (Arc::new(Cluster::new(GATEWAYS)), Arc::new(History::default()));
            cluster.lift_quotas().await;
            for number in NUMBERS {
                cluster.create(0, number).await.unwrap();
            }
            let callers: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    let (cluster, history) = (Arc::clone(&cluster), Arc::clone(&history));
                    tokio::spawn(async move { history.call(&cluster, caller, seed).await })
                })
                .collect();
            for caller in callers {
                caller.await.unwrap();
            }
            cluster.have_no_more_faults();
            cluster.check_same().await;
            history.check(&cluster.shared.tables(), cluster.clock.now());
            let (lent, unavailable) = (history.lendings.lock().len(), history.unavailable.load(Ordering::Relaxed));
            assert!(lent > 20 && unavailable > 0, "much has happened: {lent} lent, {unavailable} failed");
        });
    }
}
