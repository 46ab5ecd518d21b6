//! Kills the real gateway at random moments under load and holds what it knows afterwards against what its clients were
//! told: nothing acknowledged is lost, nothing unacknowledged is there by half.
//!
//! The same is done on a disk of the test's own, which loses what was not synced when its power is cut, fails on demand,
//! and can lie about syncs.
//!
//! `CRASH_KILLS` sets the number of kills, `CRASH_CUTS` that of power cuts under load, `CRASH_POINTS` that of cuts at any
//! point of each recorded story, `CRASH_FAILURES` how often each trouble of a disk is tried, `CRASH_FLIPS` how many files are
//! damaged. `CRASH_SEED` repeats the
//! schedule and the clients of an earlier run (the machine's own timing is not repeated).
//! `cargo test --test crash -- --nocapture` shows the tally.

mod audit;
mod churn;
mod damage;
#[path = "../common/database.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "the tests of the store use all of it, and end where something fails")]
mod database;
mod disk;
mod full;
mod gateway;
mod import;
mod ledger;
mod load;
mod points;
mod retries;
mod routes;
mod schedule;
mod trouble;
mod wire;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

use disk::{Cut, Honesty, Trouble};
use gateway::Home;
use schedule::{Run, Tally};
use trouble::End;

/// Kills in a run where nothing else is said.
const KILLS: usize = 20;
/// Power cuts in a run where nothing else is said.
const CUTS: usize = 12;

/// A number from the environment.
fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is '{text}'; a whole number is allowed")))
}

/// Ends a test: with what was found wrong, and everything kept that may explain it.
fn conclude(run: &Run<'_>, home: &Home, directory: TempDir, seed: u64) {
    let violations = run.violations();
    if violations.is_empty() {
        return;
    }
    let kept = directory.keep();
    let shown = violations.iter().take(20).map(|text| text.chars().take(600).collect()).collect::<Vec<String>>();
    panic!(
        "{} violations; CRASH_SEED={seed} repeats the run; everything is kept in {}\n{}\nthe end of the log:\n{}",
        violations.len(),
        kept.display(),
        shown.join("\n"),
        home.log()
    );
}

/// A gateway's lives, ended so many times under load, with nothing wrong in the end; what came to pass.
#[allow(clippy::print_stdout, reason = "the tally is shown, also of a run that fails")]
async fn survive(home: &Home, directory: TempDir, seed: u64, ends: usize) -> Tally {
    let mut run = Run::new(home, seed);
    run.kill_while_it_makes_its_directory(2).await;
    run.kill_under_load(ends).await;
    run.end_in_good_order().await;
    let tally = run.tally();
    println!("{tally}");
    conclude(&run, home, directory, seed);
    assert!(tally.acknowledged > 10 * ends, "hardly any load: {tally}");
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_acknowledged_survives_every_kill_and_nothing_else_is_there_by_half() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let kills = from_environment("CRASH_KILLS").unwrap_or(KILLS);
    println!("CRASH_SEED={seed} CRASH_KILLS={kills}");
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path());
    let tally = survive(&home, directory, seed, kills).await;
    assert!(tally.kills() >= kills, "{tally}");
    assert!(kills < KILLS || (tally.starting > 0 && tally.stopping > 0 && tally.working > 0), "{tally}");
}

/// The same gateway with its data in PostgreSQL, which crashes as well now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_acknowledged_survives_every_kill_over_postgresql() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let kills = from_environment("CRASH_KILLS").unwrap_or(KILLS);
    println!("CRASH_SEED={seed} CRASH_KILLS={kills}");
    let directory = tempfile::tempdir().unwrap();
    let home = Home::on_database(directory.path());
    let tally = survive(&home, directory, seed, kills).await;
    assert!(tally.kills() >= kills, "{tally}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_acknowledged_survives_every_power_cut() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let cuts = from_environment("CRASH_CUTS").unwrap_or(CUTS);
    println!("CRASH_SEED={seed} CRASH_CUTS={cuts}");
    let directory = tempfile::tempdir().unwrap();
    let home = Home::on_disk(directory.path(), Honesty::Honest);
    let tally = survive(&home, directory, seed, cuts).await;
    assert!(tally.cuts * 4 >= cuts, "hardly a cut had anything to take: {tally}");
}

