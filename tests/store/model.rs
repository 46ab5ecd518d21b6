//! Random histories on the pure engine and on the engine on disk, with the same clock and the same draws: every
//! outcome must be the same, through restarts in the middle too.

use std::sync::Arc;

use dnis_gateway::domain::document::Loaded;
use dnis_gateway::domain::route::DeletedRoutes;
use dnis_gateway::domain::routes::RoutePage;
use dnis_gateway::domain::state::{
    AfterMatch, Criteria, Holder, LateCalls, Lend, Lent, PoolHealth, Repeat, Source, Which,
};
use dnis_gateway::domain::tables::{Found, Page};
use dnis_gateway::domain::{
    AccessCode, Allocation, AllocationFilter, AllocationId, CallCenter, Caller, CodeShape, Destination, DocumentId,
    DocumentRef, FlowId, GroupName, GroupRules, HistoryPage, HistoryQuery, HistoryRules, Interaction, NewEntry,
    NewInteraction, NewNumber, NewRoute, Number, NumberFilter, NumberId, NumberPatch, NumberState, Once, Origin,
    Overdial, Part, Policy, Resolve, Route, RouteFilter, RouteId, Routed, Rules, Seconds, Sharing, SigningKey, Skill,
    SkillId, Timestamp,
};
use dnis_gateway::store::{BadRow, Clock, Existing, Imported, LoadedEntry, Matched, Resolved, Result, WithData};
use proptest::prelude::*;

use crate::dump::{dumped, facts, restored};
use crate::engine::Engine;
use crate::imports::rows;
use crate::words::{number as number_of, *};

const NUMBERS: [&str; 6] = ["11", "12", "21", "22", "31", "32"];
/// The groups have rules of their own each; see [`rules`].
const GROUPS: [Option<&str>; 6] = [None, Some("g"), Some("random"), Some("lrf"), Some("shared"), Some("rest")];
const HOLDERS: [&str; 3] = ["a", "b", "c"];
const CALLERS: [&str; 2] = ["555", "anonymous"];
const OWNERS: [&str; 2] = ["ann", "bob"];
/// A hotline with and without an extension; some of them are dialled the same.
const LINES: [(&str, Option<&str>); 5] =
    [("100", None), ("100", Some("2")), ("100", Some("21")), ("1002", None), ("1002", Some("1"))];
/// Two configured destinations, two queues that a history can make, and one that there never is.
const DESTINATIONS: [Destination; 5] = [
    Destination::Skill(SkillId(7)),
    Destination::Flow(FlowId(12)),
    Destination::Skill(SkillId(10_000)),
    Destination::Skill(SkillId(10_001)),
    Destination::Skill(SkillId(8)),
];
const QUEUES: [&str; 3] = ["night", "late", "sales"];

/// The rules that a reload can bring; the first ones hold from the start.
fn rules() -> [Rules; 2] {
    let policy = |policy| GroupRules { policy, ..GroupRules::default() };
    let rest = |seconds| GroupRules { cool_down: Seconds::new(seconds), ..GroupRules::default() };
    let shared = |seconds| GroupRules { sharing: Sharing::Shared, ..rest(seconds) };
    let with = |center: fn() -> CallCenter, groups: Vec<(&str, GroupRules)>| Rules {
        groups: [(scope().tenant, groups.into_iter().map(|(name, rules)| (group(name), rules)).collect())].into(),
        // What the second rules take away, routes go on leading to.
        call_centers: [(scope().tenant, Arc::new(center()))].into(),
        documents_total: 40_000,
        document_entries: 3,
        value_bytes: 8_000,
        most_keys: 4,
        history: HistoryRules { days: 1, entries: 24 },
    };
    let reserved = [num("32")].into();
    [
        with(
            call_center,
            vec![
                ("random", policy(Policy::Random)),
                ("lrf", policy(Policy::LeastRecentlyFreed)),
                ("shared", GroupRules { policy: Policy::LeastRecentlyFreed, ..shared(3) }),
                ("rest", GroupRules { reserved, ..rest(4) }),
            ],
        ),
        with(CallCenter::default, vec![("g", rest(2)), ("lrf", shared(0)), ("shared", rest(5)), ("rest", shared(6))]),
    ]
}

