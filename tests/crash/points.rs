//! Power cuts at every point: a child process works through a fixed story on a disk whose every change is recorded, and
//! the record is then cut wherever one likes. What the disk may hold at a point is opened, and must hold all that was
//! acknowledged by then, whole, and of what was under way all or nothing.
//!
//! The crash test cuts where chance has it and then asks over the wire; here thousands of cuts cost what an opening costs.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use dnis_gateway::domain::state::{Holder, Lend, Repeat, Source};
use dnis_gateway::domain::{
    Content, EntryKey, GroupName, InteractionId, LentBy, NewEntry, NewNumber, Number, Rules, Scope, Seconds, TenantId,
    Timestamp,
};
use dnis_gateway::store::sled::{Options, SledStore};
use dnis_gateway::store::{Clock, ManualClock, Store};
use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::disk::{self, Cut, Disk, Event, Honesty, Image};
use crate::from_environment;

/// Tells the child where it is to work.
const DIRECTORY: &str = "DNIS_GATEWAY_TEST_STORY";
/// The file, on the same disk, to which the child adds the number of each step that was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged";
/// Steps of the story, and the one in the middle of which its process is killed and another one takes over.
const STEPS: usize = 24;
const KILLED_IN: usize = 13;
/// Points at which the power fails, where nothing else is said.
const POINTS: usize = 80;
/// Interactions of a step with little data.
const SMALL: usize = 4;
/// After how many steps interactions end.
const ENDS_AFTER: usize = 3;
/// The largest values, in bytes.
const LARGE: usize = 1024 * 1024;

fn scope() -> Scope {
    Scope { tenant: TenantId::new("acme").unwrap(), environment: None }
}

fn id(name: &str) -> InteractionId {
    InteractionId::new(name).unwrap()
}

fn open(directory: &Path) -> Result<SledStore, String> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    SledStore::open(Options::new(directory, Rules::default(), clock)).map_err(|error| error.to_string())
}

/// The interactions that a step makes, each with the bytes that its document holds.
fn made_by(step: usize) -> Vec<(String, Vec<u8>)> {
    let mut sizes = vec![10, 300, 5000, 20_000];
    if step % 6 == 1 {
        sizes[SMALL - 1] = LARGE;
    }
    let named = sizes.into_iter().enumerate();
    named.map(|(place, size)| (format!("{step}-{place}"), vec![(step * 7 + place) as u8; size])).collect()
}

/// The interactions that a step ends: half of those of an earlier one.
fn ended_by(step: usize) -> Vec<String> {
    // Of the step that is cut off nobody knows what came of it.
    let earlier = step.checked_sub(ENDS_AFTER).filter(|earlier| *earlier != KILLED_IN);
    let Some(earlier) = earlier else { return Vec::new() };
    let ended = made_by(earlier).into_iter().enumerate();
    ended.filter(|(place, _)| (place + earlier) % 2 == 1).map(|(_, (name, _))| name).collect()
}

fn lend(holder: &str, bytes: &[u8]) -> Lend {
    let key = EntryKey::new("picture").unwrap();
    Lend {
        holder: Holder::Any(id(holder)),
        source: Source::group(GroupName::new("g").unwrap()),
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(300),
        code: None,
        caller: None,
        data: vec![NewEntry { key, content: Content::Text, bytes: bytes.into() }],
        data_ttl: None,
        application: None,
    }
}

#[tokio::test]
#[ignore = "the child of the test below, which puts a disk under it"]
async fn the_child_tells_its_story() {
    let root = PathBuf::from(std::env::var(DIRECTORY).expect("the directory is told"));
    let store = open(&root.join("data")).unwrap();
    let first_life = !root.join(ACKNOWLEDGED).exists();
    let mut acknowledged = OpenOptions::new().create(true).append(true).open(root.join(ACKNOWLEDGED)).unwrap();
    let numbers = (0..SMALL * STEPS).map(|at| {
        let number = Number::new(&format!("{}", 1000 + at)).unwrap();
        NewNumber { number, dnid: number, group: Some(GroupName::new("g").unwrap()), enabled: true }
    });
    let (store, scope) = (&store, &scope());
    if first_life {
        try_join_all(numbers.map(|number| store.create_number(scope, number, None))).await.unwrap();
    }
    for step in if first_life { 0..KILLED_IN + 1 } else { KILLED_IN + 1..STEPS } {
        let lent = made_by(step)
            .into_iter()
            .map(|(holder, bytes)| async move { store.lend(scope, lend(&holder, &bytes), None).await.map(drop) });
        let ended =
            ended_by(step).into_iter().map(|holder| async move { store.delete_interaction(scope, &id(&holder)).await });
        if step == KILLED_IN {
            disk::die_at_next_sync();
        }
        let (lent, ended) = tokio::join!(try_join_all(lent), try_join_all(ended));
        lent.and(ended).unwrap();
        acknowledged.write_all(b".").unwrap();
    }
    // No orderly end: the story is cut off.
    std::process::exit(0);
}

