//! Random histories: whatever happens in whatever order, the promises hold.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::domain::state::Ending;
use crate::domain::{AllocationId, DocumentId};

const NUMBERS: [&str; 6] = ["1", "2", "3", "40", "41", "42"];
const GROUPS: [Option<&str>; 3] = [None, Some("g"), Some("h")];
const HOLDERS: [&str; 3] = ["a", "b", "c"];

/// One step of a history; the numbers in it pick from what exists.
#[derive(Clone, Debug)]
enum Step {
    Create { number: usize, group: usize, enabled: bool },
    Update { number: usize, group: Option<usize>, enabled: Option<bool> },
    Delete { number: usize },
    Lend { holder: Option<usize>, group: Option<usize>, same: bool, lasting: u64, ttl: u64, data: usize },
    Free { number: usize },
    Match { number: usize, delete: bool },
    Begin { holder: usize, never: bool },
    End { holder: usize },
    Write { ttl: u64, data: usize },
    Merge { document: usize, ttl: u64, data: usize },
    Drop { document: usize },
    Wait { milliseconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (number, group, holder) = (0..NUMBERS.len(), 0..GROUPS.len(), 0..HOLDERS.len());
    let (ttl, data) = (0u64..20, prop_oneof![Just(0usize), 1usize..40, 1_000usize..3_000]);
    prop_oneof![
        3 => (number.clone(), group.clone(), any::<bool>())
            .prop_map(|(number, group, enabled)| Step::Create { number, group, enabled }),
        2 => (number.clone(), proptest::option::of(group.clone()), any::<Option<bool>>())
            .prop_map(|(number, group, enabled)| Step::Update { number, group, enabled }),
        1 => number.clone().prop_map(|number| Step::Delete { number }),
        8 => (
            proptest::option::of(holder.clone()),
            proptest::option::of(group),
            any::<bool>(),
            ttl.clone(),
            ttl.clone(),
            data.clone()
        )
            .prop_map(|(holder, group, same, lasting, ttl, data)| Step::Lend {
                holder, group, same, lasting, ttl, data
            }),
        3 => number.clone().prop_map(|number| Step::Free { number }),
        2 => (number, any::<bool>()).prop_map(|(number, delete)| Step::Match { number, delete }),
        1 => (holder.clone(), any::<bool>()).prop_map(|(holder, never)| Step::Begin { holder, never }),
        1 => holder.prop_map(|holder| Step::End { holder }),
        1 => (ttl.clone(), data.clone()).prop_map(|(ttl, data)| Step::Write { ttl, data }),
        2 => (0usize..8, ttl, data).prop_map(|(document, ttl, data)| Step::Merge { document, ttl, data }),
        1 => (0usize..8).prop_map(|document| Step::Drop { document }),
        5 => (0u64..12_000).prop_map(|milliseconds| Step::Wait { milliseconds }),
    ]
}

/// A history without what makes the number lent last leave its group: round robin cannot know it after a restart.
fn steady_step() -> impl Strategy<Value = Step> {
    step().prop_map(|step| match step {
        Step::Update { number, enabled, .. } => Step::Update { number, group: None, enabled },
        Step::Delete { number } => Step::Free { number },
        other => other,
    })
}

/// A world with the memory that a checker needs.
struct Checked {
    world: World,
    /// All changes, as a store would have kept them.
    replayed: Tables,
    /// Who holds which number until when, told by the outcomes alone.
    held: HashMap<Number, (AllocationId, Timestamp)>,
    documents: Vec<DocumentId>,
}

impl Checked {
    fn new(kind: Policy) -> Self {
        let rules = Rules { documents_total: 9_000, ..policy(kind) };
        Self { world: World::with(rules), replayed: Tables::default(), held: HashMap::new(), documents: Vec::new() }
    }

    fn entries(data: usize) -> Vec<NewEntry> {
        if data == 0 { Vec::new() } else { vec![entry("k", &vec![b'x'; data]), text("m", "y")] }
    }

