//! A disk that is really full: the data directory on a small tmpfs of its own, filled up under load. It needs leave to
//! mount one.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::time::timeout;

use crate::disk::Trouble;
use crate::gateway::Home;
use crate::ledger::now;
use crate::load::open;
use crate::schedule::Run;
use crate::{conclude, from_environment};

/// The size of the disk, in bytes, and what it is made larger to so that the gateway can go on.
const SMALL: &str = "size=48m";
const LARGE: &str = "size=400m";
/// How long the clients may take to notice.
const LIMIT: Duration = Duration::from_secs(60);

/// A file system in memory; unmounted when dropped.
struct Small(PathBuf);

impl Small {
    /// Mounts one, where that is allowed.
    fn mounted(place: &Path) -> Option<Self> {
        fs::create_dir_all(place).expect("a directory can be made");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SMALL, "tmpfs"]).arg(place).output();
        mounted.is_ok_and(|done| done.status.success()).then(|| Self(place.to_owned()))
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast =
            OpenOptions::new().create(true).append(true).open(self.ballast()).expect("a file can be made");
        let zeros = vec![0; 64 * 1024];
        while ballast.write_all(&zeros).is_ok() {}
    }

    /// Gives room.
    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", &format!("remount,{LARGE}")]).arg(&self.0).status();
        assert!(grown.expect("mount was there before").success(), "the disk cannot be made larger");
        File::create(self.ballast()).expect("a file can be emptied");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: what is still open goes with its process.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_disk_that_is_full_nothing_is_acknowledged_and_nothing_acknowledged_is_lost() {
    let seed = from_environment("CRASH_SEED").unwrap_or_else(rand::random);
    println!("CRASH_SEED={seed}");
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path());
    let place = home.data().parent().expect("the data are in a directory").join("small");
    let Some(small) = Small::mounted(&place) else {
        println!("skipped: no tmpfs may be mounted here");
        return;
    };
    std::os::unix::fs::symlink(place.join("data"), home.data()).expect("a link can be made");
    fs::create_dir(place.join("data")).expect("a directory can be made");
    let mut run = Run::new(&home, seed);
    run.fill(&small).await;
    run.audit_once().await;
    println!("{}", run.tally());
    // Before the directory that it is in is removed.
    drop(small);
    conclude(&run, &home, directory, seed);
}

impl Run<'_> {
    /// A life in which the disk is filled up, one that begins with the disk full, and room again.
    async fn fill(&mut self, small: &Small) {
        let Some((mut gateway, wire)) = self.begin() else { return };
        let admin = gateway.admin().expect("a gateway that listens tells where its admin listener is");
        let work = self.set_to_work(&wire);
        tokio::time::sleep(Duration::from_millis(400)).await;
        small.fill();
        assert!(timeout(LIMIT, self.come_back(work)).await.is_ok(), "clients are still answered on a full disk");
        self.refuses_writes(&wire, Trouble::Full).await;
        self.tells_why(&wire, &admin, Trouble::Full).await;
        self.answers_what_it_knows(&wire, Trouble::Full).await;
        gateway.kill();
        {
            let mut ledger = open(&self.ledger);
            ledger.died(now());
            ledger.unclear.clear();
        }
        small.fill();
        let mut gateway = self.home.spawn();
        match gateway.listening() {
            Ok(_) => {}
            Err(_) => match gateway.ended() {
                Ok(status) if status.code() == Some(1) && self.home.log().contains("No space left") => {}
                other => self.wrong(Trouble::Full, format!("the start on a full disk ended so: {other:?}")),
            },
        }
        small.grow();
    }
}
