//! What a tenant can tell of its neighbour from what it is answered itself: nothing.

use std::sync::Arc;

use dnis_gateway::config::Settings;
use dnis_gateway::domain::{TenantId, Timestamp};
use dnis_gateway::store::ManualClock;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::callers::{DNIS_KEY, PASSWORD, Reply, TENANT, USER, envelope, send};
use crate::gateway::Gateway;

const NEIGHBOUR: &str = "neighbour";
/// A file of as many numbers as there are things of one kind that the neighbour makes at a time.
const AT_A_TIME: u32 = 60;
/// Between steps of a tenant its neighbour makes this many things, or none.
const CROWD: u32 = AT_A_TIME + 6 * 8;

/// The demo's tenant, and a second one like it.
fn two_tenants(settings: &mut Settings) {
    let mut neighbour = settings.tenants[&TenantId::new(TENANT).unwrap()].clone();
    neighbour.id = TenantId::new(NEIGHBOUR).unwrap();
    // An application key of AICC's tells the tenant.
    neighbour.aicc.applications.clear();
    settings.tenants.insert(neighbour.id.clone(), neighbour);
}

/// A tenant at work, who keeps all that it is answered.
struct Tenant<'g> {
    gateway: &'g Gateway,
    id: &'static str,
    answers: Vec<Reply>,
}

