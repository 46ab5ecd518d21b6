//! Called routes and skill queues: what may be bound to what, one destination for a dialled number, and what stays when
//! the operator takes something away.

use std::collections::BTreeMap;

use super::*;
use crate::domain::call_center::Direction;
use crate::domain::{
    CallCenter, Destination, Dialled, Flow, FlowId, Hotline, MediaType, NewRoute, NewSkill, Overdial, Route, RouteId,
    RouteRefusal, Routed, SkillId,
};

const MENU: Destination = Destination::Flow(FlowId(12));

fn media(number: u64) -> MediaType {
    MediaType::of(number).unwrap()
}

fn queue(name: &str, media_type: u64) -> NewSkill {
    NewSkill {
        name: name.into(),
        description: "".into(),
        media: media(media_type),
        max_wait: 60,
        max_waiting: 10,
        wrap_up: 5,
        settings: "{}".into(),
    }
}

/// The id of the configured queue of a media type is the number of that type.
fn to_queue(media_type: u32) -> Destination {
    Destination::Skill(SkillId(media_type))
}

/// A contact center with a hotline `1NN` and a queue `NN` for each media type NN, the hotline `1002` beside `100`, and
/// the flow 12.
fn center() -> CallCenter {
    let hotline = |media| Hotline { id: 1, media, service_number: None, description: None, direction: Direction::Both };
    let mut hotlines: BTreeMap<_, _> = MediaType::ALL
        .into_iter()
        .map(|media| (format!("1{:02}", media.number()).parse().unwrap(), hotline(media)))
        .collect();
    hotlines.insert("100".parse().unwrap(), hotline(media(5)));
    hotlines.insert("1002".parse().unwrap(), hotline(media(5)));
    let (code, description, file) = ("T12".to_owned(), "main-menu".to_owned(), "main.vxml".to_owned());
    let flow = Flow { code, description, loaded: true, max_calls: 9, file, kind: 4 };
    let mut center = CallCenter { hotlines, flows: [(FlowId(12), flow)].into(), ..CallCenter::default() };
    for media in MediaType::ALL {
        let number = u64::from(media.number());
        center.add_skill(SkillId(u32::from(media.number())), queue(&format!("of {media}"), number));
    }
    center
}

fn rules(center: CallCenter) -> Rules {
    Rules { call_centers: [(scope().tenant, Arc::new(center))].into(), ..Rules::default() }
}

fn world() -> World {
    World::with(rules(center()))
}

fn new_route(hotline: &str, extension: &str, media_type: u64, destination: Destination) -> NewRoute {
    NewRoute {
        hotline: hotline.parse().unwrap(),
        extension: (!extension.is_empty()).then(|| extension.parse().unwrap()),
        media: (media_type != 0).then(|| media(media_type)),
        destination,
    }
}

impl World {
    fn route(&mut self, hotline: &str, extension: &str, destination: Destination) -> Arc<Route> {
        self.turn().create_route(&scope(), new_route(hotline, extension, 0, destination)).unwrap()
    }

    fn no_route(&mut self, hotline: &str, extension: &str, media: u64, destination: Destination) -> RouteRefusal {
        let new = new_route(hotline, extension, media, destination);
        route_refusal(self.refused(|turn| turn.create_route(&scope(), new)))
    }

    fn routed(&self, dialled: &str, overdial: Overdial) -> Option<(u32, Option<String>)> {
        let dialled: Dialled = dialled.parse().unwrap();
        let found = self.state.tables().routed(&scope(), &dialled, overdial);
        found.map(|Routed { route, overdialled }| (route.dnid, overdialled))
    }

    /// Replaces the contact center and leaves the state as it is.
    fn reload(&mut self, center: CallCenter) {
        self.state.set_rules(rules(center));
    }
}

fn route_refusal(refusal: Refusal) -> RouteRefusal {
    match refusal {
        Refusal::Route(refusal) => refusal,
        other => panic!("a refusal about routes was expected, not {other}"),
    }
}

