//! Importing many numbers at once: all of them or none.
//!
//! Rows are staged a few hundred at a time while other requests go on; nobody sees them until one commit makes all of
//! them numbers.

use async_trait::async_trait;

use super::Result;
use crate::domain::{NewNumber, Number};

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
pub trait NumberImport: Send {
    /// Stages rows, at most [`MOST_ROWS_AT_A_TIME`], and gives back which of them are bad. Those are not staged; whoever
    /// wants all rows or none abandons the import then, or goes on to learn of other bad rows.
    async fn stage(&mut self, rows: Vec<ImportRow>) -> Result<Vec<BadRow>>;

    /// Makes all staged rows numbers in one commit.
    async fn commit(self: Box<Self>) -> Result<Imported>;
}
