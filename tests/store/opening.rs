//! Opening a data directory: what is refused, that a refusal leaves every byte as it was, and what is repaired.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dnis_gateway::domain::state::Lend;
use dnis_gateway::store::Store;
use dnis_gateway::store::sled::{Build, OpenError, SledStore, compact};
use tempfile::TempDir;

use crate::directory::{copy_of, files, tree};
use crate::engine::open;
use crate::words::*;

const MARKER: &str = "dnis-gateway.toml";

/// A data directory with numbers, an allocation and a large value in it, closed properly.
async fn filled() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    fill(&store).await;
    store.close().await;
    directory
}

async fn fill(store: &SledStore) {
    for last in 0..20 {
        store.create_number(&scope(), number(&format!("{}", 100 + last)), None).await.unwrap();
    }
    let data = vec![text("k", "v"), file("picture", &vec![7; 300_000])];
    store.lend(&scope(), Lend { data, ..lend_to("a") }, None).await.unwrap();
}

async fn assert_filled(store: &SledStore) {
    let page = store.numbers(&scope(), None, 0, 100).await.unwrap();
    assert_eq!(page.total, 20);
    let held = store.interaction(&scope(), &interaction("a")).await.unwrap().expect("the interaction is there");
    assert_eq!(store.document(&scope(), held.data.into()).await.unwrap().unwrap().entries.len(), 2);
    let picture = store.document_entry(&scope(), held.data.into(), "picture").await.unwrap().unwrap();
    assert_eq!(*picture.bytes, vec![7; 300_000]);
}

/// Opens a directory that must be refused, and holds the refusal to leaving every byte alone.
fn refused(directory: &Path) -> OpenError {
    let before = files(directory);
    let error = match open(directory) {
        Ok(_) => panic!("the directory must be refused"),
        Err(error) => error,
    };
    let after = files(directory);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before), "{error}");
    for (path, bytes) in before {
        assert!(after[&path] == bytes, "{} was changed; {error}", path.display());
    }
    error
}

fn assert_damaged(directory: &Path, because: &str) {
    match refused(directory) {
        OpenError::Damaged { reason, .. } => assert!(reason.contains(because), "{reason}"),
        other => panic!("{other}"),
    }
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn edit_marker(directory: &Path, change: impl FnOnce(String) -> String) {
    let path = directory.join(MARKER);
    let text = change(fs::read_to_string(&path).unwrap());
    fs::write(path, text).unwrap();
}

fn snapshots(directory: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap.")).collect()
}

/// Changes one record of the tree behind the store's back.
fn edit_record(directory: &Path, key: &[u8], value: Option<&[u8]>) {
    let tree = tree(directory);
    match value {
        Some(value) => tree.insert(key, value).unwrap(),
        None => tree.remove(key).unwrap(),
    };
    tree.flush().unwrap();
}

#[tokio::test]
async fn a_new_directory_is_made_with_all_above_it_and_opens_again() {
    let above = tempfile::tempdir().unwrap();
    let directory = above.path().join("some/where/data");
    let store = open(&directory).unwrap();
    fill(&store).await;
    store.close().await;
    drop(store);
    assert_filled(&open(&directory).unwrap()).await;
}

#[tokio::test]
async fn a_directory_is_for_its_owner_alone_whoever_made_it() {
    let above = tempfile::tempdir().unwrap();
    let directory = above.path().join("data");
    open(&directory).unwrap().close().await;
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    // Also where the operator, or a service manager, has made it for others.
    let made = above.path().join("made");
    fs::create_dir(&made).unwrap();
    fs::set_permissions(&made, fs::Permissions::from_mode(0o750)).unwrap();
    open(&made).unwrap().close().await;
    assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_process_that_was_killed_lost_nothing_it_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    fill(&store).await;
    // Without the farewell of a close.
    let left = copy_of(directory.path());
    assert_filled(&open(left.path()).unwrap()).await;
    store.close().await;
}

/// The files of a directory whose process was killed: most of what it acknowledged is in the journal alone.
async fn killed() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    fill(&store).await;
    let left = copy_of(directory.path());
    store.close().await;
    left
}

const FIRST_FILE: &str = "journal.0000000000000001";

#[tokio::test]
async fn a_journal_that_is_missing_or_damaged_is_damage() {
    let directory = killed().await;
    fs::remove_file(directory.path().join(FIRST_FILE)).unwrap();
    assert_damaged(directory.path(), "file 1 of the journal is missing");

    let directory = killed().await;
    edit(&directory.path().join(FIRST_FILE), |bytes| bytes.truncate(63));
    assert_damaged(directory.path(), "shorter than its header");

    let directory = killed().await;
    edit(&directory.path().join(FIRST_FILE), |bytes| bytes[64 + 20] ^= 1);
    assert_damaged(directory.path(), "has a commit that cannot be read");

    let (directory, other) = (killed().await, killed().await);
    fs::copy(other.path().join(FIRST_FILE), directory.path().join(FIRST_FILE)).unwrap();
    assert_damaged(directory.path(), "belongs to another store");
}

