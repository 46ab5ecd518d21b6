//! A store with two accidents in it: asking about one number panics, asking about another takes as long as a test
//! wants. Everything else is done by the engine behind it.

use std::sync::Arc;

use async_trait::async_trait;
use dnis_gateway::domain::audit::{Actor, Deed};
use dnis_gateway::domain::document::Loaded;
use dnis_gateway::domain::number_health;
use dnis_gateway::domain::route::DeletedRoutes;
use dnis_gateway::domain::state::{AfterMatch, Criteria, Lend, Lent, PoolHealth, Seeds, Which};
use dnis_gateway::domain::tables::routes::RoutePage;
use dnis_gateway::domain::tables::{FoundNumber, Page};
use dnis_gateway::domain::usage::Group;
use dnis_gateway::domain::{
    Allocation, AllocationFilter, AllocationId, ApplicationName, AuditEntry, AuditId, AuditQuery, Destination, Dialled,
    DocumentId, DocumentRef, Explain, Explanation, GroupName, HistoryPage, HistoryQuery, HistorySearch,
    IdempotentRequest, Interaction, InteractionId, NewEntry, NewInteraction, NewNumber, NewRoute, NewSkill, Number,
    NumberFilter, NumberHealth, NumberId, NumberPatch, Overdial, Part, Resolve, Route, RouteFilter, RouteId, Routed,
    Rules, Scope, Seconds, SigningKey, Skill, SkillId, TenantUsage, Timestamp, Used,
};
use dnis_gateway::store::{
    Clock, Existing, LoadedEntry, Matched, NumberImport, Resolved, Result, Snapshot, Store, WithData,
};
use tokio::sync::Semaphore;

/// Whoever asks about this number panics.
pub(crate) const PANICS: &str = "13666";
/// Whoever asks about this number waits until the test lets everybody on.
pub(crate) const WAITS: &str = "13777";
/// The key in a document that panics.
pub(crate) const PANICKING_KEY: &str = "panics";

