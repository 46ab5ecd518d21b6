//! Changes as rows of the tables that people can query: typed keys, and the line that a dump has of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::types::ToSql;

use super::connect::Session;
use crate::domain::history::{Bucket, HistoryFilter, Owner, Past};
use crate::domain::usage::{Group, Span, UsageRecord};
use crate::domain::{Change, GroupName, Scope, TenantId};
use crate::line::{Line, PastMembers};

/// What stands for the character of code 0, which PostgreSQL's texts cannot hold, with the digit 0 behind it; and for
/// itself, twice.
const ESCAPE: char = '\u{e000}';

/// The tables of what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Settings,
    Numbers,
    Interactions,
    Allocations,
    Documents,
    DocumentEntries,
    Routes,
    Skills,
    IdempotencyKeys,
    Audit,
    UsageNow,
}

impl Table {
    /// All of them, in the order in which they can be read: what speaks of other things comes after these.
    pub(super) const ALL: [Self; 11] = [
        Self::Settings,
        Self::Numbers,
        Self::Interactions,
        Self::Allocations,
        Self::DocumentEntries,
        Self::Documents,
        Self::Routes,
        Self::Skills,
        Self::IdempotencyKeys,
        Self::Audit,
        Self::UsageNow,
    ];

    /// Its name, and the columns of its key beyond tenant and environment, with their types.
    pub(super) fn shape(self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Settings => ("settings", &[("name", "text")]),
            Self::Numbers => ("numbers", &[("number", "text")]),
            Self::Interactions => ("interactions", &[("id", "text")]),
            Self::Allocations => ("allocations", &[("id", "bigint")]),
            Self::Documents => ("documents", &[("id", "uuid")]),
            Self::DocumentEntries => ("document_entries", &[("document", "uuid"), ("key", "text")]),
            Self::Routes => ("routes", &[("dnid", "bigint")]),
            Self::Skills => ("skills", &[("id", "bigint")]),
            Self::IdempotencyKeys => ("idempotency_keys", &[("key", "text")]),
            Self::Audit => ("audit", &[("id", "bigint")]),
            Self::UsageNow => ("usage_now", &[("group_name", "text")]),
        }
    }
}

/// Tenant, environment and one or two parts more.
type Key = (String, String, String, String);

/// Rows that are to be written: the last word on every key.
#[derive(Default)]
pub(super) struct Slice {
    rows: BTreeMap<Table, BTreeMap<Key, Option<String>>>,
    buckets: BTreeMap<(String, i32, i32), Option<i64>>,
    floors: BTreeMap<String, (i32, i32)>,
    days: BTreeMap<(Span, u32), Option<i64>>,
    usage_floors: BTreeMap<Span, i32>,
}

