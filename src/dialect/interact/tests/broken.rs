//! A store that answers nothing, and how that is told.

use std::sync::Arc;

use actix_web::http::Method;
use async_trait::async_trait;

use super::{AGENT, Gateway, Who, payload};
use crate::domain::audit::{Actor, Deed};
use crate::domain::document::Loaded;
use crate::domain::number_health;
use crate::domain::route::DeletedRoutes;
use crate::domain::state::{AfterMatch, Criteria, Lend, Lent, PoolHealth, Seeds, Which};
use crate::domain::tables::routes::RoutePage;
use crate::domain::tables::{FoundNumber, Page};
use crate::domain::usage::Group;
use crate::domain::{
    Allocation, AllocationFilter, AllocationId, ApplicationName, AuditEntry, AuditId, AuditQuery, Destination, Dialled,
    DocumentId, DocumentRef, Explain, Explanation, GroupName, HistoryPage, HistoryQuery, HistorySearch,
    IdempotentRequest, Interaction, InteractionId, NewEntry, NewInteraction, NewNumber, NewRoute, NewSkill, Number,
    NumberFilter, NumberHealth, NumberId, NumberPatch, Overdial, Part, Resolve, Route, RouteFilter, RouteId, Routed,
    Rules, Scope, Seconds, SigningKey, Skill, SkillId, TenantUsage, Timestamp, Used,
};
use crate::store::{
    Clock, Error, Existing, LoadedEntry, ManualClock, Matched, NumberImport, Resolved, Result, Snapshot, Store,
    WithData,
};

struct Broken;

fn broken<T>() -> Result<T> {
    Err(Error::Unavailable("input/output error on /secret/path".into()))
}

