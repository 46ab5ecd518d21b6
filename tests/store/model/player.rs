//! An engine that plays the steps of a history, and shows what came of each.

use std::sync::Arc;

use dnis_gateway::domain::audit::{Actor, AuditFilter};
use dnis_gateway::domain::document::Loaded;
use dnis_gateway::domain::refusal::{Miss, Refusal};
use dnis_gateway::domain::route::DeletedRoutes;
use dnis_gateway::domain::state::{Criteria, Holder, Lend, Lent, PoolHealth, Source};
use dnis_gateway::domain::tables::routes::RoutePage;
use dnis_gateway::domain::tables::{FoundNumber, Page};
use dnis_gateway::domain::{
    AccessCode, Allocation, AllocationFilter, AllocationId, AuditEntry, AuditId, AuditQuery, Caller, CodeShape,
    DocumentId, DocumentRef, GroupName, HistoryPage, HistoryQuery, Interaction, NewInteraction, NewNumber, NewRoute,
    Number, NumberFilter, NumberId, NumberPatch, NumberState, Overdial, Part, Resolve, Route, RouteFilter, RouteId,
    Routed, Seconds, SigningKey, Skill, SkillId, Timestamp,
};
use dnis_gateway::store::{BadRow, Clock, Error, Existing, Imported, LoadedEntry, Matched, Resolved, Result};

use super::{
    CALLERS, Call, DESTINATIONS, Dialled, GROUPS, HOLDERS, HolderKind, LINES, Lending, NUMBERS, Named, OWNERS, QUEUES,
    SourceKind, Step, rules, under,
};
use crate::engine::Engine;
use crate::words::{number as number_of, *};

/// What a step came to, in full.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    Created(Result<NumberId>),
    Imported(Vec<BadRow>, Result<Imported>),
    Updated(Result<FoundNumber>),
    Lent(Result<Lent>),
    Freed(Result<Option<Arc<Allocation>>>),
    FreedOne(Result<Arc<Allocation>>),
    Matched(Result<Vec<Matched>>),
    Taken(Result<Resolved>),
    Begun(Result<Arc<Interaction>>),
    Written(Result<DocumentId>),
    Routed(Result<Arc<Route>>),
    Unrouted(Result<DeletedRoutes>),
    Queued(Result<Arc<Skill>>),
    Key(Result<SigningKey>),
    Done(Result<()>),
}

type Allocations = Part<Arc<Allocation>, AllocationId>;

/// What readers see afterwards.
#[derive(Debug, PartialEq)]
pub(super) struct Sight {
    pub(super) page: Page,
    pub(super) of_group: Page,
    pub(super) cooling: Part<FoundNumber, Number>,
    pub(super) allocations: (Allocations, Allocations, Option<Arc<Allocation>>),
    pub(super) dialled: Vec<Option<FoundNumber>>,
    pub(super) resolved: Vec<Resolved>,
    pub(super) interactions: Vec<Option<Arc<Interaction>>>,
    pub(super) documents: Vec<(Option<Loaded>, Option<LoadedEntry>)>,
    pub(super) pools: Vec<PoolHealth>,
    pub(super) history: Vec<HistoryPage>,
    pub(super) groups: Part<PoolHealth, Option<GroupName>>,
    pub(super) routes: (RoutePage, Part<Arc<Route>, u32>, Option<Arc<Route>>),
    pub(super) routed: Vec<Option<Routed>>,
    pub(super) skills: Vec<Arc<Skill>>,
    pub(super) audit: Part<Arc<AuditEntry>, AuditId>,
}

/// An engine with the documents that its outcomes have named.
pub(super) struct Player {
    pub(super) engine: Engine,
    documents: Vec<DocumentId>,
    codes: Vec<AccessCode>,
    /// The newest allocation.
    lent: u64,
    routes: Vec<RouteId>,
}

impl Player {
    pub(super) fn new(engine: Engine) -> Self {
        Self { engine, documents: Vec::new(), codes: Vec::new(), lent: 0, routes: Vec::new() }
    }

    fn document(&self, named: Named) -> DocumentRef {
        match named {
            // The latest ones, since those are likely to live.
            Named::Made(at) => {
                self.documents.iter().rev().nth(at).copied().unwrap_or(DocumentId(uuid::Uuid::nil())).into()
            }
            Named::OwnedBy(at) => owned(at),
        }
    }

