//! What the engine does for each operation of the store: a command for the writer, a look at what it has published, or
//! both.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::command::Message;
use super::import::StagedImport;
use super::log::{Log, Records};
use super::snapshot::{Guarded, Snapshot};
use super::{Engine, closed, explaining, loading};
use crate::domain::audit::{Actor, Deed};
use crate::domain::document::Loaded;
use crate::domain::number_health;
use crate::domain::refusal::Miss;
use crate::domain::route::DeletedRoutes;
use crate::domain::state::{AfterMatch, Criteria, Lend, Lent, PoolHealth, Seeds, Taken, Which};
use crate::domain::tables::routes::RoutePage;
use crate::domain::tables::{FoundNumber, Page};
use crate::domain::usage::Group;
use crate::domain::{
    Allocation, AllocationFilter, AllocationId, ApplicationName, AuditEntry, AuditId, AuditQuery, Destination, Dialled,
    DocumentId, DocumentRef, Explain, Explanation, GroupName, HistoryPage, HistoryQuery, HistorySearch,
    IdempotentRequest, Interaction, InteractionId, NewEntry, NewInteraction, NewNumber, NewRoute, NewSkill, Number,
    NumberFilter, NumberHealth, NumberId, NumberPatch, Overdial, Part, Refusal, Resolve, Route, RouteFilter, RouteId,
    Routed, Rules, Scope, Seconds, SigningKey, Skill, SkillId, TenantUsage, Timestamp, Used,
};
use crate::store::events::Events;
use crate::store::import::{Existing, NumberImport};
use crate::store::{Clock, Cluster, Error, LoadedEntry, Matched, Recognised, Resolved, Result, Store, WithData};

impl<L: Log> Engine<L> {
    /// Recognises a call, as the trait says.
    async fn matched(
        &self,
        scope: &Scope,
        criteria: Criteria,
        which: Which,
        after: AfterMatch,
        data: WithData,
    ) -> Result<Vec<Matched>> {
        // A call that nothing durable fits needs no writer to be told so.
        if let Err(miss) = self.read(|tables, now| criteria.fitting(tables, scope, now, 1)).await? {
            self.see_miss(scope, criteria.number, Some(miss));
            return Err(Refusal::NoMatch(miss).into());
        }
        let scope = scope.clone();
        self.write(move |context| {
            let matches = context.turn().match_call(&scope, &criteria, which, after)?;
            let mut matched = Vec::with_capacity(matches.len());
            for found in matches {
                let data = match (data, &found.document) {
                    (WithData::Yes, Some(document)) => context.load(document)?,
                    _ => None,
                };
                matched.push(Matched { found, data });
            }
            Ok(matched)
        })
        .await
    }

    /// Tells whoever follows that a call to a number was not recognised, if it was not.
    fn note_miss(&self, scope: &Scope, call: &Resolve, resolved: &Resolved) {
        if let (Some(miss), Ok(number)) = (resolved.miss, Number::new(call.dialled.as_str())) {
            self.events.refused(scope, self.clock.now(), number, call.caller.as_ref(), miss);
        }
    }
}

