//! Resolving calls: whose it is, what speaks for it, where it goes, and when taking it frees the number.

use super::*;
use crate::domain::refusal::Miss;
use crate::domain::state::Taken;
use crate::domain::{
    CallCenter, Dialled, Evidence, Flow, FlowId, Hotline, NewRoute, Overdial, Resolution, Resolve, Sharing,
};

fn dial(text: &str) -> Resolve {
    Resolve { dialled: Dialled::new(text).unwrap(), code: None, caller: None }
}

fn caller(text: &str) -> Option<Caller> {
    Some(Caller::new(text).unwrap())
}

impl World {
    fn resolve(&self, call: &Resolve) -> Resolution {
        call.look(self.state.tables(), self.state.rules(), &scope(), self.now)
    }

    fn take_call(&mut self, call: &Resolve) -> Taken {
        self.turn().take_call(&scope(), call)
    }
}

/// Who the candidates are, in their order.
fn holders(resolution: &Resolution) -> Vec<&str> {
    resolution.candidates.iter().map(|candidate| candidate.interaction.id.as_str()).collect()
}

/// A world with the numbers in a shared group `g`.
fn shared(numbers: &[&str]) -> World {
    let mut world = World::with(group_rules("g", GroupRules { sharing: Sharing::Shared, ..GroupRules::default() }));
    for number in numbers {
        world.create(number, Some("g"));
    }
    world
}

/// A world where the hotline 100 leads to a flow.
fn routed(overdial: Overdial) -> World {
    let hotline = Hotline {
        id: 1,
        media: crate::domain::MediaType::VoiceAndVideo,
        service_number: None,
        description: None,
        direction: crate::domain::call_center::Direction::Both,
    };
    let flow = Flow {
        code: "T12".into(),
        description: "menu".into(),
        loaded: true,
        max_calls: 1,
        file: "m.vxml".into(),
        kind: 4,
    };
    let center = CallCenter {
        hotlines: [("100".parse().unwrap(), hotline)].into(),
        flows: [(FlowId(12), flow)].into(),
        overdial,
        ..CallCenter::default()
    };
    let mut world =
        World::with(Rules { call_centers: [(scope().tenant, Arc::new(center))].into(), ..Rules::default() });
    let new = NewRoute {
        hotline: "100".parse().unwrap(),
        extension: None,
        media: None,
        destination: crate::domain::Destination::Flow(FlowId(12)),
    };
    world.turn().create_route(&scope(), new).unwrap();
    world
}

#[test]
fn a_look_tells_whose_call_it_is_with_the_data_and_changes_nothing() {
    let mut world = World::with_numbers(&["1"]);
    let lent = world.lend(Lend { data: vec![text("k", "v")], ..lend_to("a") });
    let before = world.state.tables().clone();
    let found = world.resolve(&dial("1"));
    let candidate = found.certain().unwrap();
    assert_eq!((&candidate.allocation, &candidate.interaction), (&lent.allocation, &lent.interaction));
    assert_eq!(candidate.document.as_ref().unwrap().entries.len(), 1);
    assert_eq!((candidate.evidence, candidate.late), (Evidence::Number, false));
    assert_eq!((found.number, found.miss, &found.route), (Some(num("1")), None, &None));
    assert!(*world.state.tables() == before);
}

#[test]
fn code_and_caller_speak_for_a_candidate_only_where_both_sides_have_them() {
    for (code, by) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut world = World::with_numbers(&["1"]);
        let lent = world.lend(Lend { code: digits(4), caller: caller("555"), ..lend_to("a") });
        let given = lent.allocation.code.as_ref().unwrap().as_str().to_owned();
        let call = Resolve { code: code.then_some(given), caller: caller("555").filter(|_| by), ..dial("1") };
        let evidence = match (code, by) {
            (false, false) => Evidence::Number,
            (false, true) => Evidence::Caller,
            (true, false) => Evidence::Code,
            (true, true) => Evidence::CodeAndCaller,
        };
        assert_eq!(world.resolve(&call).certain().unwrap().evidence, evidence);
    }
    let mut world = World::with_numbers(&["1"]);
    world.take("a");
    let told = Resolve { code: Some("1234".into()), caller: caller("555"), ..dial("1") };
    assert_eq!(world.resolve(&told).certain().unwrap().evidence, Evidence::Number);
}

#[test]
fn a_wrong_code_finds_nobody_and_is_told_apart_from_a_number_that_is_not_lent() {
    let mut world = World::with_numbers(&["1", "2"]);
    let lent = world.lend(Lend { code: digits(4), ..lend_to("a") });
    let number = lent.allocation.number.to_string();
    let wrong = Resolve { code: Some("x".into()), ..dial(&number) };
    let found = world.resolve(&wrong);
    assert_eq!((found.is_empty(), found.miss), (true, Some(Miss::WrongCode)));
    assert!(!world.take_call(&wrong).freed);
    assert_eq!(world.holder(&number).as_deref(), Some("a"));
    let free = if number == "1" { "2" } else { "1" };
    assert_eq!(world.resolve(&dial(free)).miss, Some(Miss::NotLent));
    let unknown = world.resolve(&dial("3"));
    assert_eq!((unknown.number, unknown.miss), (None, Some(Miss::UnknownNumber)));
}

