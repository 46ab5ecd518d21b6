//! `backup`: takes a dump of everything from a running gateway.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::http::Trust;
use super::progress::Progress;
use super::{Failure, Outcome, output, url};
use crate::config::ADMIN_TOKEN;
use crate::dump::{self, Summary};

/// The path that gives the dump.
const BACKUP: &str = "/backup";
/// Longest refusal that is shown.
const MAX_REFUSAL_BYTES: u64 = 4096;

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway backup --to gateway.ndjson
Example: dnis-gateway backup --to - | gzip > gateway.ndjson.gz

The backup is of one moment; the gateway goes on meanwhile. It holds all user data, and access codes too: keep it \
    as you keep those. The token of admin.token, if there is one, comes from DNIS_GATEWAY_ADMIN_TOKEN.")]
pub(super) struct Backup {
    /// Address of the admin listener
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090")]
    url: String,
    /// Where to write it; `-` is standard output. A file that is there is replaced when the backup is whole
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    trust: Trust,
}

impl Backup {
    pub(super) fn run(self) -> Outcome {
        if self.to.is_dir() {
            return Err(Failure::Usage(format!("{}: is a directory; name a file in it", self.to.display())));
        }
        let answer = BufReader::new(self.ask()?);
        if self.to.as_os_str() == "-" {
            return dump::copy(answer, io::stdout().lock(), |_| {}).map(drop).map_err(|error| self.failed(&error));
        }
        let summary = write_whole(&self.to, |file| {
            let progress = Progress::bytes("backup", None);
            dump::copy(answer, BufWriter::new(file), |bytes| progress.at(bytes))
        });
        let summary = summary.map_err(|error| self.failed(&error))?;
        output::result(&format!("{}: {}", self.to.display(), told(&summary)))
    }

    /// Asks the gateway; gives its answer back once it has begun.
    fn ask(&self) -> Result<impl Read + use<>, Failure> {
        let base = url::base(&self.url).map_err(Failure::Usage)?;
        let url = format!("{}{BACKUP}", base.strip_suffix(BACKUP).unwrap_or(base));
        let agent = self.trust.agent(base, |config| config.timeout_connect(Some(Duration::from_secs(5))))?;
        let mut request = agent.get(&url);
        // An argument would show it to everybody on the machine.
        if let Ok(token) = std::env::var(ADMIN_TOKEN) {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.call().map_err(|error| Failure::Operation(format!("{url}: {error}")))?;
        let status = answer.status();
        let mut body = answer.into_body().into_reader();
        if status.is_success() {
            return Ok(body);
        }
        let mut text = String::new();
        // What could not be read of a refusal is not missed.
        let _ = body.by_ref().take(MAX_REFUSAL_BYTES).read_to_string(&mut text);
        Err(Failure::Operation(format!("{url}: {status}: {}", text.trim())))
    }

    fn failed(&self, error: &dump::Error) -> Failure {
        Failure::Operation(format!("no backup was written to {}: {error}", self.to.display()))
    }
}

/// Writes a file beside the one that is meant and puts it in place when it is whole and safe. Nobody but its owner may
/// read it.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<Summary, dump::Error>,
) -> Result<Summary, dump::Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    // What a killed backup has left may be readable for others, or be somebody's link to another file.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    let written = write(&mut file).and_then(|summary| {
        file.sync_all()?;
        fs::rename(&part, path)?;
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()?;
        Ok(summary)
    });
    if written.is_err() {
        // The failure is told; what is left of the file tells the rest.
        let _ = fs::remove_file(&part);
    }
    written
}

/// What is in a dump, in one line.
pub(super) fn told(summary: &Summary) -> String {
    let counts: Vec<_> = summary.counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    format!("{} lines: {}", summary.counts.values().sum::<u64>(), counts.join(", "))
}
