//! The rules of the state, each told by a test of its own; the world they play in is built here.

mod audit;
mod documents;
mod exhaustion;
mod explaining;
mod history;
mod idempotency;
mod interactions;
mod lending;
mod matching;
mod numbers;
mod past;
mod policies;
mod quotas;
mod resolving;
mod rests;
mod routes;
mod shared;
mod usage;

use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{
    AfterMatch, Criteria, Holder, LateCalls, Lend, Lent, MAX_ROUTES, Match, PoolHealth, Repeat, Source, State, Turn,
    Which,
};
use crate::domain::tables::FoundNumber;
use crate::domain::{
    Allocation, Caller, Change, CodeShape, Content, Deadline, EntryKey, EnvironmentName, GroupName, GroupRules,
    InteractionId, LentBy, NewEntry, NewInteraction, NewNumber, Number, NumberId, NumberPatch, NumberRecord, Policy,
    Refusal, Rules, Scope, Seconds, Tables, TenantId, Timestamp,
};

/// A state with a clock and a generator of its own, and short ways to say what tests say often.
struct World {
    state: State,
    now: Timestamp,
    rng: StdRng,
}

impl World {
    fn new() -> Self {
        Self::with(Rules::default())
    }

    fn with(rules: Rules) -> Self {
        Self {
            state: State::new(Tables::default(), rules),
            now: Timestamp::from_millis(1_000_000),
            rng: StdRng::seed_from_u64(7),
        }
    }

    /// A world with these numbers in the group `g`.
    fn with_numbers(numbers: &[&str]) -> Self {
        let mut world = Self::new();
        for text in numbers {
            world.create(text, Some("g"));
        }
        world
    }

    fn turn(&mut self) -> Turn<'_> {
        self.state.at(self.now, &mut self.rng)
    }

    fn advance(&mut self, milliseconds: u64) {
        self.now = Timestamp::from_millis(self.now.as_millis() + milliseconds);
    }

    /// What a restart does: only the tables are left.
    fn restart(&mut self) {
        self.state = State::new(self.state.tables().clone(), self.state.rules().clone());
    }

    /// Runs a command that must be refused, and holds it to changing nothing.
    fn refused<T: std::fmt::Debug>(&mut self, command: impl FnOnce(&mut Turn<'_>) -> Result<T, Refusal>) -> Refusal {
        self.turn();
        self.state.take_changes();
        let before = self.state.tables().clone();
        let refusal = command(&mut self.turn()).expect_err("the command must be refused");
        assert_eq!(self.state.take_changes(), [], "a refusal leaves no changes");
        assert!(*self.state.tables() == before, "a refusal leaves the tables alone");
        bare(refusal)
    }

    /// How the groups are told to be in the refusal of a request that finds no number.
    fn exhaustion(&mut self, lend: Lend) -> Vec<PoolHealth> {
        match self.turn().lend(&scope(), lend) {
            Err(Refusal::Exhausted { pools, .. }) => pools,
            other => panic!("the groups are exhausted, not {other:?}"),
        }
    }

    fn create(&mut self, number: &str, group: Option<&str>) -> NumberId {
        self.turn().create_number(&scope(), new_number(number, group)).unwrap()
    }

    fn update(&mut self, number: &str, patch: NumberPatch) -> FoundNumber {
        self.turn().update_number(&scope(), num(number), patch).unwrap()
    }

    fn lend(&mut self, lend: Lend) -> Lent {
        self.turn().lend(&scope(), lend).unwrap()
    }

    /// Lends to `holder` from the group `g` and tells the number.
    fn take(&mut self, holder: &str) -> String {
        self.lend(lend_to(holder)).allocation.number.to_string()
    }

    fn free(&mut self, dialled: &str) -> Option<Arc<Allocation>> {
        self.turn().free(&scope(), num(dialled)).unwrap()
    }

    /// Takes all that the group `g` can lend, in the order of its policy.
    fn drain(&mut self) -> Vec<String> {
        let mut taken = Vec::new();
        while let Ok(lent) = self.turn().lend(&scope(), lend_to("drain")) {
            taken.push(lent.allocation.number.to_string());
        }
        taken
    }

    /// Takes as many as the group `g` can lend, up to three.
    fn take_some(&mut self) -> Vec<String> {
        let lent: Vec<_> = (0..3).map_while(|_| self.turn().lend(&scope(), lend_to("some")).ok()).collect();
        lent.into_iter().map(|lent| lent.allocation.number.to_string()).collect()
    }

    fn found(&mut self, number: &str) -> FoundNumber {
        let now = self.now;
        self.state.tables().number(&scope(), num(number), now).expect("the number exists")
    }

    fn holder(&mut self, number: &str) -> Option<String> {
        self.found(number).allocation.map(|allocation| allocation.interaction.to_string())
    }

    fn interaction_lives(&self, id: &str) -> bool {
        self.state.tables().interaction(&scope(), &interaction(id), self.now).is_some()
    }
}

/// A refusal without what it tells of the groups.
fn bare(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Exhausted { group, next_release, .. } => Refusal::Exhausted { group, next_release, pools: Vec::new() },
        other => other,
    }
}

fn scope() -> Scope {
    Scope { tenant: TenantId::new("acme").unwrap(), environment: None }
}

fn other_scopes() -> [Scope; 2] {
    [
        Scope { tenant: TenantId::new("other").unwrap(), environment: None },
        Scope { environment: Some(EnvironmentName::new("test").unwrap()), ..scope() },
    ]
}

fn num(text: &str) -> Number {
    Number::new(text).unwrap()
}

fn group(text: &str) -> GroupName {
    GroupName::new(text).unwrap()
}

fn from(name: &str) -> Source {
    Source::group(group(name))
}

fn interaction(text: &str) -> InteractionId {
    InteractionId::new(text).unwrap()
}

fn new_number(number: &str, group_name: Option<&str>) -> NewNumber {
    NewNumber { number: num(number), dnid: num(number), group: group_name.map(group), enabled: true }
}

fn policies() -> [Policy; 3] {
    [Policy::RoundRobin, Policy::Random, Policy::LeastRecentlyFreed]
}

/// Rules under which the group `g` has this policy.
fn policy(policy: Policy) -> Rules {
    group_rules("g", GroupRules { policy, ..GroupRules::default() })
}

/// Rules that say something of one group alone.
fn group_rules(name: &str, rules: GroupRules) -> Rules {
    Rules { groups: [(scope().tenant, [(group(name), rules)].into())].into(), ..Rules::default() }
}

/// Codes of so many digits.
fn digits(length: u64) -> Option<CodeShape> {
    Some(CodeShape::new(length, None).unwrap())
}

/// A call to a number of which nothing else is known.
fn call_to(number: &str) -> Criteria {
    Criteria { number: num(number), code: None, caller: None, late: LateCalls::Ignored }
}

/// A plain request for a number of the group `g` for 300 seconds; the interaction is made if need be and lives no
/// longer than the allocation.
fn lend_to(holder: &str) -> Lend {
    Lend {
        holder: Holder::Any(interaction(holder)),
        source: from("g"),
        origin: LentBy::Gms,
        repeat: Repeat::AnotherNumber,
        lasting: Seconds::new(300),
        interaction_ttl: Seconds::new(0),
        code: None,
        caller: None,
        data: Vec::new(),
        data_ttl: None,
        application: None,
    }
}

fn text(key: &str, value: &str) -> NewEntry {
    entry(key, value.as_bytes())
}

fn entry(key: &str, bytes: &[u8]) -> NewEntry {
    NewEntry { key: EntryKey::new(key).unwrap(), content: Content::Text, bytes: bytes.into() }
}
