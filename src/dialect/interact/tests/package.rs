//! Envelopes in packages, as clients send them that have MTOM or attachments switched on.

use super::*;

/// As Apache CXF writes the header and the head of the root part, in SOAP 1.1.
const CXF: &str = "multipart/related; type=\"application/xop+xml\"; boundary=\"uuid:9b1c-4d+id=1\"; \
                   start=\"<root.message@cxf.apache.org>\"; start-info=\"text/xml\"";
const CXF_ROOT: &str = "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\n\
                        Content-Transfer-Encoding: binary\r\nContent-ID: <root.message@cxf.apache.org>";
/// As WCF writes them, in SOAP 1.2.
const WCF: &str = "multipart/related; type=\"application/xop+xml\";start=\"<http://tempuri.org/0>\";\
                   boundary=\"uuid:9b1c-4d+id=1\";start-info=\"application/soap+xml\"";
const WCF_ROOT: &str = "Content-ID: <http://tempuri.org/0>\r\nContent-Transfer-Encoding: 8bit\r\n\
                        Content-Type: application/xop+xml;charset=utf-8;type=\"application/soap+xml\"";
const BOUNDARY: &str = "uuid:9b1c-4d+id=1";
const XOP: &str = "http://www.w3.org/2004/08/xop/include";
const V12: &str = "http://www.w3.org/2003/05/soap-envelope";

