//! What the configuration says where a request does not: sections, groups, prefixes, limits.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use serde_json::{Value, json};

use super::bench::*;
use crate::domain::Seconds;
use crate::store::Store;

/// The settings of the first tenant with more of its own.
fn with(more: &str) -> String {
    let (gms, tenants) = SETTINGS.split_once("[[tenant]]").unwrap();
    let (first, second) = tenants.split_once("[[tenant]]").unwrap();
    let first = first.replace("groups = [", "# groups = [");
    format!("{gms}[[tenant]]{first}\n{more}\n[[tenant]]{second}")
}

const GROUPS: &str = r#"
    [[tenant.groups]]
    name = "DNIS"
    [[tenant.groups]]
    name = "small"
"#;

async fn lend(bench: &Bench, form: &str) -> Value {
    bench.json(REQUEST_ACCESS, &format!("_id={SERVICE}&{form}")).await
}

async fn refusal(bench: &Bench, form: &str) -> (u16, String) {
    let form = format!("_id={SERVICE}&{form}");
    let answer = bench.send(post(REQUEST_ACCESS).form(&form).accept("application/json")).await;
    (answer.status.as_u16(), text(&answer).to_owned())
}

#[actix_web::test]
async fn the_booking_time_is_the_requests_then_the_services_then_the_groups_then_thirty() {
    let group = format!("{GROUPS}_booking_expiration_timeout = 70\n");
    let service = format!("{group}[tenant.gms.service.request-access]\n_booking_expiration_timeout = 80\n");
    for (settings, form, lasts) in [
        (&service, "_booking_expiration_timeout=90", "90"),
        (&service, "", "80"),
        (&group, "", "70"),
        (&group, "_booking_expiration_timeout=4", "30"),
        (&GROUPS.to_owned(), "", "30"),
    ] {
        let bench = Bench::with_settings(&with(settings)).await;
        let lent = lend(&bench, &format!("_resource_group=small&{form}")).await;
        assert_eq!(lent["_expiration_time"], lasts, "{form}");
    }
}

#[actix_web::test]
async fn a_second_request_extends_the_booking_where_renew_is_set() {
    let in_section = format!("{GROUPS}[tenant.gms.service.request-access]\nrenew = true");
    for (settings, form) in [(&in_section, ""), (&GROUPS.to_owned(), "&_renew=true")] {
        let bench = Bench::with_settings(&with(settings)).await;
        let first = lend(&bench, &format!("_resource_group=small{form}")).await;
        bench.clock.advance(Seconds::new(20));
        let again =
            lend(&bench, &format!("_resource_group=small&_provide_code=true&_booking_expiration_timeout=40{form}"))
                .await;
        assert_eq!((&again["_access_number"], &again["_expiration_time"]), (&first["_access_number"], &json!("40")));
        bench.clock.advance_millis(39_999);
        assert_eq!(bench.holder_of("111").await.as_deref(), Some(SERVICE));
        // Another group lends a number of its own.
        assert_ne!(lend(&bench, &format!("_resource_group=DNIS{form}")).await["_access_number"], "111");
        bench.clock.advance_millis(1);
        assert_eq!(bench.holder_of("111").await, None);
    }
    let bench = Bench::with_settings(&with(&in_section)).await;
    lend(&bench, "_resource_group=small").await;
    assert_eq!(refusal(&bench, "_resource_group=small&_renew=false").await.0, 503, "the request beats the section");
}

#[actix_web::test]
async fn an_empty_group_lends_from_the_groups_it_falls_back_on() {
    let groups = r#"
        groups = [
            { name = "DNIS" },
            { name = "small", fallback = "between" },
            { name = "between", fallback = "DNIS" },
        ]
    "#;
    let bench = Bench::with_settings(&with(groups)).await;
    for number in ["111", "6504664130", "6504664131", "6504664132"] {
        let lent = lend(&bench, "_resource_group=small&_return_pool_health=true").await;
        assert_eq!(lent["_access_number"], number);
        let group = if number == "111" { "small" } else { "DNIS" };
        assert_eq!(lent["_pool_health"]["group"], group);
    }
    let (status, message) = refusal(&bench, "_resource_group=small").await;
    assert_eq!(status, 503);
    assert!(message.contains("no access number is free in group 'small'"), "{message}");
}

