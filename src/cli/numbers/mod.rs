//! `numbers`: the numbers of a running gateway, from a file, to a file, or to the screen; over its own API.

mod export;
mod import;
mod list;
mod progress;

use clap::{Args, Subcommand, ValueEnum};

use super::Outcome;

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway numbers import numbers.csv --user admin

The password comes from the variable DNIS_GATEWAY_PASSWORD, or is asked for. An application's key comes from \
    DNIS_GATEWAY_APPLICATION_KEY.")]
pub(super) struct Numbers {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make numbers of a file: all of its rows, or nothing
    Import(import::Import),
    /// Write all numbers as a file that can be imported
    Export(export::Export),
    /// Show numbers
    List(list::List),
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// number,dnid,group,enabled
    Csv,
    /// One JSON object a line
    Ndjson,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// The form that a file's name tells; CSV unless it ends as files of JSON lines do.
    fn of(path: &std::path::Path) -> Self {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Self::Ndjson,
            _ => Self::Csv,
        }
    }
}

impl Numbers {
    pub(super) fn run(self) -> Outcome {
        match self.command {
            Command::Import(import) => import.run(),
            Command::Export(export) => export.run(),
            Command::List(list) => list.run(),
        }
    }
}
