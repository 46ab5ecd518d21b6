//! What is said of an imported file: what it came to, or every row that kept it from being imported.

use schemars::JsonSchema;
use serde::Serialize;

use crate::store::{BadRow, RowFault};

/// Most bad rows that are told; the others are counted.
const TOLD: usize = 100;

/// What an import came to.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::dialect::native) struct ImportReport {
    /// Rows of the file, the heading not among them.
    pub(super) rows: u64,
    /// Numbers that were made.
    pub(super) created: u64,
    /// Rows that were passed over because their number exists.
    pub(super) skipped: u64,
}

/// A row that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "BadRow")]
pub(super) struct Bad {
    /// The line of the file on which it begins, counted from 1.
    line: u64,
    /// What is wrong with it, and what is allowed.
    detail: String,
}

impl Bad {
    pub(super) fn new(line: u64, detail: impl Into<String>) -> Self {
        Self { line, detail: detail.into() }
    }
}

impl From<BadRow> for Bad {
    fn from(BadRow { line, number, fault }: BadRow) -> Self {
        Self::new(
            line,
            match fault {
                RowFault::Exists => format!("number {number} exists already"),
                RowFault::Repeats(earlier) => format!("number {number} stands on line {earlier} already"),
            },
        )
    }
}

/// A file that cannot be imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(in crate::dialect::native) struct BadFile {
    /// How many rows are bad.
    total: u64,
    /// The first hundred of them, by their lines.
    rows: Vec<Bad>,
}

impl BadFile {
    pub(super) fn add(&mut self, bad: Bad) {
        self.total += 1;
        // What the reader finds and what the store finds do not come in the order of the lines.
        let place = self.rows.partition_point(|known| known.line <= bad.line);
        self.rows.insert(place, bad);
        self.rows.truncate(TOLD);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The report in one sentence.
    pub(in crate::dialect::native) fn summary(&self) -> String {
        let (rows, are) = if self.total == 1 { ("row", "is") } else { ("rows", "are") };
        format!("{} {rows} of the file {are} bad", self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hundred_bad_rows_are_told_in_the_order_of_their_lines_and_all_are_counted() {
        let mut file = BadFile::default();
        for line in (1..=150).rev() {
            file.add(Bad::new(line, "bad"));
        }
        let lines: Vec<_> = file.rows.iter().map(|bad| bad.line).collect();
        assert_eq!((file.total, lines), (150, (1..=100).collect()));
    }
}
