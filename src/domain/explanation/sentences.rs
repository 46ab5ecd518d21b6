//! The explanation in sentences.

use super::*;

/// A point in time for people: to the second.
fn second(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

impl Sighting {
    /// What a match would have done, and the nearest reason.
    pub(super) fn sentence(&self, outcome: Outcome, near: &[Near]) -> String {
        let own = near.iter().find(|near| near.number).map(|near| near.sentence.as_str());
        let dialled = &self.call.dialled;
        match outcome {
            Outcome::Recognised => format!("The call is recognised: {}", own.unwrap_or_default()),
            Outcome::Ambiguous => format!(
                "Several allocations of {dialled} fit the call: a match of GMS takes the newest, resolving takes none"
            ),
            Outcome::Late => format!("The call is recognised only where late calls are: {}", own.unwrap_or_default()),
            Outcome::Missed(Miss::UnknownNumber) => {
                let gone = own.map(|own| format!("; it was one: {own}")).unwrap_or_default();
                format!("{dialled} is neither a number of the pools nor the DNID of one{gone}")
            }
            Outcome::Missed(_) => match own {
                Some(own) => format!("The call is not recognised: {own}"),
                None => self.never_lent(),
            },
        }
    }

    /// That nothing at all is known of the dialled number.
    fn never_lent(&self) -> String {
        let (dialled, at) = (&self.call.dialled, second(self.at));
        let state = match &self.numbers[..] {
            [only] if only.state == NumberState::Disabled => "; it is disabled now",
            [only] if only.state == NumberState::Reserved => "; it is kept back by the configuration",
            _ => "",
        };
        match self.history_from {
            None => format!("The call is not recognised: {dialled} was never lent before {at}{state}"),
            Some(from) => format!(
                "The call is not recognised: {dialled} was not lent between {} and {at}, and what was before is no \
                 longer known{state}",
                second(from)
            ),
        }
    }

    /// What one allocation has to do with the call.
    pub(super) fn sentence_of(&self, near: &Near) -> String {
        let allocation = &near.held.allocation;
        let mut parts = vec![self.lent(near)];
        if !near.number {
            parts.push(format!("the call was to {}", self.call.dialled));
        }
        let shared = allocation.code.is_none() && near.code == Fit::Wrong;
        parts.extend(match near.code {
            Fit::Right => Some("the code is right".to_owned()),
            Fit::Wrong if shared => Some("a code was given where none was expected".to_owned()),
            Fit::Wrong => Some("the caller gave another code".to_owned()),
            Fit::NotGiven => Some("it has a code, and the call came without one".to_owned()),
            Fit::NotTold => None,
        });
        let untold = allocation.caller.is_none() && near.caller == Fit::Wrong;
        parts.extend(match near.caller {
            Fit::Right => Some("the caller is the one who was expected".to_owned()),
            Fit::Wrong if untold => Some("no caller's number was told when it was lent".to_owned()),
            Fit::Wrong => Some("another caller was expected".to_owned()),
            Fit::NotGiven | Fit::NotTold => None,
        });
        if near.verdict == Verdict::OneOfSeveral {
            parts.push("others fit as well".to_owned());
        }
        parts.join("; ")
    }

    /// When the number was lent, seen from the call.
    fn lent(&self, near: &Near) -> String {
        let Allocation { number, interaction, since, deadline, .. } = &*near.held.allocation;
        let (at, apart) = (second(self.at), near.apart.get());
        let until = near.held.ended.map_or(*deadline, |(until, _)| until);
        let lent = format!("{number} was lent to {interaction}");
        match near.timing {
            Timing::Live => format!("{lent} from {} until {}", second(*since), second(until)),
            Timing::Early => format!("{lent} only at {}; the call came at {at}, {apart} s before", second(*since)),
            Timing::Ended => {
                let how = match near.held.ended {
                    Some((_, End::Matched)) => "its call was recognised",
                    Some((_, End::InteractionDeleted)) => "the interaction was deleted",
                    _ => "somebody freed it",
                };
                format!("{lent} until {}, when {how}; the call came at {at}, {apart} s after that", second(until))
            }
            Timing::Late | Timing::Expired => {
                let late = format!("{lent} until {}; the call came at {at}, {apart} s late", second(until));
                if near.number { format!("{late}; {}", self.rested(near, until)) } else { late }
            }
        }
    }

    /// Whether a late call was still expected.
    fn rested(&self, near: &Near, until: Timestamp) -> String {
        let rest = self.rest(near.held.allocation.number);
        let rested = second(until.after(rest));
        match near.held.ended {
            Some((_, End::MatchedLate)) => "a late call was recognised in its place".to_owned(),
            _ if rest == Seconds::new(0) => {
                "the group does not recognise late calls, since it has no cool_down".to_owned()
            }
            _ if near.timing == Timing::Expired && self.rests(near.held.allocation.number, until) => {
                format!("the number rests until {rested}, but its interaction has ended")
            }
            _ if near.timing == Timing::Late => format!("the number rests until {rested}"),
            _ => format!("the number rested until {rested}"),
        }
    }
}
