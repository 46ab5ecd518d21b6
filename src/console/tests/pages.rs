//! What the pages say, word by word, and that they find what they are asked for.

use super::*;
use crate::domain::state::{AfterMatch, Criteria, LateCalls, Which};
use crate::store::WithData;

/// Numbers of several groups in every state, and calls that came right, late and with a wrong code.
async fn gateway() -> Gateway {
    let gateway = Gateway::new();
    for number in ["111", "222", "333"] {
        gateway.number(number, "g").await;
    }
    for number in ["901", "902", "909"] {
        gateway.number(number, "resting").await;
    }
    gateway.number("700", "shared").await;
    gateway.number("500", "used up").await;
    gateway.lend("g", "chat-1", "5551", None).await;
    gateway.lend("resting", "chat-2", "5552", None).await;
    gateway.later(60);
    gateway.lend("used up", "chat-3", "5553", None).await;
    gateway.later(45);
    gateway
}

async fn matched(gateway: &Gateway, number: &str) {
    let criteria =
        Criteria { number: Number::new(number).unwrap(), code: None, caller: None, late: LateCalls::Ignored };
    let found = gateway.store.match_call(&one_scope(), criteria, Which::Newest, AfterMatch::Keep, WithData::No).await;
    assert_eq!(found.unwrap().len(), 1);
}

#[tokio::test]
async fn every_page_reads_like_this() {
    let gateway = gateway().await;
    let mut browser = gateway.browser("ann").await;
    for (name, target) in [
        ("pools", "/console"),
        ("group", "/console/group?name=g"),
        ("group_filtered", "/console/group?name=g&state=free&text=2"),
        ("find", "/console/find"),
        ("find_number", "/console/find?q=111"),
        ("find_nothing", "/console/find?q=4711"),
        ("explain", "/console/explain"),
        ("explained", "/console/explain?dialled=111&caller=5559&at=22:14"),
        ("routes", "/console/routes"),
        ("nowhere", "/console/nowhere"),
    ] {
        let page = text(&gateway.get(&mut browser, target).await);
        insta::assert_snapshot!(name, golden(&page));
    }
    let mut root = gateway.browser("root").await;
    for (name, target) in [("gateway", "/console/gateway"), ("audit", "/console/audit")] {
        insta::assert_snapshot!(name, golden(&gateway.page(&mut root, target).await));
    }
    let sign_in = gateway.page(&mut Browser::default(), "/console").await;
    insta::assert_snapshot!("sign_in", golden(&sign_in));
    let data = gateway.post(&mut browser, "/console/data", &[("interaction", "chat-1"), ("q", "111")]).await;
    insta::assert_snapshot!("find_data", golden(&text(&data)));
    let ask = gateway.post(&mut browser, "/console/number", &[("do", "delete 222")]).await;
    insta::assert_snapshot!("delete", golden(&text(&ask)));
    let wrong = [("dialled", "abc"), ("caller", "\u{1}"), ("code", &*"1".repeat(40)), ("at", "tomorrow")];
    let wrong = gateway.post(&mut browser, "/console/explain", &wrong).await;
    assert_eq!(wrong.status.as_u16(), 422);
    insta::assert_snapshot!("explain_wrong", golden(&text(&wrong)));
}

#[tokio::test]
async fn an_exhausted_group_is_told_first_and_with_the_reason() {
    let gateway = gateway().await;
    let mut browser = gateway.browser("ann").await;
    let page = gateway.page(&mut browser, "/console").await;
    let banner = page.split_once("<div class=\"banner\">").unwrap().1.split_once("</div>").unwrap().0;
    assert!(banner.contains(">used up</a>"), "{banner}");
    assert!(banner.contains("Of 1 number none is free: 1 lent; the next comes back in 4 min 15 s."), "{banner}");
    assert!(banner.contains("The oldest allocation is that of 500: 45 s."), "{banner}");
    matched(&gateway, "500").await;
    let page = gateway.page(&mut browser, "/console").await;
    assert!(!page.contains("banner") && !page.contains("Exhausted"), "{page}");
}

