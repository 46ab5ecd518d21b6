//! Dumps of a store, and stores made of dumps.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dnis_gateway::domain::{Change, Rules, Seconds, Timestamp};
use dnis_gateway::dump;
use dnis_gateway::store::sled::{Build, OpenError, Options, SledStore};
use dnis_gateway::store::{ManualClock, Store};
use tempfile::TempDir;

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
enum NotRestored {
    #[error(transparent)]
    Dump(#[from] dump::Error),
    #[error(transparent)]
    Directory(#[from] OpenError),
}

fn restore(dump: &[u8], directory: &Path) -> Result<(), NotRestored> {
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
    for engine in [Engine::memory(Rules::default()), Engine::sled(Rules::default())] {
        let store = engine.store();
        store.create_number(&scope(), number("41"), None).await.unwrap();
        let lent = store.lend(&scope(), lend_to("ann"), None).await.unwrap();
        let picture: Vec<u8> = (0..500_000u32).map(|place| (place % 251) as u8).collect();
        let id =
            store.create_document(&scope(), vec![file("picture", &picture)], Seconds::new(600), None).await.unwrap();
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
        let after = facts(&after).join("\n");
        assert!(after.contains("\"42\"") && !after.contains("\"41\"") && !after.contains("picture"), "{after}");
    }
}

#[tokio::test]
async fn what_was_dropped_during_a_backup_leaves_the_disk_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let store = crate::engine::open(directory.path()).unwrap();
    let id =
        store.create_document(&scope(), vec![file("picture", &[7; 9_000])], Seconds::new(600), None).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    store.delete_document(&scope(), id.into()).await.unwrap();
    drop(snapshot);
    store.sweep().await.unwrap();
    store.close().await;
    let report = dnis_gateway::store::sled::verify(directory.path(), &std::env::temp_dir()).unwrap();
    assert_eq!((report.problems, report.notes), (vec![], vec![]));
    assert_eq!(report.records.get("chunks of large values"), None);
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
    assert!(restored.create_number(&other_scope(), number("42"), None).await.unwrap() > id, "an id was given twice");
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
        |change| matches!(change, Change::Counters(..)),
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
    let left = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(home.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
        }
    }
    drop(build);
    restore(&dump, left.path()).unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
    let store = SledStore::open(Options::new(left.path(), Rules::default(), clock)).unwrap();
    assert_eq!(facts(&dumped(&store).await), facts(&dump));
}
