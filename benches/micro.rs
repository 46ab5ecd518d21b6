//! Micro benchmarks, one function and one group a floor: `cargo bench --bench micro -- soap`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dnis_gateway::domain::state::{Holder, Lend, Repeat, Source};
use dnis_gateway::domain::{
    CodeShape, GroupName, GroupRules, InteractionId, LentBy, NewNumber, Number, Policy, Rules, Scope, Seconds, State,
    Tables, TenantId, Timestamp,
};
use dnis_gateway::media::ContentType;
use dnis_gateway::soap::action::Action;
use dnis_gateway::soap::deviation::{Described, compare};
use dnis_gateway::soap::envelope::{self, Envelope, FieldLookup, FieldValue};
use dnis_gateway::soap::media::Media;
use dnis_gateway::soap::tally::Tally;
use dnis_gateway::soap::{answer, version::Version};
use dnis_gateway::xml::{guard, limits::Limits};
use rand::SeedableRng;
use rand::rngs::StdRng;
use yaserde::YaSerialize;

/// The request that the vendor documents for freeing a number.
const REQUEST: &str = r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap="http://com/jacada/interact/dnis/soap">
<soapenv:Header/>
<soapenv:Body>
<soap:FreeDnisAllocationRequest>
<soap:phone>222</soap:phone>
</soap:FreeDnisAllocationRequest>
</soapenv:Body>
</soapenv:Envelope>"#;

const NAMESPACE: &str = "http://com/jacada/interact/dnis/soap";

#[derive(YaSerialize)]
struct ResultOf {
    #[yaserde(prefix = "ns2")]
    result: String,
}

/// What a request costs before a dialect looks at it, and what its answer costs after.
fn soap(criterion: &mut Criterion) {
    let limits = Limits::default();
    let media = Media::of(Some(ContentType::parse("text/xml; charset=UTF-8"))).expect("an XML type");
    let tally = Tally::default();
    let document = envelope::admit(REQUEST.as_bytes(), &media, &limits, &tally).expect("a well-formed request");

    let mut group = criterion.benchmark_group("soap");
    group.throughput(Throughput::Bytes(REQUEST.len() as u64));
    group.bench_function("guard", |bencher| {
        bencher.iter(|| guard::admit(black_box(REQUEST.as_bytes()), None, &limits).is_ok());
    });
    group.bench_function("envelope", |bencher| {
        bencher.iter(|| Envelope::open(black_box(&document), &media).is_ok());
    });
    let described = Described {
        service: NAMESPACE,
        operation: "FreeDnisAllocation",
        element: "FreeDnisAllocationRequest",
        fields: &["phone"],
        parts: &[],
        aliases: &[NAMESPACE],
    };
    let action = Action::of(Some("\"http://com/jacada/interact/dnis/soap/FreeDnisAllocation\""));
    group.bench_function("guard, envelope, comparison and field", |bencher| {
        bencher.iter(|| {
            let document =
                envelope::admit(black_box(REQUEST.as_bytes()), &media, &limits, &tally).expect("well-formed");
            let envelope = Envelope::open(&document, &media).expect("an envelope");
            let fields = envelope.fields().expect("fields alone");
            let as_described = compare(&envelope, fields, &media, action, &described).is_empty();
            let phone = fields.find("phone", &[NAMESPACE]);
            as_described && matches!(phone, FieldLookup::Once(FieldValue::Text(phone)) if phone == "222")
        });
    });
    group.bench_function("answer", |bencher| {
        bencher.iter(|| {
            let response = ResultOf { result: black_box("Success").to_owned() };
            let payload = answer::payload(NAMESPACE, "FreeDnisAllocationResponse", &response).expect("plain text");
            answer::write(Version::V11, &payload)
        });
    });
    group.finish();
}

/// A pure state with one group of numbers, and all that a lending from it takes.
struct Pool {
    state: State,
    rng: StdRng,
    /// Milliseconds that have passed; a little goes by with every command.
    now: u64,
    scope: Scope,
    lend: Lend,
}

impl Pool {
    /// A group of `size` numbers under a policy; half of them have been lent before.
    fn new(policy: Policy, size: u32) -> Self {
        let scope = Scope { tenant: TenantId::new("bench").expect("a name"), environment: None };
        let group = GroupName::new("pool").expect("a name");
        let groups =
            [(scope.tenant.clone(), [(group.clone(), GroupRules { policy, ..GroupRules::default() })].into())].into();
        let lend = Lend {
            holder: Holder::Any(InteractionId::new("caller").expect("a name")),
            source: Source::group(group.clone()),
            origin: LentBy::Gms,
            repeat: Repeat::AnotherNumber,
            lasting: Seconds::new(300),
            interaction_ttl: Seconds::new(3600),
            code: Some(CodeShape::DEFAULT),
            caller: None,
            data: Vec::new(),
            data_ttl: None,
            application: None,
        };
        let state = State::new(Tables::default(), Rules { groups, ..Rules::default() });
        let mut pool = Self { state, rng: StdRng::seed_from_u64(1), now: 0, scope, lend };
        for at in 0..size {
            let number = Number::new(&format!("8{at:09}")).expect("digits");
            let new = NewNumber { number, dnid: number, group: Some(group.clone()), enabled: true };
            let mut turn = pool.state.at(Timestamp::default(), &mut pool.rng);
            turn.create_number(&pool.scope, new).expect("a new number");
        }
        for _ in 0..size / 2 {
            pool.lend_and_free();
        }
        pool
    }

    /// What a store does for a lending and a freeing, without the disk; how many changes it would have to keep.
    fn lend_and_free(&mut self) -> usize {
        let Self { state, rng, now, scope, lend } = self;
        *now += 1;
        let lent = state.at(Timestamp::from_millis(*now), rng).lend(scope, black_box(&*lend).clone());
        let number = lent.expect("a free number").allocation.number;
        let changes = state.take_changes().len();
        *now += 1;
        state.at(Timestamp::from_millis(*now), rng).free(scope, number).expect("a known number");
        changes + state.take_changes().len()
    }
}

/// What a lending and a freeing cost on the pure state, and that the size of the pool hardly matters.
fn state(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("state");
    for policy in [Policy::RoundRobin, Policy::Random, Policy::LeastRecentlyFreed] {
        for size in [1_000, 100_000] {
            let mut pool = Pool::new(policy, size);
            group.bench_function(format!("lend and free, {policy:?}, {size} numbers"), |bencher| {
                bencher.iter(|| pool.lend_and_free());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, soap, state);
criterion_main!(benches);
