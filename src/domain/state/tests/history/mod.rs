//! Random histories: whatever happens in whatever order, the promises hold.

mod checked;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::{
    CodePrefix, Digest, DocumentRef, HistoryRules, IdempotencyKey, IdempotentRequest, Quotas, Sharing, UsageRules,
};
use checked::Checked;

const NUMBERS: [&str; 6] = ["1", "2", "3", "40", "41", "42"];
const GROUPS: [Option<&str>; 4] = [None, Some("g"), Some("h"), Some("s")];
const HOLDERS: [&str; 3] = ["a", "b", "c"];
const CALLERS: [&str; 2] = ["555", "777"];
const OWNERS: [&str; 2] = ["ann", "bob"];

/// The two scopes of a history; both have the same numbers, groups, holders and owners.
fn scopes() -> [Scope; 2] {
    [scope(), other_scopes()[1].clone()]
}

/// One step of a history; the numbers in it pick from the lists above, or from what exists.
#[derive(Clone, Debug)]
enum Step {
    Create {
        number: usize,
        group: usize,
        enabled: bool,
    },
    Update {
        number: usize,
        group: Option<usize>,
        enabled: Option<bool>,
    },
    Delete {
        number: usize,
    },
    Lend(Lending),
    Free {
        number: usize,
    },
    /// One of the allocations that run, by its id.
    FreeOne {
        at: usize,
    },
    Renew {
        at: usize,
        lasting: u64,
    },
    Match {
        number: usize,
        code: CodeKind,
        caller: Option<usize>,
        late: LateCalls,
        which: Which,
        after: AfterMatch,
    },
    Begin {
        holder: usize,
        never: bool,
    },
    End {
        holder: usize,
    },
    Write {
        ttl: u64,
        data: usize,
    },
    Merge {
        document: Named,
        ttl: Option<u64>,
        data: usize,
    },
    Drop {
        document: Named,
    },
    DropEntry {
        document: Named,
        key: &'static str,
    },
    Wait {
        milliseconds: u64,
    },
    Reload {
        rules: usize,
    },
    Restart,
}

#[derive(Clone, Debug)]
struct Lending {
    holder: Option<usize>,
    group: usize,
    fallback: Option<usize>,
    repeat: Repeat,
    origin: LentBy,
    lasting: u64,
    ttl: u64,
    code: Option<CodeShape>,
    caller: Option<usize>,
    data: usize,
    /// One of few keys, and which of two requests comes under it.
    idempotency: Option<(usize, bool)>,
}

/// The code that a caller gives.
#[derive(Clone, Copy, Debug)]
enum CodeKind {
    None,
    Wrong,
    /// That of one of the running allocations.
    Of(usize),
}

/// A document, as it is named: one of those made so far, or one that an owner keeps.
#[derive(Clone, Copy, Debug)]
enum Named {
    Made(usize),
    OwnedBy(usize),
}

impl Lending {
    fn lend(&self) -> Lend {
        let at = |at: usize| GROUPS[at].map(group);
        let source = match at(self.group) {
            None => Source::Anywhere,
            Some(name) => Source::Group { name, fallbacks: self.fallback.and_then(at).into_iter().collect() },
        };
        Lend {
            holder: self.holder.map_or(Holder::New, |at| Holder::Any(interaction(HOLDERS[at]))),
            source,
            origin: self.origin,
            repeat: self.repeat,
            lasting: Seconds::new(self.lasting),
            interaction_ttl: Seconds::new(self.ttl),
            code: self.code,
            caller: self.caller.map(caller),
            data: entries(self.data),
            data_ttl: (self.ttl.is_multiple_of(3)).then_some(Seconds::new(self.lasting)),
            application: None,
        }
    }
}

fn idempotency(at: usize, other: bool) -> IdempotentRequest {
    let request: &[u8] = if other { b"another" } else { b"one" };
    IdempotentRequest { key: IdempotencyKey::new(&format!("key-{at}")).unwrap(), digest: Digest::of([request]) }
}

