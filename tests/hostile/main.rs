//! What the guard and the envelope reader spend on hostile documents: time of the processor and memory.
//!
//! The bound on time is there to catch work that grows faster than a document. It is a multiple of what a harmless document
//! of the same length takes in the same build at the same moment, so neither a slow machine nor an unoptimised build makes
//! a difference, and it is counted in time of the processor that this thread was given, so a busy machine makes none
//! either. Memory is counted by the allocator of this process, which is why everything here is one test.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on has failed its test")]

mod documents;

use std::fs;
use std::time::Duration;

use dnis_gateway::config;
use dnis_gateway::media::ContentType;
use dnis_gateway::soap::envelope::{self, Envelope, Rejected};
use dnis_gateway::soap::fault::Code;
use dnis_gateway::soap::media::Media;
use dnis_gateway::soap::tally::Tally;
use dnis_gateway::xml::limits::Limits;
use documents::{Case, LIMIT, TEXT, Told, cases, filled, payload};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most that a document may take of a processor: this many times what the harmless one takes.
const MOST_TIMES: f64 = 100.0;
/// Attempts before a document is said to take too long.
const ATTEMPTS: usize = 5;
/// A document is read until it has taken this much of a processor: the kernel keeps its count in coarse steps.
const COUNTED: Duration = Duration::from_millis(20);

/// What hostile documents are measured against: as long as they may be, and nothing to see but elements with text.
fn harmless() -> Case {
    let lines = format!("<line>{}</line>", "a line of text that is as long as lines of text are, ".repeat(8));
    let body = filled(payload, &lines).into_bytes();
    Case { what: "a harmless document", content_type: TEXT, body, told: Told::UnknownOperation }
}

/// Reads a body as the SOAP endpoints do, to the point where the operation is looked up.
fn read(case: &Case, limits: &Limits) -> Result<(), Rejected> {
    let media = Media::of(Some(ContentType::parse(case.content_type))).unwrap();
    let document = envelope::admit(&case.body, &media, limits, &Tally::default())?;
    let envelope = Envelope::open(&document, &media)?;
    let version = envelope.version();
    envelope.fields().map(drop).map_err(|fault| Rejected::new(version, fault))
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

/// What reading takes.
fn time_of(case: &Case, limits: &Limits) -> Duration {
    let before = processor_time();
    for readings in 1.. {
        let _ = read(case, limits);
        let taken = processor_time() - before;
        if taken >= COUNTED {
            return taken / readings;
        }
    }
    unreachable!("time does not pass")
}

/// How many times what the harmless document takes reading takes. Both are read in turn, and since other processes
/// disturb the caches, a document that seems to take too long is given more chances.
fn times_harmless(case: &Case, harmless: &Case, limits: &Limits) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..ATTEMPTS {
        let times = time_of(case, limits).div_duration_f64(time_of(harmless, limits));
        least = least.min(times);
        if least < MOST_TIMES {
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
    let served = config::Settings::default().server.limits;
    assert_eq!((served.body, served.xml_depth, served.xml_elements), (LIMIT, limits.depth, limits.elements));
    let harmless = harmless();
    assert_eq!(told(&read(&harmless, &limits)), format!("{:?}", harmless.told));
    let mut wrong = Vec::new();
    let mut worst = (0.0, "", 0, "");
    for case in &cases {
        let (found, expected) = (told(&read(case, &limits)), format!("{:?}", case.told));
        if found != expected {
            wrong.push(format!("{} is told {found}, not {expected}", case.what));
        }
        let (times, memory) = (times_harmless(case, &harmless, &limits), memory_of(case, &limits));
        if times > MOST_TIMES || memory > 2 * LIMIT {
            wrong.push(format!("{} takes {times:.1} times the harmless one and {memory} bytes", case.what));
        }
        if times > worst.0 {
            (worst.0, worst.1) = (times, case.what);
        }
        if memory > worst.2 {
            (worst.2, worst.3) = (memory, case.what);
        }
    }
    println!(
        "{} documents; {:?} for the harmless one, most time {:.1} times as long ({}), most memory {} bytes ({})",
        cases.len(),
        time_of(&harmless, &limits),
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
        let (times, memory) = (times_harmless(case, &harmless, &generous), memory_of(case, &generous));
        assert!(
            times < MOST_TIMES,
            "{} takes {times:.1} times the harmless one where it may be long: {result:?}",
            case.what
        );
        assert!(memory < 4 * LIMIT, "{} takes {memory} bytes where it may be long: {result:?}", case.what);
    }
    let siblings = cases.iter().find(|case| case.what == "a million siblings").unwrap();
    assert_eq!(told(&read(siblings, &generous)), "Client(\"too_many_elements\")");
}
