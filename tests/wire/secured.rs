//! The commands that call a running gateway, over TLS: whom they trust, and whom not.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::binary::{Binary, run, texts};

/// A certificate file and its key file.
struct Issued {
    certificate: PathBuf,
    key: PathBuf,
}

/// What can be wrong with a certificate that vouches for itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As `openssl req -x509` makes it: it calls itself an authority.
    Authority,
    /// One that is a server's and nothing else.
    Server,
    /// An authority for another host.
    Elsewhere,
    /// An authority whose time has passed.
    Expired,
}

fn issue(directory: &Path, name: &str, kind: Kind) -> Issued {
    let host = if kind == Kind::Elsewhere { "elsewhere.example" } else { "localhost" };
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    if kind != Kind::Server {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    if kind == Kind::Expired {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    let pair = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&pair).unwrap();
    let issued =
        Issued { certificate: directory.join(format!("{name}.pem")), key: directory.join(format!("{name}.key")) };
    fs::write(&issued.certificate, certificate.pem()).unwrap();
    fs::write(&issued.key, pair.serialize_pem()).unwrap();
    issued
}

/// A TLS proxy in front of a listener without TLS, as an operator puts one before the admin listener: its address.
fn front(url: &str, issued: &Issued) -> String {
    let behind = url.strip_prefix("http://").unwrap().to_owned();
    let chain = vec![CertificateDer::from_pem_file(&issued.certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&issued.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that does not trust the certificate goes away; that is what some tests are about.
            let _ = pass_on(StreamOwned::new(connection, stream.unwrap()), &behind);
        }
    });
    format!("https://localhost:{port}")
}

/// Passes one request without a body on, and its answer back.
fn pass_on(mut client: StreamOwned<ServerConnection, TcpStream>, behind: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    head.truncate(head.len() - 2);
    head.extend_from_slice(b"Connection: close\r\n\r\n");
    let mut server = TcpStream::connect(behind)?;
    server.write_all(&head)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    client.write_all(&answer)?;
    client.conn.send_close_notify();
    client.flush()
}

fn ended(arguments: &[&OsStr], environment: &[(&str, &str)]) -> (i32, String, String) {
    let output = run(arguments, b"", environment);
    let (out, error) = texts(&output);
    (output.status.code().unwrap(), out, error)
}

fn healthcheck(url: &str, ca: Option<&Path>) -> (i32, String, String) {
    let mut arguments = vec![OsStr::new("healthcheck"), OsStr::new("--url"), OsStr::new(url)];
    arguments.extend(ca.into_iter().flat_map(|ca| [OsStr::new("--ca"), ca.as_os_str()]));
    ended(&arguments, &[])
}

#[test]
fn a_certificate_that_vouches_for_itself_is_trusted_exactly_where_it_was_given() {
    let home = TempDir::new().unwrap();
    let binary = Binary::demo(&home.path().join("data"));
    for (name, kind) in [("authority", Kind::Authority), ("server", Kind::Server)] {
        let issued = issue(home.path(), name, kind);
        let url = front(binary.admin_url(), &issued);
        let trusted = healthcheck(&url, Some(&issued.certificate));
        assert_eq!(trusted, (0, "ready\n".to_owned(), String::new()), "{name}");

        let other = issue(home.path(), "other", kind);
        let (code, out, error) = healthcheck(&url, Some(&other.certificate));
        assert_eq!((code, out.as_str()), (1, ""), "{name}: another certificate of the same names vouches for nothing");
        assert!(error.contains("invalid peer certificate"), "{error}");
    }
    for (name, kind, told) in [("elsewhere", Kind::Elsewhere, "not valid for name"), ("old", Kind::Expired, "expired")]
    {
        let issued = issue(home.path(), name, kind);
        let url = front(binary.admin_url(), &issued);
        let (code, out, error) = healthcheck(&url, Some(&issued.certificate));
        assert_eq!((code, out.as_str()), (1, ""), "{name}");
        assert!(error.contains(told), "{name}: {error}");
    }
    let nothing = home.path().join("nothing.pem");
    fs::write(&nothing, "no certificate").unwrap();
    let (code, _, error) = healthcheck("https://localhost:1", Some(&nothing));
    assert!(code == 2 && error.contains("there is no certificate in it"), "{code} {error}");
    assert_eq!(binary.stop().code(), Some(0));
}

