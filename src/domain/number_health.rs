//! Numbers with which something seems to be wrong: lent again and again and never dialled although others of their group
//! are, and dialled although nobody holds them.
//!
//! What is seen of them is kept in bounded memory and begins anew with every start: it is a hint for people, and no answer
//! to a caller depends on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::hash::FastMap;
use super::history::{End, Past};
use super::tables::FoundNumber;
use super::usage::Group;
use super::{Change, Number, Scope, Seconds, Sharing, Timestamp};

/// Most numbers of which it is known that their calls did not come.
const MOST_UNDIALLED: usize = 100_000;
/// Most groups of which it is known that a call came.
const MOST_GROUPS: usize = 10_000;
/// Most dialled numbers of a scope that nobody holds.
const MOST_STRAYS: usize = 1_000;
/// How long a call to a number that nobody holds is remembered.
const STRAYS_STAY: Seconds = Seconds::new(7 * 24 * 60 * 60);
/// How long after its last allocation a call to a number may still be one for that, told twice or late.
const AFTERMATH: Seconds = Seconds::new(15 * 60);

/// From when on something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// After how many allocations in a row that expired a number is suspect.
    pub suspect: u64,
    /// After how many calls a number that nobody holds is told.
    pub stray: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { suspect: 20, stray: 5 }
    }
}

/// A number that is lent and never dialled, although others of its group are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The number.
    pub number: Number,
    /// Its group, when it was lent last.
    pub group: Group,
    /// How many allocations have expired since its last call.
    pub expiries: u64,
    /// When the first of them did.
    pub since: Timestamp,
    /// When the last of them did.
    pub last: Timestamp,
}

/// A number that is dialled and that nobody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray {
    /// What was dialled.
    pub number: Number,
    /// Whether it is a number of the pools, or the DNID of one.
    pub known: bool,
    /// How many calls came.
    pub calls: u64,
    /// When the first of them did.
    pub since: Timestamp,
    /// When the last of them did.
    pub last: Timestamp,
}

/// The numbers of a scope with which something seems to be wrong, those that were seen most often first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberHealth {
    /// Those that are never dialled.
    pub suspects: Vec<Suspect>,
    /// Those that nobody holds.
    pub strays: Vec<Stray>,
}

/// What was seen since the start.
#[derive(Debug, Default)]
pub struct Sightings {
    undialled: FastMap<(Arc<Scope>, Number), Suspect>,
    /// When a call last came for a number of a group.
    dialled: FastMap<(Arc<Scope>, Group), Timestamp>,
    strays: FastMap<Arc<Scope>, BTreeMap<Number, Stray>>,
}

impl Sightings {
    /// Sees what has become of an allocation, or of a number.
    pub fn see(&mut self, change: &Change) {
        match change {
            Change::Ended(scope, past) if past.allocation.sharing == Sharing::Exclusive => self.ended(scope, past),
            Change::Number(scope, number, None) => drop(self.undialled.remove(&(Arc::clone(scope), *number))),
            _ => {}
        }
    }

    fn ended(&mut self, scope: &Arc<Scope>, past: &Past) {
        let key = (Arc::clone(scope), past.allocation.number);
        match past.end {
            End::Matched | End::MatchedLate => {
                self.undialled.remove(&key);
                let group = (Arc::clone(scope), past.group.clone());
                if self.dialled.len() < MOST_GROUPS || self.dialled.contains_key(&group) {
                    self.dialled.insert(group, past.until);
                }
            }
            End::Expired => {
                if self.undialled.len() >= MOST_UNDIALLED && !self.undialled.contains_key(&key) {
                    // Those that expired once mean least.
                    self.undialled.retain(|_, suspect| suspect.expiries > 1);
                    if self.undialled.len() >= MOST_UNDIALLED {
                        return;
                    }
                }
                let suspect = self.undialled.entry(key).or_insert_with(|| Suspect {
                    number: past.allocation.number,
                    group: past.group.clone(),
                    expiries: 0,
                    since: past.until,
                    last: past.until,
                });
                suspect.expiries += 1;
                suspect.last = past.until;
                suspect.group.clone_from(&past.group);
            }
            // Whether its call came is not known.
            End::Freed | End::InteractionDeleted => {}
        }
    }

