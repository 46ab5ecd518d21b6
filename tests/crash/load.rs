//! The clients that keep the gateway busy, each with a dialect and a seed of its own.
//!
//! A client does one thing after another and touches only what is its own, so that the ledger knows the order of all
//! that happens to a thing; how the clients come between each other is left to the machine. A client that gets no answer
//! stops: the gateway is dying.

use std::sync::{Arc, Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::yield_now;

use crate::gateway::GROUPS;
use crate::ledger::{Entries, Intent, Ledger, Lending, Life, Origin, Stage, now};
use crate::wire::{Dialled, Failure, Protocol, Told, Wire};

/// Numbers that one client holds at most; together fewer than there are, so that a refusal is always wrong.
pub(crate) const HOLDS: usize = 8;
/// Numbers that all clients together create at most.
const CREATED: usize = 150;
/// How long documents live: longer than any run.
pub(crate) const KEPT: u64 = 36_000;
/// How long a GMS number is lent: longer than any run, and so short that it ends within it.
const LONG_BOOKING: u64 = 1800;
const SHORT_BOOKING: u64 = 5;
/// Letters of the largest values; about 1 MiB.
const FILE: usize = 680_000;
/// Documents of that size that a client keeps at most.
const FILES: usize = 3;
/// Letters of values: one to four bytes each, and what forms, JSON and XML must escape.
const LETTERS: [char; 16] =
    ['a', 'Z', '0', ' ', '&', '=', '+', '%', '<', '"', '\\', '\n', '\u{e9}', '\u{20ac}', '\u{6f22}', '\u{1f4de}'];

/// The ledger as the clients share it.
pub(crate) type SharedLedger = Arc<Mutex<Ledger>>;

/// Looks into the ledger.
pub(crate) fn open(ledger: &SharedLedger) -> MutexGuard<'_, Ledger> {
    ledger.lock().expect("nobody panics with the ledger open")
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Interact(Protocol),
    Gms,
    Storage,
    Aicc,
    Native,
}

/// The clients of a run.
pub(crate) const ROLES: [Role; 14] = [
    Role::Interact(Protocol::Rest),
    Role::Interact(Protocol::Rest),
    Role::Interact(Protocol::Soap),
    Role::Interact(Protocol::Soap),
    Role::Gms,
    Role::Gms,
    Role::Gms,
    Role::Gms,
    Role::Storage,
    Role::Storage,
    Role::Aicc,
    Role::Aicc,
    Role::Native,
    Role::Native,
];

/// Whether a client goes on.
pub(crate) enum Flow {
    On,
    Stop,
}

/// A client.
pub(crate) struct Client {
    pub(crate) index: usize,
    role: Role,
    pub(crate) rng: StdRng,
    pub(crate) made: usize,
    pub(crate) ledger: SharedLedger,
    /// Interactions it has used, the newest last.
    interactions: Vec<String>,
    /// Places in the ledger of the documents it has stored, the newest last.
    documents: Vec<usize>,
    /// The same of the documents that hold a large value.
    files: Vec<usize>,
}

