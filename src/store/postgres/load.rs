//! Everything that is known, read from the tables and from the log after them, as of one point.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connect::{Session, told};
use super::reading::{STAGED, unsigned};
use super::rows::{self, Table};
use crate::domain::document::Entries;
use crate::domain::{
    Allocation, ApplicationName, Change, Document, DocumentId, GroupName, InteractionId, NumberRecord, Scope, Tables,
    Timestamp,
};
use crate::store::record;

/// What was read.
pub(super) struct Loaded {
    pub(super) tables: Tables,
    /// The last record, and its batch.
    pub(super) commits: u64,
    pub(super) batch: Uuid,
    /// When the last commit was made.
    pub(super) at: Timestamp,
}

/// Reads everything, as of the moment at which this begins.
///
/// # Errors
/// Why it cannot be read.
pub(super) async fn load(session: &Session) -> Result<Loaded, String> {
    begin(session).await?;
    let loaded = within(session).await;
    let ended = session.batch_execute("ROLLBACK").await.map_err(|error| told(&error));
    loaded.and_then(|loaded| ended.map(|()| loaded))
}

/// Begins a transaction that sees everything as of this moment, however long it takes.
pub(super) async fn begin(session: &Session) -> Result<(), String> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0";
    session.batch_execute(begin).await.map_err(|error| told(&error))
}

/// Reads everything in the transaction that is open.
pub(super) async fn within(session: &Session) -> Result<Loaded, String> {
    let mut loader = Loader::default();
    for table in Table::ALL {
        loader.table(session, table).await?;
    }
    loader.history(session).await?;
    let mark = session.query_one("SELECT seq, at_ms FROM checkpoint", &[]).await.map_err(|error| told(&error))?;
    let (mut commits, mut at): (i64, i64) = (mark.get(0), mark.get(1));
    let mut batch = None;
    let mut first = true;
    // Of the record at the mark only who it is: a log keeps at least its last record.
    let log =
        "SELECT seq, batch, at_ms, import, CASE WHEN seq > $1 THEN changes END FROM log WHERE seq >= $1 ORDER BY seq";
    let from = commits;
    let mut records = pin!(stream(session, log, &[&from]).await?);
    let mut imports = Vec::new();
    while let Some(row) = records.try_next().await.map_err(|error| told(&error))? {
        let seq: i64 = row.get(0);
        if (first && seq != from) || (!first && seq != commits + 1) {
            return Err(format!("record {} is missing from the log", if first { from } else { commits + 1 }));
        }
        first = false;
        (commits, batch) = (seq, Some(row.get(1)));
        let Some(bytes) = row.get::<_, Option<&[u8]>>(4) else { continue };
        at = row.get(2);
        let changes = record::decode(bytes).map_err(|error| format!("record {seq} of the log: {error}"))?;
        // What was staged comes after what its record says, and before the next record.
        imports.push((changes, row.get::<_, Option<i64>>(3)));
        if imports.len() == 1000 || imports.last().is_some_and(|(_, import)| import.is_some()) {
            loader.log(session, std::mem::take(&mut imports)).await?;
        }
    }
    loader.log(session, imports).await?;
    let batch = batch.ok_or_else(|| format!("record {from} is missing from the log"))?;
    loader.tables.pack();
    Ok(Loaded { tables: loader.tables, commits: unsigned(commits), batch, at: Timestamp::from_millis(unsigned(at)) })
}

