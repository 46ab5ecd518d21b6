//! What became of the call at each allocation, and which of them are nearest.

use std::cmp::Reverse;

use super::*;

/// What ended so shortly before the call is nearer than what ended earlier.
const SHORTLY: Seconds = Seconds::new(60 * 60);

impl Sighting {
    /// Judges the call by what runs and by what the history has of it. `cut` says that there was more of it than could be
    /// looked through.
    pub fn explain(mut self, past: Vec<Held>, cut: bool) -> Explanation {
        let mut held = std::mem::take(&mut self.running);
        // What ran by the tables may have ended since; it is told as it ran.
        held.extend(past);
        held.sort_by_key(|held| held.allocation.id);
        held.dedup_by_key(|held| held.allocation.id);
        let mut near: Vec<Near> = held.into_iter().map(|held| self.near(held)).collect();
        let outcome = self.outcome(&mut near);
        near.sort_by_cached_key(|near| (Reverse(self.nearness(near)), near.apart, Reverse(near.held.allocation.id)));
        let more = self.more || cut || near.len() > MAX_NEAR;
        near.truncate(MAX_NEAR);
        for near in &mut near {
            near.sentence = self.sentence_of(near);
        }
        let sentence = self.sentence(outcome, &near);
        let Self { at, called, numbers, history_from, .. } = self;
        Explanation { at, called, numbers, outcome, sentence, near, more, history_from }
    }

    /// An allocation with what fits of it; whether others fit as well is not known yet.
    fn near(&self, held: Held) -> Near {
        let allocation = &held.allocation;
        let criteria = self.call.criteria(allocation.number);
        let (code, caller) = (criteria.code_of(allocation), criteria.caller_of(allocation));
        let number = self.is_dialled(allocation.number);
        let (timing, apart) = self.timing(&held);
        let verdict = match timing {
            _ if !number => Verdict::OtherNumber,
            Timing::Early => Verdict::TooEarly,
            Timing::Ended => Verdict::Ended,
            Timing::Live | Timing::Late | Timing::Expired if code == Fit::Wrong => Verdict::WrongCode,
            Timing::Live | Timing::Late | Timing::Expired if caller == Fit::Wrong => Verdict::WrongCaller,
            Timing::Live => Verdict::Recognised,
            Timing::Late => Verdict::RecognisedLate,
            Timing::Expired => Verdict::TooLate,
        };
        Near { held, number, code, caller, timing, apart, verdict, sentence: String::new() }
    }

    fn is_dialled(&self, number: Number) -> bool {
        match self.numbers.is_empty() {
            true => self.number == Some(number),
            false => self.numbers.iter().any(|dialable| dialable.found.record.number == number),
        }
    }

    fn timing(&self, held: &Held) -> (Timing, Seconds) {
        let Held { allocation, ended, .. } = held;
        if self.at < allocation.since {
            return (Timing::Early, allocation.since.seconds_to_wait(self.at));
        }
        match ended {
            Some((until, end)) if *until <= self.at => {
                let timing = match end {
                    End::Expired if self.rests(allocation.number, *until) && self.waits(allocation.id) => Timing::Late,
                    End::Expired | End::MatchedLate => Timing::Expired,
                    End::Freed | End::Matched | End::InteractionDeleted => Timing::Ended,
                };
                (timing, self.at.seconds_since(*until))
            }
            _ => (Timing::Live, Seconds::new(0)),
        }
    }

    /// Whether a number that came back at a time rested when the call came.
    pub(super) fn rests(&self, number: Number, until: Timestamp) -> bool {
        self.at < until.after(self.rest(number))
    }

    /// Whether an allocation that has expired waits for a late call while its number rests: as long as its interaction lives.
    fn waits(&self, id: AllocationId) -> bool {
        !self.is_now || self.waiting.contains(&id)
    }

    /// How long a dialled number rests; another one is not asked about.
    pub(super) fn rest(&self, number: Number) -> Seconds {
        let own = self.numbers.iter().find(|dialable| dialable.found.record.number == number);
        own.map(|dialable| dialable.rest).unwrap_or_default()
    }

    /// What a match would have done; where several allocations fit, each is told that it is one of them.
    fn outcome(&self, near: &mut [Near]) -> Outcome {
        let fitting = near.iter().filter(|near| near.verdict == Verdict::Recognised).count();
        if fitting > 1 {
            let fitting = near.iter_mut().filter(|near| near.verdict == Verdict::Recognised);
            fitting.for_each(|near| near.verdict = Verdict::OneOfSeveral);
        }
        // Of those that a late call finds only the newest counts, and none where another one is lent and fits.
        let late = near.iter().filter(|near| near.verdict == Verdict::RecognisedLate);
        let newest = late.map(|near| near.held.allocation.id).max().filter(|_| fitting == 0);
        for near in near.iter_mut().filter(|near| near.verdict == Verdict::RecognisedLate) {
            if Some(near.held.allocation.id) != newest {
                near.verdict = Verdict::TooLate;
            }
        }
        match (fitting, newest) {
            (0, None) => Outcome::Missed(self.miss(near)),
            (0, Some(_)) => Outcome::Late,
            (1, _) => Outcome::Recognised,
            _ => Outcome::Ambiguous,
        }
    }

    /// How a call missed that nothing fits: of what was in the way, what came closest to a match.
    fn miss(&self, near: &[Near]) -> Miss {
        let own = || near.iter().filter(|near| near.number);
        let live = || own().filter(|near| near.timing == Timing::Live);
        if self.numbers.is_empty() && live().next().is_none() {
            return Miss::UnknownNumber;
        }
        let has_another = |near: &Near| near.code == Fit::Wrong && near.held.allocation.code.is_some();
        if live().any(has_another) && !live().any(|near| near.code == Fit::Right) {
            return Miss::WrongCode;
        }
        if live().next().is_some() {
            return if self.call.caller.is_some() { Miss::WrongCaller } else { Miss::NotLent };
        }
        let last =
            own().filter(|near| near.timing != Timing::Early).max_by_key(|near| near.held.ended.map(|(at, _)| at));
        match last {
            Some(last) if matches!(last.timing, Timing::Late | Timing::Expired) => Miss::Expired,
            _ => Miss::NotLent,
        }
    }

    /// How near an allocation is: what was recognised before everything else, then by how much of it is the call's.
    fn nearness(&self, near: &Near) -> u32 {
        let recognised = matches!(near.verdict, Verdict::Recognised | Verdict::OneOfSeveral | Verdict::RecognisedLate);
        let shortly = near.timing != Timing::Early && near.apart <= SHORTLY;
        let [recognised, number, caller, live, code, shortly] = [
            recognised,
            near.number,
            near.caller == Fit::Right,
            near.timing == Timing::Live,
            near.code == Fit::Right,
            shortly,
        ]
        .map(u32::from);
        100 * recognised + 2 * (number + caller + live) + code + shortly
    }
}
