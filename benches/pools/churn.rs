//! How the disk grows where numbers are lent and freed without end.

use std::path::Path;
use std::sync::Arc;

use dnis_gateway::store::Store;
use tempfile::TempDir;

use crate::fixture::{Size, close, lend, many, open, scope};
use crate::marks::Marks;
use dnis_gateway::domain::Seconds;

/// Times that a number is lent and freed.
const CYCLES: usize = 1_000_000;
const MIB: f64 = 1024.0 * 1024.0;

/// Churns a pool and holds the disk it takes against that of the same records, written once.
pub(crate) async fn of_a_small_pool(marks: &mut Marks) {
    let directory = TempDir::new().expect("a directory for the data");
    let store = open(directory.path());
    let size = Size { numbers: 20_000, groups: 20, lent: 2_000 };
    size.fill(&store).await;
    many(CYCLES, |at| {
        let store = Arc::clone(&store);
        async move {
            let lent = store.lend(&scope(), lend(at % 20, Seconds::new(2)), None).await.expect("a number is free");
            store.free(&scope(), lent.allocation.number).await.expect("the number is lent");
        }
    })
    .await;
    let running = bytes(directory.path());
    close(store).await;
    let closed = bytes(directory.path());
    let compacted = TempDir::new().expect("a directory for the copy");
    rewrite(directory.path(), compacted.path());
    let fresh = bytes(compacted.path());
    marks.note("disk after a million cycles, still running, MiB", running / MIB);
    marks.note("disk of the same records written once, MiB", fresh / MIB);
    marks.at_most("disk after a million cycles and a proper end, MiB", closed / MIB, 3.0 * fresh / MIB + 8.0);
}

/// Writes every record of a tree into a new one.
fn rewrite(from: &Path, to: &Path) {
    let open = |directory| sled::Config::new().path(directory).segment_size(4 * 1024 * 1024).open();
    let (old, new) = (open(from).expect("the tree opens"), open(to).expect("a new tree opens"));
    for record in old.iter() {
        let (key, value) = record.expect("the record is read");
        new.insert(key, value).expect("the record is written");
    }
    new.flush().expect("the tree is written");
}

/// What all files below a directory take.
fn bytes(directory: &Path) -> f64 {
    let entries = std::fs::read_dir(directory).expect("the directory is there");
    let sizes = entries.map(|entry| {
        let entry = entry.expect("the entry is read");
        match entry.file_type().expect("its kind is known").is_dir() {
            true => bytes(&entry.path()),
            false => entry.metadata().map_or(0.0, |metadata| metadata.len() as f64),
        }
    });
    sizes.sum()
}
