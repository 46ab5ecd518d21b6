//! Data directories that released versions wrote still open, with everything in them.
//!
//! Each folder beside this file holds the packed files of one directory and `story.json`, which says what must be found
//! in it. `make.py` writes a new one at each release; none is ever taken away or written anew.

// Clippy knows tests by their attribute; the helpers beside them are tests all the same.
#![allow(clippy::unwrap_used)]

mod story;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dnis_gateway::domain::{Rules, Seconds, Timestamp};
use dnis_gateway::dump;
use dnis_gateway::store::sled::{Build, Options, SledStore, verify};
use dnis_gateway::store::{ManualClock, Store};
use flate2::read::GzDecoder;
use story::Story;
use tempfile::TempDir;

/// The folders that hold what a release wrote.
fn kept() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade");
    let entries = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path());
    let mut kept: Vec<_> = entries.filter(|path| path.join("story.json").is_file()).collect();
    kept.sort();
    kept
}

/// The directory as the release left it.
fn unpacked(kept: &Path) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(kept).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".gz") else { continue };
        let mut bytes = Vec::new();
        GzDecoder::new(fs::File::open(&path).unwrap()).read_to_end(&mut bytes).unwrap();
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

fn open(directory: &Path, story: &Story) -> SledStore {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(story.told_ms)));
    let store = SledStore::open(Options::new(directory, Rules::default(), clock).seeded(1));
    store.unwrap_or_else(|error| panic!("what {} wrote does not open: {error}", story.written_by))
}

#[tokio::test]
async fn what_every_released_version_wrote_opens_with_everything_in_it() {
    let kept = kept();
    assert!(kept.len() >= 6, "the directories are gone: {kept:?}");
    for kept in kept {
        let story: Story = serde_json::from_slice(&fs::read(kept.join("story.json")).unwrap()).unwrap();
        let directory = unpacked(&kept);
        let store = open(directory.path(), &story);
        story.holds_in(&store).await;
        let marker = fs::read_to_string(directory.path().join("dnis-gateway.toml")).unwrap();
        assert!(marker.contains("format = 3"), "{} may not be opened by an earlier release: {marker}", kept.display());
        drop(store);
        // What this release has made of the directory is as good.
        let store = open(directory.path(), &story);
        story.holds_in(&store).await;
        story.can_go_on_in(&store).await;
    }
}

/// Those releases kept the history of all tenants together.
#[tokio::test]
async fn what_an_older_release_remembered_is_restored_from_a_dump_and_forgotten_in_its_time() {
    let mut looked_at = 0;
    for kept in kept() {
        let story: Story = serde_json::from_slice(&fs::read(kept.join("story.json")).unwrap()).unwrap();
        if !story.has_history() {
            continue;
        }
        looked_at += 1;
        let directory = unpacked(&kept);
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(story.told_ms)));
        let store = SledStore::open(Options::new(directory.path(), Rules::default(), Arc::clone(&clock) as _)).unwrap();
        let before = story.holders_in(&store).await;

        let mut dump = Vec::new();
        dump::write(store.snapshot().await.unwrap(), &mut dump).unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut build = Build::begin(&home.path().join("data"), 1 << 20).unwrap();
        let read = dump::read(&dump[..], |change| {
            build.add(&change).unwrap();
            Ok::<_, dump::Error>(())
        });
        read.unwrap();
        build.finish().unwrap();
        let restored = open(&home.path().join("data"), &story);
        assert_eq!(story.holders_in(&restored).await, before);
        story.can_go_on_in(&restored).await;

        story.can_go_on_in(&store).await;
        clock.advance(Seconds::new(29 * 24 * 60 * 60));
        store.sweep().await.unwrap();
        let later = story.holders_in(&store).await;
        assert!(before.iter().all(|holder| later.contains(holder)), "{before:?}\n{later:?}");
        clock.advance(Seconds::new(3 * 24 * 60 * 60));
        for _ in 0..5 {
            store.sweep().await.unwrap();
        }
        assert_eq!(story.holders_in(&store).await, [""; 0]);
        store.close().await;
        let report = verify(directory.path(), &std::env::temp_dir()).unwrap();
        assert_eq!((&report.problems, &report.notes), (&vec![], &vec![]));
        assert_eq!(report.records.get("ended allocations"), None, "it has left the disk");
    }
    assert!(looked_at >= 2, "releases that remembered are among them");
}
