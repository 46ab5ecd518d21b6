//! What the gateway knows after a crash, held against what its clients know.
//!
//! The audit runs over the wire while no client works, so that what it sees stands still but for deadlines. It settles
//! every operation that has no answer: found whole, it is taken over into the ledger; found not at all, it is dropped;
//! anything between is a violation.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::ledger::{Entries, Ledger, Lending, Life, Origin, Stage, Window, now};
use crate::load::{check_recognised, dialled, is_lasting};
use crate::wire::{Dialled, Failure, Protocol, Told, Wire};

/// Requests of the audit at a time.
const AT_A_TIME: usize = 8;

/// How much of what has not changed lately is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// A random part.
    Sample,
    /// Everything.
    Everything,
}

/// What was seen of one number.
struct Seen {
    number: String,
    holder: Option<String>,
    /// When it was asked for, and when the answer was there.
    asked: u64,
    answered: u64,
}

/// Where a deadline is, seen from an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    No,
    Perhaps,
    Yes,
}

impl Seen {
    fn due(&self, window: Window) -> Due {
        if self.answered < window.earliest {
            Due::No
        } else if self.asked > window.latest {
            Due::Yes
        } else {
            Due::Perhaps
        }
    }
}

/// An audit.
pub(crate) struct Audit<'a> {
    pub(crate) wire: &'a Wire,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) rng: &'a mut StdRng,
    pub(crate) depth: Depth,
}

