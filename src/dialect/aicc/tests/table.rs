//! The vendor's tables, row by row: each row names the part of the vendor's documents that it ticks off, by the
//! operation and the row's number there, or by the rule.

use super::*;

/// One row: what is sent after a few routes and a queue were made, and what must come back.
struct Row {
    /// Which statement of the documents.
    says: &'static str,
    operation: Endpoint,
    body: Value,
    status: u16,
    /// In the description of the answer, or the description itself.
    description: &'static str,
}

fn row(says: &'static str, operation: Endpoint, body: Value, status: u16, description: &'static str) -> Row {
    Row { says, operation, body, status, description }
}

/// A route for the demo with one member set to another value, or left out where that is `null`.
fn route_with(member: &str, value: Value) -> Value {
    let mut route = json!({"accessCode": "5550100", "extCode": "21", "devicetype": 1, "deviceId": 7, "mediaTypeId": 5});
    set(&mut route, member, value);
    route
}

fn set(body: &mut Value, member: &str, value: Value) {
    match value {
        Value::Null => drop(body.as_object_mut().unwrap().remove(member)),
        value => body[member] = value,
    }
}

fn queue_with(member: &str, value: Value) -> Value {
    let mut queue = queue("night");
    set(&mut queue, member, value);
    queue
}

const CREATED: &str = "data create success";

fn creating() -> Vec<Row> {
    use Endpoint::CreateCalledRoute as Op;
    let with = route_with;
    let row = |says, body, status, description| row(says, Op, body, status, description);
    let ok = |says, body| row(says, body, 200, CREATED);
    vec![
        ok("create 1.1: accessCode is a string", with("accessCode", json!("5550100"))),
        row("create 1.1: accessCode is mandatory", with("accessCode", Value::Null), 400, "accessCode: is required"),
        row("create 1.1: at most 32 characters", with("accessCode", json!("5".repeat(33))), 400, "accessCode: must be"),
        row("create 1.1: an access code of the tenant", with("accessCode", json!("5".repeat(32))), 500, "accessCode: "),
        ok("create 1.2: extCode is a string", with("extCode", json!("21"))),
        ok("create 1.2: extCode is not mandatory", with("extCode", Value::Null)),
        ok("create 1.2: at most 12 characters", with("extCode", json!("0123456789*#"))),
        row("create 1.2: at most 12 characters", with("extCode", json!("1".repeat(13))), 400, "extCode: must be"),
        row("console: extension of 0-9 * #", with("extCode", json!("2a")), 400, "extCode: must be"),
        ok("decided: an empty extCode is none", with("extCode", json!(""))),
        ok("create 1.3: mediaTypeId is an integer", with("mediaTypeId", json!(5))),
        row("create 1.3: one of 2, 5, 18, 19, 53", with("mediaTypeId", json!(4)), 400, "2, 5, 18, 19, 53"),
        ok("create 1.3: not mandatory, default 5", with("mediaTypeId", Value::Null)),
        ok(
            "create 1.3: default 5 for an IVR flow",
            json!({"accessCode": "5550100", "extCode": "22", "devicetype": 3, "deviceId": 12}),
        ),
        row("create 1.4: devicetype is mandatory", with("devicetype", Value::Null), 400, "devicetype: is required"),
        row("create 1.4: 1 or 3", with("devicetype", json!(2)), 400, "devicetype: must be 1"),
        row(
            "create 1.4: the case of the name does not matter",
            json!({"accessCode": "5550100", "extCode": "21", "deviceType": 2, "deviceId": 7}),
            400,
            "devicetype: must be 1",
        ),
        row("create 1.5: deviceId is mandatory", with("deviceId", Value::Null), 400, "deviceId: is required"),
        row(
            "create 1.5: an existing skill queue",
            with("deviceId", json!(99)),
            500,
            "deviceId: there is no skill queue 99",
        ),
        row(
            "create 1.5: an existing IVR flow",
            json!({"accessCode": "5550100", "extCode": "22", "devicetype": 3, "deviceId": 7}),
            500,
            "deviceId: there is no IVR flow 7",
        ),
        row("create 1.5 note: the queue's media type", with("mediaTypeId", json!(19)), 500, "media type 5"),
        ok(
            "the sample of the variant for multimedia",
            json!({"accessCode": "5550153", "devicetype": 1, "deviceId": 9, "mediaTypeId": 53}),
        ),
        row("one called number, one destination", with("extCode", json!("11")), 500, "accessCode and extCode: "),
        row(
            "decided: the same number put together otherwise",
            json!({"accessCode": "99114112", "extCode": "1", "devicetype": 3, "deviceId": 12}),
            500,
            "dialled number 991141121",
        ),
    ]
}

