//! Whether everything in a tree is as it must be.
//!
//! A start refuses a directory at the first record that it cannot read. This looks at all of them, at the large values
//! too, which no start reads, and at how the records fit together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::blocks;
use super::codec::{self, Chunk, Loader};
use super::journal::CommitNumber;
use super::marker::Marker;
use super::pending::Layer;
use super::replay;
use super::tree::{Tree, UNREADABLE, caught};
use crate::domain::history::{Bucket, Owner};
use crate::domain::usage::Span;
use crate::domain::{AllocationId, Change, DocumentId, EntryValue, NumberId, Scope, Tables, ValueId};

/// Most problems that are told; a tree that has more is told by those.
const MAX_PROBLEMS: usize = 100;

/// What was found in a data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Which store it is.
    pub store: Uuid,
    /// The format of the directory.
    pub format: u32,
    /// How many commits it has seen.
    pub commits: u64,
    /// How many records of each kind there are.
    pub records: BTreeMap<&'static str, u64>,
    /// What must not be; at most a hundred are told.
    pub problems: Vec<String>,
    /// What may be but is of no use.
    pub notes: Vec<String>,
}

/// A directory whose tree is open and whose journal has been read.
pub(super) struct Subject<'a> {
    /// The tree.
    pub(super) tree: &'a Tree,
    /// What the journal has on top of it.
    pub(super) layers: &'a [Layer],
    /// Which store it is.
    pub(super) marker: &'a Marker,
    /// The last commit.
    pub(super) commits: CommitNumber,
}

/// Looks at every record there is.
pub(super) fn inspect(subject: &Subject<'_>) -> Report {
    let mut inspection = Inspection::of(subject);
    // Reads of a damaged page can make sled panic.
    let read = caught(|| {
        for record in replay::records(subject.tree, subject.layers)? {
            let (key, value) = record?;
            inspection.record(&key, &value);
        }
        Ok(())
    });
    match read.unwrap_or_else(|| Err(UNREADABLE.to_owned())) {
        Ok(()) => {}
        Err(reason) => inspection.problem(format!("the data cannot be read to their end: {reason}")),
    }
    inspection.finish()
}

struct Inspection {
    report: Report,
    loader: Loader,
    /// How many bytes there are of each large value, from its beginning on.
    values: HashMap<ValueId, Stretch>,
    /// How many entries of the history there are in each bucket.
    history: BTreeMap<(Owner, Bucket), u64>,
    /// How many records of use there are of each day.
    usage: BTreeMap<(Span, u32), u64>,
    /// The allocations that have ended and are remembered.
    ended: HashMap<Scope, HashSet<AllocationId>>,
}

/// What there is of a large value.
#[derive(Default)]
struct Stretch {
    chunks: u64,
    bytes: u64,
}

impl Inspection {
    fn of(subject: &Subject<'_>) -> Self {
        let Marker { store, format, .. } = *subject.marker;
        let report = Report { store, format, commits: subject.commits, ..Report::default() };
        let (history, usage, ended) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        Self { report, loader: Loader::default(), values: HashMap::new(), history, usage, ended }
    }

    fn problem(&mut self, problem: String) {
        if self.report.problems.len() < MAX_PROBLEMS {
            self.report.problems.push(problem);
        }
    }

    fn record(&mut self, key: &[u8], value: &[u8]) {
        if let Some(block) = codec::history::block(key) {
            // What it holds is what there is.
            return self.block(&block, key, value);
        }
        *self.report.records.entry(codec::kind(key)).or_default() += 1;
        if key.len() + value.len() > codec::MAX_RECORD_BYTES {
            self.problem(format!("a record of {} bytes is larger than any that is written", key.len() + value.len()));
        }
        let understood = match codec::chunk(key) {
            Some(chunk) => {
                self.chunk(chunk, value.len());
                Ok(())
            }
            None if codec::is_number(key) => codec::fields::<u64>(key, value).map(drop),
            None if codec::is_stage(key) => codec::bytes(key, value).map(drop),
            None if codec::history::is_entry(key) => self.ended(key, value),
            None if codec::usage::is_record(key) => codec::usage::record(key, value).map(|(_, record)| {
                *self.usage.entry((record.span, record.span.day(record.slot))).or_default() += 1;
            }),
            None => self.loader.take(key, value),
        };
        if let Err(error) = understood {
            self.problem(error.to_string());
        }
    }

