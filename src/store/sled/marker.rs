//! The marker file of a data directory: that it is one, of which format, and how far its history had come.
//!
//! The marker lies beside the tree so that a damaged or missing tree cannot pass for an empty one: it names the store
//! that must be found, and a commit that must be in it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The format of data directories written today. A release must not open a directory of a later one, of which it would miss
/// something: the first format had no journal; the second counted ids for all scopes together and kept each ended allocation
/// in a record of its own.
pub(super) const FORMAT: u32 = 3;
/// The marker's file name.
const NAME: &str = "dnis-gateway.toml";
/// The marker while it is being written.
const NEW_NAME: &str = "dnis-gateway.toml.new";
/// An empty file that says that the directory is being made and nothing in it counts yet.
const BEGUN_NAME: &str = "dnis-gateway.begun";

/// What the marker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// The format of the directory.
    pub(super) format: u32,
    /// Which store the directory holds.
    pub(super) store: Uuid,
    /// A commit that was durable when the marker was written; later ones may follow it.
    pub(super) commits: u64,
    /// How large the tree was when it was last written anew, in bytes.
    pub(super) compacted: Option<u64>,
}

/// What was found where the marker should be.
pub(super) enum MarkerFile {
    /// A marker.
    Marker(Marker),
    /// A file that is no marker, and why.
    Damaged(String),
    /// Nothing.
    Nothing,
}

/// Only the format, to tell a newer directory even when the rest has changed.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Marker {
    /// Reads the marker of a directory.
    pub(super) fn read(directory: &Path) -> io::Result<MarkerFile> {
        let text = match fs::read(directory.join(NAME)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(MarkerFile::Nothing),
            Err(error) => return Err(error),
        };
        Ok(match (toml::from_str::<Self>(&text), toml::from_str::<FormatOnly>(&text)) {
            (Ok(marker), _) => MarkerFile::Marker(marker),
            (Err(_), Ok(FormatOnly { format })) if format > FORMAT => {
                MarkerFile::Marker(Self { format, store: Uuid::nil(), commits: 0, compacted: None })
            }
            (Err(error), _) => MarkerFile::Damaged(error.message().to_owned()),
        })
    }

    /// Writes the marker in one step: a reader sees the old one or the new one, whole and on disk.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let compacted = self.compacted.map(|bytes| format!("compacted = {bytes}\n")).unwrap_or_default();
        let text = format!(
            "# Written by dnis-gateway. Do not edit: it tells a damaged data directory from an empty one.\n\
             format = {}\nstore = \"{}\"\ncommits = {}\n{}",
            self.format, self.store, self.commits, compacted
        );
        let new = directory.join(NEW_NAME);
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, directory.join(NAME))?;
        File::open(directory)?.sync_all()?;
        forget_beginning(directory)
    }
}

/// Notes that the directory is being made.
pub(super) fn begin(directory: &Path) -> io::Result<()> {
    File::create(directory.join(BEGUN_NAME))?;
    File::open(directory)?.sync_all()
}

/// Takes the note away, because nothing is left of what was begun.
pub(super) fn forget_beginning(directory: &Path) -> io::Result<()> {
    match fs::remove_file(directory.join(BEGUN_NAME)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether the making of the directory was begun and never finished, so that it never held anything that counts.
pub(super) fn unfinished(directory: &Path) -> io::Result<bool> {
    Ok(directory.join(BEGUN_NAME).try_exists()? && !directory.join(NAME).try_exists()?)
}

/// Whether a file name is one that the marker uses.
pub(super) fn owns(name: &str) -> bool {
    [NAME, NEW_NAME, BEGUN_NAME].contains(&name)
}
