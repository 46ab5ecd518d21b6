//! Recognising calls.

use super::*;
use crate::domain::refusal::Miss;

/// A number lent to `a` with this code and caller, and the call that dials it.
fn call(code: Option<CodeShape>, caller: Option<&str>) -> (World, Criteria, Lent) {
    let mut world = World::with_numbers(&["1"]);
    let caller = caller.map(|caller| Caller::new(caller).unwrap());
    let lent = world.lend(Lend { code, caller, interaction_ttl: Seconds::new(900), ..lend_to("a") });
    (world, call_to("1"), lent)
}

fn matches(world: &mut World, criteria: &Criteria) -> Vec<Match> {
    world.turn().match_call(&scope(), criteria, Which::Newest, AfterMatch::Keep).unwrap()
}

#[test]
fn a_match_names_the_interaction_frees_the_number_and_lets_the_interaction_live() {
    let (mut world, criteria, lent) = call(None, None);
    let found = matches(&mut world, &criteria);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].allocation, lent.allocation);
    assert_eq!(found[0].interaction, lent.interaction);
    assert_eq!(found[0].document.as_ref().unwrap().id, lent.interaction.data);
    assert_eq!(world.holder("1"), None);
    assert!(world.interaction_lives("a"));
    let again = world.refused(|turn| turn.match_call(&scope(), &criteria, Which::All, AfterMatch::Keep));
    assert_eq!(again, Refusal::NoMatch(Miss::NotLent));
}

/// Every combination of what the allocation carries and what the call tells, for the code and the caller alike.
#[test]
fn a_criterion_restricts_only_where_both_the_call_and_the_allocation_have_a_value() {
    let carried = [false, true];
    let told = [None, Some(true), Some(false)];
    for (with_code, with_caller) in carried.into_iter().flat_map(|code| carried.map(|caller| (code, caller))) {
        for (code, caller) in told.into_iter().flat_map(|code| told.map(|caller| (code, caller))) {
            let (mut world, mut criteria, lent) =
                call(with_code.then_some(CodeShape::DEFAULT), with_caller.then_some("555123"));
            let right = lent.allocation.code.as_ref().map_or("4711", |code| code.as_str()).to_owned();
            criteria.code = code.map(|is_right| if is_right { right.clone() } else { format!("{right}0") });
            criteria.caller = caller.map(|is_right| Caller::new(if is_right { "555123" } else { "555999" }).unwrap());
            let fits = !(with_code && code == Some(false) || with_caller && caller == Some(false));
            let outcome = world.turn().match_call(&scope(), &criteria, Which::All, AfterMatch::Keep);
            assert_eq!(outcome.is_ok(), fits, "{with_code} {with_caller} {code:?} {caller:?}");
            assert_eq!(world.holder("1").is_none(), fits, "a call that does not match frees nothing");
        }
    }
}

#[test]
fn codes_compare_digit_by_digit() {
    let (mut world, mut criteria, lent) = call(digits(2), None);
    let code = lent.allocation.code.as_ref().unwrap().as_str().to_owned();
    for wrong in [format!("0{code}"), code[..1].to_owned(), String::new(), format!("{code} ")] {
        criteria.code = Some(wrong);
        let refusal = world.refused(|turn| turn.match_call(&scope(), &criteria, Which::Newest, AfterMatch::Keep));
        assert_eq!(refusal, Refusal::NoMatch(Miss::WrongCode));
    }
    criteria.code = Some(code);
    matches(&mut world, &criteria);
}

