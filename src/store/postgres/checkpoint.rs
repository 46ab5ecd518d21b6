//! The thread that moves the log into the tables, a slice at a time and only the last word on every key, and removes the
//! records that nobody needs any more. Of all gateways the one that does the upkeep does it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::connect::{Session, told};
use super::follower::LIVE;
use super::reading::{STAGED, unsigned};
use super::rows::Slice;
use super::schema::Lock;
use super::shared::Shared;
use super::thread::Thread;
use crate::store::record;

/// How long to wait where there is nothing to move, and where there is little.
const IDLE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(200);
/// Most records, and bytes of them, that are moved in one transaction: few, so that nobody's commit has to wait until the
/// disk has taken much of it.
const RECORDS: i64 = 100;
const BYTES: usize = 1024 * 1024;
/// How many records may be left to move until they are moved without a pause.
const BEHIND: u64 = 10_000;
/// How often what is no longer needed is looked for.
const REMOVING: Duration = Duration::from_secs(2);
/// Pieces of an import that are moved at a time.
const PIECES: usize = 20;
/// Most rows of the log that are removed at a time.
const REMOVED: i64 = 5000;

/// Starts the thread that moves the log into the tables.
///
/// # Errors
/// The system has no thread for it.
pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<Thread> {
    Thread::start("store-checkpoint", move || work(shared))
}

async fn work(shared: Arc<Shared>) {
    let mut upkeep = Upkeep { shared, session: None, removed: None };
    loop {
        sleep(upkeep.step().await).await;
    }
}

/// What was moved in one transaction.
#[derive(Default)]
struct Moved {
    /// The last record in the tables, if any was moved.
    to: Option<u64>,
    /// Whether there may be more.
    more: bool,
}

struct Upkeep {
    shared: Arc<Shared>,
    session: Option<Session>,
    /// When what is no longer needed was last looked for.
    removed: Option<Instant>,
}

impl Upkeep {
    /// Moves a slice, if it is on this gateway to do so; how long to wait before the next.
    async fn step(&mut self) -> Duration {
        if !self.shared.does_upkeep.load(Ordering::Acquire) {
            return IDLE;
        }
        let began = Instant::now();
        match self.try_step().await {
            Ok(Moved { to: None, .. }) => IDLE,
            Ok(Moved { more: false, .. }) => PAUSE,
            Ok(Moved { to: Some(to), .. }) if self.shared.applied.load(Ordering::Acquire) > to + BEHIND => {
                Duration::ZERO
            }
            // As long as it took: commits want the disk and the processors as well.
            Ok(_) => began.elapsed(),
            Err(reason) => {
                tracing::warn!(%reason, "the log could not be moved into the tables; it is tried again");
                self.session = None;
                IDLE
            }
        }
    }

    async fn try_step(&mut self) -> Result<Moved, String> {
        if self.session.as_ref().is_none_or(|session| session.is_closed()) {
            self.session = Some(self.shared.target.connect().await.map_err(|refused| refused.0)?);
        }
        let Some(session) = &self.session else { return Ok(Moved::default()) };
        let moved = transaction(session, move_slice(session, &self.shared)).await?;
        if self.removed.is_none_or(|removed| removed.elapsed() >= REMOVING) {
            transaction(session, remove(session)).await?;
            self.removed = Some(Instant::now());
        }
        Ok(moved)
    }
}

