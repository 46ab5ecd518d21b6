//! Dumps of a store, and stores made of dumps.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dnis_gateway::domain::history::{HistoryPage, HistoryQuery, HistoryRules};
use dnis_gateway::domain::{Change, Refusal, Rules, Seconds, Timestamp};
use dnis_gateway::dump;
use dnis_gateway::store::sled::{Build, OpenError, Options, SledStore};
use dnis_gateway::store::{Error, ManualClock, Store};
use tempfile::TempDir;

use crate::directory::copy_of;
use crate::engine::Engine;
use crate::words::*;

const CACHE_BYTES: u64 = 1 << 20;

/// Everything a store holds, as a dump.
pub(crate) async fn dumped(store: &dyn Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    dump::write(store.snapshot().await.unwrap(), &mut bytes).unwrap();
    bytes
}

/// What a dump tells, without the lines that tell of the dump itself.
pub(crate) fn facts(dump: &[u8]) -> Vec<&str> {
    let lines: Vec<_> = std::str::from_utf8(dump).unwrap().lines().collect();
    lines[1..lines.len() - 1].to_vec()
}

/// Why a data directory was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRestored {
    #[error(transparent)]
    Dump(#[from] dump::Error),
    #[error(transparent)]
    Directory(#[from] OpenError),
}

pub(crate) fn restore(dump: &[u8], directory: &Path) -> Result<(), NotRestored> {
    let mut build = Build::begin(directory, CACHE_BYTES)?;
    dump::read(dump, |change| build.add(&change).map_err(NotRestored::from))?;
    build.finish()?;
    Ok(())
}

/// A store made of a dump, where its files are and when the dump was taken.
pub(crate) fn restored(dump: &[u8]) -> (TempDir, SledStore) {
    let directory = tempfile::tempdir().unwrap();
    restore(dump, directory.path()).unwrap();
    let store = crate::engine::open(directory.path()).unwrap();
    (directory, store)
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_snapshot_is_whole_though_everything_in_it_goes_while_it_is_read() {
    for engine in Engine::all(&Rules::default()) {
        let store = engine.store();
        store.create_number(&scope(), number("41"), None).await.unwrap();
        let lent = store.lend(&scope(), lend_to("ann"), None).await.unwrap();
        let picture: Vec<u8> = (0..500_000u32).map(|place| (place % 251) as u8).collect();
        let id = store
            .create_document(&scope(), vec![file("picture", &picture)], Seconds::new(600), None, None)
            .await
            .unwrap();
        let before = dumped(store).await;

        let snapshot = store.snapshot().await.unwrap();
        store.delete_document(&scope(), id.into()).await.unwrap();
        store.delete_interaction(&scope(), &lent.interaction.id).await.unwrap();
        store.delete_number(&scope(), num("41")).await.unwrap();
        store.create_number(&scope(), number("42"), None).await.unwrap();
        store.sweep().await.unwrap();
        let mut late = Vec::new();
        dump::write(snapshot, &mut late).unwrap();
        assert_eq!(facts(&late), facts(&before));
        let after = dumped(store).await;
        // That it was lent is history.
        let after: Vec<_> = facts(&after).into_iter().filter(|fact| !fact.contains("\"kind\":\"past\"")).collect();
        let after = after.join("\n");
        assert!(after.contains("\"42\"") && !after.contains("\"41\"") && !after.contains("picture"), "{after}");
    }
}

#[tokio::test]
async fn what_was_dropped_during_a_backup_leaves_the_disk_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let store = crate::engine::open(directory.path()).unwrap();
    let id = store
        .create_document(&scope(), vec![file("picture", &[7; 9_000])], Seconds::new(600), None, None)
        .await
        .unwrap();
    let snapshot = store.snapshot().await.unwrap();
    store.delete_document(&scope(), id.into()).await.unwrap();
    drop(snapshot);
    store.sweep().await.unwrap();
    store.close().await;
    let report = dnis_gateway::store::sled::verify(directory.path(), &std::env::temp_dir()).unwrap();
    assert_eq!((report.problems, report.notes), (vec![], vec![]));
    assert_eq!(report.records.get("pieces of large values"), None);
}

#[tokio::test]
async fn a_restored_store_goes_on_where_the_dump_was_taken() {
    let engine = Engine::sled(Rules::default());
    let store = engine.store();
    store.create_number(&scope(), number("41"), None).await.unwrap();
    let id = store.create_number(&scope(), number("42"), None).await.unwrap();
    let lent = store.lend(&scope(), lend_to("ann"), None).await.unwrap();
    let (_directory, restored) = restored(&dumped(store).await);
    let found = restored.number(&scope(), lent.allocation.number).await.unwrap().unwrap();
    assert_eq!(found.allocation, Some(lent.allocation));
    assert!(restored.create_number(&scope(), number("43"), None).await.unwrap() > id, "an id was given twice");
}

/// Lends and frees a number this often.
async fn lend_and_free(engine: &Engine, times: std::ops::Range<u32>) {
    for time in times {
        engine.store().lend(&scope(), lend_to(&format!("visit {time}")), None).await.unwrap();
        engine.store().free(&scope(), num("41")).await.unwrap();
    }
}

async fn history(store: &dyn Store) -> HistoryPage {
    let query = HistoryQuery { number: num("41"), from: None, to: None, after: None, limit: 1000 };
    store.history(&scope(), query).await.unwrap()
}

/// Few enough entries that some are forgotten soon.
fn short_memory() -> Rules {
    Rules { history: HistoryRules { days: 30, entries: 160 }, ..Rules::default() }
}

#[tokio::test]
async fn who_held_a_number_is_known_after_a_restore_as_it_was_before() {
    for engine in Engine::all(&short_memory()) {
        engine.store().create_number(&scope(), number("41"), None).await.unwrap();
        lend_and_free(&engine, 0..120).await;
        engine.clock.advance(Seconds::new(7200));
        lend_and_free(&engine, 120..300).await;
        engine.store().lend(&scope(), lend_to("who has it now"), None).await.unwrap();
        let before = history(engine.store()).await;
        assert!(before.entries.len() > 100 && before.entries.len() <= 161, "{}", before.entries.len());
        let dump = dumped(engine.store()).await;
        let home = tempfile::tempdir().unwrap();
        restore(&dump, home.path()).unwrap();
        let clock = Arc::clone(&engine.clock) as Arc<dyn dnis_gateway::store::Clock>;
        let restored = SledStore::open(Options::new(home.path(), short_memory(), clock)).unwrap();
        assert_eq!(history(&restored).await, before);
        assert_eq!(facts(&dumped(&restored).await), facts(&dump));
    }
}

#[tokio::test]
async fn history_that_is_forgotten_or_made_while_a_snapshot_is_read_changes_nothing_in_it() {
    for engine in Engine::all(&short_memory()) {
        engine.store().create_number(&scope(), number("41"), None).await.unwrap();
        lend_and_free(&engine, 0..100).await;
        engine.store().lend(&scope(), lend_to("who has it at that time"), None).await.unwrap();
        let before = dumped(engine.store()).await;
        assert_eq!(facts(&before).iter().filter(|line| line.contains("\"kind\":\"past\"")).count(), 100);

        let snapshot = engine.store().snapshot().await.unwrap();
        engine.store().free(&scope(), num("41")).await.unwrap();
        lend_and_free(&engine, 100..400).await;
        engine.store().sweep().await.unwrap();
        let mut late = Vec::new();
        dump::write(snapshot, &mut late).unwrap();
        assert_eq!(facts(&late), facts(&before));
    }
}

#[tokio::test]
async fn history_that_was_forgotten_during_a_backup_leaves_the_disk_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let options = || Options::new(directory.path(), short_memory(), Arc::clone(&clock) as _);
    let store = SledStore::open(options()).unwrap();
    store.create_number(&scope(), number("41"), None).await.unwrap();
    store.lend(&scope(), lend_to("long ago"), None).await.unwrap();
    store.free(&scope(), num("41")).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    clock.advance(Seconds::new(40 * 24 * 60 * 60));
    store.sweep().await.unwrap();
    assert_eq!(history(&store).await.entries, []);
    drop(snapshot);
    store.sweep().await.unwrap();
    store.sweep().await.unwrap();
    store.close().await;
    let report = dnis_gateway::store::sled::verify(directory.path(), &std::env::temp_dir()).unwrap();
    assert_eq!((report.problems, report.notes), (vec![], vec![]));
    assert_eq!(report.records.get("ended allocations"), None);
}

