//! Calls under an `Idempotency-Key`.

use super::*;

impl Gateway {
    async fn under(&self, keys: &[&str], endpoint: Endpoint, body: &Value) -> Reply {
        self.under_as(&self.token, keys, endpoint, body).await
    }

    async fn under_as(&self, token: &str, keys: &[&str], endpoint: Endpoint, body: &Value) -> Reply {
        let bearer = format!("Bearer {token}");
        let keys = keys.iter().map(|key| ("Idempotency-Key", *key));
        let headers: Vec<_> = [("Authorization", bearer.as_str())].into_iter().chain(keys).collect();
        self.post(endpoint, &headers, &body.to_string()).await
    }
}

fn route() -> Value {
    json!({"accessCode": "5550100", "extCode": "21", "devicetype": 1, "deviceId": 7})
}

#[actix_web::test]
async fn a_retried_create_is_answered_as_the_first_was_and_makes_one_route() {
    let gateway = Gateway::new().await;
    for key in ["k", "\"k\"", "k"] {
        let reply = gateway.under(&[key], Endpoint::CreateCalledRoute, &route()).await;
        assert_eq!(*reply.ok(), json!({"returnCode": "0", "description": "data create success"}));
    }
    assert_eq!(gateway.routes(json!({})).await.len(), 1);
    let unkeyed = gateway.call(Endpoint::CreateCalledRoute, route()).await;
    unkeyed.failed(500, "has a destination already");
}

#[actix_web::test]
async fn a_retried_create_of_a_queue_tells_the_same_id() {
    let gateway = Gateway::new().await;
    let first = gateway.under(&["k"], Endpoint::CreateSkill, &queue("night")).await;
    assert_eq!(first.ok()["data"]["skillId"], 10_000);
    assert_eq!(gateway.under(&["k"], Endpoint::CreateSkill, &queue("night")).await.ok(), first.ok());
    let other = gateway.under(&["l"], Endpoint::CreateSkill, &queue("night")).await;
    other.failed(500, "name: skill queue 10000 has this name already");
}

#[actix_web::test]
async fn a_key_is_spent_with_what_was_made_under_it() {
    let gateway = Gateway::new().await;
    gateway.under(&["r"], Endpoint::CreateCalledRoute, &route()).await.ok();
    gateway.under(&["q"], Endpoint::CreateSkill, &queue("night")).await.ok();
    gateway.call(Endpoint::DeleteCalledRoute, json!({"dnids": "1"})).await.ok();
    gateway.call(Endpoint::DeleteSkill, json!({"skillIds": "10000"})).await.ok();
    for (key, operation, body) in
        [("r", Endpoint::CreateCalledRoute, route()), ("q", Endpoint::CreateSkill, queue("night"))]
    {
        let spent = gateway.under(&[key], operation, &body).await;
        spent.failed(409, "the header Idempotency-Key has a key whose request was carried out");
        assert_eq!((spent.outcome, spent.code()), ("key_spent", "409"));
    }
    assert_eq!(gateway.routes(json!({})).await, Vec::<Value>::new());
}

#[actix_web::test]
async fn another_request_under_a_key_is_refused_and_so_is_a_header_without_one() {
    let gateway = Gateway::new().await;
    gateway.under(&["k"], Endpoint::CreateCalledRoute, &route()).await.ok();
    let mut other = route();
    other["extCode"] = json!("22");
    for (operation, body) in [(Endpoint::CreateCalledRoute, other.clone()), (Endpoint::CreateSkill, queue("night"))] {
        let reused = gateway.under(&["k"], operation, &body).await;
        reused.failed(422, "the header Idempotency-Key has a key that another request had before");
        assert_eq!((reused.outcome, reused.code()), ("key_reused", "422"));
    }
    for (keys, says) in
        [(&["two words"][..], "must be 1 to 255 visible ASCII"), (&["a", "a"], "is given more than once")]
    {
        for (operation, body) in [(Endpoint::CreateCalledRoute, other.clone()), (Endpoint::CreateSkill, queue("night"))]
        {
            let wrong = gateway.under(keys, operation, &body).await;
            wrong.failed(400, &format!("the header Idempotency-Key {says}"));
            assert_eq!(wrong.code(), "120005");
        }
    }
    assert_eq!(gateway.routes(json!({})).await.len(), 1);
    assert_eq!(gateway.call(Endpoint::QuerySkills, json!({"name": "night"})).await.ok()["total"], 0);
}

#[actix_web::test]
async fn a_refused_request_leaves_its_key_as_it_was_and_every_scope_has_its_own() {
    let gateway = Gateway::new().await;
    gateway.route(route()).await;
    gateway.under(&["k"], Endpoint::CreateCalledRoute, &route()).await.failed(500, "has a destination already");
    gateway.call(Endpoint::DeleteCalledRoute, json!({"dnids": "1"})).await.ok();
    gateway.under(&["k"], Endpoint::CreateCalledRoute, &route()).await.ok();
    for pair in [BLUE, BLUE_TEST] {
        let token = gateway.token_of(pair).await;
        let mut own = route();
        own["extCode"] = json!("5");
        gateway.under_as(&token, &["k"], Endpoint::CreateCalledRoute, &own).await.ok();
    }
}

#[actix_web::test]
async fn operations_that_make_nothing_do_not_look_at_the_header() {
    let gateway = Gateway::new().await;
    gateway.route(route()).await;
    let id = gateway.routes(json!({})).await[0]["id"].clone();
    for (operation, body) in [
        (Endpoint::QueryCalledRoute, json!({})),
        (Endpoint::ModifyCalledRoute, json!({"id": id, "devicetype": 1, "deviceId": 8})),
        (Endpoint::DeleteCalledRoute, json!({"dnids": "1"})),
    ] {
        gateway.under(&["two words"], operation, &body).await.ok();
    }
}
