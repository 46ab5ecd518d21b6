//! A note of how the files of a data directory were when the store was closed.
//!
//! Files that are still like that hold nothing that sled would repair, and nothing in them can be a reason to refuse
//! them. So they are opened without trying it on a copy first. The note goes away before anything is written.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::is_tree_file;
use crate::store::sled::{journal, marker};

/// The note's file name.
const NAME: &str = "dnis-gateway.closed";
/// The note while it is being written.
const NEW_NAME: &str = "dnis-gateway.closed.new";

/// The files by their names.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    files: BTreeMap<String, Seen>,
}

/// How a file was.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    bytes: u64,
    crc32: u32,
}

/// Notes how the files are now.
pub(in crate::store::sled) fn write(directory: &Path) -> io::Result<()> {
    let text = toml::to_string(&look(directory)?).map_err(io::Error::other)?;
    let new = directory.join(NEW_NAME);
    let mut file = File::create(&new)?;
    file.write_all(b"# Written by dnis-gateway when it was closed. Removing it is safe.\n")?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, directory.join(NAME))?;
    File::open(directory)?.sync_all()
}

/// Whether the files are as they were when the store was closed.
pub(in crate::store::sled) fn verify(directory: &Path) -> io::Result<bool> {
    let text = match fs::read_to_string(directory.join(NAME)) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => return Ok(false),
        Err(error) => return Err(error),
    };
    match toml::from_str::<Note>(&text) {
        Ok(note) => Ok(note == look(directory)?),
        Err(_) => Ok(false),
    }
}

/// Takes the note away, because the files are about to be written.
pub(in crate::store::sled) fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_file(directory.join(NAME)) {
        Ok(()) => File::open(directory)?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether a file name is one that the note uses.
pub(in crate::store::sled) fn owns(name: &str) -> bool {
    name == NAME || name == NEW_NAME
}

fn look(directory: &Path) -> io::Result<Note> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_tree_file(&name) || marker::owns(&name) || journal::owns(&name) {
            files.insert(name, Seen::of(&entry.path())?);
        }
    }
    Ok(Note { files })
}

impl Seen {
    fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut hasher, mut buffer, mut bytes) = (crc32fast::Hasher::new(), vec![0; 1024 * 1024], 0);
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Self { bytes, crc32: hasher.finalize() }),
                count => {
                    hasher.update(&buffer[..count]);
                    bytes += count as u64;
                }
            }
        }
    }
}
