//! What must be found in a data directory, and whether it is.

use dnis_gateway::domain::state::{AfterMatch, Criteria, LateCalls, Which};
use dnis_gateway::domain::{
    Caller, Content, Digest, DocumentId, EnvironmentName, HistoryQuery, IdempotencyKey, IdempotentRequest,
    InteractionId, NewNumber, Number, NumberId, Refusal, Scope, TenantId,
};
use dnis_gateway::store::{Error, Store, WithData};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The tenant that everything but a few numbers belongs to.
const TENANT: &str = "story";

/// What the gateway answered while the directory was written.
#[derive(Deserialize)]
pub(crate) struct Story {
    /// The release.
    pub(crate) written_by: String,
    /// When the story was over; nothing in it has ended by itself then.
    pub(crate) told_ms: u64,
    numbers: Vec<KnownNumber>,
    calls: Vec<Call>,
    documents: Vec<KnownDocument>,
    gone: Gone,
    /// Keys of requests that are known; releases before keys had none.
    #[serde(default)]
    keys: Vec<String>,
    /// Who held which number; releases before the history remembered nobody.
    #[serde(default)]
    history: Vec<Holding>,
}

#[derive(Deserialize)]
struct KnownNumber {
    tenant: String,
    environment: Option<String>,
    number: String,
    dnid: String,
    group: Option<String>,
    enabled: bool,
    state: NumberState,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NumberState {
    Lent,
    Free,
}

/// A call that must be recognised.
#[derive(Deserialize)]
struct Call {
    number: String,
    code: Option<String>,
    caller: Option<String>,
    interaction: String,
}

#[derive(Deserialize)]
struct KnownDocument {
    id: Uuid,
    entries: Vec<KnownEntry>,
}

#[derive(Deserialize)]
struct KnownEntry {
    key: String,
    /// `None` for a text.
    media_type: Option<String>,
    length: usize,
    sha256: String,
}

/// A number that was lent and came back.
#[derive(Deserialize)]
struct Holding {
    number: String,
    interaction: String,
}

/// What had ended.
#[derive(Deserialize)]
struct Gone {
    interaction: String,
    document: Uuid,
}

fn scope(tenant: &str, environment: Option<&str>) -> Scope {
    let environment = environment.map(|name| EnvironmentName::new(name).unwrap());
    Scope { tenant: TenantId::new(tenant).unwrap(), environment }
}

fn number(text: &str) -> Number {
    Number::new(text).unwrap()
}

impl Story {
    /// Looks everything up.
    pub(crate) async fn holds_in(&self, store: &dyn Store) {
        for known in &self.numbers {
            let found = store.number(&scope(&known.tenant, known.environment.as_deref()), number(&known.number)).await;
            let found = found.unwrap().unwrap_or_else(|| panic!("number {} is gone", known.number));
            let state = if found.allocation.is_some() { NumberState::Lent } else { NumberState::Free };
            let group = found.record.group.as_ref().map(ToString::to_string);
            assert_eq!(
                (found.record.dnid.to_string(), group, found.record.enabled, state),
                (known.dnid.clone(), known.group.clone(), known.enabled, known.state),
                "number {}",
                known.number
            );
        }
        let scope = scope(TENANT, None);
        for known in &self.documents {
            let read = store.document(&scope, DocumentId(known.id).into()).await.unwrap().unwrap();
            assert_eq!(read.entries.len(), known.entries.len(), "document {}", known.id);
            for entry in &known.entries {
                let read = store.document_entry(&scope, DocumentId(known.id).into(), &entry.key).await.unwrap();
                let read = read.unwrap_or_else(|| panic!("entry {} of {} is gone", entry.key, known.id));
                let media_type = match &read.content {
                    Content::Text => None,
                    Content::File(label) => Some(label.media_type().to_owned()),
                };
                let digest: String = Sha256::digest(&read.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(
                    (media_type, read.bytes.len(), digest),
                    (entry.media_type.clone(), entry.length, entry.sha256.clone()),
                    "entry {} of {}",
                    entry.key,
                    known.id
                );
            }
        }
        for call in &self.calls {
            let id = InteractionId::new(&call.interaction).unwrap();
            assert!(store.interaction(&scope, &id).await.unwrap().is_some(), "interaction {id} is gone");
        }
        for key in &self.keys {
            // Any other request under a key that is known is refused.
            let idempotency = IdempotentRequest {
                key: IdempotencyKey::new(key).unwrap(),
                digest: Digest::of([b"another".as_slice()]),
            };
            let new = NewNumber { number: number("556"), dnid: number("6"), group: None, enabled: true };
            let refused = store.create_number(&scope, new, Some(idempotency.clone())).await;
            assert_eq!(refused, Err(Error::Refused(Refusal::KeyReused(idempotency.key))));
        }
        let known: Vec<_> = self.history.iter().map(|known| known.interaction.clone()).collect();
        assert_eq!(self.holders_in(store).await, known);
        let gone = InteractionId::new(&self.gone.interaction).unwrap();
        assert_eq!(store.interaction(&scope, &gone).await, Ok(None), "an ended interaction has come back");
        let gone = DocumentId(self.gone.document);
        assert_eq!(store.document(&scope, gone.into()).await, Ok(None), "a deleted document has come back");
    }

    /// Whether the release remembered who held a number.
    pub(crate) fn has_history(&self) -> bool {
        !self.history.is_empty()
    }

    /// Who held the numbers of which somebody did.
    pub(crate) async fn holders_in(&self, store: &dyn Store) -> Vec<String> {
        let mut holders = Vec::new();
        for known in &self.history {
            let query = HistoryQuery { number: number(&known.number), from: None, to: None, after: None, limit: 10 };
            let page = store.history(&scope(TENANT, None), query).await.unwrap();
            let ended = page.entries.iter().filter(|held| held.ended.is_some());
            holders.extend(ended.map(|held| held.allocation.interaction.to_string()));
        }
        holders
    }

    /// Goes on with the story: every call is recognised, every number is free afterwards, and new ids are new.
    pub(crate) async fn can_go_on_in(&self, store: &dyn Store) {
        let scope = scope(TENANT, None);
        for call in &self.calls {
            let criteria = Criteria {
                number: number(&call.number),
                code: call.code.clone(),
                caller: call.caller.as_deref().map(|caller| Caller::new(caller).unwrap()),
                late: LateCalls::Ignored,
            };
            let matched = store.match_call(&scope, criteria, Which::Newest, AfterMatch::Keep, WithData::No).await;
            let matched =
                matched.unwrap_or_else(|error| panic!("the call on {} is not recognised: {error}", call.number));
            assert_eq!(matched[0].found.interaction.id.as_str(), call.interaction);
        }
        let mut highest = NumberId(0);
        for known in &self.numbers {
            let scope = self::scope(&known.tenant, known.environment.as_deref());
            let found = store.number(&scope, number(&known.number)).await.unwrap().unwrap();
            assert_eq!(found.allocation, None, "number {}", known.number);
            highest = highest.max(found.record.id);
        }
        let new = NewNumber { number: number("555"), dnid: number("5"), group: None, enabled: true };
        assert!(store.create_number(&scope, new.clone(), None).await.unwrap() > highest);
        assert_eq!(
            store.create_number(&scope, new, None).await,
            Err(Error::Refused(Refusal::NumberExists(number("555"))))
        );
    }
}