impl Tenant<'_> {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.gateway.caller().request(method, path).header("Tenant-Id", self.id);
        request.header("Application-Key", DNIS_KEY).header("User-Id", USER).header("User-Password", PASSWORD)
    }

    /// Sends a request that is to succeed.
    async fn send(&mut self, request: RequestBuilder) -> Reply {
        let reply = send(request).await;
        assert!((200..300).contains(&reply.status), "{reply:?}");
        self.answers.push(reply.clone());
        reply
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    async fn post(&mut self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    async fn form(&mut self, path: &str, form: &[(&str, &str)]) -> Reply {
        let request = self.request(Method::POST, &format!("/genesys/1/{path}"));
        self.send(request.header("Accept", "application/json").form(form)).await
    }

    async fn soap(&mut self, path: &str, envelope: String) -> Reply {
        self.send(self.request(Method::POST, path).header("Content-Type", "text/xml").body(envelope)).await
    }

    async fn import(&mut self, first: u32, count: u32) {
        let rows: String = (first..first + count).map(|number| format!("{number},,bulk,true\n")).collect();
        let request = self.request(Method::POST, "/gateway/v1/numbers/import").header("Content-Type", "text/csv");
        self.send(request.body(format!("number,dnid,group,enabled\n{rows}"))).await;
    }

    /// Every kind of thing that gets an id, over every dialect that makes it; `meanwhile` comes between the steps.
    async fn work(&mut self, mut meanwhile: impl AsyncFnMut()) {
        self.post("/gateway/v1/numbers", json!({ "number": "700", "group": "own" })).await;
        meanwhile().await;
        self.import(710, 3).await;
        meanwhile().await;
        let phone = json!({ "phoneNumber": "701", "dnId": "1", "groupName": "own", "enabled": true });
        self.post("/interact/version/2/dnis", phone).await;
        let phone = "<d:CreatePhoneRequest><phoneNumber>702</phoneNumber><dnId>2</dnId><groupName>own</groupName>\
                     </d:CreatePhoneRequest>";
        self.soap("/interact/version/2/dnis/soap", envelope(phone)).await;
        meanwhile().await;
        self.post("/gateway/v1/interactions", json!({})).await;
        self.form("service/request-interaction", &[("_resource_group", "own")]).await;
        meanwhile().await;
        self.post("/interact/version/2/dnis/allocate/new", json!({ "id": "a", "group": "own" })).await;
        self.post("/gateway/v1/allocations", json!({ "group": "bulk" })).await;
        let access = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:g=\"urn:dnis-gateway:v1\">\
                      <e:Body><g:RequestAccessRequest><g:interaction>a</g:interaction><g:group>bulk</g:group>\
                      </g:RequestAccessRequest></e:Body></e:Envelope>";
        self.soap("/gateway/v1/soap", access.to_owned()).await;
        self.form("service/request-access", &[("_id", "a"), ("_resource_group", "bulk"), ("renew", "true")]).await;
        meanwhile().await;
        let page = self.get("/gateway/v1/allocations?limit=1").await.json();
        let cursor = page["next_cursor"].as_str().expect("there are several").to_owned();
        self.get(&format!("/gateway/v1/allocations?cursor={cursor}")).await;
        self.form("storage/60", &[("a", "1")]).await;
        for _ in 0..3 {
            meanwhile().await;
            let lent = self.post("/gateway/v1/allocations", json!({ "group": "samples", "interaction": "a" })).await;
            let id = lent.json()["id"].as_str().unwrap().to_owned();
            self.send(self.request(Method::DELETE, &format!("/gateway/v1/allocations/{id}"))).await;
        }
        meanwhile().await;
        for number in ["111", "222", "2111234560"] {
            let history = format!("/gateway/v1/numbers/{number}/history?limit=1");
            self.get(&history).await;
        }
        let lent = self.post("/gateway/v1/allocations", json!({ "group": "samples" })).await.json();
        let history = format!("/gateway/v1/numbers/{}/history?limit=1", lent["number"].as_str().unwrap());
        let cursor = self.get(&history).await.json()["next_cursor"].as_str().expect("it was lent before").to_owned();
        self.get(&format!("{history}&cursor={cursor}")).await;
        let route = json!({ "access_code": "5550100", "extension": "21", "skill": 7 });
        self.post("/gateway/v1/routes", route).await;
        meanwhile().await;
        self.get("/gateway/v1/numbers").await;
        self.get("/gateway/v1/groups").await;
        self.get("/interact/version/2/dnis").await;
    }

    /// Makes very much of everything, `round` after round.
    async fn crowd(&mut self, round: u32) {
        self.import(100_000 + round * AT_A_TIME, AT_A_TIME).await;
        for at in 0..6 {
            self.post("/gateway/v1/numbers", json!({ "number": format!("9{round}*{at}"), "group": "more" })).await;
            self.post("/gateway/v1/interactions", json!({})).await;
            self.form("service/request-interaction", &[("_resource_group", "bulk")]).await;
            self.form("storage/60", &[("a", &"1".repeat(2_000))]).await;
            let lent = self.post("/gateway/v1/allocations", json!({ "group": "more" })).await.json();
            self.send(
                self.request(Method::DELETE, &format!("/gateway/v1/allocations/{}", lent["id"].as_str().unwrap())),
            )
            .await;
            let extension = format!("{}", 100 + round * 6 + at);
            let route = json!({ "access_code": "5550100", "extension": extension, "skill": 7 });
            self.post("/gateway/v1/routes", route).await;
        }
    }
}

/// An answer without what is drawn: UUIDs, the ids of requests, the last digits of the ids of routes.
fn without_draws(reply: &Reply) -> String {
    let mut headers: Vec<_> =
        reply.headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str())).collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    let told = format!("{} {headers:?}\n{}", reply.status, reply.text()).replace("%2D", "-");
    let drawn = |word: &str| {
        let uuid = word.len() >= 36 && word.is_char_boundary(word.len() - 36);
        let uuid = uuid.then(|| word.split_at(word.len() - 36)).filter(|(_, end)| uuid::Uuid::try_parse(end).is_ok());
        match uuid {
            Some((begin, _)) => format!("{begin}(drawn)"),
            None if word.len() == 19 && word.bytes().all(|digit| digit.is_ascii_digit()) => {
                format!("{}(drawn)", &word[..9])
            }
            None => word.to_owned(),
        }
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut text = String::new();
    let mut rest = told.as_str();
    while let Some(c) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(rest.chars().next().unwrap())).unwrap_or(rest.len());
        text.push_str(&if is_word(c) { drawn(&rest[..end]) } else { rest[..end].to_owned() });
        rest = &rest[end..];
    }
    text
}

/// What a tenant is answered for its work; beside it the neighbour makes very much, or nothing.
async fn told(busy: bool) -> Vec<String> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
    let gateway = Gateway::demo().with(two_tenants).over(clock, |store| store).start().await;
    let mut tenant = Tenant { gateway: &gateway, id: TENANT, answers: Vec::new() };
    let mut neighbour = Tenant { gateway: &gateway, id: NEIGHBOUR, answers: Vec::new() };
    let mut rounds = 0;
    tenant
        .work(async || {
            if busy {
                neighbour.crowd(rounds).await;
            }
            rounds += 1;
        })
        .await;
    assert!(rounds * CROWD >= 1000, "{rounds} rounds make no thousand things");
    let told = tenant.answers.iter().map(without_draws).collect();
    gateway.stop().await;
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_id_in_any_answer_tells_how_much_a_neighbour_does() {
    let (alone, beside) = (told(false).await, told(true).await);
    assert_eq!(alone.len(), beside.len());
    for (alone, beside) in alone.iter().zip(&beside) {
        assert_eq!(alone, beside);
    }
}