#[tokio::test]
async fn a_commit_that_was_cut_short_by_a_power_cut_is_left_out_as_a_whole() {
    let directory = killed().await;
    edit(&directory.path().join(FIRST_FILE), |bytes| {
        // The room for it was there before; what power took away reads as zeros.
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[end - 1..].fill(0);
    });
    let store = open(directory.path()).unwrap();
    assert_eq!(store.numbers(&scope(), None, 0, 100).await.unwrap().total, 20);
    assert_eq!(store.interaction(&scope(), &interaction("a")).await.unwrap(), None);
    // The store goes on where it was, and what it acknowledges now is there after another end of this kind.
    fill_again(&store).await;
    drop(store);
    assert_filled(&open(directory.path()).unwrap()).await;
}

async fn fill_again(store: &SledStore) {
    let data = vec![text("k", "v"), file("picture", &vec![7; 300_000])];
    store.lend(&scope(), Lend { data, ..lend_to("a") }, None).await.unwrap();
}

#[tokio::test]
async fn a_directory_of_the_first_format_opens_and_gets_a_journal() {
    let directory = filled().await;
    // As the first format was: everything in the tree, and no word of a journal.
    let marker = fs::read_to_string(directory.path().join(MARKER)).unwrap();
    for path in files(directory.path()).into_keys() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("journal.") || name == "dnis-gateway.closed" {
            fs::remove_file(path).unwrap();
        }
    }
    edit_record(directory.path(), &[201], None);
    let identity = tree(directory.path()).get([1]).unwrap().unwrap();
    assert_eq!(identity[1], 3, "the format is the first field");
    edit_record(directory.path(), &[1], Some(&[&[1, 1], &identity[2..]].concat()));
    edit_marker(directory.path(), |text| text.replace("format = 3", "format = 1"));

    let store = open(directory.path()).unwrap();
    assert_filled(&store).await;
    assert_eq!(fs::read_to_string(directory.path().join(MARKER)).unwrap(), marker, "earlier releases are kept out");
    store.create_number(&scope(), number("999"), None).await.unwrap();
    drop(store);
    let store = open(directory.path()).unwrap();
    assert_eq!(store.numbers(&scope(), None, 0, 100).await.unwrap().total, 21);
}

#[tokio::test]
async fn a_tree_that_lost_where_its_journal_begins_is_damage() {
    let directory = filled().await;
    edit_record(directory.path(), &[201], None);
    assert_damaged(directory.path(), "lost where the journal begins");
}

#[tokio::test]
async fn a_directory_in_use_is_refused_until_it_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    fill(&store).await;
    // A snapshot that the running process is writing is not for others to remove.
    fs::write(directory.path().join("snap.00000000000000FF.generating"), b"half").unwrap();
    assert!(matches!(refused(directory.path()), OpenError::InUse(path) if path == directory.path()));
    store.close().await;
    assert_filled(&open(directory.path()).unwrap()).await;
}

#[tokio::test]
async fn a_store_that_was_dropped_can_be_opened_again_at_once() {
    let directory = tempfile::tempdir().unwrap();
    fill(&open(directory.path()).unwrap()).await;
    for _ in 0..3 {
        assert_filled(&open(directory.path()).unwrap()).await;
    }
}

#[test]
fn a_path_that_is_a_file_or_below_one_is_unusable() {
    let above = tempfile::tempdir().unwrap();
    let file = above.path().join("file");
    fs::write(&file, b"text").unwrap();
    for path in [file.clone(), file.join("data")] {
        assert!(matches!(open(&path), Err(OpenError::Unusable { .. })), "{}", path.display());
    }
    assert_eq!(fs::read(file).unwrap(), b"text");
}

#[tokio::test]
async fn a_directory_whose_files_cannot_be_read_is_unusable() {
    for unreadable in ["db", MARKER] {
        let directory = filled().await;
        let path = directory.path().join(unreadable);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(refused(directory.path()), OpenError::Unusable { .. }), "{unreadable}");
    }
}

#[test]
fn a_directory_of_other_files_is_foreign() {
    for name in ["notes.txt", "conf", "snap.0000000000000001", "blobs", ".hidden"] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(name), b"mine").unwrap();
        assert!(matches!(refused(directory.path()), OpenError::Foreign(_)), "{name}");
    }
}