impl Slice {
    /// Adds what a change comes to. Large values, and the entries of the history, are written with the commit itself.
    pub(super) fn add(&mut self, change: &Change) {
        match change {
            Change::Counters(_) => self.put(Table::Settings, None, "counters", change),
            Change::SigningKey(_) => self.put(Table::Settings, None, "signing-key", change),
            Change::Ids(scope, _) => self.put(Table::Settings, Some(scope), "ids", change),
            Change::Numbering(scope, _) => self.put(Table::Settings, Some(scope), "numbering", change),
            Change::Number(scope, number, _) => self.put(Table::Numbers, Some(scope), &number.to_string(), change),
            Change::Interaction(scope, id, _) => self.put(Table::Interactions, Some(scope), id.as_str(), change),
            Change::Allocated(scope, allocation) | Change::Released(scope, allocation) => {
                self.put(Table::Allocations, Some(scope), &allocation.id.0.to_string(), change);
            }
            Change::Document(scope, id, _) => self.put(Table::Documents, Some(scope), &id.0.to_string(), change),
            Change::Entry(scope, id, key, _) => {
                let (tenant, environment) = names(Some(scope));
                let key = (tenant, environment, id.0.to_string(), storable(key.as_str()).into_owned());
                self.set(Table::DocumentEntries, key, change);
            }
            Change::Route(scope, dnid, _) => self.put(Table::Routes, Some(scope), &dnid.to_string(), change),
            Change::Skill(scope, id, _) => self.put(Table::Skills, Some(scope), &id.0.to_string(), change),
            Change::IdempotencyKey(scope, key, _) => {
                self.put(Table::IdempotencyKeys, Some(scope), key.as_str(), change);
            }
            Change::Audited(of, id, _) => {
                self.set(Table::Audit, (owner(of), String::new(), id.0.to_string(), String::new()), change);
            }
            Change::Ended(scope, past) => {
                let (hour, part) = bucket(past.bucket);
                let entries = i64::try_from(past.count).unwrap_or(i64::MAX);
                self.buckets.insert((scope.tenant.as_str().to_owned(), hour, part), Some(entries));
            }
            Change::HistoryDropped(of, dropped) => {
                let (hour, part) = bucket(*dropped);
                self.buckets.insert((owner(of), hour, part), None);
                self.floors.insert(owner(of), bucket(dropped.next()));
            }
            Change::Usage(scope, group, _) => self.put(Table::UsageNow, Some(scope), group_name(group), change),
            Change::Used(_, record) => {
                let records = i64::try_from(record.count).unwrap_or(i64::MAX);
                self.days.insert((record.span, record.span.day(record.slot)), Some(records));
            }
            Change::UsageDropped(span, day) => {
                self.days.insert((*span, *day), None);
                self.usage_floors.insert(*span, number_of(day.saturating_add(1)));
            }
            Change::ValueKept(..) | Change::ValueDropped(..) => {}
        }
    }

    fn put(&mut self, table: Table, scope: Option<&Scope>, key: &str, change: &Change) {
        let (tenant, environment) = names(scope);
        self.set(table, (tenant, environment, storable(key).into_owned(), String::new()), change);
    }

    fn set(&mut self, table: Table, key: Key, change: &Change) {
        let record = Line::of(change).map(|line| storable_json(line.to_json()));
        self.rows.entry(table).or_default().insert(key, record);
    }

    /// Writes the rows, in the transaction that is open.
    pub(super) async fn write(&self, session: &Session) -> Result<(), tokio_postgres::Error> {
        for (table, rows) in &self.rows {
            write_table(session, *table, rows).await?;
        }
        let (mut kept, mut gone) = (Buckets::default(), Buckets::default());
        for ((owner, hour, part), entries) in &self.buckets {
            match entries {
                Some(entries) => kept.add(owner, *hour, *part, *entries),
                None => gone.add(owner, *hour, *part, 0),
            }
        }
        if !kept.owners.is_empty() {
            let text = "INSERT INTO history_buckets (tenant, hour, part, entries) \
                        SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) \
                        ON CONFLICT (tenant, hour, part) DO UPDATE SET entries = excluded.entries";
            session.execute(text, &[&kept.owners, &kept.hours, &kept.parts, &kept.entries]).await?;
        }
        if !gone.owners.is_empty() {
            let text = "DELETE FROM history_buckets USING unnest($1::text[], $2::int[], $3::int[]) AS row (t, h, p) \
                        WHERE tenant = t AND hour = h AND part = p";
            session.execute(text, &[&gone.owners, &gone.hours, &gone.parts]).await?;
        }
        for (owner, (hour, part)) in &self.floors {
            let text = "INSERT INTO history_floors (tenant, hour, part) VALUES ($1, $2, $3) \
                        ON CONFLICT (tenant) DO UPDATE SET hour = excluded.hour, part = excluded.part";
            session.execute(text, &[owner, hour, part]).await?;
        }
        self.write_usage(session).await
    }
}