    /// Carries a step out and tells its outcome as text.
    fn take(&mut self, step: &Step) -> String {
        if let Step::Wait { milliseconds } = *step {
            self.world.advance(milliseconds);
            self.held.retain(|_, (_, deadline)| *deadline > self.world.now);
            return String::new();
        }
        let outcome = self.run(step);
        let changes = self.world.state.take_changes();
        for change in &changes {
            self.replayed.apply(change);
        }
        format!("{outcome} {changes:?}")
    }

    fn run(&mut self, step: &Step) -> String {
        let scope = scope();
        let document = |at: usize| self.documents.get(at).copied().unwrap_or(DocumentId(uuid::Uuid::nil()));
        let id = |at: usize| interaction(HOLDERS[at]);
        match *step {
            Step::Create { number, group: at, enabled } => {
                let new = NewNumber { enabled, ..new_number(NUMBERS[number], GROUPS[at]) };
                format!("{:?}", self.world.turn().create_number(&scope, new))
            }
            Step::Update { number, group: at, enabled } => {
                let patch = NumberPatch { dnid: None, group: at.map(|at| GROUPS[at].map(group)), enabled };
                format!("{:?}", self.world.turn().update_number(&scope, num(NUMBERS[number]), patch))
            }
            Step::Delete { number } => {
                format!("{:?}", self.world.turn().delete_number(&scope, num(NUMBERS[number])))
            }
            Step::Lend { holder, group: at, same, lasting, ttl, data } => {
                let lend = Lend {
                    holder: holder.map_or(Holder::New, |at| Holder::Any(id(at))),
                    source: at.and_then(|at| GROUPS[at]).map_or(Source::Anywhere, from),
                    origin: if lasting % 2 == 0 { Origin::Gms } else { Origin::Interact },
                    repeat: if same { Repeat::SameNumber } else { Repeat::AnotherNumber },
                    lasting: Seconds::new(lasting),
                    interaction_ttl: Seconds::new(ttl),
                    code: Some(CodeShape::DEFAULT),
                    data: Self::entries(data),
                    data_ttl: (ttl % 3 == 0).then_some(Seconds::new(lasting)),
                    ..lend_to("-")
                };
                let outcome = self.world.turn().lend(&scope, lend);
                if let Ok(lent) = &outcome {
                    self.lent(lent);
                }
                format!("{outcome:?}")
            }
            Step::Free { number } => {
                let outcome = self.world.turn().free(&scope, num(NUMBERS[number]));
                if let Ok(freed) = &outcome {
                    let held = self.held.remove(&num(NUMBERS[number])).map(|(id, _)| id);
                    assert_eq!(freed.as_ref().map(|allocation| allocation.id), held, "what is freed is what was lent");
                }
                format!("{outcome:?}")
            }
            Step::Match { number, delete } => {
                let criteria = call_to(NUMBERS[number]);
                let after = if delete { AfterMatch::Delete } else { AfterMatch::Keep };
                let outcome = self.world.turn().match_call(&scope, &criteria, Which::Newest, after);
                self.forget_freed();
                format!("{outcome:?}")
            }
            Step::Begin { holder, never } => {
                let soon = Deadline::At(self.world.now.after(Seconds::new(8)));
                let deadline = if never { Deadline::Never } else { soon };
                format!("{:?}", self.world.turn().create_interaction(&scope, id(holder), deadline))
            }
            Step::End { holder } => {
                let outcome = self.world.turn().delete_interaction(&scope, &id(holder));
                self.forget_freed();
                format!("{outcome:?}")
            }
            Step::Write { ttl, data } => {
                let outcome = self.world.turn().create_document(&scope, Self::entries(data), Seconds::new(ttl));
                self.documents.extend(outcome.as_ref().ok());
                format!("{outcome:?}")
            }
            Step::Merge { document: at, ttl, data } => {
                let id = document(at);
                let entries = Self::entries(data);
                format!("{:?}", self.world.turn().merge_document(&scope, id.into(), entries, Some(Seconds::new(ttl))))
            }
            Step::Drop { document: at } => {
                let id = document(at);
                format!("{:?}", self.world.turn().delete_document(&scope, id.into()))
            }
            Step::Wait { .. } => String::new(),
        }
    }

