//! A disk that takes no more: what was acknowledged stays, what was not is never shown.
//!
//! The disk is made to fail for real: a child process runs under a limit on the size of its files, which no write of the
//! log can pass. Whoever writes hears an error then, as on a full disk.

use std::path::Path;
use std::process::Command;

use dnis_gateway::domain::state::Lend;
use dnis_gateway::store::{Error, Store};

use crate::engine::open;
use crate::words::*;

/// Tells the child which directory it is to fill.
const DIRECTORY: &str = "DNIS_GATEWAY_TEST_FILL";
/// What the child prints in front of the number of the last lending that was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged up to ";

#[tokio::test]
async fn a_commit_that_fails_is_never_shown_and_nothing_acknowledged_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    // The size is counted in blocks of 512 bytes: 4 MiB.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "failing::the_child_fills_its_directory", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{errors}");
    let (_, rest) = told.split_once(ACKNOWLEDGED).expect("the child tells how far it came");
    let acknowledged: u32 = rest.split_whitespace().next().unwrap().parse().unwrap();
    assert!(acknowledged >= 2, "some room was there: {acknowledged}");

    let store = open(directory.path()).unwrap();
    let page = store.numbers(&scope(), None, 0, 1_000).await.unwrap();
    for at in 0..=acknowledged {
        let held = store.interaction(&scope(), &interaction(&at.to_string())).await.unwrap();
        let held = held.unwrap_or_else(|| panic!("the acknowledged lending {at} is there"));
        let picture = store.document_entry(&scope(), held.data.into(), "picture").await.unwrap().unwrap();
        assert_eq!(picture.bytes.len(), PICTURE);
    }
    // The batch that failed may have reached the disk, then as a whole.
    let lent = page.numbers.iter().filter(|found| found.allocation.is_some()).count();
    let next = interaction(&(acknowledged + 1).to_string());
    match store.interaction(&scope(), &next).await.unwrap() {
        Some(held) => {
            assert!(store.document_entry(&scope(), held.data.into(), "picture").await.unwrap().is_some());
            assert_eq!(lent, usize::try_from(acknowledged).unwrap() + 2);
        }
        None => assert_eq!(lent, usize::try_from(acknowledged).unwrap() + 1),
    }
}

const PICTURE: usize = 200_000;

#[tokio::test]
#[ignore = "the other half of the test above, which runs it under a limit on the size of files"]
async fn the_child_fills_its_directory() {
    let directory = std::env::var(DIRECTORY).expect("the directory to fill is told");
    let store = open(Path::new(&directory)).unwrap();
    for at in 0..200 {
        store.create_number(&scope(), number(&format!("{}", 1_000 + at)), None).await.unwrap();
    }
    let mut at = 0;
    let error = loop {
        let lend = Lend { data: vec![file("picture", &vec![7; PICTURE])], ..lend_to(&at.to_string()) };
        match store.lend(&scope(), lend, None).await {
            Ok(_) => at += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, Error::Unavailable(reason) if reason.contains("disk")), "{error}");

    // Nothing of the failed lending is shown, and what was there before still is.
    let number_of = |at: u32| num(&(1_000 + at).to_string());
    assert_eq!(store.interaction(&scope(), &interaction(&at.to_string())).await, Ok(None));
    assert_eq!(store.number(&scope(), number_of(at)).await.unwrap().unwrap().allocation, None);
    let last = store.number(&scope(), number_of(at - 1)).await.unwrap().unwrap();
    assert_eq!(last.allocation.unwrap().interaction, interaction(&(at - 1).to_string()));

    // No further write is taken, and the store says so.
    assert_eq!(store.ready().await, Err(error.clone()));
    assert_eq!(store.free(&scope(), number_of(0)).await, Err(error.clone()));
    assert_eq!(store.lend(&scope(), lend_to("later"), None).await, Err(error));
    store.close().await;
    println!("{ACKNOWLEDGED}{}", at - 1);
}
