//! The log: what one line may hold, how many lines there may be, and how they reach whoever reads them.
//!
//! Lines hold words of strangers, and whoever reads them may be slow or gone. So every text is cleaned, bounded and, where
//! it may come from a request, masked, whichever part of the gateway logs it (`mask`, `line`); lines of one kind are bounded
//! in number (`flood`); and nobody who logs waits for the reader (`queue`). What a refusal was about is gathered while a
//! request is answered (`notes`).

mod flood;
mod line;
pub mod mask;
pub mod notes;
mod queue;

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tracing::Subscriber;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Log, LogFormat};
use flood::{Counted, Flood};
use line::Form;
use queue::Queue;

/// The HTTP library calls it an error when a stranger sends what is no HTTP; what it has to tell of our own answers is
/// told where they are made. It is heard only if the configured filter names it.
const QUIET: &str = "actix_http=off";

/// Lines that were not written since the start, for metrics.
static UNREAD: AtomicU64 = AtomicU64::new(0);
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

/// Why lines were not written, with how many since the start: `unread`, the reader of the log stood still or was gone;
/// `flood`, there were too many of one kind.
pub fn lost() -> [(&'static str, u64); 2] {
    [("unread", UNREAD.load(Ordering::Relaxed)), ("flood", LEFT_OUT.load(Ordering::Relaxed))]
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The filter of the configuration cannot be used.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// The system gives no thread or no descriptor to write with, or there is a log already.
    #[error("logging did not start: {0}")]
    System(String),
}

/// Keeps the log; what is still to be written when it goes is written, if the reader takes it soon.
#[must_use]
pub struct Logging(Arc<Queue>);

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Logs to standard error for the rest of the process: for people on a terminal, as JSON lines everywhere else.
/// Panics are lines too.
///
/// # Errors
/// [`StartError`].
pub fn start(log: &Log) -> Result<Logging, StartError> {
    let filter: EnvFilter = format!("{QUIET},{}", log.level).parse()?;
    let terminal = io::stderr().is_terminal();
    let form = match log.format {
        LogFormat::Human => Form::Human { colour: terminal },
        LogFormat::Auto if terminal => Form::Human { colour: true },
        LogFormat::Json | LogFormat::Auto => Form::Json,
    };
    let system = |error: io::Error| StartError::System(error.to_string());
    // A descriptor of its own: nobody else who writes to standard error waits for the lock of a writer that is stuck.
    let out = io::stderr().as_fd().try_clone_to_owned().map_err(system)?;
    let flood = Arc::new(Flood::new(log.lines_per_second));
    let queue = queue::start(out.into(), form, Arc::clone(&flood)).map_err(system)?;
    let lines = Lines { form, flood, queue: Arc::clone(&queue) };
    let registry = tracing_subscriber::registry().with(filter).with(lines);
    registry.try_init().map_err(|error| StartError::System(error.to_string()))?;
    std::panic::set_hook(Box::new(|panic| {
        let (file, line) = panic.location().map_or(("", 0), |place| (place.file(), place.line()));
        // Not `log`, whose words are the gateway's own: what a panic says may repeat a request.
        tracing::error!(target: "dnis_gateway::panic", file, line, said = panic.payload_as_str(), "a thread panicked");
    }));
    Ok(Logging(queue))
}

/// What hears of everything that is logged.
struct Lines {
    form: Form,
    flood: Arc<Flood>,
    queue: Arc<Queue>,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if self.flood.admits(Counted::of(event), Instant::now()) {
            self.queue.put(&self.form.line(event));
        }
    }
}