#[actix_web::test]
async fn pool_health_counts_the_numbers_of_the_group_by_what_they_do() {
    let section = format!("{GROUPS}[tenant.gms.service.request-access]\n_return_pool_health = true");
    let bench = Bench::with_settings(&with(&section)).await;
    lend(&bench, "").await;
    bench.clock.advance_millis(10_500);
    let lent = lend(&bench, "_booking_expiration_timeout=60").await;
    let expected = json!({
        "group": "DNIS", "total": "3", "free": "1", "allocated": "2", "cooling": "0", "reserved": "0", "disabled": "0",
        "bookings": "2", "utilisation": "66", "oldest_booking": "10", "next_release": "20",
    });
    assert_eq!(lent["_pool_health"], expected);
    assert!(lend(&bench, "_resource_group=small&_return_pool_health=false").await.get("_pool_health").is_none());
    let xml = bench.send(post(REQUEST_INTERACTION).form("_return_pool_health=true")).await;
    let health = "<_pool_health><allocated>3</allocated><bookings>3</bookings><cooling>0</cooling>\
                  <disabled>0</disabled><free>0</free><group>DNIS</group><next_release>20</next_release>\
                  <oldest_booking>10</oldest_booking><reserved>0</reserved><total>3</total>\
                  <utilisation>100</utilisation></_pool_health>";
    assert!(text(&xml).contains(health), "{}", text(&xml));
}

#[actix_web::test]
async fn a_resting_number_is_not_lent_and_a_reserved_one_never() {
    let groups = "groups = [{ name = 'DNIS', reserved = ['6504664131'] }, { name = 'small', cool_down = 10 }]";
    let bench = Bench::with_settings(&with(groups)).await;
    for number in ["6504664130", "6504664132"] {
        assert_eq!(lend(&bench, "").await["_access_number"], number);
    }
    assert_eq!(refusal(&bench, "").await.0, 503);

    lend(&bench, "_resource_group=small").await;
    bench.json(MATCH_INTERACTION, "_access_number=111").await;
    bench.clock.advance_millis(9_999);
    assert_eq!(refusal(&bench, "_resource_group=small").await.0, 503);
    bench.clock.advance_millis(1);
    assert_eq!(lend(&bench, "_resource_group=small").await["_access_number"], "111");
}

#[actix_web::test]
async fn codes_begin_with_the_prefix_and_keep_their_length() {
    for (prefix, digits) in [("9", "9"), ("7-9", "789"), ("0", "0")] {
        let settings = with(&format!("{GROUPS}[tenant.gms.server]\naccess_code_prefix = '{prefix}'"));
        for length in [2, 6, 16] {
            let bench = Bench::with_settings(&settings).await;
            let lent = lend(&bench, &format!("_provide_code=true&_access_code_length={length}")).await;
            let code = lent["_access_code"].as_str().unwrap();
            assert!(code.len() == length && digits.contains(&code[..1]), "{prefix} {length}: {code}");
        }
    }
}

