//! What the clients know: every operation is noted before it is sent and again when it is answered.
//!
//! An operation that was sent and never answered stays open. The ledger does not guess about it; the audit settles it by
//! what it finds, and finding it half done is a violation like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::retries::Retry;
use crate::routes::Routes;

/// Names and texts.
pub(crate) type Entries = BTreeMap<String, String>;

/// Milliseconds since 1970, by the clock that the gateway under test reads as well.
pub(crate) fn now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    u64::try_from(since_epoch.as_millis()).expect("the clock is not that far past 1970")
}

/// The milliseconds within which a deadline lies: after sending and before the answer, plus the time lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) earliest: u64,
    pub(crate) latest: u64,
}

impl Window {
    /// The deadline of something asked for now, as far as it is known before the answer.
    pub(crate) fn asked(lasting_seconds: u64) -> Self {
        Self { earliest: now() + lasting_seconds * 1000, latest: u64::MAX }
    }

    /// The same once it is known that the gateway has done it before `when`.
    fn done_by(self, when: u64, lasting_seconds: u64) -> Self {
        Self { latest: self.latest.min(when + lasting_seconds * 1000), ..self }
    }

    /// Either of two.
    fn or(self, other: Self) -> Self {
        Self { earliest: self.earliest.min(other.earliest), latest: self.latest.max(other.latest) }
    }
}

/// Which dialect lent a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Interact,
    Gms,
    Native,
}

/// How far a lending has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Asked for, not answered.
    Asked,
    /// Lent.
    Held,
    /// Its end was asked for by the ending of this number, and not answered.
    Ending(usize),
    /// Never lent, or over.
    Over,
}

/// A number lent to an interaction.
#[derive(Clone, Debug)]
pub(crate) struct Lending {
    /// The client it belongs to.
    pub(crate) owner: usize,
    pub(crate) origin: Origin,
    /// Unknown where the gateway makes the interaction and has not answered.
    pub(crate) interaction: Option<String>,
    /// Unknown until the answer.
    pub(crate) number: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) caller: Option<String>,
    /// Seconds.
    pub(crate) lasting: u64,
    pub(crate) window: Window,
    pub(crate) stage: Stage,
    /// What is written into the interaction's document together with the lending.
    pub(crate) writes: Entries,
}

impl Lending {
    /// One that is asked for now, of which nothing else is known.
    pub(crate) fn asked(owner: usize, origin: Origin, lasting: u64) -> Self {
        Self {
            owner,
            origin,
            interaction: None,
            number: None,
            code: None,
            caller: None,
            lasting,
            window: Window::asked(lasting),
            stage: Stage::Asked,
            writes: Entries::new(),
        }
    }
}

/// How an interaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    /// Its deletion was asked for and not answered.
    Deleting(usize),
    Deleted,
    /// Something was not answered, and its traces have expired since.
    Unknown,
}

/// An interaction that some answer has named.
#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) life: Life,
    /// Place of its document in the ledger.
    pub(crate) document: usize,
    /// Whether the document outlives the interaction.
    pub(crate) kept: bool,
}

/// A document, and what may be in it.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// Unknown until a match tells it.
    pub(crate) data_id: Option<String>,
    /// What may be found; more than one only after an operation without an answer. `None`: no document.
    pub(crate) possible: Vec<Option<Entries>>,
    /// Whether it was written since it was read last.
    pub(crate) touched: bool,
}

impl Document {
    fn new(data_id: Option<String>, content: Entries) -> Self {
        Self { data_id, possible: vec![Some(content)], touched: true }
    }

    /// Takes note of what was found; `false` if it cannot be.
    pub(crate) fn settle(&mut self, found: Option<Entries>) -> bool {
        self.touched = false;
        let possible = self.possible.contains(&found);
        self.possible = vec![found];
        possible
    }

    /// The content, where it is certain and there is one.
    pub(crate) fn content(&self) -> Option<&Entries> {
        match self.possible.as_slice() {
            [Some(content)] => Some(content),
            _ => None,
        }
    }
}

/// A number of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phone {
    pub(crate) dnid: String,
    pub(crate) group: String,
    /// Whether its creation was answered.
    pub(crate) acknowledged: bool,
}

/// An operation that is on its way, to be taken back if the gateway refuses or never sees it.
#[derive(Debug)]
pub(crate) enum Intent {
    Lend(usize),
    End(usize),
    Renew {
        lending: usize,
        before: Window,
        asked: Window,
        lasting: u64,
    },
    Create(String),
    Write {
        document: usize,
        before: Vec<Option<Entries>>,
    },
    /// A called route is to be made or deleted.
    Route(String),
}

