//! Importing many numbers: staged in the log while the writer serves others, and made to count by one short commit.
//!
//! 1. Rows are staged as often as it takes, on a thread that may wait for the disk. Other commands go on in between; nobody
//!    sees anything yet.
//! 2. A command on the writer's thread makes the same changes to the state and calls [`CommandContext::include`]. The changes
//!    that it leaves are then not written once more: the log gets the one operation "what was staged takes effect here", and
//!    the readers get all changes at once. (The last ids are the exception: they are not staged but written with the
//!    commit, since others give out ids meanwhile.)
//! 3. An import that is dropped instead is abandoned; what cannot be removed then goes at the next start.
//!
//! Whoever imports has to see to it, when the command runs, that what was staged is still right.
//!
//! [`CommandContext::include`]: super::context::CommandContext::include

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use async_trait::async_trait;

use super::log::{Log, Records, Stages};
use super::{Engine, closed};
use crate::domain::{Change, GroupName, NewNumber, Number, NumberId, NumberRecord, Scope};
use crate::store::Result;
use crate::store::import::{BadRow, Existing, ImportRow, Imported, NumberImport, RowFault};

/// An import that is staged.
pub(super) struct StagedImport<'s, L: Log> {
    store: &'s Engine<L>,
    records: Arc<L::Records>,
    scope: Arc<Scope>,
    rows: Rows,
    /// What is durable; gone while it is added to, and when it counts.
    stages: Option<Stages>,
}

impl<'s, L: Log> StagedImport<'s, L> {
    pub(super) fn begin(store: &'s Engine<L>, scope: &Scope, existing: Existing) -> Result<Self> {
        Ok(Self {
            store,
            records: store.open_records()?,
            scope: Arc::new(scope.clone()),
            rows: Rows::new(existing),
            stages: Some(Stages::begin()),
        })
    }

    /// Stages what is to be made, away from the threads that serve requests.
    async fn write(&mut self, made: Vec<Arc<NumberRecord>>) -> Result<()> {
        let mut stages = self.stages.take().ok_or_else(closed)?;
        let scope = Arc::clone(&self.scope);
        let written = self.store.read_records(move |records| {
            let began = Instant::now();
            let number = |record: Arc<NumberRecord>| Change::Number(Arc::clone(&scope), record.number, Some(record));
            let changes: Vec<_> = made.into_iter().map(number).collect();
            records.stage(&mut stages, &changes)?;
            // Nobody waits for an import as somebody waits for a number: others have the disk for as long as it took.
            thread::sleep(began.elapsed());
            Ok(stages)
        });
        self.stages = Some(written.await?);
        Ok(())
    }
}

#[async_trait]
impl<L: Log> NumberImport for StagedImport<'_, L> {
    async fn stage(&mut self, rows: Vec<ImportRow>) -> Result<Vec<BadRow>> {
        let Self { store, rows: before, scope, .. } = self;
        let Checked { fresh, bad } =
            store.read(|tables, now| before.check(rows, |number| tables.number(scope, number, now).is_some())).await?;
        if !fresh.is_empty() {
            let count = fresh.len() as u64;
            let of = Arc::clone(scope);
            let first = store.write(move |context| Ok(context.turn().reserve_numbers(&of, count))).await?;
            let made = before.keep(first, fresh).to_vec();
            self.write(made).await?;
        }
        Ok(bad)
    }

    async fn commit(mut self: Box<Self>) -> Result<Imported> {
        // A caller who goes away while the commit is under way must not take away what it makes count.
        let Some(stages) = self.stages.take() else { return Err(closed()) };
        let (import, scope) = (stages.import, Arc::clone(&self.scope));
        let (records, skipped) = (self.rows.records.clone(), self.rows.skipped);
        let outcome = self.store.write(move |context| {
            let exist = context.turn().existing(&scope, &records);
            if !exist.is_empty() {
                return Ok(Err(exist));
            }
            if !records.is_empty() {
                // Before what is staged already: this is not.
                context.turn().note_import(&scope, records.len() as u64, skipped);
                context.include(import);
                context.turn().import_numbers(&scope, &records);
            }
            Ok(Ok(()))
        });
        // After an error nobody here knows whether it counts; the next start does.
        let outcome = outcome.await?;
        if outcome.is_err() {
            self.stages = Some(stages);
        }
        Ok(self.rows.imported(outcome))
    }
}