    fn lent(&mut self, lent: &Lent) {
        let allocation = &lent.allocation;
        let before = self.held.insert(allocation.number, (allocation.id, allocation.deadline));
        if let Some((id, _)) = before {
            assert_eq!(id, allocation.id, "{} is lent while it is held", allocation.number);
        }
        self.held.retain(|_, (_, deadline)| *deadline > self.world.now);
        self.documents.push(lent.interaction.data);
    }

    /// Forgets what a command that can free several numbers has freed.
    fn forget_freed(&mut self) {
        let (tables, now) = (self.world.state.tables(), self.world.now);
        self.held.retain(|number, (id, _)| {
            let found = tables.number(&scope(), *number, now);
            found.and_then(|found| found.allocation).is_some_and(|allocation| allocation.id == *id)
        });
    }

    /// What must hold after every step.
    fn check(&self) {
        let state = &self.world.state;
        assert!(self.replayed == *state.tables(), "the changes alone lead to the same tables");
        let Some(tables) = state.tables().scope(&scope()) else { return };

        for (number, (id, _)) in &self.held {
            let found = tables.numbers[number].allocation(*id);
            assert!(found.is_some(), "{number} is still held");
        }
        for slot in tables.numbers.values() {
            for allocation in slot.allocations() {
                let holds = &tables.interactions[&allocation.interaction].holds;
                assert!(holds.contains(&(allocation.number, allocation.id)), "the holder knows what it holds");
            }
        }
        for (id, slot) in &tables.interactions {
            assert!(tables.documents.contains_key(&slot.record.data), "{id} has a document");
            for (number, allocation) in &slot.holds {
                let held = tables.numbers[number].allocation(*allocation);
                assert_eq!(held.map(|allocation| &allocation.interaction), Some(id));
            }
        }
        for document in tables.documents.values() {
            let ending = Ending::Document(Arc::new(scope()), document.id);
            let planned = state.endings.contains(&(document.kept_until, ending));
            let held = document.interaction.as_ref().is_some_and(|id| tables.interactions.contains_key(id));
            assert!(planned || held, "a document has an end of its own or that of its interaction");
        }
        let bytes: u64 =
            tables.documents.values().map(|document| super::super::documents::size(&document.entries)).sum();
        assert_eq!(state.document_bytes, bytes);
        assert!(bytes <= state.rules.documents_total);
    }

    /// Ends everything and lends out all that can be lent; it must be every enabled number, each once.
    fn check_nothing_is_lost(mut self) {
        self.world.advance(1_000_000);
        let mut lent = Vec::new();
        let anywhere = Lend { source: Source::Anywhere, ..lend_to("last") };
        while let Ok(next) = self.world.turn().lend(&scope(), anywhere.clone()) {
            lent.push(next.allocation.number);
        }
        lent.sort();
        let Some(tables) = self.world.state.tables().scope(&scope()) else { return };
        let enabled = tables.numbers.values().filter(|slot| slot.record.enabled).map(|slot| slot.record.number);
        assert_eq!(lent, enabled.collect::<Vec<_>>());
    }
}

fn any_policy() -> impl Strategy<Value = Policy> {
    proptest::sample::select(policies().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_history_lends_a_number_twice_loses_one_or_leaves_a_document_without_an_end(
        kind in any_policy(),
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut checked = Checked::new(kind);
        for step in &steps {
            checked.take(step);
            checked.check();
        }
        checked.check_nothing_is_lost();
    }

    #[test]
    fn a_restart_at_any_point_changes_no_later_outcome(
        kind in proptest::sample::select(vec![Policy::RoundRobin, Policy::LeastRecentlyFreed]),
        before in proptest::collection::vec(steady_step(), 1..40),
        after in proptest::collection::vec(steady_step(), 1..40),
    ) {
        let (mut running, mut restarted) = (Checked::new(kind), Checked::new(kind));
        for step in &before {
            running.take(step);
            restarted.take(step);
        }
        restarted.world.restart();
        for step in &after {
            prop_assert_eq!(running.take(step), restarted.take(step), "{:?}", step);
        }
    }
}