impl Client {
    /// The client at `index` of [`ROLES`].
    pub(crate) fn new(index: usize, seed: u64, ledger: &SharedLedger) -> Self {
        let rng = StdRng::seed_from_u64(seed ^ (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self {
            index,
            role: ROLES[index],
            rng,
            made: 0,
            ledger: Arc::clone(ledger),
            interactions: Vec::new(),
            documents: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Works until the gateway does not answer. Interact lends for `lasting` seconds at this time.
    pub(crate) async fn work(mut self, wire: Wire, lasting: u64) -> Self {
        loop {
            // Not every turn asks for something, and clients that find nothing to do must not keep the others waiting.
            yield_now().await;
            let flow = match self.role {
                Role::Interact(protocol) => self.interact(&wire, protocol, lasting).await,
                Role::Gms => self.gms(&wire).await,
                Role::Storage => self.storage(&wire).await,
                Role::Aicc => self.routing(&wire).await,
                Role::Native => self.native(&wire).await,
            };
            if let Flow::Stop = flow {
                return self;
            }
        }
    }

    async fn interact(&mut self, wire: &Wire, protocol: Protocol, lasting: u64) -> Flow {
        let held = self.held();
        match self.rng.random_range(0..100) {
            0..45 if held.len() < HOLDS => self.allocate(wire, protocol, lasting).await,
            45..55 => match self.pick(&held, |lending| lending.origin == Origin::Interact) {
                Some(place) => self.renew(wire, protocol, place, lasting).await,
                None => Flow::On,
            },
            55..63 => self.create(wire, protocol).await,
            63..70 => self.recognise(wire, &held).await,
            _ => self.free(wire, protocol, &held).await,
        }
    }

    async fn gms(&mut self, wire: &Wire) -> Flow {
        let held = self.held();
        match self.rng.random_range(0..100) {
            0..35 if held.len() < HOLDS => self.request_interaction(wire).await,
            35..60 if held.len() < HOLDS => self.request_access(wire).await,
            60..70 => self.free(wire, Protocol::Rest, &held).await,
            _ => self.recognise(wire, &held).await,
        }
    }

    async fn allocate(&mut self, wire: &Wire, protocol: Protocol, lasting: u64) -> Flow {
        let id = self.fresh("unique");
        let group = self.group();
        // Without a group the number comes from anywhere.
        let group = self.rng.random_bool(0.8).then_some(group);
        let lending = Lending { interaction: Some(id.clone()), ..self.lending(Origin::Interact, lasting) };
        let intent = open(&self.ledger).ask(lending);
        let told = wire.allocate(protocol, &id, group).await;
        self.finish("Allocate", intent, told, |client, intent, number| {
            open(&client.ledger).lent(intent, &number, &id, None);
            client.interactions.push(id.clone());
        })
    }

    /// A second Allocate: the same number, another deadline.
    async fn renew(&mut self, wire: &Wire, protocol: Protocol, place: usize, lasting: u64) -> Flow {
        let lending = self.look(place);
        let id = lending.interaction.expect("a held number has a holder");
        let intent = open(&self.ledger).ask_renewal(place, lasting);
        let told = wire.allocate(protocol, &id, None).await;
        self.finish("second Allocate", intent, told, |client, intent, number| {
            let mut ledger = open(&client.ledger);
            ledger.renewed(intent);
            if lending.number.as_deref() != Some(&number) {
                ledger.violation(format!("{id} holds {:?}, but was told {number}", lending.number));
            }
        })
    }

    async fn create(&mut self, wire: &Wire, protocol: Protocol) -> Flow {
        self.made += 1;
        if self.made > CREATED / ROLES.len() * 2 {
            return Flow::On;
        }
        let (number, dnid) =
            (format!("4989{}{:04}", self.index, self.made), format!("7{}{:04}", self.index, self.made));
        let group = self.group();
        let intent = open(&self.ledger).ask_create(&number, &dnid, group);
        let told = wire.create(protocol, &number, &dnid, group).await;
        self.finish("Create", intent, told, |client, intent, ()| open(&client.ledger).created(intent))
    }

    async fn free(&mut self, wire: &Wire, protocol: Protocol, held: &[usize]) -> Flow {
        // A number that could end by itself may be somebody else's by the time the request arrives.
        let Some(place) = self.pick(held, is_lasting) else { return Flow::On };
        let number = self.look(place).number.expect("a held number is known");
        let intent = open(&self.ledger).ask_end(place, false);
        let told = wire.free(protocol, &number).await;
        self.finish("Free", intent, told, |client, intent, ()| open(&client.ledger).ended(intent))
    }

    async fn request_interaction(&mut self, wire: &Wire) -> Flow {
        let data = self.data("started");
        let (mut wishes, lending) = self.booking();
        wishes.insert("_ttl".to_owned(), KEPT.to_string());
        let intent = open(&self.ledger).ask(Lending { writes: data.clone(), ..lending });
        let told = wire.request_interaction(&wishes, &data).await;
        self.finish("request-interaction", intent, told, |client, intent, access| {
            open(&client.ledger).lent(intent, &access.number, &access.interaction, access.code);
            client.interactions.push(access.interaction);
        })
    }

    async fn request_access(&mut self, wire: &Wire) -> Flow {
        let Some(id) = self.interaction() else { return self.request_interaction(wire).await };
        let data = if self.rng.random_bool(0.5) { self.data("added") } else { Entries::new() };
        let (mut wishes, lending) = self.booking();
        wishes.insert("_id".to_owned(), id.clone());
        let lending = Lending { interaction: Some(id.clone()), writes: data.clone(), ..lending };
        let intent = open(&self.ledger).ask(lending);
        let told = wire.request_access(&wishes, &data).await;
        self.finish("request-access", intent, told, |client, intent, access| {
            let mut ledger = open(&client.ledger);
            ledger.lent(intent, &access.number, &id, access.code);
            if access.interaction != id {
                ledger.violation(format!("{id} asked for a number, and {} was answered", access.interaction));
            }
        })
    }

    async fn recognise(&mut self, wire: &Wire, held: &[usize]) -> Flow {
        // The code tells our own lending from that of the next holder, should this one end on the way.
        let Some(place) = self.pick(held, |lending| is_lasting(lending) || lending.code.is_some()) else {
            return Flow::On;
        };
        let deleting = self.rng.random_bool(0.25);
        let lending = self.look(place);
        let intent = open(&self.ledger).ask_end(place, deleting);
        let told = wire.recognise(&dialled(&lending), deleting).await;
        if let Err(Failure::Refused(404, _)) = told
            && lending.window.earliest <= now()
        {
            open(&self.ledger).take_back(intent);
            return Flow::On;
        }
        self.finish("match-interaction", intent, told, |client, intent, recognised| {
            let mut ledger = open(&client.ledger);
            check_recognised(&mut ledger, &lending, &recognised.interaction, &recognised.data_id, recognised.data);
            ledger.ended(intent);
        })
    }

    async fn storage(&mut self, wire: &Wire) -> Flow {
        let known: Vec<usize> = {
            let ledger = open(&self.ledger);
            self.documents.retain(|place| ledger.documents[*place].content().is_some());
            self.documents.iter().rev().take(30).copied().collect()
        };
        match (self.rng.random_range(0..100), self.one_of(&known)) {
            (0..50, _) | (_, None) => {
                let large = self.rng.random_bool(0.04);
                if large && self.files.len() == FILES {
                    let place = self.files.remove(0);
                    return self.discard(wire, place).await;
                }
                self.store(wire, large).await
            }
            (50..85, Some(place)) => {
                let data = self.data("merged");
                let (id, intent) = self.write(place, Some(&data));
                let told = wire.merge(&id, &data, KEPT).await;
                self.finish("storage merge", intent, told, |client, intent, ()| open(&client.ledger).written(intent))
            }
            (_, Some(place)) => self.discard(wire, place).await,
        }
    }

    async fn store(&mut self, wire: &Wire, large: bool) -> Flow {
        let mut data = self.data("stored");
        if large {
            data.insert("file".to_owned(), self.text(FILE));
        }
        match wire.store(&data, KEPT).await {
            Ok(id) => {
                let place = open(&self.ledger).stored(id, data);
                if large { &mut self.files } else { &mut self.documents }.push(place);
                Flow::On
            }
            Err(failure) => self.failed("storage create", None, failure),
        }
    }

    async fn discard(&mut self, wire: &Wire, place: usize) -> Flow {
        let (id, intent) = self.write(place, None);
        let told = wire.discard(&id).await;
        self.finish("storage delete", intent, told, |client, intent, ()| open(&client.ledger).written(intent))
    }

    fn write(&self, place: usize, data: Option<&Entries>) -> (String, Intent) {
        let mut ledger = open(&self.ledger);
        let id = ledger.documents[place].data_id.clone().expect("a stored document has an id");
        (id, ledger.ask_write(place, data))
    }

    /// Notes what became of a request.
    pub(crate) fn finish<T>(
        &mut self,
        what: &str,
        intent: Intent,
        told: Told<T>,
        acknowledge: impl FnOnce(&mut Self, &Intent, T),
    ) -> Flow {
        match told {
            Ok(answer) => {
                acknowledge(self, &intent, answer);
                Flow::On
            }
            Err(failure) => self.failed(what, Some(intent), failure),
        }
    }

    /// Notes that there is no good answer.
    pub(crate) fn failed(&self, what: &str, intent: Option<Intent>, failure: Failure) -> Flow {
        let mut ledger = open(&self.ledger);
        match (failure, intent) {
            // The intent stays as it is.
            (Failure::Unclear(how), _) => ledger.unclear.push((now(), format!("{what}: {how}"))),
            (Failure::Unsent, intent) => {
                ledger.unclear.push((now(), format!("{what}: no connection")));
                intent.into_iter().for_each(|intent| ledger.take_back(intent));
            }
            (Failure::Refused(status, text), intent) => {
                ledger.violation(format!("{what} was refused: {status} {text}; {intent:?}"));
                intent.into_iter().for_each(|intent| ledger.take_back(intent));
            }
        }
        Flow::Stop
    }

    /// What it holds, and has not asked to end. What has certainly ended by itself takes no room any more.
    pub(crate) fn held(&self) -> Vec<usize> {
        let now = now();
        let holds = |lending: &Lending| lending.stage == Stage::Held && now <= lending.window.latest;
        open(&self.ledger).choose(|lending| lending.owner == self.index && holds(lending))
    }

    fn look(&self, place: usize) -> Lending {
        open(&self.ledger).lendings[place].clone()
    }

    fn pick(&mut self, held: &[usize], fits: impl Fn(&Lending) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = {
            let ledger = open(&self.ledger);
            let live = |lending: &Lending| lending.window.earliest > now() + 1000;
            let fits = |place: &&usize| live(&ledger.lendings[**place]) && fits(&ledger.lendings[**place]);
            held.iter().filter(fits).copied().collect()
        };
        self.one_of(&fitting)
    }

    /// Any of these.
    pub(crate) fn one_of(&mut self, places: &[usize]) -> Option<usize> {
        (!places.is_empty()).then(|| places[self.rng.random_range(0..places.len())])
    }

    /// One of the interactions that it used last and that are alive.
    fn interaction(&mut self) -> Option<String> {
        let ledger = open(&self.ledger);
        self.interactions.retain(|id| ledger.interactions[id].life == Life::Alive);
        drop(ledger);
        let last = self.interactions.len().checked_sub(1)?;
        Some(self.interactions[self.rng.random_range(last.saturating_sub(10)..=last)].clone())
    }

    /// A name that nothing else has.
    pub(crate) fn fresh(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}-{}-{}", self.index, self.made)
    }

    /// Any group.
    pub(crate) fn group(&mut self) -> &'static str {
        GROUPS[self.rng.random_range(0..GROUPS.len())]
    }

    /// A lending that is asked for now.
    pub(crate) fn lending(&self, origin: Origin, lasting: u64) -> Lending {
        Lending::asked(self.index, origin, lasting)
    }

    /// What a GMS client wishes of a number, and what follows from it.
    fn booking(&mut self) -> (Entries, Lending) {
        let lasting = if self.rng.random_bool(0.25) { SHORT_BOOKING } else { LONG_BOOKING };
        let caller = format!("1555{:04}", self.rng.random_range(0..10_000));
        let wishes = Entries::from([
            ("_resource_group".to_owned(), self.group().to_owned()),
            ("_provide_code".to_owned(), "true".to_owned()),
            ("_booking_expiration_timeout".to_owned(), lasting.to_string()),
            ("_phone_number".to_owned(), caller.clone()),
        ]);
        (wishes, Lending { caller: Some(caller), ..self.lending(Origin::Gms, lasting) })
    }

    /// User data: one entry that exists nowhere else and says where it comes from, and some of all sizes, over 4 KiB
    /// among them. Two writes always share a name, so that one overwrites the other.
    fn data(&mut self, what: &str) -> Entries {
        let mut data = Entries::from([("token".to_owned(), self.fresh(what))]);
        for _ in 0..self.rng.random_range(1..5) {
            let name = format!("value {}", self.rng.random_range(0..6));
            let letters = match self.rng.random_range(0..20) {
                0..12 => self.rng.random_range(1..60),
                12..16 => self.rng.random_range(300..1_100),
                16..19 => self.rng.random_range(4_000..9_000),
                _ => self.rng.random_range(20_000..40_000),
            };
            data.insert(name, self.text(letters));
        }
        data
    }

    fn text(&mut self, letters: usize) -> String {
        (0..letters).map(|_| LETTERS[self.rng.random_range(0..LETTERS.len())]).collect()
    }
}

/// Whether a lending will outlast the run.
pub(crate) fn is_lasting(lending: &Lending) -> bool {
    lending.window.earliest > now() + 300_000
}

/// What an IVR would know of a call to the number.
pub(crate) fn dialled(lending: &Lending) -> Dialled {
    Dialled {
        number: lending.number.clone().expect("a held number is known"),
        code: lending.code.clone(),
        caller: lending.caller.clone(),
    }
}

/// Holds a match against what the ledger knows of its lending.
pub(crate) fn check_recognised(
    ledger: &mut Ledger,
    lending: &Lending,
    interaction: &str,
    data_id: &str,
    data: Entries,
) {
    let number = lending.number.as_deref().unwrap_or_default();
    if lending.interaction.as_deref() != Some(interaction) {
        ledger.violation(format!("{number} was matched to {interaction}, {:?} holds it", lending.interaction));
        return;
    }
    let place = ledger.interactions[interaction].document;
    let document = &mut ledger.documents[place];
    let known = document.data_id.get_or_insert_with(|| data_id.to_owned());
    let same_id = *known == data_id;
    let names: Vec<String> = data.keys().cloned().collect();
    if !document.settle(Some(data)) {
        ledger.violation(format!("the user data of {interaction} have changed; found are {names:?}"));
    }
    if !same_id {
        ledger.violation(format!("the data id of {interaction} has become {data_id}"));
    }
}
