//! Called routes: created, led elsewhere, deleted. The order of the checks is the order in which a caller would want to
//! hear of a mistake: the hotline, the destination, what people do on the line, and last what is taken already.

use std::sync::Arc;

use super::Turn;
use crate::domain::audit::{Action, Deed, Facts};
use crate::domain::idempotency::Identity;
use crate::domain::route::DeletedRoutes;
use crate::domain::{
    CallCenter, Change, Destination, Dialled, FlowId, HotlineCode, Made, MediaType, NewRoute, Refusal, Route, RouteId,
    RouteRefusal, Scope, Skill, SkillId,
};

/// Most routes of a scope; the vendor's configuration numbers go as far.
pub const MAX_ROUTES: usize = 10_000;

impl Turn<'_> {
    /// Binds a hotline, perhaps with an extension, to a destination.
    ///
    /// # Errors
    /// [`RouteRefusal::HotlineUnknown`], [`RouteRefusal::SkillUnknown`], [`RouteRefusal::FlowUnknown`],
    /// [`RouteRefusal::FlowForMultimedia`], [`RouteRefusal::QueueMedia`], [`RouteRefusal::HotlineMedia`], [`RouteRefusal::RouteExists`],
    /// [`RouteRefusal::RoutesFull`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    pub fn create_route(&mut self, scope: &Scope, new: NewRoute) -> Result<Arc<Route>, Refusal> {
        let again = self.repeated(scope, |tables, made, _| match made {
            Made::Route(id) => tables.route(scope, *id).cloned(),
            _ => None,
        });
        if let Some(route) = again? {
            return Ok(route);
        }
        let media = self.media_of(scope, &new)?;
        let calls = self.state.tables.calls(scope);
        let dialled = Dialled::of(&new.hotline, new.extension.as_ref());
        if let Some(other) = calls.and_then(|calls| calls.of_dialled(&dialled)) {
            return Err(RouteRefusal::RouteExists(Arc::clone(other)).into());
        }
        if calls.is_some_and(|calls| calls.len() >= MAX_ROUTES) {
            return Err(RouteRefusal::RoutesFull { limit: MAX_ROUTES }.into());
        }
        let scope = self.state.shared(scope);
        let dnid = self.state.next_in_scope(&scope, |numbering| &mut numbering.dnid);
        let id = RouteId::new(dnid, self.rng.next_u32());
        let NewRoute { hotline, extension, destination, .. } = new;
        let route = Arc::new(Route { id, dnid, hotline, extension, media, destination });
        self.state.apply(Change::Route(Arc::clone(&scope), dnid, Some(Arc::clone(&route))));
        self.audit(&scope, || Deed::new(Action::RouteCreated, &id).after(Facts::from(&*route)));
        self.remember(&scope, || Made::Route(id));
        Ok(route)
    }

    /// Leads a route elsewhere; everything else about it stays.
    ///
    /// # Errors
    /// [`RouteRefusal::RouteUnknown`], [`RouteRefusal::HotlineUnknown`] for a route whose hotline is no longer configured, and
    /// what [`Turn::create_route`] says of destinations.
    pub fn modify_route(
        &mut self,
        scope: &Scope,
        id: RouteId,
        destination: Destination,
    ) -> Result<Arc<Route>, Refusal> {
        let before = self.state.tables.route(scope, id).cloned().ok_or(RouteRefusal::RouteUnknown(id))?;
        let changed = Route { destination, ..(*before).clone() };
        self.media_of(
            scope,
            &NewRoute { hotline: changed.hotline.clone(), extension: None, media: Some(changed.media), destination },
        )?;
        let route = Arc::new(changed);
        let scope = self.state.shared(scope);
        self.state.apply(Change::Route(Arc::clone(&scope), route.dnid, Some(Arc::clone(&route))));
        let deed = || Deed::new(Action::RouteChanged, &id).before(Facts::from(&*before)).after(Facts::from(&*route));
        self.audit(&scope, deed);
        Ok(route)
    }

    /// Deletes the routes with these configuration numbers, as far as there are such.
    pub fn delete_routes(&mut self, scope: &Scope, dnids: &[u32]) -> DeletedRoutes {
        let scope = self.state.shared(scope);
        let mut outcome = DeletedRoutes::default();
        for dnid in dnids {
            match self.state.tables.calls(&scope).and_then(|calls| calls.of_dnid(*dnid)).map(Arc::clone) {
                Some(route) => {
                    self.state.apply(Change::Route(Arc::clone(&scope), *dnid, None));
                    self.state.finish(&Identity::Route(Arc::clone(&scope), route.id), self.now);
                    self.audit(&scope, || Deed::new(Action::RouteDeleted, &route.id).before(Facts::from(&*route)));
                    outcome.deleted.push(route);
                }
                None => outcome.unknown.push(*dnid),
            }
        }
        outcome
    }

    /// The media type that a route will have, if hotline, destination and media type fit each other.
    fn media_of(&self, scope: &Scope, new: &NewRoute) -> Result<MediaType, RouteRefusal> {
        let center = self.state.rules.call_center(&scope.tenant);
        let hotline = hotline_media(center, &new.hotline)?;
        let media = match new.destination {
            Destination::Flow(id) => flow_media(center, id, hotline, new.media)?,
            Destination::Skill(id) => self.queue_media(scope, id, new.media)?,
        };
        if hotline.carried().contains(&media) {
            Ok(media)
        } else {
            Err(RouteRefusal::HotlineMedia { hotline, route: media })
        }
    }

    /// That of the queue, and it must be the one that was asked for.
    fn queue_media(&self, scope: &Scope, id: SkillId, asked: Option<MediaType>) -> Result<MediaType, RouteRefusal> {
        let queue = self.skill(scope, id).ok_or(RouteRefusal::SkillUnknown(id))?.about.media;
        match asked {
            Some(route) if route != queue => Err(RouteRefusal::QueueMedia { queue, route }),
            _ => Ok(queue),
        }
    }

    /// A queue, configured or made by somebody.
    pub(super) fn skill(&self, scope: &Scope, id: SkillId) -> Option<&Arc<Skill>> {
        let configured = self.state.rules.call_center(&scope.tenant).skills.get(&id);
        configured.or_else(|| self.state.tables.skill(scope, id))
    }
}

fn hotline_media(center: &CallCenter, code: &HotlineCode) -> Result<MediaType, RouteRefusal> {
    let hotline = center.hotlines.get(code).ok_or_else(|| RouteRefusal::HotlineUnknown(code.clone()))?;
    Ok(hotline.media)
}

/// The one asked for, by default voice and video; never multimedia.
fn flow_media(
    center: &CallCenter,
    id: FlowId,
    hotline: MediaType,
    asked: Option<MediaType>,
) -> Result<MediaType, RouteRefusal> {
    if !center.flows.contains_key(&id) {
        return Err(RouteRefusal::FlowUnknown(id));
    }
    match asked.unwrap_or_default() {
        _ if hotline == MediaType::Multimedia => Err(RouteRefusal::FlowForMultimedia),
        MediaType::Multimedia => Err(RouteRefusal::FlowForMultimedia),
        media => Ok(media),
    }
}