/// All that is known.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) lendings: Vec<Lending>,
    /// The lendings that are not over.
    pub(crate) open: BTreeSet<usize>,
    pub(crate) interactions: BTreeMap<String, Interaction>,
    pub(crate) documents: Vec<Document>,
    pub(crate) phones: BTreeMap<String, Phone>,
    pub(crate) routes: Routes,
    /// Requests that can be sent again, by the place of their lending.
    pub(crate) retries: BTreeMap<usize, Retry>,
    /// What must not be.
    pub(crate) violations: Vec<String>,
    /// When something was not answered, and how that looked.
    pub(crate) unclear: Vec<(u64, String)>,
    /// Operations that were acknowledged.
    pub(crate) acknowledged: usize,
    /// Operations without an answer that the audit has found done, and not done.
    pub(crate) found_done: usize,
    pub(crate) found_undone: usize,
    endings: usize,
}

impl Ledger {
    /// Notes something that must not be.
    pub(crate) fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// A number is asked for.
    pub(crate) fn ask(&mut self, lending: Lending) -> Intent {
        self.open.insert(self.lendings.len());
        self.lendings.push(lending);
        Intent::Lend(self.lendings.len() - 1)
    }

    /// A number was lent. Nobody else may hold it.
    pub(crate) fn lent(&mut self, intent: &Intent, number: &str, interaction: &str, code: Option<String>) {
        let Intent::Lend(place) = *intent else { unreachable!("only a number that was asked for is lent") };
        self.acknowledged += 1;
        let now = now();
        for other in self.holders(number) {
            let lending = &self.lendings[other];
            if lending.stage == Stage::Held && lending.window.earliest > now {
                let holder = lending.interaction.clone().unwrap_or_default();
                self.violation(format!("{number} was lent to {interaction} while {holder} holds it"));
            }
        }
        let writes = self.lendings[place].writes.clone();
        self.born(interaction, self.lendings[place].origin, None);
        self.write_now(interaction, &writes);
        let lending = &mut self.lendings[place];
        lending.stage = Stage::Held;
        lending.number = Some(number.to_owned());
        lending.interaction = Some(interaction.to_owned());
        lending.code = code;
        lending.window = lending.window.done_by(now, lending.lasting);
    }

    /// An interaction exists.
    pub(crate) fn born(&mut self, id: &str, origin: Origin, data_id: Option<String>) {
        if let Some(known) = self.interactions.get_mut(id) {
            known.life = Life::Alive;
            return;
        }
        let document = self.documents.len();
        self.documents.push(Document::new(data_id, Entries::new()));
        // Only GMS clients can say how long data are kept.
        let kept = origin == Origin::Gms;
        self.interactions.insert(id.to_owned(), Interaction { life: Life::Alive, document, kept });
    }

    /// Entries were written into the document of an interaction, for certain.
    pub(crate) fn write_now(&mut self, interaction: &str, writes: &Entries) {
        let document = &mut self.documents[self.interactions[interaction].document];
        if !writes.is_empty() {
            document.touched = true;
            document.possible = document.possible.iter().map(|before| merged(before.as_ref(), writes)).collect();
        }
    }

    /// Entries may or may not have been written into the document of an interaction.
    pub(crate) fn write_perhaps(&mut self, interaction: &str, writes: &Entries) {
        let document = &mut self.documents[self.interactions[interaction].document];
        if !writes.is_empty() {
            document.touched = true;
            let after: Vec<_> = document.possible.iter().map(|before| merged(before.as_ref(), writes)).collect();
            document.possible.extend(after);
        }
    }

    /// The end of a lending is asked for; `deleting` ends the interaction with everything it holds.
    pub(crate) fn ask_end(&mut self, place: usize, deleting: bool) -> Intent {
        self.endings += 1;
        let ending = self.endings;
        let interaction = self.lendings[place].interaction.clone().expect("a held number has a holder");
        let ended = if deleting { self.held_by(&interaction) } else { vec![place] };
        for place in ended {
            self.lendings[place].stage = Stage::Ending(ending);
        }
        if deleting {
            self.interactions.get_mut(&interaction).expect("the holder is known").life = Life::Deleting(ending);
        }
        Intent::End(ending)
    }

    /// What was asked to end has ended.
    pub(crate) fn ended(&mut self, intent: &Intent) {
        let Intent::End(ending) = *intent else { unreachable!("only an end that was asked for comes") };
        self.acknowledged += 1;
        self.settle_ending(ending, Life::Deleted);
    }

    /// Whatever `ending` was to end is over, and the interaction that it was to delete is as told.
    pub(crate) fn settle_ending(&mut self, ending: usize, life: Life) {
        let deleted = self.deleting(ending);
        for place in self.ending(ending) {
            self.over(place);
        }
        let Some(deleted) = deleted.and_then(|id| self.interactions.get_mut(&id)) else { return };
        deleted.life = life;
        if !deleted.kept {
            let document = &mut self.documents[deleted.document];
            document.touched = true;
            match life {
                Life::Deleted => document.possible = vec![None],
                Life::Unknown => document.possible.push(None),
                Life::Alive | Life::Deleting(_) => {}
            }
        }
    }

    /// Nothing of what `ending` was to end has ended.
    pub(crate) fn take_back_ending(&mut self, ending: usize) {
        if let Some(interaction) = self.deleting(ending).and_then(|id| self.interactions.get_mut(&id)) {
            interaction.life = Life::Alive;
        }
        for place in self.ending(ending) {
            self.lendings[place].stage = Stage::Held;
        }
    }