#[test]
fn a_backup_is_taken_over_tls() {
    let home = TempDir::new().unwrap();
    let binary = Binary::demo(&home.path().join("data"));
    let issued = issue(home.path(), "authority", Kind::Authority);
    let url = front(binary.admin_url(), &issued);
    let file = home.path().join("gateway.ndjson");
    let [command, address, to, ca] = ["backup", "--url", "--to", "--ca"].map(OsStr::new);
    let arguments = [command, address, OsStr::new(&url), to, file.as_os_str(), ca, issued.certificate.as_os_str()];
    let (code, out, error) = ended(&arguments, &[]);
    assert_eq!((code, error.as_str()), (0, ""), "{out}");
    assert!(fs::read_to_string(&file).unwrap().contains("6504664130"));
    assert_eq!(binary.stop().code(), Some(0));
}

/// A gateway that shows a certificate itself.
fn gateway_with(home: &Path, certificate: &Path, key: &Path) -> Binary {
    let configuration = home.join("gateway.toml");
    let text = format!(
        "[server.tls]\ncertificate = \"{}\"\nkey = \"{}\"\n[[tenant]]\nid = \"t\"\n\
         users = [{{ name = \"ann\", password_hash = \"{}\" }}]\n\
         applications = [{{ name = \"a\", kind = \"dnis\", key = \"key-of-the-application\" }}]\n",
        certificate.display(),
        key.display(),
        texts(&run(&["hash-secret"], b"secret", &[])).0.trim(),
    );
    fs::write(&configuration, text).unwrap();
    let data = home.join("data");
    Binary::serve(&[OsStr::new("--config"), configuration.as_os_str(), OsStr::new("--data"), data.as_os_str()])
}

#[test]
fn numbers_travel_over_tls_and_the_key_of_the_application_comes_from_the_environment() {
    let home = TempDir::new().unwrap();
    let issued = issue(home.path(), "authority", Kind::Authority);
    let binary = gateway_with(home.path(), &issued.certificate, &issued.key);
    let url = binary.url().replace("127.0.0.1", "localhost");
    let file = home.path().join("numbers.csv");
    fs::write(&file, "5550100\n").unwrap();
    let (path, ca) = (file.to_str().unwrap(), issued.certificate.to_str().unwrap());
    let call = |extra: &[&str], key: &str| {
        let all = [
            &["numbers", "import", path, "--existing", "skip", "--user", "ann"][..],
            &["--url", &*url, "--ca", ca],
            extra,
        ];
        let arguments: Vec<&OsStr> = all.concat().into_iter().map(OsStr::new).collect();
        ended(&arguments, &[("DNIS_GATEWAY_PASSWORD", "secret"), ("DNIS_GATEWAY_APPLICATION_KEY", key)])
    };
    let imported = call(&["--tenant", "t"], "key-of-the-application");
    assert_eq!(imported, (0, "1 number imported, 0 existed already\n".to_owned(), String::new()));
    let (code, _, error) = call(&["--tenant", "t"], "key-of-another");
    assert!(code == 1 && error.contains("Missing or wrong credentials"), "{code} {error}");
    let overruled = call(&["--tenant", "t", "--application-key", "key-of-the-application"], "key-of-another");
    assert_eq!(overruled.0, 0, "the option has the last word: {}", overruled.2);
    let (code, _, error) = call(&[], "key-of-the-application");
    assert!(
        code == 2 && error.contains("DNIS_GATEWAY_APPLICATION_KEY") && error.contains("--tenant"),
        "{code} {error}"
    );
    assert_eq!(binary.stop().code(), Some(0));
}

#[test]
fn the_line_of_the_operators_page_makes_a_certificate_that_works() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operating.md")).unwrap();
    let line = page.lines().find(|line| line.starts_with("openssl req ")).expect("the page shows how to make one");
    let home = TempDir::new().unwrap();
    let made = Command::new("sh").args(["-euc", line]).current_dir(home.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (certificate, key) = (home.path().join("gateway.pem"), home.path().join("gateway.key"));
    let binary = gateway_with(home.path(), &certificate, &key);
    let ca = certificate.to_str().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let url = binary.url().replace("127.0.0.1", host);
        let arguments = ["numbers", "list", "--user", "ann", "--url", &url, "--ca", ca].map(OsStr::new);
        let (code, out, error) = ended(&arguments, &[("DNIS_GATEWAY_PASSWORD", "secret")]);
        assert!(code == 0 && out.starts_with("NUMBER"), "{host}: {code} {error}");
    }
    assert_eq!(binary.stop().code(), Some(0));
}