    /// A call came to a number for which nobody was found; `found` is the number, if it is known.
    pub fn miss(&mut self, scope: &Arc<Scope>, number: Number, found: Option<&FoundNumber>, now: Timestamp) {
        let lent = found.is_some_and(|found| {
            let ended = found.ended.is_some_and(|ended| now < ended.after(AFTERMATH));
            found.allocation.is_some() || ended
        });
        if !lent {
            self.stray(scope, number, found.is_some(), now);
        }
    }

    fn stray(&mut self, scope: &Arc<Scope>, number: Number, known: bool, now: Timestamp) {
        let strays = self.strays.entry(Arc::clone(scope)).or_default();
        if strays.get(&number).is_some_and(|stray| stray.last.after(STRAYS_STAY) <= now) {
            strays.remove(&number);
        }
        if strays.len() >= MOST_STRAYS && !strays.contains_key(&number) {
            // What came least, and longest ago, makes room.
            let least = strays.values().min_by_key(|stray| (stray.calls, stray.last)).map(|stray| stray.number);
            least.and_then(|number| strays.remove(&number));
        }
        let stray = strays.entry(number).or_insert(Stray { number, known, calls: 0, since: now, last: now });
        stray.calls += 1;
        stray.known = known;
        stray.last = now;
    }

    /// What is wrong in a scope.
    pub fn of(&self, scope: &Scope, thresholds: &Thresholds, now: Timestamp) -> NumberHealth {
        let dialled = |suspect: &Suspect| {
            let group = self.dialled.iter().find(|((of, group), _)| **of == *scope && *group == suspect.group);
            group.is_some_and(|(_, at)| suspect.since <= *at)
        };
        let suspects = self
            .undialled
            .iter()
            .filter(|((of, _), suspect)| **of == *scope && suspect.expiries >= thresholds.suspect && dialled(suspect));
        let mut suspects: Vec<_> = suspects.map(|(_, suspect)| suspect.clone()).collect();
        suspects.sort_by_key(|suspect| (std::cmp::Reverse(suspect.expiries), suspect.number));
        let strays = self.strays.iter().filter(|(of, _)| ***of == *scope).flat_map(|(_, strays)| strays.values());
        let mut strays: Vec<_> = strays
            .filter(|stray| stray.calls >= thresholds.stray && now < stray.last.after(STRAYS_STAY))
            .copied()
            .collect();
        strays.sort_by_key(|stray| (std::cmp::Reverse(stray.calls), stray.number));
        NumberHealth { suspects, strays }
    }

