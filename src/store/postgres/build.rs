//! A store made of changes, all at once, in one transaction: for a restore.

use std::collections::HashMap;

use tokio::runtime::Runtime;
use uuid::Uuid;

use super::connect::{Refused, Session, Target, told};
use super::follower::LIVE;
use super::load;
use super::reading::signed;
use super::rows::{PastRows, Slice, UsedRows};
use super::schema::{self, FORMAT, Lock};
use super::writing::{KEEP, LOCK, REMEMBER, USE};
use crate::config;
use crate::domain::{Change, EntryValue, Tables, ValueId};
use crate::store::record;

/// How many changes, and bytes of large values, are written at a time.
const CHANGES: usize = 5000;
const VALUE_BYTES: usize = 8 * 1024 * 1024;

/// A store that is being made. One that is dropped unfinished leaves nothing behind but a schema with nothing in it.
pub struct Build {
    runtime: Runtime,
    session: Session,
    slice: Slice,
    past: PastRows,
    used: UsedRows,
    values: (Vec<i64>, Vec<Vec<u8>>),
    changes: usize,
    value_bytes: usize,
}

impl Build {
    /// Begins in a store with nothing in it, which no gateway uses.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn begin(settings: &config::Postgres) -> Result<Self, Refused> {
        let target = Target::new(settings)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Refused(format!("nothing can be restored: {error}")))?;
        let session = runtime.block_on(async {
            let session = target.connect().await?;
            schema::ensure(&session, &target.schema).await?;
            claim(&session, &target.schema).await?;
            Ok::<_, Refused>(session)
        })?;
        Ok(Self {
            runtime,
            session,
            slice: Slice::default(),
            past: PastRows::default(),
            used: UsedRows::default(),
            values: Default::default(),
            changes: 0,
            value_bytes: 0,
        })
    }

    /// Adds what a change makes.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn add(&mut self, change: &Change) -> Result<(), Refused> {
        match change {
            Change::ValueKept(id, bytes) => {
                self.values.0.push(signed(id.0));
                self.values.1.push(bytes.to_vec());
                self.value_bytes += bytes.len();
            }
            Change::Ended(scope, past) => self.past.add(scope, past),
            Change::Used(scope, record) => self.used.add(scope, record),
            _ => {}
        }
        self.slice.add(change);
        self.changes += 1;
        if self.changes >= CHANGES || self.value_bytes >= VALUE_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), Refused> {
        let (slice, past) = (std::mem::take(&mut self.slice), std::mem::take(&mut self.past));
        let (used, values) = (std::mem::take(&mut self.used), std::mem::take(&mut self.values));
        (self.changes, self.value_bytes) = (0, 0);
        let session = &self.session;
        let written = self.runtime.block_on(async {
            slice.write(session).await?;
            session.execute(REMEMBER, &past.parameters()).await?;
            session.execute(USE, &used.parameters()).await?;
            session.execute(KEEP, &[&values.0, &values.1]).await
        });
        written.map(drop).map_err(|error| failed(&error))
    }

    /// Reads back what was added, and lets it count.
    ///
    /// # Errors
    /// [`Refused`], also where what was added does not fit together.
    pub fn finish(mut self) -> Result<(), Refused> {
        self.write()?;
        let session = &self.session;
        self.runtime.block_on(async {
            // A store that goes its own way from here on is another store than the one that it was taken from.
            let (store, batch) = (Uuid::from_bytes(rand::random()), Uuid::from_bytes(rand::random()));
            let record = "INSERT INTO log (seq, batch, before, at_ms, format, gateway, changes) \
                          SELECT 1, $1, batch, 0, $2, $3, $4 FROM log WHERE seq = 0";
            let nothing = record::encode(&[]);
            session
                .execute(record, &[&batch, &FORMAT, &Uuid::nil(), &nothing])
                .await
                .map_err(|error| failed(&error))?;
            session.execute("UPDATE head SET store = $1", &[&store]).await.map_err(|error| failed(&error))?;
            session.execute("UPDATE checkpoint SET seq = 1", &[]).await.map_err(|error| failed(&error))?;
            let wrong = |reason: String| Refused(format!("store.postgres: what was restored cannot be read: {reason}"));
            let loaded = load::within(session).await.map_err(wrong)?;
            check_values(session, &loaded.tables).await.map_err(wrong)?;
            session.take_warning();
            session.batch_execute("COMMIT").await.map_err(|error| failed(&error))?;
            if session.take_warning() {
                return Err(Refused(
                    "store.postgres: the database has warned of the commit: what was restored may be on one machine only"
                        .to_owned(),
                ));
            }
            Ok(())
        })
    }
}

fn failed(error: &tokio_postgres::Error) -> Refused {
    Refused(format!("store.postgres: the database does not take the backup: {}", told(error)))
}

/// Begins the transaction, in which nobody else writes to the log, if there is nothing in the store.
async fn claim(session: &Session, schema: &str) -> Result<(), Refused> {
    let begin = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";
    session.batch_execute(begin).await.map_err(|error| failed(&error))?;
    let lock = Lock::Log.key(schema);
    session.execute(LOCK, &[&lock]).await.map_err(|error| failed(&error))?;
    let holds = format!(
        "SELECT (SELECT max(seq) > 0 FROM log), \
         (SELECT string_agg(name, ', ') FROM members WHERE seen_at > clock_timestamp() - {LIVE})"
    );
    let holds = session.query_one(&holds, &[]).await.map_err(|error| failed(&error))?;
    let (filled, gateways): (bool, Option<String>) = (holds.get(0), holds.get(1));
    if filled {
        return Err(Refused(format!(
            "store.postgres.schema: the schema {schema} is not empty; restore into a schema with nothing in it"
        )));
    }
    match gateways {
        Some(gateways) => Err(Refused(format!(
            "store.postgres.schema: the schema {schema} is in use by {gateways}; stop what uses it, and try again 15 seconds \
             later"
        ))),
        None => Ok(()),
    }
}

/// Whether every large value is there, whole.
async fn check_values(session: &Session, tables: &Tables) -> Result<(), String> {
    let mut named: HashMap<ValueId, u64> = HashMap::new();
    for document in tables.documents() {
        for entry in document.entries.values() {
            if let EntryValue::OutOfLine { id, length } = &entry.value {
                named.insert(*id, *length);
            }
        }
    }
    let ids: Vec<i64> = named.keys().map(|id| signed(id.0)).collect();
    let text = "SELECT id, octet_length(bytes)::bigint FROM document_values WHERE id = ANY ($1)";
    let found = session.query(text, &[&ids]).await.map_err(|error| told(&error))?;
    let whole = found.iter().filter(|row| {
        let (id, length): (i64, i64) = (row.get(0), row.get(1));
        named.get(&ValueId(super::reading::unsigned(id))).is_some_and(|named| signed(*named) == length)
    });
    match whole.count() == named.len() {
        true => Ok(()),
        false => Err("a large value is missing or cut".to_owned()),
    }
}