#[test]
fn a_tree_of_another_program_is_foreign() {
    let directory = tempfile::tempdir().unwrap();
    edit_record(directory.path(), b"their key", Some(b"their value"));
    assert!(matches!(refused(directory.path()), OpenError::Foreign(_)));
}

#[test]
fn a_freshly_made_file_system_is_as_good_as_empty() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("lost+found")).unwrap();
    open(directory.path()).unwrap();
}

#[tokio::test]
async fn a_newer_format_is_refused_even_if_the_rest_of_the_marker_has_changed() {
    let directory = filled().await;
    edit_marker(directory.path(), |text| text.replace("format = 3", "format = 4"));
    assert!(matches!(refused(directory.path()), OpenError::Newer { .. }));
    edit_marker(directory.path(), |_| "format = 5\nshards = [1, 2]\n".to_owned());
    assert!(matches!(refused(directory.path()), OpenError::Newer { .. }));
}

#[tokio::test]
async fn what_a_newer_release_was_about_to_carry_over_is_left_to_it() {
    let directory = filled().await;
    edit_marker(directory.path(), |text| text.replace("format = 3", "format = 4"));
    for (place, name) in [("dnis-gateway.compacting", "db"), ("dnis-gateway.compacted", "db")] {
        fs::create_dir(directory.path().join(place)).unwrap();
        fs::write(directory.path().join(place).join(name), "new").unwrap();
    }
    assert!(matches!(refused(directory.path()), OpenError::Newer { .. }));
    let before = files(directory.path());
    assert!(matches!(compact(directory.path()), Err(OpenError::Newer { .. })));
    assert!(files(directory.path()) == before, "a compaction that is refused has changed something");
}

