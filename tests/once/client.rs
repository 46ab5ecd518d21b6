//! A client that does not know what became of a request whose answer is cut.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};

use crate::gateway::{KEY, TENANT};

/// The dialect of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dialect {
    Gms,
    Interact,
}

/// What became of an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This number.
    Lent(String),
    /// What was lent under the key has ended.
    Spent,
    /// No number is free.
    Exhausted,
    /// The connection was cut.
    Unanswered,
}

/// One client.
pub(crate) struct Client {
    at: usize,
    http: reqwest::Client,
    /// Where connections are cut, and where they are not.
    cutting: String,
    direct: String,
}

impl Client {
    pub(crate) fn new(at: usize, cutting: SocketAddr, direct: SocketAddr) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { at, http, cutting: format!("http://{cutting}"), direct: format!("http://{direct}") }
    }

    /// The holder of one allocation, which is its key too.
    pub(crate) fn name(&self, call: usize) -> String {
        format!("client-{}-call-{call}", self.at)
    }

    /// Asks for a number through the proxy; the same request every time.
    pub(crate) async fn allocate(&self, dialect: Dialect, holder: &str) -> Outcome {
        let request = match dialect {
            Dialect::Gms => {
                let target = format!("{}/genesys/1/service/request-interaction", self.cutting);
                let form = [("_resource_group", "lines"), ("_booking_expiration_timeout", "5"), ("holder", holder)];
                self.http.post(target).header("Accept", "application/json").form(&form)
            }
            Dialect::Interact => {
                let body = serde_json::json!({ "id": holder, "group": "lines" });
                self.interact(&self.cutting, Method::POST, "/dnis/allocate/new").json(&body)
            }
        };
        let Ok(answer) = request.header("Idempotency-Key", holder).send().await else { return Outcome::Unanswered };
        let status = answer.status().as_u16();
        let Ok(text) = answer.text().await else { return Outcome::Unanswered };
        match (status, dialect) {
            (200, Dialect::Interact) => Outcome::Lent(text),
            (200, Dialect::Gms) => {
                let members: serde_json::Value = serde_json::from_str(&text).unwrap();
                Outcome::Lent(members["_access_number"].as_str().unwrap().to_owned())
            }
            (409, _) => Outcome::Spent,
            (503, Dialect::Gms) | (403, Dialect::Interact) => Outcome::Exhausted,
            _ => panic!("{status} {text}"),
        }
    }

    /// Who holds a number, in the name that it was allocated under.
    pub(crate) async fn holder_of(&self, number: &str) -> Option<String> {
        let path = format!("/dnis/allocate/get/{number}");
        let answer = self.interact(&self.direct, Method::GET, &path).send().await.unwrap();
        let id = Some(answer.text().await.unwrap()).filter(|id| !id.is_empty())?;
        if id.starts_with("client-") {
            return Some(id);
        }
        // An interaction that GMS named: the name is in its data.
        let data = format!("{}/genesys/1/service/{id}/storage/holder", self.direct);
        let answer = self.http.get(data).send().await.unwrap();
        if answer.status().as_u16() == 200 { Some(answer.text().await.unwrap()) } else { None }
    }

    /// Frees a number if it is this holder's; whether it did.
    pub(crate) async fn free_if_held(&self, number: &str, holder: &str) -> bool {
        if self.holder_of(number).await.as_deref() != Some(holder) {
            return false;
        }
        let path = format!("/dnis/allocate/free/{number}");
        let answer = self.interact(&self.direct, Method::POST, &path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        true
    }

    fn interact(&self, base: &str, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{base}/interact/version/2{path}"));
        let request = request.header("Tenant-Id", TENANT).header("Application-Key", KEY);
        request.header("User-Id", "YWRtaW4=").header("User-Password", "cGFzc3dvcmQ=")
    }
}
