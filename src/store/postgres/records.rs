//! What is durable and not in memory: large values, the history, and the rows of imports under way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_postgres::Row;
use uuid::Uuid;

use super::follower::Asker;
use super::reading::{signed, unsigned};
use super::rows;
use super::shared::Shared;
use super::side::{Parameters, Sees, Side};
use crate::domain::history::{Bucket, Held, HistorySearch, Owner, Past};
use crate::domain::usage::{Group, Span, UsageRecord};
use crate::domain::{AllocationId, Change, Number, Rules, Scope, Timestamp, ValueId};
use crate::log::notes;
use crate::store::engine::{Records, RecordsSnapshot, SnapshotOrigin, Stages, Values, Within};
use crate::store::record;
use crate::store::{Cluster, Member};

const VALUE: &str = "SELECT bytes FROM document_values WHERE id = $1";
const OF_NUMBER: &str = "SELECT record::text FROM history WHERE tenant = $1 AND hour = $2 AND part = $3 \
                         AND environment = $4 AND number = $5 AND allocation < $6 ORDER BY allocation DESC";
const OF_BUCKET: &str = "SELECT record::text FROM history WHERE tenant = $1 AND hour = $2 AND part = $3";
const SEARCH: &str = "SELECT record::text FROM history WHERE tenant = $1 AND hour = $2 AND part = $3 AND environment = $4 \
                      AND allocation < $5 AND record @> $6::text::jsonb AND (record->>'since_ms')::bigint < $7 \
                      AND (record->>'until_ms')::bigint > $8 ORDER BY allocation DESC LIMIT $9";
const USED: &str = "SELECT record::text FROM usage WHERE span = $1 AND day = $2 AND tenant = $3 AND environment = $4 \
                    AND group_name = $5 ORDER BY slot";
const USED_BY_ALL: &str = "SELECT record::text FROM usage WHERE span = $1 AND day = $2";
const STAGE: &str = "INSERT INTO staged (import, piece, changes) VALUES ($1, $2, $3) \
                     ON CONFLICT (import, piece) DO UPDATE SET changes = excluded.changes";
const ABANDON: &str = "DELETE FROM staged WHERE import = $1";
const MEMBERS: &str = "SELECT id, name, address, version, rules, applied, \
                       (extract(epoch FROM started_at) * 1000)::bigint, (extract(epoch FROM seen_at) * 1000)::bigint, \
                       seen_at > clock_timestamp() - interval '15 seconds' FROM members ORDER BY started_at, id";
const POSITIONS: &str = "SELECT (SELECT max(seq) FROM log), (SELECT seq FROM checkpoint)";
/// All of them.
pub(super) const STATEMENTS: [&str; 10] =
    [VALUE, OF_NUMBER, OF_BUCKET, SEARCH, USED, USED_BY_ALL, STAGE, ABANDON, MEMBERS, POSITIONS];

/// What is durable and not in memory.
pub struct PostgresRecords {
    pub(super) shared: Arc<Shared>,
    asker: Asker,
    side: Side,
}

impl PostgresRecords {
    pub(super) fn new(shared: Arc<Shared>, asker: Asker) -> Result<Self, String> {
        let (side, _) = Side::start(Arc::clone(&shared), Sees::Now)?;
        Ok(Self { shared, asker, side })
    }

    /// The records as they are at this moment, for as long as they are held, and everything that is known then.
    fn at_this_point(&self) -> Result<RecordsSnapshot<Self>, String> {
        let (side, loaded) = Side::start(Arc::clone(&self.shared), Sees::OnePoint)?;
        let loaded = loaded.ok_or_else(|| "nothing was read".to_owned())?;
        let taken = self.shared.clock.now().max(loaded.at);
        let origin = SnapshotOrigin { store: self.shared.store, commits: loaded.commits, taken };
        let records = Self { shared: Arc::clone(&self.shared), asker: self.asker.clone(), side };
        Ok((origin, loaded.tables.contents(), Arc::new(records)))
    }

    fn of_number(
        &self,
        owner: &Owner,
        bucket: Bucket,
        scope: &Scope,
        number: Number,
        below: AllocationId,
    ) -> Result<Vec<Held>, String> {
        let ((hour, part), owner) = (rows::bucket(bucket), rows::owner(owner));
        let (environment, number) = (rows::environment(scope), number.to_string());
        let below = i64::try_from(below.0).unwrap_or(i64::MAX);
        let parameters: Parameters = vec![
            Box::new(owner),
            Box::new(hour),
            Box::new(part),
            Box::new(environment),
            Box::new(number),
            Box::new(below),
        ];
        let found = self.side.query(OF_NUMBER, parameters)?;
        found.iter().map(|row| rows::past(row.get(0)).map(|(_, past)| Held::from(&past))).collect()
    }
}

impl Values for PostgresRecords {
    fn value(&self, id: ValueId, _length: u64) -> Result<Option<Arc<[u8]>>, String> {
        let found = self.side.query(VALUE, vec![Box::new(signed(id.0))])?;
        Ok(found.first().map(|row| row.get::<_, &[u8]>(0).into()))
    }
}

