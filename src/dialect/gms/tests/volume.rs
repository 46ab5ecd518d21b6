//! Much at a time: a thousand callers on five shared numbers.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::Value;

use super::bench::*;
use crate::domain::{GroupName, NewNumber, Number};
use crate::store::Store;

const CALLERS: usize = 1_000;
/// Requests that are under way at the same time.
const AT_ONCE: usize = 200;

#[actix_web::test]
async fn a_thousand_interactions_on_five_shared_numbers_are_each_recognised_by_their_code() {
    let settings =
        SETTINGS.replace("{ name = \"DNIS\", policy = \"round-robin\" }", "{ name = \"DNIS\", sharing = \"shared\" }");
    let bench = Bench::with_settings(&settings).await;
    for number in ["6504664133", "6504664134"] {
        let number = Number::new(number).unwrap();
        let group = Some(GroupName::new("DNIS").unwrap());
        let new = NewNumber { number, dnid: number, group, enabled: true };
        bench.store.create_number(&scope(), new, None).await.unwrap();
    }
    let lent = stream::iter((0..CALLERS).map(|_| async {
        bench.json(REQUEST_INTERACTION, "_provide_code=true&_booking_expiration_timeout=1800").await
    }));
    let lent: Vec<Value> = lent.buffer_unordered(AT_ONCE).collect().await;
    let text_of = |answer: &Value, member: &str| answer[member].as_str().unwrap().to_owned();
    let mut on: HashMap<String, HashSet<String>> = HashMap::new();
    for answer in &lent {
        let codes = on.entry(text_of(answer, "_access_number")).or_default();
        assert!(codes.insert(text_of(answer, "_access_code")), "a code twice on one number: {answer}");
    }
    assert_eq!(on.len(), 5);

    let matches = stream::iter(lent.iter().rev().map(|answer| async {
        let form = format!(
            "_access_number={}&_access_code={}",
            text_of(answer, "_access_number"),
            text_of(answer, "_access_code")
        );
        assert_eq!(bench.json(MATCH_INTERACTION, &form).await["_id"], answer["_id"]);
        assert_eq!(bench.status(MATCH_INTERACTION, &form).await, 404);
    }));
    matches.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}