#[tokio::test]
async fn a_key_does_what_it_did_after_a_restore_too() {
    for engine in Engine::all(&Rules::default()) {
        let store = engine.store();
        store.create_number(&scope(), number("41"), None).await.unwrap();
        store.create_number(&scope(), number("42"), None).await.unwrap();
        let lent = store.lend(&scope(), lend_to("ann"), idempotency("living", "a")).await.unwrap();
        let gone = store.lend(&scope(), lend_to("bob"), idempotency("spent", "b")).await.unwrap();
        store.free_allocation(&scope(), gone.allocation.id).await.unwrap();
        // Nothing but the key is left in this one.
        store.create_number(&other_scope(), number("7"), idempotency("alone", "c")).await.unwrap();
        store.delete_number(&other_scope(), num("7")).await.unwrap();
        let dump = dumped(store).await;
        let (_directory, restored) = restored(&dump);
        assert_eq!(restored.lend(&scope(), lend_to("ann"), idempotency("living", "a")).await.unwrap(), lent);
        let refused = |outcome: Result<_, Error>| match outcome {
            Err(Error::Refused(refusal)) => refusal,
            outcome => panic!("{outcome:?}"),
        };
        let reused = refused(restored.lend(&scope(), lend_to("ann"), idempotency("living", "x")).await.map(drop));
        assert!(matches!(reused, Refusal::KeyReused(_)), "{reused}");
        let spent = refused(restored.lend(&scope(), lend_to("bob"), idempotency("spent", "b")).await.map(drop));
        assert!(matches!(spent, Refusal::KeyExpired(_)), "{spent}");
        let alone =
            refused(restored.create_number(&other_scope(), number("7"), idempotency("alone", "c")).await.map(drop));
        assert!(matches!(alone, Refusal::KeyExpired(_)), "{alone}");
    }
}

