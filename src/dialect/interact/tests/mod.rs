//! The whole dialect in process, over the pure store: what goes in at the seam and what comes out of it.

mod addressing;
mod broken;
mod documented;
mod forgiving;
mod idempotency;
mod management;
mod package;
mod page;
mod refused;
mod release;
mod rest;
mod security;
mod shared;
mod soap;
mod strict;
mod wsdl;

use std::sync::Arc;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;

use super::Interact;
use crate::access::Access;
use crate::config::{Live, Settings};
use crate::dialect::Answer;
use crate::dialect::sending::send;
use crate::domain::state::Seeds;
use crate::domain::{GroupName, NewNumber, Number, Rules, Scope, Seconds, TenantId, Timestamp};
use crate::store::memory::MemoryStore;
use crate::store::{ManualClock, Store};

/// One tenant without environments. The password is `password`, hashed cheaply.
const TENANT: &str = "
[[tenant]]
id = '12345678'
users = [{ name = 'admin', password_hash = '$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI' }]
applications = [
    { name = 'numbers', kind = 'dnis', key = '53475e5f1463f9ab2052ead' },
    { name = 'mobile web', kind = 'interaction', key = '53736e07e4b05772e6475c2d' },
]
groups = [{ name = 'test' }, { name = 'none' }]
";

const AGENT: &str = "http://com/jacada/interact/agent/soap";
const DNIS: &str = "http://com/jacada/interact/dnis/soap";

/// Which credentials a call carries.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// The dnis key and the user.
    Admin,
    /// The dnis key alone.
    Ivr,
    /// The key of an interaction application alone.
    Web,
    /// The dnis key and the user with a wrong password.
    Intruder,
    /// Nothing.
    Nobody,
}

impl Who {
    fn headers(self) -> &'static [(&'static str, &'static str)] {
        const TENANT: (&str, &str) = ("Tenant-Id", "12345678");
        const DNIS: (&str, &str) = ("Application-Key", "53475e5f1463f9ab2052ead");
        const USER: (&str, &str) = ("User-Id", "YWRtaW4=");
        match self {
            Self::Admin => &[TENANT, DNIS, USER, ("User-Password", "cGFzc3dvcmQ=")],
            Self::Ivr => &[TENANT, DNIS],
            Self::Web => &[TENANT, ("Application-Key", "53736e07e4b05772e6475c2d")],
            Self::Intruder => &[TENANT, DNIS, USER, ("User-Password", "d3Jvbmc=")],
            Self::Nobody => &[],
        }
    }
}

/// The dialect with a store and a clock behind it.
struct Gateway {
    interact: Interact,
    live: Live,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    outcome: &'static str,
    operation: Option<&'static str>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: String,
}

impl Reply {
    fn of(answer: Answer) -> Self {
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        let Answer { status, headers, outcome, operation, .. } = answer;
        Self { status: status.as_u16(), outcome, operation, headers, body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_str().unwrap())
    }

    /// The text of `result`, of whatever operation.
    fn result(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        let (_, rest) = self.body.split_once("<ns2:result>").unwrap_or_else(|| panic!("{}", self.body));
        rest.split_once("</ns2:result>").unwrap().0
    }

    /// The text of `faultstring`.
    fn fault(&self) -> &str {
        assert_eq!(self.status, 500, "{}", self.body);
        let (_, rest) = self.body.split_once("<faultstring>").unwrap_or_else(|| panic!("{}", self.body));
        rest.split_once("</faultstring>").unwrap().0
    }
}

impl Gateway {
    /// An empty gateway; `settings` is more TOML, before the tenant.
    fn with(settings: &str) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone(), Rules::default(), 1));
        Self::over(store, clock, settings)
    }

    fn over(store: Arc<dyn Store>, clock: Arc<ManualClock>, settings: &str) -> Self {
        let settings =
            Settings::from_toml(&format!("{settings}{TENANT}")).unwrap_or_else(|problems| panic!("{problems}"));
        let access = Arc::new(Access::new(&settings.access));
        let interact = Interact::new(Arc::clone(&store), access, clock.clone());
        Self { interact, live: Live::new(settings), store, clock }
    }

    /// A gateway with the phones of the vendor's documents: `111`, `222` and `2111234560` (`4560`) in `samples`,
    /// `380974520200` (`0200`) in `test`.
    async fn documented() -> Self {
        Self::documented_with("").await
    }

    async fn documented_with(settings: &str) -> Self {
        let gateway = Self::with(settings);
        let phones = [("111", "111", "samples"), ("222", "222", "samples"), ("2111234560", "4560", "samples")];
        let test = ("380974520200", "0200", "test");
        let numbers = phones.into_iter().chain([test]).map(|(number, dnid, group)| {
            let number = Number::new(number).unwrap();
            let group = Some(GroupName::new(group).unwrap());
            (scope(), NewNumber { number, dnid: Number::new(dnid).unwrap(), group, enabled: true })
        });
        let seeds = Seeds { numbers: numbers.collect(), interactions: Vec::new() };
        assert!(gateway.store.seed(seeds).await.unwrap());
        gateway
    }

    /// Sends a request as it is; `target` is what follows the version.
    async fn send(&self, method: Method, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
        Reply::of(
            send(&self.interact, &self.live, method, &format!("/interact/version/2{target}"), headers, body).await,
        )
    }

    async fn get(&self, who: Who, target: &str) -> Reply {
        self.send(Method::GET, target, who.headers(), "").await
    }

    async fn post(&self, who: Who, target: &str, body: &str) -> Reply {
        self.send(Method::POST, target, who.headers(), body.to_owned()).await
    }

    /// Posts an envelope around `payload` to the agent's address.
    async fn soap(&self, who: Who, payload: &str) -> Reply {
        self.soap_at("/agent/soap", who, "text/xml; charset=utf-8", &envelope(payload)).await
    }

    async fn soap_at(&self, target: &str, who: Who, content_type: &str, envelope: &str) -> Reply {
        let headers = [who.headers(), &[("Content-Type", content_type)]].concat();
        self.send(Method::POST, target, &headers, envelope.to_owned()).await
    }

    /// Lends a phone of `samples` over REST and gives its number.
    async fn lend(&self, id: &str) -> String {
        let reply = self.post(Who::Web, "/dnis/allocate/new", &format!(r#"{{"group":"samples","id":"{id}"}}"#)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.body
    }

    /// Everything the store knows about phones, to be held against later.
    async fn phones(&self) -> String {
        format!("{:?}", self.store.numbers(&scope(), None, 0, 1000).await.unwrap())
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Seconds::new(seconds));
    }
}

fn scope() -> Scope {
    Scope { tenant: TenantId::new("12345678").unwrap(), environment: None }
}

fn envelope(payload: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Header/>\
         <soapenv:Body>{payload}</soapenv:Body></soapenv:Envelope>"
    )
}

/// A payload with fields, all in `namespace`.
fn payload(namespace: &str, name: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!("<s:{name}>{value}</s:{name}>")).collect();
    format!("<s:{name} xmlns:s=\"{namespace}\">{fields}</s:{name}>")
}

fn ok(reply: &Reply) -> bool {
    reply.status == StatusCode::OK.as_u16()
}
