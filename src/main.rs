//! The `dnis-gateway` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request allocates some dozens of times, and much of what the workers allocate the writer frees.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    dnis_gateway::cli::run()
}
