//! The session that commits: the log's lock, a record, and what became of it.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::{join_all, join4};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connect::{Refused, Session, told};
use super::follower::{SEEN, say_seen};
use super::reading::{AT_A_TIME, Read, Reading, Trouble, signed, unsigned};
use super::rows::{self, PastRows, UsedRows};
use super::schema::{FORMAT, Lock};
use super::shared::{Part, Shared};
use super::side::Parameters;
use crate::domain::{Change, ValueId};
use crate::store::engine::{Commit, Foreign, Forget};
use crate::store::record;

/// Most records of what is dropped that are removed with one commit.
const FORGOTTEN_SLICE: i64 = 500;

pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
const ABOUT: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, \
                     current_setting('synchronous_standby_names'), (SELECT format FROM head)";
const INSERT: &str = "INSERT INTO log (seq, batch, before, at_ms, format, gateway, import, changes) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
pub(super) const KEEP: &str = "INSERT INTO document_values (id, bytes) SELECT * FROM unnest($1::bigint[], $2::bytea[]) \
                    ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes";
const DROP: &str = "DELETE FROM document_values WHERE id = ANY ($1::bigint[])";
pub(super) const REMEMBER: &str = "INSERT INTO history (tenant, hour, part, environment, number, allocation, record) \
                        SELECT t, h, p, e, n, a, r::jsonb FROM unnest($1::text[], $2::int[], $3::int[], $4::text[], \
                        $5::text[], $6::bigint[], $7::text[]) AS row (t, h, p, e, n, a, r) ON CONFLICT DO NOTHING";
const FORGET: &str = "DELETE FROM history WHERE ctid IN (SELECT ctid FROM history WHERE tenant = $1 \
                      AND (hour, part) < ($2, $3) LIMIT $4)";
pub(super) const USE: &str = "INSERT INTO usage (span, day, tenant, environment, group_name, slot, record) \
                   SELECT s, d, t, e, g, n, r::jsonb FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], \
                   $5::text[], $6::bigint[], $7::text[]) AS row (s, d, t, e, g, n, r) ON CONFLICT DO NOTHING";
const FORGET_USE: &str =
    "DELETE FROM usage WHERE ctid IN (SELECT ctid FROM usage WHERE span = $1 AND day < $2 LIMIT $3)";
const BATCH: &str = "SELECT batch FROM log WHERE seq = $1";

/// The session that commits.
pub(super) struct Writing {
    pub(super) session: Session,
    pub(super) reading: Reading,
    statements: HashMap<&'static str, Statement>,
    lock: i64,
}

/// What there was when the lock was taken.
pub(super) struct Locked {
    pub(super) records: Vec<Foreign>,
    /// The last record, and its batch.
    pub(super) last: (u64, Uuid),
}

/// What became of a commit.
pub(super) enum Outcome {
    /// It is durable; whether no history is left that was to be removed.
    Done(bool),
    /// Surely nothing of it counts.
    Refused(String),
    /// Nobody here knows.
    Unknown(String),
}

impl Writing {
    /// Begins a session, and believes nothing that is seen in it before a commit of its own has returned: what is visible
    /// may not be replicated yet, since a commit whose wait for a standby was cut off shows.
    pub(super) async fn begin(shared: &Shared) -> Result<Self, Refused> {
        let unusable = |error: tokio_postgres::Error| Refused(format!("the database: {}", told(&error)));
        let session = shared.target.connect().await?;
        let mut statements = HashMap::new();
        for text in [LOCK, ABOUT, INSERT, KEEP, DROP, REMEMBER, FORGET, USE, FORGET_USE, BATCH, SEEN] {
            statements.insert(text, session.prepare(text).await.map_err(unusable)?);
        }
        let reading = Reading::prepare(&session).await.map_err(unusable)?;
        let lock = Lock::Log.key(&shared.target.schema);
        let writing = Self { session, reading, statements, lock };
        writing.session.take_warning();
        writing.register(shared).await.map_err(unusable)?;
        if writing.session.take_warning() {
            return Err(Refused("the database has warned of a commit, which may be on one machine only".to_owned()));
        }
        Ok(writing)
    }

