//! A world whose every outcome is held against what earlier outcomes have told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::*;
use crate::domain::state::Ending;
use crate::domain::state::pools::Pools;
use crate::domain::state::usages::Usages;
use crate::domain::tables::ScopeTables;
use crate::domain::tables::slot::NumberSlot;
use crate::domain::{AccessCode, AllocationFilter, AllocationId, DocumentId, NumberFilter, NumberState, Ownership};

const STATES: [(&str, NumberState); 5] = [
    ("free", NumberState::Free),
    ("allocated", NumberState::Allocated),
    ("cooling", NumberState::Cooling),
    ("reserved", NumberState::Reserved),
    ("disabled", NumberState::Disabled),
];

/// The longest rest of all rules.
const LONGEST_REST: Seconds = Seconds::new(7);

/// An allocation by its scope and its id there.
type Key = (usize, AllocationId);

pub(super) struct Checked {
    world: World,
    rules: [Rules; 4],
    /// All changes, as a store would have kept them.
    replayed: Tables,
    /// A state that decides nothing and follows all changes.
    follower: State,
    /// What is lent, told by the outcomes alone.
    held: BTreeMap<Key, Arc<Allocation>>,
    /// What has expired lately.
    expired: BTreeMap<Key, Arc<Allocation>>,
    /// When an allocation of a number last ended.
    ended: HashMap<(usize, Number), Timestamp>,
    documents: Vec<(usize, DocumentId)>,
    /// What the last lending that was done under a key made, and which request it was.
    idempotency: HashMap<(usize, usize), (AllocationId, bool)>,
}

impl Checked {
    pub(super) fn new(rules: [Rules; 4]) -> Self {
        Self {
            world: World::with(rules[0].clone()),
            follower: State::new(Tables::default(), rules[0].clone()),
            rules,
            replayed: Tables::default(),
            held: BTreeMap::new(),
            expired: BTreeMap::new(),
            ended: HashMap::new(),
            documents: Vec::new(),
            idempotency: HashMap::new(),
        }
    }

    /// Carries a step out in a scope and tells its outcome as text.
    pub(super) fn take(&mut self, at: usize, step: &Step) -> String {
        self.forget_expired();
        let outcome = self.run(at, step);
        let mut changes = self.replay();
        // Refusals that wait to be written are lost with a restart, and with them the records that they make too many.
        changes.retain(|change| !matches!(change, Change::Usage(..) | Change::Used(..) | Change::UsageDropped(..)));
        format!("{outcome} {changes:?}")
    }

    fn replay(&mut self) -> Vec<Change> {
        let changes = self.world.state.take_changes();
        let before = self.replayed.clone();
        for change in &changes {
            self.replayed.apply(change);
        }
        self.follower.follow_commit(&changes, self.world.now);
        let mut undone = self.replayed.clone();
        undone.go_back(&changes, &before);
        assert!(undone == before, "undone changes leave nothing: {changes:?}");
        changes
    }

