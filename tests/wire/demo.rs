//! The demo as a newcomer meets it: new at every start, and telling how to go on.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::{Caller, DNIS_KEY, TENANT};

/// Lends a number and says which one it was.
async fn lent(binary: &Binary) -> String {
    let reply =
        Caller::of(binary.url()).get("/genesys/1/service/request-interaction?_resource_group=DNIS").await.text();
    reply.split_once("<_access_number>").unwrap().1.split_once('<').unwrap().0.to_owned()
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_start_of_the_demo_has_new_data_and_leaves_none_behind() {
    let temporary = TempDir::new().unwrap();
    let working = TempDir::new().unwrap();
    for _ in 0..2 {
        let binary = Binary::in_directory(working.path(), &[("TMPDIR", temporary.path())], &[OsStr::new("--demo")]);
        assert_eq!(lent(&binary).await, "6504664130", "round-robin begins where it always does");
        let [name] = &entries(temporary.path())[..] else { panic!("{:?}", entries(temporary.path())) };
        assert!(name.starts_with("dnis-gateway-demo-"), "{name}");
        assert!(
            binary.more_until("samples/README.md").contains("its data is new at every start and removed at the end")
        );
        // A reload without any change leaves the data where it is.
        binary.signal("HUP");
        binary.wait_until(|log| log.contains("the new configuration is in force"));
        assert!(!binary.log().contains("only a restart changes"), "{}", binary.log());
        assert_eq!(binary.stop().code(), Some(0));
        assert_eq!(entries(temporary.path()), Vec::<String>::new(), "the data is gone");
        assert_eq!(entries(working.path()), Vec::<String>::new(), "and nothing lies in the working directory");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_that_is_killed_does_not_reach_the_next_one() {
    let temporary = TempDir::new().unwrap();
    let environment = [("TMPDIR", temporary.path())];
    let mut binary = Binary::in_directory(temporary.path(), &environment, &[OsStr::new("--demo")]);
    assert_eq!(lent(&binary).await, "6504664130");
    binary.signal("KILL");
    assert!(!binary.wait().success());
    let left = temporary.path().join(&entries(temporary.path())[0]);
    let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::open(&left).unwrap().set_modified(an_hour_ago).unwrap();

    let next = Binary::in_directory(temporary.path(), &environment, &[OsStr::new("--demo")]);
    assert_eq!(lent(&next).await, "6504664130");
    assert!(!left.exists(), "what the killed one left is removed");
    assert_eq!(next.stop().code(), Some(0));
    assert_eq!(entries(temporary.path()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_keeps_its_data_where_it_is_told_to_and_says_so() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("kept");
    for expected in ["6504664130", "6504664131"] {
        let binary = Binary::demo(&data);
        assert_eq!(lent(&binary).await, expected);
        let told = binary.more_until("samples/README.md");
        assert!(told.contains(&format!("its data is kept in {}", data.display())), "{told}");
        assert_eq!(binary.stop().code(), Some(0));
    }
}

#[test]
fn the_demo_tells_who_may_call_and_what_it_says_to_try_works() {
    let temporary = TempDir::new().unwrap();
    let binary = Binary::in_directory(temporary.path(), &[("TMPDIR", temporary.path())], &[OsStr::new("--demo")]);
    let told = binary.more_until("samples/README.md");
    for expected in [
        TENANT,
        "/console, for that user and password",
        "admin, password",
        DNIS_KEY,
        "53736e07e4b05772e6475c2d",
        "demo-key-0001, demo-secret-0001",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let command = told.lines().map(str::trim).find(|line| line.starts_with("curl ")).unwrap();
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(answer.contains("<_access_number>6504664130<") && answer.contains("<_access_code>"), "{answer}");
    assert_eq!(binary.stop().code(), Some(0));
}
