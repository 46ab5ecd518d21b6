//! What only shows from inside: stages of an import, and the files of the journal.

use super::*;
use crate::domain::{Change, NewNumber, Number, NumberId, Scope, State, Tables, TenantId, Timestamp};
use crate::store::engine::{CommandContext, Records, Stages};
use crate::store::{Store, SystemClock};

fn scope() -> Scope {
    Scope { tenant: TenantId::new("acme").unwrap(), environment: None }
}

fn new_number(text: &str) -> NewNumber {
    let number = Number::new(text).unwrap();
    NewNumber { number, dnid: number, group: None, enabled: true }
}

async fn create(store: &SledStore, text: &str) {
    store.create_number(&scope(), new_number(text), None).await.unwrap();
}

async fn known(store: &SledStore, text: &str) -> bool {
    store.number(&scope(), Number::new(text).unwrap()).await.unwrap().is_some()
}

/// The changes that creating numbers comes to, and a state that has made them already.
fn created(texts: &[&str]) -> Vec<Change> {
    let mut state = State::new(Tables::default(), Rules::default());
    let mut rng = StdRng::seed_from_u64(1);
    for text in texts {
        state.at(Timestamp::from_millis(1), &mut rng).create_number(&scope(), new_number(text)).unwrap();
    }
    state.take_changes()
}

/// Stages new numbers as a bulk import does.
async fn staged(store: &SledStore, texts: &'static [&'static str]) -> Stages {
    let stage = |records: &DurableRecords| {
        let mut stages = Stages::begin();
        for changes in created(texts).chunks(2) {
            records.stage(&mut stages, changes)?;
        }
        Ok(stages)
    };
    store.read_records(stage).await.unwrap()
}

/// Makes numbers count that were staged.
async fn include(store: &SledStore, stages: &Stages, texts: &'static [&'static str]) {
    let import = stages.import;
    let command = move |context: &mut CommandContext<'_>| {
        context.include(import);
        for text in texts {
            context.turn().create_number(&scope(), new_number(text))?;
        }
        Ok(())
    };
    store.write(command).await.unwrap();
}

/// How many records of a kind the tree has.
fn records_of_kind(directory: &std::path::Path, kind: u8) -> usize {
    let tree = tree::Tree::open(directory, 1 << 20).unwrap();
    tree.range(&[kind], &[kind + 1]).count()
}

const STAGE: u8 = 202;

#[tokio::test]
async fn what_an_import_has_staged_counts_from_its_commit_on_and_not_before() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    create(&store, "9").await;
    let stages = staged(&store, &["1", "2", "3"]).await;
    assert!(!known(&store, "1").await);
    include(&store, &stages, &["1", "2", "3"]).await;
    create(&store, "4").await;
    for text in ["1", "2", "3", "4", "9"] {
        assert!(known(&store, text).await, "{text}");
    }
    let copy = copy_of(directory.path());
    store.close().await;
    // After a proper end, and after the process was killed right after the commit.
    for directory in [directory.path(), copy.path()] {
        let store = open(directory);
        for text in ["1", "2", "3", "4", "9"] {
            assert!(store.number(&scope(), Number::new(text).unwrap()).await.unwrap().is_some(), "{text}");
        }
        let next = store.create_number(&scope(), new_number("10"), None).await;
        assert_eq!(next, Ok(NumberId(6)), "ids go on where they were");
        store.close().await;
        assert_eq!(records_of_kind(directory, STAGE), 0, "the stages are gone when the tree has the records");
    }
}

#[tokio::test]
async fn what_was_staged_and_never_included_is_gone_after_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let abandoned = staged(&store, &["5"]).await;
    staged(&store, &["6", "7"]).await;
    store.read_records(|records| records.abandon(abandoned)).await.unwrap();
    store.close().await;
    let directory = directory.path();
    assert!(records_of_kind(directory, STAGE) > 0, "those that nobody abandoned are still there");
    let store = open(directory);
    assert!(!known(&store, "5").await && !known(&store, "6").await);
    store.close().await;
    assert_eq!(records_of_kind(directory, STAGE), 0);
}

#[tokio::test]
async fn what_is_left_in_the_journal_moves_into_the_tree_and_its_files_go_away() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for at in 0..40 {
        create(&store, &at.to_string()).await;
    }
    let directory = copy_of(directory.path());
    let files = |directory: &std::path::Path| journal::generations(directory).unwrap();
    let tree_has = |directory: &std::path::Path| records_of_kind(directory, 4);
    assert_eq!(files(directory.path()), [1, 2], "the one that is written and the one after it");
    assert_eq!(tree_has(copy_of(directory.path()).path()), 0);
    open(directory.path()).close().await;
    assert_eq!(tree_has(directory.path()), 40);
    assert_eq!(files(directory.path()), [2, 3], "the first is done, the others are empty");
    // Another start changes nothing any more.
    open(directory.path()).close().await;
    assert_eq!(files(directory.path()), [2, 3]);
    assert_eq!(open(directory.path()).numbers(&scope(), None, 0, 0).await.unwrap().total, 40);
}

fn open(directory: &std::path::Path) -> SledStore {
    let clock = Arc::new(SystemClock::default());
    SledStore::open(Options::new(directory, Rules::default(), clock as Arc<dyn Clock>)).unwrap()
}

/// The files as they lie on disk now: what a killed process leaves behind.
fn copy_of(directory: &std::path::Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}
