//! Hostile documents against the running gateway, and senders that take their time.

use reqwest::Method;

use super::{Form, Trial};
use crate::callers::{DNIS, send};
use crate::documents::{LIMIT, Told, cases};
use crate::raw::Wire;

const SOAP: &str = "/interact/version/2/agent/soap";
/// A request that would free the number that is lent, if it were ever read to its end.
const HEAD: &str = "POST /interact/version/2/dnis/soap HTTP/1.1\r\nHost: x\r\nTenant-Id: 12345678\r\n\
    Application-Key: 53475e5f1463f9ab2052ead\r\nUser-Id: YWRtaW4=\r\nUser-Password: cGFzc3dvcmQ=\r\n\
    Content-Type: text/xml\r\n";

fn free() -> String {
    crate::callers::envelope(&format!(
        "<FreeDnisAllocationRequest xmlns='{DNIS}'><phone>111</phone></FreeDnisAllocationRequest>"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_document_gets_its_fault_and_changes_nothing() {
    let trial = Trial::demo().await;
    for case in cases() {
        let request = trial.caller().user(Method::POST, SOAP).header("Content-Type", case.content_type);
        let too_long = case.body.len() > LIMIT;
        let reply = send(request.body(case.body)).await;
        if too_long {
            trial.refused(case.what, &reply, 413, Form::Text, "at most 65536 bytes").await;
            continue;
        }
        let (code, reason) = match case.told {
            Told::Client(reason) => ("Client", reason),
            Told::Code(code) => (code, ""),
            Told::UnknownOperation => ("Client", "unknown_operation"),
        };
        trial.refused(case.what, &reply, 500, Form::Fault(code), "").await;
        assert_eq!(reply.element("reason"), reason, "{}: {reply:?}", case.what);
        assert!(reply.body.len() < 16_384, "{}: an answer of {} bytes", case.what, reply.body.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_cut_at_any_byte_changes_nothing() {
    let trial = Trial::demo().await;
    let whole = free();
    for end in 0..whole.len() {
        let request = trial.caller().user(Method::POST, "/interact/version/2/dnis/soap");
        let reply = send(request.header("Content-Type", "text/xml").body(whole[..end].to_owned())).await;
        assert_eq!((reply.status, reply.element("faultcode").as_str()), (500, "SOAP-ENV:Client"), "cut at {end}");
    }
    trial.unchanged("all of them").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_that_take_their_time_hold_up_nobody_and_change_nothing() {
    let trial = Trial::demo().await;
    let body = free();
    let head = format!("{HEAD}Content-Length: {}\r\n\r\n", body.len());
    let mut slow = Vec::new();
    for sender in 0..50 {
        let mut wire = Wire::to(trial.gateway.address()).await;
        // Some stop within the head, some within the body.
        let sent = if sender % 2 == 0 { head[..head.len() - 20].to_owned() } else { format!("{head}{}", &body[..100]) };
        wire.send(sent).await;
        slow.push(wire);
    }
    for number in 0..20 {
        trial.unchanged("while fifty others are at it").await;
        let wire = &mut slow[2 * number + 1];
        wire.send(&body[100 + number..101 + number]).await;
    }
    drop(slow);
    trial.unchanged("when they have gone").await;
}