#[async_trait]
impl Store for Broken {
    async fn create_number(&self, _: &Scope, _: NewNumber, _: Option<IdempotentRequest>) -> Result<NumberId> {
        broken()
    }
    async fn import_numbers(&self, _: &Scope, _: Existing) -> Result<Box<dyn NumberImport + '_>> {
        broken()
    }
    async fn update_number(&self, _: &Scope, _: Number, _: NumberPatch) -> Result<FoundNumber> {
        broken()
    }
    async fn delete_number(&self, _: &Scope, _: Number) -> Result<()> {
        broken()
    }
    async fn lend(&self, _: &Scope, _: Lend, _: Option<IdempotentRequest>) -> Result<Lent> {
        broken()
    }
    async fn free(&self, _: &Scope, _: Number) -> Result<Option<Arc<Allocation>>> {
        broken()
    }
    async fn hand_over(&self, _: &Scope, _: Number, _: Seconds) -> Result<Option<Arc<Allocation>>> {
        broken()
    }
    async fn renew_allocation(&self, _: &Scope, _: AllocationId, _: Seconds) -> Result<Lent> {
        broken()
    }
    async fn free_allocation(&self, _: &Scope, _: AllocationId) -> Result<Arc<Allocation>> {
        broken()
    }
    async fn match_call(&self, _: &Scope, _: Criteria, _: Which, _: AfterMatch, _: WithData) -> Result<Vec<Matched>> {
        broken()
    }
    async fn would_match(&self, _: &Scope, _: &Criteria, _: Which) -> Result<Vec<Arc<Allocation>>> {
        broken()
    }
    async fn resolve(&self, _: &Scope, _: &Resolve) -> Result<Resolved> {
        broken()
    }
    async fn explain(&self, _: &Scope, _: &Explain) -> Result<Explanation> {
        broken()
    }
    async fn take_call(&self, _: &Scope, _: Resolve) -> Result<Resolved> {
        broken()
    }
    async fn create_interaction(
        &self,
        _: &Scope,
        _: NewInteraction,
        _: Option<IdempotentRequest>,
    ) -> Result<Arc<Interaction>> {
        broken()
    }
    async fn delete_interaction(&self, _: &Scope, _: &InteractionId) -> Result<()> {
        broken()
    }
    async fn create_document(
        &self,
        _: &Scope,
        _: Vec<NewEntry>,
        _: Seconds,
        _: Option<ApplicationName>,
        _: Option<IdempotentRequest>,
    ) -> Result<DocumentId> {
        broken()
    }
    async fn merge_document(
        &self,
        _: &Scope,
        _: DocumentRef,
        _: Vec<NewEntry>,
        _: Option<Seconds>,
        _: Option<IdempotentRequest>,
    ) -> Result<()> {
        broken()
    }
    async fn delete_document(&self, _: &Scope, _: DocumentRef) -> Result<()> {
        broken()
    }
    async fn delete_entry(&self, _: &Scope, _: DocumentRef, _: &str) -> Result<()> {
        broken()
    }
    async fn number(&self, _: &Scope, _: Number) -> Result<Option<FoundNumber>> {
        broken()
    }
    async fn dialled(&self, _: &Scope, _: Number) -> Result<Option<FoundNumber>> {
        broken()
    }
    async fn numbers(&self, _: &Scope, _: Option<&GroupName>, _: usize, _: usize) -> Result<Page> {
        broken()
    }
    async fn numbers_after(
        &self,
        _: &Scope,
        _: &NumberFilter,
        _: Option<Number>,
        _: usize,
    ) -> Result<Part<FoundNumber, Number>> {
        broken()
    }
    async fn allocation(&self, _: &Scope, _: AllocationId) -> Result<Option<Arc<Allocation>>> {
        broken()
    }
    async fn allocations_after(
        &self,
        _: &Scope,
        _: &AllocationFilter,
        _: Option<AllocationId>,
        _: usize,
    ) -> Result<Part<Arc<Allocation>, AllocationId>> {
        broken()
    }
    async fn interaction(&self, _: &Scope, _: &InteractionId) -> Result<Option<Arc<Interaction>>> {
        broken()
    }
    async fn document(&self, _: &Scope, _: DocumentRef) -> Result<Option<Loaded>> {
        broken()
    }
    async fn document_entry(&self, _: &Scope, _: DocumentRef, _: &str) -> Result<Option<LoadedEntry>> {
        broken()
    }
    async fn create_route(&self, _: &Scope, _: NewRoute, _: Option<IdempotentRequest>) -> Result<Arc<Route>> {
        broken()
    }
    async fn modify_route(&self, _: &Scope, _: RouteId, _: Destination) -> Result<Arc<Route>> {
        broken()
    }
    async fn delete_routes(&self, _: &Scope, _: Vec<u32>) -> Result<DeletedRoutes> {
        broken()
    }
    async fn routes(&self, _: &Scope, _: &RouteFilter, _: usize, _: usize) -> Result<RoutePage> {
        broken()
    }
    async fn route(&self, _: &Scope, _: RouteId) -> Result<Option<Arc<Route>>> {
        broken()
    }
    async fn routes_after(
        &self,
        _: &Scope,
        _: &RouteFilter,
        _: Option<u32>,
        _: usize,
    ) -> Result<Part<Arc<Route>, u32>> {
        broken()
    }
    async fn routed(&self, _: &Scope, _: &Dialled, _: Overdial) -> Result<Option<Routed>> {
        broken()
    }
    async fn create_skill(&self, _: &Scope, _: NewSkill, _: Option<IdempotentRequest>) -> Result<Arc<Skill>> {
        broken()
    }
    async fn modify_skill(&self, _: &Scope, _: SkillId, _: NewSkill) -> Result<Arc<Skill>> {
        broken()
    }
    async fn delete_skills(&self, _: &Scope, _: Vec<SkillId>) -> Result<()> {
        broken()
    }
    async fn skills(&self, _: &Scope) -> Result<Vec<Arc<Skill>>> {
        broken()
    }
    async fn skill(&self, _: &Scope, _: SkillId) -> Result<Option<Arc<Skill>>> {
        broken()
    }
    async fn signing_key(&self) -> Result<SigningKey> {
        broken()
    }
    async fn pool(&self, _: &Scope, _: &GroupName) -> Result<Option<PoolHealth>> {
        broken()
    }
    async fn group(&self, _: &Scope, _: &GroupName) -> Result<Option<PoolHealth>> {
        broken()
    }
    async fn groups_after(
        &self,
        _: &Scope,
        _: Option<Option<GroupName>>,
        _: usize,
    ) -> Result<Part<PoolHealth, Option<GroupName>>> {
        broken()
    }
    async fn pools(&self) -> Result<Vec<PoolHealth>> {
        broken()
    }
    async fn usages(&self) -> Result<Vec<TenantUsage>> {
        broken()
    }
    async fn history(&self, _: &Scope, _: HistoryQuery) -> Result<HistoryPage> {
        broken()
    }
    async fn search_history(&self, _: &Scope, _: HistorySearch) -> Result<HistoryPage> {
        broken()
    }
    async fn group_usage(&self, _: &Scope, _: &Group, _: Timestamp, _: Timestamp) -> Result<Vec<Used>> {
        broken()
    }
    async fn number_health(&self, _: &Scope, _: &number_health::Thresholds) -> Result<NumberHealth> {
        broken()
    }
    async fn number_healths(&self, _: &number_health::Thresholds) -> Result<Vec<(Arc<Scope>, NumberHealth)>> {
        broken()
    }
    async fn seed(&self, _: Seeds) -> Result<bool> {
        broken()
    }
    async fn set_rules(&self, _: Rules) -> Result<()> {
        broken()
    }
    fn acting(&self, _: Actor) -> Arc<dyn Store> {
        Arc::new(Broken)
    }
    async fn note(&self, _: &Scope, _: Deed) -> Result<()> {
        broken()
    }
    async fn audit(&self, _: &AuditQuery) -> Result<Part<Arc<AuditEntry>, AuditId>> {
        broken()
    }
    fn events(&self) -> Arc<crate::store::Events> {
        Arc::default()
    }
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(ManualClock::new(Timestamp::from_millis(1)))
    }

    async fn sweep(&self) -> Result<()> {
        broken()
    }
    async fn snapshot(&self) -> Result<Snapshot> {
        broken()
    }
    async fn ready(&self) -> Result<()> {
        broken()
    }
    async fn close(&self) {}
}

