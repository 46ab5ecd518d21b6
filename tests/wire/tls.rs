//! TLS on either listener, with a client that trusts nothing but the certificate it expects.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dnis_gateway::config::{self, Settings, Tls};
use dnis_gateway::server::Server;
use rcgen::CertifiedKey;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, Stream, SupportedProtocolVersion};
use tempfile::TempDir;

const WSDL: &str = "/interact/version/2/agent/soap/agent.wsdl";

/// Makes a certificate for `localhost`, puts it and its key into the directory, and gives the certificate back.
pub(crate) fn issue(directory: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.join("cert.pem"), cert.pem()).unwrap();
    fs::write(directory.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

/// The demo with the certificate in the directory.
pub(crate) fn settings(directory: &Path) -> Settings {
    let mut settings = config::demo();
    settings.server.listen.set_port(0);
    settings.admin.listen.set_port(0);
    settings.store.path = directory.join("data");
    settings.server.tls = Some(Tls { certificate: directory.join("cert.pem"), key: directory.join("key.pem") });
    settings
}

/// Fetches a path over TLS, trusting one certificate: the version of TLS and the answer.
fn fetch(
    address: SocketAddr,
    path: &str,
    trusted: &CertificateDer<'static>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<(ProtocolVersion, String), String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut stream = Stream::new(&mut connection, &mut socket);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", address.port());
    stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    // A server may close without a farewell; what has come until then is judged.
    let _ = stream.read_to_end(&mut answer);
    Ok((connection.protocol_version().unwrap(), String::from_utf8_lossy(&answer).into_owned()))
}

pub(crate) async fn fetched(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Result<(ProtocolVersion, String), String> {
    let trusted = trusted.clone();
    tokio::task::spawn_blocking(move || fetch(address, WSDL, &trusted, &[version])).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_travel_over_tls_1_2_and_1_3_and_the_wsdl_says_https() {
    let directory = TempDir::new().unwrap();
    let certificate = issue(directory.path());
    let server = Server::start(settings(directory.path())).await.unwrap();
    assert_eq!(server.scheme(), "https");
    let address = server.listening();
    for (asked, expected) in
        [(&rustls::version::TLS12, ProtocolVersion::TLSv1_2), (&rustls::version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let (version, answer) = fetched(address, &certificate, asked).await.unwrap();
        assert_eq!(version, expected);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let location = format!("location=\"https://localhost:{}/interact/version/2/agent/soap\"", address.port());
        assert!(answer.contains(&location), "{answer}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_shows_the_new_certificate_and_a_broken_one_is_refused() {
    let directory = TempDir::new().unwrap();
    let old = issue(directory.path());
    let server = Server::start(settings(directory.path())).await.unwrap();
    let address = server.listening();
    let new = issue(directory.path());
    assert!(fetched(address, &old, &rustls::version::TLS13).await.is_ok(), "nothing changes without a reload");
    server.reload(settings(directory.path())).await.unwrap();
    assert!(fetched(address, &new, &rustls::version::TLS13).await.is_ok());
    assert!(fetched(address, &old, &rustls::version::TLS13).await.is_err());

    fs::write(directory.path().join("cert.pem"), "no certificate").unwrap();
    let error = server.reload(settings(directory.path())).await.unwrap_err().to_string();
    assert!(error.contains("cert.pem") && error.contains("there is no certificate in it"), "{error}");
    assert!(fetched(address, &new, &rustls::version::TLS13).await.is_ok());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_listener_speaks_tls_where_it_is_configured_and_follows_a_reload() {
    let directory = TempDir::new().unwrap();
    let old = issue(directory.path());
    let settings = || {
        let mut settings = settings(directory.path());
        settings.admin.tls = settings.server.tls.take();
        settings
    };
    let server = Server::start(settings()).await.unwrap();
    assert_eq!((server.scheme(), server.admin_base()), ("http", format!("https://{}", server.admin())));
    let address = server.admin();
    let live = async |trusted: &CertificateDer<'static>| {
        let trusted = trusted.clone();
        let fetched = move || fetch(address, "/health/live", &trusted, &[&rustls::version::TLS13]);
        tokio::task::spawn_blocking(fetched).await.unwrap().is_ok_and(|(_, answer)| answer.ends_with("alive\n"))
    };
    assert!(live(&old).await);
    let trusted = old.clone();
    let console = move || fetch(address, "/console", &trusted, &[&rustls::version::TLS13]).unwrap().1.to_lowercase();
    let console = tokio::task::spawn_blocking(console).await.unwrap();
    let cookie = console.lines().find(|line| line.starts_with("set-cookie:")).unwrap();
    assert!(cookie.contains("; secure"), "{cookie}");
    let new = issue(directory.path());
    server.reload(settings()).await.unwrap();
    assert!(live(&new).await && !live(&old).await);
    fs::write(directory.path().join("cert.pem"), "no certificate").unwrap();
    let error = server.reload(settings()).await.unwrap_err().to_string();
    assert!(error.starts_with("admin.tls: "), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn a_key_of_another_certificate_stops_the_start() {
    let directory = TempDir::new().unwrap();
    issue(directory.path());
    let key = fs::read(directory.path().join("key.pem")).unwrap();
    issue(directory.path());
    fs::write(directory.path().join("key.pem"), key).unwrap();
    let error = Server::start(settings(directory.path())).await.err().unwrap().to_string();
    assert!(error.contains("server.tls: ") && error.contains("is not the key of the first certificate in"), "{error}");
    assert!(!directory.path().join("data").exists(), "the data directory was not touched");
}

#[test]
fn a_configuration_with_half_of_tls_or_a_missing_file_is_refused_with_the_key() {
    let problems = Settings::from_toml("[server.tls]\ncertificate = \"/nowhere/cert.pem\"\n").unwrap_err().to_string();
    assert!(problems.contains("server.tls.certificate: cannot read the file /nowhere/cert.pem"), "{problems}");
    assert!(problems.contains("server.tls.key: is missing"), "{problems}");
}