#[actix_web::test]
async fn a_prefix_that_leaves_nothing_to_draw_fails_as_documented_and_only_where_a_code_is_made() {
    for (prefix, form, fault) in [
        ("123456", "", r#"{"exception":"java.lang.IllegalArgumentException","message":"n must be positive"}"#),
        (
            "7",
            "&_access_code_length=1",
            r#"{"exception":"java.lang.IllegalArgumentException","message":"n must be positive"}"#,
        ),
        (
            "1234567890",
            "",
            r#"{"exception":"java.lang.NumberFormatException","message":"For input string: \"1234567890\""}"#,
        ),
    ] {
        let settings = with(&format!("{GROUPS}[tenant.gms.server]\naccess_code_prefix = '{prefix}'"));
        let bench = Bench::with_settings(&settings).await;
        assert_eq!(refusal(&bench, &format!("_provide_code=true{form}")).await, (500, fault.to_owned()));
        let xml = bench.send(post(REQUEST_INTERACTION).form(&format!("_provide_code=true{form}"))).await;
        assert_eq!(xml.status.as_u16(), 500);
        let fault: Value = serde_json::from_str(fault).unwrap();
        let members =
            ["exception", "message"].map(|name| format!("<{name}>{}</{name}>", fault[name].as_str().unwrap()));
        assert!(text(&xml).contains(&members.concat()), "{}", text(&xml));
        assert_eq!(bench.holder_of("6504664130").await, None);
        lend(&bench, form).await;
    }
}

#[actix_web::test]
async fn a_code_space_that_is_used_up_is_an_error_that_says_so() {
    let settings = with("groups = [{ name = 'DNIS' }, { name = 'small', sharing = 'shared' }]");
    let bench = Bench::with_settings(&settings).await;
    let form = "_resource_group=small&_provide_code=true&_access_code_length=1";
    let mut codes = std::collections::BTreeSet::new();
    for _ in 0..10 {
        codes.insert(lend(&bench, form).await["_access_code"].to_string());
    }
    assert_eq!(codes.len(), 10);
    let (status, body) = refusal(&bench, form).await;
    assert_eq!(status, 503);
    assert!(body.contains("every access code of length 1 is in use"), "{body}");
    assert_eq!(lend(&bench, "_resource_group=small").await["_access_number"], "111");
}

#[actix_web::test]
async fn guessing_codes_ends_with_429_for_one_caller_at_one_number() {
    let settings = with(GROUPS).replace("[gms]", "[gms]\nguess_limit = 3\nguess_window = 300");
    let bench = Bench::with_settings(&settings).await;
    let lent = lend(&bench, "_resource_group=small&_provide_code=true").await;
    let code = lent["_access_code"].as_str().unwrap();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let call = async |code: &str, caller: &str| {
        let form = format!("_access_number=111&_access_code={code}&_phone_number={caller}");
        bench.send(post(MATCH_INTERACTION).form(&form)).await
    };
    for _ in 0..3 {
        let answer = call(wrong, "5550100").await;
        assert_eq!((answer.status, answer.outcome), (StatusCode::NOT_FOUND, "wrong_code"));
    }
    let answer = call(code, "5550100").await;
    assert_eq!((answer.status, answer.outcome), (StatusCode::TOO_MANY_REQUESTS, "too_many_guesses"));
    let wait = answer.headers.iter().find(|(name, _)| name == RETRY_AFTER).unwrap();
    assert!((1..=300).contains(&wait.1.to_str().unwrap().parse().unwrap()), "{wait:?}");
    assert_eq!(bench.holder_of("111").await.as_deref(), Some(SERVICE));
    assert_eq!(call(code, "5550101").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn without_a_limit_a_caller_may_try_for_ever() {
    let bench = Bench::new().await;
    let lent = lend(&bench, "_resource_group=small&_provide_code=true").await;
    let code = lent["_access_code"].as_str().unwrap();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..50 {
        assert_eq!(bench.status(MATCH_INTERACTION, &format!("_access_number=111&_access_code={wrong}")).await, 404);
    }
    assert_eq!(bench.status(MATCH_INTERACTION, &format!("_access_number=111&_access_code={code}")).await, 200);
}

#[actix_web::test]
async fn a_late_call_is_recognised_and_marked_where_the_section_says_so() {
    let groups = "groups = [{ name = 'DNIS' }, { name = 'small', cool_down = 20 }]";
    let late = format!("{groups}\n[tenant.gms.service.match-interaction]\nlate_calls = true");
    let bench = Bench::with_settings(&with(&late)).await;
    lend(&bench, "_resource_group=small&_booking_expiration_timeout=5&colour=blue").await;
    bench.clock.advance_millis(24_999);
    let matched = bench.json(MATCH_INTERACTION, "_access_number=111&_return_data=true").await;
    assert_eq!((&matched["_id"], &matched["_late"]), (&json!(SERVICE), &json!("true")));
    assert_eq!(matched["user_data"]["colour"], "blue");

    // What XML cannot carry is refused before the match, and can be asked for again.
    bench.clock.advance_millis(20_000);
    lend(&bench, "_resource_group=small&_booking_expiration_timeout=5&colour=a%01b").await;
    bench.clock.advance_millis(20_000);
    let form = "_access_number=111&_return_data=true";
    assert_eq!(bench.send(post(MATCH_INTERACTION).form(form)).await.status.as_u16(), 406);
    assert_eq!(bench.json(MATCH_INTERACTION, form).await["user_data"]["colour"], "a\u{1}b");

    lend(&bench, "_resource_group=DNIS").await;
    let matched = bench.json(MATCH_INTERACTION, "_access_number=6504664130").await;
    assert!(matched.get("_late").is_none(), "a call in time is not marked");

    for (settings, wait) in [(late.as_str(), 25_000), (groups, 5_000)] {
        let bench = Bench::with_settings(&with(settings)).await;
        lend(&bench, "_resource_group=small&_booking_expiration_timeout=5").await;
        bench.clock.advance_millis(wait);
        assert_eq!(bench.status(MATCH_INTERACTION, "_access_number=111").await, 404);
    }
}

#[actix_web::test]
async fn every_option_of_a_section_stands_in_for_its_parameter() {
    let sections = format!(
        r#"{GROUPS}
        [tenant.gms.service.request-access]
        _id = "{SERVICE}"
        _phone_number = "5550100"
        _resource_group = "small"
        [tenant.gms.service.match-interaction]
        _access_number = "111"
        _access_code = "123"
        _phone_number = "5550199"
        "#
    );
    let bench = Bench::with_settings(&with(&sections)).await;
    assert_eq!(bench.json(REQUEST_ACCESS, "").await["_id"], SERVICE);
    assert_eq!(bench.status(MATCH_INTERACTION, "").await, 404, "the caller of the section is another one");
    assert_eq!(bench.status(MATCH_INTERACTION, "_phone_number=5550100&_access_number=6504664130").await, 404);
    assert_eq!(bench.json(MATCH_INTERACTION, "_phone_number=5550100").await["_id"], SERVICE);
}

#[actix_web::test]
async fn the_status_service_tells_by_its_status_whether_the_gateway_is_ready() {
    let sections = format!(
        "{GROUPS}[tenant.gms.service.gms-status]\n_service = 'get'\n\
         [tenant.gms.service.other-status]\n_type = 'builtin'\n_service = 'get'\n_online_code = 204\n_offline_code = 500"
    );
    let settings = with(&sections);
    let bench = Bench::with_settings(&settings).await;
    let offline = Bench::with_settings(&settings).await;
    offline.store.close().await;
    for (name, online_code, offline_code) in [("gms-status", 200, 503), ("other-status", 204, 500)] {
        let path = format!("/genesys/1/service/{name}");
        for call in [get(&path), post(&path)] {
            let answer = bench.send(call.accept("application/json")).await;
            // 204 says that there is no body.
            let body = if online_code == 204 { "" } else { r#"{"state":"online"}"# };
            assert_eq!((answer.status.as_u16(), text(&answer)), (online_code, body));
        }
        let answer = offline.send(get(&path).accept("application/json")).await;
        assert_eq!((answer.status.as_u16(), text(&answer)), (offline_code, r#"{"state":"offline"}"#));
    }
}

#[actix_web::test]
async fn one_built_in_service_under_several_names_has_the_options_of_each() {
    let sections = format!(
        "{GROUPS}[tenant.gms.service.voice]\n_service = 'request-interaction'\n_resource_group = 'small'\n\
         [tenant.gms.service.web]\n_service = 'request-interaction'\n_provide_code = true\n_access_code_length = 9"
    );
    let bench = Bench::with_settings(&with(&sections)).await;
    assert_eq!(bench.json("/genesys/1/service/voice", "").await["_access_number"], "111");
    let web = bench.json("/genesys/1/service/web", "").await;
    assert_eq!((&web["_access_number"], web["_access_code"].as_str().unwrap().len()), (&json!("6504664130"), 9));
    assert!(bench.json(REQUEST_INTERACTION, "").await.get("_access_code").is_none());
}

#[actix_web::test]
async fn a_reload_changes_the_options_of_the_next_request() {
    let bench = Bench::with_settings(&with(GROUPS)).await;
    assert!(lend(&bench, "").await.get("_access_code").is_none());
    let section = format!(
        "{GROUPS}[tenant.gms.service.request-access]\n_provide_code = true\n[tenant.gms.server]\naccess_code_prefix = '42'"
    );
    bench.reload(&with(&section));
    assert!(lend(&bench, "").await["_access_code"].as_str().unwrap().starts_with("42"));
}
