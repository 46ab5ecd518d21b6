//! The scripted call flow: a number lent by GMS, a route made by AICC, and one question that brings both together, over
//! JSON and over SOAP.

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::{Caller, INTERACTION, Reply, send};

/// An access code of the demo; the flow adds it to the pool as a number too.
const NUMBER: &str = "5550100";
const ROUTES: &str = "/apiaccess/rest/cc-management/v1/calledRoute";

async fn route_by_aicc(caller: &Caller) {
    let keys = json!({ "app_key": "demo-key-0001", "app_secret": "demo-secret-0001" });
    let token = caller.request(Method::POST, "/apigovernance/api/oauth/tokenByAkSk").json(&keys);
    let token = send(token).await.json()["AccessToken"].as_str().unwrap().to_owned();
    let route = json!({ "accessCode": NUMBER, "devicetype": 1, "deviceId": 7, "mediaTypeId": 5 });
    let made = caller.request(Method::POST, &format!("{ROUTES}/createCalledRoute")).bearer_auth(token).json(&route);
    assert_eq!(send(made).await.status, 200);
}

async fn lend_by_gms(caller: &Caller) -> String {
    let made = json!({ "phoneNumber": NUMBER, "dnId": "0100", "groupName": "hotline", "enabled": true });
    assert_eq!(caller.interact("/dnis", &made.to_string()).await.status, 200);
    let lent = caller
        .gms(
            "request-access",
            &[
                ("_id", INTERACTION),
                ("_resource_group", "hotline"),
                ("_provide_code", "true"),
                ("_phone_number", "15550199"),
                ("_booking_expiration_timeout", "300"),
                ("customer_name", "Ann"),
            ],
        )
        .await;
    assert_eq!(lent.status, 200, "{lent:?}");
    lent.json()["_access_code"].as_str().unwrap().to_owned()
}

async fn over_json(caller: &Caller, body: &Value) -> Reply {
    send(caller.user(Method::POST, "/gateway/v1/calls/resolve").json(body)).await
}

async fn over_soap(caller: &Caller, fields: &str) -> Reply {
    let envelope = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:g=\"urn:dnis-gateway:v1\"><e:Body>\
         <g:ResolveCallRequest>{fields}</g:ResolveCallRequest></e:Body></e:Envelope>"
    );
    let request = caller.user(Method::POST, "/gateway/v1/soap").header("Content-Type", "text/xml").body(envelope);
    send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_tells_whose_call_it_is_what_they_said_and_where_it_goes() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let caller = Caller::of(binary.url());
    route_by_aicc(&caller).await;
    let code = lend_by_gms(&caller).await;

    let call = json!({ "dialled": NUMBER, "caller": "15550199", "code": code });
    let seen = over_json(&caller, &call).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    let seen = seen.json();
    let candidate = &seen["candidates"][0];
    assert_eq!(seen["candidates"].as_array().unwrap().len(), 1);
    assert_eq!((&candidate["interaction"], &candidate["number"]), (&json!(INTERACTION), &json!(NUMBER)));
    assert_eq!(candidate["data"], json!({ "customer_name": "Ann" }));
    assert_eq!((&candidate["reason"], &candidate["confidence"]), (&json!("number-code-and-caller"), &json!("high")));
    let route = &seen["route"];
    assert_eq!((&route["access_code"], &route["kind"], &route["id"]), (&json!(NUMBER), &json!("skill"), &json!(7)));
    assert_eq!((&seen["taken"], &seen["ambiguous"]), (&json!(false), &json!(false)));

    let fields = format!("<g:dialled>0100</g:dialled><g:code>{code}</g:code>");
    let by_dnid = over_soap(&caller, &fields).await;
    assert_eq!((by_dnid.status, by_dnid.element("interaction").as_str()), (200, INTERACTION), "{by_dnid:?}");

    let fields = format!("<g:dialled>{NUMBER}</g:dialled><g:code>{code}</g:code><g:take>true</g:take>");
    let taken = over_soap(&caller, &fields).await;
    assert_eq!((taken.status, taken.element("taken").as_str()), (200, "true"), "{taken:?}");
    assert_eq!((taken.element("interaction"), taken.element("value")), (INTERACTION.to_owned(), "Ann".to_owned()));
    assert_eq!((taken.element("accessCode").as_str(), taken.element("kind").as_str()), (NUMBER, "skill"));

    let free = caller.allocation(NUMBER).await;
    assert_eq!((free.status, free.text().as_str()), (200, ""), "the number is free for every dialect");
    let again = over_json(&caller, &call).await.json();
    assert_eq!((&again["candidates"], &again["route"]), (&json!([]), route), "the destination is told all the same");
    let unknown = over_json(&caller, &json!({ "dialled": "000" })).await;
    assert_eq!((unknown.status, &unknown.json()["type"]), (404, &json!("urn:dnis-gateway:problem:no-match")));
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_take_one_call_at_a_time_one_gets_it() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let caller = Caller::of(binary.url());
    lend_by_gms(&caller).await;
    let takers = (0..16).map(|_| {
        let caller = caller.clone();
        async move { over_json(&caller, &json!({ "dialled": NUMBER, "take": true })).await }
    });
    let replies = futures_util::future::join_all(takers).await;
    let taken = replies.iter().filter(|reply| reply.status == 200 && reply.json()["taken"] == true).count();
    assert_eq!(taken, 1, "{replies:?}");
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.status == 404));
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_with_a_wrong_code_is_explained_and_is_recognised_afterwards_all_the_same() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let caller = Caller::of(binary.url());
    let code = lend_by_gms(&caller).await;
    let wrong = if code.starts_with('1') { code.replacen('1', "2", 1) } else { format!("1{}", &code[1..]) };

    let call = json!({ "dialled": NUMBER, "code": wrong });
    let told = send(caller.user(Method::POST, "/gateway/v1/calls/explain").json(&call)).await;
    assert_eq!(told.status, 200, "{told:?}");
    let told = told.json();
    assert_eq!(told["outcome"], "not-recognised", "{told}");
    let near = &told["near"][0];
    assert_eq!(near["allocation"]["interaction"], INTERACTION, "{told}");
    assert_eq!(
        (&near["code"], &near["timing"], &near["verdict"]),
        (&json!("wrong"), &json!("live"), &json!("wrong-code"))
    );

    let found = over_json(&caller, &json!({ "dialled": NUMBER, "code": code })).await;
    assert_eq!((found.status, &found.json()["candidates"][0]["interaction"]), (200, &json!(INTERACTION)), "{found:?}");
}
