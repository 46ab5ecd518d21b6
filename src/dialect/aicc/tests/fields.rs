//! Every field of every operation, wrong in every way: refused with 400, named, and nothing done.

use super::*;
use crate::dialect::Dialect;
use crate::domain::Seconds;

/// What a field takes.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Integer,
    /// An integer, or a text of digits.
    IntegerOrText,
    List,
    Object,
}

/// A field of an operation, with values of its type that are wrong.
struct Field {
    operation: Endpoint,
    name: &'static str,
    kind: Kind,
    mandatory: bool,
    wrong: Vec<Value>,
}

fn field(operation: Endpoint, name: &'static str, kind: Kind, mandatory: bool, wrong: Vec<Value>) -> Field {
    Field { operation, name, kind, mandatory, wrong }
}

fn all_fields() -> Vec<Field> {
    use Endpoint as E;
    use Kind::{Integer, IntegerOrText, List, Object, Text};
    let long = |length: usize| json!("1".repeat(length));
    // What the vendor's contact center knows elsewhere, and what it knows nowhere.
    let media = || {
        let others = [1, 4, 15, 16, 17, 51, 52, 54, 55, 0, -5].map(Value::from).to_vec();
        [others, vec![json!(5.5), json!(99_999_999_999_999_999_999_u128 as f64)]].concat()
    };
    let device = || {
        let others = [2, 5, 7, 8, 10, 11, 14, 15, 0, -1].map(Value::from).to_vec();
        [others, vec![json!(1.5)]].concat()
    };
    let id = || vec![json!(0), json!(-1), json!(1.5), json!(4_294_967_296_u64)];
    let page = || vec![json!(1.5)];
    vec![
        field(E::TokenByAkSk, "app_key", Text, true, vec![json!(""), long(256)]),
        field(E::TokenByAkSk, "app_secret", Text, true, vec![json!(""), long(256)]),
        field(E::CreateCalledRoute, "accessCode", Text, true, vec![long(33), json!("1a"), json!("1 2")]),
        field(E::CreateCalledRoute, "extCode", Text, false, vec![long(13), json!("1a"), json!("+1"), json!("\u{0}")]),
        field(E::CreateCalledRoute, "mediaTypeId", Integer, false, media()),
        field(E::CreateCalledRoute, "devicetype", Integer, true, device()),
        field(E::CreateCalledRoute, "deviceId", Integer, true, id()),
        field(E::QueryCalledRoute, "accessCode", Text, false, vec![long(33), json!("x")]),
        field(E::QueryCalledRoute, "extCode", Text, false, vec![long(13), json!("x")]),
        field(E::QueryCalledRoute, "devicetype", Integer, false, device()),
        field(E::QueryCalledRoute, "deviceDesc", Text, false, vec![]),
        field(E::QueryCalledRoute, "mediaTypeId", Integer, false, media()),
        field(E::QueryCalledRoute, "limit", Integer, false, [page(), vec![json!(-1)]].concat()),
        field(E::QueryCalledRoute, "offset", Integer, false, page()),
        field(E::ModifyCalledRoute, "id", Text, true, vec![json!("x"), json!("-1"), long(40)]),
        field(E::ModifyCalledRoute, "devicetype", Integer, true, device()),
        field(E::ModifyCalledRoute, "deviceId", Integer, true, id()),
        field(
            E::DeleteCalledRoute,
            "dnids",
            Text,
            true,
            vec![json!(""), json!("1,"), json!("1,x"), json!("-1"), long(11)],
        ),
        field(E::QueryAccessCodeList, "accessCode", Text, false, vec![]),
        field(E::QueryAccessCodeList, "mediatypeId", Integer, false, [media(), vec![json!(18), json!(19)]].concat()),
        field(E::QueryAccessCodeList, "description", Text, false, vec![]),
        field(E::QueryAccessCodeList, "limit", Integer, false, [page(), vec![json!(-1)]].concat()),
        field(E::QueryAccessCodeList, "offset", Integer, false, [page(), vec![json!(101)]].concat()),
        field(E::QuerySkills, "name", Text, false, vec![]),
        field(E::QuerySkills, "mediaTypeId", IntegerOrText, false, [media(), vec![json!("x"), json!("4")]].concat()),
        field(
            E::QuerySkills,
            "limit",
            IntegerOrText,
            false,
            [page(), vec![json!(0), json!("-1"), json!("x")]].concat(),
        ),
        field(E::QuerySkills, "offset", IntegerOrText, false, [page(), vec![json!("x")]].concat()),
        field(E::QuerySkills, "skillIds", List, false, vec![json!(["x"]), json!([null]), json!([-1]), json!([[]])]),
        field(E::CreateSkill, "mediaTypeId", Integer, true, media()),
        field(E::CreateSkill, "description", Text, true, vec![long(51), json!("a\nb")]),
        field(E::CreateSkill, "name", Text, true, vec![json!(""), json!(" "), long(101), json!("a\tb"), json!("a?")]),
        field(E::CreateSkill, "maxWaitTime", Integer, true, vec![json!(-1), json!(60_001), json!(1.5)]),
        field(E::CreateSkill, "maxWaitNum", Integer, true, vec![json!(-1), json!(10_001), json!(1.5)]),
        field(E::CreateSkill, "maxAgentWrapupTime", Integer, true, vec![json!(-1), json!(3_601), json!(1.5)]),
        field(E::CreateSkill, "skillParam", Object, true, wrong_settings()),
        field(E::ModifySkill, "skillId", IntegerOrText, true, vec![json!(-1), json!("x"), json!(1.5)]),
        field(E::ModifySkill, "description", Text, false, vec![long(51)]),
        field(E::ModifySkill, "maxWaitTime", Integer, false, vec![json!(-1), json!(60_001)]),
        field(E::ModifySkill, "maxWaitNum", Integer, false, vec![json!(-1), json!(10_001)]),
        field(E::ModifySkill, "maxAgentWrapupTime", Integer, false, vec![json!(-1), json!(3_601)]),
        field(E::ModifySkill, "skillParam", Object, false, wrong_settings()),
        field(E::DeleteSkill, "skillIds", Text, true, vec![json!(""), json!("1,,2"), json!("x"), json!("1 2")]),
    ]
}

