//! What a tenant may have: refused in the words of each dialect beyond it, while its neighbour goes on.

use std::time::Duration;

use dnis_gateway::config::{Quotas, Settings};
use dnis_gateway::domain::{Seconds, Sharing, TenantId};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::callers::{DNIS_KEY, PASSWORD, Reply, TENANT, USER, send};
use crate::gateway::Gateway;
use crate::raw::Wire;

const NEIGHBOUR: &str = "neighbour";

/// The demo's tenant with these limits and the shared group `test`, and a second tenant like it without limits.
fn two_tenants(limits: Quotas) -> impl FnOnce(&mut Settings) {
    move |settings| {
        let tenant = settings.tenants.get_mut(&TenantId::new(TENANT).unwrap()).unwrap();
        for group in tenant.groups.iter_mut().filter(|group| group.name.as_str() == "test") {
            group.rules.sharing = Sharing::Shared;
        }
        let mut neighbour = tenant.clone();
        tenant.limits = limits;
        // An application key of AICC's tells the tenant.
        neighbour.aicc.applications.clear();
        neighbour.id = TenantId::new(NEIGHBOUR).unwrap();
        settings.tenants.insert(neighbour.id.clone(), neighbour);
    }
}

/// A request with the credentials that both tenants have.
fn of(gateway: &Gateway, tenant: &str, method: Method, path: &str) -> RequestBuilder {
    let request = gateway.caller().request(method, path).header("Tenant-Id", tenant);
    request.header("Application-Key", DNIS_KEY).header("User-Id", USER).header("User-Password", PASSWORD)
}

async fn native(gateway: &Gateway, tenant: &str, path: &str, body: Value) -> Reply {
    send(of(gateway, tenant, Method::POST, &format!("/gateway/v1{path}")).json(&body)).await
}

async fn gms(gateway: &Gateway, tenant: &str, path: &str, form: &[(&str, &str)]) -> Reply {
    let request = of(gateway, tenant, Method::POST, &format!("/genesys/1/{path}"));
    send(request.header("Accept", "application/json").form(form)).await
}

async fn interact(gateway: &Gateway, tenant: &str, key: Option<&str>, body: Value) -> Reply {
    let request = of(gateway, tenant, Method::POST, "/interact/version/2/dnis/allocate/new").json(&body);
    send(key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key))).await
}

async fn aicc(gateway: &Gateway, key: &str) -> Reply {
    let body = json!({ "app_key": "demo-key-0001", "app_secret": "demo-secret-0001" });
    let token = gateway.caller().request(Method::POST, "/apigovernance/api/oauth/tokenByAkSk").json(&body);
    let token = send(token.header("X-Token-Expire", "600")).await.json()["AccessToken"].as_str().unwrap().to_owned();
    let path = "/apiaccess/rest/cc-management/v1/calledRoute/createCalledRoute";
    let route = json!({ "accessCode": "5550100", "extCode": "21", "devicetype": 1, "deviceId": 7 });
    let request = gateway.caller().request(Method::POST, path).bearer_auth(token).header("Idempotency-Key", key);
    send(request.json(&route)).await
}

