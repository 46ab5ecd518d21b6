//! Backups from a running gateway, as an operator takes them and as others try to.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::binary::{Binary, run, texts};
use crate::callers::{Caller, send};
use crate::gateway::Gateway;

/// Runs a command; its exit code with what it wrote to standard output and to standard error.
fn ended(arguments: &[&OsStr], token: Option<&str>) -> (i32, String, String) {
    let token = token.map(|token| ("DNIS_GATEWAY_ADMIN_TOKEN", token));
    let output = run(arguments, b"", &token.into_iter().collect::<Vec<_>>());
    let (out, error) = texts(&output);
    (output.status.code().unwrap(), out, error)
}

fn backup(binary: &Binary, to: &Path, token: Option<&str>) -> (i32, String, String) {
    let [command, url, target] = ["backup", "--url", "--to"].map(OsStr::new);
    ended(&[command, url, OsStr::new(binary.admin_url()), target, to.as_os_str()], token)
}

fn restore(from: &Path, data: &Path) -> (i32, String, String) {
    let [command, source, directory] = ["restore", "--from", "--data"].map(OsStr::new);
    ended(&[command, source, from.as_os_str(), directory, data.as_os_str()], None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_booking_is_recognised_by_a_gateway_that_was_restored_from_a_backup() {
    let home = TempDir::new().unwrap();
    let binary = Binary::demo(&home.path().join("data"));
    let lend = "/genesys/1/service/request-interaction?_resource_group=DNIS&_booking_expiration_timeout=1800&who=Ann";
    let lent = Caller::of(binary.url()).get(lend).await.text();
    let id = lent.split_once("<_id>").unwrap().1.split_once("</_id>").unwrap().0.to_owned();
    let file = home.path().join("gateway.ndjson");
    let (code, out, error) = backup(&binary, &file, None);
    assert_eq!((code, error.as_str()), (0, ""), "{out}");
    assert!(out.contains("23 number, 2 interaction, 1 allocation"), "{out}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "it holds what callers have told");
    assert_eq!(binary.stop().code(), Some(0));

    let restored = home.path().join("restored");
    let (code, _, error) = restore(&file, &restored);
    assert_eq!(code, 0, "{error}");
    let binary = Binary::demo(&restored);
    let found = Caller::of(binary.url()).get("/genesys/1/service/match-interaction?_access_number=6504664130").await;
    assert!(found.text().contains(&id), "{}", found.text());
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_token_is_configured_only_who_has_it_gets_a_backup() {
    let home = TempDir::new().unwrap();
    let configuration = home.path().join("gateway.toml");
    fs::write(&configuration, "[admin]\ntoken = 'open-sesame'\n").unwrap();
    let data = home.path().join("data");
    let binary =
        Binary::serve(&[OsStr::new("--config"), configuration.as_os_str(), OsStr::new("--data"), data.as_os_str()]);
    let file = home.path().join("gateway.ndjson");
    for token in [None, Some("wrong")] {
        let (code, out, error) = backup(&binary, &file, token);
        assert_eq!((code, out.as_str()), (1, ""), "{error}");
        assert!(error.contains("401") && error.contains("admin.token"), "{error}");
        assert!(!file.exists());
    }
    let (code, _, error) = backup(&binary, &file, Some("open-sesame"));
    assert_eq!(code, 0, "{error}");
    let log = binary.log();
    assert!(!log.contains("sesame"), "{log}");
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_backup_has_left_is_neither_written_through_nor_kept() {
    let home = TempDir::new().unwrap();
    let binary = Binary::demo(&home.path().join("data"));
    let (file, part) = (home.path().join("gateway.ndjson"), home.path().join("gateway.ndjson.part"));
    let elsewhere = home.path().join("elsewhere");
    fs::write(&elsewhere, "of somebody else").unwrap();
    std::os::unix::fs::symlink(&elsewhere, &part).unwrap();
    let (code, _, error) = backup(&binary, &file, None);
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "of somebody else");
    assert_eq!(fs::symlink_metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!part.exists());
    let (code, _, error) = backup(&binary, home.path(), None);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("is a directory"), "{error}");
    assert_eq!(binary.stop().code(), Some(0));
}

#[test]
fn a_backup_of_nothing_that_answers_fails_and_keeps_the_last_one() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("gateway.ndjson");
    fs::write(&file, "the last one").unwrap();
    let [command, url, target] = ["backup", "--url", "--to"].map(OsStr::new);
    let (code, _, error) = ended(&[command, url, OsStr::new("http://127.0.0.1:1"), target, file.as_os_str()], None);
    assert_eq!(code, 1, "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "the last one");
    let (code, _, error) = restore(&file, &home.path().join("data"));
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("this is no dump of dnis-gateway"), "{error}");
    let (code, _, error) = restore(&home.path().join("missing"), &home.path().join("data"));
    assert_eq!(code, 2, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_backups_at_a_time_the_second_is_told_to_wait_and_the_next_one_is_given() {
    let gateway = Gateway::demo().start().await;
    // More than the system takes for a reader who does not read.
    let file = vec![b'x'; 7 << 20];
    for _ in 0..4 {
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
        let body = [head.as_bytes(), &file, b"\r\n--b--\r\n"].concat();
        let request = gateway.caller().request(Method::POST, "/genesys/1/storage/600");
        let stored = send(request.header("Content-Type", "multipart/form-data; boundary=b").body(body)).await;
        assert_eq!(stored.status, 200, "{stored:?}");
    }
    let mut reader = TcpStream::connect(gateway.admin_address()).await.unwrap();
    reader.write_all(b"GET /backup HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.unwrap();
    let mut begin = [0; 12];
    reader.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    let second = gateway.admin("/backup").await;
    assert_eq!(
        (second.status, second.text().as_str()),
        (409, "another backup is being read; there is one at a time\n")
    );
    drop(reader);
    let start = Instant::now();
    loop {
        let next = gateway.admin("/backup").await;
        if next.status == 200 {
            assert!(next.body.len() > 4 * file.len(), "{}", next.body.len());
            break;
        }
        assert_eq!(next.status, 409);
        assert!(start.elapsed() < Duration::from_secs(60), "the turn was not given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gateway.stop().await;
}
