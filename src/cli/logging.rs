//! Logs: to standard error, for people on a terminal, as JSON lines everywhere else.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::config::{Log, LogFormat};

/// The HTTP library tells of its threads at every start; it is heard only when something is wrong, unless the
/// configured filter names it.
const QUIET: &str = "actix_server=warn";

/// Sets up logging for the rest of the process.
pub(super) fn start(log: &Log) -> Result<(), Failure> {
    let filter = format!("{QUIET},{}", log.level);
    let filter: EnvFilter = filter.parse().map_err(|error| Failure::Usage(format!("log.level: {error}")))?;
    let human = match log.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let started = if human {
        lines.with_ansi(io::stderr().is_terminal()).try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
    started.map_err(|error| Failure::Operation(format!("logging did not start: {error}")))
}
