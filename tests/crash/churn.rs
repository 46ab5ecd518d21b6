//! Power cuts while much is written anew: a child process gives thousands of documents new values, over and over, each
//! time with an import, so that file after file of the journal is turned over and moved into the tree while others are
//! written; history comes and is forgotten; in the middle everything is compacted. The record of its disk is then cut
//! wherever one likes. A second child restores a dump, and is cut too.
//!
//! What is special here: in a tree whose records are written anew, sled uses the places of the old ones again.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use dnis_gateway::domain::document::LoadedValue;
use dnis_gateway::domain::state::{Holder, Lend, Repeat, Source};
use dnis_gateway::domain::{
    Content, DocumentId, EntryKey, GroupName, HistoryRules, InteractionId, LentBy, NewEntry, NewNumber, Number, Rules,
    Scope, Seconds, TenantId, Timestamp,
};
use dnis_gateway::dump;
use dnis_gateway::store::sled::{Build, Options, SledStore, compact, verify};
use dnis_gateway::store::{Clock, Existing, ImportRow, Imported, ManualClock, Store};
use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::disk::{Cut, Disk, Event, Honesty};
use crate::from_environment;
use crate::points::cut_at;

/// Tells a child where it is to work, and the one that restores what of.
const DIRECTORY: &str = "DNIS_GATEWAY_TEST_CHURN";
const DUMP: &str = "DNIS_GATEWAY_TEST_DUMP";
/// The file, on the same disk, to which a child adds a byte for each round that was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged";
/// The file, on the same disk, with the ids of the documents.
const IDS: &str = "ids";
/// Where the data are on the disk; the directory above them is the gateway's to make too.
const DATA: &str = "above/data";
/// What sled's log is made of, and used again as a whole, in bytes.
const SEGMENT: u64 = 4 * 1024 * 1024;
/// Points at which the power fails, where nothing else is said.
const POINTS: usize = 24;
/// Documents with a little text, and the length of it: as much as stands in the document's own record.
const DOCUMENTS: usize = 1600;
const TEXT: usize = 1000;
/// Documents with a large value, and the length of it.
const PICTURES: usize = 3;
const PICTURE: usize = 400_000;
/// Rounds in which they are written anew, and the one before which everything is compacted.
const ROUNDS: usize = 10;
const COMPACTED: usize = 6;
/// Numbers, all of which are lent and freed in each round, and how much is remembered of that.
const NUMBERS: usize = 40;
const REMEMBERED: u64 = 100;

fn scope() -> Scope {
    Scope { tenant: TenantId::new("acme").unwrap(), environment: None }
}

fn open(directory: &Path) -> Result<SledStore, String> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let rules = Rules { history: HistoryRules { entries: REMEMBERED, ..HistoryRules::default() }, ..Rules::default() };
    SledStore::open(Options::new(directory, rules, clock)).map_err(|error| error.to_string())
}

/// Whether a round gives a document a new value. The first makes all of them.
fn writes(round: usize, place: usize) -> bool {
    round == 0 || place < PICTURES || !(place + round).is_multiple_of(3)
}

/// What a round writes into a document.
fn written_by(round: usize, place: usize) -> String {
    let length = if place < PICTURES { PICTURE } else { TEXT };
    let mut text = format!("{round}/{place} ").repeat(length / 4);
    text.truncate(length);
    text
}

fn entries(round: usize, place: usize) -> Vec<NewEntry> {
    let key = EntryKey::new("text").unwrap();
    vec![NewEntry { key, content: Content::Text, bytes: written_by(round, place).into_bytes().into() }]
}

fn new_number(number: usize) -> NewNumber {
    let number = Number::new(&number.to_string()).unwrap();
    NewNumber { number, dnid: number, group: Some(GroupName::new("g").unwrap()), enabled: true }
}

/// The number that a round imports.
fn imported_by(round: usize) -> usize {
    5000 + round
}