#[tokio::test]
async fn whatever_was_acknowledged_survives_a_power_cut_at_any_point() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let points = from_environment("CRASH_POINTS").unwrap_or(POINTS);
    println!("CRASH_SEED={seed} CRASH_POINTS={points}");
    let directory = tempfile::tempdir().unwrap();
    let mut disk = Disk::new(directory.path(), Honesty::Honest);
    let mut rng = StdRng::seed_from_u64(seed);
    tell_story(&mut disk, "signal: 9");
    let mut events: Vec<Option<Event>> = disk.events().into_iter().map(Some).collect();
    disk.stays();
    disk.works();
    events.push(None);
    tell_story(&mut disk, "exit status: 0");
    events.extend(disk.events().into_iter().map(Some));
    let mut chosen: BTreeMap<usize, Vec<Cut>> = BTreeMap::new();
    let restart = events.iter().position(Option::is_none).expect("the story has two lives");
    for turn in 0..points {
        // Around the restart more can go wrong than elsewhere.
        let range = if turn % 4 == 0 { restart..events.len().min(restart + 200) } else { 0..events.len() };
        chosen.entry(rng.random_range(range)).or_default().push(Cut::ALL[turn % Cut::ALL.len()]);
    }
    let wrong = cut_at(&chosen, events, &mut rng, async |image, root| {
        let acknowledged = Acknowledged::by(image.file(Path::new(ACKNOWLEDGED)).len());
        let held = holds(&root.join("data"), acknowledged).await;
        held.map_err(|reason| format!("{acknowledged:?}, restarted at {restart}: {reason}"))
    })
    .await;
    assert!(wrong.is_empty(), "CRASH_SEED={seed}: {} of {points}\n{}", wrong.len(), wrong.join("\n"));
}

/// Cuts the power before the chosen events, in the ways that are told, and asks whether what a disk may hold then `holds`
/// all it must. Between two processes there is `None`. What is wrong, with the place where it can be looked at.
pub(crate) async fn cut_at(
    chosen: &BTreeMap<usize, Vec<Cut>>,
    events: Vec<Option<Event>>,
    rng: &mut StdRng,
    holds: impl AsyncFn(&Image, &Path) -> Result<(), String>,
) -> Vec<String> {
    let (mut image, mut wrong) = (Image::empty(), Vec::new());
    for (place, event) in events.into_iter().enumerate() {
        for cut in chosen.get(&place).into_iter().flatten().copied() {
            let at = tempfile::tempdir().unwrap();
            disk::write(&image.after(cut, rng), at.path());
            if let Err(reason) = holds(&image, at.path()).await {
                wrong.push(format!("{cut:?} at {place}, {}: {reason}", at.keep().display()));
            }
        }
        match event {
            Some(event) => image.apply(event),
            None => image.next_process(),
        }
    }
    wrong
}

fn tell_story(disk: &mut Disk, end: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "points::the_child_tells_its_story", "--ignored", "--nocapture"]);
    disk.lie_under(&mut child);
    let output = child.env(DIRECTORY, disk.root()).output().unwrap();
    let how = output.status.to_string();
    assert!(how.starts_with(end), "{how}: {}", String::from_utf8_lossy(&output.stderr));
}

/// How far the story was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    Perhaps,
    NotDone,
}

/// The number of steps that were acknowledged; the one that was cut off never was.
#[derive(Clone, Copy, Debug)]
struct Acknowledged(usize);

impl Acknowledged {
    fn by(steps: usize) -> Self {
        Self(steps)
    }

    fn of(self, step: usize) -> Outcome {
        // After the kill the next process goes on with the step behind it.
        let next = if self.0 >= KILLED_IN { self.0 + 1 } else { self.0 };
        match step {
            KILLED_IN if next >= KILLED_IN => Outcome::Perhaps,
            _ if step < next => Outcome::Done,
            _ if step == next => Outcome::Perhaps,
            _ => Outcome::NotDone,
        }
    }
}

/// Opens a data directory and holds it against the story up to its last acknowledged step.
async fn holds(directory: &Path, acknowledged: Acknowledged) -> Result<(), String> {
    if acknowledged.0 == 0 && !directory.exists() {
        return Ok(());
    }
    let store = open(directory)?;
    let outcome = compare(&store, acknowledged).await;
    store.close().await;
    outcome
}

async fn compare(store: &SledStore, acknowledged: Acknowledged) -> Result<(), String> {
    let scope = scope();
    let mut lent = 0;
    for step in 0..STEPS {
        for (name, bytes) in made_by(step) {
            let ending = (0..STEPS).find(|later| ended_by(*later).contains(&name));
            let made = acknowledged.of(step);
            let ended = ending.map_or(Outcome::NotDone, |ending| acknowledged.of(ending));
            let found = store.interaction(&scope, &id(&name)).await.map_err(|error| error.to_string())?;
            match (made, ended, &found) {
                (Outcome::Done, Outcome::NotDone, None) => return Err(format!("{name} is lost")),
                (Outcome::NotDone, _, Some(_)) => return Err(format!("{name} was never made")),
                (_, Outcome::Done, Some(_)) => return Err(format!("{name} was ended")),
                _ => {}
            }
            let Some(found) = found else { continue };
            lent += 1;
            let entry = store.document_entry(&scope, found.data.into(), "picture").await;
            let entry =
                entry.map_err(|error| format!("{name}: {error}"))?.ok_or(format!("{name} has lost its data"))?;
            if entry.bytes[..] != bytes[..] {
                return Err(format!("{name} has other data than it was given"));
            }
        }
    }
    let page = store.numbers(&scope, None, 0, 10_000).await.map_err(|error| error.to_string())?;
    let held = page.numbers.iter().filter(|found| found.allocation.is_some()).count();
    if held != lent {
        return Err(format!("{lent} interactions hold {held} numbers"));
    }
    if acknowledged.0 > 0 && page.total != SMALL * STEPS {
        return Err(format!("there are {} numbers", page.total));
    }
    Ok(())
}
