//! What happens, told as it happens.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::time::timeout;

use crate::callers::send;
use crate::gateway::Gateway;

/// Longer than any event takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A stream of events that is being read.
struct Stream {
    response: reqwest::Response,
    received: String,
}

/// One event.
#[derive(Debug)]
struct Told {
    id: String,
    name: String,
    data: Value,
}

impl Stream {
    /// Follows from now on, or after an event.
    async fn of(gateway: &Gateway, after: Option<&str>) -> Self {
        let mut request = gateway.caller().user(Method::GET, "/gateway/v1/events");
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut stream = Self { response, received: String::new() };
        // What comes first says that everything from now on is told.
        assert_eq!(stream.block().await, "retry: 2000");
        stream
    }

    /// The lines up to the next empty one.
    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.received.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.received = rest;
                return block;
            }
            let piece = timeout(PATIENCE, self.response.chunk()).await.expect("something is told").unwrap();
            self.received.push_str(std::str::from_utf8(&piece.expect("the stream goes on")).unwrap());
        }
    }

    async fn next(&mut self) -> Told {
        loop {
            let block = self.block().await;
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_default().to_owned()
            };
            let name = field("event: ");
            if !name.is_empty() {
                return Told { id: field("id: "), name, data: serde_json::from_str(&field("data: ")).unwrap() };
            }
        }
    }

    /// Whether the stream has come to its end.
    async fn ends(mut self) -> bool {
        while let Ok(Ok(Some(_))) = timeout(PATIENCE, self.response.chunk()).await {}
        matches!(timeout(PATIENCE, self.response.chunk()).await, Ok(Ok(None)))
    }
}

async fn lend(gateway: &Gateway, caller: &str) -> (String, String) {
    let form =
        [("_resource_group", "samples"), ("_phone_number", caller), ("_provide_code", "true"), ("note", "secret")];
    let request = gateway.caller().request(Method::POST, "/genesys/1/service/request-interaction").form(&form);
    let reply = send(request.header("Accept", "application/json")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let told = reply.json();
    (told["_access_number"].as_str().unwrap().to_owned(), told["_access_code"].as_str().unwrap().to_owned())
}

async fn matching(gateway: &Gateway, number: &str, code: &str) -> u16 {
    let form = [("_access_number", number), ("_access_code", code)];
    send(gateway.caller().request(Method::POST, "/genesys/1/service/match-interaction").form(&form)).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_is_told_what_is_lent_matched_freed_refused_and_exhausted_and_no_secrets() {
    let gateway = Gateway::demo().start().await;
    let mut stream = Stream::of(&gateway, None).await;
    let (number, code) = lend(&gateway, "15550001").await;
    let lent = stream.next().await;
    assert_eq!(
        (lent.name.as_str(), &lent.data["number"], &lent.data["group"]),
        ("lent", &number.clone().into(), &"samples".into())
    );
    assert_eq!((&lent.data["caller"], &lent.data["origin"]), (&"15550001".into(), &"gms".into()));
    assert_eq!((&lent.data["ended"], &lent.data["reason"]), (&Value::Null, &Value::Null));

    assert!(matching(&gateway, &number, "0").await >= 400);
    let refused = stream.next().await;
    assert_eq!((refused.name.as_str(), &refused.data["reason"]), ("refused", &"wrong_code".into()), "{refused:?}");
    assert_eq!(matching(&gateway, &number, &code).await, 200);
    let matched = stream.next().await;
    assert_eq!((matched.name.as_str(), &matched.data["ended"]), ("matched", &"matched".into()), "{matched:?}");
    assert_eq!(matched.data["allocation"], lent.data["allocation"]);

    let mut last = lent.data["allocation"].clone();
    for caller in ["15550002", "15550003", "15550004"] {
        lend(&gateway, caller).await;
        let told = stream.next().await;
        assert_eq!(told.name, "lent");
        last = told.data["allocation"].clone();
    }
    let more = [("_resource_group", "samples")];
    let request = gateway.caller().request(Method::POST, "/genesys/1/service/request-interaction").form(&more);
    assert!(send(request).await.status >= 400);
    let exhausted = stream.next().await;
    assert_eq!((exhausted.name.as_str(), &exhausted.data["group"]), ("exhausted", &"samples".into()));
    let path = format!("/gateway/v1/allocations/{}", last.as_str().unwrap());
    assert_eq!(send(gateway.caller().user(Method::DELETE, &path)).await.status, 204);
    let freed = stream.next().await;
    assert_eq!(
        (freed.name.as_str(), &freed.data["ended"], &freed.data["allocation"]),
        ("freed", &"freed".into(), &last)
    );
    let all = format!("{lent:?}{refused:?}{matched:?}{exhausted:?}{freed:?}");
    assert!(!all.contains(&code) && !all.contains("secret"), "{all}");
    gateway.stop().await;
    assert!(stream.ends().await, "the end of the gateway waits for nobody who follows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_back_is_told_what_happened_meanwhile_or_that_something_is_missing() {
    let gateway = Gateway::demo().start().await;
    let mut stream = Stream::of(&gateway, None).await;
    lend(&gateway, "15550001").await;
    let first = stream.next().await;
    drop(stream);
    lend(&gateway, "15550002").await;
    let mut stream = Stream::of(&gateway, Some(&first.id)).await;
    let second = stream.next().await;
    assert_eq!((second.name.as_str(), &second.data["caller"]), ("lent", &"15550002".into()));
    let data = gateway.stop().await;

    let gateway = Gateway::demo().on(data).start().await;
    let mut stream = Stream::of(&gateway, Some(&second.id)).await;
    assert_eq!(stream.next().await.name, "reset", "another start knows nothing of that id");
    lend(&gateway, "15550003").await;
    assert_eq!(stream.next().await.data["caller"], "15550003");
    for wrong in ["x", "17", "0123456789abcdef"] {
        let request = gateway.caller().user(Method::GET, "/gateway/v1/events").header("Last-Event-ID", wrong);
        assert_eq!(send(request).await.status, 400, "{wrong}");
    }
    assert_eq!(send(gateway.caller().request(Method::GET, "/gateway/v1/events")).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_is_told_of_callers_only_so_much_that_they_can_be_told_apart() {
    let viewer = |settings: &mut dnis_gateway::config::Settings| {
        for user in settings.tenants.values_mut().flat_map(|tenant| tenant.users.values_mut()) {
            user.role = dnis_gateway::config::Role::Viewer;
        }
    };
    let gateway = Gateway::demo().with(viewer).start().await;
    let mut stream = Stream::of(&gateway, None).await;
    lend(&gateway, "15550042").await;
    assert_eq!(stream.next().await.data["caller"], "******42");
}