    fn run(&mut self, at: usize, step: &Step) -> String {
        let scope = &scopes()[at];
        let id = |at: usize| interaction(HOLDERS[at]);
        match *step {
            Step::Create { number, group: of, enabled } => {
                let new = NewNumber { enabled, ..new_number(NUMBERS[number], GROUPS[of]) };
                format!("{:?}", self.world.turn().create_number(scope, new))
            }
            Step::Update { number, group: to, enabled } => {
                let patch = NumberPatch { dnid: None, group: to.map(|to| GROUPS[to].map(group)), enabled };
                format!("{:?}", self.world.turn().update_number(scope, num(NUMBERS[number]), patch))
            }
            Step::Delete { number } => {
                let held = self.newest_on(at, num(NUMBERS[number])).is_some();
                let outcome = self.world.turn().delete_number(scope, num(NUMBERS[number]));
                assert!(!held || outcome.is_err(), "what is lent is not deleted");
                if outcome.is_ok() {
                    self.ended.remove(&(at, num(NUMBERS[number])));
                }
                format!("{outcome:?}")
            }
            Step::Lend(ref lending) => {
                let outcome = match lending.idempotency {
                    None => self.world.turn().lend(scope, lending.lend()),
                    Some((key, other)) => self.lend_once(at, (key, other), lending.lend()),
                };
                if let Ok(lent) = &outcome {
                    self.lent(at, lent);
                }
                format!("{outcome:?}")
            }
            Step::Free { number } => {
                let newest = self.newest_on(at, num(NUMBERS[number]));
                let outcome = self.world.turn().free(scope, num(NUMBERS[number]));
                if let Ok(freed) = &outcome {
                    assert_eq!(freed.as_ref().map(|freed| freed.id), newest, "what is freed is what was lent last");
                }
                self.freed(at, newest);
                format!("{outcome:?}")
            }
            Step::FreeOne { at: of } => {
                let id = self.nth_held(of);
                let outcome = self.world.turn().free_allocation(scope, id);
                let held = self.held.contains_key(&(at, id));
                assert_eq!(outcome.is_ok(), held, "what is lent in the scope is freed by its id, and nothing else");
                self.freed(at, outcome.iter().map(|freed| freed.id));
                format!("{outcome:?}")
            }
            Step::Renew { at: of, lasting } => {
                let id = self.nth_held(of);
                let outcome = self.world.turn().renew_allocation(scope, id, Seconds::new(lasting));
                let held = self.held.contains_key(&(at, id));
                assert_eq!(outcome.is_ok(), held, "what is lent in the scope is renewed by its id, and nothing else");
                if let Ok(lent) = &outcome {
                    assert_eq!(lent.allocation.deadline, self.world.now.after(Seconds::new(lasting)));
                    assert!(lent.interaction.deadline >= Deadline::At(lent.allocation.deadline));
                    self.lent(at, lent);
                }
                format!("{outcome:?}")
            }
            Step::Match { number, code, caller: by, late, which, after } => {
                let code = self.code(code);
                let criteria = Criteria { number: num(NUMBERS[number]), code, caller: by.map(caller), late };
                self.call(at, &criteria, which, after)
            }
            Step::Begin { holder, never } => {
                let lasting = (!never).then_some(Seconds::new(8));
                let new = NewInteraction { lasting, ..id(holder).into() };
                format!("{:?}", self.world.turn().create_interaction(scope, new))
            }
            Step::End { holder } => {
                let outcome = self.world.turn().delete_interaction(scope, &id(holder));
                self.freed(at, self.held_by(at, &id(holder)));
                format!("{outcome:?}")
            }
            Step::Write { ttl, data } => {
                let outcome = self.world.turn().create_document(scope, entries(data), Seconds::new(ttl), None);
                self.documents.extend(outcome.as_ref().ok().map(|id| (at, *id)));
                format!("{outcome:?}")
            }
            Step::Merge { document, ttl, data } => {
                let named = self.named(document);
                let merged = self.world.turn().merge_document(scope, &named, entries(data), ttl.map(Seconds::new));
                self.stays_in_scope(at, &named, &merged)
            }
            Step::Drop { document } => {
                let named = self.named(document);
                let dropped = self.world.turn().delete_document(scope, &named);
                self.stays_in_scope(at, &named, &dropped)
            }
            Step::DropEntry { document, key } => {
                let named = self.named(document);
                let dropped = self.world.turn().delete_entry(scope, &named, key);
                self.stays_in_scope(at, &named, &dropped)
            }
            Step::Wait { milliseconds } => {
                self.world.advance(milliseconds);
                String::new()
            }
            Step::Reload { rules } => {
                self.world.state.set_rules(self.rules[rules].clone());
                self.follower.set_rules(self.rules[rules].clone());
                String::new()
            }
            Step::Restart => {
                self.world.restart();
                String::new()
            }
        }
    }

    /// One of the ids of what is lent, in whatever scope, or one that was never given.
    fn nth_held(&self, at: usize) -> AllocationId {
        self.held.keys().nth(at).map_or(AllocationId(u64::MAX), |(_, id)| *id)
    }

    fn named(&self, named: Named) -> DocumentRef {
        match named {
            Named::Made(at) => {
                let made = self.documents.iter().rev().nth(at);
                made.map_or(DocumentId(uuid::Uuid::nil()), |(_, id)| *id).into()
            }
            Named::OwnedBy(at) => DocumentRef::of_owner(OWNERS[at], "notes"),
        }
    }

