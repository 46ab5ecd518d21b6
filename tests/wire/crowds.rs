//! What strangers do with connections: too many of them, silent ones, slow ones, ones that take no answer. The others
//! are served meanwhile, and all is well afterwards.

use std::ffi::OsStr;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::binary::Binary;
use crate::callers::{Caller, send};
use crate::gateway::Gateway;
use crate::raw::{Wire, exchange};

const NOWHERE: &str = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n";

/// Connects from an address of this machine.
async fn from(source: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((source, 0))).unwrap();
    socket.connect(address).await.unwrap()
}

/// A number of the metrics; 0 where it is not there.
fn metric(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |number| number.parse().unwrap())
}

fn ended(listener: &str, reason: &str) -> String {
    format!("dnis_gateway_connections_ended_total{{listener=\"{listener}\",reason=\"{reason}\"}}")
}

/// How long the process has worked, on all processors together.
fn worked(process: u32) -> Duration {
    let mut stat = String::new();
    std::fs::File::open(format!("/proc/{process}/stat")).unwrap().read_to_string(&mut stat).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // User and system time, in hundredths of a second.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(10 * ticks)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_beyond_all_descriptors_give_way_and_writes_go_on_during_and_after() {
    let data = TempDir::new().unwrap();
    let arguments = [OsStr::new("--demo"), OsStr::new("--data"), data.path().as_os_str()];
    let binary = Binary::limited(200, &arguments);
    let main: SocketAddr = binary.url().strip_prefix("http://").unwrap().parse().unwrap();
    let admin: SocketAddr = binary.admin_url().strip_prefix("http://").unwrap().parse().unwrap();
    let mut idle = Vec::new();
    for number in 0..300_u16 {
        idle.push(from([127, 0, 0, 2 + (number % 4) as u8], main).await);
        if number < 50 {
            idle.push(from([127, 0, 0, 2], admin).await);
        }
    }
    for number in 0..5 {
        let caller = Caller::of(binary.url());
        assert_eq!(caller.allocate(&format!("meanwhile {number}"), "test").await.status, 200);
        assert_eq!(Caller::of(binary.admin_url()).get("/health/ready").await.status, 200);
    }
    let open = std::fs::read_dir(format!("/proc/{}/fd", binary.id())).unwrap().count();
    assert!(open < 190, "{open} descriptors of 200 are in use");
    let metrics = Caller::of(binary.admin_url()).get("/metrics").await.text();
    assert!(metric(&metrics, &ended("main", "gave_way")) > 100.0, "{metrics}");
    assert!(metric(&metrics, &ended("admin", "gave_way")) > 20.0, "{metrics}");
    assert!(metric(&metrics, "dnis_gateway_connections{listener=\"admin\"}") <= 24.0, "{metrics}");
    drop(idle);
    assert_eq!(Caller::of(binary.url()).allocate("afterwards", "test").await.status, 200);
    assert!(binary.log().contains("fewer connections than configured"), "{}", binary.log());
    assert!(!binary.log().contains("Too many open files"), "{}", binary.log());
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_the_cap_of_a_source_its_own_longest_idle_connection_gives_way() {
    let gateway =
        Gateway::demo().with(|settings| settings.server.limits.connections_per_source = Some(3)).start().await;
    let address = gateway.address();
    let served = async |source: [u8; 4]| {
        let mut wire = Wire::over(from(source, address).await);
        wire.send(NOWHERE).await;
        assert_eq!(wire.reply().await.unwrap().status, 404);
        wire
    };
    let mut other = served([127, 0, 0, 3]).await;
    let mut first = served([127, 0, 0, 2]).await;
    let mut second = served([127, 0, 0, 2]).await;
    let mut third = served([127, 0, 0, 2]).await;
    let mut fourth = served([127, 0, 0, 2]).await;
    assert!(first.hangs_up().await);
    for wire in [&mut other, &mut second, &mut third, &mut fourth] {
        wire.send(NOWHERE).await;
        assert_eq!(wire.reply().await.unwrap().status, 404);
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_drips_ends_ten_seconds_after_its_first_byte_the_first_one_and_a_later_one() {
    let gateway = Gateway::demo().start().await;
    let mut first = TcpStream::connect(gateway.address()).await.unwrap();
    let mut later = Wire::to(gateway.address()).await;
    later.send(NOWHERE).await;
    assert_eq!(later.reply().await.unwrap().status, 404);
    let begun = Instant::now();
    for byte in format!("GET /{}", "nowhere".repeat(3)).into_bytes() {
        // Whoever has hung up takes nothing more.
        let _ = first.write_all(&[byte]).await;
        later.send([byte]).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for mut wire in [Wire::over(first), later] {
        assert_eq!(wire.reply().await.map(|reply| reply.status), Some(408));
        assert!(wire.hangs_up().await);
    }
    assert!((10..25).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let metrics = gateway.admin("/metrics").await.text();
    assert_eq!(metric(&metrics, &ended("main", "head_late")), 2.0, "{metrics}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_after_a_refusal_is_answered_and_its_connection_closed_however_it_is_framed() {
    let gateway = Gateway::demo().start().await;
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    for (path, framing, drop, status) in [
        ("/nowhere", chunked, "1\r\nx\r\n", 404),
        ("/nowhere", "Transfer-Encoding: chunked\r\n\r\n1;", "x", 404),
        ("/nowhere", "Content-Length: 1000\r\n\r\n", "x", 404),
        ("/interact/version/2/nothing", chunked, "1\r\nx\r\n", 404),
        ("/gateway/v1/nothing", chunked, "1\r\nx\r\n", 404),
        ("/gateway/v1/numbers/import", chunked, "1\r\nx\r\n", 401),
    ] {
        let mut wire = Wire::to(gateway.address()).await;
        wire.send(format!("POST {path} HTTP/1.1\r\nHost: x\r\n{framing}")).await;
        let dripping = async {
            loop {
                wire.send(drop).await;
                if let Ok(reply) = timeout(Duration::from_millis(300), wire.reply()).await {
                    return reply.unwrap();
                }
            }
        };
        let reply = timeout(Duration::from_secs(15), dripping).await.unwrap_or_else(|_| panic!("{path} {framing}"));
        assert_eq!((reply.status, reply.header("connection")), (status, "close"), "{path} {framing}");
        assert!(wire.hangs_up().await, "{path} {framing}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_never_reads_keeps_no_processor_busy_and_is_cut() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let address: SocketAddr = binary.url().strip_prefix("http://").unwrap().parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut greedy = socket.connect(address).await.unwrap();
    let requests = NOWHERE.repeat(1000);
    while let Ok(sent) = timeout(Duration::from_secs(3), greedy.write_all(requests.as_bytes())).await {
        sent.unwrap();
    }
    let before = worked(binary.id());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let worked = worked(binary.id()) - before;
    assert!(worked < Duration::from_secs(1), "{worked:?} of 5 s");
    assert_eq!(Caller::of(binary.url()).allocate("meanwhile", "test").await.status, 200);
    let cut = ended("main", "answer_untaken");
    let waiting = Instant::now();
    while metric(&Caller::of(binary.admin_url()).get("/metrics").await.text(), &cut) < 1.0 {
        assert!(waiting.elapsed() < Duration::from_secs(90), "it was not cut");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_to_speak_another_protocol_is_answered_at_once_with_the_body_that_was_announced() {
    let gateway = Gateway::demo().start().await;
    let offer = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Tenant-Id: 12345678\r\nApplication-Key: 53475e5f1463f9ab2052ead\r\n";
    let body = r#"{"id":"x","group":"test"}"#;
    let new = "/interact/version/2/dnis/allocate/new";
    for (request, status) in [
        (format!("GET /nowhere HTTP/1.1\r\n{offer}\r\n"), 404),
        (format!("GET /interact/version/2/dnis/allocate/get/404 HTTP/1.1\r\n{offer}\r\n"), 404),
        (format!("POST {new} HTTP/1.1\r\n{offer}Content-Length: {}\r\n\r\n{body}", body.len()), 200),
        ("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 404),
    ] {
        let begun = Instant::now();
        let mut wire = Wire::to(gateway.address()).await;
        wire.send(&request).await;
        let reply = wire.reply().await.unwrap_or_else(|| panic!("no answer to {request}"));
        assert_eq!((reply.status, reply.header("connection")), (status, "close"), "{request}: {reply:?}");
        assert!(wire.hangs_up().await, "{request}");
        assert!(begun.elapsed() < Duration::from_secs(15), "{request}: {:?}", begun.elapsed());
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_is_measured_before_anybody_asks_where_it_leads() {
    let gateway = Gateway::demo().start().await;
    let long = format!("X-Long: {}\r\n", "x".repeat(17_000));
    for path in ["/nowhere", "/interact/version/2/nothing", "/genesys/1/nothing", "/gateway/v1/nothing", "/apiaccess/x"]
    {
        let reply = exchange(gateway.address(), format!("GET {path} HTTP/1.1\r\nHost: x\r\n{long}\r\n")).await.unwrap();
        assert_eq!(reply.status, 431, "{path}: {reply:?}");
        assert!(reply.text().contains("16384 bytes"), "{path}: {reply:?}");
    }
    let endless = format!("GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Long: {}", "x".repeat(60_000));
    assert_eq!(exchange(gateway.address(), endless).await.unwrap().status, 431, "before it has come whole");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_100_continue_is_told_at_once_what_the_head_alone_decides() {
    let gateway = Gateway::demo().start().await;
    for (path, length, status) in [
        ("/nowhere", 10, 404),
        ("/interact/version/2/nothing", 10, 404),
        ("/interact/version/2/dnis/allocate/new", 10, 401),
        ("/gateway/v1/numbers/import", 10, 401),
        ("/interact/version/2/agent/soap", 1 << 20, 413),
    ] {
        let mut wire = Wire::to(gateway.address()).await;
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
        wire.send(head).await;
        let reply = wire.reply().await.unwrap();
        assert_eq!((reply.status, reply.header("connection")), (status, "close"), "{path}: {reply:?}");
        assert!(!reply.header("x-request-id").is_empty(), "{path}: {reply:?}");
        assert!(wire.hangs_up().await, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_bodies_that_stop_short_are_bounded_together_and_short_ones_do_not_notice() {
    let gateway = Gateway::demo().with(|settings| settings.server.limits.bodies_in_flight = 1 << 20).start().await;
    let head = |length: usize| {
        format!(
            "POST /genesys/1/storage/60 HTTP/1.1\r\nHost: x\r\nTenant-Id: 12345678\r\n\
             Application-Key: 53475e5f1463f9ab2052ead\r\n\
             Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n\
             --b\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n"
        )
    };
    let mut stopped = Vec::new();
    let refused = loop {
        assert!(stopped.len() < 20, "nothing bounds them");
        let mut wire = Wire::to(gateway.address()).await;
        wire.send(head(4 << 20)).await;
        wire.send("x".repeat(300_000)).await;
        match timeout(Duration::from_secs(3), wire.reply()).await {
            Ok(reply) => break reply.unwrap(),
            Err(_) => stopped.push(wire),
        }
    };
    assert_eq!((refused.status, refused.header("retry-after")), (503, "5"), "{refused:?}");
    assert!(refused.element("exception").ends_with("ServiceUnavailableException"), "{refused:?}");
    assert_eq!(gateway.caller().allocate("short", "test").await.status, 200);
    let held = "dnis_gateway_bodies_in_flight_bytes";
    let bytes = metric(&gateway.admin("/metrics").await.text(), held);
    assert!(!stopped.is_empty() && (250_000.0..=1_048_576.0).contains(&bytes), "{bytes}");
    drop(stopped);
    let waiting = Instant::now();
    while metric(&gateway.admin("/metrics").await.text(), held) > 0.0 {
        assert!(waiting.elapsed() < Duration::from_secs(30), "what was held is not given back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let form = reqwest::multipart::Form::new().text("k", "x".repeat(300_000));
    let whole = send(gateway.caller().ivr(Method::POST, "/genesys/1/storage/60").multipart(form)).await;
    assert_eq!(whole.status, 200, "{whole:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_with_a_short_body_keeps_its_connection_and_one_with_a_long_body_gets_its_answer() {
    let gateway = Gateway::demo().start().await;
    let post = |length: usize| {
        let body = "x".repeat(length);
        format!("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let mut wire = Wire::to(gateway.address()).await;
    for _ in 0..3 {
        wire.send(post(60_000)).await;
        let reply = wire.reply().await.unwrap();
        assert_eq!((reply.status, reply.header("connection")), (404, ""), "{reply:?}");
    }
    wire.send(post(1 << 20)).await;
    let reply = wire.reply().await.unwrap();
    assert_eq!((reply.status, reply.header("connection")), (404, "close"), "{reply:?}");
    assert!(wire.hangs_up().await);
    gateway.stop().await;
}

/// The directory that a test over TLS keeps its certificate in stays until its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_tls_handshakes_delay_nobody_and_end_after_ten_seconds() {
    let directory = TempDir::new().unwrap();
    let certificate = crate::tls::issue(directory.path());
    let server = dnis_gateway::server::Server::start(crate::tls::settings(directory.path() as &Path)).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..600 {
        silent.push(TcpStream::connect(server.listening()).await.unwrap());
    }
    let begun = Instant::now();
    crate::tls::fetched(server.listening(), &certificate, &rustls::version::TLS13).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(Wire::over(silent.pop().unwrap()).hangs_up().await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_answers_that_nobody_takes_are_bounded_together_and_so_is_the_memory_that_they_take() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let address: SocketAddr = binary.url().strip_prefix("http://").unwrap().parse().unwrap();
    let caller = Caller::of(binary.url());
    let part = reqwest::multipart::Part::bytes(vec![b'x'; 7_900_000]).file_name("f");
    let form = reqwest::multipart::Form::new().part("f", part);
    let stored = send(caller.ivr(Method::POST, "/genesys/1/storage/600").multipart(form)).await;
    let path = format!("/genesys/1/storage/{}/f", stored.element("id"));
    let ask = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nTenant-Id: 12345678\r\nApplication-Key: {}\r\n\r\n",
        crate::callers::DNIS_KEY
    );
    // All at a time, so that all are read from the disk at a time.
    let mut unread = Vec::new();
    for _ in 0..120 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        unread.push(socket.connect(address).await.unwrap());
    }
    for stream in &mut unread {
        stream.write_all(ask.as_bytes()).await.unwrap();
    }
    let crowded = "dnis_gateway_requests_total{dialect=\"gms\",operation=\"storage-read\",outcome=\"crowded\"}";
    let waiting = Instant::now();
    while metric(&Caller::of(binary.admin_url()).get("/metrics").await.text(), crowded) < 100.0 {
        assert!(waiting.elapsed() < Duration::from_secs(60), "nothing bounds them");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", binary.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 500_000, "{peak} KiB");
    assert_eq!(caller.allocate("meanwhile", "test").await.status, 200);
    drop(unread);
    assert_eq!(binary.stop().code(), Some(0));
}
