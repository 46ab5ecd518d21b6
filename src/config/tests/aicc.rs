//! `[aicc]` and `[tenant.aicc]`: what they take, what they refuse, and what the demo has.

use super::{demo, load, problem};
use crate::domain::call_center::Direction;
use crate::domain::{Destination, FlowId, HotlineCode, Overdial, SkillId};

fn tenant(text: &str) -> String {
    format!("[[tenant]]\nid='a'\n[tenant.aicc]\n{text}")
}

#[test]
fn a_contact_center_is_read_with_its_defaults() {
    let settings = load(&tenant(
        "overdial = true\naccess_codes = [{ code = ' 100 ' }]\nskills = [{ id = 7, name = 'sales' }]\n\
         ivr_flows = [{ id = 12, description = 'menu' }]\napplications = [{ app_key = 'k', app_secret = 's' }]",
    ))
    .unwrap();
    let aicc = &settings.tenants["a"].aicc;
    let center = &aicc.call_center;
    assert!(!aicc.suspended);
    assert_eq!(center.overdial, Overdial::Allowed);
    let hotline = &center.hotlines[&"100".parse::<HotlineCode>().unwrap()];
    assert_eq!((hotline.media.number(), hotline.direction), (5, Direction::Both));
    let queue = &center.skills[&SkillId(7)].about;
    assert_eq!((queue.media.number(), queue.max_wait, queue.max_waiting, queue.wrap_up), (5, 60, 100, 5));
    assert_eq!(center.describe(Destination::Flow(FlowId(12))), Some("menu"));
    assert_eq!(aicc.applications[0].key, "k");
    assert!(aicc.applications[0].secret.is(b"s"));
    assert_eq!(aicc.applications[0].environment, None);
    assert_eq!(settings.aicc.signing_key, None);
}

#[test]
fn the_id_of_an_access_code_has_19_digits_and_follows_from_tenant_and_code_alone() {
    let id = |text: &str, code: &str| {
        let settings = load(text).unwrap();
        let center = &settings.tenants.values().next().unwrap().aicc.call_center;
        center.hotlines[&code.parse::<HotlineCode>().unwrap()].id
    };
    let alone = id(&tenant("access_codes = [{ code = '100' }]"), "100");
    assert_eq!(alone.to_string().len(), 19);
    assert_eq!(id(&tenant("access_codes = [{ code = '1' }, { code = '100', media_type = 53 }]"), "100"), alone);
    assert_ne!(id(&tenant("access_codes = [{ code = '101' }]"), "101"), alone);
    assert_ne!(id(&tenant("access_codes = [{ code = '100' }]").replace("'a'", "'b'"), "100"), alone);
}

#[test]
fn what_is_wrong_with_a_contact_center_is_named() {
    for (text, key, said) in [
        ("access_codes = [{}]", "access_codes[0].code", "is missing"),
        ("access_codes = [{ code = '1a' }]", "access_codes[0].code", "0-9*#"),
        ("access_codes = [{ code = '1' }, { code = '1' }]", "access_codes[1].code", "is there twice"),
        ("access_codes = [{ code = '1', media_type = 6 }]", "access_codes[0].media_type", "2, 5, 18, 19 or 53"),
        ("access_codes = [{ code = '1', num_call_attr = 4 }]", "access_codes[0].num_call_attr", "from 1 to 3"),
        ("skills = [{ id = 0, name = 'x' }]", "skills[0].id", "from 1 to 9999"),
        ("skills = [{ id = 10000, name = 'x' }]", "skills[0].id", "from 1 to 9999"),
        ("skills = [{ id = 1, name = 'x' }, { id = 1, name = 'y' }]", "skills[1].id", "another skill queue"),
        ("skills = [{ id = 1, name = 'x' }, { id = 2, name = 'x' }]", "skills[1].name", "another skill queue"),
        ("skills = [{ id = 1 }]", "skills[0].name", "is missing"),
        ("ivr_flows = [{ id = 1 }]", "ivr_flows[0].description", "is missing"),
        ("ivr_flows = [{ id = 1, description = 'x', flow_type = 7 }]", "ivr_flows[0].flow_type", "from 0 to 6"),
        ("applications = [{ app_key = 'k' }]", "applications[0].app_secret", "is missing"),
        ("applications = [{ app_key = 'a b', app_secret = 's' }]", "applications[0].app_key", "without blanks"),
        (
            "applications = [{ app_key = 'k', app_secret = 's', environment = 'x' }]",
            "applications[0].environment",
            "the tenant has no environments",
        ),
        ("suspend = true", "suspend", "did you mean `suspended`?"),
    ] {
        let found = problem(&tenant(text));
        assert!(found.contains(&format!("tenant[0].aicc.{key}: ")) && found.contains(said), "{text}: {found}");
    }
}

#[test]
fn the_key_of_an_application_tells_the_tenant() {
    let application = "applications = [{ app_key = 'k', app_secret = 's' }]";
    let found = problem(&format!("{}\n{}", tenant(application), tenant(application).replace("'a'", "'b'")));
    assert!(found.contains("tenant[1].aicc.applications[0].app_key") && found.contains("must tell the tenant"));
}

#[test]
fn a_signing_key_is_long_and_never_shown() {
    let found = problem("[aicc]\nsigning_key = 'too short, this one'");
    assert!(found.contains("at least 32 characters") && !found.contains("this one"), "{found}");
    let load = |key: &str| load(&format!("[aicc]\nsigning_key = '{}'", key.repeat(32))).unwrap();
    let settings = load("k");
    assert!(!format!("{settings:?}").contains("kkkk"));
    assert_eq!(settings.aicc, load("k").aicc);
    assert_ne!(settings.aicc, load("l").aicc);
}

#[test]
fn the_demo_has_the_contact_center_of_the_samples() {
    let settings = demo();
    let aicc = &settings.tenants["12345678"].aicc;
    let codes: Vec<_> =
        aicc.call_center.hotlines.iter().map(|(code, hotline)| (code.as_str(), hotline.media.number())).collect();
    assert_eq!(codes, [("5550100", 5), ("5550102", 2), ("5550153", 53), ("9911411", 5), ("99114112", 5)]);
    let queues: Vec<_> = aicc.call_center.skills.iter().map(|(id, skill)| (id.0, skill.about.media.number())).collect();
    assert_eq!(queues, [(1, 19), (7, 5), (8, 5), (9, 53), (10, 2)]);
    assert_eq!(aicc.call_center.describe(Destination::Flow(FlowId(12))), Some("main-menu"));
    assert_eq!(aicc.applications.len(), 1);
    assert_eq!(aicc.applications[0].key, "demo-key-0001");
    assert!(aicc.applications[0].secret.is(b"demo-secret-0001"));
}
