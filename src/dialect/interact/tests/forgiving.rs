//! What clients in use send besides the documented form, and what is too much.

use super::{AGENT, DNIS, Gateway, Who, envelope, payload};

/// Frees `111` with `envelope`, which must be understood.
async fn frees(case: &str, envelope: &str) {
    let gateway = Gateway::documented().await;
    assert_eq!(gateway.lend("a").await, "111");
    let reply = gateway.soap_at("/agent/soap", Who::Admin, "text/xml", envelope).await;
    assert_eq!(reply.status, 200, "{case}: {}", reply.body);
    assert_eq!(reply.result(), "Success", "{case}");
}

fn free(fields: &str) -> String {
    envelope(&format!("<s:FreeDnisAllocationRequest xmlns:s=\"{DNIS}\">{fields}</s:FreeDnisAllocationRequest>"))
}

#[actix_web::test]
async fn envelopes_of_clients_in_use_are_understood() {
    frees("unqualified children", &free("<phone>111</phone>")).await;
    frees("children of the other service", &free(&format!("<a:phone xmlns:a=\"{AGENT}\">111</a:phone>"))).await;
    frees("unknown extra elements", &free("<s:a/><s:phone>111</s:phone><b xmlns='urn:x'><c>1</c></b>")).await;
    frees("a foreign element of the same name", &free("<phone xmlns='urn:x'>7</phone><s:phone>111</s:phone>")).await;
    frees("blanks around the value", &free("<s:phone>\r\n 111\t</s:phone>")).await;
    frees("CDATA, comments and references", &free("<s:phone><!-- 9 -->1<![CDATA[1]]>&#x31;</s:phone>")).await;
    let typed = "<s:phone xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"xsd:string\" \
                 xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">111</s:phone>";
    frees("a type on the value", &free(typed)).await;
    frees("the other service", &free("<s:phone>111</s:phone>").replace(DNIS, AGENT)).await;
    frees("the name of the operation", &free("<s:phone>111</s:phone>").replace("AllocationRequest", "Allocation"))
        .await;
    frees("no header", &free("<s:phone>111</s:phone>").replace("<soapenv:Header/>", "")).await;
    frees(
        "prefixes swapped",
        &free("<s:phone>111</s:phone>")
            .replace("soapenv", "x")
            .replace("<s:", "<soapenv:")
            .replace("</s:", "</soapenv:")
            .replace("xmlns:s=", "xmlns:soapenv="),
    )
    .await;
    let encoded = "soapenv:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\" xmlns:soapenv";
    frees("an encoding style", &free("<s:phone>111</s:phone>").replacen("xmlns:soapenv", encoded, 1)).await;
    frees("a declaration", &format!("<?xml version='1.0' encoding='utf-8'?>\n{}", free("<s:phone>111</s:phone>")))
        .await;
    frees("a byte order mark", &format!("\u{FEFF}{}", free("<s:phone>111</s:phone>"))).await;
    let security = "<soapenv:Header><w:Security xmlns:w='urn:w' soapenv:mustUnderstand='0'/></soapenv:Header>";
    frees("a header for others", &free("<s:phone>111</s:phone>").replace("<soapenv:Header/>", security)).await;
}

#[actix_web::test]
async fn fields_may_come_in_any_order() {
    let gateway = Gateway::with("");
    let fields = [("enabled", " false "), ("groupName", ""), ("dnId", "4567"), ("phoneNumber", "2111234567")];
    assert_eq!(gateway.soap(Who::Admin, &payload(DNIS, "CreatePhone", &fields)).await.result(), "1");
    assert_eq!(
        gateway.get(Who::Admin, "/dnis/2111234567").await.body,
        r#"{"phoneNumber":"2111234567","dnId":"4567","groupName":null,"enabled":false,"allocated":false}"#
    );
}

#[actix_web::test]
async fn a_nil_field_is_not_given() {
    let gateway = Gateway::documented().await;
    let nil = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"";
    let request =
        format!("<AllocateDnisRequest xmlns=\"{AGENT}\"><uniqueId>a</uniqueId><group {nil}/></AllocateDnisRequest>");
    assert_eq!(gateway.soap(Who::Web, &request).await.result(), "111");
    let request = format!("<AllocateDnisRequest xmlns=\"{AGENT}\"><uniqueId {nil}/></AllocateDnisRequest>");
    assert!(gateway.soap(Who::Web, &request).await.fault().contains("uniqueId: is required"));
}

#[actix_web::test]
async fn the_action_header_never_picks_the_operation() {
    let gateway = Gateway::documented().await;
    gateway.lend("a").await;
    let request = envelope(&payload(AGENT, "GetDnisAllocationRequest", &[("phone", "111")]));
    for action in ["", "\"\"", "FreeDnisAllocation", "\"http://com/jacada/interact/dnis/soap/FreeDnisAllocation\""] {
        let headers = [Who::Admin.headers(), &[("Content-Type", "text/xml"), ("SOAPAction", action)]].concat();
        let reply = gateway.send(actix_web::http::Method::POST, "/dnis/soap", &headers, request.clone()).await;
        assert_eq!(reply.result(), "a", "{action}");
    }
}

#[actix_web::test]
async fn utf_16_is_read_as_well() {
    let gateway = Gateway::documented().await;
    gateway.lend("ä").await;
    let request = envelope(&payload(AGENT, "GetDnisAllocationRequest", &[("phone", "111")]));
    let utf16: Vec<u8> = std::iter::once(0xFEFF).chain(request.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let headers = [Who::Ivr.headers(), &[("Content-Type", "text/xml; charset=utf-16")]].concat();
    let reply = gateway.send(actix_web::http::Method::POST, "/agent/soap", &headers, utf16).await;
    assert_eq!(reply.result(), "ä");
    assert_eq!(reply.header("content-type"), Some("text/xml; charset=UTF-8"));
}
