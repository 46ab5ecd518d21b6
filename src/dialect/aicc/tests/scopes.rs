//! Nothing crosses from one tenant, or one environment, to another.

use super::*;

/// A route that is right in the demo, and in the other tenant with other names.
fn route() -> Value {
    json!({"accessCode": "5550100", "extCode": "1", "devicetype": 1, "deviceId": 7})
}

#[actix_web::test]
async fn a_token_of_one_tenant_sees_and_reaches_nothing_of_another() {
    let gateway = Gateway::new().await;
    let blue = gateway.token_of(BLUE).await;
    gateway.route(route()).await;
    let id = gateway.routes(json!({})).await[0]["id"].clone();
    let ask = async |operation, body: Value| gateway.call_as(&blue, operation, &body).await;

    let seen = ask(Endpoint::QueryCalledRoute, json!({})).await;
    assert_eq!(seen.ok()["data"], json!({"total": 0, "calledRouteList": []}));
    let modify = json!({"id": id, "devicetype": 1, "deviceId": 7});
    ask(Endpoint::ModifyCalledRoute, modify).await.failed(500, "id: there is no called route");
    ask(Endpoint::DeleteCalledRoute, json!({"dnids": "1"})).await.failed(500, "configuration number 1");
    let foreign = json!({"accessCode": "9911411", "devicetype": 1, "deviceId": 7});
    ask(Endpoint::CreateCalledRoute, foreign).await.failed(500, "accessCode: the tenant has no access code 9911411");
    let foreign = json!({"accessCode": "5550100", "devicetype": 1, "deviceId": 8});
    ask(Endpoint::CreateCalledRoute, foreign).await.failed(500, "deviceId: there is no skill queue 8");
    let foreign = json!({"accessCode": "5550100", "devicetype": 3, "deviceId": 12});
    ask(Endpoint::CreateCalledRoute, foreign).await.failed(500, "deviceId: there is no IVR flow 12");
    assert_eq!(ask(Endpoint::QueryIvrFlowList, json!({})).await.ok()["result"], json!([]));
    assert_eq!(ask(Endpoint::QuerySkills, json!({})).await.ok()["total"], 1);

    // The same number can be routed in both, and its configuration number counts from one in both.
    ask(Endpoint::CreateCalledRoute, route()).await.ok();
    let own = ask(Endpoint::QueryCalledRoute, json!({})).await;
    assert_eq!(own.ok()["data"]["calledRouteList"][0]["dnid"], 1);
    assert_eq!(own.body["data"]["calledRouteList"][0]["deviceDesc"], "blue-sales");
    ask(Endpoint::DeleteCalledRoute, json!({"dnids": "1"})).await.ok();
    assert_eq!(gateway.routes(json!({})).await.len(), 1);
}

#[actix_web::test]
async fn environments_share_the_configuration_and_nothing_that_callers_made() {
    let gateway = Gateway::new().await;
    let (prod, test) = (gateway.token_of(BLUE).await, gateway.token_of(BLUE_TEST).await);
    gateway.call_as(&prod, Endpoint::CreateCalledRoute, &route()).await.ok();
    gateway.call_as(&prod, Endpoint::CreateSkill, &queue("night")).await.ok();
    let total = async |token: &str, operation, inside: bool| {
        let reply = gateway.call_as(token, operation, &json!({})).await;
        let body = reply.ok();
        if inside { body["data"]["total"].clone() } else { body["total"].clone() }
    };
    assert_eq!(total(&prod, Endpoint::QueryCalledRoute, true).await, 1);
    assert_eq!(total(&test, Endpoint::QueryCalledRoute, true).await, 0);
    assert_eq!(total(&prod, Endpoint::QuerySkills, false).await, 2);
    assert_eq!(total(&test, Endpoint::QuerySkills, false).await, 1);
    for token in [&prod, &test] {
        assert_eq!(total(token, Endpoint::QueryAccessCodeList, true).await, 2);
    }
    gateway.call_as(&test, Endpoint::CreateCalledRoute, &route()).await.ok();
}

#[actix_web::test]
async fn a_queue_that_somebody_else_made_is_unknown() {
    let gateway = Gateway::new().await;
    let (prod, test) = (gateway.token_of(BLUE).await, gateway.token_of(BLUE_TEST).await);
    let made = gateway.call_as(&prod, Endpoint::CreateSkill, &queue("night")).await.ok()["data"]["skillId"].clone();
    for stranger in [&test, &gateway.token] {
        let ask = async |operation, body: Value| gateway.call_as(stranger, operation, &body).await;
        assert_eq!(ask(Endpoint::QuerySkills, json!({"skillIds": [made]})).await.ok()["total"], 0);
        let unknown = "there is no skill queue 10000";
        ask(Endpoint::ModifySkill, json!({"skillId": made})).await.failed(500, unknown);
        ask(Endpoint::DeleteSkill, json!({"skillIds": made.to_string()})).await.failed(500, unknown);
        let route = json!({"accessCode": "5550100", "devicetype": 1, "deviceId": made});
        ask(Endpoint::CreateCalledRoute, route).await.failed(500, unknown);
    }
    assert_eq!(gateway.call_as(&prod, Endpoint::QuerySkills, &json!({"skillIds": [made]})).await.ok()["total"], 1);
}
