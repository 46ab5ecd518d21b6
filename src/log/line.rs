//! One line of the log, of what a place in the code has to say.

use std::fmt::{Debug, Write as _};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::flood::LeftOut;
use super::mask;

/// Who logs nothing that came with a request: what these say is the system's, the disk's and the operator's.
const OURS: [&str; 4] = ["dnis_gateway::cli", "dnis_gateway::config", "dnis_gateway::log", "dnis_gateway::store"];
/// Fields that hold the gateway's own words wherever they stand: names of the code and of the configuration, addresses,
/// and the id of a request, which whoever logs it masks where the caller chose it.
const OWN: [&str; 13] = [
    "admin_listen",
    "cause",
    "dialect",
    "environment",
    "file",
    "listen",
    "operation",
    "outcome",
    "peer",
    "reason",
    "request",
    "source",
    "tenant",
];

/// What a line says, in its order.
type Said = Vec<(&'static str, Value)>;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Human {
        /// Whether a terminal shows colours.
        colour: bool,
    },
    /// One JSON object a line.
    Json,
}

impl Form {
    /// The line of an event, with its end.
    pub(super) fn line(self, event: &Event<'_>) -> String {
        let metadata = event.metadata();
        let ours = OURS.iter().any(|ours| metadata.target().starts_with(ours));
        let mut fields = Fields { ours, said: Said::new() };
        event.record(&mut fields);
        self.write(*metadata.level(), metadata.target(), &fields.said)
    }

    /// The line that tells of lines that were left out.
    pub(super) fn left_out(self, left_out: &LeftOut) -> String {
        let LeftOut { lines, message, target, tenant, outcome } = left_out;
        let said = vec![
            ("message", "more lines of one kind in a second than log.lines_per_second: the rest was left out".into()),
            ("left_out", (*lines).into()),
            ("of", mask::text(message).into()),
            ("tenant", mask::ours(tenant).into()),
            ("outcome", mask::ours(outcome).into()),
        ];
        self.write(Level::WARN, target, &said)
    }

    /// The line that tells of lines that found no room, because nobody read the log.
    pub(super) fn unread(self, lines: u64) -> String {
        let message = "whoever reads the log was too slow: lines were dropped here";
        let said = vec![("message", message.into()), ("dropped", lines.into())];
        self.write(Level::WARN, "dnis_gateway::log", &said)
    }

    fn write(self, level: Level, target: &str, said: &Said) -> String {
        let mut now = String::new();
        if SystemTime.format_time(&mut Writer::new(&mut now)).is_err() {
            now.push_str("<time>");
        }
        match self {
            Self::Json => json(&now, level, target, said),
            Self::Human { colour } => human(colour, &now, level, target, said),
        }
    }
}

/// A line as one object; a field that is named twice is no concern of JSON's grammar.
fn json(now: &str, level: Level, target: &str, said: &Said) -> String {
    let (now, level, target) = (Value::from(now), Value::from(level.as_str()), Value::from(target));
    let mut line = format!("{{\"timestamp\":{now},\"level\":{level}");
    for (name, value) in said {
        write!(line, ",{}:{value}", Value::from(*name)).expect("writing to a string cannot fail");
    }
    writeln!(line, ",\"target\":{target}}}").expect("writing to a string cannot fail");
    line
}

/// A line as people read it: what it is about, and then the fields.
fn human(colour: bool, now: &str, level: Level, target: &str, said: &Said) -> String {
    let (begin, end) = if colour { (shade(level), "\u{1b}[0m") } else { ("", "") };
    let mut line = format!("{now} {begin}{level:>5}{end} {target}:");
    let written = said.iter().try_for_each(|(name, value)| match value {
        Value::String(text) if *name == "message" => write!(line, " {text}"),
        // Quoted where it could pass for something else.
        Value::String(text) if text.is_empty() || text.contains([' ', '"', '=']) => write!(line, " {name}={text:?}"),
        Value::String(text) => write!(line, " {name}={text}"),
        other => write!(line, " {name}={other}"),
    });
    written.expect("writing to a string cannot fail");
    line.push('\n');
    line
}

fn shade(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

/// Gathers the fields of an event, in their order, each text as it may be shown.
struct Fields {
    ours: bool,
    said: Said,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.said.push((field.name(), value.into()));
    }

    fn text(&mut self, field: &Field, text: &str) {
        let own = self.ours || OWN.contains(&field.name());
        self.put(field, if own { mask::ours(text) } else { mask::text(text) });
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    use super::*;

    /// The lines that something logs.
    fn logged(form: Form, act: impl FnOnce()) -> String {
        #[derive(Clone)]
        struct Hear(Form, Arc<Mutex<String>>);
        impl<S: tracing::Subscriber> Layer<S> for Hear {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                self.1.lock().push_str(&self.0.line(event));
            }
        }
        let hear = Hear(form, Arc::default());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(hear.clone()), act);
        let lines = hear.1.lock();
        lines.clone()
    }

    #[test]
    fn whatever_a_floor_logs_of_a_request_is_masked_bounded_and_one_line() {
        let words = format!("380974520200\n\u{2028}\u{202e}{}", "x".repeat(60_000));
        let lines = logged(Form::Json, || {
            tracing::info!(target: "dnis_gateway::dialect::anew", group = words, user = %words, ids = ?[&words], "said {words}");
        });
        assert_eq!(lines.lines().count(), 1, "{lines}");
        assert!(lines.len() < 4 * 2 * mask::MOST && !lines.contains("380974"), "{lines}");
        assert!(!lines.contains(['\u{2028}', '\u{202e}']), "{lines}");
        assert_eq!(lines.matches("***00").count(), 4, "{lines}");
    }

    #[test]
    fn what_is_the_gateways_own_is_shown_as_it_is() {
        let lines = logged(Form::Json, || {
            tracing::info!(target: "dnis_gateway::server", tenant = "12345678", source = "192.0.2.101", micros = 123_456, "x");
            tracing::info!(target: "dnis_gateway::store::sled", file = "journal-000123", "x");
        });
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!((&first["tenant"], &first["source"]), (&"12345678".into(), &"192.0.2.101".into()));
        assert_eq!((&first["micros"], &first["level"]), (&123_456.into(), &"INFO".into()));
        assert!(lines.contains("journal-000123"), "{lines}");
    }

    #[test]
    fn a_value_cannot_pass_for_a_field_to_whoever_reads_the_line() {
        let lines = logged(Form::Human { colour: false }, || {
            tracing::warn!(user = "a\" tenant=b", empty = "", plain = "c", "said");
        });
        assert!(lines.ends_with(" said user=\"a\\\" tenant=b\" empty=\"\" plain=c\n"), "{lines}");
        assert!(lines.contains(" WARN dnis_gateway::log::line::tests: "), "{lines}");
    }
}
