//! A process that has no descriptor left for a while: it refuses or waits, and goes on by itself.

use std::process::Command;

use tempfile::TempDir;

use crate::binary::Binary;
use crate::callers::Caller;

/// Sets the soft limit of descriptors of a process, as its operator could.
fn limit(binary: &Binary, descriptors: u32) {
    let arguments = ["--pid".to_owned(), binary.id().to_string(), format!("--nofile={descriptors}:")];
    assert!(Command::new("prlimit").args(arguments).status().unwrap().success());
}

/// Stores some 60 KB, in values that are small enough to go into the journal.
async fn store(caller: &Caller) -> u16 {
    let value = "v".repeat(2_900);
    let names: Vec<_> = (0..20).map(|place| format!("name{place}")).collect();
    let form: Vec<_> = names.iter().map(|name| (name.as_str(), value.as_str())).collect();
    let request = caller.request(reqwest::Method::POST, "/genesys/1/storage/600");
    crate::callers::send(request.form(&form)).await.status
}

#[tokio::test]
async fn writes_go_on_while_no_file_can_be_made_and_after_it() {
    let home = TempDir::new().unwrap();
    let binary = Binary::demo(&home.path().join("data"));
    // One connection, made before and kept: a new one would need a descriptor.
    let caller = Caller::of(binary.url());
    assert_eq!(store(&caller).await, 200);
    limit(&binary, 4);
    // A file of the journal takes 16 MiB; then the one after the next has to be made.
    for turn in 0..320 {
        assert_eq!(store(&caller).await, 200, "{turn}");
    }
    binary.wait_until(|log| log.contains("the journal's next file cannot be made yet"));
    assert_eq!(store(&caller).await, 200, "what has a file is written");
    limit(&binary, 1024);
    binary.wait_until(|log| log.contains("the journal's next file is made"));
    for turn in 0..320 {
        assert_eq!(store(&caller).await, 200, "{turn}");
    }
    let ready = Caller::of(binary.admin_url()).get("/health/ready").await;
    assert_eq!(ready.status, 200, "{ready:?}");
    assert!(!binary.log().contains("no further write"), "{}", binary.log());
    assert!(binary.stop().success());
}
