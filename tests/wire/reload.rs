//! SIGHUP, or a change of the file: another configuration for a gateway that goes on running, whole or not at all.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::{Caller, Reply, send};
use crate::raw::Wire;

const KEY: &str = "k1-0123456789";
const VALID: &str = "the new configuration is in force";
const REFUSED: &str = "the running configuration stays in force";

/// A gateway with a configuration file of its own.
struct Configured {
    binary: Binary,
    caller: Caller,
    file: PathBuf,
    _directory: TempDir,
}

fn tenant(more: &str) -> String {
    format!(
        "[[tenant]]\nid = \"t\"\napplications = [{{ name = \"a\", kind = \"dnis\", key = \"{KEY}\" }}]\n\
         numbers = [{{ number = \"1001\", dnid = \"1\", group = \"g\" }}]\n{more}"
    )
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).unwrap();
}

impl Configured {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("gateway.toml");
        write(&file, &tenant(""));
        let data = directory.path().join("data");
        let arguments = ["--config".as_ref(), file.as_os_str(), "--data".as_ref(), data.as_os_str()];
        let binary = Binary::serve(&arguments.map(|argument: &OsStr| argument));
        let caller = Caller::of(binary.url());
        Self { binary, caller, file, _directory: directory }
    }

    fn reload(&self, text: &str, outcome: &str) {
        let before = self.binary.log().matches(outcome).count();
        write(&self.file, text);
        self.binary.signal("HUP");
        self.binary.wait_until(|log| log.matches(outcome).count() > before);
    }

    async fn allocation(&self, key: &str) -> Reply {
        let request = self.caller.request(Method::GET, "/interact/version/2/dnis/allocate/get/1001");
        send(request.header("Tenant-Id", "t").header("Application-Key", key)).await
    }

    async fn gms(&self) -> Reply {
        self.caller.gms("request-interaction", &[("_resource_group", "g")]).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_option_and_a_new_key_hold_from_the_reload_on() {
    let gateway = Configured::start();
    assert_eq!(gateway.gms().await.status, 401);
    let new_key = "k2-0123456789";
    assert_eq!(gateway.allocation(new_key).await.status, 401);

    gateway.reload(&format!("[gms]\nanonymous_tenant = \"t\"\n{}", tenant("").replace(KEY, new_key)), VALID);
    let lent = gateway.gms().await;
    assert_eq!((lent.status, &lent.json()["_access_number"]), (200, &"1001".into()), "{lent:?}");
    assert_eq!(gateway.allocation(new_key).await.text(), lent.json()["_id"].as_str().unwrap(), "the state is the same");
    assert_eq!(gateway.allocation(KEY).await.status, 401, "the old key is out of force");
    assert_eq!(gateway.binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_under_way_is_answered_by_the_settings_that_it_began_under() {
    let gateway = Configured::start();
    let begin = async |path: &str, headers: &str| {
        let mut wire = Wire::to(gateway.binary.url().strip_prefix("http://").unwrap().parse().unwrap()).await;
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Expect: 100-continue\r\n\r\n");
        wire.send(head).await;
        assert_eq!(wire.reply().await.unwrap().status, 100, "{path}");
        wire
    };
    let anonymous = |format: &str| format!("[gms]\nanonymous_tenant = \"t\"\ndefault_format = \"{format}\"\n");
    gateway.reload(&format!("{}{}", anonymous("xml"), tenant("")), VALID);

    // Who calls, and whether they may, is asked after the body of an envelope.
    let envelope = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
                    <GetDnisAllocationRequest xmlns=\"http://com/jacada/interact/agent/soap\"><phone>1001</phone>\
                    </GetDnisAllocationRequest></e:Body></e:Envelope>";
    let soap = "/interact/version/2/agent/soap";
    let credentials = format!("Content-Type: text/xml\r\nTenant-Id: t\r\nApplication-Key: {KEY}\r\n");
    let mut wire = begin(soap, &format!("{credentials}Content-Length: {}\r\n", envelope.len())).await;
    // The form of a refusal is chosen when the rest of the body has turned out too long.
    let mut too_long = begin("/genesys/1/service/request-interaction", "Transfer-Encoding: chunked\r\n").await;

    let other = tenant("").replace(KEY, "k2-0123456789");
    gateway.reload(&format!("{}{other}", anonymous("json")), VALID);
    wire.send(envelope).await;
    let answer = wire.reply().await.unwrap();
    assert_eq!(answer.status, 200, "the key was the right one: {}", answer.text());
    too_long.send(format!("20000\r\n{}\r\n0\r\n\r\n", "a=".repeat(0x10000))).await;
    let refused = too_long.reply().await.unwrap();
    assert_eq!(refused.status, 413, "{}", refused.text());
    assert!(refused.text().contains("<Fault"), "XML was configured: {}", refused.text());

    let request = gateway.caller.request(Method::POST, soap).header("Content-Type", "text/xml").body(envelope);
    let next = send(request.header("Tenant-Id", "t").header("Application-Key", KEY)).await;
    assert_eq!(next.status, 500, "the next request is under the new ones: {}", next.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_limits_of_tenants_hold_from_the_reload_on() {
    let gateway = Configured::start();
    let configured = |limits: &str| format!("{limits}[gms]\nanonymous_tenant = \"t\"\n{}", tenant(""));
    let store = async |seconds: u64| {
        let request = gateway.caller.request(Method::POST, &format!("/genesys/1/storage/{seconds}"));
        send(request.header("Accept", "application/json").form(&[("a", "1")])).await
    };
    gateway.reload(&configured(""), VALID);
    for _ in 0..2 {
        assert_eq!(store(600).await.status, 200);
    }
    gateway.reload(&configured("[limits]\ndocuments = 2\n"), VALID);
    let third = store(600).await;
    assert_eq!(third.status, 507, "{third:?}");
    assert!(third.text().contains("there are 2 documents already"), "{third:?}");
    // The limit of the one tenant goes before that of all.
    gateway.reload(&format!("{}[tenant.limits]\ndocuments = 3\n", configured("[limits]\ndocuments = 2\n")), VALID);
    assert_eq!((store(600).await.status, store(600).await.status), (200, 507));
    gateway.reload(&configured(""), VALID);
    assert_eq!(store(600).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_file_is_refused_as_a_whole_with_the_reason_in_the_log() {
    let gateway = Configured::start();
    gateway.reload(&format!("[gms]\nanonymous_tenant = \"t\"\nanonymus = 1\n{}", tenant("")), REFUSED);
    let log = gateway.binary.log();
    assert!(log.contains("gms.anonymus") && log.contains("gateway.toml:3"), "{log}");
    assert_eq!(gateway.gms().await.status, 401, "what was right in it is not in force either");
    assert_eq!(gateway.allocation(KEY).await.status, 200);

    gateway.reload("this is no TOML", REFUSED);
    assert_eq!(gateway.allocation(KEY).await.status, 200);

    std::fs::remove_file(&gateway.file).unwrap();
    let before = gateway.binary.log().matches(REFUSED).count();
    gateway.binary.signal("HUP");
    gateway.binary.wait_until(|log| log.matches(REFUSED).count() > before);
    assert_eq!(gateway.allocation(KEY).await.status, 200);

    gateway.reload(&format!("[gms]\nanonymous_tenant = \"t\"\n{}", tenant("")), VALID);
    assert_eq!(gateway.gms().await.status, 200, "a valid file after all that");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_a_restart_changes_is_named_in_the_log() {
    let gateway = Configured::start();
    gateway.reload(
        &format!("[gms]\nanonymous_tenant = \"t\"\n[log]\nlevel = \"debug\"\n{}", tenant("")),
        "but for what only a restart changes",
    );
    assert!(gateway.binary.log().contains("\"waiting\":\"log.level\""), "{}", gateway.binary.log());
    assert_eq!(gateway.gms().await.status, 200, "the rest is in force");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_under_the_load_of_64_connections_lose_no_request() {
    let gateway = Configured::start();
    let running = Arc::new(AtomicBool::new(true));
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let (caller, running) = (Caller::of(gateway.binary.url()), Arc::clone(&running));
            tokio::spawn(async move {
                let mut answered = 0;
                while running.load(Ordering::Relaxed) {
                    let request = caller.request(Method::GET, "/interact/version/2/dnis/allocate/get/1001");
                    let reply = send(request.header("Tenant-Id", "t").header("Application-Key", KEY)).await;
                    assert_eq!(reply.status, 200, "{}", reply.text());
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    for round in 0..10 {
        gateway.reload(&format!("[gms]\ninteraction_ttl = {}\n{}", 60 + round, tenant("")), VALID);
        gateway.reload("[gms]\ninteraction_tll = 60\n", REFUSED);
    }
    running.store(false, Ordering::Relaxed);
    for caller in callers {
        let answered: usize = caller.await.expect("no request was lost or refused");
        assert!(answered > 0, "a connection that was never served");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_file_is_noticed_without_a_signal_and_an_invalid_one_refused_once() {
    let gateway = Configured::start();
    write(&gateway.file, &format!("[gms]\nanonymous_tenant = \"t\"\n{}", tenant("")));
    gateway.binary.wait_until(|log| log.contains(VALID));
    assert_eq!(gateway.gms().await.status, 200);

    write(&gateway.file, "[gms]\nanonymous_tenant = \"nobody\"");
    gateway.binary.wait_until(|log| log.contains(REFUSED));
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert_eq!(gateway.binary.log().matches(REFUSED).count(), 1, "nobody wants to read of it every second");
    assert_eq!(gateway.allocation(KEY).await.status, 200, "the running configuration is still in force");
}
