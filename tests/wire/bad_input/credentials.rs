//! Credentials that are missing, wrong, garbled or given twice: one answer for all of them in each dialect.

use reqwest::{Method, RequestBuilder};

use super::Trial;
use crate::callers::{DNIS_KEY, INTERACTION, PASSWORD, Reply, TENANT, USER, envelope, send};

const MESSAGE: &str = "Request is unauthorized, missing or wrong credentials";

type Headers = Vec<(&'static str, Vec<u8>)>;

/// Header sets that let nobody in who needs a user, each with what is wrong with it.
fn wrong_sets() -> Vec<(&'static str, Headers)> {
    let right = [("Tenant-Id", TENANT), ("Application-Key", DNIS_KEY), ("User-Id", USER), ("User-Password", PASSWORD)];
    let right: Headers = right.map(|(name, value)| (name, value.as_bytes().to_owned())).into();
    let set = |name: &str, value: &[u8]| -> Headers {
        let replaced = |known: &Vec<u8>, other: &str| if other == name { value.to_owned() } else { known.clone() };
        right.iter().map(|(known, kept)| (*known, replaced(kept, known))).collect()
    };
    let without = |name: &str| -> Headers { right.iter().filter(|(known, _)| *known != name).cloned().collect() };
    let twice = |name: &'static str| -> Headers {
        let again = right.iter().find(|(known, _)| *known == name).unwrap().clone();
        right.iter().cloned().chain([again]).collect()
    };
    vec![
        ("no tenant", without("Tenant-Id")),
        ("no key", without("Application-Key")),
        ("no user", without("User-Id")),
        ("no password", without("User-Password")),
        ("another tenant", set("Tenant-Id", b"87654321")),
        ("an empty tenant", set("Tenant-Id", b"")),
        ("a tenant that is not UTF-8", set("Tenant-Id", b"1234\xff")),
        ("another key", set("Application-Key", b"53475e5f1463f9ab2052eae")),
        ("a key that is not UTF-8", set("Application-Key", b"\xff\xfe")),
        ("another user", set("User-Id", b"cm9vdA==")),
        ("another password", set("User-Password", b"UGFzc3dvcmQ=")),
        ("a user in plain text", set("User-Id", b"admin")),
        ("a user without padding", set("User-Id", b"YWRtaW4")),
        ("a user that is not UTF-8 in Base64", set("User-Id", b"/w==")),
        ("a password that is no Base64", set("User-Password", b"%%%%")),
        ("a password in the other alphabet", set("User-Password", b"_-8=")),
        ("a password that is not UTF-8 in Base64", set("User-Password", b"//79")),
        ("a password of raw bytes", set("User-Password", b"p\xe4ssword")),
        ("the tenant twice", twice("Tenant-Id")),
        ("the key twice", twice("Application-Key")),
        ("the user twice", twice("User-Id")),
        ("the password twice", twice("User-Password")),
    ]
}

