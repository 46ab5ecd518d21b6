//! What must hold of HTTP around the envelopes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::probe::{DNIS, PATH, Probe, free, get};
use crate::rules;

rules! {
    "R1132 R1114", "envelopes travel by POST; another method is a 405 that names the allowed ones", post_alone;
    "R1109 R1119 R1127", "SOAPAction may be unquoted, empty or missing, and never picks the operation", action;
    "R2744 R2745", "the SOAPAction of the description is taken", described_action;
    "R1124 R1111 R1112", "success is 200 with an envelope, and so is a refusal of business", success_is_200;
    "R1125", "what is wrong with HTTP itself is a 4xx without an envelope", http_errors;
    "R1113", "a body that cannot be read to its end is a 400", unreadable_body;
    "R1115", "another Content-Type than XML is a 415 that names the accepted ones", other_media_types;
    "R1126", "a fault travels under 500", fault_is_500;
    "R1130", "nothing is redirected, with or without a slash at the end", no_redirects;
    "R1120 R1121 R1122", "no cookie is set or asked for", no_cookies;
    "R1140 R1141", "HTTP/1.1 is answered in kind, HTTP/1.0 is served", http_versions;
    "R1108", "the HTTP Extension Framework is not asked for", no_extensions;
    "(bodies)", "chunked and gzip bodies are read, within the same limit", other_bodies;
}

fn soap(probe: &Probe, headers: &str, body: &[u8]) -> crate::probe::Reply {
    probe.request(&format!("POST {PATH} HTTP/1.1"), headers, body)
}

fn post_alone(probe: &Probe) {
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "M-POST"] {
        let reply =
            probe.request(&format!("{method} {PATH} HTTP/1.1"), "Content-Type: text/xml\r\n", free("").as_bytes());
        assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD, POST"), "{method}: {reply:?}");
    }
    assert_eq!(probe.soap(&get()).result(), "wsi", "nothing was freed");
}

fn action(probe: &Probe) {
    let other = format!("{DNIS}/FreeDnisAllocation");
    for header in
        [String::new(), "SOAPAction:\r\n".into(), "SOAPAction: \"\"\r\n".into(), format!("SOAPAction: {other}\r\n")]
    {
        let reply = soap(probe, &format!("Content-Type: text/xml\r\n{header}"), get().as_bytes());
        assert_eq!(reply.result(), "wsi", "{header}");
    }
}

fn described_action(probe: &Probe) {
    let headers = format!("Content-Type: text/xml\r\nSOAPAction: \"{DNIS}/GetDnisAllocation\"\r\n");
    assert_eq!(soap(probe, &headers, get().as_bytes()).result(), "wsi");
}

fn success_is_200(probe: &Probe) {
    assert_eq!(probe.soap(&get()).status, 200);
    assert_eq!(probe.soap(&get().replace("111", "999")).result(), "Phone number 999 was not found");
}

fn http_errors(probe: &Probe) {
    let long = format!("{}{}", get(), " ".repeat(70_000));
    for (status, reply) in [
        (413, probe.soap(&long)),
        (415, probe.post("application/json", "{}")),
        (415, soap(probe, "Content-Type: text/xml\r\nContent-Encoding: br\r\n", get().as_bytes())),
        (404, probe.get("/interact/version/2/other/soap")),
    ] {
        assert_eq!((reply.status, reply.header("content-type")), (status, "text/plain; charset=utf-8"), "{reply:?}");
        assert!(!reply.body.contains("Envelope"));
    }
}

fn unreadable_body(probe: &Probe) {
    let reply = soap(probe, "Content-Type: text/xml\r\nContent-Encoding: gzip\r\n", b"no archive");
    assert_eq!(reply.status, 400, "{reply:?}");
}

fn other_media_types(probe: &Probe) {
    for media_type in ["text/plain", "application/json", "multipart/related"] {
        let reply = probe.post(media_type, get());
        assert_eq!(reply.status, 415, "{media_type}");
        for accepted in ["text/xml", "application/soap+xml", "application/xml"] {
            assert!(reply.header("accept").contains(accepted) && reply.body.contains(accepted), "{reply:?}");
        }
    }
    assert_eq!(soap(probe, "", get().as_bytes()).status, 415, "no Content-Type");
}

fn fault_is_500(probe: &Probe) {
    assert_eq!(probe.soap("<x/>").status, 500);
    assert_eq!(probe.soap(&free("<d:h s:mustUnderstand=\"1\"/>")).status, 500);
}

fn no_redirects(probe: &Probe) {
    for path in [PATH.to_owned(), format!("{PATH}/"), format!("{PATH}/dnis.wsdl")] {
        let reply = probe.request(&format!("POST {path} HTTP/1.1"), "Content-Type: text/xml\r\n", get().as_bytes());
        assert_eq!((reply.result().as_str(), reply.header("location")), ("wsi", ""), "{path}");
    }
}

fn no_cookies(probe: &Probe) {
    for reply in [probe.soap(&get()), probe.soap("<x/>"), probe.get(&format!("{PATH}?wsdl"))] {
        assert_eq!(reply.header("set-cookie"), "", "{reply:?}");
    }
}

fn http_versions(probe: &Probe) {
    let post = |version: &str| {
        probe.request(&format!("POST {PATH} HTTP/{version}"), "Content-Type: text/xml\r\n", get().as_bytes())
    };
    assert_eq!(post("1.1").protocol, "HTTP/1.1");
    assert_eq!((post("1.1").result(), post("1.0").result()), ("wsi".to_owned(), "wsi".to_owned()));
}

fn no_extensions(probe: &Probe) {
    let reply = probe.soap(&get());
    assert_eq!((reply.header("ext"), reply.header("man"), reply.result().as_str()), ("", "", "wsi"));
}

fn other_bodies(probe: &Probe) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(get().as_bytes()).unwrap();
    let archive = encoder.finish().unwrap();
    let reply = soap(probe, "Content-Type: text/xml\r\nContent-Encoding: gzip\r\n", &archive);
    assert_eq!(reply.result(), "wsi");
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 10_000_000]).unwrap();
    let reply = soap(probe, "Content-Type: text/xml\r\nContent-Encoding: gzip\r\n", &bomb.finish().unwrap());
    assert_eq!(reply.status, 413);
    let chunks: String = get()
        .as_bytes()
        .chunks(7)
        .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)))
        .collect();
    let head = "Tenant-Id: 12345678\r\nApplication-Key: 53475e5f1463f9ab2052ead\r\nContent-Type: text/xml\r\n";
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
    );
    assert_eq!(probe.exchange(request.as_bytes()).result(), "wsi");
}
