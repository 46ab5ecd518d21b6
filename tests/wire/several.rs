//! Two gateways over one database, as processes: killed, stopped, without their database, and what they tell of it.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use tempfile::TempDir;

use crate::binary::{Binary, run, texts};
use crate::callers::{Caller, send};
use crate::database::{PASSWORD, Server, schema, server};
use crate::gateway::Gateway;

/// Longer than anything takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The variables that lead the demo's configuration to a database.
fn variables(server: &Server, schema: &str) -> Vec<(&'static str, String)> {
    vec![
        ("DNIS_GATEWAY__STORE__ENGINE", "postgres".to_owned()),
        ("DNIS_GATEWAY__STORE__POSTGRES__URL", server.url()),
        ("DNIS_GATEWAY__STORE__POSTGRES__PASSWORD", PASSWORD.to_owned()),
        ("DNIS_GATEWAY__STORE__POSTGRES__SCHEMA", schema.to_owned()),
        ("DNIS_GATEWAY__LOG__LEVEL", "debug".to_owned()),
    ]
}

/// A gateway with the demo's configuration over a database, with more variables.
fn gateway(server: &Server, schema: &str, more: &[(&'static str, &str)]) -> Binary {
    let mut variables = variables(server, schema);
    variables.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, Path::new(value))).collect();
    Binary::in_directory(Path::new("."), &variables, &[OsStr::new("--demo")])
}