    fn statement(&self, text: &'static str) -> &Statement {
        &self.statements[text]
    }

    /// Takes the lock, says that this gateway is here, and returns when that is committed for good. Whoever held the lock
    /// before, a former session of this gateway too, is done then.
    async fn register(&self, shared: &Shared) -> Result<(), tokio_postgres::Error> {
        self.session.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        self.session.query(self.statement(LOCK), &[&self.lock]).await?;
        say_seen(&self.session, self.statement(SEEN), shared).await?;
        self.session.batch_execute("COMMIT").await
    }

    /// Takes the lock, and reads what others have committed after `after`. After an error nothing is left open, unless the
    /// session is lost.
    pub(super) async fn lock(&self, shared: &Shared, after: u64) -> Result<Locked, Trouble> {
        let locked = self.try_lock(shared, after).await;
        if let Err(trouble) = &locked
            && !matches!(trouble, Trouble::Lost(_))
        {
            self.rollback().await?;
        }
        locked
    }

    async fn try_lock(&self, shared: &Shared, after: u64) -> Result<Locked, Trouble> {
        let (mut before, mut after) = (Vec::new(), after);
        loop {
            let session = &self.session;
            let (begun, locked, rows, about) = join4(
                session.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
                session.query(self.statement(LOCK), &[&self.lock]),
                self.reading.rows(session, after),
                session.query_one(self.statement(ABOUT), &[]),
            )
            .await;
            begun?;
            locked?;
            let (rows, about) = (rows?, about?);
            if rows.len() > AT_A_TIME {
                // Whoever is far behind catches up before others have to wait for it.
                self.rollback().await?;
                let mut records = self.reading.all_after(session, shared, after).await?;
                after += records.len() as u64;
                before.append(&mut records);
                continue;
            }
            let Read { mut records, .. } = self.reading.take(session, shared, after, &rows).await?;
            before.append(&mut records);
            self.examine(shared, about.get(1), about.get(2))?;
            shared.time.saw(about.get(0));
            let last = rows.last().map(|row| (unsigned(row.get(0)), row.get(1)));
            let last = last.ok_or_else(|| Trouble::Forked("the log is empty".to_owned()))?;
            return Ok(Locked { records: before, last });
        }
    }

    /// Whether a commit would be what it is meant to be.
    fn examine(&self, shared: &Shared, standbys: &str, format: i32) -> Result<(), Trouble> {
        if format > FORMAT {
            return Err(Trouble::Newer(format!(
                "the log is written in format {format} now, which only a newer dnis-gateway knows: this gateway stops \
                 taking part"
            )));
        }
        let wrong = shared.lacks_standby(standbys);
        match wrong {
            Some(reason) => {
                shared.health.set(Part::Durability, Some(reason.clone()));
                Err(Trouble::Unfit(reason))
            }
            None => Ok(()),
        }
    }

    /// Lets go of the lock with nothing done.
    pub(super) async fn rollback(&self) -> Result<(), tokio_postgres::Error> {
        self.session.batch_execute("ROLLBACK").await
    }

