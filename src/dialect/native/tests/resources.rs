//! Groups, interactions, user data, called routes and tenants.

use super::*;
use crate::domain::document::FileLabel;
use crate::domain::{Content, EntryKey, InteractionId, NewEntry};

#[tokio::test]
async fn groups_are_listed_with_how_their_numbers_stand_and_how_they_lend() {
    let gateway = Gateway::new();
    for number in ["901", "902", "903", "909"] {
        gateway.number(number, "resting").await;
    }
    gateway.patch("/numbers/903", json!({ "enabled": false })).await;
    gateway.post("/allocations", json!({ "group": "resting", "interaction": "a", "lasting": 30 })).await;
    gateway.later(10);
    let reply = gateway.get("/groups/resting").await;
    assert_eq!(
        reply.body,
        json!({
            "group": "resting",
            "rules": {
                "policy": "least-recently-freed", "sharing": "exclusive", "cool_down": 60, "reserved_numbers": ["909"],
            },
            "numbers": 4,
            "counts": { "free": 1, "allocated": 1, "cooling": 0, "reserved": 1, "disabled": 1 },
            "utilisation": 0.5,
            "allocations": 1,
            "oldest": {
                "number": "901", "interaction": "a", "since": "2023-11-14T22:13:20.000Z", "seconds": 10,
            },
            "earliest_release": 80,
        })
    );
    gateway.post("/numbers", json!({ "number": "1" })).await;
    let names = async |target: &str| {
        let reply = gateway.get(target).await;
        let names = reply.body["items"].as_array().unwrap().iter().map(|it| it["group"].clone());
        (names.collect::<Vec<_>>(), reply.body["next_cursor"].as_str().map(str::to_owned))
    };
    let (all, end) = names("/groups").await;
    assert_eq!((all, end), (vec![Value::Null, json!("resting"), json!("shared")], None));
    let (first, next) = names("/groups?limit=1").await;
    assert_eq!(first, [Value::Null]);
    let (second, next) = names(&format!("/groups?limit=1&cursor={}", next.unwrap())).await;
    assert_eq!(second, ["resting"]);
    assert_eq!(names(&format!("/groups?cursor={}", next.unwrap())).await, (vec![json!("shared")], None));
}

#[tokio::test]
async fn an_interaction_begins_lives_and_ends() {
    let gateway = Gateway::new();
    let made = gateway.post("/interactions", json!({ "id": "visit/3", "lasting": 60, "data": { "k": "v" } })).await;
    assert_eq!((made.status, made.header("location")), (201, Some("/gateway/v1/interactions/visit%2F3")));
    assert_eq!((&made.body["id"], &made.body["seconds_left"]), (&json!("visit/3"), &json!(60)));
    assert_eq!(gateway.get("/interactions/visit%2F3").await.body, made.body);
    let twice = gateway.post("/interactions", json!({ "id": "visit/3" })).await;
    assert_eq!((twice.status, twice.problem()), (409, "interaction-exists"));
    gateway.later(60);
    assert_eq!(gateway.get("/interactions/visit%2F3").await.problem(), "interaction-unknown");
    let named = gateway.post("/interactions", json!({})).await;
    assert_eq!((named.status, &named.body["seconds_left"]), (201, &json!(3600)));
    let target = format!("/interactions/{}", named.body["id"].as_str().unwrap());
    assert_eq!(gateway.delete(&target).await.status, 204);
    assert_eq!(gateway.delete(&target).await.problem(), "interaction-unknown");
}