#[tokio::test]
async fn a_level_says_in_words_where_it_gets_tight() {
    let gateway = Gateway::new();
    for number in 100..120 {
        gateway.number(&number.to_string(), "g").await;
    }
    let mut browser = gateway.browser("ann").await;
    let mut told = Vec::new();
    for lent in 1..=20 {
        gateway.lend("g", &format!("chat-{lent}"), "5551", None).await;
        let page = gateway.page(&mut browser, "/console").await;
        let level = page.split_once("<span class=\"level").unwrap().1;
        told.push(level.split_once('>').unwrap().1.split_once('<').unwrap().0.to_owned());
    }
    assert_eq!((&*told[0], &*told[13], &*told[14]), ("5 %", "70 %", "75 %, filling"));
    assert_eq!(
        (&*told[16], &*told[17], &*told[18], &*told[19]),
        ("85 %, filling", "90 %, nearly used up", "95 %, nearly used up", "exhausted")
    );
}

#[tokio::test]
async fn a_call_is_found_by_whatever_is_known_of_it_while_it_runs_and_afterwards() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    let (id, code) = gateway.lend("g", "chat-1", "5551", Some(CodeShape::DEFAULT)).await;
    let mut browser = gateway.browser("ann").await;
    let known = ["111", "5551", "chat-1", &code, &id.to_string()].map(str::to_owned);
    for text in &known {
        let page = gateway.page(&mut browser, &format!("/console/find?q={text}")).await;
        assert!(page.contains("lent, 5 min left") && page.contains("chat-1"), "{text}: {page}");
    }
    gateway.later(301);
    for text in &known {
        let page = gateway.page(&mut browser, &format!("/console/find?q={text}")).await;
        let article = page.split_once("<article").unwrap_or_else(|| panic!("{text}: {page}")).1;
        assert!(article.contains("expired") && article.contains("2023-11-14 22:18:20"), "{text}: {article}");
        assert!(!article.contains("name=\"do\""), "what has ended is not freed: {article}");
    }
}

#[tokio::test]
async fn a_group_is_listed_a_hundred_numbers_at_a_time_and_none_is_left_out() {
    let gateway = Gateway::new();
    for number in 1000..1250 {
        gateway.number(&number.to_string(), "g").await;
    }
    let mut browser = gateway.browser("ann").await;
    let (mut target, mut seen) = ("/console/group?name=g".to_owned(), Vec::new());
    for rows in [100, 100, 50] {
        let page = gateway.page(&mut browser, &target).await;
        let numbers: Vec<_> = page.split("/console/find?q=1").skip(1).map(|rest| rest[..3].to_owned()).collect();
        assert_eq!(numbers.len(), rows);
        seen.extend(numbers);
        let next = page.split_once("\" rel=\"next\"").map(|(before, _)| before.rsplit_once("href=\"").unwrap().1);
        assert_eq!(next.is_some(), rows == 100, "{page}");
        target = next.unwrap_or_default().replace("&amp;", "&");
    }
    assert_eq!((seen.len(), &*seen[0], &*seen[249], seen.is_sorted()), (250, "000", "249", true));
    let page = gateway.page(&mut browser, "/console/group?name=g&text=24").await;
    assert_eq!(page.matches("<th scope=\"row\">").count(), 13, "1024, 1124, 1224, and 1240 to 1249");
    let page = gateway.page(&mut browser, "/console/group?name=g&state=lent").await;
    assert!(page.contains("No number is like that."), "{page}");
}

#[tokio::test]
async fn why_a_call_was_not_recognised_is_told_in_sentences() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    gateway.number("222", "g").await;
    let (_, code) = gateway.lend("g", "chat-1", "5551", Some(CodeShape::DEFAULT)).await;
    let mut browser = gateway.browser("ann").await;
    let explain = async |gateway: &Gateway, browser: &mut Browser, fields: &[(&str, &str)]| {
        text(&gateway.post(browser, "/console/explain", fields).await)
    };
    let page = explain(&gateway, &mut browser, &[("dialled", "111"), ("code", "1")]).await;
    assert!(page.contains("the caller gave another code") && !page.contains(&code), "{page}");
    let page = explain(&gateway, &mut browser, &[("dialled", "111"), ("code", &code)]).await;
    assert!(page.contains(">The call is recognised</h2>"), "{page}");
    let page = explain(&gateway, &mut browser, &[("dialled", "222")]).await;
    assert!(page.contains("222 was never lent before"), "{page}");
    gateway.later(316);
    let page = explain(&gateway, &mut browser, &[("dialled", "111"), ("code", &code)]).await;
    assert!(page.contains("16 s late; the group does not recognise late calls"), "{page}");
}
