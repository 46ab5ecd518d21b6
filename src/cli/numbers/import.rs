//! `numbers import`: a file of numbers, all of it or nothing.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{Format, progress};
use crate::cli::client::{Connection, accepted, json, told};
use crate::cli::{Failure, Outcome, output};

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway numbers import samples/numbers.csv --user admin

A CSV file has the columns number,dnid,group,enabled, or a first row that names them in another order; all but the \
    number may be empty. A row that is bad is told with its line, and nothing of the file is imported. \
    The password comes from the variable DNIS_GATEWAY_PASSWORD, or is asked for. An application's key comes from \
    DNIS_GATEWAY_APPLICATION_KEY.")]
pub(super) struct Import {
    /// File to import; - for standard input
    file: PathBuf,
    /// Form of the file; by default its name tells (.ndjson, .jsonl), and it is CSV otherwise
    #[arg(long, value_name = "FORM")]
    format: Option<Format>,
    /// What becomes of a row whose number exists already
    #[arg(long, value_name = "HOW", default_value = "refuse")]
    existing: Existing,
    #[command(flatten)]
    connection: Connection,
}

/// What becomes of a row whose number exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Existing {
    /// It is a bad row, and nothing is imported
    Refuse,
    /// It is passed over
    Skip,
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let from_input = self.file == Path::new("-");
        let name = if from_input { "standard input".to_owned() } else { self.file.display().to_string() };
        let unreadable = |error: io::Error| Failure::Usage(format!("{name}: cannot be read: {error}"));
        let (reader, length): (Box<dyn Read>, _) = if from_input {
            (Box::new(io::stdin().lock()), None)
        } else {
            let file = File::open(&self.file).map_err(unreadable)?;
            let about = file.metadata().map_err(unreadable)?;
            if about.is_dir() {
                return Err(Failure::Usage(format!("{name}: is a directory")));
            }
            (Box::new(file), about.is_file().then_some(about.len()))
        };
        let client = self.connection.open()?;
        // Whoever is not let in should hear of it before a long file is sent.
        client.get("/whoami")?;
        let path = match self.existing {
            Existing::Refuse => "/numbers/import",
            Existing::Skip => "/numbers/import?existing=skip",
        };
        let bar = progress::bar(length);
        let format = self.format.unwrap_or_else(|| Format::of(&self.file));
        let answer = client.post(path, format.media_type(), bar.wrap_read(reader));
        bar.finish_and_clear();
        let mut answer = answer?;
        if answer.status() == 422 {
            return Err(bad_rows(&name, &json(&mut answer)?));
        }
        let report = json(&mut accepted(answer)?)?;
        let (created, skipped) = (&report["created"], &report["skipped"]);
        let numbers = if *created == 1 { "number" } else { "numbers" };
        output::result(&match self.existing {
            Existing::Refuse => format!("{created} {numbers} imported"),
            Existing::Skip => format!("{created} {numbers} imported, {skipped} existed already"),
        })
    }
}

/// Every bad row that is told, with the file and its line.
fn bad_rows(name: &str, problem: &Value) -> Failure {
    let bad = &problem["bad_rows"];
    let rows = bad["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| format!("{name}:{}: {}", row["line"], row["detail"].as_str().unwrap_or_default()))
        .collect();
    let more = bad["total"].as_u64().unwrap_or_default().saturating_sub(rows.len() as u64);
    if more > 0 {
        let rows = if more == 1 { "row" } else { "rows" };
        lines.push(format!("{name}: {more} more bad {rows}"));
    }
    lines.extend(told(problem));
    Failure::Operation(lines.join("\n"))
}
