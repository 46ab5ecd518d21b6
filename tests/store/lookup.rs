//! What a lookup costs where a shared number carries very many bookings: what it answers, and not what is there.

use std::time::{Duration, Instant};

use dnis_gateway::domain::state::{Criteria, Holder, Lend};
use dnis_gateway::domain::{GroupRules, InteractionId, Rules, Sharing, State, Tables, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::words::*;

/// How long it takes to look for a call at a number with so many bookings: the shortest of many tries.
fn look(bookings: usize, code: Option<&str>) -> Duration {
    let shared = GroupRules { sharing: Sharing::Shared, ..GroupRules::default() };
    let groups = [(scope().tenant, [(group("g"), shared)].into())].into();
    let mut state = State::new(Tables::default(), Rules { groups, ..Rules::default() });
    let (now, mut rng) = (Timestamp::from_millis(1_000_000), StdRng::seed_from_u64(7));
    state.at(now, &mut rng).create_number(&scope(), number("11")).unwrap();
    for at in 0..bookings {
        let id = InteractionId::new(&format!("i{at}")).unwrap();
        let lend = Lend { holder: Holder::Any(id), ..lend_to("a") };
        state.at(now, &mut rng).lend(&scope(), lend).unwrap();
    }
    let criteria = Criteria { code: code.map(str::to_owned), ..call("11") };
    let one_look = || {
        let began = Instant::now();
        let found = criteria.fitting(state.tables(), &scope(), now, 1);
        assert_eq!(found.is_ok(), code.is_none());
        began.elapsed()
    };
    (0..200).map(|_| one_look()).min().unwrap()
}

#[test]
fn a_call_to_a_number_with_very_many_bookings_looks_at_few_of_them() {
    // Looking at all of them would take a thousand times as long.
    for code in [None, Some("4711")] {
        let (few, many) = (look(20, code), look(20_000, code));
        assert!(many < few * 50 + Duration::from_micros(20), "{code:?}: {few:?} for few, {many:?} for many");
    }
}
