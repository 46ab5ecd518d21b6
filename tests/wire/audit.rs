//! Who changed what when, asked of the real binary: through a restart, a kill and a reload, and by those who may.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::{Caller, Reply, send};

/// The hash of `password`, cheap.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";
const RELOADED: &str = "the new configuration is in force";

/// A gateway with an admin `ann`, an operator `bob` and a viewer `eve`, whose password is `password`.
struct Gateway {
    directory: TempDir,
    file: PathBuf,
}

fn configuration(more: &str) -> String {
    format!(
        "[[tenant]]\nid = \"t\"\nusers = [{{ name = \"ann\", role = \"admin\", password_hash = \"{HASH}\" }}, \
         {{ name = \"bob\", password_hash = \"{HASH}\" }}, \
         {{ name = \"eve\", role = \"viewer\", password_hash = \"{HASH}\" }}]\n\
         applications = [{{ name = \"numbers\", kind = \"dnis\", key = \"k1-0123456789\" }}]\n{more}"
    )
}

impl Gateway {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("gateway.toml");
        std::fs::write(&file, configuration("")).unwrap();
        Self { directory, file }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn start(&self) -> Binary {
        let data = self.data();
        let arguments: [&OsStr; 4] = ["--config".as_ref(), self.file.as_ref(), "--data".as_ref(), data.as_ref()];
        Binary::serve(&arguments)
    }
}

async fn ask(binary: &Binary, user: &str, method: Method, path: &str, body: Value) -> Reply {
    let request = Caller::of(binary.url()).request(method, &format!("/gateway/v1{path}"));
    let request = request.basic_auth(user, Some("password"));
    send(if body.is_null() { request } else { request.json(&body) }).await
}

async fn change(binary: &Binary, method: Method, path: &str, body: Value) -> Value {
    let reply = ask(binary, "bob", method, path, body).await;
    assert!(reply.status < 300, "{path}: {reply:?}");
    if reply.body.is_empty() { Value::Null } else { reply.json() }
}

async fn audit(binary: &Binary, query: &str) -> Vec<Value> {
    let reply = ask(binary, "ann", Method::GET, &format!("/audit{query}"), Value::Null).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["items"].as_array().unwrap().clone()
}

