//! Clients of the dialects, with the demo's credentials.

use std::fmt;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};

/// The demo's tenant.
pub(crate) const TENANT: &str = "12345678";
/// The key for everything about numbers.
pub(crate) const DNIS_KEY: &str = "53475e5f1463f9ab2052ead";
/// `admin`, as the header carries it.
pub(crate) const USER: &str = "YWRtaW4=";
/// `password`, as the header carries it.
pub(crate) const PASSWORD: &str = "cGFzc3dvcmQ=";
/// The interaction that the demo begins with.
pub(crate) const INTERACTION: &str = "1212-887ad635-22b1-49c5-ae7b-3b271bc10289";

/// The namespace of the agent service.
pub(crate) const AGENT: &str = "http://com/jacada/interact/agent/soap";
/// The namespace of the dnis service.
pub(crate) const DNIS: &str = "http://com/jacada/interact/dnis/soap";

/// An answer.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}\n{}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}

impl Reply {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// A header, empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The text of the first XML element of this name, whatever its prefix; empty if it is not there.
    pub(crate) fn element(&self, name: &str) -> String {
        let text = self.text();
        let inner = text.split('<').find_map(|piece| {
            let (tag, content) = piece.split_once('>')?;
            let tag = tag.split([' ', '/']).next()?;
            (tag.rsplit(':').next()? == name && !piece.starts_with('/')).then(|| content.to_owned())
        });
        inner.unwrap_or_default()
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

/// An envelope of SOAP 1.1 around a payload.
pub(crate) fn envelope(payload: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:a=\"{AGENT}\" \
         xmlns:d=\"{DNIS}\"><soapenv:Header/><soapenv:Body>{payload}</soapenv:Body></soapenv:Envelope>"
    )
}

/// A client of one gateway.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    base: String,
    client: Client,
}

impl Caller {
    /// A client of the listener at a URL without a path.
    pub(crate) fn of(base: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Self { base: base.to_owned(), client }
    }

    /// As [`Caller::of`], for one that goes nowhere by itself when it is sent elsewhere.
    pub(crate) fn staying(base: &str) -> Self {
        let builder = Client::builder().no_proxy().timeout(Duration::from_secs(60));
        Self { base: base.to_owned(), client: builder.redirect(reqwest::redirect::Policy::none()).build().unwrap() }
    }

    /// A request without credentials.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A GET without credentials.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    /// A request with the key for everything, and no user.
    pub(crate) fn ivr(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("Tenant-Id", TENANT).header("Application-Key", DNIS_KEY)
    }

    /// A request of the demo's user.
    pub(crate) fn user(&self, method: Method, path: &str) -> RequestBuilder {
        self.ivr(method, path).header("User-Id", USER).header("User-Password", PASSWORD)
    }

    /// An envelope to the agent service, sent by the demo's user.
    pub(crate) fn envelope(&self, envelope: impl Into<reqwest::Body>) -> RequestBuilder {
        self.user(Method::POST, "/interact/version/2/agent/soap").header("Content-Type", "text/xml").body(envelope)
    }

    /// Calls a SOAP operation with the payload given.
    pub(crate) async fn soap(&self, payload: &str) -> Reply {
        send(self.envelope(envelope(payload))).await
    }

    /// Posts JSON to an Interact path below the version.
    pub(crate) async fn interact(&self, path: &str, body: &str) -> Reply {
        send(self.user(Method::POST, &format!("/interact/version/2{path}")).body(body.to_owned())).await
    }

    /// Interact REST Allocate.
    pub(crate) async fn allocate(&self, id: &str, group: &str) -> Reply {
        let body = serde_json::json!({ "id": id, "group": group });
        self.interact("/dnis/allocate/new", &body.to_string()).await
    }

    /// Interact REST Get.
    pub(crate) async fn allocation(&self, phone: &str) -> Reply {
        send(self.ivr(Method::GET, &format!("/interact/version/2/dnis/allocate/get/{phone}"))).await
    }

    /// Interact REST Free.
    pub(crate) async fn free(&self, phone: &str) -> Reply {
        self.interact(&format!("/dnis/allocate/free/{phone}"), "").await
    }

    /// The list of all numbers.
    pub(crate) async fn list(&self) -> serde_json::Value {
        let reply = send(self.user(Method::GET, "/interact/version/2/dnis?limit=1000")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// Posts a form to a GMS service and wants JSON.
    pub(crate) async fn gms(&self, service: &str, form: &[(&str, &str)]) -> Reply {
        let request = self.request(Method::POST, &format!("/genesys/1/service/{service}"));
        send(request.header("Accept", "application/json").form(form)).await
    }
}
