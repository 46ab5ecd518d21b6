//! Retries and histories over the native API. A retry under its Idempotency-Key is answered with the same allocation,
//! after a restart too, and with 409 once that has ended; and whoever held a number is in its history.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use crate::audit::{Audit, Depth};
use crate::ledger::{Ledger, Lending, Origin, Stage, now};
use crate::load::{Client, Flow, HOLDS, KEPT, open};
use crate::wire::{Failure, Told, Wire, parsed, send, unreadable};

/// Keys of ended allocations, and histories, that are looked at where not all are.
const SPENT: usize = 15;
const HISTORIES: usize = 25;

/// A request that can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Retry {
    key: String,
    body: Value,
    /// What the gateway calls it, once that was told.
    allocation: Option<String>,
}

/// An allocation as the native API shows it.
pub(crate) struct Allocation {
    id: String,
    number: String,
    interaction: String,
}

/// An entry of a history.
struct Held {
    interaction: String,
    running: bool,
}

impl Wire {
    /// Lends a number under an `Idempotency-Key`.
    pub(crate) async fn lend(&self, key: &str, body: &Value) -> Told<Allocation> {
        let request = self.native(reqwest::Method::POST, "/allocations");
        let answer: Value = parsed(&send(request.header("Idempotency-Key", format!("\"{key}\"")).json(body)).await?)?;
        let member = |name: &str| answer[name].as_str().map(str::to_owned).ok_or_else(|| unreadable(&answer));
        Ok(Allocation { id: member("id")?, number: member("number")?, interaction: member("interaction")? })
    }

    async fn end(&self, allocation: &str) -> Told<()> {
        send(self.native(reqwest::Method::DELETE, &format!("/allocations/{allocation}"))).await.map(drop)
    }

    /// Who has held a number, the newest first.
    async fn history(&self, number: &str) -> Told<Vec<Held>> {
        let mut held = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/numbers/{number}/history?limit=1000{cursor}");
            let page: Value = parsed(&send(self.native(reqwest::Method::GET, &path)).await?)?;
            for entry in page["items"].as_array().ok_or_else(|| unreadable(&page))? {
                let interaction = entry["allocation"]["interaction"].as_str().ok_or_else(|| unreadable(entry))?;
                if entry["until"].is_null() != entry["ended"].is_null() {
                    return Err(unreadable(entry));
                }
                held.push(Held { interaction: interaction.to_owned(), running: entry["until"].is_null() });
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(held),
            }
        }
    }
}

impl Client {
    /// Lends, asks again, or ends an allocation of its own.
    pub(crate) async fn native(&mut self, wire: &Wire) -> Flow {
        let held = self.held();
        match self.rng.random_range(0..100) {
            0..50 if held.len() < HOLDS => self.lend_once(wire).await,
            0..65 => match self.one_of(&held) {
                Some(place) => self.ask_again(wire, place).await,
                None => Flow::On,
            },
            _ => self.end(wire, &held).await,
        }
    }

    async fn lend_once(&mut self, wire: &Wire) -> Flow {
        let (id, key) = (self.fresh("native"), self.fresh("key"));
        let group = self.group();
        let body = json!({ "group": group, "interaction": id, "lasting": KEPT });
        let lending = Lending { interaction: Some(id.clone()), ..self.lending(Origin::Native, KEPT) };
        let intent = {
            let mut ledger = open(&self.ledger);
            let place = ledger.lendings.len();
            let retry = Retry { key: key.clone(), body: body.clone(), allocation: None };
            ledger.retries.insert(place, retry);
            ledger.ask(lending)
        };
        let told = wire.lend(&key, &body).await;
        self.finish("native lend", intent, told, |client, intent, allocation| {
            let mut ledger = open(&client.ledger);
            ledger.lent(intent, &allocation.number, &id, None);
            let crate::ledger::Intent::Lend(place) = intent else { unreachable!("it was asked for above") };
            ledger.same_again(*place, &allocation);
        })
    }

    async fn ask_again(&mut self, wire: &Wire, place: usize) -> Flow {
        let retry = open(&self.ledger).retries[&place].clone();
        match wire.lend(&retry.key, &retry.body).await {
            Ok(allocation) => {
                open(&self.ledger).same_again(place, &allocation);
                Flow::On
            }
            Err(failure) => self.failed("native retry", None, failure),
        }
    }

