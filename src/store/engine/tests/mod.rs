//! What only shows from inside: batches, what readers see while one is being committed, commands that panic, and several
//! engines over one log.

mod histories;
mod several;
mod shared_log;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use rand::SeedableRng;

use super::*;
use crate::domain::{InteractionId, NewInteraction, NewNumber, Number, NumberId, Refusal, Seconds, TenantId};
use crate::store::memory::Forgetful;
use crate::store::{ManualClock, Store, SystemClock};

fn scope() -> Scope {
    Scope { tenant: TenantId::new("acme").unwrap(), environment: None }
}

fn new_number(text: &str) -> NewNumber {
    let number = Number::new(text).unwrap();
    NewNumber { number, dnid: number, group: None, enabled: true }
}

/// Notes how many commands each commit had.
#[derive(Default)]
struct Commits {
    commits: AtomicUsize,
    commands: AtomicUsize,
}

impl Observer for Commits {
    fn committed(&self, commands: usize, _sync: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commands.fetch_add(commands, Ordering::Relaxed);
    }
}

struct Fixture {
    store: Arc<Engine<Forgetful>>,
    commits: Arc<Commits>,
}

fn fixture() -> Fixture {
    fixture_with(Arc::new(SystemClock::default()))
}

fn fixture_with(clock: Arc<dyn Clock>) -> Fixture {
    let commits = Arc::new(Commits::default());
    let observer = Arc::clone(&commits) as Arc<dyn Observer>;
    let beginning = Beginning {
        log: Forgetful::new(1),
        status: Status::default(),
        tables: Tables::default(),
        last_commit: Timestamp::default(),
        rules: Rules::default(),
        clock,
        rng: StdRng::seed_from_u64(1),
        observer,
    };
    Fixture { store: Arc::new(Engine::start(beginning).unwrap()), commits }
}

impl Fixture {
    async fn known(&self, text: &str) -> bool {
        self.store.number(&scope(), Number::new(text).unwrap()).await.unwrap().is_some()
    }

    /// Has the writer create a number and then stand still in the middle of the batch. Tells when it stands, and goes
    /// on when it is told to.
    fn stand_still(&self, text: &'static str) -> (Receiver<()>, Sender<()>, tokio::task::JoinHandle<Result<()>>) {
        let (stands, standing) = channel();
        let (go, told) = channel();
        let store = Arc::clone(&self.store);
        let outcome = tokio::spawn(async move {
            let stop = move |context: &mut CommandContext<'_>| {
                context.turn().create_number(&scope(), new_number(text))?;
                stands.send(()).unwrap();
                told.recv().unwrap();
                Ok(())
            };
            store.write(stop).await
        });
        (standing, go, outcome)
    }

    fn create(&self, text: String) -> tokio::task::JoinHandle<Result<NumberId>> {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move { store.create_number(&scope(), new_number(&text), None).await })
    }

    /// Waits until this many commands are in the queue.
    async fn queued(&self, commands: usize) {
        while self.store.queue.max_capacity() - self.store.queue.capacity() < commands {
            tokio::task::yield_now().await;
        }
    }
}

async fn stands(standing: Receiver<()>) {
    tokio::task::spawn_blocking(move || standing.recv().unwrap()).await.unwrap();
}

#[tokio::test]
async fn readers_see_nothing_of_a_batch_before_it_is_durable_and_do_not_wait_for_it() {
    let fixture = fixture();
    let (standing, go, outcome) = fixture.stand_still("1");
    stands(standing).await;
    assert!(!fixture.known("1").await, "the writer has it, the readers do not");
    assert_eq!(fixture.commits.commits.load(Ordering::Relaxed), 0);
    go.send(()).unwrap();
    outcome.await.unwrap().unwrap();
    assert_eq!(fixture.commits.commits.load(Ordering::Relaxed), 1);
    assert!(fixture.known("1").await);
}

#[tokio::test]
async fn whatever_queues_up_while_the_writer_is_busy_becomes_one_commit() {
    let fixture = fixture();
    let (standing, go, outcome) = fixture.stand_still("1");
    stands(standing).await;
    let waiting: Vec<_> = (100..200).map(|at| fixture.create(at.to_string())).collect();
    fixture.queued(100).await;
    go.send(()).unwrap();
    outcome.await.unwrap().unwrap();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    let Commits { commits, commands } = &*fixture.commits;
    assert_eq!((commits.load(Ordering::Relaxed), commands.load(Ordering::Relaxed)), (1, 101));
}

