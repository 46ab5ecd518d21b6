//! The configuration as a whole: layers, problems, the demo and the sample.

use std::path::PathBuf;

mod aicc;

use super::load::read_keys;
use super::*;
use crate::domain::{EnvironmentName, Number, Policy, Seconds};

const SAMPLE: &str = include_str!("../../../samples/gateway.toml");
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$muM/Ycl/N/yy9qB4rJKzSw$F9clZuJVvQ1Z/qqEC0bS1STBby6I1e7MhzChdS3bhaI";

fn none() -> Overrides {
    Overrides::default()
}

fn variables(list: &[(&str, &str)]) -> std::vec::IntoIter<(String, String)> {
    list.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<Vec<_>>().into_iter()
}

/// A folder with the text as `gateway.toml`.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn load(text: &str) -> Result<Settings, Problems> {
    load_with(text, &[], &none())
}

fn load_with(text: &str, env: &[(&str, &str)], overrides: &Overrides) -> Result<Settings, Problems> {
    let (_folder, path) = file(text);
    Settings::load(Some(&path), variables(env), overrides)
}

/// What is wrong with `text`: line, key and text of each problem.
fn problems(text: &str) -> Vec<String> {
    let found = load(text).expect_err("the configuration is wrong");
    let line = |problem: &Problem| match &problem.origin {
        SettingOrigin::File { line, .. } => *line,
        other => panic!("{other} is not in the file"),
    };
    found.iter().map(|problem| format!("{} {}: {}", line(problem), problem.key, problem.text)).collect()
}

/// The only problem of `text`.
#[track_caller]
fn problem(text: &str) -> String {
    let mut found = problems(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn the_log_warns_of_a_group_from_75_and_90_percent_on_unless_told_otherwise() {
    let pools = |text: &str| load(text).map(|settings| (settings.log.pools.warning, settings.log.pools.critical));
    assert_eq!(pools("").unwrap(), (75, 90));
    assert_eq!(pools("[log]\npool_warning = 50\npool_critical = 50\n").unwrap(), (50, 50));
    assert!(problem("[log]\npool_warning = 0\n").contains("log.pool_warning: must be a whole number from 1 to 100"));
    let expected = "must not be lower for pool_critical (default 90) than for pool_warning (default 75)";
    assert!(problem("[log]\npool_warning = 95\n").ends_with(expected));
    assert!(problem("[log]\npool_critical = 60\n").starts_with("2 log.pool_critical"));
}

#[test]
fn without_a_file_the_defaults_hold() {
    let settings =
        Settings::load(None, variables(&[("HOME", "/root"), ("DNIS_GATEWAY_PASSWORD", "x")]), &none()).unwrap();
    assert_eq!(settings.server, Server::default());
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.admin.listen.to_string(), "127.0.0.1:9090");
    assert_eq!(settings.store, Store::default());
    assert_eq!(settings.access, Access::default());
    assert!(settings.tenants.is_empty());
}

#[test]
fn variables_lie_above_the_file_and_the_command_line_above_both() {
    let text = "[server]\nlisten = '127.0.0.1:1'\n[store]\npath = 'a'\n[access]\nfailures = 3\nwindow = 7\n\
                [[tenant]]\nid = 'a'\ngroups = [{ name = 'a' }]\nnumbers = [{ number = '1', dnid = '1', group = 'b' }]";
    let env = [
        ("DNIS_GATEWAY__SERVER__LISTEN", "127.0.0.1:2"),
        ("DNIS_GATEWAY__STORE__PATH", "b"),
        ("DNIS_GATEWAY__ACCESS__FAILURES", "4"),
        ("DNIS_GATEWAY__SERVER__LIMITS__BODY", "2048"),
        ("DNIS_GATEWAY__INTERACT__DEFAULT_GROUPS", "['a', 'b']"),
    ];
    let overrides = Overrides { data: Some("c".into()), ..none() };
    let settings = load_with(text, &env, &overrides).unwrap();
    assert_eq!(settings.server.listen.port(), 2);
    assert_eq!(settings.store.path, PathBuf::from("c"));
    assert_eq!(settings.access.failures, 4);
    assert_eq!(settings.access.window, Seconds::new(7));
    assert_eq!(settings.server.limits.body, 2048);
    assert_eq!(settings.interact.default_groups.unwrap().len(), 2);
}

#[test]
fn a_variable_that_looks_like_a_number_can_still_be_a_name() {
    let settings =
        load_with("[[tenant]]\nid = '12345678'", &[("DNIS_GATEWAY__GMS__ANONYMOUS_TENANT", "12345678")], &none());
    assert_eq!(settings.unwrap().gms.anonymous_tenant.unwrap().as_str(), "12345678");
}

#[test]
fn the_room_for_bodies_holds_the_longest_one() {
    let found = problem("[server.limits]\nbodies_in_flight = 1048576");
    assert!(found.contains("server.limits.bodies_in_flight: must be at least 8388608"), "{found}");
    assert!(Settings::from_toml("[server.limits]\nbodies_in_flight = 1048576\nmultipart = 1048576").is_ok());
}

#[test]
fn a_variable_for_an_unknown_key_is_a_warning_and_not_looked_at() {
    for (name, expected) in [
        ("DNIS_GATEWAY__ACCESS__FAILURE", "access.failure: is an unknown key; did you mean `failures`?"),
        ("DNIS_GATEWAY__SERVRE__LISTEN", "servre: is an unknown key; did you mean `server`?"),
    ] {
        let settings = load_with("[store]\npath = 'a'", &[(name, "3")], &none()).unwrap();
        let warnings: Vec<_> = settings.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, [format!("environment variable {name}: {expected}")]);
    }
}