/// Asks again and again until it holds; how long that took.
async fn until<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) -> Duration {
    let began = Instant::now();
    while !ask().await {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// Lends and frees until told to stop, whatever is answered.
fn load(binary: &Binary, group: &'static str, stop: &Arc<AtomicBool>) -> Vec<tokio::task::JoinHandle<()>> {
    let work = |place: usize| {
        let (caller, stop) = (Caller::of(binary.url()), Arc::clone(stop));
        async move {
            while !stop.load(Ordering::Acquire) {
                let body = format!(r#"{{"id":"load {place}","group":"{group}"}}"#);
                let request = caller.user(Method::POST, "/interact/version/2/dnis/allocate/new").body(body);
                let Ok(answer) = request.timeout(Duration::from_secs(2)).send().await else { continue };
                let Ok(phone) = answer.text().await else { continue };
                let free = caller.user(Method::POST, &format!("/interact/version/2/dnis/allocate/free/{phone}"));
                let _ = free.timeout(Duration::from_secs(2)).send().await;
            }
        }
    };
    (0..4).map(|place| tokio::spawn(work(place))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_gateway_lends_the_other_recognises_over_another_protocol() {
    let schema = schema();
    let (one, other) = (gateway(server(), &schema, &[]), gateway(server(), &schema, &[]));
    let (here, there) = (Caller::of(one.url()), Caller::of(other.url()));
    let form = [("_resource_group", "DNIS"), ("_booking_expiration_timeout", "1800"), ("who", "Ann")];
    let lent = here.gms("request-interaction", &form).await;
    assert_eq!(lent.status, 200, "{lent:?}");
    let number = lent.json()["_access_number"].as_str().unwrap().to_owned();
    let shown = there.allocation(&number).await;
    assert_eq!((shown.status, shown.text()), (200, lent.json()["_id"].as_str().unwrap().to_owned()));
    let call = [("_access_number", number.as_str()), ("_return_data", "true")];
    let matched = there.gms("match-interaction", &call).await;
    assert_eq!((matched.status, &matched.json()["user_data"]["who"]), (200, &"Ann".into()), "{matched:?}");
    assert_eq!(here.allocation(&number).await.text(), "", "it is free at both");
    for binary in [&one, &other] {
        let log = binary.log();
        assert!(!log.contains(PASSWORD), "{log}");
        let line = fs::read(format!("/proc/{}/cmdline", binary.id())).unwrap();
        assert!(!String::from_utf8_lossy(&line).contains(PASSWORD));
    }
    assert_eq!((one.stop().code(), other.stop().code()), (Some(0), Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_killed_or_stopped_at_any_moment_keeps_the_others_up_for_a_few_seconds_only() {
    let schema = schema();
    let other = gateway(server(), &schema, &[]);
    let there = Caller::of(other.url());
    let held = there.allocate("held all the time", "samples").await.text();
    let mut longest = Duration::ZERO;
    for signal in ["KILL", "STOP", "STOP", "KILL", "STOP", "KILL"] {
        let one = gateway(server(), &schema, &[]);
        let stop = Arc::new(AtomicBool::new(false));
        let clients = load(&one, "DNIS", &stop);
        tokio::time::sleep(Duration::from_millis(700)).await;
        one.signal(signal);
        let took = until("the other gateway writes", || async {
            let lent = there.allocate("while the other one is gone", "test").await;
            lent.status == 200 && there.free(&lent.text()).await.status == 200
        })
        .await;
        longest = longest.max(took);
        stop.store(true, Ordering::Release);
        if signal == "STOP" {
            one.signal("CONT");
            let here = Caller::of(one.url());
            let began = Instant::now();
            while here.allocation(&held).await.status != 200 {
                assert!(began.elapsed() < PATIENCE, "the stopped one goes on: {}", one.log());
            }
            assert_eq!(here.allocation(&held).await.text(), "held all the time");
        }
        for client in clients {
            client.await.unwrap();
        }
    }
    assert!(longest < Duration::from_secs(10), "{longest:?}");
    assert_eq!(there.allocation(&held).await.text(), "held all the time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_every_protocol_says_so_and_stale_answers_say_that_they_are() {
    let (server, schema) = (Server::start(&[]), schema());
    let strict = gateway(&server, &schema, &[]);
    let lax = gateway(&server, &schema, &[("DNIS_GATEWAY__STORE__POSTGRES__STALE_READS", "600")]);
    let (here, there) = (Caller::of(strict.url()), Caller::of(lax.url()));
    let phone = here.allocate("Ann", "DNIS").await.text();
    assert_eq!(there.allocation(&phone).await.header("warning"), "");
    server.crash();
    let ready = Caller::of(strict.admin_url());
    until("it is not ready", || async { ready.get("/health/ready").await.status == 503 }).await;
    let told = ready.get("/health/ready").await.text();
    assert!(told.contains("database") || told.contains("store.postgres"), "{told}");
    // Interact has 500 for it.
    assert_eq!(here.allocation(&phone).await.status, 500);
    assert_eq!(here.free(&phone).await.status, 500);
    let refused = here.gms("request-interaction", &[("_resource_group", "DNIS")]).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    let stale = there.allocation(&phone).await;
    assert_eq!((stale.status, stale.text().as_str()), (200, "Ann"));
    assert_eq!(stale.header("warning"), "110 - \"Response is Stale\"");
    assert_eq!(there.free(&phone).await.status, 500, "a write is never answered from memory");
    server.begin();
    until("it is ready", || async { ready.get("/health/ready").await.status == 200 }).await;
    until("it answers", || async { here.allocation(&phone).await.status == 200 }).await;
    until("it writes", || async { here.free(&phone).await.status == 200 }).await;
    until("the other one answers what is so", || async { there.allocation(&phone).await.text().is_empty() }).await;
    assert_eq!(there.allocation(&phone).await.header("warning"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateways_of_a_database_are_told_with_how_far_they_are_and_whether_their_rules_differ() {
    let schema = schema();
    let (one, other) = (gateway(server(), &schema, &[]), gateway(server(), &schema, &[]));
    let here = Caller::of(one.url());
    for _ in 0..3 {
        assert_eq!(Caller::of(other.url()).free(&here.allocate("Ann", "DNIS").await.text()).await.status, 200);
    }
    let cluster = || async {
        let reply = send(here.user(Method::GET, "/gateway/v1/cluster")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    };
    until("all are up to date", || async {
        let cluster = cluster().await;
        cluster["members"].as_array().unwrap().iter().all(|member| member["lag"] == 0)
    })
    .await;
    let told = cluster().await;
    assert!(told["commits"].as_u64().unwrap() >= 6, "{told}");
    let members = told["members"].as_array().unwrap();
    let addresses: Vec<_> =
        members.iter().map(|member| format!("http://{}", member["address"].as_str().unwrap())).collect();
    assert_eq!(addresses, [one.url(), other.url()], "oldest first");
    assert_eq!((&members[0]["answers"], &members[1]["answers"]), (&true.into(), &false.into()), "{told}");
    assert_eq!(members[0]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(members[0]["rules"], members[1]["rules"], "{told}");
    let metrics = Caller::of(other.admin_url()).get("/metrics").await.text();
    let value = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(value("dnis_gateway_store_foreign_commits_total") >= 3.0, "{metrics}");
    assert!(value("dnis_gateway_store_lock_wait_seconds_count") >= 3.0, "{metrics}");
    assert!((value("dnis_gateway_cluster_rule_sets") - 1.0).abs() < f64::EPSILON, "{metrics}");
    let odd = gateway(server(), &schema, &[("DNIS_GATEWAY__LIMITS__MATCHES", "7")]);
    one.wait_until(|log| log.contains("have different rules"));
    let told = cluster().await;
    assert_ne!(told["members"][2]["rules"], told["members"][0]["rules"], "{told}");
    odd.stop();
    assert_eq!(cluster().await["members"].as_array().unwrap().len(), 2, "who stops is gone at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_among_others_is_not_told_which_gateways_there_are() {
    let ask = async |gateway: &Gateway| send(gateway.caller().user(Method::GET, "/gateway/v1/cluster")).await;
    let alone = Gateway::demo().start().await;
    let told = ask(&alone).await;
    assert_eq!((told.status, told.text().as_str()), (200, r#"{"commits":null,"in_tables":null,"members":[]}"#));
    let with_another = Gateway::demo().with(|settings| {
        let (_, tenant) = settings.tenants.first_key_value().unwrap();
        let other = dnis_gateway::domain::TenantId::new("other").unwrap();
        let tenant = dnis_gateway::config::Tenant { id: other.clone(), ..tenant.clone() };
        settings.tenants.insert(other, tenant);
    });
    let refused = ask(&with_another.start().await).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.text().contains("for-operator"), "{refused:?}");
}

#[test]
fn a_start_that_the_database_refuses_is_a_wrong_configuration() {
    let mut variables = variables(server(), &schema());
    let serve = |variables: &[(&str, String)]| {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let output = run(&["serve", "--demo", "--listen", "127.0.0.1:0"], b"", &variables);
        (output.status.code(), texts(&output).1)
    };
    variables[2].1 = "hunter2-is-wrong".to_owned();
    let (code, told) = serve(&variables);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("store.postgres.password") && !told.contains("hunter2"), "{told}");
    variables[1].1 = "postgresql://gateway:hunter2@127.0.0.1/postgres".to_owned();
    let (code, told) = serve(&variables);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("store.postgres.password") && !told.contains("hunter2"), "{told}");
    variables.remove(1);
    let (code, told) = serve(&variables);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("store.postgres.url: is missing"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_data_directory_fills_a_database_and_comes_back_the_same() {
    let home = TempDir::new().unwrap();
    let file = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let facts = |name: &str| {
        let text = fs::read_to_string(file(name)).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[1..lines.len() - 1].to_vec()
    };
    let ended = |arguments: &[&str]| {
        let output = run(arguments, b"", &[]);
        (output.status.code(), texts(&output))
    };
    let sled = Binary::demo(&home.path().join("data"));
    let caller = Caller::of(sled.url());
    let form = [("_resource_group", "DNIS"), ("_booking_expiration_timeout", "1800"), ("note", "private: \u{e000}0")];
    let lent = caller.gms("request-interaction", &form).await;
    assert_eq!(lent.status, 200, "{lent:?}");
    let large = "0123456789abcdef".repeat(2_000);
    let stored = caller.request(Method::POST, "/genesys/1/storage/600").form(&[("large", large.as_str())]);
    assert_eq!(send(stored).await.status, 200);
    assert_eq!(ended(&["backup", "--url", sled.admin_url(), "--to", &file("first")]).0, Some(0));
    sled.stop();

    let schema = schema();
    let toml = format!(
        "[store]\nengine = 'postgres'\n[store.postgres]\nurl = '{}'\npassword = '{PASSWORD}'\nschema = '{schema}'\n",
        server().url()
    );
    fs::write(file("gateway.toml"), toml).unwrap();
    let (code, (out, error)) = ended(&["check", "--config", &file("gateway.toml")]);
    assert!(!out.contains(PASSWORD) && !error.contains(PASSWORD), "{code:?} {out} {error}");
    let restore = ["restore", "--from", &file("first"), "--config", &file("gateway.toml")];
    let (code, (out, error)) = ended(&restore);
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains(&schema), "{out}");
    let (code, (_, error)) = ended(&restore);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("is not empty"), "{error}");

    let over = gateway(server(), &schema, &[]);
    assert_eq!(ended(&["backup", "--url", over.admin_url(), "--to", &file("second")]).0, Some(0));
    assert_eq!(facts("second"), facts("first"));
    let number = lent.json()["_access_number"].as_str().unwrap().to_owned();
    let call = [("_access_number", number.as_str()), ("_return_data", "true")];
    let matched = Caller::of(over.url()).gms("match-interaction", &call).await;
    assert_eq!(matched.json()["user_data"]["note"], "private: \u{e000}0");
    over.stop();
    let back = ["restore", "--from", &file("second"), "--data", &file("back")];
    assert_eq!(ended(&back).0, Some(0));
    let sled = Binary::demo(&home.path().join("back"));
    assert_eq!(ended(&["backup", "--url", sled.admin_url(), "--to", &file("third")]).0, Some(0));
    assert_eq!(facts("third"), facts("first"));
}
