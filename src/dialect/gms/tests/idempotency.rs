//! Calls under an `Idempotency-Key`.

use actix_web::http::header::HeaderName;

use super::bench::*;
use crate::dialect::Answer;
use crate::domain::Seconds;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

async fn under(bench: &Bench, key: &str, target: &str, form: &str) -> Answer {
    bench.send(post(target).form(form).header(KEY, key).accept("application/json")).await
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), text(answer))
}

#[actix_web::test]
async fn a_retried_request_access_has_the_same_number_and_code_with_the_time_that_is_left() {
    let bench = Bench::new().await;
    let form = format!("_id={SERVICE}&_provide_code=true&_return_pool_health=true");
    let first = under(&bench, "k-1", REQUEST_ACCESS, &form).await;
    bench.clock.advance(Seconds::new(10));
    let again = under(&bench, "\"k-1\"", REQUEST_ACCESS, &form).await;
    let later = text(&first).replace("\"_expiration_time\":\"30\"", "\"_expiration_time\":\"20\"");
    let later = later.replace("\"next_release\":\"30\"", "\"next_release\":\"20\"");
    let later = later.replace("\"oldest_booking\":\"0\"", "\"oldest_booking\":\"10\"");
    assert_eq!(told(&again), (200, later.as_str()));
    let other = bench.json(REQUEST_ACCESS, &format!("_id={SERVICE}")).await;
    assert_eq!(other["_access_number"], "6504664131", "without a key every request books a number");
}

#[actix_web::test]
async fn a_retried_request_interaction_starts_one_service() {
    let bench = Bench::new().await;
    let first = under(&bench, "k", REQUEST_INTERACTION, "name=Ann").await;
    assert_eq!(told(&under(&bench, "k", REQUEST_INTERACTION, "name=Ann").await), told(&first));
    let by_query = format!("{REQUEST_INTERACTION}?name=Ann");
    let twice = [get(&by_query).header(KEY, "q"), get(&by_query).header(KEY, "q")];
    let [one, two] = twice.map(|request| bench.send(request.accept("application/json")));
    assert_eq!(told(&one.await), told(&two.await));
}

#[actix_web::test]
async fn a_key_is_refused_once_its_booking_is_over_and_for_another_request() {
    let bench = Bench::new().await;
    let form = format!("_id={SERVICE}&_resource_group=small");
    under(&bench, "k", REQUEST_ACCESS, &form).await;
    bench.json(MATCH_INTERACTION, "_access_number=111").await;
    bench.json(REQUEST_INTERACTION, "_resource_group=small").await;
    let spent = under(&bench, "k", REQUEST_ACCESS, &form).await;
    assert_eq!(
        told(&spent),
        (
            409,
            "{\"exception\":\"javax.ws.rs.ClientErrorException\",\"message\":\"the header Idempotency-Key has a key \
             whose request was carried out, and what it made has ended since: freed, matched, deleted or expired; ask \
             anew under a new key\"}"
        )
    );
    assert_eq!(spent.outcome, "key_spent");
    let reused = under(&bench, "k", REQUEST_ACCESS, &format!("{form}&_provide_code=true")).await;
    assert_eq!(
        told(&reused),
        (
            422,
            "{\"exception\":\"javax.ws.rs.ClientErrorException\",\"message\":\"the header Idempotency-Key has a key \
             that another request had before; a new request needs a new key\"}"
        )
    );
    let elsewhere = under(&bench, "k", REQUEST_INTERACTION, &form).await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.outcome), (422, "key_reused"));
}

#[actix_web::test]
async fn a_header_without_a_key_is_a_bad_request_and_books_nothing() {
    let bench = Bench::new().await;
    let form = format!("_id={SERVICE}");
    let wrong = under(&bench, "two words", REQUEST_ACCESS, &form).await;
    assert_eq!(
        told(&wrong),
        (
            400,
            "{\"exception\":\"javax.ws.rs.BadRequestException\",\"message\":\"the header Idempotency-Key must be 1 to \
             255 visible ASCII characters, in double quotes or without them\"}"
        )
    );
    let twice = bench.send(post(REQUEST_ACCESS).form(&form).header(KEY, "a").header(KEY, "a")).await;
    assert_eq!(twice.status.as_u16(), 400);
    assert!(text(&twice).contains("Idempotency-Key is given more than once; once is allowed"));
    assert_eq!(bench.holder_of("6504664130").await, None);
}

#[actix_web::test]
async fn stored_data_are_created_once_and_a_users_own_belong_to_that_user() {
    let bench = Bench::new().await;
    let store = "/genesys/1/storage/60";
    let first = under(&bench, "k", store, "a=1").await;
    assert_eq!(told(&under(&bench, "k", store, "a=1").await), told(&first));
    let own = |user: &str| post("/genesys/1/storage/custom/notes/60").form("a=1").header(GMS_USER, user);
    let send = |user: &str| bench.send(own(user).header(KEY, "own"));
    assert_eq!(send("ann").await.status, 200);
    bench.clock.advance(Seconds::new(40));
    assert_eq!(send("ann").await.status, 200);
    assert_eq!(send("bob").await.status, 422, "another user is another request");
    bench.clock.advance(Seconds::new(20));
    assert_eq!(send("ann").await.status, 409, "the second request did not prolong the data");
}
