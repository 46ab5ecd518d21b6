//! A PostgreSQL server for the tests of one binary, from Debian's package, in a temporary folder. It ends with the binary,
//! however that ends.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// The password of every role that the tests make.
pub(crate) const PASSWORD: &str = "a-Password-of-tests";
/// The role that owns everything.
pub(crate) const ROLE: &str = "gateway";
/// The unprivileged user that Debian's package makes; the server refuses to run as root.
const USER: &str = "postgres";

/// A server.
pub(crate) struct Server {
    pub(crate) port: u16,
    folder: PathBuf,
    programs: PathBuf,
    settings: Vec<String>,
    /// Ends the server when its standard input ends: when this process does.
    keeper: Mutex<Option<Child>>,
}

/// The one server of this binary.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&[]))
}

/// A name of a schema that nobody has used yet.
pub(crate) fn schema() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("tests_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Does something that waits on a runtime of its own, also where one is running already.
pub(crate) fn apart<T: Send>(what: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(what).join().unwrap())
}

impl Server {
    /// Starts a server with settings beyond the usual ones.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("dnis-gateway-postgres-").tempdir().unwrap().keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        certificates(&folder);
        fs::write(folder.join("password"), PASSWORD).unwrap();
        let root = rustix::process::getuid().is_root();
        if root {
            run(Command::new("chown").args(["-R", USER]).arg(&folder));
        }
        let data = folder.join("data");
        run(unprivileged(root, &programs.join("initdb"))
            .args(["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", "--username", ROLE])
            .arg(format!("--pwfile={}", folder.join("password").display()))
            .arg(format!("--pgdata={}", data.display())));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let server = Self { port, folder, programs, settings, keeper: Mutex::new(None) };
        server.begin();
        server
    }

    /// Starts it, also after [`Self::crash`].
    pub(crate) fn begin(&self) {
        let folder = self.folder.display();
        let mut options = vec![
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={folder}"),
            "max_connections=200".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={folder}/server.pem"),
            format!("ssl_key_file={folder}/server.key"),
        ];
        options.extend(self.settings.iter().cloned());
        let options: Vec<_> = options.into_iter().map(|option| format!("-c '{option}'")).collect();
        let script = format!(
            "'{}' -D '{folder}/data' {} >>'{folder}/log' 2>&1 & server=$!; read -r keep; kill -QUIT $server; sleep 1; \
             kill -QUIT $server 2>/dev/null; wait $server; [ \"$keep\" = keep ] || rm -rf '{folder}'/*",
            self.programs.join("postgres").display(),
            options.join(" "),
        );
        let root = rustix::process::getuid().is_root();
        let keeper = unprivileged(root, Path::new("/bin/sh")).args(["-c", &script]).stdin(Stdio::piped()).spawn();
        *self.keeper.lock().unwrap() = Some(keeper.unwrap());
        self.wait();
    }

    /// Ends it in the middle of whatever it does, as a crash would; its data stays.
    pub(crate) fn crash(&self) {
        let Some(mut keeper) = self.keeper.lock().unwrap().take() else { return };
        keeper.stdin.take().unwrap().write_all(b"keep\n").unwrap();
        keeper.wait().unwrap();
    }

    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self.try_sql("SELECT 1") {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "the server did not start: {error}\n{log}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Where the database is.
    pub(crate) fn url(&self) -> String {
        format!("postgresql://{ROLE}@127.0.0.1:{}/postgres", self.port)
    }

    /// The settings of a gateway whose data is in a schema.
    pub(crate) fn settings(&self, schema: &str) -> dnis_gateway::config::Postgres {
        dnis_gateway::config::Postgres {
            url: Some(dnis_gateway::config::DatabaseUrl::new(&self.url()).unwrap()),
            password: Some(dnis_gateway::config::Secret::new(PASSWORD.to_owned())),
            schema: schema.to_owned(),
            ..Default::default()
        }
    }

    /// The file with the authority that vouches for the server as `localhost`.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// Does something in a session of its own.
    pub(crate) fn sql(&self, text: &str) -> Vec<Vec<Option<String>>> {
        self.try_sql(text).unwrap()
    }

    fn try_sql(&self, text: &str) -> Result<Vec<Vec<Option<String>>>, tokio_postgres::Error> {
        let mut config: tokio_postgres::Config = self.url().parse().unwrap();
        config.password(PASSWORD).ssl_mode(tokio_postgres::config::SslMode::Disable);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked = async {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
            let driver = tokio::spawn(connection);
            let rows = client.simple_query(text).await?;
            drop(client);
            drop(driver.await);
            let rows = rows.iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
                }
                _ => None,
            });
            Ok(rows.collect())
        };
        apart(move || runtime.block_on(asked))
    }
}

/// Where the newest programs of the package are.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
    newest.expect("PostgreSQL is not installed: apt-get install postgresql")
}

fn unprivileged(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program).current_dir("/");
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority, and a certificate of it for `localhost`.
fn certificates(folder: &Path) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join("server.key"), fs::Permissions::from_mode(0o600)).unwrap();
}
