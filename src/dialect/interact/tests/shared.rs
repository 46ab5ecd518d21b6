//! One state behind every dialect: what Interact sees of the others, and where a tenant ends.

use actix_web::http::Method;

use super::{AGENT, Gateway, Who, payload, scope};
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::{GroupName, InteractionId, LentBy, Seconds};

fn lend_by_gms(id: &str) -> Lend {
    Lend {
        holder: Holder::Any(InteractionId::new(id).unwrap()),
        source: Source::group(GroupName::new("test").unwrap()),
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(30),
        interaction_ttl: Seconds::new(3600),
        code: None,
        caller: None,
        data: Vec::new(),
        data_ttl: None,
        application: None,
    }
}

#[actix_web::test]
async fn a_number_lent_by_another_dialect_is_seen_and_freed() {
    let gateway = Gateway::documented().await;
    gateway.store.lend(&scope(), lend_by_gms("1-uuid"), None).await.unwrap();
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/0200").await.body, "1-uuid");
    let get = payload(AGENT, "GetDnisAllocationRequest", &[("phone", "380974520200")]);
    assert_eq!(gateway.soap(Who::Ivr, &get).await.result(), "1-uuid");
    let free = payload(AGENT, "FreeDnisAllocationRequest", &[("phone", "0200")]);
    assert_eq!(gateway.soap(Who::Admin, &free).await.result(), "Success");
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/0200").await.body, "");
}

#[actix_web::test]
async fn only_interacts_own_allocation_is_given_again() {
    let gateway = Gateway::documented().await;
    gateway.store.lend(&scope(), lend_by_gms("a"), None).await.unwrap();
    assert_eq!(gateway.lend("a").await, "111");
    assert_eq!(gateway.lend("a").await, "111");
}

#[actix_web::test]
async fn an_allocation_lasts_as_long_as_configured_and_its_interaction_longer() {
    let settings = "[interact]\nallocation_timeout = 20\n[gms]\ninteraction_ttl = 60\n";
    let gateway = Gateway::documented_with(settings).await;
    gateway.lend("a").await;
    let id = InteractionId::new("a").unwrap();
    gateway.later(19);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.body, "a");
    gateway.later(1);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.body, "");
    gateway.later(39);
    assert!(gateway.store.interaction(&scope(), &id).await.unwrap().is_some());
    gateway.later(1);
    assert!(gateway.store.interaction(&scope(), &id).await.unwrap().is_none());
}

#[actix_web::test]
async fn environments_of_a_tenant_see_nothing_of_each_other() {
    let second = "
[[tenant]]
id = 'second'
environments = ['Dev', 'Prod']
users = [{ name = 'admin', password_hash = '$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI' }]
applications = [{ name = 'numbers', kind = 'dnis', key = '53475e5f1463f9ab2052ead' }]
";
    let gateway = Gateway::documented_with(second).await;
    let headers = |environment: Option<&'static str>| {
        let tenant = [("Tenant-Id", "second"), ("Application-Key", "53475e5f1463f9ab2052ead")];
        let user = [("User-Id", "YWRtaW4="), ("User-Password", "cGFzc3dvcmQ=")];
        let environment = environment.map(|name| ("Environment-Name", name));
        tenant.into_iter().chain(user).chain(environment).collect::<Vec<_>>()
    };
    let body = r#"{"phoneNumber":"555","dnId":"5"}"#;
    let create = |environment| {
        let headers = headers(environment);
        let gateway = &gateway;
        async move { gateway.send(Method::POST, "/dnis", &headers, body).await.status }
    };
    assert_eq!(create(Some("prod")).await, 200);
    assert_eq!(create(Some("PROD")).await, 409);
    assert_eq!(create(Some("Dev")).await, 200);
    assert_eq!(create(Some("Test")).await, 401);
    assert_eq!(create(None).await, 401);
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/555").await.status, 404);
    let other = gateway.send(Method::GET, "/dnis/allocate/get/111", &headers(Some("prod")), "").await;
    assert_eq!(other.status, 404);
}
