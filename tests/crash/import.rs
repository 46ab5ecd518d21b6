//! Kills the real gateway while it imports a file: afterwards all of the file is there or nothing.
//!
//! `CRASH_IMPORTS` sets the number of kills, `CRASH_IMPORT_ROWS` how many numbers a file has.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;

use crate::from_environment;
use crate::gateway::{Gateway, Home};

/// Kills where nothing else is said.
const KILLS: u32 = 6;
/// Numbers of one file where nothing else is said.
const ROWS: usize = 20_000;
/// `admin:password`.
const BASIC: &str = "Basic YWRtaW46cGFzc3dvcmQ=";

/// The file of one attempt: numbers that no other file has, in a group of their own.
fn file(attempt: u32, rows: usize) -> String {
    let mut text = "number,dnid,group,enabled\n".to_owned();
    for row in 0..rows {
        text.push_str(&format!("7{attempt:04}{row:07},,import-{attempt},true\n"));
    }
    text
}

/// Sends a file; `true` if it was acknowledged.
async fn import(base: &str, file: String) -> bool {
    let request = Client::new().post(format!("{base}/gateway/v1/numbers/import"));
    let request = request.header("Authorization", BASIC).header("Content-Type", "text/csv").body(file);
    request.send().await.is_ok_and(|answer| answer.status() == 200)
}

/// How many numbers of a file are there.
async fn there(base: &str, attempt: u32) -> usize {
    let url = format!("{base}/gateway/v1/numbers/export?group=import-{attempt}");
    let answer = Client::new().get(url).header("Authorization", BASIC).send().await.expect("an export is answered");
    assert_eq!(answer.status(), 200);
    answer.text().await.expect("an export comes to its end").lines().count() - 1
}

async fn started(home: &Home) -> (Gateway, String) {
    let mut gateway = home.spawn();
    let (base, _) = gateway.listening().unwrap_or_else(|reason| panic!("{reason}\n{}", home.log()));
    (gateway, base)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_imported_while_the_gateway_is_killed_is_there_whole_or_not_at_all() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let kills = from_environment("CRASH_IMPORTS").unwrap_or(KILLS);
    let rows = from_environment("CRASH_IMPORT_ROWS").unwrap_or(ROWS);
    println!("CRASH_SEED={seed} CRASH_IMPORTS={kills} CRASH_IMPORT_ROWS={rows}");
    let mut rng = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path());
    home.configure(300);
    let (mut gateway, mut base) = started(&home).await;
    let began = Instant::now();
    assert!(import(&base, file(0, rows)).await, "{}", home.log());
    let took = began.elapsed();
    let mut expected = vec![rows];
    for attempt in 1..=kills {
        let importing = tokio::spawn({
            let (base, file) = (base.clone(), file(attempt, rows));
            async move { import(&base, file).await }
        });
        // Somewhere in the import, more often near its end, where it is decided; and now and then just after it.
        let part = if rng.random_bool(0.5) { rng.random_range(0.0..0.8) } else { rng.random_range(0.8..1.3) };
        tokio::time::sleep(Duration::from_secs_f64(took.as_secs_f64() * part)).await;
        gateway.kill();
        let acknowledged = importing.await.expect("the client ends");
        (gateway, base) = started(&home).await;
        let found = there(&base, attempt).await;
        println!("killed after {part:.2} of an import, acknowledged: {acknowledged}, {found} numbers are there");
        assert!(found == rows || (found == 0 && !acknowledged), "{found} of {rows} numbers; CRASH_SEED={seed}");
        expected.push(found);
        for (attempt, expected) in (0..).zip(&expected) {
            assert_eq!(there(&base, attempt).await, *expected, "of file {attempt}; CRASH_SEED={seed}");
        }
    }
    gateway.terminate();
    gateway.stopped().unwrap_or_else(|reason| panic!("{reason}\n{}", home.log()));
}