fn lend(holder: &str) -> Lend {
    Lend {
        holder: Holder::Any(InteractionId::new(holder).unwrap()),
        source: Source::group(GroupName::new("g").unwrap()),
        origin: LentBy::Interact,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(300),
        code: None,
        caller: None,
        data: Vec::new(),
        data_ttl: None,
        application: None,
    }
}

/// Gives documents new values, lends and frees every number, and imports one.
async fn work(store: &SledStore, round: usize, ids: &mut Vec<DocumentId>) {
    let scope = &scope();
    let kept = Seconds::new(100_000);
    if round == 0 {
        let numbers = (0..NUMBERS).map(|at| store.create_number(scope, new_number(1000 + at), None));
        try_join_all(numbers).await.unwrap();
        let made = (0..DOCUMENTS).map(|place| store.create_document(scope, entries(round, place), kept, None, None));
        *ids = try_join_all(made).await.unwrap();
    } else {
        let written = (0..DOCUMENTS).filter(|place| writes(round, *place));
        let written =
            written.map(|place| store.merge_document(scope, ids[place].into(), entries(round, place), None, None));
        try_join_all(written).await.unwrap();
    }
    for at in 0..NUMBERS {
        let lent = store.lend(scope, lend(&format!("{round}-{at}")), None).await.unwrap();
        store.free(scope, lent.allocation.number).await.unwrap();
    }
    let mut import = store.import_numbers(scope, Existing::Refuse).await.unwrap();
    let row = ImportRow { line: 1, number: new_number(imported_by(round)) };
    assert_eq!(import.stage(vec![row]).await.unwrap(), []);
    assert_eq!(import.commit().await.unwrap(), Imported::Done { created: 1, skipped: 0 });
}

#[tokio::test]
#[ignore = "the child of a test below, which puts a disk under it"]
async fn the_child_writes_everything_anew() {
    let root = PathBuf::from(std::env::var(DIRECTORY).expect("the directory is told"));
    let data = root.join(DATA);
    let mut acknowledged = OpenOptions::new().create(true).append(true).open(root.join(ACKNOWLEDGED)).unwrap();
    let mut store = open(&data).unwrap();
    let mut ids = Vec::new();
    for round in 0..ROUNDS {
        if round == COMPACTED {
            store.close().await;
            compact(&data).unwrap();
            store = open(&data).unwrap();
        }
        work(&store, round, &mut ids).await;
        acknowledged.write_all(b".").unwrap();
        if round == 0 {
            fs::write(root.join(IDS), serde_json::to_vec(&ids).unwrap()).unwrap();
        }
    }
    // No orderly end: it is cut off.
    std::process::exit(0);
}

#[tokio::test]
#[ignore = "the child of a test below, which puts a disk under it"]
async fn the_child_restores_a_dump() {
    let root = PathBuf::from(std::env::var(DIRECTORY).expect("the directory is told"));
    let dump = std::env::var(DUMP).expect("the dump is told");
    restore(Path::new(&dump), &root.join(DATA));
    fs::write(root.join(ACKNOWLEDGED), ".").unwrap();
    std::process::exit(0);
}

fn restore(dump: &Path, directory: &Path) {
    let mut build = Build::begin(directory, 64 << 20).unwrap();
    let dump = BufReader::new(File::open(dump).unwrap());
    dump::read(dump, |change| {
        build.add(&change).unwrap();
        Ok::<_, dump::Error>(())
    })
    .unwrap();
    build.finish().unwrap();
}

/// Lets a child work on a disk, and tells all it did to it.
fn told(disk: &mut Disk, child: &str, dump: &Path) -> Vec<Option<Event>> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", child, "--ignored", "--nocapture"]);
    disk.lie_under(&mut command);
    let output = command.env(DIRECTORY, disk.root()).env(DUMP, dump).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    disk.events().into_iter().map(Some).collect()
}

/// Random places in a range of events, so many.
fn anywhere(range: std::ops::Range<usize>, points: usize, rng: &mut StdRng) -> impl Iterator<Item = usize> {
    (0..points).map(move |_| rng.random_range(range.clone()))
}

