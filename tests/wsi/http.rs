//! The rules about SOAP's use of HTTP.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::exchange::{Due, envelope, payload};
use crate::gateway::{AGENT, ALL, CREDENTIALS, Gateway, Reply, SERVICES, TEXT_XML};
use crate::xml::{is_fault, result};
use crate::{Rule, Verdict, ensure};

pub(crate) const RULES: &[Rule] = &[
    Rule {
        numbers: "R1132, R1114",
        holds: "envelopes come by POST; another method is 405 and told which are allowed",
        check: post_only,
    },
    Rule {
        numbers: "R1119, R1127",
        holds: "SOAPAction is not relied on: missing, empty, unquoted or another operation's, the Body decides",
        check: action_is_no_matter,
    },
    Rule { numbers: "R1124, R1111", holds: "an ordinary answer is under 200", check: responses_under_200 },
    Rule {
        numbers: "R1112, R2714",
        holds: "no answer is without an envelope: the services have no one-way operation",
        check: no_one_way,
    },
    Rule {
        numbers: "R1125, R1113",
        holds: "a request that is no HTTP is 4xx without an envelope; one that is no XML is a Client fault",
        check: broken_requests,
    },
    Rule { numbers: "(bodies)", holds: "bodies in chunks or under gzip are read", check: other_bodies },
    Rule { numbers: "R1115", holds: "a Content-Type that is no XML is 415, and told which are", check: media_type },
    Rule { numbers: "R1126", holds: "every fault is under 500", check: faults_under_500 },
    Rule { numbers: "R1130", holds: "there is no redirect, with a slash at the end or without", check: no_redirect },
    Rule { numbers: "R1120, R1121", holds: "cookies are neither set nor looked at", check: no_cookies },
    Rule { numbers: "R1140, R1141", holds: "HTTP/1.1 is spoken, and HTTP/1.0 to those who do", check: versions },
    Rule { numbers: "R1108", holds: "the HTTP extension framework is not used, nor asked for", check: no_extensions },
];

fn get() -> String {
    envelope("", &payload(AGENT, "GetDnisAllocation", &[("phone", "999000")]))
}

/// The answer to [`get`].
fn is_answer_to_get(reply: &Reply) -> Verdict {
    let found = result(reply)?;
    ensure(
        (reply.status, found.as_str()) == (200, "Phone number 999000 was not found"),
        format!("{} {found}", reply.status),
    )
}

fn post_only(gateway: &Gateway) -> Verdict {
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        for service in SERVICES {
            let reply = gateway.send(method, service.path(), &format!("{CREDENTIALS}{TEXT_XML}"), get().as_bytes());
            ensure(reply.status == 405, format!("{method} is answered under {}", reply.status))?;
            let allowed = reply.header("Allow").unwrap_or_default();
            ensure(allowed.split(", ").any(|name| name == "POST"), format!("{method}: Allow is '{allowed}'"))?;
        }
    }
    is_answer_to_get(&gateway.post(&get()))
}

fn action_is_no_matter(gateway: &Gateway) -> Verdict {
    let ours = format!("{}/GetDnisAllocation", AGENT.namespace);
    let others = format!("{}/FreeDnisAllocation", AGENT.namespace);
    let actions = [
        String::new(),
        "SOAPAction: \"\"\r\n".to_owned(),
        "SOAPAction:\r\n".to_owned(),
        format!("SOAPAction: \"{ours}\"\r\n"),
        format!("SOAPAction: {ours}\r\n"),
        format!("SOAPAction: '{ours}'\r\n"),
        format!("SOAPAction: \"{others}\"\r\n"),
        "SOAPAction: \"urn:anything\"\r\n".to_owned(),
    ];
    for action in actions {
        let reply = gateway.post_bytes(&format!("{TEXT_XML}{action}"), get().as_bytes());
        is_answer_to_get(&reply).map_err(|error| format!("{action}: {error}"))?;
    }
    Ok(())
}

fn responses_under_200(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges().iter().filter(|exchange| matches!(exchange.due, Due::Response(_))) {
        ensure(exchange.reply.status == 200, format!("{} is under {}", exchange.name, exchange.reply.status))?;
    }
    Ok(())
}

fn no_one_way(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges() {
        ensure(!exchange.reply.body.is_empty(), format!("{} has no envelope", exchange.name))?;
    }
    for service in ALL {
        let count = |text: &str| service.wsdl.matches(text).count();
        let operations = count("<wsdl:output message=");
        ensure(operations > 0 && operations == count("<wsdl:input message="), format!("{}.wsdl", service.name))?;
    }
    Ok(())
}