/// `skillParam` with one thing wrong in it.
fn wrong_settings() -> Vec<Value> {
    let with = |path: &str, value: Value| {
        let mut settings = queue("x")["skillParam"].clone();
        *settings.pointer_mut(path).unwrap() = value;
        settings
    };
    vec![
        json!({}),
        with("/noAgents", Value::Null),
        with("/busy", json!("Release")),
        with("/timeOut", json!({})),
        with("/noAgents/transferType", json!("release")),
        with("/busy/deviceType", json!(1)),
        with("/busy/deviceType", json!("2")),
        with("/busy/value", json!("x")),
        with("/timeOut/value", Value::Null),
        with("/answerFunction", json!(0)),
        with("/answerFunction", Value::Null),
        with("/waitVoice", json!([])),
        with("/waitVoice/parameterType", json!(1)),
        with("/waitVoice", json!({"parameterType": "Voice", "long": "x".repeat(2_048)})),
    ]
}

/// A body that is right for the operation.
fn right(operation: Endpoint, route: &str) -> Value {
    match operation {
        Endpoint::TokenByAkSk => json!({"app_key": DEMO.0, "app_secret": DEMO.1}),
        Endpoint::CreateCalledRoute => {
            json!({"accessCode": "5550100", "extCode": "21", "devicetype": 1, "deviceId": 7, "mediaTypeId": 5})
        }
        Endpoint::QueryCalledRoute => {
            json!({"accessCode": "5550100", "extCode": "1", "devicetype": 1, "deviceDesc": "a", "mediaTypeId": 5,
                   "limit": 10, "offset": 0})
        }
        Endpoint::ModifyCalledRoute => json!({"id": route, "devicetype": 1, "deviceId": 8}),
        Endpoint::DeleteCalledRoute => json!({"dnids": "1"}),
        Endpoint::QueryAccessCodeList => {
            json!({"accessCode": "5", "mediatypeId": 5, "description": "x", "limit": 10, "offset": 0})
        }
        Endpoint::QuerySkills => {
            json!({"name": "x", "mediaTypeId": "5", "limit": "10", "offset": "0", "skillIds": ["7"]})
        }
        Endpoint::CreateSkill => queue("another"),
        Endpoint::ModifySkill => {
            let mut body = queue("another");
            body["skillId"] = json!(10_000);
            body
        }
        Endpoint::DeleteSkill => json!({"skillIds": "10000"}),
        Endpoint::QueryIvrFlowList => json!({}),
    }
}

/// Values of every other type, an integer that is written out among them.
fn of_other_types(kind: Kind) -> Vec<Value> {
    let all = [(Kind::Text, json!("5")), (Kind::Integer, json!(5)), (Kind::List, json!([])), (Kind::Object, json!({}))];
    let others = all.into_iter().filter(|(other, _)| {
        *other != kind && !(kind == Kind::IntegerOrText && matches!(other, Kind::Text | Kind::Integer))
    });
    others.map(|(_, value)| value).chain([json!(true)]).collect()
}

