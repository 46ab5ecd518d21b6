//! request-access and request-interaction: every parameter, from every place it can come from.

use actix_web::http::StatusCode;

use super::bench::*;
use crate::domain::{Rules, Seconds};

/// Settings where every service has options of its own.
fn configured() -> String {
    let options = r#"
        _resource_group = "small"
        _provide_code = true
        _access_code_length = 4
        _booking_expiration_timeout = 600
    "#;
    // The options belong to the anonymous tenant, which is the last one here.
    let anonymous = SETTINGS.split("[[tenant]]").nth(1).unwrap();
    format!(
        "[gms]\nanonymous_tenant = \"12345678\"\n[[tenant]]{anonymous}\n\
         [tenant.gms.service.request-access]{options}\n\
         [tenant.gms.service.voice-now]\n_type = \"builtin\"\n_service = \"request-interaction\"\n_ttl = 60{options}"
    )
}

#[actix_web::test]
async fn a_request_says_only_whose_it_is_and_the_rest_is_as_documented() {
    let bench = Bench::new().await;
    let lent = bench.json(REQUEST_ACCESS, &format!("_id={SERVICE}")).await;
    let expected = format!(r#"{{"_access_number":"6504664130","_expiration_time":"30","_id":"{SERVICE}"}}"#);
    assert_eq!(lent.to_string(), expected);
    assert_eq!(bench.holder_of("6504664130").await.as_deref(), Some(SERVICE));
}

#[actix_web::test]
async fn parameters_come_by_query_form_multipart_and_json() {
    let multipart = format!(
        "--b\r\nContent-Disposition: form-data; name=\"_id\"\r\n\r\n{SERVICE}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"_resource_group\"\r\n\r\nsmall\r\n--b--"
    );
    let query = format!("{REQUEST_ACCESS}?_id={SERVICE}&_resource_group=small");
    for request in [
        post(&query),
        get(&query),
        post(REQUEST_ACCESS).form(&format!("_id={SERVICE}&_resource_group=small")),
        post(&format!("{REQUEST_ACCESS}?_id={SERVICE}&_resource_group=none")).form("_resource_group=small"),
        post(REQUEST_ACCESS).body("multipart/form-data; boundary=b", multipart),
        post(REQUEST_ACCESS).json(&format!(r#"{{"_id":"{SERVICE}","_resource_group":"small"}}"#)),
    ] {
        let answer = Bench::new().await.send(request.accept("application/json")).await;
        let expected = format!(r#"{{"_access_number":"111","_expiration_time":"30","_id":"{SERVICE}"}}"#);
        assert_eq!(text(&answer), expected);
    }
}

#[actix_web::test]
async fn a_code_has_the_length_asked_for_and_six_digits_otherwise() {
    for (parameters, length) in [
        ("_provide_code=true", 6),
        ("_provide_code=TRUE&_access_code_length=1", 1),
        ("_provide_code=true&_access_code_length=16", 16),
        ("_provide_code=true&_access_code_length=", 6),
    ] {
        let lent = Bench::new().await.json(REQUEST_ACCESS, &format!("_id={SERVICE}&{parameters}")).await;
        let code = lent["_access_code"].as_str().unwrap();
        assert!(code.len() == length && code.bytes().all(|byte| byte.is_ascii_digit()), "{parameters}: {code}");
    }
    for parameters in ["_provide_code=false", "_provide_code=", "_access_code_length=4"] {
        let lent = Bench::new().await.json(REQUEST_ACCESS, &format!("_id={SERVICE}&{parameters}")).await;
        assert!(lent.get("_access_code").is_none(), "{parameters}");
    }
}

#[actix_web::test]
async fn a_booking_lasts_as_asked_and_thirty_seconds_for_a_wrong_time() {
    for (time, lasts) in [
        ("5", "5"),
        ("1800", "1800"),
        ("120", "120"),
        ("4", "30"),
        ("1801", "30"),
        ("0", "30"),
        ("-60", "30"),
        ("60.5", "30"),
        ("soon", "30"),
        ("99999999999999999999", "30"),
        ("", "30"),
    ] {
        for service in [REQUEST_ACCESS, REQUEST_INTERACTION] {
            let form = format!("_id={SERVICE}&_booking_expiration_timeout={time}");
            assert_eq!(Bench::new().await.json(service, &form).await["_expiration_time"], lasts, "{time}");
        }
    }
}

#[actix_web::test]
async fn the_services_section_fills_in_what_the_request_leaves_out() {
    for service in [REQUEST_ACCESS, "/genesys/1/service/voice-now"] {
        let lend = async |form: &str| {
            let bench = Bench::with_settings(&configured()).await;
            bench.json(service, &format!("_id={SERVICE}&{form}")).await
        };
        let lent = lend("").await;
        assert_eq!((&lent["_access_number"], &lent["_expiration_time"]), (&"111".into(), &"600".into()));
        assert_eq!(lent["_access_code"].as_str().unwrap().len(), 4);
        let lent = lend("_resource_group=DNIS&_provide_code=false&_booking_expiration_timeout=60").await;
        assert_eq!((&lent["_access_number"], &lent["_expiration_time"]), (&"6504664130".into(), &"60".into()));
        assert!(lent.get("_access_code").is_none());
        assert_eq!(lend("_access_code_length=9").await["_access_code"].as_str().unwrap().len(), 9);
        // A wrong time in the request means 30 s, not the configured time.
        assert_eq!(lend("_booking_expiration_timeout=4").await["_expiration_time"], "30");
    }
}

#[actix_web::test]
async fn a_second_request_for_one_service_lends_another_number() {
    let bench = Bench::new().await;
    let first = bench.json(REQUEST_ACCESS, &format!("_id={SERVICE}")).await;
    let second = bench.json(REQUEST_ACCESS, &format!("_id={SERVICE}")).await;
    assert_ne!(first["_access_number"], second["_access_number"]);
}

#[actix_web::test]
async fn a_booked_number_is_free_again_at_its_deadline() {
    let bench = Bench::new().await;
    let form = format!("_id={SERVICE}&_resource_group=small&_booking_expiration_timeout=60");
    bench.json(REQUEST_ACCESS, &form).await;
    bench.clock.advance_millis(59_999);
    assert_eq!(bench.status(REQUEST_ACCESS, &form).await, 503);
    bench.clock.advance_millis(1);
    assert_eq!(bench.status(REQUEST_ACCESS, &form).await, 200);
}

#[actix_web::test]
async fn request_interaction_makes_a_service_that_request_access_knows() {
    let bench = Bench::new().await;
    // Clients exist that post nothing at all.
    let made = bench.json(REQUEST_INTERACTION, "").await;
    let id = made["_id"].as_str().unwrap();
    let (counter, uuid) = id.split_once('-').unwrap();
    assert!(counter.parse::<u64>().is_ok() && uuid::Uuid::parse_str(uuid).is_ok(), "{id}");
    assert_eq!(bench.json(REQUEST_ACCESS, &format!("_id={id}")).await["_id"], id);
    bench.clock.advance(Seconds::new(3600));
    assert_eq!(bench.status(REQUEST_ACCESS, &format!("_id={id}")).await, 404);
}

#[actix_web::test]
async fn request_interaction_takes_no_id_from_the_request() {
    let bench = Bench::new().await;
    assert_ne!(bench.json(REQUEST_INTERACTION, &format!("_id={SERVICE}")).await["_id"], SERVICE);
}

#[actix_web::test]
async fn data_outlive_their_service_for_their_own_time() {
    for (service, form, seconds) in [
        (REQUEST_INTERACTION, "colour=blue", 30),
        (REQUEST_INTERACTION, "colour=blue&_ttl=90", 90),
        (REQUEST_INTERACTION, "colour=blue&_ttl=never", 30),
        ("/genesys/1/service/voice-now", "colour=blue", 60),
    ] {
        let bench = Bench::with_settings(&configured()).await;
        let lent = bench.json(service, form).await;
        let number = lent["_access_number"].as_str().unwrap();
        let code = lent["_access_code"].as_str().unwrap_or_default();
        let ended = format!("_access_number={number}&_access_code={code}&_delete_service=true");
        let matched = bench.json(MATCH_INTERACTION, &ended).await;
        let data = format!("/genesys/1/storage/{}", matched["_data_id"].as_str().unwrap());
        bench.clock.advance_millis(seconds * 1000 - 1);
        assert_eq!(bench.send(get(&data)).await.status, StatusCode::OK, "{form}");
        bench.clock.advance_millis(1);
        assert_eq!(bench.send(get(&data)).await.status, StatusCode::NOT_FOUND, "{form}");
    }
}

#[actix_web::test]
async fn data_of_request_access_join_those_of_the_service() {
    let bench = Bench::new().await;
    let made = bench.json(REQUEST_INTERACTION, "colour=blue&size=1").await;
    let id = made["_id"].as_str().unwrap();
    let lent = bench.json(REQUEST_ACCESS, &format!("_id={id}&size=2&shape=round")).await;
    let number = lent["_access_number"].as_str().unwrap();
    let matched = bench.json(MATCH_INTERACTION, &format!("_access_number={number}&_return_data=true")).await;
    assert_eq!(matched["user_data"].to_string(), r#"{"colour":"blue","shape":"round","size":"2"}"#);
}

#[actix_web::test]
async fn json_members_are_kept_as_texts() {
    let bench = Bench::new().await;
    let body = r#"{"_provide_code":true,"_booking_expiration_timeout":60,"amount":1.50,"vip":true,"none":null,
        "basket":{"items":[1,2]}}"#;
    let answer = bench.send(post(REQUEST_INTERACTION).json(body)).await;
    let lent: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(lent["_expiration_time"], "60");
    let form = format!("_access_number={}&_return_data=true", lent["_access_number"].as_str().unwrap());
    let matched = bench.json(MATCH_INTERACTION, &form).await;
    let expected = serde_json::json!({"amount": "1.50", "basket": r#"{"items":[1,2]}"#, "vip": "true"});
    assert_eq!(matched["user_data"], expected);
}

#[actix_web::test]
async fn parameters_of_other_gms_features_are_ignored() {
    let bench = Bench::new().await;
    let form = format!("_id={SERVICE}&_return_pool_health=true&_urs_virtual_queue=x");
    assert_eq!(bench.status(REQUEST_ACCESS, &form).await, 200);
}

#[actix_web::test]
async fn a_refused_request_lends_nothing_and_keeps_nothing() {
    let bench = Bench::with_rules(SETTINGS, Rules { documents_total: 10, ..Rules::default() }).await;
    for form in ["_id=none", "_resource_group=none", "_provide_code=perhaps", "note=longer-than-ten"] {
        assert_ne!(bench.status(REQUEST_ACCESS, form).await, 200, "{form}");
    }
    assert_eq!(bench.status(REQUEST_INTERACTION, "note=longer-than-ten").await, 507);
    for number in ["6504664130", "6504664131", "6504664132"] {
        assert_eq!(bench.holder_of(number).await, None);
    }
}