#[test]
fn taking_a_call_frees_the_number_once_and_the_interaction_lives_on() {
    let mut world = World::with_numbers(&["1"]);
    world.lend(Lend { interaction_ttl: Seconds::new(900), ..lend_to("a") });
    let taken = world.take_call(&dial("1"));
    assert_eq!((taken.freed, holders(&taken.resolution)), (true, vec!["a"]));
    assert_eq!(world.holder("1"), None);
    assert!(world.interaction_lives("a"));
    assert!(world.take_call(&dial("1")).resolution.is_empty());
}

#[test]
fn where_several_fit_all_are_told_newest_first_and_nobody_loses_the_number() {
    let mut world = shared(&["1"]);
    for holder in ["a", "b", "c"] {
        world.lend(Lend { caller: caller(holder), ..lend_to(holder) });
    }
    let taken = world.take_call(&dial("1"));
    assert!(!taken.freed);
    assert_eq!(holders(&taken.resolution), ["c", "b", "a"]);
    let taken = world.take_call(&Resolve { caller: caller("b"), ..dial("1") });
    assert_eq!((taken.freed, holders(&taken.resolution)), (true, vec!["b"]));
    assert_eq!(holders(&world.resolve(&dial("1"))), ["c", "a"]);
}

#[test]
fn a_hundred_candidates_are_told_and_that_there_are_more() {
    let mut world = shared(&["1"]);
    for holder in 0..101 {
        assert!(!world.resolve(&dial("1")).more);
        world.take(&format!("h{holder}"));
    }
    let found = world.resolve(&dial("1"));
    assert_eq!((found.candidates.len(), found.more), (100, true));
    assert_eq!(holders(&found)[..2], ["h100", "h99"]);
}

#[test]
fn a_dnid_stands_for_every_allocated_number_that_has_it() {
    let mut world = World::new();
    for number in ["11", "21", "31"] {
        world.turn().create_number(&scope(), NewNumber { dnid: num("1"), ..new_number(number, Some("g")) }).unwrap();
    }
    assert_eq!(world.resolve(&dial("1")).number, Some(num("1")), "a DNID that nobody holds is known");
    world.lend(Lend { caller: caller("555"), ..lend_to("a") });
    assert_eq!(holders(&world.resolve(&dial("1"))), ["a"]);
    world.lend(Lend { caller: caller("666"), ..lend_to("b") });
    assert_eq!(holders(&world.resolve(&dial("1"))), ["b", "a"]);
    assert_eq!(holders(&world.resolve(&Resolve { caller: caller("555"), ..dial("1") })), ["a"]);
    assert_eq!(holders(&world.resolve(&dial("11"))).len(), 1, "whole digits tell it alone");
}

#[test]
fn a_late_call_is_recognised_while_the_number_rests_and_only_if_no_live_one_fits() {
    let rest = GroupRules { cool_down: Seconds::new(10), ..GroupRules::default() };
    let mut world = World::with(group_rules("g", rest));
    world.create("1", Some("g"));
    world.lend(Lend { interaction_ttl: Seconds::new(9_000), ..lend_to("a") });
    world.advance(300_000);
    let found = world.resolve(&dial("1"));
    assert!(found.certain().unwrap().late);
    world.advance(9_999);
    assert!(world.take_call(&dial("1")).freed);
    assert!(world.resolve(&dial("1")).is_empty());
}

#[test]
fn readers_judge_a_rest_by_the_clock_whether_or_not_anything_was_swept() {
    let mut world = World::with_numbers(&["1"]);
    world.lend(Lend { interaction_ttl: Seconds::new(9_000), ..lend_to("a") });
    world.advance(300_000);
    assert!(world.resolve(&dial("1")).is_empty(), "without a rest nobody is late");
    let rest = GroupRules { cool_down: Seconds::new(10), ..GroupRules::default() };
    let mut world = World::with(group_rules("g", rest));
    world.create("1", Some("g"));
    world.lend(Lend { interaction_ttl: Seconds::new(9_000), ..lend_to("a") });
    world.advance(310_000);
    assert!(world.resolve(&dial("1")).is_empty(), "the rest is over");
}

#[test]
fn the_route_is_told_with_or_without_a_holder() {
    let mut world = routed(Overdial::Refused);
    let found = world.resolve(&dial("100"));
    assert!(found.candidates.is_empty() && found.route.is_some());
    assert!(!found.is_empty());
    world.create("100", Some("g"));
    world.take("a");
    let found = world.resolve(&dial("100"));
    assert_eq!(holders(&found), ["a"]);
    assert!(found.route.is_some());
    assert!(world.resolve(&dial("1002")).is_empty(), "digits too many are refused here");
}

#[test]
fn digits_behind_a_hotline_find_what_is_lent_under_the_hotline() {
    let mut world = routed(Overdial::Allowed);
    world.create("100", Some("g"));
    world.take("a");
    let long = format!("100{}", "7".repeat(40));
    let taken = world.take_call(&dial(&long));
    assert_eq!((holders(&taken.resolution), taken.freed), (vec!["a"], true));
    assert_eq!(taken.resolution.number, Some(num("100")));
    assert_eq!(taken.resolution.route.unwrap().overdialled, Some("7".repeat(40)));
}

#[test]
fn scopes_see_nothing_of_each_other() {
    let mut world = World::with_numbers(&["1"]);
    world.take("a");
    for other in other_scopes() {
        let found = dial("1").look(world.state.tables(), world.state.rules(), &other, world.now);
        assert!(found.is_empty() && found.number.is_none());
    }
}
