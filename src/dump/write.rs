//! From a store's snapshot to lines.

use std::io::{self, Write};
use std::mem;

use serde::Serialize;

use super::seal::Seal;
use super::{Counts, Error, Summary};
use crate::domain::{Change, ValueId};
use crate::line::{Bytes, FORMAT, Header, Line, PIECE_BYTES, VERSION, ValueLine};
use crate::store::{Snapshot, SnapshotOrigin};

/// Writes a snapshot as a dump.
///
/// # Errors
/// [`Error::Io`], [`Error::Store`]; what was written until then is no dump, as its missing last line tells.
pub fn write(snapshot: Snapshot, output: impl Write) -> Result<Summary, Error> {
    let header = header(snapshot.origin);
    let mut writer = Writer { output, seal: Seal::default(), line: Vec::new() };
    writer.head(&header)?;
    for change in snapshot {
        writer.change(&change?)?;
    }
    let counts = writer.end()?;
    Ok(Summary { header, counts })
}

fn header(origin: SnapshotOrigin) -> Header {
    Header {
        kind: FORMAT.to_owned(),
        version: VERSION.to_owned(),
        gateway: env!("CARGO_PKG_VERSION").to_owned(),
        store: origin.store,
        commits: origin.commits,
        taken_ms: origin.taken,
    }
}

struct Writer<W> {
    output: W,
    seal: Seal,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    fn head(&mut self, header: &Header) -> Result<(), Error> {
        self.encode(header)?;
        self.seal.head(&self.line);
        Ok(self.output.write_all(&self.line)?)
    }

    /// Writes what a change makes. One that takes something away says nothing of what there is; a snapshot has none.
    fn change(&mut self, change: &Change) -> Result<(), Error> {
        match (change, Line::of(change)) {
            (Change::ValueKept(id, bytes), _) => self.value(*id, bytes),
            (_, Some(line)) => self.line(&line),
            (_, None) => Ok(()),
        }
    }

    fn value(&mut self, id: ValueId, bytes: &[u8]) -> Result<(), Error> {
        let length = bytes.len() as u64;
        for (place, piece) in bytes.chunks(PIECE_BYTES).enumerate() {
            let offset = (place * PIECE_BYTES) as u64;
            self.line(&Line::Value(ValueLine { id, length, offset, base64: Bytes(piece.to_vec()) }))?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<Counts, Error> {
        let end = mem::take(&mut self.seal).end();
        let counts = end.counts.clone();
        self.encode(&Line::End(end))?;
        self.output.write_all(&self.line)?;
        self.output.flush()?;
        Ok(counts)
    }

    fn line(&mut self, line: &Line) -> Result<(), Error> {
        self.encode(line)?;
        self.seal.line(line.kind(), &self.line);
        Ok(self.output.write_all(&self.line)?)
    }

    fn encode(&mut self, of: &impl Serialize) -> Result<(), Error> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, of).map_err(io::Error::from)?;
        self.line.push(b'\n');
        Ok(())
    }
}
