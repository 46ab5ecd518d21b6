//! A second opinion on lending: plain maps and the rules as the contract says them, written without the gateway's domain, so
//! that a fault there does not cancel out between two engines that both have it.
//!
//! It does not foretell which number or code comes next. It judges whether what came may have come, and whether a refusal
//! was due. What documents, quotas and keys of requests have to do with it is left to others.

use std::collections::{BTreeMap, BTreeSet};

use dnis_gateway::domain::refusal::Refusal;
use dnis_gateway::domain::state::{AfterMatch, LateCalls, Lent, Repeat, Which};
use dnis_gateway::domain::{Allocation, Caller, Deadline, GroupName, Interaction, LentBy, Rules, Sharing, Timestamp};
use dnis_gateway::store::{Error, Imported, Resolved, Result};

use super::player::{Outcome, Sight};
use super::{CALLERS, Call, Dialled, GROUPS, HOLDERS, HolderKind, Lending, NUMBERS, SourceKind, Step, rules};
use crate::words::scope;

/// How many matches the rules allow one answer.
const MOST_MATCHES: usize = 2;

/// Milliseconds since 1970.
type Time = u64;
type Group = Option<String>;

struct Number {
    dnid: String,
    group: Group,
    enabled: bool,
    /// When it was last freed.
    freed: Option<Time>,
}

/// What is lent, or has expired while its number rests.
#[derive(Clone, Debug)]
struct Held {
    number: String,
    holder: String,
    code: Option<String>,
    caller: Option<String>,
    origin: LentBy,
    shared: bool,
    until: Time,
}

/// How a group lends.
#[derive(Default)]
struct GroupRule {
    shared: bool,
    rest: Time,
    reserved: BTreeSet<String>,
}

pub(super) struct Oracle {
    now: Time,
    rules: Rules,
    numbers: BTreeMap<String, Number>,
    held: BTreeMap<u64, Held>,
    /// Until when interactions live, if they end by themselves.
    interactions: BTreeMap<String, Option<Time>>,
    /// Every code that was given, oldest first.
    codes: Vec<String>,
    /// The last id of an allocation.
    last: u64,
}

impl Oracle {
    pub(super) fn new(now: Time) -> Self {
        let [rules, _] = rules();
        Self {
            now,
            rules,
            numbers: BTreeMap::new(),
            held: BTreeMap::new(),
            interactions: BTreeMap::new(),
            codes: Vec::new(),
            last: 0,
        }
    }

