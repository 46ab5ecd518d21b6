//! Called routes, skill queues and the key of the tokens.

use dnis_gateway::domain::route::DestinationKind;
use dnis_gateway::domain::{
    Destination, FlowId, NewRoute, Overdial, Route, RouteFilter, RouteRefusal, Scope, SkillId, TenantId,
};
use dnis_gateway::store::Store;

use super::refused;
use crate::engine::Engine;
use crate::words::*;

on_every_engine! {
    a_route_is_created_listed_led_elsewhere_and_deleted,
    a_dialled_number_finds_its_route,
    queues_are_made_changed_and_deleted_but_not_under_a_route,
    routes_queues_and_the_signing_key_survive_a_restart_and_numbers_are_never_given_twice,
    routes_and_queues_of_scopes_share_nothing,
}

const SALES: Destination = Destination::Skill(SkillId(7));
const MENU: Destination = Destination::Flow(FlowId(12));

fn route(hotline: &str, extension: &str, to: Destination) -> NewRoute {
    let extension = (!extension.is_empty()).then(|| extension.parse().unwrap());
    NewRoute { hotline: hotline.parse().unwrap(), extension, media: None, destination: to }
}

async fn all_routes(store: &dyn Store, scope: &Scope) -> Vec<std::sync::Arc<Route>> {
    store.routes(scope, &RouteFilter::default(), 0, 100).await.unwrap().routes
}

async fn a_route_is_created_listed_led_elsewhere_and_deleted(engine: &mut Engine) {
    let store = engine.store();
    let bare = store.create_route(&scope(), route("100", "", MENU), None).await.unwrap();
    let sales = store.create_route(&scope(), route("100", "21", SALES), None).await.unwrap();
    assert_eq!((bare.dnid, sales.dnid), (1, 2));
    assert_eq!(all_routes(store, &scope()).await, [bare.clone(), sales.clone()]);
    let flows = RouteFilter { kind: Some(DestinationKind::Flow), ..RouteFilter::default() };
    let page = store.routes(&scope(), &flows, 0, 100).await.unwrap();
    assert_eq!((page.total, page.routes), (1, vec![bare.clone()]));
    let second = store.routes(&scope(), &RouteFilter::default(), 1, 1).await.unwrap();
    assert_eq!((second.total, second.routes), (2, vec![sales.clone()]));

    let twice = store.create_route(&scope(), route("100", "21", MENU), None).await;
    assert_eq!(refused(twice), RouteRefusal::RouteExists(sales.clone()).into());
    let led = store.modify_route(&scope(), sales.id, MENU).await.unwrap();
    assert_eq!(*led, Route { destination: MENU, ..(*sales).clone() });
    assert_eq!(all_routes(store, &scope()).await, [bare.clone(), led.clone()]);

    let outcome = store.delete_routes(&scope(), vec![2, 9, 2]).await.unwrap();
    assert_eq!((outcome.deleted, outcome.unknown), (vec![led], vec![9, 2]));
    assert_eq!(all_routes(store, &scope()).await, [bare]);
    let gone = store.modify_route(&scope(), sales.id, MENU).await;
    assert_eq!(refused(gone), RouteRefusal::RouteUnknown(sales.id).into());
}

async fn a_dialled_number_finds_its_route(engine: &mut Engine) {
    let store = engine.store();
    let bare = store.create_route(&scope(), route("100", "", MENU), None).await.unwrap();
    let sales = store.create_route(&scope(), route("100", "21", SALES), None).await.unwrap();
    let found = async |dialled: &str, overdial| {
        let found = store.routed(&scope(), &dialled.parse().unwrap(), overdial).await.unwrap();
        found.map(|found| (found.route, found.overdialled))
    };
    assert_eq!(found("100", Overdial::Refused).await, Some((bare.clone(), None)));
    assert_eq!(found("10021", Overdial::Refused).await, Some((sales, None)));
    assert_eq!(found("10022", Overdial::Refused).await, None);
    assert_eq!(found("10022", Overdial::Allowed).await, Some((bare, Some("22".to_owned()))));
    assert_eq!(found("99", Overdial::Allowed).await, None);
}