#[async_trait]
impl<L: Log> Store for Engine<L> {
    async fn create_number(
        &self,
        scope: &Scope,
        new: NewNumber,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<NumberId> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().under(idempotency.clone()).create_number(&scope, new.clone())?))
            .await
    }

    async fn import_numbers(&self, scope: &Scope, existing: Existing) -> Result<Box<dyn NumberImport + '_>> {
        self.ready().await?;
        Ok(Box::new(StagedImport::begin(self, scope, existing)?))
    }

    async fn update_number(&self, scope: &Scope, number: Number, patch: NumberPatch) -> Result<FoundNumber> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().update_number(&scope, number, patch.clone())?)).await
    }

    async fn delete_number(&self, scope: &Scope, number: Number) -> Result<()> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().delete_number(&scope, number)?)).await
    }

    async fn lend(&self, scope: &Scope, lend: Lend, idempotency: Option<IdempotentRequest>) -> Result<Lent> {
        let lent = {
            let scope = scope.clone();
            self.write(move |context| Ok(context.turn().under(idempotency.clone()).lend(&scope, lend.clone())?)).await
        };
        if let Err(Error::Refused(Refusal::Exhausted { group, .. })) = &lent {
            self.events.exhausted(scope, self.clock.now(), group.as_ref());
        }
        lent
    }

    async fn free(&self, scope: &Scope, dialled: Number) -> Result<Option<Arc<Allocation>>> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().free(&scope, dialled)?)).await
    }

    async fn hand_over(&self, scope: &Scope, dialled: Number, left: Seconds) -> Result<Option<Arc<Allocation>>> {
        let held = {
            let scope = scope.clone();
            self.write(move |context| Ok(context.turn().hand_over(&scope, dialled, left)?)).await
        };
        if matches!(held, Ok(None) | Err(Error::Refused(Refusal::NumberUnknown(_)))) {
            self.see_miss(scope, dialled, Some(Miss::NotLent));
        }
        held
    }

    async fn renew_allocation(&self, scope: &Scope, id: AllocationId, lasting: Seconds) -> Result<Lent> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().renew_allocation(&scope, id, lasting)?)).await
    }

    async fn free_allocation(&self, scope: &Scope, id: AllocationId) -> Result<Arc<Allocation>> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().free_allocation(&scope, id)?)).await
    }

    async fn match_call(
        &self,
        scope: &Scope,
        criteria: Criteria,
        which: Which,
        after: AfterMatch,
        data: WithData,
    ) -> Result<Vec<Matched>> {
        let (number, caller) = (criteria.number, criteria.caller.clone());
        let matched = self.matched(scope, criteria, which, after, data).await;
        if let Err(Error::Refused(Refusal::NoMatch(miss))) = &matched {
            self.events.refused(scope, self.clock.now(), number, caller.as_ref(), *miss);
        }
        matched
    }

    async fn would_match(&self, scope: &Scope, criteria: &Criteria, which: Which) -> Result<Vec<Arc<Allocation>>> {
        let most = which.most(self.rules.load().quotas(&scope.tenant));
        let fitting = self.read(|tables, now| criteria.fitting(tables, scope, now, most)).await?;
        Ok(fitting.map_err(Refusal::NoMatch)?)
    }

    async fn resolve(&self, scope: &Scope, call: &Resolve) -> Result<Resolved> {
        let rules = self.rules.load();
        let resolution = self.read(|tables, now| call.look(tables, &rules, scope, now)).await?;
        if let (Some(number), None) = (Number::new(call.dialled.as_str()).ok(), &resolution.route) {
            self.see_miss(scope, number, resolution.miss);
        }
        let mut candidates = Vec::with_capacity(resolution.candidates.len());
        for candidate in &resolution.candidates {
            let data = match &candidate.document {
                Some(document) => self.texts(scope, document).await?,
                None => None,
            };
            candidates.push(Recognised { candidate: candidate.clone(), data });
        }
        let resolved = Resolved::of(&resolution, candidates, false);
        self.note_miss(scope, call, &resolved);
        Ok(resolved)
    }

    async fn explain(&self, scope: &Scope, call: &Explain) -> Result<Explanation> {
        let rules = self.rules.load();
        let sighting = self.read(|tables, now| call.look(tables, &rules, scope, now)).await?;
        let scope = scope.clone();
        self.read_records(move |records| explaining::explain(sighting, &scope, records)).await
    }

    async fn take_call(&self, scope: &Scope, call: Resolve) -> Result<Resolved> {
        let (asked, of) = (call.clone(), scope.clone());
        let taken = self.write(move |context| {
            let Taken { resolution, freed } = context.turn().take_call(&of, &call);
            let mut candidates = Vec::with_capacity(resolution.candidates.len());
            for candidate in &resolution.candidates {
                let data = candidate.document.as_ref().map(|document| context.load(document)).transpose()?.flatten();
                candidates.push(Recognised { candidate: candidate.clone(), data });
            }
            Ok(Resolved::of(&resolution, candidates, freed))
        });
        let taken = taken.await?;
        self.note_miss(scope, &asked, &taken);
        Ok(taken)
    }

    async fn create_interaction(
        &self,
        scope: &Scope,
        new: NewInteraction,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Interaction>> {
        let scope = scope.clone();
        self.write(move |context| {
            Ok(context.turn().under(idempotency.clone()).create_interaction(&scope, new.clone())?)
        })
        .await
    }

    async fn delete_interaction(&self, scope: &Scope, id: &InteractionId) -> Result<()> {
        let (scope, id) = (scope.clone(), id.clone());
        self.write(move |context| Ok(context.turn().delete_interaction(&scope, &id)?)).await
    }

    async fn create_document(
        &self,
        scope: &Scope,
        entries: Vec<NewEntry>,
        ttl: Seconds,
        application: Option<ApplicationName>,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<DocumentId> {
        let scope = scope.clone();
        self.write(move |context| {
            Ok(context.turn().under(idempotency.clone()).create_document(
                &scope,
                entries.clone(),
                ttl,
                application.clone(),
            )?)
        })
        .await
    }

    async fn merge_document(
        &self,
        scope: &Scope,
        named: DocumentRef,
        entries: Vec<NewEntry>,
        ttl: Option<Seconds>,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<()> {
        let scope = scope.clone();
        self.write(move |context| {
            Ok(context.turn().under(idempotency.clone()).merge_document(&scope, &named, entries.clone(), ttl)?)
        })
        .await
    }

    async fn delete_document(&self, scope: &Scope, named: DocumentRef) -> Result<()> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().delete_document(&scope, &named)?)).await
    }

    async fn delete_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<()> {
        let (scope, key) = (scope.clone(), key.to_owned());
        self.write(move |context| Ok(context.turn().delete_entry(&scope, &named, &key)?)).await
    }

    async fn number(&self, scope: &Scope, number: Number) -> Result<Option<FoundNumber>> {
        self.read(|tables, now| tables.number(scope, number, now)).await
    }

    async fn dialled(&self, scope: &Scope, dialled: Number) -> Result<Option<FoundNumber>> {
        self.read(|tables, now| tables.dialled(scope, dialled, now)).await
    }

    async fn numbers(&self, scope: &Scope, group: Option<&GroupName>, offset: usize, limit: usize) -> Result<Page> {
        self.read(|tables, now| tables.list(scope, group, offset, limit, now)).await
    }

    async fn numbers_after(
        &self,
        scope: &Scope,
        filter: &NumberFilter,
        after: Option<Number>,
        limit: usize,
    ) -> Result<Part<FoundNumber, Number>> {
        let rules = self.rules.load();
        self.read(|tables, now| tables.numbers_after(scope, filter, &rules, after, limit, now)).await
    }

    async fn allocation(&self, scope: &Scope, id: AllocationId) -> Result<Option<Arc<Allocation>>> {
        self.read(|tables, now| tables.allocation(scope, id, now).cloned()).await
    }

    async fn allocations_after(
        &self,
        scope: &Scope,
        filter: &AllocationFilter,
        after: Option<AllocationId>,
        limit: usize,
    ) -> Result<Part<Arc<Allocation>, AllocationId>> {
        self.read(|tables, now| tables.allocations_after(scope, filter, after, limit, now)).await
    }

    async fn interaction(&self, scope: &Scope, id: &InteractionId) -> Result<Option<Arc<Interaction>>> {
        self.read(|tables, now| tables.interaction(scope, id, now).cloned()).await
    }

    async fn document(&self, scope: &Scope, named: DocumentRef) -> Result<Option<Loaded>> {
        match self.live_document(scope, &named).await? {
            Some(document) => self.texts(scope, &document).await,
            None => Ok(None),
        }
    }

    async fn document_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<Option<LoadedEntry>> {
        let key = key.to_owned();
        let entry = self.load(scope, named, move |document, records| match document.entries.get(key.as_str()) {
            Some(entry) => Ok(loading::entry(entry, records)?.map(Some)),
            None => Ok(Some(None)),
        });
        Ok(entry.await?.flatten())
    }

    async fn create_route(
        &self,
        scope: &Scope,
        new: NewRoute,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Route>> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().under(idempotency.clone()).create_route(&scope, new.clone())?))
            .await
    }

    async fn modify_route(&self, scope: &Scope, id: RouteId, destination: Destination) -> Result<Arc<Route>> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().modify_route(&scope, id, destination)?)).await
    }

    async fn delete_routes(&self, scope: &Scope, dnids: Vec<u32>) -> Result<DeletedRoutes> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().delete_routes(&scope, &dnids))).await
    }

    async fn routes(&self, scope: &Scope, filter: &RouteFilter, offset: usize, limit: usize) -> Result<RoutePage> {
        self.read(|tables, _| tables.routes(scope, filter, offset, limit)).await
    }

    async fn route(&self, scope: &Scope, id: RouteId) -> Result<Option<Arc<Route>>> {
        self.read(|tables, _| tables.route(scope, id).cloned()).await
    }

    async fn routes_after(
        &self,
        scope: &Scope,
        filter: &RouteFilter,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Part<Arc<Route>, u32>> {
        self.read(|tables, _| tables.routes_after(scope, filter, after, limit)).await
    }

    async fn routed(&self, scope: &Scope, dialled: &Dialled, overdial: Overdial) -> Result<Option<Routed>> {
        self.read(|tables, _| tables.routed(scope, dialled, overdial)).await
    }

    async fn create_skill(
        &self,
        scope: &Scope,
        new: NewSkill,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Skill>> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().under(idempotency.clone()).create_skill(&scope, new.clone())?))
            .await
    }

    async fn modify_skill(&self, scope: &Scope, id: SkillId, new: NewSkill) -> Result<Arc<Skill>> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().modify_skill(&scope, id, new.clone())?)).await
    }

    async fn delete_skills(&self, scope: &Scope, ids: Vec<SkillId>) -> Result<()> {
        let scope = scope.clone();
        self.write(move |context| Ok(context.turn().delete_skills(&scope, &ids)?)).await
    }

    async fn skills(&self, scope: &Scope) -> Result<Vec<Arc<Skill>>> {
        self.read(|tables, _| tables.skills(scope)).await
    }

    async fn skill(&self, scope: &Scope, id: SkillId) -> Result<Option<Arc<Skill>>> {
        self.read(|tables, _| tables.skill(scope, id).cloned()).await
    }

    async fn signing_key(&self) -> Result<SigningKey> {
        // Once it is made it stays.
        if let Some(key) = self.read_known(|tables, _| tables.signing_key().cloned()) {
            return Ok(key);
        }
        self.write(|context| Ok(context.turn().signing_key())).await
    }

    async fn pool(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>> {
        let (scope, group) = (scope.clone(), group.clone());
        self.inspect(move |context| context.look().pool(&scope, &group)).await
    }

    async fn group(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>> {
        let (scope, group) = (scope.clone(), group.clone());
        self.inspect(move |context| context.look().group(&scope, &group)).await
    }

    async fn groups_after(
        &self,
        scope: &Scope,
        after: Option<Option<GroupName>>,
        limit: usize,
    ) -> Result<Part<PoolHealth, Option<GroupName>>> {
        let scope = scope.clone();
        self.inspect(move |context| context.look().groups_after(&scope, after.as_ref(), limit)).await
    }

    async fn pools(&self) -> Result<Vec<PoolHealth>> {
        self.inspect(|context| context.look().pools()).await
    }

    async fn usages(&self) -> Result<Vec<TenantUsage>> {
        self.inspect(|context| context.look().usages()).await
    }

    async fn history(&self, scope: &Scope, query: HistoryQuery) -> Result<HistoryPage> {
        let known = self.read(|tables, now| tables.known_history(scope, &query, now)).await?;
        let scope = scope.clone();
        self.read_records(move |records| {
            query.page(&known, |owner, bucket, below| Ok(records.of_number(owner, bucket, &scope, query.number, below)))
        })
        .await
    }

    async fn search_history(&self, scope: &Scope, search: HistorySearch) -> Result<HistoryPage> {
        self.search(scope, search).await
    }

    async fn group_usage(&self, scope: &Scope, group: &Group, from: Timestamp, to: Timestamp) -> Result<Vec<Used>> {
        let known = self.read(|tables, _| tables.known_usage(scope, group, from, to)).await?;
        let (scope, group) = (scope.clone(), group.clone());
        self.read_records(move |records| known.used(from, to, |span, day| records.used(&scope, &group, span, day)))
            .await
    }

    async fn number_health(&self, scope: &Scope, thresholds: &number_health::Thresholds) -> Result<NumberHealth> {
        Ok(self.sightings.lock().of(scope, thresholds, self.clock.now()))
    }

    async fn number_healths(&self, thresholds: &number_health::Thresholds) -> Result<Vec<(Arc<Scope>, NumberHealth)>> {
        let (sightings, now) = (self.sightings.lock(), self.clock.now());
        let scopes = sightings.scopes().into_iter();
        Ok(scopes.map(|scope| (Arc::clone(&scope), sightings.of(&scope, thresholds, now))).collect())
    }

    async fn seed(&self, seeds: Seeds) -> Result<bool> {
        match self.write(move |context| Ok(context.turn().seed(&seeds)?)).await {
            Ok(()) => Ok(true),
            Err(Error::Refused(Refusal::NotEmpty)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn set_rules(&self, rules: Rules) -> Result<()> {
        // The state may have taken them over in a batch that was not made: those of the readers are what was in force.
        let (for_readers, before) = (Arc::new(rules.clone()), self.rules.load_full());
        self.write(move |context| {
            context.set_rules(rules.clone(), &before);
            Ok(())
        })
        .await?;
        self.open_records()?.hear_rules(&for_readers);
        self.rules.store(for_readers);
        Ok(())
    }

    fn acting(&self, actor: Actor) -> Arc<dyn Store> {
        Arc::new(Self { core: Arc::clone(&self.core), actor: Some(Arc::new(actor)) })
    }

    async fn note(&self, scope: &Scope, deed: Deed) -> Result<()> {
        let scope = scope.clone();
        self.write(move |context| {
            context.turn().note(&scope, deed.clone());
            Ok(())
        })
        .await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Part<Arc<AuditEntry>, AuditId>> {
        self.read(|tables, _| tables.audit_part(query)).await
    }

    fn events(&self) -> Arc<Events> {
        Arc::clone(&self.events)
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    async fn sweep(&self) -> Result<()> {
        // Of several one is enough; each of them judges deadlines for itself.
        match L::ALONE || self.open_records()?.ends_due() {
            true => self.wait_for_writer().await,
            false => Ok(()),
        }
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        if !L::ALONE
            && let Some((origin, contents, records)) = self.read_records(Records::snapshot).await?
        {
            return Ok(Snapshot::new(origin, contents, Guarded::of(records)));
        }
        let (origin, contents, guard) = self.write(|context| Ok(context.all())).await?;
        Ok(Snapshot::new(origin, contents, Guarded { records: Arc::clone(&self.records), _guard: guard }))
    }

    async fn cluster(&self) -> Result<Option<Cluster>> {
        if L::ALONE { Ok(None) } else { self.read_records(Records::cluster).await }
    }

    async fn ready(&self) -> Result<()> {
        match self.status.failed() {
            Some(reason) => Err(Error::Unavailable(reason)),
            None if self.queue.is_closed() => Err(closed()),
            None if L::ALONE => Ok(()),
            None => self.open_records()?.ready().map_err(|reason| Error::Unavailable(reason.into())),
        }
    }

    async fn close(&self) {
        let (done, closed) = oneshot::channel();
        self.records.write().take();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
        let thread = self.writer.lock().take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}