/// Adds places, and these ways in turn in which the power fails there.
fn choose(chosen: &mut BTreeMap<usize, Vec<Cut>>, places: impl IntoIterator<Item = usize>, cuts: &[Cut]) {
    for (place, cut) in places.into_iter().zip(cuts.iter().cycle()) {
        chosen.entry(place).or_default().push(*cut);
    }
}

#[tokio::test]
async fn what_is_written_anew_over_and_over_survives_a_power_cut_at_any_point() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let points = from_environment("CRASH_POINTS").unwrap_or(POINTS);
    println!("CRASH_SEED={seed} CRASH_POINTS={points}");
    let directory = tempfile::tempdir().unwrap();
    let mut disk = Disk::new(directory.path(), Honesty::Honest);
    let mut rng = StdRng::seed_from_u64(seed);
    let events = told(&mut disk, "churn::the_child_writes_everything_anew", Path::new(""));
    let ids: Vec<DocumentId> = serde_json::from_slice(&fs::read(disk.root().join(IDS)).unwrap()).unwrap();
    let (compaction, reused) = (compaction(&events), reused(&events));
    println!("{} events, {} places used again", events.len(), reused.len());
    let mut chosen = BTreeMap::new();
    choose(&mut chosen, anywhere(0..events.len(), points / 4, &mut rng), &Cut::ALL);
    choose(&mut chosen, anywhere(compaction, points / 4, &mut rng), &Cut::ALL);
    let reused = anywhere(0..reused.len(), points - points / 4 * 2, &mut rng).map(|at| reused[at]);
    // Where the new is on the disk and the old is not.
    choose(&mut chosen, reused, &[Cut::Any, Cut::Last, Cut::Any]);
    let wrong = cut_at(&chosen, events, &mut rng, async |image, root| {
        let rounds = image.file(Path::new(ACKNOWLEDGED)).len();
        let held = holds(&root.join(DATA), rounds, &ids).await;
        held.map_err(|reason| format!("after {rounds} rounds: {reason}"))
    })
    .await;
    assert!(wrong.is_empty(), "CRASH_SEED={seed}: {} of {points}\n{}", wrong.len(), wrong.join("\n"));
}

/// The events after which a part of the tree's log has been written over that other records were in before, and is not
/// yet safe.
fn reused(events: &[Option<Event>]) -> Vec<usize> {
    let mut logs = HashMap::new();
    let mut written = HashSet::new();
    let mut reused = Vec::new();
    for (place, event) in events.iter().enumerate() {
        match event {
            Some(Event::Open { handle, path, .. }) if path.ends_with("db") => {
                logs.insert(*handle, path.clone());
            }
            Some(Event::Write { handle, offset, .. }) if offset.is_multiple_of(SEGMENT) => {
                let log = logs.get(handle);
                if log.is_some_and(|log| !written.insert((log.clone(), *offset))) {
                    reused.push(place + 1);
                }
            }
            // The log that it takes the place of begins anew.
            Some(Event::Rename { to, .. }) if to.ends_with("db") => written.clear(),
            _ => {}
        }
    }
    reused
}

/// The events in which everything is compacted.
fn compaction(events: &[Option<Event>]) -> std::ops::Range<usize> {
    let begins = |event: &Option<Event>| match event {
        Some(Event::MakeDirectory { path }) => path.ends_with("dnis-gateway.compacting"),
        _ => false,
    };
    let ends = |event: &Option<Event>| match event {
        Some(Event::Remove { path }) => path.ends_with("dnis-gateway.compacted"),
        _ => false,
    };
    let begun = events.iter().position(begins).expect("a compaction begins");
    let ended = events.iter().rposition(ends).expect("a compaction ends");
    begun..ended + 2
}

/// Opens a data directory and holds it against so many rounds; of the next one each thing may be there or not.
async fn holds(directory: &Path, rounds: usize, ids: &[DocumentId]) -> Result<(), String> {
    if rounds == 0 && !directory.exists() {
        return Ok(());
    }
    let store = open(directory)?;
    let outcome = compare(&store, rounds, ids).await;
    store.close().await;
    outcome?;
    let report = verify(directory, &std::env::temp_dir()).map_err(|error| error.to_string())?;
    report.problems.first().map_or(Ok(()), |problem| Err(problem.clone()))
}

