//! Importing many numbers at once: all of them or none.
//!
//! Rows are staged a few hundred at a time while other requests go on; nobody sees them until one commit makes all of
//! them numbers. What every engine does alike, which is everything but the keeping, is here.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::Result;
use crate::domain::{GroupName, NewNumber, Number, NumberId, NumberRecord, Scope};

/// Most rows that are staged at a time.
pub const MOST_ROWS_AT_A_TIME: usize = 500;

/// A row of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// Where it stands in what is imported, counted from 1.
    pub line: u64,
    /// The number to be made.
    pub number: NewNumber,
}

/// What becomes of a row whose number exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It is a bad row, and nothing is imported.
    #[default]
    Refuse,
    /// It is passed over; the number stays as it is.
    Skip,
}

/// Why a row cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// The number exists already.
    Exists,
    /// The number stands in an earlier row too: the one on this line.
    Repeats(u64),
}

/// A row that cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Where it stands.
    pub line: u64,
    /// Its number.
    pub number: Number,
    /// What is wrong with it.
    pub fault: RowFault,
}

/// What an import has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// Every row was taken.
    Done {
        /// Numbers that were made.
        created: u64,
        /// Rows that were passed over because their number exists.
        skipped: u64,
    },
    /// Nothing has changed: these numbers were made by somebody else while the import was staged.
    Refused(Vec<BadRow>),
}

/// An import that is being staged. Whoever drops it abandons it.
#[async_trait]
pub trait Import: Send {
    /// Stages rows, at most [`MOST_ROWS_AT_A_TIME`], and tells which of them are bad. Those are not staged; whoever
    /// wants all rows or none abandons the import then, or goes on to learn of other bad rows.
    async fn stage(&mut self, rows: Vec<ImportRow>) -> Result<Vec<BadRow>>;

    /// Makes all staged rows numbers in one commit.
    async fn commit(self: Box<Self>) -> Result<Imported>;
}

/// What an engine knows of an import while it is staged.
#[derive(Debug)]
pub(super) struct Staging {
    pub(super) scope: Scope,
    existing: Existing,
    /// Every number that has come, and where.
    lines: HashMap<Number, u64>,
    /// One shared name for each group.
    groups: HashSet<GroupName>,
    /// What is to be made, in the order of the rows.
    records: Vec<Arc<NumberRecord>>,
    skipped: u64,
}

/// What is to become of rows that have come.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    pub(super) fresh: Vec<NewNumber>,
    pub(super) bad: Vec<BadRow>,
}

impl Staging {
    pub(super) fn new(scope: &Scope, existing: Existing) -> Self {
        Self {
            scope: scope.clone(),
            existing,
            lines: HashMap::new(),
            groups: HashSet::new(),
            records: Vec::new(),
            skipped: 0,
        }
    }

    /// Tells the rows that are to be staged from those that are bad and those that are passed over.
    pub(super) fn sift(&mut self, rows: Vec<ImportRow>, exists: impl Fn(Number) -> bool) -> Sifted {
        let mut sifted = Sifted::default();
        for ImportRow { line, number: new } in rows {
            let number = new.number;
            let bad = |fault| BadRow { line, number, fault };
            match self.lines.entry(number) {
                Entry::Occupied(earlier) => sifted.bad.push(bad(RowFault::Repeats(*earlier.get()))),
                Entry::Vacant(entry) => {
                    entry.insert(line);
                    match (exists(number), self.existing) {
                        (false, _) => sifted.fresh.push(new),
                        (true, Existing::Skip) => self.skipped += 1,
                        (true, Existing::Refuse) => sifted.bad.push(bad(RowFault::Exists)),
                    }
                }
            }
        }
        sifted
    }

    /// Keeps rows whose ids, from `first` on, have been given out; gives their records back.
    pub(super) fn keep(&mut self, first: NumberId, fresh: Vec<NewNumber>) -> &[Arc<NumberRecord>] {
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

    /// What is to be made.
    pub(super) fn records(&self) -> &[Arc<NumberRecord>] {
        &self.records
    }

    /// What the import has come to, given what the domain said to all records at once.
    pub(super) fn imported(&self, outcome: std::result::Result<(), Vec<usize>>) -> Imported {
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
