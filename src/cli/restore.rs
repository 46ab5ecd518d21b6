//! `restore`: makes a data directory of a dump, or fills a database with it, all of it or nothing.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use clap::Args;

use super::progress::Progress;
use super::{Failure, Outcome, backup, logging, output};
use crate::config::{self, Engine, Log, Overrides, Settings, Store};
use crate::dump;
use crate::store::open::{Build, OpenError};

/// What the engine may keep in memory while it writes.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Example: dnis-gateway restore --from gateway.ndjson --data /var/lib/dnis-gateway
Example: gunzip < gateway.ndjson.gz | dnis-gateway restore --from - --data ./restored
Example: dnis-gateway restore --from gateway.ndjson --config gateway.toml

Nothing of it counts until the whole backup is there, safe on disk, and has been read back. Bookings go on \
    to their deadlines; those whose deadline has passed are over.")]
pub(super) struct Restore {
    /// The backup; `-` is standard input
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The data directory to make; it must be empty or not exist
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    data: Option<PathBuf>,
    /// The configuration file that names the store to fill, which must have nothing in it
    #[arg(long, value_name = "FILE", conflicts_with = "data")]
    config: Option<PathBuf>,
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Dump(#[from] dump::Error),
    #[error(transparent)]
    Store(#[from] OpenError),
}

impl Restore {
    pub(super) fn run(self) -> Outcome {
        let _logging = logging::start(&Log::default())?;
        let store = self.store()?;
        let (input, length) = self.input()?;
        let restored = self.restore(&store, input, length);
        let summary = restored.map_err(|error| {
            Failure::Operation(format!("nothing was restored from {}: {error}", self.from.display()))
        })?;
        let place = match store.engine {
            Engine::Sled => store.path.display().to_string(),
            Engine::Postgres => format!("schema {}", store.postgres.schema),
        };
        output::result(&format!("{place}: {}", backup::told(&summary)))
    }

    /// The store to fill.
    fn store(&self) -> Result<Store, Failure> {
        match (&self.data, &self.config) {
            (None, Some(config)) => {
                let settings = Settings::load(Some(config), config::environment(), &Overrides::default());
                Ok(settings.map_err(|problems| Failure::Usage(problems.to_string()))?.store)
            }
            (data, _) => Ok(Store { path: data.clone().unwrap_or_default(), ..Store::default() }),
        }
    }

    /// The dump, and how long it is where that is known.
    fn input(&self) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
        if self.from.as_os_str() == "-" {
            return Ok((Box::new(io::stdin()), None));
        }
        let unreadable = |error| Failure::Usage(format!("{}: cannot be read: {error}", self.from.display()));
        let file = File::open(&self.from).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        Ok((Box::new(file), Some(length)))
    }

    fn restore(&self, store: &Store, input: impl Read, length: Option<u64>) -> Result<dump::Summary, Failed> {
        let mut build = Build::of(store, CACHE_BYTES)?;
        let progress = Progress::bytes("restore", length);
        let input = Watched { input: BufReader::new(input), passed: 0, progress: &progress };
        let summary = dump::read(input, |change| build.add(&change).map_err(Failed::from))?;
        build.finish()?;
        Ok(summary)
    }
}

/// Tells how much of it was read.
struct Watched<'a, R> {
    input: R,
    passed: u64,
    progress: &'a Progress,
}

impl<R: BufRead> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into)?;
        self.passed += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Watched<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.progress.at(self.passed);
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.passed += amount as u64;
        self.input.consume(amount);
    }
}