fn caller(at: usize) -> Caller {
    Caller::new(CALLERS[at]).unwrap()
}

fn entries(data: usize) -> Vec<NewEntry> {
    if data == 0 { Vec::new() } else { vec![entry("k", &vec![b'x'; data]), text("m", "y")] }
}

/// The rules that a reload can bring. `g` and `s` differ in sharing, rests and reserved numbers; the last ones configure
/// nothing, so that everything is exclusive.
fn rules(policy: Policy) -> [Rules; 4] {
    let of = |sharing, cool_down, reserved: &[&str]| GroupRules {
        policy,
        sharing,
        cool_down: Seconds::new(cool_down),
        reserved: reserved.iter().map(|text| num(text)).collect(),
    };
    let with = |groups: Vec<(GroupName, GroupRules)>| Rules {
        groups: scopes().map(|scope| (scope.tenant, groups.iter().cloned().collect())).into(),
        documents_total: 30_000,
        document_entries: 2,
        call_centers: [].into(),
        value_bytes: 2_500,
        quotas: Default::default(),
        usual_quotas: Quotas {
            matches: 2,
            documents: 14,
            interactions: 6,
            bookings: 5,
            keys: 3,
            history: 12,
            ..Quotas::default()
        },
        history: HistoryRules { days: 1, entries: 20 },
        usage: UsageRules { entries: 20 },
        ..Rules::default()
    };
    let (g, s) = (group("g"), group("s"));
    [
        with(vec![(g.clone(), of(Sharing::Exclusive, 0, &[])), (s.clone(), of(Sharing::Shared, 4, &[]))]),
        with(vec![(g.clone(), of(Sharing::Exclusive, 6, &["3"])), (s.clone(), of(Sharing::Shared, 0, &["2"]))]),
        with(vec![(g, of(Sharing::Shared, 7, &["40"])), (s, of(Sharing::Exclusive, 3, &[]))]),
        with(Vec::new()),
    ]
}

fn lending() -> impl Strategy<Value = Lending> {
    let one_of_ten = CodeShape::new(2, CodePrefix::new(7, 7)).unwrap();
    let shapes = vec![None, Some(CodeShape::DEFAULT), Some(CodeShape::new(1, None).unwrap()), Some(one_of_ten)];
    let repeats = vec![Repeat::SameNumber, Repeat::SameNumberOfGroup, Repeat::AnotherNumber];
    let place = (0..GROUPS.len(), proptest::option::of(0..GROUPS.len()));
    (
        proptest::option::of(0..HOLDERS.len()),
        place,
        select(repeats),
        prop_oneof![3 => Just(LentBy::Gms), 1 => Just(LentBy::Interact)],
        (0u64..20, 0u64..30),
        select(shapes),
        proptest::option::of(0..CALLERS.len()),
        data(),
        proptest::option::of((0usize..3, prop::bool::weighted(0.1))),
    )
        .prop_map(
            |(holder, (group, fallback), repeat, origin, (lasting, ttl), code, caller, data, idempotency)| Lending {
                holder,
                group,
                fallback,
                repeat,
                origin,
                lasting,
                ttl,
                code,
                caller,
                data,
                idempotency,
            },
        )
}

fn data() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0usize), 1usize..40, 1_000usize..3_000]
}

fn calling() -> impl Strategy<Value = Step> {
    let code =
        prop_oneof![2 => Just(CodeKind::None), 1 => Just(CodeKind::Wrong), 4 => (0usize..6).prop_map(CodeKind::Of)];
    let caller = proptest::option::of(0..CALLERS.len());
    let late = select(vec![LateCalls::Ignored, LateCalls::Recognised]);
    let which = select(vec![Which::Newest, Which::All]);
    let after = select(vec![AfterMatch::Keep, AfterMatch::Delete]);
    (0..NUMBERS.len(), code, caller, late, which, after)
        .prop_map(|(number, code, caller, late, which, after)| Step::Match { number, code, caller, late, which, after })
}