    fn stays_in_scope(&self, at: usize, named: &DocumentRef, outcome: &Result<(), Refusal>) -> String {
        let elsewhere = self.documents.iter().any(|(of, id)| *of != at && *id == named.id);
        assert!(!elsewhere || outcome.is_err(), "a document of another scope is not touched");
        format!("{outcome:?}")
    }

    fn code(&self, kind: CodeKind) -> Option<String> {
        match kind {
            CodeKind::None => None,
            CodeKind::Wrong => Some("none of them".to_owned()),
            CodeKind::Of(at) => {
                let all = self.held.values().chain(self.expired.values());
                let mut codes = all.filter_map(|held| held.code.as_ref());
                codes.nth(at).map(|code| code.as_str().to_owned())
            }
        }
    }

    /// A lending under a key, held against what came of the key before.
    fn lend_once(&mut self, at: usize, (key, other): (usize, bool), lend: Lend) -> Result<Lent, Refusal> {
        let before = self.idempotency.get(&(at, key)).copied();
        let newest = self.world.state.tables().ids(&scopes()[at]).allocation;
        let outcome = self.world.turn().under(Some(idempotency(key, other))).lend(&scopes()[at], lend);
        let living = before.and_then(|(id, as_other)| Some((self.held.get(&(at, id))?, as_other)));
        match (&outcome, living) {
            (Ok(lent), Some((held, as_other))) => {
                assert_eq!((&lent.allocation, other), (held, as_other), "a repetition changes nothing");
            }
            (Err(Refusal::KeyReused(_)), Some((_, as_other))) => assert_ne!(other, as_other),
            (_, Some(_)) => panic!("what was made under the key lives: {outcome:?}"),
            (Ok(lent), None) => {
                let renewed = self.held.contains_key(&(at, lent.allocation.id));
                assert!(renewed || lent.allocation.id.0 > newest, "nothing that has ended is told again");
                self.idempotency.insert((at, key), (lent.allocation.id, other));
            }
            (Err(_), None) => {}
        }
        outcome
    }

    /// Moves what has expired by now to where late calls find it.
    fn forget_expired(&mut self) {
        let now = self.world.now;
        for (key, held) in self.held.extract_if(.., |_, held| !held.live(now)) {
            let ended = self.ended.entry((key.0, held.number)).or_default();
            *ended = held.deadline.max(*ended);
            self.expired.insert(key, held);
        }
        self.expired.retain(|_, held| now < held.deadline.after(LONGEST_REST));
    }

    /// These have ended by a command, and no others have.
    fn freed(&mut self, at: usize, ids: impl IntoIterator<Item = AllocationId>) {
        for id in ids {
            if let Some(allocation) = self.held.remove(&(at, id)) {
                self.ended.insert((at, allocation.number), self.world.now);
            }
        }
    }

    fn held_by(&self, at: usize, holder: &InteractionId) -> Vec<AllocationId> {
        self.in_scope(at).filter(|held| held.interaction == *holder).map(|held| held.id).collect()
    }

    fn on(&self, at: usize, number: Number) -> impl DoubleEndedIterator<Item = &Arc<Allocation>> {
        self.in_scope(at).filter(move |held| held.number == number)
    }

    /// What is lent in a scope, oldest first.
    fn in_scope(&self, at: usize) -> impl DoubleEndedIterator<Item = &Arc<Allocation>> {
        self.held.range((at, AllocationId(0))..=(at, AllocationId(u64::MAX))).map(|(_, held)| held)
    }

    fn newest_on(&self, at: usize, number: Number) -> Option<AllocationId> {
        self.on(at, number).next_back().map(|held| held.id)
    }

