//! `compact`: writes the files of a data directory anew, as small as they can be.

use std::path::PathBuf;

use clap::Args;

use super::progress::Progress;
use super::{Failure, Outcome, logging, output};
use crate::config::Log;
use crate::store::open::{self, Compacted};

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway compact --data /var/lib/dnis-gateway

For a gateway that is stopped. While it runs, the directory needs room for both; whenever it is killed, nothing is lost.")]
pub(super) struct Compact {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Compact {
    pub(super) fn run(self) -> Outcome {
        let _logging = logging::start(&Log::default())?;
        let progress = Progress::working("compact");
        let compacted = open::compact(&self.data).map_err(|error| Failure::Operation(error.to_string()))?;
        drop(progress);
        let Compacted { before, after } = compacted;
        output::result(&format!("{}: {before} bytes before, {after} bytes now", self.data.display()))
    }
}
