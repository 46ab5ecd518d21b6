//! Looking after a data directory: verifying, compacting, and what becomes of it when that is interrupted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dnis_gateway::domain::state::{AfterMatch, Which};
use dnis_gateway::domain::{
    DocumentId, HistoryQuery, HistoryRules, Quotas, Refusal, Rules, Scope, Seconds, TenantId, Timestamp,
};
use dnis_gateway::store::sled::{OpenError, Options, Report, SledStore, compact, verify};
use dnis_gateway::store::{Error, ManualClock, Store, WithData};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::directory::{copy_of, files, tree};
use crate::dump::{dumped, facts};
use crate::engine::open;
use crate::words::*;

/// A store with something of everything in it, and much that is past.
async fn lived_in(directory: &Path, rounds: usize) -> SledStore {
    let store = open(directory).unwrap();
    for text in ["41", "42", "43", "44"] {
        store.create_number(&scope(), number(text), None).await.unwrap();
    }
    store.create_number(&other_scope(), number("41"), None).await.unwrap();
    let mut documents: Vec<DocumentId> = Vec::new();
    for round in 0..rounds {
        let holder = format!("visit {round}");
        let lent =
            store.lend(&scope(), lend_to(&holder), idempotency(&format!("visit-{round}"), "lend")).await.unwrap();
        let call = call(&lent.allocation.number.to_string());
        store.match_call(&scope(), call, Which::Newest, AfterMatch::Delete, WithData::No).await.unwrap();
        let picture = vec![u8::try_from(round % 251).unwrap(); 20_000];
        let entries = vec![file("picture", &picture), text("note", "n")];
        documents.push(store.create_document(&scope(), entries, Seconds::new(3600), None, None).await.unwrap());
        if documents.len() > 3 {
            store.delete_document(&scope(), documents.remove(0).into()).await.unwrap();
        }
    }
    store.lend(&scope(), lend_to("somebody"), None).await.unwrap();
    store
}

async fn facts_in(directory: &Path) -> Vec<String> {
    let store = open(directory).unwrap();
    let dump = dumped(&store).await;
    store.close().await;
    facts(&dump).into_iter().map(ToOwned::to_owned).collect()
}

fn looked_at(directory: &Path) -> Result<Report, OpenError> {
    verify(directory, &std::env::temp_dir())
}

/// What is told of a copy of a directory whose tree was changed behind the store's back.
fn looked_at_changed(directory: &Path, change: &dyn Fn(&sled::Db)) -> Report {
    let copy = copy_of(directory);
    let tree = tree(copy.path());
    change(&tree);
    tree.flush().unwrap();
    drop(tree);
    looked_at(copy.path()).unwrap()
}

#[tokio::test]
async fn a_healthy_directory_is_found_so_and_not_touched() {
    let home = tempfile::tempdir().unwrap();
    let store = lived_in(home.path(), 10).await;
    let killed = copy_of(home.path());
    assert!(matches!(looked_at(home.path()), Err(OpenError::InUse(_))), "a running gateway's directory");
    store.close().await;
    for directory in [home.path(), killed.path()] {
        let before = files(directory);
        let report = looked_at(directory).unwrap();
        assert_eq!((&report.problems, &report.notes), (&vec![], &vec![]));
        assert_eq!((report.records["numbers"], report.records["allocations"]), (5, 1));
        assert_eq!(report.records["pieces of large values"], 3 * 5);
        assert_eq!(files(directory), before);
    }
}

#[test]
fn what_is_no_data_directory_is_not_called_healthy() {
    let home = tempfile::tempdir().unwrap();
    assert!(looked_at(home.path()).is_err());
    assert!(looked_at(&home.path().join("missing")).is_err());
    fs::write(home.path().join("letter"), "dear").unwrap();
    assert!(matches!(looked_at(home.path()), Err(OpenError::Foreign(_))));
    assert!(compact(home.path()).is_err());
    assert_eq!(files(home.path()).len(), 1);
}

