//! Putting a tree that was made anew in place of the one that there is, whatever happens on the way.
//!
//! The new tree is made in a directory inside the data directory. Nothing counts of it until the directory gets its
//! second name; from then on everything of it counts, and whoever opens the data directory first carries the files over.
//! Carrying over goes on from wherever it was interrupted: while the new log is not in place everything beside it is of
//! the old tree and may go; once it is, everything beside it is of the new one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{journal, marker, tree};

/// Where a new tree is made.
const MAKING: &str = "dnis-gateway.compacting";
/// Where it is when it is whole.
const MADE: &str = "dnis-gateway.compacted";
/// The file of a tree that is carried over between those that may go and those that come.
const LOG: &str = "db";

/// Makes an empty place for a new tree.
pub(super) fn begin(directory: &Path) -> io::Result<PathBuf> {
    let making = directory.join(MAKING);
    remove(&making)?;
    fs::create_dir(&making)?;
    Ok(making)
}

/// Removes what is there of a tree that never became whole.
pub(super) fn abandon(directory: &Path) -> io::Result<()> {
    remove(&directory.join(MAKING))
}

/// Lets the new tree count, whose files are all safe on disk, and carries it over.
pub(super) fn commit(directory: &Path) -> io::Result<()> {
    let making = directory.join(MAKING);
    marker::forget_beginning(&making)?;
    sync(&making)?;
    fs::rename(&making, directory.join(MADE))?;
    sync(directory)?;
    finish(directory)
}

/// Whether a new tree counts that has not been carried over.
pub(super) fn is_pending(directory: &Path) -> io::Result<bool> {
    directory.join(MADE).try_exists()
}

/// Carries over what an earlier process did not, and removes what it had not finished.
pub(super) fn finish(directory: &Path) -> io::Result<()> {
    abandon(directory)?;
    if !is_pending(directory)? {
        return Ok(());
    }
    let made = directory.join(MADE);
    if made.join(LOG).try_exists()? {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name != LOG && belongs_to_tree(&name.to_string_lossy()) {
                fs::remove_file(entry.path())?;
            }
        }
        sync(directory)?;
        fs::rename(made.join(LOG), directory.join(LOG))?;
        sync(directory)?;
    }
    for entry in fs::read_dir(&made)? {
        let entry = entry?;
        if belongs_to_tree(&entry.file_name().to_string_lossy()) {
            fs::rename(entry.path(), directory.join(entry.file_name()))?;
        }
    }
    sync(directory)?;
    remove(&made)?;
    sync(directory)
}

/// Whether a file name is one that is used here.
pub(super) fn owns(name: &str) -> bool {
    name == MAKING || name == MADE
}

fn belongs_to_tree(name: &str) -> bool {
    tree::is_tree_file(name) || name.starts_with("aside.snap.") || journal::owns(name)
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the files and what is in them.
    fn files(directory: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(path).unwrap_or_default())
            })
            .collect();
        files.sort();
        files
    }

    fn write(directory: &Path, names: &[&str], text: &str) {
        for name in names {
            fs::write(directory.join(name), text).unwrap();
        }
    }

    const OLD: [&str; 5] = ["conf", "db", "journal.0000000000000007", "snap.0A", "aside.snap.01"];
    const NEW: [&str; 4] = ["conf", "db", "journal.0000000000000001", "snap.01"];

    /// A directory where a new tree has just begun to count.
    fn pending() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &OLD, "old");
        write(home.path(), &["dnis-gateway.toml"], "marker");
        fs::create_dir(home.path().join(MADE)).unwrap();
        write(&home.path().join(MADE), &NEW, "new");
        home
    }

    fn is_finished(directory: &Path) {
        let mut expected = NEW.map(|name| (name.to_owned(), "new".to_owned())).to_vec();
        expected.push(("dnis-gateway.toml".to_owned(), "marker".to_owned()));
        expected.sort();
        assert_eq!(files(directory), expected);
    }

    #[test]
    fn carrying_over_goes_on_from_wherever_it_was_interrupted() {
        for removed in 0..OLD.len() {
            let home = pending();
            for name in OLD.iter().filter(|name| **name != LOG).take(removed) {
                fs::remove_file(home.path().join(name)).unwrap();
            }
            finish(home.path()).unwrap();
            is_finished(home.path());
        }
        for moved in 0..NEW.len() {
            let home = pending();
            let made = home.path().join(MADE);
            for name in OLD.iter().filter(|name| **name != LOG) {
                fs::remove_file(home.path().join(name)).unwrap();
            }
            fs::rename(made.join(LOG), home.path().join(LOG)).unwrap();
            for name in NEW.iter().filter(|name| **name != LOG).take(moved) {
                fs::rename(made.join(name), home.path().join(name)).unwrap();
            }
            finish(home.path()).unwrap();
            is_finished(home.path());
            finish(home.path()).unwrap();
            is_finished(home.path());
        }
    }

    #[test]
    fn a_tree_that_never_became_whole_leaves_the_old_one_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &OLD, "old");
        let before = files(home.path());
        write(&begin(home.path()).unwrap(), &NEW, "new");
        finish(home.path()).unwrap();
        assert_eq!(files(home.path()), before);
    }
}
