//! The whole dialect in process, over the pure store and the demo's contact center: what goes in at the seam and what
//! comes out of it.

mod answers;
mod fields;
mod idempotency;
mod scopes;
mod table;
mod tokens;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Aicc;
use super::endpoint::Endpoint;
use crate::access::Access;
use crate::config::{Live, Settings, demo};
use crate::dialect::Answer;
use crate::dialect::sending::send;
use crate::domain::{Rules, Timestamp};
use crate::store::memory::MemoryStore;
use crate::store::{ManualClock, Store};

/// Two tenants beside the demo's: one with two environments, and one that is suspended. The first has hotlines of the
/// demo's codes.
const OTHERS: &str = "
[[tenant]]
id = 'blue'
environments = ['prod', 'test']
[tenant.aicc]
applications = [
    { app_key = 'blue-prod', app_secret = 'secret-of-blue', environment = 'prod' },
    { app_key = 'blue-test', app_secret = 'secret-of-test', environment = 'test' },
]
access_codes = [
    { code = '5550100', n400_number = '4005550100', description = 'Main line', num_call_attr = 1 },
    { code = '0800', media_type = 18, description = 'video', num_call_attr = 2 },
]
skills = [{ id = 7, name = 'blue-sales' }]
[[tenant]]
id = 'gone'
[tenant.aicc]
suspended = true
applications = [{ app_key = 'gone-key', app_secret = 'secret-of-gone' }]
";

/// The demo's application.
const DEMO: (&str, &str) = ("demo-key-0001", "demo-secret-0001");
/// The applications of the other tenant.
const BLUE: (&str, &str) = ("blue-prod", "secret-of-blue");
const BLUE_TEST: (&str, &str) = ("blue-test", "secret-of-test");

/// The dialect with a store and a clock behind it.
struct Gateway {
    aicc: Aicc,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    live: Live,
    /// A token of the demo's application.
    token: String,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    outcome: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Value,
}

impl Reply {
    fn of(answer: Answer) -> Self {
        let body = serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        Self { status: answer.status.as_u16(), outcome: answer.outcome, headers: answer.headers, body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_str().unwrap())
    }

    fn code(&self) -> &str {
        self.body["returnCode"].as_str().unwrap_or_else(|| panic!("{self:?}"))
    }

    fn description(&self) -> &str {
        self.body["description"].as_str().unwrap_or_else(|| panic!("{self:?}"))
    }

    /// Holds a failure to its form: a return code that is a text and not `"0"`, and a description.
    #[track_caller]
    fn failed(&self, status: u16, says: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_ne!(self.code(), "0");
        assert!(self.description().contains(says), "no \"{says}\" in {self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
    }

    #[track_caller]
    fn ok(&self) -> &Value {
        assert_eq!((self.status, self.outcome), (200, "ok"), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        &self.body
    }
}

/// The rules that a configuration makes.
fn rules(settings: &Settings) -> Rules {
    let centers = settings.tenants.values().map(|tenant| (tenant.id.clone(), Arc::clone(&tenant.aicc.call_center)));
    Rules { call_centers: centers.collect(), ..Rules::default() }
}

impl Gateway {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The demo with the other tenants, and with something changed.
    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = demo();
        settings.tenants.extend(Settings::from_toml(OTHERS).unwrap().tenants);
        change(&mut settings);
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let store = Arc::new(MemoryStore::new(clock.clone(), rules(&settings), 1));
        let access = Arc::new(Access::new(&settings.access));
        let live = Live::new(settings);
        let aicc = Aicc::new(Arc::clone(&store) as Arc<dyn Store>, access, clock.clone());
        let mut gateway = Self { aicc, store, clock, live, token: String::new() };
        gateway.token = gateway.token_of(DEMO).await;
        gateway
    }

    /// Changes the settings of the running gateway.
    async fn reload(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = (*self.live.current()).clone();
        change(&mut settings);
        self.store.set_rules(rules(&settings)).await.unwrap();
        self.live.replace(settings);
    }

    /// Sends a request as it is.
    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        Reply::of(send(&self.aicc, &self.live, method, path, headers, body).await)
    }

    /// Posts a body with these headers to an operation.
    async fn post(&self, endpoint: Endpoint, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send(Method::POST, endpoint.path(), headers, body.to_owned()).await
    }

    /// Calls an operation with a token.
    async fn call_as(&self, token: &str, endpoint: Endpoint, body: &Value) -> Reply {
        let bearer = format!("Bearer {token}");
        self.post(endpoint, &[("Authorization", &bearer), ("Content-Type", "application/json")], &body.to_string())
            .await
    }

    /// Calls an operation as the demo's application.
    async fn call(&self, endpoint: Endpoint, body: Value) -> Reply {
        self.call_as(&self.token, endpoint, &body).await
    }

    async fn grant(&self, headers: &[(&str, &str)], (key, secret): (&str, &str)) -> Reply {
        self.post(Endpoint::TokenByAkSk, headers, &json!({"app_key": key, "app_secret": secret}).to_string()).await
    }

    async fn token_of(&self, pair: (&str, &str)) -> String {
        self.grant(&[], pair).await.ok()["AccessToken"].as_str().unwrap().to_owned()
    }

    /// Creates a route that must be right.
    async fn route(&self, body: Value) {
        assert_eq!(self.call(Endpoint::CreateCalledRoute, body).await.ok()["returnCode"], "0");
    }

    /// The routes that a query shows.
    async fn routes(&self, query: Value) -> Vec<Value> {
        let reply = self.call(Endpoint::QueryCalledRoute, query).await;
        reply.ok()["data"]["calledRouteList"].as_array().unwrap().clone()
    }
}

/// A queue for voice and video that is right in every field.
fn queue(name: &str) -> Value {
    json!({
        "mediaTypeId": 5, "description": "made by a test", "name": name, "maxWaitTime": 60, "maxWaitNum": 100,
        "maxAgentWrapupTime": 5, "skillParam": {
            "noAgents": {"transferType": "Release"},
            "busy": {"transferType": "Transfer", "deviceType": "1", "value": 7},
            "timeOut": {"transferType": "Transfer", "deviceType": "3", "value": "12"},
            "answerFunction": "0", "waitVoice": {"parameterType": "Voice"}
        }
    })
}
