//! Called routes over AICC: what the clients do with them, what they know of them, and what must be found of that after
//! a crash. A route that was made is there with the ids that it was shown with, one that was deleted is not, and the
//! token of an earlier life still opens.

use std::collections::BTreeMap;

use rand::RngExt;
use serde_json::{Value, json};

use crate::audit::Audit;
use crate::gateway::{ACCESS_CODE, AICC_KEY, AICC_SECRET};
use crate::ledger::{Intent, Ledger};
use crate::load::{Client, Flow, open};
use crate::wire::{Failure, Told, Wire, parsed, send, unreadable};

/// Routes that one client keeps at most.
const KEPT: usize = 20;
/// Routes in a page of the list, the most that there may be.
const PAGE: usize = 100;

/// How far a route has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Asked for, not answered.
    Asked,
    /// Made.
    There,
    /// Its deletion was asked for, and not answered.
    Deleting,
    /// Never made, or deleted.
    Gone,
}

/// A route and the ids that the gateway has given it, once they were seen.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    owner: usize,
    ids: Option<Ids>,
    stage: Stage,
}

/// What the gateway calls a route: for modify and for delete.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ids {
    id: String,
    dnid: u64,
}

/// What is known of the routes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    /// By extension, which is used once in a run.
    known: BTreeMap<String, Route>,
    /// A token of some life of the gateway.
    token: Option<String>,
}

impl Ledger {
    fn ask_route(&mut self, owner: usize, extension: &str) -> Intent {
        self.routes.known.insert(extension.to_owned(), Route { owner, ids: None, stage: Stage::Asked });
        Intent::Route(extension.to_owned())
    }

    fn ask_route_deleted(&mut self, extension: &str) -> Intent {
        self.route(extension).stage = Stage::Deleting;
        Intent::Route(extension.to_owned())
    }

    fn route_answered(&mut self, extension: &str) {
        self.acknowledged += 1;
        let route = self.route(extension);
        route.stage = if route.stage == Stage::Deleting { Stage::Gone } else { Stage::There };
    }

    /// What was asked for a route was not done.
    pub(crate) fn route_untouched(&mut self, extension: &str) {
        let route = self.route(extension);
        route.stage = if route.stage == Stage::Deleting { Stage::There } else { Stage::Gone };
    }

    fn route(&mut self, extension: &str) -> &mut Route {
        self.routes.known.get_mut(extension).expect("it was noted before it was asked for")
    }

    /// Holds one listed route against what is known.
    fn route_seen(&mut self, extension: &str, ids: &Ids) {
        let taken = |(other, route): (&String, &Route)| {
            other != extension && route.ids.as_ref().is_some_and(|other| other.dnid == ids.dnid || other.id == ids.id)
        };
        if let Some((other, _)) = self.routes.known.iter().find(|(other, route)| taken((other, route))) {
            let text = format!("route {extension} has ids that route {other} was given: {ids:?}");
            self.violation(text);
        }
        let Some(route) = self.routes.known.get_mut(extension) else {
            self.violation(format!("route {extension} is there, but nobody made it"));
            return;
        };
        let before = route.stage;
        route.stage = Stage::There;
        let known = route.ids.get_or_insert_with(|| ids.clone()).clone();
        match before {
            Stage::Asked => self.found_done += 1,
            Stage::Deleting => self.found_undone += 1,
            Stage::Gone => self.violation(format!("route {extension} was deleted, but is there")),
            Stage::There => {}
        }
        if known != *ids {
            self.violation(format!("route {extension} was {known:?} and has become {ids:?}"));
        }
    }

    /// Takes note that a route is not in the list.
    fn route_missing(&mut self, extension: &str) {
        let before = std::mem::replace(&mut self.route(extension).stage, Stage::Gone);
        match before {
            Stage::Asked => self.found_undone += 1,
            Stage::Deleting => self.found_done += 1,
            Stage::There => self.violation(format!("route {extension} is lost")),
            Stage::Gone => {}
        }
    }
}

impl Wire {
    async fn token(&self) -> Told<String> {
        let url = self.url("/apigovernance/api/oauth/tokenByAkSk");
        let request = self.http.post(url).json(&json!({ "app_key": AICC_KEY, "app_secret": AICC_SECRET }));
        let answer: Value = parsed(&send(request).await?)?;
        answer["AccessToken"].as_str().map(str::to_owned).ok_or_else(|| unreadable(&answer))
    }

    async fn called_route(&self, token: &str, operation: &str, body: &Value) -> Told<Value> {
        let url = self.url(&format!("/apiaccess/rest/cc-management/v1/calledRoute/{operation}"));
        let told = send(self.http.post(url).bearer_auth(token).json(body)).await;
        let answer: Value = match told {
            // The dialect refuses with 500 too; only this code is a failure of the gateway.
            Err(Failure::Unclear(text)) if text.starts_with("500 ") && !text.contains("\"120000\"") => {
                return Err(Failure::Refused(500, text));
            }
            told => parsed(&told?)?,
        };
        if answer["returnCode"] == "0" { Ok(answer) } else { Err(unreadable(&answer)) }
    }

    /// Leads an extension of the access code to the first queue.
    pub(crate) async fn create_route(&self, token: &str, extension: &str) -> Told<()> {
        let body = json!({ "accessCode": ACCESS_CODE, "extCode": extension, "devicetype": 1, "deviceId": 1 });
        self.called_route(token, "createCalledRoute", &body).await.map(drop)
    }