fn problem(reply: &Reply) -> (u16, String, String) {
    let kind = reply.json()["type"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    (reply.status, kind, reply.header("retry-after").to_owned())
}

fn problems(status: u16, kind: &str, wait: &str) -> (u16, String, String) {
    (status, kind.to_owned(), wait.to_owned())
}

/// A metric of a tenant.
async fn metric(gateway: &Gateway, name: &str, tenant: &str, kind: &str) -> Option<u64> {
    let text = gateway.admin("/metrics").await.text();
    let begin = format!("{name}{{kind=\"{kind}\",tenant=\"{tenant}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&begin)).map(|value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tenant_may_not_have_is_refused_in_the_words_of_each_dialect_and_another_goes_on() {
    // One interaction is there from the start.
    let limits =
        Quotas { interactions: Some(3), documents: Some(4), bookings: Some(1), keys: Some(1), ..Quotas::default() };
    let gateway = Gateway::demo().with(two_tenants(limits)).start().await;
    let book = [("_resource_group", "test")];
    assert_eq!(gms(&gateway, TENANT, "service/request-interaction", &book).await.status, 200);
    let booking = gms(&gateway, TENANT, "service/request-interaction", &book).await;
    assert_eq!((booking.status, booking.header("retry-after")), (503, "30"));
    assert_eq!(
        booking.text(),
        "{\"exception\":\"javax.ws.rs.ServiceUnavailableException\",\"message\":\"there are 1 bookings of shared \
         numbers already, and no more are allowed; nothing was kept\"}"
    );
    let booking = native(&gateway, TENANT, "/allocations", json!({ "group": "test" })).await;
    assert_eq!(problem(&booking), problems(503, "bookings-full", "30"));

    assert_eq!(interact(&gateway, TENANT, Some("k"), json!({ "id": "a", "group": "samples" })).await.status, 200);
    let key = interact(&gateway, TENANT, Some("l"), json!({ "id": "a", "group": "samples" })).await;
    assert_eq!((key.status, key.header("retry-after")), (429, "30"));
    assert!(key.text().starts_with("The header Idempotency-Key cannot be honoured: "), "{key:?}");
    assert_eq!(interact(&gateway, TENANT, Some("k"), json!({ "id": "a", "group": "samples" })).await.status, 200);
    let request = of(&gateway, TENANT, Method::POST, "/gateway/v1/interactions").header("Idempotency-Key", "l");
    assert_eq!(problem(&send(request.json(&json!({}))).await), problems(429, "keys-full", "30"));
    let request = of(&gateway, TENANT, Method::POST, "/genesys/1/storage/60").header("Idempotency-Key", "l");
    let key = send(request.header("Accept", "application/json").form(&[("a", "1")])).await;
    assert_eq!((key.status, key.header("retry-after")), (429, "30"));
    assert!(key.text().contains("the header Idempotency-Key cannot be honoured"), "{key:?}");
    let key = aicc(&gateway, "l").await;
    assert_eq!((key.status, key.header("retry-after")), (429, "30"), "{key:?}");
    assert_eq!(key.json()["returnCode"], "429");

    // There are three interactions now.
    let fourth = interact(&gateway, TENANT, None, json!({ "id": "b", "group": "samples" })).await;
    assert_eq!(fourth.status, 507);
    assert_eq!(fourth.text().trim_end(), "There are 3 interactions already, and no more are allowed");
    let fourth = native(&gateway, TENANT, "/interactions", json!({})).await;
    assert_eq!(problem(&fourth), problems(507, "interactions-full", ""));
    let fourth = gms(&gateway, TENANT, "service/request-interaction", &[("_resource_group", "DNIS")]).await;
    assert_eq!(fourth.status, 507);
    assert_eq!(
        fourth.text(),
        "{\"exception\":\"javax.ws.rs.ServerErrorException\",\"message\":\"there are 3 interactions already, and no \
         more are allowed; nothing was kept\"}"
    );
    assert_eq!(gms(&gateway, TENANT, "storage/60", &[]).await.status, 200);
    let fifth = gms(&gateway, TENANT, "storage/60", &[]).await;
    assert_eq!(fifth.status, 507);
    assert!(fifth.text().contains("there are 4 documents already"), "{fifth:?}");

    for kind in ["interactions", "documents", "bookings", "keys"] {
        let [has, may_have] =
            ["dnis_gateway_tenant_usage", "dnis_gateway_tenant_limit"].map(|name| metric(&gateway, name, TENANT, kind));
        assert_eq!(
            (has.await, may_have.await.is_some()),
            (
                Some(match kind {
                    "interactions" => 3,
                    "documents" => 4,
                    _ => 1,
                }),
                true
            ),
            "{kind}"
        );
    }

    for at in 0..6 {
        let booked = gms(&gateway, NEIGHBOUR, "service/request-interaction", &book).await;
        assert_eq!(booked.status, 200, "booking {at} of the neighbour: {booked:?}");
        assert_eq!(gms(&gateway, NEIGHBOUR, "storage/60", &[]).await.status, 200);
    }
    gateway.stop().await;
}

/// A payload over SOAP 1.1, perhaps under a key.
async fn soap(gateway: &Gateway, tenant: &str, path: &str, key: Option<&str>, payload: &str) -> Reply {
    let body = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{payload}</s:Body></s:Envelope>"
    );
    let request = of(gateway, tenant, Method::POST, path).header("Content-Type", "text/xml").body(body);
    send(key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key))).await
}

async fn request_access(gateway: &Gateway, tenant: &str, key: Option<&str>, fields: &str) -> Reply {
    let payload = format!("<RequestAccessRequest xmlns=\"urn:dnis-gateway:v1\">{fields}</RequestAccessRequest>");
    soap(gateway, tenant, "/gateway/v1/soap", key, &payload).await
}

async fn allocate(gateway: &Gateway, key: Option<&str>, id: &str) -> Reply {
    let payload = format!(
        "<AllocateDnisRequest xmlns=\"http://com/jacada/interact/agent/soap\"><uniqueId>{id}</uniqueId>\
         <group>samples</group></AllocateDnisRequest>"
    );
    soap(gateway, TENANT, "/interact/version/2/agent/soap", key, &payload).await
}