struct Trial {
    gateway: Gateway,
    route: String,
    before: String,
}

impl Trial {
    async fn new() -> Self {
        let gateway = Gateway::new().await;
        gateway.route(json!({"accessCode": "9911411", "extCode": "2", "devicetype": 1, "deviceId": 7})).await;
        gateway.call(Endpoint::CreateSkill, queue("night")).await.ok();
        let route = gateway.routes(json!({})).await[0]["id"].as_str().unwrap().to_owned();
        let mut trial = Self { gateway, route, before: String::new() };
        trial.before = trial.state().await;
        trial
    }

    async fn state(&self) -> String {
        let queues = self.gateway.call(Endpoint::QuerySkills, json!({})).await.body;
        format!("{:?} {queues}", self.gateway.routes(json!({})).await)
    }

    /// Tries a body that is right but for one member.
    async fn refused(&self, field: &Field, value: Option<Value>) {
        let mut body = right(field.operation, &self.route);
        match value {
            Some(value) => body[field.name] = value,
            None => drop(body.as_object_mut().unwrap().remove(field.name)),
        }
        let reply = self.gateway.call(field.operation, body.clone()).await;
        let path = field.operation.path();
        assert_eq!(reply.status, 400, "{path} {body}: {reply:?}");
        reply.failed(400, "");
        let named = reply.description().starts_with(field.name);
        assert!(named, "{path} {body}: {:?} does not name {}", reply.description(), field.name);
        assert_eq!(self.state().await, self.before, "{path} {body}");
    }
}

#[actix_web::test]
async fn a_field_of_another_type_or_out_of_its_bounds_is_named_and_nothing_is_done() {
    let trial = Trial::new().await;
    for field in all_fields() {
        for value in of_other_types(field.kind).into_iter().chain(field.wrong.clone()) {
            trial.refused(&field, Some(value)).await;
        }
    }
}

#[actix_web::test]
async fn a_mandatory_field_that_is_missing_or_null_is_named_and_an_optional_one_may_be_either() {
    let trial = Trial::new().await;
    for field in all_fields() {
        if field.mandatory {
            trial.refused(&field, None).await;
            trial.refused(&field, Some(Value::Null)).await;
            continue;
        }
        for missing in [true, false] {
            let trial = Trial::new().await;
            let mut body = right(field.operation, &trial.route);
            match missing {
                true => drop(body.as_object_mut().unwrap().remove(field.name)),
                false => body[field.name] = Value::Null,
            }
            trial.gateway.call(field.operation, body).await.ok();
        }
    }
}

/// A name in another case than the vendor's.
fn respelt(name: &str) -> [String; 2] {
    let swapped =
        name.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
    [name.to_ascii_lowercase(), swapped.collect()]
        .map(|other| if other == name { name.to_ascii_uppercase() } else { other })
}

#[actix_web::test]
async fn a_member_in_another_case_is_the_one_that_the_vendor_names() {
    let trial = Trial::new().await;
    for field in all_fields() {
        for name in respelt(field.name) {
            for wrong in of_other_types(field.kind).into_iter().chain(field.wrong.clone()) {
                let mut body = right(field.operation, &trial.route);
                body.as_object_mut().unwrap().remove(field.name);
                body[&name] = wrong;
                let reply = trial.gateway.call(field.operation, body.clone()).await;
                reply.failed(400, "");
                assert!(reply.description().starts_with(field.name), "{body}: {reply:?}");
            }
            let trial = Trial::new().await;
            let mut body = right(field.operation, &trial.route);
            body[&name] = body[field.name].clone();
            trial.gateway.call(field.operation, body.clone()).await.ok();
            let trial = Trial::new().await;
            body.as_object_mut().unwrap().remove(field.name);
            trial.gateway.call(field.operation, body).await.ok();
        }
    }
}

#[actix_web::test]
async fn a_member_in_two_spellings_with_different_values_is_refused_by_both_names() {
    let trial = Trial::new().await;
    for field in all_fields() {
        for (name, other) in respelt(field.name).into_iter().zip([json!("different"), json!(4_711)]) {
            let mut body = right(field.operation, &trial.route);
            body[&name] = other;
            let reply = trial.gateway.call(field.operation, body.clone()).await;
            reply.failed(400, "are one member, given with different values; give it once");
            let names = [field.name, &name].map(|name| reply.description().contains(name));
            assert_eq!(names, [true; 2], "{body}: {reply:?}");
            assert_eq!(trial.state().await, trial.before, "{body}");
            let mut body = right(field.operation, &trial.route);
            body[&name] = Value::Null;
            let trial = Trial::new().await;
            trial.gateway.call(field.operation, body).await.ok();
        }
    }
}

