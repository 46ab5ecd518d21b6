//! The wall clock is set while the real binary runs, and between two runs: what lasts goes by the time that has passed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::Caller;

const HOUR: i64 = 3600;

/// A data directory with a wall clock that can be set.
struct Shifted {
    home: TempDir,
}

impl Shifted {
    fn new() -> Self {
        let shifted = Self { home: TempDir::new().unwrap() };
        shifted.set(0);
        shifted
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("shift")
    }

    /// Sets the wall clock to so many seconds from the true time.
    fn set(&self, seconds: i64) {
        // In one step: a reader never finds half of a number.
        let new = self.home.path().join("new");
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(new, self.path()).unwrap();
    }

    fn start(&self) -> Binary {
        let (shift, data) = (self.path(), self.home.path().join("data"));
        let environment = [("LD_PRELOAD", layer()), ("CLOCK_SHIFT", shift.as_path())];
        let arguments = [OsStr::new("--demo"), OsStr::new("--data"), data.as_os_str()];
        Binary::in_directory(self.home.path(), &environment, &arguments)
    }
}

/// What shifts the clock, built on first use.
fn layer() -> &'static Path {
    static LAYER: OnceLock<PathBuf> = OnceLock::new();
    LAYER.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire/clock/shift.c");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("shift-{}.so", std::process::id()));
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .args([built.as_path(), Path::new(source)])
            .output()
            .expect("a C compiler is needed, by the name of cc");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        built
    })
}

/// Lends a number for so many seconds, and gives it back.
async fn lend(caller: &Caller, seconds: u64) -> String {
    let seconds = &seconds.to_string();
    let form = [("_resource_group", "DNIS"), ("_phone_number", "1"), ("_booking_expiration_timeout", seconds)];
    let reply = caller.gms("request-interaction", &form).await;
    let number = reply.json()["_access_number"].as_str().unwrap().to_owned();
    assert_eq!(reply.json()["_expiration_time"], *seconds, "{}", reply.text());
    number
}

/// Whether a call to the number is recognised.
async fn matches(caller: &Caller, number: &str) -> bool {
    caller.gms("match-interaction", &[("_access_number", number), ("_phone_number", "1")]).await.status == 200
}

/// The value of a gauge without labels.
async fn gauge(binary: &Binary, name: &str) -> f64 {
    let text = Caller::of(binary.admin_url()).get("/metrics").await.text();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")).map(str::to_owned));
    line.unwrap_or_else(|| panic!("{name} is missing: {text}")).parse().unwrap()
}

#[tokio::test]
async fn a_wall_clock_that_is_set_back_or_forward_neither_keeps_a_booking_nor_ends_it() {
    let shifted = Shifted::new();
    let binary = shifted.start();
    let caller = Caller::of(binary.url());
    let (short, long) = (lend(&caller, 5).await, lend(&caller, 600).await);
    shifted.set(-HOUR);
    thread::sleep(Duration::from_secs(7));
    assert!(!matches(&caller, &short).await, "five seconds are over, whatever the wall clock shows");
    assert!(gauge(&binary, "dnis_gateway_clock_difference_seconds").await < -3500.0);
    binary.wait_until(|log| log.contains("the wall clock was set"));
    shifted.set(HOUR);
    thread::sleep(Duration::from_secs(2));
    assert!(matches(&caller, &long).await, "ten minutes are not over");
    shifted.set(0);
    binary.wait_until(|log| log.contains("shows the time of the gateway again"));
}

#[tokio::test]
async fn a_start_goes_on_from_the_last_commit_where_the_wall_clock_was_set_back_meanwhile() {
    let shifted = Shifted::new();
    shifted.set(2 * HOUR);
    let binary = shifted.start();
    let number = lend(&Caller::of(binary.url()), 5).await;
    assert!(binary.stop().success());
    shifted.set(0);
    let binary = shifted.start();
    binary.wait_until(|log| log.contains("the last commit of the data directory is ahead of the wall clock"));
    let caller = Caller::of(binary.url());
    thread::sleep(Duration::from_secs(6));
    assert!(!matches(&caller, &number).await, "five seconds of real time are over");
    assert_eq!(lend(&caller, 60).await.len(), 10, "numbers are lent as ever");
}

#[tokio::test]
async fn a_start_goes_by_the_wall_clock_where_that_has_moved_on() {
    let shifted = Shifted::new();
    let binary = shifted.start();
    let caller = Caller::of(binary.url());
    let (short, long) = (lend(&caller, 60).await, lend(&caller, 600).await);
    assert!(binary.stop().success());
    shifted.set(300);
    let binary = shifted.start();
    let caller = Caller::of(binary.url());
    assert!(!matches(&caller, &short).await, "five minutes have passed since");
    assert!(matches(&caller, &long).await);
}
