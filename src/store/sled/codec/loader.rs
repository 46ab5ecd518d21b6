//! Records become tables again.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::keys::{scope_of, take_name};
use super::{Unreadable, damaged, fields, history, interaction_fields, owned_fields, tag, usage};
use crate::domain::change::Counters;
use crate::domain::document::Entries;
use crate::domain::tables::routes::Numbering;
use crate::domain::{
    Allocation, AllocationId, ApplicationName, AuditId, Change, Document, DocumentId, EntryKey, GroupName,
    IdempotencyKey, IdempotencyRecord, InteractionId, NewSkill, Number, NumberRecord, Scope, SigningKey, Skill,
    SkillId, Tables, TenantId,
};
use crate::store::record::fields::{
    StoredAllocation, StoredDeed, StoredDocument, StoredEntry, StoredNumber, StoredRoute,
};

/// Rebuilds tables from records that come in the order of their keys.
#[derive(Default)]
pub(in crate::store::sled) struct Loader {
    tables: Tables,
    scopes: HashMap<Vec<u8>, Arc<Scope>>,
    /// One shared name for each group, so that a million numbers of a group cost one name.
    groups: HashMap<GroupName, GroupName>,
    /// One shared name for each application, likewise.
    applications: HashMap<ApplicationName, ApplicationName>,
    /// Numbers that are coming in, all of one scope; together they are put into the tables far faster.
    numbers: Option<(Arc<Scope>, Vec<Arc<NumberRecord>>)>,
    /// The document whose entries are coming in.
    document: Option<(Arc<Scope>, Document)>,
}

