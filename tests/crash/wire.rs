//! The gateway as its clients see it: requests of the dialects, and what became of each.
//!
//! The one thing a crash test must never blur is whether an operation was answered, refused, never sent, or sent
//! without an answer; so every request ends in exactly one of these. Nothing is ever sent twice.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, multipart};
use serde_json::Value;

use crate::ledger::Entries;

/// The tenant of the configuration under test.
pub(crate) const TENANT: &str = "crash";
/// Its key of kind dnis, which opens every Interact operation.
pub(crate) const KEY: &str = "crash-dnis-key";
/// A request that takes longer than this has no answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// A form or JSON body must stay below 64 KiB; entries with more bytes than this go out as multipart.
const LARGE: usize = 40_000;
/// Phones in a page of the list.
const PAGE: usize = 500;

/// Why there is no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection: the gateway has never seen the request.
    Unsent,
    /// Sent, but not answered, or answered with a failure of the gateway: done or not done, nobody knows.
    Unclear(String),
    /// Answered with a refusal: not done.
    Refused(u16, String),
}

/// What became of a request.
pub(crate) type Told<T> = Result<T, Failure>;

/// The two forms of the Interact dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Rest,
    Soap,
}

/// A number as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) number: String,
    pub(crate) dnid: String,
    pub(crate) group: Option<String>,
    pub(crate) enabled: bool,
    pub(crate) allocated: bool,
}

/// A number lent over GMS.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) interaction: String,
    pub(crate) number: String,
    pub(crate) code: Option<String>,
}

/// A recognised call.
#[derive(Clone, Debug)]
pub(crate) struct Recognised {
    pub(crate) interaction: String,
    pub(crate) data_id: String,
    pub(crate) data: Entries,
}

/// What an IVR knows of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dialled {
    pub(crate) number: String,
    pub(crate) code: Option<String>,
    pub(crate) caller: Option<String>,
}

/// A way to one running gateway.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) http: Client,
    base: String,
}

impl Wire {
    /// A way to the gateway at `base`, with connections of its own.
    pub(crate) fn new(base: &str) -> Self {
        let http = Client::builder().no_proxy().timeout(PATIENCE).build();
        Self { http: http.expect("a client without TLS can always be built"), base: base.to_owned() }
    }

    /// Lends a number to an interaction over Interact.
    pub(crate) async fn allocate(&self, protocol: Protocol, id: &str, group: Option<&str>) -> Told<String> {
        let number = match protocol {
            Protocol::Rest => {
                let body = serde_json::json!({ "id": id, "group": group });
                self.rest(Method::POST, "/dnis/allocate/new", Some(&body)).await?
            }
            Protocol::Soap => {
                let group = group.map(|group| format!("<s:group>{group}</s:group>")).unwrap_or_default();
                self.soap("agent", "AllocateDnisRequest", &format!("<s:uniqueId>{id}</s:uniqueId>{group}")).await?
            }
        };
        digits(number)
    }

    /// Who holds a number.
    pub(crate) async fn holder(&self, protocol: Protocol, number: &str) -> Told<Option<String>> {
        let id = match protocol {
            Protocol::Rest => self.rest(Method::GET, &format!("/dnis/allocate/get/{number}"), None).await?,
            Protocol::Soap => {
                self.soap("agent", "GetDnisAllocationRequest", &format!("<s:phone>{number}</s:phone>")).await?
            }
        };
        Ok(Some(id).filter(|id| !id.is_empty()))
    }

    /// Frees a number that is lent.
    pub(crate) async fn free(&self, protocol: Protocol, number: &str) -> Told<()> {
        match protocol {
            Protocol::Rest => {
                self.rest(Method::POST, &format!("/dnis/allocate/free/{number}"), None).await?;
                Ok(())
            }
            Protocol::Soap => {
                let phone = format!("<s:phone>{number}</s:phone>");
                match self.soap("dnis", "FreeDnisAllocationRequest", &phone).await?.as_str() {
                    "Success" => Ok(()),
                    other => Err(Failure::Refused(200, other.to_owned())),
                }
            }
        }
    }

