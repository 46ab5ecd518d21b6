//! Commands that come under a key: told again while what they made lives, refused once it has ended.
//!
//! Whatever ends finishes its keys by one look into an index, so nothing of this costs anything where no keys are used.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{Ending, State, Turn};
use crate::domain::idempotency::{Identity, KEPT_AFTER_END, MAX_KEYS_OF_ONE};
use crate::domain::quotas::Quota;
use crate::domain::{
    Change, IdempotencyKey, IdempotencyRecord, IdempotentRequest, Made, Refusal, Scope, Tables, TenantId, Timestamp,
};

/// Where the keys are that something makes work for: what they made, and how many a tenant has.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Keys {
    /// The keys of everything that lives, in the order of their time.
    living: HashMap<Identity, Living>,
    tenants: HashMap<TenantId, TenantKeys>,
}

#[derive(Debug, PartialEq)]
struct Living {
    scope: Arc<Scope>,
    keys: Vec<(Timestamp, IdempotencyKey)>,
}

#[derive(Debug, Default, PartialEq)]
struct TenantKeys {
    /// All of them, those of living things among them.
    count: usize,
    /// Those that are spent, in the order in which they go.
    finished: BTreeSet<(Timestamp, Arc<Scope>, IdempotencyKey)>,
}

impl Keys {
    fn tenant(&mut self, tenant: &TenantId) -> &mut TenantKeys {
        self.tenants.entry(tenant.clone()).or_default()
    }

    pub(super) fn add(&mut self, scope: &Arc<Scope>, key: &IdempotencyKey, record: &IdempotencyRecord) {
        let tenant = self.tenant(&scope.tenant);
        tenant.count += 1;
        if let Some(ended) = record.ended {
            tenant.finished.insert((ended, Arc::clone(scope), key.clone()));
            return;
        }
        let living = self.living.entry(record.made.identity(scope));
        let living = living.or_insert_with(|| Living { scope: Arc::clone(scope), keys: Vec::new() });
        let entry = (record.since, key.clone());
        let place = living.keys.partition_point(|other| *other < entry);
        living.keys.insert(place, entry);
    }

    pub(super) fn remove(&mut self, scope: &Arc<Scope>, key: &IdempotencyKey, record: &IdempotencyRecord) {
        self.tenant(&scope.tenant).count -= 1;
        match record.ended {
            Some(ended) => {
                self.tenant(&scope.tenant).finished.remove(&(ended, Arc::clone(scope), key.clone()));
            }
            None => {
                let made = record.made.identity(scope);
                if let Some(living) = self.living.get_mut(&made) {
                    living.keys.retain(|(_, other)| other != key);
                    if living.keys.is_empty() {
                        self.living.remove(&made);
                    }
                }
            }
        }
        if self.tenant(&scope.tenant).count == 0 {
            self.tenants.remove(&scope.tenant);
        }
    }

    /// How many keys a tenant has.
    pub(super) fn count(&self, tenant: &TenantId) -> u64 {
        self.tenants.get(tenant).map_or(0, |keys| keys.count as u64)
    }

    /// How many keys a tenant has of things that live.
    pub(super) fn living(&self, tenant: &TenantId) -> u64 {
        self.tenants.get(tenant).map_or(0, |keys| (keys.count - keys.finished.len()) as u64)
    }

    /// The oldest key of what `made` names, if it has more than one thing may have.
    fn surplus(&self, made: &Identity) -> Option<IdempotencyKey> {
        let keys = &self.living.get(made)?.keys;
        if keys.len() > MAX_KEYS_OF_ONE { keys.first().map(|(_, key)| key.clone()) } else { None }
    }

    /// The spent key that goes first, if the tenant has more keys than it may have.
    fn overflow(&self, tenant: &TenantId, most: u64) -> Option<(Arc<Scope>, IdempotencyKey)> {
        let tenant = self.tenants.get(tenant)?;
        let (_, scope, key) = tenant.finished.first().filter(|_| tenant.count as u64 > most)?;
        Some((Arc::clone(scope), key.clone()))
    }
}

