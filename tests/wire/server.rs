//! What the server does around every call: panics, blocks, health, metrics, ids, addresses, and its end.

use std::sync::Arc;
use std::time::Duration;

use dnis_gateway::store::SystemClock;
use reqwest::Method;
use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::{INTERACTION, PASSWORD, Reply, USER, envelope, send};
use crate::gateway::Gateway;
use crate::raw::{Wire, exchange};
use crate::store::{Accidental, PANICKING_KEY, PANICS, WAITS};

async fn accidental() -> (Gateway, Arc<Accidental>) {
    let mut store = None;
    let builder = Gateway::demo().over(Arc::new(SystemClock::default()), |engine| {
        let accidental = Accidental::around(engine);
        store = Some(Arc::clone(&accidental));
        accidental
    });
    (builder.start().await, store.unwrap())
}

fn get_payload(phone: &str) -> String {
    format!("<a:GetDnisAllocationRequest><a:phone>{phone}</a:phone></a:GetDnisAllocationRequest>")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_costs_one_request_an_answer_of_500_in_its_dialects_form_and_nothing_else() {
    let (gateway, _) = accidental().await;
    let caller = gateway.caller();
    let before = gateway.state().await;

    for reply in [
        caller.allocation(PANICS).await,
        caller.free(PANICS).await,
        caller.interact("/dnis", &format!(r#"{{"phoneNumber":"{PANICS}","dnId":"1"}}"#)).await,
        send(caller.user(Method::DELETE, &format!("/interact/version/2/dnis/{PANICS}"))).await,
    ] {
        assert_eq!((reply.status, reply.header("content-type")), (500, "text/plain; charset=utf-8"), "{reply:?}");
        assert!(reply.text().starts_with("Internal error"), "{reply:?}");
    }

    let fault = caller.soap(&get_payload(PANICS)).await;
    assert_eq!((fault.status, fault.header("content-type")), (500, "text/xml; charset=UTF-8"), "{fault:?}");
    assert_eq!(fault.element("faultcode"), "SOAP-ENV:Server");
    assert!(fault.element("faultstring").starts_with("Internal error"), "{fault:?}");
    let envelope_12 = envelope(&get_payload(PANICS))
        .replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope");
    let request = caller.user(Method::POST, "/interact/version/2/agent/soap");
    let fault = send(request.header("Content-Type", "application/soap+xml").body(envelope_12)).await;
    assert_eq!(fault.header("content-type"), "application/soap+xml; charset=UTF-8");
    assert_eq!((fault.status, fault.element("Value").as_str()), (500, "env:Receiver"), "{fault:?}");

    let json = caller.gms("match-interaction", &[("_access_number", PANICS)]).await;
    assert_eq!(json.status, 500, "{json:?}");
    assert_eq!(json.json()["exception"], "javax.ws.rs.InternalServerErrorException");
    let id = caller.gms("request-interaction", &[("language", "fr")]).await.json()["_id"].clone();
    assert!(id.is_string());
    let path = format!("/genesys/1/storage/00000000-0000-4000-8000-000000000000/{PANICKING_KEY}");
    let xml = caller.get(&path).await;
    assert_eq!((xml.status, xml.header("content-type")), (500, "application/xml;charset=UTF-8"), "{xml:?}");
    assert_eq!(xml.element("exception"), "javax.ws.rs.InternalServerErrorException");

    for reply in [&fault, &json, &xml] {
        assert!(!reply.text().contains("this is the panic"), "the cause is for the log: {reply:?}");
        assert!(!reply.header("x-request-id").is_empty());
    }
    // The number that request-interaction lent goes back; then all is as it was.
    let lent = caller.list().await;
    let lent = lent["phones"].as_array().unwrap().iter().find(|phone| phone["allocated"] == true).unwrap();
    assert_eq!(caller.free(lent["phoneNumber"].as_str().unwrap()).await.status, 200);
    assert_eq!(gateway.state().await, before);
    assert_eq!(gateway.admin("/health/ready").await.status, 200);
    assert_eq!(caller.allocate("after the panics", "test").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_failures_block_further_guesses_and_none_who_is_known_here() {
    let gateway = Gateway::demo().with(|settings| settings.access.failures = 10).start().await;
    let caller = gateway.caller();
    let free = || caller.ivr(Method::POST, "/interact/version/2/dnis/allocate/free/111");
    let verified = || free().header("User-Id", USER).header("User-Password", PASSWORD);
    assert_eq!(send(verified()).await.status, 200);
    assert_eq!(caller.allocation("111").await.status, 200);

    let guess = |attempt: usize| {
        let password = ["YQ==", "Yg==", "Yw==", "ZA==", "ZQ==", "Zg==", "Zw==", "aA==", "aQ==", "ag==", "aw=="];
        free().header("User-Id", USER).header("User-Password", password[attempt])
    };
    for attempt in 0..10 {
        let reply = send(guess(attempt)).await;
        assert_eq!(reply.status, 401, "attempt {attempt}: {reply:?}");
    }
    let rest = send(guess(10)).await;
    assert_blocked(&rest);
    assert_eq!(rest.header("content-type"), "text/plain; charset=utf-8");

    let soap = caller.ivr(Method::POST, "/interact/version/2/dnis/soap").header("Content-Type", "text/xml");
    let soap = soap.header("User-Id", USER).header("User-Password", "YQ==");
    let payload = "<d:FreeDnisAllocationRequest><d:phone>111</d:phone></d:FreeDnisAllocationRequest>";
    let soap = send(soap.body(envelope(payload))).await;
    assert_blocked(&soap);
    assert!(!soap.text().contains("Envelope"), "{soap:?}");

    let gms = caller.ivr(Method::POST, "/genesys/1/service/request-access").header("User-Id", USER);
    let gms = send(gms.header("User-Password", "YQ==").form(&[("_id", INTERACTION)])).await;
    assert_blocked(&gms);
    assert_eq!(gms.element("exception"), "javax.ws.rs.ClientErrorException");

    assert_eq!(send(verified()).await.status, 200, "a caller who used the password from here before");
    assert_eq!(caller.allocation("111").await.status, 200, "a key that was used from here before");
    let anonymous = caller.gms("request-access", &[("_id", INTERACTION)]).await;
    assert_eq!(anonymous.status, 200, "{anonymous:?}");
}

fn assert_blocked(reply: &Reply) {
    assert_eq!(reply.status, 429, "{reply:?}");
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_and_metrics_are_on_the_admin_listener_alone() {
    let gateway = Gateway::demo().start().await;
    for (path, text) in [("/health/live", "alive\n"), ("/health/ready/", "ready\n")] {
        let reply = gateway.admin(path).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, text), "{path}");
        assert_eq!(gateway.caller().get(path).await.status, 404, "{path}");
    }
    assert_eq!(gateway.caller().get("/metrics").await.status, 404);
    assert_eq!(gateway.admin("/interact/version/2/dnis").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_tell_requests_pools_and_commits() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    assert_eq!(caller.allocate("a", "test").await.status, 200);
    assert_eq!(caller.allocate("b", "test").await.status, 200);
    assert_eq!(caller.allocate("c", "nowhere").await.status, 403);
    assert_eq!(caller.soap(&get_payload("111")).await.status, 200);
    assert_eq!(caller.gms("match-interaction", &[("_access_number", "111")]).await.status, 404);
    assert_eq!(caller.get("/interact/version/2/dnis/allocate/get/111").await.status, 401);
    assert_eq!(caller.get("/somewhere/380974520200").await.status, 404);

    let reply = gateway.admin("/metrics").await;
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = reply.text();
    let value = |series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
    };
    let requests = |dialect: &str, operation: &str, outcome: &str| {
        value(&format!(
            "dnis_gateway_requests_total{{dialect=\"{dialect}\",operation=\"{operation}\",outcome=\"{outcome}\"}}"
        ))
    };
    assert_eq!(requests("interact", "allocate", "ok"), 2.0);
    assert_eq!(requests("interact", "allocate", "exhausted"), 1.0);
    assert_eq!(requests("interact", "soap_get", "ok"), 1.0);
    assert_eq!(requests("interact", "get", "unauthorized"), 1.0);
    assert_eq!(requests("gms", "match-interaction", "no_match"), 1.0);
    assert_eq!(requests("unknown", "unknown", "not_found"), 1.0);
    assert_eq!(value("dnis_gateway_request_seconds_count{dialect=\"interact\",operation=\"allocate\"}"), 3.0);
    assert_eq!(value("dnis_gateway_denied_total{cause=\"missing\"}"), 1.0);
    let pool = |group: &str, state: &str| {
        value(&format!(
            "dnis_gateway_numbers{{environment=\"\",group=\"{group}\",state=\"{state}\",tenant=\"12345678\"}}"
        ))
    };
    assert_eq!((pool("test", "free"), pool("test", "allocated"), pool("test", "disabled")), (8.0, 2.0, 0.0));
    assert_eq!((pool("DNIS", "free"), pool("samples", "free")), (10.0, 3.0));
    let of_group = |metric: &str| value(&format!("{metric}{{environment=\"\",group=\"test\",tenant=\"12345678\"}}"));
    assert_eq!(of_group("dnis_gateway_group_utilisation_percent"), 20.0);
    assert_eq!(of_group("dnis_gateway_group_level"), 0.0);
    // One commit for the seeds, one for each allocation.
    assert!(value("dnis_gateway_store_batch_commands_count") >= 3.0);
    assert_eq!(value("dnis_gateway_store_sync_seconds_count"), value("dnis_gateway_store_batch_commands_count"));
    assert!(value("dnis_gateway_store_sync_seconds_sum") > 0.0);
    assert_eq!(value("dnis_gateway_ready"), 1.0);
    assert!(!text.contains("380974520200") && !text.contains("somewhere"), "no caller's words are labels: {text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_a_request_id_the_callers_own_where_it_can_be_repeated() {
    let gateway = Gateway::demo().start().await;
    let id = async |given: Option<&str>, path: &str| {
        let request = gateway.caller().request(Method::GET, path);
        let request = given.map_or(request.try_clone().unwrap(), |given| request.header("X-Request-Id", given));
        send(request).await.header("x-request-id").to_owned()
    };
    for path in ["/", "/genesys/1/storage/x", "/interact/version/2/agent/soap?wsdl", "/interact/version/2/dnis"] {
        assert_eq!(id(Some("call-7:a/b"), path).await, "call-7:a/b", "{path}");
        let (first, second) = (id(None, path).await, id(None, path).await);
        assert!(!first.is_empty() && first != second, "{path}: {first} {second}");
    }
    let long = "x".repeat(65);
    for unusable in ["two words", "", &long] {
        let given = id(Some(unusable), "/").await;
        assert!(!given.is_empty() && given != unusable, "{unusable:?}: {given:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slash_at_the_end_of_a_path_makes_no_difference_in_any_dialect() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    let number = r#"{"phoneNumber":"9001","dnId":"1","groupName":"test"}"#;
    assert_eq!(caller.interact("/dnis/", number).await.status, 200);
    assert_eq!(caller.allocation("9001/").await.status, 200);
    assert_eq!(caller.gms("request-interaction/", &[]).await.status, 200);
    let token = serde_json::json!({"app_key": "demo-key-0001", "app_secret": "demo-secret-0001"});
    let token = caller.request(Method::POST, "/apigovernance/api/oauth/tokenByAkSk/").json(&token);
    assert_eq!(send(token).await.status, 200);
    let native = caller.user(Method::GET, "/gateway/v1/whoami/");
    assert_eq!(send(native).await.status, 200);
    for (method, path, allow) in [
        (Method::PUT, "/interact/version/2/dnis/", "GET, HEAD, POST"),
        (Method::GET, "/interact/version/2/dnis/allocate/free/1/", "POST"),
        (Method::PUT, "/interact/version/2/agent/soap/", "GET, HEAD, POST"),
        (Method::GET, "/apigovernance/api/oauth/tokenByAkSk/", "POST"),
        (Method::PUT, "/genesys/1/service/request-access/", "DELETE, GET, POST"),
        (Method::POST, "/gateway/v1/whoami/", "GET, HEAD"),
    ] {
        let reply = send(caller.user(method, path)).await;
        assert_eq!((reply.status, reply.header("allow")), (405, allow), "{path}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_depends_on_headers_says_so_or_is_kept_nowhere() {
    let parsed = "[server]\ntrusted_proxies = [\"127.0.0.0/8\"]";
    let parsed = dnis_gateway::config::Settings::from_toml(parsed).unwrap().server;
    let behind =
        Gateway::demo().with(|settings| settings.server.trusted_proxies = parsed.trusted_proxies).start().await;
    let gateway = Gateway::demo().start().await;
    let forwarded = "Host, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Port, X-Forwarded-Prefix";
    for (gateway, vary) in [(&gateway, "Host"), (&behind, forwarded)] {
        let caller = gateway.caller();
        for path in ["/interact/version/2/agent/soap?wsdl", "/interact/version/2/dnis/soap", "/gateway/v1/soap?wsdl12"]
        {
            let reply = send(caller.request(Method::GET, path)).await;
            assert_eq!((reply.status, reply.header("vary")), (200, vary), "{path}");
            let known = caller.request(Method::GET, path).header("If-None-Match", reply.header("etag"));
            let known = send(known).await;
            assert_eq!((known.status, known.header("vary")), (304, vary), "{path}");
        }
    }
    let caller = gateway.caller();
    for reply in [
        caller.allocation("111").await,
        caller.gms("match-interaction", &[("_access_number", "111")]).await,
        caller.soap(&get_payload("111")).await,
        send(caller.request(Method::GET, "/gateway/v1/whoami")).await,
        send(caller.request(Method::POST, "/apigovernance/api/oauth/tokenByAkSk")).await,
        send(caller.request(Method::GET, "/nothing")).await,
    ] {
        assert!(reply.header("cache-control").contains("no-store"), "{reply:?}");
    }
    behind.stop().await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_url_as_target_names_the_gateway_whatever_host_says() {
    let gateway = Gateway::demo().start().await;
    let request = "GET http://gw.example:81/interact/version/2/agent/soap/?wsdl HTTP/1.1\r\nHost: evil.example\r\n\r\n";
    let reply = exchange(gateway.address(), request).await.unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.text().contains("location=\"http://gw.example:81/interact/version/2/agent/soap\""), "{reply:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wsdl_names_the_address_that_its_client_can_use() {
    let forwarded = |name: &'static str, value: &'static str| (name, value);
    let headers = [
        forwarded("Host", "gw.internal:8080"),
        forwarded("X-Forwarded-Host", "gw.example"),
        forwarded("X-Forwarded-Proto", "HTTPS"),
        forwarded("X-Forwarded-Prefix", "/numbers"),
    ];
    let address = async |settings: &str, headers: &[(&'static str, &'static str)], path: &str| {
        let parsed = dnis_gateway::config::Settings::from_toml(settings).unwrap().server;
        let gateway = Gateway::demo()
            .with(|settings| {
                settings.server.public_url = parsed.public_url;
                settings.server.trusted_proxies = parsed.trusted_proxies;
            })
            .start()
            .await;
        let request = gateway.caller().request(Method::GET, &format!("/interact/version/2{path}"));
        let reply = send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, "text/xml; charset=UTF-8"), "{reply:?}");
        let text = reply.text();
        let location = text.split("location=\"").nth(1).unwrap().split('"').next().unwrap();
        location.replace(&gateway.address().to_string(), "ADDRESS")
    };
    assert_eq!(address("", &[], "/agent/soap?wsdl").await, "http://ADDRESS/interact/version/2/agent/soap");
    assert_eq!(
        address("", &headers, "/dnis/soap?WSDL").await,
        "http://gw.internal:8080/interact/version/2/dnis/soap",
        "nobody is trusted"
    );
    assert_eq!(
        address("[server]\ntrusted_proxies = [\"127.0.0.0/8\"]", &headers, "/agent/soap/agent.wsdl").await,
        "https://gw.example/numbers/interact/version/2/agent/soap"
    );
    assert_eq!(
        address("[server]\npublic_url = \"https://public.example/gw\"", &headers, "/dnis/soap/dnis.wsdl").await,
        "https://public.example/gw/interact/version/2/dnis/soap"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_waits_for_the_request_that_is_being_answered() {
    let (gateway, store) = accidental().await;
    let created = gateway.caller().interact("/dnis", r#"{"phoneNumber":"13778","dnId":"1"}"#).await;
    assert_eq!(created.status, 200);
    let address = gateway.address();
    let caller = gateway.caller().clone();
    let asked = tokio::spawn(async move { caller.allocation(WAITS).await });
    store.somebody_waits().await;
    let stopping = tokio::spawn(gateway.stop());
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!asked.is_finished() && !stopping.is_finished());
    store.let_on();
    let reply = asked.await.unwrap();
    assert_eq!((reply.status, reply.text()), (404, format!("Phone number {WAITS} was not found")));
    assert_eq!(reply.header("connection"), "close");
    stopping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_finishes_a_request_whose_body_is_still_on_its_way_and_exits_with_0() {
    let data = TempDir::new().unwrap();
    let mut binary = Binary::demo(data.path());
    let address = binary.url().strip_prefix("http://").unwrap().parse().unwrap();
    let mut wire = Wire::to(address).await;
    let body = r#"{"id":"to the very end","group":"test"}"#;
    let head = format!(
        "POST /interact/version/2/dnis/allocate/new HTTP/1.1\r\nHost: x\r\nTenant-Id: 12345678\r\n\
         Application-Key: 53736e07e4b05772e6475c2d\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    wire.send(head).await;
    assert_eq!(wire.reply().await.unwrap().status, 100, "the request has begun");
    binary.signal("TERM");
    binary.wait_until(|log| log.contains("stopping"));
    wire.send(body).await;
    let reply = wire.reply().await.unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (200, "380974520200"), "{reply:?}");
    assert_eq!(binary.wait().code(), Some(0));
    let binary = Binary::demo(data.path());
    let kept = crate::callers::Caller::of(binary.url()).allocation("380974520200").await;
    assert_eq!(kept.text(), "to the very end");
}
