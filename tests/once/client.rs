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
    /// The gateway's own API.
    Native,
    /// Its SOAP service.
    Soap,
}

impl Dialect {
    pub(crate) const ALL: [Self; 4] = [Self::Gms, Self::Interact, Self::Native, Self::Soap];
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
            Dialect::Native => {
                let body = serde_json::json!({ "interaction": holder, "group": "lines", "lasting": 5 });
                self.user(Method::POST, &format!("{}/gateway/v1/allocations", self.cutting)).json(&body)
            }
            Dialect::Soap => {
                let request = self.user(Method::POST, &format!("{}/gateway/v1/soap", self.cutting));
                request.header("Content-Type", "text/xml; charset=utf-8").body(envelope(holder))
            }
        };
        let Ok(answer) = request.header("Idempotency-Key", holder).send().await else { return Outcome::Unanswered };
        let status = answer.status().as_u16();
        let Ok(text) = answer.text().await else { return Outcome::Unanswered };
        let fault = |reason: &str| text.contains(&format!("<f:reason>{reason}</f:reason>"));
        match (status, dialect) {
            (200, Dialect::Interact) => Outcome::Lent(text),
            (200, Dialect::Gms) => Outcome::Lent(member(&text, "_access_number")),
            (201, Dialect::Native) => Outcome::Lent(member(&text, "number")),
            (200, Dialect::Soap) => Outcome::Lent(element(&text, "number")),
            (409, _) => Outcome::Spent,
            (500, Dialect::Soap) if fault("key_spent") => Outcome::Spent,
            (503, Dialect::Gms | Dialect::Native) | (403, Dialect::Interact) => Outcome::Exhausted,
            (500, Dialect::Soap) if fault("exhausted") => Outcome::Exhausted,
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
        // An interaction that the gateway named: the name is in its data.
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
        self.user(method, &format!("{base}/interact/version/2{path}"))
    }

    fn user(&self, method: Method, target: &str) -> RequestBuilder {
        let request = self.http.request(method, target);
        let request = request.header("Tenant-Id", TENANT).header("Application-Key", KEY);
        request.header("User-Id", "YWRtaW4=").header("User-Password", "cGFzc3dvcmQ=")
    }
}

/// A request for a number, from somebody who is told by the user data.
fn envelope(holder: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><RequestAccessRequest \
         xmlns=\"urn:dnis-gateway:v1\"><group>lines</group><seconds>5</seconds><entry><key>holder</key>\
         <value>{holder}</value></entry></RequestAccessRequest></e:Body></e:Envelope>"
    )
}

/// A text in an answer of JSON.
fn member(answer: &str, name: &str) -> String {
    let members: serde_json::Value = serde_json::from_str(answer).unwrap();
    members[name].as_str().unwrap_or_else(|| panic!("{name} in {answer}")).to_owned()
}

/// The text of an element.
fn element(answer: &str, name: &str) -> String {
    let begun = answer.split_once(&format!(":{name}>")).and_then(|(_, rest)| rest.split_once("</"));
    begun.unwrap_or_else(|| panic!("{name} in {answer}")).0.to_owned()
}
