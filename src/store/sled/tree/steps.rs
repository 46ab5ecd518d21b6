//! How much is written in one step, so that less than a segment of sled's log is ever without a sync.
//!
//! Sled's log is made of segments. After a power cut sled opens it, with all that was safe before, as long as what was
//! not yet safe lies in the segment that was being written and the one after it. Beyond that two things go wrong. Where a
//! segment is missing in front of one that says it was safe, sled takes the whole log for torn. And a segment whose
//! records have all been written anew is written over, though the new ones may not be safe.
//!
//! How much of the log a step takes is known only afterwards, since every page that it touches may be written anew. So a
//! step is bounded by the largest record of its kind, and becomes larger where steps turn out small.

use super::TreeWrite;
use crate::store::sled::codec;

/// What the log of a tree is made of that this release makes, in bytes. With eight times sled's default a record costs
/// about two thirds of the processor time: steps are larger, and each of them wakes all of sled's threads once. Beyond
/// that little is gained.
pub(super) const SEGMENT: usize = 4 * 1024 * 1024;
/// Sled's default, by which earlier releases made their trees.
pub(super) const FORMER_SEGMENT: usize = 512 * 1024;
/// How many operations are written in one step before it is known what they take of the log.
pub(super) const FIRST_STEP: usize = 4;
/// For so many bytes of a segment one operation is written in one step at most: a page that has records of the next kind
/// too, and large ones, is written anew with every tenth of them.
const BYTES_PER_OPERATION: usize = 16 * 1024;
/// Sled writes a page anew after some changes of it, and all operations of a step may hit pages that are due at once. So
/// many records a page may have.
const PAGE_RECORDS: usize = 16;
/// As many operations as are written in one step if they are all there is, whatever they are about and whatever the
/// segments are.
pub(super) const WHOLE: usize = most_due(FORMER_SEGMENT) / (PAGE_RECORDS * codec::MAX_RECORD_BYTES);

/// How much of the log may be without a sync when more is written. What is written in one step comes on top of it: it is
/// meant to be half as much, and eight times that would still do no harm.
const fn most_unsynced(segment: usize) -> usize {
    segment / 8
}

/// How much of the log a step may take if all its pages are due.
const fn most_due(segment: usize) -> usize {
    segment - most_unsynced(segment) - segment / 16
}

/// What was written and is not safe yet.
pub(super) struct Unsynced {
    /// What the log is made of, in bytes.
    segment: usize,
    /// How many bytes of the log it takes.
    pub(super) bytes: usize,
    /// How many operations are written in one step, for each kind of record: how much of the log they take depends on
    /// what else is in the same pages, which is of the same kind.
    pub(super) steps: [usize; 256],
    /// The largest record of each kind that is known.
    largest: Largest,
    /// The first failure of a write or a sync. The system reports a failed sync once and forgets what was lost, so
    /// whoever syncs next must not hear that all is well.
    failed: Option<String>,
}

impl Unsynced {
    /// Nothing yet, of a log that is made of such segments.
    pub(super) fn of(segment: usize) -> Self {
        Self { segment, bytes: 0, steps: [FIRST_STEP; 256], largest: Largest::default(), failed: None }
    }

    /// Learns of the largest records that there are already.
    pub(super) fn expect(&mut self, largest: &Largest) {
        self.largest.0.iter_mut().zip(largest.0).for_each(|(known, largest)| *known = largest.max(*known));
    }

    /// Whether so much is not synced that it has to be before more is written.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= most_unsynced(self.segment)
    }

    /// Does something that must not fail, unless something has failed before.
    pub(super) fn attempt<T>(&mut self, act: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        if let Some(reason) = &self.failed {
            return Err(reason.clone());
        }
        act().inspect_err(|reason| self.failed = Some(reason.clone()))
    }

    /// Whether an operation goes into the step that so many others of its kind are in.
    pub(super) fn admits(&mut self, (key, value): &TreeWrite, others: usize) -> bool {
        let kind = usize::from(kind_of(key));
        let largest = self.largest.0[kind].max(key.len() + value.as_ref().map_or(0, |value| value.len()));
        // Each of several removals can merge a page with one that has larger records.
        let most = if value.is_some() { self.steps[kind] } else { self.steps[kind].div_ceil(4) };
        let fits = others < most && (others + 1) * PAGE_RECORDS * largest <= most_due(self.segment);
        if fits {
            self.largest.0[kind] = largest;
        }
        fits
    }

    /// A step has taken so many bytes of the log.
    pub(super) fn grow(&mut self, kind: u8, bytes: usize) {
        self.bytes += bytes;
        debug_assert!(
            self.bytes < self.segment,
            "{} bytes of the log are not synced, {bytes} of them of one step with records of kind {kind}",
            self.bytes
        );
        let step = &mut self.steps[usize::from(kind)];
        let most = most_unsynced(self.segment);
        if bytes > most / 2 {
            *step = (*step / 2).max(1);
        } else if bytes < most / 8 {
            *step = (*step * 2).min(self.segment / BYTES_PER_OPERATION);
        }
    }
}

/// The largest record of each kind, key and value together, in bytes. Kinds that are read at no start, and may be large,
/// are taken to be.
#[derive(Clone, Debug)]
pub(in crate::store::sled) struct Largest([usize; 256]);

impl Largest {
    /// A record with this key has so many bytes.
    pub(in crate::store::sled) fn note(&mut self, key: &[u8], bytes: usize) {
        let largest = &mut self.0[usize::from(kind_of(key))];
        *largest = bytes.max(*largest);
    }
}

impl Default for Largest {
    fn default() -> Self {
        let kinds = std::array::from_fn(|kind| u8::try_from(kind).is_ok_and(codec::is_roomy));
        Self(kinds.map(|roomy| if roomy { codec::MAX_RECORD_BYTES } else { 0 }))
    }
}

/// The kind of the record with this key.
pub(super) fn kind_of(key: &[u8]) -> u8 {
    key.first().copied().unwrap_or_default()
}
