//! `interact.release_on_get`: what a Get that finds an allocation does to it.

use actix_web::http::Method;

use super::{AGENT, Gateway, Who, payload, scope};
use crate::domain::{GroupName, NewNumber, Number, Scope};

const GET: &str = "/dnis/allocate/get/111";

/// A gateway with this setting, where `111` is lent.
async fn gateway(setting: &str) -> Gateway {
    let gateway = Gateway::documented_with(&format!("[interact]\nrelease_on_get = {setting}\n")).await;
    gateway.lend("visit").await;
    gateway
}

async fn is_lent(gateway: &Gateway) -> bool {
    let found = gateway.store.number(&scope(), Number::new("111").unwrap()).await.unwrap().unwrap();
    found.allocation.is_some()
}

#[actix_web::test]
async fn a_get_frees_at_once_over_either_transport_and_a_free_after_it_is_content() {
    for soap in [false, true] {
        let gateway = gateway("'at-once'").await;
        let told = if soap {
            let get = payload(AGENT, "GetDnisAllocationRequest", &[("phone", "111")]);
            gateway.soap(Who::Ivr, &get).await.result().to_owned()
        } else {
            gateway.get(Who::Ivr, GET).await.body
        };
        assert_eq!(told, "visit");
        assert!(!is_lent(&gateway).await);
        assert_eq!(gateway.get(Who::Ivr, GET).await.body, "", "the phones of this group do not rest");
        let freed = gateway.post(Who::Admin, "/dnis/allocate/free/111", "").await;
        assert_eq!((freed.status, freed.body.as_str()), (200, ""));
    }
}

#[actix_web::test]
async fn a_get_shortens_the_time_and_never_lengthens_it() {
    let gateway = gateway("60").await;
    for wait in [0, 59] {
        gateway.later(wait);
        assert_eq!(gateway.get(Who::Ivr, GET).await.body, "visit", "after {wait} s");
    }
    gateway.later(60);
    assert!(!is_lent(&gateway).await, "the second Get gave no more than 60 s");
    let gateway = self::gateway("60").await;
    gateway.later(850);
    assert_eq!(gateway.get(Who::Ivr, GET).await.body, "visit");
    gateway.later(50);
    assert!(!is_lent(&gateway).await, "the time that was left was less");
}

#[actix_web::test]
async fn nothing_ends_without_the_setting_or_by_a_look() {
    for (setting, who, method) in [
        ("'never'", Who::Ivr, Method::GET),
        ("'at-once'", Who::Ivr, Method::HEAD),
        ("'at-once'", Who::Intruder, Method::POST),
        ("'at-once'", Who::Nobody, Method::GET),
    ] {
        let gateway = gateway(setting).await;
        gateway.send(method.clone(), GET, who.headers(), "").await;
        gateway.get(Who::Admin, "/dnis/111").await;
        assert!(is_lent(&gateway).await, "{setting} {method}");
    }
}

#[actix_web::test]
async fn a_repeated_get_finds_it_while_the_phone_rests() {
    let groups = "[[tenant]]\nid = 'resting'\nusers = []\n\
        applications = [{ name = 'n', kind = 'dnis', key = '53475e5f1463f9ab2052ead' }]\n\
        groups = [{ name = 'slow', cool_down = 30 }]\n";
    let gateway = Gateway::with(&format!("[interact]\nrelease_on_get = 'at-once'\n{groups}"));
    let resting = Scope { tenant: "resting".parse().unwrap(), environment: None };
    let new = NewNumber {
        number: Number::new("555").unwrap(),
        dnid: Number::new("5").unwrap(),
        group: Some(GroupName::new("slow").unwrap()),
        enabled: true,
    };
    gateway.store.create_number(&resting, new, None).await.unwrap();
    let headers = [("Tenant-Id", "resting"), ("Application-Key", "53475e5f1463f9ab2052ead")];
    let lend = gateway.send(Method::POST, "/dnis/allocate/new", &headers, r#"{"id":"visit"}"#).await;
    assert_eq!(lend.body, "555");
    let get = async || gateway.send(Method::GET, "/dnis/allocate/get/5", &headers, "").await.body;
    assert_eq!(get().await, "visit");
    gateway.later(29);
    assert_eq!(get().await, "visit", "the phone rests");
    gateway.later(1);
    assert_eq!(get().await, "");
}