async fn compare(store: &SledStore, rounds: usize, ids: &[DocumentId]) -> Result<(), String> {
    let Some(last) = rounds.checked_sub(1) else { return Ok(()) };
    let scope = scope();
    for (place, id) in ids.iter().enumerate() {
        let found = store.document(&scope, (*id).into()).await.map_err(|error| error.to_string())?;
        let found = found.ok_or(format!("document {place} is lost"))?;
        let [(_, LoadedValue::Text(text))] = &found.entries[..] else {
            return Err(format!("document {place} holds {:?}", found.entries));
        };
        let written = (0..=last).rev().find(|round| writes(*round, place)).unwrap();
        let next = Some(last + 1).filter(|next| writes(*next, place));
        let may_be = |round: usize| **text == *written_by(round, place);
        if !may_be(written) && !next.is_some_and(may_be) {
            let found: String = text.chars().take(12).collect();
            return Err(format!("document {place} should be of round {written}, it is '{found}'"));
        }
    }
    for round in 0..=last {
        let number = Number::new(&imported_by(round).to_string()).unwrap();
        let found = store.number(&scope, number).await.map_err(|error| error.to_string())?;
        found.ok_or(format!("the number of import {round} is lost"))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_restore_that_a_power_cut_ends_leaves_nothing_or_everything() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let points = from_environment("CRASH_POINTS").unwrap_or(POINTS);
    println!("CRASH_SEED={seed} CRASH_POINTS={points}");
    let directory = tempfile::tempdir().unwrap();
    let (dump, ids) = dumped(directory.path()).await;
    let mut disk = Disk::new(directory.path(), Honesty::Honest);
    let mut rng = StdRng::seed_from_u64(seed);
    let events = told(&mut disk, "churn::the_child_restores_a_dump", &dump);
    // At its end it says that all counts; more can go wrong there than elsewhere.
    let mut chosen = BTreeMap::new();
    choose(&mut chosen, anywhere(0..events.len(), points / 2, &mut rng), &Cut::ALL);
    let ending = events.len().saturating_sub(20)..events.len();
    choose(&mut chosen, anywhere(ending, points - points / 2, &mut rng), &Cut::ALL);
    // Whatever chance has chosen, one is before everything and one behind.
    choose(&mut chosen, [0, events.len() - 1], &Cut::ALL);
    let tally = std::cell::Cell::new((0, 0));
    let wrong = cut_at(&chosen, events, &mut rng, async |image, root| {
        let data = root.join(DATA);
        let done = !image.file(Path::new(ACKNOWLEDGED)).is_empty();
        let (nothing, everything) = tally.get();
        if data.join("dnis-gateway.toml").exists() {
            tally.set((nothing, everything + 1));
            return holds(&data, 1, &ids).await;
        }
        tally.set((nothing + 1, everything));
        if done {
            return Err("what was restored is gone".to_owned());
        }
        restore(&dump, &data);
        holds(&data, 1, &ids).await
    })
    .await;
    let (nothing, everything) = tally.get();
    println!("{nothing} left nothing, {everything} everything");
    assert!(wrong.is_empty(), "CRASH_SEED={seed}: {} of {points}\n{}", wrong.len(), wrong.join("\n"));
    assert!(points < POINTS || (nothing > 0 && everything > 0), "{nothing} left nothing, {everything} everything");
}

/// The dump of a store after its first round, and the ids of the documents in it.
async fn dumped(directory: &Path) -> (PathBuf, Vec<DocumentId>) {
    let store = open(&directory.join("origin")).unwrap();
    let mut ids = Vec::new();
    work(&store, 0, &mut ids).await;
    let path = directory.join("dump.ndjson");
    dump::write(store.snapshot().await.unwrap(), File::create(&path).unwrap()).unwrap();
    store.close().await;
    (path, ids)
}
