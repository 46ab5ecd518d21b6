//! Several engines over one log: what others commit, batches that are undone, and logs that go away and come back.

use std::sync::atomic::AtomicU32;

use proptest::prelude::*;

use super::shared_log::{Fault, Shared, SharedLog, SharedRecords};
use super::*;
use crate::domain::document::LoadedValue;
use crate::domain::state::{AfterMatch, Criteria, Holder, LateCalls, Lend, Lent, Repeat, Source, Which};
use crate::domain::{
    CodeShape, Content, DocumentId, EntryKey, GroupName, GroupRules, LentBy, NewEntry, Policy, Quotas, Sharing,
};
use crate::store::{Existing, ImportRow, Imported, Matched, WithData};

const GROUPS: [&str; 3] = ["plain", "rest", "shared"];
const NUMBERS: [&str; 6] = ["11", "12", "21", "22", "31", "32"];
const HOLDERS: [&str; 3] = ["a", "b", "c"];

fn rules() -> Rules {
    let rest = GroupRules { cool_down: Seconds::new(4), policy: Policy::LeastRecentlyFreed, ..GroupRules::default() };
    let shared = GroupRules { sharing: Sharing::Shared, ..GroupRules::default() };
    let groups = [("rest", rest), ("shared", shared)].map(|(name, rules)| (group(name), rules));
    let usual_quotas = Quotas { documents: 6, interactions: 4, bookings: 3, ..Quotas::default() };
    Rules { groups: [(scope().tenant, groups.into())].into(), usual_quotas, ..Rules::default() }
}

fn group(name: &str) -> GroupName {
    GroupName::new(name).unwrap()
}

/// An engine over a log that others write too.
struct Gateway {
    store: Engine<SharedLog>,
    records: Arc<SharedRecords>,
}

/// A log, its engines and the clock of all of them.
pub(super) struct Cluster {
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<ManualClock>,
    gateways: Vec<Gateway>,
}

impl Cluster {
    pub(super) fn new(gateways: usize) -> Self {
        let (shared, clock) = (Arc::default(), Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000))));
        let gateways = (0..gateways).map(|seed| Gateway::new(&shared, &clock, seed as u64)).collect();
        Self { shared, clock, gateways }
    }

    fn two() -> (Self, [usize; 2]) {
        (Self::new(2), [0, 1])
    }

    pub(super) fn at(&self, gateway: usize) -> &Engine<SharedLog> {
        &self.gateways[gateway].store
    }

    /// The next batches of a gateway come to this.
    pub(super) fn fail(&self, gateway: usize, faults: impl IntoIterator<Item = Fault>) {
        self.gateways[gateway].records.faults.lock().extend(faults);
    }

    pub(super) async fn create(&self, gateway: usize, number: &str) -> Result<NumberId> {
        self.at(gateway).create_number(&scope(), new_number(number), None).await
    }

    pub(super) async fn lift_quotas(&self) {
        for Gateway { store, .. } in &self.gateways {
            store.set_rules(Rules { usual_quotas: Quotas::default(), ..rules() }).await.unwrap();
        }
    }

    pub(super) fn have_no_more_faults(&self) {
        self.gateways.iter().for_each(|gateway| gateway.records.faults.lock().clear());
    }

    async fn knows(&self, gateway: usize, number: &str) -> Result<bool> {
        let number = Number::new(number).unwrap();
        Ok(self.at(gateway).number(&scope(), number).await?.is_some())
    }

    async fn lend(&self, gateway: usize, holder: &str) -> Result<Lent> {
        self.at(gateway).lend(&scope(), lend(holder, Source::Anywhere), None).await
    }

    /// What each gateway's state and readers know, and what the log has, all of them the same.
    pub(super) async fn check_same(&self) {
        self.at(0).wait_for_writer().await.unwrap();
        let expected = self.shared.tables();
        for (at, Gateway { store, .. }) in self.gateways.iter().enumerate() {
            let look = move |context: &mut CommandContext<'_>| {
                let mut anew = State::new(context.state.tables().clone(), context.state.rules().clone());
                let turn = context.turn();
                let pools = turn.pools();
                let mut rng = StdRng::seed_from_u64(1);
                let mut again = anew.at(context.now, &mut rng).pools();
                again.sort_by(|one, other| (&one.scope, &one.group).cmp(&(&other.scope, &other.group)));
                Ok((context.state.tables().clone(), context.state.next_ending(), anew.next_ending(), pools, again))
            };
            let (tables, ending, ending_anew, mut pools, again) = store.write(look).await.unwrap();
            pools.sort_by(|one, other| (&one.scope, &one.group).cmp(&(&other.scope, &other.group)));
            assert_eq!((ending, pools), (ending_anew, again), "what gateway {at} has worked out");
            assert!(tables == self.shared.tables(), "the state of gateway {at}");
        }
        assert!(self.shared.tables() == expected, "nothing was left to be decided");
        for (at, Gateway { store, .. }) in self.gateways.iter().enumerate() {
            store.read(|tables, _| assert!(*tables == expected, "what readers of gateway {at} see")).await.unwrap();
        }
    }
}