    fn lent(&mut self, at: usize, lent: &Lent) {
        let allocation = &lent.allocation;
        let (number, now) = (allocation.number, self.world.now);
        self.documents.push((at, lent.interaction.data));
        if let Some(before) = self.held.insert((at, allocation.id), Arc::clone(allocation)) {
            let same = |held: &Allocation| (held.number, held.interaction.clone(), held.sharing, held.since);
            assert_eq!(same(&before), same(allocation), "a renewal changes no more than it says");
            assert!(before.code.is_none() || before.code == allocation.code);
        } else {
            let scope = &scopes()[at];
            let record = self.world.state.tables().number(scope, number, now).expect("what is lent exists").record;
            let rules = self.world.state.rules().group(&scope.tenant, record.group.as_ref());
            assert!(record.enabled && !rules.reserved.contains(&number), "{number} must not be lent");
            assert_eq!(allocation.sharing, rules.sharing);
            if rules.sharing == Sharing::Exclusive {
                assert_eq!(self.on(at, number).count(), 1, "{number} is lent while it is held");
                let ended = self.ended.get(&(at, number)).copied().unwrap_or_default();
                assert!(
                    ended.after(rules.cool_down) <= now || ended == Timestamp::default(),
                    "{number} has not rested"
                );
            }
        }
        if let Some(code) = &allocation.code {
            let same = self.on(at, number).filter(|held| held.code.as_ref() == Some(code));
            assert_eq!(same.count(), 1, "{code:?} is given twice on {number}");
        }
        self.forget_expired();
    }

    /// A call, held against what it must find.
    fn call(&mut self, at: usize, criteria: &Criteria, which: Which, after: AfterMatch) -> String {
        let most = if which == Which::Newest { 1 } else { self.world.state.rules.usual_quotas.matches };
        let fitting = self.on(at, criteria.number).rev().filter(|held| fits(criteria, held));
        let expected: Vec<_> = fitting.map(|held| held.id).take(most).collect();
        let outcome = self.world.turn().match_call(&scopes()[at], criteria, which, after);
        let matches = outcome.as_deref().unwrap_or_default();
        if matches.iter().any(|found| found.late) {
            assert_eq!((matches.len(), criteria.late, expected.len()), (1, LateCalls::Recognised, 0));
            let before = &self.expired[&(at, matches[0].allocation.id)];
            assert!(before.number == criteria.number && fits(criteria, before));
        } else {
            let found: Vec<_> = matches.iter().map(|found| found.allocation.id).collect();
            assert_eq!(found, expected, "{criteria:?}");
        }
        for found in matches {
            if after == AfterMatch::Delete {
                self.freed(at, self.held_by(at, &found.interaction.id));
            }
            self.freed(at, [found.allocation.id]);
            self.expired.remove(&(at, found.allocation.id));
        }
        format!("{outcome:?}")
    }

    /// What must hold after every step.
    pub(super) fn check(&mut self) {
        self.forget_expired();
        self.world.turn();
        self.replay();
        assert!(self.replayed == *self.world.state.tables(), "the changes alone lead to the same tables");
        self.check_held();
        let (now, rng) = (self.world.now, &mut self.world.rng);
        check_derived(&mut self.world.state, now, rng);
        let mut counted = self.follower.as_decided(rng).pools();
        let pools = self.world.state.at(now, rng).pools();
        counted.retain(|pool| pool.total() > 0);
        counted.sort_by_key(|pool| {
            pools.iter().position(|other| (&other.scope, &other.group) == (&pool.scope, &pool.group))
        });
        assert_eq!(counted, pools.into_iter().filter(|pool| pool.total() > 0).collect::<Vec<_>>());
        self.follower.at(now, rng);
        assert_eq!(self.follower.take_changes(), [], "whoever follows decides nothing");
        assert!(self.follower.tables == self.world.state.tables, "whoever follows knows the same");
        check_derived(&mut self.follower, now, rng);
        self.check_pools();
        for scope in scopes() {
            let state = &self.world.state;
            if let Some(tables) = state.tables().scope(&scope) {
                check_interactions(tables);
                check_documents(state, &Arc::new(scope), tables);
            }
        }
        let state = &self.world.state;
        assert!(state.tables().history_entries() <= state.rules.history.entries);
        for scope in scopes() {
            let usage = state.usage(&scope.tenant);
            let quotas = state.rules.quotas(&scope.tenant);
            assert!(usage.documents <= quotas.documents && usage.interactions <= quotas.interactions);
            assert!(usage.bookings <= quotas.bookings);
            assert!(state.keys.living(&scope.tenant) <= quotas.keys);
            assert!(usage.history <= quotas.history);
        }
    }

