//! match-interaction: who is recognised, and what becomes of it.

use super::bench::*;

/// Lends 111 with these parameters and gives back the answer.
async fn lend(bench: &Bench, parameters: &str) -> serde_json::Value {
    bench.json(REQUEST_ACCESS, &format!("_id={SERVICE}&_resource_group=small&{parameters}")).await
}

#[actix_web::test]
async fn every_match_frees_the_number_and_a_second_one_finds_nothing() {
    for form in
        ["_access_number=111", "_access_number=+111+&_delete_service=false", "_access_number=111&_delete_service=true"]
    {
        let bench = Bench::new().await;
        lend(&bench, "").await;
        assert_eq!(bench.json(MATCH_INTERACTION, form).await["_id"], SERVICE);
        assert_eq!(bench.holder_of("111").await, None);
        assert_eq!(bench.status(MATCH_INTERACTION, form).await, 404);
    }
}

#[actix_web::test]
async fn code_and_caller_must_be_right_where_the_service_has_them() {
    let bench = Bench::new().await;
    let lent = lend(&bench, "_provide_code=true&_phone_number=anonymous").await;
    let code = lent["_access_code"].as_str().unwrap();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for form in [
        format!("_access_code={wrong}"),
        format!("_access_code={code}0"),
        format!("_access_code={code}&_phone_number=15550100"),
        "_phone_number=Anonymous".to_owned(),
    ] {
        assert_eq!(bench.status(MATCH_INTERACTION, &format!("_access_number=111&{form}")).await, 404, "{form}");
    }
    let right = format!("_access_number=111&_access_code=+{code}+&_phone_number=anonymous");
    assert_eq!(bench.status(MATCH_INTERACTION, &right).await, 200);
}

#[actix_web::test]
async fn what_the_call_leaves_out_or_the_service_does_not_have_does_not_restrict() {
    for (lent, call) in [
        ("_provide_code=true&_phone_number=15550100", "_access_code=&_phone_number="),
        ("", "_access_code=1234&_phone_number=15550100"),
    ] {
        let bench = Bench::new().await;
        lend(&bench, lent).await;
        assert_eq!(bench.status(MATCH_INTERACTION, &format!("_access_number=111&{call}")).await, 200, "{call}");
    }
}

#[actix_web::test]
async fn a_number_nobody_can_have_dialled_matches_nothing() {
    let bench = Bench::new().await;
    lend(&bench, "").await;
    for number in ["112", "6504664130", "11", "1-1-1", "Ann", &"1".repeat(33)] {
        assert_eq!(bench.status(MATCH_INTERACTION, &format!("_access_number={number}")).await, 404, "{number}");
    }
    assert_eq!(bench.holder_of("111").await.as_deref(), Some(SERVICE));
}

#[actix_web::test]
async fn a_match_after_the_booking_ran_out_finds_nothing() {
    let bench = Bench::new().await;
    lend(&bench, "_booking_expiration_timeout=5").await;
    bench.clock.advance_millis(5000);
    assert_eq!(bench.status(MATCH_INTERACTION, "_access_number=111").await, 404);
}

#[actix_web::test]
async fn a_deleted_service_is_unknown_afterwards_and_a_kept_one_is_not() {
    for (delete, status) in [("true", 404), ("false", 200)] {
        let bench = Bench::new().await;
        lend(&bench, "").await;
        bench.json(MATCH_INTERACTION, &format!("_access_number=111&_delete_service={delete}")).await;
        assert_eq!(bench.status(REQUEST_ACCESS, &format!("_id={SERVICE}")).await, status);
    }
}

#[actix_web::test]
async fn user_data_come_by_either_of_their_two_names_and_only_when_asked_for() {
    for (form, asked) in [
        ("_return_data=true", true),
        ("_return_user_data=True", true),
        ("_return_data=false&_return_user_data=true", true),
        ("_return_data=false", false),
        ("", false),
    ] {
        let bench = Bench::new().await;
        lend(&bench, "colour=blue").await;
        let matched = bench.json(MATCH_INTERACTION, &format!("_access_number=111&{form}")).await;
        let data = asked.then(|| serde_json::json!({"colour": "blue"}));
        assert_eq!(matched.get("user_data"), data.as_ref(), "{form}");
        assert!(matched["_data_id"].is_string());
    }
}

#[actix_web::test]
async fn a_service_without_data_has_an_empty_object_of_them() {
    let bench = Bench::new().await;
    lend(&bench, "").await;
    let matched = bench.json(MATCH_INTERACTION, "_access_number=111&_return_data=true").await;
    assert_eq!(matched["user_data"], serde_json::json!({}));
}

#[actix_web::test]
async fn data_of_the_matching_call_itself_are_not_kept() {
    let bench = Bench::new().await;
    lend(&bench, "").await;
    let matched = bench.json(MATCH_INTERACTION, "_access_number=111&_return_data=true&ivr=7").await;
    assert_eq!(matched["user_data"], serde_json::json!({}));
    let data = format!("/genesys/1/storage/{}", matched["_data_id"].as_str().unwrap());
    assert_eq!(text(&bench.send(get(&data).accept("application/json")).await), "{}");
}
