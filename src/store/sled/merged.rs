//! Records of the tree with those of an overlay in place of them.

use std::cmp::Ordering;
use std::iter::Peekable;

use bytes::Bytes;

use super::tree::Pair;

/// Bytes of a record, where they happen to lie.
pub(super) enum Raw {
    /// In the tree's cache.
    Tree(sled::IVec),
    /// In the memory of a layer.
    Pending(Bytes),
}

impl std::ops::Deref for Raw {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Tree(bytes) => bytes,
            Self::Pending(bytes) => bytes,
        }
    }
}

/// The records of the tree with those of an overlay in place of them.
pub(super) struct Merged<T: Iterator, O: Iterator> {
    tree: Peekable<T>,
    overlay: Peekable<O>,
}

impl<T, O> Merged<T, O>
where
    T: Iterator<Item = Result<Pair, String>>,
    O: Iterator<Item = (Bytes, Option<Bytes>)>,
{
    /// Both have to come in the order of their keys.
    pub(super) fn new(tree: T, overlay: O) -> Self {
        Self { tree: tree.peekable(), overlay: overlay.peekable() }
    }

    /// Which of the two comes next; `Equal` if both do, with the same key.
    fn next_is(&mut self) -> Option<Ordering> {
        match (self.tree.peek(), self.overlay.peek()) {
            (None, None) => None,
            (Some(Err(_)) | Some(_), None) | (Some(Err(_)), _) => Some(Ordering::Less),
            (None, Some(_)) => Some(Ordering::Greater),
            (Some(Ok((tree, _))), Some((overlay, _))) => Some(tree[..].cmp(&overlay[..])),
        }
    }
}

impl<T, O> Iterator for Merged<T, O>
where
    T: Iterator<Item = Result<Pair, String>>,
    O: Iterator<Item = (Bytes, Option<Bytes>)>,
{
    type Item = Result<(Raw, Raw), String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_is()? {
                Ordering::Less => {
                    let record = self.tree.next()?;
                    return Some(record.map(|(key, value)| (Raw::Tree(key), Raw::Tree(value))));
                }
                Ordering::Equal => {
                    self.tree.next();
                }
                Ordering::Greater => {
                    if let (key, Some(value)) = self.overlay.next()? {
                        return Some(Ok((Raw::Pending(key), Raw::Pending(value))));
                    }
                }
            }
        }
    }
}