    /// What is lent by the outcomes is what is lent by the tables.
    fn check_held(&self) {
        let mut live = BTreeMap::new();
        for (at, scope) in scopes().iter().enumerate() {
            let slots = self.world.state.tables().scope(scope).into_iter().flat_map(|tables| tables.numbers.values());
            for allocation in slots.flat_map(NumberSlot::allocations).filter(|held| held.live(self.world.now)) {
                live.insert((at, allocation.id), Arc::clone(allocation));
            }
        }
        assert_eq!(live, self.held);
        for (at, scope) in scopes().iter().enumerate() {
            let held: Vec<_> = self.in_scope(at).cloned().collect();
            assert_eq!(self.listed(scope), held, "a list has all that is lent, oldest first");
        }
    }

    /// All allocations of a scope, read two at a time.
    fn listed(&self, scope: &Scope) -> Vec<Arc<Allocation>> {
        let (tables, mut after, mut listed) = (self.world.state.tables(), None, Vec::new());
        loop {
            let page = tables.allocations_after(scope, &AllocationFilter::default(), after, 2, self.world.now);
            listed.extend(page.items);
            after = page.next;
            if after.is_none() {
                return listed;
            }
        }
    }

    /// The counts of every pool, held against a look at every number.
    fn check_pools(&mut self) {
        let (pools, now) = (self.world.turn().pools(), self.world.now);
        let state = &self.world.state;
        let mut numbers = 0;
        for pool in pools {
            let rules = state.rules.group(&pool.scope.tenant, pool.group.as_ref());
            let tables = state.tables.scope(&pool.scope).unwrap();
            let (mut counts, mut allocations, mut oldest) = (BTreeMap::new(), 0, None);
            let mut release = None;
            for slot in tables.numbers.values().filter(|slot| slot.record.group == pool.group) {
                let live: Vec<_> = slot.allocations().filter(|held| held.live(now)).collect();
                allocations += live.len();
                oldest = live.iter().map(|held| held.id).chain(oldest).min();
                release = release.into_iter().chain(comes_back(slot, rules, now)).min();
                let rests =
                    slot.is_allocated() || slot.record.freed.is_some_and(|last| now < last.at.after(rules.cool_down));
                let kind = match slot.record.enabled {
                    _ if !live.is_empty() => "allocated",
                    false => "disabled",
                    true if rules.reserved.contains(&slot.record.number) => "reserved",
                    true if rules.sharing == Sharing::Exclusive && rests => "cooling",
                    true => "free",
                };
                *counts.entry(kind).or_insert(0) += 1;
            }
            for (kind, of) in STATES {
                let filter = NumberFilter { group: Some(pool.group.clone()), state: Some(of), ..Default::default() };
                let listed = state.tables.numbers_after(&pool.scope, &filter, &state.rules, None, 9, now);
                assert_eq!(listed.items.len(), counts.get(kind).copied().unwrap_or_default(), "{kind}");
            }
            let mut count = |kind| counts.remove(kind).unwrap_or_default();
            let told = (pool.free, pool.allocated, pool.cooling, pool.reserved, pool.disabled);
            let counted = (count("free"), count("allocated"), count("cooling"), count("reserved"), count("disabled"));
            assert_eq!(told, counted, "{:?}", pool.group);
            assert_eq!(
                (pool.allocations, pool.oldest.as_ref().map(|oldest| oldest.allocation.id)),
                (allocations, oldest)
            );
            assert_eq!(pool.next_release, release.map(|at| at.seconds_to_wait(now)));
            numbers += pool.total();
        }
        let all: usize = state.tables.scopes().map(|(_, tables)| tables.numbers.len()).sum();
        assert_eq!(numbers, all, "no number is lost");
    }

    /// Ends everything and lends out all that can be lent; under rules that keep nothing back it must be every enabled
    /// number, each once.
    pub(super) fn check_nothing_is_lost(mut self) {
        self.world.advance(1_000_000);
        self.world.state.set_rules(self.rules[3].clone());
        for scope in scopes() {
            let mut lent = Vec::new();
            let anywhere = Lend { source: Source::Anywhere, ..lend_to("last") };
            while let Ok(next) = self.world.turn().lend(&scope, anywhere.clone()) {
                lent.push(next.allocation.number);
            }
            lent.sort();
            let tables = self.world.state.tables().scope(&scope);
            let slots = tables.into_iter().flat_map(|tables| tables.numbers.values());
            let enabled = slots.filter(|slot| slot.record.enabled).map(|slot| slot.record.number);
            assert_eq!(lent, enabled.collect::<Vec<_>>());
        }
    }
}

