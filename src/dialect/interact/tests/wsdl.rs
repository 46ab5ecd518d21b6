//! The descriptions of the services as a client gets them.

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use bytes::Bytes;

use super::{Gateway, Reply, Who};
use crate::dialect::interact::endpoint::Service;
use crate::dialect::interact::soap::SoapOperation;
use crate::dialect::interact::wsdl;
use crate::dialect::{PublicAddress, sending};
use crate::soap::version::Version;

async fn fetch(gateway: &Gateway, path: &str, origin: &PublicAddress) -> Reply {
    let (headers, settings) = (HeaderMap::new(), gateway.live.current());
    let head = sending::head((&Method::GET, path, ""), &headers, origin, &settings);
    Reply::of(sending::answer(&gateway.interact, head, &Bytes::new()).await)
}

#[actix_web::test]
async fn both_descriptions_are_served_without_credentials() {
    let gateway = Gateway::with("");
    for (service, targets) in [
        ("agent", ["/agent/soap/agent.wsdl", "/agent/soap?wsdl", "/agent/soap/?WSDL"]),
        ("dnis", ["/dnis/soap/dnis.wsdl", "/dnis/soap?wsdl", "/dnis/soap/?WSDL"]),
    ] {
        for target in targets {
            let reply = gateway.get(Who::Nobody, target).await;
            assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/xml; charset=UTF-8")));
            let address = format!("location=\"http://gateway:8080/interact/version/2/{service}/soap\"");
            assert!(reply.body.contains(&address), "{target}");
            assert!(reply.body.contains(&format!("targetNamespace=\"http://com/jacada/interact/{service}/soap\"")));
            assert!(!reply.body.contains("127.0.0.1"));
        }
    }
}

#[actix_web::test]
async fn the_address_has_the_public_prefix_and_the_configured_one() {
    let gateway = Gateway::with("[interact]\nprefix = '/jacada/x'\n");
    let origin =
        PublicAddress { scheme: "https", authority: "pool.example".into(), prefix: "/edge".into(), vary: None };
    let reply = fetch(&gateway, "/jacada/x/version/v2/dnis/soap/dnis.wsdl", &origin).await;
    assert!(reply.body.contains("location=\"https://pool.example/edge/jacada/x/version/2/dnis/soap\""));
}

#[actix_web::test]
async fn a_client_that_has_the_description_is_not_sent_it_again() {
    let gateway = Gateway::with("");
    let tag = gateway.get(Who::Nobody, "/dnis/soap?wsdl").await.header("etag").unwrap().to_owned();
    for (known, status) in [
        (tag.as_str(), 304),
        (&format!("W/{tag}"), 304),
        (&format!("\"other\", {tag}"), 304),
        ("*", 304),
        ("\"other\"", 200),
    ] {
        let reply = gateway.send(Method::GET, "/dnis/soap?wsdl", &[("If-None-Match", known)], "").await;
        assert_eq!(reply.status, status, "{known}");
        assert_eq!(reply.header("etag"), Some(tag.as_str()));
        assert_eq!(reply.body.is_empty(), status == 304);
    }
    let agent = gateway.send(Method::GET, "/agent/soap?wsdl", &[("If-None-Match", &tag)], "").await;
    assert_eq!(agent.status, 200);
}

#[actix_web::test]
async fn a_description_for_soap_1_2_is_a_document_of_its_own_with_one_port() {
    let gateway = Gateway::with("");
    for service in ["agent", "dnis"] {
        let reply = gateway.get(Who::Nobody, &format!("/{service}/soap?wsdl12")).await;
        let address = format!("<soap12:address location=\"http://gateway:8080/interact/version/2/{service}/soap\"/>");
        assert!(reply.body.contains(&address));
        assert_eq!(reply.body.matches("<wsdl:port ").count(), 1);
        assert!(reply.header("etag").is_some());
    }
}

#[test]
fn the_operations_are_the_ones_that_the_descriptions_have() {
    for service in Service::ALL {
        for version in Version::ALL {
            let described = wsdl::description(service).document(version).operations().unwrap();
            assert_eq!(described.len(), SoapOperation::ALL.len());
            for (operation, described) in SoapOperation::ALL.into_iter().zip(described) {
                assert_eq!(described.name, operation.name());
                assert_eq!(described.action, format!("{}/{}", service.namespace(), operation.name()));
                let parameters: Vec<_> = described.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
                assert_eq!(parameters, operation.fields());
            }
        }
    }
}