async fn stream(
    session: &Session,
    text: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<tokio_postgres::RowStream, String> {
    let parameters = parameters.iter().map(|parameter| *parameter as &dyn ToSql);
    session.query_raw(text, parameters.collect::<Vec<_>>()).await.map_err(|error| told(&error))
}

/// Makes tables of rows. Names that many rows have are kept once.
#[derive(Default)]
struct Loader {
    tables: Tables,
    scopes: HashSet<Arc<Scope>>,
    groups: HashSet<GroupName>,
    applications: HashSet<ApplicationName>,
    /// Numbers that are coming in, all of one scope; together they are put into the tables far faster.
    numbers: Option<(Arc<Scope>, Vec<Arc<NumberRecord>>)>,
    /// The entries of documents that come later.
    entries: HashMap<(Arc<Scope>, DocumentId), Entries>,
}

impl Loader {
    async fn table(&mut self, session: &Session, table: Table) -> Result<(), String> {
        let (name, keys) = table.shape();
        let order = keys.iter().map(|(column, _)| *column).collect::<Vec<_>>().join(", ");
        let text = format!("SELECT record::text FROM {name} ORDER BY tenant, environment, {order}");
        let mut rows = pin!(stream(session, &text, &[]).await?);
        while let Some(row) = rows.try_next().await.map_err(|error| told(&error))? {
            self.row(&row).map_err(|reason| format!("a row of the table {name}: {reason}"))?;
        }
        self.finish_numbers();
        Ok(())
    }

    fn row(&mut self, row: &Row) -> Result<(), String> {
        let scopes = &mut self.scopes;
        let change = rows::change(row.get(0), &mut |scope| shared(scopes, Arc::new(scope)))?;
        match change {
            Change::Number(scope, _, Some(record)) => {
                let mut record = Arc::unwrap_or_clone(record);
                record.group = record.group.map(|group| shared(&mut self.groups, group));
                let record = Arc::new(record);
                match &mut self.numbers {
                    Some((of, numbers)) if *of == scope => numbers.push(record),
                    _ => {
                        self.finish_numbers();
                        self.numbers = Some((scope, vec![record]));
                    }
                }
                return Ok(());
            }
            Change::Interaction(scope, id, Some(record)) => {
                let mut record = Arc::unwrap_or_clone(record);
                record.application = record.application.map(|name| shared(&mut self.applications, name));
                record.id = id.clone();
                self.tables.apply(&Change::Interaction(scope, id, Some(Arc::new(record))));
            }
            Change::Allocated(scope, allocation) => {
                let Allocation { number, sharing, .. } = *allocation;
                if !self.tables.takes(&scope, number, sharing, allocation.code.as_ref()) {
                    return Err(format!("the number {number} of an allocation is not there or lent twice"));
                }
                let interaction = self.known(&scope, &allocation.interaction)?;
                let mut allocation = Arc::unwrap_or_clone(allocation);
                allocation.application = allocation.application.map(|name| shared(&mut self.applications, name));
                let allocation = Allocation { interaction, ..allocation };
                self.tables.apply(&Change::Allocated(scope, Arc::new(allocation)));
            }
            Change::Entry(scope, id, key, Some(entry)) => {
                self.entries.entry((scope, id)).or_default().insert(key, entry);
            }
            Change::Document(scope, id, Some(document)) => {
                let mut document = Arc::unwrap_or_clone(document);
                document.application = document.application.map(|name| shared(&mut self.applications, name));
                document.interaction = document.interaction.map(|id| self.known(&scope, &id)).transpose()?;
                document.entries = self.entries.remove(&(Arc::clone(&scope), id)).unwrap_or_default();
                let document: Document = document;
                self.tables.apply(&Change::Document(scope, id, Some(Arc::new(document))));
            }
            Change::Route(scope, dnid, Some(route)) => {
                if !self.tables.takes_route(&scope, &route) {
                    return Err(format!("the number or the id of the route {dnid} is another route's too"));
                }
                self.tables.apply(&Change::Route(scope, dnid, Some(route)));
            }
            change => self.tables.apply(&change),
        }
        Ok(())
    }

    async fn history(&mut self, session: &Session) -> Result<(), String> {
        let text = "SELECT tenant, hour, part FROM history_floors";
        for row in session.query(text, &[]).await.map_err(|error| told(&error))? {
            let owner = rows::owner_of(row.get(0))?;
            self.tables.set_history_floor(&owner, rows::bucket_of(row.get(1), row.get(2)));
        }
        let text = "SELECT tenant, hour, part, entries FROM history_buckets ORDER BY tenant, hour, part";
        for row in session.query(text, &[]).await.map_err(|error| told(&error))? {
            let owner = rows::owner_of(row.get(0))?;
            let bucket = rows::bucket_of(row.get(1), row.get(2));
            self.tables.set_history(&owner, bucket, unsigned(row.get(3)));
        }
        for row in session.query("SELECT span, day FROM usage_floors", &[]).await.map_err(|error| told(&error))? {
            self.tables.set_usage_floor(rows::span_of(row.get(0))?, day(row.get(1)));
        }
        let text = "SELECT span, day, records FROM usage_days";
        for row in session.query(text, &[]).await.map_err(|error| told(&error))? {
            self.tables.set_usage(rows::span_of(row.get(0))?, day(row.get(1)), unsigned(row.get(2)));
        }
        if let Some(((_, id), _)) = self.entries.iter().next() {
            return Err(format!("the entries of document {id} are there, and the document is not"));
        }
        Ok(())
    }

    /// Applies records of the log, each with what was staged for it.
    async fn log(&mut self, session: &Session, records: Vec<(Vec<Change>, Option<i64>)>) -> Result<(), String> {
        for (changes, import) in records {
            self.tables.apply_all(&changes);
            let Some(import) = import else { continue };
            for piece in session.query(STAGED, &[&import]).await.map_err(|error| told(&error))? {
                let changes = record::decode(piece.get(0)).map_err(|error| format!("rows of an import: {error}"))?;
                self.tables.apply_all(&changes);
            }
        }
        Ok(())
    }

    fn finish_numbers(&mut self) {
        if let Some((scope, mut numbers)) = self.numbers.take() {
            numbers.sort_unstable_by_key(|record| record.number);
            self.tables.add_numbers(&scope, &numbers);
        }
    }

    /// The id of an interaction, in the one copy that there is of it.
    fn known(&self, scope: &Scope, id: &InteractionId) -> Result<InteractionId, String> {
        let known = self.tables.known_interaction(scope, id);
        known.cloned().ok_or_else(|| format!("the interaction {id} is not there"))
    }
}

/// A day that a column has.
fn day(column: i32) -> u32 {
    u32::try_from(column).unwrap_or_default()
}

/// The one copy that there is of a name.
fn shared<T: Clone + Eq + std::hash::Hash>(known: &mut HashSet<T>, name: T) -> T {
    match known.get(&name) {
        Some(known) => known.clone(),
        None => {
            known.insert(name.clone());
            name
        }
    }
}