#[tokio::test]
async fn a_journal_without_its_tree_is_damage_and_never_a_new_start() {
    let directory = killed().await;
    for name in [MARKER, "db"] {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    assert_damaged(directory.path(), "db is missing");
    assert!(matches!(Build::begin(directory.path(), 1 << 20), Err(OpenError::NotEmpty(_))));
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_refused_as_newer() {
    let directory = filled().await;
    edit_record(directory.path(), &[3], Some(&[2, 1, 1, 1, 1]));
    match refused(directory.path()) {
        OpenError::Newer { reason, .. } => assert!(reason.contains("format 2"), "{reason}"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_damage() {
    let directory = filled().await;
    edit_record(directory.path(), &[3], Some(&[1]));
    assert_damaged(directory.path(), "a record of kind 3");
}

#[tokio::test]
async fn a_marker_that_is_no_marker_is_damage() {
    let directory = filled().await;
    for text in ["", "format = \"one\"", "format = 2\nstore = \"x\"\ncommits = 1", "\u{0}\u{0}\u{0}"] {
        edit_marker(directory.path(), |_| text.to_owned());
        assert_damaged(directory.path(), "its marker file cannot be read");
    }
}

#[tokio::test]
async fn a_marker_of_another_store_is_damage() {
    let (directory, other) = (filled().await, filled().await);
    fs::copy(other.path().join(MARKER), directory.path().join(MARKER)).unwrap();
    assert_damaged(directory.path(), "belongs to another store");
}

#[tokio::test]
async fn a_lost_marker_is_written_anew_from_what_the_tree_says() {
    let directory = filled().await;
    let before = fs::read_to_string(directory.path().join(MARKER)).unwrap();
    fs::remove_file(directory.path().join(MARKER)).unwrap();
    let store = open(directory.path()).unwrap();
    assert_filled(&store).await;
    store.close().await;
    assert_eq!(fs::read_to_string(directory.path().join(MARKER)).unwrap(), before);
}

#[tokio::test]
async fn a_missing_or_empty_log_is_damage_and_never_a_new_start() {
    let directory = filled().await;
    fs::write(directory.path().join("db"), b"").unwrap();
    assert_damaged(directory.path(), "missing or empty");
    fs::remove_file(directory.path().join("db")).unwrap();
    assert_damaged(directory.path(), "missing or empty");
}

/// Opens copies of a directory whose log was damaged, with and without snapshots: all is still there, or it is refused and
/// left as it was. How often it was refused.
async fn refusals_of(original: &Path, what: &str, damage: impl Fn(&Path)) -> usize {
    let mut refusals = 0;
    for keep_snapshots in [true, false] {
        let directory = copy_of(original);
        damage(&directory.path().join("db"));
        if !keep_snapshots {
            snapshots(directory.path()).iter().for_each(|path| fs::remove_file(path).unwrap());
        }
        let before = files(directory.path());
        match open(directory.path()) {
            Ok(store) => assert_filled(&store).await,
            Err(OpenError::Damaged { .. }) => {
                refusals += 1;
                assert!(files(directory.path()) == before, "{what}");
            }
            Err(other) => panic!("{what}: {other}"),
        }
    }
    refusals
}

#[tokio::test]
async fn a_log_overwritten_in_any_part_is_damage_or_all_is_still_there() {
    let original = filled().await;
    let length = fs::metadata(original.path().join("db")).unwrap().len();
    let length = usize::try_from(length).unwrap();
    let mut refusals = 0;
    for (from, to) in [(0, length), (0, 4_096), (0, length / 2), (length / 2, length), (length / 3, length / 3 + 64)] {
        let overwrite = |log: &Path| edit(log, |bytes| bytes[from..to].fill(0xa5));
        refusals += refusals_of(original.path(), &format!("bytes {from} to {to} overwritten"), overwrite).await;
    }
    assert!(refusals >= 6, "a log that is gone, or half of it, cannot open: {refusals}");
}

#[tokio::test]
async fn a_log_cut_short_is_damage_or_all_is_still_there() {
    let original = filled().await;
    let length = fs::metadata(original.path().join("db")).unwrap().len();
    let mut refusals = 0;
    for left in [1, 4_096, length / 4, length / 2, length * 3 / 4, length - 1] {
        let cut = |log: &Path| fs::OpenOptions::new().write(true).open(log).unwrap().set_len(left).unwrap();
        refusals += refusals_of(original.path(), &format!("{left} of {length} bytes left"), cut).await;
    }
    assert!(refusals >= 6, "a log without its beginning or its commits cannot open: {refusals}");
}

#[tokio::test]
async fn commits_that_were_on_disk_and_are_gone_are_damage() {
    let directory = filled().await;
    edit_marker(directory.path(), |text| text.replace("commits = ", "commits = 9"));
    assert_damaged(directory.path(), "was on disk, but the last one found is");
}

#[tokio::test]
async fn a_tree_that_lost_its_identity_is_damage() {
    let directory = filled().await;
    edit_record(directory.path(), &[1], None);
    assert_damaged(directory.path(), "the file db has lost what it held");
}

#[tokio::test]
async fn a_snapshot_left_half_written_is_removed_and_nothing_is_lost() {
    let directory = filled().await;
    let half = directory.path().join("snap.00000000FFFFFFFF.generating");
    fs::write(&half, b"half").unwrap();
    assert_filled(&open(directory.path()).unwrap()).await;
    assert!(!half.exists());
}

#[tokio::test]
async fn a_damaged_snapshot_is_set_aside_and_everything_comes_back_from_the_log() {
    let directory = filled().await;
    // A second opening makes sure that there is a snapshot.
    open(directory.path()).unwrap().close().await;
    let damaged = snapshots(directory.path());
    assert!(!damaged.is_empty(), "there is a snapshot to damage");
    for path in &damaged {
        edit(path, |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x5a));
    }
    let store = open(directory.path()).unwrap();
    assert_filled(&store).await;
    store.close().await;
    for path in damaged {
        let name = format!("aside.{}", path.file_name().unwrap().to_string_lossy());
        assert!(path.with_file_name(name).exists());
    }
    drop(store);
    assert_filled(&open(directory.path()).unwrap()).await;
}

#[tokio::test]
async fn a_directory_whose_making_was_cut_short_is_made_anew() {
    let leftovers: [&[(&str, &[u8])]; 4] = [
        &[],
        &[("conf", b"half")],
        &[("conf", b"half"), ("db", b"")],
        &[("db", b"half"), ("snap.0000000000000001.generating", b"h"), ("dnis-gateway.toml.new", b"form")],
    ];
    for files in leftovers {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("dnis-gateway.begun"), b"").unwrap();
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        let store = open(directory.path()).unwrap();
        fill(&store).await;
        store.close().await;
        drop(store);
        assert!(!directory.path().join("dnis-gateway.begun").exists());
        assert_filled(&open(directory.path()).unwrap()).await;
    }
}

#[tokio::test]
async fn a_finished_directory_is_never_taken_for_one_that_is_being_made() {
    let directory = filled().await;
    fs::write(directory.path().join("dnis-gateway.begun"), b"").unwrap();
    assert_filled(&open(directory.path()).unwrap()).await;
}

#[tokio::test]
async fn copies_that_a_killed_start_left_are_removed() {
    let directory = filled().await;
    let left = ["dnis-gateway.check", "dnis-gateway.check.00000000deadbeef"].map(|name| directory.path().join(name));
    for left in &left {
        fs::create_dir(left).unwrap();
        fs::write(left.join("db"), b"half a copy").unwrap();
    }
    assert_filled(&open(directory.path()).unwrap()).await;
    assert!(!left.iter().any(|left| left.exists()));
}
