//! What people change over the console: once, knowingly, and only where they may.

use super::*;
use crate::domain::tables::FoundNumber;

async fn number(gateway: &Gateway, number: &str) -> Option<FoundNumber> {
    gateway.store.number(&one_scope(), Number::new(number).unwrap()).await.unwrap()
}

/// A gateway with the numbers 111 and 222 of group `g`, the first of them lent to `chat-1`.
async fn gateway() -> (Gateway, u64) {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    gateway.number("222", "g").await;
    let (id, _) = gateway.lend("g", "chat-1", "5551", None).await;
    (gateway, id)
}

#[tokio::test]
async fn freeing_twice_frees_once_and_the_second_time_says_so() {
    let (gateway, id) = gateway().await;
    let mut browser = gateway.browser("ann").await;
    let page = gateway.page(&mut browser, "/console/group?name=g").await;
    let button = format!("name=\"do\" value=\"free 111 {id}\"");
    assert!(page.contains(&button), "{page}");
    let wish = format!("free 111 {id}");
    let form = [("do", wish.as_str()), ("back", "/console/group?name=g")];
    let page = gateway.done(&mut browser, "/console/number", &form).await;
    assert!(page.contains("111 is no longer lent to chat-1."), "{page}");
    let (next, _) = gateway.lend("g", "chat-2", "5552", None).await;
    let page = gateway.done(&mut browser, "/console/number", &form).await;
    let said = "The page was out of date: the allocation of 111 had ended at 2023-11-14 22:13:20 (freed by somebody), and \
                nothing else was freed. Nothing was changed.";
    assert!(page.contains(said), "{page}");
    let _ = next;
    let held = gateway.store.allocation(&one_scope(), crate::domain::AllocationId(next)).await.unwrap();
    assert!(held.is_some(), "who was lent a number meanwhile keeps it");
}

#[tokio::test]
async fn a_number_is_disabled_and_enabled_and_an_old_page_is_told_that_it_is_old() {
    let (gateway, _) = gateway().await;
    let mut browser = gateway.browser("ann").await;
    let page = gateway.done(&mut browser, "/console/number", &[("do", "disable 222")]).await;
    assert!(page.contains("222 is disabled."), "{page}");
    assert!(!number(&gateway, "222").await.unwrap().record.enabled);
    let page = gateway.done(&mut browser, "/console/number", &[("do", "disable 222")]).await;
    assert!(page.contains("The page was out of date: 222 is disabled already."), "{page}");
    gateway.done(&mut browser, "/console/number", &[("do", "enable 222")]).await;
    assert!(number(&gateway, "222").await.unwrap().record.enabled);
    let page = gateway.done(&mut browser, "/console/number", &[("do", "enable 333")]).await;
    assert!(page.contains("there is no number 333 any more"), "{page}");
}

#[tokio::test]
async fn a_number_is_deleted_after_a_second_question_and_not_while_it_is_lent() {
    let (gateway, _) = gateway().await;
    let mut browser = gateway.browser("ann").await;
    let asked =
        gateway.post(&mut browser, "/console/number", &[("do", "delete 222"), ("back", "/console/group?name=g")]).await;
    let page = text(&asked);
    assert_eq!(asked.status.as_u16(), 200);
    assert!(page.contains("<h1>Delete 222?</h1>") && page.contains("delete-surely 222"), "{page}");
    assert!(number(&gateway, "222").await.is_some(), "asking deletes nothing");
    assert_eq!(hidden(&page, "back"), "/console/group?name=g");
    let page = gateway.done(&mut browser, "/console/number", &[("do", "delete-surely 222")]).await;
    assert!(page.contains("222 is deleted.") && number(&gateway, "222").await.is_none(), "{page}");
    let page = gateway.done(&mut browser, "/console/number", &[("do", "delete-surely 222")]).await;
    assert!(page.contains("there is no number 222 any more"), "{page}");
    let page = gateway.done(&mut browser, "/console/number", &[("do", "delete-surely 111")]).await;
    assert!(page.contains("111 is lent, so it was not deleted.") && number(&gateway, "111").await.is_some(), "{page}");
}

#[tokio::test]
async fn a_viewer_sees_no_button_that_changes_something_and_is_refused_whatever_is_sent() {
    let (gateway, id) = gateway().await;
    let mut browser = gateway.browser("vic").await;
    for target in ["/console", "/console/group?name=g", "/console/find?q=111", "/console/find?q=chat-1"] {
        let page = gateway.page(&mut browser, target).await;
        assert!(page.contains("vic (viewer)") && !page.contains("name=\"do\""), "{target}: {page}");
    }
    for wish in
        [format!("free 111 {id}"), "disable 222".to_owned(), "delete-surely 222".to_owned(), "delete 222".to_owned()]
    {
        let answer = gateway.post(&mut browser, "/console/number", &[("do", &wish)]).await;
        assert_eq!(answer.status.as_u16(), 403, "{wish}");
        assert!(text(&answer).contains("Your role is viewer"), "{}", text(&answer));
    }
    let found = number(&gateway, "111").await.unwrap();
    assert!(found.allocation.is_some() && number(&gateway, "222").await.unwrap().record.enabled);
}

