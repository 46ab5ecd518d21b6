//! `[store.postgres]`: the database that several gateways share.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::Host;

use super::secret::Secret;
use super::section::Section;

/// How names of databases begin that a url can give.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];
/// Longest name of a schema, in bytes; PostgreSQL cuts what is longer.
const MOST_SCHEMA: usize = 63;

/// Section `store.postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    /// Where the database is; there is always one where the engine is `postgres`.
    pub url: Option<DatabaseUrl>,
    /// The role's password, if it has one.
    pub password: Option<Secret>,
    /// The schema that everything is in. Default `dnis_gateway`.
    pub schema: String,
    /// The file with the certificates (PEM) of the authorities that vouch for the server. Default: those of the system.
    pub ca: Option<PathBuf>,
    /// Whether a commit counts only where a standby has it as well. Default: it counts where the server says so.
    pub require_synchronous: bool,
    /// The longest that a commit may take, with all that is done to learn what became of it. Default 20 s.
    pub commit_timeout: Duration,
    /// How old answers from memory may be while the database cannot be asked. Default: there are none.
    pub stale_reads: Duration,
}

impl Default for Postgres {
    fn default() -> Self {
        Self {
            url: None,
            password: None,
            schema: "dnis_gateway".to_owned(),
            ca: None,
            require_synchronous: false,
            commit_timeout: Duration::from_secs(20),
            stale_reads: Duration::ZERO,
        }
    }
}

impl Postgres {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let seconds = |section: &mut Section<'_>, key, range| section.whole::<u64>(key, range).map(Duration::from_secs);
        let ca = section.file("ca");
        if let Some(Err(reason)) = ca.as_deref().map(certificates) {
            section.problem("ca", reason);
        }
        Self {
            url: section.text("url", DatabaseUrl::new),
            password: section.secret("password", |text| match text {
                "" => Err("must not be empty"),
                text => Ok(Secret::new(text.to_owned())),
            }),
            schema: section.text("schema", schema).unwrap_or(default.schema),
            ca,
            require_synchronous: section.flag("require_synchronous").unwrap_or(default.require_synchronous),
            commit_timeout: seconds(section, "commit_timeout", 5..=300).unwrap_or(default.commit_timeout),
            stale_reads: seconds(section, "stale_reads", 0..=3600).unwrap_or(default.stale_reads),
        }
    }
}

/// Where a database is, as a url without a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl {
    config: tokio_postgres::Config,
    secured: bool,
}

impl DatabaseUrl {
    /// Parses `postgresql://USER@HOST:PORT,HOST:PORT/DATABASE?OPTION=VALUE`.
    ///
    /// # Errors
    /// What is wrong with it; the text is not repeated, since a password may be in it.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return Err("must be a url such as postgresql://gateway@db.example.org:5432/contact_center".to_owned());
        }
        let (place, options) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut others) = (None, Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                _ => others.push(option),
            }
        }
        let plain = [place, &others.join("&")].join("?");
        let config: tokio_postgres::Config =
            plain.parse().map_err(|error| format!("cannot be read as a url of a database: {}", cause(&error)))?;
        if config.get_password().is_some() {
            return Err(
                "must not hold the password: put that into store.postgres.password, best as { file = \"...\" }"
                    .to_owned(),
            );
        }
        if config.get_hosts().is_empty() {
            return Err("must name a host: postgresql://USER@HOST/DATABASE".to_owned());
        }
        if config.get_user().is_none() || config.get_dbname().is_none() {
            return Err("must name the role and the database: postgresql://USER@HOST/DATABASE".to_owned());
        }
        let secured = match mode {
            Some("disable") => false,
            Some("require" | "verify-full") => true,
            Some(_) => {
                return Err("sslmode must be disable (no TLS), or require or verify-full, which both mean TLS with a \
                            certificate that is verified"
                    .to_owned());
            }
            None => !config.get_hosts().iter().all(is_of_this_machine),
        };
        Ok(Self { config, secured })
    }

    /// The parameters of a connection, without password and TLS.
    pub fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// Whether a connection is secured by TLS.
    pub fn secured(&self) -> bool {
        self.secured
    }
}

/// Whether what goes to a host never leaves this machine.
fn is_of_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// The certificates of authorities in a file.
///
/// # Errors
/// There are none that can be read.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = file.display();
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| format!("the file {name} cannot be read as certificates (PEM): {error}"))?;
    if found.is_empty() {
        return Err(format!("there is no certificate in the file {name} (PEM)"));
    }
    Ok(found)
}

/// The innermost reason of an error, which says most.
fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn schema(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let fits = text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || byte.is_ascii_digit())
        && text.len() <= MOST_SCHEMA
        && !text.starts_with("pg_");
    if fits {
        Ok(text.to_owned())
    } else {
        Err(
            "must be a name of small letters, digits and underscores that does not begin with a digit or pg_, at most 63 \
             characters",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        DatabaseUrl::new(url).unwrap_err()
    }

    #[test]
    fn only_what_stays_on_this_machine_goes_without_tls_unless_the_url_says_so() {
        let secured = |url: &str| DatabaseUrl::new(url).unwrap().secured();
        assert!(!secured("postgresql://gw@localhost/db"));
        assert!(!secured("postgresql://gw@127.0.0.2:5433,[::1]/db"));
        assert!(!secured("postgresql://gw@%2Frun%2Fpostgresql/db"));
        assert!(secured("postgres://gw@db.example.org/db"));
        assert!(secured("postgresql://gw@127.0.0.1,db.example.org/db"), "one of them is elsewhere");
        assert!(secured("postgresql://gw@localhost/db?sslmode=require"));
        assert!(!secured("postgresql://gw@db.example.org/db?connect_timeout=3&sslmode=disable"));
    }

    #[test]
    fn several_hosts_and_the_one_that_writes_can_be_asked_for() {
        let url = DatabaseUrl::new("postgresql://gw@a:5432,b:5433/db?target_session_attrs=read-write").unwrap();
        assert_eq!(url.config().get_hosts().len(), 2);
        assert_eq!(url.config().get_ports(), [5432, 5433]);
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_and_its_text_is_not() {
        for (url, expected) in [
            ("mysql://gw@host/db", "must be a url such as postgresql://"),
            ("postgresql://gw:hunter2@host/db", "store.postgres.password"),
            ("postgresql://gw:hunter2@host:port/db", "cannot be read"),
            ("postgresql:///db", "must name"),
            ("postgresql://host/db", "must name the role"),
            ("postgresql://gw@host", "must name the role and the database"),
            ("postgresql://gw@host/db?sslmode=prefer", "sslmode must be disable"),
            ("postgresql://gw@host/db?colour=blue", "cannot be read"),
        ] {
            let reason = refused(url);
            assert!(reason.contains(expected), "{url}: {reason}");
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }

    #[test]
    fn a_schema_is_a_plain_name() {
        assert_eq!(schema("gateway_2").unwrap(), "gateway_2");
        for name in ["", "2nd", "Gateway", "a-b", "pg_gateway", "a\"b", &"a".repeat(64)] {
            assert!(schema(name).is_err(), "{name}");
        }
    }
}
