//! Which number comes next: the policies of a group and the queue of its free numbers.
//!
//! Every step costs O(log n) or less, whatever the size of the pool.

use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::ops::Bound::{Excluded, Included, Unbounded};

use rand::{CryptoRng, RngExt};
use serde::{Deserialize, Serialize};

use super::{Number, Timestamp};
use crate::domain::hash::FastMap;

/// How the next number of a group is chosen among the free ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// In the order of the numbers, going on after the one lent last.
    #[default]
    RoundRobin,
    /// Any, each with the same chance.
    Random,
    /// The one that has been free for longest; those never lent come first.
    LeastRecentlyFreed,
}

/// The free numbers of one group, ready for its policy.
#[derive(Clone, Debug)]
pub struct FreeQueue(Order);

#[derive(Clone, Debug)]
enum Order {
    RoundRobin { free: BTreeSet<Number>, last: Option<Number> },
    Random { free: Vec<Number>, place: FastMap<Number, usize> },
    LeastRecentlyFreed { free: BTreeSet<(Timestamp, Number)>, since: FastMap<Number, Timestamp> },
}

impl FreeQueue {
    /// An empty queue of a group of which nothing was lent.
    pub fn new(policy: Policy) -> Self {
        Self(match policy {
            Policy::RoundRobin => Order::RoundRobin { free: BTreeSet::new(), last: None },
            Policy::Random => Order::Random { free: Vec::new(), place: FastMap::default() },
            Policy::LeastRecentlyFreed => {
                Order::LeastRecentlyFreed { free: BTreeSet::new(), since: FastMap::default() }
            }
        })
    }

    /// Goes on after this number, which was lent last.
    pub fn go_on_after(&mut self, number: Number) {
        if let Order::RoundRobin { last, .. } = &mut self.0 {
            *last = Some(number);
        }
    }

    /// How many numbers are free.
    pub fn len(&self) -> usize {
        match &self.0 {
            Order::RoundRobin { free, .. } => free.len(),
            Order::Random { free, .. } => free.len(),
            Order::LeastRecentlyFreed { free, .. } => free.len(),
        }
    }

    /// Whether no number is free.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a number in. `freed` is when it came back, the epoch if it was never lent.
    pub fn insert(&mut self, number: Number, freed: Timestamp) {
        match &mut self.0 {
            Order::RoundRobin { free, .. } => {
                free.insert(number);
            }
            Order::Random { free, place } => {
                if let Entry::Vacant(vacant) = place.entry(number) {
                    vacant.insert(free.len());
                    free.push(number);
                }
            }
            Order::LeastRecentlyFreed { free, since } => {
                if let Some(before) = since.insert(number, freed) {
                    free.remove(&(before, number));
                }
                free.insert((freed, number));
            }
        }
    }

    /// Puts numbers in, each with when it came back. Many of them take less room in this way than one after the other.
    pub fn insert_all(&mut self, numbers: impl IntoIterator<Item = (Number, Timestamp)>) {
        match &mut self.0 {
            Order::RoundRobin { free, .. } if free.is_empty() => {
                *free = numbers.into_iter().map(|(number, _)| number).collect();
            }
            _ => numbers.into_iter().for_each(|(number, freed)| self.insert(number, freed)),
        }
    }

    /// Takes a given number out, if it is in.
    pub fn remove(&mut self, number: Number) {
        match &mut self.0 {
            Order::RoundRobin { free, .. } => {
                free.remove(&number);
            }
            Order::Random { free, place } => remove_at(free, place, number),
            Order::LeastRecentlyFreed { free, since } => {
                if let Some(freed) = since.remove(&number) {
                    free.remove(&(freed, number));
                }
            }
        }
    }

    /// Takes the first number, in the order of the policy, of which `fits` makes something, and gives both. The numbers
    /// that do not fit stay as they are.
    pub fn take<T>(
        &mut self,
        rng: &mut dyn CryptoRng,
        mut fits: impl FnMut(Number, &mut dyn CryptoRng) -> Option<T>,
    ) -> Option<(Number, T)> {
        match &mut self.0 {
            Order::RoundRobin { free, last } => {
                let (after, until) =
                    last.map_or((Unbounded, Excluded(Number::MIN)), |last| (Excluded(last), Included(last)));
                let mut order = free.range((after, Unbounded)).chain(free.range((Unbounded, until)));
                let taken = order.find_map(|number| Some((*number, fits(*number, rng)?)))?;
                free.remove(&taken.0);
                *last = Some(taken.0);
                Some(taken)
            }
            Order::Random { free, place } => {
                for tried in 0..free.len() {
                    let drawn = rng.random_range(tried..free.len());
                    swap(free, place, tried, drawn);
                    let number = free[tried];
                    if let Some(made) = fits(number, rng) {
                        remove_at(free, place, number);
                        return Some((number, made));
                    }
                }
                None
            }
            Order::LeastRecentlyFreed { free, since } => {
                let taken = free.iter().find_map(|(freed, number)| Some((*freed, *number, fits(*number, rng)?)));
                let (freed, number, made) = taken?;
                free.remove(&(freed, number));
                since.remove(&number);
                Some((number, made))
            }
        }
    }
}

/// Lets two numbers of a vector whose places are known change places.
fn swap(free: &mut [Number], place: &mut FastMap<Number, usize>, one: usize, other: usize) {
    free.swap(one, other);
    place.insert(free[one], one);
    place.insert(free[other], other);
}

