//! Explaining calls: every reason for which a call is not recognised, at the time when it came.

use rand::RngExt;

use super::*;
use crate::domain::explanation::{Called, Explanation, MAX_NEAR, Near, Outcome, Timing, Verdict};
use crate::domain::history::Held;
use crate::domain::refusal::Miss;
use crate::domain::state::Fit;
use crate::domain::{Dialled, Explain, NumberState, Resolve, Sharing};

/// A world, and what its history has.
struct Remembering {
    world: World,
    past: Vec<Held>,
}

fn call(dialled: &str) -> Explain {
    Explain { dialled: Dialled::new(dialled).unwrap(), code: None, caller: None, at: None }
}

fn caller(text: &str) -> Option<Caller> {
    Some(Caller::new(text).unwrap())
}

impl Remembering {
    fn with(rules: GroupRules, numbers: &[&str]) -> Self {
        let mut world = World::with(group_rules("g", rules));
        for number in numbers {
            world.create(number, Some("g"));
        }
        Self { world, past: Vec::new() }
    }

    fn explain(&mut self, call: &Explain) -> Explanation {
        self.world.turn();
        self.past.extend(self.world.state.take_changes().iter().filter_map(|change| match change {
            Change::Ended(_, past) => Some(Held::from(&**past)),
            _ => None,
        }));
        let (state, now) = (&self.world.state, self.world.now);
        let before = state.tables().clone();
        let sighting = call.look(state.tables(), state.rules(), &scope(), now);
        let asked: Vec<_> =
            sighting.queries().into_iter().map(|(query, _)| (query.number, query.to.unwrap())).collect();
        let wanted = |held: &&Held| {
            let own = asked.iter().any(|(number, to)| held.allocation.number == *number && held.allocation.since < *to);
            own || sighting.concerns(&held.allocation)
        };
        let past = self.past.iter().filter(wanted).cloned().collect();
        let told = sighting.explain(past, false);
        assert!(*state.tables() == before, "nothing has changed");
        told
    }
}

fn missed(told: &Explanation) -> Miss {
    match told.outcome {
        Outcome::Missed(miss) => miss,
        other => panic!("not {other:?}: {told:?}"),
    }
}

fn only(told: &Explanation) -> &Near {
    let [near] = &told.near[..] else { panic!("one is near, not {:?}", told.near) };
    near
}

#[test]
fn a_call_that_comes_too_late_is_told_by_how_much() {
    let mut seen = Remembering::with(GroupRules::default(), &["1"]);
    seen.world.take("a");
    seen.world.advance(316_000);
    let told = seen.explain(&call("1"));
    let near = only(&told);
    assert_eq!((missed(&told), near.timing, near.verdict), (Miss::Expired, Timing::Expired, Verdict::TooLate));
    assert_eq!(near.apart, Seconds::new(16));
    let why = "1 was lent to a until 1970-01-01T00:21:40Z; the call came at 1970-01-01T00:21:56Z, 16 s late; the group does \
               not recognise late calls, since it has no cool_down";
    assert_eq!(near.sentence, why);
    assert_eq!(told.sentence, format!("The call is not recognised: {why}"));
}

#[test]
fn while_the_number_rests_a_late_call_is_recognised_where_late_calls_are() {
    let mut seen = Remembering::with(GroupRules { cool_down: Seconds::new(60), ..GroupRules::default() }, &["1"]);
    seen.world.lend(Lend { interaction_ttl: Seconds::new(9_000), ..lend_to("a") });
    seen.world.advance(316_000);
    let told = seen.explain(&call("1"));
    assert_eq!((told.outcome, only(&told).verdict), (Outcome::Late, Verdict::RecognisedLate));
    assert_eq!(told.numbers[0].state, NumberState::Cooling);
    assert!(told.sentence.ends_with("16 s late; the number rests until 1970-01-01T00:22:40Z"), "{}", told.sentence);
    let ended = seen.world.turn().delete_interaction(&scope(), &interaction("a"));
    assert_eq!(ended, Ok(()));
    let told = seen.explain(&call("1"));
    assert_eq!((missed(&told), only(&told).verdict), (Miss::Expired, Verdict::TooLate));
    assert!(told.sentence.ends_with("until 1970-01-01T00:22:40Z, but its interaction has ended"), "{}", told.sentence);
    seen.world.advance(45_000);
    let told = seen.explain(&call("1"));
    assert_eq!((missed(&told), only(&told).verdict), (Miss::Expired, Verdict::TooLate));
    assert!(told.sentence.ends_with("61 s late; the number rested until 1970-01-01T00:22:40Z"), "{}", told.sentence);
}