    fn allocation(&self, at: u64) -> AllocationId {
        AllocationId(self.lent.saturating_sub(at))
    }

    pub(super) async fn play(&mut self, step: &Step) -> Outcome {
        if let Step::Restart { seed } = step {
            self.engine.restart(*seed).await;
            return Outcome::Done(Ok(()));
        }
        if let Step::Reload { rules: at } = step {
            self.engine.reload(rules()[*at].clone()).await;
            return Outcome::Done(Ok(()));
        }
        // For somebody, so that the audit has something to tell.
        let (scope, store) = (scope(), self.engine.store().acting(Actor::person("ann", None, None)));
        match step.clone() {
            Step::NumberImport { numbers, created, skip } => {
                let existing = if skip { Existing::Skip } else { Existing::Refuse };
                let mut import = store.import_numbers(&scope, existing).await.unwrap();
                let texts: Vec<_> = numbers.iter().map(|number| NUMBERS[*number]).collect();
                let bad = import.stage(rows(&texts)).await.unwrap();
                if let Some(number) = created {
                    // Somebody else is quicker, or has the number already.
                    let _ = store.create_number(&scope, number_of(NUMBERS[number]), None).await;
                }
                Outcome::Imported(bad, import.commit().await)
            }
            Step::Create { number, dnid, group: at, enabled } => {
                let (number, dnid) = (num(NUMBERS[number]), num(&dnid.to_string()));
                let new = NewNumber { number, dnid, group: GROUPS[at].map(group), enabled };
                Outcome::Created(store.create_number(&scope, new, None).await)
            }
            Step::Update { number, dnid, group: at, enabled } => {
                let dnid = dnid.map(|dnid| num(&dnid.to_string()));
                let patch = NumberPatch { dnid, group: at.map(|at| GROUPS[at].map(group)), enabled };
                Outcome::Updated(store.update_number(&scope, num(NUMBERS[number]), patch).await)
            }
            Step::Delete { number } => Outcome::Done(store.delete_number(&scope, num(NUMBERS[number])).await),
            Step::Lend(lending) => {
                let outcome = store.lend(&scope, lend(lending), lending.idempotency.map(under)).await;
                self.documents.extend(outcome.as_ref().ok().map(|lent| lent.interaction.data));
                self.lent = outcome.as_ref().map_or(self.lent, |lent| lent.allocation.id.0.max(self.lent));
                self.codes.extend(outcome.as_ref().ok().and_then(|lent| lent.allocation.code.clone()));
                Outcome::Lent(outcome)
            }
            Step::Free { dialled } => {
                let dialled = match dialled {
                    Dialled::Number(at) => num(NUMBERS[at]),
                    Dialled::Dnid(dnid) => num(&dnid.to_string()),
                };
                Outcome::Freed(store.free(&scope, dialled).await)
            }
            Step::FreeOne { at } => Outcome::FreedOne(store.free_allocation(&scope, self.allocation(at)).await),
            Step::Renew { at, lasting } => {
                Outcome::Lent(store.renew_allocation(&scope, self.allocation(at), Seconds::new(lasting)).await)
            }
            Step::Match(Call { number, code, caller: at, late, which, after, data }) => {
                let code = code.and_then(|at| self.codes.iter().rev().nth(at)).map(|code| code.as_str().to_owned());
                let criteria = Criteria { code, caller: at.map(caller), late, ..call(NUMBERS[number]) };
                let matched = store.match_call(&scope, criteria, which, after, data).await;
                Outcome::Matched(matched.map_err(|error| match error {
                    Error::Refused(Refusal::NoMatch(miss)) => Refusal::NoMatch(kept(miss)).into(),
                    error => error,
                }))
            }
            Step::Take(Call { number, code, caller: at, .. }) => {
                let code = code.and_then(|at| self.codes.iter().rev().nth(at)).map(|code| code.as_str().to_owned());
                let call = Resolve { code, caller: at.map(caller), ..dial(NUMBERS[number]) };
                Outcome::Taken(store.take_call(&scope, call).await.map(without_memory))
            }
            Step::Begin { holder, lasting, data } => {
                let id = holder.map(|at| interaction(HOLDERS[at]));
                let new =
                    NewInteraction { id, lasting: lasting.map(Seconds::new), data: data.entries(), application: None };
                let outcome = store.create_interaction(&scope, new, None).await;
                self.documents.extend(outcome.as_ref().ok().map(|made| made.data));
                Outcome::Begun(outcome)
            }
            Step::End { holder } => {
                Outcome::Done(store.delete_interaction(&scope, &interaction(HOLDERS[holder])).await)
            }
            Step::Write { data, ttl, idempotency } => {
                let idempotency = idempotency.map(under);
                let outcome = store.create_document(&scope, data.entries(), Seconds::new(ttl), None, idempotency).await;
                self.documents.extend(outcome.as_ref().ok());
                Outcome::Written(outcome)
            }
            Step::Merge { document, data, ttl } => {
                let (named, ttl) = (self.document(document), ttl.map(Seconds::new));
                Outcome::Done(store.merge_document(&scope, named, data.entries(), ttl, None).await)
            }
            Step::Drop { document } => Outcome::Done(store.delete_document(&scope, self.document(document)).await),
            Step::DropEntry { document } => {
                Outcome::Done(store.delete_entry(&scope, self.document(document), "picture").await)
            }
            Step::Route { line, to } => {
                let (hotline, extension) = LINES[line];
                let extension = extension.map(|extension| extension.parse().unwrap());
                let hotline = hotline.parse().unwrap();
                let new = NewRoute { hotline, extension, media: None, destination: DESTINATIONS[to] };
                let outcome = store.create_route(&scope, new, None).await;
                self.routes.extend(outcome.as_ref().ok().map(|route| route.id));
                Outcome::Routed(outcome)
            }
            Step::Lead { route, to } => {
                let id = self.routes.iter().rev().nth(route).copied().unwrap_or(RouteId(1));
                Outcome::Routed(store.modify_route(&scope, id, DESTINATIONS[to]).await)
            }
            Step::Unroute { dnids } => Outcome::Unrouted(store.delete_routes(&scope, dnids).await),
            Step::Queue { name } => Outcome::Queued(store.create_skill(&scope, queue(QUEUES[name]), None).await),
            Step::Requeue { id, name } => {
                Outcome::Queued(store.modify_skill(&scope, SkillId(id), queue(QUEUES[name])).await)
            }
            Step::Unqueue { ids } => {
                Outcome::Done(store.delete_skills(&scope, ids.into_iter().map(SkillId).collect()).await)
            }
            Step::Key => Outcome::Key(store.signing_key().await),
            Step::Wait { milliseconds } => {
                self.engine.clock.advance_millis(milliseconds);
                Outcome::Done(Ok(()))
            }
            Step::Restart { .. } | Step::Reload { .. } => unreachable!("handled above"),
        }
    }