impl Gateway {
    fn new(shared: &Arc<Shared>, clock: &Arc<ManualClock>, seed: u64) -> Self {
        let log = SharedLog::new(shared);
        let records = Arc::clone(log.records());
        let beginning = Beginning {
            log,
            status: Status::default(),
            tables: Tables::default(),
            last_commit: Timestamp::default(),
            rules: rules(),
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            rng: StdRng::seed_from_u64(seed),
            observer: Arc::new(()),
        };
        Self { store: Engine::start(beginning).unwrap(), records }
    }
}

pub(super) fn lend(holder: &str, source: Source) -> Lend {
    Lend {
        holder: Holder::Any(InteractionId::new(holder).unwrap()),
        source,
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(10),
        interaction_ttl: Seconds::new(12),
        code: CodeShape::new(1, None).ok(),
        caller: None,
        data: Vec::new(),
        data_ttl: None,
        application: None,
    }
}

fn large(length: usize) -> Vec<NewEntry> {
    let bytes = vec![b'x'; length].into();
    vec![NewEntry { key: EntryKey::new("text").unwrap(), content: Content::Text, bytes }]
}

pub(super) fn is_unavailable<T: std::fmt::Debug>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Unavailable(_)))
}

#[tokio::test]
async fn what_one_gateway_has_acknowledged_every_other_one_respects_at_once() {
    let (cluster, [one, other]) = Cluster::two();
    cluster.create(one, "1").await.unwrap();
    assert!(cluster.knows(other, "1").await.unwrap(), "a read");
    let lent = cluster.lend(one, "a").await.unwrap();
    assert!(matches!(cluster.lend(other, "b").await, Err(Error::Refused(Refusal::Exhausted { .. }))), "a refusal");
    let pools = cluster.at(other).pools().await.unwrap();
    assert_eq!((pools[0].free, pools[0].allocated), (0, 1), "a look at the state");
    let criteria = Criteria { number: lent.allocation.number, code: None, caller: None, late: LateCalls::Ignored };
    let matched =
        cluster.at(other).match_call(&scope(), criteria, Which::Newest, AfterMatch::Keep, WithData::No).await.unwrap();
    assert_eq!(matched[0].found.allocation, lent.allocation, "a match");
    assert_eq!(cluster.at(one).free(&scope(), lent.allocation.number).await.unwrap(), None, "it was freed there");
    cluster.check_same().await;
}

#[tokio::test]
async fn a_batch_that_was_overtaken_is_undone_and_decided_again_over_what_came_between() {
    let (cluster, [one, other]) = Cluster::two();
    cluster.create(one, "1").await.unwrap();
    cluster.fail(one, [Fault::Overtaken]);
    let (slow, fast) = tokio::join!(cluster.lend(one, "a"), async {
        // The first one waits in the middle of its commit until somebody has overtaken it.
        while !cluster.gateways[one].records.faults.lock().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        cluster.lend(other, "b").await
    });
    assert!(fast.is_ok());
    assert!(matches!(slow, Err(Error::Refused(Refusal::Exhausted { .. }))), "{slow:?}");
    cluster.check_same().await;
}

#[tokio::test]
async fn a_command_is_carried_out_as_often_as_its_batch_is_undone_and_its_last_outcome_counts() {
    let (cluster, [one, _]) = Cluster::two();
    cluster.fail(one, [Fault::Undone; 3]);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let outcome = cluster.at(one).write(move |context| {
        let run = counted.fetch_add(1, Ordering::Relaxed);
        Ok((run, context.turn().create_number(&scope(), new_number("1"))?))
    });
    assert_eq!(outcome.await, Ok((3, NumberId(1))), "nothing is left of the times before, ids neither");
    cluster.fail(one, [Fault::Undone; 10]);
    assert!(is_unavailable(&cluster.create(one, "2").await), "not for ever");
    assert_eq!(cluster.create(one, "2").await, Ok(NumberId(2)));
    cluster.check_same().await;
}