#[actix_web::test]
async fn a_filter_and_an_extension_count_in_any_spelling() {
    let gateway = Gateway::new().await;
    let route = json!({"ACCESSCODE": "9911411", "extcode": "2", "deviceType": 1, "deviceid": 1, "mediatypeid": 19});
    gateway.route(route).await;
    gateway.route(json!({"accessCode": "5550100", "devicetype": 1, "deviceId": 7})).await;
    let listed = gateway.routes(json!({"mediatypeId": 19})).await;
    assert_eq!((listed.len(), &listed[0]["extCode"], &listed[0]["devicetype"]), (1, &json!("2"), &json!(1)));
    assert_eq!(gateway.routes(json!({"extcode": "2"})).await.len(), 1);
    assert_eq!(gateway.routes(json!({"deviceType": 3})).await.len(), 0);
    let codes = gateway.call(Endpoint::QueryAccessCodeList, json!({"mediaTypeId": 53})).await;
    assert_eq!(codes.ok()["data"]["total"], 1);
    let queues = gateway.call(Endpoint::QuerySkills, json!({"mediatypeid": "53"})).await;
    assert_eq!(queues.ok()["total"], 1);
}

#[actix_web::test]
async fn the_settings_of_a_queue_are_spelt_as_the_vendor_does_whatever_case_they_come_in() {
    let gateway = Gateway::new().await;
    let printed = queue("night");
    let text = printed["skillParam"].to_string();
    let mut respelt = printed.clone();
    for (name, other) in [("noAgents", "noagents"), ("transferType", "TransferType"), ("deviceType", "devicetype")] {
        assert!(text.contains(name), "{text}");
        let settings = respelt["skillParam"].to_string().replace(name, other);
        respelt["skillParam"] = serde_json::from_str(&settings).unwrap();
    }
    gateway.call(Endpoint::CreateSkill, respelt.clone()).await.ok();
    let shown = gateway.call(Endpoint::QuerySkills, json!({"name": "night"})).await;
    assert_eq!(shown.ok()["data"][0]["skillParam"], printed["skillParam"]);
    let mut twice = queue("day");
    twice["skillParam"]["noAgents"]["TRANSFERTYPE"] = json!("Other");
    let reply = gateway.call(Endpoint::CreateSkill, twice).await;
    reply.failed(400, "skillParam.noAgents.TRANSFERTYPE and skillParam.noAgents.transferType");
}

#[actix_web::test]
async fn every_operation_is_right_with_a_member_that_nobody_knows() {
    for operation in all_operations() {
        let trial = Trial::new().await;
        let mut body = right(operation, &trial.route);
        body["nobodyKnows"] = json!({"this": [1]});
        trial.gateway.call(operation, body).await.ok();
    }
}

fn all_operations() -> Vec<Endpoint> {
    let mut all: Vec<Endpoint> = all_fields().into_iter().map(|field| field.operation).collect();
    all.push(Endpoint::QueryIvrFlowList);
    all.dedup();
    assert_eq!(all.len(), 11);
    all
}

#[actix_web::test]
async fn without_a_good_token_no_operation_does_anything() {
    let trial = Trial::new().await;
    let gateway = &trial.gateway;
    let short = gateway.grant(&[("X-Token-Expire", "60")], DEMO).await.body["AccessToken"].as_str().unwrap().to_owned();
    let foreign = Gateway::with(|settings| {
        settings.aicc = Settings::from_toml(&format!("[aicc]\nsigning_key = '{}'", "k".repeat(32))).unwrap().aicc;
    })
    .await;
    gateway.clock.advance(Seconds::new(60));
    let (expired, foreign) = (format!("Bearer {short}"), format!("Bearer {}", foreign.token));
    let another = [("Authorization", format!("Bearer {}", gateway.token)), ("X-APP-Key", BLUE.0.to_owned())];
    let another: Vec<_> = another.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for operation in all_operations().into_iter().filter(|operation| *operation != Endpoint::TokenByAkSk) {
        let right = right(operation, &trial.route).to_string();
        for headers in
            [&[][..], &[("Authorization", expired.as_str())], &[("Authorization", foreign.as_str())], &another]
        {
            let reply = gateway.post(operation, headers, &right).await;
            reply.failed(403, "authentication fails");
            // Who is not let in learns nothing of what is wrong with the request.
            let wrong = gateway.post(operation, headers, "{").await;
            assert_eq!((wrong.status, wrong.body), (reply.status, reply.body));
        }
    }
    assert_eq!(trial.state().await, trial.before);
}

