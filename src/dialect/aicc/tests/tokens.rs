//! tokenByAkSk, and what a token is worth.

use super::*;
use crate::domain::Seconds;

#[actix_web::test]
async fn a_token_is_granted_with_every_value_a_text() {
    let gateway = Gateway::new().await;
    let reply = gateway.grant(&[("X-Token-Expire", "1800")], DEMO).await;
    let members = reply.ok().as_object().unwrap();
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    assert_eq!(names, ["AccessToken", "AppKey", "ApplyType", "CreateTime", "Expires", "Scope", "UserID"]);
    let text = |name: &str| members[name].as_str().unwrap();
    assert_eq!((text("ApplyType"), text("CreateTime"), text("Expires")), ("Bearer", "1700000000", "1800"));
    assert_eq!((text("AppKey"), text("UserID"), text("Scope").len()), (DEMO.0, "Anonymous", 32));
    let again = gateway.grant(&[], DEMO).await;
    assert_eq!(again.body["Scope"], reply.body["Scope"]);
    assert_ne!(gateway.grant(&[], BLUE).await.body["Scope"], reply.body["Scope"]);
}

#[actix_web::test]
async fn the_lifetime_is_the_one_asked_for_and_an_hour_at_most() {
    let gateway = Gateway::new().await;
    for (asked, expires) in [
        ("600", "600"),
        (" 1 ", "1"),
        ("0060", "60"),
        ("3600", "3600"),
        ("3601", "3600"),
        ("99999999999999999999999", "3600"),
    ] {
        assert_eq!(gateway.grant(&[("x-token-expire", asked)], DEMO).await.ok()["Expires"], expires, "{asked}");
    }
    assert_eq!(gateway.grant(&[], DEMO).await.ok()["Expires"], "3600");
    for wrong in ["0", "000", "-1", "+600", "600s", "1.5", "", "x"] {
        let reply = gateway.grant(&[("X-Token-Expire", wrong)], DEMO).await;
        reply.failed(400, "X-Token-Expire: must be a positive whole number of seconds");
    }
    gateway.grant(&[("X-Token-Expire", "1"), ("X-Token-Expire", "1")], DEMO).await.failed(400, "X-Token-Expire");
}

#[actix_web::test]
async fn wrong_credentials_are_told_nothing_but_that() {
    let gateway = Gateway::new().await;
    let expected = json!({"returnCode": "403", "description": "authentication fails"});
    for pair in [(DEMO.0, "wrong"), ("nobody", DEMO.1), (DEMO.0, BLUE.1), (BLUE.0, DEMO.1)] {
        let reply = gateway.grant(&[], pair).await;
        assert_eq!((reply.status, &reply.body), (403, &expected), "{pair:?}");
    }
}

#[actix_web::test]
async fn names_of_the_pair_are_in_snake_case_alone() {
    let gateway = Gateway::new().await;
    let body = json!({"appKey": DEMO.0, "appSecret": DEMO.1}).to_string();
    gateway.post(Endpoint::TokenByAkSk, &[], &body).await.failed(400, "app_key: is required");
}

#[actix_web::test]
async fn guesses_are_answered_with_429_after_a_while_but_the_right_pair_goes_on() {
    let gateway = Gateway::new().await;
    for _ in 0..10 {
        gateway.grant(&[], (DEMO.0, "guess")).await.failed(403, "authentication fails");
    }
    let reply = gateway.grant(&[], (DEMO.0, "guess")).await;
    reply.failed(429, "too many attempts");
    assert!((1..=60).contains(&reply.header("retry-after").unwrap().parse::<u64>().unwrap()));
    gateway.grant(&[], DEMO).await.ok();
    gateway.call(Endpoint::QueryCalledRoute, json!({})).await.ok();
}

