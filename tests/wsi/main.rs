//! The rules of the WS-I Basic Profile 1.1 and the Simple SOAP Binding Profile 1.0 that a document/literal SOAP 1.1
//! service over HTTP can be held to.
//!
//! Each rule is one test, named by its number and by what must hold, so that the output of
//! `cargo test --test wsi -- --nocapture` is the table of rules with their results. Messages and HTTP are tested on the
//! wire against the program itself; the description rules on the committed WSDLs. Everything the gateway says is read
//! here by an XML library that the gateway does not use.

#![expect(clippy::print_stdout, reason = "the lines below the table are output, as the table is")]

mod description;
mod exchange;
mod gateway;
mod http;
mod messages;
mod xml;

use std::process::ExitCode;
use std::sync::Arc;

use description::WsdlRule;
use gateway::Gateway;
use libtest_mimic::{Arguments, Failed, Trial};

/// One or several rules that are one check on the wire.
struct Rule {
    /// Their numbers.
    numbers: &'static str,
    /// What must hold, in our words.
    holds: &'static str,
    /// The check.
    check: fn(&Gateway) -> Verdict,
}

/// Whether a rule holds; otherwise why not.
type Verdict = Result<(), String>;

/// Rules that the table does not show, each with the reason.
const ELSEWHERE: &[(&str, &str)] = &[
    ("R2028, R2029", "validity against the schemas of WSDL 1.1: tests/clients/wsdl_schema.py, run by tests/run"),
    ("R1107, R1002, R1003, R1016", "about consumers, which must read any detail and xml:lang: the gateway is none"),
    (
        "R2740",
        "should name the faults: done for the service of our own alone, since importers give a named fault a type that the vendor's does not have",
    ),
    ("R1109, R2744, R2745", "about senders, which quote SOAPAction: the real clients of tests/run do"),
];

/// Fails with a reason unless a condition holds.
fn ensure(holds: bool, why_not: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { Err(why_not.into()) }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // In the order of the table; all of it takes a second.
    arguments.test_threads.get_or_insert(1);
    let gateway = Arc::new(Gateway::start());
    let groups = [("message", messages::RULES), ("HTTP", http::RULES), ("description", description::SERVED)];
    let on_the_wire = groups.into_iter().flat_map(|(kind, rules)| rules.iter().map(move |rule| (kind, rule)));
    let mut trials: Vec<_> = on_the_wire.map(|(kind, rule)| trial(kind, rule, &gateway)).collect();
    trials.extend(description::RULES.iter().map(description_trial));
    let conclusion = libtest_mimic::run(&arguments, trials);
    for (numbers, why) in ELSEWHERE {
        println!("{numbers}: {why}");
    }
    drop(gateway);
    conclusion.exit_code()
}

fn trial(kind: &'static str, rule: &'static Rule, gateway: &Arc<Gateway>) -> Trial {
    let gateway = Arc::clone(gateway);
    let name = format!("{}: {}", rule.numbers, rule.holds);
    Trial::test(name, move || (rule.check)(&gateway).map_err(Failed::from)).with_kind(kind)
}

fn description_trial(rule: &'static WsdlRule) -> Trial {
    let name = format!("{}: {}", rule.numbers, rule.holds);
    Trial::test(name, || rule.verdict().map_err(Failed::from)).with_kind("description")
}
