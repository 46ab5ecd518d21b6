//! The whole dialect in process, over the pure store: what goes in at the seam and what comes out of it.

mod access;
mod allocations;
mod bulk;
mod calls;
mod explanations;
mod health;
mod history;
mod idempotency;
mod numbers;
mod openapi;
mod problems;
mod resources;
mod roles;
mod soap;
mod strict;
mod usage;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Native;
use crate::access::Access;
use crate::config::{Live, Settings};
use crate::dialect::Answer;
use crate::dialect::sending::send;
use crate::domain::{Scope, Seconds, TenantId, Timestamp};
use crate::store::memory::MemoryStore;
use crate::store::{ManualClock, Store};

/// Two tenants, the second one with environments. The password is `password`, hashed cheaply.
const TENANTS: &str = "
[[tenant]]
id = 'one'
users = [{ name = 'admin', password_hash = '{hash}', role = 'admin' }, { name = 'both', password_hash = '{hash}' }]
applications = [
    { name = 'numbers', kind = 'dnis', key = 'dnis-key' },
    { name = 'web', kind = 'interaction', key = 'web-key' },
]
groups = [
    { name = 'resting', cool_down = 60, policy = 'least-recently-freed', reserved = ['909'], _booking_expiration_timeout = 7 },
    { name = 'shared', sharing = 'shared', policy = 'random' },
]
[tenant.gms.server]
username = 'node'
password_hash = '{hash}'
[tenant.gms.storage]
username = 'store'
password_hash = '{hash}'
[tenant.aicc]
access_codes = [{ code = '5550100', media_type = 5 }]
skills = [{ id = 7, name = 'sales', media_type = 5 }]
ivr_flows = [{ id = 12, access_code = 'T12', description = 'main-menu', flow_file_name = 'main.vxml', flow_type = 4 }]

[[tenant]]
id = 'two'
environments = ['prod', 'test']
users = [{ name = 'other', password_hash = '{hash}' }, { name = 'both', password_hash = '{hash}' }]
applications = [{ name = 'numbers', kind = 'dnis', key = 'other-key' }]
[tenant.gms.server]
access_code_prefix = '77'
";
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";

/// `admin:password` of tenant `one`.
const ADMIN: &[(&str, &str)] = &[("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=")];
/// `other:password` of tenant `two`, environment `prod`.
const OTHER: &[(&str, &str)] = &[("Authorization", "Basic b3RoZXI6cGFzc3dvcmQ="), ("Environment-Name", "prod")];

/// The dialect with a store and a clock behind it.
struct Gateway {
    native: Native,
    live: Live,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
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
        let body = if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(&answer.body).unwrap() };
        let Answer { status, headers, outcome, .. } = answer;
        let reply = Self { status: status.as_u16(), outcome, headers, body };
        if reply.status >= 400 {
            assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{reply:?}");
            assert_eq!(reply.body["status"], reply.status);
        }
        reply
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_str().unwrap())
    }

    /// The last part of the problem's type.
    fn problem(&self) -> &str {
        let kind = self.body["type"].as_str().unwrap_or_else(|| panic!("{self:?}"));
        kind.strip_prefix("urn:dnis-gateway:problem:").unwrap()
    }

    /// Where the objections point.
    fn pointers(&self) -> Vec<&str> {
        assert_eq!((self.status, self.problem()), (400, "invalid"), "{self:?}");
        self.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
    }
}

impl Gateway {
    fn new() -> Self {
        Self::with("")
    }

    /// An empty gateway; `settings` is more TOML, before the tenants.
    fn with(settings: &str) -> Self {
        let settings = Settings::from_toml(&format!("{settings}{}", TENANTS.replace("{hash}", HASH)))
            .unwrap_or_else(|problems| panic!("{problems}"));
        let rules = settings.rules();
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone(), rules, 1));
        let access = Arc::new(Access::new(&settings.access));
        let native = Native::new(Arc::clone(&store), access, clock.clone());
        Self { native, live: Live::new(settings), store, clock }
    }

    /// Sends a request as it is; `target` is what follows the prefix.
    async fn send(&self, method: Method, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        Reply::of(self.answer(method, target, headers, body).await)
    }

    async fn answer(&self, method: Method, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        send(&self.native, &self.live, method, &format!("/gateway/v1{target}"), headers, body).await
    }

    async fn get(&self, target: &str) -> Reply {
        self.send(Method::GET, target, ADMIN, "").await
    }

    async fn post(&self, target: &str, body: Value) -> Reply {
        self.send(Method::POST, target, ADMIN, body.to_string()).await
    }

    async fn patch(&self, target: &str, body: Value) -> Reply {
        self.send(Method::PATCH, target, ADMIN, body.to_string()).await
    }

    async fn delete(&self, target: &str) -> Reply {
        self.send(Method::DELETE, target, ADMIN, "").await
    }

    /// Makes a number in a group.
    async fn number(&self, number: &str, group: &str) {
        let reply = self.post("/numbers", json!({ "number": number, "group": group })).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Seconds::new(seconds));
    }
}

fn scope() -> Scope {
    Scope { tenant: TenantId::new("one").unwrap(), environment: None }
}
