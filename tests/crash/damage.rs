//! Bits that rot and files that end too early: after a life of load every file of the data directory is damaged, one
//! damage at a time. A start then has all that was acknowledged, or the gateway says what is wrong: it refuses to start,
//! with a message and exit code 1, or answers the request that needs what is broken with 500 or 503.
//!
//! `CRASH_FLIPS` sets the number of damages.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::files;
use crate::from_environment;
use crate::gateway::Home;
use crate::ledger::Ledger;
use crate::load::open;
use crate::schedule::Run;

/// Damages where nothing else is said.
const FLIPS: usize = 30;
/// Bytes before the first commit of a file of the journal, and before the operations of each.
const JOURNAL_HEADER: usize = 64;
const COMMIT_HEADER: usize = 16;
/// Bytes of a file that holds data rather than says something about them.
const LARGE: usize = 64 * 1024;
/// How the audit begins what it says of a request that the gateway was not able to answer.
const UNANSWERED: [&str; 2] = [
    "the audit was not answered as it must be: Unclear(\"500 ",
    "the audit was not answered as it must be: Unclear(\"503 ",
];

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// One bit of this byte is the other way round.
    Flip { byte: usize, bit: u8 },
    /// The file ends here.
    Cut { length: usize },
    /// The file is gone.
    Gone,
}

impl Damage {
    /// Any damage of a file with this content.
    fn any(content: &[u8], rng: &mut StdRng) -> Self {
        if content.is_empty() || rng.random_bool(0.04) {
            return Self::Gone;
        }
        // The end of a file is often room that nothing was written to yet; most damages are before that.
        let written = content.iter().rposition(|byte| *byte != 0).map_or(content.len(), |last| last + 1);
        let end = if rng.random_bool(0.9) { written } else { content.len() };
        let mut place = rng.random_range(0..end);
        // What is the last commit of a killed process, and damaged, may as well have been cut short unacknowledged; and
        // of the first the end may never have been written. Nobody can tell.
        let commits = commits(content);
        let [first, .., last] = commits.as_slice() else { return Self::somehow(place, rng) };
        if last.contains(&place) || (first.start..first.end).contains(&place) {
            place = rng.random_range(first.end..=last.start - 1);
        }
        Self::somehow(place, rng)
    }

    fn somehow(place: usize, rng: &mut StdRng) -> Self {
        match rng.random_bool(0.7) {
            true => Self::Flip { byte: place, bit: rng.random_range(0..8) },
            false => Self::Cut { length: place },
        }
    }

    fn strike(self, file: &Path) {
        let mut content = fs::read(file).expect("the file can be read");
        match self {
            Self::Flip { byte, bit } => content[byte] ^= 1 << bit,
            Self::Cut { length } => content.truncate(length),
            Self::Gone => {
                fs::remove_file(file).expect("the file can be removed");
                return;
            }
        }
        fs::write(file, content).expect("the file can be written");
    }
}

/// Where the commits are in a file of the journal; none in any other file.
fn commits(content: &[u8]) -> Vec<Range<usize>> {
    let mut commits = Vec::new();
    let mut at = JOURNAL_HEADER;
    while content.starts_with(b"dnisjrnl")
        && let Some(length) = content.get(at..at + 4).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes)
        && length > 0
    {
        let end = (at + COMMIT_HEADER + length as usize).next_multiple_of(8);
        commits.push(at..end);
        at = end;
    }
    commits
}

/// What became of the damaged directories.
#[derive(Default)]
struct Outcomes {
    whole: usize,
    refused: usize,
    unanswered: usize,
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { whole, refused, unanswered } = self;
        write!(f, "{whole} opened with everything, {refused} refused to start, {unanswered} refused to answer")
    }
}

/// A data directory as it was left, and what must be in it.
struct Story {
    name: &'static str,
    data: PathBuf,
    content: BTreeMap<PathBuf, Vec<u8>>,
    ledger: Ledger,
}

impl Story {
    fn told(name: &'static str, run: &Run<'_>) -> Self {
        Self { name, data: run.home.data(), content: files(run.home), ledger: open(&run.ledger).clone() }
    }