impl Loader {
    /// Takes the next record.
    pub(in crate::store::sled) fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        if key.first() != Some(&tag::NUMBER) {
            self.finish_numbers();
        }
        match key.first() {
            Some(&tag::FORMAT | &tag::COMMIT) => Ok(()),
            Some(&tag::COUNTERS) => {
                let counters: Counters = fields(key, value)?;
                self.tables.apply(&Change::Counters(counters));
                Ok(())
            }
            Some(&tag::IDS) => {
                let (scope, _) = self.scope(key)?;
                self.tables.apply(&Change::Ids(scope, fields(key, value)?));
                Ok(())
            }
            Some(&tag::NUMBER) => self.take_number(key, value),
            Some(&tag::INTERACTION) => self.take_interaction(key, value),
            Some(&tag::ALLOCATION) => self.take_allocation(key, value),
            Some(&tag::DOCUMENT) => self.take_document(key, value),
            Some(&tag::ONCE) => self.take_once(key, value),
            Some(&tag::SKILL) => self.take_skill(key, value),
            Some(&tag::ROUTE) => self.take_route(key, value),
            Some(&tag::HISTORY_BUCKET | &tag::TENANT_HISTORY_BUCKET) => self.take_history_bucket(key, value),
            Some(&tag::AUDIT) => self.take_audit(key, value),
            Some(&tag::USAGE) => {
                let (scope, rest) = self.scope(key)?;
                let group = usage::group(key, rest)?;
                let group = group.map(|group| self.groups.entry(group.clone()).or_insert(group).clone());
                self.tables.apply(&Change::Usage(scope, group, Some(Arc::new(fields(key, value)?))));
                Ok(())
            }
            Some(&tag::USAGE_DAY) => {
                let (span, day) = usage::day(key).ok_or_else(|| damaged(key, "its key is no day"))?;
                self.tables.set_usage(span, day, fields(key, value)?);
                Ok(())
            }
            Some(&tag::USAGE_FLOOR) => {
                let span = usage::floor(key).ok_or_else(|| damaged(key, "its key names no span"))?;
                self.tables.set_usage_floor(span, fields(key, value)?);
                Ok(())
            }
            Some(&tag::SIGNING_KEY) => {
                let signing_key: SigningKey = fields(key, value)?;
                self.tables.apply(&Change::SigningKey(signing_key));
                Ok(())
            }
            _ => Err(damaged(key, "there is no such kind")),
        }
    }

    /// The tables, when all records are in.
    pub(in crate::store::sled) fn finish(mut self) -> Tables {
        self.finish_numbers();
        self.finish_document();
        self.tables.pack();
        self.tables
    }

    fn take_number(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let number = std::str::from_utf8(name).ok().and_then(|name| Number::new(name).ok());
        let number = number.ok_or_else(|| damaged(key, "its key is no number"))?;
        let mut stored: StoredNumber = fields(key, value)?;
        stored.group = stored.group.map(|group| self.groups.entry(group.clone()).or_insert(group).clone());
        let record = stored.record(number);
        match &mut self.numbers {
            Some((of, numbers)) if *of == scope => numbers.push(Arc::new(record)),
            _ => {
                self.finish_numbers();
                self.numbers = Some((scope, vec![Arc::new(record)]));
            }
        }
        Ok(())
    }

    fn finish_numbers(&mut self) {
        if let Some((scope, numbers)) = self.numbers.take() {
            self.tables.add_numbers(&scope, &numbers);
        }
    }

    fn take_interaction(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let id = std::str::from_utf8(name).ok().and_then(|name| InteractionId::new(name).ok());
        let id = id.ok_or_else(|| damaged(key, "its key is no interaction id"))?;
        let (stored, application, begun) = interaction_fields(key, value)?;
        let application = application.map(|name| self.application(name));
        let record = Arc::new(stored.interaction(id.clone(), application));
        if begun {
            // If it has a record, that comes later and takes the place of this.
            let document = Arc::new(Document::begun(&record));
            self.tables.apply(&Change::Document(Arc::clone(&scope), record.data, Some(document)));
        }
        self.tables.apply(&Change::Interaction(scope, id, Some(record)));
        Ok(())
    }

    fn take_allocation(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let id = name.try_into().map_err(|_| damaged(key, "its key is no allocation id"))?;
        let id = AllocationId(u64::from_be_bytes(id));
        let (StoredAllocation { number, lending }, application) = owned_fields(key, value)?;
        let interaction = self.known(key, &scope, &lending.interaction);
        let application = application.map(|name| self.application(name));
        let allocation = lending.allocation(id, number, application);
        if !self.tables.takes(&scope, number, allocation.sharing, allocation.code.as_ref()) {
            return Err(damaged(key, "its number is not there or lent twice"));
        }
        let allocation = Allocation { interaction: interaction?, ..allocation };
        self.tables.apply(&Change::Allocated(scope, Arc::new(allocation)));
        Ok(())
    }

    fn take_document(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let (id, entry) = name.split_first_chunk::<16>().ok_or_else(|| damaged(key, "its key is too short"))?;
        let id = DocumentId(Uuid::from_bytes(*id));
        if entry.is_empty() {
            self.finish_document();
            let (mut stored, application): (StoredDocument, _) = owned_fields(key, value)?;
            let application = application.map(|name| self.application(name));
            stored.interaction = stored.interaction.map(|id| self.known(key, &scope, &id)).transpose()?;
            let document = stored.document(id, application, Entries::new());
            self.document = Some((scope, document));
            return Ok(());
        }
        let name = std::str::from_utf8(entry).ok().and_then(|name| EntryKey::new(name).ok());
        let name = name.ok_or_else(|| damaged(key, "its key is no text"))?;
        let entry: StoredEntry = fields(key, value)?;
        match &mut self.document {
            Some((of, document)) if *of == scope && document.id == id => {
                document.entries.insert(name, entry.into());
                Ok(())
            }
            _ => Err(damaged(key, "it belongs to no document")),
        }
    }

    /// The name of an application, in the one copy that there is of it.
    fn application(&mut self, name: ApplicationName) -> ApplicationName {
        self.applications.entry(name.clone()).or_insert(name).clone()
    }

    /// The id of an interaction, in the one copy that there is of it.
    fn known(&self, key: &[u8], scope: &Scope, id: &InteractionId) -> Result<InteractionId, Unreadable> {
        let known = self.tables.known_interaction(scope, id);
        known.cloned().ok_or_else(|| damaged(key, "its interaction is not there"))
    }

    fn take_history_bucket(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (owner, bucket) = history::owner(key).ok_or_else(|| damaged(key, "its key names no tenant"))?;
        if bucket.is_empty() {
            self.tables.set_history_floor(&owner, fields(key, value)?);
            return Ok(());
        }
        let bucket = history::bucket(bucket).ok_or_else(|| damaged(key, "its key is no bucket"))?;
        self.tables.set_history(&owner, bucket, fields(key, value)?);
        Ok(())
    }

    fn take_audit(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (owner, id) = take_name(&key[1..]).ok_or_else(|| damaged(key, "its key is cut short"))?;
        let owner = owner.map(TenantId::new).transpose().map_err(|_| damaged(key, "its key names no tenant"))?;
        let id = id.try_into().map_err(|_| damaged(key, "its key is no place in the audit"))?;
        let id = AuditId(u64::from_be_bytes(id));
        let entry = fields::<StoredDeed>(key, value)?.entry(owner.clone(), id);
        self.tables.apply(&Change::Audited(owner, id, Some(Arc::new(entry))));
        Ok(())
    }

    fn take_once(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, name) = self.scope(key)?;
        let idempotency = std::str::from_utf8(name).ok().and_then(|name| IdempotencyKey::new(name).ok());
        let idempotency = idempotency.ok_or_else(|| damaged(key, "its key is no key of a request"))?;
        let record: IdempotencyRecord = fields(key, value)?;
        self.tables.apply(&Change::IdempotencyKey(scope, idempotency, Some(Arc::new(record))));
        Ok(())
    }

    fn take_skill(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, id) = self.scope(key)?;
        if id.is_empty() {
            let numbering: Numbering = fields(key, value)?;
            self.tables.apply(&Change::Numbering(scope, numbering));
            return Ok(());
        }
        let id = id.try_into().map_err(|_| damaged(key, "its key is no id of a skill queue"))?;
        let id = SkillId(u32::from_be_bytes(id));
        let about: NewSkill = fields(key, value)?;
        self.tables.apply(&Change::Skill(scope, id, Some(Arc::new(Skill { id, about }))));
        Ok(())
    }

    fn take_route(&mut self, key: &[u8], value: &[u8]) -> Result<(), Unreadable> {
        let (scope, dnid) = self.scope(key)?;
        let dnid = dnid.try_into().map_err(|_| damaged(key, "its key is no configuration number"))?;
        let dnid = u32::from_be_bytes(dnid);
        let route = fields::<StoredRoute>(key, value)?.route(dnid);
        if !self.tables.takes_route(&scope, &route) {
            return Err(damaged(key, "its number or its id is another route's too"));
        }
        self.tables.apply(&Change::Route(scope, dnid, Some(Arc::new(route))));
        Ok(())
    }

    fn finish_document(&mut self) {
        if let Some((scope, document)) = self.document.take() {
            self.tables.apply(&Change::Document(scope, document.id, Some(Arc::new(document))));
        }
    }

    /// The scope in a key, and what follows it.
    fn scope<'k>(&mut self, key: &'k [u8]) -> Result<(Arc<Scope>, &'k [u8]), Unreadable> {
        let short = || damaged(key, "its key is cut short");
        let (tenant, rest) = take_name(&key[1..]).ok_or_else(short)?;
        let (environment, rest) = take_name(rest).ok_or_else(short)?;
        let bytes = &key[1..key.len() - rest.len()];
        if let Some(scope) = self.scopes.get(bytes) {
            return Ok((Arc::clone(scope), rest));
        }
        let scope = Arc::new(scope_of(key, tenant, environment)?);
        self.scopes.insert(bytes.to_vec(), Arc::clone(&scope));
        Ok((scope, rest))
    }
}