#[tokio::test]
async fn while_the_log_is_away_callers_hear_so_and_everything_goes_on_when_it_is_back() {
    let (cluster, [one, other]) = Cluster::two();
    cluster.create(one, "1").await.unwrap();
    for fault in [Fault::NotBegun, Fault::Lost] {
        cluster.fail(one, [fault]);
        assert!(is_unavailable(&cluster.create(one, "2").await), "{fault:?}");
        assert_eq!(cluster.at(one).ready().await, Ok(()), "{fault:?}: it is for now");
        assert!(!cluster.knows(one, "2").await.unwrap() && !cluster.knows(other, "2").await.unwrap(), "{fault:?}");
    }
    assert_eq!(cluster.create(one, "2").await, Ok(NumberId(2)));
    cluster.check_same().await;
}

#[tokio::test]
async fn a_commit_whose_outcome_was_not_known_comes_back_once_if_it_was_made() {
    let (cluster, [one, other]) = Cluster::two();
    cluster.fail(one, [Fault::Unknown]);
    assert!(is_unavailable(&cluster.create(one, "1").await));
    assert!(cluster.knows(one, "1").await.unwrap() && cluster.knows(other, "1").await.unwrap());
    assert_eq!(cluster.create(one, "1").await, Err(Refusal::NumberExists(Number::new("1").unwrap()).into()));
    assert_eq!(cluster.shared.len(), 1);
    cluster.check_same().await;
}

#[tokio::test]
async fn where_the_log_has_lost_commits_everything_is_taken_from_it_anew_and_nothing_is_read_before() {
    let (cluster, [one, other]) = Cluster::two();
    for number in ["1", "2"] {
        cluster.create(one, number).await.unwrap();
    }
    assert!(cluster.knows(other, "2").await.unwrap());
    cluster.shared.lose(1);
    assert!(is_unavailable(&cluster.knows(other, "2").await), "what is known is not what is true");
    assert_eq!(cluster.create(one, "3").await, Ok(NumberId(2)), "the id was never given, as far as the log knows");
    cluster.at(other).sweep().await.unwrap();
    assert!(!cluster.knows(other, "2").await.unwrap() && cluster.knows(other, "3").await.unwrap());
    cluster.check_same().await;
}

#[tokio::test]
async fn a_batch_of_nothing_but_refusals_and_looks_leaves_nothing_in_the_log() {
    let (cluster, [one, other]) = Cluster::two();
    cluster.create(one, "1").await.unwrap();
    cluster.create(other, "1").await.unwrap_err();
    cluster.at(other).usages().await.unwrap();
    cluster.at(other).sweep().await.unwrap();
    assert_eq!(cluster.shared.len(), 1);
    cluster.create(one, "2").await.unwrap();
}

#[tokio::test]
async fn a_command_that_panics_ends_its_batch_in_the_log_too() {
    let (cluster, [one, other]) = Cluster::two();
    let panic = |context: &mut CommandContext<'_>| -> Result<()> {
        context.turn().create_number(&scope(), new_number("1"))?;
        panic!("a mistake in a rule");
    };
    assert!(is_unavailable(&cluster.at(one).write(panic).await));
    assert_eq!(cluster.create(other, "2").await, Ok(NumberId(1)));
    assert_eq!(cluster.create(one, "1").await, Ok(NumberId(2)));
    cluster.check_same().await;
}

#[tokio::test]
async fn while_nobody_calls_one_alone_ends_what_is_due_and_the_others_follow() {
    let (cluster, [one, other]) = Cluster::two();
    cluster.create(one, "1").await.unwrap();
    cluster.lend(one, "a").await.unwrap();
    cluster.gateways[other].records.ends_due.store(false, Ordering::SeqCst);
    cluster.clock.advance(Seconds::new(11));
    let before = cluster.shared.len();
    cluster.at(other).sweep().await.unwrap();
    cluster.at(other).pools().await.unwrap();
    assert_eq!(cluster.shared.len(), before, "neither a sweep nor a look");
    cluster.at(one).sweep().await.unwrap();
    assert_eq!(cluster.shared.len(), before + 1);
    assert_eq!(cluster.at(other).pools().await.unwrap()[0].free, 1);
    cluster.clock.advance(Seconds::new(2));
    cluster.create(other, "2").await.unwrap();
    let id = InteractionId::new("a").unwrap();
    assert!(cluster.shared.tables().known_interaction(&scope(), &id).is_none(), "a command ends what is due anywhere");
    cluster.check_same().await;
}

