//! The commands as an operator types them: what they print, and how they end.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::Path;

use tempfile::TempDir;

use crate::binary::{Binary, run, texts};
use crate::callers::{Caller, send};

/// Runs a command; its exit code with what it wrote to standard output and to standard error.
fn ended(arguments: &[&str]) -> (i32, String, String) {
    let output = run(arguments, b"", &[]);
    let (out, error) = texts(&output);
    (output.status.code().unwrap(), out, error)
}

fn written(directory: &Path, text: &str) -> String {
    let path = directory.join("gateway.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_announces_its_listeners_and_then_the_wsdls_and_ends_with_0() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let [listening, admin, agent, dnis, gateway] = binary.announced() else { panic!("{:?}", binary.announced()) };
    assert!(listening.starts_with("listening on http://127.0.0.1:"), "{listening}");
    assert!(admin.starts_with("admin on http://127.0.0.1:"), "{admin}");
    assert_eq!(*agent, format!("{}/interact/version/2/agent/soap/agent.wsdl", binary.url()));
    assert_eq!(*dnis, format!("{}/interact/version/2/dnis/soap/dnis.wsdl", binary.url()));
    assert_eq!(*gateway, format!("{}/gateway/v1/soap/gateway.wsdl", binary.url()));
    assert_ne!(binary.url(), binary.admin_url());
    for wsdl in [agent, dnis, gateway] {
        let (base, path) = wsdl.split_at(binary.url().len());
        let reply = Caller::of(base).get(path).await;
        assert!(reply.status == 200 && reply.text().contains("definitions"), "{reply:?}");
    }
    assert_eq!(Caller::of(binary.admin_url()).get("/health/ready").await.status, 200);
    assert_eq!(binary.stop().code(), Some(0));
}

#[test]
fn the_demo_refuses_any_address_that_others_can_reach() {
    let data = TempDir::new().unwrap();
    let data = data.path().join("data");
    for (option, address) in [
        ("--listen", "0.0.0.0:0"),
        ("--listen", "[::]:0"),
        ("--admin-listen", "0.0.0.0:0"),
        ("--listen", "192.0.2.1:0"),
    ] {
        let (code, out, error) = ended(&["serve", "--demo", "--data", data.to_str().unwrap(), option, address]);
        assert_eq!((code, out.as_str()), (2, ""), "{error}");
        assert!(error.contains(option) && error.contains(address) && error.contains("loopback"), "{error}");
    }
    assert!(!data.exists(), "nothing was started");
}

#[test]
fn a_mistake_in_the_configuration_stops_the_start_with_file_key_and_reason() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    for (text, place, reason) in [
        ("[server]\nlisten = \"127.0.0.1:0\"\nlissten = 1\n", "gateway.toml:3: server.lissten: ", "listen"),
        ("[access]\nfailures = 0\n", "gateway.toml:2: access.failures: ", "1"),
        ("[access]\nfailures = \"ten\"\n", "gateway.toml:2: access.failures: ", "number"),
        ("[gms]\nanonymous_tenant = \"nobody\"\n", "gateway.toml:2: gms.anonymous_tenant: ", "tenant"),
        ("[server\n", "gateway.toml:1: ", ""),
    ] {
        let file = written(directory.path(), text);
        let (code, out, error) =
            ended(&["serve", "--config", &file, "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
        assert_eq!((code, out.as_str()), (2, ""), "{text}: {error}");
        let told = error.split_once(place).unwrap_or_else(|| panic!("no {place} in {error}")).1;
        assert!(told.contains(reason), "{text}: {error}");
    }
    let (code, _, error) = ended(&["serve", "--config", "/nowhere/gateway.toml"]);
    assert!(code == 2 && error.contains("/nowhere/gateway.toml"), "{code} {error}");
    assert!(!data.exists(), "nothing was started");
}

#[test]
fn a_variable_with_a_wrong_value_stops_the_start_and_one_for_an_unknown_key_is_a_warning() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let serve = ["serve", "--demo", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let output = run(&serve, b"", &[("DNIS_GATEWAY__ACCESS__FAILURES", "many")]);
    let (_, error) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("DNIS_GATEWAY__ACCESS__FAILURES") && error.contains("a whole number"), "{error}");

    let check = ["check", "--config", "samples/gateway.toml"];
    let output = run(&check, b"", &[("DNIS_GATEWAY__ACCESS__FAILURS", "3")]);
    let (_, error) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{error}");
    assert!(error.contains("DNIS_GATEWAY__ACCESS__FAILURS") && error.contains("did you mean `failures`"), "{error}");
}

#[test]
fn check_passes_the_sample_and_tells_a_misspelt_key_with_what_was_meant() {
    let (code, out, error) = ended(&["check", "--config", "samples/gateway.toml"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("samples/gateway.toml: valid"), "{out}");

    let directory = TempDir::new().unwrap();
    let sample = std::fs::read_to_string("samples/gateway.toml").unwrap();
    let misspelt = sample.replace("interaction_ttl = 3600", "interaction_tll = 3600\nanother = 1");
    let file = written(directory.path(), &misspelt);
    let (code, out, error) = ended(&["check", "--config", &file]);
    assert_eq!((code, out.as_str()), (1, ""));
    let line = error.lines().find(|line| line.contains("gms.interaction_tll")).unwrap();
    assert!(line.contains(&file) && line.contains("interaction_ttl"), "{line}");
    assert!(error.contains("gms.another"), "every problem is told: {error}");

    let (code, out, error) = ended(&["check", "--config", "/nowhere.toml"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(error, "dnis-gateway: /nowhere.toml: there is no such file\n");
}

#[test]
fn what_serve_refuses_check_refuses_in_the_same_words() {
    let directory = TempDir::new().unwrap();
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(directory.path().join("cert.pem"), issued.cert.pem()).unwrap();
    std::fs::write(directory.path().join("other.key"), other.signing_key.serialize_pem()).unwrap();
    let tenant = "[[tenant]]\nid = \"t\"\n";
    let data = directory.path().join("data");
    for (text, told) in [
        ("[log]\nlevel = \"verbose\"\n".to_owned(), "gateway.toml:2: log.level: must be off, error, warn"),
        (
            "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"other.key\"\n".to_owned(),
            "gateway.toml:3: server.tls.key: ",
        ),
        (
            format!("{tenant}groups = [{{ name = \"a\", fallback = \"b\" }}]\n"),
            "gateway.toml:3: tenant[0].groups[0].fallback: must be a group that the tenant has",
        ),
        (
            format!("{tenant}[tenant.gms.service.request-access]\n_resource_group = \"DNIS\"\n"),
            "gateway.toml:4: tenant[0].gms.service.request-access._resource_group: must be a group that the tenant has",
        ),
        (
            format!("[interact]\ndefault_groups = [\"b\"]\n{tenant}groups = [{{ name = \"a\" }}]\n"),
            "gateway.toml:2: interact.default_groups[0]: must be a group that a tenant has",
        ),
        (format!("{tenant}[interact\n"), "gateway.toml:3: is not valid TOML"),
    ] {
        let file = written(directory.path(), &text);
        let (code, out, error) = ended(&["check", "--config", &file]);
        assert_eq!((code, out.as_str(), error.lines().count()), (1, "", 1), "{text}: {error}");
        assert!(error.contains(told), "{text}: {error}");
        let serve = ["serve", "--config", &file, "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        assert_eq!(ended(&serve), (2, String::new(), error));
    }
    assert!(!data.exists(), "nothing was started");
}

#[test]
fn what_is_hardly_meant_so_is_a_warning_and_refuses_nothing() {
    let directory = TempDir::new().unwrap();
    let file = written(directory.path(), "[[tenant]]\nid = \"t\"\n");
    let of_kubernetes = ("DNIS_GATEWAY_PORT_8080_TCP_PORT", "8080");
    let output = run(&["check", "--config", &file], b"", &[("DNIS_GATEWAY_LISTEN", "x"), of_kubernetes]);
    let (out, error) = texts(&output);
    assert_eq!((output.status.code(), error.lines().count()), (Some(0), 1), "{error}");
    assert!(error.contains("warning: environment variable DNIS_GATEWAY_LISTEN: is not looked at"), "{error}");
    assert!(out.contains("valid, 1 tenant"), "{out}");
    let empty = written(directory.path(), "");
    let (code, _, error) = ended(&["check", "--config", &empty]);
    assert!(code == 0 && error.contains("there is no [[tenant]], so every call will be refused"), "{code} {error}");
}

#[test]
fn serve_without_a_configuration_says_so_and_what_to_do() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let stray = [("DNIS_GATEWAY_LISTEN", Path::new("x"))];
    let binary = Binary::in_directory(directory.path(), &stray, &[OsStr::new("--data"), data.as_os_str()]);
    binary.wait_until(|log| log.contains("no configuration was given") && log.contains("--config FILE"));
    binary.wait_until(|log| log.contains("DNIS_GATEWAY_LISTEN: is not looked at"));
    assert_eq!(binary.stop().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hash_made_by_hash_secret_lets_its_secret_in() {
    let output = run(&["hash-secret"], "schlüssel\n".as_bytes(), &[]);
    let (hash, error) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{error}");
    let hash = hash.strip_suffix('\n').unwrap();
    assert!(hash.starts_with("$argon2id$v=19$") && !hash.contains('\n'), "{hash}");

    let directory = TempDir::new().unwrap();
    let config = format!(
        "[[tenant]]\nid = \"t\"\nusers = [{{ name = \"ann\", password_hash = \"{hash}\" }}]\n\
         applications = [{{ name = \"a\", kind = \"dnis\", key = \"k1-0123456789\" }}]\n"
    );
    let file = written(directory.path(), &config);
    let data = directory.path().join("data");
    let arguments = ["--config", &file, "--data", data.to_str().unwrap()].map(OsStr::new);
    let binary = Binary::serve(&arguments);
    let caller = Caller::of(binary.url());
    // "ann", and the secret in Base64.
    let list = |password: &str| {
        let request = caller.request(reqwest::Method::GET, "/interact/version/2/dnis").header("Tenant-Id", "t");
        request.header("Application-Key", "k1-0123456789").header("User-Id", "YW5u").header("User-Password", password)
    };
    assert_eq!(send(list("c2NobMO8c3NlbA==")).await.status, 200);
    assert_eq!(send(list("c2NobMO8c3NlbAo=")).await.status, 401, "the line break is no part of it");

    for (input, told) in [(&b""[..], "empty"), (b"\n", "empty"), (b"\xff\xfe", "UTF-8"), (&[b'x'; 5000], "4096")] {
        let output = run(&["hash-secret"], input, &[]);
        let (out, error) = texts(&output);
        assert_eq!((output.status.code(), out.as_str()), (Some(2), ""), "{error}");
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn healthcheck_ends_with_0_when_the_gateway_is_ready_and_with_1_otherwise() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let url = binary.admin_url().to_owned();
    let (code, out, error) = ended(&["healthcheck", "--url", &url]);
    assert_eq!((code, out.as_str()), (0, "ready\n"), "{error}");
    assert_eq!(ended(&["healthcheck", "--url", &format!("{url}/health/ready")]).0, 0);

    // A proxy for the outside world has nothing to do with the gateway on this machine.
    let proxies = [("http_proxy", "http://127.0.0.1:1"), ("ALL_PROXY", "http://127.0.0.1:1")];
    let output = run(&["healthcheck", "--url", &url], b"", &proxies);
    assert_eq!(output.status.code(), Some(0), "{:?}", texts(&output));

    let (code, out, error) = ended(&["healthcheck", "--url", binary.url()]);
    assert_eq!((code, out.as_str()), (1, ""), "the dialects' listener has no health");
    assert!(error.contains("404"), "{error}");
    assert_eq!(binary.stop().code(), Some(0));
    let (code, _, error) = ended(&["healthcheck", "--url", &url]);
    assert!(code == 1 && error.contains(&url), "{code} {error}");
    for nonsense in ["nonsense", "127.0.0.1:9090", "http://127.0.0.1:99999"] {
        let (code, out, error) = ended(&["healthcheck", "--url", nonsense]);
        assert_eq!((code, out.as_str()), (1, ""), "supervisors know no other code: {error}");
        assert!(error.contains(nonsense) && error.contains("must begin with http://"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_gateway_over_the_same_directory_is_refused_and_the_first_goes_on() {
    let data = TempDir::new().unwrap();
    let binary = Binary::demo(data.path());
    let path = data.path().to_str().unwrap();
    let (code, out, error) = ended(&["serve", "--demo", "--data", path, "--listen", "127.0.0.1:0"]);
    assert_eq!((code, out.as_str()), (1, ""), "{error}");
    assert!(error.contains(path) && error.contains("in use by another process"), "{error}");
    let caller = Caller::of(binary.url());
    assert_eq!(caller.allocate("still here", "test").await.status, 200);
    assert_eq!(binary.stop().code(), Some(0));
}

#[test]
fn a_taken_address_is_told_with_the_option_that_chooses_another() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = TempDir::new().unwrap();
    let data = data.path().join("data");
    for (option, other) in [("--listen", "--admin-listen"), ("--admin-listen", "--listen")] {
        let arguments = ["serve", "--demo", "--data", data.to_str().unwrap(), option, &address, other, "127.0.0.1:0"];
        let (code, out, error) = ended(&arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{error}");
        assert!(error.contains(&address) && error.contains(option), "{error}");
    }
    assert!(!data.exists(), "whoever cannot listen does not touch the data");
}

#[test]
fn a_directory_that_holds_other_files_is_left_alone() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("holiday.jpg"), b"x").unwrap();
    let path = directory.path().to_str().unwrap();
    let (code, out, error) = ended(&["serve", "--demo", "--data", path, "--listen", "127.0.0.1:0"]);
    assert_eq!((code, out.as_str()), (1, ""), "{error}");
    assert!(error.contains(path) && error.contains("no data directory"), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_wrong() {
    for (arguments, told) in [
        (&["serve", "--no-such-option"][..], "--no-such-option"),
        (&["serve", "--demo", "--config", "x.toml"], "--demo"),
        (&["serve", "--listen", "localhost"], "--listen"),
        (&["no-such-command"], "no-such-command"),
        (&["check"], "--config"),
        (&["healthcheck", "extra"], "extra"),
        (&["backup", "--to", "-", "--url", "127.0.0.1:9090"], "must begin with http://"),
        (&[], "Usage"),
    ] {
        let (code, out, error) = ended(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(error.contains(told), "{arguments:?}: {error}");
    }
}

#[test]
fn the_help_of_every_command_shows_an_example() {
    let example = |arguments: &[&str]| {
        let (code, out, _) = ended(arguments);
        assert_eq!(code, 0, "{arguments:?}");
        assert!(out.contains("Example: "), "{arguments:?}: {out}");
    };
    example(&["--help"]);
    for command in ["serve", "check", "hash-secret", "healthcheck"] {
        example(&[command, "--help"]);
    }
    assert_eq!(ended(&["--version"]).1, format!("dnis-gateway {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn import_gms_prints_a_valid_configuration_and_complains_of_what_it_left_out() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/gms/options.cfg");
    let (code, out, error) = ended(&["import-gms", sample, "--tenant", "blue-bank"]);
    assert_eq!(code, 0, "{error}");
    assert!(!out.contains("change-me"), "a password is written as its hash");
    assert!(error.contains("[service.callback-sales] _type") && error.contains("[storage] password"), "{error}");
    let directory = TempDir::new().unwrap();
    let (code, valid, error) = ended(&["check", "--config", &written(directory.path(), &out)]);
    assert!(code == 0 && valid.contains("valid, 1 tenant"), "{error}");

    let (code, out, error) = ended(&["import-gms", &written(directory.path(), "nonsense")]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.contains("line 1: must be [section] or key=value"), "{error}");
    assert_eq!(ended(&["import-gms", "/nowhere/options.cfg"]).0, 2);
}