    /// The interaction that `ending` was to delete, if it was.
    fn deleting(&self, ending: usize) -> Option<String> {
        let ended = self.ending(ending);
        let id = ended.first().and_then(|place| self.lendings[*place].interaction.clone())?;
        (self.interactions.get(&id)?.life == Life::Deleting(ending)).then_some(id)
    }

    /// A new deadline is asked for.
    pub(crate) fn ask_renewal(&mut self, place: usize, lasting: u64) -> Intent {
        let asked = Window::asked(lasting);
        let lending = &mut self.lendings[place];
        let before = lending.window;
        lending.window = before.or(asked);
        lending.lasting = lending.lasting.max(lasting);
        Intent::Renew { lending: place, before, asked, lasting }
    }

    /// The number has a new deadline.
    pub(crate) fn renewed(&mut self, intent: &Intent) {
        let Intent::Renew { lending, asked, lasting, .. } = *intent else { unreachable!("only a renewal renews") };
        self.acknowledged += 1;
        self.lendings[lending].window = asked.done_by(now(), lasting);
    }

    /// A number is to be created.
    pub(crate) fn ask_create(&mut self, number: &str, dnid: &str, group: &str) -> Intent {
        let phone = Phone { dnid: dnid.to_owned(), group: group.to_owned(), acknowledged: false };
        self.phones.insert(number.to_owned(), phone);
        Intent::Create(number.to_owned())
    }

    /// The number was created.
    pub(crate) fn created(&mut self, intent: &Intent) {
        let Intent::Create(number) = intent else { unreachable!("only a number that was asked for is created") };
        self.acknowledged += 1;
        self.phones.get_mut(number).expect("it was noted").acknowledged = true;
    }

    /// A document was made, which belongs to no interaction; its place in the ledger.
    pub(crate) fn stored(&mut self, id: String, content: Entries) -> usize {
        self.acknowledged += 1;
        self.documents.push(Document::new(Some(id), content));
        self.documents.len() - 1
    }

    /// Entries are to be written into a document; without any, it is to be deleted.
    pub(crate) fn ask_write(&mut self, place: usize, writes: Option<&Entries>) -> Intent {
        let document = &mut self.documents[place];
        let before = document.possible.clone();
        document.touched = true;
        document.possible.extend(before.iter().map(|before| writes.and_then(|writes| merged(before.as_ref(), writes))));
        Intent::Write { document: place, before }
    }

    /// The document was written or deleted.
    pub(crate) fn written(&mut self, intent: &Intent) {
        let Intent::Write { document, before } = intent else { unreachable!("only a write writes") };
        self.acknowledged += 1;
        self.documents[*document].possible.drain(..before.len());
    }

    /// The gateway has refused an operation, or never seen it.
    pub(crate) fn take_back(&mut self, intent: Intent) {
        match intent {
            Intent::Lend(place) => self.over(place),
            Intent::End(ending) => self.take_back_ending(ending),
            Intent::Renew { lending, before, .. } => self.lendings[lending].window = before,
            Intent::Create(number) => drop(self.phones.remove(&number)),
            Intent::Route(extension) => self.route_untouched(&extension),
            Intent::Write { document, before } => self.documents[document].possible = before,
        }
    }

    /// The gateway died at `when`; what it has not done by then it will never do.
    pub(crate) fn died(&mut self, when: u64) {
        for place in &self.open {
            let lending = &mut self.lendings[*place];
            if lending.window.latest == u64::MAX {
                lending.window = lending.window.done_by(when, lending.lasting);
            }
        }
    }

    /// A lending is over, or has never been.
    pub(crate) fn over(&mut self, place: usize) {
        self.lendings[place].stage = Stage::Over;
        self.open.remove(&place);
    }

    /// The open lendings of a number.
    pub(crate) fn holders(&self, number: &str) -> Vec<usize> {
        self.choose(|lending| lending.number.as_deref() == Some(number))
    }

    /// The lendings that an ending was to end.
    pub(crate) fn ending(&self, ending: usize) -> Vec<usize> {
        self.choose(|lending| lending.stage == Stage::Ending(ending))
    }

    /// The numbers that an interaction holds.
    pub(crate) fn held_by(&self, interaction: &str) -> Vec<usize> {
        self.choose(|lending| lending.stage == Stage::Held && lending.interaction.as_deref() == Some(interaction))
    }

    /// The open lendings that fit.
    pub(crate) fn choose(&self, fits: impl Fn(&Lending) -> bool) -> Vec<usize> {
        self.open.iter().copied().filter(|place| fits(&self.lendings[*place])).collect()
    }
}

/// A document's content after a write; a document that is not there cannot be written to.
fn merged(before: Option<&Entries>, writes: &Entries) -> Option<Entries> {
    let mut content = before?.clone();
    content.extend(writes.clone());
    Some(content)
}
