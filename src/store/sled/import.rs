//! The stages of an import: written ahead and safe on disk, but without effect until one commit says that they count.
//!
//! How a bulk import goes through here:
//!
//! 1. [`Import::begin`], then [`Import::stage`] as often as it takes, on a thread that may wait for the disk. Other
//!    commands go on in between; nobody sees anything yet.
//! 2. A command on the writer's thread makes the same changes to the state and calls `Desk::include` with the import's
//!    id. The changes that the command leaves are then not written once more: the journal gets the one operation
//!    "what was staged takes effect here", and the readers get all changes at once. (The last ids are the
//!    exception: they are not staged but written with the commit, since others give out ids meanwhile.)
//! 3. An import that is not to be goes with [`Import::abandon`]; one that was neither included nor abandoned goes at the
//!    next start.
//!
//! Whoever imports has to see to it, when the command runs, that what was staged is still right.

use super::codec::{self, MAX_RECORD_BYTES, Sink};
use super::ops::{ImportId, Op, OpsReader, OpsWriter};
use super::tree::{SLICE, Slice, Tree};
use crate::domain::Change;

/// Most changes that are staged at one time.
pub(super) const MAX_CHANGES: usize = SLICE;
/// What of a record is left for operations, after its key and its version.
const PIECE_BYTES: usize = MAX_RECORD_BYTES - 32;

/// An import that is being staged.
#[derive(Debug)]
pub(super) struct Import {
    id: ImportId,
    pieces: u64,
}

impl Import {
    /// Begins an import.
    pub(super) fn begin() -> Self {
        Self { id: ImportId(rand::random()), pieces: 0 }
    }

    /// The name under which its stages are included.
    pub(super) fn id(&self) -> ImportId {
        self.id
    }

    /// Writes changes, at most [`MAX_CHANGES`] at a time, and returns when they are safe on disk.
    pub(super) fn stage(&mut self, tree: &Tree, changes: &[Change]) -> Result<(), String> {
        debug_assert!(changes.len() <= MAX_CHANGES, "{} changes at a time", changes.len());
        let (mut operations, mut slice) = (Vec::new(), Slice::default());
        for change in changes {
            match change {
                Change::ValueKept(..) => codec::encode(change, &mut slice),
                // Ids are given out on while this is staged; the commit writes how far.
                Change::Ids(..) | Change::Counters(_) => {}
                _ => codec::encode(change, &mut OpsWriter(&mut operations)),
            }
        }
        for piece in operations.chunks(PIECE_BYTES) {
            let key = codec::stage_key(self.id, self.pieces);
            slice.put(&key, &codec::bytes_value(piece));
            self.pieces += 1;
        }
        tree.write(slice)?;
        tree.sync()
    }

    /// Removes what was staged.
    pub(super) fn abandon(self, tree: &Tree) -> Result<(), String> {
        remove(self.id, tree)
    }
}

/// Gives every operation that was staged to `take`, in their order.
pub(super) fn replay(
    import: ImportId,
    tree: &Tree,
    mut take: impl FnMut(Op<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut rest = Vec::new();
    for record in tree.range(&codec::stage_key(import, 0), &codec::stage_key(import, u64::MAX)) {
        let (key, value) = record?;
        // An operation may begin in one piece and end in the next.
        rest.extend_from_slice(codec::bytes(&key, &value).map_err(|error| error.to_string())?);
        let mut reader = OpsReader::new(&rest);
        while let Some(op) = reader.whole() {
            take(op)?;
        }
        rest = reader.rest().to_vec();
    }
    match rest.is_empty() {
        true => Ok(()),
        false => Err("what was staged for an import ends in the middle of an operation".to_owned()),
    }
}

/// Removes what was staged under an id.
pub(super) fn remove(import: ImportId, tree: &Tree) -> Result<(), String> {
    tree.remove_range(&codec::stage_key(import, 0), &codec::stage_key(import, u64::MAX))
}

/// Removes the stages of every import but these.
pub(super) fn remove_others(included: &[ImportId], tree: &Tree) -> Result<(), String> {
    let (mut from, to) = (codec::STAGES.0.to_vec(), codec::STAGES.1);
    loop {
        let first = tree.range(&from, to).next();
        let Some((key, _)) = first.transpose()? else { return Ok(()) };
        let import = codec::import_of(&key).ok_or("the key of a stage is cut short")?;
        if !included.contains(&import) {
            remove(import, tree)?;
        }
        from = codec::stage_key(import, u64::MAX);
    }
}
