//! The `dnis-gateway` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    dnis_gateway::cli::run()
}