#[test]
fn a_hotline_carries_exactly_the_media_types_of_the_vendors_table() {
    let carried = [(2, 2), (2, 18), (5, 5), (5, 19), (18, 18), (19, 19), (53, 53)];
    for hotline in MediaType::ALL.map(|media| u64::from(media.number())) {
        for asked in MediaType::ALL.map(|media| u64::from(media.number())) {
            let mut world = world();
            let (code, to) = (format!("1{hotline:02}"), to_queue(u32::try_from(asked).unwrap()));
            if carried.contains(&(hotline, asked)) {
                let made = world.turn().create_route(&scope(), new_route(&code, "", asked, to)).unwrap();
                assert_eq!(made.media, media(asked));
            } else {
                let expected = RouteRefusal::HotlineMedia { hotline: media(hotline), route: media(asked) };
                assert_eq!(world.no_route(&code, "", asked, to), expected);
            }
        }
    }
}

#[test]
fn without_a_media_type_a_route_has_that_of_its_queue_and_to_a_flow_5() {
    let mut world = world();
    assert_eq!(world.route("102", "", to_queue(18)).media, media(18));
    assert_eq!(world.route("105", "1", to_queue(19)).media, media(19));
    assert_eq!(world.route("105", "2", MENU).media, media(5));
    let refusal = world.no_route("102", "3", 0, MENU);
    assert_eq!(refusal, RouteRefusal::HotlineMedia { hotline: media(2), route: media(5) });
}

#[test]
fn the_media_type_asked_for_is_that_of_the_queue() {
    let mut world = world();
    let refusal = world.no_route("105", "", 5, to_queue(19));
    assert_eq!(refusal, RouteRefusal::QueueMedia { queue: media(19), route: media(5) });
}

#[test]
fn no_flow_serves_multimedia_by_whichever_way_it_is_asked_for() {
    let mut world = world();
    assert_eq!(world.no_route("153", "", 53, MENU), RouteRefusal::FlowForMultimedia);
    assert_eq!(world.no_route("153", "", 0, MENU), RouteRefusal::FlowForMultimedia);
    assert_eq!(world.no_route("105", "", 53, MENU), RouteRefusal::FlowForMultimedia);
}

#[test]
fn hotline_and_destination_must_exist_in_the_tenant() {
    let mut world = world();
    assert_eq!(world.no_route("999", "", 0, MENU), RouteRefusal::HotlineUnknown("999".parse().unwrap()));
    assert_eq!(world.no_route("105", "", 0, to_queue(99)), RouteRefusal::SkillUnknown(SkillId(99)));
    // The ids of queues and flows are told apart.
    let flow = Destination::Flow(FlowId(5));
    assert_eq!(world.no_route("105", "", 0, flow), RouteRefusal::FlowUnknown(FlowId(5)));
}

#[test]
fn a_dialled_number_has_one_destination_however_it_is_put_together() {
    let mut world = world();
    let extended = world.route("100", "21", MENU);
    assert_eq!(world.no_route("100", "21", 0, to_queue(5)), RouteRefusal::RouteExists(Arc::clone(&extended)));
    assert_eq!(world.no_route("1002", "1", 0, to_queue(5)), RouteRefusal::RouteExists(extended));
    // A hotline alone and with extensions live side by side.
    world.route("100", "", MENU);
    world.route("1002", "", MENU);
    world.turn().delete_routes(&scope(), &[1]);
    world.route("1002", "1", MENU);
}

#[test]
fn a_call_goes_to_the_route_of_the_whole_number_before_that_of_a_hotline_it_begins_with() {
    let mut world = world();
    world.route("100", "", MENU);
    world.route("100", "21", MENU);
    world.route("1002", "", MENU);
    let calls = |overdial| {
        ["100", "10021", "1002", "1001", "100219", "1002*", "100*", "+100", "99"]
            .map(|text| world.routed(text, overdial))
    };
    let exactly = |dnid| Some((dnid, None));
    let over = |dnid, digits: &str| Some((dnid, Some(digits.to_owned())));
    let exact = [exactly(1), exactly(2), exactly(3), None, None, None, None, None, None];
    assert_eq!(calls(Overdial::Refused), exact);
    // The longest hotline counts; an extension is no hotline, and what is dialled behind it must be digits.
    let allowed = [exactly(1), exactly(2), exactly(3), over(1, "1"), over(3, "19"), None, None, None, None];
    assert_eq!(calls(Overdial::Allowed), allowed);
}