impl Turn<'_> {
    /// The same turn for a command that came under a key, if it did. Under a key that is known the command does nothing
    /// new: what the first one made is told again as it is now.
    pub fn under(&mut self, idempotency: Option<IdempotentRequest>) -> &mut Self {
        self.idempotency = idempotency;
        self
    }

    /// What `again` finds of what the first command under the key made; `None` if this is the first.
    ///
    /// # Errors
    /// [`Refusal::KeyReused`] for another request; [`Refusal::KeyExpired`] where what was made has ended;
    /// [`Refusal::QuotaFull`] where there is no room for a key more.
    pub(super) fn repeated<T>(
        &self,
        scope: &Scope,
        again: impl FnOnce(&Tables, &Made, Timestamp) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        let Some(idempotency) = &self.idempotency else { return Ok(None) };
        let tables = &self.state.tables;
        let Some(record) = tables.idempotency_record(scope, &idempotency.key) else {
            return self.state.check_quota(&scope.tenant, Quota::Keys).map(|()| None);
        };
        if record.digest != idempotency.digest {
            return Err(Refusal::KeyReused(idempotency.key.clone()));
        }
        let living = record.ended.is_none().then(|| again(tables, &record.made, self.now)).flatten();
        living.map(Some).ok_or_else(|| Refusal::KeyExpired(idempotency.key.clone()))
    }

    /// Remembers what the command has made, if it came under a key.
    pub(super) fn remember(&mut self, scope: &Arc<Scope>, made: impl FnOnce() -> Made) {
        let Some(IdempotentRequest { key, digest }) = self.idempotency.take() else { return };
        let record = IdempotencyRecord { digest, made: made(), since: self.now, ended: None };
        let identity = record.made.identity(scope);
        self.state.put_once(scope, key, record);
        if let Some(oldest) = self.state.keys.surplus(&identity) {
            self.state.forget_idempotency_key(scope, &oldest);
        }
        self.state.trim_once(scope);
    }
}

impl State {
    /// Finds the keys that the tables tell of.
    pub(super) fn derive_once(&mut self, scope: &Arc<Scope>) {
        let Self { tables, keys, endings, .. } = self;
        let Some(known) = tables.scope(scope) else { return };
        for (key, record) in &known.idempotency_records {
            keys.add(scope, key, record);
            if let Some(ended) = record.ended {
                endings.insert((ended.after(KEPT_AFTER_END), Ending::IdempotencyKey(key.clone(), Arc::clone(scope))));
            }
        }
    }

    /// What `made` names has ended at `at`: its keys are spent.
    pub(super) fn finish(&mut self, made: &Identity, at: Timestamp) {
        let Some(Living { scope, keys }) = self.keys.living.get(made) else { return };
        let (scope, keys) = (Arc::clone(scope), keys.clone());
        for (_, key) in keys {
            let record = self.tables.idempotency_record(&scope, &key).map(|record| (**record).clone());
            if let Some(record) = record {
                self.put_once(&scope, key, IdempotencyRecord { ended: Some(at), ..record });
            }
        }
        self.trim_once(&scope);
    }

    /// A key is forgotten: the time of keeping it is over, or there are too many.
    pub(super) fn forget_idempotency_key(&mut self, scope: &Arc<Scope>, key: &IdempotencyKey) {
        if self.tables.idempotency_record(scope, key).is_some() {
            self.apply(Change::IdempotencyKey(Arc::clone(scope), key.clone(), None));
        }
    }

    fn put_once(&mut self, scope: &Arc<Scope>, key: IdempotencyKey, record: IdempotencyRecord) {
        self.apply(Change::IdempotencyKey(Arc::clone(scope), key, Some(Arc::new(record))));
    }

    /// Holds a tenant to the keys that it may have. Those of living things stay.
    fn trim_once(&mut self, scope: &Arc<Scope>) {
        let most = self.quotas(&scope.tenant).keys;
        while let Some((scope, key)) = self.keys.overflow(&scope.tenant, most) {
            self.forget_idempotency_key(&scope, &key);
        }
    }
}
