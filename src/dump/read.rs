//! From lines to the changes that make what they tell of.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

use super::seal::Lines;
use super::{Error, Summary};
use crate::domain::document::Entries;
use crate::domain::history::{Bucket, Past};
use crate::domain::usage::{Span, UsageRecord};
use crate::domain::{Change, Document, DocumentId, Entry, EntryKey, Scope, TenantId, ValueId};
use crate::line::{Bytes, Line, ValueLine};

/// Reads a dump and hands on the changes that make it, in its order. Whether it is whole is known at the end only.
///
/// # Errors
/// [`Error`], or whatever `take` fails with.
pub fn read<E: From<Error>>(input: impl BufRead, take: impl FnMut(Change) -> Result<(), E>) -> Result<Summary, E> {
    let mut lines = Lines::begin(input)?;
    let mut reader =
        Reader { take, scope: None, document: None, value: None, past: Default::default(), used: HashMap::new() };
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
    /// How many records of use there were of each day.
    used: HashMap<(Span, u32), u64>,
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
        if let Line::Value(line) = line {
            return self.value(line);
        }
        if let Line::End(_) = line {
            return Ok(());
        }
        let last = &mut self.scope;
        let made = line.change(&mut |scope| match last {
            Some(last) if **last == scope => Arc::clone(last),
            _ => Arc::clone(last.insert(Arc::new(scope))),
        });
        match made.map_err(Stop::Wrong)? {
            Change::Document(scope, _, Some(document)) => {
                self.document = Some((scope, Arc::unwrap_or_clone(document)));
                Ok(())
            }
            Change::Entry(scope, document, key, Some(entry)) => self.entry(&scope, document, key, entry),
            Change::Ended(scope, past) => self.past(scope, Arc::unwrap_or_clone(past)),
            Change::Used(scope, record) => self.used(scope, Arc::unwrap_or_clone(record)),
            change => self.hand_on(change),
        }
    }

    fn end(&mut self) -> Result<(), Stop<E>> {
        self.finish_document()?;
        self.no_half_value()
    }

    fn hand_on(&mut self, change: Change) -> Result<(), Stop<E>> {
        (self.take)(change).map_err(Stop::Taker)
    }

    fn entry(&mut self, scope: &Arc<Scope>, document: DocumentId, key: EntryKey, entry: Entry) -> Result<(), Stop<E>> {
        if self.entries(scope, document)?.insert(key, entry).is_some() {
            return Err(wrong("the document has an entry with this key already"));
        }
        Ok(())
    }

    fn past(&mut self, scope: Arc<Scope>, past: Past) -> Result<(), Stop<E>> {
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

    fn used(&mut self, scope: Arc<Scope>, record: UsageRecord) -> Result<(), Stop<E>> {
        let count = self.used.entry((record.span, record.span.day(record.slot))).or_default();
        *count += 1;
        let count = *count;
        self.hand_on(Change::Used(scope, Arc::new(UsageRecord { count, ..record })))
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
}