/// The matrix of media types: access codes of the demo, queues of each media type.
fn media() -> Vec<Row> {
    use Endpoint::CreateCalledRoute as Op;
    let codes = [("5550102", 2), ("5550100", 5), ("5550153", 53)];
    let queues = [(10, 2), (7, 5), (10_000, 18), (1, 19), (9, 53)];
    let carried = [(2, 2), (2, 18), (5, 5), (5, 19), (53, 53)];
    let mut rows = Vec::new();
    for (code, of_code) in codes {
        for (queue, of_queue) in queues {
            let body = json!({"accessCode": code, "extCode": "5", "devicetype": 1, "deviceId": queue});
            let mut explicit = body.clone();
            explicit["mediaTypeId"] = json!(of_queue);
            for body in [body, explicit] {
                rows.push(match carried.contains(&(of_code, of_queue)) {
                    true => row("media types: carried, sent or taken from the queue", Op, body, 200, CREATED),
                    false => {
                        row("media types: not carried", Op, body, 500, "mediaTypeId: an access code of media type")
                    }
                });
            }
        }
    }
    let flow = |code: &str, media: Option<u32>| {
        let mut body = json!({"accessCode": code, "extCode": "5", "devicetype": 3, "deviceId": 12});
        set(&mut body, "mediaTypeId", media.map_or(Value::Null, Into::into));
        body
    };
    let ban = "cannot be selected for the multimedia channel";
    rows.extend([
        row("IVR: not for the multimedia channel", Op, flow("5550153", None), 500, ban),
        row("IVR: not for the multimedia channel", Op, flow("5550153", Some(53)), 500, ban),
        row("IVR: not for the multimedia channel", Op, flow("5550100", Some(53)), 500, ban),
        row("IVR: with each media type of the code", Op, flow("5550100", Some(19)), 200, CREATED),
        row("IVR: with each media type of the code", Op, flow("5550102", Some(18)), 200, CREATED),
        row("IVR: the default 5 does not suit click-to-dial", Op, flow("5550102", None), 500, "takes 2 and 18, not 5"),
    ]);
    rows
}