/// A body of parts, each a head and its content.
fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = b"\r\n".to_vec();
    for (head, content) in parts {
        body.extend([format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--").bytes());
    body
}

fn get() -> String {
    envelope(&payload(AGENT, "GetDnisAllocationRequest", &[("phone", "111")]))
}

async fn post(gateway: &Gateway, content_type: &str, body: Vec<u8>) -> Reply {
    let headers = [Who::Admin.headers(), &[("Content-Type", content_type)]].concat();
    gateway.send(Method::POST, "/agent/soap", &headers, body).await
}

async fn lent(settings: &str) -> Gateway {
    let gateway = Gateway::documented_with(settings).await;
    gateway.lend("J\u{f6}rg").await;
    gateway
}

#[actix_web::test]
async fn a_package_with_the_envelope_alone_is_read_as_each_client_writes_it() {
    let gateway = lent("").await;
    let v12 = get().replace("http://schemas.xmlsoap.org/soap/envelope/", V12);
    let related = format!("multipart/related; boundary={BOUNDARY}");
    let soap12 = "multipart/related; boundary=\"uuid:9b1c-4d+id=1\"; start-info=\"application/soap+xml; \
                  action=\\\"http://com/jacada/interact/agent/soap/GetDnisAllocation\\\"\"";
    let quoted = get().replace('=', "=3D");
    for (what, content_type, root, content) in [
        ("CXF", CXF, CXF_ROOT, &*get()),
        ("WCF", WCF, WCF_ROOT, &*v12),
        ("Metro", soap12, "Content-Type: application/xop+xml;charset=utf-8;type=\"application/soap+xml\"", &v12),
        ("an unquoted boundary and a bare root part", &related, "Content-Type: text/xml; charset=utf-8", &get()),
        ("a root part without a head", &format!("{related}; type=text/xml"), "X: y", &get()),
        ("a root part that only the envelope tells", &related, "Content-Type: application/xop+xml", &v12),
        (
            "blanks and another case",
            &format!("Multipart/Related ;; Boundary = \"{BOUNDARY}\" ; Type = Text/XML"),
            "content-type: Text/XML",
            &get(),
        ),
        (
            "a transfer encoding",
            &related,
            "Content-Type: text/xml\r\nContent-Transfer-Encoding: quoted-printable",
            &quoted,
        ),
    ] {
        let reply = post(&gateway, content_type, package(&[(root, content.as_bytes())])).await;
        assert_eq!((reply.status, reply.result()), (200, "J\u{f6}rg"), "{what}");
        let expected = if content.contains(V12) { "application/soap+xml" } else { "text/xml" };
        assert!(reply.header("content-type").unwrap().starts_with(expected), "{what}: {reply:?}");
    }
}

#[actix_web::test]
async fn the_root_part_is_the_one_that_start_names_in_its_own_charset() {
    let gateway = lent("").await;
    let create =
        payload(AGENT, "CreatePhoneRequest", &[("phoneNumber", "555"), ("dnId", "5"), ("groupName", "M\u{fc}ller")]);
    let latin: Vec<u8> = envelope(&create).chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let parts: &[(&str, &[u8])] = &[
        ("Content-ID: <other@x>\r\nContent-Type: text/plain", b"nobody asks for it"),
        ("Content-ID: root@x\r\nContent-Type: application/xop+xml; charset=ISO-8859-1; type=\"text/xml\"", &latin),
    ];
    for start in ["\"<root@x>\"", "root@x"] {
        let content_type = format!("multipart/related; boundary=\"{BOUNDARY}\"; start={start}");
        let reply = post(&gateway, &content_type, package(parts)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert!(gateway.phones().await.contains("M\u{fc}ller"));
    let first = post(&gateway, &format!("multipart/related; boundary=\"{BOUNDARY}\""), package(parts)).await;
    assert!(first.fault().starts_with("The root part is 'text/plain'; an envelope is "), "{first:?}");
}

#[actix_web::test]
async fn whatever_the_envelope_refers_to_is_refused_by_name_and_nothing_is_done() {
    let gateway = lent("").await;
    let attached = ("Content-ID: <photo@x>\r\nContent-Type: image/png", &b"\x89PNG"[..]);
    let include = |href: &str| format!("<x:Include xmlns:x=\"{XOP}\" href=\"{href}\"/>");
    let free = |phone: &str| {
        envelope(&format!(
            "<s:FreeDnisAllocationRequest xmlns:s=\"{AGENT}\"><s:phone>111</s:phone>{phone}</s:FreeDnisAllocationRequest>"
        ))
    };
    for (what, field, referring) in [
        ("an include", "phone", free(&format!("<s:phone>{}</s:phone>", include("cid:photo%40x")))),
        ("an include of what is not there", "extra", free(&format!("<s:extra>{}</s:extra>", include("cid:photo@x")))),
        ("an attribute", "extra", free("<s:extra href=\"CID:photo%40x\"/>")),
        ("a text", "extra", free("<s:extra> cid:photo<![CDATA[@x]]> </s:extra>")),
    ] {
        let root = (CXF_ROOT, referring.as_bytes());
        let (whole, alone) = (package(&[root, attached]), package(&[root]));
        // An include is one whether or not its part is there.
        let alone = what.starts_with("an include").then_some((alone, "cid:photo"));
        for (body, name) in [Some((whole, "photo@x")), alone].into_iter().flatten() {
            let reply = post(&gateway, CXF, body).await;
            let told = reply.fault();
            let begin = format!("Attachments are not read, and the element '{field}' refers to the attachment '{name}");
            assert!(told.starts_with(&begin), "{what}: {told}");
            assert!(told.ends_with("put the value itself into the element"), "{what}: {told}");
            assert!(reply.body.contains("<f:reason>attachment</f:reason>"), "{what}: {reply:?}");
            assert_eq!(gateway.get(Who::Ivr, "/dnis/allocate/get/111").await.body, "J\u{f6}rg", "{what}");
        }
    }
    let apart = post(&gateway, CXF, package(&[(CXF_ROOT, get().as_bytes()), attached])).await;
    assert_eq!(apart.result(), "J\u{f6}rg", "nothing refers to it");
}

#[actix_web::test]
async fn what_is_no_package_is_a_fault_that_says_what_is_wrong() {
    let gateway = lent("").await;
    let root = (CXF_ROOT, get());
    let whole = package(&[(root.0, root.1.as_bytes())]);
    let parts = vec![(root.0, root.1.as_bytes()); 17];
    let odd = [("Content-Type: application/xop+xml; type=\"image/png\"", root.1.as_bytes())];
    let uuencoded = [("Content-Type: text/xml\r\nContent-Transfer-Encoding: x-uuencode", root.1.as_bytes())];
    let related = format!("multipart/related; boundary=\"{BOUNDARY}\"");
    for (content_type, body, told) in [
        ("multipart/related", whole.clone(), "The Content-Type multipart/related has no boundary"),
        (CXF, whole[..whole.len() - 4].to_vec(), "The multipart body ends before its last boundary"),
        (CXF, get().into_bytes(), "The multipart body ends before its last boundary"),
        (CXF, format!("--{BOUNDARY}--\r\n").into_bytes(), "The multipart body has no parts"),
        (CXF, package(&parts), "The multipart body has too many parts; 16 are allowed"),
        (&related, package(&odd), "The root part is 'image/png'; an envelope is application/xop+xml with"),
        (&related, package(&uuencoded), "The root part has a Content-Transfer-Encoding that is not read"),
        (
            &format!("{related}; start=\"<a>\""),
            whole.clone(),
            "No part has the Content-ID 'a', which the parameter start names; there are root.message@cxf.apache.org",
        ),
    ] {
        let reply = post(&gateway, content_type, body).await;
        assert!(reply.fault().starts_with(told), "{told}: {reply:?}");
        assert!(reply.body.contains("<f:reason>broken_package</f:reason>"), "{reply:?}");
    }
    let v12 = post(&gateway, WCF, b"x".to_vec()).await;
    assert!(v12.body.contains("<env:Value>env:Sender</env:Value>"), "{v12:?}");
    for unread in ["multipart/mixed", "multipart/form-data", "multipart/related; type=\"application/json\""] {
        let reply = post(&gateway, &format!("{unread}; boundary=\"{BOUNDARY}\""), whole.clone()).await;
        assert_eq!(reply.status, 415, "{unread}: {reply:?}");
    }
}

#[actix_web::test]
async fn a_package_is_tolerated_and_counted_or_refused_where_the_description_is_all_that_counts() {
    let (lenient, strict) = (lent("").await, lent("soap.validation = 'schema'\n").await);
    let action = ("SOAPAction", "\"http://com/jacada/interact/agent/soap/GetDnisAllocation\"");
    let other = ("Content-ID: <a@x>", &b""[..]);
    for parts in [&[(CXF_ROOT, get().into_bytes())][..], &[(CXF_ROOT, get().into_bytes()), (other.0, other.1.to_vec())]]
    {
        let parts: Vec<_> = parts.iter().map(|(head, content)| (*head, content.as_slice())).collect();
        let headers = [Who::Admin.headers(), &[("Content-Type", CXF), action]].concat();
        let read = lenient.send(Method::POST, "/agent/soap", &headers, package(&parts)).await;
        assert_eq!(read.result(), "J\u{f6}rg");
        let refused = strict.send(Method::POST, "/agent/soap", &headers, package(&parts)).await;
        assert!(refused.fault().contains("the envelope is part of a package"), "{refused:?}");
    }
    let count = |label: &str| {
        let mut tolerated = lenient.interact.tally().tolerated();
        tolerated.find(|(kind, _)| kind.label() == label).map(|(_, count)| count)
    };
    assert_eq!((count("package"), count("extra_part")), (Some(1), Some(1)));
}