/// Who did what to what. Where the configuration was changed nobody is named.
fn told(entries: &[Value]) -> Vec<(&str, &str, &str)> {
    fn text<'e>(entry: &'e Value, name: &str) -> &'e str {
        entry[name].as_str().unwrap_or("-")
    }
    entries.iter().map(|entry| (text(entry, "user"), text(entry, "action"), text(entry, "thing"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_change_is_told_after_a_restart_and_a_kill_with_before_and_after() {
    let gateway = Gateway::new();
    let binary = gateway.start();
    for number in ["11", "12"] {
        change(&binary, Method::POST, "/numbers", json!({ "number": number, "group": "g" })).await;
    }
    change(&binary, Method::PATCH, "/numbers/11", json!({ "enabled": false })).await;
    let lent = change(&binary, Method::POST, "/allocations", json!({ "group": "g", "interaction": "visit" })).await;
    let allocation = lent["id"].as_str().unwrap().to_owned();
    change(&binary, Method::DELETE, &format!("/allocations/{allocation}"), Value::Null).await;
    let expected = [
        ("bob", "allocation-freed", allocation.as_str()),
        ("bob", "number-changed", "11"),
        ("bob", "number-created", "12"),
        ("bob", "number-created", "11"),
    ];
    let before = audit(&binary, "").await;
    assert_eq!(told(&before), expected);
    assert_eq!((&before[1]["source"], &before[1]["application"]), (&json!("127.0.0.1"), &Value::Null));
    assert_eq!(before[1]["before"], json!({ "dnid": "11", "group": "g", "enabled": true }));
    assert_eq!(before[1]["after"], json!({ "dnid": "11", "group": "g", "enabled": false }));
    assert_eq!((&before[3]["before"], &before[0]["after"]), (&Value::Null, &Value::Null));
    assert_eq!((&before[0]["before"]["interaction"], &before[0]["tenant"]), (&json!("visit"), &json!("t")));
    assert_eq!(binary.stop().code(), Some(0));

    let binary = gateway.start();
    assert_eq!(audit(&binary, "").await, before);
    // What an application does with its key is no person's doing; what a user manages over Interact is.
    let set =
        |request: reqwest::RequestBuilder| request.header("Tenant-Id", "t").header("Application-Key", "k1-0123456789");
    let caller = Caller::of(binary.url());
    let allocate = caller.request(Method::POST, "/interact/version/2/dnis/allocate/new");
    assert_eq!(send(set(allocate).json(&json!({ "id": "a", "group": "g" }))).await.status, 200);
    let update = set(caller.request(Method::PUT, "/interact/version/2/dnis/11"));
    // bob, password
    let update = update.header("User-Id", "Ym9i").header("User-Password", "cGFzc3dvcmQ=");
    assert_eq!(send(update.json(&json!({ "enabled": true }))).await.status, 200);
    drop(binary);

    let binary = gateway.start();
    let after_kill = audit(&binary, "").await;
    assert_eq!(told(&after_kill)[0], ("bob", "number-changed", "11"));
    assert_eq!(after_kill[0]["application"], "numbers");
    assert_eq!(after_kill[1..], before[..]);
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_is_for_admins_and_is_read_in_pages_and_by_what_is_looked_for() {
    let gateway = Gateway::new();
    let binary = gateway.start();
    for number in 1..=5 {
        change(&binary, Method::POST, "/numbers", json!({ "number": number.to_string() })).await;
    }
    for user in ["bob", "eve"] {
        let refused = ask(&binary, user, Method::GET, "/audit", Value::Null).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert_eq!(refused.json()["detail"], "It takes a user whose role is admin or more");
        assert_eq!(ask(&binary, user, Method::GET, "/audit/export", Value::Null).await.status, 403);
    }
    let page = ask(&binary, "ann", Method::GET, "/audit?limit=2", Value::Null).await.json();
    change(&binary, Method::DELETE, "/numbers/5", Value::Null).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = audit(&binary, &format!("?cursor={cursor}")).await;
    assert_eq!(told(&rest).iter().map(|(_, _, thing)| *thing).collect::<Vec<_>>(), ["3", "2", "1"]);
    assert_eq!(told(&audit(&binary, "?thing=5").await).len(), 2);
    assert_eq!(told(&audit(&binary, "?action=number-deleted").await), [("bob", "number-deleted", "5")]);
    assert_eq!(told(&audit(&binary, "?user=ann").await), []);
    let from = page["items"][1]["at"].as_str().unwrap();
    assert!(audit(&binary, &format!("?from={from}")).await.len() >= 3);
    assert_eq!(audit(&binary, "?to=2020-01-01T00:00:00Z").await, Vec::<Value>::new());
    let wrong = ask(&binary, "ann", Method::GET, "/audit?action=shouted", Value::Null).await;
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["pointer"]), (400, &json!("/action")));

    let csv = ask(&binary, "ann", Method::GET, "/audit/export?format=csv&thing=5", Value::Null).await.text();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "at,tenant,environment,user,application,source,action,thing,before,after");
    assert!(lines[1].contains(",t,,bob,,127.0.0.1,number-deleted,5,\"{"), "{csv}");
    assert_eq!(lines.len(), 3, "{csv}");
    let lines = ask(&binary, "ann", Method::GET, "/audit/export?format=ndjson", Value::Null).await.text();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, audit(&binary, "").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_one_entry_and_comes_with_a_backup() {
    let gateway = Gateway::new();
    let binary = gateway.start();
    change(&binary, Method::POST, "/numbers", json!({ "number": "1" })).await;
    let import = Caller::of(binary.url()).request(Method::POST, "/gateway/v1/numbers/import?existing=skip");
    let import = import.basic_auth("bob", Some("password")).header("Content-Type", "text/csv");
    let imported = send(import.body("1\n2\n3\n")).await;
    assert_eq!(imported.status, 200, "{imported:?}");
    let told_before = audit(&binary, "").await;
    assert_eq!(told(&told_before)[0], ("bob", "numbers-imported", "numbers"));
    assert_eq!(told_before[0]["after"], json!({ "created": 2, "skipped": 1 }));
    assert_eq!(told_before.len(), 2);

    let file = gateway.directory.path().join("backup");
    let backup = ["backup", "--url", binary.admin_url(), "--to", path(&file)];
    let output = crate::binary::run(&backup, b"", &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(binary.stop().code(), Some(0));
    let data = gateway.data();
    std::fs::remove_dir_all(&data).unwrap();
    let restore = ["restore", "--from", path(&file), "--data", path(&data)];
    let output = crate::binary::run(&restore, b"", &[]);
    assert!(output.status.success(), "{output:?}");
    let binary = gateway.start();
    assert_eq!(audit(&binary, "").await, told_before);
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_configuration_is_told_as_the_configurations_doing() {
    let gateway = Gateway::new();
    let binary = gateway.start();
    assert_eq!(audit(&binary, "").await, Vec::<Value>::new(), "a start changes nothing");
    let other = configuration("groups = [{ name = \"g\", cool_down = 60 }]\n");
    let other = other.replace("\"eve\", role = \"viewer\"", "\"eve\", role = \"operator\"");
    std::fs::write(&gateway.file, other).unwrap();
    binary.signal("HUP");
    binary.wait_until(|log| log.contains(RELOADED));
    let entries = audit(&binary, "").await;
    let configured = |thing| ("-", "configuration-changed", thing);
    assert_eq!(told(&entries), [configured("group g"), configured("user eve")]);
    assert_eq!(
        (&entries[1]["before"], &entries[1]["after"]),
        (&json!({ "role": "viewer" }), &json!({ "role": "operator" }))
    );
    assert_eq!(entries[0]["after"]["cool_down"], 60);
    drop(binary);
    let binary = gateway.start();
    assert_eq!(audit(&binary, "").await, entries);
}