#[tokio::test]
async fn a_dump_that_is_not_whole_leaves_nothing_behind() {
    let engine = Engine::memory(Rules::default());
    engine.store().create_number(&scope(), number("41"), None).await.unwrap();
    let dump = dumped(engine.store()).await;
    let home = tempfile::tempdir().unwrap();
    let (new, empty) = (home.path().join("new"), home.path().join("empty"));
    fs::create_dir(&empty).unwrap();
    for cut in [0, 10, dump.len() / 2, dump.len() - 1] {
        for directory in [&new, &empty] {
            restore(&dump[..cut], directory).unwrap_err();
        }
        assert_eq!(names_in(home.path()), ["empty"]);
        assert_eq!(names_in(&empty), [""; 0]);
    }
    restore(&dump, &new).unwrap();
    restore(&dump, &empty).unwrap();
}

#[tokio::test]
async fn a_restore_touches_no_directory_that_has_anything_in_it() {
    let engine = Engine::memory(Rules::default());
    let dump = dumped(engine.store()).await;
    let home = tempfile::tempdir().unwrap();
    let (foreign, ours) = (home.path().join("foreign"), home.path().join("ours"));
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("letter"), "dear").unwrap();
    crate::engine::open(&ours).unwrap().close().await;
    for directory in [&foreign, &ours] {
        let before = names_in(directory);
        let error = restore(&dump, directory).unwrap_err();
        assert!(matches!(error, NotRestored::Directory(OpenError::NotEmpty(_))), "{error}");
        assert_eq!(names_in(directory), before);
    }
    let running = crate::engine::open(&ours).unwrap();
    let error = restore(&dump, &ours).unwrap_err();
    assert!(matches!(error, NotRestored::Directory(OpenError::InUse(_))), "{error}");
    drop(running);
}

/// A dump whose lines are as they should be and whose facts do not fit together.
#[tokio::test]
async fn a_dump_that_contradicts_itself_is_refused_and_leaves_nothing() {
    let engine = Engine::memory(Rules::default());
    let store = engine.store();
    store.create_number(&scope(), number("41"), None).await.unwrap();
    store.lend(&scope(), lend_to("ann"), None).await.unwrap();
    let dump = dumped(store).await;
    let mut changes = Vec::new();
    dump::read(&dump[..], |change| {
        changes.push(change);
        Ok::<_, dump::Error>(())
    })
    .unwrap();
    let kinds: [fn(&Change) -> bool; 4] = [
        |change| matches!(change, Change::Number(..)),
        |change| matches!(change, Change::Interaction(..)),
        |change| matches!(change, Change::Document(..)),
        |change| matches!(change, Change::Ids(..)),
    ];
    for (place, missing) in kinds.into_iter().enumerate() {
        let home = tempfile::tempdir().unwrap();
        let mut build = Build::begin(&home.path().join("data"), CACHE_BYTES).unwrap();
        for change in changes.iter().filter(|change| !missing(change)) {
            build.add(change).unwrap();
        }
        let error = build.finish().unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{place}: {error}");
        assert_eq!(names_in(home.path()), [""; 0]);
    }
}

/// As after `kill -9` at any point of a restore.
#[tokio::test]
async fn a_restore_that_never_ended_counts_as_nothing() {
    let engine = Engine::memory(Rules::default());
    engine.store().create_number(&scope(), number("41"), None).await.unwrap();
    let dump = dumped(engine.store()).await;
    let home = tempfile::tempdir().unwrap();
    let mut build = Build::begin(home.path(), CACHE_BYTES).unwrap();
    dump::read(&dump[..], |change| build.add(&change).map_err(NotRestored::from)).unwrap();
    let left = copy_of(home.path());
    drop(build);
    restore(&dump, left.path()).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
    let store = SledStore::open(Options::new(left.path(), Rules::default(), clock)).unwrap();
    assert_eq!(facts(&dumped(&store).await), facts(&dump));
}
