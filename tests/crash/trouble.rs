//! A disk that breaks under load: from then on nothing is acknowledged, the gateway says why, and goes on answering what
//! it knows; and what was acknowledged before is there when the disk works again.

use std::time::Duration;

use rand::RngExt;
use tokio::time::timeout;

use crate::disk::{Cut, Trouble};
use crate::gateway::Gateway;
use crate::ledger::{Entries, Stage, now};
use crate::load::{is_lasting, open};
use crate::schedule::Run;
use crate::wire::{Failure, Protocol, Told, Wire};

/// How long the load may run before the disk breaks, in milliseconds.
const LOAD: std::ops::Range<u64> = 40..500;
/// How long the clients may take to notice.
const LIMIT: Duration = Duration::from_secs(60);
/// Documents that are read from a gateway whose disk takes no writes.
const READ: usize = 20;

/// How a gateway with a broken disk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is killed.
    Killed,
    /// It is told to stop.
    Told,
}

impl Run<'_> {
    /// A life in which the disk breaks, and all that is promised of it.
    pub(crate) async fn break_disk(&mut self, trouble: Trouble, end: End, cut: Cut) {
        let Some((mut gateway, wire)) = self.begin() else { return };
        let admin = gateway.admin().expect("a gateway that listens tells where its admin listener is");
        let work = self.set_to_work(&wire);
        tokio::time::sleep(Duration::from_millis(self.rng.random_range(LOAD))).await;
        self.home.with_disk(|disk| disk.gets_into(trouble));
        if timeout(LIMIT, self.come_back(work)).await.is_err() {
            panic!("{trouble:?}: clients are still answered {LIMIT:?} after the disk broke");
        }
        self.refuses_writes(&wire, trouble).await;
        self.tells_why(&wire, &admin, trouble).await;
        self.answers_what_it_knows(&wire, trouble).await;
        // Nobody knows what became of the writes that failed; a disk that works again changes nothing about that.
        self.home.with_disk(|disk| disk.works());
        self.refuses_writes(&wire, trouble).await;
        self.tells_why(&wire, &admin, trouble).await;
        self.ends(gateway, trouble, end);
        self.cut_power_so(cut);
        let mut ledger = open(&self.ledger);
        ledger.died(now());
        ledger.unclear.clear();
    }

    fn ends(&self, gateway: Gateway, trouble: Trouble, end: End) {
        if end == End::Told {
            gateway.terminate();
            match gateway.ended() {
                Ok(status) if status.code().is_some() => {}
                Ok(status) => self.wrong(trouble, format!("it was told to stop, and ended with {status}")),
                Err(reason) => self.wrong(trouble, reason),
            }
        } else if gateway.kill().ended {
            self.wrong(trouble, "the gateway has ended by itself");
        }
    }

    pub(crate) fn wrong(&self, trouble: Trouble, what: impl std::fmt::Display) {
        open(&self.ledger).violation(format!("{trouble:?}: {what}"));
    }

    /// Every kind of write is refused as a failure of the gateway.
    pub(crate) async fn refuses_writes(&self, wire: &Wire, trouble: Trouble) {
        let data = Entries::from([("token".to_owned(), "refused".to_owned())]);
        // The first token is a write too: it makes the key that signs it.
        let called_route = match wire.token_once(None).await {
            Ok(token) => wire.create_route(&token, "99000001").await,
            Err(failure) => Err(failure),
        };
        let body = serde_json::json!({ "interaction": "refused", "lasting": 3600 });
        let told = [
            ("createCalledRoute", called_route),
            ("native lend", wire.lend("refused", &body).await.map(drop)),
            ("Allocate over REST", wire.allocate(Protocol::Rest, "refused", None).await.map(drop)),
            ("Allocate over SOAP", wire.allocate(Protocol::Soap, "refused", None).await.map(drop)),
            ("Create", wire.create(Protocol::Rest, "4989999", "7999", "lines").await),
            ("request-interaction", wire.request_interaction(&Entries::new(), &data).await.map(drop)),
            ("storage", wire.store(&data, 3600).await.map(drop)),
        ];
        for (what, told) in told {
            match told {
                Err(Failure::Unclear(text)) if text.starts_with("500 ") || text.starts_with("503 ") => {}
                other => self.wrong(trouble, format!("{what} was not refused with 500 or 503: {other:?}")),
            }
        }
    }

    /// It is not ready, and says why.
    pub(crate) async fn tells_why(&self, wire: &Wire, admin: &str, trouble: Trouble) {
        match wire.ready(admin).await {
            Err(Failure::Unclear(text)) if text.starts_with("503 not ready: ") && text.contains("the disk failed") => {}
            other => self.wrong(trouble, format!("the gateway says of itself: {other:?}")),
        }
    }

    /// What was acknowledged and not touched since is still answered.
    pub(crate) async fn answers_what_it_knows(&self, wire: &Wire, trouble: Trouble) {
        if let Err(failure) = self.look_around(wire, trouble).await {
            self.wrong(trouble, format!("a read is not answered: {failure:?}"));
        }
    }

    async fn look_around(&self, wire: &Wire, trouble: Trouble) -> Told<()> {
        let (held, documents) = {
            let ledger = open(&self.ledger);
            let held = ledger.choose(|lending| lending.stage == Stage::Held && is_lasting(lending));
            let held: Vec<_> = held.iter().map(|place| ledger.lendings[*place].clone()).collect();
            let certain = ledger
                .documents
                .iter()
                .rev()
                .filter_map(|document| Some((document.data_id.clone()?, document.content()?.clone())));
            // The largest are in most pieces.
            let mut documents: Vec<_> = certain.collect();
            documents.sort_by_key(|(_, data)| std::cmp::Reverse(data.values().map(String::len).sum::<usize>()));
            documents.truncate(READ);
            (held, documents)
        };
        for lending in held {
            let number = lending.number.expect("a held number is known");
            let holder = wire.holder(Protocol::Soap, &number).await?;
            if holder != lending.interaction {
                self.wrong(trouble, format!("{number} is held by {:?}, but Get says {holder:?}", lending.interaction));
            }
        }
        for (id, data) in documents {
            match wire.document(&id).await {
                Ok(found) if found.as_ref() == Some(&data) => {}
                // Large values are read from the tree, which may answer nothing more once it has failed itself.
                Err(Failure::Unclear(text)) if text.starts_with("503 ") => {}
                other => self.wrong(trouble, format!("document {id} is not read as it was written: {other:?}")),
            }
        }
        wire.list().await.map(drop)
    }
}
