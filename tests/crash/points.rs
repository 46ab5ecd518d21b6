//! Power cuts at every point: a child process works through a fixed story on a disk whose every change is recorded, and
//! the record is then cut wherever one likes. What the disk may hold at a point is opened, and must hold all that was
//! acknowledged by then, whole, and of what was under way all or nothing.
//!
//! The crash test cuts where chance has it and then asks over the wire; here thousands of cuts cost what an opening costs.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use dnis_gateway::domain::state::{Holder, Lend, Repeat, Source};
use dnis_gateway::domain::{
    Content, EntryKey, GroupName, InteractionId, NewEntry, NewNumber, Number, Origin, Rules, Scope, Seconds, TenantId,
    Timestamp,
};
use dnis_gateway::store::sled::{Options, SledStore};
use dnis_gateway::store::{Clock, ManualClock, Store};
use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::disk::{self, Cut, Disk, Honesty, Image};
use crate::from_environment;

/// Tells the child where it is to work.
const DIRECTORY: &str = "DNIS_GATEWAY_TEST_STORY";
/// The file, on the same disk, to which the child adds the number of each step that was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged";
/// Steps of the story.
const STEPS: usize = 40;
/// Points at which the power fails, where nothing else is said.
const POINTS: usize = 150;
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
    SledStore::open(Options::new(directory, Rules::default(), clock).seeded(7)).map_err(|error| error.to_string())
}

/// The interactions that a step makes, each with the bytes that its document holds.
fn made_by(step: usize) -> Vec<(String, Vec<u8>)> {
    let mut sizes = vec![10, 300, 5000, 40_000];
    if step % 3 == 1 {
        sizes[SMALL - 1] = LARGE;
    }
    let named = sizes.into_iter().enumerate();
    named.map(|(place, size)| (format!("{step}-{place}"), vec![(step * 7 + place) as u8; size])).collect()
}

/// The interactions that a step ends: half of those of an earlier one.
fn ended_by(step: usize) -> Vec<String> {
    let Some(earlier) = step.checked_sub(ENDS_AFTER) else { return Vec::new() };
    let ended = made_by(earlier).into_iter().enumerate();
    ended.filter(|(place, _)| (place + earlier) % 2 == 1).map(|(_, (name, _))| name).collect()
}

fn lend(holder: &str, bytes: &[u8]) -> Lend {
    let key = EntryKey::new("picture").unwrap();
    Lend {
        holder: Holder::Any(id(holder)),
        source: Source::group(GroupName::new("g").unwrap()),
        origin: Origin::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(300),
        code: None,
        caller: None,
        data: vec![NewEntry { key, content: Content::Text, bytes: bytes.into() }],
        data_ttl: None,
    }
}

#[tokio::test]
#[ignore = "the child of the test below, which puts a disk under it"]
async fn the_child_tells_its_story() {
    let root = PathBuf::from(std::env::var(DIRECTORY).expect("the directory is told"));
    let store = open(&root.join("data")).unwrap();
    let mut acknowledged = OpenOptions::new().create(true).append(true).open(root.join(ACKNOWLEDGED)).unwrap();
    let numbers = (0..SMALL * STEPS).map(|at| {
        let number = Number::new(&format!("{}", 1000 + at)).unwrap();
        NewNumber { number, dnid: number, group: Some(GroupName::new("g").unwrap()), enabled: true }
    });
    let (store, scope) = (&store, &scope());
    try_join_all(numbers.map(|number| store.create_number(scope, number))).await.unwrap();
    for step in 0..STEPS {
        let lent = made_by(step)
            .into_iter()
            .map(|(holder, bytes)| async move { store.lend(scope, lend(&holder, &bytes)).await.map(drop) });
        let ended =
            ended_by(step).into_iter().map(|holder| async move { store.delete_interaction(scope, &id(&holder)).await });
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
    tell_story(&mut disk);
    let mut rng = StdRng::seed_from_u64(seed);
    let events = disk.events();
    let mut chosen: BTreeMap<usize, usize> = BTreeMap::new();
    for _ in 0..points {
        *chosen.entry(rng.random_range(0..=events.len())).or_default() += 1;
    }
    let mut image = Image::empty();
    let mut wrong = Vec::new();
    let mut opened = 0;
    for (place, event) in events.into_iter().map(Some).chain([None]).enumerate() {
        for _ in 0..chosen.get(&place).copied().unwrap_or_default() {
            let cut = Cut::ALL[opened % Cut::ALL.len()];
            opened += 1;
            let acknowledged = image.file(Path::new(ACKNOWLEDGED)).len();
            let at = tempfile::tempdir().unwrap();
            disk::write(&image.after(cut, &mut rng), at.path());
            if let Err(reason) = holds(&at.path().join("data"), acknowledged).await {
                let kept = at.keep();
                wrong.push(format!("{cut:?} at {place}, {acknowledged} acknowledged, {}: {reason}", kept.display()));
            }
        }
        if let Some(event) = event {
            image.apply(event);
        }
    }
    assert!(wrong.is_empty(), "CRASH_SEED={seed}: {} of {opened}\n{}", wrong.len(), wrong.join("\n"));
}

fn tell_story(disk: &mut Disk) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "points::the_child_tells_its_story", "--ignored", "--nocapture"]);
    disk.lie_under(&mut child);
    let output = child.env(DIRECTORY, disk.root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read(disk.root().join(ACKNOWLEDGED)).unwrap().len(), STEPS);
}

/// Opens a data directory and holds it against the story up to its last acknowledged step.
async fn holds(directory: &Path, acknowledged: usize) -> Result<(), String> {
    if acknowledged == 0 && !directory.exists() {
        return Ok(());
    }
    let store = open(directory)?;
    let outcome = compare(&store, acknowledged).await;
    store.close().await;
    outcome
}

async fn compare(store: &SledStore, acknowledged: usize) -> Result<(), String> {
    let scope = scope();
    let mut lent = 0;
    for step in 0..STEPS {
        for (name, bytes) in made_by(step) {
            let ending = (0..STEPS).find(|later| ended_by(*later).contains(&name));
            let made = step < acknowledged;
            let ended = ending.is_some_and(|ending| ending < acknowledged);
            let perhaps = step == acknowledged || ending == Some(acknowledged);
            let found = store.interaction(&scope, &id(&name)).await.map_err(|error| error.to_string())?;
            match (&found, perhaps) {
                (_, true) => {}
                (Some(_), false) if made && !ended => {}
                (None, false) if !made || ended => {}
                (Some(_), false) => return Err(format!("{name} is there: made {made}, ended {ended}")),
                (None, false) => return Err(format!("{name} is lost")),
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
    if acknowledged > 0 && page.total != SMALL * STEPS {
        return Err(format!("there are {} numbers", page.total));
    }
    Ok(())
}
