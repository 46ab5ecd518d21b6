//! Who is let in, and for whom; whose data nobody else sees.

use super::*;

const SET: [(&str, &str); 4] =
    [("Tenant-Id", "one"), ("Application-Key", "dnis-key"), ("User-Id", "YWRtaW4="), ("User-Password", "cGFzc3dvcmQ=")];

async fn whoami(headers: &[(&str, &str)]) -> Reply {
    Gateway::new().send(Method::GET, "/whoami", headers, "").await
}

fn without<'a>(name: &str) -> Vec<(&'a str, &'a str)> {
    SET.into_iter().filter(|(known, _)| *known != name).collect()
}

fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    without(name).into_iter().chain([(name, value)]).collect()
}

#[tokio::test]
async fn the_header_set_and_basic_open_the_api() {
    let reply = whoami(&SET).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(
        reply.body,
        json!({ "tenant": "one", "environment": null, "application": "numbers", "user": "admin", "role": "admin", "all_tenants": false })
    );
    let reply = whoami(ADMIN).await;
    assert_eq!(
        reply.body,
        json!({ "tenant": "one", "environment": null, "application": null, "user": "admin", "role": "admin", "all_tenants": false })
    );
    let reply = whoami(OTHER).await;
    assert_eq!(
        reply.body,
        json!({ "tenant": "two", "environment": "prod", "application": null, "user": "other", "role": "operator", "all_tenants": false })
    );
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_the_same_whatever_was_wrong() {
    let basic = |value: &'static str| vec![("Authorization", value)];
    let refused = [
        vec![],
        without("Tenant-Id"),
        without("Application-Key"),
        without("User-Id"),
        without("User-Password"),
        [without("User-Id"), vec![]].concat(),
        with("Tenant-Id", "three"),
        with("Tenant-Id", "two"),
        with("Application-Key", "wrong"),
        with("Application-Key", "web-key"),
        with("User-Id", "bm9ib2R5"),
        with("User-Password", "d3Jvbmc="),
        with("User-Password", "not base64"),
        [SET.to_vec(), vec![("Tenant-Id", "one")]].concat(),
        basic("Basic YWRtaW46d3Jvbmc="),
        basic("Basic bm9ib2R5OnBhc3N3b3Jk"),
        basic("Basic !"),
        basic("Bearer abc"),
        // The tenant has environments, and none is named.
        basic("Basic b3RoZXI6cGFzc3dvcmQ="),
        [basic("Basic b3RoZXI6cGFzc3dvcmQ="), vec![("Environment-Name", "live")]].concat(),
        // The name is known to two tenants.
        basic("Basic Ym90aDpwYXNzd29yZA=="),
        [basic("Basic YWRtaW46cGFzc3dvcmQ="), vec![("Tenant-Id", "two")]].concat(),
    ];
    let mut bodies = std::collections::BTreeSet::new();
    for headers in refused {
        let reply = whoami(&headers).await;
        assert_eq!((reply.status, reply.outcome), (401, "unauthorized"), "{headers:?}");
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"dnis-gateway\", charset=\"UTF-8\""));
        bodies.insert(reply.body.to_string());
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn a_user_name_of_several_tenants_needs_the_tenant_beside_it() {
    let both = ("Authorization", "Basic Ym90aDpwYXNzd29yZA==");
    assert_eq!(whoami(&[both, ("Tenant-Id", "one")]).await.body["tenant"], "one");
    let two = whoami(&[both, ("Tenant-Id", "two"), ("Environment-Name", "TEST")]).await;
    assert_eq!((&two.body["tenant"], &two.body["environment"]), (&json!("two"), &json!("test")));
}

#[tokio::test]
async fn a_pair_of_gms_opens_nothing_here() {
    for pair in ["Basic bm9kZTpwYXNzd29yZA==", "Basic c3RvcmU6cGFzc3dvcmQ="] {
        for tenant in [None, Some(("Tenant-Id", "one"))] {
            let headers: Vec<_> = [("Authorization", pair)].into_iter().chain(tenant).collect();
            assert_eq!(whoami(&headers).await.status, 401, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn too_many_wrong_passwords_are_answered_429_with_the_time_to_wait() {
    let gateway = Gateway::with("[access]\nfailures = 2\n");
    let wrong = [("Authorization", "Basic YWRtaW46d3Jvbmc=")];
    for _ in 0..2 {
        assert_eq!(gateway.send(Method::GET, "/whoami", &wrong, "").await.status, 401);
    }
    let reply = gateway.send(Method::GET, "/whoami", &wrong, "").await;
    assert_eq!((reply.status, reply.problem(), reply.header("retry-after")), (429, "too-many-attempts", Some("60")));
}

#[tokio::test]
async fn nothing_of_one_tenant_or_environment_is_seen_or_changed_from_another() {
    let gateway = Gateway::new();
    gateway.number("4711", "sales").await;
    gateway.post("/allocations", json!({ "group": "sales", "interaction": "a", "data": { "k": "v" } })).await;
    let route = json!({ "access_code": "5550100", "flow": 12 });
    let route = gateway.post("/routes", route).await.body["id"].as_str().unwrap().to_owned();
    let prod = [OTHER[0], ("Environment-Name", "prod")];
    let test = [OTHER[0], ("Environment-Name", "test")];
    gateway.send(Method::POST, "/numbers", &prod, json!({ "number": "99" }).to_string()).await;
    for (headers, foreign) in [(prod, "4711"), (test, "99")] {
        let call = async |method: Method, target: &str| gateway.send(method, target, &headers, "{}").await;
        for (target, problem) in [
            (format!("/numbers/{foreign}"), "number-unknown"),
            ("/allocations/1".to_owned(), "allocation-unknown"),
            ("/interactions/a".to_owned(), "interaction-unknown"),
            ("/interactions/a/data".to_owned(), "interaction-unknown"),
            ("/interactions/a/data/k".to_owned(), "interaction-unknown"),
            ("/groups/sales".to_owned(), "group-unknown"),
            (format!("/routes/{route}"), "route-unknown"),
            ("/tenants/one".to_owned(), "tenant-unknown"),
        ] {
            assert_eq!(call(Method::GET, &target).await.problem(), problem, "{target}");
            let deleted = call(Method::DELETE, &target).await;
            assert!(deleted.status == 405 || deleted.problem() == problem, "{target}: {deleted:?}");
        }
        let change = async |method: Method, target: &str, body: Value| {
            gateway.send(method, target, &headers, body.to_string()).await.problem().to_owned()
        };
        let number = format!("/numbers/{foreign}");
        assert_eq!(change(Method::PATCH, &number, json!({ "enabled": false })).await, "number-unknown");
        assert_eq!(change(Method::PATCH, "/allocations/1", json!({ "lasting": 60 })).await, "allocation-unknown");
        assert_eq!(change(Method::PATCH, "/interactions/a/data", json!({ "k": "w" })).await, "interaction-unknown");
        assert_eq!(change(Method::PATCH, &format!("/routes/{route}"), json!({ "flow": 12 })).await, "route-unknown");
        assert_eq!(change(Method::POST, "/allocations", json!({ "group": "sales" })).await, "group-unknown");
        assert_eq!(
            change(Method::POST, "/routes", json!({ "access_code": "5550100", "flow": 12 })).await,
            "route-refused"
        );
        assert_eq!(change(Method::POST, "/calls/resolve", json!({ "dialled": foreign })).await, "no-match");
        let history = call(Method::GET, &format!("{number}/history")).await;
        assert_eq!(history.body["items"], json!([]), "{history:?}");
        for list in ["/allocations", "/groups", "/routes"] {
            let listed = call(Method::GET, list).await;
            let foreign =
                listed.body["items"].as_array().unwrap().iter().any(|it| it["group"] == "sales" || !it["id"].is_null());
            assert!(!foreign, "{list}: {listed:?}");
        }
    }
    assert_eq!(gateway.get("/allocations/1").await.status, 200);
    assert_eq!(gateway.get("/numbers/4711").await.body["enabled"], true);
    assert_eq!(gateway.get("/interactions/a/data").await.body["data"], json!({ "k": "v" }));
    assert_eq!(gateway.get(&format!("/routes/{route}")).await.status, 200);
}
