//! From lines to the changes that make what they tell of.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use super::bytes::Bytes;
use super::line::{
    AllocationLine, DocumentLine, EntryLine, FileLine, IdsLine, InteractionLine, Line, NumberLine, ValueLine,
};
use super::remembered::PastLine;
use super::seal::Lines;
use super::{Error, Summary};
use crate::domain::change::{Counters, Ids};
use crate::domain::document::{Entries, FileLabel};
use crate::domain::history::{Bucket, Past};
use crate::domain::number::LastLending;
use crate::domain::{
    Allocation, Change, Content, Deadline, Document, DocumentId, Entry, EntryKey, EntryValue, EnvironmentName,
    Interaction, NumberRecord, Scope, TenantId, ValueId,
};

/// Reads a dump and hands on the changes that make it, in its order. Whether it is whole is known at the end only.
///
/// # Errors
/// [`Error`], or whatever `take` fails with.
pub fn read<E: From<Error>>(input: impl BufRead, take: impl FnMut(Change) -> Result<(), E>) -> Result<Summary, E> {
    let mut lines = Lines::begin(input)?;
    let mut reader = Reader { take, scope: None, document: None, value: None, past: Default::default() };
    let told = |outcome: Result<(), Stop<E>>, lines: &Lines<_>| {
        outcome.map_err(|stop| match stop {
            Stop::Wrong(reason) => lines.wrong(&reason).into(),
            Stop::Taker(error) => error,
        })
    };
    while let Some(line) = lines.next()? {
        told(reader.line(line), &lines)?;
    }
    told(reader.end(), &lines)?;
    Ok(lines.summary())
}

/// Why reading does not go on.
enum Stop<E> {
    /// A line says what cannot be.
    Wrong(String),
    /// Whoever takes the changes does not.
    Taker(E),
}

/// What is wrong with a line, from any error that says it.
fn wrong<E>(error: &(impl ToString + ?Sized)) -> Stop<E> {
    Stop::Wrong(error.to_string())
}

struct Reader<F> {
    take: F,
    /// The scope of the line before: most lines have the same.
    scope: Option<Arc<Scope>>,
    /// The document whose entries are coming in.
    document: Option<(Arc<Scope>, Document)>,
    /// The large value whose pieces are coming in, and its whole length.
    value: Option<(ValueId, u64, Vec<u8>)>,
    /// The part of the history that is coming in, and how many entries of each tenant there were in it.
    past: (Bucket, HashMap<TenantId, u64>),
}

