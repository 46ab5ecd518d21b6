//! How long interactions live, and what ends with them.

use super::*;

/// The interaction `id`, to live for five seconds.
fn lasting_5(id: &str) -> NewInteraction {
    NewInteraction { lasting: Some(Seconds::new(5)), ..interaction(id).into() }
}

fn at(world: &World, milliseconds: u64) -> Deadline {
    Deadline::At(Timestamp::from_millis(world.now.as_millis() + milliseconds))
}

#[test]
fn an_interaction_lives_until_its_very_deadline() {
    let mut world = World::new();
    let deadline = at(&world, 5_000);
    let made = world.turn().create_interaction(&scope(), lasting_5("a")).unwrap();
    assert_eq!((made.since, made.deadline), (world.now, deadline));
    world.advance(4_999);
    assert!(world.interaction_lives("a"));
    world.advance(1);
    assert!(!world.interaction_lives("a"), "readers judge by the clock, before anything swept");
    assert_eq!(
        world.refused(|turn| turn.delete_interaction(&scope(), &interaction("a"))),
        Refusal::InteractionUnknown(interaction("a"))
    );
}

#[test]
fn an_interaction_exists_once_and_can_be_made_again_after_its_end() {
    let mut world = World::new();
    world.turn().create_interaction(&scope(), lasting_5("a")).unwrap();
    let refusal = world.refused(|turn| turn.create_interaction(&scope(), interaction("a").into()));
    assert_eq!(refusal, Refusal::InteractionExists(interaction("a")));
    world.advance(5_000);
    world.turn().create_interaction(&scope(), interaction("a").into()).unwrap();
    world.advance(5_000_000);
    world.turn();
    assert!(world.interaction_lives("a"), "the deadline of the first one ends nothing");
}

#[test]
fn every_interaction_has_an_empty_document_from_birth() {
    let mut world = World::new();
    let made = world.turn().create_interaction(&scope(), interaction("a").into()).unwrap();
    let document = world.state.tables().document(&scope(), &made.data.into(), world.now).unwrap();
    assert_eq!(document.interaction, Some(interaction("a")));
    assert!(document.entries.is_empty());
}

#[test]
fn lending_prolongs_the_interaction_to_its_own_time_or_the_allocation_whichever_is_longer() {
    let mut world = World::with_numbers(&["1", "2", "3"]);
    let ends = |world: &mut World, lasting, ttl| {
        let lend = Lend { lasting: Seconds::new(lasting), interaction_ttl: Seconds::new(ttl), ..lend_to("a") };
        world.lend(lend).interaction.deadline
    };
    assert_eq!(ends(&mut world, 30, 100), at(&world, 100_000));
    world.advance(1_000);
    assert_eq!(ends(&mut world, 200, 100), at(&world, 200_000));
    world.advance(1_000);
    assert_eq!(ends(&mut world, 10, 20), at(&world, 199_000), "it is never shortened");
}

#[test]
fn lending_never_shortens_an_interaction_without_an_end() {
    let mut world = World::with_numbers(&["1"]);
    world.turn().create_interaction(&scope(), interaction("a").into()).unwrap();
    assert_eq!(world.lend(lend_to("a")).interaction.deadline, Deadline::Never);
}

#[test]
fn the_old_deadline_of_a_prolonged_interaction_ends_nothing() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.lend(lend_to("a"));
    world.advance(200_000);
    world.lend(lend_to("a"));
    world.advance(100_000);
    world.turn();
    assert!(world.interaction_lives("a"));
    world.advance(200_000);
    world.turn();
    assert!(!world.interaction_lives("a"));
    assert_eq!(world.state.next_ending(), None, "nothing is left to end");
}

#[test]
fn an_interaction_that_is_deleted_frees_all_its_numbers_and_no_other() {
    let mut world = World::with_numbers(&["1", "2", "3"]);
    world.take("a");
    world.take("b");
    world.take("a");
    world.turn().delete_interaction(&scope(), &interaction("a")).unwrap();
    let holders: Vec<_> = ["1", "2", "3"].map(|text| world.holder(text)).into();
    assert_eq!(holders, [None, Some("b".into()), None]);
    assert!(!world.interaction_lives("a"));
    assert_eq!(world.drain(), ["1", "3"], "round robin goes on after 3");
}

#[test]
fn a_number_that_was_freed_and_lent_to_another_is_not_freed_with_its_first_holder() {
    let mut world = World::with_numbers(&["1"]);
    world.take("a");
    world.free("1");
    world.take("b");
    world.turn().delete_interaction(&scope(), &interaction("a")).unwrap();
    assert_eq!(world.holder("1").as_deref(), Some("b"));
}

#[test]
fn a_restart_keeps_interactions_their_numbers_and_their_deadlines() {
    let mut world = World::with_numbers(&["1", "2"]);
    world.lend(Lend { lasting: Seconds::new(60), interaction_ttl: Seconds::new(90), ..lend_to("a") });
    world.restart();
    world.advance(59_999);
    assert_eq!(world.holder("1").as_deref(), Some("a"));
    world.advance(1);
    assert_eq!(world.holder("1"), None);
    world.advance(29_999);
    assert!(world.interaction_lives("a"));
    world.advance(1);
    world.turn();
    assert!(!world.interaction_lives("a"));
    assert_eq!(world.drain(), ["2", "1"]);
}
