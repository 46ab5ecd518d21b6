//! `groups`: what the groups of a running gateway are used for; over its own API.

mod sizing;

use clap::{Args, Subcommand};

use super::Outcome;

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway groups sizing DNIS --user admin

The password comes from the variable DNIS_GATEWAY_PASSWORD, or is asked for. An application's key comes from \
    DNIS_GATEWAY_APPLICATION_KEY.")]
pub(super) struct Groups {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell how many numbers a group needs, by what it was used for
    Sizing(sizing::Sizing),
}

impl Groups {
    pub(super) fn run(self) -> Outcome {
        match self.command {
            Command::Sizing(sizing) => sizing.run(),
        }
    }
}