impl<F, E> Reader<F>
where
    F: FnMut(Change) -> Result<(), E>,
{
    fn line(&mut self, line: Line) -> Result<(), Stop<E>> {
        if !matches!(line, Line::Entry(_) | Line::Value(_)) {
            self.finish_document()?;
        }
        if !matches!(line, Line::Value(_)) {
            self.no_half_value()?;
        }
        match line {
            Line::Counters(counters) => {
                let super::line::Counters { number, allocation, interaction, value } = counters;
                self.hand_on(Change::Counters(Counters { before: Ids { number, allocation, interaction }, value }))
            }
            Line::Ids(line) => {
                let IdsLine { tenant, environment, number, allocation, interaction } = line;
                let scope = self.scope(tenant, environment);
                self.hand_on(Change::Ids(scope, Ids { number, allocation, interaction }))
            }
            Line::Number(line) => self.number(line),
            Line::Interaction(line) => self.interaction(line),
            Line::Allocation(line) => self.allocation(line),
            Line::Document(line) => {
                self.document(line);
                Ok(())
            }
            Line::Entry(line) => self.entry(line),
            Line::Value(line) => self.value(line),
            Line::Numbering(line) => {
                let numbering = line.numbering();
                let scope = self.scope(line.tenant, line.environment);
                self.hand_on(Change::Numbering(scope, numbering))
            }
            Line::Skill(line) => {
                let scope = self.scope(line.tenant.clone(), line.environment.clone());
                let skill = line.skill();
                self.hand_on(Change::Skill(scope, skill.id, Some(Arc::new(skill))))
            }
            Line::Route(line) => {
                let scope = self.scope(line.tenant.clone(), line.environment.clone());
                let route = line.route().map_err(wrong)?;
                self.hand_on(Change::Route(scope, route.dnid, Some(Arc::new(route))))
            }
            Line::SigningKey(line) => self.hand_on(Change::SigningKey(line.key().map_err(wrong)?)),
            Line::Key(line) => {
                let scope = self.scope(line.tenant.clone(), line.environment.clone());
                let (key, record) = line.record().map_err(wrong)?;
                self.hand_on(Change::IdempotencyKey(scope, key, Some(Arc::new(record))))
            }
            Line::Forgotten(line) => {
                let (owner, bucket) = line.dropped();
                self.hand_on(Change::HistoryDropped(owner, bucket))
            }
            Line::Past(line) => self.past(line),
            Line::End(_) => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), Stop<E>> {
        self.finish_document()?;
        self.no_half_value()
    }

    fn hand_on(&mut self, change: Change) -> Result<(), Stop<E>> {
        (self.take)(change).map_err(Stop::Taker)
    }

    fn number(&mut self, line: NumberLine) -> Result<(), Stop<E>> {
        let NumberLine { tenant, environment, number, id, dnid, group, enabled, freed } = line;
        let freed = freed.map(|freed| LastLending { at: freed.at_ms, allocation: freed.allocation });
        let record = NumberRecord { id, number, dnid, group, enabled, freed };
        let scope = self.scope(tenant, environment);
        self.hand_on(Change::Number(scope, number, Some(Arc::new(record))))
    }

    fn interaction(&mut self, line: InteractionLine) -> Result<(), Stop<E>> {
        let InteractionLine { tenant, environment, id, document, since_ms, deadline_ms, application } = line;
        let deadline = deadline_ms.map_or(Deadline::Never, Deadline::At);
        let record = Interaction { id: id.clone(), data: document, since: since_ms, deadline, application };
        let scope = self.scope(tenant, environment);
        self.hand_on(Change::Interaction(scope, id, Some(Arc::new(record))))
    }

    fn allocation(&mut self, line: AllocationLine) -> Result<(), Stop<E>> {
        let AllocationLine { tenant, environment, id, number, interaction, code, caller, origin, sharing, .. } = line;
        let (since, deadline) = (line.since_ms, line.deadline_ms);
        let allocation = Allocation { id, number, interaction, code, caller, origin, sharing, since, deadline };
        let scope = self.scope(tenant, environment);
        self.hand_on(Change::Allocated(scope, Arc::new(allocation)))
    }

    fn document(&mut self, line: DocumentLine) {
        let DocumentLine { tenant, environment, id, interaction, kept_until_ms, ownership, application } = line;
        let kept_until = kept_until_ms;
        let document = Document { id, interaction, kept_until, ownership, application, entries: Entries::new() };
        self.document = Some((self.scope(tenant, environment), document));
    }

    fn entry(&mut self, line: EntryLine) -> Result<(), Stop<E>> {
        let EntryLine { tenant, environment, document, key, file, text, base64, value } = line;
        let scope = self.scope(tenant, environment);
        let entries = self.entries(&scope, document)?;
        let key = EntryKey::new(&key).map_err(|error| wrong(&format!("key {error}")))?;
        let content = match &file {
            None => Content::Text,
            Some(FileLine { media_type, name }) => {
                let label = FileLabel::new(media_type, name.as_deref());
                Content::File(label.map_err(|error| wrong(&format!("file {error}")))?)
            }
        };
        let value = match (text, base64, value) {
            (Some(text), None, None) => EntryValue::Inline(text.into_bytes().into()),
            (None, Some(Bytes(bytes)), None) => EntryValue::Inline(bytes.into()),
            (None, None, Some(large)) => EntryValue::OutOfLine { id: large.id, length: large.length },
            _ => return Err(wrong("an entry has one of the members text, base64 and value")),
        };
        if entries.insert(key, Entry { content, value }).is_some() {
            return Err(wrong("the document has an entry with this key already"));
        }
        Ok(())
    }

    fn past(&mut self, line: PastLine) -> Result<(), Stop<E>> {
        let scope = self.scope(line.tenant.clone(), line.environment.clone());
        let past = line.past();
        let (before, counts) = &mut self.past;
        if past.bucket < *before {
            return Err(wrong("it belongs to an earlier hour, or part of it, than the line before"));
        }
        if past.bucket > *before {
            *before = past.bucket;
            counts.clear();
        }
        let count = counts.entry(scope.tenant.clone()).or_default();
        *count += 1;
        let count = *count;
        self.hand_on(Change::Ended(scope, Arc::new(Past { count, ..past })))
    }

    /// The entries of the document before, which must be the one that is named.
    fn entries(&mut self, scope: &Arc<Scope>, id: DocumentId) -> Result<&mut Entries, Stop<E>> {
        match &mut self.document {
            Some((of, document)) if of == scope && document.id == id => Ok(&mut document.entries),
            _ => Err(wrong(&format!("an entry of document {id} does not follow that document"))),
        }
    }

    fn finish_document(&mut self) -> Result<(), Stop<E>> {
        let Some((scope, document)) = self.document.take() else { return Ok(()) };
        let (id, document) = (document.id, Arc::new(document));
        self.hand_on(Change::Document(Arc::clone(&scope), id, Some(Arc::clone(&document))))?;
        for (key, entry) in &document.entries {
            self.hand_on(Change::Entry(Arc::clone(&scope), id, key.clone(), Some(entry.clone())))?;
        }
        Ok(())
    }

    fn value(&mut self, line: ValueLine) -> Result<(), Stop<E>> {
        let ValueLine { id, length, offset, base64: Bytes(piece) } = line;
        let (of, whole, mut bytes) = self.value.take().unwrap_or_else(|| (id, length, Vec::new()));
        let after = bytes.len() as u64 + piece.len() as u64;
        if (of, whole, bytes.len() as u64) != (id, length, offset) || piece.is_empty() || after > length {
            return Err(wrong(&format!("the piece does not follow what there is of value {}", of.0)));
        }
        bytes.extend_from_slice(&piece);
        if after < length {
            self.value = Some((id, length, bytes));
            return Ok(());
        }
        self.hand_on(Change::ValueKept(id, bytes.into()))
    }

    fn no_half_value(&self) -> Result<(), Stop<E>> {
        match &self.value {
            None => Ok(()),
            Some((id, length, bytes)) => {
                Err(wrong(&format!("of value {} there are {} bytes, not {length}", id.0, bytes.len())))
            }
        }
    }

    fn scope(&mut self, tenant: TenantId, environment: Option<EnvironmentName>) -> Arc<Scope> {
        let scope = Scope { tenant, environment };
        match &self.scope {
            Some(last) if **last == scope => Arc::clone(last),
            _ => Arc::clone(self.scope.insert(Arc::new(scope))),
        }
    }
}
