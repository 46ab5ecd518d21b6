//! What real clients send: media types however they are spelt, and texts in the charsets that old libraries write.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use crate::callers::{Caller, DNIS_KEY, PASSWORD, Reply, TENANT, USER, send};
use crate::gateway::Gateway;
use crate::raw::exchange;

const FORM: &str = "application/x-www-form-urlencoded";
const STORAGE: &str = "/genesys/1/storage/300";
const NAME: &str = "Jörg Müller";
/// The name in ISO-8859-1.
const LATIN: &[u8] = b"J\xf6rg M\xfcller";

/// Bytes with the name in the place of `@`.
fn with_name(text: &str, name: &[u8]) -> Vec<u8> {
    text.bytes().flat_map(|byte| if byte == b'@' { name.to_vec() } else { vec![byte] }).collect()
}

/// What GMS has kept of a body, as JSON; the headers are sent as they are, one or several.
async fn kept(caller: &Caller, content_types: &[&str], body: &[u8]) -> Result<serde_json::Value, Reply> {
    let request = caller.request(Method::POST, STORAGE).header("Accept", "application/json");
    let request = content_types.iter().fold(request, |request, value| request.header(CONTENT_TYPE, *value));
    let reply = send(request.body(body.to_vec())).await;
    if reply.status != 200 {
        return Err(reply);
    }
    let path = format!("/genesys/1/storage/{}", reply.json()["id"].as_str().unwrap());
    Ok(send(caller.request(Method::GET, &path).header("Accept", "application/json")).await.json())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_of_old_libraries_are_read_and_those_that_say_nothing_are_counted() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    let utf8 = b"name=J%C3%B6rg+M%C3%BCller".as_slice();
    let latin = b"name=J%F6rg+M%FCller".as_slice();
    for (content_type, body) in [
        ("application/x-www-form-urlencoded; charset=ISO-8859-1", latin),
        ("application/x-www-form-urlencoded; charset=windows-1252", latin),
        ("Application/X-WWW-Form-Urlencoded ;; Charset = 'latin1' ;", latin),
        ("application/x-www-form-urlencoded; charset=ISO-8859-1", utf8),
        ("application/x-www-form-urlencoded; charset=utf8", utf8),
        ("application/x-www-form-urlencoded;charset=", utf8),
        (FORM, utf8),
    ] {
        let kept =
            kept(caller, &[content_type], body).await.unwrap_or_else(|reply| panic!("{content_type}: {reply:?}"));
        assert_eq!(kept["name"], NAME, "{content_type}");
    }
    let counted = async || {
        let metrics = gateway.admin("/metrics").await.text();
        let line = metrics.lines().find_map(|line| line.strip_prefix("dnis_gateway_form_charset_guessed_total "));
        line.unwrap_or_else(|| panic!("no such metric in {metrics}")).to_owned()
    };
    assert_eq!(counted().await, "0");
    for content_types in [&[FORM][..], &[]] {
        assert_eq!(kept(caller, content_types, latin).await.unwrap()["name"], NAME);
    }
    assert_eq!(counted().await, "2");
    let kept = kept(caller, &[FORM, FORM], utf8).await.unwrap();
    assert_eq!(kept["name"], NAME, "the same type twice is one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_of_multipart_bodies_are_in_the_charset_of_their_part_and_their_transfer_encoding_is_undone() {
    let gateway = Gateway::demo().start().await;
    for (boundary, declared) in [("XbX", "\"XbX\""), ("----=_Part_0_1.2:3?4/5", "----=_Part_0_1.2:3?4/5")] {
        let mut body = Vec::new();
        for (name, more, content) in [
            ("utf8", "", NAME.as_bytes()),
            ("latin", "\r\nContent-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: 8bit", LATIN),
            (
                "quoted",
                "\r\nContent-Type: text/plain;charset='iso8859-1'\r\nContent-Transfer-Encoding: quoted-printable",
                b"J=F6rg M=\r\n=FCller",
            ),
            ("packed", "\r\nContent-Transfer-Encoding: BASE64", b"SsO2cmcgTcO8bGxlcg=="),
        ] {
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name={name}{more}\r\n\r\n");
            body.extend([head.as_bytes(), content, b"\r\n"].concat());
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        let content_type = format!("multipart/form-data ;; boundary={declared}");
        let kept = kept(gateway.caller(), &[&content_type], &body).await;
        let kept = kept.unwrap_or_else(|reply| panic!("{boundary}: {reply:?}"));
        for name in ["utf8", "latin", "quoted", "packed"] {
            assert_eq!(kept[name], NAME, "{name} between {boundary}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_read_however_its_media_type_is_spelt_in_every_dialect() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    let json = "application/json";
    for (place, types) in [
        &["application/json ;charset=UTF-8"][..],
        &["application/json;;"],
        &["application/json; charset=utf8"],
        &["application/json; charset='utf-8'"],
        &["APPLICATION/JSON; Charset = \"UTF_8\""],
        &[json, json],
        &["application/json; charset=ISO-8859-1"],
        &["application/json; charset=windows-1252"],
    ]
    .into_iter()
    .enumerate()
    {
        let typed = |method: Method, path: &str| {
            types.iter().fold(caller.user(method, path), |request, value| request.header(CONTENT_TYPE, *value))
        };
        let latin = types[0].contains("1252") || types[0].contains("8859");
        for name in [NAME.as_bytes(), if latin { LATIN } else { NAME.as_bytes() }] {
            let stored = kept(caller, types, &with_name("{\"name\":\"@\"}", name)).await;
            assert_eq!(stored.unwrap_or_else(|reply| panic!("{types:?}: {reply:?}"))["name"], NAME, "{types:?}");

            let body = with_name("{\"group\":\"test\",\"id\":\"@\"}", name);
            let lent = send(typed(Method::POST, "/interact/version/2/dnis/allocate/new").body(body)).await;
            assert_eq!(lent.status, 200, "{types:?}: {lent:?}");
            let phone = lent.text();
            assert_eq!(caller.allocation(&phone).await.text(), NAME, "{types:?}");
            assert_eq!(caller.free(&phone).await.status, 200);
        }
        let body = with_name(
            &format!("{{\"number\":\"99{place}\",\"group\":\"@\"}}"),
            if latin { LATIN } else { NAME.as_bytes() },
        );
        let made = send(typed(Method::POST, "/gateway/v1/numbers").body(body)).await;
        assert_eq!((made.status, &made.json()["group"]), (201, &NAME.into()), "{types:?}");
    }
    let two =
        send(caller.user(Method::POST, "/gateway/v1/numbers").header(CONTENT_TYPE, json).header(CONTENT_TYPE, FORM));
    assert_eq!(two.await.status, 415, "two that differ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_charset_is_refused_with_its_name_and_those_that_are_read() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    for charset in ["koi8-r", "ISO-8859-15", "utf-16", "shift_jis"] {
        let json = format!("application/json; charset={charset}");
        let mut replies = vec![
            kept(caller, &[&json], b"{}").await.unwrap_err(),
            kept(caller, &[&format!("{FORM}; charset={charset}")], b"a=b").await.unwrap_err(),
        ];
        let part = format!(
            "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: text/plain; charset={charset}\r\n\r\nx\r\n--b--"
        );
        replies.push(kept(caller, &["multipart/form-data; boundary=b"], part.as_bytes()).await.unwrap_err());
        for (path, content_type) in [
            ("/interact/version/2/dnis/allocate/new", &json),
            ("/gateway/v1/numbers", &json),
            ("/apigovernance/api/oauth/tokenByAkSk", &json),
            ("/gateway/v1/numbers/import", &format!("text/csv; charset={charset}")),
        ] {
            let header = HeaderValue::from_str(content_type).unwrap();
            replies.push(send(caller.user(Method::POST, path).header(CONTENT_TYPE, header).body("{}")).await);
        }
        for reply in replies {
            let text = reply.text();
            assert_eq!(reply.status, 415, "{reply:?}");
            let named = text.contains(charset) && text.contains("UTF-8, ISO-8859-1 and windows-1252");
            assert!(named, "{charset}: {text}");
        }
        if charset != "utf-16" {
            let soap = caller.user(Method::POST, "/interact/version/2/dnis/soap");
            let fault = send(soap.header(CONTENT_TYPE, format!("text/xml; charset={charset}")).body("<x/>")).await;
            let words = format!("UTF-8, UTF-16, ISO-8859-1 and windows-1252 are (found '{charset}')");
            assert!(fault.status == 500 && fault.element("faultstring").contains(&words), "{fault:?}");
        }
    }
}

/// As NuSOAP 0.9 writes a request with its default, `soap_defencoding` ISO-8859-1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nusoaps_envelope_in_iso_8859_1_is_understood() {
    let gateway = Gateway::demo().start().await;
    let envelope = with_name(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><SOAP-ENV:Envelope SOAP-ENV:encodingStyle=\
         \"http://schemas.xmlsoap.org/soap/encoding/\" xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\"><SOAP-ENV:Body><AllocateDnisRequest \
         xmlns=\"http://com/jacada/interact/agent/soap\"><uniqueId>@</uniqueId><group>test</group>\
         </AllocateDnisRequest></SOAP-ENV:Body></SOAP-ENV:Envelope>",
        LATIN,
    );
    for content_type in ["text/xml; charset=ISO-8859-1", "text/xml"] {
        let head = format!(
            "POST /interact/version/2/agent/soap HTTP/1.0\r\nUser-Agent: NuSOAP/0.9.5 (1.123)\r\nHost: gateway\r\n\
             Content-Type: {content_type}\r\nSOAPAction: \"http://com/jacada/interact/agent/soap/AllocateDnis\"\r\n\
             Tenant-Id: {TENANT}\r\nApplication-Key: {DNIS_KEY}\r\nUser-Id: {USER}\r\nUser-Password: {PASSWORD}\r\n\
             Content-Length: {}\r\n\r\n",
            envelope.len()
        );
        let reply = exchange(gateway.address(), [head.as_bytes(), &envelope].concat()).await.unwrap();
        assert_eq!(reply.status, 200, "{content_type}: {reply:?}");
        let phone = reply.element("result");
        assert_eq!(gateway.caller().allocation(&phone).await.text(), NAME, "{content_type}");
        assert_eq!(gateway.caller().free(&phone).await.status, 200);
    }
    let metrics = gateway.admin("/metrics").await.text();
    assert!(metrics.contains("dnis_gateway_soap_tolerated_total{reason=\"encoding\"} 2"), "{metrics}");
}

/// A request of the demo's user with its credentials, at the address of a SOAP service.
fn head(path: &str, content_type: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: gateway\r\nContent-Type: {content_type}\r\nTenant-Id: {TENANT}\r\n\
         Application-Key: {DNIS_KEY}\r\nUser-Id: {USER}\r\nUser-Password: {PASSWORD}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )
}

/// As Apache CXF 3.6 with MTOM switched on and WCF with `messageEncoding="Mtom"` write a request without attachments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envelope_that_mtom_wraps_is_understood_and_an_attachment_is_refused_by_name() {
    let gateway = Gateway::demo().start().await;
    let payload = "<GetDnisAllocationRequest xmlns=\"http://com/jacada/interact/agent/soap\"><phone>999000</phone>\
                   </GetDnisAllocationRequest>";
    let include = "<GetDnisAllocationRequest xmlns=\"http://com/jacada/interact/agent/soap\"><phone><xop:Include \
                   xmlns:xop=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:one%40gateway\"/></phone>\
                   </GetDnisAllocationRequest>";
    let envelope = |namespace: &str, payload: &str| {
        format!("<s:Envelope xmlns:s=\"{namespace}\"><s:Header/><s:Body>{payload}</s:Body></s:Envelope>")
    };
    for (content_type, boundary, root, namespace) in [
        (
            "multipart/related; type=\"application/xop+xml\"; boundary=\"uuid:0c6f3f6c-9b1c\"; \
             start=\"<root.message@cxf.apache.org>\"; start-info=\"text/xml\"",
            "uuid:0c6f3f6c-9b1c",
            "Content-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-Transfer-Encoding: binary\r\n\
             Content-ID: <root.message@cxf.apache.org>",
            "http://schemas.xmlsoap.org/soap/envelope/",
        ),
        (
            "multipart/related; type=\"application/xop+xml\";start=\"<http://tempuri.org/0>\";\
             boundary=\"uuid:3a7b+id=1\";start-info=\"application/soap+xml\"",
            "uuid:3a7b+id=1",
            "Content-ID: <http://tempuri.org/0>\r\nContent-Transfer-Encoding: 8bit\r\n\
             Content-Type: application/xop+xml;charset=utf-8;type=\"application/soap+xml\"",
            "http://www.w3.org/2003/05/soap-envelope",
        ),
    ] {
        let attachment =
            format!("--{boundary}\r\nContent-ID: <one@gateway>\r\nContent-Type: text/plain\r\n\r\n111\r\n");
        for (payload, more) in [(payload, ""), (include, &*attachment)] {
            let envelope = envelope(namespace, payload);
            let body = format!("\r\n--{boundary}\r\n{root}\r\n\r\n{envelope}\r\n{more}--{boundary}--\r\n");
            let head = head("/interact/version/2/agent/soap", content_type, body.len());
            let reply = exchange(gateway.address(), format!("{head}{body}").into_bytes()).await.unwrap();
            let text = reply.text();
            if more.is_empty() {
                assert_eq!((reply.status, &*reply.element("result")), (200, "Phone number 999000 was not found"));
            } else {
                assert!(text.contains("refers to the attachment 'one@gateway'"), "{content_type}: {text}");
            }
            assert!(text.contains(namespace), "{content_type}: {text}");
        }
    }
    let long = format!("--b\r\nContent-Type: text/xml\r\n\r\n{}", "x".repeat(70_000));
    let head = head("/gateway/v1/soap", "multipart/related; boundary=b", long.len());
    let reply = exchange(gateway.address(), format!("{head}{long}").into_bytes()).await.unwrap();
    assert_eq!(reply.status, 413, "{reply:?}");
    let metrics = gateway.admin("/metrics").await.text();
    assert!(metrics.contains("dnis_gateway_soap_tolerated_total{reason=\"package\"} 2"), "{metrics}");
}

/// As WCF's wsHttpBinding without security writes a request: SOAP 1.2, an action in the media type and in a header that
/// must be understood, as `To` must.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_of_nets_ws_http_binding_is_answered_with_what_it_relates_to() {
    let gateway = Gateway::demo().start().await;
    for (path, namespace, operation, payload, port) in [
        (
            "/interact/version/2/dnis/soap",
            "http://com/jacada/interact/dnis/soap",
            "GetDnisAllocation",
            "<phone>999000</phone>",
            "DnisPort",
        ),
        ("/gateway/v1/soap", "urn:dnis-gateway:v1", "RequestAccess", "<group>DNIS</group>", "GatewayPort"),
    ] {
        let action = format!("{namespace}/{operation}");
        let envelope = format!(
            "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://www.w3.org/2005/08/addressing\">\
             <s:Header><a:Action s:mustUnderstand=\"1\">{action}</a:Action>\
             <a:MessageID>urn:uuid:6f1b5c1e-0d52-4a3c-8f5e-2f7f4f0b7c11</a:MessageID>\
             <a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>\
             <a:To s:mustUnderstand=\"1\">http://localhost:8080{path}</a:To></s:Header>\
             <s:Body xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\
             <{operation}Request xmlns=\"{namespace}\">{payload}</{operation}Request></s:Body></s:Envelope>"
        );
        let content_type = format!("application/soap+xml; charset=utf-8; action=\"{action}\"");
        let head = head(path, &content_type, envelope.len());
        let reply = exchange(gateway.address(), format!("{head}{envelope}").into_bytes()).await.unwrap();
        let text = reply.text();
        assert_eq!(reply.status, 200, "{text}");
        assert_eq!(&*reply.element("RelatesTo"), "urn:uuid:6f1b5c1e-0d52-4a3c-8f5e-2f7f4f0b7c11", "{text}");
        assert!(text.contains(&format!(">{namespace}/{port}/{operation}Response</wsa:Action>")), "{text}");
    }
}