/// The code and the reason of a fault, and when to try again.
fn fault(reply: &Reply) -> (u16, String, String, String) {
    (reply.status, reply.element("faultcode"), reply.element("reason"), reply.header("retry-after").to_owned())
}

fn faults(code: &str, reason: &str, wait: &str) -> (u16, String, String, String) {
    (500, format!("SOAP-ENV:{code}"), reason.to_owned(), wait.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_soap_it_is_a_fault_of_whoever_can_change_it_or_the_result_that_rest_tells() {
    let limits = Quotas { interactions: Some(3), bookings: Some(1), keys: Some(1), ..Quotas::default() };
    let gateway = Gateway::demo().with(two_tenants(limits)).start().await;
    assert_eq!(request_access(&gateway, TENANT, None, "<group>test</group>").await.status, 200);
    let booking = request_access(&gateway, TENANT, None, "<group>test</group>").await;
    assert_eq!(fault(&booking), faults("Server", "bookings_full", "30"), "{booking:?}");

    let lent = allocate(&gateway, Some("k"), "a").await;
    assert_eq!(lent.status, 200, "{lent:?}");
    let key = allocate(&gateway, Some("l"), "a").await;
    assert_eq!(fault(&key), faults("Client", "keys_full", "30"), "{key:?}");
    assert!(key.element("faultstring").starts_with("The header Idempotency-Key cannot be honoured: "), "{key:?}");
    let key = request_access(&gateway, TENANT, Some("l"), "<interaction>a</interaction><group>DNIS</group>").await;
    assert_eq!(fault(&key), faults("Client", "keys_full", "30"), "{key:?}");
    let again = allocate(&gateway, Some("k"), "a").await;
    assert_eq!(again.text(), lent.text(), "the key that was there is honoured");

    let fourth = allocate(&gateway, None, "b").await;
    let told = (fourth.status, fourth.element("result"));
    assert_eq!(told, (200, "There are 3 interactions already, and no more are allowed".to_owned()), "{fourth:?}");
    let fourth = request_access(&gateway, TENANT, None, "<group>DNIS</group>").await;
    assert_eq!(fault(&fourth), faults("Server", "interactions_full", ""), "{fourth:?}");
    for at in 0..4 {
        let lent = request_access(&gateway, NEIGHBOUR, None, "<group>test</group>").await;
        assert_eq!(lent.status, 200, "booking {at} of the neighbour: {lent:?}");
    }
    gateway.stop().await;

    // One interaction with its document is there from the start.
    let limits = Quotas { documents: Some(2), ..Quotas::default() };
    let gateway = Gateway::demo().with(two_tenants(limits)).start().await;
    assert_eq!(request_access(&gateway, TENANT, None, "<group>DNIS</group>").await.status, 200);
    let third = request_access(&gateway, TENANT, None, "<group>DNIS</group>").await;
    assert_eq!(fault(&third), faults("Server", "documents_full", ""), "{third:?}");
    let third = allocate(&gateway, None, "b").await;
    let told = (third.status, third.element("result"));
    assert_eq!(told, (200, "There are 2 documents already, and no more are allowed".to_owned()), "{third:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_of_one_tenant_is_full_and_its_neighbours_is_not_also_after_a_restart() {
    let limits = || two_tenants(Quotas { document_bytes: Some(1 << 20), ..Quotas::default() });
    let gateway = Gateway::demo().with(limits()).start().await;
    let large = "x".repeat(50_000);
    let store = async |gateway: &Gateway, tenant| gms(gateway, tenant, "storage/600", &[("k", &large)]).await.status;
    let mut stored = 0;
    while store(&gateway, TENANT).await == 200 {
        stored += 1;
        assert!(stored < 30, "there is no end to it");
    }
    assert_eq!(stored, 20, "twenty of them and what they cost besides take almost a mebibyte");
    let usage = "dnis_gateway_tenant_usage";
    let before = metric(&gateway, usage, TENANT, "document_bytes").await;
    let gateway = Gateway::demo().with(limits()).on(gateway.stop().await).start().await;
    assert_eq!(metric(&gateway, usage, TENANT, "document_bytes").await, before);
    assert_eq!(store(&gateway, TENANT).await, 507);
    assert_eq!(store(&gateway, NEIGHBOUR).await, 200);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_is_too_long_counts_as_the_longest_over_gms_and_is_refused_over_the_own_api() {
    let limits = Quotas { ttl: Some(Seconds::new(60)), ..Quotas::default() };
    let gateway = Gateway::demo().with(two_tenants(limits)).start().await;
    assert_eq!(gms(&gateway, TENANT, "storage/999999999999", &[("k", "v")]).await.status, 200);
    let refused = native(&gateway, TENANT, "/interactions", json!({ "lasting": 61 })).await;
    assert_eq!(problem(&refused), problems(400, "invalid", ""));
    assert_eq!(refused.json()["errors"][0]["pointer"], "/lasting");
    assert_eq!(native(&gateway, TENANT, "/interactions", json!({ "lasting": 60 })).await.status, 201);
    assert_eq!(native(&gateway, NEIGHBOUR, "/interactions", json!({ "lasting": 61 })).await.status, 201);
    gateway.stop().await;
}

/// How many ended allocations are told of the numbers of the group `samples`.
async fn remembered(gateway: &Gateway, tenant: &str) -> usize {
    let mut entries = 0;
    for number in ["111", "222", "2111234560"] {
        let path = format!("/gateway/v1/numbers/{number}/history?limit=1000");
        entries += send(of(gateway, tenant, Method::GET, &path)).await.json()["items"].as_array().unwrap().len();
    }
    entries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_history_is_pushed_out_by_itself_alone_and_metrics_tell_how_much_there_is() {
    let limits = || two_tenants(Quotas { history: Some(16), ..Quotas::default() });
    let mut gateway = Gateway::demo().with(limits()).start().await;
    let around = async |gateway: &Gateway, tenant: &str| {
        let lent = native(gateway, tenant, "/allocations", json!({ "group": "samples" })).await.json();
        let path = format!("/gateway/v1/allocations/{}", lent["id"].as_str().unwrap());
        assert_eq!(send(of(gateway, tenant, Method::DELETE, &path)).await.status, 204);
    };
    for _ in 0..9 {
        around(&gateway, NEIGHBOUR).await;
    }
    for _ in 0..2 {
        for _ in 0..40 {
            around(&gateway, TENANT).await;
        }
        assert_eq!((remembered(&gateway, NEIGHBOUR).await, remembered(&gateway, TENANT).await), (9, 16));
        for (tenant, has, may_have) in [(NEIGHBOUR, 9, 500_000), (TENANT, 16, 16)] {
            assert_eq!(metric(&gateway, "dnis_gateway_tenant_usage", tenant, "history").await, Some(has));
            assert_eq!(metric(&gateway, "dnis_gateway_tenant_limit", tenant, "history").await, Some(may_have));
        }
        gateway = Gateway::demo().with(limits()).on(gateway.stop().await).start().await;
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_match_answers_and_frees_no_more_than_it_may() {
    let limits = Quotas { matches: Some(3), ..Quotas::default() };
    let gateway = Gateway::demo().with(two_tenants(limits)).start().await;
    let change = of(&gateway, TENANT, Method::GET, "/gateway/v1/numbers?group=test");
    let numbers = send(change).await.json()["items"].as_array().unwrap().len();
    for _ in 0..4 * numbers {
        let booked = gms(&gateway, TENANT, "service/request-interaction", &[("_resource_group", "test")]).await;
        assert_eq!(booked.status, 200, "{booked:?}");
    }
    let found = async || {
        let form = [("_access_number", "380974520200"), ("_return_multiple_matches", "true")];
        let reply = gms(&gateway, TENANT, "service/match-interaction", &form).await;
        (reply.status, reply.json()["matches"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(found().await, (200, 3));
    assert_eq!(found().await, (200, 1), "the one that did not fit was not freed");
    assert_eq!(found().await.0, 404);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_one_tenant_does_not_end_keeps_no_other_from_importing() {
    let gateway = Gateway::demo().with(two_tenants(Quotas::default())).start().await;
    let unfinished = format!(
        "POST /gateway/v1/numbers/import HTTP/1.1\r\nHost: x\r\nTenant-Id: {TENANT}\r\nApplication-Key: {DNIS_KEY}\r\n\
         User-Id: {USER}\r\nUser-Password: {PASSWORD}\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\n900,,a,true\n"
    );
    let import = async |tenant: &str, number: &str| {
        let request = of(&gateway, tenant, Method::POST, "/gateway/v1/numbers/import");
        send(request.header("Content-Type", "text/csv").body(format!("{number}\n"))).await
    };
    // Which of two files of one tenant comes first is not told, so the unfinished one is given time, more at each try.
    let mut wire = Wire::to(gateway.address()).await;
    for attempt in 1..=10 {
        wire.send(&unfinished).await;
        tokio::time::sleep(Duration::from_millis(200 * attempt)).await;
        let own = import(TENANT, &(700_000 + attempt).to_string()).await;
        if own.status == 503 {
            assert_eq!(problem(&own), problems(503, "import-running", "5"));
            break;
        }
        assert!(attempt < 10, "{own:?}");
        wire = Wire::to(gateway.address()).await;
    }
    assert_eq!(import(NEIGHBOUR, "901").await.status, 200);
    drop(wire);
    gateway.stop().await;
}