impl Slice {
    /// A few rows: a day has one of each span.
    async fn write_usage(&self, session: &Session) -> Result<(), tokio_postgres::Error> {
        for ((span, day), records) in &self.days {
            let (span, day) = (span_name(*span), number_of(*day));
            match records {
                Some(records) => {
                    let text = "INSERT INTO usage_days (span, day, records) VALUES ($1, $2, $3) \
                                ON CONFLICT (span, day) DO UPDATE SET records = excluded.records";
                    session.execute(text, &[&span, &day, records]).await?;
                }
                None => {
                    session.execute("DELETE FROM usage_days WHERE span = $1 AND day = $2", &[&span, &day]).await?;
                }
            }
        }
        for (span, day) in &self.usage_floors {
            let text = "INSERT INTO usage_floors (span, day) VALUES ($1, $2) \
                        ON CONFLICT (span) DO UPDATE SET day = excluded.day";
            session.execute(text, &[&span_name(*span), day]).await?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Buckets {
    owners: Vec<String>,
    hours: Vec<i32>,
    parts: Vec<i32>,
    entries: Vec<i64>,
}

impl Buckets {
    fn add(&mut self, owner: &str, hour: i32, part: i32, entries: i64) {
        self.owners.push(owner.to_owned());
        self.hours.push(hour);
        self.parts.push(part);
        self.entries.push(entries);
    }
}

async fn write_table(
    session: &Session,
    table: Table,
    rows: &BTreeMap<Key, Option<String>>,
) -> Result<(), tokio_postgres::Error> {
    let (name, keys) = table.shape();
    let columns = |of: &dyn Fn(usize, &(&str, &str)) -> String| {
        keys.iter().enumerate().map(|(place, key)| of(place, key)).collect::<Vec<_>>().join(", ")
    };
    let plain = columns(&|_, (column, _)| (*column).to_owned());
    let cast = columns(&|place, (_, kind)| format!("k{place}::{kind}"));
    let given = columns(&|place, _| format!("k{place}"));
    let parameters = columns(&|place, _| format!("${}::text[]", place + 3));
    let (mut put, mut removed) = (Columns::default(), Columns::default());
    for (key, record) in rows {
        match record {
            Some(record) => put.add(key, Some(record)),
            None => removed.add(key, None),
        }
    }
    if !put.tenants.is_empty() {
        let text = format!(
            "INSERT INTO {name} (tenant, environment, {plain}, record) SELECT t, e, {cast}, r::jsonb FROM \
             unnest($1::text[], $2::text[], {parameters}, ${}::text[]) AS row (t, e, {given}, r) \
             ON CONFLICT (tenant, environment, {plain}) DO UPDATE SET record = excluded.record",
            keys.len() + 3
        );
        session.execute(&text, &put.parameters(keys.len(), true)).await?;
    }
    if !removed.tenants.is_empty() {
        let same = keys.iter().enumerate().map(|(place, (column, kind))| format!(" AND {column} = k{place}::{kind}"));
        let text = format!(
            "DELETE FROM {name} USING unnest($1::text[], $2::text[], {parameters}) AS row (t, e, {given}) \
             WHERE tenant = t AND environment = e{}",
            same.collect::<String>()
        );
        session.execute(&text, &removed.parameters(keys.len(), false)).await?;
    }
    Ok(())
}

/// Rows of one table, column by column, as statements take them.
#[derive(Default)]
struct Columns {
    tenants: Vec<String>,
    environments: Vec<String>,
    keys: [Vec<String>; 2],
    records: Vec<String>,
}

impl Columns {
    fn add(&mut self, (tenant, environment, one, other): &Key, record: Option<&String>) {
        self.tenants.push(tenant.clone());
        self.environments.push(environment.clone());
        self.keys[0].push(one.clone());
        self.keys[1].push(other.clone());
        self.records.extend(record.cloned());
    }

    fn parameters(&self, keys: usize, records: bool) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&self.tenants, &self.environments];
        for key in &self.keys[..keys] {
            parameters.push(key);
        }
        if records {
            parameters.push(&self.records);
        }
        parameters
    }
}

/// Entries of the history, column by column.
#[derive(Default)]
pub(super) struct PastRows {
    tenants: Vec<String>,
    hours: Vec<i32>,
    parts: Vec<i32>,
    environments: Vec<String>,
    numbers: Vec<String>,
    allocations: Vec<i64>,
    records: Vec<String>,
}

impl PastRows {
    /// As the statement takes them that writes them.
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 7] {
        [&self.tenants, &self.hours, &self.parts, &self.environments, &self.numbers, &self.allocations, &self.records]
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Adds one.
    pub(super) fn add(&mut self, scope: &Arc<Scope>, past: &Arc<Past>) {
        let (hour, part) = bucket(past.bucket);
        let change = Change::Ended(Arc::clone(scope), Arc::clone(past));
        self.tenants.push(scope.tenant.as_str().to_owned());
        self.hours.push(hour);
        self.parts.push(part);
        self.environments.push(environment(scope));
        self.numbers.push(past.allocation.number.to_string());
        self.allocations.push(i64::try_from(past.allocation.id.0).unwrap_or(i64::MAX));
        self.records.extend(Line::of(&change).map(|line| storable_json(line.to_json())));
    }
}

/// Records of use, column by column.
#[derive(Default)]
pub(super) struct UsedRows {
    spans: Vec<&'static str>,
    days: Vec<i32>,
    tenants: Vec<String>,
    environments: Vec<String>,
    groups: Vec<String>,
    slots: Vec<i64>,
    records: Vec<String>,
}

impl UsedRows {
    /// As the statement takes them that writes them.
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 7] {
        [&self.spans, &self.days, &self.tenants, &self.environments, &self.groups, &self.slots, &self.records]
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Adds one.
    pub(super) fn add(&mut self, scope: &Arc<Scope>, record: &Arc<UsageRecord>) {
        let change = Change::Used(Arc::clone(scope), Arc::clone(record));
        self.spans.push(span_name(record.span));
        self.days.push(number_of(record.span.day(record.slot)));
        self.tenants.push(scope.tenant.as_str().to_owned());
        self.environments.push(environment(scope));
        self.groups.push(group_column(&record.group));
        self.slots.push(i64::from(record.slot));
        self.records.extend(Line::of(&change).map(|line| storable_json(line.to_json())));
    }
}

/// A record of use that a row has.
pub(super) fn used(record: &str) -> Result<(Arc<Scope>, UsageRecord), String> {
    match change(record, &mut |scope| Arc::new(scope))? {
        Change::Used(scope, record) => Ok((scope, Arc::unwrap_or_clone(record))),
        _ => Err("a row of the use of groups tells of something else".to_owned()),
    }
}

/// A group's name, or '' for the numbers without a group.
fn group_name(group: &Group) -> &str {
    group.as_ref().map_or("", GroupName::as_str)
}

/// A group as a column.
pub(super) fn group_column(group: &Group) -> String {
    storable(group_name(group)).into_owned()
}

/// A span as a column.
pub(super) const fn span_name(span: Span) -> &'static str {
    match span {
        Span::Quarter => "quarter",
        Span::Hour => "hour",
    }
}