    /// The history of a number in small pages, and who held it lately.
    async fn history(&self, number: Number) -> Vec<HistoryPage> {
        let (scope, store) = (scope(), self.engine.store());
        let ago = Timestamp::from_millis(self.engine.clock.now().as_millis().saturating_sub(5_000));
        let query =
            HistoryQuery { number, from: Some(ago), to: Some(ago.after(Seconds::new(2))), after: None, limit: 9 };
        let mut pages = vec![store.history(&scope, query).await.unwrap()];
        let mut query = HistoryQuery { from: None, to: None, limit: 2, ..query };
        loop {
            let page = store.history(&scope, query).await.unwrap();
            query.after = page.next;
            pages.push(page);
            if query.after.is_none() {
                return pages;
            }
        }
    }

    pub(super) async fn look(&self) -> Sight {
        let (scope, store) = (scope(), self.engine.store());
        let page = store.numbers(&scope, None, 0, 100).await.unwrap();
        let of_group = store.numbers(&scope, Some(&group("g")), 1, 2).await.unwrap();
        let cooling = NumberFilter { state: Some(NumberState::Cooling), ..NumberFilter::default() };
        let cooling = store.numbers_after(&scope, &cooling, Some(num("11")), 2).await.unwrap();
        let all = AllocationFilter::default();
        let of_holder = AllocationFilter { interaction: Some(interaction("a")), ..all.clone() };
        let allocations = store.allocations_after(&scope, &all, Some(AllocationId(1)), 3).await.unwrap();
        let of_holder = store.allocations_after(&scope, &of_holder, None, 3).await.unwrap();
        let newest = store.allocation(&scope, self.allocation(0)).await.unwrap();
        let (mut dialled, mut resolved) = (Vec::new(), Vec::new());
        for text in NUMBERS.iter().chain(&["0", "1"]) {
            dialled.push(store.dialled(&scope, num(text)).await.unwrap());
            resolved.push(without_memory(store.resolve(&scope, &dial(text)).await.unwrap()));
        }
        let mut interactions = Vec::new();
        for text in HOLDERS {
            interactions.push(store.interaction(&scope, &interaction(text)).await.unwrap());
        }
        let mut documents = Vec::new();
        let made = self.documents.iter().map(|id| DocumentRef::from(*id));
        for named in made.chain((0..OWNERS.len()).map(owned)) {
            let whole = store.document(&scope, named.clone()).await.unwrap();
            documents.push((whole, store.document_entry(&scope, named, "picture").await.unwrap()));
        }
        // Readers judge deadlines by the clock; counts are as the last sweep left them.
        store.sweep().await.unwrap();
        let mut pools = store.pools().await.unwrap();
        pools.sort_by(|one, other| one.group.cmp(&other.group));
        let groups = store.groups_after(&scope, Some(Some(group("g"))), 3).await.unwrap();
        let routes = store.routes(&scope, &RouteFilter::default(), 0, 100).await.unwrap();
        let after = routes.routes.first().map(|route| route.dnid);
        let later = store.routes_after(&scope, &RouteFilter::default(), after, 2).await.unwrap();
        let one = match self.routes.last() {
            Some(id) => store.route(&scope, *id).await.unwrap(),
            None => None,
        };
        let skills = store.skills(&scope).await.unwrap();
        let mut routed = Vec::new();
        for text in ["100", "1002", "10021", "100213", "100*"] {
            routed.push(store.routed(&scope, &text.parse().unwrap(), Overdial::Allowed).await.unwrap());
        }
        let owners = vec![Some(scope.tenant.clone()), None];
        let query = AuditQuery { owners, filter: AuditFilter::default(), after: None, limit: 1000 };
        let audit = store.audit(&query).await.unwrap();
        let mut history = Vec::new();
        for number in NUMBERS {
            history.extend(self.history(num(number)).await);
        }
        Sight {
            history,
            page,
            of_group,
            cooling,
            allocations: (allocations, of_holder, newest),
            dialled,
            resolved,
            interactions,
            documents,
            pools,
            groups,
            routes: (routes, later, one),
            routed,
            skills,
            audit,
        }
    }
}