    /// Holds what a step came to at a time against the rules.
    pub(super) fn judge(&mut self, step: &Step, outcome: &Outcome, now: Time) {
        if !matches!(step, Step::Wait { .. }) {
            self.now = now;
        }
        self.expire();
        match (step, outcome) {
            (Step::Create { number, dnid, group, enabled }, Outcome::Created(outcome)) => {
                let exists = self.numbers.contains_key(NUMBERS[*number]);
                assert_eq!(outcome.is_ok(), !exists, "a number is made once: {outcome:?}");
                self.add(NUMBERS[*number], dnid.to_string(), GROUPS[*group].map(str::to_owned), *enabled);
            }
            (Step::NumberImport { numbers, created, .. }, Outcome::Imported(_, outcome)) => {
                self.import(numbers, *created, outcome);
            }
            (Step::Update { number, dnid, group, enabled }, Outcome::Updated(outcome)) => {
                let known = self.numbers.get_mut(NUMBERS[*number]);
                assert_eq!(outcome.is_ok(), known.is_some());
                if let Some(known) = known {
                    known.dnid = dnid.map_or(known.dnid.clone(), |dnid| dnid.to_string());
                    known.group = group.map_or(known.group.clone(), |at| GROUPS[at].map(str::to_owned));
                    known.enabled = enabled.unwrap_or(known.enabled);
                }
            }
            (Step::Delete { number }, Outcome::Done(outcome)) => self.delete(NUMBERS[*number], outcome),
            (Step::Lend(lending), Outcome::Lent(outcome)) => self.lend(lending, outcome),
            (Step::Free { dialled }, Outcome::Freed(outcome)) => {
                let numbers = self.dialled(dialled);
                assert_eq!(outcome.is_ok(), !numbers.is_empty(), "{outcome:?}");
                if let Ok(freed) = outcome {
                    let newest = self.live().filter(|(_, held)| numbers.contains(&held.number)).map(|(id, _)| id).max();
                    assert_eq!(freed.as_ref().map(|freed| freed.id.0), newest, "the newest allocation is freed");
                    self.end(newest);
                }
            }
            (Step::FreeOne { .. }, Outcome::FreedOne(outcome)) => {
                let id = outcome.as_ref().map_or_else(unknown, |freed| freed.id.0);
                assert_eq!(outcome.is_ok(), self.is_live(id), "what is lent is freed, and nothing else: {outcome:?}");
                self.end(outcome.is_ok().then_some(id));
            }
            (Step::Renew { lasting, .. }, Outcome::Lent(outcome)) => {
                let id = outcome.as_ref().map_or_else(unknown, |lent| lent.allocation.id.0);
                assert_eq!(outcome.is_ok(), self.is_live(id), "what is lent is renewed, and nothing else: {outcome:?}");
                if let Ok(lent) = outcome {
                    self.renewed(lent, self.now + lasting * 1000, self.now + lasting * 1000);
                }
            }
            (Step::Match(call), Outcome::Matched(outcome)) => {
                let most = if call.which == Which::Newest { 1 } else { MOST_MATCHES };
                let expected = self.recognised(call, call.late, most);
                let found = outcome.as_deref().unwrap_or_default();
                let ids: Vec<_> = found.iter().map(|it| (it.found.allocation.id.0, it.found.late)).collect();
                assert_eq!(ids, expected, "whom a call is recognised as: {call:?}");
                for (id, _) in expected {
                    let holder = self.held.get(&id).map(|held| held.holder.clone());
                    self.end([id]);
                    if call.after == AfterMatch::Delete {
                        holder.into_iter().for_each(|holder| self.end_interaction(&holder, self.now));
                    }
                }
            }
            (Step::Take(call), Outcome::Taken(Ok(resolved))) => self.take(call, resolved),
            (Step::Begin { holder, lasting, .. }, Outcome::Begun(outcome)) => {
                let living = holder.is_some_and(|at| self.interactions.contains_key(HOLDERS[at]));
                match outcome {
                    Ok(made) => {
                        assert!(!living, "an interaction begins once");
                        let until = lasting.map(|lasting| self.now + lasting * 1000);
                        assert_eq!(deadline(made), until);
                        self.interactions.insert(made.id.to_string(), until);
                    }
                    Err(Error::Refused(Refusal::InteractionExists(_))) => assert!(living, "it does not exist"),
                    Err(_) => {}
                }
            }
            (Step::End { holder }, Outcome::Done(outcome)) => {
                assert_eq!(outcome.is_ok(), self.interactions.contains_key(HOLDERS[*holder]));
                self.end_interaction(HOLDERS[*holder], self.now);
            }
            (Step::Reload { rules: at }, _) => self.rules = rules()[*at].clone(),
            _ => {}
        }
        self.now = now;
        self.expire();
    }

    /// Holds what readers see against what is known.
    pub(super) fn compare(&self, sight: &Sight) {
        let seen: Vec<_> = sight.page.numbers.iter().map(|found| found.record.number.to_string()).collect();
        assert_eq!(seen, self.numbers.keys().cloned().collect::<Vec<_>>(), "the numbers that there are");
        for found in &sight.page.numbers {
            let text = found.record.number.to_string();
            let newest = self.live().filter(|(_, held)| held.number == text).max_by_key(|(id, _)| *id);
            assert_eq!(found.allocation.as_ref().map(|it| it.id.0), newest.map(|(id, _)| id), "who holds {text}");
            if newest.is_none() {
                let ended = self.on(&text).map(|(_, held)| held.until).chain(self.numbers[&text].freed).max();
                assert_eq!(found.ended.map(Timestamp::as_millis), ended, "until when {text} was lent");
            }
        }
        for (holder, seen) in HOLDERS.iter().zip(&sight.interactions) {
            let known = self.interactions.get(*holder).copied();
            assert_eq!(seen.as_deref().map(deadline), known, "until when {holder} lives");
        }
        for pool in &sight.pools {
            let group = pool.group.as_ref().map(GroupName::to_string);
            let lendable = self.numbers.keys().filter(|number| self.numbers[*number].group == group);
            // A number that many share and somebody holds counts as allocated.
            let free = lendable.filter(|text| self.is_lendable(text) && !self.on(text).any(|(id, _)| self.is_live(id)));
            assert_eq!(pool.free, free.count(), "how many numbers of {group:?} can be lent");
        }
    }