#[test]
fn digits_too_many_go_nowhere_where_only_extensions_of_the_hotline_are_routed() {
    let mut world = world();
    world.route("100", "2", MENU);
    assert_eq!(world.routed("1003", Overdial::Allowed), None);
    assert_eq!(world.routed("10021", Overdial::Allowed), None);
}

#[test]
fn a_route_can_be_led_elsewhere_within_the_rules_and_nothing_else_of_it_changes() {
    let mut world = world();
    let route = world.route("105", "1", to_queue(5));
    let led = world.turn().modify_route(&scope(), route.id, MENU).unwrap();
    assert_eq!(*led, Route { destination: MENU, ..(*route).clone() });
    assert_eq!(world.routed("1051", Overdial::Refused), Some((1, None)));
    let mut refusal = |to| route_refusal(world.refused(|turn| turn.modify_route(&scope(), route.id, to)));
    assert_eq!(refusal(to_queue(19)), RouteRefusal::QueueMedia { queue: media(19), route: media(5) });
    assert_eq!(refusal(to_queue(99)), RouteRefusal::SkillUnknown(SkillId(99)));
    let chat = world.route("153", "", to_queue(53));
    let refusal = world.refused(|turn| turn.modify_route(&scope(), chat.id, MENU));
    assert_eq!(route_refusal(refusal), RouteRefusal::FlowForMultimedia);
    let unknown = RouteId(chat.id.0 + 1);
    let refusal = world.refused(|turn| turn.modify_route(&scope(), unknown, MENU));
    assert_eq!(route_refusal(refusal), RouteRefusal::RouteUnknown(unknown));
}

#[test]
fn configuration_numbers_count_from_one_in_each_scope_and_are_not_given_twice() {
    let mut world = world();
    assert_eq!(world.route("100", "1", MENU).dnid, 1);
    let second = world.route("100", "2", MENU);
    let outcome = world.turn().delete_routes(&scope(), &[7, 2, 2]);
    assert_eq!((outcome.deleted, outcome.unknown), (vec![second], vec![7, 2]));
    world.restart();
    assert_eq!(world.route("100", "2", MENU).dnid, 3);
    let [_, other] = other_scopes();
    assert_eq!(world.turn().create_route(&other, new_route("100", "", 0, MENU)).unwrap().dnid, 1);
}

#[test]
fn a_route_outlives_what_the_configuration_no_longer_has() {
    let mut world = world();
    let route = world.route("105", "1", to_queue(19));
    world.reload(CallCenter::default());
    assert_eq!(world.routed("1051", Overdial::Refused), Some((1, None)));
    assert_eq!(world.state.tables().route(&scope(), route.id), Some(&route));
    let refusal = world.refused(|turn| turn.modify_route(&scope(), route.id, to_queue(19)));
    assert_eq!(route_refusal(refusal), RouteRefusal::HotlineUnknown("105".parse().unwrap()));
    world.reload(CallCenter { skills: BTreeMap::new(), ..center() });
    let refusal = world.refused(|turn| turn.modify_route(&scope(), route.id, to_queue(19)));
    assert_eq!(route_refusal(refusal), RouteRefusal::SkillUnknown(SkillId(19)));
    assert_eq!(world.turn().delete_routes(&scope(), &[1]).deleted, [route]);
}

