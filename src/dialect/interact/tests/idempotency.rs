//! Calls under an `Idempotency-Key`, over REST and SOAP.

use actix_web::http::Method;

use super::{AGENT, DNIS, Gateway, Reply, Who, envelope, payload};

const ALLOCATE: &str = r#"{"group":"samples","id":"a"}"#;

impl Gateway {
    async fn under(&self, keys: &[&str], who: Who, target: &str, body: &str) -> Reply {
        let keys = keys.iter().map(|key| ("Idempotency-Key", *key));
        let headers: Vec<_> = who.headers().iter().copied().chain(keys).collect();
        self.send(Method::POST, target, &headers, body.to_owned()).await
    }

    /// Allocates over SOAP with a Header of its own.
    async fn allocate(&self, key: &str, header: &str, fields: &[(&str, &str)]) -> Reply {
        let envelope = envelope(&payload(AGENT, "AllocateDnisRequest", fields));
        let envelope = envelope.replace("<soapenv:Header/>", &format!("<soapenv:Header>{header}</soapenv:Header>"));
        let headers = [Who::Web.headers(), &[("Content-Type", "text/xml"), ("Idempotency-Key", key)]].concat();
        self.send(Method::POST, "/agent/soap", &headers, envelope).await
    }
}

fn told(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.body.as_str())
}

#[actix_web::test]
async fn a_retried_allocate_gives_the_same_phone_and_no_longer_time() {
    let gateway = Gateway::documented().await;
    for at in 0..3 {
        let reply = gateway.under(&["k"], Who::Web, "/dnis/allocate/new", ALLOCATE).await;
        assert_eq!(told(&reply), (200, "111"), "call {at}");
        gateway.later(300);
    }
    let spent = gateway.under(&["k"], Who::Web, "/dnis/allocate/new", ALLOCATE).await;
    assert_eq!(
        told(&spent),
        (
            409,
            "The header Idempotency-Key has a key whose request was carried out, and what it made has ended since: \
             freed, matched, deleted or expired; ask anew under a new key\n"
        )
    );
    assert_eq!(spent.outcome, "key_spent");
}

#[actix_web::test]
async fn a_retried_create_gives_the_same_id_and_no_conflict() {
    let gateway = Gateway::with("");
    let phone = r#"{"phoneNumber":"2111234567","dnId":"4567"}"#;
    for _ in 0..2 {
        assert_eq!(told(&gateway.under(&["k"], Who::Admin, "/dnis", phone).await), (200, "1"));
    }
    assert_eq!(gateway.under(&["l"], Who::Admin, "/dnis", phone).await.status, 409, "a new key is a new request");
}

#[actix_web::test]
async fn another_request_under_a_key_is_refused() {
    let gateway = Gateway::documented().await;
    gateway.under(&["k"], Who::Web, "/dnis/allocate/new", ALLOCATE).await;
    let before = gateway.phones().await;
    let other = gateway.under(&["k"], Who::Web, "/dnis/allocate/new", r#"{"group":"samples","id":"b"}"#).await;
    assert_eq!(
        told(&other),
        (422, "The header Idempotency-Key has a key that another request had before; a new request needs a new key\n")
    );
    assert_eq!((other.outcome, gateway.phones().await), ("key_reused", before));
}

#[actix_web::test]
async fn a_header_without_a_key_is_named_and_nothing_is_done() {
    let gateway = Gateway::documented().await;
    let before = gateway.phones().await;
    for (keys, expected) in [
        (&["two words"][..], "must be 1 to 255 visible ASCII characters, in double quotes or without them"),
        (&["a", "a"], "is given more than once; once is allowed"),
    ] {
        let reply = gateway.under(keys, Who::Web, "/dnis/allocate/new", ALLOCATE).await;
        let expected = format!("missing or invalid parameter Idempotency-Key: {expected}");
        assert_eq!(told(&reply), (400, expected.as_str()));
    }
    assert_eq!(gateway.phones().await, before);
    let free = gateway.under(&["two words"], Who::Admin, "/dnis/allocate/free/111", "").await;
    assert_eq!(told(&free), (200, ""), "a call that neither lends nor creates does not look at it");
}

#[actix_web::test]
async fn over_soap_the_operation_and_its_fields_are_the_request() {
    let gateway = Gateway::documented().await;
    let fields = [("uniqueId", "a"), ("group", "samples")];
    let first = gateway.allocate("k", "", &fields).await;
    assert_eq!(first.result(), "111");
    gateway.later(1);
    let again = gateway.allocate("k", "<m:Id xmlns:m=\"urn:m\">2</m:Id>", &fields).await;
    assert_eq!(told(&again), told(&first), "a Header that says when it was sent makes no other request");
    let other = gateway.allocate("k", "", &[("uniqueId", "b"), ("group", "samples")]).await;
    assert!(other.fault().starts_with("The header Idempotency-Key has a key that another request had"), "{other:?}");
    assert!(other.body.contains(":Client</faultcode>"), "{}", other.body);
    let free = payload(DNIS, "FreeDnisAllocationRequest", &[("phone", "111")]);
    assert_eq!(gateway.soap(Who::Admin, &free).await.result(), "Success");
    gateway.lend("b").await;
    let spent = gateway.allocate("k", "", &fields).await;
    assert!(spent.fault().starts_with("The header Idempotency-Key has a key whose request was carried out"));
    let wrong = gateway.allocate("two words", "", &fields).await;
    assert!(wrong.fault().contains("Idempotency-Key"), "{}", wrong.fault());
}

#[actix_web::test]
async fn over_soap_a_retried_create_gives_the_same_id_and_no_conflict() {
    let gateway = Gateway::with("");
    let create = async |key: &str, dnid: &str| {
        let fields = [("phoneNumber", "2111234567"), ("dnId", dnid)];
        let envelope = envelope(&payload(DNIS, "CreatePhoneRequest", &fields));
        let headers = [Who::Admin.headers(), &[("Content-Type", "text/xml"), ("Idempotency-Key", key)]].concat();
        gateway.send(Method::POST, "/dnis/soap", &headers, envelope).await
    };
    for _ in 0..2 {
        assert_eq!(create("k", "4567").await.result(), "1");
    }
    let new = create("l", "4567").await;
    assert_eq!(new.result(), "Cannot create Phone '2111234567'. A phone with that name already exists");
    assert!(create("k", "5678").await.fault().contains("has a key that another request had before"));
}