    /// Adds a number to the pool.
    pub(crate) async fn create(&self, protocol: Protocol, number: &str, dnid: &str, group: &str) -> Told<()> {
        let id = match protocol {
            Protocol::Rest => {
                let body = serde_json::json!({ "phoneNumber": number, "dnId": dnid, "groupName": group });
                self.rest(Method::POST, "/dnis", Some(&body)).await?
            }
            Protocol::Soap => {
                let children = format!(
                    "<s:phoneNumber>{number}</s:phoneNumber><s:dnId>{dnid}</s:dnId><s:groupName>{group}</s:groupName>"
                );
                self.soap("dnis", "CreatePhoneRequest", &children).await?
            }
        };
        digits(id).map(drop)
    }

    /// Every number there is.
    pub(crate) async fn list(&self) -> Told<Vec<Listed>> {
        let mut phones = Vec::new();
        loop {
            let path = format!("/dnis?offset={}&limit={PAGE}", phones.len());
            let page: Value = parsed(&self.rest(Method::GET, &path, None).await?)?;
            let total = page["total"].as_u64().ok_or_else(|| unreadable(&page))?;
            let shown = page["phones"].as_array().ok_or_else(|| unreadable(&page))?;
            for phone in shown {
                phones.push(listed(phone).ok_or_else(|| unreadable(phone))?);
            }
            if shown.is_empty() || phones.len() as u64 >= total {
                return if phones.len() as u64 == total { Ok(phones) } else { Err(unreadable(&page)) };
            }
        }
    }

    /// Lends a number to a running interaction over GMS, and keeps `data` with the interaction.
    pub(crate) async fn request_access(&self, wishes: &Entries, data: &Entries) -> Told<Access> {
        access(&self.gms("request-access", wishes, data).await?)
    }

    /// Starts an interaction over GMS, lends it a number and keeps `data` with it.
    pub(crate) async fn request_interaction(&self, wishes: &Entries, data: &Entries) -> Told<Access> {
        access(&self.gms("request-interaction", wishes, data).await?)
    }

    /// Recognises a call, which frees the number; `deleting` ends the interaction too.
    pub(crate) async fn recognise(&self, dialled: &Dialled, deleting: bool) -> Told<Recognised> {
        let mut wishes = Entries::from([
            ("_access_number".to_owned(), dialled.number.clone()),
            ("_return_data".to_owned(), "true".to_owned()),
            ("_delete_service".to_owned(), deleting.to_string()),
        ]);
        wishes.extend(dialled.code.clone().map(|code| ("_access_code".to_owned(), code)));
        wishes.extend(dialled.caller.clone().map(|caller| ("_phone_number".to_owned(), caller)));
        let answer = self.gms("match-interaction", &wishes, &Entries::new()).await?;
        let member = |name: &str| answer[name].as_str().map(str::to_owned).ok_or_else(|| unreadable(&answer));
        let data = entries(&answer["user_data"]).ok_or_else(|| unreadable(&answer))?;
        Ok(Recognised { interaction: member("_id")?, data_id: member("_data_id")?, data })
    }

    /// Keeps a document; its id.
    pub(crate) async fn store(&self, data: &Entries, seconds: u64) -> Told<String> {
        let answer = self.storage(Method::POST, &seconds.to_string(), Some(data)).await?;
        answer["id"].as_str().map(str::to_owned).ok_or_else(|| unreadable(&answer))
    }

    /// Writes entries into a document.
    pub(crate) async fn merge(&self, id: &str, data: &Entries, seconds: u64) -> Told<()> {
        self.storage(Method::POST, &format!("{id}/{seconds}"), Some(data)).await.map(drop)
    }

    /// Deletes a document.
    pub(crate) async fn discard(&self, id: &str) -> Told<()> {
        self.storage(Method::DELETE, id, None).await.map(drop)
    }