#[tokio::test]
async fn user_data_are_merged_read_and_deleted_by_key() {
    let gateway = Gateway::new();
    gateway.post("/interactions", json!({ "id": "a", "data": { "k": "v" } })).await;
    assert_eq!(gateway.patch("/interactions/a/data", json!({ "name": "Ada", "a/b": "c" })).await.status, 204);
    let data = json!({ "data": { "a/b": "c", "k": "v", "name": "Ada" }, "files": {} });
    assert_eq!(gateway.get("/interactions/a/data").await.body, data);
    let value = gateway.get("/interactions/a/data/a%2Fb").await;
    assert_eq!(value.body, json!({ "text": "c", "file": null, "content": null }));
    assert_eq!(gateway.delete("/interactions/a/data/a%2Fb").await.status, 204);
    assert_eq!(gateway.delete("/interactions/a/data/a%2Fb").await.problem(), "key-unknown");
    assert_eq!(gateway.get("/interactions/a/data/a%2Fb").await.problem(), "key-unknown");
    assert_eq!(gateway.delete("/interactions/a/data").await.status, 204);
    assert_eq!(gateway.get("/interactions/a/data").await.body, json!({ "data": {}, "files": {} }));
    let wrong = gateway.patch("/interactions/a/data", json!({ "n": 1, "": "x", "ok": "y" })).await;
    assert_eq!(wrong.pointers(), ["/", "/n"]);
}

#[tokio::test]
async fn a_file_that_another_dialect_stored_is_shown_with_its_label_and_its_bytes() {
    let gateway = Gateway::new();
    gateway.post("/interactions", json!({ "id": "a" })).await;
    let id = InteractionId::new("a").unwrap();
    let data = gateway.store.interaction(&scope(), &id).await.unwrap().unwrap().data;
    let label = FileLabel::new("image/png", Some("cat.png")).unwrap();
    let entry =
        NewEntry { key: EntryKey::new("pic").unwrap(), content: Content::File(label), bytes: [0, 255, 7].into() };
    gateway.store.merge_document(&scope(), data.into(), vec![entry], None, None).await.unwrap();
    let file = json!({ "media_type": "image/png", "name": "cat.png", "length": 3 });
    assert_eq!(gateway.get("/interactions/a/data").await.body, json!({ "data": {}, "files": { "pic": file } }));
    let value = gateway.get("/interactions/a/data/pic").await;
    assert_eq!(value.body, json!({ "text": null, "file": file, "content": "AP8H" }));
}

#[tokio::test]
async fn a_called_route_is_made_listed_led_elsewhere_and_deleted() {
    let gateway = Gateway::new();
    let made = gateway.post("/routes", json!({ "access_code": "5550100", "skill": 7 })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), Some(format!("/gateway/v1/routes/{id}").as_str()));
    let expected = json!({
        "id": id, "dnid": 1, "access_code": "5550100", "extension": null, "media_type": 5, "skill": 7, "flow": null,
    });
    assert_eq!(made.body, expected);
    assert_eq!(gateway.get(&format!("/routes/{id}")).await.body, expected);
    let twice = gateway.post("/routes", json!({ "access_code": "5550100", "flow": 12 })).await;
    assert_eq!((twice.status, twice.problem()), (409, "route-exists"));
    let extended = json!({ "access_code": "5550100", "extension": "42", "flow": 12 });
    assert_eq!(gateway.post("/routes", extended).await.body["flow"], 12);
    let count =
        async |query: &str| gateway.get(&format!("/routes?{query}")).await.body["items"].as_array().unwrap().len();
    assert_eq!(count("").await, 2);
    assert_eq!(count("extension=42").await, 1);
    assert_eq!(count("leads_to=skill&media_type=5&access_code=5550100").await, 1);
    let first = gateway.get("/routes?limit=1").await;
    assert_eq!(count(&format!("cursor={}", first.body["next_cursor"].as_str().unwrap())).await, 1);
    let led = gateway.patch(&format!("/routes/{id}"), json!({ "flow": 12 })).await;
    assert_eq!((&led.body["skill"], &led.body["flow"]), (&Value::Null, &json!(12)));
    assert_eq!(gateway.delete(&format!("/routes/{id}")).await.status, 204);
    assert_eq!(gateway.delete(&format!("/routes/{id}")).await.problem(), "route-unknown");
    let led = gateway.patch(&format!("/routes/{id}"), json!({ "flow": 12 })).await;
    assert_eq!((led.status, led.problem()), (404, "route-unknown"));
}

