//! Which number comes next, before and after a restart.

use super::*;

fn world_of(kind: Policy, numbers: &[&str]) -> World {
    let mut world = World::with(policy(kind));
    for text in numbers {
        world.create(text, Some("g"));
    }
    world
}

#[test]
fn round_robin_goes_on_after_the_number_lent_last() {
    let mut world = world_of(Policy::RoundRobin, &["1", "2", "3"]);
    assert_eq!(world.take("a"), "1");
    world.free("1");
    assert_eq!(world.take("a"), "2");
    world.free("2");
    assert_eq!(world.take("a"), "3");
    assert_eq!(world.take("a"), "1");
}

#[test]
fn round_robin_goes_on_where_it_was_after_a_restart_whether_or_not_the_last_one_came_back() {
    for freed in [false, true] {
        let mut world = world_of(Policy::RoundRobin, &["1", "2", "3", "4"]);
        world.take("a");
        assert_eq!(world.take("a"), "2");
        world.free("1");
        if freed {
            world.free("2");
        }
        world.restart();
        assert_eq!(world.take("a"), "3");
        assert_eq!(world.take("a"), "4");
        assert_eq!(world.take("a"), "1");
    }
}

#[test]
fn round_robin_passes_over_a_number_that_was_deleted() {
    let mut world = world_of(Policy::RoundRobin, &["1", "2", "3"]);
    world.take("a");
    world.turn().delete_number(&scope(), num("2")).unwrap();
    assert_eq!(world.take("a"), "3");
}

#[test]
fn least_recently_freed_lends_new_numbers_first_and_then_the_one_free_for_longest() {
    for restarted in [false, true] {
        let mut world = world_of(Policy::LeastRecentlyFreed, &["1", "2", "3", "4"]);
        assert_eq!((world.take("a"), world.take("a"), world.take("a")), ("1".into(), "2".into(), "3".into()));
        for back in ["3", "1", "2"] {
            world.advance(1);
            world.free(back);
        }
        if restarted {
            world.restart();
        }
        assert_eq!(world.drain(), ["4", "3", "1", "2"], "restarted: {restarted}");
    }
}

#[test]
fn least_recently_freed_counts_an_expired_number_from_its_deadline() {
    let mut world = world_of(Policy::LeastRecentlyFreed, &["1", "2"]);
    world.lend(Lend { lasting: Seconds::new(10), ..lend_to("a") });
    world.lend(Lend { lasting: Seconds::new(60), ..lend_to("b") });
    world.advance(5_000);
    world.free("2");
    world.advance(3_600_000);
    assert_eq!(world.drain(), ["2", "1"]);
}

#[test]
fn random_lends_every_free_number_once_and_follows_the_generator() {
    let order = |seed, restarted| {
        let mut world = world_of(Policy::Random, &["1", "2", "3", "4", "5", "6", "7", "8"]);
        if restarted {
            world.restart();
        }
        world.rng = StdRng::seed_from_u64(seed);
        world.drain()
    };
    let drawn = order(1, false);
    let mut sorted = drawn.clone();
    sorted.sort();
    assert_eq!(sorted, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(order(1, true), drawn, "the same seed draws the same");
    assert_ne!(order(2, false), drawn, "another seed draws another order");
}

#[test]
fn a_group_that_nobody_configured_lends_round_robin() {
    let mut world = World::with_numbers(&["2", "1", "3"]);
    assert_eq!(world.drain(), ["1", "2", "3"]);
}

#[test]
fn new_rules_change_the_policy_and_keep_what_is_lent() {
    let mut world = World::with_numbers(&["1", "2", "3"]);
    world.take("a");
    world.take("b");
    world.free("1");
    world.state.set_rules(policy(Policy::LeastRecentlyFreed));
    assert_eq!(world.holder("2").as_deref(), Some("b"));
    assert_eq!(world.drain(), ["3", "1"], "the number that was never lent comes first now");
}

#[test]
fn every_policy_lends_each_number_once_after_a_restart_with_numbers_out() {
    for kind in policies() {
        let mut world = world_of(kind, &["1", "2", "3", "4", "5"]);
        let out = world.take("a");
        world.take("b");
        let back = world.take("c");
        world.free(&back);
        world.restart();
        let mut taken = world.drain();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), 3, "{kind:?}");
        assert!(!taken.contains(&out), "{kind:?}");
    }
}