fn step() -> impl Strategy<Value = Step> {
    let (number, group, holder) = (0..NUMBERS.len(), 0..GROUPS.len(), 0..HOLDERS.len());
    let ttl = 0u64..20;
    let named = || prop_oneof![4 => (0usize..8).prop_map(Named::Made), 1 => (0..OWNERS.len()).prop_map(Named::OwnedBy)];
    prop_oneof![
        4 => (number.clone(), group.clone(), prop::bool::weighted(0.9))
            .prop_map(|(number, group, enabled)| Step::Create { number, group, enabled }),
        2 => (number.clone(), proptest::option::of(group), any::<Option<bool>>())
            .prop_map(|(number, group, enabled)| Step::Update { number, group, enabled }),
        1 => number.clone().prop_map(|number| Step::Delete { number }),
        10 => lending().prop_map(Step::Lend),
        3 => number.prop_map(|number| Step::Free { number }),
        1 => (0usize..6).prop_map(|at| Step::FreeOne { at }),
        2 => (0usize..6, 0u64..20).prop_map(|(at, lasting)| Step::Renew { at, lasting }),
        4 => calling(),
        1 => (holder.clone(), any::<bool>()).prop_map(|(holder, never)| Step::Begin { holder, never }),
        1 => holder.prop_map(|holder| Step::End { holder }),
        1 => (ttl.clone(), data()).prop_map(|(ttl, data)| Step::Write { ttl, data }),
        3 => (named(), proptest::option::of(ttl), data())
            .prop_map(|(document, ttl, data)| Step::Merge { document, ttl, data }),
        1 => named().prop_map(|document| Step::Drop { document }),
        1 => (named(), select(vec!["k", "m"])).prop_map(|(document, key)| Step::DropEntry { document, key }),
        5 => prop_oneof![9 => 0u64..9_000, 1 => 0u64..100_000_000].prop_map(|milliseconds| Step::Wait { milliseconds }),
        1 => (0usize..4).prop_map(|rules| Step::Reload { rules }),
        1 => Just(Step::Restart),
    ]
}

/// Steps, each with the scope it is taken in.
fn steps(one: impl Strategy<Value = Step>) -> impl Strategy<Value = Vec<(usize, Step)>> {
    proptest::collection::vec((prop_oneof![4 => Just(0usize), 1 => Just(1)], one), 1..80)
}

/// A history without what makes the number lent last leave its group: round robin cannot know it after a restart.
fn steady_step() -> impl Strategy<Value = Step> {
    step().prop_map(|step| match step {
        Step::Update { number, enabled, .. } => Step::Update { number, group: None, enabled },
        Step::Delete { number } => Step::Free { number },
        Step::Restart => Step::Wait { milliseconds: 1 },
        other => other,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_history_lends_a_number_twice_loses_one_confuses_calls_or_leaves_a_document_without_an_end(
        policy in select(policies().to_vec()),
        steps in steps(step()),
    ) {
        let mut checked = Checked::new(rules(policy));
        for (at, step) in &steps {
            checked.take(*at, step);
            checked.check();
        }
        checked.check_nothing_is_lost();
    }

    #[test]
    fn a_restart_at_any_point_changes_no_later_outcome(
        policy in select(vec![Policy::RoundRobin, Policy::LeastRecentlyFreed]),
        before in steps(steady_step()),
        after in steps(steady_step()),
    ) {
        let (mut running, mut restarted) = (Checked::new(rules(policy)), Checked::new(rules(policy)));
        for (at, step) in &before {
            running.take(*at, step);
            restarted.take(*at, step);
        }
        restarted.take(0, &Step::Restart);
        for (at, step) in &after {
            prop_assert_eq!(running.take(*at, step), restarted.take(*at, step), "{:?}", step);
        }
    }
}