fn changing() -> Vec<Row> {
    use Endpoint::{DeleteCalledRoute, ModifyCalledRoute};
    let modify = |says, body, status, description| row(says, ModifyCalledRoute, body, status, description);
    let delete = |says, dnids: &str, status, description| {
        row(says, DeleteCalledRoute, json!({"dnids": dnids}), status, description)
    };
    let flow = |id: &str| json!({"id": id, "devicetype": 3, "deviceId": 12});
    vec![
        modify("modify 1.2: 3 is an IVR flow", flow("{id 2}"), 200, "data update success"),
        modify(
            "modify: no IVR flow for the multimedia channel",
            flow("{id 4}"),
            500,
            "cannot be selected for the multimedia channel",
        ),
        modify(
            "modify 1.3: an existing skill queue",
            json!({"id": "{id 2}", "devicetype": 1, "deviceId": 99}),
            500,
            "deviceId: there is no skill queue 99",
        ),
        modify(
            "modify 1.3: an existing IVR flow",
            json!({"id": "{id 2}", "devicetype": 3, "deviceId": 7}),
            500,
            "deviceId: there is no IVR flow 7",
        ),
        modify(
            "modify 1.1: id of a route",
            json!({"id": "{id 2}", "devicetype": 1, "deviceId": 8}),
            200,
            "data update success",
        ),
        modify("modify 1.1: id is mandatory", json!({"devicetype": 1, "deviceId": 8}), 400, "id: is required"),
        modify(
            "modify 1.1: id, not dnid",
            json!({"id": "2", "devicetype": 1, "deviceId": 8}),
            500,
            "id: there is no called route 2",
        ),
        modify(
            "modify 1.2: devicetype is mandatory",
            json!({"id": "{id 2}", "deviceId": 8}),
            400,
            "devicetype: is required",
        ),
        modify(
            "modify 1.3: deviceId is mandatory",
            json!({"id": "{id 2}", "devicetype": 1}),
            400,
            "deviceId: is required",
        ),
        modify(
            "modify: the rules hold for the route's media type",
            json!({"id": "{id 1}", "devicetype": 1, "deviceId": 7}),
            500,
            "media type 5",
        ),
        delete("delete 1.1: comma-separated configuration numbers", "1,2", 200, "data delete success"),
        delete("decided: blanks and repetitions", " 2 , 1,1", 200, "data delete success"),
        delete(
            "decided: one that does not exist",
            "9",
            500,
            "dnids: there is no called route with configuration number 9",
        ),
        delete("delete 1.1: a list of numbers", "1;2", 400, "dnids: must be a list"),
        delete("delete 1.1: a list of numbers", "", 400, "dnids: must be a list"),
        row("delete 1.1: a string", DeleteCalledRoute, json!({"dnids": 1}), 400, "dnids: must be a string"),
        row("delete 1.1: mandatory", DeleteCalledRoute, json!({}), 400, "dnids: is required"),
    ]
}

