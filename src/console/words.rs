//! Times, spans and states as a person reads them.

use maud::{Markup, html};

use crate::domain::history::End;
use crate::domain::refusal::Miss;
use crate::domain::{LentBy, NumberState, Seconds, Timestamp};

/// A point in time, to the second, in UTC.
pub(super) fn time(at: Timestamp) -> Markup {
    let text = at.to_string();
    html! { time datetime=(text) { (second(&text)) } }
}

/// The same as text: `2026-03-01 09:30:00`.
pub(super) fn plain_time(at: Timestamp) -> String {
    second(&at.to_string())
}

fn second(text: &str) -> String {
    text.split('.').next().unwrap_or(text).replacen('T', " ", 1)
}

/// A span in its two largest units: `2 min 5 s`.
pub(super) fn span(span: Seconds) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = span.get();
    let Some(first) = UNITS.iter().position(|(length, _)| left >= *length) else { return "0 s".to_owned() };
    let mut parts = Vec::new();
    for (length, name) in &UNITS[first..UNITS.len().min(first + 2)] {
        if left >= *length {
            parts.push(format!("{} {name}", left / length));
        }
        left %= length;
    }
    parts.join(" ")
}

/// So many of something: `1 number`, `2 numbers`.
pub(super) fn count(many: usize, one: &str) -> String {
    format!("{many} {one}{}", if many == 1 { "" } else { "s" })
}

/// What a number can be used for now.
pub(super) const fn state(state: NumberState) -> &'static str {
    match state {
        NumberState::Free => "free",
        NumberState::Allocated => "lent",
        NumberState::Cooling => "resting",
        NumberState::Reserved => "reserved",
        NumberState::Disabled => "disabled",
    }
}

/// All states in the order in which they are shown.
pub(super) const STATES: [NumberState; 5] =
    [NumberState::Free, NumberState::Allocated, NumberState::Cooling, NumberState::Reserved, NumberState::Disabled];

/// How an allocation ended.
pub(super) const fn end(end: End) -> &'static str {
    match end {
        End::Freed => "freed by somebody",
        End::Matched => "its call was recognised",
        End::Expired => "expired",
        End::MatchedLate => "expired, and its call was recognised late",
        End::InteractionDeleted => "its interaction was deleted",
    }
}

/// Why a call was not recognised.
pub(super) const fn miss(miss: Miss) -> &'static str {
    match miss {
        Miss::UnknownNumber => "no number of the pools",
        Miss::NotLent => "not lent",
        Miss::Expired => "too late",
        Miss::WrongCaller => "another caller",
        Miss::WrongCode => "wrong code",
    }
}

/// By which protocol a number was lent.
pub(super) const fn lent_by(origin: LentBy) -> &'static str {
    match origin {
        LentBy::Gms => "GMS",
        LentBy::Interact => "Interact",
        LentBy::Native => "own API",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_its_two_largest_units() {
        let spans = [0, 59, 60, 125, 3_600, 3_605, 11_100, 90_000, 200_000].map(|seconds| span(Seconds::new(seconds)));
        assert_eq!(spans, ["0 s", "59 s", "1 min", "2 min 5 s", "1 h", "1 h", "3 h 5 min", "1 d 1 h", "2 d 7 h"]);
    }

    #[test]
    fn a_time_is_told_to_the_second() {
        assert_eq!(plain_time(Timestamp::from_millis(1_700_000_000_250)), "2023-11-14 22:13:20");
    }
}
