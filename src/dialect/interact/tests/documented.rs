//! The requests printed in the vendor's documents, character for character.

use actix_web::http::Method;

use super::{Gateway, Who};

const FREE: &str = r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap="http://com/jacada/interact/dnis/soap">
<soapenv:Header/>
<soapenv:Body>
<soap:FreeDnisAllocationRequest>
<soap:phone>222</soap:phone>
</soap:FreeDnisAllocationRequest>
</soapenv:Body>
</soapenv:Envelope>"#;

const GET: &str = r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap="http://com/jacada/interact/agent/soap">
 <soapenv:Header/>
 <soapenv:Body>
  <soap:GetDnisAllocationRequest>
   <soap:phone>111</soap:phone>
  </soap:GetDnisAllocationRequest>
 </soapenv:Body>
</soapenv:Envelope>"#;

/// The addresses that accept envelopes.
const ADDRESSES: [&str; 6] =
    ["/agent/soap", "/agent/soap/", "/agent/soap/agent.wsdl", "/dnis/soap", "/dnis/soap/", "/dnis/soap/dnis.wsdl"];

#[actix_web::test]
async fn the_documented_free_request_works_at_every_address() {
    for address in ADDRESSES {
        let gateway = Gateway::documented().await;
        gateway.lend("a").await;
        gateway.lend("b").await;
        gateway.lend("c").await;
        let freed = gateway.soap_at(address, Who::Admin, "text/xml", FREE).await;
        assert_eq!(freed.result(), "Success", "{address}");
        assert!(freed.body.contains("xmlns:ns2=\"http://com/jacada/interact/dnis/soap\""));
        let again = gateway.soap_at(address, Who::Admin, "text/xml", FREE).await;
        assert_eq!(again.result(), "Phone number 222 was not found");
    }
}

#[actix_web::test]
async fn the_documented_get_request_works_at_every_address() {
    for address in ADDRESSES {
        let gateway = Gateway::documented().await;
        assert_eq!(gateway.lend("Unique Id 3").await, "111");
        let found = gateway.soap_at(address, Who::Ivr, "text/xml", GET).await;
        assert_eq!(found.result(), "Unique Id 3", "{address}");
        assert!(found.body.contains("xmlns:ns2=\"http://com/jacada/interact/agent/soap\""));
    }
}

#[actix_web::test]
async fn the_documented_rest_request_works() {
    let gateway = Gateway::documented().await;
    let headers = [
        ("User-Id", "YWRtaW4="),
        ("User-Password", "cGFzc3dvcmQ="),
        ("Tenant-Id", "12345678"),
        ("Application-Key", "53475e5f1463f9ab2052ead"),
        ("Environment-Name", "Prod"),
        ("Content-Length", "0"),
    ];
    let freed = gateway.send(Method::POST, "/dnis/allocate/free/380974520200", &headers, "").await;
    assert_eq!((freed.status, freed.body.as_str()), (200, ""));
}