fn queues() -> Vec<Row> {
    use Endpoint::{CreateSkill, DeleteSkill, ModifySkill};
    let with = queue_with;
    let create = |says, body, status, description| row(says, CreateSkill, body, status, description);
    let delete =
        |says, ids: &str, status, description| row(says, DeleteSkill, json!({"skillIds": ids}), status, description);
    let multimedia = |device: Value| {
        let mut body = with("mediaTypeId", json!(53));
        body["skillParam"]["timeOut"] = device;
        body
    };
    let mut rows: Vec<Row> =
        ["mediaTypeId", "description", "name", "maxWaitTime", "maxWaitNum", "maxAgentWrapupTime", "skillParam"]
            .map(|field| create("createSkill: all fields are mandatory", with(field, Value::Null), 400, "is required"))
            .into();
    let without_voice = |media: u32| {
        let mut body = with("mediaTypeId", json!(media));
        let busy = json!({"transferType": "Transfer", "deviceType": "1", "value": "7"});
        body["skillParam"] = json!({
            "noAgents": {"transferType": "Release"}, "busy": busy, "timeOut": {"transferType": "Release"}
        });
        body
    };
    let click_to_dial = |media: u32| {
        let mut body = without_voice(media);
        body["skillParam"]["busy"]["deviceType"] = json!("3");
        body
    };
    for media in [53, 2, 18] {
        let says = "createSkill: for 53, 2 and 18 only noAgents, busy and timeOut apply";
        rows.push(create(says, without_voice(media), 200, CREATED));
    }
    for media in [5, 19] {
        let says = "createSkill: for 5 and 19 answerFunction and waitVoice are mandatory";
        rows.push(create(says, without_voice(media), 400, "skillParam.answerFunction: is required"));
        let mut body = with("mediaTypeId", json!(media));
        body["skillParam"]["waitVoice"] = Value::Null;
        rows.push(create(says, body, 400, "skillParam.waitVoice: is required"));
    }
    for media in [2, 18] {
        let says = "createSkill: click-to-dial is sent on to flows as well";
        rows.push(create(says, click_to_dial(media), 200, CREATED));
    }
    rows.extend([
        create("createSkill: right in every field", queue("night"), 200, CREATED),
        create("createSkill: media types", with("mediaTypeId", json!(4)), 400, "mediaTypeId: must be one of"),
        create("createSkill: description of 50", with("description", json!("x".repeat(50))), 200, CREATED),
        create(
            "createSkill: description of 50",
            with("description", json!("x".repeat(51))),
            400,
            "description: must be",
        ),
        create("createSkill: name of 100, be lenient", with("name", json!("x".repeat(100))), 200, CREATED),
        create("createSkill: name of 100, be lenient", with("name", json!("x".repeat(101))), 400, "name: must be"),
        create("createSkill: no special characters", with("name", json!("a<b")), 400, "name: must be"),
        create("createSkill: maxWaitTime up to 60000", with("maxWaitTime", json!(60_000)), 200, CREATED),
        create("createSkill: maxWaitTime up to 60000", with("maxWaitTime", json!(60_001)), 400, "maxWaitTime: must be"),
        create("createSkill: maxWaitNum up to 10000", with("maxWaitNum", json!(10_000)), 200, CREATED),
        create("createSkill: maxWaitNum up to 10000", with("maxWaitNum", json!(10_001)), 400, "maxWaitNum: must be"),
        create("createSkill: wrap-up up to 3600", with("maxAgentWrapupTime", json!(3_600)), 200, CREATED),
        create(
            "createSkill: wrap-up up to 3600",
            with("maxAgentWrapupTime", json!(3_601)),
            400,
            "maxAgentWrapupTime: must",
        ),
        create(
            "createSkill: multimedia is sent on to queues only",
            multimedia(json!({"transferType": "Transfer", "deviceType": "3", "value": 12})),
            400,
            "skillParam.timeOut.deviceType: must be \"1\"",
        ),
        create(
            "createSkill: multimedia is sent on to queues only",
            multimedia(json!({"transferType": "Transfer", "deviceType": "1", "value": 9})),
            200,
            CREATED,
        ),
        create("createSkill: voice is sent on to flows as well", with("mediaTypeId", json!(19)), 200, CREATED),
        create(
            "decided: a name tells queues apart",
            with("name", json!("chat")),
            500,
            "name: skill queue 9 has this name",
        ),
        row(
            "modifySkill: configured queues are read-only",
            ModifySkill,
            json!({"skillId": 7}),
            500,
            "skillId: skill queue 7 is configured",
        ),
        row("modifySkill: the id is mandatory", ModifySkill, json!({"description": "x"}), 400, "skillId: is required"),
        row(
            "modifySkill: the queue must exist",
            ModifySkill,
            json!({"skillId": 10_009}),
            500,
            "skillId: there is no skill queue",
        ),
        delete("deleteSkill: configured queues are read-only", "7", 500, "skillIds: skill queue 7 is configured"),
        delete("deleteSkill: the queue must exist", "10009", 500, "skillIds: there is no skill queue 10009"),
        delete("deleteSkill: comma, semicolon or hyphen", "10009;10008-10007", 500, "there is no skill queue 10009"),
        delete("deleteSkill: no other separator", "1 2", 400, "skillIds: must be a list"),
        delete("deleteSkill: at most 10", "1,2,3,4,5,6,7,8,9,10,11", 400, "skillIds: must name at most 10"),
    ]);
    rows
}