/// What a store says of a miss after any restart: that an allocation has expired is remembered by a process alone.
fn kept(miss: Miss) -> Miss {
    if miss == Miss::Expired { Miss::NotLent } else { miss }
}

fn without_memory(resolved: Resolved) -> Resolved {
    Resolved { miss: resolved.miss.map(kept), ..resolved }
}

fn owned(at: usize) -> DocumentRef {
    DocumentRef::of_owner(OWNERS[at], "notes")
}

fn caller(at: usize) -> Caller {
    Caller::new(CALLERS[at]).unwrap()
}

fn lend(Lending { holder, source, repeat, times, caller: by, data, .. }: Lending) -> Lend {
    let name = |at: usize| group(GROUPS[at].unwrap());
    Lend {
        holder: match holder {
            HolderKind::Known(at) => Holder::Known(interaction(HOLDERS[at])),
            HolderKind::Any(at) => Holder::Any(interaction(HOLDERS[at])),
            HolderKind::New => Holder::New,
        },
        source: match source {
            SourceKind::Group(at, fallback) => {
                Source::Group { name: name(at), fallbacks: fallback.map(name).into_iter().collect() }
            }
            SourceKind::FirstOf(first, second) => Source::FirstOf(vec![name(first), name(second)]),
            SourceKind::Anywhere => Source::Anywhere,
        },
        origin: times.origin,
        repeat,
        lasting: Seconds::new(times.lasting),
        interaction_ttl: Seconds::new(times.interaction),
        code: CodeShape::new(times.interaction, None).ok(),
        caller: by.map(caller),
        data: data.entries(),
        data_ttl: times.document.map(Seconds::new),
        application: None,
    }
}