/// Whoever drops an import that does not count abandons it. What cannot be removed now goes at the next start.
impl<L: Log> Drop for StagedImport<'_, L> {
    fn drop(&mut self) {
        if let (Some(stages), Ok(runtime)) = (self.stages.take(), tokio::runtime::Handle::try_current()) {
            let records = Arc::clone(&self.records);
            runtime.spawn_blocking(move || {
                if let Err(error) = records.abandon(stages) {
                    tracing::warn!(%error, "what was staged for an import stays until the next start");
                }
            });
        }
    }
}

/// The rows that have come so far.
#[derive(Debug)]
struct Rows {
    existing: Existing,
    /// Every number that has come, and where.
    lines: HashMap<Number, u64>,
    /// One shared name for each group.
    groups: HashSet<GroupName>,
    /// What is to be made, in the order of the rows.
    records: Vec<Arc<NumberRecord>>,
    skipped: u64,
}

/// What is to become of rows.
#[derive(Debug, Default)]
struct Checked {
    fresh: Vec<NewNumber>,
    bad: Vec<BadRow>,
}

impl Rows {
    fn new(existing: Existing) -> Self {
        Self { existing, lines: HashMap::new(), groups: HashSet::new(), records: Vec::new(), skipped: 0 }
    }

    /// Tells the rows that are to be staged from those that are bad and those that are passed over.
    fn check(&mut self, rows: Vec<ImportRow>, exists: impl Fn(Number) -> bool) -> Checked {
        let mut checked = Checked::default();
        for ImportRow { line, number: new } in rows {
            let number = new.number;
            let bad = |fault| BadRow { line, number, fault };
            match self.lines.entry(number) {
                Entry::Occupied(earlier) => checked.bad.push(bad(RowFault::Repeats(*earlier.get()))),
                Entry::Vacant(entry) => {
                    entry.insert(line);
                    match (exists(number), self.existing) {
                        (false, _) => checked.fresh.push(new),
                        (true, Existing::Skip) => self.skipped += 1,
                        (true, Existing::Refuse) => checked.bad.push(bad(RowFault::Exists)),
                    }
                }
            }
        }
        checked
    }

    /// Keeps rows whose ids, from `first` on, have been given out; gives their records back.
    fn keep(&mut self, first: NumberId, fresh: Vec<NewNumber>) -> &[Arc<NumberRecord>] {
        let from = self.records.len();
        for (id, NewNumber { number, dnid, group, enabled }) in (first.0..).zip(fresh) {
            let group = group.map(|group| self.shared(group));
            let record = NumberRecord { id: NumberId(id), number, dnid, group, enabled, freed: None };
            self.records.push(Arc::new(record));
        }
        &self.records[from..]
    }

    fn shared(&mut self, group: GroupName) -> GroupName {
        match self.groups.get(&group) {
            Some(shared) => shared.clone(),
            None => {
                self.groups.insert(group.clone());
                group
            }
        }
    }

    /// What the import has come to, given what the domain said to all records at once.
    fn imported(&self, outcome: std::result::Result<(), Vec<usize>>) -> Imported {
        match outcome {
            Ok(()) => Imported::Done { created: self.records.len() as u64, skipped: self.skipped },
            Err(places) => Imported::Refused(places.into_iter().map(|place| self.exists(place)).collect()),
        }
    }

    fn exists(&self, place: usize) -> BadRow {
        let number = self.records[place].number;
        BadRow { line: self.lines.get(&number).copied().unwrap_or_default(), number, fault: RowFault::Exists }
    }
}