/// The span that a column means.
pub(super) fn span_of(column: &str) -> Result<Span, String> {
    let span = Span::ALL.into_iter().find(|span| span_name(*span) == column);
    span.ok_or_else(|| format!("there is no span '{column}'"))
}

/// A day as a column.
pub(super) fn number_of(day: u32) -> i32 {
    i32::try_from(day).unwrap_or(i32::MAX)
}

/// An entry of the history that a row has.
pub(super) fn past(record: &str) -> Result<(Arc<Scope>, Past), String> {
    match change(record, &mut |scope| Arc::new(scope))? {
        Change::Ended(scope, past) => Ok((scope, Arc::unwrap_or_clone(past))),
        _ => Err("a row of the history tells of something else".to_owned()),
    }
}

/// The members that the record of an entry of the history has if a filter lets it through, as JSON.
pub(super) fn members_of_past(filter: &HistoryFilter) -> String {
    storable_json(PastMembers::of(filter).to_json())
}

/// The change that makes what a row tells of; a document comes without its entries.
pub(super) fn change(record: &str, scope: &mut dyn FnMut(Scope) -> Arc<Scope>) -> Result<Change, String> {
    Line::from_json(&readable_json(record))?.change(scope)
}

/// Tenant and environment as columns.
fn names(scope: Option<&Scope>) -> (String, String) {
    match scope {
        Some(scope) => (scope.tenant.as_str().to_owned(), environment(scope)),
        None => (String::new(), String::new()),
    }
}

