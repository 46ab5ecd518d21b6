//! Many numbers at once: a file in, all of it or nothing, and a file out, as CSV or as one JSON object a line.
//!
//! Neither file is ever held whole: rows are staged in the store as they arrive, and pages are written as they are read.

pub(in crate::dialect::native) mod csv;
mod export;
pub(in crate::dialect::native) mod file;
mod import;
mod importing;
pub(in crate::dialect::native) mod report;
mod rows;

use crate::dialect::native::framework::operation::Served;
use crate::dialect::native::framework::value::choice;
use crate::media::ContentType;

pub(in crate::dialect::native) use importing::Importing;

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] =
    &[&import::Import, &file::AsOperation(export::Export)];

/// The media type of comma-separated values.
const CSV: &str = "text/csv";
/// The media type of one JSON value a line.
const NDJSON: &str = "application/x-ndjson";
/// Names for the same that are in use too.
const OTHER_NDJSON: [&str; 3] = ["application/ndjson", "application/jsonl", "application/jsonlines"];

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) enum Format {
    /// Comma-separated values.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

choice! {
    /// The form of a file.
    Format {
        "csv" = Format::Csv,
        "ndjson" = Format::Ndjson,
    }
}

impl Format {
    /// The form that a media type names.
    fn of(declared: ContentType<'_>) -> Option<Self> {
        if declared.is(CSV) {
            Some(Self::Csv)
        } else {
            let ndjson = declared.is(NDJSON) || OTHER_NDJSON.iter().any(|other| declared.is(other));
            ndjson.then_some(Self::Ndjson)
        }
    }
}
