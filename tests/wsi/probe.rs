//! A gateway to be probed, and requests to it byte by byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use dnis_gateway::config;
use dnis_gateway::server::Server;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::tree::Node;

pub(crate) const AGENT: &str = "http://com/jacada/interact/agent/soap";
pub(crate) const DNIS: &str = "http://com/jacada/interact/dnis/soap";
pub(crate) const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(crate) const PATH: &str = "/interact/version/2/dnis/soap";

const CREDENTIALS: &str = "Tenant-Id: 12345678\r\nApplication-Key: 53475e5f1463f9ab2052ead\r\nUser-Id: YWRtaW4=\r\n\
                           User-Password: cGFzc3dvcmQ=\r\n";

/// The demo, with one number lent.
pub(crate) struct Probe {
    runtime: Runtime,
    server: Server,
    _data: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) protocol: String,
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Probe {
    /// Starts a gateway on a free port. Fault codes are qualified names, as the profile wants them.
    pub(crate) fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut settings = config::demo();
        settings.server.listen.set_port(0);
        settings.admin.listen.set_port(0);
        settings.store.path = data.path().to_owned();
        settings.soap.fault_codes = config::FaultCodes::Qname;
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::start(settings)).unwrap();
        let probe = Self { runtime, server, _data: data };
        assert_eq!(probe.soap(&lend()).result(), "111");
        probe
    }

    /// Stops it.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.server.stop());
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.listening()
    }

    /// Sends bytes on a connection of their own and reads the answer.
    pub(crate) fn exchange(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        Reply::of(&String::from_utf8(received).unwrap())
    }

    /// A request with the demo's credentials and whatever headers are given.
    pub(crate) fn request(&self, line: &str, headers: &str, body: &[u8]) -> Reply {
        let host = self.address();
        let length = body.len();
        let head = format!(
            "{line}\r\nHost: {host}\r\nConnection: close\r\n{CREDENTIALS}{headers}Content-Length: {length}\r\n\r\n"
        );
        self.exchange(&[head.as_bytes(), body].concat())
    }

    /// An envelope under a media type.
    pub(crate) fn post(&self, media_type: &str, body: impl AsRef<[u8]>) -> Reply {
        let headers = format!("Content-Type: {media_type}\r\nSOAPAction: \"\"\r\n");
        self.request(&format!("POST {PATH} HTTP/1.1"), &headers, body.as_ref())
    }

    /// An envelope of SOAP 1.1.
    pub(crate) fn soap(&self, envelope: &str) -> Reply {
        self.post("text/xml; charset=utf-8", envelope)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request(&format!("GET {path} HTTP/1.1"), "", b"")
    }

    /// All numbers with what is known of them.
    pub(crate) fn state(&self) -> String {
        self.get("/interact/version/2/dnis?limit=1000").body
    }

    /// Holds that a request is refused with this fault and changes nothing.
    pub(crate) fn faults(&self, envelope: &str, code: &str) -> Reply {
        let before = self.state();
        let reply = self.soap(envelope);
        assert_eq!(self.state(), before, "{envelope}");
        assert_eq!(reply.status, 500, "{reply:?}");
        let found = reply.fault().only("faultcode").text.clone();
        assert_eq!(found, format!("SOAP-ENV:{code}"), "{envelope}");
        reply
    }
}

impl Reply {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let (protocol, rest) = lines.next().unwrap().split_once(' ').unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        Self {
            protocol: protocol.to_owned(),
            status: rest.split(' ').next().unwrap().parse().unwrap(),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
            body: body.to_owned(),
        }
    }

    /// A header; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn envelope(&self) -> Node {
        Node::of(&self.body)
    }

    /// The only child of the Body.
    pub(crate) fn payload(&self) -> Node {
        let mut envelope = self.envelope();
        let mut body = envelope.children.pop().unwrap();
        assert_eq!((body.local.as_str(), body.children.len()), ("Body", 1), "{self:?}");
        body.children.pop().unwrap()
    }

    pub(crate) fn fault(&self) -> Node {
        let fault = self.payload();
        assert_eq!((fault.namespace.as_str(), fault.local.as_str()), (SOAP11, "Fault"), "{self:?}");
        fault
    }

    pub(crate) fn result(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.payload().only("result").text.clone()
    }
}

/// An envelope with these headers and this payload.
pub(crate) fn envelope(header: &str, payload: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{SOAP11}\" xmlns:d=\"{DNIS}\" xmlns:a=\"{AGENT}\"><s:Header>{header}</s:Header>\
         <s:Body>{payload}</s:Body></s:Envelope>"
    )
}

/// Lends `111`, again and again to the same interaction.
pub(crate) fn lend() -> String {
    let payload =
        "<a:AllocateDnisRequest><a:uniqueId>wsi</a:uniqueId><a:group>samples</a:group></a:AllocateDnisRequest>";
    envelope("", payload)
}

/// Asks for `111`.
pub(crate) fn get() -> String {
    envelope("", "<d:GetDnisAllocationRequest><d:phone>111</d:phone></d:GetDnisAllocationRequest>")
}

/// Frees `111`; the request that must not be carried out when something is wrong with it.
pub(crate) fn free(header: &str) -> String {
    envelope(header, "<d:FreeDnisAllocationRequest><d:phone>111</d:phone></d:FreeDnisAllocationRequest>")
}
