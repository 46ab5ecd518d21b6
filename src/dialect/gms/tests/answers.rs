//! Golden files of every answer, in both formats.

use super::bench::*;

/// Sends a request for both formats, each to a bench of its own, and holds the answers against the golden file.
macro_rules! golden {
    ($name:literal, $prepare:expr, $request:expr) => {
        for (format, media_type) in [("xml", "application/xml"), ("json", "application/json")] {
            let bench = Bench::new().await;
            let prepared = $prepare(&bench).await;
            let answer = bench.send($request(prepared).accept(media_type)).await;
            insta::assert_snapshot!(format!("{}_{format}", $name), wire(&answer));
        }
    };
}

async fn nothing(_: &Bench) {}

/// A service with user data of all kinds; gives back its number.
async fn service_with_data(bench: &Bench) -> String {
    let multipart = "--XbX\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nfr & <de>\r\n\
        --XbX\r\nContent-Disposition: form-data; name=\"first name\"\r\n\r\nZo\u{eb}\r\n\
        --XbX\r\nContent-Disposition: form-data; name=\"my picture\"; filename=\"me.jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n\u{1}\r\n--XbX--\r\n";
    let request = post(REQUEST_INTERACTION).body("multipart/form-data; boundary=XbX", multipart);
    let answer = bench.send(request.accept("application/json")).await;
    let members: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    members["_access_number"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn request_access() {
    golden!("request_access", nothing, |()| post(REQUEST_ACCESS).form(&format!("_id={SERVICE}&_resource_group=DNIS")));
}

#[actix_web::test]
async fn request_access_with_a_code() {
    golden!("request_access_with_a_code", nothing, |()| post(REQUEST_ACCESS)
        .form(&format!("_id={SERVICE}&_provide_code=true&_booking_expiration_timeout=120")));
}

#[actix_web::test]
async fn request_interaction() {
    golden!("request_interaction", nothing, |()| post(REQUEST_INTERACTION).form("_provide_code=true&colour=blue"));
}

#[actix_web::test]
async fn match_interaction() {
    golden!("match_interaction", service_with_data, |number| post(MATCH_INTERACTION)
        .form(&format!("_access_number={number}")));
}

#[actix_web::test]
async fn match_interaction_with_data() {
    golden!("match_interaction_with_data", service_with_data, |number| post(MATCH_INTERACTION)
        .form(&format!("_access_number={number}&_return_data=true")));
}

#[actix_web::test]
async fn match_interaction_with_a_list() {
    golden!("match_interaction_with_a_list", service_with_data, |number| post(MATCH_INTERACTION)
        .form(&format!("_access_number={number}&_return_data=true&_return_multiple_matches=true")));
}

#[actix_web::test]
async fn storage_read() {
    golden!("storage_read", data_of_a_service, |id| get(&format!("/genesys/1/storage/{id}")));
}

#[actix_web::test]
async fn storage_create() {
    golden!("storage_create", nothing, |()| post("/genesys/1/storage/3600").form("colour=blue&size=42"));
}

#[actix_web::test]
async fn storage_delete() {
    golden!("storage_delete", data_of_a_service, |id| request(
        actix_web::http::Method::DELETE,
        &format!("/genesys/1/storage/{id}")
    ));
}

async fn data_of_a_service(bench: &Bench) -> String {
    let number = service_with_data(bench).await;
    let members = bench.json(MATCH_INTERACTION, &format!("_access_number={number}")).await;
    members["_data_id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn the_vendors_example_gets_the_documented_answer() {
    let bench = Bench::new().await;
    let body = format!("_id={SERVICE}\n_resource_group=DNIS\n");
    let answer = bench.send(post(REQUEST_ACCESS).form(&body)).await;
    assert_eq!(
        text(&answer),
        format!(
            "<Response xmlns=\"http://10.10.26.36/genesys/1/service/request-access\">\
             <_access_number>6504664130</_access_number><_expiration_time>30</_expiration_time><_id>{SERVICE}</_id>\
             </Response>"
        )
    );
}

#[actix_web::test]
async fn the_format_follows_accept_then_the_body_then_the_tenant() {
    let bench = Bench::new().await;
    let json_body = format!(r#"{{"_id":"{SERVICE}"}}"#);
    let form = format!("_id={SERVICE}");
    let type_of = async |request| {
        let answer = bench.send(request).await;
        answer.headers[0].1.to_str().unwrap().to_owned()
    };
    assert_eq!(type_of(post(REQUEST_ACCESS).form(&form)).await, "application/xml;charset=UTF-8");
    assert_eq!(type_of(post(REQUEST_ACCESS).json(&json_body).accept("*/*")).await, "application/json");
    assert_eq!(
        type_of(post(REQUEST_ACCESS).json(&json_body).accept("text/xml")).await,
        "application/xml;charset=UTF-8"
    );
    let guarded = post(REQUEST_ACCESS).form(&form);
    let guarded = guarded.header(actix_web::http::header::AUTHORIZATION, "Basic YW5uOnBhc3N3b3Jk");
    assert_eq!(type_of(guarded).await, "application/json");
}

#[actix_web::test]
async fn user_data_that_xml_cannot_carry_are_refused_in_xml_and_served_in_json() {
    let bench = Bench::new().await;
    let lent = bench.json(REQUEST_INTERACTION, "_phone_number=15550100&note=a%01b&line=a%0D%0Ab").await;
    let number = lent["_access_number"].as_str().unwrap();
    let form = format!("_access_number={number}&_return_data=true");
    let refused = bench.send(post(MATCH_INTERACTION).form(&form)).await;
    assert_eq!(refused.status.as_u16(), 406);
    let message = text(&refused);
    let (_, path) = message.split_once("the data are at ").unwrap();
    let path = &path[..path.find('<').unwrap()];
    assert_eq!(bench.send(get(path)).await.status.as_u16(), 406);
    let served = bench.send(get(path).accept("application/json")).await;
    assert_eq!(text(&served), r#"{"line":"a\r\nb","note":"a\u0001b"}"#);

    assert_eq!(bench.status(MATCH_INTERACTION, &format!("{form}&_phone_number=1")).await, 404);

    // The refused match has given nothing back, so the call can still be recognised.
    assert_eq!(bench.holder_of(number).await.as_deref(), lent["_id"].as_str());
    assert_eq!(bench.json(MATCH_INTERACTION, &form).await["user_data"]["note"], "a\u{1}b");
    assert_eq!(bench.status(MATCH_INTERACTION, &form).await, 404);
}

#[actix_web::test]
async fn a_carriage_return_survives_xml() {
    let bench = Bench::new().await;
    let stored = bench.json("/genesys/1/storage/60", "line=a%0D%0Ab").await;
    let answer = bench.send(get(&format!("/genesys/1/storage/{}", stored["id"].as_str().unwrap()))).await;
    assert!(text(&answer).contains("<line>a&#13;\nb</line>"), "{}", text(&answer));
}
