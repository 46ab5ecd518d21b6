//! Random histories on the pure engine and on one of the others, on disk or over a database, with the same clock and the same draws: every
//! outcome must be the same, through restarts in the middle too, and what is lent, freed and recognised must be what an oracle
//! allows that shares no code with them.

mod oracle;
mod player;

use std::sync::Arc;

use dnis_gateway::domain::state::{AfterMatch, LateCalls, Repeat, Which};
use dnis_gateway::domain::{
    AuditRules, CallCenter, Destination, FlowId, GroupRules, HistoryRules, IdempotentRequest, LentBy, NewEntry, Policy,
    Quotas, Rules, Seconds, Sharing, SkillId, UsageRules,
};
use dnis_gateway::store::{Clock, WithData};
use proptest::prelude::*;

use crate::dump::{dumped, facts, restore};
use crate::engine::{Engine, open_like};
use crate::words::*;
use oracle::Oracle;
use player::Player;

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
        documents_total: 60_000,
        document_entries: 3,
        value_bytes: 8_000,
        quotas: Default::default(),
        usual_quotas: Quotas {
            matches: 2,
            documents: 12,
            interactions: 5,
            bookings: 4,
            keys: 4,
            history: 20,
            ..Quotas::default()
        },
        history: HistoryRules { days: 1, entries: 24 },
        audit: AuditRules { days: 1, entries: 9 },
        accounts: Default::default(),
        usage: UsageRules { entries: 20 },
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
    NumberImport { numbers: Vec<usize>, created: Option<usize>, skip: bool },
    Lend(Lending),
    Free { dialled: Dialled },
    FreeOne { at: u64 },
    Renew { at: u64, lasting: u64 },
    Match(Call),
    Take(Call),
    Begin { holder: Option<usize>, lasting: Option<u64>, data: Data },
    End { holder: usize },
    Write { data: Data, ttl: u64, idempotency: Option<(usize, bool)> },
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
    idempotency: Option<(usize, bool)>,
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
    origin: LentBy,
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
    let origin = proptest::sample::select(vec![LentBy::Gms, LentBy::Interact]);
    (0u64..20, 0u64..30, proptest::option::of(0u64..40), origin)
        .prop_map(|(lasting, interaction, document, origin)| Times { lasting, interaction, document, origin })
}

fn once_key() -> impl Strategy<Value = Option<(usize, bool)>> {
    proptest::option::of((0usize..4, prop::bool::weighted(0.1)))
}

fn under((key, other): (usize, bool)) -> IdempotentRequest {
    idempotency(&format!("key-{key}"), if other { "another" } else { "one" }).expect("it is one")
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
        |(holder, source, repeat, times, caller, data, idempotency)| {
            Step::Lend(Lending { holder, source, repeat, times, caller, data, idempotency })
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
            .prop_map(|(numbers, created, skip)| Step::NumberImport { numbers, created, skip }),
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
        1 => (data(), ttl.clone(), once_key()).prop_map(|(data, ttl, idempotency)| Step::Write { data, ttl, idempotency }),
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

/// Little else than lending: two numbers that many share, told apart by codes of one digit, and some that rest.
fn lending_alone() -> impl Strategy<Value = Step> {
    const SHARED: usize = 4;
    const RESTING: usize = 5;
    let group = || prop_oneof![2 => Just(SHARED), 1 => Just(RESTING)];
    let create = (0..NUMBERS.len()).prop_map(|number| {
        let group = if number < 2 { SHARED } else { RESTING };
        Step::Create { number, dnid: 0, group, enabled: true }
    });
    let lend = (group(), 0..HOLDERS.len(), 1u64..12, proptest::option::of(0..CALLERS.len())).prop_map(
        |(group, holder, lasting, caller)| {
            Step::Lend(Lending {
                holder: HolderKind::Any(holder),
                source: SourceKind::Group(group, None),
                repeat: Repeat::AnotherNumber,
                times: Times { lasting, interaction: 1, document: None, origin: LentBy::Gms },
                caller,
                data: Data { text: None, file: None },
                idempotency: None,
            })
        },
    );
    prop_oneof![
        3 => create,
        12 => lend,
        1 => (0..NUMBERS.len()).prop_map(|number| Step::Free { dialled: Dialled::Number(number) }),
        1 => (0u64..4, 0u64..12).prop_map(|(at, lasting)| Step::Renew { at, lasting }),
        3 => calling().prop_map(Step::Match),
        1 => calling().prop_map(Step::Take),
        // So that late calls find somebody: otherwise an interaction ends with what it was lent.
        3 => (0..HOLDERS.len()).prop_map(|holder| {
            let data = Data { text: None, file: None };
            Step::Begin { holder: Some(holder), lasting: Some(60), data }
        }),
        2 => (0u64..4_000).prop_map(|milliseconds| Step::Wait { milliseconds }),
        1 => any::<u64>().prop_map(|seed| Step::Restart { seed }),
    ]
}

/// Plays a history on the pure engine and on another; gives back the other, and the dump that both have come to.
async fn play_both(steps: &[Step], other: Engine) -> std::result::Result<(Engine, Vec<u8>), TestCaseError> {
    let mut memory = Player::new(Engine::memory(rules()[0].clone()));
    let mut other = Player::new(other);
    let mut oracle = Oracle::new(memory.engine.clock.now().as_millis());
    for (at, step) in steps.iter().enumerate() {
        let outcome = memory.play(step).await;
        prop_assert_eq!(&outcome, &other.play(step).await, "step {}: {:?}", at, step);
        let sight = memory.look().await;
        prop_assert_eq!(&sight, &other.look().await, "after step {}: {:?}", at, step);
        oracle.judge(step, &outcome, memory.engine.clock.now().as_millis());
        oracle.compare(&sight);
    }
    let (dump, same) = (dumped(memory.engine.store()).await, dumped(other.engine.store()).await);
    prop_assert_eq!(facts(&dump), facts(&same), "both hold the same");
    Ok((other.engine, dump))
}

async fn play_on_disk(steps: &[Step]) -> std::result::Result<(), TestCaseError> {
    let (sled, dump) = play_both(steps, Engine::sled(rules()[0].clone())).await?;
    let home = tempfile::tempdir().unwrap();
    restore(&dump, home.path()).unwrap();
    // Under other rules more would end, or be forgotten.
    let restored = open_like(home.path(), &sled);
    let again = dumped(&restored).await;
    prop_assert_eq!(facts(&dump), facts(&again), "a restored store holds it too");
    Ok(())
}

async fn play_over_the_database(steps: &[Step]) -> std::result::Result<(), TestCaseError> {
    let (engine, dump) = play_both(steps, Engine::postgres(rules()[0].clone())).await?;
    let restored = engine.restored(&dump);
    let again = dumped(restored.store()).await;
    prop_assert_eq!(facts(&dump), facts(&again), "a restored store holds it too");
    restored.close().await;
    engine.close().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_on_disk_answers_like_the_pure_one_through_any_history_with_restarts(
        steps in proptest::collection::vec(step(), 1..70),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play_on_disk(&steps))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_over_a_database_answers_like_the_pure_one_through_any_history_with_restarts(
        steps in proptest::collection::vec(step(), 1..70),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play_over_the_database(&steps))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn codes_tell_holders_apart_and_numbers_rest_through_any_history_of_little_else_than_lending(
        steps in proptest::collection::vec(lending_alone(), 20..90),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play_on_disk(&steps))?;
    }
}
