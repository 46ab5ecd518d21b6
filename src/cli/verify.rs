//! `verify`: looks at everything in a data directory and touches nothing.

use std::path::PathBuf;

use clap::Args;

use super::progress::Progress;
use super::{Failure, Outcome, logging, output};
use crate::config::Log;
use crate::store::open::{self, Report};

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway verify --data /var/lib/dnis-gateway

For a gateway that is stopped, or a copy of its directory. Every record is read and held against the others. The look \
    is at a copy, which lies in the directory that TMPDIR names (/tmp) and is removed.")]
pub(super) struct Verify {
    /// The data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Verify {
    pub(super) fn run(self) -> Outcome {
        let _logging = logging::start(&Log::default())?;
        let progress = Progress::working("verify");
        let report = open::verify(&self.data, &std::env::temp_dir());
        drop(progress);
        let report = report.map_err(|error| Failure::Operation(error.to_string()))?;
        let Report { store, format, commits, records, problems, notes } = report;
        output::result(&format!("{}: format {format}, store {store}, commit {commits}", self.data.display()))?;
        for (kind, count) in records {
            output::result(&format!("{count:>10} {kind}"))?;
        }
        for note in notes {
            output::result(&format!("note: {note}"))?;
        }
        if problems.is_empty() {
            return output::result("everything is as it must be");
        }
        Err(Failure::Operation(problems.join("\n")))
    }
}
