//! The only place that writes to the terminal.

use std::io::{self, Write};

use super::Failure;

/// Writes a result line to standard output, at once.
pub(super) fn result(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| Failure::Operation(format!("cannot write to standard output: {error}")))
}

/// Tells on standard error what went wrong, each line with the program's name.
pub(super) fn complain(message: &str) {
    let mut out = io::stderr().lock();
    for line in message.lines() {
        // There is nowhere left to say that this failed.
        let _ = writeln!(out, "dnis-gateway: {line}");
    }
}
