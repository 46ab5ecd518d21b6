//! Whether a tree and its journal are what they must be: held against the marker, and read to the end.

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Contents, FIRST_FILE, Identity, OpenError, Opening, Since};
use crate::domain::{EntryValue, Tables};
use crate::store::sled::codec;
use crate::store::sled::journal::{self, CommitNumber, Generation};
use crate::store::sled::marker::{FORMAT, Marker};
use crate::store::sled::replay::{self, Active, LoadError, Loaded, Replayed};
use crate::store::sled::tree::{Tree, UNREADABLE, caught};

/// The format of directories whose tree holds everything.
const BEFORE_JOURNAL: u32 = 1;

/// What a tree and its journal are, before everything in them is read.
pub(in crate::store::sled) struct Identified {
    /// The marker, in the format that the tree has.
    pub(in crate::store::sled) marker: Marker,
    /// The last commit that is in the tree.
    pub(super) in_tree: CommitNumber,
    /// What the journal has on top of it.
    pub(in crate::store::sled) replayed: Replayed,
    pub(super) since: Since,
}

impl Opening<'_> {
    /// Holds a tree and the journal against the marker and reads all of them.
    pub(super) fn examine(&self, tree: &Tree, marker: Option<&Marker>) -> Result<Contents, OpenError> {
        let Identified { marker, in_tree, replayed, since } = self.identify(tree, marker)?;
        let Loaded { tables, last_commit, extent } = self.guarded(|| {
            replay::load(tree, &replayed.layers).map_err(|error| match error {
                LoadError::Tree(reason) => self.damaged(&reason),
                LoadError::Record(error) => self.unreadable(&error),
            })
        })?;
        self.guarded(|| self.check_values(tree, &tables))?;
        Ok(Contents { tables, last_commit, extent, marker, in_tree, replayed, since })
    }

    /// Holds the documents against the large values, which are written into the tree and not into the journal: what sled
    /// takes for a torn tail, and leaves out, may have been some of them.
    fn check_values(&self, tree: &Tree, tables: &Tables) -> Result<(), OpenError> {
        for document in tables.documents() {
            for entry in document.entries.values() {
                let EntryValue::OutOfLine { id, length } = entry.value else { continue };
                for chunk in 0..codec::chunks(length) {
                    let found = tree.get(&codec::chunk_key(id, chunk)).map_err(|reason| self.damaged(&reason))?;
                    if found.is_none() {
                        return Err(self.damaged(&format!("a value of document {} is missing", document.id)));
                    }
                }
            }
        }
        Ok(())
    }

    /// Holds a tree and the journal against the marker.
    pub(in crate::store::sled) fn identify(
        &self,
        tree: &Tree,
        marker: Option<&Marker>,
    ) -> Result<Identified, OpenError> {
        let identity: Option<Identity> = self.record(tree, codec::FORMAT_KEY)?;
        let format = identity.as_ref().map_or(0, |identity| identity.format);
        let marker = match (identity, marker) {
            (Some(identity), _) if identity.format > FORMAT => {
                return Err(self.newer(&format!("its format is {}", identity.format)));
            }
            (Some(identity), Some(marker)) if identity.store == marker.store => Marker { format, ..marker.clone() },
            (Some(_), Some(_)) => return Err(self.damaged("its marker file belongs to another store")),
            (None, Some(_)) => return Err(self.damaged("the file db has lost what it held")),
            // Only the marker is gone; what the tree holds is whole as far as it can tell.
            (Some(identity), None) => Marker { format, store: identity.store, commits: 0, compacted: None },
            (None, None) => return Err(OpenError::Foreign(self.directory.to_owned())),
        };
        let in_tree = self.commits_in(tree)?;
        let done: Option<Generation> = self.record(tree, codec::JOURNAL_KEY)?;
        let (since, replayed) = match done {
            Some(done) => (Since::Journal, self.read_journal(marker.store, done, in_tree)?),
            None if format == BEFORE_JOURNAL => {
                let active = Active::Missing(FIRST_FILE);
                (Since::BeforeJournal, Replayed { layers: Vec::new(), commits: in_tree, active })
            }
            None => return Err(self.damaged("the file db has lost where the journal begins")),
        };
        if replayed.commits < marker.commits {
            let (was, is) = (marker.commits, replayed.commits);
            return Err(self.damaged(&format!("commit {was} was on disk, but the last one found is {is}")));
        }
        Ok(Identified { marker, in_tree, replayed, since })
    }

    fn read_journal(&self, store: Uuid, done: Generation, in_tree: CommitNumber) -> Result<Replayed, OpenError> {
        replay::read(self.directory, store, done, in_tree).map_err(|error| match error {
            journal::Unreadable::Io(error) => self.unusable(&error),
            journal::Unreadable::Newer(_) => self.newer(&error.to_string()),
            journal::Unreadable::Damaged(reason) => self.damaged(&reason),
        })
    }

    /// The last commit that is in the tree.
    pub(super) fn commits_in(&self, tree: &Tree) -> Result<CommitNumber, OpenError> {
        Ok(self.record(tree, codec::COMMIT_KEY)?.unwrap_or(0))
    }

    fn record<T: DeserializeOwned>(&self, tree: &Tree, key: &[u8]) -> Result<Option<T>, OpenError> {
        let record = self.guarded(|| tree.get(key).map_err(|reason| self.damaged(&reason)))?;
        record.map(|record| codec::fields(key, &record).map_err(|error| self.unreadable(&error))).transpose()
    }

    /// Reads of a damaged page can make sled panic.
    fn guarded<T>(&self, read: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
        caught(read).unwrap_or_else(|| Err(self.damaged(UNREADABLE)))
    }
}
