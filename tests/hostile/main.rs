//! What the guard and the envelope reader spend on hostile documents: time of the processor and memory.
//!
//! The bound on time is there to catch work that grows faster than a document; it is counted in time of the processor
//! that this thread was given, so that a busy machine makes no difference, and holds for an unoptimised build. Memory is
//! counted by the allocator of this process, which is why everything here is one test.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

mod documents;

use std::fs;
use std::time::Duration;

use dnis_gateway::soap::envelope::{self, Envelope, Rejected};
use dnis_gateway::soap::fault::Code;
use dnis_gateway::soap::media::Media;
use dnis_gateway::soap::tally::Tally;
use dnis_gateway::xml::limits::Limits;
use documents::{Case, LIMIT, Told, cases};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most that one document may take of a processor.
const LONGEST: Duration = Duration::from_millis(50);
/// Attempts before a document is said to take too long.
const ATTEMPTS: usize = 5;
/// Readings that are counted together.
const READINGS: u32 = 5;

/// Reads a body as the SOAP endpoints do, to the point where the operation is looked up.
fn read(case: &Case, limits: &Limits) -> Result<(), Rejected> {
    let media = Media::of(Some(case.content_type)).unwrap();
    let document = envelope::admit(&case.body, &media, limits, &Tally::default())?;
    let envelope = Envelope::open(&document, &media)?;
    let version = envelope.version();
    envelope.fields().map(drop).map_err(|fault| Rejected { version, fault })
}

fn told(result: &Result<(), Rejected>) -> String {
    match result {
        Ok(()) => "UnknownOperation".to_owned(),
        Err(Rejected { fault, .. }) => match (fault.code(), fault.detail()) {
            (Code::Client, Some(detail)) => format!("Client({:?})", detail.reason),
            (code, _) => format!("Code(\"{code:?}\")"),
        },
    }
}

/// What the processors have given this thread so far.
fn processor_time() -> Duration {
    let counted = fs::read_to_string("/proc/thread-self/schedstat").expect("a kernel that counts a thread's time");
    Duration::from_nanos(counted.split(' ').next().unwrap().parse().unwrap())
}

/// What reading takes. The kernel keeps its count in coarse steps, so several readings are counted together; and since
/// other processes disturb the caches, a document that seems to take too long is given more chances.
fn time_of(case: &Case, limits: &Limits) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..ATTEMPTS {
        let before = processor_time();
        for _ in 0..READINGS {
            let _ = read(case, limits);
        }
        least = least.min((processor_time() - before) / READINGS);
        if least < LONGEST {
            break;
        }
    }
    least
}

/// The most memory that reading and the fault held at one time beyond what was held before, in bytes.
fn memory_of(case: &Case, limits: &Limits) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let _ = read(case, limits).map_err(|rejected| rejected.write());
    MEMORY.peak_usage() - before
}

#[test]
fn every_hostile_document_is_told_what_is_wrong_within_bounded_time_and_memory() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let limits = Limits::default();
    assert_eq!(limits.bytes, LIMIT);
    let mut wrong = Vec::new();
    let mut worst = (Duration::ZERO, "", 0, "");
    for case in &cases {
        let (found, expected) = (told(&read(case, &limits)), format!("{:?}", case.told));
        if found != expected {
            wrong.push(format!("{} is told {found}, not {expected}", case.what));
        }
        let (time, memory) = (time_of(case, &limits), memory_of(case, &limits));
        if time > LONGEST || memory > 2 * LIMIT {
            wrong.push(format!("{} takes {time:?} and {memory} bytes", case.what));
        }
        if time > worst.0 {
            (worst.0, worst.1) = (time, case.what);
        }
        if memory > worst.2 {
            (worst.2, worst.3) = (memory, case.what);
        }
    }
    println!(
        "{} documents; most time {:?} ({}), most memory {} bytes ({})",
        cases.len(),
        worst.0,
        worst.1,
        worst.2,
        worst.3
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // Where longer bodies are allowed, the other limits stop what the first one no longer does, and as early.
    let generous = Limits { bytes: 16 << 20, ..limits };
    for case in cases.iter().filter(|case| case.told == Told::Client("document_too_long")) {
        let result = read(case, &generous);
        let (time, memory) = (time_of(case, &generous), memory_of(case, &generous));
        assert!(time < LONGEST, "{} takes {time:?} where it may be long: {result:?}", case.what);
        assert!(memory < 4 * LIMIT, "{} takes {memory} bytes where it may be long: {result:?}", case.what);
    }
    let siblings = cases.iter().find(|case| case.what == "a million siblings").unwrap();
    assert_eq!(told(&read(siblings, &generous)), "Client(\"too_many_elements\")");
}
