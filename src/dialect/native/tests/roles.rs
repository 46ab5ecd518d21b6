//! What each role may do here, and what who sees all tenants sees.

use super::*;
use crate::access::Effect;
use crate::dialect::native::framework::endpoint::operations;

/// `root:password`, an admin, and `guest:password`, a viewer, who see all tenants.
fn gateway() -> Gateway {
    Gateway::with(&format!(
        "[[admin.users]]\nname = 'root'\npassword_hash = '{HASH}'\nrole = 'admin'\n\
         [[admin.users]]\nname = 'guest'\npassword_hash = '{HASH}'\nrole = 'viewer'\n"
    ))
}

const ROOT: (&str, &str) = ("Authorization", "Basic cm9vdDpwYXNzd29yZA==");
const GUEST: (&str, &str) = ("Authorization", "Basic Z3Vlc3Q6cGFzc3dvcmQ=");
const ONE: (&str, &str) = ("Tenant-Id", "one");

#[tokio::test]
async fn a_viewer_is_refused_every_operation_that_changes_something_and_no_other() {
    let gateway = gateway();
    gateway.number("4711", "sales").await;
    let lent = gateway.post("/allocations", json!({ "group": "sales", "interaction": "a" })).await;
    assert_eq!(lent.status, 201, "{lent:?}");
    for operation in operations() {
        let meta = operation.meta();
        let path = meta.path.replace("{number}", "4711").replace("{interaction}", "a").replace("{group}", "sales");
        let path =
            path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect::<Vec<_>>().join("/");
        // Where something is read, its head alone: an answer may never end.
        let method = meta.verb.methods().last().unwrap().clone();
        let answer = gateway.answer(method, &path, &[GUEST, ONE], "{}").await;
        let refused = answer.status == 403 && answer.outcome == "role";
        assert_eq!(
            refused,
            meta.effect == Effect::Changes || meta.name == "audit-list" || meta.name == "audit-export",
            "{}: {answer:?}",
            meta.name
        );
    }
    assert_eq!(gateway.get("/numbers/4711").await.body["state"], "allocated", "nothing was freed");
}

#[tokio::test]
async fn a_viewer_may_look_at_a_call_and_not_take_it() {
    let gateway = gateway();
    gateway.number("4711", "sales").await;
    gateway.post("/allocations", json!({ "group": "sales", "interaction": "a" })).await;
    let resolve = async |take: bool| {
        let body = json!({ "dialled": "4711", "take": take }).to_string();
        gateway.send(Method::POST, "/calls/resolve", &[GUEST, ONE], body).await
    };
    assert_eq!(resolve(false).await.status, 200);
    let refused = resolve(true).await;
    assert_eq!((refused.status, refused.problem()), (403, "role"));
    assert_eq!(refused.body["detail"], "It takes a user whose role is operator or more");
    let explained = gateway.send(Method::POST, "/calls/explain", &[GUEST, ONE], r#"{"dialled":"4711"}"#).await;
    assert_eq!(explained.status, 200, "{explained:?}");
}

#[tokio::test]
async fn who_sees_all_tenants_acts_in_the_one_that_is_named() {
    let gateway = gateway();
    let whoami = gateway.send(Method::GET, "/whoami", &[ROOT, ONE], "").await;
    assert_eq!(
        whoami.body,
        json!({ "tenant": "one", "environment": null, "application": null, "user": "root", "role": "admin", "all_tenants": true })
    );
    let two = [ROOT, ("Tenant-Id", "two"), ("Environment-Name", "test")];
    let made = gateway.send(Method::POST, "/numbers", &two, r#"{"number":"99"}"#).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(gateway.get("/numbers/99").await.status, 404, "it is not in tenant one");
    assert_eq!(gateway.send(Method::GET, "/whoami", &[ROOT], "").await.status, 401, "no tenant is named");
    let ids = |reply: &Reply| {
        let tenants = reply.body["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned());
        tenants.collect::<Vec<_>>()
    };
    assert_eq!(ids(&gateway.send(Method::GET, "/tenants", &[GUEST, ONE], "").await), ["one", "two"]);
    assert_eq!(ids(&gateway.get("/tenants").await), ["one"]);
    assert_eq!(gateway.send(Method::GET, "/tenants/two", &[GUEST, ONE], "").await.status, 200);
    assert_eq!(gateway.get("/tenants/two").await.status, 404);
}

#[tokio::test]
async fn what_is_about_the_gateway_is_for_who_sees_all_tenants() {
    let gateway = gateway();
    assert_eq!(gateway.send(Method::GET, "/cluster", &[GUEST, ONE], "").await.status, 200);
    let refused = gateway.get("/cluster").await;
    assert_eq!((refused.status, refused.problem()), (403, "for-operator"), "an admin of one of two tenants");
}

#[tokio::test]
async fn over_soap_a_viewer_may_resolve_a_call_and_change_nothing() {
    let gateway = gateway();
    gateway.number("4711", "sales").await;
    gateway.post("/allocations", json!({ "group": "sales", "interaction": "a" })).await;
    let ask = async |operation: &str, fields: &str| {
        let body = format!(
            "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>\
             <g:{operation}Request xmlns:g='urn:dnis-gateway:v1'>{fields}</g:{operation}Request></e:Body></e:Envelope>"
        );
        let headers = [GUEST, ONE, ("Content-Type", "text/xml")];
        let answer = gateway.answer(Method::POST, "/soap", &headers, body).await;
        (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
    };
    let look = ask("ResolveCall", "<g:dialled>4711</g:dialled>").await;
    assert!(look.0 == 200 && look.1.contains("4711"), "{look:?}");
    for (operation, fields) in [
        ("ResolveCall", "<g:dialled>4711</g:dialled><g:take>true</g:take>"),
        ("MatchInteraction", "<g:number>4711</g:number>"),
        ("RequestAccess", "<g:group>sales</g:group>"),
        ("CreateCalledRoute", "<g:accessCode>5550100</g:accessCode><g:flow>12</g:flow>"),
    ] {
        let refused = ask(operation, fields).await;
        assert!(refused.0 == 500 && refused.1.contains("role"), "{operation}: {refused:?}");
    }
    assert_eq!(gateway.get("/numbers/4711").await.body["state"], "allocated", "nothing was freed");
}