    /// Writes a record behind the last one, and commits. All of it is one round trip.
    pub(super) async fn commit(&self, shared: &Shared, last: (u64, Uuid), batch: Uuid, commit: Commit<'_>) -> Outcome {
        let session = &self.session;
        let written = Written::of(commit);
        let (seq, at) = (signed(last.0 + 1), signed(commit.at.as_millis()));
        let import = commit.import.map(|import| signed(import.0));
        let record: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
            [&seq, &batch, &last.1, &at, &FORMAT, &shared.me, &import, &written.record];
        let kept: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&written.kept.0, &written.kept.1];
        let dropped: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&written.dropped];
        let remembered = written.past.parameters();
        let used = written.used.parameters();
        let forget = commit.forget_before.map(forgotten);
        let forget = forget.as_ref().map(|(statement, parameters)| {
            let parameters: Vec<_> = parameters.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect();
            (self.statement(statement), parameters)
        });
        let forgets = forget.is_some();
        session.take_warning();
        type Step<'a> = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send + 'a>>;
        let mut steps: Vec<Step<'_>> = vec![Box::pin(session.execute(self.statement(INSERT), &record))];
        if !written.kept.0.is_empty() {
            steps.push(Box::pin(session.execute(self.statement(KEEP), &kept)));
        }
        if !written.dropped.is_empty() {
            steps.push(Box::pin(session.execute(self.statement(DROP), &dropped)));
        }
        if !written.past.is_empty() {
            steps.push(Box::pin(session.execute(self.statement(REMEMBER), &remembered)));
        }
        if !written.used.is_empty() {
            steps.push(Box::pin(session.execute(self.statement(USE), &used)));
        }
        if let Some((statement, parameters)) = &forget {
            steps.push(Box::pin(session.execute(*statement, parameters)));
        }
        steps.push(Box::pin(async { session.batch_execute("COMMIT").await.map(|()| 0) }));
        let mut outcomes = join_all(steps).await;
        let committed = outcomes.pop();
        let mut removed = 0;
        for outcome in outcomes {
            match outcome {
                Ok(rows) => removed = i64::try_from(rows).unwrap_or(i64::MAX),
                // What the server has refused to do it does not commit; of a lost session nobody knows.
                Err(error) if error.as_db_error().is_some_and(|error| error.severity() == "ERROR") => {
                    return Outcome::Refused(told(&error));
                }
                Err(error) => return Outcome::Unknown(told(&error)),
            }
        }
        match committed {
            Some(Ok(_)) if session.take_warning() => Outcome::Unknown("the server warned of the commit".to_owned()),
            Some(Ok(_)) => Outcome::Done(forgets && removed < FORGOTTEN_SLICE),
            Some(Err(error)) => Outcome::Unknown(told(&error)),
            None => Outcome::Unknown("the commit was not sent".to_owned()),
        }
    }

    /// The batch that a record has, if there is one.
    pub(super) async fn batch(&self, seq: u64) -> Result<Option<Uuid>, tokio_postgres::Error> {
        let row = self.session.query_opt(self.statement(BATCH), &[&signed(seq)]).await?;
        Ok(row.map(|row| row.get(0)))
    }
}

/// The statement that removes some of what is dropped, and what it is given.
fn forgotten(forget: &Forget) -> (&'static str, Parameters) {
    match forget {
        Forget::History(owner, bucket) => {
            let (hour, part) = rows::bucket(*bucket);
            (FORGET, vec![Box::new(rows::owner(owner)), Box::new(hour), Box::new(part), Box::new(FORGOTTEN_SLICE)])
        }
        Forget::Usage(span, day) => {
            let (span, day) = (rows::span_name(*span), rows::number_of(*day));
            (FORGET_USE, vec![Box::new(span), Box::new(day), Box::new(FORGOTTEN_SLICE)])
        }
    }
}

/// What a commit writes, as the statements take it.
#[derive(Default)]
struct Written {
    record: Vec<u8>,
    kept: (Vec<i64>, Vec<Vec<u8>>),
    dropped: Vec<i64>,
    past: PastRows,
    used: UsedRows,
}

impl Written {
    fn of(commit: Commit<'_>) -> Self {
        let mut written = Self::default();
        let mut kept: HashMap<ValueId, &Arc<[u8]>> = HashMap::new();
        let mut others = Vec::new();
        let apart = |change: &Change| matches!(change, Change::ValueKept(..) | Change::ValueDropped(..));
        let with_values = commit.changes.iter().any(apart);
        for change in commit.changes {
            match change {
                // Their bytes are no business of whoever follows.
                Change::ValueKept(id, bytes) => drop(kept.insert(*id, bytes)),
                // What comes and goes in one batch is never written.
                Change::ValueDropped(id, _) if kept.remove(id).is_none() => written.dropped.push(signed(id.0)),
                Change::Ended(scope, past) => written.past.add(scope, past),
                Change::Used(scope, record) => written.used.add(scope, record),
                _ => {}
            }
            if with_values && !apart(change) {
                others.push(change.clone());
            }
        }
        for (id, bytes) in kept {
            written.kept.0.push(signed(id.0));
            written.kept.1.push(bytes.to_vec());
        }
        written.record = record::encode(if with_values { &others } else { commit.changes });
        written
    }
}
