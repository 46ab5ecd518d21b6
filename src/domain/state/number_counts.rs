//! How many numbers of a pool are in which state, kept step by step: a refusal tells the counts, and a pool of which
//! everybody asks in vain is the last one whose numbers should be gone through each time.

use std::collections::hash_map::Entry;

use crate::domain::Number;
use crate::domain::hash::FastMap;

/// What a number does that is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberState {
    /// It is lent, disabled or not.
    Allocated,
    /// It rests before it is lent again.
    Cooling,
    /// The configuration keeps it back.
    Reserved,
    /// It may not be lent.
    Disabled,
}

/// What is known of a number that is not free.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(PartialEq))]
struct CountedNumber {
    /// How many live allocations it carries.
    held: usize,
    /// As what it is counted.
    counted: Option<NumberState>,
}

/// The numbers of a pool that are not free, by what they do. Free ones take no room here.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct NumberCounts {
    counted: FastMap<Number, CountedNumber>,
    counts: [usize; 4],
}

impl NumberCounts {
    /// How many numbers are counted so.
    pub(super) fn count(&self, standing: NumberState) -> usize {
        self.counts[standing as usize]
    }

    /// Whether the number carries a live allocation.
    pub(super) fn is_held(&self, number: Number) -> bool {
        self.counted.get(&number).is_some_and(|number_counted| number_counted.held > 0)
    }

    /// One more live allocation of the number.
    pub(super) fn hold(&mut self, number: Number) {
        self.counted.entry(number).or_default().held += 1;
    }

    /// One live allocation less.
    pub(super) fn let_go(&mut self, number: Number) {
        if let Entry::Occupied(mut number_counted) = self.counted.entry(number) {
            number_counted.get_mut().held -= 1;
            remove_if_free(number_counted);
        }
    }

    /// Counts the number as this from now on.
    pub(super) fn set(&mut self, number: Number, standing: Option<NumberState>) {
        let mut number_counted = match self.counted.entry(number) {
            Entry::Occupied(number_counted) => number_counted,
            Entry::Vacant(_) if standing.is_none() => return,
            vacant @ Entry::Vacant(_) => vacant.insert_entry(CountedNumber::default()),
        };
        let before = std::mem::replace(&mut number_counted.get_mut().counted, standing);
        remove_if_free(number_counted);
        if let Some(before) = before {
            self.counts[before as usize] -= 1;
        }
        if let Some(standing) = standing {
            self.counts[standing as usize] += 1;
        }
    }
}

fn remove_if_free(number_counted: std::collections::hash_map::OccupiedEntry<'_, Number, CountedNumber>) {
    if number_counted.get().held == 0 && number_counted.get().counted.is_none() {
        number_counted.remove();
    }
}