fn gateway() -> Gateway {
    Gateway::over(Arc::new(Broken), Arc::new(ManualClock::new(Timestamp::from_millis(1))), "")
}

#[actix_web::test]
async fn every_rest_operation_says_that_the_store_is_not_available_and_nothing_of_its_inside() {
    let gateway = gateway();
    for (method, target, body) in [
        (Method::POST, "/dnis", r#"{"phoneNumber":"1","dnId":"1"}"#),
        (Method::POST, "/dnis/allocate/new", r#"{"id":"a"}"#),
        (Method::GET, "/dnis/allocate/get/1", ""),
        (Method::POST, "/dnis/allocate/free/1", ""),
        (Method::GET, "/dnis", ""),
        (Method::GET, "/dnis/1", ""),
        (Method::PUT, "/dnis/1", r#"{"enabled":true}"#),
        (Method::DELETE, "/dnis/1", ""),
    ] {
        let reply = gateway.send(method, target, Who::Admin.headers(), body).await;
        assert_eq!((reply.status, reply.outcome), (500, "unavailable"), "{target}");
        assert_eq!(reply.body, "The store is not available and has acknowledged nothing; try again later\n");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[actix_web::test]
async fn every_soap_operation_is_a_server_fault_then() {
    let gateway = gateway();
    for (name, fields) in [
        ("AllocateDnisRequest", &[("uniqueId", "a")][..]),
        ("GetDnisAllocationRequest", &[("phone", "1")]),
        ("FreeDnisAllocationRequest", &[("phone", "1")]),
        ("CreatePhoneRequest", &[("phoneNumber", "1"), ("dnId", "1")]),
    ] {
        let reply = gateway.soap(Who::Admin, &payload(AGENT, name, fields)).await;
        assert_eq!(reply.fault(), "The store is not available and has acknowledged nothing; try again later");
        assert!(reply.body.contains("<faultcode>SOAP-ENV:Server</faultcode>"), "{}", reply.body);
    }
}
