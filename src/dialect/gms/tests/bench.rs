//! A dialect ready to be called, without a server around it.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;
use serde_json::Value;

use crate::access::Access;
use crate::config::{Live, Settings, Tenant};
use crate::dialect::gms::Gms;
use crate::dialect::{Answer, PublicAddress, sending};
use crate::domain::state::Seeds;
use crate::domain::{GroupName, GroupRules, InteractionId, NewNumber, Number, Rules, Scope, TenantId, Timestamp};
use crate::store::memory::MemoryStore;
use crate::store::{ManualClock, Store};

/// The service of the vendor's example.
pub(super) const SERVICE: &str = "1212-887ad635-22b1-49c5-ae7b-3b271bc10289";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const REQUEST_ACCESS: &str = "/genesys/1/service/request-access";
pub(super) const REQUEST_INTERACTION: &str = "/genesys/1/service/request-interaction";
pub(super) const MATCH_INTERACTION: &str = "/genesys/1/service/match-interaction";

/// The header that names the user whose data are meant.
pub(super) const GMS_USER: HeaderName = HeaderName::from_static("gms_user");

/// A tenant that anybody may call, and one that asks for a password.
pub(super) const SETTINGS: &str = r#"
[gms]
anonymous_tenant = "12345678"

[[tenant]]
id = "12345678"
applications = [{ name = "app", kind = "interaction", key = "53736e07e4b05772e6475c2d" }]
groups = [{ name = "DNIS", policy = "round-robin" }, { name = "small", policy = "round-robin" }]

[[tenant]]
id = "guarded"
[tenant.gms]
default_format = "json"
[tenant.gms.server]
realm = "numbers"
username = "ann"
# The password is "password".
password_hash = "$argon2id$v=19$m=19456,t=2,p=1$Bon9LKDirvIhYIa4ME7ENQ$RW6yam07XUK0Im6uGx/mDBPViqYteT6SlP9hyC/WDWg"
"#;

/// A dialect and the settings in force for it.
pub(super) struct Node {
    gms: Gms,
    live: Live,
}

impl Node {
    /// The dialect over a store, under these settings.
    pub(super) fn new(settings: Settings, store: Arc<dyn Store>) -> Self {
        let access = Access::new(&settings.access);
        Self { gms: Gms::new(store, Arc::new(access)), live: Live::new(settings) }
    }

    /// What the server does with a request, short of limits and metrics.
    pub(super) async fn send(&self, request: Request) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let (origin, settings) = (PublicAddress::http("10.10.26.36:8080"), self.live.current());
        let head = sending::head((&request.method, path, query), &request.headers, &origin, &settings);
        sending::answer(&self.gms, head, &request.body).await
    }
}

pub(super) struct Bench {
    node: Node,
    pub(super) store: Arc<MemoryStore>,
    pub(super) clock: Arc<ManualClock>,
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with_settings(SETTINGS).await
    }

    pub(super) async fn with_settings(settings: &str) -> Self {
        Self::with_rules(settings, Rules::default()).await
    }

    /// With these limits; the groups are those of the settings, and the empty group `empty`.
    pub(super) async fn with_rules(settings: &str, limits: Rules) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let settings = Settings::from_toml(settings).unwrap_or_else(|problems| panic!("{problems}"));
        let rules = Rules { groups: groups(&settings), ..limits };
        let store = Arc::new(MemoryStore::new(clock.clone(), rules, 7));
        assert!(store.seed(seeds()).await.unwrap());
        Self { node: Node::new(settings, store.clone()), store, clock }
    }

    /// Puts other settings in force.
    pub(super) fn reload(&self, settings: &str) {
        self.node.live.replace(Settings::from_toml(settings).unwrap());
    }

    pub(super) async fn send(&self, request: Request) -> Answer {
        self.node.send(request).await
    }

    /// The members of a good JSON answer to a form.
    pub(super) async fn json(&self, target: &str, form: &str) -> Value {
        let answer = self.send(post(target).form(form).accept("application/json")).await;
        assert_eq!(answer.status, StatusCode::OK, "{form}: {}", text(&answer));
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// The members of a good JSON answer to any request.
    pub(super) async fn members(&self, request: Request) -> Value {
        let answer = self.send(request.accept("application/json")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", text(&answer));
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// The status of the answer to a form.
    pub(super) async fn status(&self, target: &str, form: &str) -> u16 {
        self.send(post(target).form(form)).await.status.as_u16()
    }

    pub(super) async fn holder_of(&self, number: &str) -> Option<String> {
        let found = self.store.dialled(&scope(), Number::new(number).unwrap()).await.unwrap().unwrap();
        found.allocation.map(|allocation| allocation.interaction.to_string())
    }

    pub(super) fn dialect(&self) -> &Gms {
        &self.node.gms
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        self.node.live.current()
    }
}

pub(super) struct Request {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

pub(super) fn request(method: Method, target: &str) -> Request {
    Request { method, target: target.to_owned(), headers: HeaderMap::new(), body: Bytes::new() }
}

pub(super) fn post(target: &str) -> Request {
    request(Method::POST, target)
}

pub(super) fn get(target: &str) -> Request {
    request(Method::GET, target)
}

impl Request {
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.append(name, HeaderValue::try_from(value).unwrap());
        self
    }

    pub(super) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Bytes::from(body.into());
        self.header(CONTENT_TYPE, content_type)
    }

    pub(super) fn form(self, body: &str) -> Self {
        self.body(FORM, body)
    }

    pub(super) fn json(self, body: &str) -> Self {
        self.body("application/json", body)
    }

    pub(super) fn accept(self, media_type: &str) -> Self {
        self.header(ACCEPT, media_type)
    }
}

/// An answer as it would stand on the wire, for golden files.
pub(super) fn wire(answer: &Answer) -> String {
    let mut wire = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        wire.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    format!("{wire}\n{}", text(answer))
}

pub(super) fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

pub(super) fn scope() -> Scope {
    Scope { tenant: TenantId::new("12345678").unwrap(), environment: None }
}

/// The groups of the settings by tenant.
fn groups(settings: &Settings) -> HashMap<TenantId, HashMap<GroupName, GroupRules>> {
    let of = |tenant: &Tenant| {
        let groups = tenant.groups.iter().map(|group| (group.name.clone(), group.rules.clone()));
        groups.chain([(name("empty"), GroupRules::default())]).collect()
    };
    settings.tenants.values().map(|tenant| (tenant.id.clone(), of(tenant))).collect()
}

fn name(group: &str) -> GroupName {
    GroupName::new(group).unwrap()
}

fn seeds() -> Seeds {
    let numbers = [("6504664130", "DNIS"), ("6504664131", "DNIS"), ("6504664132", "DNIS"), ("111", "small")];
    let new = |(number, group): (&str, &str)| {
        let number = Number::new(number).unwrap();
        (scope(), NewNumber { number, dnid: number, group: Some(name(group)), enabled: true })
    };
    Seeds { numbers: numbers.map(new).into(), interactions: vec![(scope(), InteractionId::new(SERVICE).unwrap())] }
}