fn broken_requests(gateway: &Gateway) -> Verdict {
    for request in ["nonsense\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"] {
        let reply = gateway.raw(request.as_bytes());
        ensure(reply.status == 400, format!("{request:?} is answered under {}", reply.status))?;
    }
    let long = get() + &" ".repeat(70_000);
    let coded = |coding: &str| format!("{TEXT_XML}Content-Encoding: {coding}\r\n");
    for (status, reply) in [
        (413, gateway.post(&long)),
        (415, gateway.post_bytes(&coded("br"), get().as_bytes())),
        (400, gateway.post_bytes(&coded("gzip"), b"no archive")),
        (413, gateway.post_bytes(&coded("gzip"), &gzip(long.as_bytes()))),
        (404, gateway.send("POST", "/interact/version/2/other/soap", TEXT_XML, get().as_bytes())),
    ] {
        ensure(reply.status == status, format!("expected {status}, answered {}: {}", reply.status, reply.text()))?;
        ensure(!reply.text().contains("Envelope"), format!("{status} has an envelope"))?;
    }
    for body in ["", "no XML", "<a>", "{}"] {
        is_fault(&gateway.post(body), "Client").map_err(|error| format!("{body:?}: {error}"))?;
    }
    Ok(())
}

fn other_bodies(gateway: &Gateway) -> Verdict {
    let archive = gzip(get().as_bytes());
    is_answer_to_get(&gateway.post_bytes(&format!("{TEXT_XML}Content-Encoding: gzip\r\n"), &archive))?;
    let body = get();
    let pieces = body.as_bytes().chunks(7);
    let chunks: String =
        pieces.map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece))).collect();
    let request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{CREDENTIALS}{TEXT_XML}Transfer-Encoding: chunked\r\n\r\n\
         {chunks}0\r\n\r\n",
        AGENT.path(),
        gateway.address()
    );
    is_answer_to_get(&gateway.raw(request.as_bytes()))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory can be written to")
}

fn media_type(gateway: &Gateway) -> Verdict {
    for header in ["", "Content-Type: application/json\r\n", "Content-Type: text/plain\r\n", "Content-Type: xml\r\n"] {
        let reply = gateway.post_bytes(header, get().as_bytes());
        ensure(reply.status == 415, format!("'{}' is answered under {}", header.trim(), reply.status))?;
        for accepted in ["text/xml", "application/soap+xml", "application/xml"] {
            let header = reply.header("Accept").unwrap_or_default();
            let said = header.contains(accepted) && reply.text().contains(accepted);
            ensure(said, format!("{accepted} is not named: {header}, {}", reply.text()))?;
        }
    }
    Ok(())
}

fn faults_under_500(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges().iter().filter(|exchange| !matches!(exchange.due, Due::Response(_))) {
        ensure(exchange.reply.status == 500, format!("{} is under {}", exchange.name, exchange.reply.status))?;
    }
    Ok(())
}

fn no_redirect(gateway: &Gateway) -> Verdict {
    for service in SERVICES {
        for path in [service.path().to_owned(), format!("{}/", service.path())] {
            let headers = format!("{CREDENTIALS}{TEXT_XML}");
            is_answer_to_get(&gateway.send("POST", &path, &headers, get().as_bytes()))
                .map_err(|error| format!("{path}: {error}"))?;
        }
    }
    Ok(())
}

fn no_cookies(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges() {
        ensure(exchange.reply.header("Set-Cookie").is_none(), format!("{} sets a cookie", exchange.name))?;
    }
    is_answer_to_get(&gateway.post_bytes(&format!("{TEXT_XML}Cookie: session=1; $Version=\"x\r\n"), get().as_bytes()))
}

fn versions(gateway: &Gateway) -> Verdict {
    let reply = gateway.post(&get());
    ensure(reply.version == "HTTP/1.1", format!("answered in {}", reply.version))?;
    let (path, body) = (AGENT.path(), get());
    let old = format!(
        "POST {path} HTTP/1.0\r\nHost: {}\r\n{CREDENTIALS}{TEXT_XML}Content-Length: {}\r\n\r\n{body}",
        gateway.address(),
        body.len()
    );
    is_answer_to_get(&gateway.raw(old.as_bytes()))
}

fn no_extensions(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges() {
        for name in ["Man", "Opt", "C-Man", "C-Opt", "Ext", "C-Ext"] {
            ensure(exchange.reply.header(name).is_none(), format!("{} has the header {name}", exchange.name))?;
        }
    }
    let headers = format!("{CREDENTIALS}{TEXT_XML}Man: \"{}\"; ns=01\r\n", AGENT.namespace);
    let reply = gateway.send("M-POST", AGENT.path(), &headers, get().as_bytes());
    ensure(reply.status == 405, format!("M-POST is answered under {}", reply.status))
}