/// When a number that cannot be lent now can be lent again, if nobody does anything.
fn comes_back(slot: &NumberSlot, rules: &GroupRules, now: Timestamp) -> Option<Timestamp> {
    let held = slot.allocations().map(|held| held.deadline);
    let back = match rules.sharing {
        _ if !slot.record.enabled || rules.reserved.contains(&slot.record.number) => None,
        Sharing::Shared => held.filter(|deadline| now < *deadline).min(),
        Sharing::Exclusive => {
            let freed = slot.record.freed.map(|last| last.at).filter(|_| !slot.is_allocated());
            held.max().or(freed).map(|end| end.after(rules.cool_down))
        }
    };
    back.filter(|at| now < *at)
}

/// Whether the call may belong to the allocation, in the words of the contract.
fn fits(criteria: &Criteria, held: &Allocation) -> bool {
    let fits = |given: Option<&str>, own: Option<&str>| match (given, own, held.sharing) {
        (None, _, _) | (Some(_), None, Sharing::Exclusive) => true,
        (given, own, _) => given == own,
    };
    fits(criteria.code.as_deref(), held.code.as_ref().map(AccessCode::as_str))
        && fits(criteria.caller.as_ref().map(Caller::as_str), held.caller.as_ref().map(Caller::as_str))
}

/// What a state has worked out change by change is what it works out anew.
fn check_derived(state: &mut State, now: Timestamp, rng: &mut StdRng) {
    let mut anew = State::new(state.tables.clone(), state.rules.clone());
    anew.at(now, rng);
    assert_eq!(anew.take_changes(), [], "nothing is overdue");
    assert_eq!(anew.endings, state.endings);
    assert_eq!(anew.keys, state.keys);
    let counted = Usages::of(&state.tables);
    for scope in scopes() {
        assert_eq!(state.usages.counted(&scope.tenant), counted.counted(&scope.tenant));
    }
    assert!(state.next_ending().is_none_or(|at| now < at));
    for (scope, pools) in &anew.pools {
        pools.check_same(state.pools.get(scope).unwrap_or(&Pools::default()));
    }
    let pools = state.at(now, rng).pools();
    let mut again = anew.at(now, rng).pools();
    again.sort_by_key(|pool| pools.iter().position(|other| (&other.scope, &other.group) == (&pool.scope, &pool.group)));
    assert_eq!(again, pools);
}

fn check_interactions(tables: &ScopeTables) {
    let mut holds = BTreeSet::new();
    for (id, slot) in &tables.interactions {
        assert!(tables.documents.contains_key(&slot.record.data), "{id} has a document");
        let held: Vec<_> = tables.held_by(id).collect();
        assert_eq!(held.len(), slot.holds.len(), "what {id} holds has a number");
        for (number, allocation) in held {
            let held = tables.numbers[&number].allocation(allocation);
            assert_eq!(held.map(|allocation| &allocation.interaction), Some(id));
            holds.insert((number, allocation));
        }
    }
    for allocation in tables.numbers.values().flat_map(NumberSlot::allocations) {
        assert!(holds.contains(&(allocation.number, allocation.id)), "the holder knows what it holds");
    }
}

fn check_documents(state: &State, scope: &Arc<Scope>, tables: &ScopeTables) {
    for document in tables.documents.values() {
        let ending = Ending::Document(document.id, Arc::clone(scope));
        let planned = state.endings.contains(&(document.kept_until, ending));
        let held = document.interaction.as_ref().is_some_and(|id| tables.interactions.contains_key(id));
        assert!(planned || held, "a document has an end of its own or that of its interaction");
        assert!(document.entries.len() <= state.rules.document_entries);
        assert!(document.entries.values().all(|entry| entry.length() <= state.rules.value_bytes));
        assert!(document.ownership == Ownership::Anyone || document.interaction.is_none());
    }
}
