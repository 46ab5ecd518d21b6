//! The log of the real binary: what strangers can put into it, how much of it, and what becomes of a reader that stands
//! still.

use std::ffi::OsStr;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::{Caller, INTERACTION, TENANT, send};
use crate::raw::{Wire, exchange};

/// The lines of a log, as objects.
fn lines(log: &str) -> Vec<Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The line of the last refused request, once it is there.
fn last_refusal(binary: &Binary, id: &str) -> Value {
    let of = |log: &str| lines(log).into_iter().find(|line| line["request"] == id);
    binary.wait_until(|log| of(log).is_some());
    of(&binary.log()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stands_still_holds_up_no_request_and_no_end() {
    let data = TempDir::new().unwrap();
    // As many lines as there are, so that the room for them is used up soon.
    let environment = [("DNIS_GATEWAY__LOG__LINES_PER_SECOND", Path::new("1000000"))];
    let arguments = [OsStr::new("--demo"), OsStr::new("--data"), data.path().as_os_str()];
    let mut binary = Binary::unheard(&environment, &arguments);
    let (caller, admin) = (Caller::of(binary.url()), Caller::of(binary.admin_url()));
    let lost = async || {
        let metrics = admin.get("/metrics").await.text();
        let value = |cause: &str| -> u64 {
            let series = format!("dnis_gateway_log_lines_lost_total{{cause=\"{cause}\"}} ");
            metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
        };
        value("unread")
    };
    let start = Instant::now();
    let path = format!("/nowhere/{}", "x".repeat(300));
    while lost().await == 0 {
        for _ in 0..500 {
            assert_eq!(caller.get(&path).await.status, 404);
        }
        assert!(start.elapsed() < Duration::from_secs(300), "the log is still taken");
    }
    assert_eq!(admin.get("/health/ready").await.status, 200);
    assert_eq!(caller.allocate("while nobody reads", "test").await.status, 200);
    let stopping = Instant::now();
    binary.signal("TERM");
    assert_eq!(binary.wait().code(), Some(0));
    assert!(stopping.elapsed() < Duration::from_secs(30), "the end waits for no reader");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_with_long_words_leaves_a_short_log_that_says_what_is_missing() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let address = binary.url().strip_prefix("http://").unwrap().parse().unwrap();
    // As long as a head may be: a longer one is refused before anybody asks where it goes.
    let long = format!("GET /380974520200/{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(15_000));
    for _ in 0..400 {
        let reply = exchange(address, &long).await;
        assert!(reply.is_none_or(|reply| reply.status == 404));
    }
    binary.wait_until(|log| log.contains("\"left_out\":"));
    let log = binary.log();
    assert!(log.len() < 400 * 1_000 && log.lines().all(|line| line.len() < 1_500), "{}", log.len());
    assert!(!log.contains("380974"), "{log}");
    let left_out = lines(&log).into_iter().find(|line| line["left_out"].is_u64()).unwrap();
    assert_eq!((&left_out["of"], &left_out["outcome"]), (&"request".into(), &"not_found".into()), "{left_out}");
    assert!(left_out["message"].as_str().unwrap().contains("log.lines_per_second"), "{left_out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_could_be_dialled_or_forge_a_line_goes_through_wherever_it_is_said() {
    let home = TempDir::new().unwrap();
    // Made by the gateway, which has nothing to say of it then.
    let binary = Binary::demo(&home.path().join("data"));
    let caller = Caller::of(binary.url());
    let number = "380974520299";
    for (at, written) in
        ["x380974520299x", "38%20097%2045-20%20299", "%E2%80%A8380%E2%80%AE974520299%0d%0aWARN"].iter().enumerate()
    {
        let request = caller.request(Method::GET, &format!("/interact/version/2/dnis/allocate/get/{written}"));
        let headers =
            request.header("Tenant-Id", number).header("Application-Key", number).header("User-Agent", number);
        let request = headers.header("X-Request-Id", format!("{number}-{at}"));
        assert!(send(request).await.status >= 400);
    }
    binary.wait_until(|log| log.matches("\"message\":\"request\"").count() == 3);
    let log = binary.log();
    for part in ["380974", "974520", "45-20", "\u{2028}", "\u{202e}"] {
        assert!(!log.contains(part), "{part}: {log}");
    }
    assert_eq!(lines(&log).len(), log.lines().count(), "every line is one of ours: {log}");
    assert!(lines(&log).iter().all(|line| line["level"] != "WARN"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_one_line_with_tenant_source_operation_and_the_precise_reason() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let caller = Caller::of(binary.url());
    let gms = |service: &str, form: &[(&str, &str)], id: &str| {
        let request = caller.request(Method::POST, &format!("/genesys/1/service/{service}")).form(form);
        send(request.header("X-Request-Id", id))
    };
    let short = [("_id", INTERACTION), ("_resource_group", "DNIS"), ("_booking_expiration_timeout", "5")];
    let lent = gms(
        "request-access",
        &[
            short[0],
            short[1],
            ("_provide_code", "true"),
            ("_phone_number", "5551"),
            ("_booking_expiration_timeout", "600"),
        ],
        "a",
    );
    let lent = lent.await;
    assert_eq!(lent.status, 200, "{lent:?}");
    let number = lent.element("_access_number");
    let code = lent.element("_access_code");
    let wrong = format!("{code}0");
    let late = gms("request-access", &short, "b").await.element("_access_number");
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    let free = ["6504664138", "6504664139"].into_iter().find(|free| *free != number && *free != late).unwrap();

    let told = [
        ("unknown_number", vec![("_access_number", "999")]),
        ("not_lent", vec![("_access_number", free)]),
        ("expired", vec![("_access_number", &late)]),
        ("wrong_code", vec![("_access_number", &number), ("_access_code", &wrong)]),
        ("wrong_caller", vec![("_access_number", &number), ("_access_code", &code), ("_phone_number", "5552")]),
    ];
    for (reason, form) in &told {
        let reply = gms("match-interaction", form, reason).await;
        assert_eq!((reply.status, reply.element("message").as_str()), (404, "no service matches the call"), "{reason}");
        let line = last_refusal(&binary, reason);
        assert_eq!((&line["reason"], &line["tenant"]), (&(*reason).into(), &TENANT.into()), "{line}");
        assert_eq!((&line["source"], &line["operation"]), (&"127.0.0.1".into(), &"match-interaction".into()), "{line}");
        assert_eq!(line["level"], "INFO");
    }

    let denied = caller.ivr(Method::GET, "/interact/version/2/dnis").header("X-Request-Id", "denied");
    assert_eq!(send(denied).await.status, 401);
    let line = last_refusal(&binary, "denied");
    assert_eq!((&line["reason"], &line["tenant"]), (&"missing".into(), &TENANT.into()), "{line}");

    // The vendor tells this under 200.
    let request = caller.envelope(crate::callers::envelope(
        "<d:FreeDnisAllocationRequest><d:phone>999</d:phone></d:FreeDnisAllocationRequest>",
    ));
    assert_eq!(send(request.header("X-Request-Id", "soap")).await.status, 200);
    let line = last_refusal(&binary, "soap");
    assert_eq!((&line["reason"], &line["status"]), (&"unknown_number".into(), &200.into()), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_start_says_what_is_served_and_what_was_recovered() {
    let data = TempDir::new().unwrap();
    let mut binary = Binary::demo(data.path());
    assert_eq!(Caller::of(binary.url()).allocate("before the kill", "test").await.status, 200);
    binary.signal("KILL");
    binary.wait();
    let binary = Binary::demo(data.path());
    let line = |message: &str| {
        let find =
            |log: &str| lines(log).into_iter().find(|line| line["message"].as_str().unwrap().starts_with(message));
        binary.wait_until(|log| find(log).is_some());
        find(&binary.log()).unwrap()
    };
    let starting = line("starting");
    assert_eq!(
        (&starting["version"], &starting["configuration"]),
        (&env!("CARGO_PKG_VERSION").into(), &"the demo's".into())
    );
    assert_eq!(starting["data"], data.path().to_str().unwrap());
    assert!(line("the data directory is open")["recovered"].as_u64().unwrap() >= 1);
    let serving = line("serving");
    assert_eq!((&serving["tenants"], &serving["numbers"], &serving["allocations"]), (&1.into(), &23.into(), &1.into()));
    assert_eq!(format!("http://{}", serving["listen"].as_str().unwrap()), binary.url());
    assert_eq!(format!("http://{}", serving["admin_listen"].as_str().unwrap()), binary.admin_url());
}

/// What no dialect is asked about: a head that is too long by far, one with too many headers, one that does not end, and
/// what is no HTTP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_too_long_or_late_is_told_the_limit_and_leaves_a_line_with_its_source() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let address = binary.url().strip_prefix("http://").unwrap().parse().unwrap();
    let mut late = Wire::to(address).await;
    late.send("GET /nowhere HTTP/1.1\r\n").await;
    let long = format!("GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Long: {}", "x".repeat(60_000));
    let too_long = exchange(address, long).await.unwrap();
    let headers: String = (0..200).map(|number| format!("X-{number}: x\r\n")).collect();
    let many = exchange(address, format!("GET /nowhere HTTP/1.1\r\nHost: x\r\n{headers}\r\n")).await.unwrap();
    assert_eq!(many.status, 431, "{many:?}");
    assert_eq!(exchange(address, "HELO gateway\r\n\r\n").await.unwrap().status, 400);
    let too_late = late.reply().await.unwrap();
    for (reply, status, words) in [
        (&too_long, 431, "the request line and the headers are too long; at most 16384 bytes together are allowed\n"),
        (&too_late, 408, "the request line and the headers must be here 10 s after their first byte\n"),
    ] {
        assert_eq!((reply.status, reply.text().as_str(), reply.header("connection")), (status, words, "close"));
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    }
    let told = |log: &str, status: u16, outcome: &str| {
        let of = |line: &Value| line["outcome"] == outcome && line["status"] == status && line["source"] == "127.0.0.1";
        lines(log).iter().filter(|line| of(line)).count()
    };
    binary.wait_until(|log| told(log, 408, "head_late") == 1);
    let log = binary.log();
    assert_eq!((told(&log, 431, "head_too_large"), told(&log, 400, "no_http")), (2, 1), "{log}");
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_listener_without_tls_on_an_address_that_others_reach_is_warned_of() {
    const WARNING: &str = "the admin listener is plain HTTP on an address that is not loopback";
    for (address, warned) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let data = TempDir::new().unwrap();
        let arguments = ["--data".as_ref(), data.path().as_os_str(), "--admin-listen".as_ref(), address.as_ref()];
        let binary = Binary::serve(&arguments.map(|argument: &OsStr| argument));
        binary.wait_until(|log| log.contains("\"connections\""));
        let log = binary.log();
        let line = lines(&log).into_iter().find(|line| line["message"].as_str().unwrap_or("").starts_with(WARNING));
        assert_eq!(line.is_some(), warned, "{address}: {log}");
        if let Some(line) = line {
            assert_eq!((&line["level"], &line["listen"]), (&"WARN".into(), &address.into()), "{line}");
            assert!(line["message"].as_str().unwrap().contains("configure admin.tls"), "{line}");
        }
        assert_eq!(binary.stop().code(), Some(0));
    }
}