/// The store.
pub(crate) struct Accidental {
    inner: Arc<dyn Store>,
    arrived: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl Accidental {
    /// The accidents around a store.
    pub(crate) fn around(inner: Arc<dyn Store>) -> Arc<Self> {
        let none = || Arc::new(Semaphore::new(0));
        Arc::new(Self { inner, arrived: none(), gate: none() })
    }

    /// Waits until somebody waits.
    pub(crate) async fn somebody_waits(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Lets everybody on who waits.
    pub(crate) fn let_on(&self) {
        self.gate.add_permits(1000);
    }

    async fn asked(&self, number: Number) {
        assert_ne!(number.to_string(), PANICS, "this is the panic that the test is about");
        if number.to_string() == WAITS {
            self.arrived.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
    }
}

#[async_trait]
impl Store for Accidental {
    async fn create_number(
        &self,
        scope: &Scope,
        new: NewNumber,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<NumberId> {
        self.asked(new.number).await;
        self.inner.create_number(scope, new, idempotency).await
    }

    async fn import_numbers(&self, scope: &Scope, existing: Existing) -> Result<Box<dyn NumberImport + '_>> {
        self.inner.import_numbers(scope, existing).await
    }

    async fn update_number(&self, scope: &Scope, number: Number, patch: NumberPatch) -> Result<FoundNumber> {
        self.asked(number).await;
        self.inner.update_number(scope, number, patch).await
    }

    async fn delete_number(&self, scope: &Scope, number: Number) -> Result<()> {
        self.asked(number).await;
        self.inner.delete_number(scope, number).await
    }

    async fn lend(&self, scope: &Scope, lend: Lend, idempotency: Option<IdempotentRequest>) -> Result<Lent> {
        self.inner.lend(scope, lend, idempotency).await
    }

    async fn free(&self, scope: &Scope, dialled: Number) -> Result<Option<Arc<Allocation>>> {
        self.asked(dialled).await;
        self.inner.free(scope, dialled).await
    }

    async fn hand_over(&self, scope: &Scope, dialled: Number, left: Seconds) -> Result<Option<Arc<Allocation>>> {
        self.asked(dialled).await;
        self.inner.hand_over(scope, dialled, left).await
    }

    async fn renew_allocation(&self, scope: &Scope, id: AllocationId, lasting: Seconds) -> Result<Lent> {
        self.inner.renew_allocation(scope, id, lasting).await
    }

    async fn free_allocation(&self, scope: &Scope, id: AllocationId) -> Result<Arc<Allocation>> {
        self.inner.free_allocation(scope, id).await
    }

    async fn match_call(
        &self,
        scope: &Scope,
        criteria: Criteria,
        which: Which,
        after: AfterMatch,
        data: WithData,
    ) -> Result<Vec<Matched>> {
        self.asked(criteria.number).await;
        self.inner.match_call(scope, criteria, which, after, data).await
    }

    async fn would_match(&self, scope: &Scope, criteria: &Criteria, which: Which) -> Result<Vec<Arc<Allocation>>> {
        self.inner.would_match(scope, criteria, which).await
    }

    async fn resolve(&self, scope: &Scope, call: &Resolve) -> Result<Resolved> {
        self.inner.resolve(scope, call).await
    }

    async fn explain(&self, scope: &Scope, call: &Explain) -> Result<Explanation> {
        self.inner.explain(scope, call).await
    }

    async fn take_call(&self, scope: &Scope, call: Resolve) -> Result<Resolved> {
        self.inner.take_call(scope, call).await
    }

    async fn create_interaction(
        &self,
        scope: &Scope,
        new: NewInteraction,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Interaction>> {
        self.inner.create_interaction(scope, new, idempotency).await
    }

    async fn delete_interaction(&self, scope: &Scope, id: &InteractionId) -> Result<()> {
        self.inner.delete_interaction(scope, id).await
    }

    async fn create_document(
        &self,
        scope: &Scope,
        entries: Vec<NewEntry>,
        ttl: Seconds,
        application: Option<ApplicationName>,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<DocumentId> {
        self.inner.create_document(scope, entries, ttl, application, idempotency).await
    }

    async fn merge_document(
        &self,
        scope: &Scope,
        named: DocumentRef,
        entries: Vec<NewEntry>,
        ttl: Option<Seconds>,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<()> {
        self.inner.merge_document(scope, named, entries, ttl, idempotency).await
    }

    async fn delete_document(&self, scope: &Scope, named: DocumentRef) -> Result<()> {
        self.inner.delete_document(scope, named).await
    }

    async fn delete_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<()> {
        self.inner.delete_entry(scope, named, key).await
    }

    async fn number(&self, scope: &Scope, number: Number) -> Result<Option<FoundNumber>> {
        self.asked(number).await;
        self.inner.number(scope, number).await
    }

    async fn dialled(&self, scope: &Scope, dialled: Number) -> Result<Option<FoundNumber>> {
        self.asked(dialled).await;
        self.inner.dialled(scope, dialled).await
    }

    async fn numbers(&self, scope: &Scope, group: Option<&GroupName>, offset: usize, limit: usize) -> Result<Page> {
        self.inner.numbers(scope, group, offset, limit).await
    }

    async fn numbers_after(
        &self,
        scope: &Scope,
        filter: &NumberFilter,
        after: Option<Number>,
        limit: usize,
    ) -> Result<Part<FoundNumber, Number>> {
        self.inner.numbers_after(scope, filter, after, limit).await
    }

    async fn allocation(&self, scope: &Scope, id: AllocationId) -> Result<Option<Arc<Allocation>>> {
        self.inner.allocation(scope, id).await
    }

    async fn allocations_after(
        &self,
        scope: &Scope,
        filter: &AllocationFilter,
        after: Option<AllocationId>,
        limit: usize,
    ) -> Result<Part<Arc<Allocation>, AllocationId>> {
        self.inner.allocations_after(scope, filter, after, limit).await
    }

    async fn interaction(&self, scope: &Scope, id: &InteractionId) -> Result<Option<Arc<Interaction>>> {
        self.inner.interaction(scope, id).await
    }

    async fn document(&self, scope: &Scope, named: DocumentRef) -> Result<Option<Loaded>> {
        self.inner.document(scope, named).await
    }

    async fn document_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<Option<LoadedEntry>> {
        assert_ne!(key, PANICKING_KEY, "this is the panic that the test is about");
        self.inner.document_entry(scope, named, key).await
    }

    async fn create_route(
        &self,
        scope: &Scope,
        new: NewRoute,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Route>> {
        self.inner.create_route(scope, new, idempotency).await
    }

    async fn modify_route(&self, scope: &Scope, id: RouteId, to: Destination) -> Result<Arc<Route>> {
        self.inner.modify_route(scope, id, to).await
    }

    async fn delete_routes(&self, scope: &Scope, dnids: Vec<u32>) -> Result<DeletedRoutes> {
        self.inner.delete_routes(scope, dnids).await
    }

    async fn routes(&self, scope: &Scope, filter: &RouteFilter, offset: usize, limit: usize) -> Result<RoutePage> {
        self.inner.routes(scope, filter, offset, limit).await
    }

    async fn route(&self, scope: &Scope, id: RouteId) -> Result<Option<Arc<Route>>> {
        self.inner.route(scope, id).await
    }

    async fn routes_after(
        &self,
        scope: &Scope,
        filter: &RouteFilter,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Part<Arc<Route>, u32>> {
        self.inner.routes_after(scope, filter, after, limit).await
    }

    async fn routed(&self, scope: &Scope, dialled: &Dialled, overdial: Overdial) -> Result<Option<Routed>> {
        self.inner.routed(scope, dialled, overdial).await
    }

    async fn create_skill(
        &self,
        scope: &Scope,
        new: NewSkill,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Skill>> {
        self.inner.create_skill(scope, new, idempotency).await
    }

    async fn modify_skill(&self, scope: &Scope, id: SkillId, new: NewSkill) -> Result<Arc<Skill>> {
        self.inner.modify_skill(scope, id, new).await
    }

    async fn delete_skills(&self, scope: &Scope, ids: Vec<SkillId>) -> Result<()> {
        self.inner.delete_skills(scope, ids).await
    }

    async fn skills(&self, scope: &Scope) -> Result<Vec<Arc<Skill>>> {
        self.inner.skills(scope).await
    }

    async fn skill(&self, scope: &Scope, id: SkillId) -> Result<Option<Arc<Skill>>> {
        self.inner.skill(scope, id).await
    }

    async fn signing_key(&self) -> Result<SigningKey> {
        self.inner.signing_key().await
    }

    async fn pool(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>> {
        self.inner.pool(scope, group).await
    }

    async fn group(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>> {
        self.inner.group(scope, group).await
    }

    async fn groups_after(
        &self,
        scope: &Scope,
        after: Option<Option<GroupName>>,
        limit: usize,
    ) -> Result<Part<PoolHealth, Option<GroupName>>> {
        self.inner.groups_after(scope, after, limit).await
    }

    async fn pools(&self) -> Result<Vec<PoolHealth>> {
        self.inner.pools().await
    }

    async fn usages(&self) -> Result<Vec<TenantUsage>> {
        self.inner.usages().await
    }

    async fn history(&self, scope: &Scope, query: HistoryQuery) -> Result<HistoryPage> {
        self.inner.history(scope, query).await
    }

    async fn search_history(&self, scope: &Scope, search: HistorySearch) -> Result<HistoryPage> {
        self.inner.search_history(scope, search).await
    }

    async fn group_usage(&self, scope: &Scope, group: &Group, from: Timestamp, to: Timestamp) -> Result<Vec<Used>> {
        self.inner.group_usage(scope, group, from, to).await
    }

    async fn number_health(&self, scope: &Scope, thresholds: &number_health::Thresholds) -> Result<NumberHealth> {
        self.inner.number_health(scope, thresholds).await
    }

    async fn number_healths(&self, thresholds: &number_health::Thresholds) -> Result<Vec<(Arc<Scope>, NumberHealth)>> {
        self.inner.number_healths(thresholds).await
    }

    async fn seed(&self, seeds: Seeds) -> Result<bool> {
        self.inner.seed(seeds).await
    }

    async fn set_rules(&self, rules: Rules) -> Result<()> {
        self.inner.set_rules(rules).await
    }

    fn acting(&self, actor: Actor) -> Arc<dyn Store> {
        let (arrived, gate) = (Arc::clone(&self.arrived), Arc::clone(&self.gate));
        Arc::new(Self { inner: self.inner.acting(actor), arrived, gate })
    }

    async fn note(&self, scope: &Scope, deed: Deed) -> Result<()> {
        self.inner.note(scope, deed).await
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Part<Arc<AuditEntry>, AuditId>> {
        self.inner.audit(query).await
    }

    fn events(&self) -> Arc<dnis_gateway::store::Events> {
        self.inner.events()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock()
    }

    async fn sweep(&self) -> Result<()> {
        self.inner.sweep().await
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        self.inner.snapshot().await
    }

    async fn ready(&self) -> Result<()> {
        self.inner.ready().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