#[test]
fn a_wrong_variable_is_named() {
    for (name, text, expected) in [
        (
            "DNIS_GATEWAY__ACCESS__FAILURES",
            "many",
            "access.failures: must be a whole number from 1 to 1000, not a text",
        ),
        ("DNIS_GATEWAY__SERVER", "x", "server: must be a table ([server]), not a text"),
        ("DNIS_GATEWAY__STORE__PATH__X", "x", "store.path.x: cannot be set this way: `path` is a text"),
        ("DNIS_GATEWAY__STORE__PATH", "a\u{fffd}", "store.path: must be valid UTF-8"),
        ("DNIS_GATEWAY__", "x", "must be named DNIS_GATEWAY__SECTION__KEY"),
    ] {
        let found = load_with("[store]\npath = 'a'", &[(name, text)], &none()).unwrap_err().to_string();
        assert!(found.starts_with(&format!("environment variable {name}: ")), "{found}");
        assert!(found.ends_with(expected), "{found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
}

#[test]
fn a_free_port_on_the_command_line_frees_the_admin_port_unless_that_is_given_too() {
    let free = Some("127.0.0.1:0".parse().unwrap());
    let fixed = Some("127.0.0.1:7000".parse().unwrap());
    let admin = |overrides| load_with("", &[], &overrides).unwrap().admin.listen.port();
    assert_eq!(admin(Overrides { listen: free, ..none() }), 0);
    assert_eq!(admin(Overrides { listen: free, admin_listen: fixed, ..none() }), 7000);
    assert_eq!(admin(Overrides { listen: fixed, ..none() }), 9090);
    let same = load_with("", &[], &Overrides { listen: fixed, admin_listen: fixed, ..none() }).unwrap_err();
    assert_eq!(same.to_string(), "option --admin-listen: admin.listen: must be another address than server.listen");
}

#[test]
fn every_problem_is_reported_with_its_line_in_the_order_of_the_file() {
    let text = "[server]\nlisten = 'nowhere'\nworkers = 0\n[sevrer]\n[log]\nformat = 'pretty'\nlevel = 1\n[[tenant]]\nid = ''\n";
    let found = problems(text);
    let expected = [
        "2 server.listen: must be an IP address and a port such as",
        "3 server.workers: must be a whole number from 1 to 1024",
        "4 sevrer: is an unknown key; did you mean `server`?",
        "6 log.format: must be \"auto\" or \"human\" or \"json\"",
        "7 log.level: must be a text in quotes, not a whole number",
        "9 tenant[0].id: must not be empty",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn a_problem_is_one_line_with_file_key_and_what_is_allowed() {
    let (_folder, path) = file("\n[access]\nfailures = 0\n");
    let found = Settings::load(Some(&path), variables(&[]), &none()).unwrap_err().to_string();
    assert_eq!(found, format!("{}:3: access.failures: must be a whole number from 1 to 1000", path.display()));
}

#[test]
fn broken_toml_is_reported_with_its_line() {
    let found = problems("[server]\nlisten = \n[admin]\n");
    assert!(found[0].starts_with("2 : is not valid TOML: "), "{found:#?}");
    assert!(problems("[server]\n[server]\n")[0].contains("is not valid TOML"));
}

#[test]
fn a_slip_in_the_syntax_is_one_problem_and_no_other_is_made_up_behind_it() {
    let tenant = "[[tenant]]\nid = 'a'\nusers = [{ name = 'u', password_hash = 'x }]\n[gms]\nanonymous_tenant = 'a'\n";
    for (text, line) in [
        (tenant, "3 "),
        ("[access]\nfailures == 3\n", "2 "),
        ("[[tenant]]\nid = \"a\n", "2 "),
        ("[interact\nprefix = '/a'\n[gms\n", "1 "),
    ] {
        let found = problems(text);
        let [only] = &found[..] else { panic!("{text}: {found:#?}") };
        assert!(only.starts_with(line) && only.contains("is not valid TOML"), "{text}: {only}");
    }
}

#[test]
fn a_level_of_the_log_can_be_a_word_or_a_filter() {
    for level in ["warn", "INFO", "off", "info,dnis_gateway::store=debug", "error,dnis_gateway=trace"] {
        assert_eq!(load(&format!("[log]\nlevel='{level}'")).unwrap().log.level, level);
    }
}

#[test]
fn a_variable_with_the_gateways_name_that_sets_nothing_is_a_warning() {
    let of_kubernetes = [
        ("DNIS_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("DNIS_GATEWAY_SERVICE_PORT_HTTP", "8080"),
        ("DNIS_GATEWAY_PORT", "tcp://10.0.0.1:8080"),
        ("DNIS_GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("DNIS_GATEWAY_ADMIN_SERVICE_HOST", "10.0.0.2"),
        ("DNIS_GATEWAY_ADMIN_PORT", "tcp://10.0.0.2:9090"),
    ];
    let of_commands = [("DNIS_GATEWAY_PASSWORD", "p"), ("DNIS_GATEWAY_APPLICATION_KEY", "k"), ("PATH", "/bin")];
    let settings = load_with("", &[&of_kubernetes[..], &of_commands].concat(), &none()).unwrap();
    assert_eq!(settings.warnings, []);
    let settings =
        load_with("", &[("DNIS_GATEWAY_ACCESS__FAILURES", "3"), ("DNIS_GATEWAY_LOG", "x")], &none()).unwrap();
    assert_eq!(settings.access.failures, Settings::default().access.failures);
    let told: Vec<String> = settings.warnings.iter().map(ToString::to_string).collect();
    let [access, log] = &told[..] else { panic!("{told:#?}") };
    assert!(access.starts_with("environment variable DNIS_GATEWAY_ACCESS__FAILURES: is not looked at"), "{access}");
    assert!(log.contains("DNIS_GATEWAY_LOG") && log.contains("DNIS_GATEWAY__SECTION__KEY"), "{log}");
}

#[test]
fn a_file_with_a_secret_that_everybody_may_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;

    let text = "[[tenant]]\nid='a'\napplications=[{name='n',kind='dnis',key={file='key'}}]";
    let (folder, path) = file(text);
    let key = folder.path().join("key");
    std::fs::write(&key, "k-1").unwrap();
    for (mode, may) in [(0o644, Some("read")), (0o666, Some("read and change")), (0o640, None), (0o600, None)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let warnings = Settings::load(Some(&path), variables(&[]), &none()).unwrap().warnings;
        let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        match may {
            None => assert!(told.is_empty(), "{mode:o}: {told:?}"),
            Some(may) => {
                let [told] = &told[..] else { panic!("{mode:o}: {told:?}") };
                let place = "gateway.toml:3: tenant[0].applications[0].key: everybody on this machine may";
                assert!(told.contains(&format!("{place} {may} the file {}", key.display())), "{told}");
            }
        }
    }
}

/// A certificate and its key, in PEM.
fn issued() -> (String, String) {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (issued.cert.pem(), issued.signing_key.serialize_pem())
}

#[test]
fn a_certificate_and_a_key_that_cannot_be_used_are_told_at_their_place() {
    let ((certificate, key), (_, other_key)) = (issued(), issued());
    // Nothing but the frame tells that a key is encrypted, so its content does not matter.
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (certificate, key, expected) in [
        (&certificate, &key, None),
        (&certificate, &other_key, Some("3: server.tls.key: the file ")),
        (&certificate, &encrypted, Some("is encrypted, and there is nobody to ask for its password; write it without")),
        (&certificate, &String::new(), Some("key.pem: there is no private key in it (PEM)")),
        (&certificate, &certificate, Some("key.pem: there is no private key in it (PEM)")),
        (&key, &key, Some("2: server.tls.certificate: the file ")),
        (&String::new(), &key, Some("cert.pem: there is no certificate in it (PEM)")),
    ] {
        let (folder, path) = file("[server.tls]\ncertificate = 'cert.pem'\nkey = 'key.pem'\n");
        std::fs::write(folder.path().join("cert.pem"), certificate).unwrap();
        std::fs::write(folder.path().join("key.pem"), key).unwrap();
        let loaded = Settings::load(Some(&path), variables(&[]), &none());
        match (expected, loaded) {
            (None, Ok(settings)) => assert!(settings.server.tls.is_some()),
            (Some(expected), Err(problems)) => {
                let told = problems.to_string();
                assert!(told.contains(expected) && told.lines().count() == 1, "{expected}: {told}");
            }
            (expected, loaded) => panic!("{expected:?}: {loaded:?}"),
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let found = Settings::load(Some(&PathBuf::from("/nowhere/gateway.toml")), variables(&[]), &none()).unwrap_err();
    assert_eq!(found.to_string(), "/nowhere/gateway.toml: there is no such file");
    let found = Settings::load(Some(&std::env::temp_dir()), variables(&[]), &none()).unwrap_err().to_string();
    assert!(found.starts_with(&format!("{}: cannot be read: ", std::env::temp_dir().display())), "{found}");
    let (_folder, path) = file("");
    std::fs::write(&path, b"a = '\xff'").unwrap();
    let found = Settings::load(Some(&path), variables(&[]), &none()).unwrap_err();
    assert!(found.to_string().ends_with("must be UTF-8 text"), "{found}");
}

#[test]
fn an_unknown_key_is_an_error_in_every_section() {
    let tenant = format!("[[tenant]]\nid = 'a'\nusers = [{{ name = 'u', password_hash = '{HASH}', x = 1 }}]\n");
    for text in [
        "x = 1",
        "[server]\nx = 1",
        "[server.limits]\nx = 1",
        "[admin]\nx = 1",
        "[store]\nx = 1",
        "[access]\nx = 1",
        "[log]\nx = 1",
        "[soap]\nx = 1",
        "[gms]\nx = 1",
        "[interact]\nx = 1",
        "[[tenant]]\nid = 'a'\nx = 1",
        tenant.as_str(),
        "[[tenant]]\nid = 'a'\napplications = [{ name = 'a', kind = 'dnis', key = 'k', x = 1 }]",
        "[[tenant]]\nid = 'a'\ngroups = [{ name = 'a', x = 1 }]",
        "[[tenant]]\nid = 'a'\nnumbers = [{ number = '1', dnid = '1', x = 1 }]",
        "[[tenant]]\nid = 'a'\ninteractions = [{ id = '1', x = 1 }]",
        "[[tenant]]\nid = 'a'\ngms.x = 1",
        "[[tenant]]\nid = 'a'\ngms.server.x = 1",
        "[[tenant]]\nid = 'a'\ngms.storage.x = 1",
        "[[tenant]]\nid = 'a'\ngms.service.request-access.x = 1",
    ] {
        assert!(problem(text).contains("x: is an unknown key; known are "), "{text}");
    }
}

#[test]
fn names_that_are_there_twice_are_refused() {
    let tenant = |rest: &str| format!("[[tenant]]\nid = 'a'\n{rest}");
    let user = format!("{{ name = 'u', password_hash = '{HASH}' }}");
    for (text, expected) in [
        (tenant("[[tenant]]\nid = ' a '"), "tenant[1].id: is the id of another tenant too"),
        (tenant("environments = ['prod', 'PROD']"), "tenant[0].environments: names \"prod\" twice"),
        (
            tenant(&format!("users = [{user}, {user}]")),
            "tenant[0].users[1].name: is the name of another user of this tenant",
        ),
        (
            format!("[admin]\nusers = [{user}, {user}]"),
            "admin.users[1].name: is the name of another user of the gateway",
        ),
        (
            format!("admin.users = [{user}]\n{}", tenant(&format!("users = [{user}]"))),
            "admin.users[0].name: is the name of a user of tenant \"a\" too; who sees all tenants needs a name",
        ),
        (
            tenant("applications = [{name='a',kind='dnis',key='k'},{name='b',kind='interaction',key='k'}]"),
            "tenant[0].applications[1].key: is the key of another application",
        ),
        (
            tenant("applications = [{name='a',kind='dnis',key='k'},{name='a',kind='dnis',key='l'}]"),
            "tenant[0].applications[1].name: is the name of another application",
        ),
        (tenant("groups = [{name='g'},{name=' g'}]"), "tenant[0].groups[1].name: is the name of another group"),
        (
            tenant("numbers = [{number='1',dnid='1'},{number='1',dnid='2',group='g'}]"),
            "tenant[0].numbers[1].number: is there twice",
        ),
        (tenant("interactions = [{id='1'},{id='1'}]"), "tenant[0].interactions[1].id: is there twice"),
        (
            tenant("gms.server.username='u'\n[[tenant]]\nid='b'\ngms.storage.username='u'"),
            "tenant[1].gms.storage.username: is a GMS user name of another tenant too",
        ),
    ] {
        let found = problem(&text);
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn what_is_missing_is_named_at_its_table() {
    for (text, expected) in [
        ("[[tenant]]\nenvironments = []", "1 tenant[0].id: is missing"),
        ("[[tenant]]\nid='a'\n[[tenant.numbers]]\nnumber='1'", "3 tenant[0].numbers[0].dnid: is missing"),
        ("[[tenant]]\nid='a'\n[[tenant.groups]]\npolicy='random'", "3 tenant[0].groups[0].name: is missing"),
        ("[[tenant]]\nid='a'\n[tenant.gms.service.mine]\n_ttl=5", "3 tenant[0].gms.service.mine._service: is missing"),
    ] {
        assert_eq!(problem(text), expected);
    }
    let secret = "[[tenant]]\nid='a'\napplications=[{name='n',kind='dnis',key={}}]";
    assert_eq!(problem(secret), "3 tenant[0].applications[0].key.file: is missing");
    assert_eq!(problems("[[tenant]]\nid='a'\n[[tenant.applications]]\n").len(), 3);
    assert_eq!(problems("[[tenant]]\nid='a'\n[[tenant.users]]\n").len(), 2);
    let admin = "[[admin.users]]\nname = 'ann'";
    assert_eq!(problem(admin), "1 admin.users[0].password_hash: is missing");
}

#[test]
fn values_out_of_their_bounds_are_refused() {
    let tenant = "[[tenant]]\nid='a'\n";
    for (text, expected) in [
        ("[server]\npublic_url='ftp://x'".to_owned(), "server.public_url: must be an http or https address"),
        ("[server]\ntrusted_proxies=['10.0.0.1','x']".to_owned(), "server.trusted_proxies[1]: must be an IP address"),
        ("[server]\ntrusted_proxies='10.0.0.1'".to_owned(), "server.trusted_proxies: must be a list of texts"),
        ("[server.limits]\nbody=-1".to_owned(), "server.limits.body: must be a whole number from 1024 to"),
        ("[store]\nengine='rocks'".to_owned(), "store.engine: must be \"sled\""),
        ("[store]\npath=' '".to_owned(), "store.path: must be the path of a directory"),
        ("[log]\nlevel='loud=very'".to_owned(), "log.level: must be off, error, warn, info, debug or trace, or a"),
        ("[log]\nlevel='verbose'".to_owned(), "log.level: must be off, error, warn, info, debug or trace, or a"),
        ("[log]\nlevel='info,dnis_gateway'".to_owned(), "log.level: must be"),
        ("[log]\nlevel=''".to_owned(), "log.level: must be"),
        (
            format!("{tenant}users=[{{name='u',password_hash='{HASH}',role='root'}}]"),
            "tenant[0].users[0].role: must be \"viewer\" or \"operator\" or \"admin\"",
        ),
        ("[interact]\ndefault_groups=['g']".to_owned(), "default_groups[0]: must be a group that a tenant has"),
        (
            format!("{tenant}groups=[{{name='g',fallback='h'}}]"),
            "tenant[0].groups[0].fallback: must be a group that the tenant has, and there is no \"h\"; correct the name",
        ),
        (
            format!("{tenant}groups=[{{name='g'}}]\ngms.service.request-access._resource_group='G'"),
            "gms.service.request-access._resource_group: must be a group that the tenant has, and there is no \"G\"",
        ),
        ("[access]\nwindow=1.5".to_owned(), "access.window: must be a whole number from 1 to 86400, not a fraction"),
        ("[server.limits]\nxml_attributes=4".to_owned(), "xml_attributes: must be a whole number from 8 to 512"),
        ("[soap]\nvalidation='strict'".to_owned(), "soap.validation: must be \"lenient\" or \"schema\""),
        ("[soap]\nfault_codes='standard'".to_owned(), "soap.fault_codes: must be \"vendor\" or \"qname\""),
        ("[gms]\ndefault_format='yaml'".to_owned(), "gms.default_format: must be \"xml\" or \"json\""),
        (
            "[interact]\nrelease_on_get='now'".to_owned(),
            "interact.release_on_get: must be \"never\", \"at-once\" or a whole number from 1 to 86400",
        ),
        (
            "[interact]\nrelease_on_get=0".to_owned(),
            "interact.release_on_get: must be \"never\", \"at-once\" or a whole number from 1 to 86400",
        ),
        ("[interact]\nrequire_known_interaction='yes'".to_owned(), "must be true or false, not a text"),
        (format!("{tenant}users=[{{name='u',password_hash='password'}}]"), "password_hash: must be an argon2id hash"),
        (
            format!("{tenant}applications=[{{name='u',kind='aicc',key='k'}}]"),
            "kind: must be \"dnis\" or \"interaction\"",
        ),
        (format!("{tenant}applications=[{{name='u',kind='dnis',key='a b'}}]"), "key: must have 1 to 255 printable"),
        (format!("{tenant}groups=[{{name='g',policy='best'}}]"), "policy: must be \"round-robin\" or \"random\" or"),
        (format!("{tenant}numbers=[{{number='1x',dnid='1'}}]"), "number: must have 1 to 32 characters of 0-9 + * #"),
        (format!("{tenant}gms.server.username='a:b'"), "gms.server.username: must not contain a colon"),
        (format!("{tenant}gms.server.realm='a\"b'"), "gms.server.realm: must have 1 to 255 printable"),
        (format!("{tenant}gms.service.x._service='chat'"), "_service: must be \"request-access\" or"),
        (
            format!("{tenant}gms.service.match-interaction._type='ors'"),
            "_type: must be \"builtin\"; services of type \"ors\" run on an Orchestration Server, which is not part of",
        ),
        (format!("{tenant}gms.service.get._type='query'"), "_type: must be \"builtin\""),
        (
            format!("{tenant}gms.service.x._service='office-hours'"),
            "must be \"request-access\" or \"request-interaction\" or \"match-interaction\" or \"get\"; the gateway has the",
        ),
        (format!("{tenant}gms.service.x._service='http://ors/x.scxml'"), "; the gateway runs no applications of an"),
        (format!("{tenant}gms.service.x._name='chat'\n"), "_name: must be \"request-access\" or"),
        (format!("{tenant}gms.service.get._online_code=100"), "from 200 to 599"),
        (
            format!("{tenant}gms.server.access_code_prefix='9-7'"),
            "access_code_prefix: must be digits such as \"9\", or",
        ),
        (format!("{tenant}groups=[{{name='g',_booking_expiration_timeout=4}}]"), "from 5 to 1800"),
        (format!("{tenant}groups=[{{name='g',sharing='both'}}]"), "sharing: must be \"exclusive\" or \"shared\""),
        (format!("{tenant}groups=[{{name='g',fallback='g'}}]"), "fall back on each other in a circle"),
        ("[gms]\nguess_limit=1001".to_owned(), "gms.guess_limit: must be a whole number from 0 to 1000"),
        ("[store]\ndocument_keys=0".to_owned(), "store.document_keys: must be a whole number from 1 to"),
        (format!("{tenant}gms.service.request-access._access_code_length=17"), "must be a whole number from 1 to 16"),
        (format!("{tenant}gms.service.request-access._booking_expiration_timeout=4"), "from 5 to 1800"),
        (format!("{tenant}gms.service.'a/b'._service='match-interaction'"), "must be one segment of a path"),
        ("tenant='a'".to_owned(), "tenant: must be a list of tables ([[tenant]]), not a text"),
        ("server=1".to_owned(), "server: must be a table ([server]), not a whole number"),
    ] {
        let found = problem(&text);
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn the_interact_prefix_is_a_plain_path_that_no_other_dialect_uses() {
    let load = |prefix: &str| load(&format!("[interact]\nprefix = '{prefix}'"));
    for prefix in ["/interact", "/a/b-c", "/x.y"] {
        assert_eq!(load(prefix).unwrap().interact.prefix, prefix);
    }
    for prefix in ["", "/", "interact", "/interact/", "/a//b", "/a b", "/a?b", "/{x}", "/..", "/genesys", "/gateway/v1"]
    {
        assert!(load(prefix).is_err(), "{prefix}");
    }
}

#[test]
fn seeds_name_an_environment_exactly_where_the_tenant_has_some() {
    let with =
        |seed: &str| format!("[[tenant]]\nid='a'\nenvironments=['Prod']\nnumbers=[{{number='1',dnid='1'{seed}}}]");
    assert!(problem(&with("")).ends_with("numbers[0].environment: is missing"));
    assert!(problem(&with(",environment='dev'")).ends_with("must be an environment of the tenant: prod"));
    let seeds = load(&with(",environment='PROD'")).unwrap().tenants["a"].seeds.clone();
    assert_eq!(seeds.numbers[0].environment, Some(EnvironmentName::new("prod").unwrap()));
    assert!(seeds.numbers[0].enabled);
    let without = "[[tenant]]\nid='a'\ninteractions=[{id='1',environment='prod'}]";
    assert!(problem(without).ends_with("environment: is not allowed: the tenant has no environments"));
}

#[test]
fn the_anonymous_tenant_and_the_gms_environment_must_exist() {
    let gms = |gms: &str, tenant: &str| format!("[gms]\n{gms}\n[[tenant]]\nid='a'\n{tenant}");
    let prod = "environments=['prod']";
    for (text, expected) in [
        (
            gms("anonymous_tenant='b'", ""),
            "2 gms.anonymous_tenant: must be the id of a tenant; there is no tenant \"b\"",
        ),
        (
            gms("anonymous_tenant='a'", prod),
            "1 gms.environment: is missing: the anonymous tenant \"a\" has environments",
        ),
        (gms("environment='dev'", prod), "2 gms.environment: must be an environment of a tenant; none has \"dev\""),
        (
            gms(
                "environment='dev'",
                &format!("{prod}\ngms.server.username='u'\n[[tenant]]\nid='b'\nenvironments=['dev']"),
            ),
            "2 gms.environment: must be an environment of the tenant \"a\" too",
        ),
    ] {
        assert_eq!(problem(&text), expected);
    }
    assert!(load(&gms("anonymous_tenant='a'\nenvironment='PROD'", prod)).is_ok());
}

#[test]
fn a_gms_password_needs_a_user_name_unless_the_tenant_is_the_anonymous_one() {
    let text = format!("[gms]\n#\n[[tenant]]\nid='a'\ngms.storage.password_hash='{HASH}'");
    assert!(
        problem(&text).starts_with("1 gms.anonymous_tenant: must be \"a\": that tenant has a GMS password without")
    );
    assert!(load(&text.replace('#', "anonymous_tenant='a'")).is_ok());
    assert!(load(&format!("{text}\ngms.server.username='u'")).is_ok());
}

#[test]
fn the_built_in_gms_services_need_no_section_and_can_have_other_names() {
    let settings = load("[[tenant]]\nid='a'\n[tenant.gms.service.mine]\n_service='request-access'\n_ttl=7").unwrap();
    let services = &settings.tenants["a"].gms.services;
    let names: Vec<&str> = services.keys().map(String::as_str).collect();
    assert_eq!(names, ["match-interaction", "mine", "request-access", "request-interaction"]);
    assert_eq!(services["mine"].built_in, BuiltIn::RequestAccess);
    assert_eq!(services["mine"].ttl, Some(Seconds::new(7)));
    assert_eq!(services["match-interaction"], Service::new(BuiltIn::MatchInteraction));
}

#[test]
fn a_gms_service_takes_only_the_options_that_mean_something_to_it() {
    let lending = ["_booking_expiration_timeout", "_phone_number", "_provide_code", "_resource_group", "_ttl"];
    for (service, key, value) in [
        ("request-interaction", "_id", "'1'"),
        ("request-interaction", "renew", "true"),
        ("request-access", "_access_number", "'1'"),
        ("request-access", "late_calls", "true"),
        ("match-interaction", "_provide_code", "true"),
        ("match-interaction", "_online_code", "200"),
        ("get", "_phone_number", "'1'"),
    ] {
        let found =
            problem(&format!("[[tenant]]\nid='a'\n[tenant.gms.service.x]\n_service='{service}'\n{key}={value}"));
        assert!(found.contains(&format!("{key}: is an unknown key")), "{found}");
    }
    let found = problem("[[tenant]]\nid='a'\n[tenant.gms.service.request-access]\n_wait_for_agent=true");
    assert!(lending.iter().all(|key| found.contains(key)), "{found}");
}

#[test]
fn a_gms_service_can_be_named_as_older_releases_do() {
    let settings = load("[[tenant]]\nid='a'\n[tenant.gms.service.mine]\n_name='match-interaction'").unwrap();
    assert_eq!(settings.tenants["a"].gms.services["mine"], Service::new(BuiltIn::MatchInteraction));
}

#[test]
fn secrets_can_lie_in_files_beside_the_configuration() {
    let text = "[[tenant]]\nid='a'\nusers=[{name='u',password_hash={file='hash'}}]\n\
                applications=[{name='n',kind='dnis',key={file='key'}}]";
    let (folder, path) = file(text);
    std::fs::write(folder.path().join("hash"), format!("{HASH}\n")).unwrap();
    std::fs::write(folder.path().join("key"), "k-1\r\n").unwrap();
    let settings = Settings::load(Some(&path), variables(&[]), &none()).unwrap();
    assert_eq!(settings.tenants["a"].users["u"].hash, PasswordHash::new(HASH).unwrap());
    assert!(settings.tenants["a"].applications[0].key.is(b"k-1"));

    std::fs::remove_file(folder.path().join("hash")).unwrap();
    std::fs::write(folder.path().join("key"), "one two").unwrap();
    let found = Settings::load(Some(&path), variables(&[]), &none()).unwrap_err().to_string();
    assert!(found.contains("tenant[0].users[0].password_hash: cannot read the file hash: "), "{found}");
    assert!(found.contains("tenant[0].applications[0].key: the content of the file key: must have"), "{found}");
    assert!(!found.contains("one two"), "{found}");
}

#[test]
fn a_user_is_an_operator_unless_the_role_says_otherwise() {
    let user = |name: &str, role: &str| format!("{{name='{name}',password_hash='{HASH}'{role}}}");
    let text = format!(
        "[admin]\nusers=[{}]\n[[tenant]]\nid='a'\nusers=[{},{},{}]",
        user("root", ",role='viewer'"),
        user("ann", ""),
        user("bob", ",role='viewer'"),
        user("cid", ",role='admin'"),
    );
    let settings = Settings::from_toml(&text).unwrap();
    let roles: Vec<_> = settings.tenants["a"].users.values().map(|user| user.role).collect();
    assert_eq!(roles, [Role::Operator, Role::Viewer, Role::Admin]);
    assert_eq!(settings.admin.users["root"].role, Role::Viewer);
    assert!(!Role::Viewer.may_change() && Role::Operator.may_change() && Role::Admin.may_change());
}

#[test]
fn no_secret_shows_in_debug_output_or_in_a_problem() {
    let shown = format!("{:?}", demo());
    assert!(!shown.contains("53475e5f1463f9ab2052ead") && !shown.contains("argon2id"), "{shown}");
    let found = problem("[[tenant]]\nid='a'\nusers=[{name='u',password_hash='hunter2'}]");
    assert!(!found.contains("hunter2"), "{found}");
}

#[test]
fn the_demo_is_the_vendors_samples() {
    let settings = demo();
    assert_eq!(settings.gms.anonymous_tenant.as_ref().unwrap().as_str(), "12345678");
    let tenant = &settings.tenants["12345678"];
    assert!(tenant.environments.is_empty());
    assert_eq!(tenant.users["admin"].role, Role::Admin);
    assert_eq!(tenant.users.len(), 1);
    let key = |kind| tenant.applications.iter().find(|application| application.kind == kind).unwrap().key.clone();
    assert!(key(ApplicationKind::Dnis).is(b"53475e5f1463f9ab2052ead"));
    assert!(key(ApplicationKind::Interaction).is(b"53736e07e4b05772e6475c2d"));
    assert!(tenant.groups.iter().all(|group| group.rules.policy == Policy::RoundRobin));
    for (group, numbers) in [
        ("DNIS", (0..10).map(|n| format!("650466413{n}")).collect::<Vec<_>>()),
        ("test", (0..10).map(|n| format!("38097452020{n}")).collect()),
        ("samples", vec!["111".to_owned(), "222".to_owned(), "2111234560".to_owned()]),
    ] {
        let seeds = tenant.seeds.numbers.iter().filter(|seed| seed.group.as_ref().unwrap().as_str() == group);
        for (seed, number) in seeds.clone().zip(&numbers) {
            assert_eq!(seed.number.to_string(), *number);
            assert_eq!(seed.dnid, Number::new(&number[number.len().saturating_sub(4)..]).unwrap());
            assert!(seed.enabled);
        }
        assert_eq!(seeds.count(), numbers.len(), "{group}");
    }
    assert_eq!(tenant.seeds.interactions[0].id, "1212-887ad635-22b1-49c5-ae7b-3b271bc10289");
    assert_eq!(tenant.seeds.interactions.len(), 1);
}

#[test]
fn the_sample_loads_and_shows_the_defaults() {
    let settings = load(SAMPLE).unwrap();
    let default = Settings::default();
    assert_eq!(settings.server, default.server);
    assert_eq!(settings.admin.users.len(), 1);
    assert_eq!(Admin { users: Users::new(), ..settings.admin }, default.admin);
    assert_eq!(settings.store, default.store);
    assert_eq!(settings.audit, default.audit);
    assert_eq!(settings.access, default.access);
    assert_eq!(settings.log, default.log);
    assert_eq!(settings.soap, default.soap);
    assert_eq!(settings.gms, default.gms);
    assert_eq!(settings.interact, default.interact);
    assert_eq!(settings.aicc, default.aicc);
    assert_eq!(settings.tenants.len(), 2);
}

#[test]
fn the_sample_shows_every_key_there_is() {
    // A key without default is commented out as `#key = value`; prose has a blank after the `#`.
    let uncommented: Vec<&str> = SAMPLE
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '_'))
                .unwrap_or(line)
        })
        .collect();
    let text = uncommented.join("\n");
    let (folder, path) = file(&text);
    std::fs::create_dir(folder.path().join("tls")).unwrap();
    let (certificate, key) = issued();
    std::fs::write(folder.path().join("tls/gateway.pem"), certificate).unwrap();
    std::fs::write(folder.path().join("tls/gateway.key"), key).unwrap();
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    std::fs::write(folder.path().join("secrets/aicc-signing.key"), "k".repeat(32)).unwrap();
    Settings::load(Some(&path), variables(&[]), &none()).unwrap();
    let (asked, given) = read_keys(&text);
    let missing: Vec<&String> = asked.difference(&given).collect();
    assert!(missing.is_empty(), "samples/gateway.toml does not show {missing:?}");
}

#[test]
fn a_reload_names_what_has_to_wait_for_a_restart() {
    let old = load("[access]\nfailures = 3").unwrap();
    let new = load("[access]\nfailures = 4\nwaiting = 1\n[store]\npath = 'b'\n[server]\nlisten = '[::1]:1'").unwrap();
    assert_eq!(old.waiting_for_restart(&new), ["server.listen", "store.path", "access.waiting"]);
    assert!(old.waiting_for_restart(&old).is_empty());
}
