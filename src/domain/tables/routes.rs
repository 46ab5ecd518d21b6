//! The called routes and skill queues of one scope, with the indexes that find them, and the question a call asks:
//! where does this number go?

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{Change, Destination, Dialled, Overdial, Route, RouteFilter, RouteId, Scope, Skill, SkillId};

/// The last numbers given out to routes and queues of a scope. None is given twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbering {
    /// The last configuration number of a route.
    pub dnid: u32,
    /// How many queues were made.
    pub skills: u32,
}

/// The routes and queues of one scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::domain) struct CallTables {
    pub(in crate::domain) numbering: Numbering,
    pub(in crate::domain) skills: BTreeMap<SkillId, Arc<Skill>>,
    routes: BTreeMap<u32, Arc<Route>>,
    ids: HashMap<RouteId, u32>,
    dialled: HashMap<Dialled, u32>,
}

/// A page of a list of routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutePage {
    /// How many routes the whole list has.
    pub total: usize,
    /// The routes of this page, in the order of their configuration numbers.
    pub routes: Vec<Arc<Route>>,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// By this route.
    pub route: Arc<Route>,
    /// The digits that were dialled behind the hotline and belong to no route; `None` for a number that leads there
    /// exactly.
    pub overdialled: Option<String>,
}

/// All routes and queues of one scope at one point, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct CallContents {
    numbering: Numbering,
    skills: Vec<Arc<Skill>>,
    routes: Vec<Arc<Route>>,
}

impl CallContents {
    /// How many there are.
    pub(in crate::domain) fn len(&self) -> usize {
        self.skills.len() + self.routes.len()
    }

    /// The changes that make all of it out of nothing.
    pub(in crate::domain) fn into_changes(self, scope: Arc<Scope>) -> impl Iterator<Item = Change> + Send {
        let Self { numbering, skills, routes } = self;
        let given = (numbering != Numbering::default()).then(|| Change::Numbering(Arc::clone(&scope), numbering));
        let of = Arc::clone(&scope);
        let skills = skills.into_iter().map(move |skill| Change::Skill(Arc::clone(&of), skill.id, Some(skill)));
        let routes = routes.into_iter().map(move |route| Change::Route(Arc::clone(&scope), route.dnid, Some(route)));
        given.into_iter().chain(skills).chain(routes)
    }
}

impl CallTables {
    /// All that is known now.
    pub(in crate::domain) fn contents(&self) -> CallContents {
        let Self { numbering, skills, routes, ids: _, dialled: _ } = self;
        let (skills, routes) = (skills.values().cloned().collect(), routes.values().cloned().collect());
        CallContents { numbering: *numbering, skills, routes }
    }

    pub(in crate::domain) fn is_empty(&self) -> bool {
        self.numbering == Numbering::default()
    }

    pub(in crate::domain) fn set_skill(&mut self, id: SkillId, skill: Option<&Arc<Skill>>) {
        match skill {
            Some(skill) => self.skills.insert(id, Arc::clone(skill)),
            None => self.skills.remove(&id),
        };
    }

    pub(in crate::domain) fn set_route(&mut self, dnid: u32, route: Option<&Arc<Route>>) {
        if let Some(before) = self.routes.remove(&dnid) {
            self.ids.remove(&before.id);
            self.dialled.remove(&before.dialled());
        }
        if let Some(route) = route {
            self.ids.insert(route.id, dnid);
            self.dialled.insert(route.dialled(), dnid);
            self.routes.insert(dnid, Arc::clone(route));
        }
    }

    /// How many routes there are.
    pub(in crate::domain) fn len(&self) -> usize {
        self.routes.len()
    }

    pub(in crate::domain) fn of_dnid(&self, dnid: u32) -> Option<&Arc<Route>> {
        self.routes.get(&dnid)
    }

    pub(in crate::domain) fn of_id(&self, id: RouteId) -> Option<&Arc<Route>> {
        self.routes.get(self.ids.get(&id)?)
    }

    /// The route that exactly this number leads to.
    pub(in crate::domain) fn of_dialled(&self, dialled: &Dialled) -> Option<&Arc<Route>> {
        self.routes.get(self.dialled.get(dialled)?)
    }

    /// A route that leads to this destination, the oldest one.
    pub(in crate::domain) fn leading_to(&self, destination: Destination) -> Option<&Arc<Route>> {
        self.routes.values().find(|route| route.destination == destination)
    }

    /// The routes with configuration numbers above `after`, in their order.
    pub(in crate::domain) fn after(&self, after: Option<u32>) -> impl Iterator<Item = &Arc<Route>> {
        let bounds = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        self.routes.range(bounds).map(|(_, route)| route)
    }

    pub(in crate::domain) fn page(&self, filter: &RouteFilter, offset: usize, limit: usize) -> RoutePage {
        let mut page = RoutePage::default();
        for route in self.routes.values().filter(|route| filter.shows(route)) {
            if page.total >= offset && page.routes.len() < limit {
                page.routes.push(Arc::clone(route));
            }
            page.total += 1;
        }
        page
    }

    /// Where a call goes: to the route of the whole number; else, where digits too many are allowed, to that of the
    /// longest hotline which the number begins with, if the rest is digits.
    pub(in crate::domain) fn routed(&self, dialled: &Dialled, overdial: Overdial) -> Option<Routed> {
        if let Some(route) = self.of_dialled(dialled) {
            return Some(Routed { route: Arc::clone(route), overdialled: None });
        }
        if overdial == Overdial::Refused {
            return None;
        }
        let whole = dialled.as_str();
        // From the longest to the shortest beginning, as far as what follows is digits.
        let digits = whole.bytes().rev().take_while(u8::is_ascii_digit).count();
        (1..=digits).find_map(|over| {
            let (hotline, rest) = whole.split_at(whole.len() - over);
            let route = self.of_dialled(&Dialled::new(hotline).ok()?)?;
            let bare = route.extension.is_none();
            bare.then(|| Routed { route: Arc::clone(route), overdialled: Some(rest.to_owned()) })
        })
    }
}