#[tokio::test]
async fn a_flipped_bit_is_found_or_harmless() {
    let home = tempfile::tempdir().unwrap();
    lived_in(home.path(), 12).await.close().await;
    let whole: Vec<_> = files(home.path()).into_iter().filter(|(path, _)| path.is_file()).collect();
    let expected = facts_in(copy_of(home.path()).path()).await;
    let mut rng = StdRng::seed_from_u64(11);
    let mut found = 0;
    for _ in 0..80 {
        let directory = copy_of(home.path());
        // Of a file that is mostly room for more, a place that holds something.
        let (path, mut bytes) = whole[rng.random_range(0..whole.len())].clone();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if used == 0 {
            continue;
        }
        let (place, bit) = (rng.random_range(0..used), rng.random_range(0..8));
        bytes[place] ^= 1 << bit;
        let name = path.file_name().unwrap();
        fs::write(directory.path().join(name), &bytes).unwrap();
        match looked_at(directory.path()) {
            Ok(report) if report.problems.is_empty() => {
                assert_eq!(facts_in(directory.path()).await, expected, "bit {bit} of byte {place} of {name:?}");
            }
            Ok(report) => {
                found += 1;
                report.problems.iter().for_each(|problem| assert_in_our_words(problem));
            }
            Err(error) => {
                found += 1;
                assert_in_our_words(&error.to_string());
            }
        }
    }
    assert!(found > 10, "only {found} flips were found");
}

