//! The stages of an import: written ahead and safe on disk, but without effect until one commit says that they count.
//!
//! The journal then gets the one operation "what was staged takes effect here". Stages that were neither included nor
//! abandoned go at the next start.

use super::codec::{self, MAX_RECORD_BYTES, Sink};
use super::ops::{Op, OpsReader, OpsWriter};
use super::tree::{Slice, Tree};
use crate::domain::Change;
use crate::store::MOST_ROWS_AT_A_TIME;
use crate::store::engine::{ImportId, Stages};

/// What of a record is left for operations, after its key and its version.
const PIECE_BYTES: usize = MAX_RECORD_BYTES - 32;

/// Writes changes, and returns when they are safe on disk.
pub(super) fn stage(stages: &mut Stages, changes: &[Change], tree: &Tree) -> Result<(), String> {
    debug_assert!(changes.len() <= MOST_ROWS_AT_A_TIME, "{} changes at a time", changes.len());
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
        let key = codec::stage_key(stages.import, stages.pieces);
        slice.put(&key, &codec::bytes_value(piece));
        stages.pieces += 1;
    }
    tree.write(slice)?;
    tree.sync()
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