    /// Ends what has reached its end by now.
    fn expire(&mut self) {
        let ended = self.interactions.iter().filter_map(|(id, until)| Some((id.clone(), (*until)?)));
        let ended: Vec<_> = ended.filter(|(_, until)| *until <= self.now).collect();
        ended.into_iter().for_each(|(id, until)| self.end_interaction(&id, until));
        let over = |held: &Held| held.until + self.rule(&self.numbers[&held.number].group).rest <= self.now;
        let over: Vec<_> = self.held.iter().filter(|(_, held)| over(held)).map(|(id, _)| *id).collect();
        self.end(over);
    }

    fn end_interaction(&mut self, holder: &str, at: Time) {
        self.interactions.remove(holder);
        let held = self.held.iter().filter(|(_, held)| held.holder == holder).map(|(id, _)| *id);
        self.end_at(held.collect::<Vec<_>>(), at);
    }

    fn end(&mut self, ids: impl IntoIterator<Item = u64>) {
        self.end_at(ids, self.now);
    }

    /// Allocations end, at their deadline if that comes first; from then on their number rests.
    fn end_at(&mut self, ids: impl IntoIterator<Item = u64>, at: Time) {
        for id in ids {
            if let Some(held) = self.held.remove(&id)
                && let Some(number) = self.numbers.get_mut(&held.number)
            {
                number.freed = number.freed.max(Some(held.until.min(at)));
            }
        }
    }

    fn rule(&self, group: &Group) -> GroupRule {
        let name = group.as_ref().and_then(|name| GroupName::new(name).ok());
        let configured = self.rules.groups[&scope().tenant].get(&match name {
            Some(name) => name,
            None => return GroupRule::default(),
        });
        configured.map_or_else(GroupRule::default, |rules| GroupRule {
            shared: rules.sharing == Sharing::Shared,
            rest: rules.cool_down.get() * 1000,
            reserved: rules.reserved.iter().map(ToString::to_string).collect(),
        })
    }

    fn is_configured(&self, group: &str) -> bool {
        self.rules.groups[&scope().tenant].keys().any(|name| name.as_str() == group)
    }