#[test]
fn a_wrong_code_and_another_caller_are_told_apart() {
    let mut seen = Remembering::with(GroupRules { sharing: Sharing::Shared, ..GroupRules::default() }, &["1"]);
    let lent = seen.world.lend(Lend { code: digits(4), caller: caller("555"), ..lend_to("a") });
    let code = lent.allocation.code.as_ref().unwrap().as_str().to_owned();
    let wrong = if code == "0000" { "1111" } else { "0000" };

    let told = seen.explain(&Explain { code: Some(wrong.into()), caller: caller("555"), ..call("1") });
    let near = only(&told);
    assert_eq!((missed(&told), near.verdict), (Miss::WrongCode, Verdict::WrongCode));
    assert_eq!((near.code, near.caller, near.timing), (Fit::Wrong, Fit::Right, Timing::Live));
    assert!(told.sentence.contains("another code; the caller is the one who was expected"), "{}", told.sentence);
    assert!(!told.sentence.contains(&code), "a sentence tells no code");

    let told = seen.explain(&Explain { code: Some(code.clone()), caller: caller("777"), ..call("1") });
    assert_eq!((missed(&told), only(&told).verdict), (Miss::WrongCaller, Verdict::WrongCaller));
    let told = seen.explain(&Explain { code: Some(code), ..call("1") });
    assert_eq!((told.outcome, only(&told).verdict), (Outcome::Recognised, Verdict::Recognised));
    let told = seen.explain(&call("1"));
    assert_eq!((told.outcome, only(&told).code), (Outcome::Recognised, Fit::NotGiven));
}

#[test]
fn what_fits_beside_others_is_told_to_be_one_of_several() {
    let mut seen = Remembering::with(GroupRules { sharing: Sharing::Shared, ..GroupRules::default() }, &["1"]);
    for holder in ["a", "b"] {
        seen.world.take(holder);
    }
    let told = seen.explain(&call("1"));
    assert_eq!(told.outcome, Outcome::Ambiguous);
    let holders: Vec<_> =
        told.near.iter().map(|near| (near.held.allocation.interaction.as_str(), near.verdict)).collect();
    assert_eq!(holders, [("b", Verdict::OneOfSeveral), ("a", Verdict::OneOfSeveral)]);
}

#[test]
fn a_number_that_was_never_lent_and_one_that_is_none_are_told_apart() {
    let mut seen = Remembering::with(GroupRules::default(), &["1", "2"]);
    seen.world.update("2", NumberPatch { enabled: Some(false), ..NumberPatch::default() });
    let told = seen.explain(&call("1"));
    assert_eq!((missed(&told), told.called, told.near.len()), (Miss::NotLent, Called::Number, 0));
    assert_eq!(told.sentence, "The call is not recognised: 1 was never lent before 1970-01-01T00:16:40Z");
    let told = seen.explain(&call("2"));
    assert!(told.sentence.ends_with("; it is disabled now"), "{}", told.sentence);
    let told = seen.explain(&call("3"));
    assert_eq!((missed(&told), told.called), (Miss::UnknownNumber, Called::Nothing));
    assert_eq!(told.sentence, "3 is neither a number of the pools nor the DNID of one");
}

#[test]
fn a_number_that_was_deleted_is_still_known_by_what_it_was_lent_for() {
    let mut seen = Remembering::with(GroupRules::default(), &["1"]);
    seen.world.take("a");
    seen.world.free("1");
    seen.world.turn().delete_number(&scope(), num("1")).unwrap();
    let told = seen.explain(&call("1"));
    assert_eq!((missed(&told), only(&told).verdict), (Miss::UnknownNumber, Verdict::Ended));
    assert!(told.sentence.contains("it was one: 1 was lent to a until"), "{}", told.sentence);
}

#[test]
fn a_call_of_the_past_is_judged_by_what_was_lent_then() {
    let mut seen = Remembering::with(GroupRules::default(), &["1"]);
    let begun = seen.world.now;
    seen.world.advance(10_000);
    seen.world.take("a");
    seen.world.advance(100_000);
    seen.world.free("1");
    seen.world.advance(7_000);
    let mut at = |seconds: u64| seen.explain(&Explain { at: Some(begun.after(Seconds::new(seconds))), ..call("1") });

    let early = at(9);
    assert_eq!((missed(&early), only(&early).verdict), (Miss::NotLent, Verdict::TooEarly));
    assert!(early.sentence.ends_with(", 1 s before"), "{}", early.sentence);
    let live = at(109);
    assert_eq!((live.outcome, only(&live).verdict), (Outcome::Recognised, Verdict::Recognised));
    let freed = at(117);
    assert_eq!((missed(&freed), only(&freed).verdict), (Miss::NotLent, Verdict::Ended));
    assert!(freed.sentence.contains("when somebody freed it; the call came at"), "{}", freed.sentence);
    assert_eq!(only(&freed).apart, Seconds::new(7));
}

#[test]
fn a_dnid_stands_for_all_its_numbers_and_a_match_that_came_before_is_told() {
    let mut seen = Remembering::with(GroupRules::default(), &[]);
    for number in ["4930100", "4931100"] {
        let new = NewNumber { dnid: num("100"), ..new_number(number, Some("g")) };
        seen.world.turn().create_number(&scope(), new).unwrap();
    }
    let number = seen.world.take("a");
    let call = call("100");
    let told = seen.explain(&call);
    assert_eq!((told.called, told.numbers.len(), told.outcome), (Called::Dnid, 2, Outcome::Recognised));
    seen.world.turn().match_call(&scope(), &call_to(&number), Which::Newest, AfterMatch::Keep).unwrap();
    let told = seen.explain(&call);
    assert_eq!((missed(&told), only(&told).verdict), (Miss::NotLent, Verdict::Ended));
    assert!(told.sentence.contains("when its call was recognised"), "{}", told.sentence);
}