/// What an operator reads names the files and the things in them, and nothing that is inside of the engine.
fn assert_in_our_words(told: &str) {
    for word in ["sled", "backtrace", "offset", "tree", "page", "segment", "chunk", "Corrupt", "corrupted"] {
        assert!(!told.contains(word), "{word}: {told}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_each_file_is_told_in_words_of_the_operators_page() {
    let home = tempfile::tempdir().unwrap();
    lived_in(home.path(), 12).await.close().await;
    for (path, bytes) in files(home.path()).into_iter().filter(|(path, _)| path.is_file()) {
        let name = path.file_name().unwrap().to_owned();
        for spoilt in [bytes[..bytes.len().min(20)].to_vec(), vec![0xff; bytes.len()]] {
            let directory = copy_of(home.path());
            fs::write(directory.path().join(&name), spoilt).unwrap();
            match looked_at(directory.path()) {
                Ok(report) => {
                    report.problems.iter().for_each(|problem| assert_in_our_words(problem));
                    let kinds: Vec<&str> = report.records.keys().copied().collect();
                    assert_in_our_words(&kinds.join(" "));
                }
                Err(error) => assert_in_our_words(&error.to_string()),
            }
        }
    }
}

#[tokio::test]
async fn a_value_that_is_missing_cut_or_of_nobody_is_told() {
    let home = tempfile::tempdir().unwrap();
    lived_in(home.path(), 4).await.close().await;
    let values: Vec<_> = {
        let tree = tree(home.path());
        let keys = tree.scan_prefix([8]).keys().map(Result::unwrap);
        keys.collect()
    };
    let told = |change: &dyn Fn(&sled::Db)| {
        let report = looked_at_changed(home.path(), change);
        (report.problems.join("\n"), report.notes.join("\n"))
    };
    let (problems, _) = told(&|tree| drop(tree.remove(&values[4]).unwrap()));
    assert!(problems.contains("has 16000 bytes instead of 20000"), "{problems}");
    let (problems, _) = told(&|tree| drop(tree.remove(&values[1]).unwrap()));
    assert!(problems.contains("does not follow the one before"), "{problems}");
    let (problems, _) = told(&|tree| values[..5].iter().for_each(|key| drop(tree.remove(key).unwrap())));
    assert!(problems.contains("is missing"), "{problems}");
    let mut orphan = values[0].to_vec();
    orphan[8] = 1;
    let (problems, notes) = told(&|tree| drop(tree.insert(&orphan, vec![7; 100]).unwrap()));
    assert!(problems.is_empty() && notes.contains("1 large values, 100 bytes"), "{problems} {notes}");
}

#[tokio::test]
async fn compaction_keeps_everything_and_takes_no_more_room() {
    let home = tempfile::tempdir().unwrap();
    let store = lived_in(home.path(), 10).await;
    let mut documents = Vec::new();
    for round in 0..100u8 {
        let entries = vec![file("picture", &[round; 50_000])];
        documents.push(store.create_document(&scope(), entries, Seconds::new(600), None, None).await.unwrap());
    }
    for id in documents {
        store.delete_document(&scope(), id.into()).await.unwrap();
    }
    store.close().await;
    let before = facts_in(home.path()).await;
    let sizes = compact(home.path()).unwrap();
    assert!(sizes.after <= sizes.before, "{sizes:?}");
    assert_eq!(looked_at(home.path()).unwrap().problems, [""; 0]);
    assert_eq!(facts_in(home.path()).await, before);
    let again = compact(home.path()).unwrap();
    assert_eq!(facts_in(home.path()).await, before);
    assert!(again.after <= again.before, "{again:?}");
    let store = open(home.path()).unwrap();
    assert!(matches!(compact(home.path()), Err(OpenError::InUse(_))));
    store.lend(&scope(), lend_to("a new one"), None).await.unwrap();
}

#[tokio::test]
async fn compaction_keeps_the_history_and_the_keys_of_requests() {
    let home = tempfile::tempdir().unwrap();
    lived_in(home.path(), 10).await.close().await;
    let before = looked_at(home.path()).unwrap();
    assert_eq!(before.problems, [""; 0]);
    assert_eq!((before.records["ended allocations"], before.records["keys of retried requests"]), (10, 10));
    compact(home.path()).unwrap();
    let after = looked_at(home.path()).unwrap();
    assert_eq!((after.problems, after.records), (before.problems, before.records));
    let store = open(home.path()).unwrap();
    let mut held = Vec::new();
    for number in ["41", "42", "43", "44"] {
        let query = HistoryQuery { number: num(number), from: None, to: None, after: None, limit: 100 };
        let page = store.history(&scope(), query).await.unwrap();
        held.extend(page.entries.into_iter().filter(|held| held.ended.is_some()));
    }
    assert_eq!(held.len(), 10);
    let again = store.lend(&scope(), lend_to("visit 3"), idempotency("visit-3", "lend")).await;
    assert!(matches!(again, Err(Error::Refused(Refusal::KeyExpired(_)))), "{again:?}");
}

#[tokio::test]
async fn history_that_is_cut_or_of_nobody_is_told() {
    let home = tempfile::tempdir().unwrap();
    lived_in(home.path(), 4).await.close().await;
    let told = |change: &dyn Fn(&sled::Db)| looked_at_changed(home.path(), change).problems.join("\n");
    let first = |tree: &sled::Db, tag: u8| tree.scan_prefix([tag]).next().unwrap().unwrap();
    // A block is a version and then entries: a one, and with their lengths before them the key and the value.
    let length = |bytes: &[u8], at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let problems = told(&|tree| {
        let (key, value) = first(tree, 206);
        let name_ends = 4 + length(&value, 2);
        let ends = name_ends + 2 + length(&value, name_ends);
        tree.insert(key, [&value[..1], &value[ends..]].concat()).unwrap();
    });
    assert!(problems.contains("has 3 entries instead of 4"), "{problems}");
    let problems = told(&|tree| {
        let (key, value) = first(tree, 206);
        tree.insert(key, &value[..value.len() - 1]).unwrap();
    });
    assert!(problems.contains("it has something else than entries in it"), "{problems}");
    let problems = told(&|tree| drop(tree.remove(first(tree, 15).0).unwrap()));
    assert!(problems.contains("is not known to be there"), "{problems}");
    let problems = told(&|tree| {
        let (key, mut value) = first(tree, 206);
        // A key ends with the allocation's id.
        let name_ends = 4 + length(&value, 2);
        value[name_ends - 1] = 99;
        tree.insert(key, value).unwrap();
    });
    assert!(problems.contains("allocation 99, which has ended, was never given out"), "{problems}");
}

#[tokio::test]
async fn history_that_a_busy_tenant_has_no_more_leaves_the_disk_and_its_neighbours_stays() {
    let home = tempfile::tempdir().unwrap();
    let neighbour = Scope { tenant: TenantId::new("neighbour").unwrap(), environment: None };
    let quotas = |history| Quotas { history, ..Quotas::default() };
    let quotas = [(scope().tenant, quotas(32)), (neighbour.tenant.clone(), quotas(100))].into_iter().collect();
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
    let open = || {
        let rules = Rules { quotas, history: HistoryRules { days: 30, entries: 132 }, ..Rules::default() };
        SledStore::open(Options::new(home.path(), rules, clock)).unwrap()
    };
    let store = open();
    for (scope, times) in [(&neighbour, 50), (&scope(), 500)] {
        store.create_number(scope, number("41"), None).await.unwrap();
        for _ in 0..times {
            store.lend(scope, lend_to("a"), None).await.unwrap();
            store.free(scope, num("41")).await.unwrap();
        }
    }
    for _ in 0..5 {
        store.sweep().await.unwrap();
    }
    store.close().await;
    let report = looked_at(home.path()).unwrap();
    assert_eq!((&report.problems, &report.notes), (&vec![], &vec![]));
    let left = report.records["ended allocations"];
    assert!((50 + 31..=50 + 32).contains(&left), "{left}");
    compact(home.path()).unwrap();
    assert_eq!(looked_at(home.path()).unwrap().records["ended allocations"], left);
}

#[tokio::test]
async fn what_was_acknowledged_and_is_in_the_journal_alone_survives_a_compaction() {
    let home = tempfile::tempdir().unwrap();
    let store = lived_in(home.path(), 5).await;
    let expected: Vec<String> = facts(&dumped(&store).await).into_iter().map(ToOwned::to_owned).collect();
    let killed = copy_of(home.path());
    store.close().await;
    compact(killed.path()).unwrap();
    assert_eq!(facts_in(killed.path()).await, expected);
}

/// Starts a command and kills it after a while; whether it had ended by then.
fn killed_after(arguments: &[PathBuf], time: Duration) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dnis-gateway"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(time);
    let ended = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    ended
}

/// How long a command takes when nobody disturbs it.
fn takes(arguments: &[PathBuf]) -> Duration {
    let began = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_dnis-gateway")).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    began.elapsed()
}

#[tokio::test]
async fn a_compaction_that_is_killed_at_any_moment_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    lived_in(home.path(), 150).await.close().await;
    let expected = facts_in(copy_of(home.path()).path()).await;
    let run = |directory: &Path| -> [PathBuf; 3] { ["compact".into(), "--data".into(), directory.to_owned()] };
    let whole = copy_of(home.path());
    let length = takes(&run(whole.path()));
    let mut rng = StdRng::seed_from_u64(3);
    let mut interrupted = 0;
    for _ in 0..25 {
        let directory = copy_of(home.path());
        let time = length.mul_f64(rng.random_range(0.05..1.1));
        interrupted += usize::from(!killed_after(&run(directory.path()), time));
        assert_eq!(facts_in(directory.path()).await, expected, "killed after {time:?}");
        assert_eq!(looked_at(directory.path()).unwrap().problems, [""; 0]);
    }
    assert!(interrupted > 5, "only {interrupted} runs were interrupted");
}

