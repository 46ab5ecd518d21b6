//! WS-Addressing: what .NET's wsHttpBinding and other stacks send, and the headers that they get back.

use super::{AGENT, DNIS, Gateway, Reply, Who, payload};

const V11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const V12: &str = "http://www.w3.org/2003/05/soap-envelope";
const WSA: &str = "http://www.w3.org/2005/08/addressing";
const WSA_2004: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
const ID: &str = "urn:uuid:5b1c2b9e-3f6b-4b53-9a3c-0f2a5f1d7c11";

/// Header blocks as .NET writes them: Action and To must be understood.
fn blocks(wsa: &str, action: &str) -> String {
    let anonymous = if wsa == WSA { format!("{WSA}/anonymous") } else { format!("{WSA_2004}/role/anonymous") };
    format!(
        "<a:Action s:mustUnderstand=\"1\">{action}</a:Action><a:MessageID>{ID}</a:MessageID>\
         <a:ReplyTo><a:Address>{anonymous}</a:Address></a:ReplyTo>\
         <a:To s:mustUnderstand=\"1\">http://another.example/service</a:To>"
    )
}

fn envelope(soap: &str, wsa: &str, headers: &str, payload: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{soap}\" xmlns:a=\"{wsa}\"><s:Header>{headers}</s:Header><s:Body>{payload}</s:Body>\
         </s:Envelope>"
    )
}

async fn send(gateway: &Gateway, soap: &str, wsa: &str, headers: &str, payload: &str) -> Reply {
    let media = if soap == V12 { "application/soap+xml; charset=utf-8; action=\"urn:any\"" } else { "text/xml" };
    gateway.soap_at("/agent/soap", Who::Admin, media, &envelope(soap, wsa, headers, payload)).await
}

fn get(namespace: &str) -> String {
    payload(namespace, "GetDnisAllocationRequest", &[("phone", "111")])
}

#[actix_web::test]
async fn the_answer_says_its_action_and_which_message_it_relates_to() {
    let gateway = Gateway::documented().await;
    gateway.lend("visit").await;
    for (soap, name) in [(V11, "11"), (V12, "12")] {
        for (wsa, edition) in [(WSA, "2005"), (WSA_2004, "2004")] {
            let headers = blocks(wsa, &format!("{AGENT}/GetDnisAllocation"));
            let reply = send(&gateway, soap, wsa, &headers, &get(AGENT)).await;
            assert_eq!(reply.result(), "visit");
            insta::assert_snapshot!(format!("addressed_{name}_{edition}"), reply.body);
            let unknown =
                send(&gateway, soap, wsa, &blocks(wsa, "urn:x#Nothing"), &payload(AGENT, "Nothing", &[])).await;
            insta::assert_snapshot!(format!("addressed_fault_{name}_{edition}"), unknown.body);
        }
    }
    let dnis = send(&gateway, V12, WSA, &blocks(WSA, "urn:x:GetDnisAllocation"), &get(DNIS)).await;
    assert!(dnis.body.contains(&format!(">{DNIS}/DnisPort/GetDnisAllocationResponse</wsa:Action>")), "{dnis:?}");
}

#[actix_web::test]
async fn an_action_may_be_written_in_every_usual_way_but_not_contradict_the_payload() {
    let gateway = Gateway::documented().await;
    gateway.lend("visit").await;
    for action in [
        format!("{AGENT}/GetDnisAllocation"),
        format!("{DNIS}/GetDnisAllocation"),
        format!("{AGENT}/AgentPort/GetDnisAllocationRequest"),
        "GetDnisAllocation".to_owned(),
        " ".to_owned(),
    ] {
        let reply = send(&gateway, V12, WSA, &blocks(WSA, &action), &get(AGENT)).await;
        assert_eq!(reply.result(), "visit", "{action}");
    }
    let free = payload(AGENT, "FreeDnisAllocationRequest", &[("phone", "111")]);
    for action in [format!("{AGENT}/GetDnisAllocation"), "urn:x".to_owned()] {
        let reply = send(&gateway, V11, WSA, &blocks(WSA, &action), &free).await;
        let says = format!(
            "wsa:Action is '{action}', but the payload 'FreeDnisAllocationRequest' asks for FreeDnisAllocation: they \
             must not contradict each other"
        );
        assert_eq!(reply.fault(), says);
        assert!(reply.body.contains(&format!("{WSA}/soap/fault</wsa:Action>")), "{reply:?}");
        assert!(reply.body.contains(&format!("{ID}</wsa:RelatesTo>")), "{reply:?}");
    }
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.body, "visit", "nothing was freed");
}

