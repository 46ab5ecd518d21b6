//! A data directory as files, whatever is in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Every file below a directory with its bytes.
pub(crate) fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

/// The files as they lie on disk: all of a closed store, or what a killed process leaves behind.
pub(crate) fn copy_of(directory: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        } else {
            fs::create_dir(copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

/// The tree of a directory that nobody has open, made by this release.
pub(crate) fn tree(directory: &Path) -> sled::Db {
    sled::Config::new().path(directory).segment_size(4 * 1024 * 1024).open().unwrap()
}