#[test]
fn a_queue_that_somebody_made_serves_routes_and_stays_as_long_as_one_leads_to_it() {
    let mut world = world();
    let made = world.turn().create_skill(&scope(), queue("night", 5)).unwrap();
    assert_eq!(made.id, SkillId(10_000));
    let route = world.route("105", "", Destination::Skill(made.id));
    let in_use = RouteRefusal::SkillInUse(made.id, route);
    let refusal = world.refused(|turn| turn.delete_skills(&scope(), &[made.id]));
    assert_eq!(route_refusal(refusal), in_use);
    let refusal = world.refused(|turn| turn.modify_skill(&scope(), made.id, queue("night", 19)));
    assert_eq!(route_refusal(refusal), in_use, "its media type is the route's too");
    world.turn().modify_skill(&scope(), made.id, queue("late", 5)).unwrap();
    world.turn().delete_routes(&scope(), &[1]);
    world.turn().modify_skill(&scope(), made.id, queue("late", 19)).unwrap();
    world.turn().delete_skills(&scope(), &[made.id]).unwrap();
    let gone = world.refused(|turn| turn.delete_skills(&scope(), &[made.id]));
    assert_eq!(route_refusal(gone), RouteRefusal::SkillUnknown(made.id));
}

#[test]
fn of_a_list_of_queues_all_are_deleted_or_none() {
    let mut world = world();
    let ids: Vec<_> = ["a", "b"].map(|name| world.turn().create_skill(&scope(), queue(name, 5)).unwrap().id).into();
    let refusal = world.refused(|turn| turn.delete_skills(&scope(), &[ids[0], SkillId(5), ids[1]]));
    assert_eq!(route_refusal(refusal), RouteRefusal::SkillConfigured(SkillId(5)));
    world.turn().delete_skills(&scope(), &[ids[0], ids[1], ids[0]]).unwrap();
    assert_eq!(world.state.tables().skills(&scope()), []);
}

#[test]
fn configured_queues_are_read_only_and_names_tell_queues_apart() {
    let mut world = world();
    let refusal = world.refused(|turn| turn.modify_skill(&scope(), SkillId(5), queue("x", 5)));
    assert_eq!(route_refusal(refusal), RouteRefusal::SkillConfigured(SkillId(5)));
    let refusal = world.refused(|turn| turn.create_skill(&scope(), queue("of 5", 5)));
    assert_eq!(route_refusal(refusal), RouteRefusal::SkillExists(SkillId(5)));
    let made = world.turn().create_skill(&scope(), queue("night", 5)).unwrap().id;
    world.turn().create_skill(&scope(), queue("late", 5)).unwrap();
    let refusal = world.refused(|turn| turn.modify_skill(&scope(), made, queue("late", 5)));
    assert_eq!(route_refusal(refusal), RouteRefusal::SkillExists(SkillId(made.0 + 1)));
    world.turn().modify_skill(&scope(), made, queue("night", 19)).unwrap();
}

#[test]
fn what_a_record_cannot_hold_is_refused() {
    let mut world = world();
    let long = NewSkill { settings: "x".repeat(2_049).into(), ..queue("night", 5) };
    assert_eq!(route_refusal(world.refused(|turn| turn.create_skill(&scope(), long))), RouteRefusal::SkillTooLarge);
    let long = queue(&"x".repeat(101), 5);
    assert_eq!(route_refusal(world.refused(|turn| turn.create_skill(&scope(), long))), RouteRefusal::SkillTooLarge);
}

#[test]
fn there_is_a_most_of_routes_and_a_place_that_is_given_back_can_be_taken() {
    let mut world = world();
    for at in 0..MAX_ROUTES {
        world.route("100", &format!("{at:05}"), MENU);
    }
    assert_eq!(world.no_route("105", "", 0, MENU), RouteRefusal::RoutesFull { limit: MAX_ROUTES });
    world.turn().delete_routes(&scope(), &[5]);
    assert_eq!(world.route("105", "", MENU).dnid, u32::try_from(MAX_ROUTES).unwrap() + 1);
}

#[test]
fn the_signing_key_is_drawn_once() {
    let mut world = world();
    let key = world.turn().signing_key();
    world.restart();
    assert_eq!(world.turn().signing_key(), key);
    assert_ne!(World { rng: StdRng::seed_from_u64(8), ..self::world() }.turn().signing_key(), key);
    assert_eq!(format!("{key:?}"), "<signing key>");
}