async fn sent_with(request: RequestBuilder, headers: &Headers) -> Reply {
    send(headers.iter().fold(request, |request, (name, value)| request.header(*name, value.as_slice()))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interact_answers_all_of_them_over_rest_with_one_401() {
    let trial = Trial::demo().await;
    let free = || trial.caller().request(Method::POST, "/interact/version/2/dnis/allocate/free/111");
    for (what, headers) in wrong_sets().into_iter().chain([("nothing at all", Vec::new())]) {
        let reply = sent_with(free(), &headers).await;
        assert_eq!((reply.status, reply.header("unauthenticated-reason")), (401, MESSAGE), "{what}: {reply:?}");
        assert_eq!(reply.header("content-type"), "application/json", "{what}");
        let json = reply.json();
        assert_eq!((&json["code"], &json["message"]), (&"0x7000000".into(), &MESSAGE.into()), "{what}");
        trial.unchanged(what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interact_answers_all_of_them_over_soap_with_one_fault() {
    let trial = Trial::demo().await;
    let payload = "<d:FreeDnisAllocationRequest><d:phone>111</d:phone></d:FreeDnisAllocationRequest>";
    for (what, headers) in wrong_sets().into_iter().chain([("nothing at all", Vec::new())]) {
        let request = trial.caller().request(Method::POST, "/interact/version/2/agent/soap");
        let reply = sent_with(request.header("Content-Type", "text/xml").body(envelope(payload)), &headers).await;
        assert_eq!((reply.status, reply.header("unauthenticated-reason")), (500, MESSAGE), "{what}: {reply:?}");
        let fault = (reply.element("faultcode"), reply.element("faultstring"));
        assert_eq!(fault, ("0x7000000".to_owned(), MESSAGE.to_owned()), "{what}");
        trial.unchanged(what).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gms_refuses_a_set_that_is_not_right_although_it_would_let_in_nobody_at_all() {
    let trial = Trial::demo().await;
    let match_call = || trial.caller().request(Method::POST, "/genesys/1/service/match-interaction");
    for (what, headers) in wrong_sets() {
        let reply = sent_with(match_call().form(&[("_access_number", "111")]), &headers).await;
        assert_eq!(reply.status, 401, "{what}: {reply:?}");
        assert!(reply.header("www-authenticate").starts_with("Basic realm="), "{what}: {reply:?}");
        assert_eq!(reply.element("exception"), "javax.ws.rs.NotAuthorizedException", "{what}");
        trial.unchanged(what).await;
    }
    let form = [("_access_number", "111")];
    assert_eq!(send(match_call().form(&form)).await.status, 200, "the demo has an anonymous tenant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gms_refuses_basic_credentials_that_are_missing_wrong_or_garbled() {
    let sample = std::fs::read_to_string("samples/gateway.toml").unwrap();
    let tenants = dnis_gateway::config::Settings::from_toml(&sample).unwrap().tenants;
    let trial = Trial::of(crate::gateway::Gateway::demo().with(|settings| {
        settings.tenants.extend(tenants);
        settings.gms.anonymous_tenant = None;
    }));
    let trial = trial.await;
    let with = |authorization: Option<&[u8]>| {
        let request = trial.caller().request(Method::POST, "/genesys/1/service/request-access");
        let request = request.header("Environment-Name", "prod").form(&[("_id", INTERACTION)]);
        authorization.map_or(request.try_clone().unwrap(), |value| request.header("Authorization", value))
    };
    // "blue-bank-access:password" is right here: its interaction is unknown, but it is let in.
    let right = "Basic Ymx1ZS1iYW5rLWFjY2VzczpwYXNzd29yZA==";
    assert_eq!(send(with(Some(right.as_bytes()))).await.status, 404);
    for (what, authorization) in [
        ("nothing", None),
        ("a wrong password", Some(&b"Basic Ymx1ZS1iYW5rLWFjY2VzczpQYXNzd29yZA=="[..])),
        ("an unknown user", Some(b"Basic bm9ib2R5OnBhc3N3b3Jk")),
        ("no Base64", Some(b"Basic blue-bank-access:password")),
        ("no padding", Some(b"Basic Ymx1ZS1iYW5rLWFjY2VzczpwYXNzd29yZA")),
        ("no colon", Some(b"Basic Ymx1ZS1iYW5r")),
        ("no UTF-8", Some(b"Basic //79Ov8=")),
        ("raw bytes", Some(b"Basic \xff\xfe")),
        ("another scheme", Some(b"Bearer Ymx1ZS1iYW5rLWFjY2VzczpwYXNzd29yZA==")),
        ("an empty header", Some(b"")),
    ] {
        let reply = send(with(authorization)).await;
        assert_eq!(reply.status, 401, "{what}: {reply:?}");
        assert!(reply.header("www-authenticate").starts_with("Basic realm="), "{what}: {reply:?}");
        assert_eq!(reply.element("exception"), "javax.ws.rs.NotAuthorizedException", "{what}: {reply:?}");
        trial.unchanged(what).await;
    }
}