#[test]
fn a_call_is_recognised_by_the_whole_number_alone_and_in_its_own_scope() {
    let mut world = World::new();
    let new = NewNumber { dnid: num("77"), ..new_number("100", Some("g")) };
    world.turn().create_number(&scope(), new).unwrap();
    world.take("a");
    for unknown in ["77", "200"] {
        let refusal = world.refused(|turn| turn.match_call(&scope(), &call_to(unknown), Which::All, AfterMatch::Keep));
        assert_eq!(refusal, Refusal::NoMatch(Miss::UnknownNumber));
    }
    for other in other_scopes() {
        let refusal = world.refused(|turn| turn.match_call(&other, &call_to("100"), Which::All, AfterMatch::Keep));
        assert_eq!(refusal, Refusal::NoMatch(Miss::UnknownNumber));
    }
    matches(&mut world, &call_to("100"));
}

#[test]
fn nothing_matches_from_the_deadline_on() {
    let (mut world, criteria, _) = call(None, None);
    world.advance(300_000);
    assert_eq!(criteria.fitting(world.state.tables(), &scope(), world.now, 1), Err(Miss::Expired));
    let refusal = world.refused(|turn| turn.match_call(&scope(), &criteria, Which::Newest, AfterMatch::Keep));
    assert_eq!(refusal, Refusal::NoMatch(Miss::Expired));
}

#[test]
fn a_match_that_deletes_ends_the_interaction_with_all_its_numbers() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.lend(Lend { data: vec![text("k", "v")], ..lend_to("a") });
    world.take("a");
    let criteria = call_to("2");
    let found = world.turn().match_call(&scope(), &criteria, Which::Newest, AfterMatch::Delete).unwrap();
    let document = found[0].document.as_ref().unwrap();
    assert!(document.entries.contains_key("k"), "the document is given back as it was");
    assert!(!world.interaction_lives("a"));
    assert_eq!((world.holder("1"), world.holder("2")), (None, None));
    assert_eq!(world.state.tables().document(&scope(), &document.id.into(), world.now), None);
}

#[test]
fn a_document_kept_for_its_own_time_outlives_a_match_that_deletes() {
    let mut world = World::with_numbers(&["1"]);
    let data_ttl = Some(Seconds::new(30));
    let lent = world.lend(Lend { data: vec![text("k", "v")], data_ttl, ..lend_to("a") });
    let criteria = call_to("1");
    world.turn().match_call(&scope(), &criteria, Which::Newest, AfterMatch::Delete).unwrap();
    world.advance(29_999);
    assert!(world.state.tables().document(&scope(), &lent.interaction.data.into(), world.now).is_some());
    world.advance(1);
    assert!(world.state.tables().document(&scope(), &lent.interaction.data.into(), world.now).is_none());
}

/// Every way to miss, each told for what came closest to a match.
#[test]
fn a_miss_says_what_kept_the_call_from_matching() {
    let miss = |world: &mut World, criteria: &Criteria| {
        let fitting = criteria.fitting(world.state.tables(), &scope(), world.now, 1);
        let refusal = world.refused(|turn| turn.match_call(&scope(), criteria, Which::Newest, AfterMatch::Keep));
        assert_eq!(Refusal::NoMatch(fitting.unwrap_err()), refusal, "readers say the same");
        refusal.label()
    };
    let (mut world, criteria, lent) = call(digits(4), Some("555123"));
    assert_eq!(miss(&mut world, &call_to("9")), "unknown_number");
    let stranger = Criteria { caller: Some(Caller::new("555999").unwrap()), ..criteria.clone() };
    assert_eq!(miss(&mut world, &stranger), "wrong_caller");
    let code = lent.allocation.code.as_ref().unwrap().as_str().to_owned();
    assert_eq!(miss(&mut world, &Criteria { code: Some(code.clone()), ..stranger.clone() }), "wrong_caller");
    assert_eq!(miss(&mut world, &Criteria { code: Some(format!("{code}0")), ..stranger }), "wrong_code");
    world.advance(300_000);
    assert_eq!(miss(&mut world, &criteria), "expired");
    world.take("b");
    world.advance(1);
    world.free("1");
    assert_eq!(miss(&mut world, &criteria), "not_lent", "what expired was not the last to hold the number");
}