    /// The file that is to be damaged: each in its turn, and in between one of those that hold the most.
    fn file(&self, turn: usize, rng: &mut StdRng) -> &PathBuf {
        let large: Vec<&PathBuf> =
            self.content.iter().filter(|(_, content)| content.len() >= LARGE).map(|(path, _)| path).collect();
        match large.choose(rng) {
            Some(file) if turn % 2 == 1 => file,
            _ => self.content.keys().nth(turn / 2 % self.content.len()).expect("there are files"),
        }
    }

    /// Makes the directory what it was.
    fn restore(&self) {
        for path in fs::read_dir(&self.data).expect("the directory can be read") {
            let path = path.expect("an entry can be read").path();
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it can be removed");
        }
        for (path, content) in &self.content {
            fs::write(path, content).expect("a file can be written");
        }
    }
}

/// Starts the gateway over a damaged directory.
///
/// # Errors
/// Something was lost without a word, or not said as it must be.
async fn face(run: &mut Run<'_>, outcomes: &mut Outcomes) -> Result<(), String> {
    let before = run.home.log().len();
    let mut gateway = run.home.spawn();
    if gateway.listening().is_err() {
        let status = gateway.ended()?;
        let log = run.home.log();
        let said = log.get(before..).filter(|said| !said.is_empty()).unwrap_or(&log);
        if status.code() != Some(1) || said.contains("panicked") || said.trim().is_empty() {
            return Err(format!("it ended with {status}, saying: {said}"));
        }
        outcomes.refused += 1;
        return Ok(());
    }
    drop(gateway);
    run.audit_once().await;
    let violations = run.violations();
    match violations.as_slice() {
        [] => outcomes.whole += 1,
        all if all.iter().all(|text| UNANSWERED.iter().any(|said| text.starts_with(said))) => outcomes.unanswered += 1,
        all => return Err(format!("{} violations: {:?}", all.len(), all.iter().take(4).collect::<Vec<_>>())),
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_costs_nothing_that_was_acknowledged_without_a_word() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    let flips: usize = from_environment("CRASH_FLIPS").unwrap_or(FLIPS);
    println!("CRASH_SEED={seed} CRASH_FLIPS={flips}");
    let mut rng = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path());
    let mut run = Run::new(&home, seed);
    run.kill_under_load(3).await;
    let killed = Story::told("after a kill", &run);
    run.audit_once().await;
    let stopped = Story::told("after an orderly end", &run);
    assert!(run.violations().is_empty(), "{:?}", run.violations());
    let mut outcomes = Outcomes::default();
    let mut lost = Vec::new();
    for turn in 0..flips {
        let story = if turn / 2 % 2 == 0 { &killed } else { &stopped };
        story.restore();
        *open(&run.ledger) = story.ledger.clone();
        let file = story.file(turn, &mut rng);
        let damage = Damage::any(&story.content[file], &mut rng);
        damage.strike(file);
        let name = file.file_name().unwrap_or_default().display();
        let what = format!("{} of {} bytes, {}, {damage:?}", name, story.content[file].len(), story.name);
        let counted = (outcomes.whole, outcomes.refused);
        match face(&mut run, &mut outcomes).await {
            Ok(()) if outcomes.whole > counted.0 => println!("{what}: whole"),
            Ok(()) if outcomes.refused > counted.1 => {
                println!("{what}: refused: {}", home.log().lines().last().unwrap_or_default());
            }
            Ok(()) => println!("{what}: {}", run.violations().join("; ").chars().take(300).collect::<String>()),
            Err(reason) => {
                println!("{what}: LOST: {}", reason.chars().take(1200).collect::<String>());
                lost.push(what);
            }
        }
    }
    println!("{flips} damages: {outcomes}");
    if !lost.is_empty() {
        panic!("CRASH_SEED={seed}; kept in {}: {lost:#?}", directory.keep().display());
    }
    assert!(flips < FLIPS || (outcomes.whole > 0 && outcomes.refused > 0), "{outcomes}");
}