impl Records for PostgresRecords {
    fn of_number<'a>(
        &'a self,
        owner: Owner,
        bucket: Bucket,
        scope: &'a Scope,
        number: Number,
        below: AllocationId,
    ) -> impl Iterator<Item = Result<Held, String>> + 'a {
        let (held, failed) = match self.of_number(&owner, bucket, scope, number, below) {
            Ok(held) => (held, None),
            Err(reason) => (Vec::new(), Some(Err(reason))),
        };
        failed.into_iter().chain(held.into_iter().map(Ok))
    }

    fn of_bucket(&self, owner: &Owner, bucket: Bucket) -> Result<Vec<(Arc<Scope>, Past)>, String> {
        let ((hour, part), owner) = (rows::bucket(bucket), rows::owner(owner));
        let found = self.side.query(OF_BUCKET, vec![Box::new(owner), Box::new(hour), Box::new(part)])?;
        found.iter().map(|row| rows::past(row.get(0))).collect()
    }

    fn search(&self, within: Within<'_>, search: &HistorySearch, most: usize) -> Result<Vec<Held>, String> {
        let (hour, part) = rows::bucket(within.bucket);
        let at = |at: Option<Timestamp>, otherwise| {
            at.map_or(otherwise, |at| i64::try_from(at.as_millis()).unwrap_or(i64::MAX))
        };
        let parameters: Parameters = vec![
            Box::new(rows::owner(within.owner)),
            Box::new(hour),
            Box::new(part),
            Box::new(rows::environment(within.scope)),
            Box::new(i64::try_from(within.below.0).unwrap_or(i64::MAX)),
            Box::new(rows::members_of_past(&search.filter)),
            Box::new(at(search.to, i64::MAX)),
            Box::new(at(search.from, -1)),
            Box::new(i64::try_from(most).unwrap_or(i64::MAX)),
        ];
        let found = self.side.query(SEARCH, parameters)?;
        found.iter().map(|row| rows::past(row.get(0)).map(|(_, past)| Held::from(&past))).collect()
    }

    fn used(&self, scope: &Scope, group: &Group, span: Span, day: u32) -> Result<Vec<UsageRecord>, String> {
        let parameters: Parameters = vec![
            Box::new(rows::span_name(span)),
            Box::new(rows::number_of(day)),
            Box::new(scope.tenant.as_str().to_owned()),
            Box::new(rows::environment(scope)),
            Box::new(rows::group_column(group)),
        ];
        let found = self.side.query(USED, parameters)?;
        found.iter().map(|row| rows::used(row.get(0)).map(|(_, record)| record)).collect()
    }

    fn used_by_all(&self, span: Span, day: u32) -> Result<Vec<(Arc<Scope>, UsageRecord)>, String> {
        let parameters: Parameters = vec![Box::new(rows::span_name(span)), Box::new(rows::number_of(day))];
        self.side.query(USED_BY_ALL, parameters)?.iter().map(|row| rows::used(row.get(0))).collect()
    }

    fn stage(&self, stages: &mut Stages, changes: &[Change]) -> Result<(), String> {
        // Ids are given out on while this is staged; the commit writes how far.
        let rows: Vec<_> = changes.iter().filter(|change| matches!(change, Change::Number(..))).cloned().collect();
        let (import, piece) = (signed(stages.import.0), signed(stages.pieces));
        self.side.query(STAGE, vec![Box::new(import), Box::new(piece), Box::new(record::encode(&rows))])?;
        stages.pieces += 1;
        Ok(())
    }

    fn abandon(&self, stages: Stages) -> Result<(), String> {
        self.side.query(ABANDON, vec![Box::new(signed(stages.import.0))]).map(drop)
    }

    async fn head(&self) -> Result<u64, String> {
        match self.asker.head().await {
            // Whatever is in memory will do, if the operator lets it.
            Err(_) if self.shared.may_answer_from_memory() => {
                notes::stale();
                Ok(0)
            }
            head => head,
        }
    }

    fn ends_due(&self) -> bool {
        self.shared.does_upkeep.load(Ordering::Acquire)
    }

    fn ready(&self) -> Result<(), String> {
        self.shared.health.wrong().map_or(Ok(()), Err)
    }

    fn cluster(&self) -> Result<Option<Cluster>, String> {
        let members = self.side.query(MEMBERS, Vec::new())?;
        let log = self.side.query(POSITIONS, Vec::new())?;
        let log = log.first().ok_or_else(|| "the log is empty".to_owned())?;
        let at = |milliseconds: i64| Timestamp::from_millis(unsigned(milliseconds));
        let member = |row: &Row| Member {
            id: row.get(0),
            asked: row.get::<_, Uuid>(0) == self.shared.me,
            host: row.get(1),
            address: row.get(2),
            version: row.get(3),
            rules: row.get(4),
            applied: unsigned(row.get(5)),
            started: at(row.get(6)),
            seen: at(row.get(7)),
            live: row.get(8),
        };
        let members = members.iter().map(member).collect();
        Ok(Some(Cluster { commits: unsigned(log.get(0)), in_tables: unsigned(log.get(1)), members }))
    }

    fn hear_rules(&self, rules: &Rules) {
        *self.shared.rules.lock() = rules.fingerprint();
    }

    fn snapshot(&self) -> Result<Option<RecordsSnapshot<Self>>, String> {
        self.at_this_point().map(Some)
    }
}
