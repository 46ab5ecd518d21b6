//! The answers as they travel, every operation once, and what lists show of what was done.

use std::fmt::Write as _;

use super::*;
use crate::domain::{Flow, FlowId};

#[actix_web::test]
async fn the_vendors_example_is_answered_as_printed() {
    let gateway = Gateway::new().await;
    let bearer = format!("Bearer {}", gateway.token);
    let headers = [("Content-Type", "application/json"), ("Authorization", &bearer), ("X-APP-Key", DEMO.0)];
    let body = r#"{ "accessCode": "9911411", "extCode": "11", "devicetype": 1, "deviceId": 1, "mediaTypeId": 19 }"#;
    let reply = gateway.post(Endpoint::CreateCalledRoute, &headers, body).await;
    assert_eq!(*reply.ok(), json!({"returnCode": "0", "description": "data create success"}));
}

#[actix_web::test]
async fn every_answer_reads_like_this() {
    let gateway = Gateway::new().await;
    let mut story = String::new();
    let steps = [
        (Endpoint::CreateCalledRoute, json!({"accessCode": "5550100", "devicetype": 3, "deviceId": 12})),
        (
            Endpoint::CreateCalledRoute,
            json!({"accessCode": "5550100", "extCode": "21", "devicetype": 1, "deviceId": 7}),
        ),
        (
            Endpoint::CreateCalledRoute,
            json!({"accessCode": "5550100", "extCode": "21", "devicetype": 1, "deviceId": 8}),
        ),
        (Endpoint::CreateCalledRoute, json!({"accessCode": "5550100", "devicetype": "1", "deviceId": 8})),
        (Endpoint::QueryCalledRoute, json!({"accessCode": "5550100", "limit": 20, "offset": 0})),
        (Endpoint::DeleteCalledRoute, json!({"dnids": "1,9,2"})),
        (Endpoint::DeleteCalledRoute, json!({"dnids": "1,9"})),
        (Endpoint::CreateCalledRoute, json!({"accessCode": "5550100", "devicetype": 3, "deviceId": 12})),
        (Endpoint::DeleteCalledRoute, json!({"dnids": "3"})),
        (Endpoint::QueryAccessCodeList, json!({"accessCode": "5550", "mediatypeId": 5, "limit": 10, "offset": 0})),
        (Endpoint::QuerySkills, json!({"limit": "10", "offset": "0", "skillIds": ["7", "9"]})),
        (Endpoint::CreateSkill, queue("night")),
        (Endpoint::ModifySkill, json!({"skillId": 10_000, "description": "at night"})),
        (Endpoint::QuerySkills, json!({"name": "night"})),
        (Endpoint::DeleteSkill, json!({"skillIds": "10000"})),
        (Endpoint::QueryIvrFlowList, json!({})),
    ];
    for (operation, body) in steps {
        let path = operation.path();
        let name = path.rsplit('/').next().unwrap();
        let bearer = format!("Bearer {}", gateway.token);
        let head_and_body = gateway.raw(operation, &[("Authorization", &bearer)], &body.to_string()).await;
        writeln!(story, "{name} {body}\n  {head_and_body}").unwrap();
    }
    insta::assert_snapshot!(story);
}

impl Gateway {
    /// Status and body exactly as sent.
    async fn raw(&self, endpoint: Endpoint, headers: &[(&str, &str)], body: &str) -> String {
        let answer = send(&self.aicc, &self.live, Method::POST, endpoint.path(), headers, body.to_owned()).await;
        format!("{} {}", answer.status.as_u16(), std::str::from_utf8(&answer.body).unwrap())
    }
}