    fn block(&mut self, block: &codec::history::Block<'_>, key: &[u8], value: &[u8]) {
        let read = blocks::read(key, value, |rest, value| {
            self.record(&codec::history::key_at(block.place, rest), value);
        });
        if let Err(error) = read {
            self.problem(error.to_string());
        }
    }

    fn ended(&mut self, key: &[u8], value: &[u8]) -> Result<(), codec::Unreadable> {
        let codec::history::Entry { owner, scope, past } = codec::history::entry(key, value)?;
        *self.history.entry((owner, past.bucket)).or_default() += 1;
        if !self.ended.entry(scope).or_default().insert(past.allocation.id) {
            self.problem(format!("allocation {} ended twice", past.allocation.id.0));
        }
        Ok(())
    }

    /// Chunks come in their order.
    fn chunk(&mut self, Chunk { value, place }: Chunk, bytes: usize) {
        let stretch = self.values.entry(value).or_default();
        let follows = place == stretch.chunks && stretch.bytes == place * codec::CHUNK_BYTES as u64;
        stretch.chunks += 1;
        stretch.bytes += bytes as u64;
        if !follows {
            self.problem(format!("piece {place} of large value {} does not follow the one before", value.0));
        }
    }

    fn finish(mut self) -> Report {
        let tables = std::mem::take(&mut self.loader).finish();
        self.tables(&tables);
        self.history(&tables);
        self.usage(&tables);
        let (unused, bytes) = self.values.values().fold((0, 0), |(count, sum), value| (count + 1, sum + value.bytes));
        if unused > 0 {
            self.report.notes.push(format!(
                "{unused} large values, {bytes} bytes, belong to no document: a backup was reading them when the gateway \
                 was killed; nothing is missing, and compaction takes them away"
            ));
        }
        if let Some(pieces) = self.report.records.get(codec::kind(codec::STAGES.0)) {
            self.report.notes.push(format!(
                "{pieces} pieces of imports that never took effect, or are about to; the next start sees to them"
            ));
        }
        self.report
    }

    /// Holds what was loaded against itself, beyond what loading does.
    fn tables(&mut self, tables: &Tables) {
        let counters = tables.counters();
        let mut ids = Ids::default();
        for change in tables.contents().into_changes() {
            match change {
                Change::Ids(..) | Change::Counters(_) => {}
                Change::Number(scope, number, Some(record)) => {
                    if record.id.0 > tables.ids(&scope).number || !ids.numbers.insert((scope, record.id)) {
                        self.problem(format!("the id of number {number} was never given out, or twice"));
                    }
                }
                Change::Allocated(scope, allocation) => {
                    let given = tables.ids(&scope).allocation;
                    if allocation.id.0 > given || !ids.allocations.insert((scope, allocation.id)) {
                        self.problem(format!("the id of allocation {} was never given out, or twice", allocation.id.0));
                    }
                }
                Change::Interaction(scope, id, Some(record)) => {
                    let document = tables.kept_document(&scope, record.data);
                    if document.is_none_or(|document| document.interaction.as_ref() != Some(&id)) {
                        self.problem(format!("the document of interaction {id} is missing or belongs to another one"));
                    }
                }
                // Loading has looked at these.
                Change::Document(..)
                | Change::Skill(..)
                | Change::Route(..)
                | Change::Numbering(..)
                | Change::SigningKey(_)
                | Change::IdempotencyKey(_, _, Some(_))
                | Change::Audited(..)
                | Change::Usage(..)
                | Change::UsageDropped(..)
                | Change::HistoryDropped(..) => {}
                Change::Entry(_, document, _, Some(entry)) => {
                    if let EntryValue::OutOfLine { id, length } = entry.value {
                        self.value(document, id, length, counters.value);
                    }
                }
                Change::Number(_, _, None)
                | Change::Interaction(_, _, None)
                | Change::Entry(_, _, _, None)
                | Change::Released(..)
                | Change::ValueKept(..)
                | Change::IdempotencyKey(_, _, None)
                | Change::Ended(..)
                | Change::Used(..)
                | Change::ValueDropped(..) => {}
            }
        }
    }