/// Takes `number` out of a vector whose places are known, by moving the last one into its place.
fn remove_at(free: &mut Vec<Number>, place: &mut FastMap<Number, usize>, number: Number) {
    if let Some(at) = place.remove(&number) {
        free.swap_remove(at);
        if let Some(moved) = free.get(at) {
            place.insert(*moved, at);
        }
    }
}

/// Queues are the same where the same numbers are free, each since the same time where that counts.
#[cfg(test)]
impl PartialEq for FreeQueue {
    fn eq(&self, other: &Self) -> bool {
        let free = |queue: &Self| match &queue.0 {
            Order::RoundRobin { free, .. } => free.iter().map(|number| (Timestamp::default(), *number)).collect(),
            Order::Random { free, .. } => free.iter().map(|number| (Timestamp::default(), *number)).collect(),
            Order::LeastRecentlyFreed { free, .. } => free.clone(),
        };
        let (one, other): (BTreeSet<_>, BTreeSet<_>) = (free(self), free(other));
        one == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn number(n: u64) -> Number {
        Number::new(&n.to_string()).unwrap()
    }

    fn queue(policy: Policy, numbers: impl IntoIterator<Item = u64>) -> FreeQueue {
        let mut queue = FreeQueue::new(policy);
        for n in numbers {
            queue.insert(number(n), Timestamp::default());
        }
        queue
    }

    fn next(queue: &mut FreeQueue, rng: &mut StdRng) -> Option<Number> {
        queue.take(rng, |_, _| Some(())).map(|(number, ())| number)
    }

    #[test]
    fn round_robin_goes_on_after_the_number_lent_last_even_if_earlier_ones_came_back() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut queue = queue(Policy::RoundRobin, 100..104);
        assert_eq!(next(&mut queue, &mut rng), Some(number(100)));
        queue.insert(number(100), Timestamp::from_millis(9));
        assert_eq!(next(&mut queue, &mut rng), Some(number(101)));
        assert_eq!(next(&mut queue, &mut rng), Some(number(102)));
        assert_eq!(next(&mut queue, &mut rng), Some(number(103)));
        assert_eq!(next(&mut queue, &mut rng), Some(number(100)));
        assert_eq!(next(&mut queue, &mut rng), None);
    }

    #[test]
    fn least_recently_freed_takes_never_lent_numbers_first_and_then_the_oldest() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut queue = FreeQueue::new(Policy::LeastRecentlyFreed);
        queue.insert(number(1), Timestamp::from_millis(30));
        queue.insert(number(2), Timestamp::from_millis(20));
        queue.insert(number(3), Timestamp::default());
        let taken: Vec<_> = std::iter::from_fn(|| next(&mut queue, &mut rng)).collect();
        assert_eq!(taken, [number(3), number(2), number(1)]);
    }

    #[test]
    fn a_number_that_does_not_fit_keeps_its_turn() {
        let mut rng = StdRng::seed_from_u64(1);
        for policy in [Policy::RoundRobin, Policy::LeastRecentlyFreed] {
            let mut queue = queue(policy, 100..104);
            let third = queue.take(&mut rng, |found, _| (found == number(102)).then_some("third"));
            assert_eq!(third, Some((number(102), "third")));
            let order: Vec<_> = std::iter::from_fn(|| next(&mut queue, &mut rng)).collect();
            let expected = if policy == Policy::RoundRobin { [103, 100, 101] } else { [100, 101, 103] };
            assert_eq!(order, expected.map(number));
        }
    }

    #[test]
    fn random_gives_every_number_a_chance() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut first = BTreeSet::new();
        for _ in 0..200 {
            first.insert(next(&mut queue(Policy::Random, 0..5), &mut rng).unwrap());
        }
        assert_eq!(first.len(), 5);
    }

    proptest! {
        #[test]
        fn a_queue_gives_back_what_was_put_in_and_not_removed_each_once(
            policy in prop_oneof![Just(Policy::RoundRobin), Just(Policy::Random), Just(Policy::LeastRecentlyFreed)],
            put in proptest::collection::btree_set(0u64..50, 0..30),
            removed in proptest::collection::btree_set(0u64..50, 0..30),
            seed: u64,
        ) {
            let mut queue = queue(policy, put.iter().copied());
            for n in &removed {
                queue.remove(number(*n));
            }
            let mut rng = StdRng::seed_from_u64(seed);
            let none = queue.take(&mut rng, |_, _| None::<()>);
            prop_assert_eq!(none, None, "nothing is taken that does not fit");
            let odd = |number: Number| number.to_string().ends_with(['1', '3', '5', '7', '9']);
            let fitting = |queue: &mut FreeQueue, rng: &mut StdRng| queue.take(rng, |number, _| odd(number).then_some(()));
            let mut taken: Vec<_> = std::iter::from_fn(|| fitting(&mut queue, &mut rng)).map(|(number, ())| number).collect();
            prop_assert!(taken.iter().all(|number| odd(*number)));
            taken.extend(std::iter::from_fn(|| next(&mut queue, &mut rng)).inspect(|number| assert!(!odd(*number))));
            prop_assert!(queue.is_empty());
            taken.sort();
            let mut expected: Vec<_> = put.difference(&removed).map(|n| number(*n)).collect();
            expected.sort();
            prop_assert_eq!(taken, expected);
        }
    }
}