/// The proof that the test above can fail, and that the gateway's calls of `fdatasync` are needed: without their effect
/// acknowledged operations are lost, and the audit says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_disk_whose_syncs_do_nothing_power_cuts_lose_what_was_acknowledged() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    println!("CRASH_SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let home = Home::on_disk(directory.path(), Honesty::Lying);
    let mut run = Run::new(&home, seed);
    run.kill_under_load(CUTS).await;
    let violations = run.violations();
    println!("found out after {}: {} violations, the first: {:?}", run.tally(), violations.len(), violations.first());
    assert!(!violations.is_empty(), "CRASH_SEED={seed}: nothing was missing: {}", run.tally());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_disk_has_failed_nothing_is_acknowledged_and_nothing_acknowledged_before_is_lost() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let rounds = from_environment("CRASH_FAILURES").unwrap_or(1);
    println!("CRASH_SEED={seed} CRASH_FAILURES={rounds}");
    let mut rng = StdRng::seed_from_u64(seed);
    for trouble in (0..rounds).flat_map(|_| Trouble::ALL) {
        let end = if rng.random_bool(0.5) { End::Killed } else { End::Told };
        let cut = Cut::ALL[rng.random_range(0..Cut::ALL.len())];
        println!("{trouble:?}, {end:?}, {cut:?}");
        let directory = tempfile::tempdir().unwrap();
        let home = Home::on_disk(directory.path(), Honesty::Honest);
        let mut run = Run::new(&home, seed);
        run.break_disk(trouble, end, cut).await;
        run.audit_once().await;
        conclude(&run, &home, directory, seed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_was_left_half_written_is_cleaned_away_and_nothing_is_lost() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    println!("CRASH_SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path());
    let mut run = Run::new(&home, seed);
    // A kill can come before there is anything.
    while !home.data().join("db").exists() {
        run.kill_under_load(1).await;
    }
    let left = home.data().join("snap.0000000000001F40.generating");
    fs::write(&left, b"half a snapsh").unwrap();
    run.audit_once().await;
    let cleaned = !left.exists();
    run.end_in_good_order().await;
    conclude(&run, &home, directory, seed);
    assert!(cleaned, "the half written snapshot is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_snapshot_costs_no_data_whether_or_not_the_log_can_stand_in_for_it() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    println!("CRASH_SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path());
    let mut run = Run::new(&home, seed);
    run.kill_under_load(1).await;
    // After an orderly end the next start finds a snapshot.
    run.end_in_good_order().await;
    let before = files(&home);
    let snapshots: Vec<&PathBuf> = before.keys().filter(|path| is_snapshot(path)).collect();
    assert!(!snapshots.is_empty(), "there is no snapshot to damage");
    for path in &snapshots {
        fs::write(path, b"no snapshot at all").unwrap();
    }
    let damaged = files(&home);
    match run.starts() {
        Ok(()) => println!("the log stood in for the snapshot"),
        Err(reason) => {
            println!("refused: {reason}");
            assert!(home.log().contains("is damaged"), "{}", home.log());
            assert!(files(&home) == damaged, "a refused start has changed the directory");
            for path in snapshots {
                fs::write(path, &before[path]).unwrap();
            }
        }
    }
    run.audit_once().await;
    conclude(&run, &home, directory, seed);
}

fn is_snapshot(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap."))
}

/// The files of a data directory with what is in them.
fn files(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(home.data())
        .expect("the directory can be read")
        .map(|entry| entry.expect("an entry can be read").path());
    paths
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(&path).expect("the file can be read")))
        .collect()
}
