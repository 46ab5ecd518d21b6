//! The program with the demo's data, and requests to it byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::exchange::{self, Exchange};

/// The credentials that may do everything.
pub(crate) const CREDENTIALS: &str = "Tenant-Id: 12345678\r\nApplication-Key: 53475e5f1463f9ab2052ead\r\n\
     User-Id: YWRtaW4=\r\nUser-Password: cGFzc3dvcmQ=\r\n";
/// The Content-Type of an ordinary request.
pub(crate) const TEXT_XML: &str = "Content-Type: text/xml; charset=utf-8\r\n";

/// One of the services: its name, where it is called, and the namespace of its messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    path: &'static str,
    pub(crate) namespace: &'static str,
    pub(crate) wsdl: &'static str,
}

impl Service {
    /// Where it is called.
    pub(crate) fn path(self) -> &'static str {
        self.path
    }
}

/// The service that most probes go to; which one makes no difference to them.
pub(crate) const AGENT: Service = Service {
    name: "agent",
    path: "/interact/version/2/agent/soap",
    namespace: "http://com/jacada/interact/agent/soap",
    wsdl: include_str!("../../wsdl/agent.wsdl"),
};
/// The vendor's services.
pub(crate) const SERVICES: [Service; 2] = [
    AGENT,
    Service {
        name: "dnis",
        path: "/interact/version/2/dnis/soap",
        namespace: "http://com/jacada/interact/dnis/soap",
        wsdl: include_str!("../../wsdl/dnis.wsdl"),
    },
];
/// The gateway's own service.
pub(crate) const OWN: Service = Service {
    name: "gateway",
    path: "/gateway/v1/soap",
    namespace: "urn:dnis-gateway:v1",
    wsdl: include_str!("../../wsdl/gateway.wsdl"),
};
/// All services.
pub(crate) const ALL: [Service; 3] = [SERVICES[0], SERVICES[1], OWN];

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) version: String,
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
        let mut lines = head.split("\r\n");
        let mut status = lines.next().expect("a head has a status line").splitn(3, ' ');
        let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned()));
        Self {
            version: status.next().unwrap_or_default().to_owned(),
            status: status.next().and_then(|code| code.parse().ok()).expect("a status line has a status"),
            headers: headers.collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }
}

/// A running program, killed at the end.
pub(crate) struct Gateway {
    program: Child,
    address: String,
    numbers: AtomicU32,
    exchanges: OnceLock<Vec<Exchange>>,
    /// Kept open, because the program goes on writing to it.
    _output: BufReader<ChildStdout>,
    _data: TempDir,
}

impl Gateway {
    /// Starts the program on free ports with data of its own, and nothing configured but the demo.
    pub(crate) fn start() -> Self {
        Self::configured(&[])
    }

    /// Starts it with settings, each a variable of its environment.
    pub(crate) fn configured(settings: &[(&str, &str)]) -> Self {
        let data = TempDir::new().expect("a temporary directory");
        let mut program = Command::new(env!("CARGO_BIN_EXE_dnis-gateway"))
            .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path().join("data"))
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let mut output = BufReader::new(program.stdout.take().expect("its output is piped"));
        output.read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("listening on http://").expect("it says where it listens").to_owned();
        let numbers = AtomicU32::new(0);
        Self { program, address, numbers, exchanges: OnceLock::new(), _output: output, _data: data }
    }

    /// Where it listens: host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A phone number that no other probe uses.
    pub(crate) fn fresh_number(&self) -> String {
        format!("21166{:05}", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends these bytes and reads until the connection is closed, so they must ask for that.
    pub(crate) fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(&self.address).expect("the program accepts connections");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout can be set");
        stream.write_all(request).expect("a request can be sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer can be read");
        Reply::parse(&answer)
    }

    /// Sends a request with these header lines beside those that HTTP itself needs.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n",
            self.address
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// Posts an envelope with all credentials.
    pub(crate) fn post(&self, envelope: &str) -> Reply {
        self.post_bytes(TEXT_XML, envelope.as_bytes())
    }

    /// Posts bytes under these header lines with all credentials.
    pub(crate) fn post_bytes(&self, headers: &str, body: &[u8]) -> Reply {
        self.send("POST", AGENT.path(), &format!("{CREDENTIALS}{headers}"), body)
    }

    /// Every kind of answer that the services give, asked for once.
    pub(crate) fn exchanges(&self) -> &[Exchange] {
        self.exchanges.get_or_init(|| exchange::every_kind(self))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It holds nothing that outlives this test; whether it was still there does not matter.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