/// One step of a history. The numbers in it pick from the lists above, or from the documents made so far.
#[derive(Clone, Debug)]
enum Step {
    Create { number: usize, dnid: usize, group: usize, enabled: bool },
    Update { number: usize, dnid: Option<usize>, group: Option<usize>, enabled: Option<bool> },
    Delete { number: usize },
    Import { numbers: Vec<usize>, created: Option<usize>, skip: bool },
    Lend(Lending),
    Free { dialled: Dialled },
    FreeOne { at: u64 },
    Renew { at: u64, lasting: u64 },
    Match(Call),
    Take(Call),
    Begin { holder: Option<usize>, lasting: Option<u64>, data: Data },
    End { holder: usize },
    Write { data: Data, ttl: u64, once: Option<(usize, bool)> },
    Merge { document: Named, data: Data, ttl: Option<u64> },
    Drop { document: Named },
    DropEntry { document: Named },
    Route { line: usize, to: usize },
    Lead { route: usize, to: usize },
    Unroute { dnids: Vec<u32> },
    Queue { name: usize },
    Requeue { id: u32, name: usize },
    Unqueue { ids: Vec<u32> },
    Key,
    Reload { rules: usize },
    Wait { milliseconds: u64 },
    Restart { seed: u64 },
}

#[derive(Clone, Copy, Debug)]
struct Lending {
    holder: HolderKind,
    source: SourceKind,
    repeat: Repeat,
    times: Times,
    caller: Option<usize>,
    data: Data,
    /// One of few keys, and one of two requests under it.
    once: Option<(usize, bool)>,
}

#[derive(Clone, Copy, Debug)]
enum HolderKind {
    Known(usize),
    Any(usize),
    New,
}

/// A call; its code is that of one of the allocations made so far.
#[derive(Clone, Copy, Debug)]
struct Call {
    number: usize,
    code: Option<usize>,
    caller: Option<usize>,
    late: LateCalls,
    which: Which,
    after: AfterMatch,
    data: WithData,
}

/// A document, as it is named.
#[derive(Clone, Copy, Debug)]
enum Named {
    Made(usize),
    OwnedBy(usize),
}

#[derive(Clone, Copy, Debug)]
enum SourceKind {
    Group(usize, Option<usize>),
    FirstOf(usize, usize),
    Anywhere,
}

#[derive(Clone, Copy, Debug)]
enum Dialled {
    Number(usize),
    Dnid(usize),
}

/// How long the allocation, the interaction and the document of a lending last, in seconds, and whose it is.
#[derive(Clone, Copy, Debug)]
struct Times {
    lasting: u64,
    interaction: u64,
    document: Option<u64>,
    origin: Origin,
}

/// The lengths of a text and a file of a document.
#[derive(Clone, Copy, Debug)]
struct Data {
    text: Option<usize>,
    file: Option<usize>,
}

impl Data {
    fn entries(self) -> Vec<NewEntry> {
        let note = self.text.map(|length| text("note", &"t".repeat(length)));
        let picture = self.file.map(|length| file("picture", &vec![0xa5; length]));
        note.into_iter().chain(picture).collect()
    }
}

fn data() -> impl Strategy<Value = Data> {
    let length = || proptest::option::of(prop_oneof![0usize..20, 900usize..1_100, 3_900usize..9_000]);
    (length(), length()).prop_map(|(text, file)| Data { text, file })
}

fn times() -> impl Strategy<Value = Times> {
    let origin = proptest::sample::select(vec![Origin::Gms, Origin::Interact]);
    (0u64..20, 0u64..30, proptest::option::of(0u64..40), origin)
        .prop_map(|(lasting, interaction, document, origin)| Times { lasting, interaction, document, origin })
}

fn once_key() -> impl Strategy<Value = Option<(usize, bool)>> {
    proptest::option::of((0usize..4, prop::bool::weighted(0.1)))
}

fn under((key, other): (usize, bool)) -> Once {
    once(&format!("key-{key}"), if other { "another" } else { "one" }).expect("it is one")
}

fn lending() -> impl Strategy<Value = Step> {
    let (group, at) = (1..GROUPS.len(), 0..HOLDERS.len());
    let holder = prop_oneof![
        1 => at.clone().prop_map(HolderKind::Known),
        4 => at.prop_map(HolderKind::Any),
        2 => Just(HolderKind::New)
    ];
    let source = prop_oneof![
        4 => (group.clone(), proptest::option::of(group.clone()))
            .prop_map(|(name, fallback)| SourceKind::Group(name, fallback)),
        1 => (group.clone(), group).prop_map(|(first, second)| SourceKind::FirstOf(first, second)),
        2 => Just(SourceKind::Anywhere)
    ];
    let repeat = proptest::sample::select(vec![Repeat::SameNumber, Repeat::SameNumberOfGroup, Repeat::AnotherNumber]);
    (holder, source, repeat, times(), proptest::option::of(0..CALLERS.len()), data(), once_key()).prop_map(
        |(holder, source, repeat, times, caller, data, once)| {
            Step::Lend(Lending { holder, source, repeat, times, caller, data, once })
        },
    )
}