async fn transaction<T>(session: &Session, inner: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let execute = |text: &'static str| async move { session.batch_execute(text).await.map_err(|error| told(&error)) };
    // What is lost of it with the server is the mark as well, and nothing was removed from the log that it does not cover:
    // no commit of anybody's has to wait for this one's sync.
    execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL synchronous_commit = off").await?;
    let outcome = inner.await;
    execute(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    outcome
}

/// Moves the records after the mark into the tables, and the mark behind them.
async fn move_slice(session: &Session, shared: &Shared) -> Result<Moved, String> {
    let failed = |error: tokio_postgres::Error| told(&error);
    let lock = Lock::Checkpoint.key(&shared.target.schema);
    let mine = session.query_one("SELECT pg_try_advisory_xact_lock($1)", &[&lock]).await.map_err(failed)?;
    if !mine.get::<_, bool>(0) {
        return Ok(Moved::default());
    }
    let mark = session.query_one("SELECT seq FROM checkpoint", &[]).await.map_err(failed)?;
    let mark: i64 = mark.get(0);
    let log = "SELECT seq, at_ms, import, changes FROM log WHERE seq > $1 ORDER BY seq LIMIT $2";
    let (mut slice, mut to, mut bytes) = (Slice::default(), None, 0);
    let rows = session.query(log, &[&mark, &RECORDS]).await.map_err(failed)?;
    let mut more = rows.len() as i64 == RECORDS;
    for row in &rows {
        let (seq, at, import): (i64, i64, Option<i64>) = (row.get(0), row.get(1), row.get(2));
        let changes: &[u8] = row.get(3);
        bytes += changes.len();
        for change in record::decode(changes).map_err(|error| format!("record {seq} of the log: {error}"))? {
            slice.add(&change);
        }
        to = Some((seq, at, import));
        // A slice ends with the import that it includes.
        if import.is_some() || bytes >= BYTES {
            more = true;
            break;
        }
    }
    let Some((to, at, import)) = to else { return Ok(Moved::default()) };
    slice.write(session).await.map_err(failed)?;
    if let Some(import) = import {
        move_import(session, import).await?;
    }
    let text = "UPDATE checkpoint SET seq = $1, at_ms = $2 WHERE seq = $3";
    match session.execute(text, &[&to, &at, &mark]).await.map_err(failed)? {
        1 => Ok(Moved { to: Some(unsigned(to)), more }),
        _ => Err("another gateway has moved the log meanwhile".to_owned()),
    }
}

/// Moves what was staged for an import into the tables, some of it at a time.
async fn move_import(session: &Session, import: i64) -> Result<(), String> {
    let failed = |error: tokio_postgres::Error| told(&error);
    let pieces = session.query(STAGED, &[&import]).await.map_err(failed)?;
    for pieces in pieces.chunks(PIECES) {
        let mut slice = Slice::default();
        for piece in pieces {
            let changes = record::decode(piece.get(0)).map_err(|error| format!("rows of an import: {error}"))?;
            changes.iter().for_each(|change| slice.add(change));
        }
        slice.write(session).await.map_err(failed)?;
    }
    Ok(())
}

/// Removes the records that are in the tables and that every gateway which is there has applied, never the last one that
/// is in the tables; and rows of imports that no record speaks of.
async fn remove(session: &Session) -> Result<(), String> {
    let failed = |error: tokio_postgres::Error| told(&error);
    let text = format!(
        "DELETE FROM log WHERE seq < LEAST((SELECT seq FROM checkpoint), \
         (SELECT min(applied) FROM members WHERE seen_at > clock_timestamp() - {LIVE})) \
         AND seq < (SELECT min(seq) FROM log) + $1 RETURNING import"
    );
    let removed = session.query(&text, &[&REMOVED]).await.map_err(failed)?;
    let imports: Vec<i64> = removed.iter().filter_map(|row| row.get(0)).collect();
    if !imports.is_empty() {
        session.execute("DELETE FROM staged WHERE import = ANY ($1)", &[&imports]).await.map_err(failed)?;
    }
    let text = "DELETE FROM staged WHERE made_at < clock_timestamp() - interval '1 day' \
                AND import NOT IN (SELECT import FROM log WHERE import IS NOT NULL)";
    session.execute(text, &[]).await.map_err(failed)?;
    let text = "DELETE FROM members WHERE seen_at < clock_timestamp() - interval '1 day'";
    session.execute(text, &[]).await.map_err(failed)?;
    Ok(())
}