#[tokio::test]
async fn a_restore_that_is_killed_at_any_moment_leaves_nothing_or_everything() {
    let home = tempfile::tempdir().unwrap();
    let store = lived_in(&home.path().join("data"), 60).await;
    for text in 1000..4000 {
        store.create_number(&scope(), number(&text.to_string()), None).await.unwrap();
    }
    let dump = home.path().join("dump.ndjson");
    let written = dumped(&store).await;
    fs::write(&dump, &written).unwrap();
    let run = |directory: &Path| -> [PathBuf; 5] {
        ["restore".into(), "--from".into(), dump.clone(), "--data".into(), directory.to_owned()]
    };
    let length = takes(&run(&home.path().join("whole")));
    let mut rng = StdRng::seed_from_u64(5);
    let (mut nothing, mut everything) = (0, 0);
    for attempt in 0..20 {
        let directory = home.path().join(format!("attempt {attempt}"));
        let time = length.mul_f64(rng.random_range(0.05..1.3));
        killed_after(&run(&directory), time);
        if directory.join("dnis-gateway.toml").exists() {
            everything += 1;
        } else {
            nothing += 1;
            takes(&run(&directory));
        }
        let facts: Vec<String> = facts(&written).into_iter().map(ToOwned::to_owned).collect();
        assert_eq!(facts_in(&directory).await, facts, "killed after {time:?}");
    }
    assert!(nothing > 0, "{nothing} left nothing, {everything} everything");
}
