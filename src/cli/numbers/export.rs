//! `numbers export`: all numbers, or those of a group, as a file that can be imported.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Format, progress};
use crate::cli::client::Connection;
use crate::cli::{Failure, Outcome};

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway numbers export --output numbers.csv --user admin

The password comes from the variable DNIS_GATEWAY_PASSWORD, or is asked for. An application's key comes from \
    DNIS_GATEWAY_APPLICATION_KEY.")]
pub(super) struct Export {
    /// File to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Numbers of this group alone
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Form of the file; by default its name tells (.ndjson, .jsonl), and it is CSV otherwise
    #[arg(long, value_name = "FORM")]
    format: Option<Format>,
    #[command(flatten)]
    connection: Connection,
}

impl Export {
    pub(super) fn run(self) -> Outcome {
        let client = self.connection.open()?;
        let by_name = self.output.as_deref().map(Format::of);
        let format = match self.format.or(by_name).unwrap_or(Format::Csv) {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("format", format);
        if let Some(group) = &self.group {
            query.append_pair("group", group);
        }
        let answer = client.get(&format!("/numbers/export?{}", query.finish()))?;
        let numbers = answer.into_body().into_reader();
        match &self.output {
            Some(path) => to_file(path, numbers),
            None => copy(numbers, io::stdout().lock(), "standard output"),
        }
    }
}

/// Writes a file that is whole or not there: under another name until its end has come.
fn to_file(path: &Path, numbers: impl Read) -> Outcome {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let failed = |error: io::Error| Failure::Operation(format!("{}: cannot be written: {error}", path.display()));
    let file = File::create(&part).map_err(failed)?;
    let bar = progress::bar(None);
    let copied = copy(bar.wrap_read(numbers), BufWriter::new(file), &path.display().to_string());
    bar.finish_and_clear();
    let written = copied.and_then(|()| fs::rename(&part, path).map_err(failed));
    if written.is_err() {
        // What is half a file must not be taken for one; that it could not be removed changes nothing about the failure.
        let _ = fs::remove_file(&part);
    }
    written
}

fn copy(mut numbers: impl Read, mut out: impl Write, name: &str) -> Outcome {
    let mut buffer = vec![0; 64 * 1024];
    let broken = |error: io::Error| Failure::Operation(format!("the export broke off: {error}"));
    let failed = |error: io::Error| Failure::Operation(format!("{name}: cannot be written: {error}"));
    loop {
        let length = numbers.read(&mut buffer).map_err(broken)?;
        if length == 0 {
            return out.flush().map_err(failed);
        }
        out.write_all(&buffer[..length]).map_err(failed)?;
    }
}
