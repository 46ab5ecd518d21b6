//! How many lines of one kind there may be in a second, so that nobody fills a disk by being refused.
//!
//! A kind is a place in the code and, for a request, its tenant and outcome: what strangers do does not keep the failures
//! of a tenant's own callers out of the log.

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// The span in which lines are counted.
const SPAN: Duration = Duration::from_secs(1);
/// Most kinds that are counted on their own; of more, those of one place in the code count as one.
const KINDS: usize = 1024;

/// What lines are alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LineGroup {
    place: Identifier,
    tenant: String,
    outcome: String,
}

/// What is counted of a line.
#[derive(Debug)]
pub(super) struct Counted {
    kind: LineGroup,
    /// The first words of the line, and who logs it.
    message: String,
    target: &'static str,
    /// Whether there may be as many as there are, because the configuration asks for every one of them.
    wanted: bool,
}

/// Lines of one kind that were left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) lines: u64,
    pub(super) message: String,
    pub(super) target: &'static str,
    pub(super) tenant: String,
    pub(super) outcome: String,
}

struct Window {
    since: Instant,
    lines: u32,
    left_out: u64,
    message: String,
    target: &'static str,
}

/// Counts the lines of every kind.
pub(super) struct Flood {
    most: u32,
    windows: Mutex<HashMap<LineGroup, Window>>,
}

/// Reads of a line what tells its kind.
#[derive(Default)]
struct Facts {
    message: String,
    tenant: String,
    outcome: String,
    status: u64,
}

impl Visit for Facts {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "tenant" => value.clone_into(&mut self.tenant),
            "outcome" => value.clone_into(&mut self.outcome),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

impl Counted {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut facts = Facts::default();
        event.record(&mut facts);
        let metadata = event.metadata();
        // A request that went well is logged only where all requests are asked for.
        let went_well = (1..400).contains(&facts.status) && facts.outcome == "ok";
        Self {
            kind: LineGroup { place: metadata.callsite(), tenant: facts.tenant, outcome: facts.outcome },
            message: facts.message,
            target: metadata.target(),
            wanted: went_well || *metadata.level() > Level::INFO,
        }
    }
}

impl Flood {
    /// At most so many lines of a kind in a second.
    pub(super) fn new(most: u32) -> Self {
        Self { most, windows: Mutex::default() }
    }

    /// Whether a line is to be written; one that is not is counted.
    pub(super) fn admits(&self, line: Counted, now: Instant) -> bool {
        if line.wanted {
            return true;
        }
        let Counted { mut kind, message, target, .. } = line;
        let mut windows = self.windows.lock();
        if windows.len() >= KINDS && !windows.contains_key(&kind) {
            kind = LineGroup { tenant: String::new(), outcome: String::new(), ..kind };
        }
        let fresh = || Window { since: now, lines: 0, left_out: 0, message, target };
        let window = windows.entry(kind).or_insert_with(fresh);
        if now.saturating_duration_since(window.since) >= SPAN {
            (window.since, window.lines) = (now, 0);
        }
        let admitted = window.lines < self.most;
        if admitted {
            window.lines += 1;
        } else {
            window.left_out += 1;
        }
        admitted
    }

    /// What was left out since the last time. Kinds that were not seen for a while are forgotten.
    pub(super) fn over(&self, now: Instant) -> Vec<LeftOut> {
        let mut windows = self.windows.lock();
        let untold = windows.iter_mut().filter(|(_, window)| window.left_out > 0);
        let told = untold.map(|(kind, window)| LeftOut {
            lines: std::mem::take(&mut window.left_out),
            message: window.message.clone(),
            target: window.target,
            tenant: kind.tenant.clone(),
            outcome: kind.outcome.clone(),
        });
        let told = told.collect();
        windows.retain(|_, window| now.saturating_duration_since(window.since) < SPAN);
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tenant: &str, outcome: &str) -> Counted {
        struct Site;
        impl tracing::callsite::Callsite for Site {
            fn set_interest(&self, _: tracing::subscriber::Interest) {}
            fn metadata(&self) -> &tracing::Metadata<'_> {
                unreachable!("nobody asks a test's place for more than its identity")
            }
        }
        static SITE: Site = Site;
        let kind = LineGroup { place: Identifier(&SITE), tenant: tenant.to_owned(), outcome: outcome.to_owned() };
        Counted { kind, message: "request".to_owned(), target: "here", wanted: false }
    }

    #[test]
    fn so_many_of_a_kind_are_written_and_the_rest_is_counted_and_told_once() {
        let (flood, start) = (Flood::new(3), Instant::now());
        let written = |tenant, at| (0..10).filter(|_| flood.admits(line(tenant, "wrong"), at)).count();
        assert_eq!((written("", start), written("one", start)), (3, 3), "every kind for itself");
        assert_eq!(written("", start + SPAN / 2), 0);
        let mut told = flood.over(start + SPAN / 2);
        told.sort_by(|one, other| one.tenant.cmp(&other.tenant));
        let tenants: Vec<_> = told.iter().map(|it| (it.tenant.as_str(), it.outcome.as_str(), it.lines)).collect();
        assert_eq!(tenants, [("", "wrong", 17), ("one", "wrong", 7)]);
        assert_eq!(flood.over(start + SPAN / 2), [], "once");
        assert_eq!(written("", start + SPAN / 2), 0, "it is the same second");
        assert_eq!(written("", start + SPAN), 3, "the next second, whether or not anybody was told of the last");
        flood.over(start + 2 * SPAN);
        assert!(flood.windows.lock().is_empty());
    }

    #[test]
    fn what_the_configuration_asks_for_is_never_left_out() {
        let flood = Flood::new(1);
        let wanted = || Counted { wanted: true, ..line("", "ok") };
        assert!((0..100).all(|_| flood.admits(wanted(), Instant::now())));
    }

    #[test]
    fn kinds_without_end_take_no_memory_without_end() {
        let (flood, now) = (Flood::new(1), Instant::now());
        let written = (0..3 * KINDS).filter(|kind| flood.admits(line(&kind.to_string(), "wrong"), now)).count();
        assert!(written <= KINDS + 1 && flood.windows.lock().len() <= KINDS + 1);
    }
}
