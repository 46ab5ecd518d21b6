//! Reading the log: which records came after one that is known, held against it.

use tokio_postgres::{Row, Statement};
use uuid::Uuid;

use super::connect::{Session, told};
use super::schema::FORMAT;
use super::shared::{Chain, Shared};
use crate::domain::{Change, Timestamp};
use crate::store::engine::{Failure, Foreign};
use crate::store::record;

/// Most records that are read at a time.
pub(super) const AT_A_TIME: usize = 1000;

/// The records from one that is known on; of that one only who it is.
const RECORDS: &str = "SELECT seq, batch, before, at_ms, format, import, CASE WHEN seq > $1 THEN changes END \
                       FROM log WHERE seq >= $1 ORDER BY seq LIMIT 1001";
pub(super) const STAGED: &str = "SELECT changes FROM staged WHERE import = $1 ORDER BY piece";

/// Why the log could not be read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The session is of no use any more.
    Lost(String),
    /// The log is not the one that was followed.
    Forked(String),
    /// The server is not as it must be for a commit to be what it is meant to be.
    Unfit(String),
    /// A newer program has written what this one cannot read.
    Newer(String),
}

impl Trouble {
    /// What is wrong.
    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Lost(reason) | Self::Forked(reason) | Self::Unfit(reason) | Self::Newer(reason) => reason,
        }
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Lost(format!("the database: {}", told(&error)))
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Lost(reason) | Trouble::Forked(reason) | Trouble::Unfit(reason) => Self::Unavailable(reason),
            Trouble::Newer(reason) => Self::Broken(reason),
        }
    }
}

/// The statements that read the log in one session.
pub(super) struct Reading {
    records: Statement,
    staged: Statement,
}

/// What was read.
pub(super) struct Read {
    pub(super) records: Vec<Foreign>,
    /// Whether there may be more.
    pub(super) more: bool,
}

impl Reading {
    pub(super) async fn prepare(session: &Session) -> Result<Self, tokio_postgres::Error> {
        Ok(Self { records: session.prepare(RECORDS).await?, staged: session.prepare(STAGED).await? })
    }

    /// The rows of the records from `after` on, for [`Self::take`].
    pub(super) async fn rows(&self, session: &Session, after: u64) -> Result<Vec<Row>, tokio_postgres::Error> {
        session.query(&self.records, &[&signed(after)]).await
    }

    /// The records after `after`.
    pub(super) async fn after(&self, session: &Session, shared: &Shared, after: u64) -> Result<Read, Trouble> {
        let rows = self.rows(session, after).await?;
        self.take(session, shared, after, &rows).await
    }

    /// Makes records of rows, if they follow what is known.
    pub(super) async fn take(
        &self,
        session: &Session,
        shared: &Shared,
        after: u64,
        rows: &[Row],
    ) -> Result<Read, Trouble> {
        check(&mut shared.chain.lock(), after, rows)?;
        let mut records = Vec::with_capacity(rows.len().saturating_sub(1));
        for row in rows.iter().skip(1) {
            records.push(self.record(session, row).await?);
        }
        Ok(Read { records, more: rows.len() > AT_A_TIME })
    }

    /// All records after `after`, however many; of the last ones only where others are being written meanwhile.
    pub(super) async fn all_after(
        &self,
        session: &Session,
        shared: &Shared,
        mut after: u64,
    ) -> Result<Vec<Foreign>, Trouble> {
        let mut all = Vec::new();
        loop {
            let Read { mut records, more } = self.after(session, shared, after).await?;
            let records_read = records.len() as u64;
            all.append(&mut records);
            if !more {
                return Ok(all);
            }
            after += records_read;
        }
    }

    async fn record(&self, session: &Session, row: &Row) -> Result<Foreign, Trouble> {
        let (seq, at, format, import): (i64, i64, i32, Option<i64>) = (row.get(0), row.get(3), row.get(4), row.get(5));
        if format > FORMAT {
            return Err(Trouble::Newer(format!(
                "record {seq} of the log has format {format}, which only a newer dnis-gateway can read"
            )));
        }
        let mut changes = decoded(seq, row.get(6))?;
        if let Some(import) = import {
            for piece in session.query(&self.staged, &[&import]).await? {
                changes.append(&mut decoded(seq, piece.get(0))?);
            }
        }
        Ok(Foreign { changes, at: Timestamp::from_millis(unsigned(at)) })
    }
}

/// Holds rows, the first of which should be that of `after`, against what is known.
fn check(chain: &mut Chain, after: u64, rows: &[Row]) -> Result<(), Trouble> {
    let found = rows.first().map(|row| (unsigned(row.get(0)), row.get::<_, Uuid>(1)));
    let Some((_, batch)) = found.filter(|(seq, _)| *seq == after) else {
        return Err(Trouble::Forked(match found {
            None => format!("the log ends before record {after}, which was committed"),
            Some((first, _)) => format!("record {after} of the log was removed; it begins at {first}"),
        }));
    };
    if chain.batch(after).is_some_and(|known| known != batch) {
        return Err(Trouble::Forked(format!("record {after} of the log is not the one that was committed")));
    }
    for (expected, row) in (after..).zip(rows) {
        let seq = unsigned(row.get(0));
        if seq != expected {
            return Err(Trouble::Forked(format!("record {expected} is missing from the log")));
        }
        chain.add(seq, row.get(1), row.get(2)).map_err(Trouble::Forked)?;
    }
    Ok(())
}

/// The changes of a record, or of a part of one.
fn decoded(seq: i64, bytes: &[u8]) -> Result<Vec<Change>, Trouble> {
    record::decode(bytes).map_err(|error| Trouble::Newer(format!("record {seq} of the log cannot be read: {error}")))
}

/// A count as PostgreSQL has it.
pub(super) fn signed(count: u64) -> i64 {
    i64::from_ne_bytes(count.to_ne_bytes())
}

/// A count as PostgreSQL gives it.
pub(super) fn unsigned(count: i64) -> u64 {
    u64::from_ne_bytes(count.to_ne_bytes())
}