    /// Reads a document; `None` if there is none.
    pub(crate) async fn document(&self, id: &str) -> Told<Option<Entries>> {
        match self.storage(Method::GET, id, None).await {
            Ok(answer) => entries(&answer).map(Some).ok_or_else(|| unreadable(&answer)),
            Err(Failure::Refused(404, _)) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the gateway takes writes, asked of its admin listener; what it says.
    pub(crate) async fn ready(&self, admin: &str) -> Told<String> {
        send(self.http.get(format!("{admin}/health/ready"))).await
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request to the gateway's own API.
    pub(crate) fn native(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(&format!("/gateway/v1{path}"))).basic_auth("admin", Some("password"))
    }

    async fn rest(&self, method: Method, path: &str, body: Option<&Value>) -> Told<String> {
        let request = self.interact(method, &format!("/interact/version/2{path}"));
        send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    async fn soap(&self, service: &str, payload: &str, children: &str) -> Told<String> {
        let envelope = format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:s=\"http://com/jacada/interact/{service}/soap\"><e:Body><s:{payload}>{children}</s:{payload}>\
             </e:Body></e:Envelope>"
        );
        let request = self.interact(Method::POST, &format!("/interact/version/2/{service}/soap"));
        let answer = send(request.header("Content-Type", "text/xml; charset=utf-8").body(envelope)).await?;
        result(&answer).ok_or_else(|| Failure::Refused(200, format!("an answer without a result: {answer}")))
    }

    fn interact(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = request.header("Tenant-Id", TENANT).header("Application-Key", KEY);
        request.header("User-Id", "YWRtaW4=").header("User-Password", "cGFzc3dvcmQ=")
    }

    async fn gms(&self, service: &str, wishes: &Entries, data: &Entries) -> Told<Value> {
        let mut all = wishes.clone();
        all.extend(data.clone());
        let request = self.http.post(format!("{}/genesys/1/service/{service}", self.base));
        parsed(&send(filled(request, &all)).await?)
    }

    async fn storage(&self, method: Method, path: &str, data: Option<&Entries>) -> Told<Value> {
        let request = self.http.request(method, format!("{}/genesys/1/storage/{path}", self.base));
        let request = match data {
            Some(data) => filled(request, data),
            None => request.header("Accept", "application/json"),
        };
        parsed(&send(request).await?)
    }
}

/// A request with these parameters, in a body of the type that suits them.
fn filled(request: RequestBuilder, parameters: &Entries) -> RequestBuilder {
    let request = request.header("Accept", "application/json");
    let bytes: usize = parameters.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > LARGE {
        // As RFC 7578 has it: names go out as they are.
        let form = multipart::Form::new().percent_encode_noop();
        request.multipart(parameters.iter().fold(form, |form, (key, value)| form.text(key.clone(), value.clone())))
    } else if bytes.is_multiple_of(2) || bytes > 2_000 {
        request.json(parameters)
    } else {
        request.form(parameters)
    }
}

/// Sends a request; what is answered to it.
pub(crate) async fn send(request: RequestBuilder) -> Told<String> {
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => return Err(Failure::Unsent),
        Err(error) => return Err(Failure::Unclear(format!("no answer: {error:?}"))),
    };
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|error| Failure::Unclear(format!("half an answer: {error:?}")))?;
    match status {
        200 | 201 | 204 => Ok(text),
        500.. => Err(Failure::Unclear(format!("{status} {text}"))),
        _ => Err(Failure::Refused(status, text)),
    }
}

/// Reads JSON.
pub(crate) fn parsed(text: &str) -> Told<Value> {
    serde_json::from_str(text).map_err(|error| Failure::Refused(200, format!("not JSON ({error}): {text}")))
}

/// An answer that cannot be what it should be.
pub(crate) fn unreadable(value: &Value) -> Failure {
    Failure::Refused(200, format!("an answer that misses something: {value}"))
}

/// A text that must be digits; over SOAP a refusal is a text as well.
fn digits(text: String) -> Told<String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text) } else { Err(Failure::Refused(200, text)) }
}

/// The content of the element `result`, whatever its prefix.
fn result(envelope: &str) -> Option<String> {
    if envelope.contains("result/>") {
        return Some(String::new());
    }
    let (_, rest) = envelope.split_once("result>")?;
    rest.split_once("</").map(|(content, _)| content.to_owned())
}

fn listed(phone: &Value) -> Option<Listed> {
    Some(Listed {
        number: phone["phoneNumber"].as_str()?.to_owned(),
        dnid: phone["dnId"].as_str()?.to_owned(),
        group: phone["groupName"].as_str().map(str::to_owned),
        enabled: phone["enabled"].as_bool()?,
        allocated: phone["allocated"].as_bool()?,
    })
}

fn access(answer: &Value) -> Told<Access> {
    let member = |name: &str| answer[name].as_str().map(str::to_owned);
    match (member("_id"), member("_access_number")) {
        (Some(interaction), Some(number)) => Ok(Access { interaction, number, code: member("_access_code") }),
        _ => Err(unreadable(answer)),
    }
}

fn entries(value: &Value) -> Option<Entries> {
    let members = value.as_object()?.iter();
    members.map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