    async fn delete_route(&self, token: &str, dnid: u64) -> Told<()> {
        self.called_route(token, "deleteCalledRoute", &json!({ "dnids": dnid.to_string() })).await.map(drop)
    }

    /// The routes of the access code, or of one extension of it, from `offset` on; how many there are in all.
    async fn routes(&self, token: &str, extension: Option<&str>, offset: usize) -> Told<(Vec<(String, Ids)>, usize)> {
        let body = json!({ "accessCode": ACCESS_CODE, "extCode": extension, "limit": PAGE, "offset": offset });
        let answer = self.called_route(token, "queryCalledRoute", &body).await?;
        let page = &answer["data"];
        let shown = page["calledRouteList"].as_array().ok_or_else(|| unreadable(&answer))?;
        let read = |route: &Value| {
            let ids = Ids { id: route["id"].as_str()?.to_owned(), dnid: route["dnid"].as_u64()? };
            (route["deviceId"] == 1 && route["devicetype"] == 1).then_some((route["extCode"].as_str()?.to_owned(), ids))
        };
        let routes = shown.iter().map(|route| read(route).ok_or_else(|| unreadable(route)));
        let total = page["total"].as_u64().and_then(|total| usize::try_from(total).ok());
        Ok((routes.collect::<Told<_>>()?, total.ok_or_else(|| unreadable(&answer))?))
    }

    /// A token that opens: one for good where there is none yet.
    pub(crate) async fn token_once(&self, known: Option<String>) -> Told<String> {
        match known {
            Some(token) => Ok(token),
            None => self.token().await,
        }
    }
}

impl Client {
    /// Makes a route or deletes one of its own.
    pub(crate) async fn routing(&mut self, wire: &Wire) -> Flow {
        let known = open(&self.ledger).routes.token.clone();
        let token = match wire.token_once(known).await {
            Ok(token) => token,
            Err(failure) => return self.failed("token", None, failure),
        };
        open(&self.ledger).routes.token = Some(token.clone());
        let own: Vec<(String, Option<Ids>)> = {
            let ledger = open(&self.ledger);
            let own = |route: &Route| route.owner == self.index && route.stage == Stage::There;
            let own = ledger.routes.known.iter().filter(|(_, route)| own(route));
            own.map(|(extension, route)| (extension.clone(), route.ids.clone())).collect()
        };
        if own.len() < KEPT && (own.is_empty() || self.rng.random_bool(0.6)) {
            return self.create_route(wire, &token).await;
        }
        match own[self.rng.random_range(0..own.len())].clone() {
            (extension, Some(ids)) => self.delete_route(wire, &token, &extension, ids.dnid).await,
            (extension, None) => self.look_up(wire, &token, &extension).await,
        }
    }

    async fn create_route(&mut self, wire: &Wire, token: &str) -> Flow {
        self.made += 1;
        let extension = format!("{:02}{:06}", self.index, self.made);
        let intent = open(&self.ledger).ask_route(self.index, &extension);
        let told = wire.create_route(token, &extension).await;
        let flow = self.finish("createCalledRoute", intent, told, |client, _, ()| {
            open(&client.ledger).route_answered(&extension);
        });
        match flow {
            Flow::On if self.rng.random_bool(0.5) => self.look_up(wire, token, &extension).await,
            flow => flow,
        }
    }

    /// Learns the ids of a route, which its creation does not tell.
    async fn look_up(&mut self, wire: &Wire, token: &str, extension: &str) -> Flow {
        match wire.routes(token, Some(extension), 0).await {
            Ok((found, _)) => {
                let mut ledger = open(&self.ledger);
                let count = found.len();
                found.into_iter().for_each(|(extension, ids)| ledger.route_seen(&extension, &ids));
                if count != 1 {
                    ledger.violation(format!("route {extension} is listed {count} times"));
                }
                Flow::On
            }
            Err(failure) => self.failed("queryCalledRoute", None, failure),
        }
    }

    async fn delete_route(&mut self, wire: &Wire, token: &str, extension: &str, dnid: u64) -> Flow {
        let intent = open(&self.ledger).ask_route_deleted(extension);
        let told = wire.delete_route(token, dnid).await;
        self.finish("deleteCalledRoute", intent, told, |client, _, ()| {
            open(&client.ledger).route_answered(extension);
        })
    }
}

impl Audit<'_> {
    /// Every route is there as it was made and no other, seen with a token of an earlier life.
    pub(crate) async fn routes(&mut self) -> Told<()> {
        let token = self.wire.token_once(self.ledger.routes.token.clone()).await?;
        let mut listed = BTreeMap::new();
        let mut offset = 0;
        loop {
            let (page, total) = self.wire.routes(&token, None, offset).await?;
            offset += page.len();
            let last = page.is_empty() || offset >= total;
            for (extension, ids) in page {
                if listed.insert(extension.clone(), ids).is_some() {
                    self.ledger.violation(format!("route {extension} is listed twice"));
                }
            }
            if last {
                break;
            }
        }
        let missing: Vec<String> =
            self.ledger.routes.known.keys().filter(|extension| !listed.contains_key(*extension)).cloned().collect();
        missing.iter().for_each(|extension| self.ledger.route_missing(extension));
        listed.into_iter().for_each(|(extension, ids)| self.ledger.route_seen(&extension, &ids));
        self.ledger.routes.token = Some(token);
        Ok(())
    }
}
