//! The WS-I Basic Profile 1.1 with the Simple SOAP Binding Profile 1.0, rule by rule, against the whole server.
//!
//! Prints one line for each rule (or group of rules that one probe settles): its numbers, what must hold, and whether
//! it does. `cargo test --test wsi` prints the table; a word behind `--` picks the lines that contain it. The words are
//! ours, the numbers are the profile's.
//!
//! Not in the table: rules for senders of requests and for instances of services that the gateway does not have
//! (one-way and rpc operations, attachments, registries); and R2740, by which a description should name its faults,
//! because several importers turn a named fault into one that the vendor's bare fault code does not fit.

#![allow(clippy::unwrap_used, reason = "a probe that cannot go on has found its rule broken")]
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod description;
mod http;
mod messages;
mod probe;
mod tree;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use probe::Probe;

/// A rule, or several that one probe settles.
struct Rule {
    /// Its numbers in the profile.
    numbers: &'static str,
    /// What must hold.
    holds: &'static str,
    /// Panics if it does not.
    check: fn(&Probe),
}

/// A table of rules.
macro_rules! rules {
    ($($numbers:literal, $holds:literal, $check:expr;)+) => {
        pub(crate) const RULES: &[crate::Rule] =
            &[$(crate::Rule { numbers: $numbers, holds: $holds, check: $check },)+];
    };
}
pub(crate) use rules;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let probe = Probe::start();
    let (mut passed, mut failed) = (0, 0);
    for (title, rules) in [("messages", messages::RULES), ("HTTP", http::RULES), ("descriptions", description::RULES)] {
        println!("\n{title}");
        for rule in rules {
            let line = format!("{:<36} {:<88}", rule.numbers, rule.holds);
            if !wanted.iter().all(|word| line.contains(word.as_str())) {
                continue;
            }
            let held = catch_unwind(AssertUnwindSafe(|| (rule.check)(&probe))).is_ok();
            println!("{line} {}", if held { "holds" } else { "BROKEN" });
            *if held { &mut passed } else { &mut failed } += 1;
        }
    }
    probe.stop();
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {result}. {passed} passed; {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