#[tokio::test]
async fn whoever_is_poked_takes_in_what_others_have_committed_though_nobody_calls() {
    let (cluster, [one, other]) = Cluster::two();
    cluster.create(one, "1").await.unwrap();
    let poke = cluster.gateways[other].records.poke.lock().clone().unwrap();
    poke.poke();
    let known = || {
        cluster.at(other).read_known(|tables, now| tables.number(&scope(), Number::new("1").unwrap(), now).is_some())
    };
    tokio::time::timeout(Duration::from_secs(60), async {
        while !known() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .unwrap();
    cluster.at(other).close().await;
    poke.poke();
    assert!(is_unavailable(&cluster.knows(other, "1").await), "a poke keeps nothing open");
}

#[tokio::test]
async fn an_import_counts_everywhere_at_once_and_its_ids_are_nobody_elses() {
    let (cluster, [one, other]) = Cluster::two();
    let mut import = cluster.at(one).import_numbers(&scope(), Existing::Refuse).await.unwrap();
    let row = |line, number| ImportRow { line, number: new_number(number) };
    assert_eq!(import.stage(vec![row(1, "1"), row(2, "2")]).await, Ok(Vec::new()));
    assert_eq!(cluster.create(other, "3").await, Ok(NumberId(3)), "two ids were given to rows");
    cluster.fail(one, [Fault::Undone]);
    assert_eq!(import.commit().await, Ok(Imported::Done { created: 2, skipped: 0 }), "though it was undone once");
    assert!(cluster.knows(other, "2").await.unwrap());
    cluster.check_same().await;
}

#[tokio::test]
async fn a_value_that_another_gateway_drops_is_never_told_to_be_missing() {
    let (cluster, [one, other]) = Cluster::two();
    let ttl = Seconds::new(60);
    let id = cluster.at(one).create_document(&scope(), large(5_000), ttl, None, None).await.unwrap();
    let read = async |gateway: usize| {
        let document = cluster.at(gateway).document(&scope(), id.into()).await.unwrap();
        document.map(|document| match &document.entries[0].1 {
            LoadedValue::Text(text) => text.len(),
            LoadedValue::File { .. } => panic!("it is a text"),
        })
    };
    assert_eq!(read(other).await, Some(5_000));
    cluster.at(other).merge_document(&scope(), id.into(), large(6_000), None, None).await.unwrap();
    assert_eq!(read(one).await, Some(6_000));
    cluster.at(one).delete_document(&scope(), id.into()).await.unwrap();
    assert_eq!(read(other).await, None);
}

/// Runs callers on several threads, as the server does.
pub(super) fn run_on_threads(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(work);
}

#[tokio::test]
async fn while_much_falls_due_no_gateway_decides_as_of_an_earlier_time_than_another_has() {
    let (cluster, [one, other]) = Cluster::two();
    let begin = async |gateway: usize, id: &str, lasting: Option<Seconds>| {
        let new = NewInteraction { lasting, ..InteractionId::new(id).unwrap().into() };
        cluster.at(gateway).create_interaction(&scope(), new, None).await.unwrap().since
    };
    cluster.lift_quotas().await;
    // Or there is nothing left to do a moment later.
    cluster.gateways.iter().for_each(|gateway| gateway.records.ends_due.store(false, Ordering::SeqCst));
    for at in 0..400 {
        begin(one, &format!("{at}"), Some(Seconds::new(1))).await;
        cluster.clock.advance_millis(u64::from(at % 4 == 0));
    }
    cluster.clock.advance(Seconds::new(1));
    let mut latest = Timestamp::default();
    for at in 0..40 {
        let since = begin(if at % 2 == 0 { one } else { other }, &format!("new {at}"), None).await;
        assert!(latest <= since, "call {at}");
        latest = since;
    }
    assert!(latest > Timestamp::default());
    cluster.check_same().await;
}

/// One step of a history.
#[derive(Clone, Debug)]
enum Step {
    Create { number: usize, group: usize },
    Move { number: usize, group: usize },
    Delete { number: usize },
    Import { numbers: Vec<usize> },
    Lend { holder: usize, group: usize, data: Option<usize> },
    Free { number: usize },
    Match { number: usize, late: bool, delete: bool },
    Write { length: usize },
    Drop { document: usize },
    End { holder: usize },
    Sweep,
    Lose { last: usize },
    Wait { milliseconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (number, group, holder) = (0..NUMBERS.len(), 0..GROUPS.len(), 0..HOLDERS.len());
    let length = || prop_oneof![0usize..20, 3_900usize..9_000];
    prop_oneof![
        6 => (number.clone(), group.clone()).prop_map(|(number, group)| Step::Create { number, group }),
        1 => (number.clone(), group.clone()).prop_map(|(number, group)| Step::Move { number, group }),
        1 => number.clone().prop_map(|number| Step::Delete { number }),
        1 => proptest::collection::vec(number.clone(), 1..4).prop_map(|numbers| Step::Import { numbers }),
        8 => (holder.clone(), group, proptest::option::of(length()))
            .prop_map(|(holder, group, data)| Step::Lend { holder, group, data }),
        2 => number.clone().prop_map(|number| Step::Free { number }),
        3 => (number, any::<bool>(), any::<bool>()).prop_map(|(number, late, delete)| Step::Match { number, late, delete }),
        1 => length().prop_map(|length| Step::Write { length }),
        1 => (0usize..4).prop_map(|document| Step::Drop { document }),
        1 => holder.prop_map(|holder| Step::End { holder }),
        1 => Just(Step::Sweep),
        1 => (1usize..4).prop_map(|last| Step::Lose { last }),
        3 => (0u64..6_000).prop_map(|milliseconds| Step::Wait { milliseconds }),
    ]
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    let faults = vec![Fault::NotBegun, Fault::Undone, Fault::Lost, Fault::Unknown];
    proptest::option::weighted(0.25, proptest::sample::select(faults))
}

impl Cluster {
    /// Whether the step was refused, or not known to be done, does not matter here.
    async fn play(&self, gateway: usize, step: &Step, documents: &mut Vec<DocumentId>) {
        let (store, scope) = (self.at(gateway), &scope());
        let number = |at: usize| Number::new(NUMBERS[at]).unwrap();
        let entries = |length: Option<usize>| length.map(large).unwrap_or_default();
        match *step {
            Step::Create { number: at, group: of } => {
                let new = NewNumber { group: Some(group(GROUPS[of])), ..new_number(NUMBERS[at]) };
                drop(store.create_number(scope, new, None).await);
            }
            Step::Move { number: at, group: of } => {
                let patch = crate::domain::NumberPatch { group: Some(Some(group(GROUPS[of]))), ..Default::default() };
                drop(store.update_number(scope, number(at), patch).await);
            }
            Step::Delete { number: at } => drop(store.delete_number(scope, number(at)).await),
            Step::Import { ref numbers } => {
                let rows = (1..).zip(numbers).map(|(line, at)| ImportRow { line, number: new_number(NUMBERS[*at]) });
                if let Ok(mut import) = store.import_numbers(scope, Existing::Skip).await
                    && import.stage(rows.collect()).await.is_ok_and(|bad| bad.is_empty())
                {
                    drop(import.commit().await);
                }
            }
            Step::Lend { holder, group: of, data } => {
                let source = Source::Group { name: group(GROUPS[of]), fallbacks: Vec::new() };
                let lend = Lend { data: entries(data), ..lend(HOLDERS[holder], source) };
                documents.extend(store.lend(scope, lend, None).await.map(|lent| lent.interaction.data));
            }
            Step::Free { number: at } => drop(store.free(scope, number(at)).await),
            Step::Match { number: at, late, delete } => {
                let late = if late { LateCalls::Recognised } else { LateCalls::Ignored };
                let after = if delete { AfterMatch::Delete } else { AfterMatch::Keep };
                let criteria = Criteria { number: number(at), code: None, caller: None, late };
                drop::<Result<Vec<Matched>>>(store.match_call(scope, criteria, Which::All, after, WithData::Yes).await);
            }
            Step::Write { length } => {
                documents.extend(store.create_document(scope, large(length), Seconds::new(8), None, None).await);
            }
            Step::Drop { document } => {
                if let Some(id) = documents.iter().rev().nth(document) {
                    drop(store.delete_document(scope, (*id).into()).await);
                }
            }
            Step::End { holder } => {
                drop(store.delete_interaction(scope, &InteractionId::new(HOLDERS[holder]).unwrap()).await);
            }
            Step::Sweep => drop(store.sweep().await),
            Step::Lose { last } => self.shared.lose(last.min(usize::try_from(self.shared.len()).unwrap())),
            Step::Wait { milliseconds } => self.clock.advance_millis(milliseconds),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn gateways_come_to_the_same_whatever_they_do_and_whatever_the_log_does(
        steps in proptest::collection::vec((0usize..3, step(), fault()), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (cluster, mut documents) = (Cluster::new(3), Vec::new());
            for (gateway, step, fault) in &steps {
                cluster.fail(*gateway, *fault);
                cluster.play(*gateway, step, &mut documents).await;
            }
            cluster.have_no_more_faults();
            cluster.check_same().await;
        });
    }
}