    /// Every scope of which anything was seen.
    pub fn scopes(&self) -> Vec<Arc<Scope>> {
        let mut scopes: Vec<_> =
            self.undialled.keys().map(|(scope, _)| scope).chain(self.strays.keys()).cloned().collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::history::Bucket;
    use crate::domain::{Allocation, AllocationId, GroupName, InteractionId, LentBy, NumberId, NumberRecord, TenantId};

    fn scope(name: &str) -> Arc<Scope> {
        Arc::new(Scope { tenant: TenantId::new(name).unwrap(), environment: None })
    }

    fn number(at: usize) -> Number {
        Number::new(&at.to_string()).unwrap()
    }

    fn ended(sightings: &mut Sightings, at: usize, group: &str, end: End, until: u64) {
        let allocation = Allocation {
            id: AllocationId(until),
            number: number(at),
            interaction: InteractionId::new("i").unwrap(),
            code: None,
            caller: None,
            origin: LentBy::Gms,
            application: None,
            sharing: Sharing::Exclusive,
            since: Timestamp::from_millis(0),
            deadline: Timestamp::from_millis(until),
        };
        let (until, group) = (Timestamp::from_millis(until), GroupName::new(group).ok());
        let past = Past { bucket: Bucket::default(), count: 1, allocation: allocation.into(), group, until, end };
        sightings.see(&Change::Ended(scope("acme"), Arc::new(past)));
    }

    fn suspects(sightings: &Sightings) -> Vec<(Number, u64)> {
        let health = sightings.of(&scope("acme"), &Thresholds::default(), Timestamp::from_millis(40));
        health.suspects.iter().map(|suspect| (suspect.number, suspect.expiries)).collect()
    }

    #[test]
    fn a_number_is_suspect_that_is_never_dialled_where_others_are() {
        let mut sightings = Sightings::default();
        for at in 0..25 {
            ended(&mut sightings, 1, "g", End::Expired, at);
            ended(&mut sightings, 2, "g", if at == 10 { End::Matched } else { End::Expired }, at);
            ended(&mut sightings, 3, "quiet", End::Expired, at);
            ended(&mut sightings, 4, "g", End::Freed, at);
        }
        assert_eq!(suspects(&sightings), [(number(1), 25)], "nobody calls the numbers of the other group");
        ended(&mut sightings, 4, "quiet", End::MatchedLate, 30);
        assert_eq!(suspects(&sightings), [(number(1), 25), (number(3), 25)]);
        ended(&mut sightings, 1, "g", End::Matched, 31);
        assert_eq!(suspects(&sightings), [(number(3), 25)]);
        sightings.see(&Change::Number(scope("acme"), number(3), None));
        assert_eq!(suspects(&sightings), []);
        assert_eq!(
            sightings.of(&scope("other"), &Thresholds::default(), Timestamp::default()),
            NumberHealth::default()
        );
    }

    #[test]
    fn a_stray_is_told_after_some_calls_and_for_a_week_after_the_last() {
        let (mut sightings, acme) = (Sightings::default(), scope("acme"));
        for at in 0..5 {
            assert_eq!(sightings.of(&acme, &Thresholds::default(), Timestamp::from_millis(at)).strays, []);
            sightings.stray(&acme, number(7), at > 2, Timestamp::from_millis(at));
        }
        let (since, last) = (Timestamp::from_millis(0), Timestamp::from_millis(4));
        let stray = Stray { number: number(7), known: true, calls: 5, since, last };
        assert_eq!(sightings.of(&acme, &Thresholds::default(), last).strays, [stray]);
        assert_eq!(sightings.of(&acme, &Thresholds::default(), last.after(STRAYS_STAY)).strays, []);
        assert_eq!(sightings.scopes(), [acme]);
    }

    #[test]
    fn a_call_to_a_number_that_was_just_lent_is_none_that_strays() {
        let (mut sightings, acme) = (Sightings::default(), scope("acme"));
        let record = NumberRecord {
            id: NumberId(1),
            number: number(7),
            dnid: number(7),
            group: None,
            enabled: true,
            freed: None,
        };
        let ended = Timestamp::from_millis(1_000);
        let found = FoundNumber { record: Arc::new(record), allocation: None, ended: Some(ended) };
        let calls = |sightings: &Sightings| sightings.strays.get(&acme).map_or(0, |strays| strays[&number(7)].calls);
        sightings.miss(&acme, number(7), Some(&found), ended.after(Seconds::new(899)));
        assert_eq!(calls(&sightings), 0);
        sightings.miss(&acme, number(7), Some(&found), ended.after(AFTERMATH));
        sightings.miss(&acme, number(7), None, ended);
        assert_eq!(calls(&sightings), 2);
    }

    #[test]
    fn memory_is_bounded_and_what_was_seen_often_stays() {
        let (mut sightings, acme) = (Sightings::default(), scope("acme"));
        for at in 0..6 {
            ended(&mut sightings, 1, "g", End::Expired, at);
            sightings.stray(&acme, number(1), false, Timestamp::from_millis(at));
        }
        for at in 10..MOST_UNDIALLED + 1000 {
            ended(&mut sightings, at, "g", End::Expired, at as u64);
            if at < 5000 {
                sightings.stray(&acme, number(at), false, Timestamp::from_millis(at as u64));
            }
        }
        assert!(sightings.undialled.len() <= MOST_UNDIALLED && sightings.strays[&acme].len() <= MOST_STRAYS);
        assert_eq!(sightings.undialled[&(Arc::clone(&acme), number(1))].expiries, 6);
        assert_eq!(sightings.strays[&acme][&number(1)].calls, 6);
    }
}