    async fn end(&mut self, wire: &Wire, held: &[usize]) -> Flow {
        let Some(place) = self.one_of(held) else { return Flow::On };
        let known = open(&self.ledger).retries[&place].allocation.clone();
        // A lending whose answer was lost is asked for again, which tells its name.
        let Some(allocation) = known else { return self.ask_again(wire, place).await };
        let intent = open(&self.ledger).ask_end(place, false);
        let told = wire.end(&allocation).await;
        self.finish("native free", intent, told, |client, intent, ()| open(&client.ledger).ended(intent))
    }
}

impl Ledger {
    /// Holds the answer to a request under a key against the allocation that its first one has made.
    fn same_again(&mut self, place: usize, told: &Allocation) {
        let lending = self.lendings[place].clone();
        let retry = self.retries.get_mut(&place).expect("it was noted before it was sent");
        let id = retry.allocation.get_or_insert_with(|| told.id.clone()).clone();
        let (number, interaction) = (lending.number.as_deref(), lending.interaction.as_deref());
        if id != told.id || number != Some(&told.number) || interaction != Some(&told.interaction) {
            let (key, other) = (retry.key.clone(), (&told.id, &told.number, &told.interaction));
            let text = format!("{key} has made allocation {id} of {number:?} to {interaction:?}, but tells {other:?}");
            self.violation(text);
        }
    }

    /// The interactions that have held each number and were ended by somebody, not by their deadline.
    fn past(&self, now: u64) -> BTreeMap<&str, Vec<&str>> {
        let mut past: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let over = self.lendings.iter().filter(|lending| lending.stage == Stage::Over && lending.window.earliest > now);
        for lending in over {
            if let (Some(number), Some(interaction)) = (&lending.number, &lending.interaction) {
                past.entry(number).or_default().push(interaction);
            }
        }
        past
    }
}

impl Audit<'_> {
    /// The keys of what is lent tell it again, also where the first answer was lost; those of what has ended are spent.
    pub(crate) async fn retries(&mut self) -> Told<()> {
        let (mut lent, mut spent) = (Vec::new(), Vec::new());
        for place in self.ledger.retries.keys() {
            let lending = &self.ledger.lendings[*place];
            match lending.stage {
                Stage::Held => lent.push(*place),
                // Without a number it was never lent, and its key is unused.
                Stage::Over if lending.number.is_some() => spent.push(*place),
                _ => {}
            }
        }
        if self.depth == Depth::Sample {
            spent = spent.sample(self.rng, SPENT).copied().collect();
        }
        for place in lent {
            let retry = self.ledger.retries[&place].clone();
            match self.wire.lend(&retry.key, &retry.body).await {
                Ok(allocation) => self.ledger.same_again(place, &allocation),
                Err(Failure::Refused(status, text)) => {
                    self.ledger.violation(format!("a retry of {retry:?} was refused: {status} {text}"));
                }
                Err(failure) => return Err(failure),
            }
        }
        for place in spent {
            let retry = self.ledger.retries[&place].clone();
            match self.wire.lend(&retry.key, &retry.body).await {
                Err(Failure::Refused(409, _)) => {}
                Ok(allocation) => {
                    let text = format!("the key of {retry:?}, which has ended, was answered {}", allocation.number);
                    self.ledger.violation(text);
                    self.wire.end(&allocation.id).await?;
                }
                Err(Failure::Refused(status, text)) => {
                    self.ledger.violation(format!("the key of {retry:?} was not spent, but refused: {status} {text}"));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// The histories of all or some numbers hold every lending, of any dialect, that somebody has ended.
    pub(crate) async fn histories(&mut self) -> Told<()> {
        let past: BTreeMap<String, Vec<String>> = {
            let past = self.ledger.past(now());
            past.into_iter().map(|(number, all)| (number.to_owned(), all.into_iter().map(str::to_owned).collect()))
        }
        .collect();
        let mut numbers: Vec<&String> = past.keys().collect();
        if self.depth == Depth::Sample {
            numbers = numbers.sample(self.rng, HISTORIES).copied().collect();
        }
        for number in numbers {
            let mut ended: Vec<String> = self
                .wire
                .history(number)
                .await?
                .into_iter()
                .filter(|held| !held.running)
                .map(|held| held.interaction)
                .collect();
            for interaction in &past[number] {
                match ended.iter().position(|found| found == interaction) {
                    Some(place) => drop(ended.swap_remove(place)),
                    None => self.ledger.violation(format!("the history of {number} does not know {interaction}")),
                }
            }
        }
        Ok(())
    }
}
