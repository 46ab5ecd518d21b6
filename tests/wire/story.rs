//! One number on its way through both dialects, and many callers who want the same few numbers.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use reqwest::Method;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::binary::Binary;
use crate::callers::{Caller, INTERACTION, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_made_over_soap_is_lent_by_gms_seen_by_interact_recognised_by_gms_and_free_again() {
    const NUMBER: &str = "+493012345678";
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let caller = Caller::of(binary.url());

    let created = caller
        .soap(&format!(
            "<d:CreatePhoneRequest><d:phoneNumber>{NUMBER}</d:phoneNumber><d:dnId>5678</d:dnId>\
             <d:groupName>story</d:groupName></d:CreatePhoneRequest>"
        ))
        .await;
    assert_eq!(created.status, 200, "{created:?}");
    assert!(created.element("result").parse::<u64>().is_ok(), "{created:?}");

    let lent = caller
        .gms(
            "request-access",
            &[
                ("_id", INTERACTION),
                ("_resource_group", "story"),
                ("_provide_code", "true"),
                ("_access_code_length", "8"),
                ("_phone_number", "15550100"),
                ("_booking_expiration_timeout", "120"),
                ("customer_name", "Ann"),
            ],
        )
        .await;
    assert_eq!(lent.status, 200, "{lent:?}");
    let lent = lent.json();
    assert_eq!((&lent["_access_number"], &lent["_id"]), (&NUMBER.into(), &INTERACTION.into()));
    let left: u64 = lent["_expiration_time"].as_str().unwrap().parse().unwrap();
    assert!((100..=120).contains(&left), "{left}");
    let code = lent["_access_code"].as_str().unwrap().to_owned();
    assert!(code.len() == 8 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");

    for phone in [NUMBER, "5678"] {
        assert_eq!(caller.allocation(phone).await.text(), INTERACTION);
        let payload = format!("<a:GetDnisAllocationRequest><a:phone>{phone}</a:phone></a:GetDnisAllocationRequest>");
        assert_eq!(caller.soap(&payload).await.element("result"), INTERACTION);
    }

    let stranger = [("_access_number", NUMBER), ("_access_code", &code), ("_phone_number", "15550199")];
    assert_eq!(caller.gms("match-interaction", &stranger).await.status, 404, "another caller");
    let wrong_code = [("_access_number", NUMBER), ("_access_code", "000"), ("_phone_number", "15550100")];
    assert_eq!(caller.gms("match-interaction", &wrong_code).await.status, 404, "another code");
    let call =
        [("_access_number", NUMBER), ("_access_code", &code), ("_phone_number", "15550100"), ("_return_data", "true")];
    let matched = caller.gms("match-interaction", &call).await;
    assert_eq!(matched.status, 200, "{matched:?}");
    assert_eq!(matched.json()["_id"], INTERACTION);
    assert_eq!(matched.json()["user_data"]["customer_name"], "Ann");

    let free = caller.allocation(NUMBER).await;
    assert_eq!((free.status, free.text().as_str()), (200, ""));
    assert_eq!(caller.gms("match-interaction", &call).await.status, 404, "the call is recognised once");
    assert_eq!(binary.stop().code(), Some(0));
}

/// Who holds which number, by what the answers say.
#[derive(Default)]
struct Ledger {
    holders: Mutex<HashMap<String, String>>,
    lent: AtomicUsize,
    turned_away: AtomicUsize,
}

impl Ledger {
    fn lend(&self, number: &str, holder: &str) {
        let before = self.holders.lock().insert(number.to_owned(), holder.to_owned());
        assert_eq!(before, None, "{number} was lent to {holder} while another one held it");
        self.lent.fetch_add(1, Ordering::Relaxed);
    }

    /// Must be called before the number is given back: from then on it may be lent to somebody else at once.
    fn give_back(&self, number: &str) {
        assert!(self.holders.lock().remove(number).is_some());
    }
}

/// A client with a style of its own: by which dialect it takes and gives back.
struct Client {
    caller: Caller,
    ledger: Arc<Ledger>,
    name: usize,
}

impl Client {
    async fn turn(&self, round: usize) {
        let id = format!("client {} round {round}", self.name);
        let taken =
            if self.name.is_multiple_of(2) { self.take_by_interact(&id).await } else { self.take_by_gms().await };
        let Some((number, holder)) = taken else {
            self.ledger.turned_away.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.ledger.lend(&number, &holder);
        assert_eq!(self.caller.allocation(&number).await.text(), holder, "{number}");
        self.ledger.give_back(&number);
        match (self.name / 2 + round) % 3 {
            0 => assert_eq!(self.caller.free(&number).await.status, 200),
            1 => {
                let payload =
                    format!("<d:FreeDnisAllocationRequest><d:phone>{number}</d:phone></d:FreeDnisAllocationRequest>");
                assert_eq!(self.caller.soap(&payload).await.element("result"), "Success");
            }
            _ => {
                let matched = self.caller.gms("match-interaction", &[("_access_number", &number)]).await;
                assert_eq!((matched.status, &matched.json()["_id"]), (200, &holder.into()), "{number}");
            }
        }
    }

    async fn take_by_interact(&self, id: &str) -> Option<(String, String)> {
        let reply = self.caller.allocate(id, "pool").await;
        match reply.status {
            200 => Some((reply.text(), id.to_owned())),
            403 => None,
            _ => panic!("{reply:?}"),
        }
    }

    async fn take_by_gms(&self) -> Option<(String, String)> {
        // Half of them for the one interaction that all know, half for a new one.
        let form = [("_id", INTERACTION), ("_resource_group", "pool"), ("_booking_expiration_timeout", "1800")];
        let reply = match self.name % 4 {
            1 => self.caller.gms("request-access", &form).await,
            _ => self.caller.gms("request-interaction", &form[1..]).await,
        };
        let member = |name: &str| reply.json()[name].as_str().unwrap().to_owned();
        match reply.status {
            200 => Some((member("_access_number"), member("_id"))),
            503 => None,
            _ => panic!("{reply:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_number_is_lent_twice_at_a_time_to_64_clients_of_both_dialects() {
    const CLIENTS: usize = 64;
    const ROUNDS: usize = 25;
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let caller = Caller::of(binary.url());
    for last in 10..30 {
        let phone = format!(r#"{{"phoneNumber":"70000{last}","dnId":"{last}","groupName":"pool"}}"#);
        assert_eq!(caller.interact("/dnis", &phone).await.status, 200);
    }
    let ledger = Arc::new(Ledger::default());
    let mut clients = JoinSet::new();
    for name in 0..CLIENTS {
        let client = Client { caller: caller.clone(), ledger: Arc::clone(&ledger), name };
        clients.spawn(async move {
            for round in 0..ROUNDS {
                client.turn(round).await;
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let lent = ledger.lent.load(Ordering::Relaxed);
    let turned_away = ledger.turned_away.load(Ordering::Relaxed);
    assert_eq!(lent + turned_away, CLIENTS * ROUNDS);
    assert!(lent >= 20 && turned_away > 0, "{lent} lent, {turned_away} turned away: there was no crowd");
    let pool = send(caller.user(Method::GET, "/interact/version/2/dnis?group=pool")).await.json();
    assert_eq!(pool["total"], 20);
    assert!(pool["phones"].as_array().unwrap().iter().all(|phone| phone["allocated"] == false), "{pool}");
}
