//! Big pools: how long a start takes and how much memory it leaves, whether a lending gets slower where there are many
//! numbers, what an avalanche of deadlines does to everybody else, and how the disk grows under churn.
//!
//! `benches/pools/run` runs it, or one part of it. Everything goes through the store as the server uses it, every write is
//! durable. A start is measured in a process of its own, which is this program again with `start` as its first argument.

mod churn;
mod fixture;
mod latency;
mod marks;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use tempfile::TempDir;

use fixture::{Size, close, memory_mib, open};
use marks::Marks;

/// The one of the command, since it decides on how much memory a start leaves.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[allow(clippy::print_stdout, reason = "the figures are this program's only result")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [what, directory, end] = &arguments[..]
        && what == "start"
    {
        start(Path::new(directory), end == "close");
        return ExitCode::SUCCESS;
    }
    let part = |name| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime for the load");
    let mut marks = Marks::default();
    if part("size") {
        of_size(&runtime, &mut marks);
    }
    if part("deadlines") {
        runtime.block_on(latency::while_many_end(&mut marks));
    }
    if part("churn") {
        runtime.block_on(churn::of_a_small_pool(&mut marks));
    }
    marks.conclude()
}

/// A big pool: how it starts, and how long a lending takes in it.
#[allow(clippy::print_stdout, reason = "the figures are this program's only result")]
fn of_size(runtime: &tokio::runtime::Runtime, marks: &mut Marks) {
    let big = Size::from_environment();
    let directory = TempDir::new().expect("a directory for the data");
    println!("{big}; every write is durable\n");
    runtime.block_on(async {
        let began = Instant::now();
        let store = open(directory.path());
        let longest = big.fill(&store).await;
        println!(
            "filled in {:.0} s; the longest anybody waited: {} ms",
            began.elapsed().as_secs_f64(),
            longest.as_millis()
        );
        close(store).await;
        println!("filled and closed in {:.0} s", began.elapsed().as_secs_f64());
    });
    starts(directory.path(), marks);
    runtime.block_on(latency::of_lending(directory.path(), &big, marks));
}

/// Starts the store in processes of their own: after a proper end, and after a kill.
#[allow(clippy::print_stdout, reason = "the figures are this program's only result")]
fn starts(directory: &Path, marks: &mut Marks) {
    for (after, end) in [("a proper end", "kill"), ("a kill", "close")] {
        let program = std::env::current_exe().expect("this program has a path");
        let output = Command::new(program).args(["start".as_ref(), directory.as_os_str(), end.as_ref()]).output();
        let output = output.expect("this program starts again");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut figures = text.split_whitespace().map(|figure| figure.parse::<f64>().unwrap_or(f64::NAN));
        let (seconds, mib) = (figures.next().unwrap_or(f64::NAN), figures.next().unwrap_or(f64::NAN));
        assert!(output.status.success(), "the start failed: {}", String::from_utf8_lossy(&output.stderr));
        marks.at_most(&format!("start after {after}, s"), seconds, 5.0);
        marks.at_most(&format!("resident after a start after {after}, MiB"), mib, 600.0);
    }
}

/// One start: prints how many seconds it took and how much memory there is after it. Ends properly, or like a killed
/// process.
#[allow(clippy::print_stdout, reason = "the figures are this program's only result")]
fn start(directory: &Path, properly: bool) {
    let began = Instant::now();
    let store = open(directory);
    println!("{} {}", began.elapsed().as_secs_f64(), memory_mib());
    if properly {
        tokio::runtime::Runtime::new().expect("a runtime to close in").block_on(close(store));
    }
    std::process::exit(0);
}