#[actix_web::test]
async fn a_reply_to_another_address_is_refused_and_nothing_is_done() {
    let gateway = Gateway::documented().await;
    gateway.lend("visit").await;
    let free = payload(AGENT, "FreeDnisAllocationRequest", &[("phone", "111")]);
    for (wsa, other) in [
        (WSA, "http://client.example/replies".to_owned()),
        (WSA, format!("{WSA}/none")),
        (WSA_2004, format!("{WSA}/anonymous")),
    ] {
        for name in ["ReplyTo", "FaultTo"] {
            let headers = format!("<a:{name}><a:Address>{other}</a:Address></a:{name}>");
            let reply = send(&gateway, V11, wsa, &headers, &free).await;
            assert!(reply.fault().starts_with("A reply goes back on the connection of its request alone"), "{reply:?}");
        }
    }
    assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.body, "visit", "nothing was freed");
}

#[actix_web::test]
async fn what_is_given_twice_is_too_long_or_of_neither_edition_is_a_fault() {
    let gateway = Gateway::documented().await;
    let action = format!("<a:Action>{AGENT}/GetDnisAllocation</a:Action>");
    let twice = send(&gateway, V11, WSA, &action.repeat(2), &get(AGENT)).await;
    assert_eq!(twice.fault(), "The wsa:Action header is given more than once; once is allowed");
    let long = format!("<a:MessageID>{}</a:MessageID>", "i".repeat(1_025));
    let long = send(&gateway, V11, WSA, &long, &get(AGENT)).await;
    assert_eq!(long.fault(), "wsa:MessageID is too long; at most 1024 characters are allowed");
    assert!(long.body.len() < 2_000, "{}", long.body.len());
    let other = "<a:Unknown s:mustUnderstand=\"1\"/>";
    let unknown = send(&gateway, V11, WSA, &format!("{other}{}", blocks(WSA, "urn:x")), &get(AGENT)).await;
    assert!(unknown.fault().starts_with("A mandatory header is not understood"), "{unknown:?}");
    assert!(unknown.body.contains(&format!("{ID}</wsa:RelatesTo>")), "{unknown:?}");
    let unknown = send(&gateway, V12, WSA, &format!("{other}{}", blocks(WSA, "urn:x")), &get(AGENT)).await;
    insta::assert_snapshot!("addressed_not_understood", unknown.body);
    let mixed = format!("{action}<b:To xmlns:b=\"{WSA_2004}\" s:mustUnderstand=\"1\">x</b:To>");
    let mixed = send(&gateway, V11, WSA, &mixed, &get(AGENT)).await;
    assert!(mixed.fault().starts_with("A mandatory header is not understood"), "{mixed:?}");
}

#[actix_web::test]
async fn headers_for_somebody_else_and_none_at_all_change_nothing() {
    let gateway = Gateway::documented().await;
    let actor = "s:actor=\"http://elsewhere.example\"";
    let headers = format!("<a:Action {actor}>urn:another</a:Action>");
    let reply = send(&gateway, V11, WSA, &headers, &get(AGENT)).await;
    let plain = send(&gateway, V11, WSA, "", &get(AGENT)).await;
    assert_eq!((reply.status, &reply.body), (200, &plain.body));
    assert!(plain.body.contains("<SOAP-ENV:Header/>"), "{plain:?}");
}

#[actix_web::test]
async fn what_is_refused_below_soap_and_wrong_credentials_are_told_as_ever() {
    let gateway = Gateway::documented().await;
    let headers = blocks(WSA, &format!("{AGENT}/GetDnisAllocation"));
    let envelope = envelope(V11, WSA, &headers, &get(AGENT));
    let denied = gateway.soap_at("/agent/soap", Who::Nobody, "text/xml", &envelope).await;
    assert!(denied.body.contains("<faultcode>0x7000000</faultcode>"), "{denied:?}");
    assert!(denied.body.contains(&format!("{WSA}/soap/fault</wsa:Action>")), "{denied:?}");
}
