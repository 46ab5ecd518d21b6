//! The page for people: what it shows is what the services do.

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use bytes::Bytes;

use super::{Gateway, Reply, Who};
use crate::dialect::{PublicAddress, sending};
use crate::xml::guard::admit;
use crate::xml::limits::Limits;
use crate::xml::reader::{Content, Event, Reader};

/// A command of the page, taken apart.
struct Command {
    address: String,
    headers: Vec<(String, String)>,
    envelope: String,
}

impl Command {
    fn of(text: &str) -> Self {
        let (line, rest) = text.split_once(" <<'ENVELOPE'\n").unwrap();
        let words: Vec<&str> = line.split('\'').collect();
        // Every word in quotes stands at an odd place: the address first, the headers after it.
        let quoted: Vec<&str> = words.iter().skip(1).step_by(2).copied().collect();
        let headers = quoted[1..].iter().map(|header| header.split_once(": ").unwrap());
        Self {
            address: quoted[0].to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            envelope: rest.strip_suffix("\nENVELOPE").unwrap().to_owned(),
        }
    }

    async fn send(&self, gateway: &Gateway) -> Reply {
        let target = self.address.strip_prefix("http://gateway:8080/interact/version/2").unwrap();
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        gateway.send(Method::POST, target, &headers, self.envelope.clone()).await
    }
}

/// The texts of all elements of this name.
fn texts(page: &str, name: &str) -> Vec<String> {
    let page = page.strip_prefix("<!DOCTYPE html>").unwrap();
    // Two elements of the head have no end tag in HTML.
    let page: String = page.lines().filter(|line| !line.starts_with("<meta ")).collect::<Vec<_>>().join("\n");
    let document = admit(page.as_bytes(), None, &Limits::default()).unwrap();
    let mut reader = Reader::new(&document);
    let mut texts = Vec::new();
    loop {
        match reader.next().unwrap() {
            Event::Open(element) if element.name.local == name => {
                if let Content::Text(text) = reader.content().unwrap() {
                    texts.push(text.into_owned());
                }
            }
            Event::Open(_) | Event::Text(_) | Event::Close => {}
            Event::End => return texts,
        }
    }
}

#[actix_web::test]
async fn the_page_is_for_everybody_and_loads_nothing() {
    let gateway = Gateway::with("");
    for service in ["agent", "dnis"] {
        let reply = gateway.get(Who::Nobody, &format!("/{service}/soap")).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert!(!reply.body.contains("<script") && !reply.body.contains("src="), "{}", reply.body);
        for link in ["?wsdl", "?wsdl12"] {
            let link = format!("href=\"http://gateway:8080/interact/version/2/{service}/soap{link}\"");
            assert!(reply.body.contains(&link));
        }
        let operations = texts(&reply.body, "h2");
        assert_eq!(operations, ["AllocateDnis", "GetDnisAllocation", "FreeDnisAllocation", "CreatePhone"]);
    }
}

#[actix_web::test]
async fn every_command_of_the_page_is_a_sample_and_works_even_in_schema_mode() {
    for service in ["agent", "dnis"] {
        let gateway = Gateway::documented_with("[soap]\nvalidation = 'schema'\n").await;
        let page = gateway.get(Who::Nobody, &format!("/{service}/soap")).await.body;
        let commands: Vec<_> = texts(&page, "pre").iter().map(|text| Command::of(text)).collect();
        let expected = ["111", "Unique Id 3", "Phone number 222 was not found", "5"];
        assert_eq!(commands.len(), expected.len());
        for (command, expected) in commands.iter().zip(expected) {
            assert_eq!(command.send(&gateway).await.result(), expected, "{service}");
        }
        for (command, sample) in commands.iter().zip([
            include_str!("../../../../samples/interact/allocate.xml"),
            include_str!("../../../../samples/interact/get.xml"),
            include_str!("../../../../samples/interact/free.xml"),
            include_str!("../../../../samples/interact/create.xml"),
        ]) {
            let anywhere = |text: &str| text.trim().replace("/agent/soap", "/dnis/soap");
            assert_eq!(anywhere(&command.envelope), anywhere(sample));
        }
    }
}

#[actix_web::test]
async fn an_address_with_quotes_stays_one_word_of_the_shell_and_one_attribute() {
    let gateway = Gateway::with("");
    let origin =
        PublicAddress { scheme: "https", authority: "pool.example".into(), prefix: "/a'b\"<c".into(), vary: None };
    let (headers, settings) = (HeaderMap::new(), gateway.live.current());
    let head = sending::head((&Method::GET, "/interact/version/2/dnis/soap", ""), &headers, &origin, &settings);
    let page = Reply::of(sending::answer(&gateway.interact, head, &Bytes::new()).await).body;
    assert!(
        texts(&page, "pre")[0]
            .starts_with("curl -sSi 'https://pool.example/a'\\''b\"<c/interact/version/2/dnis/soap' \\\n")
    );
    assert!(
        page.contains("href=\"https://pool.example/a&apos;b&quot;&lt;c/interact/version/2/dnis/soap?wsdl\""),
        "{page}"
    );
}

#[actix_web::test]
async fn a_reader_who_has_the_page_is_not_sent_it_again() {
    let gateway = Gateway::with("");
    let tag = gateway.get(Who::Nobody, "/dnis/soap").await.header("etag").unwrap().to_owned();
    let again = gateway.send(Method::GET, "/dnis/soap", &[("If-None-Match", &tag)], "").await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}