#[tokio::test]
async fn a_form_without_the_token_of_the_session_changes_nothing() {
    let (gateway, _) = gateway().await;
    let (mut browser, mut other) = (gateway.browser("ann").await, gateway.browser("ann").await);
    let of_another = hidden(&gateway.page(&mut other, "/console/explain").await, "token");
    let own = hidden(&gateway.page(&mut browser, "/console/explain").await, "token");
    for token in [String::new(), of_another, own[..own.len() - 1].to_owned()] {
        for path in ["number", "sign-out", "scope", "data", "explain"] {
            let form = format!("token={token}&of=one%09&do=disable+222&interaction=chat-1&dialled=111");
            let answer = gateway.send(&mut browser, Method::POST, &format!("/console/{path}"), &form).await;
            assert_eq!(answer.status.as_u16(), 403, "{path} {token}: {}", text(&answer));
        }
    }
    assert!(number(&gateway, "222").await.unwrap().record.enabled);
    gateway.page(&mut browser, "/console/find").await;
}

#[tokio::test]
async fn a_form_that_asks_for_nothing_known_is_refused() {
    let (gateway, _) = gateway().await;
    let mut browser = gateway.browser("ann").await;
    for wish in ["", "free", "free 111", "free 111 x", "free 111 1 1", "explode 111", "enable 11x", "enable 111 1"] {
        let answer = gateway.post(&mut browser, "/console/number", &[("do", wish)]).await;
        assert_eq!(answer.status.as_u16(), 422, "{wish}");
    }
}

#[tokio::test]
async fn whatever_somebody_does_at_the_console_is_in_the_audit_as_done_by_whoever_is_signed_in() {
    let (gateway, id) = gateway().await;
    let mut browser = gateway.browser("ann").await;
    gateway.post(&mut browser, "/console/data", &[("interaction", "chat-1"), ("q", "111")]).await;
    for wish in [format!("free 111 {id}"), "disable 222".to_owned(), "delete-surely 222".to_owned()] {
        gateway.done(&mut browser, "/console/number", &[("do", &wish)]).await;
    }
    // What comes to nothing leaves nothing.
    gateway.done(&mut browser, "/console/number", &[("do", "enable 222")]).await;
    assert_eq!(gateway.get(&mut browser, "/console/audit").await.status.as_u16(), 403, "the audit is for admins");
    let mut root = gateway.browser("root").await;
    let page = gateway.page(&mut root, "/console/audit?user=ann").await;
    let rows: Vec<_> = page.split("<tr><th scope=\"row\">").skip(1).collect();
    let said = ["deleted a number", "changed a number", "freed a number", "looked at user data", "signed in"];
    assert_eq!(rows.len(), said.len(), "{page}");
    for (row, said) in rows.iter().zip(said) {
        assert!(row.contains(said) && row.contains("ann from 192.0.2.1"), "{said}: {row}");
    }
    assert!(rows[1].contains("enabled: true") && rows[1].contains("enabled: false"), "before and after: {}", rows[1]);
    let page = gateway.page(&mut root, "/console/audit?thing=222").await;
    assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 2, "{page}");
}

#[tokio::test]
async fn data_and_code_are_secret_until_they_are_asked_for() {
    let gateway = Gateway::new();
    gateway.number("111", "g").await;
    let (_, code) = gateway.lend("g", "chat-1", "5551", Some(CodeShape::DEFAULT)).await;
    let mut browser = gateway.browser("ann").await;
    for text in ["111", "chat-1", "5551"] {
        let page = gateway.page(&mut browser, &format!("/console/find?q={text}")).await;
        assert!(page.contains("6 digits") && !page.contains(&code) && !page.contains("call back"), "{text}: {page}");
    }
    let answer = gateway.post(&mut browser, "/console/data", &[("interaction", "chat-1"), ("q", "111")]).await;
    let page = text(&answer);
    assert!(page.contains(&code) && page.contains("call back") && page.contains("note"), "{page}");
    let page = gateway.done(&mut browser, "/console/data", &[("interaction", "chat-2"), ("q", "111")]).await;
    assert!(page.contains("no data to show"), "{page}");
}
