//! The history of all numbers: found by what is known of an entry, in pages, and as a file.

use super::*;

/// The header set of the application `web`.
const WEB: &[(&str, &str)] = &[
    ("Tenant-Id", "one"),
    ("Application-Key", "dnis-key"),
    ("User-Id", "YWRtaW4="),
    ("User-Password", "cGFzc3dvcmQ="),
];

/// One allocation was freed, one expired, and one runs.
async fn three() -> Gateway {
    let gateway = Gateway::new();
    gateway.number("4711", "sales").await;
    gateway.number("4712", "service, east").await;
    let lend = async |body: Value, headers| {
        let lent = gateway.send(Method::POST, "/allocations", headers, body.to_string()).await;
        assert_eq!(lent.status, 201, "{lent:?}");
        lent.body["id"].as_str().unwrap().to_owned()
    };
    let freed = lend(json!({ "group": "sales", "interaction": "a", "caller": "555", "lasting": 60 }), ADMIN).await;
    gateway.later(10);
    assert_eq!(gateway.delete(&format!("/allocations/{freed}")).await.status, 204);
    lend(json!({ "group": "service, east", "interaction": "b", "lasting": 60 }), WEB).await;
    gateway.later(60);
    lend(json!({ "group": "sales", "interaction": "=c\"", "caller": "777", "lasting": 600 }), ADMIN).await;
    gateway
}

impl Gateway {
    /// Who is told, by the interactions.
    async fn found(&self, query: &str) -> Vec<String> {
        let reply = self.get(&format!("/history?{query}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let items = reply.body["items"].as_array().unwrap().iter();
        items.map(|item| item["allocation"]["interaction"].as_str().unwrap().to_owned()).collect()
    }

    async fn exported(&self, query: &str) -> String {
        let answer = self.answer(Method::GET, &format!("/history/export{query}"), ADMIN, "").await;
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body.to_vec()).unwrap()
    }
}

#[tokio::test]
async fn whose_call_it_was_is_found_by_what_is_known_of_it() {
    let gateway = three().await;
    for (query, expected) in [
        ("", &["=c\"", "b", "a"][..]),
        ("caller=555", &["a"]),
        ("interaction=b", &["b"]),
        ("number=4711", &["=c\"", "a"]),
        ("group=service%2C+east", &["b"]),
        ("application=numbers", &["b"]),
        ("allocation=1", &["a"]),
        ("dialect=gms", &[]),
        ("dialect=native&ending=freed", &["a"]),
        ("ending=expired", &["b"]),
        ("at=2023-11-14T22:13:25Z", &["a"]),
        ("from=2023-11-14T22:13:30Z&to=2023-11-14T22:13:31Z", &["b"]),
    ] {
        assert_eq!(gateway.found(query).await, expected, "{query}");
    }
    let entry = gateway.get("/history?interaction=b").await.body["items"][0].clone();
    assert_eq!((&entry["group"], &entry["allocation"]["application"]), (&json!("service, east"), &json!("numbers")));
    assert_eq!((&entry["until"], &entry["ended"]), (&json!("2023-11-14T22:14:30.000Z"), &json!("expired")));
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = gateway.get(&format!("/history?limit=1{cursor}")).await.body;
        pages.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(pages, *gateway.get("/history").await.body["items"].as_array().unwrap());
}

#[tokio::test]
async fn the_history_is_exported_as_rows_or_as_lines() {
    let gateway = three().await;
    let lines = gateway.exported("?format=ndjson").await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, *gateway.get("/history").await.body["items"].as_array().unwrap());
    let rows = gateway.exported("").await;
    let expected = "number,group,interaction,caller,code,dialect,application,allocation,sharing,since,deadline,until,ended\n\
        4711,sales,\"=c\"\"\",777,,native,,3,exclusive,2023-11-14T22:14:30.000Z,2023-11-14T22:24:30.000Z,,\n\
        4712,\"service, east\",b,,,native,numbers,2,exclusive,2023-11-14T22:13:30.000Z,2023-11-14T22:14:30.000Z,\
        2023-11-14T22:14:30.000Z,expired\n\
        4711,sales,a,555,,native,,1,exclusive,2023-11-14T22:13:20.000Z,2023-11-14T22:14:20.000Z,\
        2023-11-14T22:13:30.000Z,freed\n";
    assert_eq!(rows, expected);
    assert_eq!(gateway.exported("?caller=555").await.lines().count(), 2);
    let named = gateway.answer(Method::GET, "/history/export?format=csv", ADMIN, "").await;
    let disposition = named.headers.iter().find(|(name, _)| name == "content-disposition").unwrap();
    assert_eq!(disposition.1, "attachment; filename=\"history.csv\"");
}

#[tokio::test]
async fn what_restricts_the_history_is_read_strictly() {
    let gateway = Gateway::new();
    for (query, pointer) in [
        ("dialect=aicc", "dialect"),
        ("ending=lost", "ending"),
        ("number=12a", "number"),
        ("at=2023-11-14T22:13:25Z&from=2023-11-14T22:13:25Z", "at"),
        ("from=2023-11-14T22:13:25Z&to=2023-11-14T22:13:25Z", "to"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("phone=1", "phone"),
    ] {
        for path in ["/history", "/history/export"] {
            let of_list = ["limit", "cursor"].contains(&pointer);
            let reply = gateway.get(&format!("{path}?{query}")).await;
            assert_eq!((reply.status, reply.problem()), (400, "invalid"), "{path}?{query}: {reply:?}");
            let at = reply.body["errors"][0].to_string();
            assert!(at.contains(pointer) || of_list, "{path}?{query}: {at}");
        }
    }
}