    fn on<'s>(&'s self, number: &'s str) -> impl Iterator<Item = (u64, &'s Held)> {
        self.held.iter().filter(move |(_, held)| held.number == number).map(|(id, held)| (*id, held))
    }

    fn live(&self) -> impl Iterator<Item = (u64, &Held)> {
        self.held.iter().filter(|(_, held)| self.now < held.until).map(|(id, held)| (*id, held))
    }

    fn is_live(&self, id: u64) -> bool {
        self.live().any(|(live, _)| live == id)
    }

    /// Whether a number may be lent next.
    fn is_lendable(&self, text: &str) -> bool {
        let Number { group, enabled, freed, .. } = &self.numbers[text];
        let rule = self.rule(group);
        let rested = freed.is_none_or(|freed| freed + rule.rest <= self.now) && self.on(text).count() == 0;
        *enabled && !rule.reserved.contains(text) && (rule.shared || rested)
    }

    fn lendable(&self, group: &Group) -> Vec<&String> {
        let of_group = self.numbers.keys().filter(|text| self.numbers[*text].group == *group);
        of_group.filter(|text| self.is_lendable(text)).collect()
    }

    /// Whether every code of a length is in use on a number.
    fn codes_used_up(&self, number: &str, length: u64) -> bool {
        let used = self.on(number).filter_map(|(_, held)| held.code.as_ref());
        used.filter(|code| code.len() as u64 == length).count() as u64 == 10u64.pow(u32::try_from(length).unwrap())
    }

    fn add(&mut self, text: &str, dnid: String, group: Group, enabled: bool) {
        self.numbers.entry(text.to_owned()).or_insert(Number { dnid, group, enabled, freed: None });
    }

    fn import(&mut self, rows: &[usize], created: Option<usize>, outcome: &Result<Imported>) {
        let usual = |text: &str| (text[text.len() - 1..].to_owned(), Some("g".to_owned()));
        let rows: BTreeSet<_> = rows.iter().map(|at| NUMBERS[*at]).collect();
        let fresh: Vec<_> = rows.into_iter().filter(|text| !self.numbers.contains_key(*text)).collect();
        let taken = created.map(|at| NUMBERS[at]).filter(|text| fresh.contains(text));
        if let Some(text) = created.map(|at| NUMBERS[at]) {
            let (dnid, group) = usual(text);
            self.add(text, dnid, group, true);
        }
        match outcome {
            Ok(Imported::Done { created, .. }) => {
                assert_eq!((*created, taken), (fresh.len() as u64, None), "all rows or none");
                for text in fresh {
                    let (dnid, group) = usual(text);
                    self.add(text, dnid, group, true);
                }
            }
            Ok(Imported::Refused(_)) => assert!(taken.is_some(), "somebody was quicker"),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn delete(&mut self, text: &str, outcome: &Result<()>) {
        let lent = self.on(text).any(|(id, _)| self.is_live(id));
        let known = self.numbers.contains_key(text);
        assert_eq!(outcome.is_ok(), known && !lent, "what is lent is not deleted: {outcome:?}");
        if outcome.is_ok() {
            self.held.retain(|_, held| held.number != text);
            self.numbers.remove(text);
        }
    }

    /// The numbers that somebody may mean: the one with these digits, else those with this DNID.
    fn dialled(&self, dialled: &Dialled) -> Vec<String> {
        match dialled {
            Dialled::Number(at) => self.numbers.keys().filter(|text| *text == NUMBERS[*at]).cloned().collect(),
            Dialled::Dnid(dnid) => {
                let with = self.numbers.iter().filter(|(_, number)| number.dnid == dnid.to_string());
                with.map(|(text, _)| text.clone()).collect()
            }
        }
    }

    /// The allocations that a call fits, newest first: live ones or, if there are none, the newest that has expired while
    /// its number rests.
    fn recognised(&self, call: &Call, late: LateCalls, most: usize) -> Vec<(u64, bool)> {
        let code = call.code.and_then(|at| self.codes.iter().rev().nth(at));
        let caller = call.caller.map(|at| CALLERS[at]);
        let fits = |held: &Held| {
            let one = |given: Option<&str>, own: Option<&str>| match (given, own) {
                (None, _) => true,
                (Some(given), Some(own)) => given == own,
                // Where one alone has the number, nothing needs to tell him from others.
                (Some(_), None) => !held.shared,
            };
            one(code.map(String::as_str), held.code.as_deref()) && one(caller, held.caller.as_deref())
        };
        let mut fitting: Vec<_> = self.on(NUMBERS[call.number]).filter(|(_, held)| fits(held)).collect();
        fitting.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let live = fitting.iter().filter(|(_, held)| self.now < held.until).map(|(id, _)| (*id, false));
        let live: Vec<_> = live.take(most).collect();
        let expired = fitting.first().filter(|_| live.is_empty() && late == LateCalls::Recognised);
        expired.map_or(live, |(id, _)| vec![(*id, true)])
    }

    fn take(&mut self, call: &Call, resolved: &Resolved) {
        let expected = self.recognised(call, LateCalls::Recognised, usize::MAX);
        let candidates = resolved.candidates.iter().map(|it| &it.candidate);
        let found: Vec<_> = candidates.map(|it| (it.allocation.id.0, it.late)).collect();
        assert_eq!(found, expected, "whose a call may be: {call:?}");
        assert_eq!(resolved.freed, expected.len() == 1, "only what is certain is taken");
        if let [(id, _)] = expected[..] {
            self.end([id]);
        }
    }

    fn lend(&mut self, lending: &Lending, outcome: &Result<Lent>) {
        let holder = match lending.holder {
            HolderKind::Known(at) | HolderKind::Any(at) => Some(HOLDERS[at]),
            HolderKind::New => None,
        };
        let living = holder.filter(|holder| self.interactions.contains_key(*holder));
        let length = (1..=16).contains(&lending.times.interaction).then_some(lending.times.interaction);
        let again = living.and_then(|holder| self.running(holder, lending));
        let groups = self.groups(lending);
        match outcome {
            Ok(lent) if lending.idempotency.is_some() && self.is_unchanged(&lent.allocation) => {}
            Ok(lent) => {
                assert!(living.is_some() || !matches!(lending.holder, HolderKind::Known(_)), "nobody is made up");
                let until = self.now + lending.times.lasting * 1000;
                let lives = until.max(self.now + lending.times.interaction * 1000);
                let id = lent.allocation.id.0;
                match again {
                    Some(running) => assert_eq!(id, running, "a second request is given the same"),
                    None => self.newly_lent(lending, &lent.allocation, &groups),
                }
                let had = self.held.get(&id).and_then(|held| held.code.clone());
                self.held.entry(id).or_insert_with(|| Held::of(&lent.allocation));
                self.check_code(&lent.allocation, had, length);
                self.renewed(lent, until, lives);
            }
            Err(Error::Refused(Refusal::InteractionUnknown(_))) => {
                assert!(living.is_none() && matches!(lending.holder, HolderKind::Known(_)), "it is known");
            }
            Err(Error::Refused(Refusal::Exhausted { .. } | Refusal::GroupUnknown(_))) => {
                let left = groups.iter().find(|group| !self.lendable(group).is_empty());
                assert!(again.is_none() && left.is_none(), "{left:?} has a number to lend: {outcome:?}");
            }
            Err(Error::Refused(Refusal::CodesUsedUp { .. })) => {
                let group = groups.iter().find(|group| !self.lendable(group).is_empty());
                let numbers = match again {
                    Some(id) => vec![&self.held[&id].number],
                    None => group.map_or_else(Vec::new, |group| self.lendable(group)),
                };
                let length = length.expect("no code was asked for");
                assert!(numbers.iter().all(|number| self.codes_used_up(number, length)), "a code is left");
            }
            // Quotas, documents, and keys of requests.
            Err(_) => {}
        }
        self.codes
            .extend(outcome.as_ref().ok().and_then(|lent| Some(lent.allocation.code.as_ref()?.as_str().to_owned())));
    }

    /// The groups that may serve a request, in their order.
    fn groups(&self, lending: &Lending) -> Vec<Group> {
        let name = |at: usize| GROUPS[at].map(str::to_owned);
        let is_shared = |group: &Group| self.rule(group).shared;
        let groups: Vec<Group> = match lending.source {
            SourceKind::Group(asked, fallback) => {
                let known = |group: &Group| {
                    let configured = group.as_ref().is_some_and(|group| self.is_configured(group));
                    configured || self.numbers.values().any(|number| number.group == *group)
                };
                let asked = name(asked);
                let fallback = fallback.filter(|_| known(&asked)).map(name);
                [asked].into_iter().chain(fallback).collect()
            }
            SourceKind::FirstOf(first, second) => vec![name(first), name(second)],
            SourceKind::Anywhere => {
                let all: BTreeSet<_> = self.numbers.values().map(|number| number.group.clone()).collect();
                all.into_iter().filter(|group| !is_shared(group)).collect()
            }
        };
        groups.into_iter().filter(|group| lending.times.origin != LentBy::Interact || !is_shared(group)).collect()
    }

    /// What a second request gives the interaction again.
    fn running(&self, holder: &str, lending: &Lending) -> Option<u64> {
        let within = |group: &Group| match (lending.repeat, lending.source) {
            (Repeat::AnotherNumber, _) => false,
            (Repeat::SameNumber, _) | (_, SourceKind::Anywhere) => true,
            (_, SourceKind::FirstOf(one, other)) => [one, other].iter().any(|at| group.as_deref() == GROUPS[*at]),
            (_, SourceKind::Group(one, fallback)) => {
                [Some(one), fallback].into_iter().flatten().any(|at| group.as_deref() == GROUPS[at])
            }
        };
        let own = self.live().filter(|(_, held)| held.holder == holder && held.origin == lending.times.origin);
        own.filter(|(_, held)| within(&self.numbers[&held.number].group)).map(|(id, _)| id).max()
    }

    /// Whether an allocation is one that is known, as it was.
    fn is_unchanged(&self, allocation: &Allocation) -> bool {
        let held = self.live().find(|(id, _)| *id == allocation.id.0);
        held.is_some_and(|(_, held)| held.until == allocation.deadline.as_millis() && held.is_of(allocation))
    }

    /// Whether a number may have been lent that nobody was known to hold.
    fn newly_lent(&mut self, lending: &Lending, allocation: &Allocation, groups: &[Group]) {
        let text = allocation.number.to_string();
        assert!(allocation.id.0 > self.last, "an id is never given twice");
        self.last = allocation.id.0;
        assert!(self.is_lendable(&text), "{text} must not be lent now: it is held, rests, or is kept back");
        let group = groups.iter().find(|group| !self.lendable(group).is_empty());
        assert_eq!(Some(&self.numbers[&text].group), group, "the first group that has a number");
        assert_eq!(allocation.sharing == Sharing::Shared, self.rule(&self.numbers[&text].group).shared);
        assert_eq!((allocation.since.as_millis(), allocation.origin), (self.now, lending.times.origin));
        assert_eq!(allocation.caller.as_ref().map(Caller::as_str), lending.caller.map(|at| CALLERS[at]));
    }

    /// Whether an allocation may have the code that it has, which had this one before.
    fn check_code(&self, allocation: &Allocation, had: Option<String>, length: Option<u64>) {
        let number = allocation.number.to_string();
        let code = allocation.code.as_ref().map(|code| code.as_str().to_owned());
        match had {
            Some(had) => assert_eq!(code, Some(had), "a code stays"),
            None => assert_eq!(code.as_ref().map(|code| code.len() as u64), length, "as many digits as asked for"),
        }
        let others = self.on(&number).filter(|(id, _)| *id != allocation.id.0);
        let twice = others.filter(|(_, held)| code.is_some() && held.code == code).count();
        assert_eq!(twice, 0, "code {code:?} is given twice on {number}");
    }

    /// An allocation runs until `until`, and its interaction lives until `lives` at least.
    fn renewed(&mut self, lent: &Lent, until: Time, lives: Time) {
        let allocation = &lent.allocation;
        assert_eq!(allocation.deadline.as_millis(), until, "how long it lasts");
        let held = Held::of(allocation);
        let before = self.held.insert(allocation.id.0, held.clone());
        let same = |held: &Held| (held.number.clone(), held.holder.clone(), held.origin, held.shared);
        assert_eq!(before.as_ref().map(same), Some(same(&held)), "a renewal changes no more than it says");
        let lives = match self.interactions.get(&held.holder) {
            Some(None) => None,
            Some(Some(before)) => Some(lives.max(*before)),
            None => Some(lives),
        };
        assert_eq!((lent.interaction.id.to_string(), deadline(&lent.interaction)), (held.holder.clone(), lives));
        self.interactions.insert(held.holder, lives);
    }
}

impl Held {
    fn of(allocation: &Allocation) -> Self {
        Self {
            number: allocation.number.to_string(),
            holder: allocation.interaction.to_string(),
            code: allocation.code.as_ref().map(|code| code.as_str().to_owned()),
            caller: allocation.caller.as_ref().map(|caller| caller.as_str().to_owned()),
            origin: allocation.origin,
            shared: allocation.sharing == Sharing::Shared,
            until: allocation.deadline.as_millis(),
        }
    }

    fn is_of(&self, allocation: &Allocation) -> bool {
        let other = Self::of(allocation);
        (&self.number, &self.holder, &self.code, &self.caller)
            == (&other.number, &other.holder, &other.code, &other.caller)
    }
}

/// Until when an interaction lives, if it ends by itself.
fn deadline(interaction: &Interaction) -> Option<Time> {
    match interaction.deadline {
        Deadline::At(at) => Some(at.as_millis()),
        Deadline::Never => None,
    }
}

/// The id of an allocation that a store says it does not know.
fn unknown(error: &Error) -> u64 {
    match error {
        Error::Refused(Refusal::AllocationUnknown(id)) => id.0,
        other => panic!("{other:?}"),
    }
}