#[actix_web::test]
async fn a_body_that_is_no_json_object_is_refused_by_every_operation() {
    let trial = Trial::new().await;
    let bearer = format!("Bearer {}", trial.gateway.token);
    let queries =
        [Endpoint::QueryCalledRoute, Endpoint::QueryAccessCodeList, Endpoint::QuerySkills, Endpoint::QueryIvrFlowList];
    for operation in all_operations() {
        let post = async |body: &str, content_type: &str| {
            let headers = [("Authorization", bearer.as_str()), ("Content-Type", content_type)];
            trial.gateway.post(operation, &headers, body).await
        };
        for body in ["[]", "null", "{", "{}{}", "{'a':1}", "{\"a\":1,\"a\":2}", "x", "\u{0}"] {
            post(body, "application/json").await.failed(400, "the body is not as required");
        }
        let right = right(operation, &trial.route).to_string();
        for media_type in
            ["text/plain", "text/xml", "application/x-www-form-urlencoded", "application/json; charset=utf-16"]
        {
            let reply = post(&right, media_type).await;
            reply.failed(415, "application/json");
            assert_eq!(reply.header("accept"), Some("application/json"));
        }
        let empty = trial.gateway.post(operation, &[("Authorization", &bearer)], "").await;
        if queries.contains(&operation) {
            empty.ok();
        } else {
            empty.failed(400, "the body is empty");
        }
        assert_eq!(trial.state().await, trial.before);
    }
}

#[actix_web::test]
async fn another_path_is_404_and_another_method_405_in_the_vendors_form() {
    let gateway = Gateway::new().await;
    for path in [
        "/apigovernance",
        "/apigovernance/",
        "/apigovernance/api/oauth/tokenbyaksk",
        "/apigovernance/api/oauth/tokenByAkSk//",
        "/apiaccess",
        "/apiaccess/rest/CC-Management/v1/calledRoute/createCalledRoute",
        "/apiaccess/rest/cc-management/v1/calledroute/createCalledRoute",
        "/apiaccess/rest/cc-management/v2/calledRoute/createCalledRoute",
        "/apiaccess/rest/cc-management/v1/calledRoute",
        "/apiaccess/rest/cc-management/v1/skill/queryskills",
    ] {
        gateway.send(Method::POST, path, &[], "").await.failed(404, "there is nothing at this path");
    }
    for operation in all_operations() {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let reply = gateway.send(method, operation.path(), &[], "").await;
            reply.failed(405, "POST");
            assert_eq!(reply.header("allow"), Some("POST"));
        }
    }
    for path in ["/apiaccessx", "/apigovernancex/api", "/interact", "/Apiaccess/rest"] {
        assert!(!gateway.aicc.owns(path, &gateway.live.current()), "{path}");
    }
}

#[actix_web::test]
async fn a_failed_list_of_flows_has_both_envelopes() {
    let gateway = Gateway::new().await;
    let reply = gateway.post(Endpoint::QueryIvrFlowList, &[], "{}").await;
    reply.failed(403, "authentication fails");
    assert_eq!((&reply.body["retCode"], &reply.body["message"]), (&json!("403"), &json!("authentication fails")));
    let other = gateway.post(Endpoint::QuerySkills, &[], "{}").await;
    assert_eq!(other.body, json!({"returnCode": "403", "description": "authentication fails"}));
}

#[actix_web::test]
async fn a_store_that_cannot_answer_is_said_to_be_so() {
    let trial = Trial::new().await;
    trial.gateway.store.close().await;
    // The key that signs tokens is known, so these are given on.
    trial.gateway.grant(&[], DEMO).await.ok();
    for operation in [
        Endpoint::CreateCalledRoute,
        Endpoint::ModifyCalledRoute,
        Endpoint::DeleteCalledRoute,
        Endpoint::CreateSkill,
        Endpoint::DeleteSkill,
    ] {
        let reply = trial.gateway.call(operation, right(operation, &trial.route)).await;
        reply.failed(500, "the store is not available");
        assert_eq!((reply.outcome, reply.code()), ("unavailable", "120000"));
    }
}