#[test]
fn who_was_expected_at_another_number_is_found_by_caller_and_code_and_no_more_than_twenty_are_told() {
    let numbers: Vec<_> = (100..130).map(|number| number.to_string()).collect();
    let numbers: Vec<_> = numbers.iter().map(String::as_str).collect();
    let mut seen = Remembering::with(GroupRules::default(), &numbers);
    let lent = seen.world.lend(Lend { caller: caller("555"), ..lend_to("a") }).allocation;
    assert_eq!(lent.number, num("100"));
    let told = seen.explain(&Explain { caller: caller("555"), ..call("101") });
    let near = only(&told);
    assert_eq!((missed(&told), near.verdict, near.number), (Miss::NotLent, Verdict::OtherNumber, false));
    assert!(near.sentence.contains("the call was to 101; the caller is the one who was expected"), "{}", near.sentence);
    for _ in 0..25 {
        seen.world.lend(Lend { caller: caller("555"), ..lend_to("a") });
    }
    let told = seen.explain(&Explain { caller: caller("555"), ..call("100") });
    assert_eq!((told.near.len(), told.more), (MAX_NEAR, true));
    assert_eq!(told.near[0].held.allocation.id, lent.id, "what is recognised comes first");
}

#[test]
fn nothing_of_another_scope_is_near() {
    let mut seen = Remembering::with(GroupRules::default(), &["2"]);
    for other in other_scopes() {
        seen.world.turn().create_number(&other, new_number("1", Some("g"))).unwrap();
        seen.world.turn().lend(&other, Lend { caller: caller("555"), ..lend_to("a") }).unwrap();
    }
    seen.past.clear();
    let told = seen.explain(&Explain { caller: caller("555"), ..call("1") });
    assert_eq!((missed(&told), told.near.len(), told.numbers.len()), (Miss::UnknownNumber, 0, 0));
}

/// A look that resolves and an explanation of the same moment must agree, whatever has happened before.
#[test]
fn an_explanation_of_now_agrees_with_what_resolving_finds() {
    let mut found = [0; 4];
    for seed in 0..300 {
        let mut rng = StdRng::seed_from_u64(seed);
        let sharing = if rng.random() { Sharing::Shared } else { Sharing::Exclusive };
        let cool_down = Seconds::new(if rng.random() { 60 } else { 0 });
        let rules = GroupRules { sharing, cool_down, ..GroupRules::default() };
        let mut seen = Remembering::with(rules, &["1", "2"]);
        let (callers, mut codes) = (["555", "777"], vec!["x".to_owned()]);
        for _ in 0..rng.random_range(0..12) {
            match rng.random_range(0..4) {
                0 => drop(seen.world.turn().free(&scope(), num("1"))),
                1 => seen.world.advance(rng.random_range(0..200_000)),
                _ => {
                    let code = if rng.random() { digits(4) } else { None };
                    let caller = if rng.random() { caller(callers[rng.random_range(0..2)]) } else { None };
                    let interaction_ttl = Seconds::new([0, 9_000][rng.random_range(0..2)]);
                    let lend = Lend { code, caller, interaction_ttl, ..lend_to(["a", "b"][rng.random_range(0..2)]) };
                    if let Ok(lent) = seen.world.turn().lend(&scope(), lend) {
                        codes.extend(lent.allocation.code.as_ref().map(|code| code.as_str().to_owned()));
                    }
                }
            }
        }
        for dialled in ["1", "2", "3"] {
            let code = if rng.random() { Some(codes[rng.random_range(0..codes.len())].clone()) } else { None };
            let caller = if rng.random() { caller(callers[rng.random_range(0..2)]) } else { None };
            let call = Explain { code, caller, ..call(dialled) };
            let told = seen.explain(&call);
            let Explain { dialled, code, caller, .. } = call;
            let resolve = Resolve { dialled, code, caller };
            let (state, now) = (&seen.world.state, seen.world.now);
            let resolved = resolve.look(state.tables(), state.rules(), &scope(), now);
            let (expected, kind) = match &resolved.candidates[..] {
                [] => (None, 0),
                [only] if only.late => (Some(Outcome::Late), 1),
                [_] => (Some(Outcome::Recognised), 2),
                _ => (Some(Outcome::Ambiguous), 3),
            };
            match expected {
                Some(expected) => {
                    assert_eq!(told.outcome, expected, "seed {seed}: {resolve:?} {told:?}");
                    assert_eq!(told.near[0].held.allocation.id, resolved.candidates[0].allocation.id, "seed {seed}");
                }
                None => drop(missed(&told)),
            }
            found[kind] += 1;
        }
    }
    assert!(found.iter().all(|count| *count > 0), "every outcome was met: {found:?}");
}