/// Begins interactions of one second's life, a hundred in each of so many milliseconds.
async fn begin_hundreds(fixture: &Fixture, clock: &ManualClock, milliseconds: usize) {
    for millisecond in 0..milliseconds {
        let begin = move |context: &mut CommandContext<'_>| {
            for at in 0..100 {
                let id = InteractionId::new(&(100 * millisecond + at).to_string()).unwrap();
                let new = NewInteraction { lasting: Some(Seconds::new(1)), ..id.into() };
                context.turn().create_interaction(&scope(), new)?;
            }
            Ok(())
        };
        fixture.store.write(begin).await.unwrap();
        clock.advance_millis(1);
    }
}

#[tokio::test]
async fn what_fell_due_during_a_long_standstill_ends_in_several_batches() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1)));
    let fixture = fixture_with(Arc::clone(&clock) as Arc<dyn Clock>);
    begin_hundreds(&fixture, &clock, 50).await;
    assert_eq!(fixture.commits.commits.load(Ordering::Relaxed), 50);
    clock.advance_millis(10_000);
    fixture.store.sweep().await.unwrap();
    assert_eq!(fixture.commits.commits.load(Ordering::Relaxed), 50 + 3, "2000, 2000 and the last 1000");
    assert!(
        fixture.store.view.read().tables.known_interaction(&scope(), &InteractionId::new("4999").unwrap()).is_none()
    );
}

#[tokio::test]
async fn while_much_falls_due_commands_are_decided_as_of_a_moment_ago_and_then_as_of_now() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1)));
    let fixture = fixture_with(Arc::clone(&clock) as Arc<dyn Clock>);
    begin_hundreds(&fixture, &clock, 5).await;
    clock.advance_millis(1000);
    let now = clock.now();
    let decided_as_of = async |id: &str| {
        let new = NewInteraction::from(InteractionId::new(id).unwrap());
        fixture.store.create_interaction(&scope(), new, None).await.unwrap().since
    };
    let first = decided_as_of("new").await;
    assert_eq!(first, Timestamp::from_millis(1001), "as of the first millisecond in which something ended");
    let mut tried = 0;
    while decided_as_of(&format!("new {tried}")).await < now {
        tried += 1;
    }
    assert!(tried < 1000, "endings have their turns");
    let view = &fixture.store.view.read().tables;
    assert!(
        (0..500).all(|at| view.known_interaction(&scope(), &InteractionId::new(&at.to_string()).unwrap()).is_none())
    );
}

#[tokio::test]
async fn a_refusal_is_not_told_before_what_it_rests_on_is_durable() {
    let fixture = fixture();
    let (standing, go, _outcome) = fixture.stand_still("1");
    stands(standing).await;
    let twice = fixture.create("1".to_owned());
    fixture.queued(1).await;
    assert!(!twice.is_finished());
    go.send(()).unwrap();
    let number = Number::new("1").unwrap();
    assert_eq!(twice.await.unwrap(), Err(Refusal::NumberExists(number).into()));
    assert!(fixture.known("1").await, "whoever hears that it exists can see it");
}

#[tokio::test]
async fn a_command_that_panics_undoes_its_batch_and_the_store_goes_on() {
    let fixture = fixture();
    fixture.create("1".to_owned()).await.unwrap().unwrap();
    let (standing, go, sibling) = fixture.stand_still("2");
    stands(standing).await;
    let store = Arc::clone(&fixture.store);
    let panicking = tokio::spawn(async move {
        let panic = |context: &mut CommandContext<'_>| -> Result<()> {
            context.turn().create_number(&scope(), new_number("3"))?;
            panic!("a mistake in a rule");
        };
        store.write(panic).await
    });
    fixture.queued(1).await;
    go.send(()).unwrap();
    for outcome in [sibling.await.unwrap(), panicking.await.unwrap()] {
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    }
    assert_eq!(fixture.store.ready().await, Ok(()));
    assert_eq!(fixture.create("2".to_owned()).await.unwrap(), Ok(NumberId(2)), "nothing of the batch was done");
    assert!(fixture.known("1").await && !fixture.known("3").await);
}