fn querying() -> Vec<Row> {
    use Endpoint::{QueryAccessCodeList, QueryCalledRoute, QuerySkills};
    let routes = |says, body, status, description| row(says, QueryCalledRoute, body, status, description);
    let codes = |says, body, status, description| row(says, QueryAccessCodeList, body, status, description);
    let skills = |says, body, status, description| row(says, QuerySkills, body, status, description);
    vec![
        routes("query 1.6: limit from 0", json!({"limit": -1}), 400, "limit: must be a whole number"),
        routes("query 1.6: limit above 100 is 100", json!({"limit": 1_000}), 200, "success"),
        routes("query 1.7: a negative offset is 0", json!({"offset": -5}), 200, "success"),
        routes("query 1.6: limit is an integer", json!({"limit": "10"}), 400, "limit: must be a whole number"),
        routes("query 1.3: devicetype 1 or 3", json!({"devicetype": 2}), 400, "devicetype: must be 1"),
        routes("query 1.5: media types", json!({"mediaTypeId": 1}), 400, "mediaTypeId: must be one of"),
        codes(
            "access codes 1.2: filter 2, 5, 53 only",
            json!({"mediatypeId": 19}),
            400,
            "mediatypeId: must be one of the integers 2, 5, 53",
        ),
        codes("access codes 1.2: a large T", json!({"mediaTypeId": 19}), 400, "mediatypeId: must be one of"),
        codes("access codes 1.4: limit from 0", json!({"limit": 0}), 200, "success"),
        codes("access codes 1.4: limit above 100 is 100", json!({"limit": 1_000}), 200, "success"),
        codes("access codes 1.5: a negative offset is 0", json!({"offset": -5}), 200, "success"),
        codes("access codes 1.5: offset at most 100", json!({"offset": 101}), 400, "offset: must be at most 100"),
        codes("access codes 1.5: offset at most 100", json!({"offset": 100}), 200, "success"),
        skills(
            "querySkills 1.3: limit is positive",
            json!({"limit": "0"}),
            400,
            "limit: must be a whole number from 1",
        ),
        skills("querySkills 1.3: limit above 100 is 100", json!({"limit": "1000"}), 200, "success"),
        skills("querySkills 1.3: text or number", json!({"limit": 1, "offset": "1"}), 200, "success"),
        skills("querySkills 1.2: media types", json!({"mediaTypeId": "4"}), 400, "mediaTypeId: must be one of"),
        skills("querySkills 1.5: an empty array is all", json!({"skillIds": []}), 200, "success"),
    ]
}

#[actix_web::test]
async fn every_row_of_the_vendors_tables_holds() {
    let rows = [creating(), media(), changing(), queues(), querying()].concat_rows();
    assert!(rows.len() > 100, "{}", rows.len());
    for row in rows {
        let gateway = Gateway::new().await;
        gateway.route(json!({"accessCode": "9911411", "extCode": "11", "devicetype": 1, "deviceId": 1})).await;
        gateway.route(json!({"accessCode": "9911411", "extCode": "21", "devicetype": 1, "deviceId": 7})).await;
        gateway.route(json!({"accessCode": "5550100", "extCode": "11", "devicetype": 3, "deviceId": 12})).await;
        gateway.route(json!({"accessCode": "5550153", "extCode": "11", "devicetype": 1, "deviceId": 9})).await;
        // The demo has no queue of this media type.
        let mut video = queue("video click-to-dial");
        video["mediaTypeId"] = json!(18);
        assert_eq!(gateway.call(Endpoint::CreateSkill, video).await.ok()["data"]["skillId"], 10_000);
        let made = gateway.routes(json!({})).await;
        let mut body = row.body.to_string();
        for (place, route) in made.iter().enumerate() {
            body = body.replace(&format!("{{id {}}}", place + 1), route["id"].as_str().unwrap());
        }
        let reply = gateway.call(row.operation, serde_json::from_str(&body).unwrap()).await;
        let told = format!("{}: {body} gave {reply:?}", row.says);
        assert_eq!(reply.status, row.status, "{told}");
        assert_eq!(reply.code() == "0", row.status == 200, "{told}");
        assert!(reply.description().contains(row.description), "no \"{}\": {told}", row.description);
        let refused = row.status != 200;
        assert_eq!(gateway.routes(json!({})).await == made, refused || !changes(row.operation), "{told}");
    }
}

/// Whether an operation changes routes when it succeeds. One that leads a route to where it leads is none of these.
fn changes(operation: Endpoint) -> bool {
    use Endpoint::{CreateCalledRoute, DeleteCalledRoute, ModifyCalledRoute};
    matches!(operation, CreateCalledRoute | ModifyCalledRoute | DeleteCalledRoute)
}

trait ConcatRows {
    fn concat_rows(self) -> Vec<Row>;
}

impl<const N: usize> ConcatRows for [Vec<Row>; N] {
    fn concat_rows(self) -> Vec<Row> {
        self.into_iter().flatten().collect()
    }
}