#[actix_web::test]
async fn a_route_is_found_by_each_of_its_properties_and_pages_go_on_where_they_ended() {
    let gateway = Gateway::new().await;
    gateway.route(json!({"accessCode": "5550100", "devicetype": 3, "deviceId": 12})).await;
    gateway.route(json!({"accessCode": "5550100", "extCode": "1", "devicetype": 1, "deviceId": 7})).await;
    gateway.route(json!({"accessCode": "9911411", "extCode": "1", "devicetype": 1, "deviceId": 1})).await;
    gateway.route(json!({"accessCode": "5550153", "devicetype": 1, "deviceId": 9})).await;
    let dnids = async |query: Value| {
        let routes = gateway.routes(query).await;
        routes.iter().map(|route| route["dnid"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    for (query, expected) in [
        (json!({}), vec![1, 2, 3, 4]),
        (json!({"accessCode": "5550100"}), vec![1, 2]),
        (json!({"accessCode": "555010"}), vec![]),
        (json!({"extCode": "1"}), vec![2, 3]),
        (json!({"extCode": ""}), vec![1, 2, 3, 4]),
        (json!({"devicetype": 3}), vec![1]),
        (json!({"devicetype": 1}), vec![2, 3, 4]),
        (json!({"deviceDesc": "SALES"}), vec![2]),
        (json!({"deviceDesc": "e"}), vec![1, 2, 3]),
        (json!({"deviceDesc": "nothing like this"}), vec![]),
        (json!({"deviceDesc": ""}), vec![1, 2, 3, 4]),
        (json!({"mediaTypeId": 19}), vec![3]),
        (json!({"mediaTypeId": 53, "devicetype": 1}), vec![4]),
        (json!({"limit": 2}), vec![1, 2]),
        (json!({"limit": 2, "offset": 2}), vec![3, 4]),
        (json!({"limit": 2, "offset": 3}), vec![4]),
        (json!({"limit": 2, "offset": -1}), vec![1, 2]),
        (json!({"limit": 0}), vec![]),
        (json!({"offset": 9}), vec![]),
        (json!({"mediatypeId": 19}), vec![3]),
    ] {
        assert_eq!(dnids(query.clone()).await, expected, "{query}");
    }
    let reply = gateway.call(Endpoint::QueryCalledRoute, json!({"limit": 1, "offset": 3})).await;
    assert_eq!(reply.ok()["data"]["total"], 4);
}

#[actix_web::test]
async fn a_page_has_a_hundred_routes_at_most() {
    let gateway = Gateway::new().await;
    for extension in 0..101 {
        let extension = extension.to_string();
        gateway.route(json!({"accessCode": "5550100", "extCode": extension, "devicetype": 3, "deviceId": 12})).await;
    }
    for query in [json!({}), json!({"limit": 101}), json!({"limit": 100})] {
        assert_eq!(gateway.routes(query).await.len(), 100);
    }
    assert_eq!(gateway.routes(json!({"limit": 100, "offset": 100})).await.len(), 1);
}

#[actix_web::test]
async fn a_page_has_a_hundred_access_codes_or_queues_at_most() {
    let gateway = Gateway::with(|settings| {
        let tenant = settings.tenants.get_mut("12345678").unwrap();
        let mut center = (*tenant.aicc.call_center).clone();
        let hotline = center.hotlines.values().next().unwrap().clone();
        center.hotlines.extend((0..200).map(|n| (format!("77{n}").parse().unwrap(), hotline.clone())));
        tenant.aicc.call_center = Arc::new(center);
    })
    .await;
    for n in 0..100 {
        gateway.call(Endpoint::CreateSkill, queue(&format!("night {n}"))).await.ok();
    }
    let codes = async |query: Value| {
        let reply = gateway.call(Endpoint::QueryAccessCodeList, query).await;
        let data = &reply.ok()["data"];
        (data["total"].as_u64().unwrap(), data["calledRouteList"].as_array().unwrap().len())
    };
    assert_eq!(codes(json!({"accessCode": "77"})).await, (200, 100));
    assert_eq!(codes(json!({"accessCode": "77", "limit": 101})).await, (200, 100));
    assert_eq!(codes(json!({"accessCode": "77", "limit": 99, "offset": 99})).await, (200, 99));
    assert_eq!(codes(json!({"accessCode": "77", "limit": 0})).await, (200, 0));
    // What comes after the second page cannot be asked for by an offset; a filter leads to it.
    assert_eq!(codes(json!({"accessCode": "77", "offset": 100})).await, (200, 100));
    let queues = async |query: Value| {
        let reply = gateway.call(Endpoint::QuerySkills, query).await;
        (reply.ok()["total"].as_u64().unwrap(), reply.body["data"].as_array().unwrap().len())
    };
    assert_eq!(queues(json!({})).await, (105, 100));
    assert_eq!(queues(json!({"limit": "101"})).await, (105, 100));
    let ids: Vec<String> = (10_000..10_100).chain([7]).map(|id| id.to_string()).collect();
    assert_eq!(queues(json!({"skillIds": ids})).await, (101, 100));
    assert_eq!(queues(json!({"offset": "100"})).await, (105, 5));
}

#[actix_web::test]
async fn of_a_route_that_is_led_elsewhere_nothing_changes_but_its_destination() {
    let gateway = Gateway::new().await;
    gateway.route(json!({"accessCode": "5550100", "extCode": "21", "devicetype": 1, "deviceId": 7})).await;
    let mut route = gateway.routes(json!({})).await.remove(0);
    let everything = json!({
        "id": route["id"], "devicetype": 3, "deviceId": 12,
        "accessCode": "9911411", "extCode": "9", "mediaTypeId": 19, "dnid": 9, "editable": "3",
    });
    let reply = gateway.call(Endpoint::ModifyCalledRoute, everything).await;
    assert_eq!(*reply.ok(), json!({"returnCode": "0", "description": "data update success"}));
    route["devicetype"] = json!(3);
    route["deviceId"] = json!(12);
    route["deviceDesc"] = json!("main-menu");
    assert_eq!(gateway.routes(json!({})).await, [route]);
}

#[actix_web::test]
async fn a_flow_that_is_not_loaded_is_listed_as_such() {
    let gateway = Gateway::with(|settings| {
        let tenant = settings.tenants.get_mut("12345678").unwrap();
        let mut center = (*tenant.aicc.call_center).clone();
        let flow = Flow { loaded: false, kind: 2, ..center.flows[&FlowId(12)].clone() };
        center.flows.insert(FlowId(11), flow);
        tenant.aicc.call_center = Arc::new(center);
    })
    .await;
    let reply = gateway.call(Endpoint::QueryIvrFlowList, json!({})).await;
    let shown = |place: usize| {
        let flow = &reply.body["result"][place];
        (flow["id"].clone(), flow["isLoad"].clone(), flow["flowType"].clone())
    };
    assert_eq!([shown(0), shown(1)], [(json!(11), json!(0), json!(2)), (json!(12), json!(1), json!(4))]);
}

#[actix_web::test]
async fn lists_of_a_thousand_numbers_are_deleted_at_once_and_longer_ones_are_refused() {
    let gateway = Gateway::new().await;
    gateway.route(json!({"accessCode": "5550100", "devicetype": 3, "deviceId": 12})).await;
    let list = |count: u32| (1..=count).map(|dnid| dnid.to_string()).collect::<Vec<_>>().join(",");
    let reply = gateway.call(Endpoint::DeleteCalledRoute, json!({"dnids": list(1_001)})).await;
    reply.failed(400, "dnids: must name at most 1000");
    assert_eq!(reply.code(), "120001");
    let reply = gateway.call(Endpoint::DeleteCalledRoute, json!({"dnids": list(1_000)})).await;
    assert_eq!((reply.status, &reply.body["data"]["name"]), (500, &json!("5550100")));
    assert!(reply.body["data"]["content"].as_str().unwrap().starts_with("Success:5550100,Failed:2,3,"));
    assert_eq!(gateway.routes(json!({})).await, Vec::<Value>::new());
}

#[actix_web::test]
async fn access_codes_are_found_by_parts_of_them_and_of_their_descriptions() {
    let gateway = Gateway::new().await;
    let blue = gateway.token_of(BLUE).await;
    let codes = async |query: Value| {
        let reply = gateway.call_as(&blue, Endpoint::QueryAccessCodeList, &query).await;
        let list = reply.ok()["data"]["calledRouteList"].as_array().unwrap().clone();
        list.iter().map(|code| code["accessCode"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(json!({})).await, ["0800", "5550100"]);
    assert_eq!(codes(json!({"accessCode": "80"})).await, ["0800"]);
    assert_eq!(codes(json!({"description": "main"})).await, ["5550100"]);
    assert_eq!(codes(json!({"mediatypeId": 5})).await, ["5550100"]);
    assert_eq!(codes(json!({"offset": 1, "limit": 1})).await, ["5550100"]);
    assert_eq!(codes(json!({"accessCode": "", "description": ""})).await.len(), 2);
    let reply = gateway.call_as(&blue, Endpoint::QueryAccessCodeList, &json!({})).await;
    let (video, main) = (&reply.body["data"]["calledRouteList"][0], &reply.body["data"]["calledRouteList"][1]);
    assert_eq!(
        (&video["mediatypeId"], &video["numCallAttr"], &video["n400Number"]),
        (&json!(18), &json!(2), &Value::Null)
    );
    assert_eq!((&main["numCallAttr"], &main["n400Number"]), (&json!(1), &json!("4005550100")));
    let id = main["id"].as_str().unwrap();
    assert!(id.len() == 19 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
}

#[actix_web::test]
async fn queues_of_the_configuration_and_of_callers_stand_in_one_list() {
    let gateway = Gateway::new().await;
    let made = gateway.call(Endpoint::CreateSkill, queue("night")).await.ok()["data"]["skillId"].clone();
    assert_eq!(made, json!(10_000));
    let ids = async |query: Value| {
        let reply = gateway.call(Endpoint::QuerySkills, query).await;
        let list = reply.ok()["data"].as_array().unwrap().clone();
        list.iter().map(|skill| skill["skillId"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(json!({})).await, [1, 7, 8, 9, 10, 10_000]);
    assert_eq!(ids(json!({"name": "night"})).await, [10_000]);
    assert_eq!(ids(json!({"name": "nigh"})).await, Vec::<u64>::new());
    assert_eq!(ids(json!({"mediaTypeId": "5"})).await, [7, 8, 10_000]);
    assert_eq!(ids(json!({"mediaTypeId": 53})).await, [9]);
    assert_eq!(ids(json!({"skillIds": ["7", "10000", "99"]})).await, [7, 10_000]);
    assert_eq!(ids(json!({"skillIds": [8]})).await, [8]);
    assert_eq!(ids(json!({"limit": "2", "offset": "4"})).await, [10, 10_000]);
    assert_eq!(ids(json!({"limit": 2, "offset": 4})).await, [10, 10_000]);
    let reply = gateway.call(Endpoint::QuerySkills, json!({"limit": 1})).await;
    assert_eq!((&reply.body["total"], reply.body["data"].as_array().unwrap().len()), (&json!(6), 1));

    // What was said of it is given back as it was, unknown members included.
    let mut other = queue("other");
    other["skillParam"]["later"] = json!({"x": [1, null]});
    gateway.call(Endpoint::CreateSkill, other.clone()).await.ok();
    let reply = gateway.call(Endpoint::QuerySkills, json!({"name": "other"})).await;
    assert_eq!(reply.body["data"][0]["skillParam"], other["skillParam"]);
}

#[actix_web::test]
async fn a_queue_that_a_route_uses_cannot_be_deleted() {
    let gateway = Gateway::new().await;
    gateway.call(Endpoint::CreateSkill, queue("night")).await.ok();
    gateway.call(Endpoint::CreateSkill, queue("late")).await.ok();
    gateway.route(json!({"accessCode": "5550100", "devicetype": 1, "deviceId": 10_000})).await;
    let reply = gateway.call(Endpoint::DeleteSkill, json!({"skillIds": "10001-10000"})).await;
    reply.failed(500, "skillIds: skill queue 10000 is referenced by the called route of 5550100 (dnid 1)");
    assert_eq!(reply.code(), "120965");
    gateway.call(Endpoint::DeleteCalledRoute, json!({"dnids": "1"})).await.ok();
    let reply = gateway.call(Endpoint::DeleteSkill, json!({"skillIds": "10001-10000"})).await;
    assert_eq!(*reply.ok(), json!({"returnCode": "0", "description": "Success"}));
    let again = gateway.call(Endpoint::DeleteSkill, json!({"skillIds": "10000"})).await;
    again.failed(500, "skillIds: there is no skill queue 10000");
    let route = json!({"accessCode": "5550100", "devicetype": 1, "deviceId": 10_000});
    gateway.call(Endpoint::CreateCalledRoute, route).await.failed(500, "deviceId: there is no skill queue 10000");
}

#[actix_web::test]
async fn what_was_deleted_is_unknown_under_its_old_ids_and_its_number_can_be_routed_again() {
    let gateway = Gateway::new().await;
    let route = json!({"accessCode": "5550100", "devicetype": 1, "deviceId": 7});
    gateway.route(route.clone()).await;
    let id = gateway.routes(json!({})).await[0]["id"].clone();
    gateway.call(Endpoint::DeleteCalledRoute, json!({"dnids": "1"})).await.ok();
    gateway.route(route).await;
    let modify = json!({"id": id, "devicetype": 1, "deviceId": 8});
    gateway.call(Endpoint::ModifyCalledRoute, modify).await.failed(500, "id: there is no called route");
    let again = gateway.call(Endpoint::DeleteCalledRoute, json!({"dnids": "1"})).await;
    again.failed(500, "configuration number 1");
    let new = gateway.routes(json!({})).await.remove(0);
    assert_eq!((&new["dnid"], &new["deviceId"]), (&json!(2), &json!(7)));
    assert_ne!(new["id"], id);
}

#[actix_web::test]
async fn a_route_stays_when_its_ends_are_taken_out_of_the_configuration() {
    let gateway = Gateway::new().await;
    gateway.route(json!({"accessCode": "5550100", "devicetype": 1, "deviceId": 7})).await;
    let shown = async || {
        let route = gateway.routes(json!({})).await.remove(0);
        (route["deviceDesc"].clone(), route["editable"].clone())
    };
    assert_eq!(shown().await, (json!("sales-voice"), json!("0")));
    let id = gateway.routes(json!({})).await[0]["id"].clone();
    gateway
        .reload(|settings| {
            let tenant = settings.tenants.get_mut("12345678").unwrap();
            let mut center = (*tenant.aicc.call_center).clone();
            center.skills.remove(&crate::domain::SkillId(7));
            center.hotlines.remove(&"5550100".parse().unwrap());
            tenant.aicc.call_center = Arc::new(center);
        })
        .await;
    // Editable 1: cannot be edited, can be deleted.
    assert_eq!(shown().await, (Value::Null, json!("1")));
    let modify = json!({"id": id, "devicetype": 1, "deviceId": 8});
    gateway.call(Endpoint::ModifyCalledRoute, modify).await.failed(500, "accessCode: the tenant has no access code");
    gateway.call(Endpoint::DeleteCalledRoute, json!({"dnids": "1"})).await.ok();
}