/// The environment as a column.
pub(super) fn environment(scope: &Scope) -> String {
    scope.environment.as_ref().map(|environment| environment.as_str().to_owned()).unwrap_or_default()
}

/// Whose history is meant, as a column; '' is that of all tenants together, as an older release kept it.
pub(super) fn owner(owner: &Owner) -> String {
    owner.as_ref().map(|tenant| tenant.as_str().to_owned()).unwrap_or_default()
}

/// Whose history a column means.
pub(super) fn owner_of(column: &str) -> Result<Owner, String> {
    if column.is_empty() {
        return Ok(None);
    }
    TenantId::new(column).map(Some).map_err(|error| format!("the history of the tenant '{column}': it {error}"))
}

/// A bucket as columns.
pub(super) fn bucket(bucket: Bucket) -> (i32, i32) {
    (i32::try_from(bucket.hour).unwrap_or(i32::MAX), i32::from(bucket.part))
}

/// The bucket that columns mean.
pub(super) fn bucket_of(hour: i32, part: i32) -> Bucket {
    Bucket { hour: u32::try_from(hour).unwrap_or_default(), part: u16::try_from(part).unwrap_or_default() }
}

/// A text as a column can have it.
fn storable(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut storable = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => storable.extend([ESCAPE, '0']),
            ESCAPE => storable.extend([ESCAPE, ESCAPE]),
            c => storable.push(c),
        }
    }
    Cow::Owned(storable)
}

/// JSON as jsonb can have it.
fn storable_json(json: String) -> String {
    if !json.contains("\\u0000") && !json.contains(ESCAPE) {
        return json;
    }
    let (mut storable, mut rest) = (String::with_capacity(json.len() + 8), json.as_str());
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\\' if rest.starts_with("\\u0000") => {
                storable.extend([ESCAPE, '0']);
                6
            }
            // What comes after a backslash belongs to it, another backslash too.
            '\\' => {
                let end = rest.char_indices().nth(2).map_or(rest.len(), |(place, _)| place);
                storable.push_str(&rest[..end]);
                end
            }
            ESCAPE => {
                storable.extend([ESCAPE, ESCAPE]);
                c.len_utf8()
            }
            c => {
                storable.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    storable
}

/// JSON as it was before [`storable_json`].
fn readable_json(json: &str) -> Cow<'_, str> {
    if !json.contains(ESCAPE) {
        return Cow::Borrowed(json);
    }
    let (mut readable, mut chars) = (String::with_capacity(json.len()), json.chars());
    while let Some(c) = chars.next() {
        match c {
            ESCAPE => match chars.next() {
                Some('0') => readable.push_str("\\u0000"),
                other => readable.extend(other),
            },
            c => readable.push(c),
        }
    }
    Cow::Owned(readable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_with_the_character_of_code_0_comes_back_from_what_jsonb_can_hold() {
        for json in [
            r#"{"a":"plain"}"#.to_owned(),
            r#"{"a":"\u0000b","c":"\\u0000","d":"\\\u0000"}"#.to_owned(),
            format!(r#"{{"a":"{ESCAPE}0","b":"{ESCAPE}{ESCAPE}\u0000"}}"#),
        ] {
            let storable = storable_json(json.clone());
            assert!(!storable.replace(r"\\", "").contains(r"\u0000"), "{storable}");
            assert_eq!(readable_json(&storable), json);
        }
        assert_eq!(storable("a\0b\u{e000}"), "a\u{e000}0b\u{e000}\u{e000}");
    }
}
