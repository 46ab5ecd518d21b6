//! What must hold of the gateway's readers whatever bytes they are given.
//!
//! One function a target. The fuzzer calls them with what it makes up; `tests/corpus.rs` calls them with the committed
//! corpus, on stable, so that nothing once found comes back. A panic is a finding.

use std::sync::{Arc, LazyLock};

use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use bytes::Bytes;
use dnis_gateway::access::Access;
use dnis_gateway::config::Settings;
use dnis_gateway::dialect::gms::Gms;
use dnis_gateway::dialect::{Answer, Call, Dialect, Head, PublicAddress};
use dnis_gateway::domain::{Rules, Timestamp};
use dnis_gateway::media::ContentType;
use dnis_gateway::soap::envelope::{self, Envelope};
use dnis_gateway::soap::media::Media;
use dnis_gateway::soap::tally::Tally;
use dnis_gateway::soap::version::Version;
use dnis_gateway::store::ManualClock;
use dnis_gateway::store::memory::MemoryStore;
use dnis_gateway::xml::guard::admit;
use dnis_gateway::xml::limits::Limits;
use dnis_gateway::xml::reader::{Event, Reader};
use dnis_gateway::xml::refusal::Reason;

/// The guard gives a verdict on any bytes, in every encoding the transport may name; what it admits the reader reads to
/// the end without finding fault, every element closed.
pub fn guard(input: &[u8]) {
    for charset in [None, Some("utf-8"), Some("utf-16"), Some("utf-16be"), Some("latin1")] {
        match admit(input, charset, &Limits::default()) {
            Ok(document) => {
                assert!(input.len() <= Limits::default().bytes, "longer than allowed");
                let mut reader = Reader::new(&document);
                let mut open = 0_usize;
                loop {
                    match reader.next().expect("the reader reads what the guard admits") {
                        Event::Open(_) => open += 1,
                        Event::Close => open -= 1,
                        Event::Text(_) => assert!(open > 0, "text outside the root"),
                        Event::End => break,
                    }
                }
                assert_eq!(open, 0, "every element is closed");
            }
            Err(refusal) => {
                assert_ne!(refusal.reason(), Reason::Unreadable, "the guard never speaks for the reader");
                assert!(!refusal.to_string().is_empty(), "a refusal has words");
            }
        }
    }
}

/// A body is either an envelope whose fields can be had, or refused with a fault that is itself well-formed and an
/// envelope of the version it is written in.
pub fn envelope(input: &[u8]) {
    for content_type in ["text/xml", "application/soap+xml; charset=utf-8"] {
        let media = Media::of(Some(ContentType::parse(content_type))).expect("a type that envelopes come in");
        if let Err(rejected) = open(input, &media) {
            assert_ne!(
                rejected.fault.detail().map(|detail| detail.reason.to_string()).as_deref(),
                Some(Reason::Unreadable.label()),
                "the reader reads what the guard admits"
            );
            for version in [Version::V11, Version::V12] {
                // A fault may be longer than a request: it repeats what it complains about.
                let limits = Limits { bytes: 1 << 20, text: 1 << 20, ..Limits::default() };
                let written = rejected.fault.write(version);
                let document = admit(written.as_bytes(), None, &limits).expect("a fault is well-formed");
                let read = Envelope::open(&document, &media).expect("a fault is an envelope");
                assert_eq!(read.version(), version, "a fault keeps its version");
                assert_eq!(read.payload().local, "Fault", "a fault's payload");
            }
        }
    }
}

fn open(input: &[u8], media: &Media<'_>) -> Result<(), envelope::Rejected> {
    let document = envelope::admit(input, media, &Limits::default(), &Tally::default())?;
    let envelope = Envelope::open(&document, media)?;
    let version = envelope.version();
    match envelope.fields() {
        Ok(fields) => assert!(fields.iter().count() < Limits::default().elements, "fields within the limit"),
        Err(fault) => return Err(envelope::Rejected::new(version, fault)),
    }
    Ok(())
}

/// A body sent to GMS, its first line the Content-Type: the service and the Storage API each answer with a status that
/// is theirs, and data that were taken can be read back as JSON.
pub fn form(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (content_type, body) = (&input[..end], &input[(end + 1).min(input.len())..]);
    let Ok(content_type) = HeaderValue::from_bytes(content_type) else { return };
    let gateway = Gateway::new();
    let body = Bytes::copy_from_slice(body);
    for path in ["request-interaction", "match-interaction"] {
        let answer = gateway.send(&Method::POST, &format!("/genesys/1/service/{path}"), &content_type, &body);
        let status = answer.status.as_u16();
        assert!(matches!(status, 200 | 400 | 404 | 415 | 503), "{path} answers {status}");
    }
    let answer = gateway.send(&Method::POST, "/genesys/1/storage/30", &content_type, &body);
    let status = answer.status.as_u16();
    assert!(matches!(status, 200 | 400 | 413 | 415), "storage answers {status}");
    if status == 200 {
        let created: serde_json::Value = serde_json::from_slice(&answer.body).expect("the answer is JSON");
        let id = created.as_object().and_then(|members| members.values().next()?.as_str()).expect("an id");
        let read = gateway.send(&Method::GET, &format!("/genesys/1/storage/{id}"), &content_type, &Bytes::new());
        assert_eq!(read.status.as_u16(), 200, "what was taken can be read");
        serde_json::from_slice::<serde_json::Value>(&read.body).expect("the answer is JSON");
    }
}

/// Anybody may call, and one number is lent to whoever asks.
static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let text = "[gms]\nanonymous_tenant = \"fuzz\"\n[[tenant]]\nid = \"fuzz\"\ngroups = [{ name = \"DNIS\" }]\n";
    Settings::from_toml(text).expect("valid settings")
});

/// GMS over an empty state, without a server around it.
struct Gateway {
    gms: Gms,
    runtime: tokio::runtime::Runtime,
}

impl Gateway {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let store = Arc::new(MemoryStore::new(clock, Rules::default(), 7));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
        Self { gms: Gms::new(store, Arc::new(Access::new(&SETTINGS.access))), runtime }
    }

    fn send(&self, method: &Method, path: &str, content_type: &HeaderValue, body: &Bytes) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, content_type.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let origin = PublicAddress::http("gateway.example:8080");
        let source = [192, 0, 2, 1].into();
        let head = Head { method, path, query: "", headers: &headers, origin: &origin, source, settings: &SETTINGS };
        let answering = async {
            let endpoint = self.gms.endpoint(&head)?;
            let admitted = self.gms.admit(&endpoint, &head).await?;
            Ok(self.gms.answer(admitted, Call { head, body }).await)
        };
        self.runtime.block_on(answering).unwrap_or_else(|answer: Answer| answer)
    }
}
