//! From a store's snapshot to lines.

use std::io::{self, Write};
use std::mem;

use serde::Serialize;

use super::bytes::Bytes;
use super::call_center::{NumberingLine, RouteLine, SigningKeyLine, SkillLine};
use super::line::{
    AllocationLine, Counters, DocumentLine, EntryLine, FORMAT, FileLine, Freed, Header, IdsLine, InteractionLine,
    Large, Line, NumberLine, PIECE_BYTES, VERSION, ValueLine,
};
use super::remembered::{ForgottenLine, KeyLine, PastLine};
use super::seal::Seal;
use super::{Counts, Error, Summary};
use crate::domain::{Change, Content, DocumentId, Entry, EntryKey, EntryValue, Scope, ValueId};
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
        match change {
            Change::Counters(counters) => self.line(&Line::Counters(Counters {
                number: counters.before.number,
                allocation: counters.before.allocation,
                interaction: counters.before.interaction,
                value: counters.value,
            })),
            Change::Ids(scope, ids) => self.line(&Line::Ids(IdsLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                number: ids.number,
                allocation: ids.allocation,
                interaction: ids.interaction,
            })),
            Change::Number(scope, number, Some(record)) => self.line(&Line::Number(NumberLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                number: *number,
                id: record.id,
                dnid: record.dnid,
                group: record.group.clone(),
                enabled: record.enabled,
                freed: record.freed.map(|last| Freed { at_ms: last.at, allocation: last.allocation }),
            })),
            Change::Interaction(scope, id, Some(record)) => self.line(&Line::Interaction(InteractionLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                id: id.clone(),
                document: record.data,
                since_ms: record.since,
                deadline_ms: record.deadline.at(),
                application: record.application.clone(),
            })),
            Change::Allocated(scope, allocation) => self.line(&Line::Allocation(AllocationLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                id: allocation.id,
                number: allocation.number,
                interaction: allocation.interaction.clone(),
                code: allocation.code.clone(),
                caller: allocation.caller.clone(),
                origin: allocation.origin,
                sharing: allocation.sharing,
                since_ms: allocation.since,
                deadline_ms: allocation.deadline,
            })),
            Change::Document(scope, id, Some(record)) => self.line(&Line::Document(DocumentLine {
                tenant: scope.tenant.clone(),
                environment: scope.environment.clone(),
                id: *id,
                interaction: record.interaction.clone(),
                kept_until_ms: record.kept_until,
                ownership: record.ownership,
                application: record.application.clone(),
            })),
            Change::Entry(scope, document, key, Some(entry)) => {
                self.line(&Line::Entry(entry_line(scope, *document, key, entry)))
            }
            Change::ValueKept(id, bytes) => self.value(*id, bytes),
            Change::Numbering(scope, numbering) => self.line(&Line::Numbering(NumberingLine::of(scope, *numbering))),
            Change::Skill(scope, _, Some(skill)) => self.line(&Line::Skill(SkillLine::of(scope, skill))),
            Change::Route(scope, _, Some(route)) => self.line(&Line::Route(RouteLine::of(scope, route))),
            Change::SigningKey(key) => self.line(&Line::SigningKey(SigningKeyLine::of(key))),
            Change::IdempotencyKey(scope, key, Some(record)) => self.line(&Line::Key(KeyLine::of(scope, key, record))),
            // Nothing is left of it but where the history begins.
            Change::HistoryDropped(owner, bucket) => self.line(&Line::Forgotten(ForgottenLine::of(owner, *bucket))),
            Change::Ended(scope, past) => self.line(&Line::Past(PastLine::of(scope, past))),
            Change::Number(_, _, None)
            | Change::Interaction(_, _, None)
            | Change::Document(_, _, None)
            | Change::Entry(_, _, _, None)
            | Change::Skill(_, _, None)
            | Change::Route(_, _, None)
            | Change::Released(..)
            | Change::ValueDropped(..)
            | Change::IdempotencyKey(_, _, None) => Ok(()),
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

fn entry_line(scope: &Scope, document: DocumentId, key: &EntryKey, entry: &Entry) -> EntryLine {
    let file = match &entry.content {
        Content::Text => None,
        Content::File(label) => {
            Some(FileLine { media_type: label.media_type().to_owned(), name: label.name().map(ToOwned::to_owned) })
        }
    };
    let (mut text, mut base64, mut value) = (None, None, None);
    match &entry.value {
        EntryValue::OutOfLine { id, length } => value = Some(Large { id: *id, length: *length }),
        EntryValue::Inline(bytes) => match std::str::from_utf8(bytes) {
            Ok(small) if file.is_none() => text = Some(small.to_owned()),
            _ => base64 = Some(Bytes(bytes.to_vec())),
        },
    }
    EntryLine {
        tenant: scope.tenant.clone(),
        environment: scope.environment.clone(),
        document,
        key: key.as_str().to_owned(),
        file,
        text,
        base64,
        value,
    }
}