    /// Holds the history against what is known of it. What is forgotten may be there still; it is removed bit by bit.
    fn history(&mut self, tables: &Tables) {
        let below = |(owner, bucket): &(Owner, Bucket)| *bucket < tables.history_floor(owner);
        let forgotten = self.history.extract_if(.., |place, _| below(place)).map(|(_, count)| count);
        let forgotten: u64 = forgotten.sum();
        if forgotten > 0 {
            self.report.notes.push(format!("{forgotten} ended allocations are forgotten and about to be removed"));
        }
        let contents = tables.contents();
        for (owner, bucket, count) in contents.history() {
            let found = self.history.remove(&(owner.clone(), *bucket)).unwrap_or_default();
            if found != *count {
                let Bucket { hour, part } = bucket;
                self.problem(format!(
                    "part {part} of hour {hour} of the history has {found} entries instead of {count}"
                ));
            }
        }
        for (_, Bucket { hour, part }) in std::mem::take(&mut self.history).into_keys() {
            self.problem(format!("part {part} of hour {hour} of the history is not known to be there"));
        }
        for (scope, ended) in std::mem::take(&mut self.ended) {
            let last = AllocationId(tables.ids(&scope).allocation);
            if let Some(wrong) = ended.iter().find(|id| **id > last) {
                self.problem(format!("the id of allocation {}, which has ended, was never given out", wrong.0));
            }
            let lent = contents.lent().find(|(of, _)| ***of == scope);
            if let Some(wrong) = lent.and_then(|(_, lent)| lent.running.intersection(&ended).next().copied()) {
                self.problem(format!("allocation {} has ended and runs", wrong.0));
            }
        }
    }

    /// Holds the records of use against what is known of them.
    fn usage(&mut self, tables: &Tables) {
        let below = |(span, day): &(Span, u32)| *day < tables.usage_floor(*span);
        let forgotten: u64 = self.usage.extract_if(.., |place, _| below(place)).map(|(_, count)| count).sum();
        if forgotten > 0 {
            self.report.notes.push(format!("{forgotten} records of use are forgotten and about to be removed"));
        }
        let known = tables.contents().usage().iter().map(|(span, day, count)| ((*span, *day), *count)).collect();
        let (known, found): (BTreeMap<_, u64>, _) = (known, std::mem::take(&mut self.usage));
        let places: BTreeSet<_> = known.keys().chain(found.keys()).collect();
        for place in places {
            let of = |counts: &BTreeMap<_, u64>| counts.get(place).copied().unwrap_or_default();
            let (expected, there, (span, day)) = (of(&known), of(&found), place);
            if expected != there {
                let seconds = span.seconds();
                self.problem(format!(
                    "day {day} of the use of groups has {there} records of {seconds} seconds instead of {expected}"
                ));
            }
        }
    }

    /// Holds an entry's large value against the bytes that there are.
    fn value(&mut self, document: DocumentId, id: ValueId, length: u64, given_out: u64) {
        let found = self.values.remove(&id).map(|stretch| stretch.bytes);
        if id.0 > given_out {
            self.problem(format!("the id of large value {} was never given out", id.0));
        }
        match found {
            Some(bytes) if bytes == length => {}
            Some(bytes) => {
                self.problem(format!("a value of document {document} has {bytes} bytes instead of {length}"));
            }
            None => self.problem(format!("a value of document {document} is missing, or belongs to another one too")),
        }
    }
}

/// The ids that were met.
#[derive(Default)]
struct Ids {
    numbers: HashSet<(Arc<Scope>, NumberId)>,
    allocations: HashSet<(Arc<Scope>, AllocationId)>,
}