#[actix_web::test]
async fn a_token_opens_nothing_from_its_very_end_on() {
    let gateway = Gateway::new().await;
    let token = gateway.grant(&[("X-Token-Expire", "60")], DEMO).await.body["AccessToken"].as_str().unwrap().to_owned();
    let ask = async || gateway.call_as(&token, Endpoint::QueryCalledRoute, &json!({})).await;
    gateway.clock.advance_millis(59_999);
    ask().await.ok();
    gateway.clock.advance(Seconds::new(1));
    ask().await.failed(403, "authentication fails");
    // Neither the end of one token nor a new one takes anything from the others.
    gateway.token_of(DEMO).await;
    gateway.call(Endpoint::QueryCalledRoute, json!({})).await.ok();
}

#[actix_web::test]
async fn whatever_is_no_token_of_ours_is_told_the_same() {
    let gateway = Gateway::new().await;
    let expected = json!({"returnCode": "403", "description": "authentication fails"});
    let forged = {
        let (claims, _) = gateway.token.split_once('.').unwrap();
        format!("Bearer {claims}.{}", "A".repeat(43))
    };
    let two_blanks = format!("Bearer  {}", gateway.token);
    for authorization in ["", "Bearer", "Bearer x", "Basic ZGVtbzpkZW1v", &gateway.token, &forged, &two_blanks] {
        let reply = gateway.post(Endpoint::QueryCalledRoute, &[("Authorization", authorization)], "{}").await;
        assert_eq!((reply.status, &reply.body), (403, &expected), "{authorization}");
    }
    assert_eq!(gateway.post(Endpoint::QueryCalledRoute, &[], "{}").await.status, 403);
}

#[actix_web::test]
async fn headers_are_taken_in_every_spelling_and_strange_ones_are_no_matter() {
    let gateway = Gateway::new().await;
    let bearer = format!("Bearer {}", gateway.token);
    for name in ["X-APP-Key", "X-APP-KEY", "x-app-key"] {
        let headers = [("authorization", bearer.as_str()), (name, DEMO.0), ("X-TenantSpaceID", "1"), ("X-UserID", "2")];
        gateway.post(Endpoint::QueryCalledRoute, &headers, "{}").await.ok();
        let another = [("authorization", bearer.as_str()), (name, BLUE.0)];
        gateway.post(Endpoint::QueryCalledRoute, &another, "{}").await.failed(403, "authentication fails");
    }
}

#[actix_web::test]
async fn a_suspended_tenant_is_unauthorised() {
    let gateway = Gateway::new().await;
    let gone = ("gone-key", "secret-of-gone");
    gateway.grant(&[], gone).await.failed(401, "the account of the tenant is suspended");
    gateway.grant(&[], (gone.0, "wrong")).await.failed(403, "authentication fails");
    gateway.reload(|settings| settings.tenants.get_mut("12345678").unwrap().aicc.suspended = true).await;
    let reply = gateway.call(Endpoint::QueryCalledRoute, json!({})).await;
    reply.failed(401, "the account of the tenant is suspended");
    assert_eq!(reply.code(), "401");
}

#[actix_web::test]
async fn gateways_with_one_key_take_each_others_tokens_and_others_do_not() {
    let key = "k".repeat(32);
    let configured = |settings: &mut Settings| {
        settings.aicc = Settings::from_toml(&format!("[aicc]\nsigning_key = '{key}'")).unwrap().aicc;
    };
    let (one, two) = (Gateway::with(configured).await, Gateway::with(configured).await);
    two.call_as(&one.token, Endpoint::QueryCalledRoute, &json!({})).await.ok();
    let alone = Gateway::new().await;
    alone.call_as(&one.token, Endpoint::QueryCalledRoute, &json!({})).await.failed(403, "authentication fails");
    // Without a configured key, it is the one that the store keeps.
    let kept = alone.store.signing_key().await.unwrap();
    assert_eq!(alone.store.signing_key().await.unwrap(), kept);
    alone.call(Endpoint::QueryCalledRoute, json!({})).await.ok();
}