async fn queues_are_made_changed_and_deleted_but_not_under_a_route(engine: &mut Engine) {
    let store = engine.store();
    let made = store.create_skill(&scope(), queue("night"), None).await.unwrap();
    assert_eq!(made.id, SkillId(10_000));
    let listed = store.skills(&scope()).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&made), "the configured ones are not among them");
    assert_eq!(
        refused(store.create_skill(&scope(), queue("night"), None).await),
        RouteRefusal::SkillExists(made.id).into()
    );
    let longer = store.modify_skill(&scope(), made.id, queue("late")).await.unwrap();
    assert_eq!(store.skill(&scope(), made.id).await.unwrap(), Some(longer));
    assert_eq!(store.skill(&scope(), SkillId(7)).await, Ok(None));

    let to = store.create_route(&scope(), route("100", "", Destination::Skill(made.id)), None).await.unwrap();
    let outcome = store.delete_skills(&scope(), vec![made.id]).await;
    assert_eq!(refused(outcome), RouteRefusal::SkillInUse(made.id, to.clone()).into());
    store.delete_routes(&scope(), vec![to.dnid]).await.unwrap();
    store.delete_skills(&scope(), vec![made.id]).await.unwrap();
    assert_eq!(store.skills(&scope()).await, Ok(vec![]));
    let configured = SkillId(7);
    let outcome = store.delete_skills(&scope(), vec![configured]).await;
    assert_eq!(refused(outcome), RouteRefusal::SkillConfigured(configured).into());
}

async fn routes_queues_and_the_signing_key_survive_a_restart_and_numbers_are_never_given_twice(engine: &mut Engine) {
    let store = engine.store();
    let key = store.signing_key().await.unwrap();
    assert_eq!(store.signing_key().await.unwrap(), key);
    let queue_made = store.create_skill(&scope(), queue("night"), None).await.unwrap();
    let dropped = store.create_skill(&scope(), queue("late"), None).await.unwrap();
    store.delete_skills(&scope(), vec![dropped.id]).await.unwrap();
    let kept =
        store.create_route(&scope(), route("100", "*1#", Destination::Skill(queue_made.id)), None).await.unwrap();
    let gone = store.create_route(&scope(), route("100", "", MENU), None).await.unwrap();
    store.delete_routes(&scope(), vec![gone.dnid]).await.unwrap();

    // The same draws again, so that only what was kept can tell the ids apart.
    engine.restart(7).await;
    let store = engine.store();
    assert_eq!(store.signing_key().await.unwrap(), key);
    assert_eq!(all_routes(store, &scope()).await, std::slice::from_ref(&kept));
    assert_eq!(store.skills(&scope()).await.unwrap(), [queue_made]);
    let next = store.create_route(&scope(), route("100", "", MENU), None).await.unwrap();
    assert_eq!(next.dnid, gone.dnid + 1);
    assert!(next.id > gone.id);
    assert_eq!(store.create_skill(&scope(), queue("late"), None).await.unwrap().id, SkillId(dropped.id.0 + 1));
    let found = store.routed(&scope(), &kept.dialled(), Overdial::Refused).await.unwrap().unwrap();
    assert_eq!(found.route, kept);
}

async fn routes_and_queues_of_scopes_share_nothing(engine: &mut Engine) {
    let store = engine.store();
    let other = other_scope();
    let made = store.create_skill(&scope(), queue("night"), None).await.unwrap();
    let here = store.create_route(&scope(), route("100", "", Destination::Skill(made.id)), None).await.unwrap();
    assert_eq!(all_routes(store, &other).await, []);
    assert_eq!(store.routed(&other, &here.dialled(), Overdial::Allowed).await, Ok(None));
    assert_eq!(store.skills(&other).await, Ok(vec![]));
    let unknown = RouteRefusal::RouteUnknown(here.id).into();
    assert_eq!(refused(store.modify_route(&other, here.id, MENU).await), unknown);
    assert_eq!(store.delete_routes(&other, vec![here.dnid]).await.unwrap().unknown, [here.dnid]);
    let there = store.create_route(&other, route("100", "", Destination::Skill(made.id)), None).await;
    assert_eq!(refused(there), RouteRefusal::SkillUnknown(made.id).into());
    // The other environment has the same hotlines, and a stranger has none.
    assert_eq!(store.create_route(&other, route("100", "", MENU), None).await.unwrap().dnid, 1);
    let stranger = Scope { tenant: TenantId::new("other").unwrap(), environment: None };
    let none = store.create_route(&stranger, route("100", "", MENU), None).await;
    assert_eq!(refused(none), RouteRefusal::HotlineUnknown("100".parse().unwrap()).into());
}