#[tokio::test]
async fn a_route_against_the_rules_is_refused_and_one_without_one_destination_is_invalid() {
    let gateway = Gateway::new();
    for body in [
        json!({ "access_code": "999", "flow": 12 }),
        json!({ "access_code": "5550100", "flow": 13 }),
        json!({ "access_code": "5550100", "skill": 99 }),
        json!({ "access_code": "5550100", "skill": 7, "media_type": 53 }),
    ] {
        let refused = gateway.post("/routes", body.clone()).await;
        assert_eq!((refused.status, refused.problem()), (422, "route-refused"), "{body}");
    }
    for body in [json!({ "access_code": "5550100" }), json!({ "access_code": "5550100", "skill": 7, "flow": 12 })] {
        assert_eq!(gateway.post("/routes", body).await.pointers(), ["/skill"]);
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_configuration_without_secrets() {
    let gateway = Gateway::new();
    let own = gateway.get("/tenants/one").await;
    assert_eq!(own.body["users"], json!(["admin", "both"]));
    assert_eq!(own.body["applications"][0], json!({ "name": "numbers", "kind": "dnis" }));
    assert_eq!(own.body["groups"][1]["rules"]["sharing"], "shared");
    assert_eq!(gateway.get("/tenants").await.body["items"], json!([own.body]));
    for secret in ["dnis-key", "web-key", "argon2"] {
        assert!(!own.body.to_string().contains(secret), "{secret}");
    }
    assert_eq!(gateway.get("/tenants/two").await.problem(), "tenant-unknown");
}

#[tokio::test]
async fn what_was_deleted_is_unknown_to_every_operation_on_it() {
    let gateway = Gateway::new();
    gateway.number("4711", "sales").await;
    gateway.post("/interactions", json!({ "id": "a", "data": { "k": "v" } })).await;
    let lent = gateway.post("/allocations", json!({ "group": "sales", "interaction": "a" })).await;
    let route = gateway.post("/routes", json!({ "access_code": "5550100", "flow": 12 })).await;
    let allocation = format!("/allocations/{}", lent.body["id"].as_str().unwrap());
    let route = format!("/routes/{}", route.body["id"].as_str().unwrap());
    for target in [allocation.as_str(), "/numbers/4711", "/interactions/a", &route] {
        assert_eq!(gateway.delete(target).await.status, 204, "{target}");
    }
    let (interaction, data, key) = ("/interactions/a", "/interactions/a/data", "/interactions/a/data/k");
    for (target, change, problem) in [
        (allocation.as_str(), Some(json!({ "lasting": 60 })), "allocation-unknown"),
        ("/numbers/4711", Some(json!({ "dnid": "1" })), "number-unknown"),
        (interaction, None, "interaction-unknown"),
        (data, Some(json!({ "k": "w" })), "interaction-unknown"),
        (key, None, "interaction-unknown"),
        (&route, Some(json!({ "flow": 12 })), "route-unknown"),
    ] {
        assert_eq!(gateway.get(target).await.problem(), problem, "{target}");
        assert_eq!(gateway.delete(target).await.problem(), problem, "{target}");
        if let Some(change) = change {
            assert_eq!(gateway.patch(target, change).await.problem(), problem, "{target}");
        }
    }
    assert_eq!(gateway.post("/allocations", json!({ "group": "sales" })).await.problem(), "group-unknown");
    assert_eq!(gateway.post("/calls/resolve", json!({ "dialled": "5550100" })).await.problem(), "no-match");
    let kept = gateway.get("/numbers/4711/history").await;
    assert_eq!(kept.body["items"][0]["ended"], "freed", "a number that is gone keeps its history");
}
