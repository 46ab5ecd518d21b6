//! Micro benchmarks, one function and one group a floor: `cargo bench --bench micro -- soap`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dnis_gateway::soap::envelope::{self, Envelope, Found, Value};
use dnis_gateway::soap::media::Media;
use dnis_gateway::soap::tally::Tally;
use dnis_gateway::soap::{answer, version::Version};
use dnis_gateway::xml::{guard, limits::Limits};
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
    let media = Media::of(Some("text/xml; charset=UTF-8")).expect("an XML type");
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
    group.bench_function("guard, envelope and field", |bencher| {
        bencher.iter(|| {
            let document =
                envelope::admit(black_box(REQUEST.as_bytes()), &media, &limits, &tally).expect("well-formed");
            let envelope = Envelope::open(&document, &media).expect("an envelope");
            let fields = envelope.fields().expect("fields alone");
            matches!(fields.find("phone", &[NAMESPACE]), Found::Once(Value::Text(phone)) if phone == "222")
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

criterion_group!(benches, soap);
criterion_main!(benches);
