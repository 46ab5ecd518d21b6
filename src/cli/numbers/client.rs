//! Calls to the API of a running gateway: who calls, and what a refusal says.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use rustls::crypto::ring;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use ureq::http::Response;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Body, RequestBuilder};

use super::Failure;
use crate::cli::url;

/// The variable that holds the password.
const PASSWORD: &str = "DNIS_GATEWAY_PASSWORD";
/// Where most systems keep the certificates that they trust.
const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where the gateway is, and who calls.
#[derive(Debug, Args)]
pub(super) struct Connection {
    /// Address of the gateway
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Tenant; may be left out without a key, where the user's name tells it
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Environment, where the tenant has any
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// User
    #[arg(long, value_name = "NAME")]
    user: String,
    /// Key of an application of the tenant, of kind dnis; without it, the user calls by Basic authentication
    #[arg(long, value_name = "KEY", requires = "tenant")]
    application_key: Option<String>,
    /// Certificates (PEM) that an https address is trusted by
    #[arg(long, value_name = "FILE", default_value = TRUSTED)]
    ca: PathBuf,
}

/// A caller that is ready to call.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(&'static str, String)>,
}

impl Connection {
    /// Makes the caller; asks for the password if it has to.
    pub(super) fn open(&self) -> Result<Client, Failure> {
        let mut config = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .max_redirects(0)
            // The gateway is asked itself; a proxy that the environment names is for the way to the outside.
            .proxy(None);
        let base = url::base(&self.url).map_err(Failure::Usage)?;
        if base.starts_with("https://") {
            config = config.tls_config(self.tls()?);
        }
        let password = password()?;
        let base = format!("{base}/gateway/v1");
        Ok(Client { agent: config.build().new_agent(), base, headers: self.headers(&password) })
    }

    fn tls(&self) -> Result<TlsConfig, Failure> {
        let name = self.ca.display();
        let text = std::fs::read(&self.ca);
        let text = text.map_err(|error| Failure::Usage(format!("--ca {name}: cannot be read: {error}")))?;
        let certificates = parse_pem(&text).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate.to_owned()),
            _ => None,
        });
        let certificates: Vec<_> = certificates.collect();
        if certificates.is_empty() {
            return Err(Failure::Usage(format!("--ca {name}: there is no certificate in it (PEM)")));
        }
        Ok(TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(RootCerts::from(certificates.into_iter()))
            .build())
    }

    fn headers(&self, password: &SecretString) -> Vec<(&'static str, String)> {
        let password = password.expose_secret();
        let mut headers = match (&self.tenant, &self.application_key) {
            (Some(tenant), Some(key)) => vec![
                ("Tenant-Id", tenant.clone()),
                ("Application-Key", key.clone()),
                ("User-Id", STANDARD.encode(&self.user)),
                ("User-Password", STANDARD.encode(password)),
            ],
            (tenant, _) => {
                let basic = STANDARD.encode(format!("{}:{password}", self.user));
                let tenant = tenant.clone().map(|tenant| ("Tenant-Id", tenant));
                [("Authorization", format!("Basic {basic}"))].into_iter().chain(tenant).collect()
            }
        };
        headers.extend(self.environment.clone().map(|name| ("Environment-Name", name)));
        headers
    }
}

/// The password, from the environment or from whoever sits at the terminal.
fn password() -> Result<SecretString, Failure> {
    match std::env::var(PASSWORD) {
        Ok(password) => Ok(password.into()),
        Err(std::env::VarError::NotUnicode(_)) => Err(Failure::Usage(format!("{PASSWORD} must be UTF-8 text"))),
        Err(std::env::VarError::NotPresent) => {
            let asked = rpassword::prompt_password("Password: ");
            let told = |error: io::Error| format!("set {PASSWORD}, or run this on a terminal that can ask: {error}");
            Ok(asked.map_err(|error| Failure::Usage(told(error)))?.into())
        }
    }
}

impl Client {
    /// A GET of a path below the API's prefix.
    pub(super) fn get(&self, path: &str) -> Result<Response<Body>, Failure> {
        let request = self.with_headers(self.agent.get(format!("{}{path}", self.base)));
        accepted(request.call().map_err(|error| self.unreachable(&error))?)
    }

    /// A GET of a JSON value.
    pub(super) fn json(&self, path: &str) -> Result<Value, Failure> {
        json(&mut self.get(path)?)
    }

    /// A POST whose body is read from `body` while it is sent. The answer may be a refusal.
    pub(super) fn post(&self, path: &str, media_type: &str, body: impl io::Read) -> Result<Response<Body>, Failure> {
        let request = self.with_headers(self.agent.post(format!("{}{path}", self.base)));
        let request = request.header("Content-Type", media_type);
        let mut body = body;
        request.send(ureq::SendBody::from_reader(&mut body)).map_err(|error| self.unreachable(&error))
    }

    fn with_headers<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::Operation(format!("{}: {error}", self.base))
    }
}

/// The answer, if it is no refusal.
pub(super) fn accepted(mut answer: Response<Body>) -> Result<Response<Body>, Failure> {
    if answer.status().is_success() { Ok(answer) } else { Err(refusal(&mut answer)) }
}

/// The JSON value of an answer.
pub(super) fn json(answer: &mut Response<Body>) -> Result<Value, Failure> {
    let text = answer.body_mut().read_to_string();
    let text = text.map_err(|error| Failure::Operation(format!("the answer broke off: {error}")))?;
    serde_json::from_str(&text).map_err(|_| Failure::Operation("the answer is no JSON; is this a gateway?".to_owned()))
}

/// What an answer says that refuses.
fn refusal(answer: &mut Response<Body>) -> Failure {
    let status = answer.status();
    let said = match json(answer) {
        Ok(problem) => told(&problem),
        Err(_) => None,
    };
    Failure::Operation(said.unwrap_or_else(|| format!("the gateway answered {status}")))
}

/// What a problem says.
pub(super) fn told(problem: &Value) -> Option<String> {
    Some(format!("{}: {}", problem["title"].as_str()?, problem["detail"].as_str()?))
}
