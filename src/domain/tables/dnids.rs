//! The numbers behind every short form.
//!
//! A million of them are in memory, twice. Nearly all have 16 characters at most, and then half of a [`Number`] is empty;
//! those are kept without it.

use std::collections::BTreeSet;

use super::scope::extend;
use crate::domain::Number;

/// Pairs of a short form and a number that has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dnids {
    short: BTreeSet<(u64, u64)>,
    /// Those of which either part is long.
    long: BTreeSet<(Number, Number)>,
}

/// Both parts of a pair, if both are short.
fn short(dnid: Number, number: Number) -> Option<(u64, u64)> {
    Some((dnid.short()?, number.short()?))
}

impl Dnids {
    /// Adds a pair.
    pub(super) fn insert(&mut self, dnid: Number, number: Number) {
        match short(dnid, number) {
            Some(pair) => self.short.insert(pair),
            None => self.long.insert((dnid, number)),
        };
    }

    /// Adds many pairs.
    pub(super) fn extend(&mut self, pairs: impl Iterator<Item = (Number, Number)> + Clone) {
        extend(&mut self.short, pairs.clone().filter_map(|(dnid, number)| short(dnid, number)));
        extend(&mut self.long, pairs.filter(|(dnid, number)| short(*dnid, *number).is_none()));
    }

    /// Takes a pair out.
    pub(super) fn remove(&mut self, dnid: Number, number: Number) {
        match short(dnid, number) {
            Some(pair) => self.short.remove(&pair),
            None => self.long.remove(&(dnid, number)),
        };
    }

    /// The numbers with a short form, in their order.
    pub(super) fn numbers(&self, dnid: Number) -> impl Iterator<Item = Number> {
        let short = dnid.short().map(|dnid| self.short.range((dnid, 0)..=(dnid, u64::MAX)));
        let mut short = short.into_iter().flatten().map(|(_, number)| Number::from_short(*number)).peekable();
        let long = self.long.range((dnid, Number::MIN)..=(dnid, Number::MAX));
        let mut long = long.map(|(_, number)| *number).peekable();
        std::iter::from_fn(move || {
            match (short.peek(), long.peek()) {
                (Some(short), Some(long)) if long < short => None,
                (Some(_), _) => short.next(),
                (None, _) => None,
            }
            .or_else(|| long.next())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = Number> {
        // Few prefixes and ends of all lengths: short ones, long ones, and some on the border.
        ("[12]", "(0{13}|0{14}|0{20})?", "[0-9]{0,2}").prop_map(|parts| {
            let text = [parts.0, parts.1, parts.2].concat();
            Number::new(&text).expect("digits are a number")
        })
    }

    proptest! {
        #[test]
        fn whatever_comes_and_goes_the_numbers_of_a_short_form_are_told_in_order(
            pairs in proptest::collection::vec((number(), number()), 0..40),
            more in proptest::collection::vec((number(), number()), 0..40),
            gone in proptest::collection::vec((number(), number()), 0..40),
        ) {
            let (mut dnids, mut plain) = (Dnids::default(), BTreeSet::new());
            for (dnid, number) in &pairs {
                dnids.insert(*dnid, *number);
                plain.insert((*dnid, *number));
            }
            dnids.extend(more.iter().copied());
            plain.extend(more.iter().copied());
            for (dnid, number) in gone.iter().chain(pairs.first()) {
                dnids.remove(*dnid, *number);
                plain.remove(&(*dnid, *number));
            }
            for (dnid, _) in pairs.iter().chain(&more) {
                let expected: Vec<_> = plain.iter().filter(|(of, _)| of == dnid).map(|(_, number)| *number).collect();
                prop_assert_eq!(dnids.numbers(*dnid).collect::<Vec<_>>(), expected);
            }
        }
    }
}
