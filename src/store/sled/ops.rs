//! Operations on records, written one after another as bytes: what the journal and the stages of an import hold.
//!
//! An operation is absolute: it says what a record is from now on, never how it changes. So doing a list of them twice,
//! or once more from the beginning after half of it was done, comes to the same.

use super::codec::Sink;
use crate::store::engine::ImportId;

const PUT: u8 = 1;
const REMOVE: u8 = 2;
const INCLUDE: u8 = 3;

/// One operation, where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op<'b> {
    /// The record of this key has this value.
    Put(&'b [u8], &'b [u8]),
    /// There is no record of this key.
    Remove(&'b [u8]),
    /// Everything that was staged under this id takes effect here.
    Include(ImportId),
}

/// Appends operations to a buffer. What goes straight to the tree is refused here.
pub(super) struct OpsWriter<'a>(pub(super) &'a mut Vec<u8>);

impl OpsWriter<'_> {
    /// Appends an [`Op::Include`].
    pub(super) fn include(&mut self, import: ImportId) {
        self.0.push(INCLUDE);
        self.0.extend_from_slice(&import.0.to_le_bytes());
    }

    fn key(&mut self, kind: u8, key: &[u8]) {
        let length = u16::try_from(key.len()).expect("a key is far below 64 KiB, since a record is at most 4 KiB");
        self.0.push(kind);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(key);
    }
}

impl Sink for OpsWriter<'_> {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        let length = u16::try_from(value.len()).expect("a record is at most 4 KiB");
        self.key(PUT, key);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.key(REMOVE, key);
    }
}

/// Reads operations back; `None` comes in place of what is none, and is the last.
pub(super) struct OpsReader<'b> {
    bytes: &'b [u8],
}

impl<'b> OpsReader<'b> {
    /// Reads what was appended to a buffer.
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// The next operation, if all of it is there; what is not whole stays in [`OpsReader::rest`].
    pub(super) fn whole(&mut self) -> Option<Op<'b>> {
        let before = self.bytes;
        let op = self.op();
        if op.is_none() {
            self.bytes = before;
        }
        op
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.bytes
    }

    fn op(&mut self) -> Option<Op<'b>> {
        match self.take(1)?[0] {
            PUT => {
                let key = self.text()?;
                Some(Op::Put(key, self.text()?))
            }
            REMOVE => self.text().map(Op::Remove),
            INCLUDE => {
                let id: [u8; 8] = self.take(8)?.try_into().ok()?;
                Some(Op::Include(ImportId(u64::from_le_bytes(id))))
            }
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'b [u8]> {
        let length: [u8; 2] = self.take(2)?.try_into().ok()?;
        self.take(usize::from(u16::from_le_bytes(length)))
    }

    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }
}

impl<'b> Iterator for OpsReader<'b> {
    type Item = Option<Op<'b>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let op = self.op();
        if op.is_none() {
            // What follows could be anything.
            self.bytes = &[];
        }
        Some(op)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut OpsWriter<'_>)) -> Vec<u8> {
        let mut buffer = Vec::new();
        write(&mut OpsWriter(&mut buffer));
        buffer
    }

    #[test]
    fn operations_come_back_in_their_order() {
        let bytes = written(|ops| {
            ops.put(b"key", b"value");
            ops.put(b"", b"");
            ops.remove(b"other");
            ops.include(ImportId(7));
        });
        let read: Option<Vec<Op<'_>>> = OpsReader::new(&bytes).collect();
        let expected = [Op::Put(b"key", b"value"), Op::Put(b"", b""), Op::Remove(b"other"), Op::Include(ImportId(7))];
        assert_eq!(read, Some(expected.to_vec()));
    }

    #[test]
    fn bytes_cut_anywhere_inside_an_operation_are_found_out() {
        let whole = written(|ops| ops.put(b"key", b"value"));
        for length in 1..whole.len() {
            let mut reader = OpsReader::new(&whole[..length]);
            assert_eq!(reader.next(), Some(None), "{length} bytes");
            assert_eq!(reader.next(), None);
        }
        assert_eq!(OpsReader::new(&[9]).next(), Some(None), "there is no such operation");
    }
}