impl Audit<'_> {
    /// Looks at everything that could have been lost, and notes in the ledger what must not be.
    pub(crate) async fn run(mut self) {
        if let Err(failure) = self.look().await {
            self.ledger.violation(format!("the audit was not answered as it must be: {failure:?}"));
        }
    }

    async fn look(&mut self) -> Told<()> {
        let allocated = self.phones().await?;
        let seen = self.holders().await?;
        let swept = now();
        let newborn = self.lendings(&seen, &allocated);
        self.endings(&seen);
        self.newborn(newborn).await?;
        self.unanswered(swept).await?;
        self.documents().await?;
        self.routes().await?;
        self.retries().await?;
        self.histories().await?;
        // The matches first: they give numbers back, of which the interactions then need one.
        self.matches().await?;
        self.interactions().await
    }

    /// Every number that was created is there as it was created, and no other; which of them are shown as allocated.
    async fn phones(&mut self) -> Told<BTreeSet<String>> {
        let listed = self.wire.list().await?;
        let mut missing: BTreeSet<String> = self.ledger.phones.keys().cloned().collect();
        let mut allocated = BTreeSet::new();
        for phone in listed {
            if !missing.remove(&phone.number) {
                self.ledger.violation(format!("number {} is there, but nobody created it, or twice", phone.number));
                continue;
            }
            let known = self.ledger.phones.get_mut(&phone.number).expect("every number of the list was known above");
            let whole = phone.dnid == known.dnid && phone.group.as_ref() == Some(&known.group) && phone.enabled;
            if !known.acknowledged {
                known.acknowledged = true;
                self.ledger.found_done += 1;
            }
            if !whole {
                self.ledger.violation(format!("number {phone:?} is not as it was created"));
            }
            if phone.allocated {
                allocated.insert(phone.number);
            }
        }
        for number in missing {
            if self.ledger.phones.remove(&number).is_some_and(|phone| phone.acknowledged) {
                self.ledger.violation(format!("number {number} is lost"));
            } else {
                self.ledger.found_undone += 1;
            }
        }
        Ok(allocated)
    }

    /// Who holds each number, asked over both forms of the dialect.
    async fn holders(&mut self) -> Told<Vec<Seen>> {
        let rest_first = self.rng.random_bool(0.5);
        let wire = self.wire;
        let numbers = self.ledger.phones.keys().cloned().enumerate();
        let asked = numbers.map(|(place, number)| async move {
            let protocol = if (place % 2 == 0) == rest_first { Protocol::Rest } else { Protocol::Soap };
            let asked = now();
            let holder = wire.holder(protocol, &number).await?;
            Ok(Seen { number, holder, asked, answered: now() })
        });
        stream::iter(asked).buffer_unordered(AT_A_TIME).try_collect().await
    }

    /// Holds every number against the lendings of it. The numbers and interactions that only a request-interaction
    /// without an answer can have brought about are left to be looked at.
    fn lendings(&mut self, seen: &[Seen], allocated: &BTreeSet<String>) -> Vec<(String, String)> {
        let mut newborn = Vec::new();
        for seen in seen {
            let mut explained = seen.holder.is_none();
            let mut expiring = false;
            for place in self.ledger.holders(&seen.number) {
                expiring |= seen.due(self.ledger.lendings[place].window) != Due::No;
                explained |= self.lending(place, seen);
            }
            let shown = allocated.contains(&seen.number);
            if shown != seen.holder.is_some() && (!shown || !expiring) {
                let asked = self.ledger.choose(|lending| lending.stage == Stage::Asked);
                let excused =
                    shown && asked.iter().any(|place| seen.due(self.ledger.lendings[*place].window) != Due::No);
                if !excused {
                    let text = format!("number {}: list says {shown}, Get says {:?}", seen.number, seen.holder);
                    self.ledger.violation(text);
                }
            }
            if let (false, Some(holder)) = (explained, &seen.holder) {
                newborn.extend(self.unexplained(seen, holder));
            }
        }
        newborn
    }

    /// Holds an open lending against what was seen of its number; whether it explains that.
    fn lending(&mut self, place: usize, seen: &Seen) -> bool {
        let lending = &self.ledger.lendings[place];
        let holder = lending.interaction.as_deref().unwrap_or_default();
        let there = seen.holder.as_deref() == Some(holder);
        let due = seen.due(lending.window);
        match (lending.stage, due, there) {
            (Stage::Held, Due::No, false) => {
                let text = format!("{} is lent to {holder}, but {:?} holds it: {lending:?}", seen.number, seen.holder);
                self.ledger.violation(text);
                self.ledger.over(place);
                false
            }
            (_, Due::Yes, true) => {
                let (text, holder) =
                    (format!("{} has outlived its deadline: {lending:?}", seen.number), holder.to_owned());
                // The same interaction may have been lent the same number once more, without an answer.
                self.ledger.over(place);
                if self.asked_for(&holder).is_none() {
                    self.ledger.violation(text);
                    return true;
                }
                false
            }
            (Stage::Held, Due::Yes | Due::Perhaps, false) => {
                self.ledger.over(place);
                false
            }
            // What was asked to end is settled together with all that was to end with it.
            (_, _, there) => there,
        }
    }

    /// Finds the request without an answer that lent a number, or gives it back where only a request-interaction can.
    fn unexplained(&mut self, seen: &Seen, holder: &str) -> Option<(String, String)> {
        if let Some(place) = self.asked_for(holder) {
            self.ledger.found_done += 1;
            let (origin, writes) = {
                let lending = &mut self.ledger.lendings[place];
                lending.stage = Stage::Held;
                lending.number = Some(seen.number.clone());
                (lending.origin, lending.writes.clone())
            };
            self.ledger.born(holder, origin, None);
            self.ledger.write_now(holder, &writes);
            if seen.due(self.ledger.lendings[place].window) == Due::Yes {
                self.ledger.violation(format!("{}, lent to {holder}, has outlived its deadline", seen.number));
            }
            return None;
        }
        if self.ledger.interactions.contains_key(holder) {
            self.ledger.violation(format!("{} is lent to {holder}, which has not asked for it", seen.number));
            return None;
        }
        Some((seen.number.clone(), holder.to_owned()))
    }

    /// A request for a number without an answer, on behalf of this interaction.
    fn asked_for(&self, holder: &str) -> Option<usize> {
        let fits = |lending: &Lending| lending.stage == Stage::Asked && lending.interaction.as_deref() == Some(holder);
        self.ledger.choose(fits).first().copied()
    }

    /// Settles what was asked to end: all that was to end together has ended, or nothing has.
    fn endings(&mut self, seen: &[Seen]) {
        let seen: BTreeMap<&str, &Seen> = seen.iter().map(|seen| (seen.number.as_str(), seen)).collect();
        let mut found: BTreeMap<usize, BTreeSet<bool>> = BTreeMap::new();
        for place in self.ledger.open.clone() {
            let lending = &self.ledger.lendings[place];
            let Stage::Ending(ending) = lending.stage else { continue };
            let outcomes = found.entry(ending).or_default();
            let Some(seen) = lending.number.as_deref().and_then(|number| seen.get(number)) else { continue };
            let there = seen.holder == lending.interaction;
            if there || seen.due(lending.window) == Due::No {
                outcomes.insert(there);
            }
        }
        for (ending, outcomes) in found {
            match (outcomes.contains(&true), outcomes.contains(&false)) {
                (true, true) => {
                    let half: Vec<Lending> =
                        self.ledger.ending(ending).iter().map(|place| self.ledger.lendings[*place].clone()).collect();
                    self.ledger.violation(format!("an interaction has ended by half: {half:?}"));
                    self.ledger.settle_ending(ending, Life::Unknown);
                }
                (true, false) => {
                    self.ledger.found_undone += 1;
                    self.ledger.take_back_ending(ending);
                }
                (false, true) => {
                    self.ledger.found_done += 1;
                    self.ledger.settle_ending(ending, Life::Deleted);
                }
                // It has expired meanwhile, so that its end tells nothing.
                (false, false) => self.ledger.settle_ending(ending, Life::Unknown),
            }
        }
    }

    /// Interactions that nobody has been told of: each must be the whole work of one request-interaction.
    async fn newborn(&mut self, newborn: Vec<(String, String)>) -> Told<()> {
        for (number, holder) in newborn {
            let recognised =
                self.wire.recognise(&Dialled { number: number.clone(), ..Dialled::default() }, false).await;
            let recognised = match recognised {
                Err(Failure::Refused(404, _)) => {
                    self.expired_or_half(&number, &holder).await?;
                    continue;
                }
                recognised => recognised?,
            };
            let asked = self.ledger.choose(|lending| {
                lending.stage == Stage::Asked && lending.interaction.is_none() && lending.writes == recognised.data
            });
            let Some(place) = asked.first().copied() else {
                let names: Vec<&String> = recognised.data.keys().collect();
                let text = format!("{number} is lent to {holder}, which nobody has asked for; its data are {names:?}");
                self.ledger.violation(text);
                continue;
            };
            if recognised.interaction != holder {
                let text = format!("{number} is lent to {holder}, but matches {}", recognised.interaction);
                self.ledger.violation(text);
            }
            self.ledger.found_done += 1;
            self.ledger.over(place);
            self.ledger.born(&recognised.interaction, Origin::Gms, Some(recognised.data_id));
            self.ledger.write_now(&recognised.interaction, &recognised.data);
        }
        Ok(())
    }

    /// A number that was seen lent to an unknown interaction does not match: fine only if it has expired since.
    async fn expired_or_half(&mut self, number: &str, holder: &str) -> Told<()> {
        if self.wire.holder(Protocol::Rest, number).await?.is_some() {
            self.ledger.violation(format!("{number} is lent to {holder}, but does not match: half a lending"));
        }
        Ok(())
    }

    /// Drops the requests for numbers that were not done, and makes sure that nothing of them is there.
    async fn unanswered(&mut self, swept: u64) -> Told<()> {
        for place in self.ledger.choose(|lending| lending.stage == Stage::Asked) {
            let lending = self.ledger.lendings[place].clone();
            self.ledger.over(place);
            let known = lending.interaction.as_deref().is_some_and(|id| self.ledger.interactions.contains_key(id));
            match (lending.interaction, swept < lending.window.earliest) {
                (Some(id), true) if !known => {
                    self.ledger.found_undone += 1;
                    self.expect_unknown(&id).await?;
                }
                (_, true) => self.ledger.found_undone += 1,
                // Its number may have come back by itself; its data would still be there.
                (Some(id), false) if known => self.ledger.write_perhaps(&id, &lending.writes),
                (_, false) => {}
            }
        }
        Ok(())
    }

    /// Every document that was written, and some or all of the others, byte for byte.
    async fn documents(&mut self) -> Told<()> {
        let part =
            if self.depth == Depth::Everything { 1.0 } else { 50.0 / (self.ledger.documents.len().max(50) as f64) };
        let mut wanted = Vec::new();
        for (place, document) in self.ledger.documents.iter().enumerate() {
            if let Some(id) = &document.data_id
                && (document.touched || self.rng.random_bool(part))
            {
                wanted.push((place, id.clone()));
            }
        }
        let wire = self.wire;
        let read = wanted.into_iter().map(|(place, id)| async move {
            let found = wire.document(&id).await?;
            Ok((place, id, found))
        });
        let read: Vec<(usize, String, Option<Entries>)> =
            stream::iter(read).buffer_unordered(AT_A_TIME).try_collect().await?;
        for (place, id, found) in read {
            let document = &mut self.ledger.documents[place];
            let before = document.possible.clone();
            let shown = outline(found.as_ref());
            if before.len() > 1 {
                // The first is what was there before the write, wherever that can still be told.
                let done = before.first() != Some(&found);
                *(if done { &mut self.ledger.found_done } else { &mut self.ledger.found_undone }) += 1;
            }
            if !self.ledger.documents[place].settle(found) {
                let possible: Vec<String> = before.iter().map(|content| outline(content.as_ref())).collect();
                self.ledger.violation(format!("document {id} is {shown}; it may be {}", possible.join(" or ")));
            }
        }
        Ok(())
    }

    /// Interactions that are alive can be lent a number, and give it back; deleted ones cannot.
    async fn interactions(&mut self) -> Told<()> {
        let with = |life| {
            let all = self.ledger.interactions.iter().filter(move |(_, interaction)| interaction.life == life);
            all.map(|(id, _)| id.clone()).collect::<Vec<_>>()
        };
        let (alive, deleted) = (with(Life::Alive), with(Life::Deleted));
        for id in deleted.sample(self.rng, 2) {
            self.expect_unknown(id).await?;
        }
        for id in alive.sample(self.rng, 4) {
            match self.wire.request_access(&wishes(id, 1800), &Entries::new()).await {
                Ok(access) => self.give_back(id, &access.number).await?,
                Err(Failure::Refused(404, text)) => self.ledger.violation(format!("interaction {id} is lost: {text}")),
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    async fn give_back(&mut self, id: &str, number: &str) -> Told<()> {
        let taken = |place: &usize| {
            let lending = &self.ledger.lendings[*place];
            lending.stage == Stage::Held && lending.window.earliest > now()
        };
        if self.ledger.holders(number).iter().any(taken) {
            self.ledger.violation(format!("{number} was lent to {id}, but is held"));
        }
        if self.wire.holder(Protocol::Soap, number).await?.as_deref() != Some(id) {
            self.ledger.violation(format!("{number} was lent to {id}, but Get does not say so"));
        }
        self.wire.free(Protocol::Soap, number).await?;
        if let Some(holder) = self.wire.holder(Protocol::Rest, number).await? {
            self.ledger.violation(format!("{number} was freed, but {holder} holds it"));
        }
        Ok(())
    }

    async fn expect_unknown(&mut self, id: &str) -> Told<()> {
        match self.wire.request_access(&wishes(id, 5), &Entries::new()).await {
            Err(Failure::Refused(404, _)) => Ok(()),
            Ok(access) => {
                self.ledger.violation(format!("interaction {id} is there without what made it"));
                self.wire.free(Protocol::Rest, &access.number).await
            }
            Err(failure) => Err(failure),
        }
    }

    /// Some of the numbers that are lent: a wrong code or caller does not match, the right ones do, and the data are
    /// whole. It ends these lendings.
    async fn matches(&mut self) -> Told<()> {
        let held = self.ledger.choose(|lending| lending.stage == Stage::Held && is_lasting(lending));
        let some: Vec<usize> = match self.depth {
            Depth::Sample => held.sample(self.rng, 8).copied().collect(),
            Depth::Everything => held,
        };
        for place in some {
            let lending = self.ledger.lendings[place].clone();
            for wrong in wrong_calls(&lending) {
                match self.wire.recognise(&wrong, false).await {
                    Err(Failure::Refused(404, _)) => {}
                    Ok(_) => self.ledger.violation(format!("{wrong:?} matches {lending:?}")),
                    Err(failure) => return Err(failure),
                }
            }
            match self.wire.recognise(&dialled(&lending), false).await {
                Ok(found) => {
                    check_recognised(self.ledger, &lending, &found.interaction, &found.data_id, found.data);
                }
                Err(Failure::Refused(404, _)) => self.ledger.violation(format!("no match for {lending:?}")),
                Err(failure) => return Err(failure),
            }
            self.ledger.over(place);
        }
        Ok(())
    }

    /// Takes every number that is free, to see that none is missing: for each, an interaction that holds it from now on.
    pub(crate) async fn drain(&mut self, lasting: u64) -> Told<()> {
        let certain = |place: &usize| self.ledger.lendings[*place].stage == Stage::Held;
        let mut free: BTreeSet<String> = self.ledger.phones.keys().cloned().collect();
        let mut perhaps = BTreeSet::new();
        for number in self.ledger.phones.keys() {
            let holders = self.ledger.holders(number);
            if holders.iter().any(certain) {
                free.remove(number);
                if holders.iter().any(|place| !is_lasting(&self.ledger.lendings[*place])) {
                    perhaps.insert(number.clone());
                }
            }
        }
        for turn in 0..=self.ledger.phones.len() {
            let id = format!("drain-{turn}");
            let lending = Lending::asked(usize::MAX, Origin::Interact, lasting);
            let lending = Lending { interaction: Some(id.clone()), ..lending };
            let intent = self.ledger.ask(lending);
            match self.wire.allocate(Protocol::Rest, &id, None).await {
                Ok(number) => {
                    self.ledger.lent(&intent, &number, &id, None);
                    if !free.remove(&number) && !perhaps.remove(&number) {
                        self.ledger.violation(format!("{number} was lent to {id}, but was not free"));
                    }
                }
                Err(Failure::Refused(403, _)) => {
                    self.ledger.take_back(intent);
                    break;
                }
                Err(failure) => return Err(failure),
            }
        }
        if !free.is_empty() {
            self.ledger.violation(format!("these numbers are free, but are not lent any more: {free:?}"));
        }
        Ok(())
    }
}

/// Calls that are nearly right.
fn wrong_calls(lending: &Lending) -> Vec<Dialled> {
    let right = dialled(lending);
    let mut wrong = Vec::new();
    if let Some(code) = &lending.code {
        let last = if code.ends_with('0') { '1' } else { '0' };
        let code = format!("{}{last}", &code[..code.len() - 1]);
        wrong.push(Dialled { code: Some(code), ..right.clone() });
    }
    if let Some(caller) = &lending.caller {
        wrong.push(Dialled { caller: Some(format!("{caller}9")), ..right });
    }
    wrong
}

fn wishes(id: &str, seconds: u64) -> Entries {
    Entries::from([
        ("_id".to_owned(), id.to_owned()),
        ("_resource_group".to_owned(), "lines".to_owned()),
        ("_booking_expiration_timeout".to_owned(), seconds.to_string()),
    ])
}

/// The shape of a document, for a reader of a violation.
fn outline(content: Option<&Entries>) -> String {
    let Some(content) = content else { return "not there".to_owned() };
    let entry = |(key, value): (&String, &String)| match key.as_str() {
        "token" => format!("token: {value}"),
        key => format!("{key}: {} bytes", value.len()),
    };
    format!("{{{}}}", content.iter().map(entry).collect::<Vec<_>>().join(", "))
}