fn calling() -> impl Strategy<Value = Call> {
    let (code, caller) = (proptest::option::of(0usize..4), proptest::option::of(0..CALLERS.len()));
    let late = proptest::sample::select(vec![LateCalls::Ignored, LateCalls::Recognised]);
    let which = proptest::sample::select(vec![Which::Newest, Which::All]);
    let after = proptest::sample::select(vec![AfterMatch::Keep, AfterMatch::Delete]);
    let data = proptest::sample::select(vec![WithData::Yes, WithData::No]);
    (0..NUMBERS.len(), code, caller, late, which, after, data).prop_map(
        |(number, code, caller, late, which, after, data)| Call { number, code, caller, late, which, after, data },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let (number, group, holder) = (0..NUMBERS.len(), 0..GROUPS.len(), 0..HOLDERS.len());
    let (dnid, ttl) = (0usize..2, 0u64..30);
    let document =
        || prop_oneof![4 => (0usize..6).prop_map(Named::Made), 1 => (0..OWNERS.len()).prop_map(Named::OwnedBy)];
    prop_oneof![
        4 => (number.clone(), dnid.clone(), group.clone(), prop::bool::weighted(0.8))
            .prop_map(|(number, dnid, group, enabled)| Step::Create { number, dnid, group, enabled }),
        2 => (number.clone(), proptest::option::of(dnid.clone()), proptest::option::of(group), any::<Option<bool>>())
            .prop_map(|(number, dnid, group, enabled)| Step::Update { number, dnid, group, enabled }),
        1 => number.clone().prop_map(|number| Step::Delete { number }),
        2 => (proptest::collection::vec(number.clone(), 1..4), proptest::option::of(number.clone()), any::<bool>())
            .prop_map(|(numbers, created, skip)| Step::Import { numbers, created, skip }),
        9 => lending(),
        3 => prop_oneof![number.clone().prop_map(Dialled::Number), dnid.prop_map(Dialled::Dnid)]
            .prop_map(|dialled| Step::Free { dialled }),
        1 => (0u64..4).prop_map(|at| Step::FreeOne { at }),
        2 => (0u64..4, 0u64..20).prop_map(|(at, lasting)| Step::Renew { at, lasting }),
        4 => calling().prop_map(Step::Match),
        2 => calling().prop_map(Step::Take),
        1 => (proptest::option::of(holder.clone()), proptest::option::of(0u64..30), data())
            .prop_map(|(holder, lasting, data)| Step::Begin { holder, lasting, data }),
        1 => holder.prop_map(|holder| Step::End { holder }),
        1 => (data(), ttl.clone(), once_key()).prop_map(|(data, ttl, once)| Step::Write { data, ttl, once }),
        3 => (document(), data(), proptest::option::of(ttl))
            .prop_map(|(document, data, ttl)| Step::Merge { document, data, ttl }),
        1 => document().prop_map(|document| Step::Drop { document }),
        1 => document().prop_map(|document| Step::DropEntry { document }),
        4 => routing(),
        1 => (0usize..2).prop_map(|rules| Step::Reload { rules }),
        4 => prop_oneof![9 => 0u64..9_000, 1 => 0u64..100_000_000].prop_map(|milliseconds| Step::Wait { milliseconds }),
        1 => any::<u64>().prop_map(|seed| Step::Restart { seed }),
    ]
}

fn routing() -> impl Strategy<Value = Step> {
    let (line, to, name) = (0..LINES.len(), 0..DESTINATIONS.len(), 0..QUEUES.len());
    let made = 10_000u32..10_004;
    prop_oneof![
        4 => (line, to.clone()).prop_map(|(line, to)| Step::Route { line, to }),
        2 => (0usize..4, to).prop_map(|(route, to)| Step::Lead { route, to }),
        1 => proptest::collection::vec(1u32..6, 1..3).prop_map(|dnids| Step::Unroute { dnids }),
        3 => name.clone().prop_map(|name| Step::Queue { name }),
        1 => (made.clone(), name).prop_map(|(id, name)| Step::Requeue { id, name }),
        1 => proptest::collection::vec(made, 1..3).prop_map(|ids| Step::Unqueue { ids }),
        1 => Just(Step::Key),
    ]
}

/// What a step came to, in full.
#[derive(Debug, PartialEq)]
enum Outcome {
    Created(Result<NumberId>),
    Imported(Vec<BadRow>, Result<Imported>),
    Updated(Result<Found>),
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
struct Sight {
    page: Page,
    of_group: Page,
    cooling: Part<Found, Number>,
    allocations: (Allocations, Allocations, Option<Arc<Allocation>>),
    dialled: Vec<Option<Found>>,
    resolved: Vec<Resolved>,
    interactions: Vec<Option<Arc<Interaction>>>,
    documents: Vec<(Option<Loaded>, Option<LoadedEntry>)>,
    pools: Vec<PoolHealth>,
    history: Vec<HistoryPage>,
    groups: Part<PoolHealth, Option<GroupName>>,
    routes: (RoutePage, Part<Arc<Route>, u32>, Option<Arc<Route>>),
    routed: Vec<Option<Routed>>,
    skills: Vec<Arc<Skill>>,
}

/// An engine with the documents that its outcomes have named.
struct Player {
    engine: Engine,
    documents: Vec<DocumentId>,
    codes: Vec<AccessCode>,
    /// The newest allocation.
    lent: u64,
    routes: Vec<RouteId>,
}

impl Player {
    fn new(engine: Engine) -> Self {
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

    async fn play(&mut self, step: &Step) -> Outcome {
        if let Step::Restart { seed } = step {
            self.engine.restart(*seed).await;
            return Outcome::Done(Ok(()));
        }
        if let Step::Reload { rules: at } = step {
            self.engine.reload(rules()[*at].clone()).await;
            return Outcome::Done(Ok(()));
        }
        let (scope, store) = (scope(), self.engine.store());
        match step.clone() {
            Step::Import { numbers, created, skip } => {
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
                let outcome = store.lend(&scope, lend(lending), lending.once.map(under)).await;
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
                Outcome::Matched(store.match_call(&scope, criteria, which, after, data).await)
            }
            Step::Take(Call { number, code, caller: at, .. }) => {
                let code = code.and_then(|at| self.codes.iter().rev().nth(at)).map(|code| code.as_str().to_owned());
                let call = Resolve { code, caller: at.map(caller), ..dial(NUMBERS[number]) };
                Outcome::Taken(store.take_call(&scope, call).await)
            }
            Step::Begin { holder, lasting, data } => {
                let id = holder.map(|at| interaction(HOLDERS[at]));
                let new = NewInteraction { id, lasting: lasting.map(Seconds::new), data: data.entries() };
                let outcome = store.create_interaction(&scope, new, None).await;
                self.documents.extend(outcome.as_ref().ok().map(|made| made.data));
                Outcome::Begun(outcome)
            }
            Step::End { holder } => {
                Outcome::Done(store.delete_interaction(&scope, &interaction(HOLDERS[holder])).await)
            }
            Step::Write { data, ttl, once } => {
                let once = once.map(under);
                let outcome = store.create_document(&scope, data.entries(), Seconds::new(ttl), once).await;
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

    async fn look(&self) -> Sight {
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
            resolved.push(store.resolve(&scope, &dial(text)).await.unwrap());
        }
        let mut interactions = Vec::new();
        for text in HOLDERS {
            interactions.push(store.interaction(&scope, &interaction(text)).await.unwrap());
        }
        let mut documents = Vec::new();
        let made = self.documents.iter().map(|id| DocumentRef::from(*id));
        for named in made.chain((0..OWNERS.len()).map(owned)) {
            let whole = store.document(&scope, named).await.unwrap();
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
        }
    }
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
    }
}

async fn play_both(steps: &[Step]) -> std::result::Result<(), TestCaseError> {
    let mut memory = Player::new(Engine::memory(rules()[0].clone()));
    let mut sled = Player::new(Engine::sled(rules()[0].clone()));
    for (at, step) in steps.iter().enumerate() {
        prop_assert_eq!(memory.play(step).await, sled.play(step).await, "step {}: {:?}", at, step);
        prop_assert_eq!(memory.look().await, sled.look().await, "after step {}: {:?}", at, step);
    }
    let (dump, same) = (dumped(memory.engine.store()).await, dumped(sled.engine.store()).await);
    prop_assert_eq!(facts(&dump), facts(&same), "both hold the same");
    let (_directory, restored) = restored(&dump);
    let again = dumped(&restored).await;
    prop_assert_eq!(facts(&dump), facts(&again), "a restored store holds it too");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_on_disk_answers_like_the_pure_one_through_any_history_with_restarts(
        steps in proptest::collection::vec(step(), 1..70),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play_both(&steps))?;
    }
}
